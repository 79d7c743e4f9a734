"""Whether values come from a distribution, at a risk of a false alarm that is kept to the letter.

Ties, rounding and discreteness make a test more careful here, never less.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from typing import Protocol

    class Distribution(Protocol):
        """A frozen distribution of scipy, or anything with a distribution function."""

        def cdf(self, x: Any, /) -> Any:
            """The probability of values up to *x*."""


Values = NDArray[np.float64]
EXACT = 10_000
"""Values of a sample up to which two samples are compared exactly, and by a bound beyond."""
_NOISE = 1e-12
"""Of the largest value: two that are nearer to each other are the same number, computed twice."""


class Gap(NamedTuple):
    """Where two distributions are farthest apart, how sure it is that they differ, and by what."""

    statistic: str
    value: float
    p: float
    where: str


def assert_distribution(
    values: Iterable[Any],
    expected: Distribution | Mapping[Any, float] | ArrayLike,
    *,
    risk: float = 1e-4,
) -> None:
    """Raise an AssertionError if independent *values* do not come from the *expected* distribution.

    If they do, it raises one with probability *risk* at most, however many ties they have and
    however they were rounded.

    - a frozen scipy distribution: Kolmogorov and Smirnov's test by its exact distribution. Against
      a continuous one each value counts as known to within the smallest distance of two, so that
      rounded values may be given; against a discrete one the test errs on the careful side.
    - a mapping of values to their probabilities, which sum to 1: the exact binomial test of each
      value, at *risk* divided by their number. A value that it does not have fails at once.
    - another sample: Kolmogorov and Smirnov's test of two samples, exact without ties and careful
      with them; beyond 10,000 values by Massart's bound (Annals of Probability 18, 1990).

    The error names the statistic, its p-value, the risk, and where the gap is largest. Raise a
    ValueError for no values, values that are not finite, probabilities that do not sum to 1, a
    distribution that has none (NaN), or a *risk* that is not between 0 and 1.
    """
    if not 0 < risk < 1:
        raise ValueError(f"risk(={risk}) must be > 0 and < 1")
    if isinstance(expected, Mapping):
        found, n = _of_mapping(list(values), expected)
    elif hasattr(expected, "cdf"):
        own = _sample("values", values)
        found, n = _of_distribution(own, expected), len(own)
    else:
        own, other = _sample("values", values), _sample("expected", expected)
        found, n = _of_sample(own, other), len(own)
    if found.p <= risk:
        told = f"{n:,} values do not come from what is expected: {found.statistic} "
        told += f"{found.value:.4g}, p-value {found.p:.3g} <= risk {risk:g}; the gap is largest "
        raise AssertionError(told + found.where)


def _sample(name: str, values: Any) -> Values:
    x = np.sort(np.asarray(values if hasattr(values, "__len__") else list(values), np.float64))
    if x.ndim != 1 or not len(x):
        raise ValueError(f"{name} must be a sequence of at least one number")
    if not np.isfinite(x).all():
        raise ValueError(f"{name} must be finite: {int((~np.isfinite(x)).sum())} are not")
    return x


def _of_distribution(x: Values, expected: Any) -> Gap:
    """The largest distance of the two distribution functions, at jumps from either side."""
    from scipy.stats import kstwo

    n, points = len(x), np.unique(x)
    upto = np.searchsorted(x, points, side="right") / n
    below = np.searchsorted(x, points, side="left") / n
    at, before = _either_side(points, expected)
    if not np.isfinite(at + before).all():
        # What scipy says where parameters cannot be, a scale below 0 for example.
        raise ValueError("expected must be a distribution, its parameters are none: cdf is NaN")
    above, under = upto - at, before - below
    place = int(np.argmax(np.maximum(above, under)))
    distance = float(max(above[place], under[place], 0.0))
    seen, told = (
        (f"up to {points[place]:g}: a share of {upto[place]:.4g}", at[place])
        if above[place] >= under[place]
        else (f"below {points[place]:g}: a share of {below[place]:.4g}", before[place])
    )
    p = float(kstwo.sf(distance, n)) if distance > 0 else 1.0
    return Gap("Kolmogorov-Smirnov distance", distance, p, f"{seen}, expected {told:.4g}")


def _either_side(points: Values, expected: Any) -> tuple[Values, Values]:
    """The expected share up to each point and below it, so as to be on the careful side."""
    from scipy.stats import rv_discrete

    if isinstance(getattr(expected, "dist", None), rv_discrete):
        at = np.asarray(expected.cdf(points), np.float64)
        return at, np.clip(at - np.asarray(expected.pmf(points), np.float64), 0, 1)
    # Rounded values are multiples of a step, which no distance of two is smaller than, but for the
    # noise of arithmetic.
    gaps = np.diff(points)
    gaps = gaps[gaps > _NOISE * np.abs(points).max()]
    step = float(gaps.min()) if len(gaps) else 0.0
    at = np.asarray(expected.cdf(points + step), np.float64)
    return at, np.asarray(expected.cdf(points - step), np.float64)


def _of_sample(x: Values, y: Values) -> Gap:
    from scipy.stats import ks_2samp

    points = np.unique(np.concatenate([x, y]))
    own, other = (np.searchsorted(s, points, side="right") / len(s) for s in (x, y))
    place = int(np.argmax(np.abs(own - other)))
    distance = float(abs(own[place] - other[place]))
    if max(len(x), len(y)) <= EXACT:
        p = float(ks_2samp(x, y, method="exact").pvalue)
    else:
        p = _massart(distance, len(x), len(y))
    told = f"up to {points[place]:g}: a share of {own[place]:.4g} and of {other[place]:.4g} in the"
    return Gap("Kolmogorov-Smirnov distance", distance, p, f"{told} {len(y):,} expected values")


def _massart(distance: float, n: int, m: int) -> float:
    """At least the probability that two samples of one distribution are as far apart.

    One of them is then off by its part of the distance, parts as their standard errors are.
    """
    whole = distance / (1 / math.sqrt(n) + 1 / math.sqrt(m))
    return min(1.0, 4 * math.exp(-2 * whole**2))


def _of_mapping(values: Sequence[Hashable], expected: Mapping[Any, float]) -> tuple[Gap, int]:
    """The value whose count is least likely, at as many times its p-value as there are values."""
    from scipy.stats import binom

    n, total = len(values), math.fsum(expected.values())
    if not n:
        raise ValueError("values must be a sequence of at least one value")
    if not abs(total - 1) <= 1e-9 or min(expected.values()) < 0:
        told = f"expected must be probabilities that sum to 1, not to {total:g}"
        raise ValueError(told)
    counts = dict.fromkeys(expected, 0)
    for value in values:
        if value not in counts:
            where = f"at {value!r}, which is not expected at all"
            return Gap("unexpected values, first", 1, 0.0, where), n
        counts[value] += 1
    likely = {}
    for value, count in counts.items():
        probability = min(1.0, expected[value])
        tails = binom.cdf(count, n, probability), binom.sf(count - 1, n, probability)
        likely[value] = min(1.0, 2 * float(min(tails)) * _tests(expected))
    worst = min(
        likely, key=lambda value: (likely[value], -abs(counts[value] / n - expected[value]))
    )
    share = counts[worst] / n
    where = (
        f"at {worst!r}: a share of {share:.4g} ({counts[worst]:,}), expected {expected[worst]:.4g}"
    )
    return Gap(f"binomial count of {worst!r}", counts[worst], likely[worst], where), n


def _tests(expected: Mapping[Any, float]) -> int:
    """How many tests a mapping takes: of two values, one count says all."""
    return len(expected) if len(expected) > 2 else 1
