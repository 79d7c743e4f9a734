"""The curve of latencies against loops over the messages, and against the quantiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import plain_delivery as plain
import pytest
from plain_incidence import Message, hazards, incidence

from smssim import report
from smssim.plots.latency import quantile_s
from smssim.report.latency import latency_curve
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate
from smssim.stats.delay_bins import bin_of

QUANTILES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}
GROUPS: tuple[Any, ...] = ("country", "type", ["country", "type"], ())


@pytest.fixture(scope="module")
def run() -> Run:
    """A busy day that ends while many messages are pending."""
    slow = {"lognormal_s": {"median": 900, "p95": 30_000}}
    return simulate(
        Scenario.model_validate(
            {
                "start": "2026-03-01",
                "days": 1,
                "quota": {"daily_limit": 90_000, "monthly_limit": 900_000},
                "thresholds": {"daily_limit": 80_000, "monthly_limit": 800_000},
                "applications": [{"name": "shop"}],
                "templates": [
                    {"name": "code", "application": "shop"},
                    {"name": "offer", "application": "shop", "type": "notification"},
                ],
                "traffic": [
                    {"name": "a", "template": "code", "country": "ID", "messages_a_day": 2_000},
                    {"name": "b", "template": "offer", "country": "TH", "messages_a_day": 900},
                    {"name": "c", "template": "code", "country": "TH", "messages_a_day": 300},
                ],
                "routes": {"TH": {"latency": slow}},
            }
        )
    )


def pairs(run: Run, by: Any) -> list[tuple[pd.DataFrame, list[Message]]]:
    """The curve and the messages of each group; the first row, 0%, left out."""
    keys = [by] if isinstance(by, str) else list(by)
    curve = latency_curve(run, by)
    assert run.messages is not None
    whole = plain.messages(run, run.messages)
    assert whole is not None
    if not keys:
        return [(curve.iloc[1:], whole)]
    rows = run.messages.astype(dict.fromkeys(keys, "str")).groupby(keys)
    groups = {name: plain.messages(run, own) or [] for name, own in rows}
    return [(own.iloc[1:], groups[name]) for name, own in curve.groupby(keys)]


@pytest.mark.parametrize("by", GROUPS, ids=str)
def test_the_curve_is_that_of_the_single_messages(run: Run, by: Any) -> None:
    """At a few edges, for each is a loop over all messages."""
    found = pairs(run, by)
    assert found
    for curve, messages in found:
        own = hazards(messages)
        total = incidence(own, "D")
        assert curve["share"].iloc[-1] == pytest.approx(1)
        for row in curve.iloc[:: len(curve) // 5].itertuples():
            edge = int(bin_of(np.array([round(1e6 * row.latency_s)]))[0])
            assert row.share == pytest.approx(incidence(own, "D", edge) / total)
            assert row.at_risk == sum(bin_ >= edge - 1 for bin_, _ in messages)
            assert not row.low >= row.share
            assert not row.high <= row.share


@pytest.mark.parametrize("by", GROUPS, ids=str)
def test_quantiles_of_the_curve_are_those_of_the_delivery_report(run: Run, by: Any) -> None:
    keys = [by] if isinstance(by, str) else list(by)
    curve, told = latency_curve(run, by), report.delivery(run, by)
    curves = [own for _, own in curve.groupby(keys)] if keys else [curve]
    for own, (_, row) in zip(curves, told.iterrows(), strict=True):
        for name, share in QUANTILES.items():
            assert quantile_s(own, share) == pytest.approx(row[name], rel=1e-9, nan_ok=True)


def test_a_wider_confidence_has_a_wider_band(run: Run) -> None:
    narrow, wide = (latency_curve(run, (), confidence=c) for c in (0.8, 0.99))
    known = narrow["low"].notna()
    assert (wide["low"] < narrow["low"])[known].all()
    assert (wide["high"] > narrow["high"])[known].all()


def test_without_deliveries_there_is_no_curve(run: Run) -> None:
    scenario = Scenario.parse(run.provenance["scenario"]).change(traffic=[])
    found = latency_curve(simulate(scenario))
    assert list(found.columns) == ["country", "latency_s", "share", "low", "high", "at_risk"]
    assert found.empty
    assert math.isnan(quantile_s(found, 0.5))


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"by": "day"}, "by(='day') must be"), ({"confidence": 1.0}, "confidence(=1.0) must be")],
)
def test_what_cannot_be_told_is_refused(run: Run, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r".*") as raised:
        latency_curve(run, **asked)
    assert told in str(raised.value)
