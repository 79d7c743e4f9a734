"""A small plan with promises that are kept, broken and too near to tell."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from smssim.checks import CheckResult, check
from smssim.scenario import Scenario

PLAN = """\
name: small
start: 2026-03-01
days: 1
account: {service_mode: suspend}
quota: {daily_limit: 50_000, monthly_limit: 900_000}
thresholds: {daily_alarm: 38, daily_limit: 60, monthly_alarm: 9_000, monthly_limit: 90_000}
applications: [{name: shop}]
templates: [{name: code, application: shop}]
packages: [{country: ID, segments: 43, price: 30}]
traffic: [{name: a, template: code, country: ID, messages_a_day: 40}]
routes: {ID: {price: 0.1}}
checks:
  - {name: never dry, metric: runout.any, below: 0.05, margin: 0.02}
  - {name: budget, metric: cost_usd, statistic: p80, below: 31}
  - {name: enough, metric: messages.requested, above: 20, margin: 1}
  - {name: near, metric: messages.requested, below: 40}
  - {name: late enough, metric: runout.first, statistic: p20, above: 0.5, margin: 0.2}
checking: {most_runs: 60}
"""
KEPT = (
    PLAN.replace("segments: 43", "segments: 200")
    .replace("below: 40", "below: 50")
    .replace("most_runs: 60", "most_runs: 150")
)
UNDECIDED = "\n".join(line for line in PLAN.splitlines() if "never dry" not in line)
OUTCOMES = {
    "never dry": "fail",
    "budget": "pass",
    "enough": "pass",
    "near": "undecided",
    "late enough": "pass",
}


@lru_cache(maxsize=1)
def checked_plan() -> CheckResult:
    """The plan checked once, without a file."""
    return check(Scenario.parse(PLAN), workers=1)


def written(folder: Path, text: str = PLAN, name: str = "plan.yaml") -> Path:
    """A file of a plan."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file
