"""How often verdicts are wrong, and after how many months they come: prints JSON.

Synthetic months at the bound (a failure is a false alarm) and at the bound and its margin (a pass
is a miss); simulated months with bounds from a reference of many more; and clear cases.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import stats

import smssim
from smssim.checks.decide import decide
from smssim.scenario import Check, Scenario

MOST = 2_000
RISK = 0.01
SHAPES: dict[str, Any] = {
    "normal": stats.norm(100, 10),
    "uniform": stats.uniform(90, 20),
    "exponential": stats.expon(0, 100),
    "gamma 0.5": stats.gamma(0.5, scale=100),
    "lognormal 0.5": stats.lognorm(0.5, scale=100),
    "lognormal 1": stats.lognorm(1, scale=100),
    "mirrored lognormal 0.5": stats.lognorm(0.5, scale=100),
    "t with 3 degrees": stats.t(3, 100, 10),
}
"""Months' figures, from well-behaved to badly skewed."""
REAL = """
name: tight month
start: 2026-11-02
days: 2
applications: [{name: Shop}]
templates: [{name: login, application: Shop}]
account: {service_mode: suspend}
packages: [{country: ID, segments: 412, price: 10}]
traffic: [{name: logins, template: login, country: ID, messages_a_day: 200}]
thresholds: {daily_alarm: 230, daily_limit: 500}
routes: {ID: {price: 0.02}}
"""
REAL_CHECKS = (
    ("runout.any", "probability", 0.12),
    ("messages.delivered", "mean", 6.0),
    ("latency.p95", "mean", 200.0),
    ("messages.requested", "p90", 12.0),
)


RARE: dict[str, Any] = {
    "lognormal 1.5": stats.lognorm(1.5, scale=100),
    "Pareto 2.5": stats.pareto(2.5, scale=100),
    "Poisson 0.1": stats.poisson(0.1),
    "5% not 0": (0.05, stats.gamma(2, scale=50)),
    "1% not 0": (0.01, stats.gamma(2, scale=50)),
    "jumps of 50 in 2%": (0.02, stats.norm(50, 0.1)),
}
"""Means that depend on few months: more than the stated risk, which docs/checks.md warns of."""


def rare_draws(name: str, rng: np.random.Generator, n: int) -> Any:
    """Figures of *n* months of which few are unlike the others."""
    law = RARE[name]
    if not isinstance(law, tuple):
        return law.rvs(n, random_state=rng).astype(float)
    share, size = law
    return np.where(rng.random(n) < share, size.rvs(n, random_state=rng), 0.0)


def rare(trials: int) -> Iterator[dict[str, Any]]:
    """Rates of wrong verdicts on means of such months."""
    for name, law in RARE.items():
        share, size = law if isinstance(law, tuple) else (1.0, law)
        mean = share * float(size.mean())
        spread_ = float(np.std(rare_draws(name, np.random.default_rng(1), 100_000)))

        def values(rng: np.random.Generator, name: str = name) -> Any:
            return rare_draws(name, rng, 400)

        margin = min(0.25 * spread_, 0.5 * mean)
        yield {"months": name} | rates(trials, values, "cost", "mean", mean, margin)


def draws(name: str, rng: np.random.Generator, n: int) -> Any:
    """Figures of *n* months of one shape."""
    values = SHAPES[name].rvs(n, random_state=rng)
    return 300 - values if name.startswith("mirrored") else values


def truth(name: str, statistic: str) -> float:
    """The statistic of all months of a shape."""
    law = SHAPES[name]
    if statistic == "mean":
        found = float(law.mean())
        return 300 - found if name.startswith("mirrored") else found
    q = float(statistic[1:]) / 100
    return 300 - float(law.ppf(1 - q)) if name.startswith("mirrored") else float(law.ppf(q))


def spread(name: str) -> float:
    """A length to measure margins by: the standard deviation, or what there is of it."""
    return float(SHAPES[name].std())


def synthetic(trials: int) -> Iterator[dict[str, Any]]:
    """Rates of wrong verdicts of all shapes and statistics."""
    for name in SHAPES:
        for statistic in ("mean", "p90"):
            real, margin = truth(name, statistic), 0.25 * spread(name)

            def values(rng: np.random.Generator, name: str = name) -> Any:
                return draws(name, rng, MOST)

            yield {"months": name} | rates(trials, values, "cost", statistic, real, margin)
    for share in (0.01, 0.05, 0.2, 0.5):

        def yes(rng: np.random.Generator, share: float = share) -> Any:
            return (rng.random(MOST) < share).astype(float)

        found = rates(trials, yes, "runout.any", "probability", share, 0.4 * share)
        yield {"months": f"yes in {share:g}"} | found


