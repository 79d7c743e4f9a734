"""Scenario files as files of tests: one item per promise; and promises as assertions.

All promises of a file are decided together, whichever are selected, so that verdicts are those of
`smssim.check`. A file's months are simulated once: its promises are tests of one worker of xdist.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import glob
from pathlib import Path
from typing import Any

import pytest

from smssim.checks import CheckResult, ReplicationError, Verdict, check
from smssim.checks.text import verdict_lines
from smssim.checks.verdict import UndecidedPolicy
from smssim.scenario import Check, Scenario, ScenarioError
from smssim.scenario.promises import promise_of
from smssim.simulation.policies.account_view import Policy

__all__ = ["AssertPromise", "ListedScenarios", "Settings"]


@dataclass(frozen=True)
class Settings:
    """The settings of a project; *folder* is the directory of its ini file."""

    folder: Path
    undecided: UndecidedPolicy
    workers: int | None

    @classmethod
    def of(cls, config: pytest.Config) -> Settings:
        """The settings of a run of pytest. Raise a UsageError for a wrong one."""
        undecided = config.getini("smssim_undecided")
        if undecided not in ("fail", "pass"):
            raise pytest.UsageError(f"smssim_undecided(={undecided!r}) must be fail or pass")
        folder = config.rootpath if config.inipath is None else config.inipath.parent
        return cls(folder, undecided, _workers(config))

    def placed(self, path: Any) -> Any:
        """A path relative to the directory of the ini file; anything else is unchanged."""
        return self.folder / path if isinstance(path, str | os.PathLike) else path

    def files(self, pattern: str) -> list[Path]:
        """The files that a glob names, in order. Raise a UsageError if there is none."""
        names = sorted(glob(pattern, root_dir=self.folder, recursive=True))
        paths = [Path(os.path.abspath(self.folder / name)) for name in names]
        files = [path for path in paths if path.is_file()]
        if not files:
            message = f"smssim_scenarios: {pattern!r} must match a file in {self.folder}"
            raise pytest.UsageError(message)
        return files


def _workers(config: pytest.Config) -> int | None:
    """None is one a core; a worker of xdist has its core already."""
    try:
        text = config.getini("smssim_workers")
        workers = None if text in (None, "") else int(text)
    except (TypeError, ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"smssim_workers must be a whole number: {error}") from error
    if workers is not None and workers < 1:
        raise pytest.UsageError(f"smssim_workers(={workers}) must be >= 1")
    if workers is None and hasattr(config, "workerinput"):
        return 1
    return workers


class ListedScenarios:
    """The scenario files that a project lists, and the hooks by which each of them is collected.

    Where the command line names no path, all are; else those that are named, or lie in a named
    directory. It makes no difference where pytest was started, and whether it would have entered
    their directories by itself: what is listed is collected, or is an error.
    """

    def __init__(self, settings: Settings, files: Sequence[Path], named: Sequence[str]) -> None:
        self._settings, self._files, self._named = settings, files, named
        self._collected: set[Path] = set()

    @classmethod
    def of(cls, config: pytest.Config) -> ListedScenarios:
        """The files that the project lists. Raise a UsageError for a pattern without a file."""
        settings = Settings.of(config)
        patterns = config.getini("smssim_scenarios")
        files = list(dict.fromkeys(f for text in patterns for f in settings.files(text)))
        # A worker of xdist gets all paths as if they were named, so that it is told which were.
        named = getattr(config, "workerinput", {}).get("smssim_named")
        return cls(settings, files, _named_paths(config) if named is None else named)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist which paths the command line names."""
        node.workerinput["smssim_named"] = self._named

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Where xdist deals out test by test, deal out all promises of a file as one."""
        dist = config.getvalue("dist")
        if dist not in ("load", "worksteal", "loadgroup"):
            return None
        from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

        suffixes = tuple(f"/{file.name}" for file in self._files)

        class Scheduling(LoadGroupScheduling):  # type: ignore[misc]
            def _split_scope(self, nodeid: str) -> Any:
                file, _, _ = nodeid.partition("::")
                if f"/{file}".endswith(suffixes):
                    return file
                return super()._split_scope(nodeid) if dist == "loadgroup" else nodeid

        return Scheduling(config, log)

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> _ScenarioFile | None:
        """Collect the listed files, and no others."""
        return self._file(file_path, parent) if file_path in self._files else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Collect the listed files that pytest did not come to."""
        for path in self._files:
            if path not in self._collected and _is_named(path, self._named):
                items.extend(session.genitems(self._file(path, session)))

    def _file(self, path: Path, parent: pytest.Collector) -> _ScenarioFile:
        self._collected.add(path)
        file: _ScenarioFile = _ScenarioFile.from_parent(parent, path=path)
        file.settings = self._settings
        return file


def _named_paths(config: pytest.Config) -> list[str]:
    """The paths that the command line names; those of `testpaths` and `addopts` are not."""
    if config.args_source is not config.ArgsSource.ARGS:
        return []
    start = config.invocation_params.dir
    named = [arg for arg in config.args if arg in config.invocation_params.args]
    return [os.path.abspath(start / arg.partition("::")[0]) for arg in named]


