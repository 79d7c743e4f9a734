"""Intervals: how far an estimate from finitely many values may be off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "RESAMPLES",
    "Interval",
    "mean_interval",
    "mover",
    "newcombe",
    "newcombe_paired",
    "quantile_difference",
    "quantile_interval",
    "score",
    "score_of_few",
    "welch",
    "wilson",
    "wilson_with_pending",
]

RESAMPLES = 2_000
"""Resamples of a bootstrap."""
_FEW = 3
"""Successes up to which the score interval is too short on their side."""


class Interval(NamedTuple):
    """An estimate and its confidence interval, all in the unit of the values it was made from.

    An end that the values cannot bound is infinite.
    """

    estimate: float
    low: float
    high: float


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> Interval:
    """The mean of independent values and Student's t interval for it, in the values' unit.

    Exact for normal values, good for means of many; raise a ValueError for fewer than two values
    (Student, Biometrika 6, 1908; Law, Simulation Modeling and Analysis, section 4.5).
    """
    from scipy.stats import t

    x = _values(values, 2)
    alpha = _alpha(confidence)
    mean = float(x.mean())
    half = float(t.isf(alpha / 2, len(x) - 1)) * float(x.std(ddof=1)) / math.sqrt(len(x))
    return Interval(mean, mean - half, mean + half)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The share of successes among *n* trials and Wilson's score interval for it, from 0 to 1.

    It keeps its coverage for shares near 0 and 1; raise a ValueError unless 0 <= successes <= n,
    n > 0 (Wilson, JASA 22, 1927; recommended by Brown, Cai and DasGupta, Stat. Sci. 16, 2001).
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"successes(={successes}) must be in 0..n(={n}), n > 0")
    return score(successes / n, n, confidence)


def wilson_with_pending(successes: int, n: int, pending: int, confidence: float = 0.95) -> Interval:
    """The share of successes among *n* decided trials, with an interval for all trials: its ends
    are those of `score_of_few` where none of the *pending* ones succeeds, and where all do.

    It holds however the pending differ from the decided. Raise a ValueError unless 0 <= successes
    <= n, n > 0, pending >= 0.
    """
    if pending < 0:
        raise ValueError(f"pending(={pending}) must be >= 0")
    share, total = wilson(successes, n, confidence).estimate, n + pending
    low = score_of_few(successes / total, total, confidence).low
    high = score_of_few((successes + pending) / total, total, confidence).high
    return Interval(share, low, high)


def score(share: float, n: float, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for a *share* that was estimated as well as from *n* trials.

    The effective number *n* of trials need not be whole: it is what a censored sample, as that of a
    Aalen-Johansen curve, is worth (Rothman, J. Chronic Dis. 31, 1978). Raise a ValueError unless
    0 <= share <= 1, n > 0.
    """
    if not (0 <= share <= 1 and n > 0):
        raise ValueError(f"share(={share}) must be from 0 to 1, n(={n}) > 0")
    z = -NormalDist().inv_cdf(_alpha(confidence) / 2)
    scale = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At the ends the interval touches 0 or 1, which rounding must not miss.
    low = 0.0 if share == 0 else middle - half
    high = 1.0 if share == 1 else middle + half
    return Interval(share, low, high)


def score_of_few(share: float, n: float, confidence: float = 0.95) -> Interval:
    """As `score`, with an interval that also holds for shares that few of the *n* trials decide.

    Wilson's interval misses a share of 0.2 / n in one sample of six: one success is too many for
    it. Up to three successes (or failures) have a Poisson limit at the whole risk on that side, and
    the score elsewhere. Raise a ValueError as `score` does (modified Wilson interval; Brown, Cai
    and DasGupta, Stat. Sci. 16, 2001, section 4.1.1).
    """
    value, low, high = score(share, n, confidence)
    successes, failures = share * n, (1 - share) * n
    # What rounding leaves of a whole number is that number.
    if 0 < successes <= _FEW + 1e-9:
        low = min(low, _poisson_limit(successes, confidence) / n)
    if 0 < failures <= _FEW + 1e-9:
        high = max(high, 1 - _poisson_limit(failures, confidence) / n)
    return Interval(value, low, high)


