"""From a record to a scenario that runs as it is, and to a forecast whose intervals hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import smssim
from smssim import Record, Scenario
from smssim.forecast import Fit, FitError, Growth
from smssim.forecast.cells import Cells
from smssim.forecast.forecast import order_statistics

DAYS = 28
TERMS: dict[str, Any] = {
    "name": "shop",
    "start": "2026-03-02",
    "days": DAYS,
    "applications": [{"name": "app"}],
    "templates": [
        {"name": "code", "application": "app", "type": "otp"},
        {"name": "offer", "application": "app", "segments": {1: 0.7, 2: 0.3}},
    ],
    "swings": [{"name": "days", "sd": 0.08}],
    "traffic": [
        {
            "name": "code TH",
            "template": "code",
            "country": "TH",
            "messages_a_day": 150,
            "weekdays": [1, 1, 1, 1, 1.3, 0.7, 0.6],
            "hours": [0.2] * 7 + [1.2] * 15 + [0.5] * 2,
            "swings": ["days"],
        },
        {
            "name": "offer ID",
            "template": "offer",
            "country": "ID",
            "messages_a_day": 120,
            "recipients": {1: 0.8, 10: 0.2},
            "swings": ["days"],
        },
    ],
    "routes": {"TH": {"price": 0.03}, "ID": {"price": 0.05}},
    "thresholds": {
        "daily_alarm": 90_000,
        "daily_limit": 99_000,
        "monthly_alarm": 900_000,
        "monthly_limit": 990_000,
    },
    "quota": {"daily_limit": 100_000, "monthly_limit": 1_000_000},
}


@cache
def month() -> tuple[Scenario, Record]:
    """Four weeks of a plan with two countries and templates, and their record."""
    plan = Scenario.model_validate(TERMS)
    return plan, smssim.simulate(plan, rng=3)


@cache
def of_month() -> Fit:
    """The fit of these four weeks on the plan's own terms."""
    plan, record = month()
    return smssim.fit(record, plan)


@cache
def week() -> pd.DataFrame:
    """The figures of a week from the end of the record, by 19 runs."""
    return of_month().forecast("2026-04-06", n=19, workers=1).table


def value(fit: Fit, name: str, subject: str) -> pd.Series:
    """One row of the table of parameters."""
    rows = fit.table.set_index(["name", "subject"])
    row: pd.Series = rows.loc[(name, subject)]
    return row


@pytest.mark.parametrize(
    ("name", "subject", "true"),
    [
        ("messages", "TH", 150.0),
        ("messages", "ID", 120.0),
        ("delivered", "TH", 0.95),
        ("delivered", "ID", 0.95),
        ("recipients", "offer ID", 2.8),
        ("segments", "offer ID", 1.3),
        ("delay p50", "TH", 4.2),
    ],
)
def test_parameters_of_the_plan_come_back(name: str, subject: str, true: float) -> None:
    """Estimates lie within three of their own half widths of what was put in."""
    row = value(of_month(), name, subject)
    half = max(row["high"] - row["low"], 0.02 * true) / 2
    assert abs(row["estimate"] - true) < 3 * half, row


def test_the_scenario_of_a_fit_runs_and_is_written() -> None:
    """It is simulated as it is, on the terms' prices, and read back from YAML."""
    scenario = of_month().scenario(days=14)
    assert Scenario.parse(scenario.to_yaml()) == scenario
    assert scenario.routes["TH"].price == 0.03
    run = smssim.simulate(scenario, rows=False)
    requested = run.tallies.clock["messages"].sum()
    assert requested == pytest.approx(14 * 270, rel=0.25)
    last = run.tallies.clock["slot"].max()
    assert last < pd.Timestamp("2026-04-13"), "nothing new is sent while the last ones end"


