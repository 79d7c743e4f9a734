"""Columns that repeat themselves together: their combinations numbered as they are first met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from smssim.record.cells import Array, Columns, kinds_of

_MOST = 1 << 14
_WIDEST = 1 << 12
"""Numbers of a column up to which they are taken as they are."""


class Together:
    """Numbers the combinations of the columns *names* from 0, over any number of chunks.

    Codes and small numbers are expected, -1 for NA (masked, too). With more than 16,384
    combinations it gives up: `whole` is False then, and the numbers mean nothing.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.whole = tuple(names), True
        self._number: dict[tuple[int, ...], int] = {}

    def number(self, columns: Columns) -> Array:
        """The number of the combination of each row."""
        rows = len(columns[self.names[0]])
        if not rows or not self.whole:
            return np.zeros(rows, np.int32)
        small, values = {}, {}
        for name in self.names:
            small[name], values[name] = _small(_plain(columns[name]))
        spans = [int(column.max()) - int(column.min()) + 1 for column in small.values()]
        if math.prod(spans) >= 1 << 62:
            self.whole = False
            return np.zeros(rows, np.int32)
        found, kind = kinds_of(small)
        own = [_valued(found[name], values[name]).tolist() for name in self.names]
        number = self._number
        numbers = [number.setdefault(told, len(number)) for told in zip(*own, strict=True)]
        self.whole = len(number) <= _MOST
        return np.array(numbers, np.int32).take(kind)

    def told(self) -> dict[str, list[int]]:
        """What each number stands for, by column."""
        return {name: [told[i] for told in self._number] for i, name in enumerate(self.names)}


def _plain(column: Array) -> Array:
    return column.filled(-1) if isinstance(column, np.ma.MaskedArray) else column


def _small(column: Array) -> tuple[Array, Array | None]:
    """A column of small numbers; where they are large, places among the values that occur."""
    if int(column.min()) >= -1 and int(column.max()) < _WIDEST:
        return column, None
    import pyarrow as pa  # type: ignore[import-untyped]

    encoded: Any = pa.array(column).dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.to_numpy()


def _valued(places: Array, values: Array | None) -> Array:
    return places if values is None else values.take(places)
