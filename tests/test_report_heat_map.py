"""The hours of the week, and the hours of delivery reports, against plain pandas on the rows."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, seed, settings
from picture_records import record
from worlds import worlds

from smssim import report
from smssim.record.record import Record
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate
from smssim.stats.intervals import Interval, score_of_few

ZONES = ["UTC", "Asia/Kathmandu", "America/New_York"]
invented = settings(settings.get_profile("worlds"), max_examples=15)
HOUR = pd.Timedelta(hours=1)


def plain(record: Record, zone: str) -> pd.DataFrame:
    """The counts from the rows, by the quarter of an hour."""
    rows = record.messages
    assert rows is not None
    at = rows["submitted_at"].dt.floor("15min").dt.tz_convert(zone)
    refused = rows["refused_at"].isin(["request", "number", "platform"])
    delivered = ~refused & (rows["status"] == "DELIVRD")
    flying = ~refused & rows["status"].isna()
    end = pd.Timestamp(record.observed_until, unit="us", tz="UTC")
    counts = pd.DataFrame(
        {
            "weekday": at.dt.day_of_week,
            "hour": at.dt.hour,
            "messages": 1,
            "refused": refused,
            "delivered": delivered,
            "not_delivered": ~(refused | delivered | flying),
            "in_flight": flying,
            "young": flying & (at + pd.Timedelta(hours=72.25) > end),
        }
    )
    every = pd.MultiIndex.from_product([range(7), range(24)], names=["weekday", "hour"])
    return counts.groupby(["weekday", "hour"]).sum().reindex(every, fill_value=0).astype("int64")


def of(k: int, n: int) -> Interval:
    return score_of_few(k / n, n)


def _assert_plain(record: Record, zone: str) -> None:
    frame = report.heat_map(record, zone).set_index(["weekday", "hour"])
    expected = plain(record, zone)
    young = expected.pop("young")
    pd.testing.assert_frame_equal(
        frame[list(expected)], expected, check_dtype=False, check_index_type=False
    )
    known = frame["delivered"] + frame["not_delivered"]
    for part, whole, pending, name in (
        (frame["refused"], frame["messages"], 0 * young, "refused"),
        (frame["not_delivered"], known, young, "not_delivered"),
    ):
        own = frame[[f"{name}_share", f"{name}_low", f"{name}_high"]].to_numpy()
        told = [
            (k / n, of(k, n + p).low, of(k + p, n + p).high) if n else (np.nan,) * 3
            for k, n, p in zip(part, whole, pending, strict=True)
        ]
        np.testing.assert_allclose(own, np.array(told))
    length = pd.Timedelta(record.observed_until - record.observed_from, unit="us") / HOUR
    assert frame["observed_h"].sum() == pytest.approx(length)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", ["from_zero", "daily_limit", "mode2_run_out", "nothing"])
def test_counts_are_those_of_the_rows(name: str, zone: str) -> None:
    _assert_plain(record(name), zone)


@seed(6)
@invented
@given(worlds())
def test_counts_are_those_of_the_rows_in_invented_worlds(world: Any) -> None:
    scenario, rng, policies = world
    run = simulate(scenario, rng=rng, policies=policies)
    for zone in ZONES:
        _assert_plain(run, zone)


@pytest.mark.parametrize("name", ["capture", "console"])
def test_a_log_counts_every_message_once(name: str) -> None:
    """Its refusals stand at their submission as all others do; those without a time, nowhere."""
    log = record(name)
    frame = report.heat_map(log, "Asia/Kolkata")
    assert frame["messages"].sum() == log.tallies.clock["messages"].sum() > 0
    parts = ["refused", "delivered", "not_delivered", "in_flight"]
    assert (frame[parts].sum(axis=1) == frame["messages"]).all()


def test_hours_that_the_clocks_skip_or_repeat_are_observed_as_they_were() -> None:
    """New York skips 02:00 of Sunday, 8 March 2026, and repeats 01:00 of Sunday, 1 November."""
    for start, hour, observed in (("2026-03-08", 2, 0), ("2026-11-01", 1, 2)):
        plain = {"start": f"{start}T04:00:00Z", "days": 1}
        plain |= {"applications": [{"name": "a"}]}  # type: ignore[dict-item]
        plain |= {"templates": [{"name": "t", "application": "a"}]}  # type: ignore[dict-item]
        frame = report.heat_map(
            simulate(Scenario.model_validate(plain), rows=False), "America/New_York"
        )
        sunday = frame[(frame["weekday"] == 6) & (frame["hour"] == hour)].iloc[0]
        assert sunday["observed_h"] == observed
        assert np.isnan(sunday["messages_an_hour"]) == (observed == 0)


def test_a_mean_is_of_the_hours_in_the_record() -> None:
    """Ten days hold some weekdays twice."""
    frame = report.heat_map(record("arrears"))
    np.testing.assert_allclose(
        frame["messages_an_hour"] * frame["observed_h"], frame["messages"].astype(float)
    )
    assert set(frame["observed_h"]) == {1.0, 2.0}


def test_a_zone_nobody_knows_is_refused() -> None:
    with pytest.raises(ZoneInfoNotFoundError, match="Mars/Olympus"):
        report.heat_map(record("nothing"), "Mars/Olympus")


def _assert_received(record: Record) -> None:
    frame = report.reports_by_hour(record).set_index("hour")
    rows, messages = record.reports, record.messages
    assert rows is not None
    assert messages is not None
    at = messages["final_at"].iloc[rows["message"].to_numpy()].set_axis(rows.index)
    for name, own, times in (
        ("received", rows["state"] == "received", rows["received_at"]),
        ("lost", rows["state"] == "lost", at),
        ("made", rows["state"].notna(), at),
    ):
        counts = times[own].dt.floor("h").value_counts()
        expected = counts.reindex(frame.index, fill_value=0)
        assert frame[name].tolist() == expected.tolist()


@seed(6)
@invented
@given(worlds())
def test_reports_by_hour_are_those_of_the_rows_in_invented_worlds(world: Any) -> None:
    scenario, rng, policies = world
    _assert_received(simulate(scenario, rng=rng, policies=policies))


def test_reports_by_hour_of_an_outage_and_of_a_log() -> None:
    run, log = record("callback_outages"), record("capture")
    _assert_received(run)
    assert report.reports_by_hour(run)["lost"].sum() == report.callbacks(run)["lost"].iloc[0] > 0
    frame = report.reports_by_hour(log)
    assert frame["received"].sum() == report.callbacks(log)["received"].iloc[0]
    assert frame[["lost", "made"]].isna().all(axis=None)


def test_without_rows_no_report_has_an_hour() -> None:
    with pytest.raises(ValueError, match="messages, reports"):
        report.reports_by_hour(record("launch"))
