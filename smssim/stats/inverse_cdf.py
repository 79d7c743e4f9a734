"""Inverse tables: from a 64-bit word to a value, in integers, by table and never by rejection.

A table is made once from a distribution and rounded to integers, because `exp` and `log` differ in
the last bit between processors; looking a word up is integer arithmetic. Each table has a scalar
form, `of`, and an array form, `take`, that agree word by word.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.stats.keyed_random import MASK64, Words

__all__ = [
    "LONGEST_US",
    "Discrete",
    "Quantiles",
    "curve",
    "discrete",
    "exponential",
    "fixed",
    "gamma_factor",
    "lognormal",
    "poisson",
    "poisson_count",
    "poisson_counts",
    "uniform",
]

LONGEST_US = 100 * 86_400 * 1_000_000
_UNSURE = np.iinfo(np.uint16).max
_CELL_BITS = 12
_CELLS = 1 << _CELL_BITS
_FRACTION_BITS = 20


class Discrete:
    """The inverse of a distribution over the positions 0 .. n-1, from their *shares* (any scale).

    The top 16 bits decide by one look-up wherever they can; the rare words at a boundary are
    compared whole. Raise a ValueError if a share is negative, or all are 0.
    """

    def __init__(self, shares: Sequence[float]) -> None:
        if min(shares, default=0) < 0 or not sum(shares) > 0:
            raise ValueError(f"shares(={list(shares)}) must be >= 0 and not all 0")
        total = math.fsum(shares)
        sums = [math.fsum(shares[: i + 1]) / total for i in range(len(shares))]
        last = max(i for i, share in enumerate(shares) if share > 0)
        cuts = [int(s * (1 << 53)) << 11 for s in sums[:last]]
        self._cuts = [min(cut, MASK64) for cut in cuts]
        self._cut_array = np.array(self._cuts, np.uint64)
        self.certain = last if all(cut == 0 for cut in self._cuts) else None
        """The only position there is, or None."""
        low = np.searchsorted(
            self._cut_array, np.arange(65_536, dtype=np.uint64) << np.uint64(48), "right"
        )
        high = np.searchsorted(
            self._cut_array,
            (np.arange(65_536, dtype=np.uint64) << np.uint64(48)) | np.uint64((1 << 48) - 1),
            "right",
        )
        self._lut = np.where(low == high, low, _UNSURE).astype(np.uint16)

    def of(self, word: int) -> int:
        """The position of one word."""
        return bisect_right(self._cuts, word)

    def take(self, words: Words) -> NDArray[np.uint16]:
        """The positions of many words, as uint16 of the same length."""
        positions = self._lut.take((words >> np.uint64(48)).view(np.int64))
        unsure = np.flatnonzero(positions == _UNSURE)
        if len(unsure):
            positions[unsure] = np.searchsorted(self._cut_array, words[unsure], "right")
        return positions


@lru_cache(maxsize=256)
def discrete(shares: tuple[float, ...]) -> Discrete:
    """The `Discrete` of these shares, made once."""
    return Discrete(shares)


class Quantiles:
    """The inverse of a delay's distribution: microseconds from 0 to `LONGEST_US`.

    4,096 cells of equal probability, straight lines between their ends; the last cell, where heavy
    tails are, has 4,096 cells of its own. *body* and *tail* are the 4,097 ends of each.
    """

    def __init__(self, body: Ints, tail: Ints) -> None:
        self._body, self._tail = _knots(body), _knots(tail)
        self._body_step, self._tail_step = np.diff(self._body), np.diff(self._tail)
        self.certain = int(self._body[0]) if self._body[0] == self._tail[-1] else None
        """The only value there is, or None."""
        self.longest = int(self._tail[-1])
        """The greatest value, in microseconds."""

    def of(self, word: int) -> int:
        """The value of one word, in microseconds."""
        cell, rest = word >> (64 - _CELL_BITS), (word << _CELL_BITS) & MASK64
        knots, steps = self._body, self._body_step
        if cell == _CELLS - 1:
            cell, rest = rest >> (64 - _CELL_BITS), (rest << _CELL_BITS) & MASK64
            knots, steps = self._tail, self._tail_step
        fraction = rest >> (64 - _FRACTION_BITS)
        return int(knots[cell]) + ((int(steps[cell]) * fraction) >> _FRACTION_BITS)

    def take(self, words: Words) -> Ints:
        """The values of many words, int64 microseconds of the same length."""
        cell = (words >> np.uint64(64 - _CELL_BITS)).view(np.int64)
        value = _interpolate(self._body, self._body_step, cell, words << np.uint64(_CELL_BITS))
        tail = np.flatnonzero(cell == _CELLS - 1)
        if len(tail):
            rest = words[tail] << np.uint64(_CELL_BITS)
            cell = (rest >> np.uint64(64 - _CELL_BITS)).view(np.int64)
            value[tail] = _interpolate(
                self._tail, self._tail_step, cell, rest << np.uint64(_CELL_BITS)
            )
        return value


def _knots(ends: Ints) -> Ints:
    return np.clip(np.asarray(ends, np.int64), 0, LONGEST_US)


def _interpolate(knots: Ints, steps: Ints, cell: Ints, rest: Words) -> Ints:
    value = steps.take(cell)
    rest >>= np.uint64(64 - _FRACTION_BITS)
    value *= rest.view(np.int64)
    value >>= _FRACTION_BITS
    value += knots.take(cell)
    return value


def _body_and_tail() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The probabilities at which `Quantiles` wants its ends; the very last is moved in by 2**-25,
    off infinity.
    """
    cells = np.arange(_CELLS + 1) / _CELLS
    tail = (_CELLS - 1 + cells) / _CELLS
    tail[-1] = 1 - 2.0**-25
    body = cells.copy()
    body[-1] = tail[-1]
    return body, tail


