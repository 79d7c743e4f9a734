"""Shares within 3 minutes, from times or from what an export tells; and when a p95 is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import smssim
from smssim import plots, report, simulate
from smssim.calendars import MINUTE
from smssim.record.record import Record
from smssim.record.schema import microseconds_of
from smssim.record.tallies import NAMES, Tallies
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run
from smssim.stats.delay_bins import bin_of
from smssim.stats.intervals import wilson

LATENCIES = ["latency_p50_s", "latency_p95_s", "latency_p99_s"]
SOON = ["within_3_min", "within_3_min_low", "within_3_min_high"]
SOONER = [f"within_{time}{end}" for time in ("10_s", "30_s") for end in ("", "_low", "_high")]


@pytest.fixture(scope="module")
def run() -> Run:
    """Two countries, both slow; the last messages are still pending."""
    slow = {"exponential_s": 150}
    return simulate(
        Scenario.model_validate(
            {
                "start": "2026-03-01T00:00:00Z",
                "days": 2,
                "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
                "thresholds": {"daily_limit": 50_000, "monthly_limit": 900_000},
                "applications": [{"name": "shop"}],
                "templates": [{"name": "code", "application": "shop"}],
                "traffic": [
                    {"name": "a", "template": "code", "country": "ID", "messages_a_day": 9_000},
                    {"name": "b", "template": "code", "country": "TH", "messages_a_day": 5_000},
                ],
                "routes": {"ID": {"latency": slow}, "TH": {"latency": slow}},
            }
        )
    )


def rows_of(run: Run, country: str) -> tuple[int, int, int]:
    """Deliveries in less than 3 minutes, all deliveries, and messages pending for longer."""
    assert run.messages is not None
    rows = run.messages[(run.messages["country"] == country) & (run.messages["refused_at"] == "")]
    begun, final = (microseconds_of(rows[name]) for name in ("submitted_at", "final_at"))
    flying = rows["final_at"].isna().to_numpy()
    young = flying & (run.observed_until - begun < 3 * MINUTE)
    assert young.any()
    delivered = (rows["status"] == "DELIVRD").to_numpy()
    soon = delivered & (final - begun < 3 * MINUTE)
    return int(soon.sum()), int(delivered.sum()), int((flying & ~young).sum())


def interval(soon: int, delivered: int, late: int) -> list[float]:
    """The share of deliveries, with those pending as late deliveries to come, or none."""
    return [soon / delivered, wilson(soon, delivered + late).low, wilson(soon, delivered).high]


def told_by(run: Run, timed: set[str], told: set[str]) -> Record:
    """The run's record as an export gives it: of some countries with times of delivery, of some
    with results that tell 3 minutes apart.
    """
    frames = {name: run.tallies.frame(name) for name in NAMES}
    latency = frames["latency"]
    within = np.where(latency["bin"] < bin_of(np.array([3 * MINUTE]))[0], "3_min", "later")
    coarse = latency.assign(outcome="delivered", within=within)
    coarse = coarse[coarse["country"].isin(list(told - timed))]
    frames["latency"] = latency[latency["country"].isin(list(timed))]
    frames["within_3_min"] = coarse.groupby(
        ["country", "type", "outcome", "within"], as_index=False
    )["messages"].sum()
    return replace(
        run,
        tallies=Tallies(run.observed_until, **frames),  # type: ignore[arg-type]
        **dict.fromkeys(("ledger", "events", "packages", "reviews", "tasks", "onboarding")),
        provenance={},
    )


def test_the_share_told_by_results_is_that_of_the_rows(run: Run) -> None:
    """Whether an export tells results alone or times of some: young messages are left out."""
    for timed in ({"ID"}, set()):
        log = told_by(run, timed, {"ID", "TH"})
        found = report.delivery(log).set_index("country")
        for country in {"ID", "TH"} - timed:
            assert found.loc[country, SOON].tolist() == interval(*rows_of(run, country))
            assert found.loc[country, SOONER].isna().all()
            part = report.kpi(log, "latency.within_3_min", {"country": country})
            assert part == found.loc[country, "within_3_min"]
        whole = np.sum([rows_of(run, country) for country in ("ID", "TH")], axis=0).tolist()
        assert report.delivery(log, by=())[SOON].iloc[0].tolist() == interval(*whole)
        assert report.delivery(log, by="day")[SOON].isna().all(axis=None)


def test_results_tell_nothing_of_templates(run: Run) -> None:
    """They are told by country and type: of a template without times there is no share."""
    log = told_by(run, set(), {"ID", "TH"})
    frames = {name: log.tallies.frame(name) for name in NAMES}
    frames["template_latency"] = frames["template_latency"].iloc[:0]
    log = replace(log, tallies=Tallies(run.observed_until, **frames))  # type: ignore[arg-type]

    assert report.delivery(log, by="template")[SOON].isna().all(axis=None)
    part = report.kpi(log, "latency.within_3_min", {"template": "code"})
    assert part != part


def test_times_and_results_tell_the_same_share(run: Run) -> None:
    """But for those pending, of which results do not show how likely they are to arrive."""
    log = told_by(run, set(), {"ID", "TH"})
    for by in ("country", "type", ()):
        timed, results = (report.delivery(r, by=by) for r in (run, log))
        assert (timed[SOON] - results[SOON]).abs().max(axis=None) < 0.02
        share = timed["within_3_min"]
        assert share.between(results["within_3_min_low"], results["within_3_min_high"]).all()


def test_there_are_no_quantiles_without_times(run: Run) -> None:
    log = told_by(run, set(), {"ID", "TH"})

    assert report.delivery(log)[LATENCIES].isna().all(axis=None)
    reason = "the export shows only whether a status came within 3 minutes"
    text = " ".join(smssim.summary(log).split())
    assert f"p95 is not known: {reason}" in text
    soon = report.delivery(log, by=())["within_3_min"].iloc[0]
    assert f"{100 * soon:.1f}% of deliveries within 3 minutes" in text
    values = report.kpis(log).set_index("name")["value"]
    assert values[["latency.p50", "latency.p95"]].isna().all()
    with pytest.raises(ValueError, match=f"has no curve of latency: .*{reason}"):
        report.latency_curve(log)
    words = " ".join(text.get_text() for text in plots.latency(log).texts)
    assert "within 3 minutes" in " ".join(words.split())


def test_quantiles_of_a_part_are_refused(run: Run) -> None:
    """Those of a group that is timed stand; those over all would be of this group alone."""
    log = told_by(run, {"TH"}, {"ID"})
    found, whole = (report.delivery(record).set_index("country") for record in (log, run))

    pd.testing.assert_frame_equal(found.loc[["TH"], LATENCIES], whole.loc[["TH"], LATENCIES])
    assert found.loc["TH", LATENCIES[:2]].notna().all()
    assert found.loc["ID", LATENCIES].isna().all()
    assert report.delivery(log, by=())[LATENCIES].isna().all(axis=None)
    told = f"{whole.loc['ID', 'delivered']:,} of {whole['delivered'].sum():,} deliveries have no"
    with pytest.raises(ValueError, match=f"{told} time: intervals of delays hold for any"):
        report.latency_curve(log)
    assert f"{told} time" in " ".join(smssim.summary(log).split())


def test_what_is_not_told_at_all_has_no_share(run: Run) -> None:
    log = told_by(run, set(), {"TH"})
    found = report.delivery(log).set_index("country")

    assert found.loc["ID", SOON].isna().all()
    assert found.loc["TH", SOON].notna().all()
    assert report.delivery(log, by=())[SOON].isna().all(axis=None)
    assert "does not show when messages were delivered" in " ".join(smssim.summary(log).split())


def test_nothing_delivered_has_neither_share_nor_reason(run: Run) -> None:
    nothing: Any = {name: run.tallies.frame(name).iloc[:0] for name in NAMES}
    empty = replace(run, tallies=Tallies(run.observed_until, **nothing))

    assert report.delivery(empty, by=())[SOON].isna().all(axis=None)
    assert len(report.latency_curve(empty)) == 0
