"""A line of an export: what it says, how it is written, and why a reader must refuse it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Raw(str):
    """A text that is in a file as it is, whatever the form makes of other values."""

    __slots__ = ()


@dataclass
class Line:
    """One record of an export; *said* is what a reader must understand of it.

    Times are seconds since 1970 UTC, money is in micro-units, what is not said is None. *written*
    holds the fields that stand in the file otherwise, *broken* how the whole line is broken, and
    *reasons* the words of the truth for why it cannot be used.
    """

    said: dict[str, Any]
    written: dict[str, Any] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    broken: str = ""
    file: str = ""
    unit: int = 0
    row: int = 0

    def value(self, name: str) -> Any:
        """What is in the file for a field, before the form writes it in its own way."""
        return self.written.get(name, self.said.get(name))

    def copy(self) -> Line:
        """The same line again."""
        return Line(dict(self.said), dict(self.written), list(self.reasons), self.broken)
