"""The examples of Huawei's own pages, through the engine (DOMAIN.md sections 2 and 3)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

SINGLE = {"ID": {"price": 0.05, "latency": 3, "outcomes": [{"status": "DELIVRD", "share": 1}]}}
MONTHLY = {"monthly_alarm": 10**7, "monthly_limit": 10**8}


def scenario(start: str, days: int, **changes: Any) -> Scenario:
    """One template of one segment, cheap and fast delivery, limits out of the way."""
    made = {
        "start": start,
        "days": days,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app"}],
        "routes": SINGLE,
        "quota": {"daily_limit": 10**7, "monthly_limit": 10**8},
        "thresholds": {"daily_alarm": 10**6, "daily_limit": 10**7, **MONTHLY},
    }
    return Scenario.model_validate(made | changes)


A_AND_B = [
    {"country": "ID", "segments": 10_000, "at": "2024-05-01T09:00+08:00", "valid_months": 12},
    {"country": "ID", "segments": 100_000, "at": "2024-05-10T09:00+08:00", "valid_months": 12},
]


def sent_a_task(**numbers: int) -> tuple[Run, list[int]]:
    """A year in mode 2 with Huawei's two packages: how many numbers of each task were sent.

    Tasks are called by the moment at which they start, such as `at_2024_05_09T12`.
    """
    tasks = [
        {
            "name": name,
            "template": "code",
            "countries": {"ID": n},
            "at": moment(name),
            "created": moment(name),
        }
        for name, n in numbers.items()
    ]
    rules = {"service_mode": "suspend"}
    run = simulate(
        scenario("2024-05-01T09:00+08:00", 366, account=rules, packages=A_AND_B, group_tasks=tasks)
    )
    sent = run.messages[run.messages["refused_at"] == ""]
    refused = run.messages[run.messages["refused_at"] != ""]
    assert (refused["status"] == "E000629").all()
    return run, [int((sent["source"] == name).sum()) for name in numbers]


def moment(name: str) -> str:
    """`at_2024_05_09T12` as a moment in GMT+8."""
    return name.removeprefix("at_").replace("_", "-") + ":00+08:00"


def test_before_10_may_sending_stops_after_10_000() -> None:
    """Package A alone is in force, and a later task of the same days sends nothing."""
    run, sent = sent_a_task(at_2024_05_02T12=9_999, at_2024_05_03T12=5_000, at_2024_05_09T23=7)
    assert sent == [9_999, 1, 0]
    assert run.events["event"].tolist()[1:4] == ["package_empty", "run_out", "suspended"]


def test_from_10_may_sending_stops_after_110_000() -> None:
    """A and B together are 110,000, whether A was used before or not."""
    assert sent_a_task(at_2024_05_09T12=15_000, at_2024_05_11T12=120_000)[1] == [10_000, 100_000]
    run, sent = sent_a_task(at_2024_05_11T12=120_000)
    assert sent == [110_000]
    first = run.messages["package"].iloc[:110_000]
    assert first.tolist() == [0] * 10_000 + [1] * 100_000


def test_after_the_expiry_of_a_only_b_is_left() -> None:
    """A ends with 1 May 2025, GMT+8; what was left of it is gone, and B goes on."""
    run, sent = sent_a_task(
        at_2025_05_01T08=4_000, at_2025_05_01T23=1_000, at_2025_05_02T00=120_000
    )
    assert sent == [4_000, 1_000, 100_000]
    given = run.messages[run.messages["refused_at"] == ""].groupby("source")["package"].unique()
    assert [list(numbers) for numbers in given] == [[0], [0], [1]]
    assert run.packages["expired"].tolist() == [5_000, 0]
    expired = run.events[run.events["event"] == "package_expired"]
    assert expired["at"].tolist() == [pd.Timestamp("2025-05-02T00:00+08:00")]


@pytest.mark.parametrize(("characters", "segments"), [(158, 1), (164, 2), (320, 3)])
def test_a_text_costs_its_segments(characters: int, segments: int) -> None:
    """158, 164 and 320 characters are 1, 2 and 3 messages, deducted and charged as such."""
    call = {"at": "2026-03-02T01:00", "to": [{}] * 4}
    run = simulate(
        scenario(
            "2026-03-02",
            1,
            templates=[{"name": "code", "application": "app", "text": "x" * characters}],
            calls=[{"name": "api", "template": "code", "country": "ID", "calls": [call]}],
            packages=[{"country": "ID", "segments": 2 * segments}],
        )
    )
    messages = run.messages
    assert messages["segments"].tolist() == [segments] * 4
    assert messages["covered_segments"].tolist() == [segments] * 2 + [0] * 2
    assert messages["cost_micro"].tolist() == [0] * 2 + [50_000 * segments] * 2
    assert len(run.reports) == 4 * segments


@pytest.mark.parametrize(
    ("bought", "validity", "last_day"),
    [
        ("2018-11-26T19:36:27", {"valid_months": 12}, "2019-11-26"),
        ("2026-01-31T19:36:27", {}, "2026-02-28"),
        ("2026-03-15T19:36:27", {"valid_days": 30}, "2026-04-14"),
        ("2026-03-31T23:59:59", {"valid_months": 3}, "2026-06-30"),
    ],
)
def test_a_package_is_used_to_the_end_of_its_last_day(
    bought: str, validity: dict[str, int], last_day: str
) -> None:
    """Usable at 23:59:59.999999 GMT+8 of the last day, and not a microsecond later."""
    last = pd.Timestamp(f"{last_day}T23:59:59.999999+08:00")
    start = pd.Timestamp(f"{bought}+08:00")
    moments = [start, last, last + pd.Timedelta("1us")]
    run = simulate(
        scenario(
            start.isoformat(),
            (last - start).days + 1,
            calls=[
                {
                    "name": "api",
                    "template": "code",
                    "country": "ID",
                    "calls": [{"at": at.isoformat(), "to": [{}]} for at in moments],
                }
            ],
            packages=[{"country": "ID", "segments": 100, "at": start.isoformat(), **validity}],
        )
    )
    assert run.messages["submitted_at"].tolist() == moments
    assert run.messages["covered_segments"].tolist() == [1, 1, 0]
    assert run.messages["cost_micro"].tolist() == [0, 0, 50_000]
    assert run.packages["ends_at"].tolist() == moments[2:]
