"""Delivery against plain counts over the rows, and its quantiles against sorted delays."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from smssim import report
from smssim.record.from_frames import tally_frames
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate
from smssim.stats.delay_bins import bin_of, by_bin, edges_us, quantile_s

BYS: tuple[Any, ...] = ("country", "type", "day", "application", ["country", "type"], ())
BY_TEMPLATE: tuple[Any, ...] = ("template", ["template", "type"], ["template", "application"])
QUANTILES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}


def scenario(**changes: Any) -> Scenario:
    """Three days with refusals at all places; the last hours are pending."""
    plain = {
        "start": "2026-03-01T00:00:00Z",
        "days": 6,
        "account": {"service_mode": "suspend"},
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {
            "daily_alarm": 700,
            "daily_limit": 1_000,
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
                "segments": 2,
                "submitted": "2026-03-01T01:00:00Z",
            },
        ],
        "packages": [{"country": "ID", "segments": 3_500}, {"country": "TH", "segments": 9_000}],
        "traffic": [
            {"name": "a", "template": "code", "country": "ID", "messages_a_day": 700},
            {"name": "b", "template": "offer", "country": "TH", "messages_a_day": 400},
            {"name": "c", "template": "code", "country": "VN", "messages_a_day": 20},
        ],
    }
    return Scenario.model_validate(plain | changes)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


@pytest.fixture(scope="module")
def settled() -> Run:
    """A run in which every message has its final status by the end."""
    traffic = [{"name": "a", "template": "code", "country": "ID", "messages_a_day": 4_000}]
    traffic[0]["ends"] = "2026-03-02T00:00:00Z"
    changes = {"traffic": traffic, "packages": [], "account": {}, "thresholds": LOOSE}
    return simulate(scenario(**changes))


LOOSE = {
    "daily_alarm": 9_000,
    "daily_limit": 20_000,
    "monthly_alarm": 80_000,
    "monthly_limit": 90_000,
}


def rows_of(run: Run) -> pd.DataFrame:
    """The messages with their groups as plain columns."""
    assert run.messages is not None
    rows = run.messages
    names = ("country", "application", "template", "type", "status")
    return rows.assign(
        day=rows["submitted_at"].dt.tz_localize(None).dt.floor("D"),
        one=0,
        **{name: rows[name].astype("str") for name in names},
    )


def groups(rows: pd.DataFrame, by: Any) -> Any:
    keys = [by] if isinstance(by, str) else list(by)
    return rows.groupby(keys or "one")


@pytest.mark.parametrize("by", [*BYS, *BY_TEMPLATE], ids=str)
def test_counts_are_those_of_the_rows(run: Run, by: Any) -> None:
    found = report.delivery(run, by=by)

    rows = rows_of(run)
    sent, status = rows["refused_at"] == "", rows["status"]
    wanted = rows.assign(
        requested=True,
        refused_request=rows["refused_at"] == "request",
        refused_number=rows["refused_at"] == "number",
        refused_platform=rows["refused_at"] == "platform",
        sent=sent,
        delivered=sent & (status == "DELIVRD"),
        failed=sent & status.isin(["UNDELIV", "REJECTD"]),
        expired=sent & (status == "EXPIRED"),
        in_flight=sent & status.isna(),
    )
    names = list(wanted.columns[list(wanted.columns).index("requested") :])
    plain = groups(wanted, by)[names].sum().reset_index(drop=True)
    pd.testing.assert_frame_equal(found[names], plain, check_dtype=False)
    assert (plain.sum() > 0).all(), "the scenario must have some of everything"
    assert (found["no_report"] == 0).all()


@pytest.mark.parametrize("by", ["country", "type", ["country", "type"], "template", ()], ids=str)
def test_quantiles_without_censoring_are_order_statistics(settled: Run, by: Any) -> None:
    found = report.delivery(settled, by=by)

    rows = rows_of(settled)
    assert found["in_flight"].sum() == 0
    rows = rows[rows["status"] == "DELIVRD"]
    for number, (_, own) in enumerate(groups(rows, by)):
        delays = np.sort((own["final_at"] - own["submitted_at"]).dt.total_seconds())
        for name, share in QUANTILES.items():
            wanted = delays[math.ceil(share * len(delays)) - 1]
            assert found[name][number] == pytest.approx(wanted, rel=0.0101)


def test_without_censoring_shares_are_those_of_the_counts(settled: Run) -> None:
    found = report.delivery(settled)

    final = found["delivered"] + found["failed"] + found["expired"]
    assert found["delivered_share"].tolist() == pytest.approx((found["delivered"] / final).tolist())
    assert (found["in_flight_expected"] == 0).all()


@pytest.mark.parametrize("n", [1, 2, 20, 99, 100, 101, 1_000_000])
def test_ranks_are_exact(n: int) -> None:
    """n delays in bins of their own, as many as there are: the rank must not be off by one."""
    place = np.linspace(1, len(edges_us()) - 2, min(n, 1_000)).astype(int)
    counts = by_bin(place, np.full(len(place), n // len(place)))
    total = int(counts.sum())

    for share in (50, 95, 99):
        rank = -(-share * total // 100)
        wanted = int(np.searchsorted(np.cumsum(counts), rank))
        found = quantile_s(counts, share / 100)
        assert int(bin_of(np.array([round(found * 1e6)]))[0]) == wanted


@pytest.mark.parametrize(
    "by", ["day", "application", ["day", "country"], ["template", "application"]], ids=str
)
def test_delays_are_na_where_they_are_not_tallied(run: Run, by: Any) -> None:
    assert report.delivery(run, by=by)[list(QUANTILES)].isna().all(axis=None)


@pytest.mark.parametrize("by", BYS, ids=str)
def test_statuses_are_those_of_the_rows(run: Run, by: Any) -> None:
    found = report.statuses(run, by=by)

    rows = rows_of(run)
    keys = [by] if isinstance(by, str) else list(by)
    plain = (
        rows.groupby([*keys, "refused_at", "status"], dropna=False)
        .size()
        .rename("messages")
        .reset_index()
    )
    whole = plain.groupby(keys or np.zeros(len(plain)))["messages"].transform("sum")
    plain["share"] = plain["messages"] / whole
    pd.testing.assert_frame_equal(found, plain[found.columns], check_dtype=False)
    assert set(found["refused_at"]) == {"", "request", "number", "platform"}


def test_a_log_tells_lost_reports_from_messages_in_flight(run: Run) -> None:
    """Reports of a message older than 72 h must have come: without one it is lost, and no delay."""
    rows, reports = run.messages, run.reports
    assert rows is not None
    assert reports is not None
    lost = (rows["refused_at"] == "") & (rows["request"] % 7 == 0)
    messages = rows.assign(status=rows["status"].mask(lost), final_at=rows["final_at"].mask(lost))
    tallies = tally_frames(messages, reports, run.observed_from, run.observed_until)
    log = replace(run, ledger=None, tallies=tallies)

    found = report.delivery(log, by=()).iloc[0]
    by_day = report.delivery(log, by="day")

    open_ = messages[(messages["refused_at"] == "") & messages["status"].isna()]
    end = pd.Timestamp(run.observed_until, unit="us", tz="UTC")
    old = end - open_["submitted_at"] >= pd.Timedelta(hours=72)
    assert found["no_report"] == old.sum() > 100
    assert found["in_flight"] == (~old).sum() > 100
    assert (
        found["sent"] == found[["delivered", "failed", "expired", "in_flight", "no_report"]].sum()
    )
    assert by_day[["in_flight", "no_report"]].isna().all(axis=None)


def test_delays_nobody_knows_are_na(run: Run) -> None:
    assert run.messages is not None
    assert run.reports is not None
    messages = run.messages.assign(
        final_at=run.messages["final_at"].mask(run.messages["refused_at"].notna())
    )
    tallies = tally_frames(messages, run.reports, run.observed_from, run.observed_until)

    found = report.delivery(replace(run, ledger=None, tallies=tallies))

    assert found["delivered"].sum() > 0
    assert found[list(QUANTILES)].isna().all(axis=None)


def test_a_template_is_of_no_day_and_country(run: Run) -> None:
    with pytest.raises(ValueError, match="template goes with application and type alone"):
        report.delivery(run, by=["template", "country"])


def test_nothing_sent_has_no_rows_and_one_total() -> None:
    run = simulate(scenario(traffic=[], packages=[]), rows=False)

    assert len(report.delivery(run)) == 0
    assert report.delivery(run, by=())["requested"].tolist() == [0]
    assert report.delivery(run, by=())["latency_p50_s"].isna().all()
    assert len(report.statuses(run, by=())) == 0
