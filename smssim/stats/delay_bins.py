"""Bins for delays: a ratio of at most 1.02 each, with exact edges at 10 s, 30 s, 3 min and 72 h."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import DAY, HOUR, SECOND

__all__ = [
    "RATIO",
    "ROUNDING",
    "bin_of",
    "by_bin",
    "edges_us",
    "first_reached",
    "middle_us",
    "quantile_s",
]

RATIO = 1.02
ROUNDING = 1e-11
"""More than a product of all bins can be off by, less than one message in a thousand million."""
_EXACT_US = (SECOND // 1_000, 10 * SECOND, 30 * SECOND, 180 * SECOND, 72 * HOUR, 400 * DAY)
_CELL_SHIFT = 52 - 7
_FIRST_CELL = int(np.array([1.0]).view(np.int64)[0]) >> _CELL_SHIFT


@lru_cache(maxsize=1)
def edges_us() -> Ints:
    """The lower edges of all bins in microseconds, from 0; the last bin has no upper edge."""
    edges = [0]
    for low, high in pairwise(_EXACT_US):
        steps = math.ceil(math.log(high / low) / math.log(RATIO))
        edges += [round(low * (high / low) ** (i / steps)) for i in range(steps)]
    edges.append(_EXACT_US[-1])
    array = np.array(edges, np.int64)
    array.setflags(write=False)
    return array


@lru_cache(maxsize=1)
def _cells() -> Ints:
    """The bin at the start of each of 128 cells an octave: no cell holds more than one edge."""
    bits = np.arange(_FIRST_CELL, _FIRST_CELL + 128 * 50) << _CELL_SHIFT
    starts = bits.view(np.float64)
    return np.searchsorted(edges_us(), starts, "right") - 1


@lru_cache(maxsize=1)
def _following() -> Ints:
    """The upper edge of each bin; the last has none that a delay could reach."""
    return np.append(edges_us()[1:], np.iinfo(np.int64).max)


def bin_of(delay_us: NDArray[Any]) -> Ints:
    """The bin of each delay; negative delays count as 0."""
    cell = delay_us.astype(np.float64).view(np.int64)
    cell >>= _CELL_SHIFT
    cell -= _FIRST_CELL
    number = _cells().take(cell, mode="clip")
    number += delay_us >= _following().take(number)
    return number


def middle_us(number: int) -> float:
    """The value of a bin: the geometric middle of its edges, within 1% of anything in it."""
    edges = edges_us()
    if number == 0 or number + 1 >= len(edges):
        return float(edges[number])
    return math.sqrt(float(edges[number]) * float(edges[number + 1]))


def by_bin(bins: Ints, messages: Ints) -> Ints:
    """Messages in every bin, from the rows of a tally."""
    counts = np.zeros(len(edges_us()), np.int64)
    np.add.at(counts, bins, messages)
    return counts


def quantile_s(counts: Ints, share: float) -> float:
    """The quantile in seconds of delays counted by bin; NaN without any.

    It is within 1% (or a millisecond) of the delay of rank ceil(share * n).
    """
    total = counts.sum()
    number = first_reached(np.cumsum(counts) / total, share) if total else None
    return float("nan") if number is None else middle_us(number) / SECOND


def first_reached(line: NDArray[Any], share: float) -> int | None:
    """The first bin in which a rising line reaches a share."""
    reached = line >= share - ROUNDING
    return int(np.argmax(reached)) if reached.any() else None
