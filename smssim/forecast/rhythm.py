"""When in the day a country's messages come, by local hour, and how much of each day was seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from smssim.arrays import Floats, Ints, Mask
from smssim.calendars import DAY, local_quarters
from smssim.forecast.cells import Cells
from smssim.forecast.daily_model import DailyCounts
from smssim.forecast.national_days import holidays_of, noon_us, weekend_of, zone_of
from smssim.forecast.priors import generator

__all__ = ["HourProfile", "LocalDays", "daily_counts", "hour_profiles"]

_LEAST_EXPOSURE = 0.02
_PRIOR_HOURS, _FLAT = 24.0, 0.1
_DIFFERENT = 0.001
_QUARTERS_PER_DAY = 96


@dataclass(frozen=True)
class LocalDays:
    """The record's quarters of an hour in a country's local time.

    `day` (since the epoch), `hour` and `messages` have one entry per quarter; *seen* is False
    where demand could not be seen.
    """

    country: str
    day: Ints
    hour: Ints
    messages: Ints
    seen: Mask

    @classmethod
    def of(cls, cells: Cells, country: str, unseen: Collection[tuple[int, int]] = ()) -> LocalDays:
        """The local days of *country*; *unseen* are periods of microseconds that do not count."""
        first, messages = cells.messages_by_slot(country)
        local = local_quarters(first, len(messages), zone_of(country))
        starts = (first + np.arange(len(messages))) * (DAY // _QUARTERS_PER_DAY)
        seen = np.ones(len(messages), np.bool_)
        for begin, end in unseen:
            seen &= (starts + DAY // _QUARTERS_PER_DAY <= begin) | (starts >= end)
        day, quarter = np.divmod(local, _QUARTERS_PER_DAY)
        return cls(country, day, quarter // 4, messages, seen)

    @property
    def weekend(self) -> Mask:
        """Whether each quarter is on a weekend of the country."""
        # The epoch was a Thursday.
        return np.isin((self.day + 3) % 7, list(weekend_of(self.country)))

    def by_hour(self, where: Mask | None = None) -> Floats:
        """Messages by local hour, as of a period in which each hour was seen equally long."""
        chosen = self.seen if where is None else self.seen & where
        messages = np.bincount(self.hour[chosen], self.messages[chosen], 24)
        quarters = np.bincount(self.hour[chosen], minlength=24)
        rate = messages / np.maximum(quarters, 1)
        scaled: Floats = rate * (messages.sum() / rate.sum() if rate.sum() else 0.0)
        return scaled


@dataclass(frozen=True)
class HourProfile:
    """Messages by local hour of one country, `counts` weekdays and weekends (2 x 24), or one row.

    `prior` is the mean profile of all countries (sum 1), `dispersion` the country's phi: a draw is
    of a Dirichlet with ``counts / phi + 24 * prior + 0.1``.
    """

    country: str
    counts: Floats
    prior: Floats
    dispersion: float

    @property
    def concentration(self) -> Floats:
        """The parameters of the Dirichlet, one row per profile."""
        sums: Floats = self.counts / self.dispersion + _PRIOR_HOURS * self.prior + _FLAT
        return sums

    @property
    def mean(self) -> Floats:
        """The expected shares of the 24 hours, one row per profile."""
        shares: Floats = self.concentration / self.concentration.sum(axis=1, keepdims=True)
        return shares

    def draw(self, seed: int, index: int) -> Floats:
        """Shares of the 24 hours, one row per profile: set *index*."""
        rng = generator(seed, f"hours/{self.country}", index)
        return np.array([rng.dirichlet(row) for row in self.concentration])


def hour_profiles(
    days: Mapping[str, LocalDays], dispersion: Mapping[str, float]
) -> dict[str, HourProfile]:
    """The hourly profile of each country; two rows where weekends differ (p < 0.001)."""
    by_country = {country: of.by_hour() for country, of in days.items()}
    total = sum(by_country.values(), np.zeros(24))
    prior = (total + _FLAT) / (total + _FLAT).sum()
    made = {}
    for country, of in days.items():
        counts = np.array([of.by_hour(~of.weekend), of.by_hour(of.weekend)])
        if not _differ(counts / dispersion[country]):
            counts = by_country[country][None, :]
        made[country] = HourProfile(country, counts, prior, dispersion[country])
    return made


def _differ(counts: Floats) -> bool:
    """Whether two profiles differ by a two-sample chi-square, over hours with five of each."""
    used = counts.min(axis=0) >= 5
    counts = counts[:, used]
    if used.sum() < 2:
        return False
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return float(chi2.sf(statistic, used.sum() - 1)) < _DIFFERENT


def daily_counts(
    days: Mapping[str, LocalDays], dispersion: Mapping[str, float], cut: int
) -> DailyCounts:
    """Messages per local day of each country, for `Volume`; time is in days from *cut*.

    A day counts for the part of its hourly profile that was seen; days of which less than a
    fiftieth was seen are left out.
    """
    names = tuple(sorted(days))
    seen = [_seen_days(days[name]) for name in names]
    country = np.repeat(np.arange(len(names)), [len(of.day) for of in seen])
    day = np.concatenate([of.day for of in seen])
    first, last = int(day.min()), int(day.max())
    weekday = (day + 3) % 7
    entries = list(zip((names[i] for i in country), day.tolist(), weekday.tolist(), strict=True))
    noons = [noon_us(name, of_day) for name, of_day, _ in entries]
    return DailyCounts(
        countries=names,
        country=country,
        day=day,
        weekday=weekday,
        weekend=np.array([float(w in weekend_of(name)) for name, _, w in entries]),
        holiday=np.array([float(d in holidays_of(name, first, last)) for name, d, _ in entries]),
        time=(np.array(noons) - cut) / DAY,
        messages=np.concatenate([of.messages for of in seen]),
        exposure=np.concatenate([of.exposure for of in seen]),
        dispersion=np.array([dispersion[name] for name in names]),
    )


class _SeenDays(NamedTuple):
    """The days of one country that count, with their messages and the part that was seen."""

    day: Ints
    messages: Floats
    exposure: Floats


def _seen_days(days: LocalDays) -> _SeenDays:
    shares = days.by_hour() + _FLAT
    weight = (shares / shares.sum())[days.hour] * days.seen / 4
    day = days.day - days.day.min()
    exposure = np.minimum(np.bincount(day, weight), 1.0)
    messages = np.bincount(day, days.messages * days.seen).astype(np.float64)
    counts = exposure > _LEAST_EXPOSURE
    return _SeenDays(np.flatnonzero(counts) + days.day.min(), messages[counts], exposure[counts])
