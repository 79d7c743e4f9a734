"""What `04_launch_date` must show: the hours and days that the library finds, and their risks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from notebook_cells import pictures, row, shown

from smssim import Scenario, report, simulate
from smssim.checks import find

SCENARIO = Path(__file__).parents[1] / "data/scenarios/spring_festival.yaml"
LAUNCH = "2026-02-23T10:00:00+07:00"


def check(notebook: Any) -> None:
    """The way to the first message, the risk of each hour and day, and the last hour are real."""
    plan, texts = Scenario.load(SCENARIO), shown(notebook)

    first = report.onboarding(simulate(plan, rows=False)).iloc[-1]
    assert row(texts["onboarding"], "10 ")[-2:] == [f"{first['hours']:.1f}", str(first["day"])]
    _difference(row(texts["countries"], "first_message.day"))

    def risk(at: str) -> str:
        found = find.launch_risk(plan, "launch offer", LAUNCH, [datetime.fromisoformat(at)])
        return f"{found['risk'].item():.3f}"

    for hour in (15, 16, 18):
        told = row(texts["offer-table"], f"Sat 14 Feb {hour}:00")
        assert told[1] == risk(f"2026-02-14T{hour}:00:00+08:00")
        assert float(told[2]) <= float(told[1]) <= float(told[3])
    answer = find.latest_submission(plan, "launch offer", LAUNCH, first="2026-02-14T09:00+08:00")
    assert f"Hand it in by {answer.value:%A, %d %B, %H:%M}" in texts["latest"]
    assert row(texts["make-up"], "Sat 14 Feb") == ["0.0", "1.0"]
    assert row(texts["late-task"], "an hour too late") == ["5,000", "5,000", "0", "0"]

    begun = {day: row(texts["begin-table"], day) for day in ("Wed 21 Jan", "Thu 22 Jan")}
    assert float(begun["Wed 21 Jan"][3]) < 0.05 < float(begun["Thu 22 Jan"][3])
    assert pictures(notebook) == ["onboarding-picture", "offer", "late", "begin"]


def _difference(told: list[str]) -> None:
    """Vietnam is later by what both means differ, and surely by more than a week."""
    n, base, what_if, difference, low, high = map(float, told)
    assert n == 40
    assert abs(what_if - base - difference) < 0.11
    assert 7 < low < difference < high
