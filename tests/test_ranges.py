"""Ranges: what is drawn, by which key, what must hold of it, and where a scenario shows it."""

from __future__ import annotations

import pickle
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from scipy import stats

import smssim
from smssim.scenario import Scenario, ScenarioError
from smssim.scenario.diff import differences
from smssim.testing import assert_same

PLAN = """
name: unknowns
start: 2026-06-01
days: 3
applications: [{name: shop}]
templates: [{name: login, application: shop}]
packages:
  - {country: ID, segments: {triangular: {low: 200, mode: 300, high: 500}}, price: {normal: {mean: 30, sd: 2}}}
traffic:
  - {name: api, template: login, country: ID, messages_a_day: {between: [100, 200]}}
routes:
  ID:
    price: {between: [0.30, 0.42]}
    latency: {lognormal: {median: 4, p95: 10}}
    outcomes: [{status: DELIVRD, share: {between: [0.90, 0.96]}}, {status: UNDELIV, share: 0.03}, {status: none, share: 0.01}]
thresholds: {daily_alarm: 50, daily_limit: {one_of: [100, 150, 450]}}
"""  # noqa: E501
DRAWS = 4_000
RISK = 1e-4


def plan(**changes: Any) -> Scenario:
    return Scenario.parse(PLAN).change(**changes)


def drawn(path: str, distribution: Any) -> np.ndarray:
    """Draws of one range, of many replications."""
    made = plan(**{path: distribution})
    (one,) = (each for each in made.ranges if each.path == path)
    return np.array([one.draw(7, replication) for replication in range(DRAWS)])


def test_a_month_is_the_month_of_its_draws() -> None:
    """Row by row the month of the scenario with these numbers; and no two months are alike."""
    made = plan()
    runs = [smssim.simulate(made, rng=5, replication=k) for k in range(3)]
    for k, run in enumerate(runs):
        values = made.draws(5, k)
        exact = smssim.simulate(made.fixed(values), rng=5, replication=k)
        assert run.provenance["scenario"] == exact.provenance["scenario"]
        assert {p: r["drawn"] for p, r in run.provenance.pop("ranges").items()} == values
        assert_same(run, exact)
        # `change` of every range to its number is the same scenario, but for shares that it scales.
        shares = "routes.ID.outcomes.0.share"
        plain = {path: value for path, value in values.items() if path != shares}
        assert made.fixed(values).packages == made.change(**plain).packages
    prices = {run.provenance["scenario"] for run in runs}
    assert len(prices) == 3


def test_a_draw_depends_on_seed_replication_and_path_alone() -> None:
    """Other ranges, other fields and the order of named entries change no draw."""
    made, values = plan(), plan().draws(1, 4)
    assert made.draws(1, 4) == values != made.draws(1, 5)
    assert made.draws(2, 4) != values
    assert not {*made.draws(1, 5).items()} & {*made.draws(2, 5).items()} - {
        ("thresholds.daily_limit", limit) for limit in (100, 150, 450)
    }
    other = {"name": "a", "template": "login", "country": "TH", "messages_a_day": 5}
    changed = made.change(
        **{"routes.ID.price": 0.35, "days": 9, "queue.throughput_per_s": {"between": [50, 60]}}
    ).change(traffic=[other, made.with_ranges(made.model_dump())["traffic"][0]])
    draws = changed.draws(1, 4)
    assert draws.pop("traffic.1.messages_a_day") == values.pop("traffic.0.messages_a_day")
    assert 50 <= draws.pop("queue.throughput_per_s") <= 60
    assert 0.3 <= values.pop("routes.ID.price") <= 0.42
    assert draws == values


PRICE, SIZE = "routes.ID.price", "packages.0.segments"
_Z = NormalDist()


