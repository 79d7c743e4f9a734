"""Days to come, by the days that were seen: each like the mean of its own weekday.

Forecasts of messages, of money and of what packages give away all go this way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from smssim.arrays import Floats, Ints
from smssim.calendars import DAY
from smssim.stats.intervals import Interval

__all__ = [
    "LEAST",
    "Course",
    "Weekdays",
    "first_reach",
    "reached",
    "too_few",
    "unlike",
    "whole_days",
]

LEAST = 3
"""Whole days without which nothing is projected."""
_WEEK, _SATURDAY = 7, 5
_WORKDAYS = 7
"""The group of Mondays to Fridays that were seen once or not at all."""
_NAMES = ("Saturday", "Sunday")
_THURSDAY = 3
"""The weekday of day 0, 1970-01-01, counted from Monday."""


class Course(NamedTuple):
    """A sum as it grows: at the instants `at_us` it is `estimate`, between `low` and `high`."""

    at_us: Ints
    estimate: Floats
    low: Floats
    high: Floats


class Weekdays:
    """What UTC days bring, from consecutive whole days; *first* is the number of the first one.

    A weekday that was seen twice or more is a group of its own, and so are Saturdays and Sundays;
    the other days from Monday to Friday are one group together. A day is expected to bring the mean
    of its group, and to vary around it with a variance in proportion to it, as counts do; the
    factor is Pearson's, from the days seen. Intervals are Student's t (a quasi-Poisson one-way
    layout: McCullagh and Nelder, Generalized Linear Models, section 4.5). Assumption: days are
    independent, and those to come are like those seen.

    Raise a ValueError for days of which `too_few` shows the reason.

    >>> seen = Weekdays(20_002, [100, 110, 90])
    >>> [round(end) for end in seen.sum_of(20_005 * DAY, 20_007 * DAY)]
    [200, 0, 559]
    """

    def __init__(self, first: int, values: Sequence[float] | Ints | Floats) -> None:
        seen = np.asarray(values, np.float64)
        reason = too_few(range(first, first + len(seen)))
        if reason:
            raise ValueError(f"len(values)(={len(seen)}): {reason}")
        self._group_of = _groups(range(first, first + len(seen)))
        groups = self._group_of[_weekdays(first + np.arange(len(seen)))]
        self._days = np.bincount(groups, minlength=_WEEK + 1)
        sums = np.bincount(groups, seen, minlength=_WEEK + 1)
        self._means = sums / np.maximum(self._days, 1)
        expected = self._means[groups]
        busy = expected > 0
        self.degrees = max(1, int(busy.sum()) - int(np.count_nonzero(self._means)))
        """Of freedom, for the spread of days around their group's mean."""
        errors = (seen - expected)[busy] ** 2 / expected[busy]
        self.dispersion = float(errors.sum()) / self.degrees
        """Variance of a day divided by its mean."""
        self._seen = np.bincount(_weekdays(first + np.arange(len(seen))), minlength=_WEEK) > 0

    def course(self, from_us: int, until_us: int, confidence: float = 0.95) -> Course:
        """What the time between two instants brings, summed up to the end of each UTC day in it.

        A part of a day brings that part of the day's. Sums are not below 0. Raise a ValueError if
        days to come are of a group that was not seen (`unlike`).
        """
        from scipy.stats import t

        if not 0 < confidence < 1:
            raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
        starts = np.arange(from_us // DAY, -(-until_us // DAY)) * DAY
        ends = np.minimum(starts + DAY, until_us)
        parts = (ends - np.maximum(starts, from_us)) / DAY
        weekdays = _weekdays(starts // DAY)
        if (self._days[self._group_of[weekdays]] == 0).any():
            raise ValueError("days to come must be of weekdays that were seen, or like them")
        by_weekday = np.zeros((len(parts), _WEEK))
        by_weekday[np.arange(len(parts)), weekdays] = parts
        days = by_weekday.cumsum(axis=0)
        by_group = days @ (self._group_of[:, None] == np.arange(_WEEK + 1))
        estimate = by_group @ self._means
        # Days vary by themselves. A weekday that was not seen may differ from its group as the
        # others do, and then on all its days; the mean of few days errs alike on all of its group.
        alike = np.where(self._seen, days, np.maximum(days, days**2))
        spread = alike @ self._means[self._group_of]
        spread += by_group**2 @ (self._means / np.maximum(self._days, 1))
        half = float(t.isf((1 - confidence) / 2, self.degrees)) * np.sqrt(self.dispersion * spread)
        return Course(ends, estimate, np.maximum(estimate - half, 0), estimate + half)

    def sum_of(self, from_us: int, until_us: int, confidence: float = 0.95) -> Interval:
        """What the time between two instants brings in all, with its interval; 0 of no time."""
        if until_us <= from_us:
            return Interval(0.0, 0.0, 0.0)
        course = self.course(from_us, until_us, confidence)
        return Interval(*(float(column[-1]) for column in course[1:]))


def too_few(days: range) -> str:
    """Why whole days seen, by number, are too few to project from; "" if they are enough."""
    if len(days) < LEAST:
        return f"fewer than {LEAST} whole UTC days are known"
    groups = _groups(days)[_weekdays(np.array(days))]
    if len(np.unique(groups)) == len(days):
        return f"of the {len(days)} whole UTC days known no two are alike: a weekend is among them"
    return ""


def unlike(days: range, from_us: int, until_us: int) -> str:
    """Why days seen do not show what the time between two instants brings; "" if they do.

    Saturdays and Sundays differ from the days between them, and from each other.
    """
    ahead = np.arange(from_us // DAY, -(-until_us // DAY))
    missing = sorted(set(_weekdays(ahead).tolist()) - set(_weekdays(np.array(days)).tolist()))
    names = [_NAMES[weekday - _SATURDAY] for weekday in missing if weekday >= _SATURDAY]
    return f"no whole {' or '.join(names)} is known, and such days are to come" if names else ""


def whole_days(from_us: int, until_us: int) -> range:
    """The numbers, since 1970, of the UTC days that lie whole between two instants."""
    return range(-(-from_us // DAY), until_us // DAY)


def first_reach(course: Course, from_us: int, sums: Floats, amount: float) -> float:
    """The instant at which *sums*, a column of the course that began at *from_us*, reach an amount.

    Microseconds since 1970, linear within a day; infinite if that is not within the course.
    """
    highest = np.maximum.accumulate(sums)
    index = int(np.searchsorted(highest, amount))
    if index == len(highest):
        return math.inf
    start, before = (from_us, 0.0) if not index else (course.at_us[index - 1], highest[index - 1])
    gained = float(highest[index] - before)
    share = (amount - before) / gained if gained else 0.0
    return float(start + share * (course.at_us[index] - start))


def reached(course: Course, from_us: int, sums: Floats, at_us: float | Floats) -> Floats:
    """What *sums*, a column of the course that began at *from_us*, are at one or more instants."""
    highest = np.maximum.accumulate(sums)
    values: Floats = np.interp(at_us, np.append(from_us, course.at_us), np.append(0.0, highest))
    return values


def _weekdays(days: Ints) -> Ints:
    return (days + _THURSDAY) % _WEEK


def _groups(days: range) -> Ints:
    """The group of each weekday, from Monday, when these days were seen."""
    seen = np.bincount(_weekdays(np.array(days)), minlength=_WEEK)
    weekdays = np.arange(_WEEK)
    return np.where((seen >= 2) | (weekdays >= _SATURDAY), weekdays, _WORKDAYS)
