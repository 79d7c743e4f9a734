"""Delays that a log does not know: intervals hold for any that they may have been, or it is NA."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import smssim
from smssim.record.record import Record

START = datetime(2026, 3, 2, 9, 0)


def log_of(
    folder: Path,
    delays_s: np.ndarray[Any, np.dtype[np.float64]],
    *,
    form: str = "%Y-%m-%d %H:%M:%S",
    without: int = 0,
) -> Record:
    """A log of deliveries, one every 7 s, of which the first *without* have no time of status."""
    lines = ["SMS ID,Phone,Send Time,Status,Report Time"]
    for i, delay in enumerate(delays_s.tolist()):
        sent = START + timedelta(seconds=7 * i)
        final = "" if i < without else f"{sent + timedelta(seconds=delay):{form}}"
        lines.append(f"a{i},+6281234{i:06d},{sent:{form}},DELIVRD,{final}")
    path = folder / "log.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return smssim.read_log(path, tz="UTC")


def truths(delays_s: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    """The figures of the delays themselves."""
    shares = {f"latency_p{q}_s": float(np.quantile(delays_s, q / 100)) for q in (50, 95, 99)}
    within = {"within_10_s": 10, "within_30_s": 30, "within_3_min": 180}
    return shares | {name: float((delays_s < seconds).mean()) for name, seconds in within.items()}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:00"])
def test_whole_minutes_are_no_exact_seconds(tmp_path: Path, seed: int, form: str) -> None:
    """Whatever was cut off, the truth is in every interval; a figure that may be anything is NA."""
    rng = np.random.default_rng(seed)
    scale = (9.0, 40.0, 3_000.0)[seed % 3]
    delays = np.round(rng.exponential(scale, 400))
    record = log_of(tmp_path, delays, form=form)
    assert record.provenance["resolution_s"] == {"submitted": 60, "final": 60}
    assert any("whole minutes" in warning for warning in record.provenance["warnings"])
    row = smssim.report.delivery(record, by=()).iloc[0]
    for name, truth in truths(delays).items():
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        assert pd.isna(low) or low <= truth, name
        assert pd.isna(high) or truth <= high, name
    if scale < 60:
        assert pd.isna(row["latency_p50_s"])
    else:
        assert row["latency_p95_s"] == pytest.approx(np.quantile(delays, 0.95), rel=0.05)
    with pytest.raises(ValueError, match="not known to the second"):
        smssim.report.latency_curve(record)


@pytest.mark.parametrize(("without", "p50", "p99"), [(1, True, True), (30, True, False)])
def test_some_deliveries_without_a_time(tmp_path: Path, without: int, p50: bool, p99: bool) -> None:
    """Their delays may have been any: quantiles that depend on them are NA, others are known."""
    delays = np.round(np.random.default_rng(1).exponential(8, 1_000))
    record = log_of(tmp_path, delays, without=without)
    row = smssim.report.delivery(record, by=()).iloc[0]
    assert pd.isna(row["latency_p50_s"]) != p50
    assert pd.isna(row["latency_p99_s"]) != p99
    for lost in (0.0, 200_000.0):
        changed = delays.copy()
        changed[:without] = lost
        for name, truth in truths(changed).items():
            low, high = row[f"{name}_low"], row[f"{name}_high"]
            assert pd.isna(low) or low <= truth, (name, lost)
            assert pd.isna(high) or truth <= high, (name, lost)
    assert f"{without} of 1,000 deliveries have no time" in smssim.summary(record)


def test_exact_times_are_as_before(tmp_path: Path) -> None:
    """Seconds are exact, and give every figure."""
    delays = np.round(np.random.default_rng(2).exponential(8, 300))
    row = smssim.report.delivery(log_of(tmp_path, delays), by=()).iloc[0]
    assert row["latency_p50_s"] == pytest.approx(np.quantile(delays, 0.5), abs=1)
    assert row["within_10_s"] == pytest.approx((delays < 10).mean())