@pytest.mark.parametrize(
    ("distribution", "law"),
    [
        ({"between": [0.3, 0.42]}, stats.uniform(0.3, 0.12)),
        ({"normal": {"mean": 0.4, "sd": 0.1}}, stats.truncnorm(-3, 3, 0.4, 0.1)),
        ({"triangular": {"low": 0.1, "mode": 0.2, "high": 0.5}}, stats.triang(0.25, 0.1, 0.4)),
        ({"triangular": {"low": 0.1, "mode": 0.1, "high": 0.5}}, stats.triang(0, 0.1, 0.4)),
    ],
    ids=["between", "normal", "triangular", "triangular from its low end"],
)
def test_draws_have_their_distribution(distribution: Any, law: Any) -> None:
    """Kolmogorov-Smirnov at a risk of 1e-4 each; draws are of one seed, so the test is fixed."""
    values = drawn(PRICE, distribution)
    assert stats.kstest(values, law.cdf).pvalue > RISK
    (one,) = (each for each in plan(**{PRICE: distribution}).ranges if each.path == PRICE)
    assert one.ends == pytest.approx(law.support())
    assert one.at(0.5) == pytest.approx(law.median(), abs=1e-6)


def test_a_log_normal_has_its_median_and_its_p95() -> None:
    sigma = np.log(10 / 4) / _Z.inv_cdf(0.95)
    values = np.log(drawn("routes.ID.latency", {"lognormal": {"median": 4, "p95": 10}}))
    assert stats.kstest(values, stats.truncnorm(-3, 3, np.log(4), sigma).cdf).pvalue > RISK


@pytest.mark.parametrize(
    ("distribution", "possible"),
    [
        ({"between": [300, 304]}, [300, 301, 302, 303, 304]),
        ({"one_of": [310, 300, 7]}, [7, 300, 310]),
    ],
    ids=str,
)
def test_whole_numbers_are_equally_likely(distribution: Any, possible: list[int]) -> None:
    values = drawn(SIZE, distribution)
    numbers, counts = np.unique(values, return_counts=True)
    assert numbers.tolist() == possible
    assert stats.chisquare(counts).pvalue > RISK


def test_outcomes_without_a_range_share_the_rest() -> None:
    made = plan()
    for replication in range(5):
        values = made.draws(1, replication)
        delivered, failed, never = made.fixed(values).routes["ID"].outcomes
        assert delivered.share == values["routes.ID.outcomes.0.share"]
        assert failed.share == pytest.approx(3 * never.share)
        assert delivered.share + failed.share + never.share == pytest.approx(1, abs=1e-12)


BROKEN = {
    "a bound at the lower end": ({PRICE: {"between": [-0.1, 0.2]}}, PRICE, "-0.1 must be >= 0"),
    "a bound at three deviations": ({PRICE: {"normal": {"mean": 1, "sd": 0.4}}}, PRICE, "-0.2"),
    "a rule with a fixed number": (
        {"thresholds.daily_alarm": 120},
        "thresholds.daily_limit",
        r"must be > daily_alarm\(=120\) \(an end of its range\)",
    ),
    "a rule of two ranges": (
        {
            "thresholds.daily_alarm": {"between": [50, 120]},
            "thresholds.daily_limit": {"between": [100, 450]},
        },
        "thresholds.daily_limit",
        "must be > daily_alarm",
    ),
    "falling": ({PRICE: {"between": [0.3, 0.3]}}, f"{PRICE}.between", "from less to more"),
    "two": ({PRICE: {"between": [1, 2], "one_of": [1, 2]}}, PRICE, "not between and one_of"),
    "mistyped": ({PRICE: {"normal": {"mean": 1, "std": 1}}}, f"{PRICE}.normal.std", "unknown key"),
    "no number": ({PRICE: {"between": [1, "2"]}}, f"{PRICE}.between.1", "without quotes"),
    "a fraction": ({SIZE: {"between": [1.5, 3]}}, f"{SIZE}.between.0", "whole number"),
    "one of one": ({SIZE: {"one_of": [3]}}, f"{SIZE}.one_of", "at least 2"),
    "not above the mode": (
        {PRICE: {"triangular": {"low": 1, "mode": 3, "high": 2}}},
        f"{PRICE}.triangular",
        "must rise",
    ),
    "the length of the run": ({"days": {"between": [1, 5]}}, "days", "same in all replications"),
    "the seed": ({"rng": {"one_of": [1, 2]}}, "rng", "same in all replications"),
    "a name": ({"name": {"one_of": [1, 2]}}, "name", "is not a number"),
    "a switch": ({"callback.address": {"one_of": [0, 1]}}, "callback.address", "is not a number"),
    "a share above one": (
        {"routes.ID.outcomes.0.share": {"between": [0.9, 1.1]}},
        "routes.ID.outcomes.0.share",
        "1.1 must be <= 1",
    ),
}