def rates(
    trials: int,
    values: Callable[[np.random.Generator], Any],
    metric: str,
    statistic: str,
    real: float,
    margin: float,
) -> dict[str, Any]:
    """How often a kept promise failed and a broken one passed, each where that is likeliest."""
    told: dict[str, Any] = {"statistic": statistic, "trials": trials}
    for wrong, bound in (("fail", real), ("pass", real - margin)):
        check = Check(name="c", metric=metric, statistic=statistic, below=bound, margin=margin)
        rng = np.random.default_rng(20261125)
        found = [decide(check, values(rng), RISK, RISK) for _ in range(trials)]
        outcomes = [verdict.outcome for verdict in found]
        told |= {
            "false_alarm" if wrong == "fail" else "miss": outcomes.count(wrong) / trials,
            f"undecided_{wrong}": outcomes.count("undecided") / trials,
            f"median_runs_{wrong}": float(np.median([verdict.runs for verdict in found])),
        }
    return told


def real(trials: int, months: int, reference: int) -> Iterator[dict[str, Any]]:
    """The same on simulated months, each trial with months of its own."""
    plan = Scenario.parse(REAL)
    known = smssim.replicate(plan, reference, rng=1)
    each = smssim.replicate(plan, trials * months, rng=2)
    for metric, statistic, margin in REAL_CHECKS:
        own = known.values(metric)
        target = float(np.mean(own) if statistic != "p90" else np.quantile(own, 0.9))
        samples = iter(each.values(metric).reshape(trials, months).tolist() * 2)

        def values(_: np.random.Generator, samples: Iterator[Any] = samples) -> Any:
            return np.array(next(samples))

        told = {"months": f"simulated {metric}", "reference": target, "most_runs": months}
        yield told | rates(trials, values, metric, statistic, target, margin)


def clear(trials: int = 200) -> Iterator[dict[str, Any]]:
    """After how many months clear cases are decided."""
    rng = np.random.default_rng(7)
    cases = {
        "mean kept by 3 standard deviations": ("cost", "mean", 100, 130, 10),
        "mean kept by 10 standard deviations": ("cost", "mean", 100, 200, 10),
        "mean broken by 3 standard deviations": ("cost", "mean", 100, 70, 10),
        "constant months": ("cost", "mean", 100, 101, 0),
        "p50 kept by every month": ("cost", "p50", 100, 200, 10),
        "p90 broken by every month": ("cost", "p90", 100, 50, 10),
        "probability below 0.05, every month yes": ("runout.any", "probability", 1, 0.05, 0),
        "probability below 0.5, no month yes": ("runout.any", "probability", 0, 0.5, 0),
        "probability below 0.05 and margin 0.02, no month yes": (
            "runout.any",
            "probability",
            0,
            0.05,
            0,
        ),
        "p90 kept by every month": ("cost", "p90", 100, 200, 10),
    }
    for name, (metric, statistic, at, below, sd) in cases.items():
        margin = 0.02 if statistic == "probability" else 1
        check = Check(name="c", metric=metric, statistic=statistic, below=below, margin=margin)
        found = [
            decide(check, at + sd * rng.standard_normal(MOST), RISK, RISK) for _ in range(trials)
        ]
        runs = [verdict.runs for verdict in found]
        outcomes = sorted({verdict.outcome for verdict in found})
        yield {"case": name, "outcomes": outcomes, "runs": np.quantile(runs, [0, 0.5, 1]).tolist()}


def main() -> None:
    """Print all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1_000, help="synthetic trials each")
    parser.add_argument("--real", type=int, default=100, help="trials of simulated months each")
    parser.add_argument("--months", type=int, default=300, help="months a trial may take")
    parser.add_argument("--reference", type=int, default=20_000, help="months of the reference")
    options = parser.parse_args()
    told = {
        "risk": RISK,
        "synthetic": list(synthetic(options.trials)),
        "rare": list(rare(options.trials)),
        "clear": list(clear()),
        "simulated": list(real(options.real, options.months, options.reference))
        if options.real
        else [],
    }
    json.dump(told, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
