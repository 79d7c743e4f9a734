"""The oracle against worlds computed by hand, and against what must hold in every world."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hand_worlds import HAND_WORLDS, HandWorld
from hypothesis import HealthCheck, given, settings
from worlds import is_pushed, worlds

from smssim.record.schema import TABLES
from smssim.scenario import Scenario
from smssim.simpy_model import SimpyModel
from smssim.simpy_model.model import Tables
from smssim.stats.keyed_random import KeyedRandom


@pytest.mark.parametrize("world", HAND_WORLDS, ids=lambda world: world.name)
def test_a_world_computed_by_hand(world: HandWorld) -> None:
    result = SimpyModel(world.scenario, KeyedRandom(7)).run(world.policies)

    for table, rows in world.expected.items():
        assert getattr(result, table) == rows, table


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_what_holds_in_every_world(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    scenario, seed, policies = world

    result = SimpyModel(scenario, KeyedRandom(seed)).run(policies)

    assert result == SimpyModel(scenario, KeyedRandom(seed)).run(policies), (
        "a second run gives the same"
    )
    _tables_are_in_order(result, scenario)
    _segments_are_kept(result)
    _money_is_kept(result)
    _reports_match_messages(result, scenario)


def _columns(result: Tables, table: str) -> list[dict[str, Any]]:
    names = [column.name for column in TABLES[table]]
    return [dict(zip(names, row, strict=True)) for row in getattr(result, table)]


def _tables_are_in_order(result: Tables, scenario: Scenario) -> None:
    keys = [row[:5] for row in result.messages]
    assert keys == sorted(set(keys))
    assert all(scenario.start_us <= at < scenario.end_us for at, *_ in keys)
    for rows in (result.events, result.ledger):
        instants = [row[0] for row in rows]
        assert instants == sorted(instants)
    assert all(at < scenario.end_us for at, *_ in result.events)


def _segments_are_kept(result: Tables) -> None:
    packages = _columns(result, "packages")
    for row in packages:
        assert row["segments"] == row["used"] + row["expired"] + row["left"]
        assert min(row["used"], row["expired"], row["left"]) >= 0
    covered = sum(row["covered_segments"] for row in _columns(result, "messages"))
    assert covered == sum(row["used"] for row in packages)


def _money_is_kept(result: Tables) -> None:
    charged = sum(row["cost_micro"] for row in _columns(result, "messages"))
    settled = [
        row["amount_micro"]
        for row in _columns(result, "ledger")
        if row["entry"] in ("settlement", "unsettled")
    ]
    assert charged == sum(settled)


def _reports_match_messages(result: Tables, scenario: Scenario) -> None:
    parts = Counter(row["message"] for row in _columns(result, "reports"))
    for number, row in enumerate(_columns(result, "messages")):
        assert (row["report_source"] is None) == (row["final_at"] is None)
        pushed = row["report_source"] and is_pushed(scenario, row["source"])
        assert parts[number] == (row["segments"] if pushed else 0)
