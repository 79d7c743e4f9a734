"""Outages from the gaps, against when the simulated server was down, and against plain sums."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st
from scipy import stats
from worlds import worlds

import smssim
from smssim import read_log, report
from smssim.logs import write_capture
from smssim.report.outages import untold
from smssim.scenario import Scenario
from smssim.simulation.callbacks.server import outages as true_outages
from smssim.simulation.simulate import Run, simulate
from smssim.stats.keyed_random import KeyedRandom

SCENARIOS = Path(__file__).parents[1] / "data" / "scenarios"
RISK = 1e-6
MINUTE = pd.Timedelta(minutes=1)
invented = settings(settings.get_profile("worlds"), max_examples=20)


def scenario(**changes: Any) -> Scenario:
    """Ten days of a steady source and of one that makes requests of many by day."""
    in_batches = changes.get("callback", {}).get("address") is False
    by_day = {"recipients": {1: 0.5, 40: 0.5}, "hours": [0] * 8 + [1] * 12 + [0] * 4}
    plain = {
        "start": "2026-04-01",
        "days": 10,
        "quota": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "thresholds": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "applications": [{"name": "shop", "batch_address": in_batches}],
        "templates": [{"name": "code", "application": "shop"}],
        "traffic": [
            {"name": "a", "template": "code", "country": "ID", "messages_a_day": 600},
            {"name": "b", "template": "code", "country": "PH", "messages_a_day": 80, **by_day},
        ],
        "callback": {"no_answer_share": 0.05},
    }
    return Scenario.model_validate(plain | changes)


def truth(run: Run, scenario: Scenario, rng: int) -> pd.DataFrame:
    """When the server was down, from the model itself."""
    down = true_outages(scenario, KeyedRandom(rng), run.observed_until)
    times = [pd.to_datetime([window[i] for window in down], unit="us", utc=True) for i in (0, 1)]
    return pd.DataFrame({"begins": times[0], "ends": times[1]})


def due(run: Run, begins: pd.Timestamp, ends: pd.Timestamp) -> float:
    """What was due in a gap, message by message and delay by delay."""
    assert run.messages is not None
    assert run.reports is not None
    came = run.reports[run.reports["state"] == "received"]
    rows = run.messages.assign(heard=came.groupby("message")["received_at"].min())
    rows = rows[rows["refused_at"].isin(["", "platform"])]
    together = rows["heard"].map(rows["heard"].value_counts())
    total = 0.0
    for _, own in rows.groupby(["application", "country"], observed=True):
        delays = (own["heard"] - own["submitted_at"]).dropna()
        waiting = own[(own["submitted_at"] < ends) & ~(own["heard"] <= begins)]
        for at in waiting["submitted_at"]:
            share = ((at + delays > begins) & (at + delays < ends - MINUTE)).sum() / len(own)
            total += share / together[own.index].mean()
    return total


def test_the_figures_are_plain_sums() -> None:
    outage = {"at": "2026-04-02T10:00:00Z", "minutes": 90}
    run = simulate(scenario(days=3, callback={"outages": [outage], "no_answer_share": 0.05}))
    assert run.reports is not None

    (found,) = report.outages(run).itertuples()
    came = run.reports["received_at"].dropna()
    assert found.begins == came[came < found.ends].max() < pd.Timestamp(outage["at"])
    assert found.ends == came[came > found.begins].min()
    assert found.length_s == (found.ends - found.begins).total_seconds() > 90 * 60
    assert found.expected == pytest.approx(due(run, found.begins, found.ends))
    assert found.p == pytest.approx(math.exp(-found.expected))
    assert found.p < 0.01 / (came.nunique() - 1)


@seed(1)
@settings(settings.get_profile("worlds"), max_examples=12)
@given(
    st.lists(st.tuples(st.integers(60, 9 * 1_440), st.integers(1, 600)), max_size=4),
    st.sampled_from([[], [60], [600, 3_600]]),
    st.sampled_from([(True, 60), (False, 60), (False, 1_800)]),
    st.integers(1, 1_000),
)
def test_invented_outages_are_found_where_enough_was_due(
    windows: list[tuple[int, int]], retries: list[int], server: tuple[bool, int], rng: int
) -> None:
    """Each true outage is within a gap, and that is told if and only if it is told at all."""
    address, wait_s = server
    start = pd.Timestamp("2026-04-01", tz="UTC")
    down = [
        {"at": (start + at * MINUTE).isoformat(), "minutes": minutes} for at, minutes in windows
    ]
    told = {"outages": down, "retries_s": retries, "address": address, "batch_wait_s": wait_s}
    world = scenario(callback=told | {"no_answer_share": 0.05})
    note(f"Scenario.parse({world.to_json()!r}), {rng}")
    run = simulate(world, rng=rng)
    assert run.reports is not None

    found, down_at = report.outages(run), truth(run, world, rng)
    came = run.reports["received_at"].dropna().drop_duplicates().sort_values()
    least = math.log((len(came) - 1) / 0.01)
    for gap in found.itertuples():
        assert ((down_at["begins"] < gap.ends) & (down_at["ends"] > gap.begins)).any(), "false"
        assert gap.expected == pytest.approx(due(run, gap.begins, gap.ends))
        assert gap.expected > least
    for true in down_at.itertuples():
        before, after = came[came < true.begins].max(), came[came >= true.ends].min()
        if pd.isna(before) or pd.isna(after):
            continue
        held = ((found["begins"] == before) & (found["ends"] == after)).any()
        enough = due(run, before, after) > least and after - before >= MINUTE
        assert held == enough, (before, after)


def test_the_example_is_told_all_but_its_short_outages() -> None:
    """43 of 60, all above 17 minutes: an hour has 63 reports, and 14 are asked for."""
    world = Scenario.load(SCENARIOS / "callback_outages.yaml")
    run = simulate(world)
    found, down = report.outages(run), truth(run, world, 1)

    within = [
        ((found["begins"] <= true.begins) & (found["ends"] >= true.ends)).any()
        for true in down.itertuples()
    ]
    minutes = (down["ends"] - down["begins"]) / MINUTE
    assert minutes[~pd.Series(within)].max() < 20
    held = minutes[within].sum() / minutes.sum()
    assert held > 0.9, "the share of its time down"
    assert 3_600 * 24 < found["length_s"].max() < 3_600 * 25
    false = [not ((down["begins"] < gap.ends) & (down["ends"] > gap.begins)).any()
             for gap in found.itertuples()]  # fmt: skip
    assert not any(false)


@pytest.mark.parametrize(
    "name",
    [
        "arrears",
        "daily_limit",
        "from_zero",
        "mode1_no_run_out",
        "mode2_run_out",
        "pumping",
        "resend",
        "weekend_review",
    ],
)
def test_limits_freezes_and_nights_are_no_outages(name: str) -> None:
    """Sending stood still, and the server was up."""
    found = report.outages(simulate(Scenario.load(SCENARIOS / f"{name}.yaml")))
    assert found.empty


CALM: dict[str, dict[str, Any]] = {
    "plain": {},
    "batches": {"callback": {"address": False, "batch_wait_s": 1_800}},
    "a slow queue": {"queue": {"throughput_per_s": 0.02}},
    "campaigns": {
        "queue": {"throughput_per_s": 1},
        "group_tasks": [
            {
                "name": f"g{day}",
                "template": "code",
                "at": f"2026-04-0{day}T05:00:00Z",
                "countries": {"ID": numbers},
            }
            for day, numbers in ((3, 2_000), (6, 100))
        ],
    },
}


@pytest.mark.parametrize("name", CALM)
def test_false_ones_stay_within_the_stated_risk(name: str) -> None:
    """Forty months of a server that is never down, at a confidence of 80%."""
    world, n = scenario(**CALM[name]), 40
    false = sum(len(report.outages(simulate(world, rng=rng), 0.8)) > 0 for rng in range(n))
    assert false <= stats.binom.isf(RISK, n, 0.2)


@seed(2)
@invented
@given(worlds())
def test_worlds_of_all_kinds_have_no_false_ones(
    world: tuple[Scenario, int, tuple[Any, ...]],
) -> None:
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)
    down = truth(run, scenario, rng)
    for gap in report.outages(run).itertuples():
        assert ((down["begins"] < gap.ends) & (down["ends"] > gap.begins)).any()


def test_a_capture_tells_the_same(tmp_path: Path) -> None:
    """What a customer's own server wrote down has all that is asked for."""
    outage = {"at": "2026-04-02T10:00:00Z", "minutes": 90}
    run = simulate(scenario(days=3, callback={"outages": [outage]}))
    write_capture(run, tmp_path / "capture.jsonl")
    log = read_log(tmp_path / "capture.jsonl")

    found, told = report.outages(run), report.outages(log)
    assert len(found) == len(told) == 1
    second = pd.Timedelta(seconds=1)
    assert (abs(found["begins"] - told["begins"]) <= second).all()
    assert (abs(found["ends"] - told["ends"]) <= second).all()
    assert told["expected"].to_list() == pytest.approx(found["expected"].to_list(), rel=0.05)
    assert "our server, from the gaps: down once" in smssim.summary(log)
    assert "our server" not in smssim.summary(run)


