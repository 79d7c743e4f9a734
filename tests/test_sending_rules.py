"""Rules of counting, sending and delivery one by one, each shown by what it changes in a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest
from one_day import ROUTE, column, day, events, requests, world

from smssim.calendars import SECOND
from smssim.simulation.simulate import simulate

LOW = {"daily_alarm": 2, "daily_limit": 3}
NEVER_USABLE = {"name": "code", "application": "app", "submitted": "2026-03-02T09:59Z"}
MINUTES = [f"01:{minute:02d}" for minute in range(10)]


@pytest.mark.parametrize(("trips", "sent"), [("exceeds", 4), ("reaches", 3)])
def test_thresholds_trip_above_or_at_the_value(trips: str, sent: int) -> None:
    run = day(requests(*MINUTES), thresholds=LOW | {"trips": trips})
    assert column(run, "status") == ["DELIVRD"] * sent + ["E000623"] * (10 - sent)
    assert run.events is not None
    assert run.events["value"].tolist() == [sent - 1, sent]


@pytest.mark.parametrize(("unit", "sent"), [("message", 4), ("segment", 2)])
def test_thresholds_count_messages_or_segments(unit: str, sent: int) -> None:
    template = {"name": "code", "application": "app", "segments": 2}
    run = day(requests(*MINUTES), thresholds=LOW | {"unit": unit}, templates=[template])
    assert column(run, "refused_at").count("") == sent


@pytest.mark.parametrize(("counts", "refused"), [(True, 4), (False, 10)])
def test_thresholds_count_what_the_platform_refuses(counts: bool, refused: int) -> None:
    """After acceptance: the limit may be full of messages that no one got."""
    thresholds = LOW | {"counts_refused": counts}
    run = day(requests(*MINUTES), thresholds=thresholds, account={"regions": ["TH"]})
    assert column(run, "status") == ["E000628"] * refused + ["E000623"] * (10 - refused)


def test_thresholds_do_not_count_what_was_not_accepted() -> None:
    """An unusable template's numbers take nothing of the limit."""
    template = {"name": "code", "application": "app", "submitted": "2026-03-02T01:00Z"}
    review = {"decision": 3_600}
    later = [f"05:{minute:02d}" for minute in range(5)]
    run = day(requests(*MINUTES, *later), thresholds=LOW, templates=[template], review=review)
    assert column(run, "status") == ["E200030"] * 10 + ["DELIVRD"] * 4 + ["E000623"]


def test_thresholds_turn_with_the_utc_day() -> None:
    made = requests(*MINUTES, "23:59:59.999999")
    made["calls"].append({"at": "2026-03-03T00:00Z", "to": [{}]})
    run = day(made, thresholds=LOW, days=2)
    assert column(run, "refused_at") == [""] * 4 + ["request"] * 7 + [""]
    assert events(run, "recovered") == [("recovered", "day")]


@dataclass(frozen=True)
class Sets:
    """A policy that sets thresholds half a minute after an event."""

    event: str
    values: dict[str, int]

    def __call__(self, env: Any, account: Any) -> Iterator[Any]:
        yield account.wait(self.event)
        yield env.timeout(30 * SECOND)
        account.set_thresholds(**self.values)


@pytest.mark.parametrize(("alarm", "used"), [(1, [3]), (5, [3, 6])])
def test_alarm_after_an_alarm(alarm: int, used: list[int]) -> None:
    """A smaller value waits for the next day, a greater one gives a second alarm."""
    made = requests(*MINUTES)
    made["calls"] += [{"at": f"2026-03-03T01:0{minute}Z", "to": [{}]} for minute in range(2)]
    values = {"daily_alarm": 2, "daily_limit": 400}
    policy = Sets("alarm", {"daily_alarm": alarm})
    run = simulate(world(made, thresholds=values, days=2), policies=[policy])
    assert run.events is not None
    own = run.events[run.events["event"] == "alarm"]
    assert own["value"].tolist() == used + ([2] if alarm == 1 else [])


