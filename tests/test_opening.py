"""A run begins in a state: by hand, and as the continuation of another run, row by row."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st
from identity import assert_same_rows, plain
from worlds import worlds

import smssim
from smssim import opening_at, report
from smssim.calendars import DAY, HOUR, to_datetime
from smssim.record.record import Record
from smssim.scenario import Scenario, ScenarioError
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import simulate
from smssim.testing import assert_conserved

TUNINGS = (Tuning(), Tuning(50, 3, 17), Tuning(1, 1, 1))
PACKAGE_STATE = ["package", "country", "in_force_at", "ends_at", "expired", "left"]


def rows_since(run: Record, at: pd.Timestamp) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of a run at an instant and later; reports by the number of their message there."""
    messages, reports = run.messages, run.reports
    assert messages is not None
    assert reports is not None
    first = int((messages["submitted_at"] < at).sum())
    reports = reports[reports["message"] >= first]
    found = {
        "messages": plain(messages.iloc[first:]),
        "reports": plain(reports.assign(message=reports["message"] - first)),
        "packages": plain(run.packages[PACKAGE_STATE]),
    }
    for name in ("events", "ledger"):
        table = getattr(run, name)
        found[name] = plain(table[table["at"] >= at])
    return found


def assert_continued(scenario: Scenario, rng: int, at: Any, tuning: Tuning) -> int:
    """Demand the rows of the uncut run after the cut; return how many messages those are."""
    whole = simulate(scenario, rng=rng)
    rest = simulate(opening_at(scenario, at, rng=rng), rng=rng, tuning=tuning)
    stamp = pd.Timestamp(at)
    expected, found = rows_since(whole, stamp), rows_since(rest, stamp)
    for name in ("events", "messages", "ledger", "reports"):
        assert_same_rows(name, found[name], expected[name])
    for ours, theirs in zip(found["packages"], expected["packages"], strict=True):
        # What a package expired before the cut is in no row of the run after it.
        assert ours[:4] + ours[5:] == theirs[:4] + theirs[5:]
    assert len(rest.messages) == len(found["messages"])
    assert not (rest.events["at"] < stamp).any()
    return len(found["messages"])


def cuts(scenario: Scenario) -> st.SearchStrategy[Any]:
    """Any instant of a run: anywhere, at full hours and days, and about them."""
    total = scenario.end_us - scenario.start_us

    def instant(part: int, grid: int, shift: int) -> Any:
        us = scenario.start_us + total * part // 30
        us = us // grid * grid + shift
        return to_datetime(min(max(us, scenario.start_us), scenario.end_us - 1))

    shifts = st.sampled_from([0, 0, 1, -1]) | st.integers(0, HOUR)
    return st.builds(instant, st.sampled_from(range(30)), st.sampled_from([1, HOUR, DAY]), shifts)


