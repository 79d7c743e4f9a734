"""SipHash-1-3 of single words, for whole arrays: a keyed hash that does not give its key away.

Aumasson and Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012; one round for the word,
three at the end, as in the tables of Rust and Python.
"""

from __future__ import annotations

import numpy as np

from smssim.logs.columns.texts import Words

_BLOCK = 4096
_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_LENGTH = np.uint64(8 << 56)
_END = np.uint64(0xFF)


def hashed(words: Words, key: tuple[int, int]) -> Words:
    """The keyed hash of every word."""
    out = np.empty(len(words), np.uint64)
    for begin in range(0, len(words), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        out[part] = _block(words[part], key)
    return out


def _block(words: Words, key: tuple[int, int]) -> Words:
    state = [np.full(len(words), start ^ key[i % 2], np.uint64) for i, start in enumerate(_START)]
    scratch = np.empty(len(words), np.uint64)
    for word in (words, _LENGTH):
        state[3] ^= word
        _round(state, scratch)
        state[0] ^= word
    state[2] ^= _END
    for _ in range(3):
        _round(state, scratch)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _round(state: list[Words], scratch: Words) -> None:
    a, b, c, d = state
    for first, second, turn, whole in (
        (a, b, 13, True),
        (c, d, 16, False),
        (a, d, 21, False),
        (c, b, 17, True),
    ):
        first += second
        _turn(second, turn, scratch)
        second ^= first
        if whole:
            _turn(first, 32, scratch)


def _turn(words: Words, bits: int, scratch: Words) -> None:
    np.right_shift(words, np.uint64(64 - bits), out=scratch)
    words <<= np.uint64(bits)
    words |= scratch
