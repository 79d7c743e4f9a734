"""Texts of an Arrow column as words of eight bytes, read at once, and their keyed hashes.

A word is little-endian: its lowest byte is the first character.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from smssim.arrays import Ints, Mask
from smssim.sms.phone_numbers import INVISIBLE
from smssim.stats.keyed_random import mix64_array

__all__ = [
    "APOSTROPHES",
    "EMPTY",
    "LONGEST",
    "SMALL",
    "THOUSANDS",
    "WIDE",
    "Secret",
    "Texts",
    "Words",
    "as_texts",
    "clean",
    "cleaned",
    "composed",
    "encoded",
    "excerpt",
    "integers",
    "is_filled",
    "keys_of",
    "language_parts",
    "number_hashes",
]

Words = npt.NDArray[np.uint64]

_EMPTY = (
    "null",
    "none",
    "nan",
    "nat",
    "nil",
    "n/a",
    "undefined",
    "(null)",
    "[null]",
    "<na>",
    "#n/a",
)
_FORMS = (str.lower, str.upper, str.title)
EMPTY = frozenset(
    (
        *("", "-", "--", "—", "–", "\\N", "(none)", "<null>", "NaN", "NaT"),
        *(form(word) for word in _EMPTY for form in _FORMS),
    )
)
"""What tables write where there is nothing."""

_LONGEST_EMPTY = max(len(text.encode()) for text in EMPTY)

_BLANKS, WIDE, APOSTROPHES = "blanks at the ends", "full-width characters", "leading apostrophes"
_INVISIBLE_CHARACTERS = "invisible characters"
_NO_BREAK, SMALL, THOUSANDS = "non-breaking blanks", "lower-case codes", "thousands marks"
"""Names of repairs (docs/logs.md section 2)."""

_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
_APOSTROPHE, _BLANK, _NOT_ASCII = 0x27, 0x20, 0x80
_ASCII_BLANKS = " \t\n\r\v\f\x1c\x1d\x1e\x1f"
_ROOM = 16
# First bytes of blanks without breaks, of punctuation, of full-width characters in UTF-8.
_ODD = np.isin(np.arange(256), (0xC2, 0xCD, 0xD8, 0xE1, 0xE2, 0xE3, 0xEF))

_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_BETWEEN_WORDS = re.compile(r"[\s/|,，、()（）\[\]【】:：–—]+|\s-+\s")
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}

LONGEST = 16
"""Digits that are read; longer numerals are none."""

_BLOCK = 16_384
_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
_FOLD = np.uint64(32)
_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)


class Texts:
    """The bytes of an Arrow column of texts; `start` and `length` locate each value.

    What is null has length 0.
    """

    def __init__(self, column: pa.Array) -> None:
        n = len(column)
        _, offsets, data = column.buffers()
        bounds = np.frombuffer(offsets, np.int32, n + 1, column.offset * 4) if n else np.zeros(1)
        first, last = int(bounds[0]), int(bounds[-1])
        size = last - first
        self.bytes = np.zeros(size + 2 * _ROOM, np.uint8)
        if size:
            self.bytes[_ROOM : _ROOM + size] = np.frombuffer(data, np.uint8, size, first)
        # Unaligned words, one from every byte on.
        self._words: Words = np.ndarray((size + _ROOM + 1,), np.uint64, self.bytes, 0, (1,))
        self.start: Ints = bounds[:-1].astype(np.int64) + (_ROOM - first)
        self.length: Ints = np.diff(bounds).astype(np.int64)
        if column.null_count:
            self.length[column.is_null().to_numpy(zero_copy_only=False)] = 0

    def __len__(self) -> int:
        return len(self.start)

    def words(self, at: Ints) -> Words:
        """The words that begin at those bytes, which may be 16 before a value."""
        return self._words[np.minimum(at, len(self._words) - 1)]

    def begin_with_four_digits(self) -> Mask:
        """Which values begin with what may be a year; nothing, and up to 4 characters, does too."""
        begin = self.words(self.start) & np.uint64(0xF0F0F0F0)
        flags: Mask = (begin == 0x30303030) | (self.length <= 4)
        return flags

    def unclean(self) -> Ints:
        """The rows with a blank at an end, an apostrophe before, or wide characters or blanks."""
        first, last = self.bytes[self.start], self.bytes[self.start + self.length - 1]
        odd = (first <= _BLANK) | (first == _APOSTROPHE) | (last <= _BLANK)
        odd |= self.wide()
        return np.flatnonzero(odd & (self.length > 0))

    def wide(self, rows: Ints | None = None) -> Mask:
        """Which values (of *rows*) hold full-width characters, or blanks that are not ASCII."""
        start, length = self.start, self.length
        if rows is not None:
            start, length = start[rows], length[rows]
        if not (self.bytes >= _NOT_ASCII).any():
            return np.zeros(len(start), np.bool_)
        high = np.flatnonzero(_ODD[self.bytes])
        after = np.append(high, len(self.bytes))[np.searchsorted(high, start)]
        flags: Mask = after < start + length
        return flags


def excerpt(value: object) -> str:
    """A value as a reason shows it: short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def as_texts(column: pa.Array) -> pa.Array:
    """A column of any type as texts; whole floats stand without their point."""
    column_type = column.type
    if pa.types.is_dictionary(column_type):
        return as_texts(column.dictionary_decode())
    if pa.types.is_boolean(column_type):
        return pc.if_else(column, "true", "false")
    if pa.types.is_floating(column_type):
        return pa.array([_plain(value) for value in column.to_pylist()], pa.string())
    if column_type == pa.string():
        return column
    try:
        texts = column.cast(pa.string())
        if (
            not pa.types.is_decimal(column_type)
            or not pc.any(pc.match_substring(texts, "E")).as_py()
        ):
            return texts
        return pa.array([None if v is None else f"{v:f}" for v in column.to_pylist()], pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())


