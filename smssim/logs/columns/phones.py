"""Columns of phone numbers: cleaned, as digits, whole columns at once.

What cannot be a number, or was rounded by a spreadsheet, is none; the caller decides what follows.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from smssim.arrays import Ints, Mask
from smssim.logs.columns.texts import as_texts, cleaned, integers, is_filled
from smssim.sms.phone_numbers import country_index_of, digits_of

__all__ = ["MainlandNumbers", "Numbers", "numbers_of"]

_SHORTEST, _LONGEST = 5, 15
_FEW, _ENOUGH = 64, 12
_MAINLAND, _AFTER_MAINLAND = 13_000_000_000, 20_000_000_000
_MAY_BE_MAINLAND = r"^[^0-9+]*1[^0-9+]*[3-9]"
_INTERNATIONAL = r"^[^0-9]*(?:\+|00)"
_SEPARATORS = r"[\s()\[\]\-\x{2010}-\x{2015}\x{2212}\x{2000}-\x{200a}]+"
_POINT = re.compile(r"(\+?[0-9]{5,15})[.,]0{1,2}")
# As in a link, or with points or slashes between three groups of digits or more.
_WRITTEN = re.compile(r"(?i:tel:)\+?[0-9 ()\-]+|(?:(?i:tel:))?\+?[0-9]+(?:[./][0-9]+){2,}")
_AS_FLOATS = "numbers with a decimal point"
"""Name of the repair of a number that went through a column of floats, and lost no digit."""
_ROUNDED = re.compile(r"\+?\d([.,]\d+)?[eE]\+?\d+")
_SMALLEST = 10 ** np.arange(_LONGEST + 1, dtype=np.int64)


class Numbers(NamedTuple):
    """Numbers as digits, 0 where there is none, and how many digits each has.

    `without_code` are those of eleven digits that begin with 13 to 19, and have no plus: numbers of
    mainland China as its console shows them, or numbers of +1. `is_filled` are the rows with any
    text, `wrong` those with a text that is no number, `rounded` those whose last digits are lost.
    """

    digits: Ints
    size: Ints
    without_code: Mask
    is_filled: Mask
    wrong: Mask
    rounded: Mask


def numbers_of(column: pa.Array, repaired: Counter[str]) -> Numbers:
    """Read a column of phone numbers of any type."""
    column, _ = cleaned(as_texts(column), repaired)
    filled = is_filled(column)
    bare = column
    if pc.any(pc.starts_with(column, "+")).as_py():
        bare = pc.if_else(pc.starts_with(column, "+"), pc.utf8_slice_codeunits(column, 1), column)
    digits, right = integers(bare)
    # A leading zero is that of "00", or of a number without its calling code.
    size = _digits_in(digits)
    right &= size == pc.fill_null(pc.binary_length(bare), 0).to_numpy()
    right &= (size >= _SHORTEST) & (size <= _LONGEST)
    rounded = np.zeros(len(column), np.bool_)
    rest = np.flatnonzero(filled & ~right)
    digits[~right] = 0
    if len(rest) > _FEW:
        digits[rest] = _digits_of_many(column.take(pa.array(rest)))
        rest = rest[digits[rest] == 0]
    if len(rest):
        values = column.take(pa.array(rest)).to_pylist()
        digits[rest] = [_digits_of(text, repaired) for text in values]
        rounded[rest] = [_ROUNDED.fullmatch(text) is not None for text in values]
    without_code = (digits >= _MAINLAND) & (digits < _AFTER_MAINLAND)
    if without_code.any():
        rows = np.flatnonzero(without_code)
        texts = column.take(pa.array(rows))
        without_code[rows] = ~pc.match_substring_regex(texts, _INTERNATIONAL).to_numpy(False)
    return Numbers(
        digits, _digits_in(digits), without_code, filled, filled & (digits == 0), rounded
    )


def _digits_of(text: str, repaired: Counter[str]) -> int:
    if _WRITTEN.fullmatch(text):
        text = re.sub(r"^tel:|[./]", "", text, flags=re.IGNORECASE)
    match = _POINT.fullmatch(text)
    if match is not None:
        repaired[_AS_FLOATS] += 1
    return digits_of(match[1] if match else text)


def _digits_of_many(column: pa.Array) -> Ints:
    """The digits of numbers with separators and a leading "00", 0 where more is to be looked at.

    It gives what `digits_of` gives, for many numbers at once.
    """
    trunk = pc.match_substring(column, "(0)")
    bare = pc.replace_substring_regex(column, _SEPARATORS, "")
    bare = pc.replace_substring_regex(bare, "^(?:00|\\+)", "")
    digits, right = integers(pc.if_else(trunk, pa.scalar("", pa.string()), bare))
    right &= (digits >= _SMALLEST[_SHORTEST - 1]) & (digits < _SMALLEST[_LONGEST])
    right &= _digits_in(digits) == pc.binary_length(bare).to_numpy(zero_copy_only=False)
    return np.where(right, digits, 0)


class MainlandNumbers:
    """Whether a column shows numbers of mainland China without their 86, as its console does.

    Half of them cannot be numbers of +1; numbers of +1 all can. `are_mainland` is None as long as
    too few were seen: a number is then no evidence, and has neither country.
    """

    def __init__(self) -> None:
        self.are_mainland: bool | None = None
        self.is_open = False

    def inspect(self, column: pa.Array) -> None:
        """Look for what decides, if it is still open."""
        if self.are_mainland is not None:
            return
        texts = as_texts(column)
        some = pc.match_substring_regex(texts, _MAY_BE_MAINLAND).fill_null(False)
        if not pc.any(some).as_py():
            return
        numbers = numbers_of(texts.filter(some), Counter())
        digits = numbers.digits[numbers.without_code]
        if not len(digits):
            return
        names, _ = country_index_of(digits)
        if "" in names:
            self.are_mainland = True
        elif len(np.unique(digits)) >= _ENOUGH:
            self.are_mainland = False
        self.is_open = self.are_mainland is None


def _digits_in(values: Ints) -> Ints:
    return np.searchsorted(_SMALLEST, values, side="right")
