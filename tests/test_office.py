"""Offices open by their own clock, on their own days."""

from __future__ import annotations

from datetime import date

import pytest

from smssim.calendars import HOUR, to_datetime, to_us
from smssim.simulation.policies.reaction import Office


def test_offices_keep_chinese_workdays() -> None:
    """2026-02-14 is a Saturday to work on, and the 16th a Monday of the Spring Festival."""
    saturday = to_us(date(2026, 2, 14))
    opens = {
        days: to_datetime(Office((9, 18), "Asia/Shanghai", days).opener()(saturday)).isoformat()
        for days in ("weekdays", "chinese_workdays", "every_day")
    }
    assert opens["every_day"] == opens["chinese_workdays"] == "2026-02-14T01:00:00+00:00"
    assert opens["weekdays"] == "2026-02-16T01:00:00+00:00"
    evening = to_us(date(2026, 2, 15))
    after = to_datetime(Office(days="chinese_workdays").opener()(evening)).date()
    assert after > date(2026, 2, 16)


def test_an_office_closes_before_its_last_hour() -> None:
    opener = Office((9, 18), "UTC", "every_day").opener()
    day = to_us(date(2026, 4, 8))
    assert opener(day + 18 * HOUR - 1) == day + 18 * HOUR - 1
    assert opener(day + 18 * HOUR) == day + 33 * HOUR
    assert opener(day) == opener(day + 9 * HOUR) == day + 9 * HOUR


@pytest.mark.parametrize(("local", "utc"), [(date(2026, 3, 28), 8), (date(2026, 3, 29), 7)])
def test_an_office_follows_the_change_of_the_clocks(local: date, utc: int) -> None:
    """Berlin's clocks go forward on 2026-03-29 at 01:00 UTC."""
    opener = Office((9, 18), "Europe/Berlin", "every_day").opener()
    assert opener(to_us(local) + 2 * HOUR) == to_us(local) + utc * HOUR


def test_without_hours_it_never_closes() -> None:
    saturday = to_us(date(2026, 4, 11))
    assert Office(None, "UTC").opener()(saturday + 5) == saturday + 5