def encoded(column: pa.Array) -> tuple[Ints, list[str | None]]:
    """The different values of a column, and which each row has: one more than the last if none."""
    if not pa.types.is_dictionary(column.type):
        column = as_texts(column).dictionary_encode()
    indices, values = column.indices, as_texts(column.dictionary).to_pylist()
    if indices.null_count:
        indices = indices.cast(pa.int64()).fill_null(len(values))
    return indices.to_numpy(), values


def cleaned(column: pa.Array, repaired: Counter[str]) -> tuple[pa.Array, Texts]:
    """A column with what may be repaired without guessing, and its bytes.

    Blanks at the ends, apostrophes before, full-width characters and non-breaking blanks are
    repaired and counted by name; what stands for nothing becomes empty.
    """
    texts = Texts(column)
    odd = texts.unclean()
    if not len(odd):
        return column, texts
    flags = texts.wide(odd)
    for rows, many in ((odd[~flags], True), (odd[flags], False)):
        if len(rows):
            mask = np.zeros(len(column), np.bool_)
            mask[rows] = True
            some = column.filter(pa.array(mask))
            new = _trimmed(some, repaired) if many else _one_by_one(some, repaired)
            column = pc.replace_with_mask(column, pa.array(mask), new)
    return column, Texts(column)


def _trimmed(column: pa.Array, repaired: Counter[str]) -> pa.Array:
    """What `clean` makes of texts without wide characters, all at once."""
    bare = pc.ascii_trim(column, characters=_ASCII_BLANKS)
    marked = pc.and_(pc.starts_with(bare, "'"), pc.greater(pc.binary_length(bare), 1))
    rest = pc.ascii_trim(pc.utf8_slice_codeunits(bare, 1), characters=_ASCII_BLANKS)
    blanks = pc.not_equal(pc.binary_length(bare), pc.binary_length(column))
    for name, flags in ((_BLANKS, blanks), (APOSTROPHES, marked)):
        count = pc.sum(flags).as_py()
        if count:
            repaired[name] += count
    return pc.if_else(marked, rest, bare)


def _one_by_one(column: pa.Array, repaired: Counter[str]) -> pa.Array:
    cleaned_texts = [clean(text) for text in column.to_pylist()]
    for _, names in cleaned_texts:
        repaired.update(names)
    return pa.array([text for text, _ in cleaned_texts], pa.string())


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """A text repaired, and the names of the repairs.

    >>> clean(" '６２812")
    ('62812', ('blanks at the ends', 'leading apostrophes', 'full-width characters'))
    """
    repairs = []
    if not text.isascii() and _INVISIBLE.search(text):
        text = _INVISIBLE.sub("", text)
        repairs.append(_INVISIBLE_CHARACTERS)
    if "\u00a0" in text or "\u202f" in text:
        text = text.replace("\u00a0", " ").replace("\u202f", " ")
        repairs.append(_NO_BREAK)
    bare = text.strip()
    if bare != text:
        repairs.append(_BLANKS)
    if bare[:1] in "'\u2019" and len(bare) > 1:
        bare = bare[1:].strip()
        repairs.append(APOSTROPHES)
    narrow = bare.translate(_NARROW) if not bare.isascii() else bare
    if narrow != bare:
        repairs.append(WIDE)
    return narrow, tuple(repairs)


def _plain(value: float | None) -> str | None:
    if value is None or value != value:
        return None
    if value == value // 1:
        # Beyond 2**53 a float does not hold the digits of the whole number that it was.
        return str(int(value)) if abs(value) < 2**53 else f"{value:.16E}"
    return f"{Decimal(repr(value)):f}"