def _is_named(path: Path, named: Sequence[str]) -> bool:
    return not named or any(path.is_relative_to(each) for each in named)


class _ScenarioFile(pytest.File):
    """A scenario file; it is checked when the first of its items runs."""

    settings: Settings
    scenario: Scenario
    _checked: CheckResult | None = None
    _error: Exception | None = None

    def collect(self) -> Iterator[_PromiseItem]:
        """One item per promise. Raise a CollectError, with file:line, for a file that is wrong."""
        try:
            self.scenario = Scenario.load(self.path)
        except ScenarioError as error:
            raise self.CollectError(self._located(error)) from None
        if not self.scenario.checks:
            message = "checks must be one at least, for smssim_scenarios lists this file"
            raise self.CollectError(f"{self._display_path()}: {message}")
        for promise in self.scenario.checks:
            yield _PromiseItem.from_parent(self, name=promise.name)

    def checked(self) -> CheckResult:
        """The verdicts of all promises of the file. Raise what went wrong, each time."""
        if self._error is not None:
            raise self._error
        if self._checked is None:
            try:
                result = check(self.scenario, workers=self.settings.workers)
            except Exception as error:
                self._error = error
                raise
            self._checked = replace(result, file=self._display_path())
        return self._checked

    def _display_path(self) -> str:
        """The path as pytest shows paths: relative to where it was started."""
        path, start = self.path, self.config.invocation_params.dir
        return str(path.relative_to(start) if path.is_relative_to(start) else path)

    def _located(self, error: ScenarioError) -> str:
        path = self._display_path()
        return "\n".join(str(replace(p, file=path) if p.file else p) for p in error.problems)


class _PromiseItem(pytest.Item):
    """One promise as a test."""

    def runtest(self) -> None:
        """Fail, with no traceback, unless the promise is kept."""
        try:
            checked = self._file.checked()
        except ReplicationError as error:
            pytest.fail(str(error), pytrace=False)
        verdict = checked.verdict(self.name)
        self.user_properties += [
            ("promise", str(verdict.check)),
            ("outcome", verdict.outcome),
            # xdist sends plain numbers alone.
            *((name, float(getattr(verdict, name))) for name in ("estimate", "low", "high")),
            ("runs", verdict.runs),
        ]
        text = "\n".join(verdict_lines(checked, verdict))
        if not replace(checked, verdicts=[verdict]).ok(self._file.settings.undecided):
            pytest.fail(text, pytrace=False)
        self.add_report_section("call", "verdict", text)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file, and the title of a failure."""
        return self.path, None, f"{self._file._display_path()}: {self.name}"

    @property
    def _file(self) -> _ScenarioFile:
        assert isinstance(self.parent, _ScenarioFile)
        return self.parent


@dataclass(frozen=True)
class AssertPromise:
    """Decides promises as the checks of a file are decided, each with the whole risk."""

    settings: Settings = field(repr=False)

    def __call__(
        self,
        scenario: Scenario | str | Path,
        promise: Check | str,
        *,
        margin: float = 0,
        where: Mapping[str, str | int] | None = None,
        false_alarm: float = 0.01,
        miss: float = 0.01,
        most_runs: int = 2_000,
        policies: Sequence[Policy] = (),
        undecided: UndecidedPolicy = "fail",
    ) -> Verdict:
        """Raise an AssertionError unless the scenario keeps the promise; return the verdict.

        *promise* is a text such as `runout.any < 0.05` or `p90(cost_usd) < 12000`, with *margin* in
        the metric's unit and the part of the month that *where* names, or a Check, which has both.
        A relative path starts at the directory of the ini file; the seed is the scenario's `rng`,
        its own checks are ignored. Raise a ScenarioError for what is no promise of the scenario.
        """
        __tracebackhide__ = True
        if undecided not in ("fail", "pass"):
            raise ValueError(f"undecided(={undecided!r}) must be fail or pass")
        file = None if isinstance(scenario, Scenario) else str(scenario)
        if not isinstance(scenario, Scenario):
            scenario = Scenario.load(self.settings.placed(scenario))
        plan = scenario.change(
            checks=[_check(promise, margin, where)],
            checking={"false_alarm": false_alarm, "miss": miss, "most_runs": most_runs},
        )
        result = check(plan, policies=policies, workers=self.settings.workers)
        (verdict,) = result.verdicts
        if not result.ok(undecided):
            raise AssertionError("\n".join(verdict_lines(replace(result, file=file), verdict)))
        return verdict


def _check(
    promise: Check | str, margin: float, where: Mapping[str, str | int] | None
) -> dict[str, Any]:
    """The promise as it would stand in a file. Raise a ValueError for a text that is none."""
    if isinstance(promise, Check):
        if margin or where:
            rule = "has a margin and a where of its own: give neither with it"
            raise ValueError(f"promise(={promise.name!r}) {rule}")
        return promise.model_dump(exclude_unset=True)
    check = promise_of(promise) | {"margin": margin}
    if where is None:
        return check
    if "where" in check:
        raise ValueError(f"promise(={promise!r}) has a part in brackets: give no where with it")
    return check | {"where": dict(where)}
