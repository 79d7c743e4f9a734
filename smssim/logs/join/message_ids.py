"""Ids of messages as hashes that only who has the key can make, to join a table of one's own by."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pandas as pd

from smssim.logs.join.groups import key_order, numbered

__all__ = ["MessageIds"]

_LONGEST_KEY, _BYTES = 64, 16
_Keys = npt.NDArray[np.uint64]


class MessageIds:
    """The hashes of ids by the keys of their facts: BLAKE2b of 16 bytes, keyed with *key*.

    Raise a ValueError for a key that BLAKE2b does not take.
    """

    def __init__(self, key: str | bytes) -> None:
        self._key = key.encode() if isinstance(key, str) else key
        if not isinstance(self._key, bytes) or not 0 < len(self._key) <= _LONGEST_KEY:
            raise ValueError(f"id_key must be 1 to {_LONGEST_KEY} bytes, or a text of as many")
        self._keys: list[_Keys] = []
        self._hashes = bytearray()

    def add(self, keys: _Keys, ids: Iterable[str | None]) -> None:
        """Take the ids of some facts; None and "" are none."""
        named = [(row, name) for row, name in enumerate(ids) if name]
        self._keys.append(keys[[row for row, _ in named]])
        for _, name in named:
            self._hashes += blake2b(name.encode(), key=self._key, digest_size=_BYTES).digest()

    def column(self, keys: _Keys) -> pd.Series[str]:
        """The hashes of messages in hexadecimal digits, by the keys of their facts; NA without."""
        known = np.concatenate([np.empty((0, 2), np.uint64), *self._keys])
        order, runs = key_order(np.concatenate([known, keys]))
        # Of equal keys the first is that of an id, if there is one.
        position = np.empty(len(order), np.int64)
        position[order] = order[runs][numbered(runs)]
        of_messages = position[len(known) :].tolist()
        hashes = [
            self._hashes[_BYTES * at : _BYTES * (at + 1)].hex() if at < len(known) else None
            for at in of_messages
        ]
        return pd.Series(hashes, dtype="str")
