"""Bills, metrics and promises by UTC month: parts that sum to the whole."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import smssim
from smssim import report, simulate
from smssim.report import kpis
from smssim.report.kpis import kpi
from smssim.scenario import Scenario, ScenarioError
from smssim.simulation.simulate import Run

PLAN: dict[str, Any] = {
    "start": "2026-03-20",
    "days": 50,
    "account": {"balance": 9_000},
    "quota": {"daily_limit": 900},
    "thresholds": {"daily_limit": 400, "daily_alarm": 300},
    "applications": [{"name": "shop"}],
    "templates": [{"name": "code", "application": "shop"}],
    "packages": [{"country": "ID", "segments": 3_000, "price": 30, "renew": "monthly"}],
    "routes": {"ID": {"price": 0.1, "prices": [{"from": "2026-04-01", "price": 0.2}]}},
    "traffic": [
        {"name": "a", "template": "code", "country": "ID", "messages_a_day": 300},
        {"name": "b", "template": "code", "country": "TH", "messages_a_day": 90},
    ],
}
MONTHS = ["2026-03", "2026-04", "2026-05"]


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(Scenario.model_validate(PLAN))


def test_months_sum_to_the_whole(run: Run) -> None:
    by_month, whole = kpis(run, by="month"), kpis(run).set_index("name")["value"]
    assert by_month["month"].drop_duplicates().tolist() == MONTHS
    totals = by_month.groupby("name")["value"].sum()
    summed = totals.drop(["cost.per_delivered", "delivered.of_requested"])
    assert "messages.stopped_by_limit" in summed
    pd.testing.assert_series_equal(summed, whole[summed.index], check_names=False)
    assert set(summed.index) == {
        name
        for name, metric in smssim.metrics.METRICS.items()
        if "month" in metric.by and name in summed
    }


def test_a_bill_by_month_is_the_bill_by_day(run: Run) -> None:
    bill = report.cost(run, by=["month", "country"])
    days = report.cost(run, by=["day", "country"])
    days["month"] = days["day"].dt.strftime("%Y-%m")
    summed = days.groupby(["month", "country", "entry"], as_index=False)["cost_micro"].sum()
    merged = bill.merge(summed, on=["month", "country", "entry"], suffixes=("", "_days"))
    assert len(merged) == len(bill) == len(summed)
    assert merged["cost_micro"].tolist() == merged["cost_micro_days"].tolist()


def test_a_figure_of_a_month_is_counted_from_its_messages(run: Run) -> None:
    assert run.messages is not None
    april = run.messages[run.messages["submitted_at"].dt.strftime("%Y-%m") == "2026-04"]
    of_th = april[april["country"] == "TH"]
    where = {"month": "2026-04", "country": "TH"}
    assert kpi(run, "messages.requested", where) == len(of_th)
    assert kpi(run, "messages.delivered", {"month": "2026-04"}) == (april.status == "DELIVRD").sum()
    assert kpi(run, "cost.pay_per_use", where) == pytest.approx(of_th["cost_micro"].sum() / 1e6)
    assert kpi(run, "cost.packages", {"month": "2026-04"}) == 30
    with pytest.raises(ValueError, match="must narrow latency"):
        kpi(run, "latency.p95", {"month": "2026-04"})


def test_promises_of_a_month() -> None:
    checks = [
        {"name": "april", "metric": "cost", "where": {"month": "2026-04"}, "below": 2_000},
        {"name": "stops", "metric": "messages.stopped[month=2026-05] > 0", "below": 0.5},
    ]
    result = smssim.check(Scenario.model_validate(PLAN | {"checks": checks}), workers=1)
    assert (result.experiment.runs["cost[month=2026-04]"] > 30).all()


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ({"metric": "cost", "where": {"month": "2026-06"}}, "2026-06 is no month of the run, 2026"),
        ({"metric": "cost", "where": {"month": "June"}}, "checks.0.where.month: 'June'"),
        ({"metric": "latency.p95", "where": {"month": "2026-04"}}, "checks.0.where.month: latency"),
        ({"metric": "cost[month=2026-06] > 2"}, "2026-06 is no month of the run"),
    ],
)
def test_months_that_are_none(check: dict[str, Any], said: str) -> None:
    bound = {"name": "p", "below": 0.5}
    with pytest.raises(ScenarioError) as caught:
        Scenario.model_validate(PLAN | {"checks": [bound | check]})
    assert said in str(caught.value)
