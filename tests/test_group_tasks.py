"""The Group SMS Assistant: when tasks are made, cancelled and refused, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from hypothesis import given, settings
from identity import assert_identical
from worlds import worlds

import smssim
from smssim import report
from smssim.calendars import MINUTE, SECOND, to_us
from smssim.record import storage as disk
from smssim.scenario import Scenario, ScenarioError, group_tasks
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import Run, simulate

OFFER = {"name": "offer", "template": "code", "at": "2026-04-02T10:00Z", "countries": {"ID": 900}}
COUNTS = ["refused", "sent", "delivered", "failed", "in_flight"]
GROUPED = ["numbers", "imported", "duplicates", "invalid", *COUNTS]


def scenario(*tasks: dict[str, Any], **changes: Any) -> Scenario:
    """Passwords for three days, and group tasks next to them."""
    made = {
        "start": "2026-04-01",
        "days": 3,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app"}],
        "traffic": [{"name": "api", "template": "code", "country": "ID", "messages_a_day": 100}],
        "group_tasks": [OFFER | task for task in tasks],
        "quota": {"daily_limit": 5_000, "monthly_limit": 50_000},
        "thresholds": {
            "daily_alarm": 4_000,
            "daily_limit": 5_000,
            "monthly_alarm": 40_000,
            "monthly_limit": 50_000,
        },
        "queue": {"throughput_per_s": 1},
    }
    return Scenario.model_validate(made | changes)


def refused(task: dict[str, Any], **changes: Any) -> str:
    """The text of the error of a scenario with one task."""
    with pytest.raises(ScenarioError) as caught:
        scenario(task, **changes)
    return str(caught.value)


def events(run: Run, *names: str) -> list[tuple[int, str, str]]:
    """The events of some kinds: when, what, to which task."""
    assert run.events is not None
    own = run.events[run.events["event"].isin(names)]
    return [(to_us(row.at), row.event, row.subject) for row in own.itertuples()]


def states(run: Run) -> dict[str, str]:
    """The state of each task at the end of a run."""
    found = report.tasks(run)
    return dict(zip(found["task"], found["state"], strict=True))


def written(file: Path, *cells: str) -> Path:
    """An XLSX with these cells in column A."""
    book = xlsxwriter.Workbook(str(file))
    book.add_worksheet().write_column(0, 0, cells)
    book.close()
    return file


@pytest.mark.parametrize(
    ("created", "last"),
    [
        ("2026-03-02T10:00Z", "2026-04-02T10:00:00Z"),
        ("2026-01-31T23:59:59.5Z", "2026-02-28T23:59:59.500000Z"),
        ("2027-12-31T00:00Z", "2028-01-31T00:00:00Z"),
        ("2028-01-30T07:00+08:00", "2028-02-29T23:00:00Z"),
    ],
)
def test_task_schedule_a_month_ahead(created: str, last: str) -> None:
    at = pd.Timestamp(last)
    start = at.floor("D").isoformat()
    assert scenario({"created": created, "at": at.isoformat()}, start=start)
    later = (at + pd.Timedelta(microseconds=1)).isoformat()
    told = refused({"created": created, "at": later}, start=start)
    assert told.startswith("group_tasks.0.at: ")
    assert "must be at most a month after when it is made" in told
    assert told.endswith("(DOMAIN.md section 8)")


def test_a_task_is_made_at_the_start_if_nothing_is_said() -> None:
    assert scenario({"at": "2026-05-01T00:00Z"}, days=40)
    told = refused({"at": "2026-05-01T00:00:01Z"}, days=40)
    assert "at most a month after when it is made, 2026-04-01T00:00:00Z" in told
    early = scenario({"at": "2026-03-31T23:59Z", "pace_per_s": 1})
    found = report.tasks(simulate(early, rows=False)).iloc[0]
    assert found["created_at"] == found["at"] == pd.Timestamp("2026-03-31T23:59Z")
    assert found["imported"] - found["sent"] == found["not_handed_over"] == 60
    told = refused({"created": "2026-04-02T10:00:01Z"})
    assert told == (
        "group_tasks.0.created: 2026-04-02T10:00:01Z must not be after at(=2026-04-02T10:00:00Z)"
    )


def test_task_cancel_five_minutes_before() -> None:
    """In a scenario: a message for every number, or for none."""
    run = simulate(scenario({"cancelled": "2026-04-02T09:55Z"}))
    assert run.messages is not None
    assert set(run.messages["source"]) == {"api"}
    at_us = to_us(pd.Timestamp("2026-04-02T09:55Z"))
    assert events(run, "task_cancelled") == [(at_us, "task_cancelled", "offer")]
    assert states(run) == {"offer": "cancelled"}
    told = refused({"cancelled": "2026-04-02T09:55:00.000001Z"})
    assert told == (
        "group_tasks.0.cancelled: 2026-04-02T09:55:00.000001Z must be at least 5 minutes before "
        "at(=2026-04-02T10:00:00Z) (DOMAIN.md section 8)"
    )
    told = refused({"cancelled": "2026-03-31T23:59:59Z"})
    assert "must not be before when it is made, 2026-04-01T00:00:00Z" in told


def test_a_task_cancelled_before_the_run_tells_nothing() -> None:
    task = {"created": "2026-03-20", "cancelled": "2026-03-31"}
    run = simulate(scenario(task), rows=False)
    assert states(run) == {"offer": "cancelled"}
    assert not events(run, "task_cancelled")
    assert report.tasks(run)["sent"].item() == 0


def cancel(env: Any, account: Any, at_us: int, name: str, told: list[str]) -> Iterator[Any]:
    """A policy that gives the command at one instant, twice, and notes what is said."""
    yield env.timeout(at_us - env.now)
    try:
        account.cancel_task(name)
        account.cancel_task(name)
        yield env.timeout(1)
        account.cancel_task(name)
    except ValueError as error:
        told.append(str(error))


@pytest.mark.parametrize(
    ("before_us", "created", "state", "told"),
    [
        (5 * MINUTE, None, "cancelled", "is cancelled already"),
        (5 * MINUTE - 1, None, "finished", "must start in at least 5 minutes"),
        (-SECOND, None, "finished", "not in -1 s"),
        (2 * 60 * MINUTE + 1, "2026-04-02T08:00Z", "finished", "that is made already"),
        (2 * 60 * MINUTE, "2026-04-02T08:00Z", "cancelled", "is cancelled already"),
    ],
)
def test_a_policy_cancels_five_minutes_before(
    before_us: int, created: str | None, state: str, told: str
) -> None:
    at_us = to_us(pd.Timestamp("2026-04-02T10:00Z")) - before_us
    said: list[str] = []
    policy = partial(cancel, at_us=at_us, name="offer", told=said)
    run = simulate(scenario({"created": created} if created else {}), policies=[policy])
    assert len(said) == 1
    assert told in said[0]
    assert states(run) == {"offer": state}
    once = [(at_us + 1, "task_cancelled", "offer")] if state == "cancelled" else []
    assert events(run, "task_cancelled") == once


def test_only_a_group_task_can_be_cancelled() -> None:
    said: list[str] = []
    first_us = to_us(pd.Timestamp("2026-04-01"))
    policy = partial(cancel, at_us=first_us, name="api", told=said)
    simulate(scenario({}), policies=[policy], rows=False)
    assert said == ["name(='api') is not a group task of this scenario"]


def test_a_cancelled_task_changes_no_message_of_others() -> None:
    """Whether it is planned and cancelled or never made, the passwords are the same."""
    with_it = simulate(scenario({"cancelled": "2026-04-02T09:00Z"})).messages
    without = simulate(scenario()).messages
    assert with_it is not None
    assert without is not None
    columns = [name for name in without.columns if name != "source"]
    pd.testing.assert_frame_equal(with_it[columns], without[columns])


@pytest.mark.parametrize("key", ["repeat", "cron", "interval", "periodic"])
def test_no_periodic_tasks(key: str) -> None:
    assert refused({key: "1 day"}) == (
        f"group_tasks.0.{key}: unknown key {key!r}: the assistant has no periodic tasks: "
        "`every: Friday 18:00` writes each one out"
    )


def test_task_file_at_most_12_mb(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task by counts has a file, too; a million numbers fit, as the documents have it."""
    assert scenario({"countries": {"ID": 1_000_000}})
    monkeypatch.setattr(group_tasks, "estimated_file_bytes", lambda numbers, digits: 14 * numbers)
    assert scenario({"countries": {"ID": 898_779}})
    told = refused({"countries": {"ID": 898_780}})
    assert "898780 numbers make a file of some 12,582,920 bytes: at most 12,582,912" in told


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["number", "nonsense", "12"], "valid numbers(=0 of 2) must be > 0"),
        ([], "valid numbers(=0 of 0) must be > 0"),
    ],
)
def test_task_without_a_valid_number_is_refused(
    tmp_path: Path, cells: list[str], reason: str
) -> None:
    """The console refuses the task, and everything else goes on."""
    written(tmp_path / "bad.xlsx", *cells)
    bad = {"name": "bad", "countries": {}, "file": "bad.xlsx", "created": "2026-04-01T12:00Z"}
    (tmp_path / "scenario.json").write_text(scenario(bad, {}).to_json())
    made = Scenario.load(tmp_path / "scenario.json")
    for tuning in (Tuning(), Tuning(50, 3, 17)):
        assert_identical(made, 1, (), tuning)
    run = simulate(made, rows=False)
    assert states(run) == {"bad": "refused", "offer": "finished"}
    created_us = to_us(pd.Timestamp("2026-04-01T12:00Z"))
    assert events(run, "task_refused") == [(created_us, "task_refused", "bad")]
    row = report.tasks(run).iloc[0]
    assert row["reason"] == reason
    assert row[["imported", *COUNTS]].tolist() == [0] * 6
    assert row[["numbers", "duplicates", "invalid", "finished_at"]].isna().all()


