"""Figures of parts of the month in experiments: those that the checks of a scenario are about."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pandas.testing import assert_frame_equal

from smssim.checks import find
from smssim.experiment import compare, replicate, sweep
from smssim.report import kpi
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate

SLOW = {"name": "slow", "metric": "latency_s.p95", "where": {"template": "code"}, "below": 30}
SENT = {
    "name": "sent",
    "metric": "messages.sent",
    "where": {"type": "otp", "country": "ID"},
    "above": 10,
}
DRY = {"name": "dry", "metric": "runout.any", "where": {"country": "ID"}, "below": 0.5}
NAMES = {
    "latency.p95[template=code]": ("latency.p95", {"template": "code"}),
    "messages.sent[country=ID, type=otp]": ("messages.sent", {"country": "ID", "type": "otp"}),
    "runout.any[country=ID]": ("runout.any", {"country": "ID"}),
}


def scenario(*checks: dict[str, Any]) -> Scenario:
    return Scenario.model_validate(
        {
            "start": "2026-03-01",
            "days": 2,
            "applications": [{"name": "shop"}],
            "templates": [
                {"name": "code", "application": "shop"},
                {"name": "news", "application": "shop", "type": "notification"},
            ],
            "packages": [{"country": "ID", "segments": 200, "price": 30}],
            "traffic": [
                {"name": "a", "template": "code", "country": "ID", "messages_a_day": 100},
                {"name": "b", "template": "news", "country": "TH", "messages_a_day": 30},
            ],
            "checks": list(checks),
        }
    )


def test_the_parts_that_checks_are_about_have_figures() -> None:
    own = scenario(SLOW, SENT, DRY)
    runs = replicate(own, 3, rng=7, workers=1).runs

    for replication in range(3):
        run = simulate(own, rng=7, replication=replication)
        for name, (metric, where) in NAMES.items():
            assert runs[name][replication] == kpi(run, metric, where)
    assert runs["messages.sent[country=ID, type=otp]"].gt(100).all()
    assert (runs["messages.sent[country=ID, type=otp]"] < runs["messages.sent"]).all()
    plain = replicate(scenario(), 3, rng=7, workers=1).runs
    assert_frame_equal(runs.drop(columns=list(NAMES)), plain)
    with ThreadPoolExecutor(2) as executor:
        assert_frame_equal(replicate(own, 3, rng=7, executor=executor).runs, runs)


def test_they_stand_behind_their_metrics() -> None:
    found = replicate(scenario(SLOW, SENT, DRY), 2, workers=1)

    for name, (metric, _) in NAMES.items():
        assert found.kpi_names[found.kpi_names.index(metric) + 1] == name
        assert found.unit(name) == found.unit(metric)
    summary = found.summary("latency.p95")
    assert summary["of"].unique().tolist() == ["", "template=code"]
    assert set(found.summary("latency.p95[template=code]")["of"]) == {"template=code"}
    (dry,) = found.summary("runout.any[country=ID]")["statistic"]
    assert dry == "probability"


def test_pairs_have_the_parts_of_both() -> None:
    found = compare(scenario(SLOW, SENT), scenario(SENT), 3, workers=1)

    base, what_if = found.pairs("messages.sent[country=ID, type=otp]")
    assert base.tolist() == what_if.tolist()
    assert len(base) == 3
    assert [len(values) for values in found.pairs("latency.p95[template=code]")] == [0, 0]


def test_a_store_tells_runs_with_a_part_from_those_without(tmp_path: Path) -> None:
    """Bounds, margins, names and order, which change no figure, run nothing again."""
    looser = {**SLOW, "name": "slower", "below": 90, "margin": 5}
    ran = []
    for checks in ((), (SLOW,), (looser,), (SLOW, DRY), (DRY, looser), (SENT,), ()):
        calls: list[int] = []
        found = replicate(
            scenario(*checks), 2, workers=1, store=tmp_path,
            progress=lambda done, of, _, calls=calls: calls.append(done),
        )  # fmt: skip
        ran.append(len(calls))
        wanted = replicate(scenario(*checks), 2, workers=1)
        assert_frame_equal(found.runs, wanted.runs)
    assert ran == [2, 2, 0, 2, 0, 2, 0]


def test_designs_of_a_sweep_keep_their_parts(tmp_path: Path) -> None:
    designs = {"packages.0.segments": [150, 1_000]}
    found = sweep(scenario(DRY), designs, 2, workers=1, store=tmp_path)

    assert [found.values("runout.any[country=ID]", n).tolist() for n in (0, 1)] == [[1, 1], [0, 0]]


def test_a_subject_that_never_came_has_no_value() -> None:
    """A template that no one hands in is reviewed in no month, and its check is told so."""
    never = {"name": "n", "metric": "review.hours", "where": {"template": "news"}, "below": 9}
    first = {"name": "f", "metric": "package.used_share", "where": {"package": 0}, "below": 1}
    found = replicate(scenario(never, first), 2, workers=1)

    assert all(math.isnan(value) for value in found.values("review.hours[news]"))
    assert found.kpi_names.count("package.used_share[0]") == 1
    assert found.values("package.used_share[0]", drop_missing=True).size == 2


def test_an_answer_may_be_about_a_part_that_a_check_is_about() -> None:
    holds = "probability(runout.any[country=ID]) < 0.5"
    options: dict[str, Any] = {"low": 100, "high": 1_000, "step": 300, "workers": 1}

    answer = find.smallest_package(scenario(DRY), holds, **options)
    assert answer.value == find.smallest_package(scenario(), "runout.any < 0.5", **options).value
    assert answer.value == 400
    # The promise of a search need not stand in the scenario.
    assert find.smallest_package(scenario(), holds, **options).value == 400
