"""The three statistics of promises, and the bounds of each that months make certain."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Mask
from smssim.metrics import METRICS
from smssim.scenario import Check
from smssim.stats.sequential import (
    beginnings,
    last_certain,
    mean_can_be_certain,
    mean_is_above,
    moments_of,
    share_is_above,
)

__all__ = ["DirectedStatistic", "Statistic", "Values"]

Values = NDArray[np.float64]


class Statistic(Protocol):
    """A statistic over months; *values* are those of one month at least, in order."""

    def is_at_least(self, values: Values, bound: float, risk: float) -> Mask:
        """For each beginning of the values, whether the statistic is certainly at least a bound."""

    def is_below(self, values: Values, bound: float, risk: float) -> Mask:
        """For each beginning of the values, whether the statistic is certainly below a bound."""

    def lower_bound(self, values: Values, risk: float) -> float:
        """The largest bound that the statistic is certainly at or above."""

    def upper_bound(self, values: Values, risk: float) -> float:
        """The smallest bound that the statistic is certainly below."""

    def estimate(self, values: Values) -> float:
        """The statistic of the values themselves."""

    def fewest(self, bound: float, risk: float) -> float:
        """The number of values below which none are certainly below a bound, whatever they are."""


class _Share(Statistic):
    """The share of months that are yes (1)."""

    def is_at_least(self, values: Values, bound: float, risk: float) -> Mask:
        return share_is_above(np.cumsum(values), _numbers(values), bound, risk)

    def is_below(self, values: Values, bound: float, risk: float) -> Mask:
        return self.is_at_least(1 - values, 1 - bound, risk)

    def lower_bound(self, values: Values, risk: float) -> float:
        yes, n = values.sum(), len(values)
        return last_certain(lambda bound: share_is_above(yes, n, bound, risk), 0.0, yes / n)

    def upper_bound(self, values: Values, risk: float) -> float:
        return 1 - self.lower_bound(1 - values, risk)

    def estimate(self, values: Values) -> float:
        return float(values.mean())

    def fewest(self, bound: float, risk: float) -> float:
        return _fewest_of_all(1 - bound, risk)


@dataclass(frozen=True)
class _Mean(Statistic):
    """The mean over months, none of which is below a *floor* or above a *ceiling*."""

    floor: float
    ceiling: float

    def is_at_least(self, values: Values, bound: float, risk: float) -> Mask:
        return mean_is_above(beginnings(values), bound, risk, self.floor)

    def is_below(self, values: Values, bound: float, risk: float) -> Mask:
        return self._mirrored().is_at_least(-values, -bound, risk)

    def lower_bound(self, values: Values, risk: float) -> float:
        moments = moments_of(values)
        mean = float(moments.mean)

        def is_certain(bound: float) -> bool:
            return bool(mean_is_above(moments, bound, risk, self.floor))

        for step in (float(moments.sd) or abs(mean) or 1.0) * 2.0 ** np.arange(64):
            if is_certain(mean - step):
                return max(self.floor, last_certain(is_certain, mean - step, mean))
        return self.floor

    def upper_bound(self, values: Values, risk: float) -> float:
        return -self._mirrored().lower_bound(-values, risk)

    def estimate(self, values: Values) -> float:
        return float(values.mean())

    def fewest(self, bound: float, risk: float) -> float:
        return next(n for n in itertools.count(1) if mean_can_be_certain(n, risk))

    def _mirrored(self) -> _Mean:
        return _Mean(-self.ceiling, -self.floor)


@dataclass(frozen=True)
class _Quantile(Statistic):
    """The value that a share *q* of the months is at or below."""

    q: float

    def is_at_least(self, values: Values, bound: float, risk: float) -> Mask:
        return share_is_above(np.cumsum(values >= bound), _numbers(values), 1 - self.q, risk)

    def is_below(self, values: Values, bound: float, risk: float) -> Mask:
        return share_is_above(np.cumsum(values < bound), _numbers(values), self.q, risk)

    def lower_bound(self, values: Values, risk: float) -> float:
        enough = _fewest(len(values), 1 - self.q, risk)
        return -math.inf if enough is None else float(np.sort(values)[-enough])

    def upper_bound(self, values: Values, risk: float) -> float:
        enough = _fewest(len(values), self.q, risk)
        return math.inf if enough is None else float(np.sort(values)[enough - 1])

    def estimate(self, values: Values) -> float:
        return float(np.sort(values)[max(0, math.ceil(self.q * len(values) - 1e-9) - 1)])

    def fewest(self, bound: float, risk: float) -> float:
        return _fewest_of_all(self.q, risk)


def _numbers(values: Values) -> Values:
    return np.arange(1.0, len(values) + 1)


def _fewest(n: int, share: float, risk: float) -> int | None:
    """The fewest yes of *n* by which the share of yes is certainly above *share*; None if even all
    are too few.
    """
    certain = np.flatnonzero(share_is_above(np.arange(n + 1), n, share, risk))
    return int(certain[0]) if len(certain) else None


def _fewest_of_all(share: float, risk: float) -> float:
    """The fewest values of which all must be yes for their share to be certainly above one."""
    if share >= 1:
        return math.inf

    def is_enough(n: int) -> bool:
        return bool(share_is_above(n, n, share, risk))

    upper = next(2**k for k in range(1_000) if is_enough(2**k))
    return 1 + bisect_left(range(1, upper + 1), True, key=is_enough)


@dataclass(frozen=True)
class DirectedStatistic:
    """A check normalised to "statistic below bound"; a check with `above` is mirrored.

    Mirrored values are *origin* less the values: a yes is a no.
    """

    statistic: Statistic
    mirrored: bool
    origin: float
    bound: float
    margin: float
    most: float = math.inf
    """The most that the metric can be; none is below 0."""

    @classmethod
    def of(cls, check: Check) -> DirectedStatistic:
        """The statistic of a check, in the direction of its bound."""
        mirrored = check.above is not None
        origin = 1.0 if check.statistic_name == "probability" else 0.0
        # No metric is below 0.
        statistic: Statistic = _Mean(-math.inf, 0) if mirrored else _Mean(0, math.inf)
        if check.statistic_name == "probability":
            statistic = _Share()
        if check.quantile is not None:
            statistic = _Quantile(1 - check.quantile if mirrored else check.quantile)
        bound = origin - check.bound if mirrored else check.bound
        metric = METRICS.get(check.metric) if check.statistic_name != "probability" else None
        most = math.inf if metric is None else metric.scale[1]
        return cls(statistic, mirrored, origin, bound, check.margin, most)

    def is_broken(self, values: Values, risk: float) -> Mask:
        """For each beginning of the months, whether the promise is certainly broken."""
        return self.statistic.is_at_least(self._seen(values), self.bound, risk)

    def is_kept(self, values: Values, risk: float) -> Mask:
        """For each beginning, whether it is certainly kept, except within the margin."""
        return self.statistic.is_below(self._seen(values), self.bound + self.margin, risk)

    def fewest_months(self, risk: float) -> float:
        """The number of months with less of which the promise is never certainly kept; infinite if
        no number decides.
        """
        return self.statistic.fewest(self.bound + self.margin, risk)

    def estimate(self, values: Values) -> float:
        """The statistic of the months."""
        return self._back(self.statistic.estimate(self._seen(values)))

    def bounds(self, values: Values, false_alarm: float, miss: float) -> tuple[float, float]:
        """The values between which the statistic certainly lies."""
        seen = self._seen(values)
        ends = (
            self.statistic.lower_bound(seen, false_alarm),
            self.statistic.upper_bound(seen, miss),
        )
        low, high = sorted(map(self._back, ends))
        return low, min(high, self.most)

    def breaks(self, values: Values) -> Mask:
        """The months that are beyond the bound by themselves; of yes or no, the bad ones."""
        return self._seen(values) >= (1 if self.origin else self.bound)

    def _seen(self, values: Values) -> Values:
        return self.origin - values if self.mirrored else values

    def _back(self, value: float) -> float:
        return self.origin - value if self.mirrored else value
