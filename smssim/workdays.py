"""The Chinese working calendar: workdays with their make-up days, hours of the review desk."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

from smssim.calendars import DAY, HOUR, to_us

__all__ = [
    "CLOSES_US",
    "GMT8_US",
    "OPENS_US",
    "ProvisionalCalendarWarning",
    "WorkCalendar",
    "add_working",
    "review_window",
    "working_us_between",
]

GMT8_US = 8 * HOUR
OPENS_US = 9 * HOUR
CLOSES_US = 18 * HOUR
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_SATURDAY = 5


class ProvisionalCalendarWarning(UserWarning):
    """A year was consulted whose make-up days are not published yet.

    Its workdays are a guess from the statutory holidays; name the extra days in the scenario.
    """


class WorkCalendar:
    """The Chinese statutory calendar with its make-up days, by which the review desk works.

    The scenario may add *extra_workdays* and *extra_holidays*, which win over the published
    calendar; raise a ValueError when a day is in both (DOMAIN.md section 4).
    """

    def __init__(
        self, extra_workdays: Iterable[date] = (), extra_holidays: Iterable[date] = ()
    ) -> None:
        self._extra = {day.toordinal(): True for day in extra_workdays}
        for day in extra_holidays:
            if self._extra.get(day.toordinal(), False):
                raise ValueError(f"extra_holidays holds {day}, which is in extra_workdays too")
            self._extra[day.toordinal()] = False
        self._extra_years = {date.fromordinal(ordinal).year for ordinal in self._extra}
        self._years: dict[int, tuple[frozenset[int], bool]] = {}
        self._warned: set[int] = set()

    def is_workday(self, day: date) -> bool:
        """Return whether the desk works on *day*, a date in GMT+8.

        A provisional year is warned of once (ProvisionalCalendarWarning), unless an extra day
        of that year was given.
        """
        ordinal = day.toordinal()
        workdays, provisional = self._year(day.year)
        if provisional and day.year not in self._warned | self._extra_years:
            self._warned.add(day.year)
            message = (
                f"year(={day.year}) has no make-up days published yet, its workdays are a guess: "
                "give extra_workdays and extra_holidays"
            )
            warnings.warn(message, ProvisionalCalendarWarning, stacklevel=2)
        return self._extra.get(ordinal, ordinal in workdays)

    def next_workday(self, day: date) -> date:
        """Return the first workday strictly after *day*, both dates in GMT+8."""
        following = day + timedelta(days=1)
        while not self.is_workday(following):
            following += timedelta(days=1)
        return following

    def is_provisional(self, year: int) -> bool:
        """Return whether no make-up day of *year* is published, so that its workdays are a guess.

        Extra days silence the warning but not this flag: it shows the published calendar.
        """
        return self._year(year)[1]

    def _year(self, year: int) -> tuple[frozenset[int], bool]:
        if year not in self._years:
            self._years[year] = _published_workdays(year)
        return self._years[year]


@lru_cache(maxsize=64)
def _published_workdays(year: int) -> tuple[frozenset[int], bool]:
    """Return the ordinals of the workdays of *year*, and whether the year is provisional."""
    import holidays

    published = holidays.country_holidays("CN", years=year)
    # The library always holds some make-up days of old years, so only this year's count.
    made_up = {day.toordinal() for day in published.weekend_workdays if day.year == year}
    off = {day.toordinal() for day in published}
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    workdays = frozenset(
        ordinal
        for ordinal in range(first, last + 1)
        if ordinal in made_up or (ordinal not in off and (ordinal - 1) % 7 < _SATURDAY)
    )
    return workdays, not made_up


def _gmt8(us: int) -> tuple[date, int]:
    """Return the date in GMT+8 and the microsecond of that day."""
    days, of_day = divmod(us + GMT8_US, DAY)
    return date.fromordinal(days + _EPOCH_ORDINAL), of_day


def _midnight_us(day: date) -> int:
    return to_us(date.fromordinal(day.toordinal())) - GMT8_US


def review_window(submitted_us: int, calendar: WorkCalendar) -> tuple[str, int]:
    """Return ("today", instant the two hours count from) or ("next_workday", its 09:00 GMT+8).

    "today" is a workday before 18:00; before 09:00 counts from 09:00, and exactly 18:00 is too
    late (DOMAIN.md section 4; the time before 09:00 is not documented).
    """
    day, of_day = _gmt8(submitted_us)
    if of_day < CLOSES_US and calendar.is_workday(day):
        return "today", submitted_us + max(0, OPENS_US - of_day)
    return "next_workday", _midnight_us(calendar.next_workday(day)) + OPENS_US


def working_us_between(a_us: int, b_us: int, calendar: WorkCalendar) -> int:
    """Return the working microseconds from *a_us* to *b_us*: 09:00-18:00 GMT+8 on workdays.

    Raise a ValueError when *b_us* lies before *a_us* (hours: DOMAIN.md section 4).
    """
    if b_us < a_us:
        raise ValueError(f"b_us(={b_us}) must be >= a_us(={a_us})")
    day, last = _gmt8(a_us)[0], _gmt8(b_us)[0]
    total = 0
    while day <= last:
        if calendar.is_workday(day):
            midnight = _midnight_us(day)
            opens, closes = midnight + OPENS_US, midnight + CLOSES_US
            total += max(0, min(b_us, closes) - max(a_us, opens))
        day += timedelta(days=1)
    return total


def add_working(us: int, working_us: int, calendar: WorkCalendar) -> int:
    """Return the earliest instant by which *working_us* of the desk's time passed since *us*.

    So a finish exactly at 18:00 is the same day, not 09:00 of the next workday, and nothing to
    wait for is *us* itself. Raise a ValueError when *working_us* is negative.
    """
    if working_us < 0:
        raise ValueError(f"working_us(={working_us}) must be >= 0")
    if working_us == 0:
        return us
    day, left = _gmt8(us)[0], working_us
    while True:
        if calendar.is_workday(day):
            midnight = _midnight_us(day)
            opens = max(us, midnight + OPENS_US)
            room = midnight + CLOSES_US - opens
            if room >= left:
                return opens + left
            left -= max(0, room)
        day += timedelta(days=1)
