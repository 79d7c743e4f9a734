"""Broken scenario files, each with its expected messages in comments."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smssim.scenario import Problem, Scenario, ScenarioError

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
LAUNCH = Path(__file__).parents[1] / "data/scenarios/launch.yaml"
GOOD = """
start: 2026-04-01
applications: [{name: shop}]
templates: [{name: login, application: shop}]
traffic: [{name: api, template: login, country: ID, messages_a_day: 100}]
"""


def refused(text: str) -> ScenarioError:
    """The error of a scenario's text."""
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(text, "x.yaml")
    return caught.value


def problems_of(make: Callable[[], Scenario]) -> tuple[Problem, ...]:
    """What is wrong with a scenario, nothing if it is good."""
    try:
        make()
    except ScenarioError as error:
        return error.problems
    return ()


def test_there_are_forty_and_each_is_its_own() -> None:
    assert len(BROKEN) >= 40
    message = [file.read_text(encoding="utf-8").split("\nname:")[0] for file in BROKEN]
    assert len(set(message)) == len(message)


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_a_broken_file_is_refused_with_all_its_problems(file: Path) -> None:
    """Line, column and sentence, as they stand in the file's own comments."""
    lines = file.read_text(encoding="utf-8").splitlines()
    expected = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]

    with pytest.raises(ScenarioError) as caught:
        Scenario.load(file)

    assert str(caught.value).splitlines() == [f"{file}:{message}" for message in expected]
    assert all(0 < (problem.line or 0) <= len(lines) for problem in caught.value.problems)


def test_a_problem_has_its_parts() -> None:
    error = refused(GOOD + "days: 0\n")
    (problem,) = error.problems
    assert (problem.file, problem.line, problem.column) == ("x.yaml", 6, 7)
    assert (problem.path, problem.value) == ("days", 0)
    assert problem.message == "0 must be >= 1"
    assert str(error) == "x.yaml:6:7: days: 0 must be >= 1"
    again = pickle.loads(pickle.dumps(error))
    assert again.problems == error.problems
    assert isinstance(error, ValueError)


def test_from_python_there_is_no_place() -> None:
    made: dict[str, Any] = {
        "start": "2026-04-01",
        "days": 0,
        "applications": [{"name": "shop"}],
        "templates": [{"name": "login", "application": "shp"}],
    }
    for make in (lambda: Scenario(**made), lambda: Scenario.model_validate(made)):
        with pytest.raises(ScenarioError) as caught:
            make()
        assert str(caught.value).splitlines() == [
            "days: 0 must be >= 1",
            "templates.0.application: there is no application 'shp' (did you mean 'shop'?);"
            " there are 'shop'",
        ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yaml:1:1: the scenario is empty"),
        ("# nothing\n", "x.yaml:1:1: the scenario is empty"),
        ("- a\n", "x.yaml:1:1: the scenario must be a mapping of keys to values"),
        ("a: &b [*b]\n", "x.yaml:1:4: an anchor must not hold itself"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: not valid YAML: but found another document"),
        ("a: b\x01c\n", "x.yaml:1:5: the character U+0001 must not be in YAML"),
        ("a: !!python/object:os.system x\n", "x.yaml:1:4: not valid YAML: could not determine"),
    ],
)
def test_what_is_no_scenario_at_all(text: str, message: str) -> None:
    assert str(refused(text)).startswith(message)


def test_nesting_without_end_is_an_error_too() -> None:
    assert "nested too deeply" in str(refused("a: " + "[" * 20_000))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nowhere\.yaml: No such file"):
        Scenario.load(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: ok\nname2: caf\xe9\n")
    with pytest.raises(ScenarioError, match=r"latin\.yaml:2:11: not text in UTF-8"):
        Scenario.load(tmp_path / "latin.yaml")
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert Scenario.load(tmp_path / "bom.yaml") == Scenario.parse(GOOD)


def test_what_an_anchor_repeats_is_told_once() -> None:
    text = LAUNCH.read_text(encoding="utf-8").replace("at_most: 2", "at_most: 9")
    error = refused(text)
    assert [problem.path for problem in error.problems] == ["traffic.0.resend.at_most"]


def test_packages_of_a_file_of_numbers_are_looked_up(tmp_path: Path) -> None:
    """The countries of a group task's file count, where the file can be found."""
    import xlsxwriter

    book = xlsxwriter.Workbook(tmp_path / "numbers.xlsx")
    book.add_worksheet().write(0, 0, "+6281234567890")
    book.close()
    task = "group_tasks: [{name: t, template: login, at: 2026-04-02, file: numbers.xlsx}]\n"
    text = GOOD.replace("country: ID", "country: TH") + task
    for country, good in (("ID", True), ("PH", False)):
        file = tmp_path / f"{country}.yaml"
        file.write_text(text + f"packages: [{{country: {country}, segments: 5}}]\n")
        if good:
            Scenario.load(file)
            continue
        with pytest.raises(ScenarioError, match=r"no source sends to PH.*they send to ID, TH"):
            Scenario.load(file)
        Scenario.parse(file.read_text())  # Without a folder nothing is known of the file.


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_scenario_with_a_hole_is_a_scenario_or_a_scenario_error(data: st.DataObject) -> None:
    """Whatever one writes over a piece of the launch month: no other error, every one placed."""
    text = LAUNCH.read_text(encoding="utf-8")
    begin = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 12))
    patch = data.draw(
        st.sampled_from(["", "-", ": ", "[", "{}", "null", "'", "\t", "9e99", "*x", "&x", "true,"])
        | st.text(max_size=5)
    )
    holed = text[:begin] + patch + text[begin + length :]
    problems = problems_of(lambda: Scenario.parse(holed, "x.yaml"))
    assert all(problem.line and problem.column for problem in problems)


LEAVES = st.none() | st.booleans() | st.integers(-3, 10**6) | st.floats() | st.text(max_size=6)
JUNK = st.recursive(
    LEAVES,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=6), below),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(Scenario.model_fields)), JUNK))
def test_junk_is_refused_and_never_a_crash(junk: dict[str, Any]) -> None:
    made = Scenario.parse(GOOD).model_dump(exclude_unset=True) | junk
    problems = problems_of(lambda: Scenario.model_validate(made))
    assert all(problem.message for problem in problems)
