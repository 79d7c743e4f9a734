"""A country's own calendar: its time zone, its weekend and its public holidays."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from smssim.calendars import to_us
from smssim.sms.reference import countries

__all__ = ["holidays_of", "noon_us", "weekend_of", "zone_of"]

_SATURDAY_AND_SUNDAY = frozenset({5, 6})
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def zone_of(country: str) -> str:
    """The time zone of a country, UTC where it is not known."""
    entry = countries().get(country)
    return entry.zone if entry else "UTC"


@cache
def weekend_of(country: str) -> frozenset[int]:
    """The weekdays (0 is Monday) of a country's weekend; Saturday and Sunday where not known."""
    try:
        weekend = holidays.country_holidays(country).weekend
    except NotImplementedError:
        return _SATURDAY_AND_SUNDAY
    return frozenset(weekend) or _SATURDAY_AND_SUNDAY


@cache
def holidays_of(country: str, first_day: int, last_day: int) -> dict[int, str]:
    """The public holidays from *first_day* to *last_day* (days since the epoch) and their names.

    None where the country's are not known to the `holidays` package.
    """
    ordinals = range(first_day + _EPOCH_ORDINAL, last_day + _EPOCH_ORDINAL + 1)
    years = range(date.fromordinal(ordinals[0]).year, date.fromordinal(ordinals[-1]).year + 1)
    try:
        calendar = holidays.country_holidays(country, years=years)
    except NotImplementedError:
        return {}
    return {
        day.toordinal() - _EPOCH_ORDINAL: name
        for day, name in sorted(calendar.items())
        if day.toordinal() in ordinals
    }


def noon_us(country: str, day: int) -> int:
    """The instant of local noon of *day* (days since the epoch) in microseconds."""
    local = date.fromordinal(day + _EPOCH_ORDINAL)
    return to_us(datetime.combine(local, time(12), ZoneInfo(zone_of(country))))
