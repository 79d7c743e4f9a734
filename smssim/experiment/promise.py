"""A promise: what a statistic of a figure shall stay below or above, and whether runs say so.

It is kept or broken only when the interval of the statistic lies wholly on one side.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from smssim.estimate import Interval, mean_interval, quantile_interval, wilson
from smssim.experiment.statistics import Values, metric_of
from smssim.metrics import METRICS, YES_OR_NO

_TEXT = re.compile(
    r"(?:(?P<statistic>\w+)\((?P<inner>.+)\)|(?P<metric>.+?))\s*(?P<side>[<>])\s*(?P<bound>.+)"
)
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_UNTIL = ("d", "h")
"""Units of metrics that are times until something happens: none means that it never did."""


@dataclass(frozen=True)
class Promise:
    """*statistic* of *figure* shall be below (or, with *above*, above) *bound*.

    The statistic is `mean`, `probability` (of a figure that is yes or no), or a quantile such as
    `p90`. Raise a ValueError for a metric or statistic that does not exist.
    """

    figure: str
    statistic: str
    bound: float
    above: bool = False

    def __post_init__(self) -> None:
        if metric_of(self.figure) not in METRICS:
            known = ", ".join(METRICS)
            raise ValueError(f"metric(={metric_of(self.figure)!r}) must be one of {known}")
        if not math.isfinite(self.bound):
            raise ValueError(f"bound(={self.bound}) must be finite")
        if self.statistic not in ("mean", "probability") and not self._quantile:
            raise ValueError(
                f"statistic(={self.statistic!r}) must be mean, probability or a quantile like p90"
            )

    @classmethod
    def parse(cls, text: str) -> Promise:
        """Read `METRIC < BOUND` or `STATISTIC(METRIC) > BOUND`; without a statistic it is the mean,
        or the probability where the metric is yes or no.

        >>> Promise.parse("p90(cost) < 12000").statistic, Promise.parse("runout.any < 0.05").bound
        ('p90', 0.05)
        """
        found = _TEXT.fullmatch(text.strip())
        if not found:
            raise ValueError(
                f"holds(={text!r}) must be like 'runout.any < 0.05' or 'p90(cost) < 9'"
            )
        figure = (found["inner"] or found["metric"]).strip()
        try:
            bound = float(found["bound"].replace("_", ""))
        except ValueError:
            raise ValueError(f"holds(={text!r}) must end with a number") from None
        metric = METRICS.get(metric_of(figure))
        usual = "probability" if metric is not None and metric.unit == YES_OR_NO else "mean"
        return cls(figure, found["statistic"] or usual, bound, found["side"] == ">")

    def interval(self, values: Values, confidence: float) -> Interval:
        """The statistic of *values* over runs and its interval.

        A run in which something never happened (NaN days or hours) counts as later than any in
        quantiles; means and probabilities are of the runs that have a value.
        """
        if self._quantile:
            never = np.inf if METRICS[metric_of(self.figure)].unit in _UNTIL else np.nan
            known = np.where(np.isnan(values), never, values)
            return _quantile(known[~np.isnan(known)], self._quantile, confidence)
        known = values[np.isfinite(values)]
        if len(known) < 2:
            return Interval(math.nan, -math.inf, math.inf)
        if self.statistic == "probability":
            return wilson(int(known.sum()), len(known), confidence)
        return mean_interval(known, confidence)

    def verdict(self, found: Interval) -> bool | None:
        """Whether the promise is kept, as far as an interval tells: None if it does not."""
        low, high = found.low, found.high
        if self.above:
            low, high = -high, -low
        bound = -self.bound if self.above else self.bound
        if high < bound:
            return True
        return False if low >= bound else None

    @property
    def _quantile(self) -> float:
        found = _QUANTILE.fullmatch(self.statistic)
        return float(found[1]) / 100 if found else 0.0

    def __str__(self) -> str:
        return f"{self.statistic}({self.figure}) {'>' if self.above else '<'} {self.bound:g}"


def _quantile(values: Values, q: float, confidence: float) -> Interval:
    """`estimate.quantile_interval` for values of which some may be infinite."""
    if not len(values):
        return Interval(math.nan, -math.inf, math.inf)
    finite = values[np.isfinite(values)]
    ceiling = 2 * (np.abs(finite).max(initial=0) + 1)
    found = quantile_interval(np.minimum(values, ceiling), q, confidence)
    return Interval(*(math.inf if value >= ceiling else value for value in found))
