"""Packed facts: fixed-size rows that can be kept by the million, in memory or on disk.

Times are microseconds since 1970 UTC and UNKNOWN where not said; codes index `Labels`, -1 is NA.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

UNKNOWN = -(2**63)
"""A time or a cost that is not said."""

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
        ("generation", "i1"),  # -1 where not said
        ("segments", "u1"),  # 0 where not said
        ("place", "i1"),
        ("result", "i1"),  # 0 to 4 of DOMAIN.md section 9, -1 where not said
        ("covered", "<i2"),  # segments from packages, -1 where not said
        ("number", "<u8"),  # keyed hash of the number, 0 where there is none
        ("application", "<i4"),  # below -1: a channel that stands in, see `standing_in`
        ("template", "<i4"),
        ("country", "<i4"),
        ("type", "<i4"),
        ("origin", "<i4"),  # `source` of our own tables
        ("cost", "<i8"),
    ]
)
"""A message or a segment as an answer, an export or a table tells of it."""

REPORT = np.dtype([*_ORIGIN, *_STATUS_FIELDS, ("entry", "<i4")])
"""A status report as a callback or a table tells of it; `part` 0 where not said."""

Facts = npt.NDArray[np.void]
Codes = npt.NDArray[np.signedinteger[Any]]

_CODES = ("status", "application", "template", "country", "type", "origin")
_FLAGS = ("request", "generation", "result", "covered")
_TIMES = ("submitted", "sent", "final", "received", "cost")
_ABSENT = dict.fromkeys((*_CODES, *_FLAGS), -1) | dict.fromkeys(_TIMES, UNKNOWN)


def standing_in(channel: Codes) -> Codes:
    """Codes of channels as they stand in for applications that their rows do not say.

    An application that another row says goes before them, and they do not contradict it.
    """
    return np.where(channel < 0, -1, -2 - channel)


def application_of(codes: Codes) -> Codes:
    """Codes of applications, and of channels that stand in for them, as codes of labels."""
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
    """Facts that say nothing yet: -1 in codes and flags, UNKNOWN in times, 0 in counts."""
    facts = np.zeros(n, dtype)
    for name in dtype.names or ():
        if name in _ABSENT:
            facts[name] = _ABSENT[name]
    return facts


# A piece: what some rows of a file say, ready to be kept until all files are read.


class RejectedRow(NamedTuple):
    """A record that cannot be used: its row in the file from 1, all its reasons, its text."""

    row: int
    reasons: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class ParsedChunk:
    """Facts of both kinds, what was refused, and how often what was repaired."""

    sends: Facts
    reports: Facts
    rejected: tuple[RejectedRow, ...] = ()
    repaired: Counter[str] = field(default_factory=Counter)

    @property
    def records(self) -> int:
        """Records met: what is kept and what is refused."""
        return len(self.sends) + len(self.reports) + len(self.rejected)
