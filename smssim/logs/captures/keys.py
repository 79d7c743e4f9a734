"""Keys of smsMsgIds and numbers: hashes with a secret, so that neither can be read from them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from smssim.numbers import normalise

Words = npt.NDArray[np.uint64]


def keys(ids: Sequence[str], secret: bytes) -> Words:
    """Return 128 bits of each id, as two words a row."""
    made = partial(blake2b, key=secret, digest_size=16)
    digests = b"".join([made(text.encode()).digest() for text in ids])
    return np.frombuffer(digests, "<u8").reshape(-1, 2)


def number_hashes(numbers: Sequence[str | None], secret: bytes) -> Words:
    """Return a hash of each number as `smssim.numbers.normalise` writes it, 0 where it is none."""
    clean = [normalise(number) for number in numbers]
    words = keys([number or "" for number in clean], secret)[:, 0]
    return np.where([number is None for number in clean], np.uint64(0), np.maximum(words, 1))
