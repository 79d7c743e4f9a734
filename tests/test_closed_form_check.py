"""Closed forms next to simulated figures: when they apply, and that they hold what is simulated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from closed_form_check import closed_form_check, requests_a_day, sums
from closed_forms import (
    batch_mean_wait_s,
    compound_poisson,
    md1_mean_wait_s,
    mean_overshoot,
)
from scipy import stats

from smssim.scenario import Delay, Scenario
from smssim.scenario.delays import moments
from smssim.simulation.simulate import Run, simulate

RISK = 1e-6
Z = stats.norm.isf(RISK / 2)


def scenario(source: dict[str, Any] | None = None, **changes: Any) -> Scenario:
    """Ten days of one steady source, by itself in the world."""
    api = {"name": "a", "template": "code", "country": "ID", "messages_a_day": 3_000}
    plain = {
        "start": "2026-03-02",
        "days": 10,
        "quota": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "thresholds": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop", "segments": {1: 0.7, 3: 0.3}}],
        "traffic": [api | (source or {})],
        "routes": {"ID": {"price": 0.35, "outcomes": [
            {"status": "DELIVRD", "share": 0.9},
            {"status": "E000632", "share": 0.1, "source": "huawei"},
        ]}},
    }  # fmt: skip
    return Scenario.model_validate(plain | changes)


LIMITED = {
    "thresholds": {
        "unit": "segment",
        "daily_alarm": 100,
        "daily_limit": 1_501,
        "monthly_limit": 10**7,
    },
    "routes": {},
    "days": 100,
}
WORLDS: dict[str, tuple[str, dict[str, Any]]] = {
    "charges": ("pay-per-use charges", {"source": {"recipients": {1: 0.5, 20: 0.5}}}),
    "lost": (
        "reports lost",
        {
            "callback": {
                "random_outages": {
                    "up": {"exponential_s": 9_000},
                    "down": {"lognormal_s": {"median": 600, "p95": 3_600}},
                },
                "outages": [{"at": "2026-03-03T00:00:00Z", "minutes": 720}],
                "no_answer_share": 0.02,
            }
        },
    ),
    "single": ("wait in the queue, mean", {"queue": {"throughput_per_s": 0.05}, "routes": {}}),
    "batches": (
        "wait in the queue, mean",
        {
            "queue": {"throughput_per_s": 0.06, "scope": "route"},
            "routes": {},
            "source": {"recipients": {1: 0.8, 5: 0.2}},
        },
    ),
    "limit": ("overshoot of the daily limit, mean", LIMITED | {"source": {"recipients": 4}}),
}


def row(run: Run, figure: str) -> Any:
    """The row of a figure, which must be there."""
    found = closed_form_check(run)
    (own,) = found[found["figure"] == figure].itertuples()
    return own


@pytest.mark.parametrize("name", WORLDS)
def test_the_forms_hold_what_is_simulated(name: str) -> None:
    """Thirty replications: 95% intervals hold the form's value, the mean is near it."""
    figure, changes = WORLDS[name]
    world, n = scenario(**changes), 30
    keep = figure.startswith("wait")
    found = [row(simulate(world, rng=rng, rows=keep), figure) for rng in range(n)]

    (value,) = {own.theory for own in found}
    held = sum(own.low <= own.theory <= own.high for own in found)
    # Days and trips depend on one another a little: 90% is asked of what promises 95%.
    assert held >= stats.binom.ppf(RISK, n, 0.9)
    simulated = np.array([own.simulated for own in found])
    error = max(simulated.std(ddof=1) / np.sqrt(n), 1e-9)
    assert abs(simulated.mean() - value) < stats.t.isf(RISK / 2, n - 1) * error
    assert error < 0.1 * value


