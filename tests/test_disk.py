"""Records on disk: what is read is what was written, and nothing is half there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from worlds import worlds

from smssim.logs import read_log, write_capture
from smssim.record.record import Record
from smssim.record.schema import TABLES
from smssim.record.storage import ParquetSink, load, save
from smssim.record.tallies import NAMES
from smssim.scenario import Scenario
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import Run, simulate

PLAIN = ("name", "observed_from", "observed_until", "currency", "provenance")


def scenario(**changes: Any) -> Scenario:
    plain = {
        "start": "2026-03-01T00:00:00Z",
        "days": 3,
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {
            "daily_alarm": 700,
            "daily_limit": 1_000,
            "monthly_alarm": 9_000,
            "monthly_limit": 90_000,
        },
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop", "segments": {1: 0.5, 2: 0.5}}],
        "packages": [{"country": "ID", "segments": 500}],
        "traffic": [{"name": "a", "template": "code", "country": "ID", "messages_a_day": 700}],
        "callback": {"no_answer_share": 0.1, "retries_s": [60]},
    }
    return Scenario.model_validate(plain | changes)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


def assert_equal(found: Record, wanted: Record, names: tuple[str, ...] = tuple(TABLES)) -> None:
    for name in names:
        if getattr(wanted, name) is None:
            assert getattr(found, name) is None
        else:
            frame = getattr(wanted, name)
            # Without a row the engine has seen no array that could say how small its integers are.
            pd.testing.assert_frame_equal(getattr(found, name), frame, check_dtype=len(frame) > 0)
    for name in NAMES:
        pd.testing.assert_frame_equal(getattr(found.tallies, name), getattr(wanted.tallies, name))
    assert found.tallies.observed_until == wanted.tallies.observed_until
    for name in PLAIN:
        assert getattr(found, name) == getattr(wanted, name)


def test_a_run_comes_back_as_it_was(run: Run, tmp_path: Path) -> None:
    save(run, tmp_path / "kept")

    assert_equal(load(tmp_path / "kept"), run)


def test_a_run_without_rows_comes_back_without(tmp_path: Path) -> None:
    save(simulate(scenario(), rows=False), tmp_path / "kept")

    found = load(tmp_path / "kept")
    assert found.messages is None
    assert found.reports is None


def test_a_log_comes_back_as_it_was(run: Run, tmp_path: Path) -> None:
    write_capture(run, tmp_path / "log.jsonl")
    with (tmp_path / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write("no record\n")
    log = read_log(tmp_path / "log.jsonl")

    save(log, tmp_path / "kept")

    assert_equal(load(tmp_path / "kept"), log)
    assert log.quarantine is not None
    assert len(log.quarantine) == 1


@pytest.mark.parametrize("chunk", [1, 300, 200_000])
def test_a_streamed_run_equals_a_saved_one(run: Run, tmp_path: Path, chunk: int) -> None:
    streamed = simulate(scenario(), rows=False, out=tmp_path / "kept", tuning=Tuning(chunk=chunk))

    assert streamed.messages is None
    assert_equal(load(tmp_path / "kept"), run)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_any_world_comes_back(
    tmp_path_factory: Any, world: tuple[Scenario, int, tuple[Any, ...]]
) -> None:
    scenario, seed, policies = world
    folder = tmp_path_factory.mktemp("world")

    run = simulate(scenario, rng=seed, policies=policies, out=folder / "streamed")
    save(run, folder / "saved")

    assert_equal(load(folder / "streamed"), run)
    assert_equal(load(folder / "saved"), run)


def test_rows_are_stored_small_and_in_groups(run: Run, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    simulate(scenario(), rows=False, out=tmp_path / "kept", tuning=Tuning(chunk=300))

    metadata = pq.ParquetFile(tmp_path / "kept" / "messages.parquet").metadata
    assert metadata.num_row_groups > 1
    columns = [metadata.row_group(0).column(i) for i in range(metadata.num_columns)]
    assert {column.compression for column in columns} == {"LZ4"}
    encodings = {column.path_in_schema: column.encodings for column in columns}
    assert "DELTA_BINARY_PACKED" in encodings["submitted_at"]
    assert "RLE_DICTIONARY" in encodings["country"]


def test_anybody_can_read_the_files(run: Run, tmp_path: Path) -> None:
    """Without smssim: times, countries and numbers are what they say."""
    save(run, tmp_path / "kept")

    found = pd.read_parquet(tmp_path / "kept" / "messages.parquet")
    assert run.messages is not None
    assert found["country"].tolist() == run.messages["country"].tolist()
    assert found["submitted_at"].tolist() == run.messages["submitted_at"].tolist()
    assert found["package"].isna().tolist() == run.messages["package"].isna().tolist()


def test_another_record_is_replaced(run: Run, tmp_path: Path) -> None:
    save(simulate(scenario(days=1)), tmp_path / "kept")
    (tmp_path / "empty").mkdir()

    save(run, tmp_path / "kept")
    save(run, tmp_path / "empty")

    assert_equal(load(tmp_path / "kept"), run)
    assert_equal(load(tmp_path / "empty"), run)
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "empty"}


@pytest.mark.parametrize("record", [False, True])
def test_what_is_no_record_is_left_alone(run: Run, tmp_path: Path, record: bool) -> None:
    """Neither a directory of other files is replaced, nor a record with such a file in it."""
    if record:
        save(run, tmp_path / "kept")
    (tmp_path / "kept").mkdir(exist_ok=True)
    (tmp_path / "kept" / "thesis.txt").write_text("years of work")
    before = sorted((tmp_path / "kept").iterdir())

    with pytest.raises(FileExistsError, match=r"holds thesis\.txt"):
        save(run, tmp_path / "kept")
    with pytest.raises(FileExistsError, match=r"holds thesis\.txt"):
        simulate(scenario(), out=tmp_path / "kept")

    assert sorted((tmp_path / "kept").iterdir()) == before


def test_a_run_that_fails_leaves_nothing(run: Run, tmp_path: Path) -> None:
    save(run, tmp_path / "kept")

    def fails(*_: object) -> None:
        raise RuntimeError("stop")

    for name in ("kept", "new"):
        with pytest.raises(RuntimeError, match="stop"):
            simulate(scenario(), out=tmp_path / name, progress=fails)

    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert_equal(load(tmp_path / "kept"), run)


def test_a_sink_that_was_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with ParquetSink(tmp_path / "kept", {}):
        pass

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_said(run: Run, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"holds no provenance\.json"):
        load(tmp_path)
    (tmp_path / "provenance.json").write_text('{"format": "other"}')
    with pytest.raises(ValueError, match=r"format\(='other'\) must be 'smssim record 6'"):
        load(tmp_path)
    (tmp_path / "provenance.json").write_text("no")
    with pytest.raises(ValueError, match="must be JSON"):
        load(tmp_path)

    save(run, tmp_path / "cut")
    file = tmp_path / "cut" / "messages.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"messages\.parquet: must be a whole Parquet file"):
        load(tmp_path / "cut")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5), ("observed_from", "soon"), ("observed_until", 2**70), ("observed_until", -1),
        ("currency", 7), ("counts", {"tables": 1}), ("counts", {"messages": -1}), ("counts", None),
        ("provenance", []), ("observed_from", True),
    ],
)  # fmt: skip
def test_a_changed_header_is_refused_with_its_field(
    run: Run, tmp_path: Path, field: str, value: object
) -> None:
    save(run, tmp_path / "run")
    file = tmp_path / "run" / "provenance.json"
    header = json.loads(file.read_text())
    for changed in (header | {field: value}, {k: v for k, v in header.items() if k != field}):
        file.write_text(json.dumps(changed))
        with pytest.raises(ValueError, match=f"{field}"):
            load(tmp_path / "run")
