"""Hostile scenarios: all end in a ScenarioError with a location, in little time and memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from fuzz_scenarios import attempt

from smssim import cli
from smssim.scenario import Scenario, ScenarioError

SMALL = """start: 2026-03-02
days: 1
applications: [{name: app}]
templates: [{name: code, application: app}]
traffic: [{name: login, template: code, country: ID, messages_a_day: 10}]
"""
BOMB = "x0: &x0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
MERGE_BOMB = "x0: &x0 {a: 1, b: 2}\n" + "".join(
    f"x{i}: &x{i} {{<<: [{', '.join([f'*x{i - 1}'] * 9)}], k{i}: 1}}\n" for i in range(1, 12)
)


def refused(text: str) -> list[str]:
    begin = time.process_time()
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(text, "plan.yaml")
    assert time.process_time() - begin < 5
    return str(caught.value).splitlines()


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_mutated_scenarios_are_read_or_refused(seed: int) -> None:
    """`fuzz_scenarios.py` tries as many as one likes."""
    for k in range(seed, seed + 10):
        attempt(k)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            "group_tasks: [{name: t, template: code, at: 2026-03-02T02:00Z, countries: [ID]}]",
            "a mapp",
        ),
        ("account: {package_countries: Indonesia}", "must be a list"),
        (
            "account: {package_countries: [1]}\npackages: [{country: ID, segments: 5}]",
            "must be text",
        ),
        ("queue: {throughput_per_s: 1" + "0" * 400 + "}", "larger than any number"),
        ("rng: " + "9" * 5_000, "must be a whole number"),
        ("queue: {throughput_per_s: 1e-14}", "must be >= 1e-06"),
        ("callback: {random_outages: {up: 0, down: 0}}", "more than 1,000,000 outages"),
        (
            "callback: {random_outages: {up: {exponential_s: 1e-6}, down: 0.01}}",
            "1,000,000 outages",
        ),
        ("review: {rejection: 0.9999999, mending: 0}", "at most 0.999"),
        ('name: "\\U00110000"', "there is no character \\U00110000"),
        (BOMB, "aliases make"),
        (MERGE_BOMB, "aliases make"),
        ("? [a, b]\n: 1", ""),
        ("x: " + "[" * 3_000 + "]" * 3_000, "nested too deeply"),
    ],
    ids=range(14),
)
def test_a_hostile_value_is_refused_where_it_is(more: str, expected: str) -> None:
    lines = refused(SMALL + more)
    assert any(expected in line for line in lines)
    assert all(line.startswith("plan.yaml") for line in lines)


@pytest.mark.parametrize(
    "path", ["a\0b.yaml", "a\ud800.yaml", "a" * 5_000], ids=["nul", "surrogate", "long"]
)
def test_a_path_that_no_file_can_have(path: str) -> None:
    with pytest.raises(ScenarioError):
        Scenario.load(path)


def test_a_circle_of_links(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    with pytest.raises(ScenarioError, match=r"a\.yaml"):
        Scenario.load(tmp_path / "a.yaml")


def test_a_file_of_numbers_with_an_impossible_name(tmp_path: Path) -> None:
    task = "{name: t, template: code, at: 2026-03-02T02:00Z, file: " + "a" * 5_000 + "}"
    path = tmp_path / "plan.yaml"
    path.write_text(f"{SMALL}group_tasks: [{task}]", encoding="utf-8")
    with pytest.raises(ScenarioError, match="was not found"):
        Scenario.load(path)


@pytest.mark.parametrize("number", [10**5_000, float("nan"), 1e300], ids=["digits", "nan", "float"])
def test_numbers_beyond_all_bounds_in_data(number: Any) -> None:
    for key in ("days", "rng"):
        with pytest.raises(ScenarioError):
            Scenario.model_validate({**_data(), key: number if key == "days" else -number})


def _data() -> dict[str, Any]:
    return {
        "start": "2026-03-02",
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app"}],
        "traffic": [{"name": "a", "template": "code", "country": "ID", "messages_a_day": 1}],
    }


def test_thousands_of_broken_parts_are_reported_in_seconds() -> None:
    packages = "packages:\n" + "- {country: ID, segments: 5, prize: 3}\n" * 5_000
    assert len(refused(SMALL + packages)) == 5_000


def test_a_queue_too_slow_for_its_messages() -> None:
    slow = SMALL.replace("messages_a_day: 10}", "messages_a_day: 5e7, recipients: 500}")
    (line,) = refused(slow + "queue: {throughput_per_s: 1e-6}")
    assert "plan.yaml:6:27: queue.throughput_per_s: 1e-06 is too slow" in line
    Scenario.parse(slow + "queue: {throughput_per_s: 500}")
    Scenario.parse(SMALL + "queue: {throughput_per_s: 1e-6}")


@pytest.mark.parametrize("key", ["templates", "thresholds", "days", "policies"])
def test_data_within_itself_is_refused(key: str) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ScenarioError):
        Scenario.model_validate(_data() | {key: circle})


def test_thousands_of_wrong_names_are_reported_in_seconds() -> None:
    templates = [{"name": f"t{i}", "application": "app"} for i in range(1_000)]
    sources = [_data()["traffic"][0] | {"name": f"s{i}", "template": f"x{i}"} for i in range(3_000)]
    begin = time.process_time()
    with pytest.raises(ScenarioError) as caught:
        Scenario.model_validate(_data() | {"templates": templates, "traffic": sources})
    assert len(caught.value.problems) == 3_000
    assert time.process_time() - begin < 8


@pytest.mark.parametrize(
    "more", ["queue: {throughput_per_s: 1e-14}", BOMB, 'name: "\\U00110000"', "rng: " + "9" * 400]
)
def test_a_command_ends_with_file_line_and_exit_code_2(
    more: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(SMALL + more, encoding="utf-8")
    code = cli.main(["run", str(plan), "--quiet"])
    err = capsys.readouterr().err
    if more.startswith("rng"):
        assert code in (0, 2)
    else:
        assert code == 2
        assert err.startswith(f"smssim: {plan}:")
    assert "Traceback" not in err
    assert "failed:" not in err
