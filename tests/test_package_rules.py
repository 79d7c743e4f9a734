"""The rules of packages one by one, each shown by what it changes in a day of few messages."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest
from one_day import ROUTE, column, day, events, requests, world

from smssim.scenario import ScenarioError

TWO_MODES = ("pay_per_use", "suspend")


@pytest.mark.parametrize(("order", "package"), [("first_in_force", 0), ("nearest_expiry", 1)])
def test_package_order(order: str, package: int) -> None:
    """The first in force ends last: either rule begins with another one."""
    run = day(
        requests("01:00 x 3"),
        account={"package_order": order},
        packages=[
            {"country": "ID", "segments": 10, "valid_days": 20},
            {"country": "ID", "segments": 10, "valid_days": 5},
        ],
    )
    assert column(run, "package") == [package] * 3


@pytest.mark.parametrize(
    ("zone", "ends_at"), [("Asia/Shanghai", "2026-03-03T16:00Z"), ("UTC", "2026-03-04T00:00Z")]
)
def test_package_expiry_zone(zone: str, ends_at: str) -> None:
    run = day(
        requests("01:00"),
        account={"expiry_zone": zone},
        packages=[{"country": "ID", "segments": 1, "valid_days": 1}],
    )
    assert run.packages is not None
    assert run.packages["ends_at"].tolist() == [pd.Timestamp(ends_at)]


def test_package_of_another_country_covers_nothing() -> None:
    run = day(
        requests("01:00 x 2"),
        requests("02:00", country="TH"),
        packages=[{"country": "TH", "segments": 10}],
    )
    assert column(run, "covered_segments") == [0, 0, 1]
    assert column(run, "cost_micro") == [50_000, 50_000, 0]


@pytest.mark.parametrize(
    ("outcome", "covered"),
    [
        ({"status": "UNDELIV", "share": 1}, 1),
        ({"status": "none", "share": 1}, 1),
        ({"status": "E200024", "share": 1, "source": "huawei"}, 0),
    ],
)
def test_package_is_deducted_at_acceptance(outcome: dict[str, Any], covered: int) -> None:
    """Whatever becomes of a message, unless the platform refused it."""
    run = day(
        requests("01:00 x 2"),
        packages=[{"country": "ID", "segments": 10}],
        routes={"ID": ROUTE | {"outcomes": [outcome]}},
    )
    assert column(run, "covered_segments") == [covered] * 2
    assert run.packages is not None
    assert run.packages["left"].tolist() == [10 - 2 * covered]


@pytest.mark.parametrize("mode", TWO_MODES)
@pytest.mark.parametrize("straddle", ["by_mode", "cover"])
def test_straddle_of_the_end_of_a_package(mode: str, straddle: str) -> None:
    """Three segments each, and four are left: the second message is split, refused or covered."""
    run = day(
        requests("01:00 x 3"),
        account={"service_mode": mode, "straddle": straddle},
        packages=[{"country": "ID", "segments": 4}],
        templates=[{"name": "code", "application": "app", "segments": 3}],
    )
    covers, pays = straddle == "cover", mode == "pay_per_use"
    assert column(run, "covered_segments") == [3, 1 if covers or pays else 0, 0]
    assert column(run, "refused_at") == (
        [""] * 3 if pays else ["", "" if covers else "platform", "platform"]
    )
    second = 0 if covers or not pays else 100_000
    assert column(run, "cost_micro") == [0, second, 150_000 if pays else 0]


@pytest.mark.parametrize(("scope", "second"), [("country", "DELIVRD"), ("account", "E000629")])
def test_suspend_scope(scope: str, second: str) -> None:
    """Indonesia's run-out stops Thailand, or does not."""
    run = day(
        requests("01:00 x 2"),
        requests("02:00", country="TH"),
        account={"service_mode": "suspend", "suspend_scope": scope},
        packages=[{"country": country, "segments": 1} for country in ("ID", "TH")],
    )
    assert column(run, "status") == ["DELIVRD", "E000629", second]
    assert events(run, "suspended") == [("suspended", "ID" if scope == "country" else "")]


def test_mode_1_goes_on_at_the_price() -> None:
    """What no package covers is billed at the country's price, and nothing stops."""
    run = day(requests("01:00 x 3", "02:00 x 2"), packages=[{"country": "ID", "segments": 2}])
    assert column(run, "cost_micro") == [0, 0, 50_000, 50_000, 50_000]
    assert events(run, "run_out", "suspended") == [("run_out", "ID")]


def test_mode_2_sends_nothing_without_a_package() -> None:
    """Until one is bought, which ends the suspension."""
    run = day(
        requests("01:00", "03:00"),
        account={"service_mode": "suspend"},
        packages=[{"country": "ID", "segments": 2, "at": "2026-03-02T02:00Z"}],
    )
    assert column(run, "status") == ["E000629", "DELIVRD"]
    assert column(run, "report_source") == [3, 2]
    assert column(run, "cost_micro") == [0, 0]
    assert events(run, "suspended", "resumed") == [("suspended", "ID"), ("resumed", "ID")]


@pytest.mark.parametrize(("balance", "event"), [(2, "package_bought"), (1.99, "purchase_refused")])
def test_package_needs_the_money(balance: float, event: str) -> None:
    run = day(
        requests("01:00"),
        account={"balance": balance},
        packages=[{"country": "ID", "segments": 2, "price": 2}],
    )
    assert [name for name, _ in events(run, "package_bought", "purchase_refused")] == [event]


def test_package_without_validity_is_a_month() -> None:
    run = day(requests("01:00"), packages=[{"country": "ID", "segments": 2}])
    assert run.packages is not None
    assert run.packages["ends_at"].tolist() == [pd.Timestamp("2026-04-02T16:00Z")]


@pytest.mark.parametrize(
    ("mode", "country", "message"),
    [
        ("pay_per_use", "CN", "packages are for international SMS: CN has none"),
        ("suspend", "CN", "packages are for international SMS: CN has none"),
        ("suspend", "SG", "mode 2 reaches ID, TH, IN, PH (account.package_countries), not SG"),
        (
            "pay_per_use",
            "SG",
            "packages are sold for ID, TH, IN, PH (account.package_countries), not SG",
        ),
    ],
)
def test_packages_for_sale(mode: str, country: str, message: str) -> None:
    """A scenario offers others by saying so."""
    made = {
        "account": {"service_mode": mode},
        "packages": [{"country": country, "segments": 2}],
    }
    with pytest.raises(ScenarioError, match=re.escape(message)):
        world(requests("01:00", country=country), **made)
    if country != "CN":
        made["account"] = {"service_mode": mode, "package_countries": ["SG"]}
        assert world(requests("01:00", country=country), **made)
