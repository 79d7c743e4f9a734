"""Keys: 128 bits for what names a message, the same for the same in every file of a reading.

The secret is made for each reading, so no one can choose ids that meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from smssim.arrays import Ints
from smssim.logs.columns.texts import Texts, Words
from smssim.stats.keyed_random import mix64_array

_BLOCK = 16_384
_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
_FOLD = np.uint64(32)
_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)


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
        lanes = [length.astype(np.uint64) * np.uint64(odd) for odd in _ODD]
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
    for i, odd in enumerate(_ODD):
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
    for i, odd in enumerate(_ODD):
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
