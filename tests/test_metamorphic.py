"""What must stay as it was when a scenario changes: the horizon, a source, a call, the volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from worlds import worlds

from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

KEYS = ["submitted_at", "source", "request", "recipient", "resend_number"]
SENT = ["sent_at", "final_at", "status", "report_source"]
QUOTA = ["covered_segments", "package", "cost_micro"]


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose categories are objects, so that lists of names need not be the same."""
    names = frame.select_dtypes("category").columns
    return frame.astype(dict.fromkeys(names, object)).reset_index(drop=True)


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    """Demand that two frames hold the same, whatever their indices."""
    assert_frame_equal(plain(a), plain(b), check_dtype=False, check_categorical=False)


@seed(1)
@settings(settings.get_profile("worlds"), max_examples=40)
@given(worlds(), st.sampled_from([1, 2, 33]))
def test_a_longer_horizon_changes_nothing_before_it(
    world: tuple[Scenario, int, tuple[Any, ...]], more: int
) -> None:
    """Days n to n + k: all that happened before the old end is as it was.

    Compared are events and bookings before the end, of messages all that is known before it,
    decisions before it, and reports that were received or lost before it.
    """
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}, {more}")
    short = simulate(scenario, rng=rng, policies=policies)
    longer = scenario.change(days=scenario.days + more)
    long = simulate(longer, rng=rng, policies=policies)
    end = pd.Timestamp(scenario.end_us, unit="us", tz="UTC")

    same(short.events, long.events[long.events["at"] < end])
    same(short.ledger[short.ledger["at"] < end], long.ledger[long.ledger["at"] < end])
    _same_messages(short.messages, long.messages[long.messages["submitted_at"] < end], end)
    _same_reports(short, long)
    _same_reviews(short.reviews, long.reviews, end)
    bought = ["package", "country", "segments", "price_micro", "in_force_at", "ends_at"]
    packages = long.packages[long.packages["in_force_at"] < end]
    same(short.packages[bought], packages[bought])


def _same_messages(short: pd.DataFrame, long: pd.DataFrame, end: pd.Timestamp) -> None:
    """Only who still waits at the end may be failed by a later freeze."""
    born = [*KEYS, "application", "template", "type", "country", "segments"]
    same(short[born], long[born])
    left = (short["sent_at"].notna() | (short["refused_at"] != "")).to_numpy()
    fixed = ["refused_at", "sent_at", *QUOTA]
    same(short.loc[left, fixed], long.loc[left, fixed])
    known = short["status"].notna().to_numpy()
    same(short.loc[known, SENT], long.loc[known, SENT])
    later = long.loc[~known, "final_at"]
    assert (later.isna() | (later >= end)).all()


def _same_reports(short: Run, long: Run) -> None:
    """A report that is received or lost is so for good; a pending one may go either way."""
    keys = ["message", "part"]
    both = short.reports.merge(long.reports, on=keys, how="left", suffixes=("", "_long"))
    settled = both[both["state"] != "pending"]
    assert (settled["state"].astype(str) == settled["state_long"].astype(str)).all()
    came = settled[settled["state"] == "received"]
    assert (came["received_at"] == came["received_at_long"]).all()
    for name in ("attempts", "deliveries"):
        assert (both[name] <= both[f"{name}_long"]).all()


def _same_reviews(short: pd.DataFrame, long: pd.DataFrame, end: pd.Timestamp) -> None:
    long = long[long["submitted_at"] < end].copy()
    undecided = long["decided_at"] >= end
    long.loc[undecided, ["decided_at", "decision"]] = None
    long.loc[~(long["usable_at"] < end), "usable_at"] = pd.NaT
    same(short, long)


def _scenario(**changes: Any) -> Scenario:
    """Two days of traffic, calls and a task to three countries, with nothing that is shared."""
    api = {"template": "code", "hours": [1.0] * 12 + [4.0] * 12}
    to = [{}, {"status": "UNDELIV"}, {"latency_s": 90}]
    made = {
        "start": "2025-03-30",
        "days": 2,
        "applications": [{"name": "app"}],
        "templates": [
            {"name": "code", "application": "app", "segments": {1: 0.7, 3: 0.3}},
            {"name": "news", "application": "app", "type": "notification"},
        ],
        "traffic": [
            {
                "name": "a",
                "country": "ID",
                "messages_a_day": 700,
                "recipients": {1: 0.9, 7: 0.1},
                "resend": {"patience": {"uniform_s": [0, 60]}},
                **api,
            },
            {"name": "z", "country": "TH", "messages_a_day": 300, "resolution_s": 60, **api},
        ],
        "calls": [
            {
                "name": "m",
                "template": "news",
                "country": "VN",
                "calls": [{"at": f"2025-03-30T{h:02d}:00", "to": to} for h in (22, 1, 1, 5)],
                "resend": {"patience": 30},
            }
        ],
        "group_tasks": [
            {
                "name": "g",
                "template": "news",
                "at": "2025-03-31T02:00",
                "countries": {"SG": 50, "MY": 50},
                "pace_per_s": 3,
            }
        ],
        "routes": {"ID": {"latency": {"exponential_s": 40}}},
        "quota": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "thresholds": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "queue": {"throughput_per_s": 1e6, "scope": "route"},
        "callback": {"no_answer_share": 0.2, "retries_s": [60]},
    }
    return Scenario.model_validate(made | changes)


