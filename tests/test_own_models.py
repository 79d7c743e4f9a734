"""A subclass of the SimPy model changes what it names, and nothing else."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_models import BusyServer, PasswordsFirst, PasswordsFirstQueue, SheddingModel, SlowReview

from smssim import Scenario, simulate
from smssim.testing import assert_conserved
from smssim.testing.same import first_difference

PLAN = {
    "start": "2026-03-02",
    "days": 1,
    "quota": {"daily_limit": 90_000, "monthly_limit": 900_000},
    "thresholds": {"daily_alarm": 4_000, "daily_limit": 90_000, "monthly_limit": 900_000},
    "applications": [{"name": "shop"}],
    "templates": [
        {"name": "code", "application": "shop", "type": "otp", "segments": {1: 0.7, 2: 0.3}},
        {"name": "offer", "application": "shop", "type": "notification"},
    ],
    "packages": [{"country": "TH", "segments": 3_000}],
    "traffic": [{"name": "login", "template": "code", "country": "TH", "messages_a_day": 1_500}],
    "queue": {"throughput_per_s": 2},
}
CAMPAIGN = [
    {"name": "sale", "template": "offer", "at": "2026-03-02T09:00", "countries": {"TH": 1_000}}
]


def scenario(**parts: Any) -> Scenario:
    return Scenario.model_validate(PLAN | parts)


def _waits_s(messages: pd.DataFrame) -> np.ndarray[Any, Any]:
    waits = messages["sent_at"] - messages["submitted_at"]
    return waits.dt.total_seconds().to_numpy()


def test_a_priority_queue_changes_only_who_waits() -> None:
    """Same messages, verdicts, charges, thresholds, ledger and slots; passwords wait for passwords
    and at most one message that is leaving, and notifications for the rest.
    """
    plan = scenario(group_tasks=CAMPAIGN)
    fifo, own = simulate(plan), simulate(plan, kernel=PasswordsFirst)

    assert_conserved(own)
    for table in ("events", "ledger", "packages", "reviews", "onboarding"):
        pd.testing.assert_frame_equal(getattr(own, table), getattr(fifo, table))
    for column in ("submitted_at", "source", "segments", "refused_at", "covered_segments"):
        assert own.messages[column].astype(str).equals(fifo.messages[column].astype(str)), column
    assert own.messages["cost_micro"].equals(fifo.messages["cost_micro"])
    # Work is conserved: the same slots leave, so that waits have the same sum.
    slots = [np.sort(run.messages["sent_at"].to_numpy()) for run in (fifo, own)]
    assert np.array_equal(*slots)
    before, after = _waits_s(fifo.messages), _waits_s(own.messages)
    assert before.sum() == pytest.approx(after.sum(), rel=1e-12)
    otp = (own.messages["type"] == "otp").to_numpy()
    assert (after[otp] <= before[otp]).all()
    assert (after[~otp] >= before[~otp]).all()
    # One password waited behind 1,000 notifications; now as without them, and half a second.
    alone = _waits_s(simulate(scenario()).messages)
    assert before[otp].max() > 300
    assert (after[otp] <= alone + 0.5 + 1e-9).all()


def test_the_priority_queue_fits_on_a_page() -> None:
    """It is what a SimPy user expects: 15 lines with its model, blank lines and all."""
    source = inspect.getsource(PasswordsFirstQueue) + inspect.getsource(PasswordsFirst)
    assert len(source.splitlines()) <= 15
    assert simulate(scenario(), kernel=PasswordsFirst).provenance["kernel"] == (
        "own_models.PasswordsFirst"
    )


def test_reviewers_of_half_the_speed_are_a_handling_twice_as_long() -> None:
    """The part of one's own is what the scenario could have said, to the last row."""
    handed_in = [
        {"name": f"t{n}", "application": "shop", "submitted": f"2026-03-02T0{n}:00"}
        for n in range(1, 6)
    ]
    review = {"reviewers": 1, "handling": 3_600, "rejection": 0.4}
    plan = scenario(templates=[*PLAN["templates"], *handed_in], review=review)
    slower = plan.change(**{"review.handling": 7_200})

    own = simulate(plan, kernel=SlowReview)

    assert first_difference(simulate(slower), own) is None
    assert first_difference(simulate(plan), own) is not None


def erlang_b(servers: int, load: float) -> float:
    """The share of arrivals that find all servers busy (Erlang's loss formula)."""
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def test_a_server_that_sheds_load_loses_what_erlang_says() -> None:
    """Poisson arrivals, 10 s of work, 3 workers, no second push. A loss system holds for any
    distribution of work; batches of an hour give the standard error, 4 of them a risk of 1e-4.
    """
    plan = scenario(
        templates=[{"name": "code", "application": "shop"}],
        traffic=[PLAN["traffic"][0] | {"messages_a_day": 8_640}],
        packages=[],
        queue={"throughput_per_s": 1e6},
        routes={"TH": {"outcomes": [{"status": "DELIVRD", "share": 1}], "latency": 4}},
    )
    own, fast = simulate(plan, kernel=SheddingModel), simulate(plan)

    pd.testing.assert_frame_equal(own.ledger, fast.ledger)
    assert first_difference(fast, own).startswith("reports, row ")
    lost = own.reports["state"].astype(str) == "lost"
    hour = own.messages["submitted_at"].dt.floor("h").take(own.reports["message"]).to_numpy()
    shares = lost.groupby(hour).mean()
    error = shares.std() / np.sqrt(len(shares))
    assert shares.mean() == pytest.approx(erlang_b(3, 1.0), abs=4 * error)
    assert error < 0.01


def test_a_server_with_enough_workers_sheds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BusyServer, "workers", 10_000)
    plan = scenario(callback={"no_answer_share": 0.3, "retries_s": [30, 600]})
    assert first_difference(simulate(plan), simulate(plan, kernel=SheddingModel)) is None
