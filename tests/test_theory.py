"""The engine where a textbook knows the answer, and the textbook's formulas by themselves.

Each tolerance is a number of standard errors, `Z`, at which a right engine fails once in a million
seeds; seeds are fixed, so it fails always or never.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from closed_forms import (
    RunOut,
    md1_mean_wait_s,
    mean_review_s,
    share_down,
    share_down_variance,
)
from scipy import stats

from smssim.calendars import DAY, HOUR, MINUTE, to_datetime, to_us
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate
from smssim.stats.intervals import (
    Interval,
    mean_interval,
    quantile_interval,
    score,
    wilson,
    wilson_with_pending,
)
from smssim.workdays import WorkCalendar, review_window

RISK = 1e-6
Z = stats.norm.isf(RISK / 2)


def world(days: int, per_s: float, **changes: Any) -> Scenario:
    """Poisson traffic of one template to Indonesia, with nothing in its way."""
    api = {"name": "api", "template": "code", "country": "ID", "messages_a_day": per_s * 86_400}
    made = {
        "start": "2025-01-01",
        "days": days,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app"}],
        "traffic": [api | changes.pop("traffic", {})],
        "routes": {"ID": {"latency": 0, "outcomes": [{"status": "DELIVRD", "share": 1}]}},
        "quota": {"daily_limit": 10**8, "monthly_limit": 10**9},
        "thresholds": {"daily_limit": 10**8, "monthly_limit": 10**9},
    }
    return Scenario.model_validate(made | changes)


def seconds(run: Run, event: str) -> np.ndarray[Any, Any]:
    """When an event came, in seconds from the start."""
    at = run.events.loc[run.events["event"] == event, "at"]
    return (at - to_datetime(run.observed_from)).dt.total_seconds().to_numpy()


def test_a_package_runs_out_after_a_gamma_time() -> None:
    """A hundred packages of 40 segments, one after another: each lasts a Gamma time of its own."""
    theory = RunOut(40, 1 / 60)
    scenario = world(30, theory.rate_per_s, packages=[{"country": "ID", "segments": 40}])

    def renew(env: Any, account: Any) -> Any:
        while True:
            yield account.wait("package_empty")
            account.buy_package("ID", 40)

    emptied = seconds(simulate(scenario, rng=4, policies=[renew]), "package_empty")
    lasted = np.diff(emptied)

    assert len(lasted) > 900
    assert abs(lasted.mean() - theory.mean_s) < Z * math.sqrt(theory.variance_s2 / len(lasted))
    assert stats.kstest(lasted, np.vectorize(theory.cdf)).pvalue > RISK
    below = wilson(int((lasted < theory.quantile_s(0.9)).sum()), len(lasted), 1 - RISK)
    assert below.low < 0.9 < below.high


@pytest.mark.parametrize("segments", [1, 500])
def test_run_out_follows_the_message_that_finds_nothing(segments: int) -> None:
    """Replications: the time to run-out is that of one segment more than was bought."""
    theory = RunOut(segments + 1, 0.01)
    scenario = world(1, theory.rate_per_s, packages=[{"country": "ID", "segments": segments}])
    runs = (simulate(scenario, rng=rng, rows=False) for rng in range(60))
    ran_out = np.array([seconds(run, "run_out")[0] for run in runs])
    assert stats.kstest(ran_out, np.vectorize(theory.cdf)).pvalue > RISK


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_the_queue_waits_as_an_m_d_1(load: float) -> None:
    """The mean waits of days, nearly independent, against Pollaczek and Khinchine."""
    per_s = 0.25
    service_s = load / per_s
    scenario = world(
        40, per_s, queue={"throughput_per_s": per_s / load}, callback={"address": False}
    )
    messages = simulate(scenario, rng=11).messages
    waited = (messages["sent_at"] - messages["submitted_at"]).dt.total_seconds()
    by_day = waited.groupby(messages["submitted_at"].dt.date).mean().iloc[1:]

    theory = md1_mean_wait_s(per_s, service_s)
    found = mean_interval(by_day, 1 - RISK)
    assert found.low < theory < found.high
    assert found.high - found.low < 0.2 * theory


@pytest.mark.parametrize(
    ("down", "sd_down_s"), [({"exponential_s": 90}, 90.0), ({"fixed_s": 90}, 0.0)]
)
def test_reports_are_lost_in_the_share_of_time_the_server_is_down(
    down: dict[str, float], sd_down_s: float
) -> None:
    """Poisson reports see time averages; the spread is that of the server and their own."""
    up_s, down_s, days = 600.0, 90.0, 366
    outages = {"up": {"exponential_s": up_s}, "down": down}
    scenario = world(days, 0.004, callback={"random_outages": outages})
    push = simulate(scenario, rng=3, rows=False).tallies.push
    n = push["reports"].sum()
    lost = push.loc[push["state"] == "lost", "reports"].sum() / n

    share = share_down(up_s, down_s)
    variance = share_down_variance(up_s, up_s, down_s, sd_down_s, days * 86_400)
    spread = math.sqrt(variance + share * (1 - share) / n)
    assert abs(lost - share) < Z * spread
    assert Z * spread < 0.06 * share


def test_the_variance_of_the_share_down_is_that_of_many_simulated_servers() -> None:
    """Takacs' formula against 4,000 servers drawn with NumPy alone."""
    rng, over = np.random.default_rng(1), 20_000.0
    up, down = rng.exponential(100, (4_000, 400)), rng.gamma(4, 5, (4_000, 400))
    begins = np.cumsum(up + down, axis=1) - down
    share = (np.minimum(begins + down, over) - np.minimum(begins, over)).sum(axis=1) / over
    theory = share_down_variance(100, 100, 20, 10, over)
    # A sample variance of nearly normal values has a relative standard error of sqrt(2 / n).
    assert abs(share.var() / theory - 1) < Z * math.sqrt(2 / 4_000)