def test_task_results_count_what_import_drops(tmp_path: Path) -> None:
    numbers = [f"+62812345{i:05d}" for i in range(40)]
    written(tmp_path / "numbers.xlsx", "number", *numbers, numbers[0], numbers[1], "nonsense")
    (tmp_path / "scenario.json").write_text(
        scenario({"countries": {}, "file": "numbers.xlsx"}).to_json()
    )
    made = Scenario.load(tmp_path / "scenario.json")
    assert_identical(made, 1, (), Tuning())
    row = report.tasks(simulate(made, rows=False))[GROUPED[:4]].iloc[0]
    assert row.tolist() == [43, 40, 2, 1]


def counted(run: Run) -> pd.DataFrame:
    """The results of tasks by a plain count of the messages."""
    rows = run.messages
    assert rows is not None
    sent, known = rows["refused_at"] == "", rows["status"].notna()
    delivered = rows["status"] == "DELIVRD"
    cells = {
        "refused": ~sent,
        "sent": sent,
        "delivered": sent & delivered,
        "failed": sent & known & ~delivered,
        "in_flight": sent & ~known,
    }
    names = report.tasks(run)["task"].tolist()
    found = pd.DataFrame(cells).groupby(rows["source"].astype(str)).sum().reindex(names)
    return found.fillna(0).astype("int64").reset_index(drop=True)


