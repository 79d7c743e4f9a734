"""Inverse tables and calendars, each made once, for some take milliseconds."""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache

from smssim.scenario import Delay
from smssim.stats.inverse_cdf import Discrete, Quantiles, poisson
from smssim.workdays import WorkCalendar

__all__ = ["below", "count_table", "delay_table", "share_table", "work_calendar"]


@cache
def delay_table(delay: Delay) -> Quantiles:
    """The inverse table of a delay."""
    return delay.table()


@cache
def share_table(shares: tuple[float, ...]) -> Discrete:
    """The inverse table of shares."""
    return Discrete(shares)


@lru_cache(4096)
def count_table(mean: float) -> tuple[int, tuple[int, ...]]:
    """The inverse table of a Poisson count; most hours of a source are alike."""
    return poisson(mean)


@cache
def work_calendar(workdays: tuple[datetime, ...], days_off: tuple[datetime, ...]) -> WorkCalendar:
    """The review desk's calendar, which reads whole years."""
    return WorkCalendar([day.date() for day in workdays], [day.date() for day in days_off])


def below(word: int, share: float) -> bool:
    """Whether a word falls within a share of all words."""
    return word < int(share * 2**64)
