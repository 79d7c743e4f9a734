"""Statistics of a figure over many runs: means, quantiles, shares, each with its interval.

Runs that have no value (no run-out, nothing delivered) are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from smssim.metrics import METRICS, YES_OR_NO
from smssim.stats.intervals import Interval, mean_interval, quantile_interval, wilson

__all__ = [
    "QUANTILES",
    "Statistic",
    "Values",
    "estimate_of",
    "mean_of",
    "metric_of",
    "statistics_of",
    "subject_of",
    "summary_frame",
]

Values = npt.NDArray[np.float64]

QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


class Statistic(NamedTuple):
    """One statistic of one figure, in the figure's unit; *n* runs had a value."""

    statistic: str
    n: int
    estimate: float
    low: float
    high: float


def statistics_of(name: str, values: Values, confidence: float) -> Iterator[Statistic]:
    """All statistics of one figure over runs; *name* may have a subject in square brackets.

    Figures that are yes or no have the `probability` of yes (Wilson), all others the `mean`
    (Student), `sd` without an interval, and p10, p50 and p90 (order statistics).
    """
    finite = values[np.isfinite(values)]
    n = len(finite)
    if METRICS[metric_of(name)].unit == YES_OR_NO:
        yield _statistic("probability", n, _probability(finite, confidence))
        return
    yield _statistic("mean", n, _mean(finite, confidence))
    sd = float(finite.std(ddof=1)) if n > 1 else float("nan")
    yield Statistic("sd", n, sd, float("nan"), float("nan"))
    for statistic, q in QUANTILES.items():
        interval = quantile_interval(finite, q, confidence) if n else _nothing()
        yield _statistic(statistic, n, interval)


def estimate_of(name: str, values: Values, confidence: float = 0.95) -> Interval:
    """The first statistic of a figure: its mean, or the probability of yes."""
    first = next(statistics_of(name, values, confidence))
    return Interval(first.estimate, first.low, first.high)


def mean_of(values: Values, confidence: float = 0.95) -> Interval:
    """The mean of values and its interval, unbounded for a single one, NaN for none."""
    return _mean(values, confidence)


def metric_of(name: str) -> str:
    """The metric of a figure without its subject or part.

    >>> metric_of("package.empty[0]"), metric_of("latency.p95[template=login]")
    ('package.empty', 'latency.p95')
    """
    return name.partition("[")[0]


def subject_of(name: str) -> str:
    """The subject of a figure or the part of the month it is of, "" if it has none.

    >>> [subject_of(name) for name in ("package.empty[0]", "cost[country=ID]", "cost")]
    ['0', 'country=ID', '']
    """
    return name.partition("[")[2].removesuffix("]")


def summary_frame(rows: list[dict[str, Any]], keys: list[str]) -> pd.DataFrame:
    """Rows of statistics as a tidy frame; *keys* come first."""
    columns = [*keys, "metric", "of", "unit", "statistic", "n", "estimate", "low", "high"]
    frame = pd.DataFrame(rows, columns=columns)
    numbers = dict.fromkeys(("estimate", "low", "high"), "float64")
    return frame.astype({"metric": "str", "of": "str", "unit": "str", "statistic": "str"} | numbers)


def _mean(values: Values, confidence: float) -> Interval:
    if len(values) < 2:
        return _nothing() if not len(values) else Interval(float(values[0]), -np.inf, np.inf)
    return mean_interval(values, confidence)


def _probability(values: Values, confidence: float) -> Interval:
    return wilson(int(values.sum()), len(values), confidence) if len(values) else _nothing()


def _nothing() -> Interval:
    return Interval(float("nan"), float("nan"), float("nan"))


def _statistic(name: str, n: int, interval: Interval) -> Statistic:
    return Statistic(name, n, *interval)
