"""The sample project, run as a team's pipeline would: green, then red for the right reason."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from difflib import ndiff
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


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a runner on which the pipeline's first step has installed smssim.

    Dependencies are this environment's, as a machine for tests may have no network.
    """
    place = tmp_path_factory.mktemp("runner") / "venv"
    venv.create(place, with_pip=True)
    site = next(place.glob("lib/python*/site-packages"))
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (site / "ours.pth").write_text("\n".join(ours) + "\n", encoding="utf-8")
    env = os.environ | {"PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    env |= {"SMSSIM": ROOT.as_uri(), "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    # Not those of the tests that this is one of.
    env = {name: value for name, value in env.items() if not name.startswith("PYTEST_")}
    env.pop("PYTHONPATH", None)
    install = workflow()[0]
    done = bash(install["run"], place, env)
    assert done.returncode == 0, done.stdout + done.stderr
    # pytest is among ours, so pip has made no script of it.
    script = place / "bin" / "pytest"
    run = "import pytest\n\nif __name__ == '__main__':\n    raise SystemExit(pytest.main())\n"
    script.write_text(f"#!{place / 'bin/python'}\n{run}")
    script.chmod(0o755)
    where = bash("python -c 'import smssim; print(smssim.__file__)'", place, env).stdout
    assert where.startswith(str(place))
    return env


def bash(command: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A step as a runner has it run."""
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)


def run_pipeline(folder: Path, env: dict[str, str], edit: Callable[[str], str] = str) -> Pipeline:
    """Copy the project, change its plan, and run the steps after the installation."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    plan = folder / PLAN
    plan.write_text(edit(plan.read_text(encoding="utf-8")), encoding="utf-8")
    done: dict[str, subprocess.CompletedProcess[str]] = {}
    for step in workflow()[1:]:
        if any(before.returncode for before in done.values()) and step.get("if") != "always()":
            continue
        summary = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
        done[step["name"]] = bash(step["run"], folder, env | summary)
    return Pipeline(folder, done)


def smaller(text: str) -> str:
    """Somebody saves on the package."""
    return text.replace(
        "{country: ID, segments: 16_400, price: 4_900}",
        "{country: ID, segments: 15_000, price: 4_500}",
    )


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory, runner: dict[str, str]) -> Pipeline:
    return run_pipeline(tmp_path_factory.mktemp("green") / "project", runner)


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory, runner: dict[str, str]) -> Pipeline:
    return run_pipeline(tmp_path_factory.mktemp("red") / "project", runner, smaller)


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


def test_the_red_log_and_the_summary_say_what_broke(green: Pipeline, red: Pipeline) -> None:
    last = red.steps["What we promised"].stdout.splitlines()[-1]
    assert last.startswith("never dry does not hold: estimate 1, bound 0.05, true in ")
    summaries = [(p.folder / "summary.md").read_text("utf-8") for p in (green, red)]
    assert "5 of 5 promises hold" in summaries[0]
    assert f"- **never dry** {last.removeprefix('never dry ')}; such a month" in summaries[1]


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


def test_nothing_is_installed_by_a_name_that_no_index_has() -> None:
    """Neither a guide nor an error tells anybody to install smssim from PyPI."""
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.ipynb")]
    texts += [*EXAMPLE.rglob("*.md"), *EXAMPLE.rglob("*.yml"), *ROOT.glob("smssim/**/*.py")]
    wrong = re.compile(r"pip install [^`\n]*(?<![/@.\w])'?smssim(?! @)")
    assert [file for file in texts if wrong.search(file.read_text(encoding="utf-8"))] == []
