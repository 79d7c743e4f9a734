"""What a pandas user types first: a door, or a sentence that says what to give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import smssim

PLAN = Path(__file__).parents[1] / "data/scenarios/mode2_run_out.yaml"
FRAME = pd.DataFrame({"a": [1]})
DATA = {"name": "small", "days": 1, "start": "2026-03-01"}


def test_a_scenario_may_be_plain_data() -> None:
    scenario = smssim.Scenario.load(PLAN).change(days=1)
    data = scenario.model_dump(exclude_unset=True)
    run = smssim.simulate(data, rows=False)
    assert run.provenance["digest"] == scenario.digest()
    assert smssim.replicate(data, 1, workers=1).designs[0].scenario == scenario


@pytest.mark.parametrize(
    "attempt",
    [
        smssim.simulate,
        smssim.replicate,
        smssim.check,
        smssim.describe,
        lambda value: smssim.compare(value, {"days": 2}, 1),
    ],
)
def test_what_is_no_scenario_is_told_what_is_one(attempt: Any) -> None:
    rule = r"scenario\(=DataFrame\) must be a Scenario, the path of a YAML file, or a dict"
    with pytest.raises(TypeError, match=rule):
        attempt(FRAME)
    with pytest.raises(smssim.ScenarioError, match=r"nowhere\.yaml: No such file"):
        attempt("nowhere.yaml")
    with pytest.raises(smssim.ScenarioError, match="dayz"):
        attempt({**DATA, "dayz": 3})


@pytest.mark.parametrize("name", ["cost", "delivery", "kpis", "packages", "callbacks"])
def test_what_is_no_record_is_told_where_one_comes_from(name: str) -> None:
    rule = r"must be a Record: smssim.simulate\(scenario\) or smssim.read_log\(path\)"
    for attempt in (getattr(smssim.report, name), smssim.summary, smssim.page):
        with pytest.raises(TypeError, match=rule):
            attempt(FRAME)


def test_completion_shows_what_is_for_users() -> None:
    for module in (smssim, smssim.report, smssim.plots, smssim.policies, smssim.find):
        assert dir(module) == sorted(module.__all__)
    assert not {name for name in dir(smssim.testing) + dir(smssim.metrics) if name[0] == "_"}
