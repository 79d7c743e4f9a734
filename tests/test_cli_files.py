"""Files of the command line: what is read is never written over, what is written appears whole."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from smssim.cli import main
from smssim.record import storage

ROOT = Path(__file__).parents[1]
LOG = "smsMsgId,to,status,createTime\na1,+6281234567890,DELIVRD,2026-05-01T10:00:00Z\n"
TARIFF = "country,price\nID,0.05\n"
COLUMNS = "columns: {status: status}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small scenario, a log, a tariff and a file of columns."""
    scenario = YAML(typ="safe").load((ROOT / "data/scenarios/mode2_run_out.yaml").read_text())
    scenario["days"] = 1
    with (tmp_path / "plan.yaml").open("w") as file:
        YAML().dump(scenario, file)
    for name, text in {"log.csv": LOG, "tariff.csv": TARIFF, "columns.yaml": COLUMNS}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.csv").write_text(LOG)
    os.link(tmp_path / "log.csv", tmp_path / "hard.csv")
    (tmp_path / "soft.csv").symlink_to("log.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.parametrize(
    "command",
    [
        "report log.csv --quarantine log.csv",
        "report log.csv --html ./logs/../log.csv",
        "report log.csv --xlsx hard.csv",
        "report soft.csv --quarantine log.csv",
        "report log.csv --quarantine soft.csv",
        "report logs --html logs/a.csv",
        "report log.csv --tariff tariff.csv --html tariff.csv",
        "report log.csv --columns columns.yaml --xlsx columns.yaml",
        "report log.csv --html same.html --xlsx same.html",
        "run plan.yaml --html plan.yaml",
        "run plan.yaml --xlsx plan.yaml",
        "run plan.yaml --capture plan.yaml",
        "describe plan.yaml --out plan.yaml",
        "sweep plan.yaml --set days=1 --n 1 --csv plan.yaml",
    ],
)
def test_no_command_writes_over_what_it_reads(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)

    assert main(command.split()) == 2
    assert "--" in capsys.readouterr().err
    assert contents(folder) == before


@pytest.mark.parametrize(
    "bad",
    ["a\0b", f"a{chr(0xDCFF)}b", f"a{chr(0xD800)}b", "x" * 5_000, "circle"],
    ids=["nul", "byte", "surrogate", "long", "circle"],
)
@pytest.mark.parametrize(
    "command",
    [
        ["run", "{}"],
        ["run", "plan.yaml", "--out", "{}"],
        ["run", "plan.yaml", "--html", "{}"],
        ["report", "{}"],
        ["report", "log.csv", "--quarantine", "{}"],
        ["check", "{}"],
        ["check", "--diff", "plan.yaml", "{}"],
        ["describe", "plan.yaml", "--out", "{}"],
        ["find", "{}", "days", "--low", "1", "--high", "2", "--holds", "cost < 1"],
        ["sweep", "plan.yaml", "--set", "days=1", "--n", "1", "--store", "{}"],
    ],
)
def test_what_can_name_no_file_is_refused_in_a_sentence(
    bad: str, command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "circle").symlink_to("circle")

    assert main([part.format(bad) for part in command]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert len(error) < 1_000


def test_a_record_is_there_while_another_replaces_it(folder: Path) -> None:
    """Who is killed between the two renames leaves the old record where it is found."""
    assert main(["run", "plan.yaml", "--out", "kept", "--quiet", "--rng", "1"]) == 0
    code = (
        "import os, smssim.cli, smssim.record.storage as s; real = os.rename; calls = []\n"
        "def rename(a, b):\n"
        "    calls.append(a)\n"
        "    os._exit(9) if len(calls) == 2 else real(a, b)\n"
        "s.os.rename = rename\n"
        "smssim.cli.main(['run', 'plan.yaml', '--out', 'kept', '--quiet', '--rng', '2'])\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 9

    assert not (folder / "kept").exists()
    assert storage.is_record("kept")
    assert storage.load("kept").provenance["rng"] == 1
    assert main(["run", "plan.yaml", "--out", "kept", "--quiet", "--rng", "3"]) == 0
    assert storage.load("kept").provenance["rng"] == 3
    assert not list(folder.glob(".kept.old-*"))


@pytest.mark.parametrize(
    "command",
    [
        "run plan.yaml --quiet --html page.html",
        "run plan.yaml --quiet --xlsx book.xlsx",
        "run plan.yaml --quiet --out record",
        "run plan.yaml --quiet --capture capture.jsonl",
        "describe plan.yaml --out study.md",
    ],
)
def test_a_full_disk_leaves_no_half_file_and_an_error_with_its_name(
    command: str, folder: Path
) -> None:
    name = command.split()[-1]
    is_directory = name == "record"
    if not is_directory:
        (folder / name).write_text("as it was")

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    done = subprocess.run(
        [sys.executable, "-m", "smssim.cli", *command.split()],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=full,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )

    assert done.returncode == 2, done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    if is_directory:
        assert not (folder / name).exists()
    else:
        assert (folder / name).read_text() == "as it was"
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]


def test_a_device_is_written_to_directly(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "plan.yaml", "--out", "/dev/stdout"]) == 0
    assert "## 1. Objectives" in capfd.readouterr().out
