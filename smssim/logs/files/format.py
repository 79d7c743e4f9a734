"""What a format of files offers to those who read them: recognition, tables, and rows once more.

A new format is a module with the functions of `Format`, and a line in `detect.FORMATS`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

from smssim.logs.files.bytes import UTF8, as_utf8, blocks, encoding_of, is_gzip, start_of
from smssim.logs.files.table import IsHeading, Keys, Table

__all__ = ["Capture", "Empty", "Format", "Head", "HeadingRules", "Opened", "Unreadable"]

_HEAD_BYTES = 1 << 20


@dataclass(frozen=True)
class Capture:
    """Lines of a server. `lines()` gives number, bytes in UTF-8, and whether the line is whole.

    Of a line beyond 8,000,000 bytes only the beginning is given. A CutShortError after the last
    line says that the file cannot be read on. `not_records` counts lines of other things, and is
    complete when the lines are.
    """

    path: str
    detected: Mapping[str, str]
    lines: Callable[[], Iterator[tuple[int, bytes, bool]]]
    not_records: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Unreadable:
    """A file that is no log: the reason, and its first lines where they can be shown."""

    path: str
    reason: str
    text: str = ""


@dataclass(frozen=True)
class Empty:
    """A file that holds nothing: a log without a record."""

    path: str


Opened = Table | Capture | Unreadable | Empty


def _no_keys(headings: Sequence[str]) -> tuple[int, ...]:
    return ()


class HeadingRules(NamedTuple):
    """How the headings of a table are recognised, and which of them are ids or numbers."""

    is_heading: IsHeading
    keys: Keys = _no_keys


@dataclass(frozen=True)
class Head:
    """The beginning of a file, by which its format is recognised; its name is never asked.

    *encoding* is what the user says, None if he leaves it to the file; *table* is the one of a
    database that he asks for.
    """

    path: Path
    encoding: str | None = None
    table: str | None = None

    @cached_property
    def start(self) -> bytes:
        """The first 16 bytes as they are stored. Raise an OSError if they cannot be read."""
        return start_of(self.path, 16)

    @cached_property
    def is_gzip(self) -> bool:
        """Whether the file is compressed by gzip."""
        return is_gzip(self.path)

    @cached_property
    def data(self) -> bytes:
        """The first megabyte, unpacked. Raise a CutShortError where none precedes an error."""
        return next(blocks(self.path, _HEAD_BYTES), b"")

    @cached_property
    def text(self) -> bytes:
        """The first megabyte in UTF-8, as far as its encoding is known by now."""
        return b"".join(as_utf8([self.data], self.known_encoding or UTF8))

    @cached_property
    def known_encoding(self) -> str | None:
        """The encoding that the user or the first bytes say; None where only the rest can."""
        return self.encoding or encoding_of(self.data)

    def detected(self, form: str) -> dict[str, str]:
        """What provenance says of the file: its format, and gzip around it."""
        return {"form": form, **({"compression": "gzip"} if self.is_gzip else {})}


class Format(Protocol):
    """One format of files; a module with these names is one."""

    FORMS: tuple[str, ...]
    """What provenance calls its files."""
    IS_BINARY: bool
    """Whether its files are recognised as they are stored, not by their text."""
    BEGINS: re.Pattern[bytes]
    """What its files begin with; that of a text is matched against its first bytes in UTF-8."""

    def tables(self, head: Head, rules: HeadingRules) -> Iterator[Opened | str]:
        """The tables in the file, or the text it begins with where it has no heading.

        Raise a ValueError or an OSError that says why the file cannot be read.
        """

    def reread(
        self, path: Path, rows: Collection[int], detected: Mapping[str, str]
    ) -> Iterator[tuple[int, str]]:
        """Some *rows* of a file and their texts, as `Batch.text` gives them.

        *detected* is that of the table: nothing is recognised once more.
        """
