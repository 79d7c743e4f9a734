"""What a stranger meets first: cheap imports, a wheel that runs anywhere, quiet reprs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import venv
from html.parser import HTMLParser
from pathlib import Path

import pytest

import smssim
from smssim.scenario import Scenario

ROOT = Path(__file__).parents[1]
SMALL = ROOT / "data/scenarios/mode2_run_out.yaml"


def cpu_s(code: str) -> float:
    """CPU seconds that a fresh interpreter spends on *code*: the median of five."""
    timed = f"import time; a = time.process_time(); {code}; print(time.process_time() - a)"
    run = [sys.executable, "-c", timed]
    runs = [subprocess.run(run, capture_output=True, text=True, check=True) for _ in range(5)]
    return statistics.median(float(done.stdout) for done in runs)


def test_importing_is_cheap() -> None:
    """`import smssim` costs at most 1.3 times `import pandas`; in fact it does not import it."""
    assert cpu_s("import smssim") <= 1.3 * cpu_s("import pandas")
    code = "import sys, smssim; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_answers_at_once() -> None:
    """`smssim --help` stays under 0.15 s of CPU, its interpreter included."""
    before = os.times()
    for _ in range(5):
        run = [sys.executable, "-m", "smssim.cli", "--help"]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        assert "schema" in done.stdout
    after = os.times()
    spent = after.children_user + after.children_system
    assert (spent - before.children_user - before.children_system) / 5 < 0.15


def test_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`smssim schema` prints what is checked in next to the scenarios."""
    from smssim.cli import main

    assert main(["schema"]) == 0
    checked_in = (ROOT / "data/scenario.schema.json").read_text(encoding="utf-8")
    assert json.loads(capsys.readouterr().out) == json.loads(checked_in)


class Tags(HTMLParser):
    """Collects the tags of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Note a tag."""
        self.tags.add(tag)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (
            f"smssim.Scenario.load({str(SMALL)!r}).change(days=0)",
            "ScenarioError: days: 0 must be >= 1",
        ),
        (
            f"smssim.read_log({str(ROOT / 'data/exports/console')!r})",
            "ColumnMappingError: ",
        ),
    ],
)
def test_a_notebook_tells_an_error_as_the_command_line_does(
    cell: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its sentence, and no frame of the library."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    assert not shell.run_cell(f"import smssim\n{cell}").success
    shown = capsys.readouterr().out
    assert told in shown
    assert "Traceback" not in shown
    assert "smssim/" not in shown.replace(str(ROOT), "")


def test_the_first_picture_makes_no_noise(tmp_path: Path) -> None:
    """Not even where matplotlib must list all fonts first, which it warns of when that is slow."""
    code = (
        "import threading, smssim; own = threading.Timer;"
        "threading.Timer = lambda s, f, *a: own(0, f, *a);"
        f"smssim.plots.latency(smssim.simulate({str(SMALL)!r}, rows=False)).figure.savefig('a.png')"
    )
    environment = {**os.environ, "MPLCONFIGDIR": str(tmp_path), "MPLBACKEND": "agg"}
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "a.png").exists()
    assert list(tmp_path.glob("fontlist*")), "the fonts were listed"


def test_reprs_are_short_and_plain() -> None:
    """A run is one line in a terminal and a table without JavaScript in a notebook."""
    scenario = Scenario.load(SMALL)
    run = smssim.simulate(scenario, rows=False)
    n = int(run.tallies.money["messages"].sum())
    assert repr(run).startswith(f"<Run {scenario.name}: {n:,} messages, ")
    assert "\n" not in repr(run)
    for shown in (run._repr_html_(), scenario._repr_html_()):
        assert Tags(shown).tags <= {"table", "tbody", "tr", "th", "td", "br"}
        assert len(shown) < 5_000


def test_a_wheel_runs_in_an_empty_place(tmp_path: Path) -> None:
    """What `pip install` of a built wheel puts on a machine simulates there, tables included."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    place = tmp_path / "empty"
    # Its dependencies are this environment's; smssim itself comes from the wheel alone.
    venv.create(place, with_pip=True, system_site_packages=False)
    python = place / "bin/python"
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*install, str(target), str(wheel)], check=True)
    site = next(path for path in sys.path if path.endswith("site-packages"))
    code = (
        "import smssim, sys; assert smssim.__file__.startswith(sys.argv[1]), smssim.__file__;"
        "run = smssim.simulate(sys.argv[2]); smssim.report.cost(run); print(len(run.messages))"
    )
    environment = {"PYTHONPATH": f"{target}{os.pathsep}{site}", "PATH": os.environ["PATH"]}
    command = [str(python), "-c", code, str(target), str(SMALL)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 1_000
