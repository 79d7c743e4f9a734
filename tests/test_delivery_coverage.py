"""Intervals of deliveries hold the truth in 95 of 100 records, and not in many more: a study.

Records are the engine's. The truth is a day of eight million messages and four days more, in which
all of them end. A longest delay that the record cannot show is no part of it: there, records of two
days, intervals hold for any, and are only asked to hold.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import stats

from smssim import Scenario, report, simulate
from smssim.report.latency import WITHIN_US, risks_of
from smssim.simulation.simulate import Run
from smssim.stats.competing_risks import CompetingRisks
from smssim.stats.delay_bins import bin_of, by_bin, edges_us, first_reached

ROUTES: dict[str, dict[str, Any]] = {
    "default": {"ok": 0.95, "failed": 0.035, "latency": (4, 15), "slow": (0.03, 3_600, 36_000)},
    "bad": {"ok": 0.7, "failed": 0.25, "latency": (20, 300), "slow": (0.2, 3_600, 90_000)},
    "slow": {"ok": 0.9, "failed": 0.02, "latency": (3_600, 40_000), "slow": (0.3, 20_000, 150_000)},
    "quick": {"ok": 0.99, "failed": 0.009, "latency": (2, 5), "slow": (0.001, 60, 600)},
    "mostly dead": {"ok": 0.3, "failed": 0.2, "latency": (6, 60), "slow": (0.05, 3_600, 36_000)},
    "never fails": {"ok": 0.97, "failed": 0.0, "latency": (8, 40), "slow": (0.1, 7_200, 80_000)},
}
DAYS = (2, 4, 7, 14, 30)
A_DAY = 500
QUANTILES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}
FIGURES = ("delivered", *QUANTILES, *WITHIN_US)
"""Columns of `report.delivery` that have a `_low` and a `_high`."""
RISK = 0.01
"""Of one false alarm among all intervals of a study, by too many or too few that hold."""
FEW = 10
"""Events that a share needs before its interval can be called too wide: counts are whole."""


class Case(NamedTuple):
    """Records of a route and a length; of a log's reports a share is *lost*."""

    route: str
    days: int
    lost: float = 0.0


def scenario(route: str, days: int, a_day: float, **source: Any) -> Scenario:
    """One country that is sent to, on one of the routes."""
    own = ROUTES[route]
    shares = {"DELIVRD": own["ok"], "UNDELIV": own["failed"]}
    shares["none"] = round(1 - sum(shares.values()), 9)
    outcomes = [{"status": status, "share": share} for status, share in shares.items() if share]
    (median, p95), (share, slow_median, slow_p95) = own["latency"], own["slow"]
    slow = {"share": share, "median": slow_median, "p95": slow_p95}
    latency = {"lognormal_s": {"median": median, "p95": p95}, "slow": slow}
    limits = {"daily_limit": 90_000_000, "monthly_limit": 900_000_000}
    traffic = {"name": "a", "template": "code", "country": "ID", "messages_a_day": a_day}
    plan = {
        "start": "2026-03-02T00:00:00Z",
        "days": days,
        "quota": limits,
        "thresholds": limits,
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop"}],
        "traffic": [{**traffic, **source}],
        "queue": {"throughput_per_s": 1_000_000},
        "routes": {"ID": {"outcomes": outcomes, "latency": latency}},
    }
    return Scenario.model_validate(plan)


def risks(run: Run) -> CompetingRisks:
    """The ends of all messages of a run."""
    tables = [run.tallies.frame(name) for name in ("latency", "undelivered", "censored")]
    bins = [by_bin(t["bin"].to_numpy(np.int64), t["messages"].to_numpy()) for t in tables]
    return risks_of(run, *bins)


@cache
def truth(route: str, messages: int = 16_000_000) -> dict[str, float]:
    """The figures of one day of very many messages and of the four days after it."""
    one_day = scenario(route, 5, messages, ends="2026-03-03T00:00:00Z")
    ends = risks(simulate(one_day, rng=99, rows=False))
    assert not ends.censored.any(), "all have ended"
    n, edges = int(ends.delivered.sum()), edges_us() / 1e6
    curve = np.cumsum(ends.delivered) / n
    found = {"delivered": n / (n + int(ends.undelivered.sum()))}
    for name, share in QUANTILES.items():
        at = first_reached(curve, share)
        assert at
        part = (share - curve[at - 1]) / (curve[at] - curve[at - 1])
        found[name] = float(edges[at] * (edges[at + 1] / edges[at]) ** part)
    for name, us in WITHIN_US.items():
        found[name] = float(curve[int(bin_of(np.array([us]))[0]) - 1])
    return found


