"""What is not in a record is not told as absent: callbacks, a currency, what packages cost."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import smssim
from smssim import plots, read_log, report, simulate
from smssim.record.record import Record
from smssim.report import kpi
from smssim.report.outages import untold
from smssim.scenario import Scenario

EXPORT = """\
SMS ID,Recipient,Country,Application,Send Time,Status,Status Time,Segments,Amount
a1,+6281234567801,ID,shop,2026-03-02 10:00:00,DELIVRD,2026-03-02 10:00:05,1,0.35
a2,+6281234567802,ID,shop,2026-03-02 10:01:00,DELIVRD,2026-03-02 10:01:05,1,0.35
a3,+6581234567,SG,shop,2026-03-02 10:02:00,UNDELIV,2026-03-02 10:02:09,1,0.05
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Record:
    path = tmp_path_factory.mktemp("export") / "export.csv"
    path.write_text(EXPORT)
    return read_log(path, tz="UTC")


def test_an_export_without_callbacks_does_not_tell_that_none_was_pushed(log: Record) -> None:
    reason = "it holds no delivery report that reached your callback address"
    assert untold(log) == reason
    with pytest.raises(ValueError, match=reason):
        report.outages(log)
    with pytest.raises(ValueError, match=reason):
        report.reports_by_hour(log)
    assert report.callbacks(log).isna().all(axis=None)
    assert pd.isna(kpi(log, "reports.duplicates"))
    assert plots.callbacks(log).get_title(loc="left") == "Delivery reports are not in the log"
    text = smssim.summary(log)
    assert "was pushed" not in text
    assert "no delivery reports in this file: whether any were pushed is not known" in text


def test_a_run_without_a_callback_address_pushes_none() -> None:
    run = simulate(plan(callback={"address": False}))
    assert untold(run) is None
    assert kpi(run, "reports.duplicates") == 0


def test_a_cost_without_a_currency_is_the_same_everywhere(log: Record) -> None:
    """The export shows what each message cost, and not what packages did."""
    assert log.currency is None
    bill = report.cost(log, by=())
    assert bill["entry"].tolist() == ["pay_per_use"]
    assert bill["cost"].tolist() == [kpi(log, "cost.pay_per_use")] == [0.75]
    assert pd.isna([kpi(log, name) for name in ("cost", "cost.packages")]).all()
    months = report.projection(log).set_index("figure")
    assert months.loc["billed", "so_far"] == 0.75
    assert (
        months.loc["cost", "reason"] == "what was paid for packages is not known: rate the record"
    )
    assert "0.75" in smssim.page(log).html


def plan(**changes: Any) -> Scenario:
    """A day of two countries, packages for one of them."""
    sources = [("a", "code", "ID"), ("b", "news", "SG")]
    base = {
        "start": "2026-03-02",
        "days": 1,
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "applications": [{"name": "shop"}],
        "templates": [
            {"name": "code", "application": "shop"},
            {"name": "news", "application": "shop", "type": "notification"},
        ],
        "packages": [{"country": "ID", "segments": 200, "price": 10}],
        "traffic": [
            {"name": name, "template": template, "country": country, "messages_a_day": 300}
            for name, template, country in sources
        ],
    }
    return Scenario.model_validate(base | changes)


def test_messages_to_a_country_without_packages_are_counted_in_mode_2() -> None:
    """Half the messages were refused, and nothing said that sending had stopped."""
    run = simulate(plan(account={"service_mode": "suspend"}))
    rows = run.messages
    assert rows is not None
    refused = rows["status"] == "E000629"
    to_sg, dry = int((refused & (rows["country"] == "SG")).sum()), int(refused.sum())
    assert dry > to_sg > 200
    assert kpi(run, "messages.stopped_by_no_package") == to_sg
    assert kpi(run, "messages.stopped_by_no_package", where={"country": "SG"}) == to_sg
    assert kpi(run, "messages.stopped_by_no_package", where={"country": "ID"}) == 0
    assert kpi(run, "messages.stopped") == kpi(run, "messages.stopped_by_runout") == dry
    assert kpi(run, "messages.stopped", where={"template": "news"}) == to_sg
    assert kpi(run, "messages.refused") == (rows["refused_at"] != "").sum()


def test_pay_per_use_is_not_divided_by_deliveries_that_packages_paid() -> None:
    """By template: a template whose messages packages carried in part has no such figure."""
    run = simulate(plan())
    bill = report.cost(run, by="template")
    bill = bill[bill["entry"] == "pay_per_use"].set_index("template")["per_delivered"]
    assert pd.isna(bill["code"])
    assert bill["news"] > 0
    assert report.cost(run, by="country")["per_delivered"].notna().all()


def test_a_bill_beyond_what_can_be_counted_is_refused(log: Record) -> None:
    """It wrapped: a quarter of the bill, or a negative total."""
    tariff = pd.DataFrame({"country": ["ID", "SG"], "price": 0.1, "currency": "USD"})
    dear = {"country": "ID", "segments": 1, "price": 10**12}
    assert smssim.rate(log, tariff, [dear] * 9).ledger is not None
    with pytest.raises(ValueError, match="must be below 9,223,37"):
        smssim.rate(log, tariff, [dear] * 10)