def test_draws_are_the_same_after_saving(tmp_path: Path) -> None:
    """A fit that is loaded has the same sets; a file of another kind is refused by its format."""
    fit = of_month()
    file = tmp_path / "fit.json"
    fit.save(file)
    loaded = Fit.load(file)
    assert loaded.scenario(draw=17) == fit.scenario(draw=17)
    assert loaded.scenario() == fit.scenario()
    file.write_text(json.dumps({"format": "smssim fit 0"}), encoding="utf-8")
    with pytest.raises(FitError, match=r"format\(='smssim fit 0'\) must be 'smssim fit 1'"):
        Fit.load(file)


def test_a_forecast_does_not_depend_on_workers() -> None:
    """One and two workers give the same table."""
    two = of_month().forecast("2026-04-06", n=19, workers=2)
    pd.testing.assert_frame_equal(week(), two.table)


def test_money_scales_with_prices() -> None:
    """Twice the prices are exactly twice the pay-per-use charge, and nothing else."""
    plan, record = month()
    doubled = plan.change(**{"routes.TH.price": 0.06, "routes.ID.price": 0.10})
    dearer = smssim.fit(record, doubled).forecast("2026-04-06", n=19, workers=1).table
    tables = [of.set_index(["figure", "of"])[["low", "mid", "high"]] for of in (week(), dearer)]
    cost = ("cost.pay_per_use", "")
    np.testing.assert_allclose(tables[1].loc[cost], 2 * tables[0].loc[cost])
    for figure in ("messages.sent", "delivered.share", "latency.p95"):
        assert (tables[0].loc[(figure, "")] == tables[1].loc[(figure, "")]).all()


def test_terms_may_have_swings_of_any_name() -> None:
    """Swings of sources that give way are left out, so their names cannot be those of the fit."""
    plan, record = month()
    swings = [{"name": name, "sd": 0.1} for name in ("all", "TH", "days")]
    fit = smssim.fit(record, plan.change(swings=swings))
    assert [fit.scenario(draw) for draw in range(9)]


def test_without_terms_there_is_no_money() -> None:
    """No figure in a currency is told, and a sentence says why."""
    fit = smssim.fit(month()[1])
    table = fit.forecast("2026-03-31", n=19, workers=1).table
    assert not table["figure"].str.startswith("cost").any()
    assert any("no prices are known" in sentence for sentence in fit.findings)


def test_what_need_not_happen_has_no_date() -> None:
    """A run-out that no run has is not before the end, in words."""
    table = week()
    row = table[table["figure"] == "runout.first"].iloc[0]
    assert row["note"] == "not before the end in 100% of runs"


@pytest.mark.parametrize(("n", "level", "rank"), [(199, 0.9, 10), (39, 0.9, 2), (39, 0.95, 1)])
def test_intervals_are_of_order_statistics(n: int, level: float, rank: int) -> None:
    """Ranks that hold the level exactly."""
    assert order_statistics(n, level) == rank


def test_a_number_of_runs_that_cannot_hold_the_level_is_refused() -> None:
    """The error names the next number that can."""
    with pytest.raises(ValueError, match="n=199 do"):
        of_month().forecast("2026-04-06", n=190)


def test_an_end_in_the_past_is_refused() -> None:
    """A forecast goes on from the end of the record."""
    with pytest.raises(ValueError, match="must be after the end of the record"):
        of_month().forecast("2026-03-05")


def test_too_few_days_are_refused() -> None:
    """The error says how many there are and how many are needed."""
    plan = Scenario.model_validate(TERMS | {"days": 5})
    with pytest.raises(FitError, match=r"the record has \d whole local days of .*: a fit needs 7"):
        smssim.fit(smssim.simulate(plan))


def test_nine_days_are_fitted_and_said_to_be_few() -> None:
    """Between one and two weeks there is a finding, and wider intervals than from four weeks."""
    plan = Scenario.model_validate(TERMS | {"days": 10})
    fit = smssim.fit(smssim.simulate(plan), plan)
    assert any("weekdays once only" in sentence for sentence in fit.findings)
    short, long = value(fit, "delivered", "TH"), value(of_month(), "delivered", "TH")
    assert short["high"] - short["low"] > long["high"] - long["low"]


