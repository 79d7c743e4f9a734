"""Delivery reports in batches (DOMAIN.md section 7): which address wins, how they form."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from identity import assert_identical

from smssim import report
from smssim.calendars import SECOND, to_us
from smssim.scenario import Scenario, ScenarioError
from smssim.simulation.callbacks.batches import Waiting
from smssim.simulation.callbacks.push import batched_applications
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import Run, simulate

API = {"name": "api", "template": "code", "country": "ID"}
AT = "2025-03-03T12:00:00Z"
NOON = to_us(pd.Timestamp(AT).to_pydatetime())


def to(*latencies_s: float, **more: Any) -> list[dict[str, Any]]:
    """Numbers whose reports come so many seconds after noon."""
    return [{"status": "DELIVRD", "latency_s": s, **more} for s in latencies_s]


def scenario(
    numbers: list[dict[str, Any]],
    *,
    named: bool | None = False,
    batch_address: bool = True,
    address: bool = True,
    days: int = 1,
    **callback: Any,
) -> Scenario:
    """One call at noon to these numbers, of an application with or without a batch address."""
    return Scenario.model_validate(
        {
            "start": "2025-03-03",
            "days": days,
            "applications": [{"name": "app", "batch_address": batch_address}],
            "templates": [{"name": "code", "application": "app"}],
            "calls": [API | {"status_callback": named, "calls": [{"at": AT, "to": numbers}]}],
            "queue": {"throughput_per_s": 1e6},
            "callback": {"address": address, **callback},
        }
    )


def run_of(made: Scenario, **options: Any) -> Run:
    """The run, after the oracle has agreed to it."""
    assert_identical(made, 1, (), options.get("tuning") or Tuning(50, 3, 17))
    return simulate(made, **options)


def waits_s(run: Run) -> list[float]:
    """From each report's creation to its first arrival, in seconds to the tenth."""
    created = run.messages["final_at"].take(run.reports["message"]).to_numpy()
    waits = run.reports["received_at"].to_numpy() - created
    return [round(float(wait), 1) for wait in waits / np.timedelta64(1, "s")]


def received_s(run: Run) -> list[float]:
    """When each report arrived, in seconds after noon to the tenth; -1 if it did not."""
    us = run.reports["received_at"].dt.tz_localize(None).to_numpy().view(np.int64)
    return [round((at - NOON) / SECOND, 1) if at > 0 else -1 for at in us.tolist()]


def test_reports_address_of_the_request_wins() -> None:
    """Two sources of one application with a batch address: one names an address of its own."""
    made = scenario(to(1, 2, 3)).model_dump(mode="json", exclude_unset=True)
    own = made["calls"][0] | {"name": "own", "status_callback": True}
    run = run_of(Scenario.model_validate(made | {"calls": [*made["calls"], own]}))

    by_source = run.messages["source"].take(run.reports["message"]).astype(str).tolist()
    assert by_source == ["api"] * 3 + ["own"] * 3
    assert waits_s(run) == [60, 59, 58, 0, 0, 0]
    default = scenario(to(1), named=None, address=True, batch_address=False)
    assert waits_s(run_of(default)) == [0]


def test_reports_batch_address_of_the_application() -> None:
    """Where the request names none, the batch address of its application gets the reports, and not
    that of another one.
    """
    made = scenario(to(1, 2), named=None, address=False).model_dump(mode="json", exclude_unset=True)
    made["applications"].append({"name": "web"})
    made["templates"].append({"name": "news", "application": "web"})
    web = made["calls"][0] | {"name": "web", "template": "news"}
    run = run_of(Scenario.model_validate(made | {"calls": [*made["calls"], web]}))

    sources = run.messages["source"].take(run.reports["message"]).astype(str).tolist()
    assert sources == ["api", "api"]
    assert waits_s(run) == [60, 59]


def test_reports_none_without_an_address() -> None:
    """Nothing is pushed, and final statuses are what they were."""
    silent = run_of(scenario(to(1, 2), batch_address=False))
    heard = run_of(scenario(to(1, 2)))

    assert len(silent.reports) == 0
    assert len(heard.reports) == 2
    pd.testing.assert_frame_equal(silent.messages, heard.messages)
    assert report.callbacks(silent).iloc[0]["reports"] == 0


