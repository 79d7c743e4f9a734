"""`smssim check`: what it prints, with which exit code, and what is wrong is told before a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from check_plans import KEPT, OUTCOMES, PLAN, UNDECIDED, checked_plan, written

from smssim import cli
from smssim.checks import check, difference

pytestmark = pytest.mark.xdist_group("check plans")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that were made once, which change no verdict."""
    return tmp_path_factory.mktemp("store")


def called(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a check, run in this process."""
    code = cli.main(["check", *map(str, arguments), "--workers", "1"])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_table_is_shown_when_promises_are_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path)
    code, out, err = called(capsys, file)
    assert (code, err) == (1, "")
    told = " ".join(line.strip() for line in out.splitlines()[:2])
    assert told.startswith(f"{file}: 3 of 5 promises hold, 1 does not, 1 undecided")
    own = checked_plan().to_text().splitlines()
    rows = own[
        own.index("") : own.index("never dry: the first month beyond the bound, times in UTC")
    ]
    assert "\n".join(rows) in out
    assert f"--rng 1 --replication {checked_plan().verdict('never dry').broken[0]}" in out
    last = [" ".join(lines.split()) for lines in out.rsplit("\n\n", 1)[1].split("\nnear ")]
    dry = checked_plan().verdict("never dry")
    months = f"true in {len(dry.broken)} of {dry.runs} months"
    assert last[0] == f"never dry does not hold: estimate {dry.estimate:.4g}, bound 0.05, {months}"
    assert last[1].startswith("undecided: estimate ")


def test_kept_promises_are_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, written(tmp_path, KEPT))
    assert (code, err) == (0, "")
    assert ": 5 of 5 promises hold\n" in out
    assert "UTC" not in out, "no story of a promise that is kept"


@pytest.mark.parametrize(("option", "code"), [("fail", 1), ("pass", 0)])
def test_undecided_counts_as_asked(
    option: str, code: int, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, UNDECIDED)
    assert called(capsys, file, "--undecided", option, "--store", store)[0] == code
    assert (
        called(capsys, written(tmp_path, PLAN, "p.yaml"), "--undecided", option, "--store", store)[
            0
        ]
        == 1
    )
    told, out, _ = called(capsys, file, "--undecided", option, "--store", store, "--json")
    assert (told, json.loads(out)["ok"]) == (code, not code)
    xml = tmp_path / "verdicts.xml"
    told, out, _ = called(capsys, file, "--undecided", option, "--store", store, "--junit", xml)
    assert (told, ElementTree.parse(xml).getroot().get("failures")) == (code, str(code))
    assert out.endswith("60 months over it\n") == (option == "fail")


def test_several_files_are_one_document(
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    files = [written(Path(), KEPT, "good.yaml"), written(Path(), PLAN, "bad.yaml")]
    kept = ("--store", store, "--no-progress")
    code, text, _ = called(capsys, *files, *kept)
    assert code == 1
    assert text.index(f"{files[0]}: 5 of 5 promises hold") < text.index(f"\n{files[1]}: 3 of 5")
    code, text, _ = called(capsys, *files, "--json", *kept)
    read = json.loads(text)
    assert (code, read["ok"], [file["file"] for file in read["files"]]) == (
        1, False, list(map(str, files)),
    )  # fmt: skip
    outcomes = {own["name"]: own["outcome"] for own in read["files"][1]["promises"]}
    assert outcomes == OUTCOMES
    _, table, _ = called(capsys, *files, *kept)
    Path("summary.md").write_text("# Another step\n", encoding="utf-8")
    forms = ("--junit", "v.xml", "--markdown", "summary.md")
    code, text, _ = called(capsys, *files, *forms, *kept)
    assert (code, text) == (1, table), "files are written next to the table"
    root = ElementTree.parse("v.xml").getroot()
    assert (len(root), root.get("tests"), root.get("failures")) == (2, "10", "2")
    summary = Path("summary.md").read_text("utf-8")
    assert summary.startswith("# Another step\n### good.yaml: 5 of 5 promises hold\n")
    code, text, _ = called(capsys, *files, "--json", *forms, *kept)
    assert (code, json.loads(text)) == (1, read)


def test_all_that_is_wrong_is_told_before_anything_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smssim.experiment.worker.simulate", None)
    good = written(tmp_path)
    bare = written(tmp_path, PLAN[: PLAN.index("checks:")], "bare.yaml")
    wrong = written(tmp_path, PLAN.replace("cost_usd", "cost_eur"), "wrong.yaml")
    code, out, err = called(capsys, good, bare, wrong, tmp_path / "no.yaml")
    assert (code, out) == (2, "")
    assert f"{bare}:1:1: checks: there is no promise\n" in err
    line = 1 + PLAN[: PLAN.index("cost_usd")].count("\n")
    assert f"{wrong}:{line}:" in err
    assert "must be in USD: cost_usd" in err
    assert f"{tmp_path / 'no.yaml'}: No such file" in err
    code, out, err = called(capsys, "--diff", good, bare)
    assert (code, out, "there is no promise" in err) == (2, "", True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "check takes FILE..., or --diff OLD NEW"),
        (["F", "--diff", "F", "F"], "check takes FILE..., or --diff OLD NEW"),
        (["--diff", "F"], "expected 2 arguments"),
        (
            ["--diff", "F", "F", "--junit", "x.xml"],
            "--junit: cannot show a difference; --json does",
        ),
        (["F", "--junit", "F"], "is part of"),
        (["F", "--junit", "/no/x.xml"], "there is no directory /no"),
        (["F", "--undecided", "maybe"], "invalid choice: 'maybe'"),
        (["F", "--rng", "2"], "--rng"),
    ],
)
def test_wrong_usage_is_2(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path)
    code, out, err = called(capsys, *(file if word == "F" else word for word in arguments))
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_a_month_that_fails_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smssim.experiment.worker.simulate", None)
    code, out, err = called(capsys, written(tmp_path))
    assert (code, out) == (1, "")
    assert err.startswith("smssim: failed: ReplicationError: replication 0 of 'small' failed")


def test_a_difference_has_the_exit_code_of_the_new_plan(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = written(tmp_path, PLAN, "old.yaml"), written(tmp_path, KEPT, "new.yaml")
    kept = ("--store", store)
    code, out, err = called(capsys, "--diff", old, new, *kept)
    assert (code, err) == (0, "")
    assert out == difference(old, new, workers=1, store=store).to_text()
    assert called(capsys, "--diff", new, old, *kept)[0] == 1
    code, out, _ = called(capsys, "--diff", old, new, "--json", *kept)
    read = json.loads(out)
    assert code == 0
    assert (read["old"]["file"], read["new"]["kept"]) == (str(old), 5)
    alone = json.loads(check(new, workers=1, store=store).json())
    assert read["new"] == alone


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from smssim.cli import main; main(['check', '--help']);"
        "print([m for m in ('numpy', 'pandas', 'pydantic', 'simpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "--diff OLD NEW" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
