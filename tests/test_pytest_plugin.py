"""The plugin of pytest: promises of listed plans as tests of a project."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest
from plugin_projects import BROKEN, INI, KEPT, NAMES, OPEN, PLUGIN, Project, projects, reference

import smssim
from smssim.checks import CheckResult

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def references() -> dict[str, CheckResult]:
    return {"kept": reference(KEPT), "broken": reference(BROKEN)}


@pytest.fixture
def project(pytester: pytest.Pytester, references: dict[str, CheckResult]) -> Project:
    return projects(pytester)


def verdicts(report: Path) -> dict[str, dict[str, str]]:
    """The properties of each promise in a JUnit file."""
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return {
        case.attrib["name"]: {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
        for case in cases
    }


def expected(checked: CheckResult, name: str) -> dict[str, str]:
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
    "args",
    [
        (),
        ("-k", "budget"),
        pytest.param(("-n", "2"), marks=pytest.mark.ci),
        pytest.param(("-n", "2", "--dist", "loadfile"), marks=pytest.mark.ci),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("plan", ["kept", "broken"])
def test_verdicts_are_those_of_the_verb(
    project: Project,
    pytester: pytest.Pytester,
    references: dict[str, CheckResult],
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

    monkeypatch.setattr("smssim.testing.promise_tests.check", counting)
    project(KEPT).assert_outcomes(passed=3)
    assert seen == [{"workers": 1}]


_OTHERS = ("worksteal", "loadfile", "loadgroup", "loadscope")


@pytest.mark.parametrize(
    "dist", ["load", *(pytest.param(x, marks=pytest.mark.ci) for x in _OTHERS)]
)
def test_a_month_is_simulated_once_by_all_workers(
    project: Project, pytester: pytest.Pytester, dist: str
) -> None:
    """Counted in the workers: each month of each file, whatever deals out the tests."""
    counting = """
        import os
        import smssim.experiment.worker as worker

        simulate = worker.simulate

        def counted(scenario, **how):
            with open("months.txt", "a") as file:
                file.write(f"{scenario.name} {how['replication']} {os.getpid()}\\n")
            return simulate(scenario, **how)

        worker.simulate = counted
    """
    pytester.makeconftest(counting)
    folder = pytester.mkdir("plans")
    (folder / "may.yaml").write_text(KEPT.replace("name: tiny", "name: may"), encoding="utf-8")
    test = "import pytest\n\n\n@pytest.mark.parametrize('i', range(9))\ndef test_own(i): pass"
    result = project(KEPT, "-n", "2", "--dist", dist, test=test)
    result.assert_outcomes(passed=15)
    months = [line.split() for line in (pytester.path / "months.txt").read_text().splitlines()]
    once = [(name, replication) for name, replication, _ in months]
    assert len(once) == len(set(once)) > 50
    assert {name for name, _ in once} == {"tiny", "may"}


def test_an_error_of_a_month_is_told_once_a_promise(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def failing(*args: object, **how: object) -> object:
        from smssim.checks import ReplicationError

        seen.append(how)
        raise ReplicationError("replication 3 of 'tiny' failed")

    monkeypatch.setattr("smssim.testing.promise_tests.check", failing)
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


@pytest.mark.ci
def test_listed_files_are_collected_beside_testpaths(project: Project) -> None:
    """Who lists a plan means it, though the tests are elsewhere; a path given means that path."""
    ini = f"{INI}testpaths = tests\n"
    test = "def test_own(): pass"
    project(KEPT, ini=ini, test=test).assert_outcomes(passed=4)
    project(KEPT, "tests", ini=ini, test=test).assert_outcomes(passed=1)
    project(KEPT, "-n", "2", ini=ini, test=test).assert_outcomes(passed=4)


@pytest.mark.parametrize("folder", ["build", ".plans", "node_modules/x", "plans", "../above"])
@pytest.mark.parametrize("start", [".", "sub"])
@pytest.mark.parametrize("broken", [False, True])
def test_what_is_listed_is_collected_or_is_an_error(
    pytester: pytest.Pytester, folder: str, start: str, broken: bool
) -> None:
    """In directories that pytest does not enter, and wherever it is started."""
    (pytester.path / "inner" / "sub").mkdir(parents=True)
    root = pytester.path / "inner"
    listed = root / folder / "april.yaml"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text("no one: asked" if broken else KEPT, encoding="utf-8")
    (root / "sub" / "test_own.py").write_text("def test_own(): pass", encoding="utf-8")
    ini = INI.replace("plans/**/*.yaml", f"{folder}/*.yaml")
    (root / "pytest.ini").write_text(ini, encoding="utf-8")
    os.chdir(root / start)
    result = pytester.runpytest(*PLUGIN, "-p", "no:cacheprovider", "--collect-only", "-q")
    names = [line for line in result.outlines if "april.yaml::" in line]
    assert len(names) == (0 if broken else 3)
    assert result.ret == (pytest.ExitCode.INTERRUPTED if broken else pytest.ExitCode.OK)


@pytest.mark.parametrize(
    ("args", "listed"),
    [
        (("build",), True),
        ((".",), True),
        (("build/april.yaml",), True),
        (("tests",), False),
        (("-n", "2"), True),
        (("-n", "2", "tests"), False),
        (("-n", "2", "build"), True),
    ],
)
def test_a_path_means_the_listed_files_in_it(
    pytester: pytest.Pytester, args: tuple[str, ...], listed: bool
) -> None:
    for name, text in {
        "build/april.yaml": KEPT,
        "tests/test_own.py": "def test_own(): pass",
    }.items():
        (pytester.path / name).parent.mkdir()
        (pytester.path / name).write_text(text, encoding="utf-8")
    pytester.makeini(INI.replace("plans/**/*.yaml", "build/*.yaml") + "addopts = tests\n")
    outcomes = pytester.runpytest(*PLUGIN, *args).parseoutcomes()
    assert outcomes["passed"] == 3 * listed + 1


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


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)["project"]["entry-points"]["pytest11"]
    assert found == {"smssim": "smssim.pytest_plugin"}
    assert import_module(found["smssim"]).pytest_addoption