def laws(run: Run) -> None:
    """What holds of the results of all group tasks."""
    found = report.tasks(run)
    assert (found["imported"] == found["refused"] + found["sent"] + found["not_handed_over"]).all()
    assert (found["sent"] == found["delivered"] + found["failed"] + found["in_flight"]).all()
    assert (found[[*COUNTS, "not_handed_over"]] >= 0).all(axis=None)
    read = found[found["reason"].isna()]
    dropped = read["numbers"] - read["duplicates"] - read["invalid"]
    assert (dropped == read["imported"]).all()
    idle = found[found["state"].isin(["cancelled", "refused"])]
    assert (idle["not_handed_over"] == idle["imported"]).all()
    assert (found["finished_at"].notna() == (found["state"] == "finished")).all()


@pytest.mark.parametrize("tuning", [Tuning(), Tuning(50, 3, 17)], ids=str)
@settings(max_examples=25, deadline=None)
@given(world=worlds())
def test_task_results_conserve(
    tuning: Tuning, world: tuple[Scenario, int, tuple[Callable[..., Any], ...]]
) -> None:
    """With or without rows the same, as many as a plain count finds, and none is lost."""
    made, seed, policies = world
    run = simulate(made, rng=seed, policies=policies, tuning=tuning)
    bare = simulate(made, rng=seed, policies=policies, rows=False)
    laws(run)
    pd.testing.assert_frame_equal(report.tasks(run)[COUNTS], counted(run))
    pd.testing.assert_frame_equal(report.tasks(run), report.tasks(bare))


def stop(env: Any, account: Any) -> Iterator[Any]:
    """Stop one of the tasks in its middle."""
    yield env.timeout(to_us(pd.Timestamp("2026-04-02T10:01Z")) - env.now)
    account.stop_source("stopped")


def test_every_state_at_the_end_of_a_run(tmp_path: Path) -> None:
    """Five tasks with their limits met: the counts stay when the record is kept on disk."""
    written(tmp_path / "bad.xlsx", "nonsense")
    made = scenario(
        {"name": "finished", "countries": {"ID": 400, "TH": 50}},
        {"name": "sending", "at": "2026-04-03T23:59Z", "pace_per_s": 2},
        {"name": "stopped", "pace_per_s": 5},
        {"name": "cancelled", "cancelled": "2026-04-01"},
        {"name": "refused", "countries": {}, "file": "bad.xlsx"},
        thresholds={
            "daily_alarm": 300,
            "daily_limit": 500,
            "monthly_alarm": 40_000,
            "monthly_limit": 50_000,
        },
    )
    (tmp_path / "scenario.json").write_text(made.to_json())
    run = simulate(tmp_path / "scenario.json", policies=[stop], out=tmp_path / "out")
    assert_identical(Scenario.load(tmp_path / "scenario.json"), 1, [stop], Tuning(50, 3, 17))
    assert states(run) == {name: name for name in states(run)}
    laws(run)
    found = report.tasks(run).set_index("task")
    np.testing.assert_array_equal(found[COUNTS], counted(run))
    assert found["imported"].tolist() == [450, 900, 900, 900, 0]
    assert found.loc["sending", "not_handed_over"] == 900 - 120
    assert found.loc["stopped", "not_handed_over"] == 900 - 301
    assert found.loc["stopped", "refused"] > 0
    kept = disk.load(tmp_path / "out")
    pd.testing.assert_frame_equal(report.tasks(kept), report.tasks(run))
    assert "GROUP TASKS" in smssim.summary(run)


def test_a_record_without_tasks_has_no_rows() -> None:
    run = simulate(scenario(), rows=False)
    log = replace(run, tasks=None, ledger=None)
    assert len(report.tasks(run)) == len(report.tasks(log)) == 0
    assert report.tasks(run).dtypes.to_dict() == report.tasks(log).dtypes.to_dict()
    assert "GROUP TASKS" not in smssim.summary(run)
    with pytest.raises(ValueError, match="needs tasks"):
        report.tasks(replace(run, tasks=None))
