"""Figures of a part of the month: laws of parts and wholes, and plain pandas over the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import pandas as pd
import plain_delivery
import plain_incidence
import pytest
from hypothesis import given, note, seed, settings
from worlds import worlds

from smssim import report
from smssim.metrics import METRICS
from smssim.record.from_frames import tally_frames
from smssim.report import kpi
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

invented = settings(settings.get_profile("worlds"), max_examples=15)
World = tuple[Scenario, int, tuple[Any, ...]]
KEYS = ("template", "country", "application", "type")
COUNTS = [n for n, own in METRICS.items() if n.startswith("messages.") and "template" in own.by]
COLUMNS = {
    "latency.p50": "latency_p50_s",
    "latency.p95": "latency_p95_s",
    "latency.p99": "latency_p99_s",
    "latency.within_10_s": "within_10_s",
    "latency.within_30_s": "within_30_s",
    "latency.within_3_min": "within_3_min",
}


def scenario(**changes: Any) -> Scenario:
    """Two of everything; packages of both countries run out."""
    plain = {
        "start": "2026-03-01T00:00:00Z",
        "days": 4,
        "account": {"service_mode": "suspend"},
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "applications": [{"name": "shop"}, {"name": "bank"}],
        "templates": [
            {"name": "code", "application": "bank"},
            {"name": "news", "application": "shop", "type": "notification", "segments": 2},
        ],
        "packages": [
            {"country": "ID", "segments": 500, "price": 40},
            {"country": "TH", "segments": 700, "price": 50},
        ],
        "traffic": [
            {"name": "a", "template": "code", "country": "ID", "messages_a_day": 300},
            {"name": "b", "template": "news", "country": "TH", "messages_a_day": 150},
            {"name": "c", "template": "news", "country": "ID", "messages_a_day": 50},
        ],
        "routes": {"TH": {"latency": {"exponential_s": 20_000}}},
    }
    return Scenario.model_validate(plain | changes)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


def made(world: World) -> Run:
    own, rng, policies = world
    note(f"Scenario.parse({own.to_json()!r}), {rng}, {policies!r}")
    return simulate(own, rng=rng, policies=policies)


def values(run: Run) -> dict[tuple[str, str], float]:
    found = report.kpis(run)
    names = zip(found["name"], found["of"], strict=True)
    return dict(zip(names, found["value"], strict=True))


def parts(run: Run) -> Iterator[dict[str, str]]:
    """Every part of messages that there is, by a template or any of the other keys."""
    assert run.messages is not None
    rows = run.messages.astype(dict.fromkeys(KEYS, "str"))
    for template in rows["template"].unique():
        yield {"template": template}
    for size in (1, 2, 3):
        for keys in combinations(KEYS[1:], size):
            for own in product(*(rows[key].unique() for key in keys)):
                yield dict(zip(keys, own, strict=True))


def plain(run: Run, where: dict[str, str]) -> dict[str, float]:
    """The figures of a part from its rows."""
    assert run.messages is not None
    rows = run.messages.astype({**dict.fromkeys(KEYS, "str"), "status": "str"})
    for key, value in where.items():
        rows = rows[rows[key] == value]
    sent = rows["refused_at"] == ""
    status = rows["status"].where(sent)
    delivered = int((status == "DELIVRD").sum())
    found = {
        "messages.requested": len(rows),
        "messages.sent": sent.sum(),
        "messages.delivered": delivered,
        "messages.in_flight": (sent & rows["status"].isna()).sum(),
        "messages.refused_request": (rows["refused_at"] == "request").sum(),
        "messages.refused_number": (rows["refused_at"] == "number").sum(),
        "messages.refused_platform": (rows["refused_at"] == "platform").sum(),
        "messages.stopped_by_limit": (rows["status"] == "E000623").sum(),
        "messages.stopped_by_runout": (rows["status"] == "E000629").sum(),
        "messages.stopped": rows["status"].isin(["E000623", "E000629", "E000630", "E000112"]).sum(),
        "messages.refused": (rows["refused_at"] != "").sum(),
        "delivered.of_requested": delivered / len(rows) if len(rows) else float("nan"),
        "cost.pay_per_use": rows.loc[sent, "cost_micro"].sum() / 1e6,
    }
    if "application" not in where:
        delays = plain_delivery.delays(run, rows)
        found |= {metric: delays[column] for metric, column in COLUMNS.items() if column in delays}
        own = plain_delivery.messages(run, rows)
        assert own is not None
        found["delivered.share"] = plain_incidence.estimates(own, [])[0]
    return found


@seed(1)
@invented
@given(worlds())
def test_a_part_is_that_of_its_rows(world: World) -> None:
    run = made(world)
    for where in parts(run):
        wanted = plain(run, where)
        found = {metric: kpi(run, metric, where) for metric in wanted}
        assert found == pytest.approx(wanted, rel=1e-5, nan_ok=True), where
    assert plain(run, {}) == pytest.approx(
        {metric: kpi(run, metric, {}) for metric in plain(run, {})}, nan_ok=True
    )


@seed(2)
@invented
@given(worlds())
def test_parts_sum_to_the_whole(world: World) -> None:
    run = made(world)
    assert run.messages is not None
    whole = values(run)
    for key in KEYS:
        own = run.messages[key].astype("str").unique()
        for metric in (*COUNTS, "cost.pay_per_use"):
            total = sum(kpi(run, metric, {key: value}) for value in own)
            assert total == pytest.approx(whole[metric, ""]), (metric, key)


@seed(3)
@invented
@given(worlds())
def test_countries_are_those_of_events_and_bill(world: World) -> None:
    run = made(world)
    events, packages = run.events, run.packages
    assert events is not None
    assert packages is not None
    bill = report.cost(run, by="country")
    start = pd.Timestamp(run.observed_from, unit="us", tz="UTC")
    for country in {"ID", "CN", "TH", "VN", "IN", *packages["country"], *bill["country"]}:
        own = events[(events["event"] == "run_out") & (events["subject"] == country)]
        first = (own["at"].min() - start) / pd.Timedelta(days=1)
        wanted = {"runout.any": float(len(own) > 0), "runout.count": len(own)}
        wanted |= {"runout.first": first, "suspended.runout": suspended_h(run, country)}
        lines = bill[bill["country"] == country]
        bought = lines.loc[lines["entry"] == "package", "cost_micro"].sum() / 1e6
        wanted |= {"cost": lines["cost_micro"].sum() / 1e6, "cost.packages": bought}
        found = {metric: kpi(run, metric, {"country": country}) for metric in wanted}
        assert found == pytest.approx(wanted, nan_ok=True), country


def suspended_h(run: Run, country: str) -> float:
    """The hours in which nothing could be sent to a country, event by event."""
    assert run.events is not None
    stopped: set[str] = set()
    hours, last = 0.0, run.observed_from
    ends = [(run.observed_until, "end", "")]
    at = run.events["at"].dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype("int64")
    happened = zip(at.tolist(), run.events["event"], run.events["subject"], strict=True)
    for us, event, subject in [*happened, *ends]:
        hours += (us - last) / 3.6e9 if stopped & {country, ""} else 0
        last = us
        if event == "suspended":
            stopped.add(subject)
        elif event == "resumed":
            stopped.discard(subject)
    return hours


def test_the_only_part_is_the_whole() -> None:
    """Whatever it is narrowed by, as far as it can be."""
    one = scenario(
        templates=[{"name": "code", "application": "bank", "submitted": "2026-03-01T00:00:00Z"}],
        packages=[{"country": "ID", "segments": 300, "price": 40}],
        traffic=[{"name": "a", "template": "code", "country": "ID", "messages_a_day": 300}],
    )
    run = simulate(one)
    only = {"template": "code", "country": "ID", "application": "bank", "type": "otp"}
    whole, n = values(run), 0
    assert whole["runout.any", ""] == 1
    for name, metric in METRICS.items():
        for key in set(metric.by) & set(only):
            of = only[key] if metric.per else ""
            if key == "application" and name.startswith("latency"):
                continue
            found = kpi(run, name, {key: only[key]})
            assert found == pytest.approx(whole[name, of], rel=0, nan_ok=True), (name, key)
            n += 1
    assert n > 60


def test_packages_and_reviews_are_named_as_subjects(run: Run) -> None:
    whole = values(run)
    for name, metric in METRICS.items():
        if metric.per == "package":
            for number in (0, 1):
                found = kpi(run, name, {"package": number})
                assert found == pytest.approx(whole[name, str(number)], nan_ok=True)
    assert whole["package.empty", "0"] != whole["package.empty", "1"]
    third = kpi(run, "package.used_share", {"package": 2})
    assert third != third, "which no one bought"
    reviewed = simulate(
        scenario(
            templates=[
                {"name": "code", "application": "bank", "submitted": "2026-03-02T02:00:00Z"},
                {"name": "news", "application": "shop"},
            ]
        )
    )
    hours = kpi(reviewed, "review.hours", {"template": "code"})
    assert hours == values(reviewed)["review.hours", "code"] > 0
    never = kpi(reviewed, "review.hours", {"template": "news"})
    assert never != never, "which was never handed in"


@pytest.mark.parametrize("country", ["ID", "TH", "VN"])
def test_a_suspended_account_sends_nowhere(country: str) -> None:
    account = {"service_mode": "suspend", "suspend_scope": "account"}
    run = simulate(scenario(account=account))

    found = kpi(run, "suspended.runout", {"country": country})
    assert found == values(run)["suspended.runout", ""] > 0


def test_what_is_not_there_is_nothing(run: Run) -> None:
    assert kpi(run, "messages.sent", {"country": "FR"}) == 0
    assert kpi(run, "cost", {"country": "FR"}) == 0
    for metric in ("latency.p95", "delivered.share"):
        found = kpi(run, metric, {"country": "FR"})
        assert found != found


def test_a_log_knows_what_is_in_flight_but_by_application() -> None:
    """Those of more than 72 hours have no report, whatever they are counted by but this."""
    run = simulate(scenario(account={}, packages=[]))
    rows, reports = run.messages, run.reports
    assert rows is not None
    assert reports is not None
    old = rows["submitted_at"] < pd.Timestamp("2026-03-01T12:00:00Z")
    rows = rows.assign(status=rows["status"].mask(old), final_at=rows["final_at"].mask(old))
    tallies = tally_frames(rows, reports, run.observed_from, run.observed_until)
    bare = dict.fromkeys(("currency", "ledger", "events", "packages", "reviews"))
    log = replace(run, tallies=tallies, **bare)

    flying = rows["status"].isna() & (rows["refused_at"] == "")
    assert (flying & old).sum() > 100
    assert (flying & ~old).sum() > 20
    for key in ("template", "country", "type"):
        for value in rows[key].unique():
            wanted = int((flying & ~old & (rows[key] == value)).sum())
            assert kpi(log, "messages.in_flight", {key: value}) == wanted
    untold = [
        kpi(log, "messages.in_flight", {"application": "shop"}),
        kpi(log, "runout.any", {"country": "ID"}),
        kpi(log, "suspended.runout", {"country": "ID"}),
        kpi(log, "cost", {"country": "ID"}),
        kpi(log, "package.empty", {"package": 0}),
    ]
    assert untold == pytest.approx([float("nan")] * len(untold), nan_ok=True)


@pytest.mark.parametrize(
    ("metric", "where", "told"),
    [
        ("costs", {}, r"metric\(='costs'\) must be one of smssim.metrics"),
        ("cost", {"template": "code"}, "must narrow cost by country"),
        ("latency.p95", {"application": "bank"}, "must narrow latency.p95 by template alone"),
        (
            "latency.p95",
            {"template": "code", "country": "ID"},
            "by template alone or any of country, type",
        ),
        ("reports.made", {"country": "ID"}, "must narrow reports.made by nothing"),
        ("package.empty", {}, "must name the package whose package.empty it is"),
    ],
)
def test_what_cannot_be_narrowed_is_said(
    run: Run, metric: str, where: dict[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        kpi(run, metric, where)


def test_a_stripped_record_is_refused(run: Run) -> None:
    with pytest.raises(ValueError, match=r"report\.kpi needs events"):
        kpi(replace(run, events=None), "runout.any", {"country": "ID"})
