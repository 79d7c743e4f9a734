"""Small projects of a team that lists its plans, and pytest run in them."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

import pytest
import scipy.special
import scipy.stats

import smssim
import smssim.testing.promise_tests
from smssim.checks import CheckResult

# What a run of pytest within this process imports first, it also forgets, and NumPy's extensions
# are loaded once: so they are imported here.
_ = (scipy.special, scipy.stats, smssim.testing.promise_tests)
INSTALLED = any(found.name == "smssim" for found in entry_points(group="pytest11"))
PLUGIN = [] if INSTALLED else ["-p", "smssim.pytest_plugin"]
INI = """
[pytest]
smssim_scenarios = plans/**/*.yaml
smssim_workers = 1
strict = true
filterwarnings =
    error
    ignore:Module already imported:pytest.PytestAssertRewriteWarning
"""
KEPT = """
name: tiny
start: 2026-04-01
days: 1
account: {service_mode: suspend}
applications: [{name: shop}]
templates: [{name: login, application: shop}]
packages: [{country: TH, segments: 150, price: 4}]
traffic: [{name: login, template: login, country: TH, messages_a_day: 100}]
checks:
  - {name: never dry, metric: runout.any, below: 0.2, margin: 0.1}
  - {name: enough, metric: messages.sent, statistic: mean, above: 50}
  - {name: budget, metric: cost_usd, statistic: p75, below: 5}
"""
BROKEN = KEPT.replace("segments: 150", "segments: 60")
OPEN = KEPT.replace("p75", "p99") + "checking: {most_runs: 30}\n"
Project = Callable[..., pytest.RunResult]
NAMES = ("never dry", "enough", "budget")


def reference(plan: str) -> CheckResult:
    """What the verb says of a plan; it also imports all that a run in this process needs."""
    return smssim.check(smssim.Scenario.parse(plan), workers=1)


def projects(pytester: pytest.Pytester) -> Project:
    """A function that makes a project of a plan, and runs pytest in it with some arguments."""

    def run(plan: str, *args: str, ini: str = INI, test: str = "") -> pytest.RunResult:
        pytester.makeini(ini)
        place = pytester.path / "plans" / "april.yaml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(plan, encoding="utf-8")
        (pytester.path / "other.yaml").write_text("no one: asked", encoding="utf-8")
        if test:
            (pytester.path / "tests").mkdir(exist_ok=True)
            (pytester.path / "tests" / "test_own.py").write_text(test, encoding="utf-8")
        outside = "-n" in args
        how = pytester.runpytest_subprocess if outside else pytester.runpytest_inprocess
        return how(*PLUGIN, *args)

    return run
