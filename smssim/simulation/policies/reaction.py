"""What all ready-made policies do: take their turns, and let their reaction time pass.

Reaction times are seconds; the clock of the simulation counts microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import repeat
from numbers import Integral, Real
from typing import Any, Literal
from zoneinfo import ZoneInfo

from smssim.calendars import SECOND, to_datetime, to_us
from smssim.workdays import WorkCalendar

__all__ = [
    "DAYS",
    "Days",
    "Hours",
    "Office",
    "Steps",
    "check_amount",
    "check_count",
    "check_one_of",
    "check_reaction",
    "react",
    "turns",
]

Steps = Generator[Any, Any, None]
_MOST = 10**12
"""Of any count or amount, as in a scenario."""


def turns(at_most: int | None) -> Iterable[None]:
    """As many turns as a policy may take; without an end if None."""
    return repeat(None) if at_most is None else repeat(None, at_most)


def react(env: Any, after_s: float, opener: Callable[[int], int] = int) -> Steps:
    """Let the reaction time pass, and then what is missing until the office is open."""
    acts_us = opener(int(env.now) + round(after_s * SECOND))
    if acts_us > env.now:
        yield env.timeout(acts_us - env.now)


def check_one_of(name: str, value: str, *allowed: str) -> None:
    """Raise a ValueError unless *value* is allowed."""
    if value not in allowed:
        raise ValueError(f"{name}(={value!r}) must be one of {', '.join(allowed)}")


def _is_number(value: object, *classes: type) -> bool:
    return isinstance(value, classes) and not isinstance(value, bool)


def check_count(name: str, value: object, least: int) -> None:
    """Raise a ValueError unless *value* is a whole number of at least *least*, and no boolean."""
    number: Any = value
    if not _is_number(value, Integral) or number < least:
        raise ValueError(f"{name}(={value!r}) must be a whole number >= {least}")
    if number > _MOST:
        raise ValueError(f"{name}(={value!r}) must be <= {_MOST:,}")


def check_amount(name: str, value: object, *, positive: bool = False) -> None:
    """Raise a ValueError unless *value* is a finite number >= 0 (or above), and no boolean.

    As in a scenario, no amount is above 1e12.
    """
    number: Any = value
    finite = _is_number(value, Real, Decimal) and math.isfinite(number)
    if not finite or number < 0 or (positive and not number):
        raise ValueError(f"{name}(={value!r}) must be {'>' if positive else '>='} 0 and finite")
    if number > _MOST:
        raise ValueError(f"{name}(={value!r}) must be <= {_MOST:,}")


def check_reaction(after_s: float, at_most: int | None) -> None:
    """Raise a ValueError unless a reaction time and a number of turns are possible."""
    check_amount("after_s", after_s)
    if at_most is not None:
        check_count("at_most", at_most, 0)


Hours = tuple[int, int]
Days = Literal["weekdays", "chinese_workdays", "every_day"]
DAYS = ("weekdays", "chinese_workdays", "every_day")
_SATURDAY = 5


@dataclass(frozen=True)
class Office:
    """An office that is open from the first of its *hours* until before the second, on its *days*.

    Hours are whole local hours of *zone*, None for an office that never closes; raise a ValueError
    when they do not rise within 0 and 24, or zone or days are unknown. Chinese workdays have their
    make-up days, and a year that is not published yet is warned of (DOMAIN.md section 4).

    >>> from datetime import datetime, UTC
    >>> office = Office((9, 18), "Asia/Shanghai")
    >>> friday_evening = to_us(datetime(2026, 4, 10, 18, tzinfo=ZoneInfo("Asia/Shanghai")))
    >>> str(to_datetime(office.opener()(friday_evening)))  # Monday 09:00 in Shanghai
    '2026-04-13 01:00:00+00:00'
    """

    hours: Hours | None = (9, 18)
    zone: str = "Asia/Shanghai"
    days: Days = "weekdays"

    def __post_init__(self) -> None:
        if self.days not in DAYS:
            raise ValueError(f"days(={self.days!r}) must be one of {', '.join(DAYS)}")
        if self.hours is not None and not 0 <= self.hours[0] < self.hours[1] <= 24:
            raise ValueError(f"hours(={self.hours}) must rise within 0 and 24")
        try:
            ZoneInfo(self.zone)
        except (OSError, KeyError, ValueError) as error:
            raise ValueError(f"zone(={self.zone!r}) must be a time zone") from error

    def opener(self) -> Callable[[int], int]:
        """Return the function that gives the first instant from *us* on at which it is open.

        Both are microseconds since the epoch; the Chinese calendar is read once a function, which
        warns once of a year that is a guess.
        """
        if self.hours is None:
            return int
        works, hours, zone = self._works(), self.hours, ZoneInfo(self.zone)

        def open_us(us: int) -> int:
            day = to_datetime(us).astimezone(zone).date()
            while True:
                midnight = datetime.combine(day, time(), tzinfo=zone)
                opens, closes = (to_us(midnight + timedelta(hours=hour)) for hour in hours)
                if us < closes and works(day):
                    return max(us, opens)
                day += timedelta(days=1)

        return open_us

    def _works(self) -> Callable[[date], bool]:
        if self.days == "chinese_workdays":
            return WorkCalendar().is_workday
        return lambda day: self.days == "every_day" or day.weekday() < _SATURDAY
