"""A month rated from what a log would hold: the same money as the simulation's, to the micro-unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import assume, given, seed, settings
from hypothesis import strategies as st
from worlds import worlds

from smssim import rate, report, simulate
from smssim.logs import read_log, write_capture
from smssim.model.packages import CountryQuota, Package
from smssim.rating.course import Asked, Course
from smssim.record import Record
from smssim.report.spans import microseconds
from smssim.run import Run
from smssim.scenario import Scenario
from smssim.tables import PACKAGE_EVENTS
from smssim.tally import tally_frames

SCENARIOS = sorted((Path(__file__).parents[1] / "data" / "scenarios").glob("*.yaml"))
MONEY = ("covered_segments", "package", "cost_micro")
PARTS = 3


def as_log(run: Run) -> Record:
    """A run as a log would hold it: its messages, without money."""
    assert run.messages is not None
    assert run.reports is not None
    unknown = pd.array([pd.NA] * len(run.messages), "Int8")
    nobody = pd.Categorical([None] * len(run.messages))
    messages = run.messages.assign(covered_segments=unknown, cost_micro=unknown, package=nobody)
    tallies = tally_frames(messages, run.reports, run.observed_from, run.observed_until)
    return replace(
        run,
        currency=None,
        messages=messages,
        tallies=tallies,
        **dict.fromkeys(("ledger", "packages", "events", "reviews", "onboarding", "tasks")),
        provenance={},
    )


def tariff_of(scenario: Scenario, run: Run) -> pd.DataFrame:
    """What the scenario's routes cost."""
    assert run.messages is not None
    countries = run.messages["country"].cat.categories
    prices = [scenario.route(country).price for country in countries]
    return pd.DataFrame({"country": countries, "price": prices, "currency": scenario.currency})


def bought_in(run: Run, zone: str) -> list[dict[str, Any]]:
    """The packages that came in force, each with its validity in days."""
    assert run.packages is not None
    found = []
    for _, own in run.packages.iterrows():
        begins, ends = (own[name].tz_convert(ZoneInfo(zone)) for name in ("in_force_at", "ends_at"))
        last = (ends - timedelta(microseconds=1)).date()
        found.append(
            {
                "country": own["country"],
                "segments": own["segments"],
                "price": own["price_micro"] / 1e6,
                "at": own["in_force_at"].to_pydatetime(),
                "valid_days": (last - begins.date()).days,
            }
        )
    return found


def rated(scenario: Scenario, run: Run, record: Record) -> Record:
    """The record rated on the scenario's terms."""
    rules, packages = scenario.account, bought_in(run, scenario.account.expiry_zone)
    return rate(
        record,
        tariff_of(scenario, run),
        packages,
        rules.service_mode,
        straddle=rules.straddle,
        package_order=rules.package_order,
        expiry_zone=rules.expiry_zone,
        package_countries=[*rules.package_countries, *{p["country"] for p in packages}],
    )


def assert_same_money(scenario: Scenario, run: Run) -> None:
    """Demand the simulation's money of its month rated as a log."""
    found = rated(scenario, run, as_log(run))
    assert found.messages is not None
    assert run.messages is not None
    pd.testing.assert_frame_equal(
        found.messages[list(MONEY)], run.messages[list(MONEY)], check_categorical=False
    )
    assert run.ledger is not None
    booked = run.ledger[run.ledger["entry"] != "top_up"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.ledger, booked)
    pd.testing.assert_frame_equal(found.packages, run.packages)
    for name in ("money", "templates", "clock", "latency", "censored"):
        keys = {"copy"} if name == "money" else set()
        own, theirs = (record.tallies.frame(name) for record in (found, run))
        measures = [c for c in own if own[c].dtype == "int64" and c != "bin"]
        by = [c for c in own if c not in {*measures, *keys}]
        sums = [f.groupby(by, dropna=False, observed=True)[measures].sum() for f in (own, theirs)]
        pd.testing.assert_frame_equal(*sums)
    # In mode 2 the month's log tells of a run-out only if a message that met it was refused.
    mode_1 = scenario.account.service_mode == "pay_per_use"
    kinds = PACKAGE_EVENTS if mode_1 else PACKAGE_EVENTS[:-1]
    assert found.events is not None
    assert run.events is not None
    told = [e[e["event"].isin(kinds)].reset_index(drop=True) for e in (found.events, run.events)]
    pd.testing.assert_frame_equal(*told)


def may_be_rated(run: Run) -> bool:
    """Whether nothing happened that a bill cannot know: a freeze, another service mode."""
    assert run.events is not None
    return not run.events["event"].isin(["frozen", "mode_switched"]).any()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_simulated_month_is_rated_as_it_was_charged(path: Path) -> None:
    scenario = Scenario.load(path)
    if scenario.days > 40:
        scenario = scenario.change(days=40)
    run = simulate(scenario)
    if not may_be_rated(run):
        pytest.skip("it freezes, or changes its mode")

    assert_same_money(scenario, run)


@pytest.mark.parametrize("part", range(PARTS))
def test_invented_months_are_rated_as_they_were_charged(part: int, n_worlds: int) -> None:
    @seed(part)
    @settings(settings.get_profile("worlds"), max_examples=-(-n_worlds // PARTS))
    @given(worlds())
    def agree(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
        scenario, rng, policies = world
        run = simulate(scenario, rng=rng, policies=policies)
        assume(may_be_rated(run))
        assert_same_money(scenario, run)

    agree()
