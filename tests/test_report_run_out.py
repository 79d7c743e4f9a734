"""When packages are projected to be empty, against a plain walk day by day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from test_rating import as_log, rated
from worlds import worlds

from smssim import report, simulate
from smssim.calendars import DAY
from smssim.record.record import Record
from smssim.record.schema import microseconds_of
from smssim.report.packages import daily_use, no_forecast
from smssim.report.weekdays import Weekdays, too_few
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run

invented = settings(settings.get_profile("worlds"), max_examples=20)
ENDS = {"at": "estimate", "at_low": "high", "at_high": "low"}
"""Columns of the report, and the curve of use that each comes from: most use, earliest end."""


def scenario(**changes: Any) -> Scenario:
    """A country with a package in use and one in waiting, one whose package expires, one dry."""
    api = {"template": "code", "weekdays": [1, 1, 1, 1, 1, 0.5, 0.3]}
    plain = {
        "start": "2026-03-02T05:00:00Z",
        "days": 20,
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {
            "daily_alarm": 7_000,
            "daily_limit": 15_000,
            "monthly_alarm": 90_000,
            "monthly_limit": 900_000,
        },
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop", "segments": {1: 0.8, 2: 0.2}}],
        "packages": [
            {"country": "ID", "segments": 3_000, "price": 700},
            {"country": "ID", "segments": 600, "price": 150.000001, "at": "2026-03-10"},
            {"country": "TH", "segments": 5_000, "price": 20, "valid_days": 25},
            {"country": "IN", "segments": 400, "price": 10},
            {"country": "PH", "segments": 1_000, "price": 99.99, "valid_days": 3},
        ],
        "traffic": [
            {"name": name, "country": country, "messages_a_day": 100, **api}
            for name, country in (("a", "ID"), ("b", "TH"), ("c", "IN"), ("d", "PH"))
        ],
    }
    return Scenario.model_validate(plain | changes)


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate(scenario())


def plain_use(run: Record, country: str) -> np.ndarray:
    """Segments asked for on each whole UTC day, from the rows."""
    rows = run.messages
    assert rows is not None
    asked = (rows["refused_at"] == "") | (
        (rows["refused_at"] == "platform") & (rows["status"] == "E000629")
    )
    own = rows[asked & (rows["country"] == country)]
    first, last = -(-run.observed_from // DAY), run.observed_until // DAY
    day = microseconds_of(own["submitted_at"]) // DAY
    return np.array([own["segments"][day == d].sum() for d in range(first, last)], int)


def plain_ends(run: Run, country: str, curve: str, stocks: list[tuple[int, int]]) -> list[int]:
    """When packages of (segments, end) are empty, by steps of a minute; -1 where they never are."""
    first, until = -(-run.observed_from // DAY), run.observed_until
    last = max(end for _, end in stocks)
    course = Weekdays(first, plain_use(run, country)).course(until, last)
    sums = np.maximum.accumulate(getattr(course, curve))
    steps = np.arange(until, last + 60_000_000, 60_000_000)
    use = np.interp(steps, [until, *course.at_us], [0, *sums])
    found, at, taken = [], 0, 0.0
    for left, ends in stocks:
        while at < len(steps) and steps[at] < ends and use[at] - taken < left:
            at += 1
        empty = at < len(steps) and steps[at] < ends and use[at] - taken >= left
        found.append(int(steps[at]) if empty else -1)
        taken = taken + left if empty else use[min(at, len(steps) - 1)]
    return found


def assert_projected(run: Run) -> int:
    """Demand the plain walk's instants to the minute; return how many packages have any."""
    found, met = report.packages(run), 0
    days = range(-(-run.observed_from // DAY), run.observed_until // DAY)
    for country, own in found.groupby("country"):
        ends_us = microseconds_of(own["ends_at"])
        holding = (own["left"] > 0).to_numpy() & (ends_us > run.observed_until)
        columns = own[[f"run_out_projected_{name}" for name in ENDS]]
        short = bool(no_forecast(run))
        assert not too_few(days) or not holding.any() or short
        assert columns[~holding | short].isna().all(axis=None)
        if short or not holding.any():
            continue
        order = Scenario.parse(run.provenance["scenario"]).account.package_order
        places = np.flatnonzero(holding)
        if order == "nearest_expiry":
            places = places[np.argsort(ends_us[places], kind="stable")]
        stocks = [(int(own["left"].iloc[i]), int(ends_us[i])) for i in places]
        for name, curve in ENDS.items():
            at = columns[f"run_out_projected_{name}"].iloc[places]
            plain = plain_ends(run, str(country), curve, stocks)
            for told, wanted, (_, ends) in zip(at, plain, stocks, strict=True):
                # To the step; one that is empty within a step of its expiry may be either.
                us = ends if pd.isna(told) else told.value // 1_000
                assert abs(us - (ends if wanted < 0 else wanted)) <= 120_000_000, (country, name)
                met += wanted >= 0
    return met


def test_packages_are_used_up_day_by_day(run: Run) -> None:
    """One after the other; what expires first is never empty, what is empty has no projection."""
    assert assert_projected(run) == 6
    found = report.packages(run)
    at = found["run_out_projected_at"]
    assert at.notna().tolist() == (found["country"] == "ID").tolist()
    assert found.loc[found["country"] == "ID", "run_out_projected_at"].is_monotonic_increasing
    known = found[at.notna()]
    assert (known["run_out_projected_at_low"] < known["run_out_projected_at"]).all()
    assert (known["run_out_projected_at"] < known["run_out_projected_at_high"]).all()
    assert (known["run_out_projected_at_high"] < known["ends_at"]).all()


def test_what_expires_is_not_there_to_use() -> None:
    """The next package is begun when one expires, and lasts as long as it would alone."""
    packages = [
        {"country": "TH", "segments": 5_000, "price": 20, "valid_days": 25},
        {"country": "TH", "segments": 300, "price": 20, "at": "2026-03-15"},
    ]
    run = simulate(scenario(packages=packages))

    assert assert_projected(run) == 3
    first, second = (own for _, own in report.packages(run).iterrows())
    assert pd.isna(first["run_out_projected_at"])
    days = (second["run_out_projected_at"] - first["ends_at"]) / pd.Timedelta(days=1)
    assert 2 < days < 7, "300 segments at some 100 a day, fewer on a weekend"


@seed(1)
@invented
@given(worlds())
def test_any_world_is_a_plain_walk(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)

    assert_projected(run)
    packages = report.packages(run)
    share = packages["expired"] * packages["price_micro"] / packages["segments"]
    assert ((packages["expired_cost_micro"] - share).abs() <= 0.5).all()


def test_use_is_what_was_asked_for() -> None:
    """In mode 2 a country without quota would have used what was refused."""
    run = simulate(scenario(account={"service_mode": "suspend"}))
    rows = run.messages
    assert rows is not None

    assert (rows["status"] == "E000629").sum() > 500
    for country in ("ID", "IN", "PH"):
        assert daily_use(run, country).tolist() == plain_use(run, country).tolist()
        assert daily_use(run, country).min() > 0


def test_a_rated_log_projects_the_same(run: Run) -> None:
    log = rated(scenario(), run, as_log(run))
    log = replace(log, observed_until=run.observed_until)

    pd.testing.assert_frame_equal(report.packages(log), report.packages(run))
    pd.testing.assert_frame_equal(report.package_forecast(log), report.package_forecast(run))


def test_the_longer_run_comes_as_projected(run: Run) -> None:
    """The same world goes on: its run-out lies in the interval that was told before."""
    told = report.packages(run).set_index("package")
    truth = report.packages(simulate(scenario(days=29))).set_index("package")
    own = told["run_out_projected_at"].notna() & truth["empty_at"].notna()

    assert own.any()
    low, high = (told.loc[own, f"run_out_projected_at_{end}"] for end in ("low", "high"))
    assert (truth.loc[own, "empty_at"] >= low).all()
    assert (truth.loc[own, "empty_at"] <= high).all()


def test_the_price_of_what_expired(run: Run) -> None:
    found = report.packages(run).set_index("country")
    own = found.loc["PH"]

    assert own["expired"] > 0
    assert own["expired_cost_micro"] == round(own["expired"] * 99_990_000 / 1_000)
    assert own["expired_cost"] == own["expired_cost_micro"] / 1e6


def test_what_is_left_runs_down_from_the_end_of_the_record(run: Run) -> None:
    """To nothing, or to an expiry, at which what is left is gone at once."""
    found, packages = report.package_forecast(run), report.packages(run)

    assert list(found) == ["at", "country", "left", "left_low", "left_high"]
    assert sorted(found["country"].unique()) == ["ID", "TH"]
    for country, own in found.groupby("country"):
        in_force = packages[packages["country"] == country]
        first, last = own.iloc[0], own.iloc[-1]
        assert first["at"].value // 1_000 == run.observed_until
        assert first[["left", "left_low", "left_high"]].tolist() == [in_force["left"].sum()] * 3
        assert (last[["left", "left_low", "left_high"]] == 0).all()
        assert own["at"].is_monotonic_increasing
        assert (own["left_low"] <= own["left"]).all()
        assert (own["left"] <= own["left_high"]).all()
        for name in ("left", "left_low", "left_high"):
            assert (own[name].diff().dropna() <= 1e-9).all()
    ends = packages.set_index("country")["ends_at"]["TH"]
    steps = found[(found["country"] == "TH") & (found["at"] == ends)]["left"].tolist()
    assert steps[0] > 100
    assert steps[1:] == [0]
    empty = packages["run_out_projected_at"].max()
    assert found.loc[found["at"] == empty, "left"].tolist()[-1] == 0


def test_a_few_hours_project_nothing() -> None:
    short = simulate(scenario(days=3))

    assert report.packages(short)["run_out_projected_at"].isna().all()
    assert len(report.package_forecast(short)) == 0
    assert (
        report.package_forecast(short).dtypes.to_dict()
        == report.package_forecast(simulate(scenario())).dtypes.to_dict()
    )
