"""Decimal digits of a column of texts, eight at a time, as integers.

The multiplications join neighbouring digits, then pairs, then fours, within one word.
"""

from __future__ import annotations

import numpy as np

from smssim.logs.columns.texts import Flags, Integers, Texts, Words

LONGEST = 16
"""Digits that are read; longer numerals are none."""

_BLOCK = 16_384
_ZEROS = 0x3030303030303030
_HIGH, _LOW = np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x0F0F0F0F0F0F0F0F)
_SIX = np.uint64(0x0606060606060606)
_PAIRS = np.uint64(0x000000FF000000FF)
_ODD, _EVEN = np.uint64(0x000F424000000064), np.uint64(0x0000271000000001)
# The last n bytes of a word, and zeros as digits before them.
_LAST = np.array([0] + [(1 << 64) - (1 << (64 - 8 * n)) for n in range(1, 9)], np.uint64)
_BEFORE = ~_LAST & np.uint64(_ZEROS)


def integers(texts: Texts, skip: Integers | None = None) -> tuple[Integers, Flags]:
    """The value of every text that is 1 to 16 digits, and which are; the others are 0.

    *skip* bytes at the beginning of each text are passed over, as a sign is.
    """
    values, right = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    for begin in range(0, len(texts), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        length = texts.length[part] if skip is None else texts.length[part] - skip[part]
        end = texts.start[part] + texts.length[part]
        low, ok = _eight(texts.words(end - 8), np.clip(length, 0, 8))
        if len(length) and length.max() > 8:
            high, also = _eight(texts.words(end - 16), np.clip(length - 8, 0, 8))
            low += high * np.uint64(10**8)
            ok &= also
        ok &= (length > 0) & (length <= LONGEST)
        low[~ok] = 0
        values[part], right[part] = low.view(np.int64), ok
    return values, right


def _eight(words: Words, size: Integers) -> tuple[Words, Flags]:
    """The value of the last *size* characters of each word, and whether all are digits."""
    words &= _LAST[size]
    words |= _BEFORE[size]
    ok = ((words & _HIGH) == _ZEROS) & (((words + _SIX) & _HIGH) == _ZEROS)
    words &= _LOW
    words = words * np.uint64(10) + (words >> np.uint64(8))
    upper = (words >> np.uint64(16)) & _PAIRS
    words &= _PAIRS
    words *= _ODD
    upper *= _EVEN
    words += upper
    words >>= np.uint64(32)
    return words, ok