def test_raised_limit_counts_at_once() -> None:
    """What was stopped is sent again, up to the new value."""
    policy = Sets("limit", {"daily_limit": 6})
    run = simulate(world(requests(*MINUTES), thresholds=LOW), policies=[policy])
    # The fourth message trips at 01:03, the limit is raised half a minute later.
    assert column(run, "status") == ["DELIVRD"] * 7 + ["E000623"] * 3
    assert [name for name, _ in events(run, "limit", "recovered")] == [
        "limit",
        "recovered",
        "limit",
    ]


def test_limit_is_looked_at_between_requests_and_numbers_of_a_task() -> None:
    """A request overshoots the limit; a group task stops at it."""
    run = day(requests("01:00 x 10", "01:01"), thresholds=LOW)
    assert column(run, "status") == ["DELIVRD"] * 10 + ["E000623"]
    task = {"name": "task", "template": "code", "at": "2026-03-02T01:00Z", "countries": {"ID": 10}}
    run = day(group_tasks=[task], thresholds=LOW)
    assert column(run, "status") == ["DELIVRD"] * 4 + ["E000623"] * 6


def leaving(run: Any) -> list[float]:
    """Seconds after 01:00 at which messages left the queue."""
    return [
        (at - pd.Timestamp("2026-03-02T01:00Z")).total_seconds() for at in column(run, "sent_at")
    ]


def test_queue_is_first_in_first_out() -> None:
    """At the throughput, which is 500 a second if nothing is said."""
    made = requests("01:00 x 3", "01:00:01 x 2")
    assert leaving(day(made, queue={"throughput_per_s": 1})) == [0, 1, 2, 3, 4]
    assert leaving(day(made)) == [0, 0.002, 0.004, 1, 1.002]


@pytest.mark.parametrize(
    ("scope", "left"),
    [("shared", [0, 1, 2, 3]), ("application", [0, 1, 0, 1]), ("route", [0, 1, 0, 1])],
)
def test_queue_scope(scope: str, left: list[float]) -> None:
    """Two applications, each to a country of its own, send two numbers at one instant."""
    other = {**requests("01:00 x 2", country="TH"), "template": "other"}
    run = day(
        requests("01:00 x 2"),
        other,
        queue={"scope": scope, "throughput_per_s": 1},
        quota={"applications": 2},
        applications=[{"name": "app"}, {"name": "second"}],
        templates=[
            {"name": "code", "application": "app"},
            {"name": "other", "application": "second"},
        ],
    )
    assert leaving(run) == left


@pytest.mark.parametrize(
    "late", [{"status": "none", "share": 1}, {"status": "DELIVRD", "share": 1}]
)
def test_no_report_in_72_hours_is_expired(late: dict[str, Any]) -> None:
    """Built by the platform, a failure, charged; also where a report would come a second later."""
    route = ROUTE | {"outcomes": [late], "latency": 72 * 3_600 + 1}
    run = day(requests("01:00"), routes={"ID": route}, days=4)
    assert column(run, "status") == ["EXPIRED"]
    assert column(run, "report_source") == [1]
    assert column(run, "final_at") == [pd.Timestamp("2026-03-05T01:00Z")]
    assert column(run, "cost_micro") == [50_000]