def _poisson_limit(events: float, confidence: float) -> float:
    """The smallest mean at which as many *events* are not rarer than the risk."""
    from scipy.special import gammaincinv

    return float(gammaincinv(events, _alpha(confidence)))


def quantile_interval(values: ArrayLike, q: float, confidence: float = 0.95) -> Interval:
    """The *q*-quantile of independent values and its interval between two of them, in their unit.

    Valid for any distribution; an end for which there are too few values is infinite. Raise a
    ValueError without values or unless 0 < q < 1 (Conover, Practical Nonparametric Statistics,
    section 3.2).
    """
    from scipy.stats import binom

    x = np.sort(_values(values, 1))
    if not 0 < q < 1:
        raise ValueError(f"q(={q}) must be > 0 and < 1")
    n, alpha = len(x), _alpha(confidence)
    # How many values lie below the true quantile is binomial: x[k] is above it if at most k do.
    below = int(binom.ppf(alpha / 2, n, q))
    above = int(binom.isf(alpha / 2, n, q))
    below -= binom.cdf(below, n, q) > alpha / 2
    above += binom.sf(above, n, q) > alpha / 2
    low = float(x[below]) if below >= 0 else -math.inf
    high = float(x[above]) if above < n else math.inf
    return Interval(float(np.quantile(x, q, method="inverted_cdf")), low, high)


def newcombe(
    successes: int, n: int, less_successes: int, less_n: int, confidence: float = 0.95
) -> Interval:
    """A share less another of independent trials, and Newcombe's hybrid score interval for it.

    From -1 to 1; its ends are as far off as Wilson's intervals of the two shares say. Raise a
    ValueError as `wilson` does (Newcombe, Statist. Med. 17, 1998, 873-890, method 10).
    """
    return mover(wilson(successes, n, confidence), wilson(less_successes, less_n, confidence))


def newcombe_paired(
    both: int, first: int, second: int, neither: int, confidence: float = 0.95
) -> Interval:
    """The share of pairs that succeed the first way less that of the second, and an interval.

    From -1 to 1. Of all pairs, *both* succeeded in both ways, *first* and *second* in that alone,
    *neither* in none. Wilson's intervals of the two shares are put together by their correlation,
    corrected where it is positive. Raise a ValueError without pairs or for a number below 0
    (Newcombe, Statist. Med. 17, 1998, 2635-2650, method 10).
    """
    n = both + first + second + neither
    if min(both, first, second, neither) < 0:
        counts = (both, first, second, neither)
        raise ValueError(f"pairs(={counts}) must be >= 0")
    one, two = wilson(both + first, n, confidence), wilson(both + second, n, confidence)
    excess = both * neither - first * second
    scale = (both + first) * (second + neither) * (both + second) * (first + neither)
    together = max(excess - n / 2, 0.0) if excess > 0 else float(excess)
    phi = together / math.sqrt(scale) if scale else 0.0
    low = _square_and_add(one.estimate - one.low, two.high - two.estimate, phi)
    high = _square_and_add(one.high - one.estimate, two.estimate - two.low, phi)
    # A difference of whole numbers is 0 where it should be, which that of two shares need not be.
    difference = (first - second) / n
    return Interval(difference, difference - low, difference + high)


