"""Since when a real month no longer agrees with its plan."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import smssim
from smssim import Record, Scenario
from smssim.forecast.watch import Watch

PLAN: dict[str, Any] = {
    "name": "shop",
    "start": "2026-03-02",
    "days": 28,
    "applications": [{"name": "app"}],
    "templates": [{"name": "code", "application": "app", "type": "otp"}],
    "traffic": [{"name": "codes", "template": "code", "country": "TH", "messages_a_day": 120}],
}
RUNS = 39


@cache
def month(rng: int, **changes: Any) -> Record:
    """A month of the plan, or of a changed one, as a real one."""
    return smssim.simulate(Scenario.model_validate(PLAN).change(**changes), rng=rng)


@pytest.mark.parametrize("rows", [True, False])
def test_a_month_of_the_plan_agrees(rows: bool) -> None:
    """Figures are watched as far as the record has them."""
    plan = Scenario.model_validate(PLAN)
    record = smssim.simulate(plan, rng=77, rows=rows)
    watched = smssim.watch(record, plan, n=RUNS)
    assert watched.table["agrees"].all(), watched.table
    assert ("within 30 s" in watched.days) == rows
    assert "agrees with the plan so far" in repr(watched)


def test_more_traffic_from_a_day_on_is_seen_with_its_day() -> None:
    """Half as much again from 16 March: volume no longer agrees, since about that day."""
    more = {**PLAN["traffic"][0], "name": "more", "messages_a_day": 60, "starts": "2026-03-16"}
    changed = Scenario.model_validate(PLAN | {"traffic": [*PLAN["traffic"], more]})
    watched = smssim.watch(smssim.simulate(changed, rng=5), Scenario.model_validate(PLAN), n=99)
    row = watched.table.set_index("figure").loc["messages"]
    assert not row["agrees"]
    assert abs((row["since"] - date(2026, 3, 16)).days) <= 2
    assert row["shown"] > row["since"]
    assert watched.table.set_index("figure").loc["delivered share", "agrees"]


def test_a_share_counts_once_its_messages_had_72_hours() -> None:
    """The last three days say nothing of deliveries yet."""
    watched = smssim.watch(month(3), Scenario.model_validate(PLAN), n=19)
    assert watched.days["delivered share"].isna().sum() == 3
    assert watched.days["messages"].notna().all()


def test_false_alarms_are_as_rare_as_stated() -> None:
    """400 years of days whose p-values are those of ranks, looked at daily: at most as many false
    alarms as the binomial allows for 1% at a risk of 0.1%.
    """
    rng = np.random.default_rng(1)
    years, days, figures = 400, 365, 3
    rank = rng.integers(1, RUNS + 2, (years, days, figures))
    p_values = np.minimum(2 * np.minimum(rank, RUNS + 2 - rank) / (RUNS + 1), 1.0)
    index = pd.RangeIndex(days)
    alarms = sum(
        not Watch(pd.DataFrame(p, index=index, columns=list("abc")), 0.01).table["agrees"].all()
        for p in p_values
    )
    assert alarms <= binom.ppf(0.999, years, 0.01)


def test_a_plan_of_another_time_is_refused() -> None:
    """Both need a whole day in common."""
    later = Scenario.model_validate(PLAN | {"start": "2026-06-01"})
    with pytest.raises(ValueError, match="no whole UTC day of the record"):
        smssim.watch(month(3), later, n=19)
