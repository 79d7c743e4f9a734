"""Promises about conditions: comparisons of figures in a month, joined by and and or."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smssim import Scenario, ScenarioError, check, replicate, simulate
from smssim.checks import difference
from smssim.checks.decide import months_of, values_of
from smssim.report import kpi
from smssim.scenario import Check
from smssim.scenario.promises import condition_of, promise_of

PLAN = """
name: two days
start: 2026-03-02
days: 2
applications: [{name: app}]
templates:
  - {name: login, type: otp, application: app}
  - {name: news, type: notification, application: app}
traffic:
  - {name: logins, template: login, country: ID, messages_a_day: 40}
  - {name: letters, template: news, country: TH, messages_a_day: 30}
routes: {ID: {price: 0.2}, TH: {price: 0.1}}
account: {service_mode: pay_per_use}
thresholds: {daily_limit: 68, daily_alarm: 60}
"""
SIGNS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
SIGNS |= {"==": np.equal, "!=": np.not_equal}
FIGURES = ("messages.sent", "cost", "delivered.share", "package.run_out[0]")


def with_check(check: str) -> Scenario:
    return Scenario.parse(f"{PLAN}checks: [{{name: it, {check}}}]\n")


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(FIGURES),
                st.sampled_from(list(SIGNS)),
                st.sampled_from((0.0, 0.5, 1.0)),
            ),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.sampled_from((0.0, 0.5, 1.0, np.nan)), min_size=4, max_size=4),
)
def test_a_condition_holds_as_its_comparisons_do(
    terms: list[list[tuple[str, str, float]]], figures: list[float]
) -> None:
    """Against Python's own and, or and comparisons; a missing value decides nothing."""
    text = " or ".join(
        " and ".join(f"{name} {sign} {bound}" for name, sign, bound in all_of) for all_of in terms
    )
    values = dict(zip(FIGURES, figures, strict=True))
    promise = Check(name="it", metric=text, below=0.5)
    result = float(values_of(promise, lambda name: np.array([values[name]]))[0])

    def outcomes(missing: float) -> bool:
        known = {name: missing if np.isnan(x) else x for name, x in values.items()}
        known["package.run_out[0]"] = (
            np.inf if np.isnan(values["package.run_out[0]"]) else values["package.run_out[0]"]
        )
        return any(all(SIGNS[s](known[n], b) for n, s, b in all_of) for all_of in terms)

    # Each missing value could be anything: where that matters for a comparison by itself, the
    # condition is open.
    if np.isnan(result):
        assert np.isnan(figures[:3]).any()
    else:
        assert result in (0, 1)
        assert all(outcomes(guess) == bool(result) for guess in (0.0, 0.5, 1.0, -9.0, 9.0))


def test_a_promise_of_a_condition_is_that_of_its_months() -> None:
    """Counted again from whole records, month by month."""
    text = "messages.stopped_by_limit[template=login] > 0 and messages.sent[country=TH] >= 50"
    plan = with_check(f"metric: '{text}', statistic: probability, below: 0.9, margin: 0.05")
    runs = replicate(plan, 12, workers=1)
    expected = []
    for k in range(12):
        run = simulate(plan, replication=k, rows=False)
        stopped = kpi(run, "messages.stopped_by_limit", where={"template": "login"})
        sent = kpi(run, "messages.sent", where={"country": "TH"})
        expected.append(float(stopped > 0 and sent >= 50))
    assert 0 < sum(expected) < 12
    assert list(months_of(plan.checks[0], runs).values()) == expected

    result = check(plan, workers=1)
    (verdict,) = result.verdicts
    assert (verdict.check.statistic_name, result.unit(verdict)) == ("probability", "yes is 1")
    assert f"probability({text})" in result.to_text().replace("\n      ", " ")
    story = result.story("it")
    assert verdict.outcome == "fail" or story is None or story.figures[0].value == 1


