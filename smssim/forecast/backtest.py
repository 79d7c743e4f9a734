"""Would it have been right? Forecasts from earlier cuts of a record, held against what came.

A record is cut as it looked then, fitted, run on to the horizon, and each figure's interval
compared with the record itself. Scores are interval scores (Gneiting and Raftery, JASA 102, 2007).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom, poisson

from smssim.calendars import DAY, HOUR, to_datetime, to_us
from smssim.experiment.runner import Progress
from smssim.forecast.fit import FitError, fit
from smssim.record.from_frames import tally_frames
from smssim.record.record import Record
from smssim.record.schema import REPORTS, frame, microseconds_of
from smssim.report.kpis import kpi
from smssim.scenario import Scenario
from smssim.simulation.as_of import as_of
from smssim.stats.intervals import Interval, wilson

__all__ = ["Backtest", "backtest"]

_FIGURES = (
    "messages.requested",
    "messages.sent",
    "messages.delivered",
    "delivered.share",
    "latency.p50",
    "latency.p95",
)
_SETTLED = frozenset(_FIGURES[2:])
"""Figures that are known once the 72 h of every message are over."""
_FIRST_CUT = timedelta(days=14)
_VALIDITY_US = 72 * HOUR
_LEAST_CUTS = 8
_RISK = 0.01


def backtest(
    record: Record,
    cut: datetime | date | str | None = None,
    *,
    every: timedelta | None = None,
    horizon: timedelta = timedelta(days=14),
    terms: Scenario | str | Path | None = None,
    n: int = 39,
    level: float = 0.9,
    rng: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Forecast *horizon* ahead from one *cut* of a record, or from one *every* so often, the first
    after two weeks, and hold each interval against what the record shows.

    The record needs rows. Else as `smssim.fit` and `Fit.forecast`. A cut that cannot be fitted is a
    row with its reason. Raise a ValueError unless exactly one of *cut* and *every* is given, or if
    no horizon lies within the record.
    """
    if (cut is None) == (every is None):
        raise ValueError(f"cut(={cut}) and every(={every}): exactly one must be given")
    ahead = horizon // timedelta(microseconds=1)
    cuts = list(_cuts(record, cut, every, ahead))
    if not cuts:
        end = to_datetime(record.observed_until)
        raise ValueError(f"horizon(={horizon}) must end within the record, by {end}")
    rows: list[dict[str, Any]] = []
    for at in cuts:
        seen = as_of(record, to_datetime(at))
        came = _between(record, at, at + ahead)
        try:
            fitted = fit(seen, terms, until=to_datetime(at))
            table = fitted.forecast(
                to_datetime(at + ahead),
                n=n,
                level=level,
                rng=rng,
                workers=workers,
                progress=progress,
            ).table.set_index(["figure", "of"])
        except FitError as error:
            rows.append({"cut": to_datetime(at), "error": str(error)})
            continue
        naive = _naive(record, at, ahead, level)
        rows += _rows(at, ahead, table, came, naive)
    return Backtest(pd.DataFrame(rows), level, horizon)


def _cuts(
    record: Record, cut: datetime | date | str | None, every: timedelta | None, ahead: int
) -> Iterator[int]:
    """The instants to forecast from, whose horizon ends within the record."""
    if every is None:
        assert cut is not None
        at = to_us(datetime.fromisoformat(cut) if isinstance(cut, str) else cut)
        if at + ahead <= record.observed_until:
            yield at
        return
    step = every // timedelta(microseconds=1)
    if step < DAY:
        raise ValueError(f"every(={every}) must be a day or more")
    at = record.observed_from + _FIRST_CUT // timedelta(microseconds=1)
    while at + ahead <= record.observed_until:
        yield at
        at += step


def _between(record: Record, begin: int, end: int) -> Record:
    """The messages that were asked for from *begin* to *end*, with all that is known of them."""
    if record.messages is None:
        raise ValueError(f"{record.name!r} has no rows: read it with rows=True")
    submitted = microseconds_of(record.messages["submitted_at"])
    messages = record.messages[(submitted >= begin) & (submitted < end)].reset_index(drop=True)
    nothing = frame(REPORTS, ()).astype({"state": "category"})
    tallies = tally_frames(messages, nothing, begin, record.observed_until, requests=False)
    return replace(
        record, observed_from=begin, messages=messages, reports=None, ledger=None, tallies=tallies
    )