def intervals(case: Case, number: int) -> dict[str, tuple[float, float]]:
    """The intervals of one record, those of a log by the estimator that `delivery` uses."""
    made = simulate(scenario(case.route, case.days, A_DAY), rng=number, rows=case.lost > 0)
    if not case.lost:
        row = report.delivery(made, by=()).astype(float).iloc[0]
        return {name: (row[f"{name}_low"], row[f"{name}_high"]) for name in FIGURES}
    ends = with_lost(made, case.lost, np.random.default_rng(number))
    found = {"delivered": ends.share()}
    found |= {name: ends.quantile_s(share) for name, share in QUANTILES.items()}
    limits = bin_of(np.array(list(WITHIN_US.values()))).tolist()
    found |= {name: ends.share_before(at) for name, at in zip(WITHIN_US, limits, strict=True)}
    return {name: interval[1:] for name, interval in found.items()}


def with_lost(run: Run, lost: float, random: np.random.Generator) -> CompetingRisks:
    """The ends of a run's messages as a log has them that lost some of the reports."""
    rows = run.messages
    assert rows is not None
    reported = rows["final_at"].notna().to_numpy() & (random.random(len(rows)) >= lost)
    delivered = (rows["status"] == "DELIVRD").to_numpy()
    end = rows["final_at"].where(reported, rows["submitted_at"].max()).astype("int64")
    sent = rows["submitted_at"].astype("int64").to_numpy()
    delays, ages = bin_of(end.to_numpy() - sent), bin_of(run.observed_until - sent)
    late = int(bin_of(np.array([72 * 3_600_000_000]))[0])
    nothing = np.zeros(len(edges_us()), np.int64)
    unreported = nothing.copy()
    unreported[late] = int((~reported & (ages >= late)).sum())
    parts = (
        (delays, reported & delivered),
        (delays, reported & ~delivered),
        (ages, ~reported & (ages < late)),
    )
    counts = [nothing + np.bincount(bins[of], minlength=len(nothing)) for bins, of in parts]
    return CompetingRisks(*counts, unreported)


def band(case: Case, figure: str, bins: float, seeds: int, risk: float) -> tuple[int, int]:
    """How many of the intervals may hold the truth, at a risk that is split to both sides.

    A quantile's ends are rounded outwards to bins: an interval of *bins* bins may be one bin wider
    than its method has it.
    """
    least = int(stats.binom.ppf(risk / 2, seeds, 0.95))
    value = truth(case.route)[figure]
    events = A_DAY * case.days * ROUTES[case.route]["ok"]
    # A record that ends within the validity does not know what follows.
    if case.days < 4 or (figure not in QUANTILES and events * min(value, 1 - value) < FEW):
        return least, seeds
    if figure not in QUANTILES:
        return least, int(stats.binom.isf(risk / 2, seeds, 0.95))
    if not bins > 2:
        return least, seeds
    rounded = 1 - 2 * stats.norm.sf(stats.norm.isf(0.025) * bins / (bins - 1))
    return least, int(stats.binom.isf(risk / 2, seeds, rounded))


def assert_covered(seeds: int, cases: list[Case]) -> None:
    """As many intervals of each figure hold as 95 % do, neither fewer nor more but for chance."""
    risk, outside = RISK / (len(cases) * len(FIGURES)), []
    for case in cases:
        held, widths = dict.fromkeys(FIGURES, 0), {name: [0.0] for name in FIGURES}
        for number in range(seeds):
            for name, (low, high) in intervals(case, number).items():
                # An end that is unknown excludes nothing.
                held[name] += not (low > truth(case.route)[name] or high < truth(case.route)[name])
                ends = (
                    bin_of(np.array([low, high]) * 1e6) if low == low and high == high else [0, 0]
                )
                widths[name].append(float(ends[1] - ends[0]))
        for name, n in held.items():
            least, most = band(case, name, float(np.mean(widths[name][1:])), seeds, risk)
            if not least <= n <= most:
                outside.append(f"{name} of {case}: {n} of {seeds}, not {least} to {most}")
    assert not outside, outside


@pytest.mark.parametrize("case", [Case("default", 7), Case("default", 28, 0.02)])
def test_intervals_hold(case: Case) -> None:
    """A sample of the study: the commonest record, and a log that lost 2 % of its reports."""
    assert_covered(60, [case])


@pytest.mark.long
def test_intervals_hold_on_six_routes() -> None:
    """500 records of each of six routes and five lengths, and logs that lose 2 % of the reports."""
    cases = [Case(name, days) for name in ROUTES for days in DAYS]
    assert_covered(500, cases + [Case("default", days, 0.02) for days in (3, 7, 28)])
