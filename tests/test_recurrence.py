"""What recurs is what is written out: group tasks by weekday, packages by month, prices by date."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from identity import tables
from worlds import worlds

from smssim import simulate
from smssim.calendars import to_us
from smssim.scenario import Scenario, ScenarioError

PLAN = {
    "start": "2026-03-20",
    "days": 45,
    "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
    "thresholds": {"daily_limit": 50_000, "monthly_limit": 900_000},
    "applications": [{"name": "shop"}],
    "templates": [{"name": "promo", "application": "shop"}],
    "traffic": [{"name": "api", "template": "promo", "country": "ID", "messages_a_day": 100}],
}
FRIDAYS = {
    **{"name": "weekend", "template": "promo", "every": "friday 18:00", "zone": "Europe/Berlin"},
    **{"countries": {"ID": 50, "DE": 20}, "pace_per_s": 2},
}
# Summer time begins on 2026-03-29: 18:00 is 17:00 UTC before, and 16:00 after.
MOMENTS = {
    "2026-03-20": "2026-03-20T17:00Z",
    "2026-03-27": "2026-03-27T17:00Z",
    "2026-04-03": "2026-04-03T16:00Z",
    "2026-04-10": "2026-04-10T16:00Z",
    "2026-04-17": "2026-04-17T16:00Z",
    "2026-04-24": "2026-04-24T16:00Z",
    "2026-05-01": "2026-05-01T16:00Z",
}


def scenario(**parts: Any) -> Scenario:
    return Scenario.model_validate(PLAN | parts)


def refused(**parts: Any) -> str:
    with pytest.raises(ScenarioError) as caught:
        scenario(**parts)
    return str(caught.value)


def test_a_task_by_weekday_is_its_dates_written_out() -> None:
    """The same bytes as a plan that writes out each task, each made a week before."""
    written = []
    for day, at in MOMENTS.items():
        week_before = pd.Timestamp(at) - pd.Timedelta(days=7)
        created = max(pd.Timestamp(PLAN["start"], tz="UTC"), week_before)
        task = {**FRIDAYS, "name": f"weekend {day}", "at": at, "created": created.isoformat()}
        written.append({key: task[key] for key in task if key not in ("every", "zone")})
    recurring = simulate(scenario(group_tasks=[FRIDAYS]))
    assert tables(recurring) == tables(simulate(scenario(group_tasks=written)))
    assert recurring.tasks is not None
    assert len(recurring.tasks) == len(MOMENTS)


def test_dates_end_with_the_task_and_with_the_run() -> None:
    task = FRIDAYS | {"starts": "2026-03-27T17:00Z", "ends": "2026-04-10T16:00Z"}
    assert [task.name[-5:] for task in scenario(group_tasks=[task]).tasks] == ["03-27", "04-03"]
    longer = scenario(group_tasks=[FRIDAYS], days=60)
    assert len(longer.tasks) == len(MOMENTS) + 2
    assert longer.tasks[: len(MOMENTS)] == scenario(group_tasks=[FRIDAYS]).tasks


@pytest.mark.parametrize(
    ("every", "zone", "moments"),
    [
        ("day 02:30", "Europe/Berlin", ["28 01:30", "29 01:30", "30 00:30"]),  # Skipped on the 29th
        ("month 00:00", "Asia/Shanghai", ["31 16:00"]),
        ("Sunday 23:59", "Pacific/Kiritimati", ["29 09:59"]),
    ],
)
def test_local_time(every: str, zone: str, moments: list[str]) -> None:
    task = FRIDAYS | {"every": every, "zone": zone, "starts": "2026-03-28", "ends": "2026-04-01"}
    if every.startswith("day"):
        task["ends"] = "2026-03-31"
    assert [f"{t.at:%d %H:%M}" for t in scenario(group_tasks=[task]).tasks] == moments


def test_an_hour_that_comes_twice_counts_once() -> None:
    task = FRIDAYS | {"every": "day 02:30"}
    tasks = scenario(start="2026-10-24", days=3, group_tasks=[task]).tasks
    assert [f"{t.at:%d %H:%M}" for t in tasks] == ["24 00:30", "25 00:30", "26 01:30"]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"at": "2026-04-01"}, "group_tasks.0.at: give at or every, one of the two, not both"),
        ({"every": None, "zone": None}, "group_tasks.0.at: give at or every, one of the two, not"),
        ({"zone": None}, "group_tasks.0.every: every(=Friday 18:00) needs the zone of its clock"),
        ({"cancelled": "2026-04-01"}, "group_tasks.0.cancelled: cancelled does not go with every"),
        ({"every": "Fryday 18:00"}, "(did you mean 'Friday'?)"),
        ({"every": "day 24:00"}, "'day 24:00' must be a weekday, day or month and a local time"),
        ({"starts": "2026-05-02"}, "group_tasks.0.every: there is no Friday 18:00 of Europe/Berl"),
        ({"name": "a" * 54}, "the name has 54 characters: at most 53 before the date of a task"),
        ({"starts": "2026-04-02", "ends": "2026-04-01"}, "must be after starts(=2026-04-02"),
    ],
)
def test_what_no_task_can_be(task: dict[str, Any], said: str) -> None:
    assert said in refused(group_tasks=[FRIDAYS | task])


def test_no_source_has_the_name_of_a_date() -> None:
    task = {"name": "weekend 2026-04-03", "template": "promo", "at": "2026-04-01", "countries": {}}
    said = refused(group_tasks=[FRIDAYS, task | {"countries": {"ID": 1}}])
    assert "group_tasks.1.name: the name 'weekend 2026-04-03' appears twice" in said


def test_a_renewed_package_is_its_purchases_written_out() -> None:
    """On the same day and time of expiry_zone; the last day where the month has no such day."""
    january = {"start": "2026-01-20", "days": 100}
    renewed = {"country": "ID", "segments": 900, "price": 9, "at": "2026-01-31T01:00Z"}
    days = ["2026-01-31", "2026-02-28", "2026-03-31"]  # 2026-04-30T01:00Z is after the end.
    written = [{**renewed, "at": f"{day}T01:00Z"} for day in days]
    run = simulate(scenario(packages=[renewed | {"renew": "monthly"}], **january))
    assert tables(run) == tables(simulate(scenario(packages=written, **january)))
    until = renewed | {"renew": "monthly", "renew_until": "2026-03-31T01:00Z"}
    assert len(scenario(packages=[until], **january).purchases) == 2
    assert "renew_until goes with renew" in refused(
        packages=[renewed | {"renew_until": "2027-01-01"}]
    )


def test_promises_know_renewals() -> None:
    package = {"country": "ID", "segments": 900, "renew": "monthly"}
    check = {"name": "p", "metric": "package.used_share", "above": 0.1, "where": {"package": 1}}
    assert scenario(packages=[package], checks=[check])
    said = refused(packages=[package], checks=[check | {"where": {"package": 2}}])
    assert "there is no package 2: there are 2, from 0 on" in said


def test_a_message_has_the_price_of_its_moment() -> None:
    """Prices change what messages cost and nothing else: each part is as under one price."""
    change = "2026-04-01T09:30:00Z"
    cheap, dear, both = (
        simulate(scenario(routes={"ID": {"price": price, "prices": prices}}))
        for price, prices in ((0.1, []), (0.3, []), (0.1, [{"from": change, "price": 0.3}]))
    )
    assert cheap.messages is not None
    assert dear.messages is not None
    assert both.messages is not None
    later = both.messages["submitted_at"] >= pd.Timestamp(change)
    assert later.any()
    assert not later.all()
    expected = np.where(later, dear.messages["cost_micro"], cheap.messages["cost_micro"])
    assert both.messages["cost_micro"].tolist() == expected.tolist()
    others = list(both.messages.columns.drop("cost_micro"))
    pd.testing.assert_frame_equal(both.messages[others], cheap.messages[others])


def test_prices_stand_in_the_order_of_time() -> None:
    prices = [{"from": "2026-04-02", "price": 1}, {"from": "2026-04-01", "price": 2}]
    said = refused(routes={"ID": {"prices": prices}})
    assert "routes.ID.prices.1.from: 2026-04-01T00:00:00Z must be after 2026-04-02T00" in said


@settings(deadline=None, max_examples=40)
@given(worlds(), st.integers(1, 99), st.integers(0, 10**6))
def test_the_ledger_has_every_charge_at_its_price(world: Any, percent: int, micro: int) -> None:
    """With any rule on, freezes too: the ledger is the sum of what each message cost."""
    base, seed, policies = world
    plan = json.loads(base.to_json())
    for country in plan.get("routes", {}):
        at = base.start + (base.end - base.start) * percent / 100
        plan["routes"][country]["prices"] = [{"from": at.isoformat(), "price": micro / 1e6}]
    assume(plan.get("routes"))
    run = simulate(Scenario.model_validate(plan), rng=seed, policies=policies)
    assert run.messages is not None
    assert run.ledger is not None
    charged = run.ledger[run.ledger["entry"].isin(["settlement", "unsettled"])]
    assert charged["amount_micro"].sum() == run.messages["cost_micro"].sum()


def test_a_plan_keeps_its_recurrences_in_yaml() -> None:
    package = {"country": "ID", "segments": 900, "renew": "monthly"}
    route = {"prices": [{"from": datetime(2026, 4, 1, tzinfo=UTC), "price": 0.2}]}
    plan = scenario(group_tasks=[FRIDAYS], packages=[package], routes={"ID": route})
    again = Scenario.parse(plan.to_yaml())
    assert again == plan
    assert again.digest() == plan.digest()
    moved = plan.change(**{"routes.ID.prices.0.from": "2026-04-05"})
    assert to_us(moved.route("ID").prices[0].since) == to_us(datetime(2026, 4, 5, tzinfo=UTC))