def test_reports_batches_of_at_most_50() -> None:
    """120 reports of about one moment: two full batches at once, and 20 after the aggregation."""
    run = run_of(scenario(to(*[5] * 120)))

    assert Counter(received_s(run)) == {5: 100, 65: 20}
    by_batch = Counter(run.reports["received_at"])
    assert sorted(by_batch.values()) == [20, 50, 50]
    # A full batch goes with the creation of its last report.
    created = run.messages["final_at"]
    assert run.reports["received_at"].iloc[[0, 50]].tolist() == created.iloc[[49, 99]].tolist()


@pytest.mark.parametrize("size", [0, 51])
def test_reports_batch_size_is_1_to_50(size: int) -> None:
    with pytest.raises(ScenarioError, match=r"callback\.batch_size"):
        scenario(to(1), batch_size=size)


def test_reports_batch_is_pushed_after_the_aggregation_time() -> None:
    """The window opens with the first report and is half-open: at its very end the next opens."""
    # The n-th number leaves n microseconds later, so the second is created just before 1 + 60 s.
    almost = 61 - 2e-6
    run = run_of(scenario(to(1, almost, 61 - 2e-6, 90)))

    assert received_s(run) == [61, 61, 121, 121]
    assert received_s(run_of(scenario(to(1, 2, 90), batch_wait_s=3_600))) == [3_601] * 3


def test_reports_no_aggregation_time_makes_batches_of_one() -> None:
    run = run_of(scenario(to(5, 5, 7), batch_wait_s=0, no_answer_share=0.5))
    assert run.reports["state"].isin(["received", "lost"]).all()
    arrived = run_of(scenario(to(5, 5, 7), batch_wait_s=0))
    assert waits_s(arrived) == [0, 0, 0]


def test_reports_of_a_batch_share_their_fate() -> None:
    """One POST: what becomes of it becomes of all, and retries count from the closing moment."""
    made = scenario(
        to(*range(1, 200), segments=2),
        no_answer_share=0.5,
        lost_answer_share=0.5,
        retries_s=[600],
        outages=[{"at": "2025-03-03T12:00:30Z", "minutes": 1}],
        batch_size=20,
    )
    run = run_of(made)

    # 398 reports, two a second, in the order of creation; all batches but the last are full.
    created = run.messages["final_at"].take(run.reports["message"]).reset_index(drop=True)
    order = np.argsort(created, kind="stable")
    retried = 0
    for begin in range(0, 398, 20):
        batch = run.reports.iloc[order[begin : begin + 20]]
        shared = batch[["state", "attempts", "deliveries", "received_at"]].drop_duplicates()
        assert len(shared) == 1, begin
        if len(batch) == 20 and batch["state"].iloc[0] == "received":
            waited = (batch["received_at"].iloc[0] - created[order[begin + 19]]).total_seconds()
            assert waited in (0, 600)
            retried += waited == 600
    assert 0 < retried < 19
    assert set(run.reports["state"]) == {"received", "lost"}


def test_reports_of_a_batch_that_does_not_close_are_pending() -> None:
    """The end of the run comes before the end of the aggregation time."""
    run = run_of(scenario(to(5, 11.8 * 3_600, 11.99 * 3_600), batch_wait_s=600))

    assert run.reports["state"].tolist() == ["received", "received", "pending"]
    assert run.reports["attempts"].tolist() == [1, 1, 0]
    assert run.reports["deliveries"].tolist() == [1, 1, 0]
    exactly = scenario(to(12 * 3_600 - 600), batch_wait_s=600)
    assert run_of(exactly).reports["state"].tolist() == ["pending"]


def test_reports_that_expire_wait_for_their_batch_across_chunks() -> None:
    """A report 72 hours after its message holds back the chunks after it, none is lost, and the
    numbers of batches run on.
    """
    made = scenario(
        [{"status": "none"}, *to(1)], days=5, named=None, address=False, no_answer_share=0.5
    ).model_dump(mode="json", exclude_unset=True)
    traffic = {**API, "name": "every day", "messages_a_day": 300}
    made = Scenario.model_validate(made | {"traffic": [traffic]})
    done: list[int] = []
    run = run_of(made, tuning=Tuning(50, 3, 17), progress=lambda n, _: done.append(n))

    expired = run.messages["status"] == "EXPIRED"
    assert expired.sum() > 1
    assert run.reports["message"].is_monotonic_increasing
    assert len(done) > 5
    assert done[-1] == len(run.messages)


