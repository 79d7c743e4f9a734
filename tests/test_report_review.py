"""The review report against the table of reviews."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from worlds import worlds

from smssim import report
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate

invented = settings(settings.get_profile("worlds"), max_examples=20)


def scenario(*submitted: str, **review: Any) -> Scenario:
    """A week from Thursday, 2026-03-05, with templates handed in at given times."""
    plain = {
        "start": "2026-03-05T00:00:00Z",
        "days": 7,
        "applications": [{"name": "shop"}],
        "templates": [
            {"name": f"t{n}", "application": "shop", "submitted": at}
            for n, at in enumerate(submitted)
        ]
        or [{"name": "old", "application": "shop"}],
        "review": {"decision": 3_600, "next_workday": 7_200, "mending": 1_800} | review,
    }
    return Scenario.model_validate(plain)


def test_a_weekend_is_not_working_time() -> None:
    """In at Thursday 10:00 GMT+8: an hour. In at Friday 19:00: Monday 11:00, two working hours."""
    run = simulate(scenario("2026-03-05T02:00:00Z", "2026-03-06T11:00:00Z"))

    found = report.review(run).set_index("template")

    assert found["state"].tolist() == ["approved", "approved"]
    assert found["wall_h"].tolist() == [1.0, 64.0]
    assert found["working_h"].tolist() == [1.0, 2.0]
    assert found.loc["t1", "approved_at"] == pd.Timestamp("2026-03-09T03:00:00Z")
    assert found.loc["t1", "usable_at"] == pd.Timestamp("2026-03-09T03:05:00Z")


def test_a_holiday_of_the_scenario_is_not_working_time() -> None:
    run = simulate(scenario("2026-03-05T11:00:00Z", extra_holidays=["2026-03-06"]))

    found = report.review(run).iloc[0]

    assert found["approved_at"] == pd.Timestamp("2026-03-09T03:00:00Z")
    assert found["working_h"] == 2.0


def test_what_is_not_approved_has_no_hours() -> None:
    """Rejected again and again, and one handed in too late to be decided."""
    run = simulate(scenario("2026-03-05T02:00:00Z", "2026-03-11T12:00:00Z", rejection=0.999))

    found = report.review(run).set_index("template")

    assert found["state"].tolist()[1] == "in review"
    assert found.loc["t0", "rejected"] > 3
    assert found.loc["t0", "attempts"] - found.loc["t0", "rejected"] in (0, 1)
    assert found.loc["t1", ["attempts", "rejected"]].tolist() == [1, 0]
    assert found[["approved_at", "usable_at", "wall_h", "working_h"]].isna().all(axis=None)


@seed(1)
@invented
@given(worlds())
def test_the_report_is_the_table_by_template(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies)
    reviews = run.reviews
    assert reviews is not None

    found = report.review(run).set_index("template")

    assert sorted(found.index) == sorted(reviews["template"].unique())
    for template, own in reviews.groupby("template"):
        row = found.loc[template]
        assert row["attempts"] == len(own) == own["attempt"].max()
        assert row["submitted_at"] == own["submitted_at"].iloc[0]
        assert row["rejected"] == (own["decision"] == "rejected").sum()
        assert (row["state"] == "approved") == (own["decision"] == "approved").any()
        assert pd.isna(row["wall_h"]) == (row["state"] != "approved")
        if row["state"] == "approved":
            took = own["decided_at"].iloc[-1] - own["submitted_at"].iloc[0]
            assert row["wall_h"] == pytest.approx(took.total_seconds() / 3_600)
            assert 0 <= row["working_h"] <= row["wall_h"] + 1e-9


def test_without_submissions_there_are_no_rows() -> None:
    run = simulate(scenario())
    log = replace(run, reviews=None, ledger=None)

    assert len(report.review(run)) == len(report.review(log)) == 0
    assert report.review(run).dtypes.to_dict() == report.review(log).dtypes.to_dict()
