"""Intervals on worlds whose truth is known, and what sharing random numbers is worth.

Experiments are filled with invented results, so that their summaries are tried as they are read.
Each count of hits is held to its binomial band: a right interval fails a test here with a chance
of 1 in 10,000 at most.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, gamma, norm

from smssim.experiment import Comparison, Experiment, compare
from smssim.experiment.designs import Design
from smssim.experiment.worker import Result, Task
from smssim.scenario import Scenario

SCENARIOS = Path(__file__).parents[1] / "data/scenarios"
WORLD = Scenario.load(SCENARIOS / "resend.yaml")
RISK = 1e-4
TRIES = 400


def invented(*values: Any, figure: str = "cost") -> Experiment:
    """An experiment in which a figure has these values, one array a design."""
    results = {
        task: Result(task, {figure: float(value)}, "", 0.0)
        for design, own in enumerate(values)
        for task, value in ((Task(design, k), value) for k, value in enumerate(own))
    }
    return Experiment([Design(WORLD, {})] * len(values), 1, results)


def assert_covered(hits: int, least: float, most: float) -> None:
    """Hits of a right interval, whose coverage lies from *least* to *most*."""
    assert binom.ppf(RISK / 2, TRIES, least) <= hits <= binom.isf(RISK / 2, TRIES, most)


def covered(
    draw: Callable[[np.random.Generator], Any], truth: float, statistic: str, **own: Any
) -> int:
    rng, hits = np.random.default_rng(5), 0
    for _ in range(TRIES):
        summary = invented(draw(rng), **own).summary(confidence=0.9).set_index("statistic")
        row = summary.loc[statistic]
        hits += row["low"] <= truth <= row["high"]
    return hits


def test_means_are_covered() -> None:
    """Student's interval is exact for normal values."""
    assert_covered(covered(lambda rng: rng.normal(3, 2, 8), 3, "mean"), 0.9, 0.9)


@pytest.mark.parametrize(("statistic", "q"), [("p10", 0.1), ("p50", 0.5), ("p90", 0.9)])
def test_quantiles_are_covered(statistic: str, q: float) -> None:
    """Order statistics hold whatever the distribution; being discrete, they hold more often."""
    n = 60
    inside = binom.cdf(np.arange(n), n, q)
    low, high = inside[inside <= 0.05].max(initial=0), inside[inside >= 0.95].min()
    hits = covered(lambda rng: rng.gamma(0.7, 2, n), gamma(0.7, scale=2).ppf(q), statistic)
    assert_covered(hits, 0.9, high - low)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5])
def test_probabilities_are_covered(share: float) -> None:
    """Wilson's interval covers what its definition says: the counts whose score is small enough."""
    n, z = 50, norm.isf(0.05)
    counts = np.arange(n + 1)
    inside = np.abs(counts / n - share) <= z * np.sqrt(share * (1 - share) / n) + 1e-12
    exact = float(binom.pmf(counts[inside], n, share).sum())
    hits = covered(lambda rng: rng.random(n) < share, share, "probability", figure="runout.any")
    assert 0.85 < exact < 0.99
    assert_covered(hits, exact, exact)


def test_paired_differences_are_covered() -> None:
    """What both have in common may vary as it will; the interval is as narrow as the rest."""
    rng, hits, widths = np.random.default_rng(6), 0, []
    for _ in range(TRIES):
        shared = rng.pareto(1.5, 12) * 100
        base, what_if = shared + rng.normal(0, 1, 12), shared + rng.normal(0.5, 1, 12)
        row = Comparison(invented(base, what_if)).summary(confidence=0.9).iloc[0]
        hits += row["low"] <= 0.5 <= row["high"]
        widths.append(row["high"] - row["low"])
    assert_covered(hits, 0.9, 0.9)
    assert np.mean(widths) < 2


WHAT_IFS = [
    ("resend", {"routes.PH.price": 0.22}, "cost"),
    ("mode2_run_out", {"packages.0.segments": 14_000}, "runout.first"),
    ("daily_limit", {"thresholds.daily_limit": 1_000}, "messages.sent"),
    ("arrears", {"queue.throughput_per_s": 2}, "messages.delivered"),
    (
        "resend",
        {"traffic.0.resend.patience": {"lognormal_s": {"median": 45, "p95": 110}}},
        "messages.requested",
    ),
]
"""Price, size of a package, limit, throughput, patience: what people change, and what it moves.

Not every what-if gains so much: the further it goes, the less have both in common (a limit of 1,150
in place of 900 gains 6), and a base whose figure never varies leaves nothing to share.
"""


@pytest.mark.parametrize(("name", "change", "metric"), WHAT_IFS)
def test_shared_random_numbers_are_worth_ten_times_the_runs(
    name: str, change: dict[str, Any], metric: str
) -> None:
    found = compare(SCENARIOS / f"{name}.yaml", change, 16, workers=1)
    row = found.summary().set_index("metric").loc[metric]
    base, what_if = found.pairs(metric)
    assert row["difference"] != 0
    assert base.var(ddof=1) + what_if.var(ddof=1) >= 10 * (what_if - base).var(ddof=1)
    assert row["reduction"] >= 10


def test_seeds_of_their_own_share_nothing() -> None:
    """The variance that pairs are held against is that of runs with other random numbers."""
    name, change, metric = WHAT_IFS[1]
    file = SCENARIOS / f"{name}.yaml"
    one, other = (compare(file, change, 16, workers=1, rng=rng) for rng in (1, 2))
    apart = (other.pairs(metric)[1] - one.pairs(metric)[0]).var(ddof=1)
    row = one.summary().set_index("metric").loc[metric]
    assert 1 / 4 < apart / row["independent_variance"] < 4
