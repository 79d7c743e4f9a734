"""Days to come: against ordinary least squares, and how often their interval holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from smssim.calendars import DAY
from smssim.report.weekdays import Weekdays, first_reach, reached, whole_days

RISK = 1e-4
"""That a test of coverage fails though the interval is right, were the seed another one."""
PROFILE = np.array([1.0, 1.1, 1.1, 1.2, 1.3, 0.6, 0.4])


def least_squares(first: int, seen: np.ndarray, days: list[int], parts: list[float]) -> list[float]:
    """Estimate and ends of the sum of parts of days, by a design matrix of kinds."""

    def kind(day: int) -> int:
        of_week = (day + 3) % 7
        often = sum((first + i + 3) % 7 == of_week for i in range(len(seen))) >= 2
        return of_week if often else 7

    kinds = sorted({kind(first + i) for i in range(len(seen))})
    x = np.array([[kind(first + i) == k for k in kinds] for i in range(len(seen))], float)
    ahead = np.array([[kind(day) == k for k in kinds] for day in days], float).T @ parts
    beta, *_ = np.linalg.lstsq(x, seen, rcond=None)
    degrees = len(seen) - len(kinds)
    variance = ((seen - x @ beta) ** 2).sum() / degrees
    error = math.sqrt(variance * (sum(parts) + ahead @ np.linalg.inv(x.T @ x) @ ahead))
    half = stats.t.ppf(0.975, degrees) * error
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

    found = Weekdays(first, seen).sum_of(start, (end + more + 1) * DAY)

    wanted = least_squares(first, np.array(seen, float), days, parts)
    assert list(found) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_a_weekday_seen_twice_is_a_kind_of_its_own() -> None:
    """Ten days from a Monday: three weekdays have their means, the other four one together."""
    monday = 20_000 - (20_000 + 3) % 7
    seen = Weekdays(monday, [10, 20, 30, 4, 5, 6, 7, 12, 22, 32])

    daily = [seen.sum_of(d * DAY, (d + 1) * DAY).estimate for d in range(monday + 14, monday + 21)]

    assert daily == pytest.approx([11, 21, 31, 5.5, 5.5, 5.5, 5.5])
    assert seen.degrees == 6


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


@pytest.mark.parametrize("days", [3, 6])
def test_the_interval_of_a_few_days_alike_holds_as_often_as_it_says(days: int) -> None:
    rng, n, hits = np.random.default_rng(days), 2_000, 0
    for world in rng.poisson(400, (n, days + 20)):
        found = Weekdays(20_000, world[:days]).sum_of(
            (20_000 + days) * DAY, (20_020 + days) * DAY, 0.9
        )
        hits += found.low <= world[days:].sum() <= found.high
    assert_covers(hits, n, 0.9)


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
    course = Weekdays(20_000, [10, 10, 10]).course(20_003 * DAY + DAY // 2, 20_006 * DAY)

    assert course.estimate.tolist() == pytest.approx([5, 15, 25])
    assert course.low.tolist() == course.high.tolist() == course.estimate.tolist()
    begin = 20_003 * DAY + DAY // 2
    assert first_reach(course, begin, course.estimate, 10) == begin + DAY
    assert first_reach(course, begin, course.estimate, 25) == 20_006 * DAY
    assert first_reach(course, begin, course.estimate, 25.1) == math.inf
    assert reached(course, begin, course.estimate, begin + DAY) == 10


def test_whole_days_lie_within() -> None:
    assert list(whole_days(3 * DAY, 5 * DAY)) == [3, 4]
    assert list(whole_days(3 * DAY + 1, 5 * DAY + 7)) == [4]
    assert not whole_days(3 * DAY + 1, 4 * DAY - 1)


def test_two_days_are_too_few() -> None:
    with pytest.raises(ValueError, match=r"len\(values\)\(=2\) must be >= 3 whole days"):
        Weekdays(20_000, [1, 2])
    with pytest.raises(ValueError, match=r"confidence\(=1\) must be > 0 and < 1"):
        Weekdays(20_000, [1, 2, 3]).course(0, DAY, 1)
    assert tuple(Weekdays(20_000, [1, 2, 3]).sum_of(DAY, DAY)) == (0, 0, 0)
