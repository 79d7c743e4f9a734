"""Packed facts: rows of fixed size that can be held by the million, in memory or on disk.

Times are microseconds since 1970 UTC and UNKNOWN where absent; codes index `Labels`, -1 is NA.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

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
    "Spill",
    "application_of",
    "empty_facts",
    "period",
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
        ("resend_number", "i1"),  # -1 where absent
        ("segments", "u1"),  # 0 where absent
        ("stage", "i1"),
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
_FLAGS = ("request", "resend_number", "result", "covered")
_UNKNOWN_IF_ABSENT = ("submitted", "sent", "final", "received", "cost")
_ABSENT = dict.fromkeys((*_CODES, *_FLAGS), -1) | dict.fromkeys(_UNKNOWN_IF_ABSENT, UNKNOWN)

_PARTITIONS = 64
_MEMORY = 256 * 2**20
"""Bytes of facts that stay in memory."""

_SMALL = 2**16
"""Facts that are gathered before they are sorted by partition: chunks may be of a single line."""
_TIMES = ("submitted", "final", "received")
_Bounds = npt.NDArray[np.int64]


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


class Spill:
    """Takes facts in any order and gives them back by partition, as often as needed.

    A context: when it ends the facts are gone. On disk they have no name from the first byte on,
    so nothing of them stays behind even where the process is killed. *directory* is where the
    file is made, the system's temporary directory if None. Raise an OSError if it is full.
    """

    def __init__(self, memory: int = _MEMORY, directory: str | Path | None = None) -> None:
        self._sends, self._reports = _FactStore(SEND, directory), _FactStore(REPORT, directory)
        self._memory = memory
        self.first, self.last = 2**63 - 1, UNKNOWN
        """The first and last times of all facts, microseconds since 1970 UTC."""
        self.has_long_rows = False
        """Whether any send is of several segments and does not say of which."""
        self.files = 0
        """Files that the sends are of, by the highest of their numbers."""

    def add(self, sends: Facts, reports: Facts) -> None:
        """Store facts; the arrays may be used again afterwards."""
        for store, facts in ((self._sends, sends), (self._reports, reports)):
            if len(facts):
                store.add(facts)
                self._see(facts)
        self.files = max(self.files, int(sends["file"].max(initial=-1)) + 1)
        self.has_long_rows |= bool(((sends["segments"] > 1) & (sends["part"] == 0)).any())
        if self._sends.held + self._reports.held > self._memory:
            self._write()

    def __len__(self) -> int:
        return self._sends.rows + self._reports.rows

    @property
    def written(self) -> int:
        """Bytes on disk."""
        return self._sends.written + self._reports.written

    def partitions(self) -> Iterator[tuple[Facts, Facts]]:
        """Give the sends and the reports of every partition that has any, as they were added."""
        if self.written:
            self._write()
        for partition in range(_PARTITIONS):
            sends, reports = self._sends.partition(partition), self._reports.partition(partition)
            if len(sends) or len(reports):
                yield sends, reports

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._sends.close()
        self._reports.close()

    def _write(self) -> None:
        self._sends.write()
        self._reports.write()

    def _see(self, facts: Facts) -> None:
        for name in _TIMES:
            if name in (facts.dtype.names or ()):
                first, last = period(facts[name])
                self.first, self.last = min(self.first, first), max(self.last, last)


def period(times: npt.NDArray[np.int64]) -> tuple[int, int]:
    """The first and last of some times, absent ones ignored; crossed if there are none."""
    if not len(times):
        return 2**63 - 1, UNKNOWN
    times = np.ascontiguousarray(times)
    # Seen as unsigned, UNKNOWN is later than every time.
    first = int(times.view(np.uint64).min())
    return min(first, 2**63 - 1), int(times.max())


class _FactStore:
    """Sends or reports: blocks sorted by partition in memory, the same on disk."""

    def __init__(self, dtype: np.dtype[np.void], directory: str | Path | None) -> None:
        self._dtype, self._directory = dtype, directory
        self._loose: list[Facts] = []
        self._blocks: list[tuple[Facts, _Bounds]] = []
        self._extents: list[tuple[int, _Bounds]] = []
        self._file: IO[bytes] | None = None
        self._open = ExitStack()
        self.rows = self.held = self.written = self._waiting = 0

    def add(self, facts: Facts) -> None:
        self._loose.append(facts.copy() if len(facts) < _SMALL else facts)
        self._waiting += len(facts)
        self.rows += len(facts)
        self.held += facts.nbytes
        if self._waiting >= _SMALL:
            self._sort()

    def _sort(self) -> None:
        if not self._loose:
            return
        facts = self._loose[0] if len(self._loose) == 1 else np.concatenate(self._loose)
        self._loose, self._waiting = [], 0
        partition = (facts["key"][:, 0] % _PARTITIONS).astype(np.uint8)
        bounds = np.append(0, np.cumsum(np.bincount(partition, minlength=_PARTITIONS)))
        self._blocks.append((facts.take(np.argsort(partition, kind="stable")), bounds))

    def write(self) -> None:
        """Write what is in memory by partition, so that each is read back in one go."""
        self._sort()
        if not self._blocks:
            return
        if self._file is None:
            file = tempfile.TemporaryFile(dir=self._directory, buffering=0)  # noqa: SIM115
            self._file = self._open.enter_context(file)
        bounds = sum((block[1] for block in self._blocks), np.zeros(_PARTITIONS + 1, np.int64))
        self._extents.append((self.written, bounds))
        for partition in range(_PARTITIONS):
            for facts in self._in_memory(partition):
                data = facts.view(np.uint8).data
                while len(data):
                    data = data[self._file.write(data) :]
        self.written += int(bounds[-1]) * self._dtype.itemsize
        self._blocks, self.held = [], 0

    def _in_memory(self, partition: int) -> list[Facts]:
        return [facts[bounds[partition] : bounds[partition + 1]] for facts, bounds in self._blocks]

    def partition(self, partition: int) -> Facts:
        self._sort()
        held, size = self._in_memory(partition), self._dtype.itemsize
        counts = [int(bounds[partition + 1] - bounds[partition]) for _, bounds in self._extents]
        offsets = np.cumsum([0, *counts, *map(len, held)])
        facts = np.empty(offsets[-1], self._dtype)
        for offset, block in zip(offsets[len(counts) :], held, strict=False):
            facts[offset : offset + len(block)] = block
        for offset, count, (position, bounds) in zip(offsets, counts, self._extents, strict=False):
            assert self._file is not None
            self._file.seek(position + int(bounds[partition]) * size)
            _fill(self._file, facts[offset : offset + count].view(np.uint8).data)
        return facts

    def close(self) -> None:
        self._open.close()
        self._loose, self._blocks = [], []


def _fill(file: IO[bytes], data: memoryview) -> None:
    while len(data):
        got = file.readinto(data)  # type: ignore[attr-defined]
        if not got:
            raise OSError("the temporary file of facts is shorter than it was written")
        data = data[got:]