def test_the_simulated_figures_are_plain_ones() -> None:
    run = simulate(scenario(**WORLDS["lost"][1]))
    assert run.messages is not None
    assert run.reports is not None
    lost = row(run, "reports lost")
    states = run.reports["state"].value_counts()
    assert lost.simulated == states["lost"] / (states["lost"] + states["received"])
    assert lost.high - lost.simulated == pytest.approx(lost.simulated - lost.low)
    billed = row(run, "pay-per-use charges")
    assert billed.simulated == pytest.approx(run.messages["cost_micro"].sum() / 1e6)
    # 3,000 messages per day, 0.9 of them charged, 1.6 segments each.
    assert billed.theory == pytest.approx(10 * 3_000 * 0.9 * 1.6 * 0.35)
    assert billed.unit == "USD"

    run = simulate(scenario(**WORLDS["single"][1]))
    assert run.messages is not None
    wait, waited = (
        row(run, "wait in the queue, mean"),
        run.messages["sent_at"] - run.messages["submitted_at"],
    )
    by_day = waited.dt.total_seconds().groupby(run.messages["submitted_at"].dt.floor("D")).mean()
    assert wait.simulated == pytest.approx(by_day.mean())
    ends = stats.t.interval(0.95, len(by_day) - 1, by_day.mean(), stats.sem(by_day))
    assert (wait.low, wait.high) == pytest.approx(ends)
    assert wait.form == "M/D/1"


def test_reviews_are_held_against_when_they_were_handed_in() -> None:
    late = [
        {"name": f"t{i}", "application": "shop", "submitted": f"2026-03-0{2 + i % 7}T0{i % 9}:10Z"}
        for i in range(15)
    ]
    templates = [{"name": "code", "application": "shop"}, *late]
    world = scenario(templates=templates, days=20)
    found = [row(simulate(world, rng=rng, rows=False), "review, mean") for rng in range(40)]

    (value,) = {own.theory for own in found}
    held = sum(own.low <= own.theory <= own.high for own in found)
    assert stats.binom.ppf(RISK, 40, 0.95) <= held
    simulated = np.array([own.simulated for own in found])
    assert abs(simulated.mean() - value) < Z * simulated.std(ddof=1) / np.sqrt(40)
    run = simulate(world, rng=0)
    took = run.reviews["decided_at"] - run.reviews["submitted_at"]
    assert found[0].simulated == pytest.approx(took.dt.total_seconds().mean() / 3_600)


def test_no_time_is_shorter_than_none() -> None:
    """Chance would leave one review of up to two hours a mean below 0."""
    late = {"name": "late", "application": "shop", "submitted": "2026-03-06T09:30:00Z"}
    templates = [{"name": "code", "application": "shop"}, late]
    assert row(simulate(scenario(templates=templates), rows=False), "review, mean").low == 0


OTHER: dict[str, dict[str, Any]] = {
    "a package": {"packages": [{"country": "ID", "segments": 500, "price": 70}]},
    "users who ask again": {"source": {"resend": {"patience": 60, "at_most": 1}}},
    "a second push": {
        "callback": {"random_outages": {"up": 9_000, "down": 900}, "retries_s": [60]}
    },
    "a full queue": {"queue": {"throughput_per_s": 0.05, "capacity": 3}},
    "a rhythm": {"source": {"hours": [1] * 12 + [2] * 12}, "queue": {"throughput_per_s": 0.05}},
    "flaws": {"source": {"flaws": {"variables": 0.1}}},
    "one trip": LIMITED | {"days": 1},
    "a limit that is not high": LIMITED
    | {"source": {"recipients": 400, "messages_a_day": 30_000}, "days": 5},
    "few turns": {"callback": {"random_outages": {"up": 400_000, "down": 9_000}}},
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER)
def test_no_form_without_its_assumptions(name: str) -> None:
    """A rhythm spares the charges, and limits spare nothing."""
    found = closed_form_check(simulate(scenario(**OTHER[name])))
    kept = {"a second push": 1, "a full queue": 0, "a rhythm": 1, "few turns": 1}.get(name, 0)
    assert len(found) == kept
    assert set(found["figure"]) <= {"pay-per-use charges"}


