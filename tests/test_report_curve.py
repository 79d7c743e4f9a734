"""The curve of latencies against SciPy's Kaplan-Meier over the rows, and against the quantiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import plain_delivery as plain
import pytest
from scipy import stats

from smssim import report
from smssim.calendars import to_timestamps
from smssim.plots.latency import quantile_s
from smssim.report.latency import latency_curve
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate
from smssim.stats.delay_bins import bin_of, edges_us

QUANTILES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}
GROUPS: tuple[Any, ...] = ("country", "type", ["country", "type"], ())


@pytest.fixture(scope="module")
def run() -> Run:
    """A busy day that ends while many messages are in flight."""
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


def delays(run: Run) -> pd.DataFrame:
    """Country, type, delay in microseconds and whether it is still open, of each message."""
    rows = run.messages
    assert rows is not None
    rows = rows[
        (rows["refused_at"] == "") & (rows["status"].isna() | (rows["status"] == "DELIVRD"))
    ]
    end = pd.Timestamp(to_timestamps(np.array(run.observed_until))[()], tz="UTC")
    last = rows["final_at"].fillna(end) - rows["submitted_at"]
    us = last.to_numpy().astype("timedelta64[us]").astype(np.int64)
    return rows[["country", "type"]].assign(us=us, open=rows["status"].isna().to_numpy())


def pairs(run: Run, by: Any) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """The curve and the rows of each group; the first row, 0 %, left out."""
    keys = [by] if isinstance(by, str) else list(by)
    curve, rows = latency_curve(run, by), delays(run)
    if not keys:
        return [(curve.iloc[1:], rows)]
    groups = {name: own for name, own in rows.groupby(keys, observed=True)}
    return [(own.iloc[1:], groups[name]) for name, own in curve.groupby(keys)]


@pytest.mark.parametrize("by", GROUPS, ids=str)
def test_share_and_band_are_those_of_scipy_on_binned_delays(run: Run, by: Any) -> None:
    """With every delay moved to the start of its bin both see the same data, ties and all."""
    found = pairs(run, by)
    assert found
    for curve, rows in found:
        place = bin_of(rows["us"].to_numpy())
        data = stats.CensoredData.right_censored(place, rows["open"].to_numpy())
        cdf = stats.ecdf(data).cdf
        band = cdf.confidence_interval(0.95, method="log-log")
        at = bin_of(np.round(1e6 * curve["latency_s"].to_numpy())) - 1
        known = curve["low"].notna().to_numpy()

        np.testing.assert_allclose(curve["share"], cdf.evaluate(at), atol=1e-12)
        np.testing.assert_allclose(curve["low"][known], band.low.evaluate(at[known]), atol=1e-12)
        np.testing.assert_allclose(curve["high"][known], band.high.evaluate(at[known]), atol=1e-12)
        assert known.sum() > 100
        assert (curve["low"] < curve["share"])[known].all()
        assert (curve["share"] < curve["high"])[known].all()
        remaining = [(place >= bin_).sum() for bin_ in at]
        assert curve["at_risk"].tolist() == remaining


@pytest.mark.parametrize("by", GROUPS, ids=str)
def test_share_is_that_of_the_rows_but_for_who_left_within_a_bin(run: Run, by: Any) -> None:
    """A bin counts d delivered of n, where c went out of sight: that changes at most dc/n(n-c)."""
    for curve, rows in pairs(run, by):
        us, waiting = rows["us"].to_numpy(), rows["open"].to_numpy()
        cdf = stats.ecdf(stats.CensoredData.right_censored(us, waiting)).cdf
        seen, gone = (
            np.bincount(bin_of(us[own]), minlength=len(edges_us())) for own in (~waiting, waiting)
        )
        at_risk = np.cumsum((seen + gone)[::-1])[::-1]
        slack = np.cumsum(seen * gone / np.maximum(1, at_risk * (at_risk - gone)))
        edges = np.round(1e6 * curve["latency_s"].to_numpy()).astype(np.int64)
        own = slack[bin_of(edges) - 1]

        difference = cdf.evaluate(edges - 0.5) - curve["share"].to_numpy()
        assert (difference >= -1e-12).all()
        assert (difference <= own + 1e-12).all()
        assert own.max() < 0.02


@pytest.mark.parametrize("by", GROUPS, ids=str)
def test_quantiles_of_the_curve_are_those_of_the_delivery_report(run: Run, by: Any) -> None:
    keys = [by] if isinstance(by, str) else list(by)
    curve, told = latency_curve(run, by), report.delivery(run, by)
    curves = [own for _, own in curve.groupby(keys)] if keys else [curve]
    for own, (_, row) in zip(curves, told.iterrows(), strict=True):
        for name, share in QUANTILES.items():
            assert quantile_s(own, share) == pytest.approx(row[name], rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("by", GROUPS, ids=str)
def test_intervals_of_quantiles_are_where_the_band_of_scipy_crosses(run: Run, by: Any) -> None:
    """To the edge of a bin; unknown where SciPy's band is, or does not reach the share."""
    told = report.delivery(run, by)
    assert told["latency_p50_s_high"].notna().all()
    for (_, rows), (_, row) in zip(pairs(run, by), told.iterrows(), strict=True):
        waiting = rows["open"].to_numpy()
        assert waiting.any()
        wanted = list(plain.quantiles(bin_of(rows["us"].to_numpy()), waiting))
        names = [f"{name}{end}" for name in QUANTILES for end in ("", "_low", "_high")]
        assert [row[name] for name in names] == pytest.approx(wanted, rel=1e-12, nan_ok=True)


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