def test_a_country_of_few_messages_has_the_delays_of_all() -> None:
    """It is fitted all the same, and a sentence says so."""
    few = {"name": "few SG", "template": "code", "country": "SG", "messages_a_day": 0.6}
    plan = Scenario.model_validate(TERMS | {"traffic": [*TERMS["traffic"], few]})
    fit = smssim.fit(smssim.simulate(plan), plan)
    assert any(sentence.startswith("SG has ") for sentence in fit.findings)
    smssim.simulate(fit.scenario(days=7), rows=False)


def test_cells_of_parts_merge_to_those_of_the_whole() -> None:
    """Countries apart and together give the same frames."""
    cells = Cells.of(month()[1])
    parts = []
    for country in cells.countries:
        frames = {
            name: frame[frame["country"] == country]
            for name, frame in vars(cells).items()
            if isinstance(frame, pd.DataFrame) and "country" in frame
        }
        templates = cells.templates if country == "ID" else cells.templates.iloc[:0]
        parts.append(replace(cells, **frames, templates=templates))
    merged = parts[0].merge(*parts[1:])
    for name, frame in vars(cells).items():
        if isinstance(frame, pd.DataFrame):
            pd.testing.assert_frame_equal(getattr(merged, name), frame)


def test_a_later_export_makes_the_pending_older() -> None:
    """The age of what is pending depends on `until`, and so do the shares."""
    plan, record = month()
    later = smssim.fit(record, plan, until="2026-04-02T00:00+00:00")
    assert later.nowcast()["high"].sum() < of_month().nowcast()["high"].sum()
    with pytest.raises(ValueError, match="must be >= the end of the record"):
        smssim.fit(record, plan, until="2026-03-01T00:00+00:00")


def test_the_nowcast_holds_what_becomes_of_the_pending() -> None:
    """Of months cut at a day, the 90 % interval holds the deliveries of the pending in as many as
    the binomial allows at a risk of 0.1 %, over both countries.
    """
    held = n = 0
    for rng in range(4):
        plan = Scenario.model_validate(TERMS | {"days": 12})
        longer = Scenario.model_validate(TERMS | {"days": 16})
        cut = smssim.simulate(plan, rng=rng)
        whole = smssim.simulate(longer, rng=rng).messages
        until = pd.Timestamp("2026-03-14", tz="UTC")
        seen = whole[(whole["submitted_at"] < until)]
        still = seen[seen["final_at"].isna() | (seen["final_at"] >= until)]
        delivered = still[still["status"] == "DELIVRD"].groupby("country").size()
        for row in smssim.fit(cut, plan).nowcast().itertuples():
            n += 1
            assert row.pending == (still["country"] == row.country).sum()
            held += row.low <= delivered.get(row.country, 0) <= row.high
    # Counts are whole: intervals hold at least their level.
    assert held >= binom.ppf(0.001, n, 0.9), (held, n)


def test_a_back_test_holds_forecasts_against_what_came() -> None:
    """Two cuts of five weeks: requested messages are counted exactly, shares only where every
    message has had its 72 hours, and two cuts are too few to tell.
    """
    plan = Scenario.model_validate(TERMS | {"days": 35})
    record = smssim.simulate(plan, rng=5)
    tested = smssim.backtest(
        record, every=timedelta(days=7), horizon=timedelta(days=14), terms=plan, n=19, workers=1
    )
    cuts = tested.cuts
    assert cuts["cut"].nunique() == 2
    submitted = record.messages["submitted_at"]
    for row in cuts[cuts["figure"] == "messages.requested"].itertuples():
        came = (submitted >= row.cut) & (submitted < row.cut + timedelta(days=14))
        assert row.true == came.sum()
        assert row.naive_low < row.naive_high
    assert cuts[cuts["figure"] == "delivered.share"]["true"].notna().tolist() == [True, False]
    assert (tested.table["verdict"] == "too few to tell").all()
    assert (tested.table["hits"] <= tested.table["n"]).all()