@pytest.mark.parametrize(("changes", "path", "message"), BROKEN.values(), ids=BROKEN)
def test_rules_hold_at_the_ends(changes: dict[str, Any], path: str, message: str) -> None:
    """One problem, at the path of the range or of what is wrong in it."""
    with pytest.raises(ScenarioError, match=message) as caught:
        plan(**changes)
    assert [problem.path for problem in caught.value.problems] == [path]


def test_a_problem_has_its_line_and_column() -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(PLAN.replace("[0.30, 0.42]", "[0.30, -0.42]"), "p.yaml")
    (problem,) = caught.value.problems
    row = next(i for i, line in enumerate(PLAN.split("\n"), 1) if "0.30" in line)
    assert (problem.file, problem.line, problem.column) == ("p.yaml", row, 22)
    with pytest.raises(ScenarioError, match=r"^p.yaml:\d+:12: routes.ID.price: -1 must be >= 0"):
        Scenario.parse(PLAN.replace("[0.30, 0.42]", "[-1, 0.42]"), "p.yaml")


def test_a_draw_that_breaks_a_rule_fails_its_replication_alone() -> None:
    """Combinations within a section of more than four ranges are not all looked at on reading."""
    thresholds = {
        "daily_alarm": {"between": [50, 139]},
        "daily_limit": {"between": [96, 185]},
        "monthly_alarm": {"between": [1_000, 1_001]},
        "monthly_limit": {"between": [2_000, 2_001]},
        "mainland": {"daily_alarm": {"between": [50, 60]}, "daily_limit": 100},
    }
    made = plan(thresholds=thresholds)
    draws = [made.draws(1, k) for k in range(40)]
    broken = [v["thresholds.daily_alarm"] >= v["thresholds.daily_limit"] for v in draws]
    runs = smssim.replicate(made, 40, workers=1).runs
    assert runs["error"].str.contains("daily_limit").tolist() == broken
    assert 0 < sum(broken) < 20


def test_ranges_are_written_read_and_compared() -> None:
    made = plan()
    for text in (made.to_yaml(), made.to_json()):
        again = Scenario.parse(text)
        assert again == made
        assert again.digest() == made.digest()
        assert {one.path: str(one) for one in again.ranges} == {
            one.path: str(one) for one in made.ranges
        }
    assert pickle.loads(pickle.dumps(made)) == made
    middle = made.fixed({})
    assert not middle.ranges
    assert middle != made
    assert middle.routes["ID"].price == made.routes["ID"].price == 0.36
    wider = plan(**{PRICE: {"between": [0.30, 0.48]}})
    assert len({made.digest(), middle.digest(), wider.digest()}) == 3
    assert [change.path for change in differences(made, wider)] == [f"{PRICE}.between"]
    assert not plan(**{PRICE: 0.36}).draws(1, 0).keys() & {PRICE}
    with pytest.raises(ScenarioError, match="holds one value"):
        plan(**{f"{PRICE}.between.0": 0.1})


def test_without_ranges_nothing_changes() -> None:
    plain = plan().fixed({})
    assert plain.fixed(plain.draws(1, 0)) is plain
    assert "ranges" not in smssim.simulate(plain).provenance


def test_a_range_is_shown() -> None:
    made = plan()
    assert "routes.ID.price: 0.3 to 0.42" in made._repr_html_()
    text = smssim.describe(made)
    for shown in (
        "range: 0.3 to 0.42",
        "range: 24 to 36, normal",
        "range: one of 100, 150, 450",
        "range: 0.9 to 0.96",
        "7 values of these are ranges",
    ):
        assert shown in text, shown
