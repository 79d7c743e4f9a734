"""Holds the engine's tables against the oracle's, value by value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from smssim.record.record import Record
from smssim.record.schema import TABLES, TIME
from smssim.simpy_model import SimpyModel
from smssim.simulation.loop import Tuning
from smssim.simulation.planned_policies import planned_policies
from smssim.simulation.simulate import simulate
from smssim.stats.keyed_random import KeyedRandom

NAMES = ("messages", "reports", "events", "ledger", "reviews", "packages", "onboarding", "tasks")


def plain(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """A frame as tuples of plain values: microseconds for times, None for NA."""
    columns = []
    for name in frame.columns:
        column = frame[name]
        if str(column.dtype) == TIME:
            us = column.dt.tz_localize(None).to_numpy().view("int64")
            values = [None if v == np.iinfo(np.int64).min else v for v in us.tolist()]
        else:
            values = [None if pd.isna(v) else v for v in column.astype(object)]
        columns.append(values)
    return list(zip(*columns, strict=True))


def tables(record: Record) -> dict[str, list[tuple[Any, ...]]]:
    """All tables of a record as plain values."""
    for name in NAMES:
        assert list(getattr(record, name).columns) == [column.name for column in TABLES[name]]
    return {name: plain(getattr(record, name)) for name in NAMES}


def assert_identical(scenario: Any, seed: int, policies: Any, tuning: Tuning) -> int:
    """Demand the same tables of engine and oracle; return the number of messages."""
    planned = planned_policies(scenario)
    slow = SimpyModel(scenario, KeyedRandom(seed)).run([*planned, *policies])
    fast = tables(simulate(scenario, rng=seed, policies=policies, tuning=tuning))
    for name in (
        "events",
        "messages",
        "ledger",
        "packages",
        "reviews",
        "onboarding",
        "tasks",
        "reports",
    ):
        assert_same_rows(name, fast[name], [tuple(row) for row in getattr(slow, name)])
    return len(fast["messages"])


def assert_same_rows(name: str, fast: list[tuple[Any, ...]], slow: list[tuple[Any, ...]]) -> None:
    """Fail with the first difference and what stands before it."""
    for i, (a, b) in enumerate(zip(fast, slow, strict=False)):
        if a != b:
            before = "\n".join(map(str, slow[max(0, i - 2) : i]))
            raise AssertionError(f"{name} row {i}:\nbefore {before}\nengine {a}\noracle {b}")
    more = f"{fast[len(slow) :][:2]} {slow[len(fast) :][:2]}"
    assert len(fast) == len(slow), f"{name}: engine {len(fast)} rows, oracle {len(slow)}; {more}"
