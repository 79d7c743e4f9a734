"""Kinds of rows: what most rows have in common is told once a kind, and rows are counted by it.

A month of millions has some hundred combinations of country, template, status, segments and so on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from smssim.logs.stored import Array

_TABLE = 1 << 22
"""Possible kinds up to which a table of them is quicker than sorting."""
_MOST = 1 << 62


class Written:
    """Kinds that the table itself numbers, by the *column* of that name."""

    def __init__(self, column: str, told: Mapping[str, Sequence[int]]) -> None:
        self._column = column
        self._told = {name: np.array(values, np.int64) for name, values in told.items()}

    def __len__(self) -> int:
        return len(next(iter(self._told.values())))

    def of(self, columns: Mapping[str, Array | int], rows: int) -> Array:
        """The kind of each row."""
        kind = columns[self._column]
        return np.full(rows, kind) if isinstance(kind, int) else kind

    def columns(self) -> dict[str, Array]:
        """What each kind has, in order of their numbers."""
        return dict(self._told)


class Kinds:
    """The combinations of small numbers that occur, numbered from 0 as they are first met.

    *ranges* says the least and the greatest number of each column.
    """

    def __init__(self, ranges: Mapping[str, tuple[int, int]]) -> None:
        self._lows = {name: low for name, (low, _) in ranges.items()}
        self._sizes = [max(high - low, 0) + 1 for low, high in ranges.values()]
        span = math.prod(self._sizes)
        if span >= _MOST:
            raise ValueError(f"ranges(={dict(ranges)}) must span less than 2**62 combinations")
        furthest = sum(
            math.prod(self._sizes[i + 1 :]) * max(abs(low), abs(high))
            for i, (low, high) in enumerate(ranges.values())
        )
        self._type = np.int32 if furthest < 1 << 30 else np.int64
        self._table = np.full(span, -1, np.int32) if span <= _TABLE else None
        self._number: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._number)

    def of(self, columns: Mapping[str, Array | int], rows: int) -> Array:
        """The kind of each row; a column may be one number for all of them."""
        key = self._keys(columns, rows)
        if self._table is None:
            found, place = np.unique(key, return_inverse=True)
            return self._numbers(found).take(place)
        kind = self._table.take(key)
        if int(kind.min()) < 0:
            found = np.unique(key[kind < 0])
            self._table[found] = self._numbers(found)
            kind = self._table.take(key)
        return kind

    def columns(self) -> dict[str, Array]:
        """What each kind has, in order of their numbers."""
        keys = np.fromiter(self._number, np.int64, len(self._number))
        places = np.unravel_index(keys, self._sizes) if self._sizes else ()
        return {
            name: place + low for (name, low), place in zip(self._lows.items(), places, strict=True)
        }

    def _keys(self, columns: Mapping[str, Array | int], rows: int) -> Array:
        """Mixed radix, the last column fastest."""
        stride, base = 1, 0
        key: Array = np.zeros(rows, self._type)
        for (name, low), size in zip(
            reversed(self._lows.items()), reversed(self._sizes), strict=True
        ):
            column = columns[name]
            base -= low * stride
            if isinstance(column, int):
                base += column * stride
            else:
                wide = column if stride == 1 else np.multiply(column, stride, dtype=self._type)
                np.add(key, wide, out=key, casting="unsafe")
            stride *= size
        key += self._type(base)
        return key

    def _numbers(self, keys: Array) -> Array:
        """The number of each key, given now if it had none."""
        number = self._number
        found = [number.setdefault(key, len(number)) for key in keys.tolist()]
        return np.array(found, np.int64)
