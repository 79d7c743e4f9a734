"""An application's secret is never printed: not in texts, files, fingerprints, errors or runs."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smssim.record.storage import save
from smssim.scenario import Application, Scenario, ScenarioError
from smssim.simulation.simulate import simulate

SECRET = "hunter2"
TEXT = """
start: 2026-04-01
days: 1
applications: [{name: shop, key: c8RW, channel: isms0000000001, secret: hunter2}]
templates: [{name: login, application: shop}]
traffic: [{name: api, template: login, country: ID, messages_a_day: 100}]
"""


def test_it_is_read() -> None:
    secret = Scenario.parse(TEXT).applications[0].secret
    assert secret is not None
    assert secret.get_secret_value() == SECRET


SHOWN: dict[str, Callable[[Scenario], Any]] = {
    "repr": repr,
    "str": str,
    "an application": lambda s: repr(s.applications[0]),
    "YAML": lambda s: s.to_yaml(),
    "JSON": lambda s: s.to_json(),
    "the card": lambda s: s._repr_html_(),
    "plain data": lambda s: s.model_dump(),
    "plain data for JSON": lambda s: s.model_dump(mode="json"),
    "a what-if": lambda s: s.change(days=2),
    "provenance": lambda s: simulate(s).provenance,
    "a table": lambda s: simulate(s).onboarding,
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_is_not_shown(name: str) -> None:
    assert SECRET not in str(SHOWN[name](Scenario.parse(TEXT)))


def test_it_changes_no_result_and_no_fingerprint() -> None:
    made = Scenario.parse(TEXT)
    other = Scenario.parse(TEXT.replace(SECRET, "another"))
    none = Scenario.parse(TEXT.replace(", secret: hunter2", ""))
    assert made.digest() == other.digest() == none.digest()
    assert made == other == none == Scenario.parse(made.to_yaml())
    assert hash(made) == hash(none)
    assert made.applications[0] != Application(name="web")


def test_it_is_not_saved(tmp_path: Path) -> None:
    save(simulate(Scenario.parse(TEXT)), tmp_path / "run")
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert len(files) > 5
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("secret: hunter2", "secret: [hunter2]"),
        ("secret: hunter2", "secret: {value: hunter2}"),
        ("secret: hunter2", "secert: hunter2"),
        ("secret: hunter2", "app_secret: hunter2"),
        ("secret: hunter2", "secret: hunter2, secret: hunter2"),
        ("secret: hunter2", "secret: *hunter2"),
        ("secret: hunter2", "secret: !hunter2 x"),
        ("secret: hunter2", 'secret: "hunter2'),
        ("name: shop", "nome: shop"),
        ("name: shop", "name: -"),
        ("applications: [", "applications: [{name: shop}, {name: web}, "),
        ("days: 1", "days: 0"),
        ("applications: [{", "applications: {a: {"),
        ("hunter2}]", "hunter2}"),
    ],
)
def test_no_error_shows_it(old: str, new: str) -> None:
    """Neither the sentence, nor its parts, nor the traceback with the errors behind it."""
    assert old in TEXT
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(TEXT.replace(old, new))
    traceback_text = "".join(traceback.format_exception(caught.value))
    assert SECRET not in traceback_text + repr(caught.value.problems) + repr(caught.value)


def test_no_error_from_python_shows_it() -> None:
    plain = {"name": "shop", "secret": SECRET}
    made: dict[str, Any] = {"start": "2026-04-01", "days": 0, "applications": [plain] * 3}
    with pytest.raises(ScenarioError) as caught:
        Scenario(**made, templates=[])
    traceback_text = "".join(traceback.format_exception(caught.value))
    assert SECRET not in traceback_text + repr(caught.value.problems)
    with pytest.raises(ValueError, match="name") as of_part:
        Application.model_validate({"secret": SECRET})
    assert SECRET not in str(of_part.value)
