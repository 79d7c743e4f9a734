"""Columns of whole numbers that are different in every row, such as those of requests."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from smssim.logs.columns.codes import CodeColumn, count_meaning
from smssim.logs.columns.numerals import integers
from smssim.logs.columns.texts import Integers, Texts, as_texts

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


class CountColumn:
    """One column of counts up to *most*; plain numerals are read at once, the rest as codes."""

    def __init__(self, heading: str, most: int) -> None:
        self._most = most
        self._rest = CodeColumn(heading, count_meaning(0, most))

    def read(
        self, column: pa.Array, repaired: Counter[str]
    ) -> tuple[Integers, Integers, list[str]]:
        """The count of each row, -1 where nothing is said; the rows that break a rule, and why."""
        import pyarrow as pa

        column = as_texts(column)
        values, right = integers(Texts(column))
        right &= values <= self._most
        rest = np.flatnonzero(~right)
        if not len(rest):
            return values, rest, []
        values[rest], rows, reasons = self._rest.read(column.take(pa.array(rest)), repaired)
        return values, rest[rows], reasons
