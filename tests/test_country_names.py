"""Countries by their names wherever a scenario asks for a code."""

from __future__ import annotations

from typing import Any

import pytest

from smssim.scenario import Scenario, ScenarioError
from smssim.sms.country_names import country_named
from smssim.sms.reference import reference

PLAN = """
start: 2026-03-01
days: 2
applications: [{name: shop}]
templates: [{name: code, application: shop}]
packages: [{country: Indonesia, segments: 500}]
account: {low_quota: {印度尼西亚: 100}, package_countries: [Indonesia, TH]}
routes: {indonesia: {price: 0.1}, Thailand: {price: 0.2}}
traffic:
  - {name: a, template: code, country: ID, messages_a_day: 30}
  - {name: b, template: code, country: 泰国, messages_a_day: 30}
group_tasks: [{name: c, template: code, at: 2026-03-01T05:00, countries: {Thailand: 5}}]
checks:
  - {name: p, metric: cost, where: {country: Thailand}, below: 9}
  - {name: q, metric: "cost[country=Thailand] > 3", below: 0.5}
"""


def refused(old: str, new: str) -> str:
    assert old in PLAN
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(PLAN.replace(old, new), "plan.yaml")
    return str(caught.value)


def test_a_name_is_its_code() -> None:
    plan = Scenario.parse(PLAN)
    by_code = PLAN
    for name, code in (("Indonesia", "ID"), ("indonesia", "ID"), ("印度尼西亚", "ID")):
        by_code = by_code.replace(name, code)
    by_code = by_code.replace("Thailand", "TH").replace("泰国", "TH")
    again = Scenario.parse(by_code)
    assert [check.measures for check in plan.checks] == [check.measures for check in again.checks]
    assert plan.change(checks=[]) == again.change(checks=[])
    assert plan.digest() == Scenario.parse(by_code).digest()
    assert plan.change(**{"routes.Thailand.price": 3}).route("TH").price == 3


def test_every_country_has_its_name() -> None:
    for row in reference("countries"):
        assert country_named(row["name"]) == row["iso2"]
        for name in row["name_zh"].split("|"):
            assert country_named(name) == row["iso2"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("country: 泰国", "country: Korea", "11:40: traffic.1.country: 'Korea' may be North Korea"),
        ("country: 泰国", "country: 刚果", "may be Congo (Democratic Republic) (CD) or Congo"),
        (
            "country: 泰国",
            "country: Thailnd",
            "'Thailnd' is not a country (did you mean 'Thailand'?)",
        ),
        ("country: 泰国", "country: th", "'th' must be a country: two capital letters"),
        ("{indonesia:", "{ID: {}, indonesia:", "'indonesia' is ID, which stands there already as"),
        ("{indonesia: {price: 0.1", "{indonesia: {price: -1", "8:29: routes.indonesia.price: -1"),
    ],
)
def test_what_is_no_one_country(old: str, new: str, said: str) -> None:
    assert said in refused(old, new)


def test_rules_between_parts_point_at_names() -> None:
    later = "prices: [{from: 2026-03-02, price: 1}, {from: 2026-03-01, price: 1}]"
    message = refused("Thailand: {price: 0.2}", f"Thailand: {{{later}}}")
    assert message.startswith("plan.yaml:8:")
    unsent: dict[str, Any] = {"Philippines": {"daily": 5}}
    assert "thresholds.countries.PH: no source sends to PH" in refused(
        "start:", f"thresholds: {{countries: {unsent}}}\nstart:"
    )
