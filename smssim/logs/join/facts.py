"""Packed facts: rows of fixed size that can be held by the million, in memory or on disk.

Times are microseconds since 1970 UTC and UNKNOWN where absent; codes index `Labels`, -1 is NA.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "REPORT",
    "SEND",
    "UNKNOWN",
    "Codes",
    "Facts",
    "Labels",
    "Names",
    "ParsedChunk",
    "RejectedRow",
    "application_of",
    "empty_facts",
    "standing_in",
]

UNKNOWN = -(2**63)
"""A time or a cost that is absent."""

_ORIGIN = [("key", "<u8", (2,)), ("file", "<i4"), ("unit", "<i4"), ("row", "<i8")]
_STATUS_FIELDS = [
    ("status", "<i4"),
    ("source", "i1"),
    ("part", "u1"),
    ("final", "<i8"),
    ("received", "<i8"),
]

SEND = np.dtype(
    [
        *_ORIGIN,
        *_STATUS_FIELDS,
        ("entry", "<i4"),  # number of the record within its row: a line may hold 500
        ("entry_hash", "<u8"),  # of a capture's entry, 0 in tables: equal entries are duplicates
        ("submitted", "<i8"),
        ("sent", "<i8"),
        ("request", "<i8"),  # -1: each message is a request of its own
        ("recipient", "<i4"),
        ("generation", "i1"),  # -1 where absent
        ("segments", "u1"),  # 0 where absent
        ("place", "i1"),
        ("result", "i1"),  # 0 to 4 of DOMAIN.md section 9, -1 where absent
        ("covered", "<i2"),  # segments from packages, -1 where absent
        ("number", "<u8"),  # keyed hash of the number, 0 where there is none
        ("application", "<i4"),  # below -1: a channel in its place, see `standing_in`
        ("template", "<i4"),
        ("country", "<i4"),
        ("type", "<i4"),
        ("origin", "<i4"),  # `source` of our own tables
        ("cost", "<i8"),
        ("anonymous", "?"),  # its key is made of its content: equal rows are different messages
    ]
)
"""A message or a segment of an answer, an export or another table."""

REPORT = np.dtype([*_ORIGIN, *_STATUS_FIELDS, ("entry", "<i4")])
"""A delivery report of a callback or a table; `part` is 0 where absent."""

Facts = npt.NDArray[np.void]
Codes = npt.NDArray[np.signedinteger[Any]]

_CODES = ("status", "application", "template", "country", "type", "origin")
_FLAGS = ("request", "generation", "result", "covered")
_TIMES = ("submitted", "sent", "final", "received", "cost")
_ABSENT = dict.fromkeys((*_CODES, *_FLAGS), -1) | dict.fromkeys(_TIMES, UNKNOWN)


def standing_in(channel: Codes) -> Codes:
    """Codes of channels as substitutes for the applications that their rows do not name.

    The application of another row goes before them, and they do not contradict it.
    """
    return np.where(channel < 0, -1, -2 - channel)


def application_of(codes: Codes) -> Codes:
    """Codes of applications, and of channels in their place, as codes of labels."""
    return np.where(codes < -1, -2 - codes, codes)


class Labels:
    """The labels of one column over all files: each new one gets the next code."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def code(self, label: str | None) -> int:
        """The code of a label, -1 for None and ""."""
        return self._codes.setdefault(label, len(self._codes)) if label else -1

    def codes(self, labels: Iterable[str | None]) -> npt.NDArray[np.int32]:
        """The codes of several labels."""
        return np.array([self.code(label) for label in labels], np.int32)

    @property
    def names(self) -> list[str]:
        """The labels, by code."""
        return list(self._codes)


@dataclass
class Names:
    """The labels of every coded column of facts."""

    status: Labels = field(default_factory=Labels)
    application: Labels = field(default_factory=Labels)
    template: Labels = field(default_factory=Labels)
    country: Labels = field(default_factory=Labels)
    type: Labels = field(default_factory=Labels)
    origin: Labels = field(default_factory=Labels)


def empty_facts(dtype: np.dtype[np.void], n: int) -> Facts:
    """Facts without a value yet: -1 in codes and flags, UNKNOWN in times, 0 in counts."""
    facts = np.zeros(n, dtype)
    for name in dtype.names or ():
        if name in _ABSENT:
            facts[name] = _ABSENT[name]
    return facts


# A chunk: the facts of some rows of a file, to be stored until all files are read.


class RejectedRow(NamedTuple):
    """A record rejected by its own row: its number in the file from 1, all reasons, its text."""

    row: int
    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class ParsedChunk:
    """Facts of sends and of reports, rejected rows, and counts of repairs by name."""

    sends: Facts
    reports: Facts
    rejected: tuple[RejectedRow, ...] = ()
    repaired: Counter[str] = field(default_factory=Counter)

    @property
    def records(self) -> int:
        """Number of records: facts and rejected rows."""
        return len(self.sends) + len(self.reports) + len(self.rejected)