def test_policies_and_logs_have_none() -> None:
    def idle(env: Any, account: Any) -> Any:
        yield env.timeout(1)

    assert closed_form_check(simulate(scenario(), policies=[idle])).empty
    log = replace(simulate(scenario()), ledger=None)
    found = closed_form_check(log)
    assert found.empty
    assert found.columns.tolist() == [
        "figure", "unit", "simulated", "low", "high", "theory", "form", "source"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "delay",
    [
        {"fixed_s": 90},
        {"uniform_s": [30, 600]},
        {"exponential_s": 700},
        {"lognormal_s": {"median": 60, "p95": 300}},
        {"lognormal_s": {"median": 4, "p95": 15}, "slow": {"share": 0.2, "median": 90, "p95": 200}},
    ],
)
def test_moments_are_those_of_what_is_drawn(delay: dict[str, Any]) -> None:
    """The inverse table at evenly spread words; its far tail is cut, hence two per cent."""
    rule = Delay.model_validate(delay)
    table = rule.table()
    n = 100_000
    drawn = np.array([table.of((2 * i + 1) * 2**63 // n) for i in range(n)]) / 1e6
    found = moments(rule)
    assert found.mean_s == pytest.approx(drawn.mean(), rel=2e-3)
    assert found.sd_s == pytest.approx(drawn.std(), rel=2e-2)


def test_sums_of_random_many_are_convolutions() -> None:
    found = sums({1: 0.5, 3: 0.5}, {1: 0.7, 2: 0.3})
    cubes = np.convolve(np.convolve([0.7, 0.3], [0.7, 0.3]), [0.7, 0.3])
    expected = {1: 0.35, 2: 0.15} | {3 + i: share / 2 for i, share in enumerate(cubes)}
    assert found == pytest.approx(expected)
    source = scenario({"recipients": {1: 0.5, 3: 0.5}}).traffic[0]
    assert requests_a_day(source) == 1_500


@pytest.mark.parametrize("sizes", [{1: 1.0}, {1: 0.3, 2: 0.5, 7: 0.2}, {3: 0.5, 6: 0.5}, {4: 1.0}])
@pytest.mark.parametrize("reaches", [False, True])
def test_the_overshoot_is_that_of_a_plain_sum(sizes: dict[int, float], reaches: bool) -> None:
    """Exact: the chance that each level is hit, from the renewal equation, then one long step."""
    level = 601
    hit = np.zeros(level + 1)
    hit[0] = 1
    for at in range(1, level + 1):
        hit[at] = sum(share * hit[at - size] for size, share in sizes.items() if size <= at)
    last = level - 1 if reaches else level
    over = sum(
        hit[at] * share * (at + size - level)
        for at in range(last + 1)
        for size, share in sizes.items()
        if at + size > last
    )
    assert mean_overshoot(sizes, level, reaches) == pytest.approx(over, abs=1e-9)


def test_requests_of_many_wait_as_their_recursion_says() -> None:
    """Lindley's recursion over half a million requests, with NumPy alone."""
    rng, n, sizes, service_s = np.random.default_rng(4), 500_000, {1: 0.6, 5: 0.4}, 1.0
    per_s = 0.25
    came = np.cumsum(rng.exponential(1 / per_s, n))
    number = rng.choice(list(sizes), n, p=list(sizes.values()))
    work = np.concatenate([[0], np.cumsum(number * service_s)[:-1]])
    starts = np.maximum.accumulate(came - work) + work
    # A message waits with its request, and then for those before it in it.
    total = (number * (starts - came) + service_s * number * (number - 1) / 2).reshape(100, -1)
    means = total.sum(axis=1) / number.reshape(100, -1).sum(axis=1)
    theory = batch_mean_wait_s(per_s, sizes, service_s)
    assert abs(means.mean() - theory) < Z * means.std(ddof=1) / 10 < 0.2 * theory
    assert batch_mean_wait_s(0.4, {1: 3}, 2) == md1_mean_wait_s(0.4, 2)


def test_a_sum_of_poisson_many_has_its_variance() -> None:
    rng, n = np.random.default_rng(8), 20_000
    amounts = rng.choice([1.0, 10.0], (n, 60), p=[0.9, 0.1])
    total = np.where(np.arange(60) < rng.poisson(20, n)[:, None], amounts, 0).sum(axis=1)
    mean, variance = compound_poisson(20, 1.9, 0.9 + 10)
    assert abs(total.mean() - mean) < Z * np.sqrt(variance / n)
    assert total.var() == pytest.approx(variance, rel=Z * np.sqrt(3 / n))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: batch_mean_wait_s(1, {2: 1}, 0.5), r"service_s\(=1\.0\) must be < 1"),
        (lambda: batch_mean_wait_s(1, {0: 1}, 0.5), r"sizes\(=\{0: 1\}\) must be >= 1"),
        (lambda: mean_overshoot({1: 0}, 5), r"sizes\(=\{1: 0\}\)"),
        (lambda: mean_overshoot({}, 5), r"sizes\(=\{\}\)"),
        (lambda: compound_poisson(-1, 1, 1), r"events\(=-1\) must be >= 0"),
        (lambda: compound_poisson(1, 2, 1), r"mean_square\(=1\) >= mean\(=2\) squared"),
    ],
)
def test_senseless_values_are_refused(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call()
