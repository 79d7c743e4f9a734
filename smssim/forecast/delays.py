"""Delays and final statuses of every country: families averaged, or the observed curve itself.

All countries together are fitted first; a country's parameters are drawn towards theirs, and one of
few messages has theirs. A country that no family fits has its product-limit curve instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from smssim.arrays import Floats
from smssim.calendars import DAY, HOUR
from smssim.forecast.cells import Cells
from smssim.forecast.delay_counts import VALIDITY_S, DelayCounts
from smssim.forecast.delay_families import FAMILIES
from smssim.forecast.delay_fit import DelayFit, Likelihood, OutcomeShares
from smssim.forecast.goodness import Goodness, ObservedCurve, goodness
from smssim.forecast.priors import generator
from smssim.record.tallies import SLOT_US

__all__ = ["DelayDraw", "Delays", "Points", "nowcast_of", "points_of"]

_LEAST_MESSAGES = 30
"""A country of fewer messages has the delays and shares of all countries together."""
_WORSE_BIC = 20.0
_BAD_DAYS = 3.0
_MISFIT_P, _MISFIT_DEVIATION = 0.001, 0.01
_GRID_S = np.logspace(-2, 6.5, 850)
_BODY_SHARES = np.append(np.arange(1, 23) / 24, np.arange(0.93, 1.0, 0.005))
_TAIL_POINTS = 24
_LONGEST_S = 8_640_000.0

_Stated = Mapping[str, Mapping[str, float]]
"""A delay as the scenario's `lognormal_s` and `slow`."""
Points = tuple[tuple[float, float], ...]
"""A delay as the scenario's `curve`: shares from 0 to 1 and seconds."""


@dataclass(frozen=True)
class DelayDraw:
    """One set of parameters of a country: shares by end, and the delays of the delivered and of the
    failed as curves.
    """

    shares: OutcomeShares
    delivered: Points
    failed: Points
    stated: tuple[_Stated, _Stated] | None = None
    """Both as log-normals with a slow part, where that is what they are."""


@dataclass(frozen=True)
class _CountryDelays:
    """The fits of one country and their weights.

    `scatter` is by how many times the delivered share differs more from day to day than by chance
    (at least 1); `curve` stands in for the families where none fits.
    """

    country: str
    counts: DelayCounts
    fits: tuple[DelayFit, ...]
    weights: Floats
    scatter: float
    goodness: Goodness | None
    curve: ObservedCurve | None

    @property
    def best(self) -> DelayFit:
        """The likeliest family."""
        return self.fits[int(self.weights.argmax())]

    @property
    def mode(self) -> DelayDraw:
        """The likeliest set."""
        return self._made(self.best, self.best.mode, None)

    def draw(self, seed: int, index: int) -> DelayDraw:
        """Set *index*: a family by its weight, then its parameters; or a curve of the bootstrap."""
        rng = generator(seed, f"delays/{self.country}", index)
        fit = self.fits[int(rng.choice(len(self.fits), p=self.weights))]
        return self._made(fit, fit.draw(rng, self.scatter), rng)

    def _made(
        self, fit: DelayFit, parameters: Floats, rng: np.random.Generator | None
    ) -> DelayDraw:
        failed = points_of(_GRID_S, fit.failed_cdf(_GRID_S, parameters))
        if self.curve is not None:
            shares, seconds, at_most = self.curve.of(rng, self.scatter)
            return DelayDraw(shares, points_of(seconds, at_most), failed)
        delivered = points_of(_GRID_S, fit.cdf(_GRID_S, parameters))
        stated = fit.as_log_normals(parameters)
        return DelayDraw(fit.shares_of(parameters), delivered, failed, stated)


def nowcast_of(delays: _CountryDelays, seed: int, n: int) -> tuple[str, int, float, float, float]:
    """Country, pending, and the median and 90 % interval of those that will yet be delivered."""
    ages, messages = delays.counts.ages()
    sums = []
    for index in range(n):
        rng = generator(seed, f"nowcast/{delays.country}", index)
        fit = delays.fits[int(rng.choice(len(delays.fits), p=delays.weights))]
        parameters = fit.draw(rng, delays.scatter)
        in_time = fit.cdf(np.array([VALIDITY_S]), parameters) - fit.cdf(ages, parameters)
        share = fit.shares_of(parameters).delivered * in_time
        chance = np.clip(share / np.maximum(fit.waiting(ages, parameters), 1e-12), 0.0, 1.0)
        sums.append(int(rng.binomial(np.rint(messages).astype(np.int64), chance).sum()))
    low, mid, high = np.quantile(sums, [0.05, 0.5, 0.95], method="nearest").tolist()
    return delays.country, int(messages.sum()), mid, low, high