def test_a_change_of_a_condition_is_paired() -> None:
    old = with_check("metric: 'messages.stopped_by_limit[template=login] > 0', below: 0.99")
    both = difference(old, old.change(**{"thresholds.daily_limit": 500}), workers=1)
    (promise,) = both.promises
    assert (promise.after, promise.months) == (0, 100)
    assert promise.change.estimate == -promise.before < 0


@pytest.mark.parametrize(
    ("text", "metric", "bound"),
    [
        ("probability(cost[country=ID] > 2) < 0.05", "cost[country=ID] > 2", 0.05),
        ("probability(runout.any = 1 or cost_usd >= 9) < 0.5", "runout.any == 1 or cost >= 9", 0.5),
        ("probability( cost!=3 ) < .1", "cost != 3", 0.1),
    ],
)  # fmt: skip
def test_a_text_is_read(text: str, metric: str, bound: float) -> None:
    promise = Check(**promise_of(text))
    assert (promise.metric_name, promise.below) == (metric, bound)
    assert str(condition_of(promise.metric_name)) == metric


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("metric: 'messages.sent > '", "must be like"),
        ("metric: 'messages.sent > many'", "must compare with numbers, not 'many'"),
        ("metric: 'messages.sent > nan'", "must compare with numbers"),
        ("metric: 'messages.snt > 0'", "did you mean messages.sent"),
        ("metric: 'cost_eur > 1'", "must be in USD"),
        ("metric: 'messages.sent[template=nws] > 0'", "there is no template 'nws'"),
        ("metric: 'messages.sent[colour=red] > 0'", "no part by 'colour', only by template,"),
        ("metric: 'messages.sent[country=ID, template=login] > 0'", "next to a template"),
        ("metric: 'package.run_out[0] > 3'", "there is no package 0"),
        ("metric: 'package.run_out[x] > 3'", "must be a number"),
        ("metric: 'package.run_out > 3'", "one package.run_out a package"),
        ("metric: 'delivered.share > 1'", "always so, or never"),
        ("metric: 'cost < 0'", "always so, or never"),
        ("metric: 'messages.sent > 0', where: {country: ID}", "has its parts in brackets"),
        ("metric: 'messages.sent > 0', statistic: p90", "promise its probability"),
        ("metric: 'messages.sent > 0', margin: 0.9", "a probability is from 0 to 1"),
    ],
)
def test_a_wrong_condition_is_refused(check: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        with_check(f"{check}, below: 0.5")


@pytest.mark.parametrize(
    "check",
    [
        "metric: delivered.share, above: 0.9999, margin: 2",
        "metric: delivered.share, below: 2",
        "metric: delivered.share, above: -1",
        "metric: delivered.share, above: 1",
        "metric: delivered.share, below: 0",
        "metric: delivered.share, below: 0.9, margin: 0.2",
        "metric: delivered.share, statistic: p90, above: 0.5, margin: 0.6",
        "metric: cost, above: -1",
        "metric: cost, above: 100, margin: 101",
        "metric: cost, statistic: p5, below: 0",
        "metric: latency.p95, above: 20, margin: 30",
        "metric: cost, statistic: p99.99999999999999999, below: 100",
        "metric: cost, statistic: p100, below: 100",
        "metric: cost, statistic: p0, below: 100",
        "metric: runout.any, below: 0.5, margin: 0.6",
        "metric: runout.any, below: 1.5",
    ],
)
def test_what_no_month_can_break_or_keep_is_no_promise(check: str) -> None:
    with pytest.raises(ScenarioError):
        with_check(check)


@pytest.mark.parametrize(
    "check",
    [
        "metric: delivered.share, above: 0.9, margin: 0.9",
        "metric: delivered.share, below: 1",
        "metric: thresholds.day_share, below: 1.2",
        "metric: cost, below: 100, margin: 1000",
        "metric: cost, above: 0",
        "metric: runout.any, below: 0, margin: 0.1",
    ],
)
def test_bounds_within_the_scale_are_promises(check: str) -> None:
    assert with_check(check).checks
