"""Our own messages.parquet read back: the tallies of its rows are the run's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from test_retally import scenario
from worlds import worlds

from smssim import read_log
from smssim.logs import Log, QuarantinedError
from smssim.record import storage as disk
from smssim.record.from_frames import tally_frames
from smssim.record.parquet import TableWriter, compact, frame_types
from smssim.record.tallies import NAMES, Tallies
from smssim.scenario import Scenario
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import Run, simulate

SCENARIOS = Path(__file__).parents[1] / "data/scenarios"
invented = settings(
    settings.get_profile("worlds"),
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


def assert_same(found: Tallies, wanted: Tallies) -> None:
    """Demand the same cells in the same order, of the same types."""
    assert found.observed_until == wanted.observed_until
    for name in NAMES:
        assert_frame_equal(found.frame(name), wanted.frame(name), obj=name)


def spoil(directory: Path) -> None:
    """Make the saved tallies wrong, so that nobody can have read them."""
    for file in (directory / "tallies").iterdir():
        file.write_bytes(b"not a table")


def rewrite(file: Path, table: pa.Table | None = None, group: int = 1_000, **how: Any) -> None:
    """Write a file of ours again in another way, or another table, with what the file tells."""
    about = pq.read_metadata(file).metadata[b"smssim"].decode()
    table = pq.read_table(file) if table is None else table
    with pq.ParquetWriter(file, table.schema, **how) as writer:
        writer.write_table(table, row_group_size=group)
        writer.add_key_value_metadata({"smssim": about})


def both(directory: Path) -> tuple[Any, Any]:
    """The log with rows and without."""
    file = directory / "messages.parquet"
    return read_log(file), read_log(str(file), rows=False)


@seed(1)
@invented
@given(
    world=worlds(),
    tuning=st.sampled_from([None, Tuning(1, 1, 1), Tuning(30, 9, 9)]),
    group=st.sampled_from([1, 5, 200_000]),
)
def test_the_tallies_of_the_files_are_the_runs_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    world: tuple[Scenario, int, tuple[Any, ...]],
    tuning: Tuning | None,
    group: int,
) -> None:
    """Whatever the world, written as it runs or at once, in row groups of any size."""
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    monkeypatch.setattr(disk, "ROW_GROUP", group)
    run = simulate(scenario, rng=rng, policies=policies, tuning=tuning, out=tmp_path / "a")
    disk.save(run, tmp_path / "b")

    for directory in (tmp_path / "a", tmp_path / "b"):
        spoil(directory)
        assert_same(read_log(directory / "messages.parquet", rows=False).tallies, run.tallies)


@pytest.mark.parametrize("file", ["daily_limit", "resend", "mode2_run_out", "callback_outages"])
def test_scenarios_are_counted_again(file: str, tmp_path: Path) -> None:
    run = simulate(Scenario.load(SCENARIOS / f"{file}.yaml"), out=tmp_path / "run")

    whole, counted = both(tmp_path / "run")

    assert_same(counted.tallies, run.tallies)
    assert_same(whole.tallies, run.tallies)
    assert_frame_equal(whole.messages, run.messages)
    assert_frame_equal(whole.reports, run.reports)


def test_what_the_log_tells(run: Run, tmp_path: Path) -> None:
    disk.save(run, tmp_path / "run")

    whole, counted = both(tmp_path / "run")

    assert isinstance(counted, Log)
    assert counted.messages is counted.reports is counted.ledger is None
    assert (counted.name, counted.currency) == (run.name, run.currency)
    period = run.observed_from, run.observed_until
    assert (counted.observed_from, counted.observed_until) == period
    n = len(run.messages)
    counts = {"records_in": n, "used": n, "quarantined": 0, "duplicates": 0}
    assert counted.provenance["counts"] == whole.provenance["counts"] == counts


def test_without_provenance_the_period_is_that_of_the_rows(run: Run, tmp_path: Path) -> None:
    disk.save(run, tmp_path / "run")
    (tmp_path / "run/provenance.json").unlink()

    whole, counted = both(tmp_path / "run")

    times = [run.messages["submitted_at"], run.messages["final_at"], run.reports["received_at"]]
    first, last = min(t.min() for t in times), max(t.max() for t in times)
    assert pd.Timestamp(counted.observed_from, unit="us", tz="UTC") == first
    assert pd.Timestamp(counted.observed_until, unit="us", tz="UTC") == last
    assert counted.name == "messages"
    assert counted.currency is None
    period = counted.observed_from, counted.observed_until
    assert_same(counted.tallies, tally_frames(run.messages, run.reports, *period))
    assert_same(whole.tallies, counted.tallies)


def test_a_file_by_another_name_stands_alone(run: Run, tmp_path: Path) -> None:
    disk.save(run, tmp_path / "run")
    (tmp_path / "run/messages.parquet").rename(tmp_path / "run/march.parquet")

    log = read_log(tmp_path / "run/march.parquet", rows=False)

    assert log.name == "march"
    assert log.tallies.push.empty
    assert log.tallies.money["messages"].sum() == len(run.messages)


def test_reports_in_any_order(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "ROW_GROUP", 50)
    mixed = run.reports.sample(frac=1, random_state=1, ignore_index=True)
    disk.save(replace(run, reports=mixed), tmp_path / "run")

    assert_same(read_log(tmp_path / "run/messages.parquet", rows=False).tallies, run.tallies)


def test_what_a_log_does_not_know(run: Run, tmp_path: Path) -> None:
    """NA, columns left out, a status that is not final, deliveries without a time."""
    rng = np.random.default_rng(1)
    rows = run.messages.copy()
    na = pd.array([pd.NA] * len(rows), "Int8")
    rows["resend_number"] = na
    rows["covered_segments"] = na
    rows["cost_micro"] = pd.array(np.where(rng.random(len(rows)) < 0.2, 5, None), "Int32")
    status = rows["status"].cat.add_categories(["ACCEPTD"])
    rows["status"] = status.mask(rng.random(len(rows)) < 0.1, "ACCEPTD")
    rows["final_at"] = rows["final_at"].mask(rng.random(len(rows)) < 0.1)
    rows["template"] = rows["template"].mask(rng.random(len(rows)) < 0.1)
    reports = run.reports.copy()
    reports["received_at"] = reports["received_at"].mask(rng.random(len(reports)) < 0.1)
    reports["attempts"] = pd.array([pd.NA] * len(reports), "Int8")
    disk.save(replace(run, messages=rows, reports=reports), tmp_path / "log")

    log = read_log(tmp_path / "log/messages.parquet", rows=False)

    assert_same(log.tallies, tally_frames(rows, reports, run.observed_from, run.observed_until))
    assert {"unknown", "pay_per_use"} <= set(log.tallies.money["charge"])


def test_columns_that_a_table_lacks(run: Run, tmp_path: Path) -> None:
    kept = ["submitted_at", "country", "status", "refused_at", "final_at", "segments"]
    rows = run.messages[kept]
    with TableWriter(tmp_path / "few.parquet", frame_types(rows)) as writer:
        writer.add(compact(rows))

    log = read_log(tmp_path / "few.parquet", rows=False)

    money = log.tallies.money
    assert money["messages"].sum() == len(rows)
    assert money[["application", "type", "resend_kind"]].isna().all(axis=None)
    assert log.tallies.latency["messages"].sum() == (rows["status"] == "DELIVRD").sum()


def test_files_without_statistics_are_passed_over_once_more(run: Run, tmp_path: Path) -> None:
    disk.save(run, tmp_path / "run")
    for name in ("messages", "reports"):
        rewrite(tmp_path / f"run/{name}.parquet", group=100, write_statistics=False)
    (tmp_path / "run/provenance.json").unlink()

    log = read_log(tmp_path / "run/messages.parquet", rows=False)

    period = log.observed_from, log.observed_until
    assert log.observed_from == run.messages["submitted_at"].min().value // 1_000
    assert_same(log.tallies, tally_frames(run.messages, run.reports, *period))


def test_files_of_before_are_read(run: Run, tmp_path: Path) -> None:
    """Encodings and compression are the file's own business."""
    disk.save(run, tmp_path / "run")
    for name in ("messages", "reports"):
        file = tmp_path / f"run/{name}.parquet"
        rewrite(file, pq.read_table(file), compression="zstd")

    whole, counted = both(tmp_path / "run")

    assert_same(counted.tallies, run.tallies)
    assert_frame_equal(whole.messages, run.messages)


