"""Every law of conservation holds in good months, and in none that was damaged by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, seed, settings
from worlds import worlds

from smssim import rate, read_log
from smssim.record.record import Record
from smssim.record.tallies import NAMES, Tallies
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate
from smssim.testing import assert_conserved

DATA = Path(__file__).parents[1] / "data"
EXPORTS = sorted(path.name for path in (DATA / "exports").iterdir() if path.is_dir())
SCENARIOS = ("arrears", "callback_outages", "mode2_run_out", "weekend_review")
WORLD = Scenario.model_validate(
    {
        "name": "damaged",
        "start": "2025-03-03",
        "days": 3,
        "thresholds": {"daily_alarm": 200, "daily_limit": 290},
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app", "segments": {1: 0.7, 3: 0.3}}],
        "packages": [
            {"country": "ID", "segments": 120, "price": 3, "valid_days": 1},
            {"country": "ID", "segments": 900, "price": 2, "valid_days": 1},
        ],
        "traffic": [
            {"name": "id", "template": "code", "country": "ID", "messages_a_day": 180},
            {"name": "th", "template": "code", "country": "TH", "messages_a_day": 150},
        ],
        "group_tasks": [
            {"name": "news", "template": "code", "at": "2025-03-05T09:00", "countries": {"TH": 20}}
        ],
        "callback": {"no_answer_share": 0.2, "retries_s": [60]},
    }
)


@lru_cache(maxsize=2)
def good(rows: bool = True) -> Record:
    """A small month in which something is refused, expires, runs out, fails and is lost."""
    run = simulate(WORLD, rows=rows)
    assert set(run.tallies.money["charge"]) >= {"package", "pay_per_use", "refused_1"}
    assert run.packages is not None
    assert run.packages["expired"].any()
    return run


def table(name: str, column: str, where: Callable[[Any], Any], change: Any) -> Record:
    """The month with a value changed in the first row of a table that a condition finds."""
    frame = getattr(good(), name).copy()
    place = int(where(frame).to_numpy().nonzero()[0][0])
    old = frame[column].iloc[place]
    frame.loc[place, column] = change(old) if callable(change) else change
    return replace(good(), **{name: frame})


def tally(name: str, rows: bool = True, column: str = "messages") -> Record:
    """The month with one more in the first cell of a tally."""
    record = good(rows)
    frames = {own: record.tallies.frame(own) for own in NAMES}
    frames[name] = frames[name].copy()
    frames[name].loc[0, column] += 1
    return replace(record, tallies=Tallies(record.observed_until, **frames))


def without(name: str, where: Callable[[Any], Any]) -> Record:
    """The month without the first row of a table that a condition finds."""
    frame = getattr(good(), name)
    place = int(where(frame).to_numpy().nonzero()[0][0])
    return replace(good(), **{name: frame.drop(index=place).reset_index(drop=True)})


def plus(value: int) -> int:
    return value + 1


DAMAGES: dict[str, tuple[Callable[[], Record], str]] = (
    {
        "stage": (
            lambda: table("messages", "refused_at", lambda m: m["refused_at"] == "", None),
            "requested = refused 1 + 2 + 3 + sent: requested ",
        ),
        "a request lost": (
            lambda: tally("clock"),
            "requested = refused 1 + 2 + 3 + sent: requested",
        ),
        "pending, with a time": (
            lambda: table("messages", "status", lambda m: m["status"] == "UNDELIV", None),
            "sent = delivered + failed + expired + pending: ",
        ),
        "delivered, without a time": (
            lambda: table("messages", "final_at", lambda m: m["status"] == "DELIVRD", pd.NaT),
            "sent = delivered + failed + expired + pending: sent ",
        ),
        "refused, and covered": (
            lambda: table(
                "messages", "covered_segments", lambda m: m["refused_at"] == "request", 1
            ),
            "what is refused takes and costs nothing: 1 refused",
        ),
        "refused, and charged": (
            lambda: table("messages", "cost_micro", lambda m: m["refused_at"] == "request", 50),
            "what is refused takes and costs nothing: 1 refused",
        ),
        "used": (
            lambda: table("packages", "used", lambda p: p["package"] == 1, plus),
            "segments = used + expired + left: segments 1,020, ",
        ),
        "negative": (
            lambda: replace(
                good(),
                packages=good().packages.assign(
                    left=-5, segments=lambda p: p["used"] + p["expired"] - 5
                ),
            ),  # type: ignore[union-attr]
            "segments = used + expired + left: ",
        ),
        "covered": (
            lambda: table("messages", "covered_segments", lambda m: m["covered_segments"] > 0, 0),
            "covered segments = used segments of packages: covered (messages) is ",
        ),
        "covered, in tallies": (
            lambda: tally("money", False, "covered_segments"),
            "covered segments = used segments of packages: covered (tallies) is ",
        ),
        "expired": (
            lambda: without("ledger", lambda e: e["entry"] == "expired"),
            "expired segments of the ledger = those of packages: expired (ledger) is ",
        ),
        "price": (
            lambda: table("packages", "price_micro", lambda p: p["package"] == 0, plus),
            "purchases of the ledger = packages: amount_micro (ledger) is 5,000,000, price_micro "
            "(packages) is 5,000,001; first at package 0",
        ),
        "bought twice": (
            lambda: table("ledger", "segments", lambda e: e["entry"] == "purchase", 240),
            "purchases of the ledger = packages: segments (ledger) is 1,140, segments (packages) "
            "is 1,020; first at package 0: 240 and 120",
        ),
        "settled": (
            lambda: table("ledger", "amount_micro", lambda e: e["entry"] == "settlement", plus),
            "cost of messages = settled + unsettled: cost_micro (tallies) ",
        ),
        "charged": (
            lambda: table("messages", "cost_micro", lambda m: m["cost_micro"] > 0, plus),
            "cost of messages = settled + unsettled: cost_micro (messages) ",
        ),
        "a report lost": (
            lambda: without("reports", lambda r: r["part"] == 2),
            "one delivery report per segment: segments with a final status is ",
        ),
        "a report twice": (
            lambda: table("reports", "part", lambda r: r["part"] == 2, 1),
            "one delivery report per segment: 1 of ",
        ),
        "a report too many": (
            lambda: table("reports", "part", lambda r: r["part"] == 1, 9),
            "one delivery report per segment: 1 of ",
        ),
        "a report of nothing": (
            lambda: table("reports", "message", lambda r: r["part"] == 1, 10**6),
            "one delivery report per segment: 1 reports are of none of the ",
        ),
        "a report counted twice": (
            lambda: tally("push", False, "reports"),
            "one delivery report per segment: ",
        ),
        "received, and not arrived": (
            lambda: table("reports", "deliveries", lambda r: r["state"] == "received", 0),
            "received = arrived: received ",
        ),
        "a number lost": (
            lambda: table("tasks", "numbers", lambda t: t["numbers"] == 20, 21),
            "numbers = imported + duplicates + invalid",
        ),
        "a task's message lost": (
            lambda: table("tasks", "in_flight", lambda t: t["numbers"] == 20, plus),
            "sent = delivered + failed + pending",
        ),
        "a task's refusal lost": (
            lambda: table("tasks", "refused", lambda t: t["numbers"] == 20, plus),
            "messages of group tasks: refused (tasks) is ",
        ),
    }
    | {
        f"tally {name}": (
            lambda name=name, column=column: tally(name, True, column),
            f"the tallies agree with the rows: {name}.{column} is ",
        )  # type: ignore[misc]
        for name, column in (
            ("money", "messages"),
            ("money", "segments"),
            ("templates", "cost_micro"),
            ("sources", "messages"),
            ("clock", "segments"),
            ("latency", "messages"),
            ("template_latency", "messages"),
            ("censored", "messages"),
            ("push", "deliveries"),
        )
    }
    | {
        f"tally {name}, without rows": (
            lambda name=name, column=column: tally(name, False, column),
            "the tallies agree with each other: ",
        )  # type: ignore[misc]
        for name, column in (
            ("money", "segments"),
            ("templates", "cost_micro"),
            ("sources", "covered_segments"),
            ("clock", "segments"),
            ("latency", "messages"),
            ("template_latency", "messages"),
            ("censored", "messages"),
        )
    }
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_month_breaks_the_law(damage: str) -> None:
    """The error names the law, both sides with their numbers, and where it shows first."""
    make, law = DAMAGES[damage]
    with pytest.raises(AssertionError) as error:
        assert_conserved(make())
    told = str(error.value)
    assert f"\n- {law}" in told
    assert told.startswith("'damaged': ")


def test_the_error_says_where() -> None:
    """A group by its keys, a row by its number and values, both with their numbers."""
    assert_conserved(good())
    with pytest.raises(AssertionError, match=r"first at country 'ID': \d+ and \d+"):
        assert_conserved(tally("clock"))
    with pytest.raises(AssertionError, match=r"first at row 1 \(package 1, country ID, segments"):
        assert_conserved(DAMAGES["used"][0]())


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("name", SCENARIOS)
def test_months_of_scenarios_are_conserved(name: str, rows: bool) -> None:
    scenario = Scenario.load(DATA / "scenarios" / f"{name}.yaml")
    assert_conserved(simulate(scenario.change(days=6), rows=rows))


@pytest.mark.parametrize("name", EXPORTS)
def test_recorded_months_are_conserved(name: str) -> None:
    """As they were read, and rated in both modes: what they do not know breaks nothing."""
    log = read_log(DATA / "exports" / name, tz="Asia/Shanghai")
    assert_conserved(log)
    package = {"country": "ID", "segments": 300, "price": 29, "at": "2026-04-10T00:00:00Z"}
    for mode in ("pay_per_use", "suspend"):
        rated = rate(log, DATA / "exports" / "prices.csv", [package], mode)
        assert_conserved(rated)
        assert rated.packages is not None
        if mode == "suspend":
            continue  # what could not have been sent is not known, and its country left out
        more = rated.packages.assign(used=lambda p: p["used"] + 1, left=lambda p: p["left"] - 1)
        with pytest.raises(AssertionError, match="covered segments = used segments of packages"):
            assert_conserved(replace(rated, packages=more))


def test_a_kept_month_is_conserved(tmp_path: Path) -> None:
    """Read again from disk, and rated over."""
    simulate(WORLD, out=tmp_path / "kept")
    kept = read_log(tmp_path / "kept")
    assert_conserved(kept)
    assert_conserved(rate(kept, DATA / "exports" / "prices.csv", []))


def test_a_recorded_report_that_is_of_no_part_is_found() -> None:
    log = read_log(DATA / "exports" / "capture")
    assert log.reports is not None
    wrong = log.reports.copy()
    wrong.loc[5, "part"] = 99
    with pytest.raises(AssertionError, match="one delivery report per segment: 1 of "):
        assert_conserved(replace(log, reports=wrong))


def test_invented_worlds_are_conserved_without_their_rows() -> None:
    """The laws of tallies alone; `test_laws` holds the rows to all of them."""

    @seed(300)
    @settings(settings.get_profile("worlds"), max_examples=15)
    @given(worlds())
    def hold(invented: tuple[Scenario, int, tuple[Any, ...]]) -> None:
        scenario, rng, policies = invented
        assert_conserved(simulate(scenario, rng=rng, policies=policies, rows=False))

    hold()
