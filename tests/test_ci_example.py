"""The sample project, run as a team's pipeline would: green, then red for the right reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import ndiff
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ruamel.yaml import YAML

pytestmark = [pytest.mark.ci, pytest.mark.xdist_group("pipelines")]
"""In one worker, which runs each pipeline once."""
ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "data" / "ci_example"
PLAN = "plans/november.yaml"
PROMISES = {
    "never dry",
    "passwords in time",
    "passwords arrive",
    "budget",
    "room below the daily limit",
}
INSTALLED = any(found.name == "smssim" for found in entry_points(group="pytest11"))


def workflow() -> list[dict[str, Any]]:
    """The steps of the workflow that run a command, in order."""
    text = (EXAMPLE / ".github" / "workflows" / "promises.yml").read_text(encoding="utf-8")
    (job,) = YAML(typ="safe").load(text)["jobs"].values()
    return [step for step in job["steps"] if "run" in step]


@dataclass(frozen=True)
class Pipeline:
    """What a run of the workflow left behind."""

    folder: Path
    steps: dict[str, subprocess.CompletedProcess[str]]

    @property
    def code(self) -> int:
        """The pipeline's exit code: that of the first step that fails."""
        return next((step.returncode for step in self.steps.values() if step.returncode), 0)

    def cases(self, report: str) -> dict[str, ElementTree.Element]:
        """The test cases of a JUnit file by name."""
        root = ElementTree.parse(self.folder / report).getroot()
        return {case.attrib["name"]: case for case in root.iter("testcase")}

    def broken(self, report: str) -> dict[str, str]:
        """The cases that failed, with what is told of them."""
        found = self.cases(report).items()
        return {
            name: "".join(failure.itertext())
            for name, case in found
            for failure in (*case.findall("failure"), *case.findall("error"))
        }


def run_pipeline(folder: Path, edit: Callable[[str], str] = str) -> Pipeline:
    """Copy the project, change its plan, and run the steps after the installation as bash would."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    plan = folder / PLAN
    plan.write_text(edit(plan.read_text(encoding="utf-8")), encoding="utf-8")
    scripts = Path(sys.executable).parent
    env = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    env |= {"PYTHONPATH": str(ROOT), "PYTEST_PLUGINS": "" if INSTALLED else "smssim.pytest_plugin"}
    # Not those of the tests that this is one of.
    env = {name: value for name, value in env.items() if not name.startswith("PYTEST_XDIST")}
    env.pop("PYTEST_ADDOPTS", None)
    install, *steps = workflow()
    assert "pip install smssim" in install["run"]
    done: dict[str, subprocess.CompletedProcess[str]] = {}
    for step in steps:
        if any(before.returncode for before in done.values()) and step.get("if") != "always()":
            continue
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done[step["name"]] = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
    return Pipeline(folder, done)


def smaller(text: str) -> str:
    """Somebody saves on the package."""
    return text.replace(
        "{country: ID, segments: 16_400, price: 4_900}",
        "{country: ID, segments: 15_000, price: 4_500}",
    )


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return run_pipeline(tmp_path_factory.mktemp("green") / "project")


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return run_pipeline(tmp_path_factory.mktemp("red") / "project", smaller)


def told(pipeline: Pipeline) -> str:
    return "\n".join(step.stdout + step.stderr for step in pipeline.steps.values())


def test_the_plan_keeps_its_promises(green: Pipeline) -> None:
    assert green.code == 0, told(green)
    assert list(green.steps) == ["What we promised", "Tests of the plan"]
    for report in ("promises.xml", "tests.xml"):
        assert green.cases(report).keys() >= PROMISES
        assert not green.broken(report)


def test_the_change_is_one_line(green: Pipeline, red: Pipeline) -> None:
    before, after = ((p.folder / PLAN).read_text("utf-8").splitlines() for p in (green, red))
    changed = [line for line in ndiff(before, after) if line[0] in "+-"]
    assert [line[0] for line in changed] == ["-", "+"]
    assert all("segments" in line for line in changed)


def test_a_smaller_package_breaks_the_promise_about_it_and_no_other(red: Pipeline) -> None:
    assert [step.returncode for step in red.steps.values()] == [1, 1], told(red)
    for report in ("promises.xml", "tests.xml"):
        assert red.cases(report).keys() >= PROMISES
        assert red.broken(report).keys() & PROMISES == {"never dry"}
    assert red.broken("tests.xml").keys() == {"never dry"}, told(red)


@pytest.mark.parametrize("report", ["promises.xml", "tests.xml"])
def test_the_story_shows_the_run_out(red: Pipeline, report: str) -> None:
    story = red.broken(report)["never dry"]
    assert "probability(runout.any) < 0.05" in story
    assert "packages ran out (ID)" in story
    assert f"smssim run {PLAN} --rng 1 --replication 0" in story


def test_both_steps_say_the_same(green: Pipeline, red: Pipeline) -> None:
    """The command and the plugin are two faces of one verdict."""
    for pipeline in (green, red):
        failed = [pipeline.broken(r).keys() & PROMISES for r in ("promises.xml", "tests.xml")]
        assert failed[0] == failed[1]