def test_a_directory_of_a_record_is_that_record(run: Run, tmp_path: Path) -> None:
    quarantined = {"counts": {"records_in": 9, "quarantined": 1}, "quarantined_by_reason": {"x": 1}}
    disk.save(replace(run, provenance=run.provenance | quarantined), tmp_path / "run")

    loaded, small = read_log(tmp_path / "run"), read_log(tmp_path / "run", rows=False)

    assert_frame_equal(loaded.messages, run.messages)
    assert_frame_equal(loaded.ledger, run.ledger)
    assert small.messages is small.reports is None
    assert_same(small.tallies, run.tallies)
    with pytest.raises(QuarantinedError, match="1 of 9 records"):
        read_log(tmp_path / "run", rows=False, strict=True)


def test_foreign_tables_stay_tables(run: Run, tmp_path: Path) -> None:
    """Without our metadata the same columns go through every rule."""
    disk.save(run, tmp_path / "run")
    table = pq.read_table(tmp_path / "run/messages.parquet").replace_schema_metadata()
    pq.write_table(table, tmp_path / "run/messages.parquet")

    log = read_log(tmp_path / "run/messages.parquet", rows=False)

    assert "columns" in log.provenance["files"][0]
    assert log.provenance["counts"]["used"] == len(run.messages)


