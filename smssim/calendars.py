"""Time as whole microseconds since the epoch, UTC, and the calendars the service lives by.

Days and months of the traffic thresholds are UTC, the review desk works on Chinese workdays
from 09:00 to 18:00 GMT+8, and a package ends with a local day (DOMAIN.md sections 2, 4, 5).
"""

from __future__ import annotations

import math
import warnings
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

GMT8_US = 8 * HOUR
OPENS_US = 9 * HOUR
CLOSES_US = 18 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_QUARTER_S = 900
_SATURDAY = 5


class ProvisionalCalendarWarning(UserWarning):
    """A year was consulted whose make-up days are not published yet.

    Its workdays are a guess from the statutory holidays; name the extra days in the scenario.
    """


def to_us(when: datetime | date) -> int:
    """Return *when* in microseconds since the epoch.

    A naive datetime is read as UTC, a date as its midnight in UTC.
    """
    if not isinstance(when, datetime):
        return (when.toordinal() - _EPOCH_ORDINAL) * DAY
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


def to_datetime(us: int) -> datetime:
    """Return the aware UTC datetime of *us* microseconds since the epoch.

    Raise an OverflowError outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(microseconds=int(us))


def to_timestamps(us: npt.NDArray[np.int64]) -> npt.NDArray[np.datetime64]:
    """Return *us* as numpy ``datetime64[us]`` without copying.

    Timestamps are UTC and naive, as NumPy knows no zones; missing is the smallest int64 (NaT).
    """
    return np.asarray(us, dtype=np.int64).view("datetime64[us]")


def next_day(us: int) -> int:
    """Return the next UTC midnight strictly after *us*, when day counters start again.

    Thresholds count UTC days (DOMAIN.md section 5).
    """
    return us - us % DAY + DAY


def month_start(us: int) -> int:
    """Return the first instant of the UTC month that holds *us*.

    Thresholds count UTC months (DOMAIN.md section 5).
    """
    return to_us(to_datetime(us).date().replace(day=1))


def next_month(us: int) -> int:
    """Return the first instant of the UTC month after the one that holds *us*.

    This is when month counters start again (DOMAIN.md section 5).
    """
    return to_us(_add_months(to_datetime(us).date().replace(day=1), 1))


def _add_months(day: date, months: int) -> date:
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month0 + 1)[1]
    return date(year, month0 + 1, min(day.day, last))


def end_of_validity(
    bought_us: int,
    zone: str = "Asia/Shanghai",
    *,
    days: int | None = None,
    months: int | None = None,
) -> int:
    """Return the exclusive end of a package: the instant after 23:59:59 of its last local day.

    The last day is the local purchase date plus *days*, or the same day *months* later, clipped
    to the month's end (DOMAIN.md section 2); raise a ValueError unless exactly one is positive.
    """
    if (days is None) == (months is None):
        raise ValueError(f"days(={days}) and months(={months}): exactly one must be given")
    tz = ZoneInfo(zone)
    bought = to_datetime(bought_us).astimezone(tz).date()
    if days is not None:
        _check_positive("days", days)
        last = bought + timedelta(days=days)
    else:
        assert months is not None
        _check_positive("months", months)
        last = _add_months(bought, months)
    after = last + timedelta(days=1)
    # With fold=0 a midnight that the clocks skip resolves to the very instant of the change.
    return to_us(datetime(after.year, after.month, after.day, tzinfo=tz))


def _check_positive(name: str, value: int) -> None:
    if value <= 0:
        raise ValueError(f"{name}(={value}) must be > 0")


def hourly_weights(
    first_hour: int, n: int, zone: str, hours: Sequence[float], weekdays: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Return the traffic weight of *n* UTC hours from *first_hour* (hours since the epoch).

    A weight is the mean of ``hours[local hour] * weekdays[local weekday]`` over the hour's four
    quarters, as some zones are not whole hours; both profiles (24 hours, 7 weekdays from Monday)
    are scaled to mean 1. Raise a ValueError for a profile of the wrong length or sign.
    """
    if n < 0:
        raise ValueError(f"n(={n}) must be >= 0")
    by_hour = _scaled("hours", hours, 24)
    by_weekday = _scaled("weekdays", weekdays, 7)
    of_week = np.outer(by_weekday, by_hour).ravel()
    quarters = of_week[_hours_of_week(first_hour, n, zone)]
    # Summed by hand: the order of a NumPy mean is not promised to be the same everywhere.
    total: npt.NDArray[np.float64] = (quarters[0] + quarters[1]) + (quarters[2] + quarters[3])
    return total * 0.25


def _scaled(name: str, profile: Sequence[float], size: int) -> npt.NDArray[np.float64]:
    values = [float(v) for v in profile]
    if len(values) != size:
        raise ValueError(f"len({name})(={len(values)}) must be {size}")
    for place, value in enumerate(values):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name}[{place}](={value}) must be >= 0 and finite")
    total = math.fsum(values)
    if total <= 0:
        raise ValueError(f"sum({name})(={total}) must be > 0")
    return np.array([value * size / total for value in values])


@lru_cache(maxsize=512)
def _hours_of_week(first_hour: int, n: int, zone: str) -> npt.NDArray[np.int16]:
    """Return the local hour of the week (0 is Monday 00:00) as 4 rows of quarters by n hours."""
    starts_s = first_hour * 3600 + np.arange(4 * n, dtype=np.int64) * _QUARTER_S
    local_s = starts_s + _offsets_s(starts_s, ZoneInfo(zone))
    # The epoch was a Thursday.
    of_week = (local_s // 3600 + 3 * 24) % (7 * 24)
    table = np.ascontiguousarray(of_week.astype(np.int16).reshape(n, 4).T)
    table.flags.writeable = False
    return table


def _offsets_s(starts_s: npt.NDArray[np.int64], tz: ZoneInfo) -> npt.NDArray[np.int64]:
    """Return the UTC offset in seconds of every quarter, asking the zone about once a day."""
    offsets = np.empty(len(starts_s), dtype=np.int64)
    for low in range(0, len(starts_s), 96):
        part = starts_s[low : low + 96]
        first, last = _offset_s(int(part[0]), tz), _offset_s(int(part[-1]), tz)
        offsets[low : low + 96] = first
        # No zone changes its clocks twice within a day, so equal ends mean no change between.
        if first != last:
            offsets[low : low + 96] = [_offset_s(int(s), tz) for s in part]
    return offsets


def _offset_s(instant_s: int, tz: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(instant_s, tz).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


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

        Extra days silence the warning but not this flag: it tells of the published calendar.
        """
        return self._year(year)[1]

    def _year(self, year: int) -> tuple[frozenset[int], bool]:
        if year not in self._years:
            self._years[year] = _published_workdays(year)
        return self._years[year]


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
