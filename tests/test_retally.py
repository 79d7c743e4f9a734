"""Counts by any keys: the same from tallies, from rows, and from a directory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from test_tally import bins, charge, outcome
from worlds import worlds

from smssim import report
from smssim.record.from_frames import tally_frames
from smssim.record.storage import save
from smssim.report.tally import KEYS, SUMS
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

invented = settings(settings.get_profile("worlds"), max_examples=25)
KEPT: tuple[Any, ...] = (
    (),
    "day",
    ["month", "country"],
    ["outcome", "type"],
    ["application", "refused_at", "status"],
    ["template", "charge"],
    ["application", "template", "type"],
    ["source", "outcome"],
    ["country", "outcome"],
)
"""Groups that a tally is kept by."""
OTHER: tuple[Any, ...] = (
    ["source", "day"],
    ["day", "template"],
    ["hour", "charge"],
    ["package", "bin"],
)


def scenario(**changes: Any) -> Scenario:
    """Two countries, packages that run out, resends, some of the platform's own refusals."""
    plain = {
        "start": "2026-03-30T00:00:00Z",
        "days": 4,
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {
            "daily_alarm": 700,
            "daily_limit": 900,
            "monthly_alarm": 9_000,
            "monthly_limit": 90_000,
        },
        "applications": [{"name": "shop"}, {"name": "news"}],
        "templates": [
            {"name": "code", "application": "shop"},
            {"name": "offer", "application": "news", "type": "notification", "segments": 3},
        ],
        "packages": [{"country": "ID", "segments": 700}, {"country": "ID", "segments": 80}],
        "traffic": [
            {
                "name": "a",
                "template": "code",
                "country": "ID",
                "messages_a_day": 400,
                "resend": {"patience": 60, "at_most": 2},
            },
            {"name": "b", "template": "offer", "country": "TH", "messages_a_day": 100},
        ],
    }
    return Scenario.model_validate(plain | changes)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


def by_groupby(run: Run, by: str | Sequence[str]) -> pd.DataFrame:
    """The same counts by pandas alone, a row at a time where rules are."""
    assert run.messages is not None
    keys = [by] if isinstance(by, str) else list(by)
    rows = run.messages.copy()
    at = rows["submitted_at"].dt.tz_localize(None)
    rows["charge"] = [charge(row) for row in rows.itertuples()]
    rows["outcome"] = [outcome(row) for row in rows.itertuples()]
    rows["month"] = at.dt.to_period("M").dt.to_timestamp()
    for name, step in (("slot", "15min"), ("hour", "h"), ("day", "D")):
        rows[name] = at.dt.floor(step)
    delays = (rows["final_at"] - rows["submitted_at"]).where(rows["outcome"] == "delivered")
    rows["bin"] = bins(delays.fillna(pd.Timedelta(0))).where(delays.notna())
    rows["segments_each"] = rows["segments"]
    rows["messages"] = 1
    rows = rows.astype({**dict.fromkeys(SUMS, "int64"), **dict.fromkeys(keys, object)})
    if not keys:
        return rows[list(SUMS)].sum().to_frame().T
    return rows.groupby(keys, dropna=False)[list(SUMS)].sum().reset_index()


def assert_counted(found: pd.DataFrame, plain: pd.DataFrame) -> None:
    """Demand the same groups with the same counts."""
    assert list(found.columns) == list(plain.columns)
    left, right = (
        sorted(f.astype(object).where(f.notna(), None).to_numpy().tolist(), key=str)
        for f in (found, plain.astype(found.dtypes))
    )
    assert left == right


@seed(1)
@invented
@given(worlds(), st.lists(st.sampled_from(KEYS), max_size=3, unique=True))
def test_counts_are_a_groupby_of_the_rows(
    world: tuple[Scenario, int, tuple[Any, ...]], by: list[str]
) -> None:
    """Whatever the keys, and whether or not a tally is kept by them."""
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}, {by}")
    run = simulate(scenario, rng=rng, policies=policies)

    assert_counted(report.tally(run, by), by_groupby(run, by))


