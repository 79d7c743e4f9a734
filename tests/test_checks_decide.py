"""The verdict of one promise: months in order, two risks, both sides of a bound."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from smssim.checks import ReplicationError
from smssim.checks.check import verdicts_of
from smssim.checks.decide import decide
from smssim.checks.evidence import DirectedStatistic
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.worker import Result, Task
from smssim.scenario import Check, Scenario

RISK = 0.01
ONE_DAY = Scenario.parse("""
start: 2026-11-02
days: 1
applications: [{name: Shop}]
templates: [{name: login, application: Shop}]
traffic: [{name: logins, template: login, country: ID, messages_a_day: 20}]
""")


def promise(metric: str = "cost", **given: Any) -> Check:
    """A check on made-up months."""
    return Check(name="c", metric=metric, **given)


def months(seed: int, n: int = 200, mean: float = 100.0, sd: float = 10.0) -> Any:
    """Figures of made-up months."""
    return mean + sd * np.random.default_rng(seed).standard_normal(n)


STATISTICS = st.sampled_from(["mean", "p50", "p90", "p10"])


@given(st.integers(0, 10_000), STATISTICS, st.floats(80, 120), st.floats(0, 5))
@settings(max_examples=80, deadline=None)
def test_months_after_the_deciding_one_are_not_looked_at(
    seed: int, statistic: str, bound: float, margin: float
) -> None:
    check = promise(statistic=statistic, below=bound, margin=margin)
    whole = months(seed)
    found = decide(check, whole, RISK, RISK)

    assert decide(check, whole[: found.runs], RISK, RISK) == found
    if found.outcome != "undecided":
        shorter = decide(check, whole[: found.runs - 1], RISK, RISK)
        assert shorter.outcome == "undecided"


@given(st.integers(0, 10_000), STATISTICS, st.floats(80, 120), st.floats(0, 5))
@settings(max_examples=80, deadline=None)
def test_above_is_below_in_the_mirror(
    seed: int, statistic: str, bound: float, margin: float
) -> None:
    other = {"mean": "mean", "p50": "p50", "p90": "p10", "p10": "p90"}[statistic]
    # Far from 0, below which no metric is.
    whole, far = np.round(months(seed), 3), 10_000.0
    below = promise(statistic=statistic, below=far + bound, margin=margin)
    above = promise(statistic=other, above=far - bound, margin=margin)
    found, seen = (
        decide(check, far + own, RISK, RISK) for check, own in ((below, whole), (above, -whole))
    )

    assert (seen.outcome, seen.runs, seen.broken) == (found.outcome, found.runs, found.broken)
    assert math.isclose(seen.low, 2 * far - found.high, rel_tol=1e-9)
    assert math.isclose(seen.high, 2 * far - found.low, rel_tol=1e-9)


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.floats(0.02, 0.98))
@settings(max_examples=80, deadline=None)
def test_a_probability_above_is_the_other_probability_below(yes: list[bool], p: float) -> None:
    values = np.array(yes, float)
    above = decide(promise("runout.any", above=p, margin=0.01), values, RISK, RISK)
    other = decide(promise("runout.any", below=1 - p, margin=0.01), 1 - values, RISK, RISK)

    assert (above.outcome, above.runs) == (other.outcome, other.runs)
    assert above.estimate == pytest.approx(1 - other.estimate)
    assert (above.low, above.high) == pytest.approx((1 - other.high, 1 - other.low))
    assert above.broken == other.broken


@given(st.integers(0, 10_000), STATISTICS, st.floats(80, 120), st.floats(0, 5))
@settings(max_examples=80, deadline=None)
def test_the_verdict_is_where_the_certain_bounds_lie(
    seed: int, statistic: str, bound: float, margin: float
) -> None:
    check = promise(statistic=statistic, below=bound, margin=margin)
    found = decide(check, months(seed), RISK, RISK)

    assert found.low <= found.estimate <= found.high
    slack = 1e-9 * abs(bound)
    if found.outcome == "fail":
        assert found.low >= bound - slack
    elif found.outcome == "pass":
        assert found.high <= bound + margin + slack
    else:
        assert found.low <= bound + slack
        assert found.high >= bound + margin - slack


@pytest.mark.parametrize("side", ["below", "above"])
@pytest.mark.parametrize(
    "values", [[0.0] * 20, [0.0] * 40 + [1000.0] + [0.0] * 20, [1.0, 90.0] * 7]
)
def test_no_mean_of_a_metric_is_below_0(side: str, values: list[float]) -> None:
    found = decide(promise(**{side: 10.0}), np.array(values), RISK, RISK)
    assert 0 <= found.low <= found.estimate <= found.high


def test_less_risk_takes_no_fewer_months() -> None:
    check = promise(statistic="mean", below=97, margin=1)
    runs = [decide(check, months(5, 2_000), risk, risk).runs for risk in (0.2, 0.05, 0.01, 0.001)]
    assert runs == sorted(runs)
    assert runs[0] < runs[-1]


@pytest.mark.parametrize(
    ("metric", "statistic", "values"),
    [
        ("latency.p95", "mean", [10.0] * 5 + [math.nan] + [10.0] * 50),
        ("runout.first", "mean", [10.0] * 5 + [math.nan] + [10.0] * 50),
        ("latency.p95", "p90", [10.0] * 5 + [math.nan] + [10.0] * 100),
    ],
)
def test_a_month_without_a_value_leaves_a_promise_open(
    metric: str, statistic: str, values: list[float]
) -> None:
    found = decide(promise(metric, statistic=statistic, below=30), np.array(values), RISK, RISK)

    assert found.outcome == "undecided"
    assert found.settled
    assert found.note.startswith(f"replication 5 has no {metric}")
    assert found.runs == 5


def test_what_never_came_about_is_later_than_any_in_a_quantile() -> None:
    """A tenth of the months never saw it: the median is told, the 95% quantile is `never`."""
    values = np.where(np.arange(400) % 10 == 9, math.nan, 3.0)
    late = decide(
        promise("review.hours", where={"template": "t"}, statistic="p95", below=24),
        values,
        RISK,
        RISK,
    )
    early = decide(
        promise("review.hours", where={"template": "t"}, statistic="p50", below=24),
        values,
        RISK,
        RISK,
    )
    never = decide(promise("runout.first", statistic="p5", above=2, margin=0.5), values, RISK, RISK)

    assert (late.outcome, early.outcome, never.outcome) == ("fail", "pass", "pass")
    assert late.estimate == math.inf


@pytest.mark.parametrize(("below", "outcome"), [(130, "pass"), (200, "pass"), (60, "fail")])
def test_clear_cases_are_decided_within_20_months(below: float, outcome: str) -> None:
    """From four standard deviations on, whatever the months."""
    for seed in range(100):
        found = decide(promise(statistic="mean", below=below), months(seed, sd=7), RISK, RISK)
        assert (found.outcome, found.runs <= 20) == (outcome, True)
    yes = decide(promise("runout.any", below=0.05, margin=0.02), np.ones(20), RISK, RISK)
    assert (yes.outcome, yes.runs) == ("fail", 2)


MONTHS = 400
N_TRIALS = [200, pytest.param(1_000, marks=pytest.mark.ci)]
KPIS: dict[str, tuple[str, str, Any, float, float]] = {
    "normal costs": ("cost", "mean", stats.norm(100, 10), 100, 3),
    "skewed costs": ("cost", "mean", stats.lognorm(1, scale=100), 100 * math.exp(0.5), 60),
    "run-outs": ("runout.any", "probability", stats.bernoulli(0.1), 0.1, 0.05),
    "rare run-outs": ("runout.any", "probability", stats.bernoulli(0.04), 0.04, 0.035),
    "limits": ("thresholds.limits", "mean", stats.bernoulli(0.15), 0.15, 0.05),
    "dear months": ("cost", "p90", stats.lognorm(0.5, scale=100), 189.787, 20),
}
"""Metric, statistic, law, its true value, margin."""


@pytest.mark.parametrize("name", KPIS)
@pytest.mark.parametrize("wrong", ["fail", "pass"])
@pytest.mark.parametrize("n_trials", N_TRIALS)
def test_wrong_verdicts_are_as_rare_as_stated(name: str, wrong: str, n_trials: int) -> None:
    """At the bound, where a false alarm is likeliest, and at the margin's end for a miss."""
    metric, statistic, law, real, margin = KPIS[name]
    bound = real if wrong == "fail" else real - margin
    check = promise(metric, statistic=statistic, below=bound, margin=margin)
    draws = law.rvs((n_trials, MONTHS), random_state=np.random.default_rng(4)).astype(float)
    outcomes = [decide(check, own, RISK, RISK).outcome for own in draws]

    assert outcomes.count(wrong) <= stats.binom.ppf(1 - 1e-4, n_trials, RISK)
    right = "pass" if wrong == "fail" else "fail"
    assert outcomes.count(right) > 0.02 * n_trials


