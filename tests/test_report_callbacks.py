"""Delivery reports against plain counts over their rows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from worlds import worlds

from smssim import report
from smssim.pages.answers import answers
from smssim.record.from_frames import tally_frames
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate
from smssim.stats.intervals import score_of_few

invented = settings(settings.get_profile("worlds"), max_examples=20)
DELAYS = {"delay_p50_s": 0.5, "delay_p95_s": 0.95, "delay_p99_s": 0.99}


def scenario(**callback: Any) -> Scenario:
    """Two days of passwords, pushed to a server that is down for hours."""
    plain = {
        "start": "2026-03-01T00:00:00Z",
        "days": 2,
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {
            "daily_alarm": 7_000,
            "daily_limit": 15_000,
            "monthly_alarm": 90_000,
            "monthly_limit": 900_000,
        },
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop", "segments": {1: 0.5, 3: 0.5}}],
        "traffic": [{"name": "a", "template": "code", "country": "ID", "messages_a_day": 900}],
        "callback": {
            "no_answer_share": 0.1,
            "lost_answer_share": 0.1,
            "retries_s": [60, 3_600, 14_400],
            "outages": [{"at": "2026-03-01T10:00:00Z", "minutes": 500}],
        }
        | callback,
    }
    return Scenario.model_validate(plain)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


def before_turn(run: Run) -> pd.Series:
    """The reports that arrived before one that was made earlier, each held against all others."""
    assert run.messages is not None
    assert run.reports is not None
    came = run.reports[run.reports["state"] == "received"]
    made, at = run.messages["final_at"].loc[came["message"]].to_numpy(), came["received_at"]
    earlier = made[None, :] < made[:, None]
    later = at.to_numpy()[None, :] > at.to_numpy()[:, None]
    return pd.Series((earlier & later).any(axis=1), came.index, dtype=bool)


def assert_counted(found: Any, run: Run, own: pd.DataFrame, turns: pd.Series) -> None:
    """Demand that a row of the report is what some rows of reports say."""
    assert run.messages is not None
    assert found["out_of_order"] == turns[turns.index.isin(own.index)].sum()
    states = {s: int((own["state"] == s).sum()) for s in ("received", "lost", "pending")}
    assert {name: found[name] for name in states} == states
    assert found["reports"] == len(own)
    assert found["deliveries"] == own["deliveries"].sum()
    assert found["duplicates"] == own["deliveries"].sum() - states["received"]
    assert found["attempts_mean"] == pytest.approx(
        own["attempts"].astype(float).mean(), nan_ok=True
    )
    decided = states["received"] + states["lost"]
    every, pending = sum(states.values()), states["pending"]
    share = (
        (
            states["received"] / decided,
            score_of_few(states["received"] / every, every).low,
            score_of_few((states["received"] + pending) / every, every).high,
        )
        if decided
        else (math.nan,) * 3
    )
    names = [f"received_share{end}" for end in ("", "_low", "_high")]
    assert [found[name] for name in names] == pytest.approx(list(share), nan_ok=True)
    made = run.messages["final_at"].loc[own["message"]].set_axis(own.index)
    delays = np.sort((own["received_at"] - made).dropna().dt.total_seconds())
    assert found["late"] == (delays > 60).sum()
    for name, q in DELAYS.items():
        wanted = delays[math.ceil(round(q * len(delays), 9)) - 1] if len(delays) else math.nan
        assert found[name] == pytest.approx(wanted, rel=0.01, abs=1e-3, nan_ok=True)


@seed(1)
@invented
@given(worlds())
def test_reports_are_counted_as_the_rows_say(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    """All of them, and by the number of attempts."""
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)
    rows = run.reports
    assert rows is not None

    turns = before_turn(run)
    assert_counted(report.callbacks(run).astype(float).iloc[0], run, rows, turns)
    by_attempts = report.callbacks(run, by="attempts")
    assert by_attempts["attempts"].tolist() == sorted(rows["attempts"].unique())
    for _, found in by_attempts.astype(float).iterrows():
        assert_counted(found, run, rows[rows["attempts"] == found["attempts"]], turns)
    counted = report.callbacks(replace(run, messages=None, reports=None), late_s=45).iloc[0]
    assert pd.isna(counted["out_of_order"])
    by_rows = report.callbacks(run, late_s=45).iloc[0]["late"]
    assert pd.isna(counted["late"]) or counted["late"] == by_rows


def test_retries_bring_reports_late_and_twice(run: Run) -> None:
    found = report.callbacks(run).iloc[0]
    once = report.callbacks(simulate(scenario(retries_s=[]))).iloc[0]

    assert run.reports is not None
    assert_counted(found.astype(float), run, run.reports, before_turn(run))
    assert found["late"] > 0
    assert once["late"] == once["out_of_order"] == 0 < found["out_of_order"]
    assert found["duplicates"] > 0
    assert once["duplicates"] == 0
    assert once["lost"] > found["lost"]
    assert once["received_share_high"] < found["received_share_low"]
    assert once["delay_p99_s"] == 0 < found["delay_p99_s"]


def test_an_error_is_no_receipt() -> None:
    """Whatever is answered with an error all the time is lost; some of the time, it comes late."""
    calm = {"no_answer_share": 0, "lost_answer_share": 0, "outages": []}
    for share, retries, least, most in (
        (1, [60], 0, 0),
        (0.5, [], 0.45, 0.55),
        (0.5, [60], 0.7, 0.8),
    ):
        reports = simulate(scenario(**calm, error_answer_share=share, retries_s=retries)).reports
        assert reports is not None
        assert least <= (reports["state"] == "received").mean() <= most
        assert reports["deliveries"].max() <= 1


def test_without_an_address_nothing_is_made() -> None:
    found = report.callbacks(simulate(scenario(address=False))).iloc[0]

    assert found[["reports", "received", "lost", "pending", "deliveries"]].tolist() == [0] * 5
    assert found[["received_share", "attempts_mean", "delay_p50_s"]].isna().all()
    assert len(report.callbacks(simulate(scenario(address=False)), by="attempts")) == 0


def test_a_log_knows_only_what_was_received(run: Run) -> None:
    assert run.messages is not None
    assert run.reports is not None
    came = run.reports[run.reports["state"] == "received"].reset_index(drop=True)
    came = came.assign(attempts=pd.array([None] * len(came), "Int8"))
    tallies = tally_frames(run.messages, came, run.observed_from, run.observed_until)
    log = replace(run, ledger=None, events=None, tallies=tallies)

    found, whole = report.callbacks(log).iloc[0], report.callbacks(run).iloc[0]

    unknown = [
        "reports",
        "lost",
        "pending",
        "received_share",
        "received_share_low",
        "attempts_mean",
    ]
    assert found[unknown].isna().all()
    assert found["received"] == whole["received"] == len(came)
    assert found["duplicates"] == came["deliveries"].sum() - len(came)
    assert found["delay_p95_s"] == whole["delay_p95_s"]
    assert report.callbacks(log, by="attempts")["attempts"].isna().tolist() == [True]


def test_exactly_a_minute_is_not_late() -> None:
    """The server is up again for the second push, a minute after the status."""
    down = [{"at": "2026-03-01T10:00:00Z", "minutes": 1}]
    call = {"at": "2026-03-01T10:00:00Z", "to": [{"status": "DELIVRD", "latency_s": 0}]}
    late = {"at": "2026-03-01T10:00:30Z", "to": [{"status": "DELIVRD", "latency_s": 0}]}
    made = {"name": "c", "template": "code", "country": "ID", "calls": [call, late]}
    server = {"no_answer_share": 0, "lost_answer_share": 0, "outages": down}
    one = scenario(**server, retries_s=[60])
    run = simulate(one.change(traffic=[], calls=[made]))

    counted = [report.callbacks(run, late_s=s)["late"].iloc[0] for s in (0, 59.9, 60, 61)]
    assert counted == [len(run.reports), len(run.reports), 0, 0]
    bare = replace(run, reports=None)
    assert report.callbacks(bare, late_s=10)["late"].iloc[0] == len(run.reports)
    assert pd.isna(report.callbacks(bare)["late"].iloc[0]), "the bin of 60 s does not show"


def test_what_does_not_tell_its_time_is_left_out(run: Run) -> None:
    """A status without a time, as EXPIRED in a capture: neither late nor out of turn is known."""
    assert run.messages is not None
    assert run.reports is not None
    hushed = run.messages["final_at"].where(run.messages["status"] == "DELIVRD")
    mute, ends = run.messages.assign(final_at=hushed), (run.observed_from, run.observed_until)
    tallies = tally_frames(mute, run.reports, *ends)
    log = replace(run, ledger=None, events=None, messages=mute, tallies=tallies)
    found = report.callbacks(log).iloc[0]

    came = run.reports[run.reports["state"] == "received"]
    told = came[(run.messages["status"] == "DELIVRD").loc[came["message"]].to_numpy()]
    made = run.messages["final_at"].loc[told["message"]].set_axis(told.index)
    assert found["timed"] == len(told) < found["received"] == len(came)
    assert found["late"] == ((told["received_at"] - made).dt.total_seconds() > 60).sum()
    assert found["out_of_order"] == before_turn(replace(run, reports=told)).sum()
    silent = run.reports.assign(received_at=run.messages["final_at"].iloc[:0])
    tallies = tally_frames(run.messages, silent, *ends)
    none = report.callbacks(replace(log, reports=silent, tallies=tallies)).iloc[0]
    assert none["timed"] == 0
    assert none[["late", "out_of_order"]].isna().all()
    with pytest.raises(ValueError, match=r"late_s\(=-1\) must be >= 0"):
        report.callbacks(run, late_s=-1)


def test_other_groups_are_refused(run: Run) -> None:
    with pytest.raises(ValueError, match=r"by\(='country'\) must be attempts or nothing"):
        report.callbacks(run, by="country")


def test_lost_reports_are_a_warning() -> None:
    total = report.callbacks(made := simulate(scenario(), rows=False), by=()).iloc[0]
    (lost,) = (answer for answer in answers(made) if answer.name == "DLRs lost")
    assert lost.severity == "warning"
    assert lost.text.startswith(
        f"{int(total['lost']):,} of {int(total['reports']):,} delivery reports"
    )
    kept = simulate(scenario(no_answer_share=0, outages=[]), rows=False)
    assert "DLRs lost" not in {answer.name for answer in answers(kept)}
