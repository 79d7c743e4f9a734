"""The fixtures of the plugin of pytest: `simulate` and `assert_promise` in a team's own tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugin_projects import KEPT, projects, reference

import smssim
from smssim.testing.promise_tests import AssertPromise, Settings

pytest_plugins = ["pytester"]

FIXTURES = """
import pytest
import smssim

PLAN = "plans/april.yaml"

@pytest.fixture(scope="session")
def run(simulate):
    return simulate(PLAN, rng=7)

def test_simulate(run, simulate, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run.provenance["rng"] == 7
    scenario = smssim.Scenario.load(FILE)
    assert simulate(scenario).provenance["rng"] == scenario.rng

def test_kept(assert_promise, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    verdict = assert_promise(PLAN, "runout.any < 0.2", margin=0.1)
    assert (verdict.outcome, verdict.check.margin) == ("pass", 0.1)
    assert assert_promise(PLAN, "p75(cost_usd) < 5").check.statistic_name == "p75"
    check = smssim.Scenario.load(FILE).checks[1]
    assert assert_promise(PLAN, check, false_alarm=0.1, miss=0.1).check == check

def test_part(assert_promise):
    verdict = assert_promise(PLAN, "messages.sent > 50", where={"country": "TH"})
    assert verdict.check.figure == "messages.sent[country=TH]"

def test_policy(assert_promise):
    policy = smssim.policies.TopUpQuota("TH", 200, 5, on="run_out", after_s=60)
    assert_promise(SMALL, "messages.sent > 70", policies=[policy])

def test_broken(assert_promise):
    assert_promise(SMALL, "messages.sent > 70")

def test_undecided(assert_promise):
    assert_promise(PLAN, "p99(cost) < 5", most_runs=20, undecided="pass")
    assert_promise(PLAN, "p99(cost) < 5", most_runs=20)

SMALL = smssim.Scenario.load(FILE).change(**{"packages.0.segments": 60})
"""


def test_fixtures_for_own_tests(pytester: pytest.Pytester) -> None:
    reference(KEPT)
    file = f"FILE = {str(pytester.path / 'plans' / 'april.yaml')!r}\n"
    result = projects(pytester)(KEPT, "tests", test=file + FIXTURES)
    result.assert_outcomes(passed=4, failed=2)
    text = result.stdout.str()
    assert "AssertionError" in text
    for told in ("mean(messages.sent) > 70", "DOES NOT HOLD", "p99(cost) < 5", "UNDECIDED"):
        assert told in text
    assert '>       assert_promise(SMALL, "messages.sent > 70")' in text.replace("    >", ">")
    assert "promises.py" not in text


@pytest.mark.parametrize(
    ("promise", "told"),
    [
        ("runout.any", "must be like 'runout.any < 0.05'"),
        ("runout.any < often", "must end with a number"),
        ("runout.most < 0.1", "must be one of smssim.metrics"),
        ("p90(cost_eur) < 3", "must be in USD: cost_usd"),
        ("probability(cost) < 0.3", "yes or no"),
        ("p90(cost) < inf", "bound|finite"),
    ],
)
def test_a_wrong_promise_says_what_it_must_be(promise: str, told: str) -> None:
    decides = AssertPromise(Settings(Path(), "fail", 1))
    with pytest.raises(ValueError, match=told):
        decides(smssim.Scenario.parse(KEPT), promise)


def test_a_part_is_named_once() -> None:
    decides = AssertPromise(Settings(Path(), "fail", 1))
    with pytest.raises(ValueError, match="has a part in brackets"):
        decides(
            smssim.Scenario.parse(KEPT), "messages.sent[country=TH] > 5", where={"country": "ID"}
        )


def test_a_check_brings_its_own_margin() -> None:
    scenario = smssim.Scenario.parse(KEPT)
    with pytest.raises(ValueError, match="has a margin and a where of its own"):
        AssertPromise(Settings(Path(), "fail", 1))(scenario, scenario.checks[0], margin=0.2)
