"""The report of getting started against the table, the messages and the KPI of the first day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import smssim
from smssim import report
from smssim.pages import tables
from smssim.record.storage import load, save
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate


def run(rows: bool = True, **changes: Any) -> Run:
    """A company that starts from zero and sends to Singapore."""
    made: dict[str, Any] = {
        "start": "2026-03-02T01:00:00Z",
        "days": 20,
        "onboarding": {"authentication": 32_400},
        "applications": [{"name": "shop"}],
        "templates": [{"name": "login", "application": "shop"}],
        "review": {"decision": 3_600, "next_workday": 3_600},
        "traffic": [{"name": "api", "template": "login", "country": "SG", "messages_a_day": 100}],
    }
    return simulate(Scenario.model_validate(made | changes), rows=rows)


def kpi(made: Run, name: str) -> float:
    found = report.kpis(made).set_index("name")["value"]
    return float(found[name])


def test_a_row_a_step_with_its_hours_and_day() -> None:
    made = run()
    found = report.onboarding(made)
    assert made.onboarding is not None
    assert found["step"].tolist()[:-1] == made.onboarding["step"].tolist()
    took = (found["done_at"] - found["began_at"]) / pd.Timedelta(hours=1)
    pd.testing.assert_series_equal(found["hours"], took, check_names=False)
    steps = found.set_index("step")
    assert steps.loc["registration", "hours"] == 1
    assert steps.loc["enabling", "hours"] == 24, "a workday of nine hours, from ten to ten"
    assert steps.loc["country_registration", ["subject", "kind"]].tolist() == ["SG", "brand"]
    assert steps.loc["enabling", "day"] == 2


def test_the_last_row_is_the_first_message() -> None:
    made = run()
    last = report.onboarding(made).iloc[-1]
    assert made.messages is not None
    sent = made.messages.loc[made.messages["refused_at"] == "", "submitted_at"]
    assert last["step"] == "first_message"
    assert last["began_at"] == pd.Timestamp("2026-03-02T01:00:00Z")
    assert last["done_at"] == sent.min()
    assert last["day"] == kpi(made, "first_message.day") == 2


def test_without_rows_the_first_message_is_known_to_the_quarter_of_an_hour() -> None:
    exact, coarse = (report.onboarding(run(rows=rows)) for rows in (True, False))
    first, slot = coarse["done_at"].iloc[-1], exact["done_at"].iloc[-1].floor("15min")
    usable = coarse.set_index("step").loc["template", "done_at"]
    assert slot < usable, "else the slot itself is known"
    assert first == usable, "no message goes out before its template"
    assert first.floor("15min") == slot
    pd.testing.assert_frame_equal(coarse.iloc[:-1], exact.iloc[:-1])
    assert coarse["day"].iloc[-1] == exact["day"].iloc[-1]


def test_a_refusal_has_its_reason_and_no_hours() -> None:
    made = run(onboarding={"account_type": "personal"})
    found = report.onboarding(made).set_index("step")
    assert found.loc["authentication", "refused"].startswith("a personal account")
    assert found.loc["authentication":, "hours"].isna().all()
    assert pd.isna(found.loc["first_message", "done_at"])
    assert pd.isna(found.loc["first_message", "day"])


def test_an_account_that_was_ready_has_its_first_message_only() -> None:
    found = report.onboarding(run(onboarding=None))
    assert found["step"].tolist() == ["first_message"]
    assert found["began_at"].isna().all()
    assert found["day"].tolist() == [0]


def test_it_is_kept_on_disk(tmp_path: Any) -> None:
    made = run()
    save(made, tmp_path / "run")
    again = report.onboarding(load(tmp_path / "run"))
    pd.testing.assert_frame_equal(again, report.onboarding(made))


def test_a_log_knows_no_steps_and_a_stripped_run_is_refused() -> None:
    made = run()
    log = replace(made, onboarding=None, ledger=None, events=None, reviews=None, packages=None)
    assert report.onboarding(log)["step"].tolist() == ["first_message"]
    assert report.onboarding(log).dtypes.to_dict() == report.onboarding(made).dtypes.to_dict()
    with pytest.raises(ValueError, match=r"report.onboarding needs onboarding"):
        report.onboarding(replace(made, onboarding=None))


def test_it_says_that_nobody_new_is_enabled() -> None:
    assert "2025-01-10" in (report.onboarding.__doc__ or "")


def test_a_summary_says_what_the_start_hangs_on() -> None:
    made = run(review={"reviewers": 2, "longer": {"SG": 3_600}})
    text = " ".join(str(smssim.summary(made)).split())
    for part in (
        "enabling 9 h of working time; Huawei enables no new users since 2025",
        "registration SG: takes 90 h of working time, until then REJECTD",
        "review: 2 at work, 30 min of working time a template; 0% rejected",
        "review, SG: 60 min of working time longer",
    ):
        assert part in text, text


def test_a_summary_has_the_steps_and_the_first_message() -> None:
    """A line a step, the first message last; nothing where the account is ready."""
    path = Path(__file__).parents[1] / "data/scenarios/from_zero.yaml"
    run = simulate(path, rows=False)
    lines = tables.getting_started(run).lines()
    assert len(lines) == 1 + len(report.onboarding(run))
    assert lines[1].split()[0] == "registration"
    assert lines[-1].split()[:2] == ["first", "message"]
    ready = path.with_name("weekend_review.yaml")
    assert tables.getting_started(simulate(ready, rows=False)).lines() == []
