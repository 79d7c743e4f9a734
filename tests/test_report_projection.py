"""The month so far and its projection, against plain sums over the rows and against the truth."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from scipy import stats
from test_exports import EXPORTS, FORMS, packages
from test_exports import log as read
from test_rating import as_log, rated
from test_report_run_out import plain_use
from test_weekdays import PROFILE, assert_covers, least_squares
from worlds import worlds

import smssim
from smssim import rate, report, simulate
from smssim.calendars import DAY, to_us
from smssim.record.record import Record
from smssim.record.schema import microseconds_of
from smssim.record.tallies import Tallies
from smssim.report._record import scenario_of
from smssim.report.packages import no_forecast
from smssim.report.weekdays import too_few, unlike
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run

invented = settings(settings.get_profile("worlds"), max_examples=20)
QUARTER = pd.Timedelta(minutes=15)
FIGURES = ["messages", "segments", "billed", "cost"]
NUMBERS = ["so_far", "rest", "rest_low", "rest_high", "month", "month_low", "month_high"]


def sent_until(record: Record) -> int:
    """The end of the record, or of a log's last quarter of an hour with a message if days of
    statuses alone follow.
    """
    rows = record.messages
    if isinstance(record, Run) or rows is None or not len(rows):
        return record.observed_until
    last = rows["submitted_at"].max()
    end = pd.Timestamp(record.observed_until - 1, unit="us", tz="UTC")
    quiet = end.floor("D") > last.floor("D")
    return (
        to_us((last.floor("15min") + QUARTER).to_pydatetime()) if quiet else record.observed_until
    )


def daily(record: Record) -> pd.DataFrame:
    """What was sent on each UTC day, by pandas alone: a column a figure, the index days."""
    rows = record.messages
    assert rows is not None
    sent = rows[rows["refused_at"] == ""]
    day = sent["submitted_at"].dt.floor("D")
    first, last = (
        pd.Timestamp(us // DAY * DAY, unit="us", tz="UTC")
        for us in (record.observed_from, max(sent_until(record) - 1, record.observed_from))
    )
    days = pd.date_range(first, last, freq="D")
    cost = sent["cost_micro"].astype("float64") / 1e6
    by_day = pd.DataFrame({"messages": 1, "segments": sent["segments"].fillna(0), "billed": cost})
    sums = by_day.groupby(day).sum().reindex(days, fill_value=0)
    bought = pd.Series(0.0, days)
    if record.ledger is not None:
        own = record.ledger[record.ledger["entry"] == "purchase"]
        paid = (own["amount_micro"].astype("float64") / 1e6).groupby(own["at"].dt.floor("D")).sum()
        bought = paid.reindex(days, fill_value=0)
    return sums.astype("float64").assign(cost=sums["billed"] + bought)


def plain(record: Record) -> pd.DataFrame:
    """The numbers of the report by plain sums and least squares; NaN without 3 whole days."""
    by_day = daily(record)
    end = pd.Timestamp(sent_until(record), unit="us", tz="UTC")
    last = by_day.index[-1]
    begin = last.replace(day=1)
    after = begin + pd.offsets.MonthBegin(1)
    start = pd.Timestamp(record.observed_from, unit="us", tz="UTC")
    whole = by_day[(by_day.index >= start) & (by_day.index + pd.Timedelta(days=1) <= end)]
    ahead = pd.date_range(end.floor("D"), after, freq="D", inclusive="left")
    parts = [1.0] * len(ahead)
    if len(ahead):
        parts[0] = (ahead[0] + pd.Timedelta(days=1) - end) / pd.Timedelta(days=1)
    rows = []
    for figure in FIGURES:
        so_far = by_day.loc[by_day.index >= begin, figure].sum()
        rest = [0.0] * 3
        if len(ahead):
            first = to_us(whole.index[0].to_pydatetime()) // DAY if len(whole) else 0
            known, days = range(first, first + len(whole)), [_day(day) for day in ahead]
            rest = [np.nan] * 3
            if not too_few(known) and not unlike(known, to_us(end.to_pydatetime()), _us(after)):
                seen = whole["billed" if figure == "cost" else figure].to_numpy()
                rest = least_squares(first, seen, days, parts)
                if figure in ("billed", "cost") and record.packages is not None:
                    rest = charged(record, first, len(whole), days, parts)
        rows.append([so_far, *rest, *(so_far + part for part in rest)])
    return pd.DataFrame(rows, FIGURES, NUMBERS)


def _us(at: pd.Timestamp) -> int:
    return to_us(at.to_pydatetime())


def _day(at: pd.Timestamp) -> int:
    return _us(at) // DAY


def charged(
    record: Record, first: int, number: int, days: list[int], parts: list[float]
) -> list[float]:
    """The charges to come: what exceeds the quota of each country, and days alike elsewhere."""
    rows, packages = record.messages, record.packages
    assert rows is not None
    assert packages is not None
    terms: list[list[float]] = []
    scenario = scenario_of(record)
    sold = sorted(packages["country"].unique())
    sent = rows[rows["refused_at"] == ""]
    day = microseconds_of(sent["submitted_at"]) // DAY
    cost = sent["cost_micro"].astype("float64").to_numpy() / 1e6 * ~sent["country"].isin(sold)
    elsewhere = np.array([cost[day == first + i].sum() for i in range(number)])
    terms.append(least_squares(first, elsewhere, days, parts))
    for country in sold:
        own = packages[packages["country"] == country]
        in_force = microseconds_of(own["ends_at"]) > record.observed_until
        quota = int(own["left"][in_force].sum())
        if (microseconds_of(own["ends_at"])[in_force] // DAY <= days[-1]).any():
            return [np.nan] * 3  # What expires within the rest is a matter of `packages`.
        use = least_squares(first, plain_use(record, country), days, parts)
        paid = sent[sent["country"] == country]
        segments = (paid["segments"] - paid["covered_segments"]).sum()
        # Nothing was charged yet: the price is the scenario's, which may be 0.
        price = 0.05 if scenario is None else float(scenario.route(country).price)
        if segments:
            price = paid["cost_micro"].sum() / 1e6 / segments
        terms.append([max(0.0, segments - quota) * price for segments in use])
    estimate, low, high = np.array(terms).T
    total = estimate.sum()
    below, above = (float(np.sqrt((side**2).sum())) for side in (estimate - low, high - estimate))
    return [total, max(0.0, total - below), total + above]


def assert_projected(record: Record) -> None:
    """Every figure that has no reason to be unknown; those that have one are NaN."""
    frame = report.projection(record).set_index("figure")
    known = frame.index[frame["reason"] == ""]
    unknown = frame.index[frame["reason"] != ""]
    assert frame.loc[unknown, "rest"].isna().all()
    wanted = plain(record).loc[known].dropna()
    known = wanted.index
    pd.testing.assert_frame_equal(
        frame.loc[known, NUMBERS], wanted, check_names=False, rtol=1e-6, atol=1e-6
    )


def month(**changes: Any) -> Scenario:
    """Twelve days of November and nineteen of December, cut within a day."""
    plain = {
        "start": "2026-11-19T07:00:00Z",
        "days": 31,
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop", "segments": {1: 0.7, 2: 0.3}}],
        "packages": [{"country": "ID", "segments": 700, "price": 100}],
        "traffic": [
            {
                "name": "a",
                "template": "code",
                "country": "ID",
                "messages_a_day": 100,
                "weekdays": [1, 1, 1, 1, 1, 0.5, 0.2],
            }
        ],
    }
    return Scenario.model_validate(plain | changes)


@seed(1)
@invented
@given(worlds())
def test_it_is_a_sum_of_the_rows(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)

    assert_projected(run)
    found = report.projection(replace(run, messages=None))
    pd.testing.assert_frame_equal(found, report.projection(run))


@pytest.mark.parametrize("days", [3, 4, 10, 11, 14, 20, 31])
def test_records_of_any_length(days: int) -> None:
    """Too short, with some weekdays seen twice, with all of them, and into another month."""
    run = simulate(month(days=days))

    assert_projected(run)
    log = as_log(run)
    assert_projected(rated(month(days=days), run, log))
    counts = report.projection(log).set_index("figure").loc[["messages", "segments"], NUMBERS]
    pd.testing.assert_frame_equal(
        counts, plain(run).loc[["messages", "segments"]], check_names=False
    )


@pytest.mark.parametrize("form", FORMS)
def test_exports_are_projected_like_their_rows(form: str) -> None:
    log = read(form)
    priced = rate(log, EXPORTS / "prices.csv", packages())
    found = report.projection(log).set_index("figure")
    wanted = plain(priced)
    for name in ("messages", "segments"):
        near = pytest.approx(wanted.loc[name].tolist(), nan_ok=True)
        assert found.loc[name, NUMBERS].tolist() == near
    assert found.loc[["billed", "cost"], NUMBERS].isna().all(axis=None)
    assert set(found.loc[["billed", "cost"], "reason"]) == {"not all that was sent has a price"}
    assert priced.messages is not None
    if not priced.messages["cost_micro"].isna().any():
        assert_projected(priced)


@pytest.mark.parametrize("late_h", [1, 24, 71])
def test_a_late_status_changes_no_projection(late_h: int) -> None:
    """An export ends with its last status; the days that only wait for it hold no messages, and
    are neither seen nor another month.
    """
    run = simulate(month(days=10))
    log = as_log(run)
    until = log.observed_until + late_h * 3_600_000_000
    assert log.messages is not None
    late = replace(log, observed_until=until)
    found, wanted = (report.projection(one).set_index("figure") for one in (late, log))
    rows = ["messages", "segments"]
    near = wanted.loc[rows, "month"].tolist()
    assert found.loc[rows, "month"].tolist() == pytest.approx(near, rel=0.02)
    sides = report.compare(late, run).set_index("name").loc["messages.requested"]
    assert sides["a"] == pytest.approx(sides["b"], rel=0.02 if late_h > 1 else 1e-9)


def test_what_it_says_beside_the_numbers() -> None:
    run = simulate(month())
    found = report.projection(run)

    assert found["figure"].tolist() == FIGURES
    assert found["unit"].tolist() == ["messages", "segments", "USD", "USD"]
    assert set(found["since"].astype("str")) == {"2026-12-01 00:00:00+00:00"}
    assert set(found["ends"].astype("str")) == {"2027-01-01 00:00:00+00:00"}
    assert set(found["whole_days"]) == {30}
    assert found["days_left"].tolist() == pytest.approx([11 + 17 / 24] * 4)
    assert set(found["reason"]) == {""}
    assert (found["month_low"] <= found["month"]).all()
    first = report.projection(simulate(month(days=3)))
    assert set(first["reason"]) == {"fewer than 3 whole UTC days are known"}
    assert set(first["since"].astype("str")) == {"2026-11-19 07:00:00+00:00"}
    assert first["month"].isna().all()


def test_a_record_that_ends_with_its_month_has_no_rest() -> None:
    found = report.projection(simulate(month(start="2026-11-01", days=30))).set_index("figure")

    assert (found[["rest", "rest_low", "rest_high", "days_left"]] == 0).all(axis=None)
    for name in ("month", "month_low", "month_high"):
        assert found[name].equals(found["so_far"])
    assert found["so_far"]["cost"] == found["so_far"]["billed"] + 100


@pytest.mark.parametrize("days", [3, 12, 31])
def test_by_day_it_grows_to_what_it_is(days: int) -> None:
    run = simulate(month(days=days))
    found, whole = report.month_by_day(run), report.projection(run).set_index("figure")
    by_day = daily(run)
    by_day = by_day[by_day.index >= whole["since"].iloc[0].floor("D")]

    assert found["figure"].unique().tolist() == FIGURES
    for figure, own in found.groupby("figure"):
        assert own["at"].is_monotonic_increasing
        seen, ahead = own[own["so_far"].notna()], own[own["month"].notna()]
        assert seen["so_far"].tolist() == pytest.approx(by_day[figure].cumsum().tolist())
        assert seen["at"].iloc[-1] == ahead["at"].iloc[0]
        assert seen["at"].iloc[-1].value // 1_000 == run.observed_until
        for name in ("month", "month_low", "month_high"):
            assert ahead[name].iloc[0] == seen["so_far"].iloc[-1]
            if days > 3:
                assert ahead[name].iloc[-1] == pytest.approx(whole.loc[figure, name])
    if days > 3:
        assert (found.groupby("figure")["at"].max() == whole["ends"].iloc[0]).all()


def test_the_months_truth_is_inside_as_often_as_it_says() -> None:
    """On Poisson days with a weekday profile, 17 of the month seen; ends of 95% intervals."""
    days, n, hits = 17, 300, 0
    run = simulate(month(start="2026-11-01", days=days, traffic=[], packages=[]), rows=False)
    rates = 400 * PROFILE[(6 + np.arange(30)) % 7]
    for world in np.random.default_rng(7).poisson(rates, (n, 30)):
        found = report.projection(with_messages(run, world[:days])).set_index("figure")
        low, high = found.loc["messages", ["month_low", "month_high"]]
        hits += low <= world.sum() <= high
    assert_covers(hits, n)
    assert stats.binom.cdf(n - 1, n, 0.95) > 0.99, "an interval that always holds is found out"


def with_messages(run: Run, by_day: np.ndarray) -> Run:
    """The run with so many messages of one segment on each of its days, and nothing else."""
    start = np.datetime64(run.observed_from, "us")
    money = pd.DataFrame({"day": start + np.arange(len(by_day)) * np.timedelta64(1, "D")})
    money = money.assign(country="ID", application="shop", type="otp", charge="pay_per_use")
    money = money.assign(status="DELIVRD", copy="first", messages=by_day, segments=by_day)
    frames = {name: run.tallies.frame(name) for name in run.tallies.__getstate__()["_frames"]}
    frames["money"] = money.assign(covered_segments=0, cost_micro=0)
    return replace(run, tallies=Tallies(run.observed_until, **frames))


def test_a_summary_tells_the_month_and_its_waste() -> None:
    """In whole sentences, and nothing twice where the record is the month."""
    run = simulate(month())
    text = " ".join(smssim.summary(run).split())

    assert "MONTH TO DATE AND FORECAST, 2026-12 UTC to date" in text
    assert "if the 11.7 days left are like the 30 seen, without packages still to buy" in text
    assert re.search(r"forecast [\d.]+ USD \([\d.]+ to [\d.]+\), .* 95% intervals, if", text)
    late = " ".join(smssim.summary(simulate(month(days=3))).split())
    assert "messages, since 2026-11-19 07:00 forecast none: fewer than 3 whole UTC days" in late
    log = " ".join(smssim.summary(as_log(run)).split())
    figures = r"to date [\d,]+ messages forecast [\d,]+ messages \("
    assert re.search(rf"MONTH TO DATE AND FORECAST, 2026-12 UTC {figures}", log)
    assert re.search(r"WASTED SPEND messages failed \d+, expired \d+; categories overlap", log)
    whole = smssim.summary(simulate(month(start="2026-11-01", days=30)))
    assert "MONTH" not in whole
    assert "WASTED SPEND, USD" in whole


@pytest.mark.parametrize("segments", [1_600, 2_400])
def test_the_months_cost_is_inside_where_a_package_runs_out_in_the_rest(segments: int) -> None:
    """Ten days are seen; their bill is nothing, as the package covers all. Truth: the whole month.

    The bill of the rest was projected as nothing, which held the truth in none of 300 months.
    """
    package = [{"country": "ID", "segments": segments, "price": 100}]
    hits, n = 0, 60
    for number in range(n):
        plan = month(start="2026-11-01", days=11, packages=package)
        short = simulate(plan, rng=number, rows=False)
        assert len(short.events[short.events["event"] == "run_out"]) == 0
        whole = simulate(
            month(start="2026-11-01", days=30, packages=package), rng=number, rows=False
        )
        row = report.projection(short).set_index("figure").loc["cost"]
        truth = report.projection(whole).set_index("figure")["so_far"]["cost"]
        assert truth > 100
        hits += row["month_low"] <= truth <= row["month_high"]
        assert (row["month_high"] - row["month_low"]) / 2 < 0.5 * truth
    assert hits >= stats.binom.ppf(1e-4, n, 0.95)


def test_a_run_out_in_mode_2_stops_what_is_sent() -> None:
    """What will be sent is not known then, and nothing is charged."""
    package = [{"country": "ID", "segments": 1_600, "price": 100}]
    plan = month(start="2026-11-01", days=11, packages=package, account={"service_mode": "suspend"})
    frame = report.projection(simulate(plan)).set_index("figure")
    assert (frame.loc[["billed", "cost"], "rest_high"] == 0).all()
    reason = "packages of ID run out, and nothing more is sent there in mode 2"
    assert set(frame.loc[["messages", "segments"], "reason"]) == {reason}


def test_an_office_week_projects_no_month_with_weekends() -> None:
    weekdays = [1, 1, 1, 1, 1, 0, 0]
    source = {"name": "a", "template": "code", "country": "ID", "messages_a_day": 100}
    package = {"country": "ID", "segments": 5_000, "price": 100}
    traffic = [source | {"weekdays": weekdays}]
    plan = month(start="2026-11-02", days=5, traffic=traffic, packages=[package])
    run = simulate(plan)
    frame = report.projection(run)
    reason = "no whole Saturday or Sunday is known, and such days are to come"
    assert set(frame["reason"]) == {reason}
    assert report.packages(run)["run_out_projected_at"].isna().all()
    assert no_forecast(run) == reason
