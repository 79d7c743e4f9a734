"""`change(start=, days=)` leaves out what lies outside the new run, and says so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import worlds

from smssim.scenario import Scenario, ScenarioError

PLAN: dict[str, Any] = {
    "start": "2026-03-01",
    "days": 60,
    "quota": {"daily_limit": 50_000},
    "applications": [{"name": "shop"}],
    "templates": [{"name": "code", "application": "shop"}],
    "packages": [
        {"country": "ID", "segments": 100, "at": "2026-03-10"},
        {"country": "ID", "segments": 200, "at": "2026-03-05", "renew": "monthly"},
    ],
    "traffic": [
        {"name": "all", "template": "code", "country": "ID", "messages_a_day": 9},
        {
            **{"name": "spring", "template": "code", "country": "ID", "messages_a_day": 9},
            **{"starts": "2026-03-05", "ends": "2026-04-05"},
        },
    ],
    "calls": [
        {
            **{"name": "two", "template": "code", "country": "ID"},
            "calls": [{"at": "2026-03-02", "to": [{}]}, {"at": "2026-04-02", "to": [{}]}],
        }
    ],
    "group_tasks": [
        {"name": "once", "template": "code", "at": "2026-03-20T03:00", "countries": {"ID": 5}},
        {
            **{"name": "weekly", "template": "code", "every": "Friday 18:00", "countries": {}},
            **{"zone": "Asia/Jakarta", "countries": {"ID": 7}},
        },
    ],
    "callback": {"outages": [{"at": "2026-03-03", "minutes": 30}]},
}
NEW = "2026-04-01T00:00:00Z to 2026-04-11T00:00:00Z"


def test_each_cut_is_named() -> None:
    plan = Scenario.model_validate(PLAN).change(start="2026-04-01", days=10)
    cut = [str(w) for w in plan.warnings if "it is cut" in w.message]
    assert cut == [
        f"traffic.1: part of 'spring' lies outside the new run, {NEW}: it is cut",
        f"calls.0: part of 'two' lies outside the new run, {NEW}: it is cut",
        f"group_tasks.0: 'once' lies outside the new run, {NEW}: it is cut",
        f"packages.0: this entry lies outside the new run, {NEW}: it is cut",
        f"packages.1: part of this entry lies outside the new run, {NEW}: it is cut",
        f"callback.outages.0: this entry lies outside the new run, {NEW}: it is cut",
    ]
    assert [task.name for task in plan.tasks] == ["weekly 2026-04-03", "weekly 2026-04-10"]
    assert [f"{package.at:%d %b}" for package in plan.purchases] == ["05 Apr"]
    assert plan.traffic[1].starts is None
    assert plan.traffic[1].ends is not None


def test_nothing_is_cut_where_all_fits() -> None:
    plan = Scenario.model_validate(PLAN)
    assert plan.change(days=61).warnings == plan.warnings
    assert plan.change(days=61, start="2026-02-28").group_tasks == plan.group_tasks


def test_a_check_counts_the_packages_that_it_counted() -> None:
    check = {"name": "p", "metric": "package.used_share", "above": 0.1, "where": {"package": 1}}
    plan = Scenario.model_validate(PLAN | {"checks": [check]})
    with pytest.raises(ScenarioError, match=r"checks\.0: packages\.0 lies outside the run"):
        plan.change(start="2026-04-01", days=10)


def test_a_period_that_is_none_is_an_error_as_ever() -> None:
    for changes in ({"days": 0}, {"start": "soon"}, {"start": None}, {"days": "ten"}):
        with pytest.raises(ScenarioError):
            Scenario.model_validate(PLAN).change(**changes)


@settings(deadline=None, max_examples=60)
@given(worlds(), st.integers(0, 40), st.integers(1, 40))
def test_what_is_left_is_a_plan(world: Any, hours: int, days: int) -> None:
    """Of any plan, the part within any period can be read, or is refused for what it lacks."""
    plan = world[0]
    start = plan.start.timestamp() + hours * 3_600
    moved = {"start": f"{plan.start.fromtimestamp(start, plan.start.tzinfo):%Y-%m-%dT%H:%M:%SZ}"}
    refusal = ""
    try:
        changed = plan.change(**moved, days=days)
    except ScenarioError as error:
        refusal, changed = str(error), plan
    assert "must be within the run" not in refusal
    assert all(changed.start <= task.at < changed.end for task in changed.tasks)