def test_reports_batches_have_their_delay_in_the_report() -> None:
    """Aggregation is a delay to the customer, though the first push brings it."""
    found = report.callbacks(run_of(scenario(to(*[5] * 20)))).iloc[0]

    assert found[["reports", "received", "deliveries"]].tolist() == [20, 20, 20]
    assert found["attempts_mean"] == 1
    assert found["delay_p50_s"] == pytest.approx(60, rel=0.01)
    alone = simulate(scenario(to(5), named=True, batch_address=False))
    assert report.callbacks(alone).iloc[0]["delay_p50_s"] == 0


def test_reports_an_idle_batch_address_is_refused() -> None:
    """All requests name an address, and theirs wins: the analyst is told so."""
    with pytest.raises(ScenarioError, match=r"applications\.0\.batch_address: all requests of"):
        scenario(to(1), named=None, address=True)
    with pytest.raises(ScenarioError, match=r"an address of their own, which wins"):
        scenario(to(1), named=True, address=False)


def test_reports_scenarios_without_batches_have_no_stage_of_their_own() -> None:
    silent = scenario(to(1), batch_address=False)
    assert batched_applications(silent) == []
    assert batched_applications(scenario(to(1))) == ["app"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 300), max_size=12), max_size=8),
    st.sampled_from([0, 1, 7, 60]),
    st.sampled_from([1, 2, 3, 50]),
)
def test_reports_each_is_in_exactly_one_batch(
    chunks: list[list[int]], wait_us: int, size: int
) -> None:
    """Whatever comes when, however often one looks: the same batches, none too great or too
    long, and they hold every report once.
    """
    waiting, number, seen = Waiting(wait_us, size), 0, []
    batches: dict[tuple[int, int], list[int]] = {}
    created: dict[int, int] = {}
    closed_us: list[int] = []
    for turn, delays in enumerate([*chunks, []]):
        new = np.arange(number, number + len(delays))
        at = np.array([turn * 100 + delay for delay in delays], np.int64)
        created.update(zip(new.tolist(), at.tolist(), strict=True))
        waiting.add(new, at)
        number += len(delays)
        closed = waiting.close(turn * 100 + 100, last=turn == len(chunks))
        assert (np.diff(closed.number) > 0).all()
        for one, batch in zip(closed.number.tolist(), closed.batch.tolist(), strict=True):
            batches.setdefault((turn, batch), []).append(one)
            seen.append(one)
        closed_us += closed.closed_us.tolist()

    assert sorted(seen) == list(range(number))
    assert len(batches) == len(closed_us)
    in_order = sorted(created, key=lambda one: (created[one], one))
    for (_, members), close_us in zip(sorted(batches.items()), closed_us, strict=True):
        members = sorted(members, key=lambda one: (created[one], one))
        assert in_order[: len(members)] == members
        del in_order[: len(members)]
        assert 1 <= len(members) <= size
        opened_us = created[members[0]]
        assert all(created[one] < opened_us + wait_us for one in members[1:])
        full = len(members) == size
        assert close_us == (created[members[-1]] if full else opened_us + wait_us)
        if not full and in_order:
            assert created[in_order[0]] >= opened_us + wait_us


def test_reports_a_day_of_traffic_is_conserved() -> None:
    """Each report of a batched application is pushed in one batch of at most 50."""
    made = scenario(to(1), named=None, address=False, days=2, batch_wait_s=1e6).model_dump(
        mode="json", exclude_unset=True
    )
    traffic = {**API, "name": "much", "messages_a_day": 4_000}
    quota = {"daily_limit": 10_000, "monthly_limit": 90_000}
    limits = quota | {"daily_alarm": 9_000, "monthly_alarm": 80_000}
    made |= {"traffic": [traffic], "quota": quota, "thresholds": limits}
    run = simulate(Scenario.model_validate(made), rng=4)

    final = run.messages["final_at"].notna().sum()
    assert len(run.reports) == final
    arrived = run.reports[run.reports["state"] == "received"]
    assert set(arrived["received_at"].value_counts()) == {50}
    assert len(run.reports) - len(arrived) < 50
