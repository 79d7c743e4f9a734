"""`smssim replicate` and `run --n`: the answers of many runs, against the runs themselves."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import smssim
from smssim import cli
from smssim.experiment.statistics import estimate_of
from smssim.formatting import money, share
from smssim.pages.intervals import interval_answers, replicated

PLAN = Path(__file__).parents[1] / "data/scenarios/mode2_run_out.yaml"
SHORT = {"days": 3, "account.low_quota": {}, "packages.0.segments": 1_500}


@pytest.fixture(scope="module")
def runs() -> smssim.experiment.Experiment:
    return smssim.replicate(smssim.Scenario.load(PLAN).change(**SHORT), 5, workers=1)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(smssim.Scenario.load(PLAN).change(**SHORT).to_yaml(), encoding="utf-8")
    return path


def test_what_goes_wrong_comes_first_and_says_how_often(
    runs: smssim.experiment.Experiment,
) -> None:
    first, second, *_ = interval_answers(runs)
    stopped = (runs.values("messages.stopped") > 0).astype(float)
    assert (first.name, first.severity) == ("Stopped", "critical")
    assert f"{share(stopped.mean())} of runs" in first.text
    assert f"{runs.values('messages.stopped').mean():,.0f} messages rejected" in first.text
    assert (second.name, second.severity) == ("Ran out", "warning")


def test_figures_are_those_of_the_experiment(runs: smssim.experiment.Experiment) -> None:
    """Mean and interval of each run's figure, as `Experiment.summary` has them."""
    text = replicated(runs, ["cost", "latency.p95"])
    mean, low, high = estimate_of("cost", runs.values("cost"))
    row = next(line for line in text.splitlines() if line.startswith("  cost, "))
    assert row.split()[2:5] == [money(mean), money(low), money(high)]
    assert "messages.sent" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_promised_budget_is_held_against_each_run(plan: Path) -> None:
    scenario = smssim.Scenario.load(plan)
    tight = scenario.change(checks=[{"name": "budget", "metric": "cost", "below": 1}])
    wide = scenario.change(checks=[{"name": "budget", "metric": "cost", "below": 1_000_000}])
    for checked, severity in ((tight, "critical"), (wide, None)):
        found = interval_answers(smssim.replicate(checked, 2, workers=1))
        assert {row.name: row.severity for row in found}.get("Over budget") == severity
    summary = smssim.summary(smssim.simulate(tight))
    assert "Over budget CRITICAL" in summary
    assert "Over budget" not in smssim.summary(smssim.simulate(wide))


def test_the_command_line_runs_it(
    plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, table = tmp_path / "page.html", tmp_path / "runs.csv"
    assert cli.main(["run", str(plan), "--n", "3", "--workers", "1", "--html", str(page)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("mode 2 run-out: 3 runs of 3 days")
    assert "of runs (" in page.read_text(encoding="utf-8")
    assert (
        cli.main(["replicate", str(plan), "--n", "3", "--workers", "1", "--csv", str(table)]) == 0
    )
    assert capsys.readouterr().out == out
    with table.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    runs = smssim.replicate(plan, 3, workers=1)
    assert [float(row["cost"]) for row in rows] == runs.values("cost").tolist()
    assert np.ptp(runs.values("messages.requested")) > 0


@pytest.mark.parametrize("option", ["--out", "--capture", "--replication"])
def test_what_is_of_one_run_does_not_go_with_many(
    plan: Path, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = "1" if option == "--replication" else str(tmp_path / "one")
    assert cli.main(["run", str(plan), "--n", "2", option, value]) == 2
    assert f"{option} is for a single run: leave out --n" in capsys.readouterr().err
