"""How often the intervals of a delivery report hold the truth of a known world.

One world with 500 groups alike is 500 experiments. A band is that in which a count of hits lies
with a probability of 1 - 1e-4 if each group's chance is as said; the seed is fixed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from smssim import report, simulate
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run
from smssim.sms import reference as codes
from smssim.stats.intervals import wilson

RISK = 1e-4
DELIVERED = 0.9
MEAN_S = 40.0
MEAN_SLOW_S = 20_000.0
"""Slow against the day that is seen, so that a fifth of the messages is pending at its end."""
TRUTH = {
    **{f"latency_p{q}_s": -MEAN_S * math.log(1 - q / 100) for q in (50, 95, 99)},
    **{
        f"within_{name}": 1 - math.exp(-seconds / MEAN_S)
        for name, seconds in (("10_s", 10), ("30_s", 30), ("3_min", 180))
    },
}


def world(mean_s: float, share: float) -> Run:
    """A day of messages to 250 countries, of two types each, with exponential latencies."""
    countries = [country for country in codes.countries() if country != "CN"][:250]
    route = {
        "outcomes": [
            {"status": "DELIVRD", "share": share},
            {"status": "UNDELIV", "share": 1 - share},
        ],
        "latency": {"exponential_s": mean_s},
    }
    types = {"code": "otp", "offer": "notification"}
    limits = {"daily_limit": 900_000, "monthly_limit": 9_000_000}
    return simulate(
        Scenario.model_validate(
            {
                "start": "2026-03-02T00:00:00Z",
                "days": 1,
                "quota": limits,
                "thresholds": limits,
                "applications": [{"name": "shop"}],
                "queue": {"throughput_per_s": 100_000},
                "templates": [
                    {"name": name, "application": "shop", "type": kind}
                    for name, kind in types.items()
                ],
                "traffic": [
                    {
                        "name": f"{name} {country}",
                        "template": name,
                        "country": country,
                        "messages_a_day": 150,
                    }
                    for country in countries
                    for name in types
                ],
                "routes": dict.fromkeys(countries, route),
            }
        ),
        rng=11,
        rows=False,
    )


def delivered(run: Run) -> pd.DataFrame:
    found = report.delivery(run, by=["country", "type"])
    assert len(found) == 500
    return found


@pytest.fixture(scope="module")
def quick() -> pd.DataFrame:
    return delivered(world(MEAN_S, DELIVERED))


@pytest.fixture(scope="module")
def slow() -> pd.DataFrame:
    """All are delivered in the end: a message pending counts as a delivery to come."""
    return delivered(world(MEAN_SLOW_S, 1.0))


def hits(found: pd.DataFrame, name: str, truth: float) -> int:
    """The groups whose interval holds the truth; what has no end on one side holds all there."""
    low, high = (found[f"{name}_{end}"] for end in ("low", "high"))
    return int(((low.fillna(-math.inf) <= truth) & (truth <= high.fillna(math.inf))).sum())


def band(chance: float, groups: int) -> tuple[int, int]:
    return int(binom.ppf(RISK / 2, groups, chance)), int(binom.isf(RISK / 2, groups, chance))


def chance_of_wilson(sizes: Any, share: float) -> float:
    """The exact chance that Wilson's interval holds the share, the mean over samples' sizes."""

    def of(n: int) -> float:
        held = [k for k in range(n + 1) if wilson(k, n).low <= share <= wilson(k, n).high]
        return float(binom.pmf(held, n, share).sum())

    known, groups = np.unique(sizes, return_counts=True)
    return float(np.average([of(int(n)) for n in known], weights=groups))


def test_wilson_holds_the_share_delivered_as_often_as_it_must(quick: pd.DataFrame) -> None:
    known = quick["delivered"] + quick["failed"] + quick["expired"]

    chance = chance_of_wilson(known, DELIVERED)
    low, high = band(chance, len(quick))
    renamed = quick.rename(columns=lambda name: name.replace("delivered_", "share_"))
    assert 0.93 < chance < 0.97
    assert low <= hits(renamed, "share", DELIVERED) <= high


@pytest.mark.parametrize("name", [name for name in TRUTH if name.startswith("within")])
def test_wilson_holds_the_shares_within_a_time(quick: pd.DataFrame, name: str) -> None:
    """Hardly anything is censored by then: the chance is the exact one of Wilson's interval."""
    chance = chance_of_wilson(quick["delivered"], TRUTH[name])
    low, high = band(chance, len(quick))
    assert low <= hits(quick, name, TRUTH[name]) <= high


@pytest.mark.parametrize("name", [name for name in TRUTH if name.startswith("latency")])
def test_the_band_holds_the_quantiles(quick: pd.DataFrame, name: str) -> None:
    """Nearly: the log-log band is an approximation, which bins of 2% can only widen, and in the
    tail of 135 deliveries its upper end is often open. The chance is from 0.94 to 0.985.
    """
    low, _ = band(0.94, len(quick))
    _, high = band(0.985, len(quick))
    assert low <= hits(quick, name, TRUTH[name]) <= high


def test_the_band_holds_the_quantiles_of_a_censored_sample(slow: pd.DataFrame) -> None:
    assert slow["in_flight"].sum() / slow["sent"].sum() > 0.2
    low, _ = band(0.94, len(slow))
    _, high = band(0.985, len(slow))
    median = MEAN_SLOW_S * math.log(2)
    assert low <= hits(slow, "latency_p50_s", median) <= high
    # A day does not show what comes later than a day: the estimate is that nothing does. Of those
    # alone that were quick enough to be seen it would be a quarter less.
    of_a_day = -MEAN_SLOW_S * math.log(1 - 0.5 * (1 - math.exp(-86_400 / MEAN_SLOW_S)))
    assert slow["latency_p50_s"].mean() == pytest.approx(of_a_day, rel=0.02)


def test_wilson_holds_the_shares_of_a_censored_sample(slow: pd.DataFrame) -> None:
    """At the effective number of messages, which is near that of all; few are delivered so soon."""
    share = 1 - math.exp(-180 / MEAN_SLOW_S)
    chance = chance_of_wilson(slow["sent"], share)
    low, high = band(chance, len(slow))
    assert low <= hits(slow, "within_3_min", share) <= high
