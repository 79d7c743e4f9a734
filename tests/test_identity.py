"""The engine against the oracle: the same tables, row by row, for any world and any tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from hand_worlds import HAND_WORLDS, HandWorld
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st
from identity import assert_identical, assert_same_rows, tables
from worlds import worlds

from smssim.scenario import Scenario
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import simulate

TUNINGS = (Tuning(), Tuning(50, 3, 17), Tuning(1, 1, 1), Tuning(500, 64, 100))
PARTS = 6


@pytest.mark.parametrize("part", range(PARTS))
def test_engine_and_oracle_agree_on_invented_worlds(part: int, n_worlds: int) -> None:
    """The same worlds on every machine; a failing one prints how to see it again."""

    @seed(part)
    @settings(settings.get_profile("worlds"), max_examples=-(-n_worlds // PARTS))
    @given(worlds(), st.sampled_from(TUNINGS))
    def agree(world: tuple[Scenario, int, tuple[Any, ...]], tuning: Tuning) -> None:
        scenario, rng, policies = world
        note(
            f"To see it again:\nassert_identical(Scenario.parse({scenario.to_json()!r}), {rng}, "
            f"{policies!r}, {tuning!r})"
        )
        assert_identical(scenario, rng, policies, tuning)

    agree()


@pytest.mark.parametrize("tuning", TUNINGS, ids=str)
@pytest.mark.parametrize("world", HAND_WORLDS, ids=lambda world: world.name)
def test_a_world_computed_by_hand(world: HandWorld, tuning: Tuning) -> None:
    """The engine gives the tables that were written down by hand."""
    run = simulate(world.scenario, rng=7, policies=world.policies, tuning=tuning)

    found = tables(run)
    for name, rows in world.expected.items():
        assert_same_rows(name, found[name], rows)


@pytest.mark.parametrize("pace_per_s", [None, 0.01, 3])
def test_a_group_task_from_a_file(tmp_path: Path, pace_per_s: float | None) -> None:
    """An XLSX of two countries, with a duplicate and a wrong number, meets traffic and run-outs."""
    numbers = [f"+62812345{i:05d}" if i % 3 else f"+66812{i:05d}" for i in range(300)]
    book = xlsxwriter.Workbook(str(tmp_path / "numbers.xlsx"))
    sheet = book.add_worksheet()
    for row, number in enumerate(["number", *numbers, numbers[0], "nonsense"]):
        sheet.write(row, 0, number)
    book.close()
    task = {"name": "offer", "template": "code", "at": "2025-03-03T01:59", "file": "numbers.xlsx"}
    api = {"name": "api", "template": "code", "country": "ID", "messages_a_day": 300, "resend": {}}
    made = {
        "start": "2025-03-03",
        "days": 1,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app", "segments": {1: 0.7, 2: 0.3}}],
        "traffic": [api],
        "group_tasks": [task | ({"pace_per_s": pace_per_s} if pace_per_s else {})],
        "packages": [{"country": "ID", "segments": 150}, {"country": "TH", "segments": 60}],
        "queue": {"throughput_per_s": 2},
    }
    (tmp_path / "scenario.json").write_text(Scenario.model_validate(made).to_json())
    scenario = Scenario.load(tmp_path / "scenario.json")

    rows = assert_identical(scenario, 5, (), Tuning(50, 3, 17))

    assert rows > len(numbers)
    offered = simulate(scenario, rng=5).messages.query("source == 'offer'")
    assert len(offered) == len(numbers)
    assert offered["country"].value_counts().to_dict() == {"ID": 200, "TH": 100}


ONE_A_MINUTE = {"name": "api", "template": "code", "country": "ID", "messages_a_day": 1_440}
EDGES: dict[str, dict[str, Any]] = {
    "no one sends": {"traffic": []},
    "hardly anybody sends": {"traffic": [ONE_A_MINUTE | {"messages_a_day": 1e-9}]},
    "nothing is pushed": {"callback": {"address": False}},
    "nothing is final yet": {"queue": {"validity_h": 168}, "routes": {"ID": {"latency": 200_000}}},
    "millions a message": {"routes": {"ID": {"price": 1_000_000}}},
    "a great package": {
        "routes": {"ID": {"price": 100_000_000}},
        "packages": [{"country": "ID", "segments": 10**12, "price": 100_000_000}],
        "account": {"balance": 100_000_000, "straddle": "cover"},
    },
    "hundreds of packages": {"packages": [{"country": "ID", "segments": 1}] * 200},
    "more sources than a byte holds": {
        "traffic": [ONE_A_MINUTE | {"name": f"s{i}", "messages_a_day": 5} for i in range(140)]
    },
    "hundreds of templates": {
        "templates": [{"name": f"t{i}", "application": "app"} for i in range(300)],
        "traffic": [ONE_A_MINUTE | {"name": f"s{i}", "template": f"t{i}"} for i in (0, 127, 299)],
    },
    "a queue of a million seconds a message": {"queue": {"throughput_per_s": 1e-6}},
    "a task half before the start": {
        "group_tasks": [
            {
                "name": "offer",
                "template": "code",
                "at": "2025-03-02T23:59:00.000001",
                "countries": {"ID": 300, "TH": 100},
                "pace_per_s": 3.3,
            }
        ]
    },
    "all of the console's changes at two o'clock": {
        "applications": [
            {
                "name": "app",
                "suspended": "2025-03-03T01:00",
                "reinstated": "2025-03-03T02:00",
                "addresses": ["192.0.2.1"],
                "addresses_saved": "2025-03-03T01:45",
            },
            {"name": "web", "suspended": "2025-03-03T02:00"},
        ],
        "templates": [
            {"name": "code", "application": "app"},
            {"name": "new", "application": "app", "submitted": "2025-03-03T02:00"},
        ],
        "review": {"decision": 0, "usable_after": 0},
        "account": {
            "ticket_latency": 3_600,
            "number_rules": [{"pattern": "6281", "saved": "2025-03-03T01:55"}],
            "contacts": [{"name": "Li"}],
        },
        "tickets": [
            {"at": "2025-03-03T01:00", "service_mode": "suspend", "daily_limit": 9_000},
            {"at": "2025-03-03T01:00", "service_mode": "pay_per_use"},
        ],
        "packages": [{"country": "ID", "segments": 50, "at": "2025-03-03T02:00"}],
        "traffic": [
            ONE_A_MINUTE | {"address": "192.0.2.1", "beginnings": {"62812": 0.5, "6285": 0.5}},
            ONE_A_MINUTE | {"name": "elsewhere", "address": "192.0.2.2"},
            ONE_A_MINUTE | {"name": "new", "template": "new", "resolution_s": 3_600},
        ],
    },
    "more than a request holds, and more than the limit": {
        "account": {"regions": ["TH"], "contacts": [{"name": "Li"}]},
        "thresholds": {"daily_alarm": 3, "daily_limit": 400},
        "traffic": [
            ONE_A_MINUTE | {"recipients": {1: 0.5, 501: 0.5}, "messages_a_day": 6_000},
            ONE_A_MINUTE | {"name": "b", "flaws": {"password": 0.9, "duplicates": 0.5}},
        ],
    },
    "mainland China, delivered at full hours": {
        "account": {"balance": 2},
        "routes": {"CN": {"latency": 3_600}},
        "queue": {"throughput_per_s": 1e6, "scope": "route"},
        "traffic": [ONE_A_MINUTE | {"country": "CN", "resolution_s": 3_600, "messages_a_day": 90}],
    },
    "sixteen pushes of eight segments": {
        "templates": [{"name": "code", "application": "app", "segments": 8}],
        "callback": {
            "no_answer_share": 0.5,
            "lost_answer_share": 0.5,
            "retries_s": [1e-6 * (i + 1) for i in range(15)],
        },
    },
}


@pytest.mark.parametrize("name", EDGES)
def test_a_world_at_an_edge(name: str) -> None:
    """Nothing, hardly anything, or very much: what no invented world draws."""
    made = {
        "start": "2025-03-03T00:00:00.5",
        "days": 1,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app", "segments": {1: 0.5, 3: 0.5}}],
        "traffic": [ONE_A_MINUTE],
    }
    for tuning in (Tuning(), Tuning(50, 3, 17)):
        assert_identical(Scenario.model_validate(made | EDGES[name]), 1, (), tuning)