def _naive(record: Record, at: int, ahead: int, level: float) -> Interval:
    """Messages of the horizon if the same weekdays of the last whole weeks came again: Poisson."""
    assert record.messages is not None
    submitted = microseconds_of(record.messages["submitted_at"])
    weeks = max((at - record.observed_from) // (7 * DAY), 1)
    days = (at - submitted[(submitted < at) & (submitted >= at - weeks * 7 * DAY)] - 1) // DAY
    by_weekday = np.bincount(days % 7, minlength=7) / weeks
    # Day k from the cut has the weekday of day 6 - k before it.
    mean = sum(by_weekday[(6 - k) % 7] for k in range(ahead // DAY))
    low, high = (float(poisson.ppf(share, mean)) for share in ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(mean), low, high)


def _rows(
    at: int, ahead: int, table: pd.DataFrame, came: Record, naive: Interval
) -> Iterator[dict[str, Any]]:
    settled = at + ahead + _VALIDITY_US <= came.observed_until
    for figure in _FIGURES:
        ends = table.xs((figure, ""))[["low", "mid", "high"]].to_numpy(np.float64)
        true = kpi(came, figure) if settled or figure not in _SETTLED else math.nan
        rival = naive if figure == "messages.requested" else Interval(*[math.nan] * 3)
        yield {
            "cut": to_datetime(at),
            "error": "",
            "figure": figure,
            "true": true,
            **dict(zip(("low", "mid", "high"), ends.tolist(), strict=True)),
            "naive_low": rival.low,
            "naive_high": rival.high,
        }


@dataclass(frozen=True, repr=False)
class Backtest:
    """What came and what was forecast: `cuts` has a row per cut and figure, `table` per figure."""

    cuts: pd.DataFrame
    level: float
    horizon: timedelta

    def __repr__(self) -> str:
        n = self.cuts["cut"].nunique()
        return f"<Backtest: {n} cuts, {self.horizon.days} days ahead, {self.level:.0%} intervals>"

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per figure: n, hits, coverage with Wilson's interval, median width, that of the
        naive forecast and their ratio, interval scores and skill, and a verdict.

        Horizons that overlap count as one in the interval and the verdict, which is "as stated",
        "too narrow" or "too wide" at a risk of 1%, or "too few to tell" below eight.
        """
        known = self.cuts[self.cuts["error"] == ""].dropna(subset=["true"])
        rows = [self._row(str(figure), of) for figure, of in known.groupby("figure", sort=False)]
        return pd.DataFrame(rows)

    def _row(self, figure: str, cuts: pd.DataFrame) -> dict[str, Any]:
        held = ((cuts["low"] <= cuts["true"]) & (cuts["true"] <= cuts["high"])).to_numpy()
        n, hits = len(held), int(held.sum())
        apart = self._apart(cuts["cut"])
        interval = wilson(round(hits / n * apart), apart)
        width = float((cuts["high"] - cuts["low"]).median())
        naive = float((cuts["naive_high"] - cuts["naive_low"]).median())
        score = self._score(cuts, "low", "high")
        rival = self._score(cuts, "naive_low", "naive_high")
        return {
            "figure": figure,
            "n": n,
            "hits": hits,
            "coverage": hits / n,
            "coverage_low": interval.low,
            "coverage_high": interval.high,
            "width": width,
            "width_naive": naive,
            "ratio": width / naive if naive else math.nan,
            "score": score,
            "score_naive": rival,
            "skill": 1 - score / rival if rival else math.nan,
            "verdict": self._verdict(round(hits / n * apart), apart),
        }

    def _apart(self, cuts: pd.Series) -> int:
        """How many of the horizons do not overlap, at least one."""
        last, number = None, 0
        for at in sorted(cuts):
            if last is None or at >= last + self.horizon:
                last, number = at, number + 1
        return max(number, 1)

    def _score(self, cuts: pd.DataFrame, low: str, high: str) -> float:
        below = (cuts[low] - cuts["true"]).clip(lower=0)
        above = (cuts["true"] - cuts[high]).clip(lower=0)
        scores = cuts[high] - cuts[low] + 2 / (1 - self.level) * (below + above)
        return float(scores.mean())

    def _verdict(self, hits: int, n: int) -> str:
        if n < _LEAST_CUTS:
            return "too few to tell"
        low, high = (binom.ppf(risk, n, self.level) for risk in (_RISK / 2, 1 - _RISK / 2))
        return "too narrow" if hits < low else "too wide" if hits > high else "as stated"
