"""A check as a statistic that shall stay below a bound: one above is one below in the mirror."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smssim.checks.evidence import Flags, Mean, Quantile, Share, Statistic
from smssim.scenario import Check

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """The side of the bound that a check asks for.

    Mirrored values are less than *origin* by what values are more than 0: a yes is a no.
    """

    statistic: Statistic
    mirrored: bool
    origin: float
    bound: float
    margin: float

    @classmethod
    def of(cls, check: Check) -> Side:
        """The side that a check asks for."""
        mirrored = check.above is not None
        origin = 1.0 if check.kind == "probability" else 0.0
        # No metric is below 0.
        statistic: Statistic = Mean(-math.inf, 0) if mirrored else Mean(0, math.inf)
        if check.kind == "probability":
            statistic = Share()
        if check.quantile is not None:
            statistic = Quantile(1 - check.quantile if mirrored else check.quantile)
        bound = origin - check.bound if mirrored else check.bound
        return cls(statistic, mirrored, origin, bound, check.margin)

    def is_broken(self, values: Values, risk: float) -> Flags:
        """Whether each beginning of the months tells that the promise is broken."""
        return self.statistic.is_reached(self._seen(values), self.bound, risk)

    def is_kept(self, values: Values, risk: float) -> Flags:
        """Whether each beginning of the months tells that it is kept, but for the margin."""
        return self.statistic.is_below(self._seen(values), self.bound + self.margin, risk)

    def estimate(self, values: Values) -> float:
        """The statistic of the months."""
        return self._back(self.statistic.estimate(self._seen(values)))

    def bounds(self, values: Values, false_alarm: float, miss: float) -> tuple[float, float]:
        """Between which values the statistic certainly is."""
        seen = self._seen(values)
        ends = (self.statistic.least(seen, false_alarm), self.statistic.most(seen, miss))
        low, high = map(self._back, ends)
        return (high, low) if self.mirrored else (low, high)

    def breaks(self, values: Values) -> Flags:
        """Which of the months are beyond the bound by themselves; of yes or no, which are bad."""
        return self._seen(values) >= (1 if self.origin else self.bound)

    def _seen(self, values: Values) -> Values:
        return self.origin - values if self.mirrored else values

    def _back(self, value: float) -> float:
        return self.origin - value if self.mirrored else value
