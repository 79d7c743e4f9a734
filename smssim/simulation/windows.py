"""The windows that limits of frequency count in, and rows that stand by number and then by time.

A minute lies within one hour, an hour within one day of GMT+8.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
Mask = NDArray[np.bool_]
Minutes = TypeVar("Minutes", int, Ints32)
LEVELS = range(3)
"""The numbers of the windows: minute, hour and day."""
_WINDOWS = ((0, 1), (0, 60), (480, 1440))
"""Offset and length of each window, in minutes."""


def window(minute: Minutes, level: int) -> Minutes:
    """The windows of a level that minutes since 1970 lie in, by number."""
    offset, length = _WINDOWS[level]
    return minute if length == 1 else (minute + offset) // length


def groups(keys: Ints) -> tuple[Ints, Ints]:
    """Where each run of equal keys begins, and how long it is."""
    begins = np.append(0, np.flatnonzero(keys[1:] != keys[:-1]) + 1)
    return begins, np.diff(begins, append=len(keys))


def crowded(keys: Ints, minute: Ints32, begins: Ints, least: Ints) -> Mask:
    """Which runs of keys have more rows within a window than its limit at *least*."""
    more = np.zeros(len(begins), bool)
    for level, most in enumerate(least[:, 0].tolist()):
        ends = most + np.flatnonzero(keys[most:] == keys[:-most])
        earlier, later = minute.take(ends - most), minute.take(ends)
        ends = ends[window(earlier, level) == window(later, level)]
        more[begins.searchsorted(ends, "right") - 1] = True
    return more


def firsts(keys: Ints, windows: Ints32) -> Ints:
    """For each row the first row of its key and window, which stand together."""
    begins = np.append(True, (keys[1:] != keys[:-1]) | (windows[1:] != windows[:-1]))
    places: Ints = np.maximum.accumulate(np.where(begins, np.arange(len(keys)), 0))
    return places
