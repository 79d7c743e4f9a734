"""Experiments on the command line: what is printed is what the verbs say, and wrong use is told."""

from __future__ import annotations

import csv
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_month import SMALL_MONTH

import smssim
from smssim import cli
from smssim.experiment import sweep
from smssim.scenario import Scenario

SMALL = f"name: small\n{SMALL_MONTH.replace('days: 4', 'days: 3')}"
SEGMENTS = "packages.0.segments"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def called(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command, run in this process."""
    own = ["--workers", 1] if "--help" not in arguments else []
    code = cli.main([str(argument) for argument in (*arguments, *own)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_sweep_says_what_the_verb_says(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "runs.csv"
    code, out, err = called(
        capsys, "sweep", small, "--set", f"{SEGMENTS}=100,1_000", "--set", "routes.ID.price=0.2",
        "--n", 4, "--metric", "cost", "--metric", "runout.any", "--metric", "package.empty",
        "--csv", table,
    )  # fmt: skip
    assert code == 0
    assert "packages.0.segments: the package keeps its price(=30)" in err
    assert len(err.splitlines()) == 1
    assert out.startswith("small: 2 designs, 4 runs each\n")
    assert max(map(len, out.splitlines())) <= 100
    found = smssim.sweep(small, {SEGMENTS: [100, 1_000], "routes.ID.price": [0.2]}, 4, workers=1)
    mean = found.values("cost", 0).mean()
    shown = re.findall(r"^ +([\d.]+) .* 4  packages.0.segments ([\d,]+),", out, re.MULTILINE)
    assert shown[:2] == [(f"{mean:.4g}", "100"), ("30", "1,000")]
    assert "runout.any, yes is 1" in out
    assert re.search(r"package.empty\[0\], d .*\n.*\n.*\n +- +- +- +- +- +- +0  packages", out)
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row[SEGMENTS] for row in rows] == ["100"] * 4 + ["1000"] * 4
    assert [float(row["cost"]) for row in rows] == found.runs["cost"].tolist()


def test_a_store_runs_nothing_twice(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("sweep", small, "--set", "days=1,2", "--n", 2, "--store", tmp_path / "store")
    _, first, _ = called(capsys, *arguments)
    monkeypatch.setattr("smssim.experiment.worker.simulate", None)
    assert called(capsys, *arguments) == (0, first, "")
    assert called(capsys, *arguments, "--rng", 2)[0] == 1


def test_a_comparison_shows_what_differs(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "compare", small, "--set", "routes.ID.price=0.2", "--n", 6)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "small: 6 pairs of runs, what-if less base"
    assert max(map(len, lines)) <= 100
    cost = next(line.split() for line in lines if line.startswith("  cost "))
    summary = smssim.compare(small, {"routes.ID.price": 0.2}, 6, workers=1).summary()
    row = summary.set_index("metric").loc["cost"]
    assert cost[1:4] == [f"{row[name]:.4g}" for name in ("base", "what_if", "difference")]
    assert cost[-1] == "USD"
    assert not any(line.startswith("  messages.") for line in lines)
    assert re.fullmatch(r"  \d+ other figures are the same in every pair\.", lines[-1])


def test_two_files_are_compared_until_the_difference_is_known(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SMALL.replace("price: 30", "price: 40"), encoding="utf-8")
    arguments = ("compare", small, other, "--metric", "cost", "--precision", 0.5)
    code, out, _ = called(capsys, *arguments)
    assert code == 0
    assert out.startswith("small: 32 pairs of runs")
    assert len(out.splitlines()) == 5
    _, free, _ = called(capsys, *arguments, "--set", "days=1", "--set", "packages.0.price=30")
    assert free != out


def test_what_is_found_is_what_find_says(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(
        capsys, "find", small, SEGMENTS, "--low", 200, "--high", 500, "--step", 100,
        "--holds", "runout.any < 0.2", "--n", 96,
    )  # fmt: skip
    assert (code, err) == (0, "")
    answer = smssim.find.smallest(
        small, SEGMENTS, 200, 500, "runout.any < 0.2", step=100, most=96, workers=1
    )
    assert out.startswith(f"{SEGMENTS}: {answer.value}\n")
    assert answer.note in " ".join(out.split())
    shown = re.findall(r"^ +(\d+) .* (yes|no|undecided)$", out, re.MULTILINE)
    assert [int(value) for value, _ in shown] == answer.curve["value"].tolist()


def test_a_promise_that_never_holds_is_an_answer(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Few runs are enough where the largest value certainly fails."""
    code, out, _ = called(
        capsys, "find", small, SEGMENTS, "--low", 1, "--high", 5, "--holds", "cost < 3",
        "--n", 40, "--largest",
    )  # fmt: skip
    assert code == 0
    assert out.startswith(f"{SEGMENTS}: none\nmean(cost) < 3 does not hold even at 1.\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sweep", "S"], "--set"),
        (["sweep", "S", "--set", "days"], "--set days: must be PATH=VALUE"),
        (["sweep", "S", "--set", "days=1", "--set", "days=2"], "days: appears twice"),
        (["sweep", "S", "--set", "dais=1"], "dais"),
        (["sweep", "S", "--set", "days=[1"], "--set days"),
        (["sweep", "S", "--set", "days=1", "--n", "0"], "'0' must be a whole number >= 1"),
        (["sweep", "S", "--set", "days=1", "--metric", "costs"], "--metric costs: must be one of"),
        (["sweep", "S", "--set", "days=1", "--csv", "no/where.csv"], "there is no directory"),
        (["sweep", "nowhere.yaml", "--set", "days=1"], "nowhere.yaml: No such file"),
        (["compare", "S"], "compare takes WHAT_IF, or --set PATH=V, or both"),
        (["compare", "S", "--set", "days=1,2"], "must be one value, not 2"),
        (["compare", "S", "S", "--n", "2", "--precision", "1"], "not allowed with"),
        (["compare", "S", "S", "--precision", "no"], "'no' must be a number > 0"),
        (
            ["find", "S", SEGMENTS, "--low", "5", "--high", "1", "--holds", "cost < 1"],
            "low <= high",
        ),
        (["find", "S", SEGMENTS, "--low", "1", "--high", "5", "--holds", "cst < 1"], "must be one"),
        (["find", "S", SEGMENTS, "--low", "1", "--high", "nan", "--holds", ""], "must be a number"),
    ],
)
def test_wrong_usage_is_2_and_said(
    arguments: list[str], told: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = called(capsys, *(small if word == "S" else word for word in arguments))
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_runs_that_all_fail_are_a_failure(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smssim.experiment.worker.simulate", None)
    code, out, err = called(capsys, "sweep", small, "--set", "days=1", "--n", 2)
    assert (code, out) == (1, "")
    assert err.startswith("smssim: 2 of 2 runs failed and are left out: TypeError")


def test_ctrl_c_is_130(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("smssim.experiment.worker.simulate", stop)
    assert called(capsys, "sweep", small, "--set", "days=1", "--n", 2) == (130, "", "")


def test_a_terminal_sees_the_time_left(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("compare", small, "--set", "days=1", "--n", 2)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    _, shown, err = called(capsys, *arguments)
    assert re.search(r"100% .*run 4 of 4, 0 s left", err)
    _, quiet, err = called(capsys, *arguments, "--no-progress")
    assert (quiet, err) == (shown, "")


@pytest.mark.parametrize("command", ["sweep", "compare", "find"])
def test_help_imports_nothing_heavy(command: str) -> None:
    program = (
        f"import sys; from smssim.cli import main; code = main(['{command}', '--help']);"
        "print([m for m in ('numpy', 'pandas', 'pydantic', 'simpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "--store DIR" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


SECRET = "hush4711"


@pytest.mark.parametrize(
    "values",
    [SECRET, f"{SECRET},other", f"[{SECRET}", f"'{SECRET}", ""],
)
@pytest.mark.parametrize("path", ["applications.0.secret", "applications.0.Secret"])
def test_a_secret_is_neither_printed_nor_written(
    path: str, values: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Path(__file__).parents[1] / "data/scenarios/mode2_run_out.yaml"
    csv = tmp_path / "runs.csv"
    for command in (["sweep", str(plan), "--n", "1", "--csv", str(csv)], ["compare", str(plan)]):
        assert cli.main([*command, "--set", f"{path}={values}", "--set", f"{path}={values}"]) == 2
        out, err = capsys.readouterr()
        assert SECRET not in out + err
        assert not csv.exists()


def test_a_secret_is_in_no_table_and_no_pickle() -> None:
    """Wherever among the changes it is: under its path, in an application, in a list of them."""
    plan = Scenario.load(Path(__file__).parents[1] / "data/scenarios/mode2_run_out.yaml").change(
        days=1
    )
    application = {**plan.applications[0].model_dump(), "secret": SECRET}
    for path, value in {
        "applications.0.secret": SECRET,
        "applications.0": application,
        "applications": [application],
    }.items():
        made = sweep(plan, {path: [value]}, 1, workers=1)
        assert SECRET not in made.changes.to_csv() + repr(made) + made.designs[0].label
        assert SECRET.encode() not in pickle.dumps(made)
        assert SECRET.encode() not in pickle.dumps(plan.change(**{path: value}))


def test_a_size_that_is_changed_says_that_its_price_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Scenario.load(Path(__file__).parents[1] / "data/scenarios/mode2_run_out.yaml")
    file = tmp_path / "plan.yaml"
    file.write_text(plan.change(days=1).to_yaml(), encoding="utf-8")
    note = "packages.0.segments: the package costs 320 USD whatever its size; give it"
    resized = ["--set", f"{SEGMENTS}=1000", "--n", 1]

    for command in ("sweep", "compare"):
        assert note in " ".join(called(capsys, command, file, *resized)[1].split())
    priced = [*resized, "--set", "packages.0.price=9"]
    assert note not in " ".join(called(capsys, "sweep", file, *priced)[1].split())

    each = plan.change(days=1).model_dump(exclude_unset=True)
    each["packages"][0].pop("price")
    each["packages"][0]["price_per_segment"] = 0.02
    file.write_text(Scenario.model_validate(each).to_yaml(), encoding="utf-8")
    _, out, _ = called(capsys, "sweep", file, "--set", f"{SEGMENTS}=1000,2000", "--n", 1)
    assert "whatever its size" not in out