BASE = _scenario()


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("traffic", {"country": "IN", "messages_a_day": 5_000}),
        ("traffic", {"country": "IN", "messages_a_day": 900, "recipients": 30, "resend": {}}),
        ("calls", {"country": "IN", "calls": [{"at": "2025-03-30T01:00", "to": [{}] * 400}]}),
        ("group_tasks", {"at": "2025-03-31T02:00", "countries": {"IN": 3_000}}),
    ],
)
@pytest.mark.parametrize("name", ["0 first", "callback", "zz last"])
def test_a_source_more_changes_no_mark_of_the_others(
    name: str, kind: str, source: dict[str, Any]
) -> None:
    """With packages, limits and queues of no one else, every other row is as it was."""
    extra = {"name": name, "template": "code", **source}
    plan = BASE.model_dump(exclude_unset=True)[kind]
    more = _scenario(**{kind: [*plan, extra]})

    before, after = simulate(BASE), simulate(more)

    own = after.messages["source"] == name
    assert own.sum() > 300
    same(before.messages, after.messages[~own])
    number = np.cumsum(~own.to_numpy()) - 1
    others = after.reports[~own.to_numpy()[after.reports["message"]]]
    same(before.reports, others.assign(message=number[others["message"]]))


def test_a_source_less_changes_no_mark_of_the_others() -> None:
    """Sources by themselves are what they are together."""
    together = simulate(BASE).messages
    kinds = ("traffic", "calls", "group_tasks")
    for kind in kinds:
        for source in BASE.model_dump(exclude_unset=True)[kind]:
            alone = _scenario(**(dict.fromkeys(kinds, ()) | {kind: [source]}))
            same(together[together["source"] == source["name"]], simulate(alone).messages)


@pytest.mark.parametrize("at", ["2025-03-30T00:30", "2025-03-30T01:00:01", "2025-03-31T23:59:59"])
def test_a_call_more_changes_only_itself(at: str) -> None:
    """A call at the end of the list is a request of its own, wherever its time is."""
    calls = BASE.model_dump(exclude_unset=True)["calls"]
    calls[0]["calls"] = [*calls[0]["calls"], {"at": at, "to": [{}, {}]}]
    before, after = simulate(BASE).messages, simulate(_scenario(calls=calls)).messages

    own = (after["source"] == "m") & (after["request"] % 1_000_000 == 4)
    assert own.sum() >= 2
    same(before, after[~own])


@pytest.mark.parametrize("factor", [1.1, 1.000001, 3])
def test_more_volume_only_adds_requests(factor: float) -> None:
    """Every request of the lesser volume is in the greater one, at its time and with its marks."""
    traffic = BASE.model_dump(exclude_unset=True)["traffic"]
    for source in traffic:
        source["messages_a_day"] *= factor
    before, after = simulate(BASE).messages, simulate(_scenario(traffic=traffic)).messages

    keys = ["source", "request", "recipient", "resend_number"]
    marks = [
        "submitted_at",
        "template",
        "country",
        "segments",
        "refused_at",
        "status",
        "cost_micro",
    ]
    more = plain(before).merge(plain(after), on=keys, how="left", suffixes=("", "_after"))
    assert len(more) == len(before)
    for name in marks:
        assert (more[name].eq(more[f"{name}_after"]) | more[name].isna()).all(), name
    if factor >= 1.1:
        added = len(after[after["resend_number"] == 0]) / len(before[before["resend_number"] == 0])
        assert 1 < added < factor * 1.2


def test_a_longer_patience_takes_copies_away_and_leaves_the_first() -> None:
    """Common random numbers: first copies stay as they were whatever the users do."""
    traffic = BASE.model_dump(exclude_unset=True)["traffic"]
    traffic[0]["resend"] = {"patience": {"uniform_s": [60, 120]}}
    before, after = simulate(BASE).messages, simulate(_scenario(traffic=traffic)).messages

    columns = [*KEYS, "segments", "refused_at"]
    firsts = [frame.loc[frame["resend_number"] == 0, columns] for frame in (before, after)]
    same(*firsts)
    copies = [
        ((frame["source"] == "a") & (frame["resend_number"] > 0)).sum() for frame in (before, after)
    ]
    assert copies[0] > 2 * copies[1] > 0
