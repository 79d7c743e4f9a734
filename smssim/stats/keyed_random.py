"""Keyed random numbers: each is a function of what it belongs to, never a draw from a stream.

So chunk size, horizon, an added source or a resend leave all others as they were, and what-ifs
share their random numbers by construction (common random numbers). The mixer is the finalizer of
SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "GENERATION_BITS",
    "MASK64",
    "PHI",
    "RECIPIENT_BITS",
    "REQUESTS_AN_HOUR",
    "KeyedRandom",
    "Words",
    "message_counter",
    "mix64",
    "mix64_array",
    "random_words",
]

Words = NDArray[np.uint64]

MASK64 = (1 << 64) - 1
PHI = 0x9E3779B97F4A7C15
RECIPIENT_BITS = 20
GENERATION_BITS = 3
REQUESTS_AN_HOUR = 1_000_000

_HOUR_STEP = 0xD1B54A32D192ED03
_M1, _M2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_CACHE_BLOCK = 16_384
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)


def mix64(x: int) -> int:
    """Scramble 64 bits so that neighbouring inputs give unrelated outputs."""
    x &= MASK64
    x = ((x ^ (x >> 30)) * _M1) & MASK64
    x = ((x ^ (x >> 27)) * _M2) & MASK64
    return x ^ (x >> 31)


def mix64_array(x: Words) -> Words:
    """Scramble every word of *x* in place, and return it. Equal to `mix64` word by word."""
    scratch = np.empty(min(len(x), _CACHE_BLOCK), np.uint64)
    for begin in range(0, len(x), _CACHE_BLOCK):
        z = x[begin : begin + _CACHE_BLOCK]
        t = scratch[: len(z)]
        np.right_shift(z, _S30, out=t)
        np.bitwise_xor(z, t, out=z)
        np.multiply(z, np.uint64(_M1), out=z)
        np.right_shift(z, _S27, out=t)
        np.bitwise_xor(z, t, out=z)
        np.multiply(z, np.uint64(_M2), out=z)
        np.right_shift(z, _S31, out=t)
        np.bitwise_xor(z, t, out=z)
    return x


def message_counter(k: int, recipient: int, generation: int) -> int:
    """The counter of one copy of one message: request *k* of its hour, recipient, generation."""
    return (((k << RECIPIENT_BITS) | recipient) << GENERATION_BITS) | generation


class KeyedRandom:
    """All random numbers of one run, as functions of (source name, purpose, UTC hour, counter).

    *seed* and *replication* are integers; the same pair gives the same words on every machine.
    """

    def __init__(self, seed: int, replication: int = 0) -> None:
        self.seed = seed
        self.replication = replication

    def key(self, source: str, purpose: str) -> int:
        """The 64-bit key of a source's purpose: a hash of names, so order does not matter."""
        text = f"{self.seed}/{self.replication}/{purpose}/{source}"
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")

    def word(self, source: str, purpose: str, hour: int, counter: int) -> int:
        """One 64-bit word, the scalar form of `random_words`."""
        hour_key = mix64(self.key(source, purpose) + hour * _HOUR_STEP)
        return mix64(hour_key + counter * PHI)

    def hour_keys(self, source: str, purpose: str, hours: NDArray[np.int64]) -> Words:
        """The keys of *hours* (UTC hours since 1970), one word an hour."""
        keys = hours.astype(np.uint64)
        keys *= np.uint64(_HOUR_STEP)
        keys += np.uint64(self.key(source, purpose))
        return mix64_array(keys)


def random_words(hour_keys: Words, counters: Words) -> Words:
    """The words of *counters*, each under the hour key at its position, or under one for all."""
    z = counters * np.uint64(PHI)
    z += hour_keys
    return mix64_array(z)
