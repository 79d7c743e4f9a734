"""Days to come, by the days that were seen: each like the mean of its own weekday.

Forecasts of messages, of money and of what packages give away all go this way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import DAY
from smssim.stats.intervals import Interval

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LEAST = 3
"""Whole days without which nothing is projected."""
_WEEK = 7
_OTHERS = 7
"""The kind of the days whose weekday was seen once at most."""
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

    A weekday that was seen twice or more is a kind of its own, all others are one kind together; a
    day is expected to bring the mean of its kind. Intervals are Student's t from the spread of days
    around their kind's mean (ordinary prediction of a one-way layout: Draper and Smith, Applied
    Regression Analysis, section 3.3). Assumption: days are independent, alike in spread, and those
    to come are like those seen. Raise a ValueError for fewer than 3 days.

    >>> seen = Weekdays(20_000, [100, 110, 90])
    >>> [round(end) for end in seen.sum_of(20_003 * DAY, 20_005 * DAY)]
    [200, 121, 279]
    """

    def __init__(self, first: int, values: Sequence[float] | Ints | Floats) -> None:
        seen = np.asarray(values, np.float64)
        if len(seen) < LEAST:
            raise ValueError(f"len(values)(={len(seen)}) must be >= {LEAST} whole days")
        of_week = _weekdays(first + np.arange(len(seen)))
        often = np.bincount(of_week, minlength=_WEEK) >= 2
        self._kinds = np.where(often, np.arange(_WEEK), _OTHERS)
        groups = self._kinds[of_week]
        self._days = np.bincount(groups, minlength=_WEEK + 1)
        sums = np.bincount(groups, seen, minlength=_WEEK + 1)
        self._means = sums / np.maximum(self._days, 1)
        self.degrees = len(seen) - int(np.count_nonzero(self._days))
        """Of freedom, for the spread of days around their kind's mean."""
        self.variance = float(((seen - self._means[groups]) ** 2).sum()) / self.degrees

    def course(self, from_us: int, until_us: int, confidence: float = 0.95) -> Course:
        """What the time between two instants brings, summed up to the end of each UTC day in it.

        A part of a day brings that part of the day's. Sums are not below 0.
        """
        from scipy.stats import t

        if not 0 < confidence < 1:
            raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
        starts = np.arange(from_us // DAY, -(-until_us // DAY)) * DAY
        ends = np.minimum(starts + DAY, until_us)
        parts = (ends - np.maximum(starts, from_us)) / DAY
        of_kind = np.zeros((len(parts), _WEEK + 1))
        of_kind[np.arange(len(parts)), self._kinds[_weekdays(starts // DAY)]] = parts
        days = of_kind.cumsum(axis=0)
        estimate = days @ self._means
        # Days vary by themselves; that means are of few days errs alike on all days of a kind.
        unsure = parts.cumsum() + (days**2 / np.maximum(self._days, 1)).sum(axis=1)
        half = float(t.isf((1 - confidence) / 2, self.degrees)) * np.sqrt(self.variance * unsure)
        return Course(ends, estimate, np.maximum(estimate - half, 0), estimate + half)

    def sum_of(self, from_us: int, until_us: int, confidence: float = 0.95) -> Interval:
        """What the time between two instants brings in all, with its interval; 0 of no time."""
        if until_us <= from_us:
            return Interval(0.0, 0.0, 0.0)
        course = self.course(from_us, until_us, confidence)
        return Interval(*(float(column[-1]) for column in course[1:]))


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
