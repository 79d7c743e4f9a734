"""Time as whole microseconds since the epoch, UTC, and the calendars the service lives by.

Days and months of the traffic thresholds are UTC, a package ends with a local day, and traffic
has a local rhythm (DOMAIN.md sections 2 and 5). The review desk's days are in `workdays`.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "SECOND",
    "end_of_validity",
    "hourly_weights",
    "local_days",
    "local_quarters",
    "month_later",
    "month_start",
    "months_later",
    "next_day",
    "next_month",
    "quarter_bounds",
    "to_datetime",
    "to_timestamps",
    "to_us",
]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_QUARTER_S = 900


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
    return to_us(months_later(to_datetime(us).date().replace(day=1), 1))


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later, clipped to that month's end."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month0 + 1)[1]
    return date(year, month0 + 1, min(day.day, last))


def month_later(us: int) -> int:
    """Return the same day and time of the next UTC month, clipped to the month's end.

    A group task starts by then at the latest (DOMAIN.md section 8).

    >>> to_datetime(month_later(to_us(datetime(2026, 1, 31, 9, tzinfo=UTC)))).isoformat()
    '2026-02-28T09:00:00+00:00'
    """
    day = to_datetime(us).date()
    return us + to_us(months_later(day, 1)) - to_us(day)


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
        last = months_later(bought, months)
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
    quarters = _quarters(first_hour, n, zone, hours, weekdays)
    # Summed by hand: the order of a NumPy mean is not promised to be the same everywhere.
    total: npt.NDArray[np.float64] = (quarters[0] + quarters[1]) + (quarters[2] + quarters[3])
    return total * 0.25


def local_days(first_hour: int, n: int, zone: str) -> npt.NDArray[np.int64]:
    """Return the local date, in days since the epoch, that each of *n* UTC hours begins on."""
    starts_s = first_hour * 3600 + np.arange(4 * n, dtype=np.int64) * _QUARTER_S
    days: npt.NDArray[np.int64] = (starts_s + _offsets_s(starts_s, ZoneInfo(zone)))[::4] // 86_400
    return days


def local_quarters(first_quarter: int, n: int, zone: str) -> npt.NDArray[np.int64]:
    """Return the local quarter of an hour, counted from the local epoch, at which each of *n* UTC
    quarters from *first_quarter* begins; 96 of them are a local day.
    """
    starts_s = (first_quarter + np.arange(n, dtype=np.int64)) * _QUARTER_S
    local: npt.NDArray[np.int64] = (starts_s + _offsets_s(starts_s, ZoneInfo(zone))) // _QUARTER_S
    return local


def quarter_bounds(
    first_hour: int, n: int, zone: str, hours: Sequence[float], weekdays: Sequence[float]
) -> npt.NDArray[np.int64] | None:
    """Return where the traffic of each of *n* UTC hours divides among its quarters, in an hour's
    microseconds: 5 bounds per hour, 0 and `HOUR` the outer ones; None if all quarters are alike.

    A local hour begins within a UTC hour where a zone is not whole hours from UTC.
    """
    quarters = _quarters(first_hour, n, zone, hours, weekdays)
    if (quarters == quarters[0]).all():
        return None
    sums = np.cumsum(np.vstack([np.zeros(n), quarters]), axis=0).T
    flat = np.linspace(0, 1, 5)
    shares = np.where(sums[:, -1:] > 0, sums / np.where(sums[:, -1:] > 0, sums[:, -1:], 1), flat)
    bounds: npt.NDArray[np.int64] = np.rint(shares * HOUR).astype(np.int64)
    return bounds


def _quarters(
    first_hour: int, n: int, zone: str, hours: Sequence[float], weekdays: Sequence[float]
) -> npt.NDArray[np.float64]:
    """Return the weight of each quarter of *n* UTC hours, 4 rows."""
    if n < 0:
        raise ValueError(f"n(={n}) must be >= 0")
    by_hour = _scaled("hours", hours, 24)
    by_weekday = _scaled("weekdays", weekdays, 7)
    of_week = np.outer(by_weekday, by_hour).ravel()
    return of_week[_hours_of_week(first_hour, n, zone)]


def _scaled(name: str, profile: Sequence[float], size: int) -> npt.NDArray[np.float64]:
    values = [float(v) for v in profile]
    if len(values) != size:
        raise ValueError(f"len({name})(={len(values)}) must be {size}")
    for index, value in enumerate(values):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name}[{index}](={value}) must be >= 0 and finite")
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
        chunk = starts_s[low : low + 96]
        first, last = _offset_s(int(chunk[0]), tz), _offset_s(int(chunk[-1]), tz)
        offsets[low : low + 96] = first
        # No zone changes its clocks twice within a day, so equal ends mean no change between.
        if first != last:
            offsets[low : low + 96] = [_offset_s(int(s), tz) for s in chunk]
    return offsets


def _offset_s(instant_s: int, tz: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(instant_s, tz).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)