def test_the_mean_review_latency_is_the_integral_over_the_calendar() -> None:
    """The closed form against the rule itself, asked minute by minute; both week and year."""
    calendar = WorkCalendar()
    for first, until in (("2025-03-03", "2025-03-10"), ("2025-01-01", "2025-11-03")):
        low, high = to_us(date.fromisoformat(first)) - 17 * MINUTE, to_us(date.fromisoformat(until))
        step = 7 * MINUTE
        total = 0.0
        middles = range(low + step // 2, high, step)
        for t in middles:
            kind, opens = review_window(t, calendar)
            total += (opens - t) / 1e6 + (3_600 if kind == "today" else 16_200)
        # At each of two jumps a workday, a step holds up to a day's latency too much or too little.
        assert mean_review_s(low, high, calendar) == pytest.approx(total / len(middles), rel=2e-3)


def test_the_mean_review_latency_of_an_hour_is_plain() -> None:
    """Monday noon: within two hours; Friday 19:00: the next workday; Monday 01:00: from 09:00."""
    calendar, hour = WorkCalendar(), to_us(date(2025, 3, 3)) + 4 * HOUR
    assert mean_review_s(hour, hour + HOUR, calendar) == 3_600
    friday = to_us(date(2025, 3, 7)) + 11 * HOUR
    assert mean_review_s(friday, friday + HOUR, calendar) == 61.5 * 3_600 + 16_200
    early = to_us(date(2025, 3, 3)) - 7 * HOUR
    assert mean_review_s(early, early + HOUR, calendar) == 7.5 * 3_600 + 3_600


def test_templates_are_decided_after_the_mean_latency() -> None:
    """Two thousand templates, each handed in at any time of its share of a year: the integral.

    The spread is that of neighbours, which is not less than that within a share (collapsed strata).
    """
    first, until, n = to_us(date(2025, 1, 1)), to_us(date(2025, 12, 1)), 2_000
    share = (np.arange(n) + np.random.default_rng(2).random(n)) / n
    submitted = first + (share * (until - first)).astype(np.int64)
    late = [
        {"name": f"t{i}", "application": "app", "submitted": to_datetime(us).isoformat()}
        for i, us in enumerate(submitted.tolist())
    ]
    code = {"name": "code", "application": "web"}
    applications = [{"name": "app"}, {"name": "web"}]
    scenario = world(365, 1e-6, applications=applications, templates=[*late, code])
    reviews = simulate(scenario, rng=5, rows=False).reviews

    took = (reviews["decided_at"] - reviews["submitted_at"]).dt.total_seconds().to_numpy()
    spread = math.sqrt(((took[::2] - took[1::2]) ** 2).sum()) / n
    theory = mean_review_s(first, until, WorkCalendar())
    assert abs(took.mean() - theory) < Z * spread < 0.06 * theory


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: RunOut(0, 1), r"segments\(=0\) must be >= 1"),
        (lambda: md1_mean_wait_s(2, 0.5), r"service_s\(=1\.0\) must be < 1"),
        (lambda: md1_mean_wait_s(-1, 0.5), r"rate_per_s\(=-1\)"),
        (lambda: share_down(0, 0), "not both 0"),
        (lambda: share_down_variance(1, 1, 1, 1, 0), r"over_s\(=0\) must be > 0"),
        (lambda: mean_review_s(DAY, DAY, WorkCalendar()), r"until_us\(=\d+\) must be >"),
        (lambda: mean_interval([1.0]), r"len\(values\)\(=1\) must be >= 2"),
        (lambda: mean_interval([1.0, math.nan]), "1 that are not finite"),
        (lambda: wilson(3, 2), r"successes\(=3\) must be in 0\.\.n\(=2\)"),
        (lambda: wilson(0, 0), r"n\(=0\)"),
        (lambda: score(1.1, 3.5), r"share\(=1\.1\) must be from 0 to 1"),
        (lambda: score(0.5, 0.0), r"n\(=0\.0\) > 0"),
        (lambda: quantile_interval([1.0], 1), r"q\(=1\) must be"),
        (lambda: wilson(1, 2, 1), r"confidence\(=1\) must be"),
    ],
)
def test_senseless_values_are_refused(call: Any, match: str) -> None:
    """An error shows the value and the rule."""
    with pytest.raises(ValueError, match=match):
        call()


