"""A Parquet table of ours as compact columns, a chunk of rows at a time and only those wanted.

What a column holds is known before its first row: labels stand in the file's metadata, ranges of
numbers in the statistics of its row groups. A column that does not change within a row group is
not even decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from smssim.record.parquet import KIND, Kind, kinds_in, together_in
from smssim.record.schema import TIME

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

Array = NDArray[Any]
NAT = np.iinfo(np.int64).min
NA = -1
ROWS = 1 << 17
"""Rows of a chunk at most: a row group of ours, or a part of a larger one."""


class Times(NamedTuple):
    """Microseconds since 1970, and the rows that have none, whose values mean nothing."""

    us: Array
    none: Array


class Chunk(NamedTuple):
    """Some rows: codes or small numbers by column, NA as -1, and times; a column that does not
    change is one number.
    """

    group: int
    """The row group that the rows are of."""
    rows: int
    codes: dict[str, Array | int]
    times: dict[str, Times]


class Stored:
    """One file that a TableWriter wrote, open for reading; a ValueError says why it cannot be."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        self.path, self.kinds = path, kinds_in(path)
        self._file = pq.ParquetFile(path, pre_buffer=False, memory_map=False)
        self._about = self._file.metadata
        self.together = together_in(path)
        """What the numbers of the column KIND stand for; None where the file has no such."""
        if self.together is not None:
            self.kinds[KIND] = Kind("int32")
        self._places = {name: i for i, name in enumerate(self._file.schema_arrow.names)}

    @property
    def rows(self) -> int:
        """Rows of the whole table."""
        return int(self._about.num_rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def labels(self, name: str) -> list[Any]:
        """The labels of a coded column, by code."""
        return self.kinds[name].categories or []

    def range_of(self, name: str) -> tuple[int, int]:
        """The least and the greatest number of a column, -1 among them if any may be NA.

        Times are in microseconds; a column without any value has the range of nothing, (0, -1).
        """
        kind = self.kinds[name]
        if kind.labelled:
            return NA, len(self.labels(name)) - 1
        known = [one for one in self._ranges(name) if one is not None]
        low, high = min((a for a, _ in known), default=0), max((b for _, b in known), default=-1)
        return (low, high) if kind.dtype == TIME else (min(low, NA), high)

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """The rows in order, with the columns *names* of those that the table has."""
        wanted = [name for name in names if name in self.kinds]
        for group in range(self._about.num_row_groups):
            fixed = self._fixed(group, wanted)
            rest = [name for name in wanted if name not in fixed]
            if not rest:
                yield Chunk(group, self._about.row_group(group).num_rows, {**fixed}, {})
                continue
            for batch in self._batches(group, rest):
                yield Chunk(group, batch.num_rows, *self._columns(batch, rest, fixed))

    def least_from(self, name: str) -> list[int]:
        """For each row group the least number of a column in it and in all that follow."""
        least = [0 if one is None else one[0] for one in self._ranges(name)]
        return list(accumulate(reversed(least), min))[::-1]

    def _batches(self, group: int, names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from self._file.iter_batches(ROWS, [group], names, use_threads=False)

    def _columns(
        self, batch: pa.RecordBatch, names: list[str], fixed: dict[str, int]
    ) -> tuple[dict[str, Array | int], dict[str, Times]]:
        codes: dict[str, Array | int] = {**fixed}
        times = {}
        for name, column in zip(names, batch.columns, strict=True):
            if self.kinds[name].dtype == TIME:
                times[name] = _times(column)
            elif self.kinds[name].labelled:
                codes[name] = self._codes(column, self.kinds[name])
            else:
                filled = column.fill_null(NA) if column.null_count else column
                codes[name] = filled.to_numpy()
        return codes, times

    def _codes(self, column: pa.DictionaryArray, kind: Kind) -> Array:
        """Codes among the table's labels, which its row groups may have in another order."""
        own = column.dictionary.to_pylist()
        indices = column.indices
        codes: Array = (indices.fill_null(NA) if indices.null_count else indices).to_numpy()
        if own == (kind.categories or [])[: len(own)]:
            return codes
        return np.array([*(self._code(kind, label) for label in own), NA]).take(codes)

    def _code(self, kind: Kind, label: str) -> int:
        places: dict[Any, int] = {name: i for i, name in enumerate(kind.categories or [])}
        if label not in places:
            raise ValueError(f"{self.path}: holds {label!r}, which its metadata does not tell")
        return places[label]

    def _fixed(self, group: int, names: list[str]) -> dict[str, int]:
        """The columns that hold one value alone in a row group, by its statistics."""
        about = self._about.row_group(group)
        found = {}
        for name in names:
            kind = self.kinds[name]
            told = about.column(self._places[name]).statistics
            if kind.dtype == TIME or told is None or not told.has_null_count:
                continue
            if told.null_count == about.num_rows:
                found[name] = NA
            elif told.has_min_max and not told.null_count and told.min == told.max:
                found[name] = self._code(kind, told.min) if kind.labelled else int(told.min)
        return found

    def _ranges(self, name: str) -> list[tuple[int, int] | None]:
        """The least and greatest number of each row group, None where it has none."""
        return self._told.setdefault(
            name, [self._range(i, name) for i in range(self._about.num_row_groups)]
        )

    @cached_property
    def _told(self) -> dict[str, list[tuple[int, int] | None]]:
        return {}

    def _range(self, group: int, name: str) -> tuple[int, int] | None:
        import pyarrow.compute as pc  # type: ignore[import-untyped]

        about = self._about.row_group(group)
        told = about.column(self._places[name]).statistics
        if told is not None and told.has_null_count and told.null_count == about.num_rows:
            return None
        if told is not None and told.has_min_max:
            # Times are raw numbers: their statistics have no microseconds of Python's own.
            low, high = told.min_raw, told.max_raw
            return int(low), int(high)
        ends = [
            pc.min_max(_integers(batch.column(0))).as_py() for batch in self._batches(group, [name])
        ]
        lows = [end["min"] for end in ends if end["min"] is not None]
        highs = [end["max"] for end in ends if end["max"] is not None]
        return (min(lows), max(highs)) if lows else None


def _integers(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    return column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column


def _times(column: pa.Array) -> Times:
    """A column of times as it lies in memory: filling its gaps would be another copy."""
    raw = np.frombuffer(column.buffers()[1], np.int64, len(column) + column.offset)
    none = np.empty(0, np.int64)
    if column.null_count:
        none = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
    return Times(raw[column.offset :], none)
