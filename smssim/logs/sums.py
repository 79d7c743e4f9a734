"""Sums by two numbers of each row, kept for the cells alone that are not empty."""

from __future__ import annotations

import numpy as np

from smssim.logs.stored import Array
from smssim.record.counting import folded

_DENSEST, _SMALL = 4, 1 << 16
"""Cells a row, and in all, up to which a plain count is quicker than sorting."""


class Sums:
    """Rows, and the sum of a column of theirs, by a first number and a second.

    *firsts* says how many first numbers there are, if they are few.
    """

    def __init__(self, firsts: int | None = None) -> None:
        self._parts: list[tuple[Array, list[Array]]] = []
        self._firsts, self._stride = firsts, 1

    def add(self, first: Array, second: Array, seconds: int, column: Array | None = None) -> Array:
        """Count rows by *first* from 0 and *second* below *seconds*; return the rows by second."""
        low, named = 0, None
        if self._firsts is not None and self._firsts * seconds <= _SMALL * _DENSEST:
            key = first * seconds
            key += second
        else:
            low = int(first.min())
            key = first - low
            key *= seconds
            key += second
            if int(key.max()) >= _DENSEST * len(key) + _SMALL:
                named, key = np.unique(key, return_inverse=True)
        number = np.bincount(key)
        cells = np.flatnonzero(number)
        sums = [number.take(cells), np.zeros(len(cells), np.int64)]
        if column is not None:
            # Exact, as sums of integers below 2**53 are in floating point.
            sums[1] = np.bincount(key, column).take(cells).astype(np.int64)
        places, seconds_ = np.divmod(cells if named is None else named[cells], seconds)
        self._widen(seconds)
        self._parts.append(((places + low) * self._stride + seconds_, sums))
        if len(self._parts) > 32:
            self._parts = [folded(self._parts)]
        return np.bincount(seconds_, sums[0], minlength=seconds)

    def cells(self) -> tuple[Array, Array, list[Array]]:
        """First number, second number, and the sums of each cell that is not empty."""
        if not self._parts:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, [nothing, nothing]
        cells, sums = folded(self._parts)
        return (*np.divmod(cells, self._stride), sums)

    def _widen(self, seconds: int) -> None:
        """Have room for second numbers: cells that lie close together are summed faster."""
        if seconds <= self._stride:
            return
        old, self._stride = self._stride, 1 << (seconds - 1).bit_length()
        for place, (cells, sums) in enumerate(self._parts):
            first, second = np.divmod(cells, old)
            self._parts[place] = first * self._stride + second, sums