def test_a_wrong_date_costs_nothing() -> None:
    """One message of a log that says it was sent decades ago."""
    outage = {"at": "2026-04-02T10:00:00Z", "minutes": 90}
    run = simulate(scenario(days=3, callback={"outages": [outage]}))
    assert run.messages is not None
    wrong = run.messages.copy()
    wrong.loc[0, "submitted_at"] = pd.Timestamp("1990-01-01", tz="UTC")

    found, again = report.outages(run), report.outages(replace(run, messages=wrong))
    assert again[["begins", "ends"]].equals(found[["begins", "ends"]])
    assert len(found) == 1
    assert again["expected"].iloc[0] == pytest.approx(found["expected"].iloc[0], rel=0.01)


def test_what_cannot_be_told_is_refused() -> None:
    run = simulate(scenario(days=1))
    assert untold(run) is None
    assert run.reports is not None
    with pytest.raises(ValueError, match=r"confidence\(=1\) must be > 0 and < 1"):
        report.outages(run, confidence=1)
    with pytest.raises(ValueError, match=r"report\.outages needs reports, which the record"):
        report.outages(replace(run, reports=None))
    log = replace(run, ledger=None, messages=None)
    with pytest.raises(ValueError, match="shows no outages: its rows were not kept"):
        report.outages(log)
    silent = run.reports.assign(
        received_at=pd.Series(pd.NaT, run.reports.index).dt.tz_localize("UTC")
    )
    with pytest.raises(ValueError, match="does not say when its reports arrived"):
        report.outages(replace(run, ledger=None, reports=silent))


def test_without_reports_there_are_no_gaps() -> None:
    callback = {"address": False}
    run = simulate(scenario(days=1, applications=[{"name": "shop"}], callback=callback))
    found = report.outages(run)
    assert found.empty
    assert found.columns.tolist() == ["begins", "ends", "length_s", "expected", "p"]