def fixed(value_us: int) -> Quantiles:
    """A delay that is always *value_us*."""
    same = np.full(_CELLS + 1, value_us, np.int64)
    return Quantiles(same, same)


def uniform(low_us: int, high_us: int) -> Quantiles:
    """A delay anywhere from *low_us* to *high_us*, in microseconds."""
    return _tabulate(lambda p: low_us + p * (high_us - low_us))


def exponential(mean_us: float) -> Quantiles:
    """A memoryless delay with mean *mean_us*, in microseconds."""
    return _tabulate(lambda p: -mean_us * math.log1p(-p))


def lognormal(
    median_us: float, p95_us: float, slow: tuple[float, float, float] | None = None
) -> Quantiles:
    """A log-normal delay by its median and 95th percentile, in microseconds.

    *slow* = (share, median, 95th percentile) mixes in a slow part, for phones that are off. Raise a
    ValueError if a percentile is not above its median.
    """
    fast = _log_parameters(median_us, p95_us)
    if slow is None:
        inverse = NormalDist(*fast).inv_cdf
        return _tabulate(lambda p: math.exp(inverse(p)) if p > 0 else 0.0)
    share, *rest = slow
    mu, sigma = zip(fast, _log_parameters(*rest), strict=True)
    grid = np.linspace(
        min(m - 7 * s for m, s in zip(mu, sigma, strict=True)), math.log(LONGEST_US), 16_384
    )
    below = (1 - share) * _normal_cdf(grid, mu[0], sigma[0]) + share * _normal_cdf(
        grid, mu[1], sigma[1]
    )
    return Quantiles(*(_round(np.exp(np.interp(p, below, grid))) for p in _body_and_tail()))


def curve(points: Sequence[tuple[float, float]], unit_us: float) -> Quantiles:
    """A delay by (share, value) points, shares rising from 0 to 1; values in *unit_us*.

    Straight lines in the logarithm of the value between points, in the value itself from a 0.
    """
    shares, values = (np.array(column, np.float64) for column in zip(*points, strict=True))
    values *= unit_us
    logs = np.log(np.maximum(values, 1.0))
    ends = []
    for p in _body_and_tail():
        left = np.clip(np.searchsorted(shares, p, "right") - 1, 0, len(shares) - 2)
        ends.append(
            _round(
                np.where(
                    values[left] > 0,
                    np.exp(np.interp(p, shares, logs)),
                    np.interp(p, shares, values),
                )
            )
        )
    return Quantiles(*ends)


def gamma_factor(word: int, sd: float) -> float:
    """The factor of one word: gamma distributed, mean 1, standard deviation *sd*; 1 for no *sd*.

    Rounded to a multiple of 2**-20, so that processors and versions of SciPy agree.
    """
    from scipy.special import gammaincinv

    if sd <= 0:
        return 1.0
    shape = 1 / sd**2
    # 52 bits and a half: never 0 or 1, where the inverse ends.
    value = float(gammaincinv(shape, ((word >> 12) + 0.5) / (1 << 52))) / shape
    return round(value * (1 << 20)) / (1 << 20)


