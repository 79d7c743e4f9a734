"""The figures of a record against the rows, and their names against their definitions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import plain_delivery
import plain_incidence
import pytest
from hypothesis import given, note, seed, settings
from worlds import worlds

from smssim import report
from smssim.metrics import METRICS
from smssim.record.from_frames import tally_frames
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

invented = settings(settings.get_profile("worlds"), max_examples=25)


def scenario(**changes: Any) -> Scenario:
    """Packages that run out in mode suspend, a limit that trips, a template in review."""
    plain = {
        "start": "2026-03-02T06:00:00Z",
        "days": 4,
        "currency": "EUR",
        "account": {"service_mode": "suspend"},
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {
            "daily_alarm": 300,
            "daily_limit": 500,
            "monthly_alarm": 9_000,
            "monthly_limit": 20_000,
        },
        "applications": [{"name": "shop"}],
        "templates": [
            {"name": "code", "application": "shop"},
            {"name": "offer", "application": "shop", "submitted": "2026-03-02T02:00:00Z"},
        ],
        "packages": [{"country": "ID", "segments": 700, "price": 70.25}],
        "traffic": [
            {"name": "a", "template": "code", "country": "ID", "messages_a_day": 600},
            {"name": "b", "template": "offer", "country": "ID", "messages_a_day": 50},
        ],
        "callback": {"no_answer_share": 0.1},
    }
    return Scenario.model_validate(plain | changes)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


def values(run: Any) -> dict[str, float]:
    """Each metric by its name, with its subject where it has one."""
    found = report.kpis(run)
    names = found["name"].where(found["of"] == "", found["name"] + "/" + found["of"])
    return dict(zip(names, found["value"], strict=True))


def test_every_metric_is_there_with_its_unit(run: Run) -> None:
    found = report.kpis(run)

    assert list(dict.fromkeys(found["name"])) == list(METRICS)
    for name, unit, of in zip(found["name"], found["unit"], found["of"], strict=True):
        metric = METRICS[name]
        assert metric.name == name
        assert unit == metric.unit.replace("currency", "EUR")
        assert (of != "") == (metric.per != "")
    assert all(metric.meaning for metric in METRICS.values())
    assert list(found.columns) == ["name", "of", "unit", "value", "low", "high"]


def plain(run: Run) -> dict[str, float]:
    """Some of the figures, from the rows and events alone."""
    rows, reports, events, ledger = run.messages, run.reports, run.events, run.ledger
    assert rows is not None
    assert reports is not None
    assert events is not None
    assert ledger is not None
    sent, status = rows["refused_at"] == "", rows["status"].astype("str")
    delivered = int((sent & (status == "DELIVRD")).sum())
    messages = plain_delivery.messages(run, rows)
    assert messages is not None
    paid = ledger[ledger["entry"].isin(["purchase", "settlement", "unsettled"])]
    cost = paid["amount_micro"].sum() / 1e6
    states = reports["state"].value_counts()
    decided = int(states.get("received", 0) + states.get("lost", 0))
    start = pd.Timestamp(run.observed_from, unit="us", tz="UTC")
    first = rows.loc[sent, "submitted_at"].min()
    dry = events.loc[events["event"] == "run_out", "at"]
    nan = float("nan")
    return {
        "cost": cost,
        "cost.packages": ledger.loc[ledger["entry"] == "purchase", "amount_micro"].sum() / 1e6,
        "cost.per_delivered": cost / delivered if delivered else nan,
        "messages.requested": len(rows),
        "messages.sent": sent.sum(),
        "messages.delivered": delivered,
        "messages.in_flight": (sent & rows["status"].isna()).sum(),
        "messages.refused_request": (rows["refused_at"] == "request").sum(),
        "messages.refused_number": (rows["refused_at"] == "number").sum(),
        "messages.refused_platform": (rows["refused_at"] == "platform").sum(),
        "messages.stopped_by_limit": (status == "E000623").sum(),
        "messages.stopped_by_runout": (status == "E000629").sum(),
        "messages.stopped_by_country_limit": (status == "E000630").sum(),
        "messages.stopped_by_arrears": (status == "E000112").sum(),
        "messages.stopped": status.isin(["E000623", "E000629", "E000630", "E000112"]).sum(),
        "messages.refused": (rows["refused_at"] != "").sum(),
        "delivered.share": plain_incidence.estimates(messages, [])[0] if messages else nan,
        "delivered.of_requested": delivered / len(rows) if len(rows) else nan,
        "runout.any": float(len(dry) > 0),
        "runout.count": len(dry),
        "runout.first": (dry.min() - start) / pd.Timedelta(days=1),
        "thresholds.alarms": (events["event"] == "alarm").sum(),
        "thresholds.limits": (events["event"] == "limit").sum(),
        "reports.made": len(reports),
        "reports.received_share": states.get("received", 0) / decided if decided else nan,
        "reports.duplicates": reports["deliveries"].sum() - states.get("received", 0),
        "first_message.day": (first.floor("D") - start.floor("D")) / pd.Timedelta(days=1),
    }


@seed(1)
@invented
@given(worlds())
def test_figures_are_those_of_the_rows(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)

    found, wanted = values(run), plain(run)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, nan_ok=True)
    packages = run.packages
    assert packages is not None
    for row in packages.itertuples():
        assert found[f"package.used_share/{row.package}"] == row.used / row.segments
    assert found["reports.lost_share"] == pytest.approx(
        1 - found["reports.received_share"], nan_ok=True
    )
    assert 0 <= found["suspended.runout"] <= 24 * scenario.days


def test_shares_have_intervals_and_counts_have_none(run: Run) -> None:
    found = report.kpis(run).set_index("name")

    shares = ["delivered.share", "reports.received_share", "reports.lost_share"]
    shares += [f"latency.within_{time}" for time in ("10_s", "30_s", "3_min")]
    shares += ["passwords.within_30_s"]
    for name in shares:
        low, value, high = found.loc[name, ["low", "value", "high"]]
        assert 0 <= low < value < high <= 1
    delays = ["latency.p50", "latency.p95", "latency.p99", "passwords.p50", "passwords.p95"]
    for name in delays:
        low, value, high = found.loc[name, ["low", "value", "high"]]
        assert 0 < low < value < high
    assert found.drop([*shares, *delays])[["low", "high"]].isna().all(axis=None)


def test_passwords_are_told_apart_from_a_campaign() -> None:
    """Ten notifications for each password, and they wait for their turn."""
    templates = [
        {"name": "code", "application": "shop"},
        {"name": "offer", "application": "shop", "type": "notification"},
    ]
    own = {"source": "offers", "at": "2026-03-03T06:00:00Z", "countries": {"ID": 400}}
    tasks = [{"name": own.pop("source"), "template": "offer", **own}]
    slow = scenario(templates=templates, group_tasks=tasks, queue={"throughput_per_s": 1})
    found = simulate(slow)
    got = report.kpis(found).set_index("name")
    by_type = report.delivery(found, by="type").set_index("type").loc["otp"]
    columns = {"p50": "latency_p50_s", "p95": "latency_p95_s", "within_30_s": "within_30_s"}
    for name, column in columns.items():
        of_passwords = [by_type[column + end] for end in ("", "_low", "_high")]
        assert got.loc[f"passwords.{name}", ["value", "low", "high"]].tolist() == of_passwords
    assert got.loc["passwords.p95", "value"] != got.loc["latency.p95", "value"]
    only_offers = slow.change(traffic=[slow.traffic[1]])
    assert np.isnan(values(simulate(only_offers))["passwords.p95"])


def test_stops_and_reviews_are_in_hours(run: Run) -> None:
    found = values(run)

    assert found["review.hours/offer"] <= 2
    assert found["review.rejections/offer"] == 0
    assert found["thresholds.day_share"] == pytest.approx(501 / 500)
    assert found["suspended.limit"] == pytest.approx(
        report.thresholds(run).query("period == 'day'")["suspended_h"].sum()
    )
    dry = report.packages(run)["run_out_at"].iloc[0]
    end = pd.Timestamp(run.observed_until, unit="us", tz="UTC")
    assert found["suspended.runout"] == pytest.approx((end - dry) / pd.Timedelta(hours=1))
    assert found["package.run_out/0"] == found["runout.first"]


def test_figures_need_no_rows(run: Run) -> None:
    pd.testing.assert_frame_equal(
        report.kpis(replace(run, messages=None, reports=None)), report.kpis(run)
    )


def test_a_log_knows_no_money_and_no_account(run: Run) -> None:
    """What it cannot know is NaN, never 0."""
    rows, reports = run.messages, run.reports
    assert rows is not None
    assert reports is not None
    unknown = pd.array([pd.NA] * len(rows), "Int32")
    tallies = tally_frames(
        rows.assign(covered_segments=unknown, cost_micro=unknown),
        reports[reports["state"] == "received"].reset_index(drop=True),
        run.observed_from,
        run.observed_until,
    )
    bare = dict.fromkeys(("currency", "ledger", "events", "packages", "reviews"))
    found, whole = values(replace(run, tallies=tallies, **bare)), values(run)

    same = ["messages.requested", "messages.delivered", "delivered.share", "first_message.day"]
    assert [found[name] for name in same] == [whole[name] for name in same]
    nothing = ["cost", "runout.any", "runout.first", "thresholds.alarms", "suspended.limit"]
    nothing += ["thresholds.day_share", "reports.made", "reports.received_share"]
    assert np.isnan([found[name] for name in nothing]).all()
    assert not [name for name in found if name.startswith(("package.", "review."))]


def test_nothing_sent_has_figures_too() -> None:
    run = simulate(scenario(traffic=[], packages=[]))

    found = values(run)
    assert found["cost"] == found["messages.requested"] == found["runout.any"] == 0
    assert np.isnan([found["delivered.share"], found["cost.per_delivered"]]).all()
    assert np.isnan([found["first_message.day"], found["runout.first"]]).all()
