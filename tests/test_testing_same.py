"""Two runs are the same, or the error shows where they first part, and around it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_determinism import POLICIES, WORLD

from smssim import read_log
from smssim.record.record import Record
from smssim.record.tallies import NAMES, Tallies
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import Run, simulate
from smssim.testing import assert_same


@lru_cache(maxsize=1)
def run() -> Run:
    return simulate(WORLD, policies=POLICIES)


def told_of(a: Record, b: Record) -> str:
    with pytest.raises(AssertionError) as error:
        assert_same(a, b)
    return str(error.value)


def changed(name: str, row: int, column: str, value: Any) -> Record:
    frame = getattr(run(), name).copy()
    frame.loc[row, column] = value
    return replace(run(), **{name: frame})


def test_the_same_run_is_the_same() -> None:
    """However it was tuned, and on whatever machine."""
    again = simulate(WORLD, policies=POLICIES, tuning=Tuning(500, 64, 256))
    assert_same(run(), again)
    assert_same(run(), replace(again, provenance={**again.provenance, "machine": "abacus"}))


def test_what_differs_first_is_shown_with_its_neighbourhood() -> None:
    """Table, row, column, both values, three rows before and after side by side."""
    other = changed("messages", 40, "segments", 7)
    was = int(run().messages["segments"][40])  # type: ignore[index]
    told = told_of(run(), other).splitlines()
    assert told[0].endswith(f"differ: messages, row 40, column segments: {was} and 7")
    assert told[1].split()[:2] == ["row", "submitted_at"]
    assert [line.split()[0] for line in told[2:]] == ["37", "38", "39", "40", "b", "41", "42", "43"]
    assert [line.split()[1] for line in told[2:]] == [*"===a", told[6].split()[1], *"==="]
    assert len(told) == 10
    assert told_of(other, run()).splitlines()[0].endswith(f"segments: 7 and {was}")


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("events", "value", 4),
        ("ledger", "amount_micro", 5),
        ("reports", "received_at", pd.Timestamp("2025-03-30T12:00", tz="UTC")),
        ("tasks", "reason", "none"),
        ("packages", "price_micro", 1),
    ],
)
def test_every_table_is_looked_at(name: str, column: str, value: Any) -> None:
    """NA is like NA, and like nothing else."""
    frame = getattr(run(), name)
    row = len(frame) - 1
    assert f"differ: {name}, row {row:,}, column {column}: " in told_of(
        run(), changed(name, row, column, value)
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_tally_is_looked_at(name: str) -> None:
    frames = {own: run().tallies.frame(own) for own in NAMES}
    if not len(frames[name]):
        assert name == "within_3_min"
        return
    frames[name] = frames[name].copy()
    measure = {"push": "reports", "sizes": "requests"}.get(name, "messages")
    frames[name].loc[0, measure] += 1
    other = replace(run(), tallies=Tallies(run().observed_until, **frames))
    assert f"differ: tallies.{name}, row 0, column {measure}: " in told_of(run(), other)


def test_rows_that_were_put_in_between_are_told() -> None:
    """Where every later row differs, too, but for being moved."""
    messages = run().messages
    assert messages is not None
    fewer = replace(run(), messages=messages.drop(index=[20, 21]).reset_index(drop=True))
    told = told_of(run(), fewer)
    assert "\n2 rows stand in the first alone, from row 20 on" in told
    assert f"\n{len(messages):,} and {len(messages) - 2:,} rows" in told
    assert "\n2 rows stand in the second alone, from row 20 on" in told_of(fewer, run())
    short = replace(run(), messages=messages.iloc[:-1])
    told = told_of(run(), short)
    last = len(messages) - 1
    assert f"messages, row {last:,}: it is in one of them alone" in told
    assert f"\na row stands in the first alone, from row {last:,} on" in told
    assert "(no row)" in told
    assert "stand" not in told_of(run(), changed("messages", 40, "segments", 7))


def test_what_else_differs_is_named() -> None:
    other = simulate(WORLD, rng=2, policies=POLICIES)
    told = told_of(run(), other).splitlines()
    assert "differ: messages, row 0, column submitted_at: Timestamp(" in told[0]
    assert told[-1].startswith("what differs too: ")
    assert {"reports", "tallies.money", "provenance.rng"} <= set(told[-1][18:].split(", "))


def test_types_period_and_provenance_are_compared() -> None:
    """Values alone do not make two runs the same."""
    assert told_of(run(), replace(run(), name="b")).endswith("differ: name: 'scenario' and 'b'")
    assert "differ: currency: 'USD' and None" in told_of(run(), replace(run(), currency=None))
    without = replace(run(), events=None)
    assert "differ: events: " in told_of(run(), without)
    assert told_of(run(), without).endswith(" rows and no table")
    reports = run().reports
    assert reports is not None
    wide = replace(run(), reports=reports.astype({"deliveries": "int64"}))
    assert told_of(run(), wide).endswith("differ: reports.deliveries: the types are int8 and int64")
    fewer = replace(run(), reports=reports.drop(columns="part"))
    assert "differ: reports: columns ['message', 'part', " in told_of(run(), fewer)
    versions = {**run().provenance["versions"], "numpy": "0.1"}
    told = told_of(run(), replace(run(), provenance={**run().provenance, "versions": versions}))
    assert "differ: provenance.versions.numpy: " in told
    assert told.endswith(" and '0.1'")
    told = told_of(run(), replace(run(), provenance={**run().provenance, "new": 1}))
    assert told.endswith("differ: provenance.new: nothing and 1")


def test_a_number_of_another_type_is_another_value() -> None:
    """1 and 1.0 are equal and are not written alike."""
    rng = run().provenance["rng"]
    other = replace(run(), provenance={**run().provenance, "rng": float(rng)})
    assert f"provenance.rng: {rng} and {rng}.0" in told_of(run(), other)


def test_a_log_is_the_same_as_itself() -> None:
    folder = Path(__file__).parents[1] / "data" / "exports" / "capture"
    assert_same(read_log(folder), read_log(folder))
