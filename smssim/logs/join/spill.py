"""Facts partitioned by key: in memory as long as they are few, then in a nameless file.

All facts of a key are in one partition, so that each partition can be resolved alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
import numpy.typing as npt

from smssim.logs.join.facts import REPORT, SEND, UNKNOWN, Facts

__all__ = ["Spill", "period"]

_PARTITIONS = 64
_MEMORY = 256 * 2**20
"""Bytes of facts that stay in memory."""

_SMALL = 2**16
"""Facts that are gathered before they are sorted by partition: chunks may be of a single line."""
_TIMES = ("submitted", "final", "received")
_Bounds = npt.NDArray[np.int64]


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
