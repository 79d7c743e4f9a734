"""What a promise in a scenario file may say; what is wrong with one is told with its place."""

from __future__ import annotations

from typing import Any

import pytest

from smssim.scenario import Check, Scenario, ScenarioError

PLAN = """\
start: 2026-03-01
applications: [{name: shop}]
templates: [{name: code, application: shop, type: otp}]
packages: [{country: ID, segments: 43, price: 30}]
traffic: [{name: a, template: code, country: ID, messages_a_day: 40}]
checks:
  - {name: dry, metric: runout.any, below: 0.05, margin: 0.02}
  - """
SECOND = PLAN.count("\n") + 1


def refused(promise: str) -> list[str]:
    """What is wrong with a plan whose second promise is this."""
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(f"{PLAN}{promise}\n", "plan.yaml")
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("promise", "at", "message"),
    [
        ("{name: dry, metric: cost, below: 1}", "dry", "twice, first in checks.0"),
        ("{name: b, metric: cost}", "b,", "must have one of below and above"),
        ("{name: b, metric: cost, below: 1, above: 0}", "b,", "one of below and above"),
        ("{name: b, metric: costs, below: 1}", "costs", "did you mean cost?"),
        ("{name: b, metric: cost_eur, below: 1}", "cost_eur", "must be in USD: cost_usd"),
        ("{name: b, metric: latency_h.p95, below: 1}", "latency_h", "latency_s.p95"),
        ("{name: b, metric: cost, statistic: median, below: 1}", "median", "mean, probability or"),
        ("{name: b, metric: cost, statistic: p100, below: 1}", "p100", "a quantile such as"),
        ("{name: b, metric: cost, statistic: p0, below: 1}", "p0", "a quantile such as"),
        ("{name: b, metric: cost, statistic: p0.0, below: 1}", "p0.0", "a quantile such as"),
        ("{name: b, metric: cost, statistic: p.00, below: 1}", "p.00", "a quantile such as"),
        ("{name: b, metric: cost, statistic: probability, below: 0.1}", "probability", "yes or no"),
        ("{name: b, metric: runout.any, below: 5}", "5}", "a probability is from 0 to 1"),
        ("{name: b, metric: runout.any, above: -0.1}", "-0.1", "a probability is from 0 to 1"),
        ("{name: b, metric: runout.any, below: 0.05, margin: 2}", "2}", "none is 2 beyond 0.05"),
        ("{name: b, metric: runout.any, above: 0.1, margin: 0.2}", "0.2", "none is 0.2 beyond 0.1"),
        ("{name: b, metric: cost, below: 1, margin: -1}", "-1", "must be >= 0"),
        ("{name: b, metric: runout.any, below: 0}", "0}", "without a margin no months tell"),
        ("{name: b, metric: runout.any, above: 1}", "1}", "without a margin no months tell"),
        (
            "{name: b, metric: cost, where: {country: US}, below: 1}",
            "US",
            "nothing is sent to 'US'",
        ),
        (
            "{name: b, metric: latency.p95, where: {type: notification}, below: 1}",
            "notification",
            "no template is of the type 'notification', only 'otp'",
        ),
        ("{name: b, metric: package.empty, above: 1}", "package", "there is one package.empty a"),
        (
            "{name: b, metric: package.empty, where: {package: 1}, above: 1}",
            "1}, above",
            "there is no package 1: there are 1, from 0 on",
        ),
        (
            "{name: b, metric: latency.p95, where: {template: cod}, below: 1}",
            "cod}",
            "did you mean 'code'?",
        ),
        (
            "{name: b, metric: messages.sent, where: {application: shops}, below: 1}",
            "shops",
            "there is no application 'shops'",
        ),
        (
            "{name: b, metric: cost, where: {template: code}, below: 1}",
            "template",
            "cost is known only by country, month",
        ),
        (
            "{name: b, metric: thresholds.limits, where: {country: ID}, below: 1}",
            "country",
            "for the whole month alone",
        ),
        (
            "{name: b, metric: latency.p95, where: {template: code, country: ID}, below: 1}",
            "country",
            "next to a template nothing can stand",
        ),
    ],
)
def test_a_wrong_promise_is_told_with_its_place(promise: str, at: str, message: str) -> None:
    (problem,) = refused(promise)
    column = len("  - ") + promise.index(at) + 1
    assert problem.startswith(f"plan.yaml:{SECOND}:{column}: checks.1.")
    assert message in problem


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Also next to a field that cannot be read."""
    wrong = refused("{name: dry, metric: costs, where: {template: none, contry: ID}, below: x}")
    assert len(wrong) == 4
    assert [problem.split(": ")[1] for problem in wrong] == [
        "checks.1.name",
        "checks.1.metric",
        "checks.1.where.contry",
        "checks.1.below",
    ]


@pytest.mark.parametrize(
    ("statistic", "share"),
    [("p90", 0.9), ("p99.5", 0.995), ("p0.1", 0.001), ("p5", 0.05), ("p99.9999", 0.999999)],
)
def test_a_quantile_leaves_a_share_of_months_below_it(statistic: str, share: float) -> None:
    check = Check(name="b", metric="cost", statistic=statistic, below=1)
    assert check.quantile == pytest.approx(share, rel=1e-12)


@pytest.mark.parametrize("bounds", [{"below": 0.9, "margin": 0.1}, {"above": 0.3, "margin": 0.3}])
def test_a_margin_may_end_at_the_end_of_all_probabilities(bounds: dict[str, Any]) -> None:
    check = Check(name="b", metric="runout.any", **bounds)
    assert check.statistic_name == "probability"
