"""Scenario files as files of tests: one item a promise.

All promises of a file are decided together, whichever are selected, so that verdicts are those of
`smssim.check`; a process simulates the months of a file once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smssim.testing.settings import Settings

if TYPE_CHECKING:
    from smssim.checks import Checked
    from smssim.scenario import Scenario, ScenarioError


@dataclass(frozen=True)
class Plans:
    """The scenario files that a project lists, and the hook that collects them."""

    settings: Settings
    files: tuple[Path, ...]

    @classmethod
    def of(cls, config: pytest.Config) -> Plans:
        """The files that the project lists. Raise a UsageError for a pattern without a file."""
        settings = Settings.of(config)
        patterns = config.getini("smssim_scenarios")
        files = tuple(dict.fromkeys(f for text in patterns for f in settings.files(text)))
        if config.args_source is config.ArgsSource.TESTPATHS:
            # Who lists a file wants it checked, wherever the other tests are.
            config.args = [*config.args, *map(str, files)]
        return cls(settings, files)

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> PlanFile | None:
        """Take the listed files, and nobody else's."""
        if file_path not in self.files:
            return None
        made: PlanFile = PlanFile.from_parent(parent, path=file_path)
        made.settings = self.settings
        return made


class PlanFile(pytest.File):
    """A scenario file; its verdicts are found when the first of its items runs."""

    settings: Settings
    scenario: Scenario
    _checked: Checked | None = None
    _error: Exception | None = None

    def collect(self) -> Iterator[CheckItem]:
        """One item a promise. Raise a CollectError, with places, for a file that is wrong."""
        from smssim.scenario import Scenario, ScenarioError

        try:
            self.scenario = Scenario.load(self.path)
        except ScenarioError as error:
            raise self.CollectError(self._located(error)) from None
        if not self.scenario.checks:
            told = "checks must be one at least, for smssim_scenarios lists this file"
            raise self.CollectError(f"{self._shown()}: {told}")
        for check in self.scenario.checks:
            yield CheckItem.from_parent(self, name=check.name)

    def checked(self) -> Checked:
        """The verdicts of all promises of the file. Raise what went wrong, each time."""
        from smssim.checks import check

        if self._error is not None:
            raise self._error
        if self._checked is None:
            try:
                found = check(self.scenario, workers=self.settings.workers)
            except Exception as error:
                self._error = error
                raise
            self._checked = replace(found, file=self._shown())
        return self._checked

    def _shown(self) -> str:
        """The path as pytest shows paths: from where it was started."""
        place, start = self.path, self.config.invocation_params.dir
        return str(place.relative_to(start) if place.is_relative_to(start) else place)

    def _located(self, error: ScenarioError) -> str:
        shown = self._shown()
        return "\n".join(str(replace(p, file=shown) if p.file else p) for p in error.problems)


class CheckItem(pytest.Item):
    """One promise as a test."""

    def runtest(self) -> None:
        """Fail, with no traceback, unless the promise is kept."""
        from smssim.checks import ReplicationError
        from smssim.checks.text import verdict_lines

        try:
            checked = self._plan.checked()
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
        if not replace(checked, verdicts=[verdict]).ok(self._plan.settings.undecided):
            pytest.fail(text, pytrace=False)
        self.add_report_section("call", "verdict", text)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file, and the title above what is told."""
        return self.path, None, f"{self._plan._shown()}: {self.name}"

    @property
    def _plan(self) -> PlanFile:
        assert isinstance(self.parent, PlanFile)
        return self.parent
