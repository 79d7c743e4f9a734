"""Messages per local day by country: what is expected of a day, and how sure that is.

Weekday effects are pooled over countries as far as the counts ask for it; growth and swings are
averaged over a grid of their sds by the evidence for each (integrated nested Laplace approximation
on a plain grid: Rue, Martino and Chopin, JRSS B 71, 2009).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from smssim.arrays import Floats
from smssim.forecast.daily_model import DailyCounts, DailyFit, Effects, Scales
from smssim.forecast.priors import (
    COUNTRY_WEEKDAY_SDS,
    WEEKDAY_SDS,
    WEEKEND_SDS,
    Growth,
    Swing,
    generator,
)

__all__ = ["Volume", "VolumeDraw"]

_TYPICAL_SWING = 0.05
_REFINED = 2.0 ** (np.arange(-2, 3) / 2)
_SHARP = 0.25
"""Where chance is below this share of the variance that a swing makes, the grid is refined."""


@dataclass(frozen=True)
class VolumeDraw:
    """One set of parameters of volume; arrays by country in the order of `Volume.countries`.

    `level` is in messages per day at the cut, the mean of a week's seven days; `weekdays`
    (countries x 7, from Monday) has mean 1; `growth` is a share per day; `swing` and
    `shared_swing` are sds of a day's factors of mean 1; `holiday` is the log effect of a holiday,
    NaN where none was seen.
    """

    level: Floats
    weekdays: Floats
    growth: Floats
    swing: float
    shared_swing: float
    holiday: Floats


@dataclass(frozen=True)
class _Point:
    """A point of the grid: its fit and the log of its weight, prior times evidence."""

    fit: DailyFit
    log_weight: float

    def thinned(self, swings: tuple[float, float], by: int) -> _Point:
        """The point with its weight divided *by* so many if its swings are these."""
        scales = self.fit.scales
        if (scales.swing, scales.shared_swing) != swings:
            return self
        return _Point(self.fit, self.log_weight - math.log(by))


class Volume:
    """The posterior of messages per day, given counts of whole or partly seen local days.

    *growth* and *swing* are the priors. Draw 17 is the same whatever else is drawn; raise a
    ValueError for counts without a single message.
    """

    def __init__(
        self,
        counts: DailyCounts,
        growth: Growth | None = None,
        swing: Swing | None = None,
        seed: int = 0,
    ) -> None:
        if not counts.messages.sum() > 0:
            raise ValueError(f"counts of {len(counts.messages)} days hold no message")
        self.counts, self.seed = counts, seed
        self.countries = counts.countries
        self.growth, self.swing = growth or Growth(), swing or Swing()
        self._effects = Effects(counts)
        rhythm = self._best_rhythm()
        self._points = self._grid(rhythm)
        logs = np.array([point.log_weight for point in self._points])
        self.weights: Floats = np.exp(logs - logs.max())
        self.weights /= self.weights.sum()

    @property
    def best(self) -> DailyFit:
        """The fit of the likeliest point of the grid."""
        return self._points[int(self.weights.argmax())].fit

    def _best_rhythm(self) -> DailyFit:
        """The fit with the sds of weekdays that the counts speak for most.

        They hardly move a total of whole weeks, so no average over them is taken.
        """
        several = len(self.countries) > 1
        choices = product(
            WEEKDAY_SDS,
            WEEKEND_SDS if several else (0.0,),
            COUNTRY_WEEKDAY_SDS if several else (0.0,),
        )
        best: DailyFit | None = None
        for weekday, weekend, country_weekday in choices:
            scales = Scales(weekday, weekend, country_weekday, _TYPICAL_SWING, 0.0, 0.0)
            fit = DailyFit(self._effects, scales, best)
            if best is None or fit.log_evidence > best.log_evidence:
                best = fit
        assert best is not None
        return best

    def _grid(self, rhythm: DailyFit) -> list[_Point]:
        shared = self.swing.shared if len(self.countries) > 1 else {0.0: 1.0}
        coarse = {
            (sd, together): weight * shared_weight
            for sd, weight in self.swing.by_country.items()
            for together, shared_weight in shared.items()
        }
        points = list(self._fitted(rhythm, coarse))
        best = max(points, key=lambda point: point.log_weight).fit
        if not self._is_sharp(best):
            return points
        swings = best.scales.swing, best.scales.shared_swing
        around = self._around(swings, coarse)
        # The points around the best one and that one itself share its prior weight.
        share = coarse[swings] / (len(around) + 1)
        thinned = [point.thinned(swings, len(around) + 1) for point in points]
        return thinned + list(self._fitted(best, dict.fromkeys(around, share)))

    def _fitted(
        self, start: DailyFit, swings: dict[tuple[float, float], float]
    ) -> Iterator[_Point]:
        for (alone, shared), weight in swings.items():
            fit = start
            for sd, growth_weight in self.growth.weights.items():
                scales = start.scales._replace(swing=alone, shared_swing=shared, growth=sd)
                fit = DailyFit(self._effects, scales, fit)
                if weight:
                    yield _Point(fit, fit.log_evidence + math.log(weight * growth_weight))

    def _is_sharp(self, fit: DailyFit) -> bool:
        """Whether days are seen so sharply that the coarse grid's steps would show in the width."""
        mean = fit.expected()
        chance = self.counts.dispersion[self.counts.country] * mean
        smallest = min((sd for sd in self.swing.by_country if sd), default=0.0)
        return bool(smallest) and float(np.median(chance / (smallest * mean) ** 2)) < _SHARP

    def _around(
        self, swings: tuple[float, float], coarse: dict[tuple[float, float], float]
    ) -> list[tuple[float, float]]:
        """The points of the finer grid around *swings* that the coarse one has not."""
        axes = [(swing * _REFINED).tolist() if swing else [swing] for swing in swings]
        return [point for point in product(*axes) if point not in coarse]

    def draw(self, index: int) -> VolumeDraw:
        """Set *index* of the posterior: a point of the grid by its weight, then its effects."""
        rng = generator(self.seed, "volume", index)
        fit = self._points[int(rng.choice(len(self._points), p=self.weights))].fit
        return self._draw_of(fit, fit.draw(rng))

    @cached_property
    def mode(self) -> VolumeDraw:
        """The likeliest set."""
        return self._draw_of(self.best, self.best.mode)

    def _draw_of(self, fit: DailyFit, effects: Floats) -> VolumeDraw:
        means = np.exp(self._log_week(fit, effects))
        level = means.mean(axis=1)
        n = len(self.countries)
        growth = np.zeros(n)
        growth += fit.effect("growth", effects).sum()
        own_growth = fit.effect("country_growth", effects)
        if len(own_growth):
            growth += own_growth
        holiday = np.full(n, math.nan)
        holiday[self._effects.holiday_countries] = fit.effect("holiday", effects)
        return VolumeDraw(
            level=level,
            weekdays=means / level[:, None],
            growth=np.expm1(growth),
            swing=fit.scales.swing,
            shared_swing=fit.scales.shared_swing,
            holiday=holiday,
        )

    def _log_week(self, fit: DailyFit, effects: Floats) -> Floats:
        """The log of the mean of each weekday at the cut, by country."""
        n = len(self.countries)
        week: Floats = np.zeros((n, 7)) + fit.effect("level", effects)[:, None]
        week += fit.effect("weekday", effects)
        weekend = self._weekends * fit.effect("weekend", effects).sum()
        country_weekend = fit.effect("country_weekend", effects)
        if len(country_weekend):
            weekend = weekend + self._weekends * country_weekend[:, None]
            week += fit.effect("country_weekday", effects).reshape(n, 7)
        week += weekend
        return week

    @cached_property
    def _weekends(self) -> Floats:
        """Which weekdays are each country's weekend, as the counts have it; else 0."""
        weekends = np.zeros((len(self.countries), 7))
        weekends[self.counts.country, self.counts.weekday] = self.counts.weekend
        return weekends