@pytest.mark.parametrize("by", KEPT, ids=str)
def test_tallies_rows_and_files_count_the_same(run: Run, by: Any, tmp_path: Path) -> None:
    """Types included: where the counts come from must not show."""
    save(run, tmp_path / "record")
    rowless = replace(run, messages=None)

    found = report.tally(rowless, by)

    assert_counted(found, by_groupby(run, by))
    assert_frame_equal(report.tally(tmp_path / "record", by), found)
    assert_frame_equal(report.tally(str(tmp_path / "record"), by), found)


@pytest.mark.parametrize("by", OTHER, ids=str)
def test_other_keys_are_counted_from_rows_or_files(run: Run, by: Any, tmp_path: Path) -> None:
    simulate(scenario(), rows=False, out=tmp_path / "record")

    found = report.tally(run, by)

    assert_counted(found, by_groupby(run, by))
    assert_frame_equal(report.tally(tmp_path / "record", by), found)
    with pytest.raises(
        ValueError, match=r"no tally has messages, .* by\(=.*\), and 'scenario' has no"
    ):
        report.tally(replace(run, messages=None), by)


def test_chunks_do_not_show(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = report.tally(run, ["source", "hour"])
    monkeypatch.setattr(sys.modules["smssim.report.tally"], "_CHUNK", 7)

    assert_frame_equal(report.tally(run, ["source", "hour"]), whole)


def test_some_measures_are_enough(run: Run) -> None:
    """The clock has no charges: by slot they need the rows, messages do not."""
    rowless = replace(run, messages=None)

    for by in ("slot", ["hour", "country", "outcome"]):
        assert_frame_equal(
            report.tally(rowless, by, SUMS[:3]), report.tally(run, by).drop(columns="cost_micro")
        )
    with pytest.raises(ValueError, match="no tally has cost_micro by"):
        report.tally(rowless, "slot", ["cost_micro"])
    assert report.tally(run, "slot")["cost_micro"].sum() == report.tally(run, ())["cost_micro"][0]


@pytest.mark.parametrize(
    ("by", "measures", "error"),
    [
        ("minute", SUMS, r"by\(=\['minute'\]\) must be some of slot, hour"),
        (["day", "day"], SUMS, "each once"),
        ("day", ["reports"], r"measures\(=\['reports'\]\) must be some of messages"),
    ],
)
def test_unknown_keys_are_refused(run: Run, by: Any, measures: Any, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        report.tally(run, by, measures)


def test_a_directory_without_messages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no messages.parquet to count by \['source'\]"):
        report.tally(tmp_path, "source")


def test_a_log_has_no_charges(run: Run, tmp_path: Path) -> None:
    """NA from its tallies, its rows, and its files alike."""
    rows, reports = run.messages, run.reports
    assert rows is not None
    assert reports is not None
    unknown = pd.array([pd.NA] * len(rows), "Int32")
    rows = rows.assign(covered_segments=unknown, cost_micro=unknown)
    tallies = tally_frames(rows, reports, run.observed_from, run.observed_until)
    log = replace(run, messages=rows, tallies=tallies, ledger=None)
    save(log, tmp_path / "log")

    for by in ("country", "source", ()):
        found = report.tally(log, by)
        assert found[["covered_segments", "cost_micro"]].isna().all(axis=None)
        assert found["segments"].sum() == rows["segments"].sum()
        assert_frame_equal(report.tally(tmp_path / "log", by), found)


def test_latency_by_day_comes_from_bins(run: Run) -> None:
    """What the delivery report cannot show by day, the bins can."""
    found = report.tally(run, ["day", "bin"]).dropna(subset="bin")

    kept = run.tallies.latency
    assert (
        found.groupby("bin")["messages"].sum().tolist()
        == kept.groupby("bin")["messages"].sum().tolist()
    )
    assert np.issubdtype(found["day"].dtype, np.datetime64)
