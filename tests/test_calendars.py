"""Calendars: time arithmetic, traffic profiles over zones, and the review desk's workdays."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smssim import calendars as cal
from smssim import workdays

SHANGHAI = ZoneInfo("Asia/Shanghai")
DESK = workdays.WorkCalendar()
FLAT_HOURS, FLAT_WEEKDAYS = [1.0] * 24, [1.0] * 7

# Within 2024-2026, whose make-up days are published.
instants = st.integers(cal.to_us(date(2024, 1, 1)), cal.to_us(date(2026, 10, 1)))


def gmt8(text: str) -> int:
    return cal.to_us(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI))


def utc(text: str) -> int:
    return cal.to_us(datetime.fromisoformat(text))


def test_date_and_naive_datetime_are_utc() -> None:
    assert cal.to_us(date(1970, 1, 2)) == cal.DAY
    assert cal.to_us(datetime(1970, 1, 2)) == cal.DAY
    assert cal.to_us(datetime(1970, 1, 2, tzinfo=SHANGHAI)) == cal.DAY - workdays.GMT8_US


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()),
)
@settings(max_examples=50, deadline=None)
def test_datetimes_survive_the_round_trip(when: datetime) -> None:
    # Times that the clocks skip have no instant of their own, so compare instants.
    assert cal.to_us(cal.to_datetime(cal.to_us(when))) == cal.to_us(when)
    assert cal.to_datetime(cal.to_us(when)) == when.astimezone(UTC)


def test_timestamps_keep_microseconds_and_the_memory() -> None:
    us = np.array([0, cal.DAY + 1], dtype=np.int64)
    stamps = cal.to_timestamps(us)
    assert stamps.dtype == np.dtype("datetime64[us]")
    assert str(stamps[1]) == "1970-01-02T00:00:00.000001"
    assert np.shares_memory(us, stamps)


def test_days_and_months_begin_at_utc_midnight() -> None:
    leap = utc("2024-02-29T23:59:59.999999")
    assert cal.next_day(leap) == utc("2024-03-01")
    assert cal.month_start(leap) == utc("2024-02-01")
    assert cal.next_month(leap) == utc("2024-03-01")
    assert cal.next_day(utc("2024-12-31")) == utc("2025-01-01")
    assert cal.next_month(utc("2024-12-01")) == utc("2025-01-01")
    assert cal.month_start(utc("2024-12-01")) == utc("2024-12-01")


def test_huaweis_example_of_a_year_ends_with_the_day() -> None:
    bought = gmt8("2018-11-26T19:36:27")
    assert cal.end_of_validity(bought, months=12) == gmt8("2019-11-27T00:00:00")
    assert cal.end_of_validity(bought, days=365) == gmt8("2019-11-27T00:00:00")


def test_months_are_clipped_to_the_months_end() -> None:
    assert cal.end_of_validity(gmt8("2024-01-31"), months=1) == gmt8("2024-03-01")
    assert cal.end_of_validity(gmt8("2024-02-29"), months=12) == gmt8("2025-03-01")
    assert cal.end_of_validity(gmt8("2024-12-31"), months=2) == gmt8("2025-03-01")


def test_the_purchase_date_is_local() -> None:
    bought = utc("2024-05-01T16:00:00")
    assert cal.end_of_validity(bought, days=1) == gmt8("2024-05-04")
    assert cal.end_of_validity(bought, "Etc/UTC", days=1) == utc("2024-05-03")


def test_a_midnight_that_the_clocks_skip_is_the_instant_of_the_change() -> None:
    # Santiago went from 2024-09-07 24:00 (-04) straight to 2024-09-08 01:00 (-03).
    end = cal.end_of_validity(utc("2024-09-06T12:00:00"), "America/Santiago", days=1)
    assert end == utc("2024-09-08T04:00:00")


@pytest.mark.parametrize(
    ("span", "rule"),
    [
        ({}, "exactly one must be given"),
        ({"days": 1, "months": 1}, "exactly one must be given"),
        ({"days": 0}, r"days\(=0\) must be > 0"),
        ({"months": -1}, r"months\(=-1\) must be > 0"),
    ],
)
def test_validity_refuses_a_senseless_span(span: dict[str, int], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        cal.end_of_validity(0, days=span.get("days"), months=span.get("months"))


def slow_weights(
    first_hour: int, n: int, zone: str, hours: list[float], weekdays: list[float]
) -> list[float]:
    weights = []
    for hour in range(first_hour, first_hour + n):
        quarters = []
        for quarter in range(4):
            start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour, minutes=15 * quarter)
            local = start.astimezone(ZoneInfo(zone))
            quarters.append(hours[local.hour] * weekdays[local.weekday()])
        weights.append(sum(quarters) / 4 / (sum(hours) / 24) / (sum(weekdays) / 7))
    return weights


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Asia/Kathmandu", date(2026, 3, 20)),  # +05:45
        ("Asia/Kolkata", date(2026, 3, 20)),
        ("Australia/Lord_Howe", date(2026, 3, 25)),  # half an hour, at a half hour
        ("America/New_York", date(2026, 3, 1)),
        ("Africa/Casablanca", date(2026, 2, 10)),
        ("Etc/UTC", date(1969, 12, 28)),
    ],
)
def test_weights_equal_a_plain_loop_over_quarters(zone: str, start: date) -> None:
    hours = [float(1 + h * h % 11) for h in range(24)]
    weekdays = [5.0, 1.0, 2.0, 3.0, 2.0, 0.0, 4.0]
    first_hour = cal.to_us(start) // cal.HOUR + 5
    fast = cal.hourly_weights(first_hour, 24 * 16, zone, hours, weekdays)
    assert fast == pytest.approx(slow_weights(first_hour, 24 * 16, zone, hours, weekdays))


def test_weights_of_flat_profiles_are_one_whatever_their_scale() -> None:
    weights = cal.hourly_weights(490_000, 700, "Asia/Kathmandu", [3.0] * 24, [0.5] * 7)
    assert weights == pytest.approx(np.ones(700))
    assert cal.hourly_weights(0, 0, "Asia/Jakarta", FLAT_HOURS, FLAT_WEEKDAYS).shape == (0,)


def test_weights_average_one_over_a_week_without_clock_changes() -> None:
    hours, weekdays = [float(h) for h in range(24)], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0]
    weights = cal.hourly_weights(490_001, 168, "Asia/Jakarta", hours, weekdays)
    assert weights.mean() == pytest.approx(1)


def test_weights_do_not_depend_on_where_the_range_begins() -> None:
    hours = [float(h) for h in range(24)]
    whole = cal.hourly_weights(490_000, 500, "Europe/London", hours, FLAT_WEEKDAYS)
    part = cal.hourly_weights(490_123, 300, "Europe/London", hours, FLAT_WEEKDAYS)
    assert (whole[123:423] == part).all()


@pytest.mark.parametrize(
    ("hours", "weekdays", "rule"),
    [
        ([1.0] * 23, FLAT_WEEKDAYS, r"len\(hours\)\(=23\) must be 24"),
        (FLAT_HOURS, [1.0] * 6 + [-1.0], r"weekdays\[6\]\(=-1.0\) must be >= 0"),
        ([0.0] * 24, FLAT_WEEKDAYS, r"sum\(hours\)\(=0.0\) must be > 0"),
        ([float("nan")] * 24, FLAT_WEEKDAYS, r"hours\[0\]\(=nan\) must be >= 0 and finite"),
    ],
)
def test_weights_refuse_a_bad_profile(hours: list[float], weekdays: list[float], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        cal.hourly_weights(0, 1, "Etc/UTC", hours, weekdays)


def test_workdays_agree_with_chinesecalendar() -> None:
    days = [date(2023, 1, 1) + timedelta(days=n) for n in range(4 * 365 + 1)]
    wrong = [day for day in days if DESK.is_workday(day) != chinese_calendar.is_workday(day)]
    assert days[-1] == date(2026, 12, 31)
    assert wrong == []


def test_make_up_days_and_long_holidays() -> None:
    assert DESK.is_workday(date(2026, 2, 14))  # a Saturday, worked for the Spring Festival
    assert not DESK.is_workday(date(2026, 2, 17))
    assert DESK.next_workday(date(2025, 9, 30)) == date(2025, 10, 9)
    assert DESK.next_workday(date(2025, 10, 9)) == date(2025, 10, 10)


def test_a_year_without_make_up_days_warns_once_for_each_calendar() -> None:
    desk = workdays.WorkCalendar()
    assert desk.is_provisional(2090)
    assert not desk.is_provisional(2026)
    with pytest.warns(workdays.ProvisionalCalendarWarning, match=r"year\(=2090\)"):
        desk.is_workday(date(2090, 3, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        desk.is_workday(date(2090, 3, 2))
    with pytest.warns(workdays.ProvisionalCalendarWarning, match=r"year\(=2091\)"):
        desk.is_workday(date(2091, 3, 1))
    with pytest.warns(workdays.ProvisionalCalendarWarning):
        workdays.WorkCalendar().is_workday(date(2090, 3, 1))


def test_extra_days_win_and_silence_the_warning_of_their_year() -> None:
    sunday, monday = date(2090, 3, 5), date(2090, 3, 6)
    desk = workdays.WorkCalendar(extra_workdays=[sunday], extra_holidays=[monday])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert desk.is_workday(sunday)
        assert not desk.is_workday(monday)
    assert desk.is_provisional(2090)
    with pytest.raises(ValueError, match="extra_holidays holds 2090-03-05"):
        workdays.WorkCalendar([sunday], [sunday])


@pytest.mark.parametrize(
    ("submitted", "kind", "counts_from"),
    [
        ("2026-11-18T10:00:00", "today", "2026-11-18T10:00:00"),
        ("2026-11-18T08:59:59", "today", "2026-11-18T09:00:00"),
        ("2026-11-18T00:00:00", "today", "2026-11-18T09:00:00"),
        ("2026-11-18T17:59:59.999999", "today", "2026-11-18T17:59:59.999999"),
        ("2026-11-18T18:00:00", "next_workday", "2026-11-19T09:00:00"),
        ("2026-11-20T18:00:00", "next_workday", "2026-11-23T09:00:00"),
        ("2026-11-22T10:00:00", "next_workday", "2026-11-23T09:00:00"),
        ("2026-02-14T10:00:00", "today", "2026-02-14T10:00:00"),  # a Saturday, worked
        ("2025-09-30T23:59:59", "next_workday", "2025-10-09T09:00:00"),
    ],
)
def test_review_window(submitted: str, kind: str, counts_from: str) -> None:
    assert workdays.review_window(gmt8(submitted), DESK) == (kind, gmt8(counts_from))


@pytest.mark.parametrize(
    ("start", "hours", "finish"),
    [
        ("2026-11-18T16:00:00", 2, "2026-11-18T18:00:00"),
        ("2026-11-18T17:00:00", 2, "2026-11-19T10:00:00"),
        ("2026-11-20T17:00:00", 2, "2026-11-23T10:00:00"),
        ("2026-11-18T03:00:00", 9, "2026-11-18T18:00:00"),
        ("2026-11-18T20:00:00", 0, "2026-11-18T20:00:00"),
        ("2025-09-30T18:00:00", 1, "2025-10-09T10:00:00"),
    ],
)
def test_add_working(start: str, hours: int, finish: str) -> None:
    assert workdays.add_working(gmt8(start), hours * cal.HOUR, DESK) == gmt8(finish)


@given(instants, st.integers(0, 60 * cal.HOUR))
@settings(max_examples=100, deadline=None)
def test_add_working_is_the_earliest_inverse_of_working_us_between(us: int, work: int) -> None:
    finish = workdays.add_working(us, work, DESK)
    assert workdays.working_us_between(us, finish, DESK) == work
    if work:
        assert workdays.working_us_between(us, finish - 1, DESK) == work - 1


@given(st.lists(instants, min_size=3, max_size=3))
@settings(max_examples=20, deadline=None)
def test_working_time_adds_up(three: list[int]) -> None:
    a, b, c = sorted(three)
    parts = workdays.working_us_between(a, b, DESK) + workdays.working_us_between(b, c, DESK)
    assert workdays.working_us_between(a, c, DESK) == parts


def test_working_time_of_a_year() -> None:
    year = workdays.working_us_between(gmt8("2024-01-01"), gmt8("2025-01-01"), DESK)
    assert year == 251 * 9 * cal.HOUR


def test_working_time_refuses_to_run_backwards() -> None:
    with pytest.raises(ValueError, match=r"b_us\(=0\) must be >= a_us\(=1\)"):
        workdays.working_us_between(1, 0, DESK)
    with pytest.raises(ValueError, match=r"working_us\(=-1\) must be >= 0"):
        workdays.add_working(0, -1, DESK)


@pytest.mark.parametrize(("zone", "first"), [("Asia/Kolkata", 2), ("Asia/Kathmandu", 1)])
def test_a_local_hour_begins_within_a_utc_hour(zone: str, first: int) -> None:
    """Traffic of 9 to 10 o'clock was smeared over two UTC hours, half an hour too wide."""
    hours = [float(hour == 9) for hour in range(24)]
    bounds = cal.quarter_bounds(490_008, 24, zone, hours, FLAT_WEEKDAYS)
    assert bounds is not None
    weights = cal.hourly_weights(490_008, 24, zone, hours, FLAT_WEEKDAYS)
    busy = np.flatnonzero(weights)
    assert len(busy) == 2
    shares = np.diff(bounds[busy], axis=1) > 0
    assert shares[0].tolist() == [quarter >= first for quarter in range(4)]
    assert shares[1].tolist() == [quarter < first for quarter in range(4)]
    assert cal.quarter_bounds(490_008, 24, "Asia/Jakarta", hours, FLAT_WEEKDAYS) is None
