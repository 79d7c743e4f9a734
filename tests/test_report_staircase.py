"""The staircase of the UTC day, against plain sums of the rows and what the account was told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from worlds import worlds

from smssim import report
from smssim.calendars import MINUTE
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate

invented = settings(settings.get_profile("worlds"), max_examples=20)
SLOT = 15 * MINUTE


def scenario(**changes: Any) -> Scenario:
    """Three days from an odd moment on; each but the last reaches its limit."""
    plain = {
        "start": "2026-02-27T06:05:00Z",
        "days": 3,
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {"daily_alarm": 300, "daily_limit": 500, "monthly_limit": 900_000},
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop"}],
        "traffic": [{"name": "a", "template": "code", "country": "ID", "messages_a_day": 900}],
    }
    return Scenario.model_validate(plain | changes)


@dataclass
class Changes:
    """A policy that sets thresholds at moments after the start, in microseconds."""

    values: tuple[tuple[int, str, int], ...]
    done: list[int] = field(default_factory=list)

    def __call__(self, env: Any, account: Any) -> Iterator[Any]:
        start = env.now
        for after, name, value in self.values:
            yield env.timeout(start + after - env.now)
            account.set_thresholds(**{name: value})


@seed(1)
@invented
@given(worlds())
def test_the_steps_are_plain_sums(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    """Counts agree with `usage`, values with `thresholds` at each day's end, stops with events."""
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)
    steps, days = report.staircase(run), report.thresholds(run).query("period == 'day'")
    assert run.events is not None

    used = report.usage(run).query("period == 'day'")
    assert steps["used"].tolist() == used["used"].tolist()
    assert steps["at"].tolist() == used["at"].tolist()
    last = steps.groupby("day").last()
    assert last["used"].to_dict() == days.set_index("start")["used"].to_dict()
    for name in ("alarm", "limit"):
        assert last[name].tolist() == days[name].tolist()
    assert (steps["slot"] < steps["at"]).all()
    assert (steps["at"] - steps["slot"] <= pd.Timedelta(minutes=15)).all()
    assert steps["slot"].tolist()[1:] == steps["at"].tolist()[:-1], "one after another"
    until = pd.Timestamp(run.observed_until, unit="us", tz="UTC")
    stopped = pd.Series(False, steps.index)
    since: dict[str, pd.Timestamp] = {}
    told = run.events[run.events["subject"].isin(["day", "month"])]
    for event in [*told.itertuples(), None]:
        ended = list(since) if event is None else [event.subject] * (event.event == "recovered")
        for period in ended:
            begin, end = since.pop(period, until), until if event is None else event.at
            stopped |= (steps["slot"] < end) & (steps["at"] > begin)
        if event is not None and event.event == "limit":
            since.setdefault(event.subject, event.at)
    assert steps["suspended"].tolist() == stopped.tolist()


def test_the_limit_holds_until_the_day_ends() -> None:
    run = simulate(scenario())
    steps = report.staircase(run)

    assert run.events is not None
    trip = run.events.loc[run.events["event"] == "limit", "at"].iloc[0]
    first = steps[steps["day"] == steps["day"].iloc[0]]
    assert first.loc[first["suspended"], "slot"].iloc[0] == trip.floor("15min")
    assert first["suspended"].iloc[-1]
    assert (first.loc[first["suspended"], "used"] == 501).all()
    assert steps["slot"].iloc[0] == pd.Timestamp("2026-02-27T06:05:00Z")
    assert len(steps) == 3 * 96 + 1


def test_values_are_those_of_the_moment() -> None:
    """A greater limit holds at once; a smaller alarm waits for the turn of the day it rang in."""
    first, later = (12 * SLOT, "daily_limit", 700), (90 * SLOT, "daily_limit", 600)
    changes = Changes((first, (60 * SLOT, "daily_alarm", 100), later))
    run = simulate(scenario(), policies=[changes])
    assert run.events is not None
    told = run.events[run.events["event"] == "thresholds_set"]
    at = told["at"].tolist()
    assert told["value"].tolist() == [700, 100, 600]

    steps = report.staircase(run)
    turn = pd.Timestamp("2026-02-28", tz="UTC")
    rang = run.events.loc[run.events["event"] == "alarm", "at"].iloc[0]
    assert rang < at[1] < turn
    for step in steps.itertuples():
        assert step.limit == (500 if step.at <= at[0] else 700 if step.at <= at[2] else 600)
        assert step.alarm == (300 if step.at <= turn else 100)


def test_a_log_has_no_staircase() -> None:
    run = simulate(scenario(days=1))
    found = report.staircase(replace(run, ledger=None, events=None))
    assert found.empty
    assert found.columns.tolist() == ["slot", "at", "day", "used", "alarm", "limit", "suspended"]
    with pytest.raises(ValueError, match=r"report\.staircase needs events"):
        report.staircase(replace(run, events=None))
