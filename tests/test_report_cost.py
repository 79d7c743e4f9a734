"""The bill against plain sums over the rows, and against the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from test_exports import EXPORTS, FORMS
from test_exports import log as read
from test_exports import packages as bought

from smssim import rate, report
from smssim.record.from_frames import tally_frames
from smssim.record.record import Record
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

BYS: tuple[Any, ...] = (
    "country",
    "day",
    "application",
    "type",
    ["country", "type"],
    ["day", "country"],
    "template",
    ["application", "template", "type"],
    (),
)


def scenario(**changes: Any) -> Scenario:
    """Two countries, two types, messages of one to three segments, packages that run out."""
    plain = {
        "start": "2026-03-01T00:00:00Z",
        "days": 4,
        "currency": "EUR",
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {
            "daily_alarm": 700,
            "daily_limit": 1_500,
            "monthly_alarm": 9_000,
            "monthly_limit": 90_000,
        },
        "applications": [{"name": "shop"}, {"name": "news"}],
        "templates": [
            {"name": "code", "application": "shop"},
            {
                "name": "offer",
                "application": "news",
                "type": "notification",
                "segments": {1: 0.5, 3: 0.5},
            },
        ],
        "packages": [
            {"country": "ID", "segments": 1_000, "price": 300.000001},
            {"country": "ID", "segments": 701, "price": 210, "at": "2026-03-03"},
            {"country": "TH", "segments": 500, "price": 20, "valid_days": 1},
        ],
        "traffic": [
            {"name": "a", "template": "code", "country": "ID", "messages_a_day": 600},
            {"name": "b", "template": "offer", "country": "ID", "messages_a_day": 200},
            {"name": "c", "template": "offer", "country": "TH", "messages_a_day": 300},
        ],
        "routes": {"ID": {"price": 0.350007}},
    }
    return Scenario.model_validate(plain | changes)


SUSPENDING = {"account": {"service_mode": "suspend"}}
FREEZING = {"account": {"balance": 600, "straddle": "cover"}}
WORLDS = {
    "pay_per_use": {},
    "suspend": SUSPENDING,
    "freeze": FREEZING,
    "no packages": {"packages": []},
}


@pytest.fixture(scope="module", params=WORLDS, ids=str)
def run(request: pytest.FixtureRequest) -> Run:
    return simulate(scenario(**WORLDS[request.param]))


@pytest.mark.parametrize("by", BYS, ids=str)
def test_the_bill_sums_to_the_ledger(run: Run, by: Any) -> None:
    bill = report.cost(run, by=by)

    assert run.ledger is not None
    paid = run.ledger[run.ledger["entry"].isin(["purchase", "settlement", "unsettled"])]
    assert bill["cost_micro"].sum() == paid["amount_micro"].sum()
    assert bill["cost_eur"].sum() == pytest.approx(paid["amount_micro"].sum() / 1e6)


@pytest.mark.parametrize("by", BYS, ids=str)
def test_pay_per_use_is_the_sum_of_the_rows(run: Run, by: Any) -> None:
    bill = report.cost(run, by=by)
    used = bill[bill["entry"] == "pay_per_use"]
    used = used.drop(columns=["entry", "packages", "cost_eur", "per_delivered"])

    rows = charged_rows(run)
    keys = [by] if isinstance(by, str) else list(by)
    wanted = ["messages", "segments", "cost_micro"]
    plain = (
        rows.groupby(keys or rows["one"], observed=True)[wanted]
        .sum()
        .reset_index()[[*keys, *wanted]]
    )
    if not len(rows):
        plain = plain.iloc[:0]
    pd.testing.assert_frame_equal(used.reset_index(drop=True), plain, check_dtype=False)


def charged_rows(run: Run) -> pd.DataFrame:
    """Messages that no package covered whole, less those that one covers though it straddles."""
    assert run.messages is not None
    rows = run.messages[run.messages["refused_at"] == ""]
    bare = rows["covered_segments"] == 0
    rows = rows[bare | (rows["cost_micro"] > 0)]
    return rows.assign(
        day=rows["submitted_at"].dt.tz_localize(None).dt.floor("D"),
        one=0,
        messages=1,
        segments=rows["segments"].astype("int64") - rows["covered_segments"],
        cost_micro=rows["cost_micro"].astype("int64"),
        **{
            name: rows[name].astype("str")
            for name in ("country", "application", "type", "template")
        },
    )


@pytest.mark.parametrize("by", BYS, ids=str)
def test_a_delivered_message_costs_its_groups_bill(run: Run, by: Any) -> None:
    """Packages serve a whole country: a part of it cannot say what they cost it a delivery."""
    assert_per_delivered(run, by, "cost_eur")


def of_group(rows: pd.DataFrame, keys: list[str], line: pd.Series[Any]) -> pd.DataFrame:
    for key in keys:
        rows = rows[rows[key].isna() if pd.isna(line[key]) else rows[key] == line[key]]
    return rows


def assert_per_delivered(record: Record, by: Any, column: str) -> None:
    """Demand the bill divided by a count of the rows, group by group."""
    bill = report.cost(record, by=by)
    rows = record.messages
    assert rows is not None
    names = ("country", "application", "type", "template")
    rows = rows.assign(
        day=rows["submitted_at"].dt.tz_localize(None).dt.floor("D"),
        **{name: rows[name].astype("str") for name in names},
    )
    keys = [by] if isinstance(by, str) else list(by)
    sent = rows[rows["refused_at"] == ""]
    for _, line in bill.iterrows():
        own = of_group(sent[sent["status"] == "DELIVRD"], keys, line)
        # Deliveries that packages covered would count as free.
        told = set(keys) <= {"country"} or (
            line["entry"] != "package" and not of_group(sent, keys, line)["covered_segments"].sum()
        )
        if told and len(own) and not pd.isna(line[column]):
            assert line["per_delivered"] == pytest.approx(line[column] / len(own))
        else:
            assert pd.isna(line["per_delivered"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("by", ["country", "template", ["application", "template", "type"], ()])
def test_a_rated_log_has_the_same_lines(form: str, by: Any) -> None:
    """Templates sum to what everything costs, and each delivered message has its share."""
    priced = rate(read(form), EXPORTS / "prices.csv", bought())
    assert priced.ledger is not None

    bill = report.cost(priced, by=by)

    assert_per_delivered(priced, by, "cost_usd")
    paid = priced.ledger[priced.ledger["entry"].isin(["purchase", "settlement", "unsettled"])]
    assert bill["cost_micro"].sum() == paid["amount_micro"].sum()


@pytest.mark.parametrize("key", ["country", "day", "resend_kind"])
def test_templates_are_not_told_apart_by_more(run: Run, key: str) -> None:
    with pytest.raises(ValueError, match="template goes with application and type alone"):
        report.cost(run, by=["template", key])


def test_packages_are_purchases_by_country() -> None:
    bill = report.cost(simulate(scenario())).set_index(["country", "entry"])

    assert bill.loc[("ID", "package"), ["packages", "segments", "cost_micro"]].tolist() == [
        2,
        1_701,
        510_000_001,
    ]
    assert bill.loc[("TH", "package"), "cost_eur"] == 20
    assert pd.isna(bill.loc[("TH", "package"), "messages"])
    assert pd.isna(bill.loc[("ID", "pay_per_use"), "packages"])


def test_a_log_has_counts_and_no_cost() -> None:
    run = simulate(scenario())
    bill = report.cost(as_log(run))

    assert run.messages is not None
    sent = run.messages[run.messages["refused_at"] == ""].groupby("country", observed=True)[
        "segments"
    ]
    assert bill["entry"].tolist() == ["unknown", "unknown"]
    assert bill["messages"].tolist() == sent.count().tolist()
    assert bill["segments"].tolist() == sent.sum().tolist()
    assert bill["cost_micro"].isna().all()
    assert bill["cost"].isna().all()
    assert bill["cost_micro"].dtype == "Int64"


def as_log(run: Run) -> Any:
    """A run stripped of what a log cannot know of money."""
    assert run.messages is not None
    assert run.reports is not None
    unknown = pd.array([pd.NA] * len(run.messages), "Int8")
    messages = run.messages.assign(covered_segments=unknown, cost_micro=unknown)
    tallies = tally_frames(messages, run.reports, run.observed_from, run.observed_until)
    return replace(run, currency=None, ledger=None, packages=None, events=None, tallies=tallies)


def test_nothing_sent_costs_nothing() -> None:
    run = simulate(scenario(traffic=[], packages=[]), rows=False)

    assert len(report.cost(run)) == 0
    assert list(report.cost(run).columns)[-2:] == ["cost_eur", "per_delivered"]


@pytest.mark.parametrize("by", ["hour", ["country", "country"], "source"])
def test_an_unknown_group_is_refused(by: Any) -> None:
    run = simulate(scenario(traffic=[], packages=[]), rows=False)

    with pytest.raises(ValueError, match="must be some of day, country"):
        report.cost(run, by=by)
