"""Whether a statistic lies above a bound for certain, however often one looks at growing data.

By e-processes: evidence against "not above" that exceeds 1 / risk with at most that probability,
ever, if the statistic is not above (Ville 1939). Below a bound is above it in mirrored data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from smssim.arrays import Floats, Mask

__all__ = [
    "FIRST_LOOK",
    "Moments",
    "beginnings",
    "last_certain",
    "mean_can_be_certain",
    "mean_is_above",
    "moments_of",
    "share_is_above",
]

FIRST_LOOK = 12
"""The first number of values at which anything is certain of a mean."""
_UNSEEN = 10
"""How many standard deviations a value unlike any seen may be away without turning a verdict; if
none differs, how many distances from the bound.
"""


class Moments(NamedTuple):
    """Number, mean, standard deviation and skewness of values, or of each beginning of them."""

    n: Any
    mean: Any
    sd: Any
    skewness: Any


def share_is_above(yes: Any, n: Any, bound: float, risk: float) -> Mask:
    """Whether *yes* of *n* show that the share of yes is above a bound.

    The likelihood of the shares above the bound, averaged evenly over them, against the bound's
    own. Exact for any number of looks.

    >>> bool(share_is_above(2, 2, 0.05, 0.01)), bool(share_is_above(1, 2, 0.05, 0.01))
    (True, False)
    """
    from scipy.special import betaincc, betaln, xlog1py, xlogy

    yes, n = np.asarray(yes, np.float64), np.asarray(n, np.float64)
    if not 0 <= bound < 1:
        return np.full(yes.shape, bound < 0)
    no = n - yes
    with np.errstate(divide="ignore"):
        above = np.log(betaincc(yes + 1, no + 1, bound)) + betaln(yes + 1, no + 1)
    at_bound = xlogy(yes, bound) + xlog1py(no, -bound)
    return np.asarray(above - math.log1p(-bound) - at_bound >= -math.log(risk))


def mean_is_above(moments: Moments, bound: float, risk: float, floor: float = -math.inf) -> Mask:
    """Whether values with such moments, none below a *floor*, tell that their mean is above a
    bound.

    Student's t against a mixture of effects (Lai, Ann. Statist. 4, 1976; Wang and Ramdas, "Anytime-
    valid t-tests and confidence sequences for Gaussian means with unknown variance", 2024), with
    Hall's correction for skewness (J. R. Statist. Soc. B 54, 1992) where it takes evidence away.
    Exact for normal values; for others as docs/checks.md measures it.
    """
    n, mean, sd, skewness = moments
    distance = mean - bound
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(distance == 0, 0.0, np.sqrt(n) * distance / sd)
    t = np.where(np.isinf(t), t, np.minimum(t, _hall(t, skewness, n)))
    certain = (t > 0) & (_log_evidence(t, n) >= -math.log(risk)) & (n >= FIRST_LOOK)
    return np.asarray(certain & _withstands_the_unseen(moments, distance, risk, floor))


def mean_can_be_certain(n: int, risk: float) -> bool:
    """Whether any *n* values can make anything certain of their mean."""
    return n >= FIRST_LOOK and bool(_log_evidence(math.inf, n) >= -math.log(risk))


def _withstands_the_unseen(moments: Moments, distance: Any, risk: float, floor: float) -> Any:
    """Whether values unlike any seen would be too rare to bring the mean down to the bound.

    Of a share p of the values none is among n with the probability (1 - p)**n.
    """
    n, mean, sd, _ = moments
    away = _UNSEEN * np.where(sd > 0, sd, distance)
    return n * distance >= -math.log(risk) * np.minimum(away, mean - floor)


def beginnings(values: Floats) -> Moments:
    """The moments of the first value, of the first two, and so on."""
    n = np.arange(1, len(values) + 1)
    # From the first value, for sums of squares of large numbers lose their digits.
    first = values[:1]
    moved = values - first
    mean, square, cube = (np.cumsum(moved**power) / n for power in (1, 2, 3))
    variance = np.maximum(square - mean**2, 0)
    third = cube - 3 * mean * square + 2 * mean**3
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = np.where(variance > 0, third / variance**1.5, 0)
        sd = np.sqrt(variance * n / (n - 1))
    return Moments(n, mean + first, sd, skewness)


def moments_of(values: Floats) -> Moments:
    """The moments of all values, which must be one at least."""
    return Moments(*(moment[-1] for moment in beginnings(values)))


def last_certain(is_certain: Callable[[float], Any], certain: float, open_: float) -> float:
    """The bound nearest to *open_* that is still certain, by bisection from one that is."""
    for _ in range(200):
        middle = (certain + open_) / 2
        if middle in (certain, open_):
            break
        certain, open_ = (middle, open_) if is_certain(middle) else (certain, middle)
    return certain


def _hall(t: Any, skewness: Any, n: Any) -> Any:
    a = skewness / np.sqrt(n)
    with np.errstate(invalid="ignore"):
        return t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6


def _log_evidence(t: Any, n: Any) -> Any:
    """The logarithm of the mixture's likelihood against that of no effect, from Student's t."""
    with np.errstate(divide="ignore", invalid="ignore"):
        q = t**2 / (n - 1)
        ratio = np.where(np.isinf(q), 1 + n, (1 + q) / (1 + q / (1 + n)))
        return n / 2 * np.log(ratio) - np.log1p(n) / 2
