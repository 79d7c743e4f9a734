"""Policies in a scenario file are the ready-made ones given to `simulate`, wherever it is read."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pytest
from identity import tables

from smssim import check, policies, replicate, simulate
from smssim.scenario import PlannedPolicy, Scenario, ScenarioError
from smssim.simulation.planned_policies import READY_MADE, planned_policies

PLAN: dict[str, Any] = {
    "start": "2026-04-01",
    "days": 4,
    "account": {"balance": 40, "low_quota": {"ID": 60}},
    "applications": [{"name": "shop"}],
    "templates": [{"name": "code", "application": "shop"}],
    "packages": [{"country": "ID", "segments": 150}],
    "quota": {"daily_limit": 900},
    "traffic": [
        {"name": "a", "template": "code", "country": "ID", "messages_a_day": 400},
        {"name": "b", "template": "code", "country": "TH", "messages_a_day": 150},
    ],
}
ENTRIES: list[tuple[dict[str, Any], Any]] = [
    (
        {"top_up_quota": {"country": "ID", "segments": 200, "price": 1, "after_s": 600}},
        policies.TopUpQuota("ID", 200, 1, after_s=600),
    ),
    (
        {"top_up_quota": {"country": "ID", "segments": 200, "price_per_segment": 0.01}},
        policies.TopUpQuota("ID", 200, 2),
    ),
    ({"top_up_balance": {"amount": 20, "below": 1}}, policies.TopUpBalance(20, below=1)),
    (
        {"raise_limit": {"daily_limit": 800, "days": "every_day", "zone": "Asia/Jakarta"}},
        policies.RaiseLimit(daily_limit=800, days="every_day", zone="Asia/Jakarta"),
    ),
    ({"raise_limit": {"factor": 1.5, "hours": None}}, policies.RaiseLimit(1.5, hours=None)),
    ({"switch_mode": {"to": "suspend", "after_s": 60}}, policies.SwitchMode("suspend", after_s=60)),
    ({"stop_source": {"name": "b", "on": "limit"}}, policies.StopSource("b", on="limit")),
]
ALL = [entry for entry, _ in ENTRIES]


def scenario(*entries: dict[str, Any], **parts: Any) -> Scenario:
    return Scenario.model_validate(PLAN | {"policies": entries} | parts)


@pytest.mark.parametrize(("entry", "ready_made"), ENTRIES)
def test_a_policy_of_the_file_is_the_ready_made_one(entry: dict[str, Any], ready_made: Any) -> None:
    plain = scenario()
    planned = simulate(scenario(entry))
    given = simulate(plain, policies=[ready_made])
    assert tables(planned) == tables(given)
    assert tables(planned) != tables(simulate(plain)), "the policy does nothing: it shows nothing"
    assert scenario(entry).digest() != plain.digest()


def test_those_of_the_file_come_first() -> None:
    """Both are told at one instant; who is first buys first."""
    first, second = ALL[0], {"top_up_quota": ALL[0]["top_up_quota"] | {"segments": 90}}
    in_file = simulate(scenario(first, second))
    mixed = simulate(scenario(first), policies=planned_policies(scenario(second)))
    assert tables(in_file) == tables(mixed)


@pytest.mark.parametrize("name", READY_MADE)
def test_fields_and_defaults_are_those_of_the_ready_made_policy(name: str) -> None:
    model = PlannedPolicy.model_fields[name].annotation.__args__[0]  # type: ignore[union-attr]
    in_file = {n: f.default for n, f in model.model_fields.items() if not f.is_required()}
    assert in_file.pop("price_per_segment", None) is None
    ready_made = {
        field.name: field.default
        for field in fields(READY_MADE[name])  # type: ignore[arg-type]
        if field.default is not MISSING
    }
    assert in_file == ready_made
    required = {n for n, f in model.model_fields.items() if f.is_required()}
    assert required == {f.name for f in fields(READY_MADE[name])} - set(ready_made)  # type: ignore[arg-type]


def test_whoever_reads_the_plan_knows_its_policies() -> None:
    plan = scenario(ALL[0])
    bought = simulate(plan).events["event"].eq("package_bought").sum()  # type: ignore[index]
    assert bought > 1
    figure = replicate(plan, 2, workers=1).runs["cost.packages"]
    assert (figure == 1.0 * (bought - 1)).any()
    quick = {"top_up_quota": ALL[0]["top_up_quota"] | {"segments": 900, "after_s": 0}}
    checks = [{"name": "dry", "metric": "runout.any", "below": 0.5}]
    assert check(scenario(checks=checks), workers=1).verdicts[0].outcome == "fail"
    assert check(scenario(quick, checks=checks), workers=1).verdicts[0].outcome == "pass"
    slow = plan.change(**{"policies.0.top_up_quota.after_s": 9})
    assert slow.policies[0].fields.after_s == 9
    page = simulate(plan).provenance
    assert page["policies"] == []
    assert page["planned_policies"][0].startswith("TopUpQuota(country='ID', segments=200")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "policies.0: an entry must be exactly one of top_up_quota, top_up_balance, raise_li"),
        (ALL[0] | ALL[2], "not top_up_quota and top_up_balance"),
        ({"top_up": {}}, "policies.0.top_up: unknown key 'top_up' (did you mean 'top_up_"),
        (
            {"top_up_quota": {"country": "SG", "segments": 1}},
            "policies.0.top_up_quota.country: packages are sold for ID, TH, IN, PH (account",
        ),
        (
            {"top_up_quota": {"country": "PH", "segments": 1}},
            "policies.0.top_up_quota.country: no source sends to PH: a policy for it is idle",
        ),
        (
            {"top_up_quota": {"country": "ID"}},
            "policies.0.top_up_quota.segments: 'segments' must be",
        ),
        ({"stop_source": {"name": "aa"}}, "policies.0.stop_source.name: there is no source 'aa'"),
        ({"raise_limit": {}}, "policies.0.raise_limit: give factor, or daily_limit and monthly"),
        ({"raise_limit": {"factor": 1}}, "policies.0.raise_limit.factor: 1 must be > 1"),
        ({"raise_limit": {"factor": 2, "hours": [18, 9]}}, "hours(=18, 9) must rise within a day"),
        ({"stop_source": {"name": "a", "zone": "Asia/Jakart"}}, "(did you mean 'Asia/Jakarta'?)"),
    ],
)
def test_what_no_policy_can_be(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(entry)
    assert said in str(caught.value)


def test_no_one_pays_into_an_account_without_a_balance() -> None:
    with pytest.raises(ScenarioError, match=r"policies\.0\.top_up_balance: account\.balance must"):
        scenario(ALL[2], account={})


def test_policies_that_are_never_told_are_warned_of() -> None:
    plan = scenario(ALL[0], {"switch_mode": {}}, account={"balance": 40})
    said = [f"{warning.path}: {warning.message}" for warning in plan.warnings]
    assert said[-2:] == [
        "policies.0.top_up_quota: ID is not in account.low_quota, so there is no notice: it is "
        "idle",
        "policies.1.switch_mode: the service mode is pay_per_use already: it is idle",
    ]


def test_errors_have_lines() -> None:
    text = Scenario.model_validate(PLAN).to_yaml() + "policies:\n- stop_source: {name: c}\n"
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(text, "plan.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (len(text.splitlines()), 23), problem
