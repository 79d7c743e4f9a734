"""Days to come: against ordinary least squares, and how often their interval holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from smssim.calendars import DAY
from smssim.report.weekdays import Weekdays, first_reach, reached, too_few, unlike, whole_days

RISK = 1e-4
"""That a test of coverage fails though the interval is right, were the seed another one."""
PROFILE = np.array([1.0, 1.1, 1.1, 1.2, 1.3, 0.6, 0.4])


def least_squares(first: int, seen: np.ndarray, days: list[int], parts: list[float]) -> list[float]:
    """Estimate and ends of the sum of parts of days, by weighted least squares of groups."""

    def group(day: int) -> int:
        of_week = (day + 3) % 7
        often = sum((first + i + 3) % 7 == of_week for i in range(len(seen))) >= 2
        return of_week if often or of_week >= 5 else 7

    groups = sorted({group(first + i) for i in range(len(seen))})
    x = np.array([[group(first + i) == g for g in groups] for i in range(len(seen))], float)
    ahead = np.array([[group(day) == g for g in groups] for day in days], float).T @ parts
    beta = np.linalg.lstsq(x, seen, rcond=None)[0]
    mean = x @ beta
    busy = mean > 1e-9
    degrees = max(1, int(busy.sum()) - int((beta > 1e-9).sum()))
    factor = ((seen - mean)[busy] ** 2 / mean[busy]).sum() / degrees
    known = {(first + i + 3) % 7 for i in range(len(seen))}
    own = 0.0
    for weekday in range(7):
        part = sum(p for day, p in zip(days, parts, strict=True) if (day + 3) % 7 == weekday)
        if part:
            rate = beta[groups.index(group(next(d for d in days if (d + 3) % 7 == weekday)))]
            own += rate * (part if weekday in known else max(part, part**2))
    of_means = ahead @ np.diag(beta) @ np.linalg.inv(x.T @ x) @ ahead
    half = stats.t.ppf(0.975, degrees) * math.sqrt(factor * (own + of_means))
    estimate = float(ahead @ beta)
    return [estimate, max(0.0, estimate - half), estimate + half]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(20_000, 20_006),
    st.lists(st.integers(0, 5_000), min_size=3, max_size=40),
    st.floats(0.01, 1),
    st.integers(0, 30),
)
def test_the_sum_is_that_of_least_squares(
    first: int, seen: list[int], part: float, more: int
) -> None:
    """Whatever was seen, and from whenever in a day on."""
    end = first + len(seen)
    start = round((end + 1 - part) * DAY)
    days, parts = [end + i for i in range(more + 1)], [(end + 1) - start / DAY] + [1.0] * more
    assume(
        not too_few(range(first, end)) and not unlike(range(first, end), start, days[-1] * DAY + 1)
    )

    found = Weekdays(first, seen).sum_of(start, (end + more + 1) * DAY)

    wanted = least_squares(first, np.array(seen, float), days, parts)
    assert list(found) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_a_weekday_seen_twice_is_a_group_of_its_own() -> None:
    """Ten days from a Monday: three weekdays have their means, Thursday and Friday one together."""
    monday = 20_000 - (20_000 + 3) % 7
    seen = Weekdays(monday, [10, 20, 30, 4, 5, 6, 7, 12, 22, 32])

    daily = [seen.sum_of(d * DAY, (d + 1) * DAY).estimate for d in range(monday + 14, monday + 21)]

    assert daily == pytest.approx([11, 21, 31, 4.5, 4.5, 6, 7])
    assert seen.degrees == 4


def worlds(days: int, ahead: int, mean: float, number: int, seed: int) -> np.ndarray:
    """Poisson days with a weekday profile, a row a world."""
    rates = mean * PROFILE[np.arange(days + ahead) % 7]
    return np.random.default_rng(seed).poisson(rates, (number, days + ahead))


def assert_covers(hits: int, n: int, confidence: float = 0.95) -> None:
    low, high = stats.binom.ppf([RISK / 2, 1 - RISK / 2], n, confidence)
    assert low <= hits <= high, (hits, low, high)


@pytest.mark.parametrize(("days", "ahead"), [(14, 14), (20, 10), (21, 7), (25, 6), (16, 12)])
def test_the_interval_holds_as_often_as_it_says(days: int, ahead: int) -> None:
    """On Poisson days with a weekday profile; every weekday was seen twice."""
    monday, n = 20_000 - (20_000 + 3) % 7, 2_000
    hits = 0
    for world in worlds(days, ahead, 400, n, days):
        begin, end = (monday + days) * DAY, (monday + days + ahead) * DAY
        found = Weekdays(monday, world[:days]).sum_of(begin, end)
        hits += found.low <= world[days:].sum() <= found.high
    assert_covers(hits, n)


@pytest.mark.parametrize("days", [4, 6])
def test_the_interval_of_a_few_days_alike_holds_at_least_as_often_as_it_says(days: int) -> None:
    """Four days from a Thursday know a weekend, and two days between weekends."""
    rng, n, hits = np.random.default_rng(days), 2_000, 0
    thursday = 20_006 - (20_006 % 7)
    for world in rng.poisson(400, (n, days + 20)):
        begin = (thursday + days) * DAY
        found = Weekdays(thursday, world[:days]).sum_of(begin, begin + 20 * DAY, 0.9)
        hits += found.low <= world[days:].sum() <= found.high
    assert hits >= stats.binom.ppf(RISK, n, 0.9)


@pytest.mark.parametrize("days", [3, 4, 5])
def test_days_without_a_weekend_do_not_tell_of_one(days: int) -> None:
    """An office week: Monday to Friday alone, and a month to come."""
    monday = 20_000 - (20_000 + 3) % 7
    seen = range(monday, monday + days)
    weekend, week = (monday + 7) * DAY, (monday + 5) * DAY
    assert "no whole Saturday or Sunday is known" in unlike(seen, seen.stop * DAY, weekend)
    assert unlike(seen, seen.stop * DAY, week) == too_few(seen) == ""
    with pytest.raises(ValueError, match="weekdays that were seen"):
        Weekdays(monday, [9.0] * days).sum_of(seen.stop * DAY, weekend)


def test_days_of_which_no_two_are_alike_have_no_spread() -> None:
    """Friday to Sunday; of Thursday to Sunday two are alike."""
    friday = 20_000 - (20_000 + 3) % 7 + 4
    assert "no two are alike" in too_few(range(friday, friday + 3))
    assert too_few(range(friday - 1, friday + 3)) == ""
    with pytest.raises(ValueError, match="no two are alike"):
        Weekdays(friday, [9, 5, 4])


@pytest.mark.parametrize("days", [8, 10])
def test_a_weekend_does_not_widen_what_other_days_tell(days: int) -> None:
    """It was 4 to 5 times too wide: a weekend was taken for chance among the days between."""
    monday, widths = 20_000 - (20_000 + 3) % 7, []
    rates = 400 * np.array([1, 1, 1, 1, 1, 0.2, 0.1])[np.arange(days) % 7]
    for world in np.random.default_rng(3).poisson(rates, (200, days)):
        begin = (monday + days) * DAY
        found = Weekdays(monday, world).sum_of(begin, begin + 20 * DAY)
        widths.append((found.high - found.low) / 2 / found.estimate)
    assert np.mean(widths) < 0.1


@pytest.mark.parametrize("days", [8, 10, 12])
def test_whole_weeks_are_not_biased_by_which_weekdays_were_seen_twice(days: int) -> None:
    """Weekdays seen once are told together: the interval holds at least as often as it says."""
    monday, n, hits, errors = 20_000 - (20_000 + 3) % 7, 500, 0, []
    for world in worlds(days, 14, 400, n, days):
        begin = (monday + days) * DAY
        found = Weekdays(monday, world[:days]).sum_of(begin, begin + 14 * DAY)
        errors.append(found.estimate - world[days:].sum())
        hits += found.low <= world[days:].sum() <= found.high
    assert hits >= stats.binom.ppf(RISK, n, 0.95)
    error = np.std(errors) / math.sqrt(n)
    assert abs(np.mean(errors)) < stats.norm.isf(RISK / 2) * error


def test_when_an_amount_is_reached_holds_as_often_as_it_says() -> None:
    """Use within a day is even here, so that the instant is known."""
    monday, days, n, amount = 20_000 - (20_000 + 3) % 7, 21, 2_000, 3_000
    begin, hits = (monday + days) * DAY, 0
    for world in worlds(days, 21, 400, n, 5):
        course = Weekdays(monday, world[:days]).course(begin, begin + 21 * DAY)
        grown = np.append(0, world[days:].cumsum())
        truth = begin + np.interp(amount, grown, np.arange(len(grown))) * DAY
        ends = [first_reach(course, begin, sums, amount) for sums in (course.high, course.low)]
        hits += ends[0] <= truth <= ends[1]
    assert_covers(hits, n)


def test_an_amount_is_reached_within_a_day() -> None:
    course = Weekdays(20_003, [10] * 9).course(20_012 * DAY + DAY // 2, 20_015 * DAY)

    assert course.estimate.tolist() == pytest.approx([5, 15, 25])
    assert course.low.tolist() == course.high.tolist() == course.estimate.tolist()
    begin = 20_012 * DAY + DAY // 2
    assert first_reach(course, begin, course.estimate, 10) == begin + DAY
    assert first_reach(course, begin, course.estimate, 25) == 20_015 * DAY
    assert first_reach(course, begin, course.estimate, 25.1) == math.inf
    assert reached(course, begin, course.estimate, begin + DAY) == 10


def test_whole_days_lie_within() -> None:
    assert list(whole_days(3 * DAY, 5 * DAY)) == [3, 4]
    assert list(whole_days(3 * DAY + 1, 5 * DAY + 7)) == [4]
    assert not whole_days(3 * DAY + 1, 4 * DAY - 1)


def test_two_days_are_too_few() -> None:
    with pytest.raises(ValueError, match=r"len\(values\)\(=2\): fewer than 3 whole UTC days"):
        Weekdays(20_000, [1, 2])
    with pytest.raises(ValueError, match=r"confidence\(=1\) must be > 0 and < 1"):
        Weekdays(20_004, [1, 2, 3]).course(0, DAY, 1)
    assert tuple(Weekdays(20_004, [1, 2, 3]).sum_of(DAY, DAY)) == (0, 0, 0)
