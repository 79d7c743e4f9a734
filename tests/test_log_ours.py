"""Records that were written to a directory, read as logs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal
from test_retally import scenario

from smssim import read_log
from smssim.logs import QuarantinedError
from smssim.record import storage as disk
from smssim.record.tallies import NAMES, Tallies
from smssim.simulation.simulate import Run, simulate


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


def assert_same(found: Tallies, wanted: Tallies) -> None:
    """Demand the same cells in the same order, of the same types."""
    assert found.observed_until == wanted.observed_until
    for name in NAMES:
        assert_frame_equal(found.frame(name), wanted.frame(name), obj=name)


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


def test_a_lone_table_of_messages_is_a_table(run: Run, tmp_path: Path) -> None:
    """Its columns go through every rule, as those of any table."""
    disk.save(run, tmp_path / "run")

    log = read_log(tmp_path / "run/messages.parquet", rows=False)

    assert "columns" in log.provenance["files"][0]
    assert log.provenance["counts"]["used"] == len(run.messages)
