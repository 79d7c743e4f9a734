"""The figures of a record, which come from arrays, against the frames of the reports."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from worlds import worlds

from smssim import report
from smssim.scenario import Scenario
from smssim.simulation.simulate import Run, simulate

invented = settings(settings.get_profile("worlds"), max_examples=25)


def reported(run: Run) -> dict[str, float]:
    """Figures from the frames of the reports, a cell each."""
    delivery, callbacks = (made(run, by=()).iloc[0] for made in (report.delivery, report.callbacks))
    bill = report.cost(run, by=()).set_index("entry")["cost_micro"] / 1e6
    limits = report.thresholds(run).groupby("period")["share_of_limit"].max()
    codes = report.statuses(run, by=()).groupby("status")["messages"].sum()
    found = {
        "cost.packages": bill.get("package", 0),
        "cost.pay_per_use": bill.get("pay_per_use", 0),
        "messages.stopped_by_limit": codes.get("E000623", 0),
        "messages.stopped_by_runout": codes.get("E000629", 0),
        "thresholds.day_share": limits["day"],
        "thresholds.month_share": limits["month"],
        "reports.made": callbacks["reports"],
        "reports.duplicates": callbacks["duplicates"],
        "reports.received_share": callbacks["received_share"],
        "reports.delay_p95": callbacks["delay_p95_s"],
        "delivered.share": delivery["delivered_share"],
    }
    start = pd.Timestamp(run.observed_from, unit="us", tz="UTC")
    for row in report.packages(run).to_dict("records"):
        for name, column in (("empty", "empty_at"), ("run_out", "run_out_at")):
            found[f"package.{name}/{row['package']}"] = (row[column] - start) / pd.Timedelta(days=1)
        for column in ("used_share", "expired"):
            found[f"package.{column}/{row['package']}"] = row[column]
    for row in report.review(run).to_dict("records"):
        names = {"hours": "wall_h", "working_hours": "working_h", "rejections": "rejected"}
        found |= {f"review.{name}/{row['template']}": row[own] for name, own in names.items()}
        usable = (row["usable_at"] - row["submitted_at"]) / pd.Timedelta(hours=1)
        found[f"review.usable_hours/{row['template']}"] = usable
    return {name: float("nan") if pd.isna(value) else float(value) for name, value in found.items()}


@seed(2)
@invented
@given(worlds())
def test_figures_are_those_of_the_reports(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    """To the last bit but one: instants are divided at once here, by way of seconds there."""
    scenario, rng, policies = world
    note(f"Scenario.parse({scenario.to_json()!r}), {rng}, {policies!r}")
    run = simulate(scenario, rng=rng, policies=policies, rows=False)

    figures = report.kpis(run)
    names = figures["name"].where(figures["of"] == "", figures["name"] + "/" + figures["of"])
    found, wanted = dict(zip(names, figures["value"], strict=True)), reported(run)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, rel=1e-15, nan_ok=True)
    assert {name for name in found if "/" in name} == {name for name in wanted if "/" in name}
