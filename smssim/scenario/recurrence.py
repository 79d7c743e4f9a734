"""What comes again and again in a plan: moments by the local calendar, DST included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from smssim.calendars import months_later
from smssim.scenario.errors.problems import hint

__all__ = ["Every", "every_month", "moments_of"]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATES = (*_WEEKDAYS, "day", "month")
_EVERY = r"^[A-Za-z]+ [0-2]?[0-9]:[0-5][0-9]$"


def _every(text: str) -> str:
    """The text with its date as `_DATES` has it, and two digits of the hour."""
    example = f"{text!r} must be a weekday, day or month and a local time, such as Friday 18:00"
    if not re.fullmatch(_EVERY, text):
        raise ValueError(example)
    word, clock = text.split()
    hour, minute = map(int, clock.split(":"))
    dates = next((name for name in _DATES if name.lower() == word.lower()), None)
    if dates is None or hour > 23:
        raise ValueError(example + (hint(word, _DATES) if dates is None else ""))
    return f"{dates} {hour:02}:{minute:02}"


Every = Annotated[str, Field(json_schema_extra={"pattern": _EVERY}), AfterValidator(_every)]
"""Dates that come again, and a local time: `Friday 18:00`, `day 09:30`, `month 10:00`."""


def moments_of(
    every: str, zone: str, first: datetime, end: datetime
) -> Iterator[tuple[date, datetime]]:
    """The local dates of an `Every` whose moment is from *first* until before *end*, with it.

    A local time that the clock skips is taken with the offset before the skip; of one that comes
    twice, the first counts.

    >>> spring = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
    >>> [f"{at:%d %H:%M}" for _, at in moments_of("day 02:30", "Europe/Berlin", *spring)]
    ['28 01:30', '29 01:30', '30 00:30']
    """
    dates, clock = every.split()
    local = time.fromisoformat(clock)
    day = first.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    while (at := _moment(day, local, zone)) < end:
        if at >= first and _is_named(dates, day):
            yield day, at
        day += timedelta(days=1)


def every_month(first: datetime, zone: str, end: datetime) -> Iterator[datetime]:
    """*first*, and the same local day and time of each month after it until before *end*; the
    last day of a month that is too short.

    >>> start, end = datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    >>> [f"{at:%d %b}" for at in every_month(start, "UTC", end)]
    ['31 Jan', '28 Feb', '31 Mar']
    """
    local = first.astimezone(ZoneInfo(zone))
    for months in count():
        at = first
        if months:
            at = _moment(months_later(local.date(), months), local.time(), zone)
        if at >= end:
            return
        yield at


def _moment(day: date, local: time, zone: str) -> datetime:
    return datetime.combine(day, local, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _is_named(dates: str, day: date) -> bool:
    if dates == "month":
        return day.day == 1
    return dates == "day" or dates == _WEEKDAYS[day.weekday()]