def integers(column: pa.Array) -> tuple[Ints, Mask]:
    """The value of every text that is 1 to 16 digits, and which are; the others are 0."""
    right = pc.and_(
        pc.ascii_is_decimal(column), pc.less_equal(pc.binary_length(column), LONGEST)
    ).fill_null(False)
    if right.false_count:
        column = pc.if_else(right, column, "0")
    values = column.cast(pa.int64()).to_numpy(zero_copy_only=False).copy()
    return values, right.to_numpy(zero_copy_only=False).copy()


def is_filled(column: pa.Array) -> Mask:
    """Which values of a column of texts stand for something."""
    size = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    flags: Mask = size > 0
    short = np.flatnonzero(flags & (size <= _LONGEST_EMPTY))
    if len(short):
        empty = pc.is_in(column.take(pa.array(short)), value_set=pa.array(sorted(EMPTY)))
        flags[short[empty.to_numpy(zero_copy_only=False)]] = False
    return flags


def language_parts(text: str) -> tuple[str, ...]:
    """The Chinese and the other part of a text that has both, or nothing.

    >>> language_parts("短信ID SMS ID"), language_parts("成功Success"), language_parts("成功")
    (('短信ID', 'SMS ID'), ('成功', 'Success'), ())
    """
    if _CHINESE.search(text) is None:
        return ()
    words = [word for word in _BETWEEN_WORDS.split(text) if word]
    chinese = [word for word in words if _CHINESE.search(word)]
    others = [word for word in words if not _CHINESE.search(word)]
    if not others:
        chinese = _CHINESE.findall(text)
        others = [word for word in _CHINESE.split(text) if any(map(str.isalpha, word))]
    if not any(map(str.isalpha, "".join(others))):
        return ()
    return " ".join(chinese), " ".join(others).strip()


class Secret(NamedTuple):
    """The words that a reading's secret is used as: for ids, for composed keys, for numbers."""

    ids: tuple[int, int]
    composed: tuple[int, int]
    numbers: tuple[int, int]

    @classmethod
    def of(cls, secret: bytes) -> Secret:
        """The words of a secret of any length."""
        raw = np.frombuffer(blake2b(secret, digest_size=48).digest(), "<u8").tolist()
        return cls((raw[0], raw[1]), (raw[2], raw[3]), (raw[4], raw[5]))


def keys_of(texts: Texts, secret: tuple[int, int]) -> Words:
    """The keys of texts, two words each; texts that are equal have equal keys."""
    keys = np.empty((len(texts), 2), np.uint64)
    for begin in range(0, len(texts), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        length = texts.length[block]
        lanes = [length.astype(np.uint64) * np.uint64(odd) for odd in _MULTIPLIERS]
        for lane, word in zip(lanes, secret, strict=True):
            lane += np.uint64(word)
        for k in range((int(length.max()) + 7) // 8):
            rows = None if length.min() > 8 * k else np.flatnonzero(length > 8 * k)
            _take_in(lanes, texts, begin, k, rows)
        for i, lane in enumerate(lanes):
            keys[block, i] = mix64_array(lane)
    return keys


def _take_in(lanes: list[Words], texts: Texts, begin: int, k: int, rows: Ints | None) -> None:
    """Mix the k-th words into the lanes of *rows*, or of all, whose texts reach so far."""
    block = slice(begin, begin + len(lanes[0]))
    start, length = texts.start[block], texts.length[block]
    if rows is not None:
        start, length = start[rows], length[rows]
    words = texts.words(start + 8 * k)
    words &= _MASKS[np.clip(length - 8 * k, 0, 8)]
    for i, odd in enumerate(_MULTIPLIERS):
        lane = lanes[i] if rows is None else lanes[i][rows]
        lane ^= words
        lane *= np.uint64(odd)
        lane ^= lane >> _FOLD
        if rows is not None:
            lanes[i][rows] = lane


def composed(parts: Sequence[Words], secret: tuple[int, int]) -> Words:
    """The keys of rows whose identity has several parts, a word each."""
    n = len(parts[0])
    keys = np.empty((n, 2), np.uint64)
    for i, odd in enumerate(_MULTIPLIERS):
        lane = np.full(n, secret[i], np.uint64)
        for block in parts:
            lane ^= block
            lane *= np.uint64(odd)
            mix64_array(lane)
        keys[:, i] = lane
    return keys


def number_hashes(digits: Ints, secret: tuple[int, int]) -> Words:
    """The keyed hash of each number, 0 where there is none."""
    hashes = composed([digits.view(np.uint64)], secret)[:, 0]
    hashes[digits == 0] = 0
    return hashes