def test_by_is_how_far_the_estimate_is_beyond_the_bound() -> None:
    found = decide(promise(statistic="mean", below=90), months(1), RISK, RISK)
    assert found.by == found.estimate - 90
    above = replace(found, check=promise(statistic="mean", above=90))
    assert above.by == 90 - found.estimate


def test_a_mean_of_mostly_equal_months_is_told_with_caution() -> None:
    rare = np.where(np.arange(400) % 20 == 7, 3.0, 0.0)
    mean = decide(promise(statistic="mean", below=9), rare, RISK, RISK)
    quantile = decide(promise(statistic="p90", below=9), rare, RISK, RISK)
    usual = decide(promise(statistic="mean", below=900), months(1), RISK, RISK)

    assert (mean.outcome, quantile.outcome, usual.outcome) == ("pass", "pass", "pass")
    assert mean.note.startswith("most of these months are equal")
    assert (quantile.note, usual.note) == ("", "")


def test_the_mean_of_yes_or_no_is_its_probability() -> None:
    values = np.ones(20)
    mean = decide(promise("runout.any", statistic="mean", below=0.05), values, RISK, RISK)
    usual = decide(promise("runout.any", below=0.05), values, RISK, RISK)
    assert (mean.outcome, mean.runs, mean.low) == (usual.outcome, usual.runs, usual.low)


