"""A forecast: the fitted scenario run on from the end of the record, one run per set of parameters.

So an interval holds what is not known of the parameters, chance from day to day, and every rule of
the service. Its ends are order statistics of the runs, which hold a further exchangeable value with
exactly the stated probability (Barton, Nelson and Xie, Winter Simulation Conference 2010).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from smssim.arrays import Floats
from smssim.calendars import DAY, month_start, to_datetime, to_us
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.runner import Execution, Progress
from smssim.experiment.statistics import metric_of, subject_of
from smssim.experiment.worker import Task
from smssim.forecast.assembly import ParameterSet, assembled
from smssim.forecast.cells import Cells
from smssim.metrics import METRICS, UNTIL
from smssim.record.tallies import SLOT_US
from smssim.scenario import Scenario

__all__ = ["SETS", "Fitted", "Forecast", "forecast", "order_statistics"]

SETS = 199
"""Runs of a forecast: so many hold 80, 90 and 95 % exactly."""
_NOT_BEFORE_THE_END = "not before the end"
_ROUNDING = 1e-9


class Fitted(Protocol):
    """What a forecast needs of a fit."""

    cells: Cells
    terms: Scenario | None

    @property
    def cut(self) -> int:
        """The end of the record, in microseconds since 1970 UTC."""

    @property
    def findings(self) -> tuple[str, ...]:
        """What does not fit, and what was assumed."""

    def parameters(self, draw: int | None = None) -> ParameterSet:
        """One set of parameters."""


def forecast(
    fit: Fitted,
    until: datetime | date | str,
    *,
    n: int = SETS,
    level: float = 0.9,
    rng: int | None = None,
    opening: Mapping[str, Any] | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Forecast:
    """Forecast every figure from the end of the record *until* an instant (a date is its midnight
    in UTC), by one run of each of *n* sets of parameters.

    *opening* is the state at the end of the record, as the scenario's `opening`; without it, what
    the record shows of the counters of the running day and month. Raise a ValueError for an end
    that is not after the record's, or an *n* that cannot hold *level* exactly, which names the next
    one that can.
    """
    order_statistics(n, level)
    end = _instant(until)
    if end <= fit.cut:
        raise ValueError(
            f"until(={until}) must be after the end of the record, {to_datetime(fit.cut)}"
        )
    opened = _counted(fit) if opening is None else opening
    designs = [
        Design(assembled(fit.parameters(draw), fit.cut, end, fit.terms, opened), {}, f"set {draw}")
        for draw in range(n)
    ]
    tasks = [Task(draw, draw) for draw in range(n)]
    with Execution(executor, workers, None, progress).start(
        (), 1 if rng is None else rng
    ) as runner:
        return Forecast(fit, runner.run_all(designs, tasks), end, level)


def _instant(until: datetime | date | str) -> int:
    return to_us(datetime.fromisoformat(until) if isinstance(until, str) else until)


def _counted(fit: Fitted) -> dict[str, int]:
    """What thresholds have counted at the end of the record: messages of the UTC day and month."""
    begins = fit.cells.slots["slot"].to_numpy() * SLOT_US
    messages = fit.cells.slots["messages"].to_numpy()
    since = {"used_today": fit.cut - fit.cut % DAY, "used_this_month": month_start(fit.cut)}
    counted = {name: int(messages[begins >= begin].sum()) for name, begin in since.items()}
    return {name: number for name, number in counted.items() if number}


def order_statistics(n: int, level: float) -> int:
    """The rank of the low end, from 1, of the interval of *n* runs that holds *level* exactly.

    >>> order_statistics(199, 0.9)
    10
    """
    if not 0 < level < 1:
        raise ValueError(f"level(={level}) must be between 0 and 1")
    rank = (1 - level) / 2 * (n + 1)
    if _is_whole(rank, n):
        return round(rank)
    following = next(
        m for m in range(n + 1, n + 100_000) if _is_whole((1 - level) / 2 * (m + 1), m)
    )
    raise ValueError(f"n(={n}) runs hold no interval of {level:.0%} exactly: n={following} do")


def _is_whole(rank: float, n: int) -> bool:
    return rank > 1 - _ROUNDING and abs(rank - round(rank)) < _ROUNDING * n


@dataclass(frozen=True, repr=False)
class Forecast:
    """The runs of a forecast, and their figures with intervals at `level`."""

    fit: Fitted
    experiment: Experiment
    until: int
    level: float

    def __repr__(self) -> str:
        begin, end = (f"{to_datetime(us):%Y-%m-%d %H:%M}" for us in (self.fit.cut, self.until))
        runs = f"{len(self.experiment.results)} runs, {self.level:.0%} intervals"
        return f"<Forecast {begin} to {end} UTC: {runs}>"

    @property
    def runs(self) -> pd.DataFrame:
        """One row per run, with the number of its set as `scenario`, and every figure."""
        return self.experiment.runs

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per figure: figure, of, unit, mid, low, high, level and note.

        A time until something happens is in days from the end of the record; where it need not
        happen, the end is infinite and the note says so. Money is left out where no terms give
        prices.
        """
        rows = [self._row(name) for name in self.experiment.kpi_names if self._is_known(name)]
        names = ["figure", "of", "unit", "mid", "low", "high", "level", "note"]
        return pd.DataFrame(rows, columns=names)

    def _is_known(self, name: str) -> bool:
        return self.fit.terms is not None or METRICS[metric_of(name)].unit != "currency"

    def _row(self, name: str) -> tuple[Any, ...]:
        is_time = METRICS[metric_of(name)].unit in UNTIL
        values = self._values(name)
        values = np.where(np.isnan(values), math.inf, values) if is_time else values
        low, mid, high = self._interval(values)
        note = ""
        if is_time and math.isinf(high):
            happened = float(np.isfinite(values).mean())
            note = f"{_NOT_BEFORE_THE_END} in {1 - happened:.0%} of runs"
        return metric_of(name), subject_of(name), self._unit(name), mid, low, high, self.level, note

    def _values(self, name: str) -> Floats:
        """A figure of every run that did not fail, in the order of sets."""
        runs = self.experiment.runs
        values: Floats = runs.loc[runs["error"] == "", name].to_numpy(np.float64)
        return values

    def _interval(self, values: Floats) -> tuple[float, float, float]:
        values = np.sort(values[~np.isnan(values)])
        n = len(values)
        if not n:
            return math.nan, math.nan, math.nan
        rank = max(round((1 - self.level) / 2 * (n + 1)), 1)
        return float(values[rank - 1]), float(values[(n - 1) // 2]), float(values[n - rank])

    def _unit(self, name: str) -> str:
        return self.experiment.unit(name)

    @property
    def findings(self) -> tuple[str, ...]:
        """What the forecast rests on and what it does not say, in sentences."""
        return (*self.fit.findings, *self._of_this())

    def _of_this(self) -> list[str]:
        seen, ahead = self.fit.cut - self.fit.cells.since, self.until - self.fit.cut
        sentences = ["no back-test was made: smssim.backtest says how such forecasts held before"]
        if ahead > 2 * seen:
            days = f"{ahead / DAY:.0f} days beyond a record of {seen / DAY:.0f}"
            sentences.append(f"the forecast reaches {days}: growth carries much of its width")
        if self.fit.terms is not None and any(
            to_us(package.at) < self.fit.cut
            for package in self.fit.terms.packages
            if package.at is not None
        ):
            sentences.append(
                "what is left of packages at the end of the record is not known: run-outs are not "
                "forecast for them (terms.packages[].left)"
            )
        return sentences