def test_the_intervals_are_scipys() -> None:
    """Mean, share and quantile against scipy's own, for several sizes and confidences."""
    rng = np.random.default_rng(1)
    for n, confidence in ((2, 0.9), (17, 0.95), (400, 0.999999)):
        x = rng.lognormal(size=n)
        mean = mean_interval(x, confidence)
        expected = stats.t.interval(confidence, n - 1, x.mean(), stats.sem(x))
        assert mean == pytest.approx((x.mean(), *expected), rel=1e-9)
        for k in {0, 1, n // 3, n}:
            low, high = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
            assert wilson(k, n, confidence) == pytest.approx((k / n, low, high), abs=1e-12)
        for q in (0.05, 0.5, 0.9, 0.99):
            test = stats.quantile_test(x, p=q, alternative="two-sided")
            low, high = test.confidence_interval(confidence)
            ends = quantile_interval(x, q, confidence)
            assert ends.low == (-math.inf if math.isnan(low) else low)
            assert ends.high == (math.inf if math.isnan(high) else high)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_worth_a_broken_number_of_trials_lies_between_its_neighbours(share: float) -> None:
    fewer, between, more = (score(share, n) for n in (8, 9.5, 11))
    assert fewer.low <= between.low <= more.low <= share <= more.high
    assert more.high <= between.high <= fewer.high
    widths = [interval.high - interval.low for interval in (fewer, between, more)]
    assert widths[0] > widths[1] > widths[2]


def covered(intervals: list[Interval], truth: float) -> int:
    """How many intervals hold the true value."""
    return sum(interval.low <= truth <= interval.high for interval in intervals)


def test_intervals_cover_what_they_promise() -> None:
    """Two thousand samples of known distributions: 90% intervals hold the truth in 90%."""
    rng, n = np.random.default_rng(7), 2_000
    band = stats.binom.ppf([RISK / 2, 1 - RISK / 2], n, 0.9)
    normal = rng.normal(5, 2, (n, 8))
    assert band[0] <= covered([mean_interval(x, 0.9) for x in normal], 5) <= band[1]

    skewed = rng.exponential(1, (n, 60))
    found = covered([quantile_interval(x, 0.75, 0.9) for x in skewed], -math.log(0.25))
    assert found >= band[0], "an order statistic covers at least what it promises"
    assert found <= n * 0.96

    # Wilson's coverage is not exactly 90%: sum it over all outcomes, and hold it near.
    for share in (0.02, 0.2, 0.5):
        k = np.arange(201)
        hit = [wilson(int(i), 200, 0.9) for i in k]
        inside = [interval.low <= share <= interval.high for interval in hit]
        assert 0.85 < stats.binom.pmf(k, 200, share)[inside].sum() < 0.95


@pytest.mark.parametrize("n", [100, 1_600])
def test_shares_of_messages_that_few_decide_are_held(n: int) -> None:
    """The exact chance, by summing the binomial; Wilson's own holds 0.16 / n in 85 of 100."""
    k = np.arange(60)
    few = [wilson_with_pending(int(i), n, 0) for i in k]
    many = [wilson_with_pending(n - int(i), n, 0) for i in k]
    for share in np.linspace(0.1, 12, 120) / n:
        chances = stats.binom.pmf(k, n, share)
        assert chances[[found.low <= share <= found.high for found in few]].sum() > 0.92
        assert chances[[found.low <= 1 - share <= found.high for found in many]].sum() > 0.92
