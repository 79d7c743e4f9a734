"""A piece: what some rows of a file say, ready to be kept until all files are read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from smssim.logs.join.facts import Facts


class Refused(NamedTuple):
    """A record that cannot be used: its row in the file from 1, all its reasons, its text."""

    row: int
    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Piece:
    """Facts of both kinds, what was refused, and how often what was repaired."""

    sends: Facts
    reports: Facts
    refused: tuple[Refused, ...] = ()
    repaired: Counter[str] = field(default_factory=Counter)

    @property
    def records(self) -> int:
        """Records met: what is kept and what is refused."""
        return len(self.sends) + len(self.reports) + len(self.refused)