def test_a_month_that_fails_ends_what_is_not_decided_before() -> None:
    """And nothing else: what comes after the deciding month is not looked at."""
    check = promise("runout.any", below=0.05, margin=0.01)
    plan = ONE_DAY.change(checks=[check.model_dump()])
    runs = {Task(0, k): Result(Task(0, k), {"runout.any": 1.0}, "", 0.0) for k in range(8)}
    runs[Task(0, 5)] = Result(Task(0, 5), {}, "ValueError: no", 0.0)
    decided = Experiment([Design(plan, {})], 1, runs)
    (verdict,) = verdicts_of(plan, decided)
    assert (verdict.outcome, verdict.runs) == ("fail", 2)

    open_ = {task: run._replace(figures={"runout.any": 0.0}) for task, run in runs.items()}
    with pytest.raises(ReplicationError, match="replication 5 of 'scenario' failed: ValueError"):
        verdicts_of(plan, Experiment([Design(plan, {})], 1, open_))
    few = plan.change(checking={"most_runs": 12})
    late = {Task(0, k): Result(Task(0, k), {"runout.any": 0.0}, "", 0.0) for k in range(12)}
    late[Task(0, 12)] = Result(Task(0, 12), {}, "ValueError: no", 0.0)
    (beyond,) = verdicts_of(few, Experiment([Design(few, {})], 1, late))
    assert (beyond.outcome, beyond.runs) == ("undecided", 12)
    first = {Task(0, 0): Result(Task(0, 0), {}, "ValueError: no", 0.0)}
    with pytest.raises(ReplicationError, match="replication 0"):
        verdicts_of(plan, Experiment([Design(plan, {})], 1, first))


@pytest.mark.parametrize("bounds", [{"above": 0.9}, {"below": 0.99}])
def test_the_interval_of_a_share_stays_within_its_scale(bounds: dict[str, float]) -> None:
    """A mean of shares near 1 is known by few months, and no share is above 1."""
    kept = promise("delivered.share", margin=0.005, **bounds)
    values = np.array([0.99, 0.9, 1.0, 0.97, 1.0, 0.88, 1.0, 0.99, 1.0, 0.93, 1.0, 1.0])
    low, high = DirectedStatistic.of(kept).bounds(values, RISK, RISK)
    assert 0 <= low <= values.mean() <= high <= 1
