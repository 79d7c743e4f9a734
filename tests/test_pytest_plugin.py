"""The plugin of pytest, in small projects as a team would have them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import pytest

import smssim
from smssim.checks import Checked

pytest_plugins = ["pytester"]

INSTALLED = any(found.name == "smssim" for found in entry_points(group="pytest11"))
PLUGIN = [] if INSTALLED else ["-p", "smssim.pytest_plugin"]
INI = """
[pytest]
smssim_scenarios = plans/**/*.yaml
smssim_workers = 1
strict = true
filterwarnings = error
"""
KEPT = """
name: tiny
start: 2026-04-01
days: 1
account: {service_mode: suspend}
applications: [{name: shop}]
templates: [{name: login, application: shop}]
packages: [{country: TH, segments: 150, price: 4}]
traffic: [{name: login, template: login, country: TH, messages_a_day: 100}]
checks:
  - {name: never dry, metric: runout.any, below: 0.2, margin: 0.1}
  - {name: enough, metric: messages.sent, statistic: mean, above: 50}
  - {name: budget, metric: cost_usd, statistic: p75, below: 5}
"""
BROKEN = KEPT.replace("segments: 150", "segments: 60")
OPEN = KEPT.replace("p75", "p99") + "checking: {most_runs: 30}\n"
Project = Callable[..., pytest.RunResult]
NAMES = ("never dry", "enough", "budget")


@pytest.fixture(scope="module")
def references() -> dict[str, Checked]:
    """What the verb says of the plans; it also imports all that a run in this process needs."""
    plans = {"kept": KEPT, "broken": BROKEN}
    return {
        name: smssim.check(smssim.Scenario.parse(text), workers=1) for name, text in plans.items()
    }


@pytest.fixture
def project(pytester: pytest.Pytester, references: dict[str, Checked]) -> Project:
    """Makes a project of a plan and runs pytest in it."""

    def run(plan: str, *args: str, ini: str = INI, test: str = "") -> pytest.RunResult:
        pytester.makeini(ini)
        place = pytester.path / "plans" / "april.yaml"
        place.parent.mkdir(exist_ok=True)
        place.write_text(plan, encoding="utf-8")
        (pytester.path / "other.yaml").write_text("nobody: asked", encoding="utf-8")
        if test:
            (pytester.path / "tests").mkdir(exist_ok=True)
            (pytester.path / "tests" / "test_own.py").write_text(test, encoding="utf-8")
        outside = "-n" in args
        how = pytester.runpytest_subprocess if outside else pytester.runpytest_inprocess
        return how(*PLUGIN, *args)

    return run


def verdicts(report: Path) -> dict[str, dict[str, str]]:
    """The properties of each promise in a JUnit file."""
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return {
        case.attrib["name"]: {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
        for case in cases
    }


def expected(checked: Checked, name: str) -> dict[str, str]:
    verdict = checked.verdict(name)
    numbers = {n: str(float(getattr(verdict, n))) for n in ("estimate", "low", "high")}
    told = {"promise": str(verdict.check), "outcome": verdict.outcome}
    return told | numbers | {"runs": str(verdict.runs)}


def test_a_promise_is_a_test(project: Project) -> None:
    result = project(KEPT, "-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"plans/april.yaml::{name} PASSED*" for name in NAMES])
    assert "other.yaml" not in result.stdout.str()


def test_a_broken_promise_tells_why_without_a_traceback(project: Project) -> None:
    result = project(BROKEN, "-q")
    result.assert_outcomes(passed=2, failed=1)
    text = result.stdout.str()
    for told in (
        "plans/april.yaml: never dry",
        "probability(runout.any) < 0.2",
        "packages ran out",
        "--replication 0",
    ):
        assert told in text
    assert "FAILED plans/april.yaml::never dry" in text
    assert "Traceback" not in text
    assert "smssim/" not in text
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    "args", [(), ("-k", "budget"), ("-n", "2"), ("-n", "2", "--dist", "loadfile")], ids=" ".join
)
@pytest.mark.parametrize("plan", ["kept", "broken"])
def test_verdicts_are_those_of_the_verb(
    project: Project,
    pytester: pytest.Pytester,
    references: dict[str, Checked],
    plan: str,
    args: tuple[str, ...],
) -> None:
    """Selection and distribution change neither a verdict nor a number of it."""
    project({"kept": KEPT, "broken": BROKEN}[plan], "--junitxml=junit.xml", *args)
    found = verdicts(pytester.path / "junit.xml")
    assert set(found) == ({"budget"} if "-k" in args else set(NAMES))
    assert found == {name: expected(references[plan], name) for name in found}


def test_a_file_is_decided_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    decide = smssim.check

    def counting(*args: object, **how: object) -> object:
        seen.append(how)
        return decide(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr("smssim.checks.check", counting)
    project(KEPT).assert_outcomes(passed=3)
    assert seen == [{"workers": 1}]


def test_an_error_of_a_month_is_told_once_a_promise(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def failing(*args: object, **how: object) -> object:
        from smssim.checks import ReplicationError

        seen.append(how)
        raise ReplicationError("replication 3 of 'tiny' failed")

    monkeypatch.setattr("smssim.checks.check", failing)
    result = project(KEPT)
    result.assert_outcomes(failed=3)
    assert "replication 3 of 'tiny' failed" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (("plans/april.yaml",), NAMES),
        (("plans/april.yaml::never dry",), ("never dry",)),
        (("--deselect", "plans/april.yaml::never dry"), ("enough", "budget")),
        (("-k", "enough or budget"), ("enough", "budget")),
        (("tests",), ()),
    ],
)
def test_promises_are_selected_as_tests_are(
    project: Project, args: tuple[str, ...], names: tuple[str, ...]
) -> None:
    result = project(KEPT, "--collect-only", "-q", *args, test="def test_own(): pass")
    found = [line for line in result.outlines if line.startswith("plans/")]
    assert found == [f"plans/april.yaml::{name}" for name in names]


def test_the_last_failed_run_again(project: Project, pytester: pytest.Pytester) -> None:
    project(BROKEN).assert_outcomes(passed=2, failed=1)
    result = project(KEPT, "--lf", "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["plans/april.yaml::never dry PASSED*"])


def test_listed_files_are_collected_beside_testpaths(project: Project) -> None:
    """Who lists a plan means it, though the tests are elsewhere; a path given means that path."""
    ini = f"{INI}testpaths = tests\n"
    test = "def test_own(): pass"
    project(KEPT, ini=ini, test=test).assert_outcomes(passed=4)
    project(KEPT, "tests", ini=ini, test=test).assert_outcomes(passed=1)
    project(KEPT, "-n", "2", ini=ini, test=test).assert_outcomes(passed=4)


def test_a_wrong_file_is_one_error_with_its_place(project: Project) -> None:
    result = project(KEPT.replace("metric: cost_usd", "metric: cost_eur"))
    result.assert_outcomes(errors=1)
    line = KEPT.splitlines().index(next(s for s in KEPT.splitlines() if "budget" in s)) + 1
    result.stdout.fnmatch_lines([f"plans/april.yaml:{line}:*checks.2.metric*cost_usd*"])
    assert "Traceback" not in result.stdout.str()
    assert "smssim/" not in result.stdout.str()


def test_a_listed_file_without_promises_is_an_error(project: Project) -> None:
    result = project(KEPT.partition("checks:")[0])
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["plans/april.yaml: checks must be one at least*"])


@pytest.mark.parametrize(
    ("was", "wrong", "told"),
    [
        ("plans/**/*.yaml", "plans/*.yml", "*smssim_scenarios: 'plans/[*].yml' must match a file*"),
        ("plans/**/*.yaml", "plan[s", "*smssim_scenarios: 'plan[[]s' must match a file*"),
        ("workers = 1", "workers = 0", "*smssim_workers(=0) must be >= 1*"),
        ("workers = 1", "workers = two", "*smssim_workers must be a whole number*"),
        ("strict = true", "smssim_undecided = skip", "*(='skip') must be fail or pass*"),
    ],
)
def test_a_wrong_setting_is_a_wrong_usage(
    project: Project, was: str, wrong: str, told: str
) -> None:
    assert was in INI
    result = project(KEPT, ini=INI.replace(was, wrong))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


def test_undecided_fails_unless_it_may_pass(project: Project) -> None:
    result = project(OPEN)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*p99(cost) < 5*", "UNDECIDED*"])
    project(OPEN, ini=f"{INI}smssim_undecided = pass\n").assert_outcomes(passed=3)


FIXTURES = """
import pytest
import smssim

