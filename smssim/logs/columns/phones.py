"""Columns of phone numbers: cleaned, as digits, whole columns at once.

What cannot be a number, or was rounded by a spreadsheet, is none; the caller decides what follows.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smssim.logs.columns.texts import UNSAID, Flags, Integers, Texts, as_texts, cleaned, integers
from smssim.sms.phone_numbers import digits_of

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_SHORTEST, _LONGEST = 5, 15
_PLUS = 0x2B
_FEW = 64
_SEPARATORS = r"[\s()\[\]\-\x{2010}-\x{2015}]+"
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
    right &= (size >= _SHORTEST) & (size <= _LONGEST)
    # A leading zero is that of "00", or of a number without its calling code.
    right &= digits >= _SMALLEST[np.minimum(np.maximum(size - 1, 0), _LONGEST)]
    rounded = np.zeros(len(texts), np.bool_)
    rest = np.flatnonzero(said & ~right)
    if len(rest) > _FEW:
        digits[rest] = _swept(column.take(pa.array(rest)))
        rest = rest[digits[rest] == 0]
    if len(rest):
        values = column.take(pa.array(rest)).to_pylist()
        digits[rest] = [digits_of(text) for text in values]
        said[rest] = [text not in UNSAID for text in values]
        rounded[rest] = [_ROUNDED.fullmatch(text) is not None for text in values]
    odd = said & ~right
    size[odd] = np.searchsorted(_SMALLEST, digits[odd], side="right")
    return Numbers(digits, size, said, said & (digits == 0), rounded)


def _swept(column: pa.Array) -> Integers:
    """The digits of numbers with separators and a leading "00", 0 where more is to be looked at.

    It says what `digits_of` says, for many numbers at once.
    """
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]

    trunk = pc.match_substring(column, "(0)")
    bare = pc.replace_substring_regex(column, _SEPARATORS, "")
    bare = pc.replace_substring_regex(bare, "^(?:00|\\+)", "")
    digits, right = integers(Texts(pc.if_else(trunk, pa.scalar("", pa.string()), bare)))
    right &= (digits >= _SMALLEST[_SHORTEST - 1]) & (digits < _SMALLEST[_LONGEST])
    lengths = pc.binary_length(bare).to_numpy(zero_copy_only=False)
    right &= np.searchsorted(_SMALLEST, digits, side="right") == lengths
    return np.where(right, digits, 0)