def test_one_request_in_so_many_is_looked_at_by_hand() -> None:
    """All numbers of such a request are reported so much later; a fixed delay stays as it is."""
    calls = requests(*[f"{h:02}:{m:02} x 3" for h in range(1, 21) for m in range(60)])
    calls["calls"].append({"at": "2026-03-02T21:00Z", "to": [{"latency_s": 5}] * 50})
    queue = {"manual_review_every": 4, "manual_review": 7_200, "throughput_per_s": 1e6}
    values = {"daily_alarm": 8_000, "daily_limit": 9_000}
    values |= {"monthly_alarm": 80_000, "monthly_limit": 90_000}
    quota = {"daily_limit": 9_000, "monthly_limit": 90_000}
    messages = day(calls, queue=queue, thresholds=values, quota=quota).messages
    assert messages is not None
    late_s = (messages["final_at"] - messages["sent_at"]).dt.total_seconds().round()
    by_request = late_s.groupby(messages["request"]).nunique()
    assert (by_request == 1).all()
    assert set(late_s) == {3, 7_203, 5}
    assert (late_s == 5).sum() == 50
    share = (late_s == 7_203).sum() / (20 * 60 * 3)
    assert abs(share - 0.25) < 5 * (0.25 * 0.75 / 1_200) ** 0.5


@pytest.mark.parametrize(
    ("source", "refused_at", "cost"), [("supplier", "", 50_000), ("huawei", "platform", 0)]
)
def test_a_status_of_the_platform_is_not_charged(source: str, refused_at: str, cost: int) -> None:
    """Nor does it take a slot of the queue."""
    outcome = {"status": "UNDELIV", "share": 1, "source": source}
    run = day(requests("01:00"), routes={"ID": ROUTE | {"outcomes": [outcome]}})
    assert column(run, "refused_at") == [refused_at]
    assert column(run, "cost_micro") == [cost]
    assert column(run, "report_source") == [2 if source == "supplier" else 3]
    assert (column(run, "sent_at") == [None]) == (source == "huawei")


@pytest.mark.parametrize(
    ("two_hours", "decided"), [("wall", "2026-03-02T11:00Z"), ("working", "2026-03-03T02:00Z")]
)
def test_review_two_hours_by_the_clock_or_of_work(two_hours: str, decided: str) -> None:
    """Handed in at 17:00 of a workday, GMT+8, and decided after both hours."""
    template = {"name": "code", "application": "app", "submitted": "2026-03-02T09:00Z"}
    review = {"two_hours": two_hours, "decision": 7_200}
    run = day(requests("01:00"), templates=[template], review=review, days=2)
    assert run.reviews is not None
    assert run.reviews["decided_at"].tolist() == [pd.Timestamp(decided)]


def test_template_is_usable_5_minutes_after_approval() -> None:
    template = {"name": "code", "application": "app", "submitted": "2026-03-02T01:00Z"}
    made = requests("02:04:59.999999", "02:05")
    run = day(made, templates=[template], review={"decision": 3_600})
    assert column(run, "status") == ["E200030", "DELIVRD"]


def test_review_rejects_a_share_and_mending_takes_its_time() -> None:
    """With hardly any approval, submissions follow an hour after each decision."""
    template = {"name": "code", "application": "app", "submitted": "2026-03-02T01:00Z"}
    review = {"decision": 0, "rejection": 0.999999}
    run = day(requests("01:00"), templates=[template], review=review)
    assert run.reviews is not None
    assert (run.reviews["decision"].dropna() == "rejected").all()
    waits = run.reviews["submitted_at"] - run.reviews["decided_at"].shift()
    assert len(waits) > 5
    assert (waits.iloc[1:] == pd.Timedelta(hours=1)).all()


@pytest.mark.parametrize(
    ("changes", "status", "report_source"),
    [
        ({"applications": [{"name": "app", "suspended": "2026-03-01"}]}, "E000103", None),
        ({"templates": [NEVER_USABLE]}, "E200030", None),
        ({"account": {"regions": ["TH"]}}, "E000628", 3),
    ],
)
def test_refusals_are_free(changes: dict[str, Any], status: str, report_source: int | None) -> None:
    """One of each place: no charge and no slot of the queue."""
    run = day(requests("01:00 x 2"), **changes)
    assert column(run, "status") == [status] * 2
    assert column(run, "cost_micro") == [0, 0]
    assert column(run, "sent_at") == [None, None]
    assert column(run, "report_source") == [report_source] * 2
    assert run.reports is not None
    assert len(run.reports) == (0 if report_source is None else 2)