def quantile_difference(
    values: ArrayLike, less: ArrayLike, q: float, rng: int, confidence: float = 0.95
) -> Interval:
    """The *q*-quantile of values less that of their partners, in their unit, with the interval
    that resampled pairs give.

    Values may be infinite; both ends are NaN if both quantiles are in any resample, as is the
    difference if they are so themselves. *rng* is the seed of the resamples. Raise a ValueError
    without pairs, for an unequal number or unless 0 < q < 1 (percentile bootstrap of pairs; Efron
    and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
    """
    x, y = (np.asarray(of_one, np.float64).ravel() for of_one in (values, less))
    n, alpha = len(x), _alpha(confidence)
    if len(y) != n or not n:
        raise ValueError(f"len(values)(={n}) must be > 0 and len(less)(={len(y)})")
    if not 0 < q < 1:
        raise ValueError(f"q(={q}) must be > 0 and < 1")
    rank = _rank(q, n)
    random = np.random.default_rng(rng)
    differences = np.empty(RESAMPLES)
    for k in range(RESAMPLES):
        chosen = random.integers(0, n, n)
        differences[k] = _less(*(np.partition(v[chosen], rank)[rank] for v in (x, y)))
    ends = [_rank(share, RESAMPLES) for share in (alpha / 2, 1 - alpha / 2)]
    low, high = (
        np.sort(differences)[ends] if not np.isnan(differences).any() else (math.nan, math.nan)
    )
    return Interval(_less(np.sort(x)[rank], np.sort(y)[rank]), float(low), float(high))


def mover(first: Interval, second: Interval) -> Interval:
    """The first of two independent estimates less the second, in their unit, with an interval
    recovered from those of the two, which must have its confidence.

    An end is NaN where one that it depends on is (method of variance estimates recovery; Zou and
    Donner, Statist. Med. 27, 2008, 1693-1702).
    """
    low = math.hypot(first.estimate - first.low, second.high - second.estimate)
    high = math.hypot(first.high - first.estimate, second.estimate - second.low)
    difference = first.estimate - second.estimate
    return Interval(difference, difference - low, difference + high)


def welch(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Interval:
    """The mean of independent values less that of others, and Welch's t interval for it, in the
    values' unit; the two may vary differently.

    Good for normal values and for means of many. Values that do not vary at all have no width.
    Raise a ValueError for fewer than two of either (Welch, Biometrika 34, 1947, 28-35).
    """
    from scipy.stats import t

    x, y = _values(first, 2), _values(second, 2)
    alpha = _alpha(confidence)
    of_x, of_y = float(x.var(ddof=1)) / len(x), float(y.var(ddof=1)) / len(y)
    difference = float(x.mean()) - float(y.mean())
    if not of_x + of_y:
        return Interval(difference, difference, difference)
    # Welch and Satterthwaite's degrees of freedom, in shares so that small ones do not vanish.
    share = of_x / (of_x + of_y)
    freedom = 1 / (share**2 / (len(x) - 1) + (1 - share) ** 2 / (len(y) - 1))
    half = float(t.isf(alpha / 2, freedom)) * math.sqrt(of_x + of_y)
    return Interval(difference, difference - half, difference + half)


def _square_and_add(first: float, second: float, phi: float) -> float:
    # Rounding may leave less than nothing where the two are equal and go together.
    return math.sqrt(max(0.0, first**2 - 2 * phi * first * second + second**2))


def _less(value: float, other: float) -> float:
    """A difference; NaN of two that are infinite alike."""
    return math.nan if value == other and math.isinf(value) else float(value) - float(other)


def _rank(q: float, n: int) -> int:
    """The position of the q-quantile among *n* values in order, from 0 (inverted distribution)."""
    return max(0, math.ceil(q * n - 1e-9) - 1)


def _values(values: ArrayLike | Sequence[float], least: int) -> NDArray[np.float64]:
    x = np.asarray(values, np.float64).ravel()
    if len(x) < least:
        raise ValueError(f"len(values)(={len(x)}) must be >= {least}")
    if not np.isfinite(x).all():
        raise ValueError(f"values hold {int((~np.isfinite(x)).sum())} that are not finite")
    return x


def _alpha(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
    return 1 - confidence
