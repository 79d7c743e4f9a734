"""Counting by several keys at once: rows to cells, cells to frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[Any]
Columns = Mapping[str, Array]
_DENSEST, _SMALL = 8, 1 << 16
"""Cells a row, and in all, up to which a plain count is quicker than sorting."""


class Axis(NamedTuple):
    """One key of a tally: its values by code, counted from *first*; with *na*, code -1 is NA and
    stands first.
    """

    name: str
    names: Sequence[Any] | Array
    na: bool = False

    @property
    def size(self) -> int:
        return len(self.names) + self.na


class Counted(NamedTuple):
    """Cells that are not empty: their codes along each axis, and their sums by measure."""

    codes: dict[str, Array]
    sums: dict[str, Array]


def kinds_of(columns: Columns) -> tuple[dict[str, Array], Array]:
    """The combinations of small integers that occur, as columns, and which of them each row is.

    What hangs on such columns alone is then found out once a combination, not once a row.
    """
    lows = {name: int(column.min()) for name, column in columns.items()}
    sizes = [int(column.max()) - lows[name] + 1 for name, column in columns.items()]
    all_ = math.prod(sizes)
    n = len(next(iter(columns.values())))
    key: Array = np.zeros(n, np.int16 if all_ < 1 << 15 else np.int64)
    for (name, column), size in zip(columns.items(), sizes, strict=True):
        key *= size
        key += column
        key -= lows[name]
    found, kind = _distinct(key.astype(np.int64, copy=False), all_)
    places = zip(columns, np.unravel_index(found, sizes), strict=True)
    return {name: place + lows[name] for name, place in places}, kind


def count(axes: Sequence[Axis], codes: Columns, measures: Sequence[str]) -> Counted:
    """Count rows by their codes along *axes*; measures beside the first are sums of the columns of
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
    named = None
    if int(key.max()) > _DENSEST * len(key) + _SMALL:
        named, key = np.unique(key, return_inverse=True)
    number = np.bincount(key)
    cells = np.flatnonzero(number)
    sums = [number, *(_summed(key, codes[name], len(number)) for name in measures[1:])]
    places = np.unravel_index(
        (cells if named is None else named[cells]) + low, [a.size for a in axes]
    )
    return Counted(
        {a.name: place - a.na for a, place in zip(axes, places, strict=True)},
        {name: column.take(cells) for name, column in zip(measures, sums, strict=True)},
    )


def _summed(key: Array, column: Array, cells: int) -> Array:
    """The sum of a column by cell; exact, as sums of integers below 2**53 are in floating point."""
    own = np.flatnonzero(column > 0)
    return np.bincount(key.take(own), column.take(own), minlength=cells).astype(np.int64)


class Kept:
    """The cells of one tally, chunk after chunk."""

    def __init__(self, *axes: Axis, measures: tuple[str, ...] = ("messages",)) -> None:
        self._axes, self._measures = axes, measures
        self._parts: list[tuple[Array, list[Array]]] = []

    def add(self, counted: Counted) -> None:
        """Keep counted cells, summed over whatever this tally does not tell apart."""
        places = [counted.codes[axis.name] + axis.na for axis in self._axes]
        if not len(places[0]):
            return
        cells = np.ravel_multi_index(places, [axis.size for axis in self._axes])
        self._parts.append(folded([(cells, [counted.sums[name] for name in self._measures])]))
        if len(self._parts) > 32:
            self._parts = [folded(self._parts)]

    def frame(self) -> pd.DataFrame:
        """The cells by the values of their keys, in order."""
        import pandas as pd

        sizes = [axis.size for axis in self._axes]
        empty = np.empty(0, np.int64)
        cells, sums = folded(self._parts) if self._parts else (empty, [empty] * len(self._measures))
        places = np.unravel_index(cells, sizes)
        keys = {a.name: _named(a, place) for a, place in zip(self._axes, places, strict=True)}
        return pd.DataFrame(keys | dict(zip(self._measures, sums, strict=True)))


def folded(parts: list[tuple[Array, list[Array]]]) -> tuple[Array, list[Array]]:
    """The sums by distinct cell, in the order of cells."""
    every = np.concatenate([part[0] for part in parts])
    low = int(every.min())
    found, place = _distinct(every - low, int(every.max()) - low + 1)
    sums = []
    for number in range(len(parts[0][1])):
        total = np.zeros(len(found), np.int64)
        np.add.at(total, place, np.concatenate([part[1][number] for part in parts]))
        sums.append(total)
    return found + low, sums


def _distinct(key: Array, size: int) -> tuple[Array, Array]:
    """The numbers below *size* that occur, in order, and which of them each is."""
    if size > _DENSEST * len(key) + _SMALL:
        return np.unique(key, return_inverse=True)
    seen = np.zeros(size, bool)
    seen[key] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1).take(key)


def _named(axis: Axis, places: Array) -> Any:
    """The values of an axis at *places*, NA where there is none."""
    import pandas as pd

    named = axis.names
    if isinstance(named, np.ndarray):
        return named.take(places)
    if isinstance(named, range):
        numbers = np.asarray(places - axis.na)
        return np.where(numbers < 0, np.nan, numbers) if (numbers < 0).any() else numbers
    names = np.array([None, *named] if axis.na else list(named), object)
    return pd.array(names.take(places), dtype="str")
