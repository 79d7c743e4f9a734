"""Messages per country and local day as a penalised negative binomial model, fitted once.

The mean is ``exposure * exp(effects)``, its variance ``phi * mean + swing**2 * mean**2``: phi comes
of requests with several recipients and is known beforehand, the swing is a day's own factor. As the
likelihood of counts divided by phi that is McCullagh and Nelder's quasi-likelihood (Generalized
Linear Models, chapter 9); evidence is by Laplace's approximation (Tierney and Kadane, JASA 81,
1986).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import gammaln

from smssim.arrays import Floats, Ints
from smssim.forecast import priors

__all__ = ["DailyCounts", "DailyFit", "Effects", "Scales"]

_MOST_STEPS = 40
_STEP_TOLERANCE = 1e-6
_LOG_BOUND = 30.0


@dataclass(frozen=True)
class DailyCounts:
    """Messages asked for, one entry per country and local day; arrays of one length.

    *country* numbers `countries`; *weekday* is 0 on Monday, *time* in days from the cut (negative
    before it). *exposure* is the part of the day's hourly profile that was observed, above 0 and
    at most 1; *dispersion* is phi of each country; *holiday* marks a country's public holidays.
    """

    countries: tuple[str, ...]
    country: Ints
    day: Ints
    weekday: Ints
    weekend: Floats
    holiday: Floats
    time: Floats
    messages: Floats
    exposure: Floats
    dispersion: Floats

    def only(self, chosen: Ints | np.ndarray) -> DailyCounts:
        """The entries *chosen*, by index or mask."""
        per_day = (
            "country",
            "day",
            "weekday",
            "weekend",
            "holiday",
            "time",
            "messages",
            "exposure",
        )
        arrays = {name: getattr(self, name)[chosen] for name in per_day}
        return DailyCounts(countries=self.countries, dispersion=self.dispersion, **arrays)

    @cached_property
    def log_means(self) -> Floats:
        """The log of each country's messages per whole day, at least half a message in all."""
        n = len(self.countries)
        messages = np.bincount(self.country, self.messages, n)
        exposure = np.bincount(self.country, self.exposure, n)
        logs: Floats = np.log(np.maximum(messages, 0.5) / np.maximum(exposure, 1e-9))
        return logs


class Scales(NamedTuple):
    """The sds that a fit is given: of weekdays, of swings and of growth per day."""

    weekday: float
    weekend: float
    country_weekday: float
    swing: float
    shared_swing: float
    growth: float


class Effects:
    """The columns of the model by name, made once for all fits of the same counts."""

    def __init__(self, counts: DailyCounts) -> None:
        self.counts = counts
        n, countries = len(counts.messages), len(counts.countries)
        by_country = np.eye(countries)[counts.country]
        weekday = np.eye(7)[counts.weekday]
        days, day = np.unique(counts.day, return_inverse=True)
        weekend, time = counts.weekend[:, None], counts.time[:, None]
        self._columns: dict[str, Floats] = {
            "level": by_country,
            "weekend": weekend,
            "weekday": weekday,
            "growth": time,
            "day": np.eye(len(days))[day],
            "holiday": by_country * counts.holiday[:, None],
        }
        if countries > 1:
            self._columns |= {
                "country_weekend": by_country * weekend,
                "country_weekday": (by_country[:, :, None] * weekday[:, None, :]).reshape(n, -1),
                "country_growth": by_country * time,
            }
        holidays = np.bincount(counts.country, counts.holiday, countries) > 0
        self._columns["holiday"] = self._columns["holiday"][:, holidays]
        self.holiday_countries = np.flatnonzero(holidays)

    def prior_sds(self, scales: Scales) -> dict[str, float]:
        """The prior sd of each effect that *scales* leave free."""
        sds = {
            "level": priors.LEVEL_SD,
            "weekend": priors.WEEKEND_SD,
            "weekday": scales.weekday,
            "country_weekend": scales.weekend,
            "country_weekday": scales.country_weekday,
            "growth": scales.growth,
            "country_growth": scales.growth * priors.OWN_GROWTH_SHARE,
            "day": scales.shared_swing,
            "holiday": priors.HOLIDAY_SD,
        }
        return {
            name: sd
            for name, sd in sds.items()
            if sd and name in self._columns and self._columns[name].shape[1]
        }

    def design(self, scales: Scales) -> tuple[Floats, Floats, dict[str, slice]]:
        """The columns in use, the prior precision of each, and where each effect's are."""
        sds = self.prior_sds(scales)
        columns = [self._columns[name] for name in sds]
        widths = [block.shape[1] for block in columns]
        ends = np.cumsum(widths).tolist()
        where = {
            name: slice(end - width, end)
            for name, end, width in zip(sds, ends, widths, strict=True)
        }
        precision = np.repeat([sd**-2 for sd in sds.values()], widths)
        return np.concatenate(columns, axis=1), precision, where


