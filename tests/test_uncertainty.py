"""Uncertainty of a scenario: chance and not knowing, by laws that a month keeps exactly."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy.stats import norm

import smssim
from smssim import cli
from smssim.experiment import Uncertainty
from smssim.scenario import Scenario

PLAN = """
name: unknowns
start: 2026-06-01
days: 1
applications: [{name: shop}]
templates: [{name: login, application: shop}]
traffic: [{name: api, template: login, country: TH, messages_a_day: {between: [20, 40]}}]
routes: {TH: {price: {between: [0.30, 0.50]}}}
"""
CALLS = """
name: listed
start: 2026-06-01
days: 1
applications: [{name: shop}]
templates: [{name: login, application: shop}]
packages: [{country: TH, segments: 1, price: 0}]
calls:
  - {name: api, template: login, country: TH, calls: [{at: 2026-06-01T01:00:00Z, to: MANY}]}
routes: {TH: {price: {between: [0.30, 0.50]}, latency: {between: [1, 9]}}}
""".replace("MANY", f"[{', '.join(['{}'] * 101)}]")
N = 40


@cache
def plan() -> Uncertainty:
    return smssim.uncertainty(Scenario.parse(PLAN), ("cost", "messages.requested"), N, workers=1)


@cache
def choice() -> Uncertainty:
    """Pay 0.30 to 0.50 for each of 100 messages, or 38 for a package that covers all."""
    designs = {"packages": [[{"country": "TH", "segments": 1, "price": 0}],
                            [{"country": "TH", "segments": 101, "price": 38}]]}  # fmt: skip
    return smssim.uncertainty(Scenario.parse(CALLS), "cost", N, designs=designs, workers=1)


def row(frame: Any, **where: str) -> Any:
    for name, value in where.items():
        frame = frame[frame[name] == value]
    (only,) = frame.to_dict("records")
    return only


def error_of(low: float, high: float) -> float:
    return (high - low) / (2 * norm.isf(0.025))


def test_requests_vary_by_chance_and_by_their_mean() -> None:
    """A Poisson count of a uniform mean: E m of its variance is chance, Var m is not known.

    Within 4 standard errors, which chance alone exceeds once in 16,000 times.
    """
    chance, unknown = 30.0, 20.0**2 / 12
    found = row(plan().split, figure="messages.requested")
    error = error_of(found["low"], found["high"])
    assert abs(found["chance"] - chance / (chance + unknown)) <= 4 * error
    traffic = row(plan().shares, figure="messages.requested", unknown="traffic.0.messages_a_day")
    alone, total = (
        error_of(traffic[f"{name}_low"], traffic[f"{name}_high"]) for name in ("first", "total")
    )
    assert abs(traffic["first"] - unknown / (chance + unknown)) <= 4 * alone
    # Chance and the mean act together, too, and that is in the total alone.
    assert traffic["total"] >= unknown / (chance + unknown) - 4 * total
    assert row(plan().shares, figure="messages.requested", unknown="routes.TH.price")["total"] == 0


def test_samples_are_the_months_of_replicate() -> None:
    """The first n runs are those that anyone gets; what is redrawn shares their random numbers."""
    runs = smssim.replicate(Scenario.parse(PLAN), N, workers=1)
    ours = plan().experiment.runs
    first = ours[ours["scenario"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, runs.runs)
    assert len(plan().experiment.results) == N * (1 + 1 + 2)


def test_a_cost_that_is_linear_in_one_unknown_is_explained_by_it_wholly() -> None:
    found = choice()
    label = found.designs[0].label
    split = row(found.split, figure="cost", design=label)
    assert split["chance"] == 0
    price = row(found.shares, design=label, unknown="routes.TH.price")
    assert price["total"] == pytest.approx(1, abs=0.35)
    assert row(found.shares, design=label, unknown="routes.TH.latency")["total"] == 0
    bar = found.tornado("cost").iloc[0]
    assert bar["unknown"] == "routes.TH.price"
    slope = (bar["at_p90"] - bar["at_p10"]) / (bar["p90"] - bar["p10"])
    assert slope == pytest.approx(100, rel=1e-6)


def test_the_worth_of_the_price_is_that_of_the_closed_form() -> None:
    """100 P, P uniform from 0.30 to 0.50, against 38: knowing P is worth E(100 P - 38)+ less 2.

    E(100 P - 38)+ is 12^2 / (2 * 20) = 3.6, the mean difference 2: 1.6 USD.
    """
    price = row(choice().worth, unknown="routes.TH.price")
    assert price["unit"] == "USD"
    assert abs(price["worth"] - 1.6) <= 4 * error_of(price["low"], price["high"])
    assert price["low"] > 0
    assert choice().worth["unknown"].iloc[0] == "routes.TH.price"
    assert row(choice().worth, unknown="routes.TH.latency")["worth"] == 0
    assert choice().best is choice().designs[1]
    with pytest.raises(ValueError, match="two designs"):
        _ = plan().worth


def test_a_loss_may_have_several_parts() -> None:
    """A price for each message makes both designs dearer alike: nothing else is worth knowing."""
    found = replace(choice(), loss={"cost": 1.0, "messages.sent": 0.25})
    pd.testing.assert_frame_equal(found.worth, choice().worth, atol=1e-9)
    # A worth of money that is not lost makes that which costs more the better one.
    dear = replace(choice(), loss={"cost": -1.0})
    assert dear.best is dear.designs[0]


def test_the_picture_has_a_bar_per_unknown() -> None:
    ax = plan().plot("cost")
    table = plan().tornado("cost")
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(
        (table["at_p90"] - table["at_p10"]).abs().tolist()
    )
    assert [label.get_text() for label in ax.get_yticklabels()] == table["unknown"].tolist()
    assert table["unknown"][0] in ax.get_title(loc="left")


@pytest.mark.parametrize(
    ("changes", "how", "message"),
    [
        ({"traffic.0.messages_a_day": 3, "routes.TH.price": 1}, {}, "must have a range"),
        ({}, {"n": 39}, r"n\(=39\) must be >= 40"),
        ({}, {"metrics": "costs"}, "'costs'"),
        ({}, {"loss": {"money": 1}}, "'money'"),
    ],
)
def test_what_cannot_be_split_is_an_error(
    changes: dict[str, Any], how: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        smssim.uncertainty(Scenario.parse(PLAN).change(**changes), **how)


def test_the_command_shows_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def known(scenario: Scenario, metrics: list[str], n: int, **how: Any) -> Uncertainty:
        assert (scenario.name, metrics, n, how["rng"]) == ("listed", ["cost"], 40, 3)
        assert how["loss"] == ({"cost": 2.0} if how["designs"] else None)
        return choice() if how["designs"] else replace(choice(), designs=choice().designs[:1])

    monkeypatch.setattr("smssim.experiment.uncertainty", known)
    file = tmp_path / "plan.yaml"
    file.write_text(CALLS, encoding="utf-8")
    common = ("uncertainty", str(file), "--n", "40", "--rng", "3", "--workers", "1")
    assert cli.main([*common]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"listed: 40 samples, {2 * 40 * 4} runs\n")
    assert "chance is 0.0%" in out
    assert "Worth" not in out
    assert cli.main([*common, "--set", "packages.0.price=0,2", "--loss", "cost=2"]) == 0
    out = capsys.readouterr().out
    assert "best as things stand: " in out
    assert "worth, USD" in out
    assert max(map(len, out.splitlines())) <= 100
    for wrong in ("cost", "cost=x", "costs=1"):
        assert cli.main(["uncertainty", str(file), "--loss", wrong]) == 2
    assert capsys.readouterr().err.count("smssim: ") == 3


def test_what_nothing_moves_has_no_shares() -> None:
    """A figure that is the same in all runs depends neither on chance nor on an unknown, and is not
    said to.
    """
    covered = CALLS.replace("segments: 1, price: 0", "segments: 101, price: 38")
    result = smssim.uncertainty(Scenario.parse(covered), "cost", N, workers=1)
    assert row(result.split, figure="cost")["sd"] == 0
    assert result.split[["chance", "low", "high"]].isna().all(axis=None)
    names = ["first", "total", "total_low", "total_high"]
    assert result.shares[names].isna().all(axis=None)