def test_a_run_cut_at_any_instant_and_continued_is_the_run(n_worlds: int) -> None:
    """Over invented worlds with any rule on, without policies: their state is in their code."""

    @seed(7)
    @settings(settings.get_profile("worlds"), max_examples=max(20, n_worlds // 4))
    @given(worlds(), st.data(), st.sampled_from(TUNINGS))
    def law(world: Any, data: st.DataObject, tuning: Tuning) -> None:
        scenario, rng, _ = world
        scenario = scenario.change(policies=()) if scenario.policies else scenario
        at = data.draw(cuts(scenario))
        note(f"assert_continued(Scenario.parse({scenario.to_json()!r}), {rng}, {at!r}, {tuning!r})")
        assert_continued(scenario, rng, at, tuning)

    law()


def plan(**rest: Any) -> Scenario:
    """Five days of some 1,000 messages a day, one segment each."""
    made = {
        "start": "2026-06-10",
        "days": 5,
        "applications": [{"name": "a"}],
        "templates": [{"name": "t", "application": "a"}],
        "quota": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "thresholds": {
            "daily_alarm": 100_000,
            "daily_limit": 200_000,
            "monthly_alarm": 10**6,
            "monthly_limit": 10**7,
        },
        "traffic": [{"name": "api", "template": "t", "country": "ID", "messages_a_day": 1_000}],
    }
    return Scenario.model_validate(made | rest)


def events(run: Record, *names: str) -> list[tuple[str, str, Any]]:
    """Some events: name, subject and value."""
    table = run.events
    assert table is not None
    rows = table[table["event"].isin(names)]
    return list(zip(rows["event"], rows["subject"], rows["value"], strict=True))


def test_counters_begin_with_what_was_counted() -> None:
    """An alarm that is reached is silent, a limit refuses at once, and both recover at the turn."""
    low = {"daily_alarm": 500, "daily_limit": 900, "monthly_alarm": 4_000, "monthly_limit": 10**6}
    opening = {"used_today": 600, "used_this_month": 3_900}
    run = simulate(plan(thresholds=low, opening=opening, days=2))
    told = events(run, "alarm", "limit", "recovered")
    assert [row[:2] for row in told[:4]] == [
        ("alarm", "month"),
        ("limit", "day"),
        ("recovered", "day"),
        ("alarm", "day"),
    ]
    assert [row[2] for row in told[:2]] == [4_001, 901]
    full = simulate(plan(thresholds=low, opening={"used_today": 901}, days=1))
    assert (full.messages["refused_at"] == "request").all()
    assert events(full, "alarm", "limit") == []
    country = {"daily_alarm": 10**5, "daily_limit": 10**6, "countries": {"ID": {"daily": 300}}}
    of_country = {"opening": {"countries": {"ID": {"used_today": 250}}}, "days": 1}
    limited = simulate(plan(thresholds=plan().thresholds.model_dump() | country, **of_country))
    assert (limited.messages["refused_at"] == "").sum() == 51


def test_a_package_in_force_is_no_purchase() -> None:
    """No event, no row, no price; first in the order of use; used from what is left to its end."""
    packages = [
        {"country": "ID", "segments": 700, "price": 7},
        {"country": "ID", "segments": 5_000, "left": 300, "in_force": "2026-05-20", "price": 9},
        {"country": "ID", "segments": 9_000, "in_force": "2026-05-02", "ends": "2026-06-10T03:00Z"},
        {"country": "ID", "segments": 50, "in_force": "2026-05-01", "ends": "2026-06-09"},
    ]
    run = simulate(plan(packages=packages))
    table = run.packages
    assert table["segments"].tolist() == [0, 9_000, 300, 700]
    assert table["price_micro"].tolist() == [0, 0, 0, 7_000_000]
    assert table["used"].tolist() == [0, 9_000 - table["expired"][1], 300, 700]
    assert table["expired"][0] == 0
    assert events(run, "package_bought") == [("package_bought", "3", 700)]
    assert run.ledger[run.ledger["entry"] == "purchase"]["package"].tolist() == [3]
    assert [row[1] for row in events(run, "package_expired")] == ["1"]
    assert_conserved(run)
    assert report.burn_down(run)["left"].iloc[0] == 300 + 9_000 + 700
    assert "USD" in smssim.summary(run)


def test_a_queue_is_busy_and_an_account_frozen_from_the_beginning() -> None:
    """The first messages wait; all are refused until somebody pays; what accrued is settled."""
    busy = simulate(plan(opening={"waiting_s": 3_600}, days=1)).messages
    assert busy["sent_at"].min() == pd.Timestamp("2026-06-10T01:00Z")
    account = {"account": {"balance": 100}, "days": 1}
    frozen = simulate(plan(opening={"frozen": True, "balance": -3}, **account))
    assert (frozen.messages["status"] == "E000112").all()
    accrued = simulate(plan(opening={"balance": 0.5, "accrued": 2.25}, **account))
    assert accrued.ledger["at"][0] == pd.Timestamp("2026-06-10T01:00Z")
    assert events(accrued, "frozen")[0][2] < -1_750_000
    suspends = {"account": {"service_mode": "suspend"}, "days": 1}
    held = [{"country": "ID", "segments": 100, "in_force": "2026-06-01"}]
    stopped = {"countries": {"ID": {"suspended": True}}}
    run = simulate(plan(opening=stopped, packages=held, **suspends))
    assert (run.messages["status"] == "E000629").all()
    assert events(run, "suspended", "run_out") == []


def test_what_an_opening_names_exists() -> None:
    """Errors say where and what."""
    wrong: dict[str, dict[str, Any]] = {
        "opening.at: 2026-07-01T00:00:00Z must be within the run, 2026-06-10T00:00:00Z to": {
            "opening": {"at": "2026-07-01"}
        },
        "opening.balance: balance goes with account.balance, which is not given": {
            "opening": {"balance": 3}
        },
        "opening.waiting_s.ID: give a number, there is one queue": {
            "opening": {"waiting_s": {"ID": 3}}
        },
        "opening.numbers.apo: there is no source 'apo'": {"opening": {"numbers": {"apo": []}}},
        "packages.0.in_force: 2026-06-10T00:00:00Z must be before the run begins, 2026-06-10T0": {
            "packages": [{"country": "ID", "segments": 5, "in_force": "2026-06-10"}]
        },
        "packages.0.left: left(=6) must be <= segments(=5)": {
            "packages": [{"country": "ID", "segments": 5, "left": 6, "in_force": "2026-06-01"}]
        },
        "packages.0.left: left goes with in_force": {
            "packages": [{"country": "ID", "segments": 5, "left": 5}]
        },
    }
    for message, rest in wrong.items():
        with pytest.raises(ScenarioError) as error:
            plan(**rest)
        assert message in str(error.value)
    with pytest.raises(ValueError, match="must be within the run"):
        opening_at(plan(), "2026-06-15")