def test_a_back_test_needs_a_horizon_within_the_record() -> None:
    """The error says where it would have to end."""
    with pytest.raises(ValueError, match="must end within the record, by 2026-03-30"):
        smssim.backtest(month()[1], "2026-03-25", horizon=timedelta(days=14))


def test_known_growth_is_used() -> None:
    """Who says that nothing grows has no growth in the table."""
    plan, record = month()
    fit = smssim.fit(record, plan, growth=Growth(none=1.0, modest=0.0, strong=0.0))
    assert (fit.table.loc[fit.table["name"] == "growth", ["low", "high"]] == 0).all(axis=None)


FIGURES = ("messages.sent", "messages.delivered", "delivered.share", "latency.p95", "cost")


def forecast_hits(worlds: int, seed: int, runs: int = 39) -> dict[str, int]:
    """How many of *worlds* whose parameters are drawn have each figure of the fortnight after four
    weeks within the 90 % interval of the forecast.
    """
    hits = dict.fromkeys(FIGURES, 0)
    random = np.random.default_rng(seed)
    for world in range(worlds):
        traffic = [dict(source) for source in TERMS["traffic"]]
        rate = float(random.choice([0.0, random.normal(0, 0.002)], p=[0.75, 0.25]))
        for source in traffic:
            source["messages_a_day"] = float(random.uniform(60, 300))
            source["growth_per_day"] = rate
        swing = {"name": "days", "sd": float(random.choice([0.0, 0.05, 0.1, 0.15]))}
        plain = TERMS | {"days": DAYS + 14 + 4, "traffic": traffic, "swings": [swing]}
        for source in traffic:
            source["ends"] = "2026-04-13"
        plan = Scenario.model_validate(plain)
        whole = smssim.simulate(plan, rng=world)
        seen = smssim.simulate(plan.change(days=DAYS), rng=world)
        forecast = smssim.fit(seen, plan, seed=world).forecast("2026-04-13", n=runs, workers=1)
        table = forecast.table.set_index("figure")
        for figure in FIGURES:
            true = smssim.report.kpi(whole, figure) - (
                smssim.report.kpi(seen, figure) if figure in ("messages.sent", "cost") else 0
            )
            if figure in ("messages.delivered", "delivered.share", "latency.p95"):
                true = after(whole, figure)
            hits[figure] += bool(table.loc[figure, "low"] <= true <= table.loc[figure, "high"])
    return hits


def after(whole: Record, figure: str) -> float:
    """A figure of the messages that were asked for after the cut."""
    rows = whole.messages[whole.messages["submitted_at"] >= pd.Timestamp("2026-03-30", tz="UTC")]
    delivered = rows[rows["status"] == "DELIVRD"]
    if figure == "messages.delivered":
        return float(len(delivered))
    if figure == "delivered.share":
        return len(delivered) / len(rows)
    delays = (delivered["final_at"] - delivered["submitted_at"]).dt.total_seconds()
    return float(delays.quantile(0.95))


def test_forecasts_hold_what_comes() -> None:
    """Four worlds: all figures together are within their 90 % intervals in as many as the binomial
    of the worlds alone allows at a risk of 0.1 %.
    """
    hits = forecast_hits(4, seed=1, runs=19)
    assert sum(hits.values()) / len(FIGURES) >= binom.ppf(0.001, 4, 0.9), hits


@pytest.mark.ci
def test_forecasts_hold_what_comes_in_20_worlds() -> None:
    """Each figure in as many of 20 worlds as the binomial allows at a risk of 0.1 %."""
    hits = forecast_hits(20, seed=3)
    assert min(hits.values()) >= binom.ppf(0.001, 20, 0.9), hits


@pytest.mark.long
def test_forecasts_hold_what_comes_in_200_worlds() -> None:
    """The same with 200 worlds, two-sided at 0.1 %: between 165 and 192."""
    hits = forecast_hits(200, seed=2)
    assert all(165 <= number <= 192 for number in hits.values()), hits