def test_wrong_files_are_value_errors(run: Run, tmp_path: Path) -> None:
    disk.save(run, tmp_path / "run")
    messages, reports = (tmp_path / f"run/{name}.parquet" for name in ("messages", "reports"))
    whole = messages.read_bytes()
    begun = pq.read_table(messages)

    rewrite(messages, begun.slice(0, 3))
    with pytest.raises(ValueError, match=r"message\(="):
        read_log(messages, rows=False)
    messages.write_bytes(whole[:100] + bytes(200) + whole[300:])
    with pytest.raises(ValueError, match=r"messages\.parquet: "):
        read_log(messages, rows=False)
    messages.write_bytes(whole)
    reports.write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match=r"reports\.parquet"):
        read_log(messages, rows=False)


def test_rows_beyond_the_told_period_are_refused(run: Run, tmp_path: Path) -> None:
    disk.save(replace(run, observed_until=run.observed_from + 1), tmp_path / "run")

    with pytest.raises(ValueError, match="must lie in the period"):
        read_log(tmp_path / "run/messages.parquet", rows=False)


def test_an_empty_log(run: Run, tmp_path: Path) -> None:
    disk.save(
        replace(run, messages=run.messages.iloc[:0], reports=run.reports.iloc[:0]), tmp_path / "run"
    )

    whole, counted = both(tmp_path / "run")

    assert counted.tallies.money.empty
    assert len(whole.messages) == 0
    assert counted.provenance["counts"]["records_in"] == 0


def test_labels_that_the_metadata_does_not_tell(run: Run, tmp_path: Path) -> None:
    disk.save(run, tmp_path / "run")
    file = tmp_path / "run/messages.parquet"
    table = pq.read_table(file)
    foreign = pa.array(["XX"] * len(table)).dictionary_encode()
    place = table.schema.get_field_index("country")
    rewrite(file, table.set_column(place, "country", foreign))

    with pytest.raises(ValueError, match="holds 'XX', which is no category of its metadata"):
        read_log(file, rows=False)
