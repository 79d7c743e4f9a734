"""How demand differs from day to day: growth, swings by chance, occasions on named dates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from smssim.calendars import DAY, HOUR, local_days, to_us
from smssim.scenario.errors.partial import readable
from smssim.scenario.errors.problems import Violation, as_written, hint
from smssim.scenario.fields import Country, Float, Instant, Name, ScenarioModel
from smssim.stats.keyed_random import REQUESTS_AN_HOUR

__all__ = [
    "Occasion",
    "Swing",
    "demand_violations",
    "demand_warnings",
    "growth_factors",
    "most_requests",
    "occasion_factors",
    "peak_factor",
]

_Factors = NDArray[np.float64]
_LOG_RAREST = 53 * math.log(2)
"""Minus the logarithm of the chance of the greatest factor that a word gives."""


class Swing(ScenarioModel):
    """A factor of mean 1 per local day, gamma distributed: how days differ by chance. Sources that
    name the same swing share its factors."""

    name: Name
    """Its name, by which sources refer to it; random numbers depend on it."""
    sd: Annotated[Float, Field(ge=0, le=2)]
    """The standard deviation of the factor: 0.1 is 10 % from day to day."""


class Occasion(ScenarioModel):
    """A local date that brings more or less than its weekday: a promotion, a holiday."""

    day: Instant
    """The date, by the clock of each source."""
    factor: Annotated[Float, Field(ge=0, le=100)]
    """How many times the traffic of an ordinary such day it brings."""
    countries: tuple[Country, ...] = ()
    """Countries that have it; all if nothing is said."""

    @property
    def local_day(self) -> int:
        """The date as days since 1970."""
        return to_us(self.day) // DAY

    def concerns(self, country: str) -> bool:
        """Whether a country has it."""
        return not self.countries or country in self.countries


def growth_factors(rate: float, start_us: int, first_hour: int, n: int) -> _Factors:
    """The growth of *n* UTC hours since the start of a run, by their middles; *rate* is per day."""
    since = ((first_hour + i) * HOUR - start_us for i in range(n))
    return np.array([(1 + rate) ** ((us / HOUR + 0.5) / 24) for us in since])


def occasion_factors(occasion: Occasion, first_hour: int, n: int, zone: str) -> _Factors:
    """The factor of one occasion by UTC hour: 1 for hours that begin on another local date."""
    return np.where(local_days(first_hour, n, zone) == occasion.local_day, occasion.factor, 1.0)


def most_requests(mean: float) -> float:
    """The most requests that the tables of counts give for a mean: twelve standard deviations."""
    return mean + 12 * math.sqrt(mean) + 30


def peak_factor(source: Any, s: Any) -> float:
    """A bound of what growth, swings and occasions multiply a source's mean rate by; 1 for a
    scenario of which they cannot be read.
    """
    read = (source.country, source.growth_per_day, source.swings, s.days, *s.swings, *s.occasions)
    read += tuple(swing.sd for swing in s.swings)
    if not readable(*read, *(v for o in s.occasions for v in (o.day, o.factor, o.countries))):
        return 1.0
    factor: float = max(1.0, (1 + source.growth_per_day) ** s.days, 1 - source.growth_per_day)
    for swing in s.swings:
        if swing.name in source.swings:
            factor *= _greatest(swing.sd)
    by_day: dict[int, float] = {}
    for occasion in s.occasions:
        if occasion.concerns(source.country):
            day = occasion.local_day
            by_day[day] = by_day.get(day, 1.0) * occasion.factor
    return factor * max([1.0, *by_day.values()])


def _greatest(sd: float) -> float:
    """A bound of the factors of a swing, by Chernoff's inequality for the gamma distribution."""
    if sd <= 0:
        return 1.0
    low, high = 1.0, 2 + 2 * _LOG_RAREST * sd**2
    for _ in range(60):
        middle = (low + high) / 2
        if (middle - 1 - math.log(middle)) / sd**2 < _LOG_RAREST:
            low = middle
        else:
            high = middle
    return high


def demand_violations(s: Any) -> Iterator[Violation]:
    """Swings have one name each, sources name swings that exist, hours can be numbered."""
    names = [swing.name for swing in s.swings]
    for i, name in enumerate(names):
        if readable(name) and name in names[:i]:
            yield ("swings", i, "name"), f"the name {name!r} appears twice"
    for i, source in enumerate(s.traffic):
        for j, name in enumerate(source.swings if readable(source.swings) else ()):
            path = ("traffic", i, "swings", j)
            if not readable(name, *names):
                continue
            if name not in names:
                there = f"; there are {', '.join(map(repr, names[:10]))}" if names else ""
                yield path, f"there is no swing {name!r}{hint(name, names)}{there}"
            elif name in source.swings[:j]:
                yield path, f"the swing {name!r} appears twice"
        yield from _too_many(i, source, s)


def _too_many(i: int, source: Any, s: Any) -> Iterator[Violation]:
    if not readable(source, source.messages_a_day, source.hours, source.weekdays):
        return
    mean, factor = source.busiest_mean(), peak_factor(source, s)
    if factor > 1 and most_requests(mean) <= REQUESTS_AN_HOUR < most_requests(mean * factor):
        message = (
            f"{mean * factor:,.0f} requests in the busiest hour with growth, swings and occasions"
        )
        rule = f"a source must stay below {REQUESTS_AN_HOUR:,} an hour; split it in two"
        yield ("traffic", i, "messages_a_day"), f"{message}: {rule}"


def demand_warnings(s: Any) -> Iterator[Violation]:
    """Swings, occasions and texts for all that change nothing."""
    named = {name for source in s.traffic for name in source.swings}
    for i, swing in enumerate(s.swings):
        if swing.name not in named:
            yield ("swings", i), f"no source names the swing {swing.name!r}: it is idle"
        elif swing.sd == 0:
            yield ("swings", i, "sd"), f"the swing {swing.name!r} has sd 0: it is idle"
    yield from _idle_occasions(s, {source.country for source in s.traffic})
    for i, source in enumerate(s.traffic):
        shares = s.template(source.template).segment_shares(source.country)
        if source.same_text and (source.recipients == 1 or len(shares) == 1):
            why = (
                "its requests have one number" if source.recipients == 1 else "its texts are alike"
            )
            yield ("traffic", i, "same_text"), f"{why}: same_text is idle"


def _idle_occasions(s: Any, countries: set[str]) -> Iterator[Violation]:
    for i, occasion in enumerate(s.occasions):
        # Local dates reach a day beyond the run on either side.
        begins_us = to_us(occasion.day) // DAY * DAY
        if not s.start_us - DAY - 14 * HOUR < begins_us < s.end_us + 14 * HOUR:
            day = as_written(occasion.day)
            yield ("occasions", i, "day"), f"{day} is not in the run: the occasion is idle"
        elif occasion.countries and not countries & set(occasion.countries):
            sent = ", ".join(occasion.countries)
            yield ("occasions", i, "countries"), f"no traffic goes to {sent}: the occasion is idle"
        elif occasion.factor == 1:
            yield ("occasions", i, "factor"), "the factor is 1: the occasion is idle"
