"""Columns of phone numbers: cleaned, as digits, whole columns at once.

What cannot be a number, or was rounded by a spreadsheet, is none; the caller decides what follows.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smssim.logs.columns.numerals import integers
from smssim.logs.columns.texts import UNSAID, Flags, Integers, as_texts, cleaned
from smssim.numbers import digits_of

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_SHORTEST, _LONGEST = 5, 15
_PLUS = 0x2B
_ROUNDED = re.compile(r"\+?\d([.,]\d+)?[eE]\+?\d+")
_SMALLEST = 10 ** np.arange(_LONGEST + 1, dtype=np.int64)


class Numbers(NamedTuple):
    """Numbers as digits, 0 where there is none, how many each has, and which texts are none.

    `said` are the rows with any text; `rounded` those whose last digits are lost.
    """

    digits: Integers
    size: Integers
    said: Flags
    wrong: Flags
    rounded: Flags


def numbers_of(column: pa.Array, repaired: Counter[str]) -> Numbers:
    """Read a column of phone numbers of any type."""
    import pyarrow as pa

    column, texts = cleaned(as_texts(column), repaired)
    said = texts.length > 0
    plus = (texts.bytes[texts.start] == _PLUS) & said
    skip = plus.astype(np.int64)
    digits, right = integers(texts, skip)
    size = np.where(right, texts.length - skip, 0)
    size = np.where(right, size, 0)
    right &= (size >= _SHORTEST) & (size <= _LONGEST)
    # A leading zero is that of "00", or of a number without its calling code.
    right &= digits >= _SMALLEST[np.minimum(np.maximum(size - 1, 0), _LONGEST)]
    rounded = np.zeros(len(texts), np.bool_)
    rest = np.flatnonzero(said & ~right)
    if len(rest):
        known: dict[str, int] = {}
        for row, text in zip(rest.tolist(), column.take(pa.array(rest)).to_pylist(), strict=True):
            value = known.get(text)
            if value is None:
                value = known[text] = digits_of(text)
            digits[row] = value
            said[row] = text not in UNSAID
            rounded[row] = not value and _ROUNDED.fullmatch(text) is not None
        size[rest] = np.searchsorted(_SMALLEST, digits[rest], side="right")
    return Numbers(digits, size, said, said & (digits == 0), rounded)