class DailyFit:
    """The mode of the effects under given *scales*, its curvature, and the evidence for the scales.

    *start* is a fit of the same counts to begin from. Effects are on the log of messages per day;
    `log_evidence` leaves out what all scales have in common.
    """

    def __init__(self, effects: Effects, scales: Scales, start: DailyFit | None = None) -> None:
        self.effects, self.scales = effects, scales
        self._columns, self._precision, self.where = effects.design(scales)
        counts = effects.counts
        phi = counts.dispersion[counts.country]
        self._scaled, self._offset = counts.messages / phi, np.log(counts.exposure / phi)
        self._prior_mean = np.zeros(len(self._precision))
        self._prior_mean[self.where["level"]] = counts.log_means
        self.mode: Floats = self._prior_mean.copy()
        if start is not None:
            for name in start.where.keys() & self.where.keys():
                self.mode[self.where[name]] = start.mode[start.where[name]]
        self._climb()
        self.log_evidence = self._evidence()

    def _climb(self) -> None:
        """Fisher scoring; a step is never longer than 1, as the counts' log is flat far away."""
        squared = self.scales.swing**2
        for _ in range(_MOST_STEPS):
            mean = self._mean()
            inverse_variance = 1 / (1 + squared * mean)
            away = self._precision * (self.mode - self._prior_mean)
            gradient = self._columns.T @ ((self._scaled - mean) * inverse_variance) - away
            weighted = self._columns * (mean * inverse_variance)[:, None]
            curvature = self._columns.T @ weighted
            curvature[np.diag_indices_from(curvature)] += self._precision
            self._factor = cho_factor(curvature, lower=True, check_finite=False)
            step = cho_solve(self._factor, gradient, check_finite=False)
            longest = float(np.abs(step).max())
            self.mode = self.mode + step / max(longest, 1.0)
            if longest < _STEP_TOLERANCE:
                return

    def _mean(self) -> Floats:
        linear = self._offset + self._columns @ self.mode
        mean: Floats = np.exp(np.clip(linear, -_LOG_BOUND, _LOG_BOUND))
        return mean

    def _evidence(self) -> float:
        z, mean, squared = self._scaled, self._mean(), self.scales.swing**2
        if squared:
            size = 1 / squared
            terms = gammaln(z + size) - gammaln(size) - gammaln(z + 1)
            terms += size * np.log(size / (size + mean)) + z * np.log(mean / (size + mean))
        else:
            terms = z * np.log(mean) - mean - gammaln(z + 1)
        prior = np.log(self._precision) - self._precision * (self.mode - self._prior_mean) ** 2
        log_determinant = 2 * np.log(np.diag(self._factor[0])).sum()
        return float(terms.sum() + (prior.sum() - log_determinant) / 2)

    def expected(self) -> Floats:
        """The mean number of messages of each country and day at the mode."""
        mean: Floats = self._mean() * self.effects.counts.dispersion[self.effects.counts.country]
        return mean

    def effect(self, name: str, of: Floats | None = None) -> Floats:
        """The values of one effect in *of* (default: the mode); empty if it is not in the model."""
        values = self.mode if of is None else of
        return values[self.where.get(name, slice(0, 0))]

    def draw(self, rng: np.random.Generator) -> Floats:
        """One set of effects from the normal approximation around the mode."""
        noise = rng.standard_normal(len(self.mode))
        lower = self._factor[0]
        away = solve_triangular(lower, noise, lower=True, trans="T", check_finite=False)
        drawn: Floats = self.mode + away
        return drawn