class Delays:
    """Delays and final statuses of all countries of *cells*; *resolution_s* is the clock's unit."""

    def __init__(self, cells: Cells, resolution_s: float = 0.0, seed: int = 0) -> None:
        self.seed = seed
        counts = {country: DelayCounts.of(cells, country) for country in cells.countries}
        likelihoods = {country: Likelihood(of, resolution_s) for country, of in counts.items()}
        together = Likelihood(DelayCounts.together(counts.values()), resolution_s)
        pooled = _promising(DelayFit.to(together, family) for family in FAMILIES)
        self.pooled = tuple(pooled)
        self.by_country: Mapping[str, _CountryDelays] = {
            country: self._country(country, likelihood, cells)
            for country, likelihood in likelihoods.items()
        }

    def _country(self, country: str, likelihood: Likelihood, cells: Cells) -> _CountryDelays:
        fits, tested, curve = self.pooled, None, None
        if likelihood.messages >= _LEAST_MESSAGES:
            if len(cells.countries) > 1:
                fits = tuple(DelayFit.to(likelihood, fit.family, fit) for fit in self.pooled)
            weights = _weights(fits)
            best = fits[int(weights.argmax())]
            tested = goodness(likelihood, best)
            if tested.p < _MISFIT_P and tested.deviation > _MISFIT_DEVIATION:
                curve = ObservedCurve(likelihood.counts, best)
        scatter = _scatter_of_days(cells, country)
        return _CountryDelays(
            country, likelihood.counts, fits, _weights(fits), scatter, tested, curve
        )

    def findings(self) -> Iterator[str]:
        """What does not fit, and where countries have the parameters of others, in sentences."""
        for country, of in self.by_country.items():
            if of.counts.messages < _LEAST_MESSAGES:
                yield (
                    f"{country} has {of.counts.messages:,.0f} messages: its delays and shares are "
                    "those of all countries together"
                )
            elif not of.counts.timed:
                yield (
                    f"the log shows of messages to {country} at most whether a status came within "
                    "3 minutes: shares are fitted, delays are mostly the prior's"
                )
            if of.curve is not None and of.goodness is not None:
                yield (
                    f"delays to {country} follow none of {_spelled(len(FAMILIES))} families "
                    f"(p < {_MISFIT_P:g}; the fit is off by {of.goodness.deviation:.2f} at "
                    f"{of.goodness.at_s:,.0f} s): the scenario has the observed curve instead"
                )
            if of.scatter > _BAD_DAYS:
                yield (
                    f"the delivered share of {country} differs between days by more than chance "
                    f"({of.scatter:.1f} times): days are taken as the unit, and intervals are wider"
                )


def _promising(fits: Iterator[DelayFit]) -> list[DelayFit]:
    """The fits that all countries together do not speak against."""
    made = list(fits)
    least = min(fit.bic for fit in made)
    return [fit for fit in made if fit.bic - least < _WORSE_BIC]


def _weights(fits: tuple[DelayFit, ...]) -> Floats:
    bic = np.array([fit.bic for fit in fits])
    weights: Floats = np.exp((bic.min() - bic) / 2)
    weights /= weights.sum()
    return weights


def _spelled(number: int) -> str:
    return ("no", "one", "two", "three", "four", "five")[number]


def _scatter_of_days(cells: Cells, country: str) -> float:
    """Pearson's chi-square of the delivered share by UTC day, per degree of freedom, at least 1.

    Only messages whose 72 h are over count; 1 where there are fewer than two such days.
    """
    rows = cells.slots[cells.slots["country"] == country]
    begins = rows["slot"].to_numpy() * SLOT_US
    settled = rows[(begins + DAY <= cells.until - 72 * HOUR) & (rows["outcome"] != "refused")]
    day = settled["slot"].to_numpy() * SLOT_US // DAY
    if not len(day):
        return 1.0
    messages = settled["messages"].to_numpy(np.float64)
    delivered = messages * (settled["outcome"] == "delivered").to_numpy()
    asked = np.bincount(day - day.min(), messages)
    arrived = np.bincount(day - day.min(), delivered)[asked > 0]
    asked = asked[asked > 0]
    share = arrived.sum() / asked.sum()
    if len(asked) < 2 or not 0 < share < 1:
        return 1.0
    statistic = ((arrived - asked * share) ** 2 / (asked * share * (1 - share))).sum()
    return max(float(statistic) / (len(asked) - 1), 1.0)


def points_of(seconds: Floats, shares: Floats) -> Points:
    """At most 62 points of a distribution function: half by share for the body, half by the
    logarithm of time for the tail.
    """
    rising = np.maximum.accumulate(np.clip(shares, 0.0, 1.0))
    log = np.log(seconds)
    body = _inverse(rising, log, _BODY_SHARES)
    low, high = _inverse(rising, log, np.array([0.001, 0.99999]))
    tail = np.linspace(low, high, _TAIL_POINTS)
    at = np.append(_BODY_SHARES, np.interp(tail, log, rising))
    order = np.argsort(at, kind="stable")
    logs = np.maximum.accumulate(np.append(body, tail)[order])
    points = [(0.0, 0.0)]
    for share, of in zip(at[order].tolist(), np.exp(logs).tolist(), strict=True):
        if points[-1][0] + 1e-7 < share < 1 - 1e-7:
            points.append((round(share, 9), round(of, 6)))
    last = max(points[-1][1], min(float(np.exp(logs[-1])) * 1.5, _LONGEST_S))
    return (*points, (1.0, last))


def _inverse(rising: Floats, log: Floats, shares: Floats) -> Floats:
    """The logarithms of time at which a distribution function reaches *shares*, between points."""
    after = np.clip(np.searchsorted(rising, shares), 1, len(rising) - 1)
    low, high = rising[after - 1], rising[after]
    part = np.clip((shares - low) / np.maximum(high - low, 1e-300), 0.0, 1.0)
    inverse: Floats = log[after - 1] + part * (log[after] - log[after - 1])
    return inverse