PLAN = "plans/april.yaml"

@pytest.fixture(scope="session")
def run(simulate):
    return simulate(PLAN, rng=7)

def test_simulate(run, simulate, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run.provenance["rng"] == 7
    scenario = smssim.Scenario.load(FILE)
    assert simulate(scenario).provenance["rng"] == scenario.rng

def test_kept(assert_promise, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    verdict = assert_promise(PLAN, "runout.any < 0.2", margin=0.1)
    assert (verdict.outcome, verdict.check.margin) == ("pass", 0.1)
    assert assert_promise(PLAN, "p75(cost_usd) < 5").check.kind == "p75"
    check = smssim.Scenario.load(FILE).checks[1]
    assert assert_promise(PLAN, check, false_alarm=0.1, miss=0.1).check == check

def test_part(assert_promise):
    verdict = assert_promise(PLAN, "messages.sent > 50", where={"country": "TH"})
    assert verdict.check.figure == "messages.sent[country=TH]"

def test_policy(assert_promise):
    policy = smssim.policies.TopUpQuota("TH", 200, 5, on="run_out", after_s=60)
    assert_promise(SMALL, "messages.sent > 70", policies=[policy])

def test_broken(assert_promise):
    assert_promise(SMALL, "messages.sent > 70")

def test_undecided(assert_promise):
    assert_promise(PLAN, "p99(cost) < 5", most_runs=20, undecided="pass")
    assert_promise(PLAN, "p99(cost) < 5", most_runs=20)

SMALL = smssim.Scenario.load(FILE).change(**{"packages.0.segments": 60})
"""


def test_fixtures_for_own_tests(project: Project, pytester: pytest.Pytester) -> None:
    file = f"FILE = {str(pytester.path / 'plans' / 'april.yaml')!r}\n"
    result = project(KEPT, "tests", test=file + FIXTURES)
    result.assert_outcomes(passed=4, failed=2)
    text = result.stdout.str()
    assert "AssertionError" in text
    for told in ("mean(messages.sent) > 70", "BROKEN", "p99(cost) < 5", "UNDECIDED"):
        assert told in text
    assert '>       assert_promise(SMALL, "messages.sent > 70")' in text.replace("    >", ">")
    assert "promises.py" not in text


@pytest.mark.parametrize(
    ("promise", "told"),
    [
        ("runout.any", "must be like 'runout.any < 0.05'"),
        ("runout.any < often", "must end with a number"),
        ("runout.most < 0.1", "must be one of smssim.metrics"),
        ("p90(cost_eur) < 3", "must be in USD: cost_usd"),
        ("probability(cost) < 0.3", "yes or no"),
        ("p90(cost) < inf", "bound|finite"),
    ],
)
def test_a_wrong_promise_says_what_it_must_be(promise: str, told: str) -> None:
    from smssim.pytest_plugin.promises import AssertPromise
    from smssim.pytest_plugin.settings import Settings

    decides = AssertPromise(Settings(Path(), "fail", 1))
    with pytest.raises(ValueError, match=told):
        decides(smssim.Scenario.parse(KEPT), promise)


def test_a_check_brings_its_own_margin() -> None:
    from smssim.pytest_plugin.promises import AssertPromise
    from smssim.pytest_plugin.settings import Settings

    scenario = smssim.Scenario.parse(KEPT)
    with pytest.raises(ValueError, match="has a margin and a where of its own"):
        AssertPromise(Settings(Path(), "fail", 1))(scenario, scenario.checks[0], margin=0.2)


def test_where_it_is_not_used_nothing_is_imported(tmp_path: Path) -> None:
    """It must not slow a stranger's tests: pytest and the standard library are there already."""
    code = """
import sys, pytest
pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *sys.argv[1:]])
import smssim.pytest_plugin
heavy = {"numpy", "pandas", "pydantic", "scipy", "simpy", "ruamel"} & set(sys.modules)
own = sorted(name for name in sys.modules if name.startswith("smssim"))
print(sorted(heavy), own)
"""
    args = [sys.executable, "-c", code, "-p", "no:hypothesispytest", "-p", "no:xdist", *PLUGIN]
    done = subprocess.run(args, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[] ['smssim', 'smssim.pytest_plugin']", done.stdout
