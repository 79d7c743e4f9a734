"""Our own log against the console: what we never heard is what was lost on its way to us."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from smssim import Scenario, rate, read_log, report, simulate, write_capture
from smssim.record.record import Record
from smssim.simulation.simulate import Run

SCENARIO = Scenario.parse(
    """
start: 2026-03-01
days: 5
quota: {daily_limit: 50_000, monthly_limit: 900_000}
thresholds: {daily_alarm: 7_000, daily_limit: 15_000, monthly_alarm: 90_000, monthly_limit: 900_000}
applications: [{name: shop}]
templates: [{name: code, application: shop}]
traffic:
  - {name: a, template: code, country: ID, messages_a_day: 300}
  - {name: b, template: code, country: SG, messages_a_day: 100}
routes:
  ID: {price: 0.3}
  SG:
    price: 0.04
    outcomes:
      - {status: DELIVRD, share: 0.9}
      - {status: UNDELIV, share: 0.05, source: huawei}
      - {status: none, share: 0.05}
callback:
  no_answer_share: 0.1
  outages: [{at: 2026-03-02T06:00:00Z, minutes: 900}]
"""
)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(SCENARIO)


@pytest.fixture(scope="module")
def ours(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """What our own server wrote down of it."""
    file = tmp_path_factory.mktemp("server") / "capture.jsonl"
    write_capture(run, file)
    return read_log(file)


def lost_messages(run: Run) -> pd.DataFrame:
    """The messages that have a final status of which no report came; each has one segment."""
    assert run.messages is not None
    assert run.reports is not None
    lost = run.reports.loc[run.reports["state"] == "lost", "message"]
    return run.messages.loc[lost]


def test_what_was_not_heard_is_what_was_lost(run: Run, ours: Record) -> None:
    lost = lost_messages(run)
    (row,) = report.reconcile(ours, run).to_dict("records")
    assert row["accepted_ours"] == row["accepted_console"] == len(run.messages)  # type: ignore[arg-type]
    assert row["unheard"] == len(lost) > 300
    assert row["told_ours"] + row["unheard"] == row["told_console"]
    assert row["unheard_share"] == row["unheard"] / row["told_console"]
    assert row["unheard_micro"] == lost["cost_micro"].sum() == round(row["unheard_usd"] * 1e6)
    shares = [row[f"delivered_{side}"] / row[f"accepted_{side}"] for side in ("ours", "console")]
    assert shares[0] < shares[1]


@pytest.mark.parametrize("by", ["day", "country", ["country", "day"]])
def test_groups_add_up_to_the_whole(run: Run, ours: Record, by: str | list[str]) -> None:
    groups, (whole,) = (
        report.reconcile(ours, run, by),
        report.reconcile(ours, run).to_dict("records"),
    )
    for name in ("accepted_ours", "told_console", "delivered_console", "unheard", "unheard_micro"):
        assert groups[name].sum() == whole[name], name
    lost = lost_messages(run)
    lost = lost.assign(day=lost["submitted_at"].dt.tz_localize(None).dt.floor("D"))
    keys = [by] if isinstance(by, str) else by
    counted = lost.groupby(keys, observed=True).size()
    found = groups.set_index(keys)["unheard"]
    assert found[found > 0].to_dict() == counted.to_dict()


def test_refusals_of_the_platform_are_heard_of_by_report_and_cost_nothing(
    run: Run, ours: Record
) -> None:
    lost = lost_messages(run)
    assert (lost["refused_at"] == "platform").sum() > 3
    by = report.reconcile(ours, run, "country").set_index("country")
    paid = lost[(lost["country"] == "SG") & (lost["refused_at"] == "")]
    assert by.loc["SG", "unheard_micro"] == len(paid) * 40_000


def test_a_record_against_itself_has_nothing_unheard(run: Run) -> None:
    (row,) = report.reconcile(run, run).to_dict("records")
    assert (row["unheard"], row["unheard_micro"]) == (0, 0)


def test_an_export_without_prices_has_no_cost_until_it_is_rated(
    run: Run, ours: Record, tmp_path: Path
) -> None:
    run.messages.drop(columns=["covered_segments", "cost_micro"]).to_csv(tmp_path / "export.csv")  # type: ignore[union-attr]
    console = read_log(tmp_path / "export.csv")
    (row,) = report.reconcile(ours, console).to_dict("records")
    assert row["unheard"] == len(lost_messages(run))
    assert pd.isna(row["unheard_micro"])
    tariff = pd.DataFrame({"country": ["ID", "SG"], "price": [0.3, 0.04], "currency": "USD"})
    rated = report.reconcile(ours, rate(console, tariff))
    assert rated["unheard_micro"].item() == lost_messages(run)["cost_micro"].sum()


def test_an_export_that_was_cut_shows_in_what_was_accepted(run: Run, ours: Record) -> None:
    cut = simulate(SCENARIO.change(days=3))
    row = report.reconcile(ours, cut).iloc[0]
    assert row["accepted_console"] < row["accepted_ours"]
    late = report.reconcile(ours, cut, "day").iloc[-1]
    assert late["unheard"] == -late["told_ours"] < 0
    assert late["unheard_micro"] == 0


def test_what_the_console_lacks_costs_nothing_less(ours: Record) -> None:
    """An export with fewer messages of a kind than we heard of gives no money back."""
    less = simulate(SCENARIO.change(**{"traffic.0.messages_a_day": 100}))
    by = report.reconcile(ours, less, "country").set_index("country")
    assert by.loc["ID", "unheard"] < 0
    assert by.loc["ID", "unheard_micro"] == 0


def test_our_log_has_no_names_of_the_console(run: Run) -> None:
    with pytest.raises(ValueError, match=r"by\(='application'\) must be some of day, country"):
        report.reconcile(run, run, "application")