@lru_cache(maxsize=1024)
def poisson(mean: float) -> tuple[int, tuple[int, ...]]:
    """The inverse table of a Poisson count: (lowest, cuts), so that a word's count is lowest + the
    cuts <= word.

    Made by multiplication, division and addition alone, which every processor rounds alike; the
    tails beyond twelve standard deviations are left out. A greater mean never gives a smaller count
    for the same word.
    """
    if mean <= 0:
        return 0, ()
    spread = 12 * math.sqrt(mean) + 30
    mode, low = int(mean), max(0, int(mean - spread))
    up = np.cumprod(mean / np.arange(mode + 1, int(mean + spread), dtype=np.float64))
    down = np.cumprod(np.arange(mode, low, -1, dtype=np.float64) / mean)
    sums = np.cumsum(np.concatenate([down[::-1], [1.0], up]))
    cuts = np.minimum(sums[:-1] / sums[-1] * float(1 << 53), float((1 << 53) - 1)).astype(np.uint64)
    return low, tuple((cuts << np.uint64(11)).tolist())


def poisson_count(table: tuple[int, tuple[int, ...]], word: int) -> int:
    """The count of one word under a table of `poisson`."""
    low, cuts = table
    return low + bisect_right(cuts, word)


_TABLE_CELLS = 1 << 18
"""Cells of tables of counts that are made at once."""


def poisson_counts(means: NDArray[np.float64], words: Words) -> Ints:
    """The counts of many words, each under a mean of its own: those of `poisson`, tables at once.

    Rows of a matrix in place of a table per mean, with the same operations in the same order.
    """
    counts = np.zeros(len(means), np.int64)
    order = np.argsort(means, kind="stable")
    order = order[means[order] > 0]
    while len(order):
        # Tables of like means are as wide; the widest of a matrix is its last.
        n = len(order)
        while n > 1 and n * (24 * math.sqrt(means[order[n - 1]]) + 62) > _TABLE_CELLS:
            n = (n + 1) // 2
        rows, order = order[:n], order[n:]
        counts[rows] = _poisson_rows(means[rows][:, None], words[rows][:, None])
    return counts


def _poisson_rows(mean: NDArray[np.float64], word: Words) -> Ints:
    """The counts of one column of words under one column of means above 0."""
    spread = 12 * np.sqrt(mean) + 30
    mode, high = mean.astype(np.int64), (mean + spread).astype(np.int64)
    low = np.maximum(0, (mean - spread).astype(np.int64))
    steps = mode + 1 + np.arange(int((high - mode).max()) - 1)
    up = np.cumprod(np.where(steps < high, mean, 0.0) / steps, axis=1)
    most_down = int((mode - low).max())
    steps = mode - np.arange(most_down)
    down = np.cumprod(np.where(steps > low, steps, 0) / mean, axis=1)[:, ::-1]
    sums = np.cumsum(np.concatenate([down, np.ones_like(mean), up], axis=1), axis=1)
    cuts = np.minimum(sums / sums[:, -1:] * float(1 << 53), float((1 << 53) - 1)).astype(np.uint64)
    below = (cuts << np.uint64(11)) <= word
    # Beyond a row's last count there is no cut, and before its first there are only zeros.
    below &= np.arange(sums.shape[1]) < high - 1 - mode + most_down
    counts: Ints = below.sum(axis=1) + mode[:, 0] - most_down
    return counts


def _log_parameters(median_us: float, p95_us: float) -> tuple[float, float]:
    if not 0 < median_us < p95_us:
        raise ValueError(f"p95(={p95_us}) must be > median(={median_us}) > 0")
    return math.log(median_us), math.log(p95_us / median_us) / NormalDist().inv_cdf(0.95)


def _normal_cdf(x: NDArray[np.float64], mu: float, sigma: float) -> NDArray[np.float64]:
    z = (x - mu) / (sigma * math.sqrt(2))
    return np.array([0.5 * math.erfc(-v) for v in z.tolist()])


def _tabulate(quantile: Callable[[float], float]) -> Quantiles:
    return Quantiles(
        *(_round(np.array([quantile(p) for p in ends.tolist()])) for ends in _body_and_tail())
    )


def _round(values_us: NDArray[np.float64]) -> Ints:
    return np.rint(np.minimum(values_us, float(LONGEST_US))).astype(np.int64)
