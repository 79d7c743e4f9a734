"""Cells of a tally: counts and sums by combinations of codes, in memory that is bounded.

Nothing here knows what is counted; `smssim.record.counting` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Array", "Axis", "CellTally", "Cells", "Columns", "count_cells", "distinct_combinations"]

Array = NDArray[Any]
Columns = Mapping[str, Array]
_DENSEST, _FEW_CELLS = 8, 1 << 16
"""Cells per row, and in all, up to which a table of all cells is quicker than sorting."""
_WIDEST = 1 << 62
_CELLS_TO_FOLD = 32
"""Chunks of a tally that are stored before they are summed."""


class Axis(NamedTuple):
    """One key of a tally and its values by code; with *na*, code -1 is NA and comes first."""

    name: str
    values: Sequence[Any] | Array
    na: bool = False

    @property
    def size(self) -> int:
        return len(self.values) + self.na

    def at(self, positions: Array) -> Any:
        """The values at some positions, NA's being the first."""
        if isinstance(self.values, np.ndarray):
            return self.values.take(positions)
        if isinstance(self.values, range):
            numbers = np.asarray(positions - self.na)
            return np.where(numbers < 0, np.nan, numbers) if (numbers < 0).any() else numbers
        names = np.array([None, *self.values] if self.na else list(self.values), object)
        return pd.array(names.take(positions), dtype="str")


class Cells(NamedTuple):
    """Cells that are not empty: their codes along each axis, and their sums by measure."""

    codes: dict[str, Array]
    sums: dict[str, Array]

    def where(self, chosen: Array) -> Cells:
        """The cells that are *chosen*."""
        rows = np.flatnonzero(chosen)
        return Cells(*({n: c.take(rows) for n, c in columns.items()} for columns in self))


class CellTally:
    """One tally: its cells, chunk after chunk."""

    def __init__(self, *axes: Axis, measures: tuple[str, ...] = ("messages",)) -> None:
        self._axes, self._measures = axes, measures
        self._chunks: list[tuple[Array, list[Array]]] = []

    def add(self, cells: Cells) -> None:
        """Add cells, summed over the keys that this tally does not show apart."""
        positions = [cells.codes[axis.name] + axis.na for axis in self._axes]
        if not len(positions[0]):
            return
        keys = np.ravel_multi_index(positions, [axis.size for axis in self._axes])
        self._chunks.append(_folded([(keys, [cells.sums[name] for name in self._measures])]))
        if len(self._chunks) > _CELLS_TO_FOLD:
            self._chunks = [_folded(self._chunks)]

    def frame(self) -> pd.DataFrame:
        """The cells by the values of their keys, in order."""
        empty = np.empty(0, np.int64)
        keys, sums = (
            _folded(self._chunks) if self._chunks else (empty, [empty] * len(self._measures))
        )
        positions = np.unravel_index(keys, [axis.size for axis in self._axes])
        columns = {
            a.name: a.at(position) for a, position in zip(self._axes, positions, strict=True)
        }
        return pd.DataFrame(columns | dict(zip(self._measures, sums, strict=True)))


def distinct_combinations(columns: Columns) -> tuple[dict[str, Array], Array]:
    """The combinations of integers that occur, as columns, and which of them each row has.

    What depends on such columns alone can then be derived once per combination.
    """
    key: Array = np.zeros(len(next(iter(columns.values()))), np.int64)
    cells = 1
    for column in columns.values():
        low = int(column.min())
        size = int(column.max()) - low + 1
        if cells * size >= _WIDEST:
            _, key = np.unique(key, return_inverse=True)
            cells = len(key)
        key = key * size
        key += column
        key -= low
        cells *= size
    present, combination = _distinct(key, cells)
    row = np.empty(len(present), np.int64)
    row[combination] = np.arange(len(key))
    return {name: column.take(row) for name, column in columns.items()}, combination


def count_cells(axes: Sequence[Axis], codes: Columns, measures: Sequence[str]) -> Cells:
    """Count rows by their codes along *axes*; measures after the first are sums of the columns of
    that name.
    """
    key, shift = codes[axes[0].name].astype(np.int64), int(axes[0].na)
    for axis in axes[1:]:
        if axis.size > 1:
            shift = shift * axis.size + axis.na
            key *= axis.size
            key += codes[axis.name]
    low = int(key.min())
    key -= low
    low += shift
    names = None
    if int(key.max()) > _DENSEST * len(key) + _FEW_CELLS:
        names, key = np.unique(key, return_inverse=True)
    number = np.bincount(key)
    cells = np.flatnonzero(number)
    sums = [number, *(_summed(key, codes[name], len(number)) for name in measures[1:])]
    positions = np.unravel_index(
        (cells if names is None else names[cells]) + low, [a.size for a in axes]
    )
    return Cells(
        {a.name: position - a.na for a, position in zip(axes, positions, strict=True)},
        {name: column.take(cells) for name, column in zip(measures, sums, strict=True)},
    )


def _summed(key: Array, column: Array, cells: int) -> Array:
    """The sum of a column by cell; exact, as sums of integers below 2**53 are in floating point."""
    rows = np.flatnonzero(column > 0)
    return np.bincount(key.take(rows), column.take(rows), minlength=cells).astype(np.int64)


def _folded(chunks: Iterable[tuple[Array, list[Array]]]) -> tuple[Array, list[Array]]:
    """The sums by distinct cell, in the order of cells."""
    keys, sums = zip(*chunks, strict=True)
    every = np.concatenate(keys)
    low = int(every.min())
    present, cell = _distinct(every - low, int(every.max()) - low + 1)
    totals = []
    for measure in zip(*sums, strict=True):
        total = np.zeros(len(present), np.int64)
        np.add.at(total, cell, np.concatenate(measure))
        totals.append(total)
    return present + low, totals


def _distinct(key: Array, size: int) -> tuple[Array, Array]:
    """The numbers below *size* that occur, in order, and which of them each is."""
    if size > _DENSEST * len(key) + _FEW_CELLS:
        return np.unique(key, return_inverse=True)
    seen = np.zeros(size, bool)
    seen[key] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1).take(key)
