"""The whole scenario: its parts held against each other, YAML in and out, digest."""

from __future__ import annotations

import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from smssim.calendars import DAY, to_us
from smssim.scenario.account import Account, Application, Package, Quota, Review, Template, Thresholds
from smssim.scenario.base import Country, Instant, Name, Part
from smssim.scenario.network import Callback, Queue, Route
from smssim.scenario.sources import Calls, GroupTask, Traffic

Source = Traffic | Calls | GroupTask


class ScenarioError(ValueError):
    """A scenario that cannot be read; its text names the file, the field's path, the value and the rule."""


class Scenario(Part):
    """One planned period of sending: everything `simulate` needs, and nothing it finds out."""

    name: Name = "scenario"
    start: Instant
    days: int = Field(default=30, ge=1, le=366)
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    account: Account = Account()
    quota: Quota = Quota()
    applications: tuple[Application, ...] = Field(min_length=1)
    templates: tuple[Template, ...] = Field(min_length=1)
    review: Review = Review()
    thresholds: Thresholds = Thresholds()
    packages: tuple[Package, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    calls: tuple[Calls, ...] = ()
    group_tasks: tuple[GroupTask, ...] = ()
    routes: dict[Country, Route] = {}
    """By country; a country without an entry has the default route."""
    queue: Queue = Queue()
    callback: Callback = Callback()

    _folder: Path = PrivateAttr(default=Path())

    @property
    def start_us(self) -> int:
        """The first instant, microseconds since 1970 UTC."""
        return to_us(self.start)

    @property
    def end_us(self) -> int:
        """The first instant after the run, microseconds since 1970 UTC."""
        return self.start_us + self.days * DAY

    @property
    def sources(self) -> tuple[Source, ...]:
        """All sources in the order of their names, which is the order of ties."""
        return tuple(sorted((*self.traffic, *self.calls, *self.group_tasks), key=lambda s: s.name))

    def template(self, name: str) -> Template:
        """The template of that name."""
        return next(template for template in self.templates if template.name == name)

    def route(self, country: str) -> Route:
        """The route to a country, the default one if the scenario has none."""
        return self.routes.get(country) or Route()

    def find(self, file: Path) -> Path:
        """Where a file named in the scenario is: beside the scenario file or in a folder above it."""
        folder = self._folder.resolve()
        for place in (folder, *folder.parents):
            if (place / file).exists():
                return place / file
        raise ScenarioError(f"file(={file}) was not found beside the scenario or above it")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*_names(self), *_references(self), *_quotas(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a scenario from a YAML 1.2 file. Raise a ScenarioError that names every wrong field."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ScenarioError(f"{path}: {error.strerror}") from error
        scenario = cls.parse(text, str(path))
        scenario._folder = path.parent
        return scenario

    @classmethod
    def parse(cls, text: str, where: str = "scenario") -> Self:
        """Read a scenario from YAML 1.2 text; *where* is named in errors."""
        from ruamel.yaml import YAML, YAMLError

        try:
            data = YAML(typ="safe", pure=True).load(text)
            return cls.model_validate(data)
        except YAMLError as error:
            raise ScenarioError(f"{where}: {error}") from error
        except ValidationError as error:
            raise ScenarioError("\n".join(_lines(where, error))) from error

    def to_yaml(self) -> str:
        """This scenario as YAML, defaults left out; `parse` gives an equal one back."""
        from ruamel.yaml import YAML

        out = StringIO()
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.sort_base_mapping_type_on_output = False
        yaml.dump(self._plain(), out)
        return out.getvalue()

    def to_json(self) -> str:
        """This scenario as JSON, which is YAML too, defaults left out; `parse` gives an equal one back."""
        return self.model_dump_json(exclude_unset=True)

    def digest(self) -> str:
        """A fingerprint of everything that can change a result: 16 hexadecimal digits."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def change(self, **changes: Any) -> Self:
        """A new scenario with some fields changed, validated again; keys are dotted paths such as `packages.0.segments`."""
        data = self.model_dump(exclude_unset=True)
        for path, value in changes.items():
            _put(data, path, value)
        changed = type(self).model_validate(data)
        changed._folder = self._folder
        return changed

    def _plain(self) -> dict[str, Any]:
        plain: dict[str, Any] = json.loads(self.model_dump_json(exclude_unset=True))
        return plain


def _lines(where: str, error: ValidationError) -> list[str]:
    found = []
    for problem in error.errors():
        path = ".".join(str(step) for step in problem["loc"]) or "the scenario as a whole"
        value = "" if isinstance(problem["input"], dict | list) else f" (value: {problem['input']!r})"
        found.append(f"{where}: {path}: {problem['msg']}{value}")
    return found


def _put(data: Any, path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        data = _in_list(data)[int(step)] if isinstance(data, list | tuple) else data.setdefault(step, {})
    if isinstance(data, list):
        data[int(last)] = value
    elif isinstance(data, dict):
        data[last] = value
    else:
        raise ScenarioError(f"{path}: there is no such field")


def _in_list(data: Any) -> Any:
    return data


def _names(scenario: Scenario) -> list[str]:
    problems = []
    for kind in ("applications", "templates"):
        names = [part.name for part in getattr(scenario, kind)]
        problems += [f"{kind}: the name {n!r} stands twice" for n in sorted(set(names)) if names.count(n) > 1]
    sources = [source.name for source in scenario.sources]
    problems += [f"sources: the name {n!r} stands twice" for n in sorted(set(sources)) if sources.count(n) > 1]
    return problems


def _references(scenario: Scenario) -> list[str]:
    applications = {application.name for application in scenario.applications}
    templates = {template.name for template in scenario.templates}
    problems = [
        f"templates.{t.name}: application(={t.application}) is not in applications"
        for t in scenario.templates
        if t.application not in applications
    ]
    problems += [
        f"{source.name}: template(={source.template}) is not in templates"
        for source in scenario.sources
        if source.template not in templates
    ]
    problems += [
        f"packages.{i}: at(={package.at:%Y-%m-%dT%H:%M:%SZ}) must not be before the start"
        for i, package in enumerate(scenario.packages)
        if package.at is not None and package.at < scenario.start
    ]
    return problems


def _quotas(scenario: Scenario) -> list[str]:
    quota, thresholds, problems = scenario.quota, scenario.thresholds, []
    if len(scenario.applications) > quota.applications:
        problems.append(f"applications(={len(scenario.applications)}) must be <= quota.applications(={quota.applications})")
    for application in scenario.applications:
        n = sum(template.application == application.name for template in scenario.templates)
        if n > quota.templates:
            problems.append(f"templates of {application.name}(={n}) must be <= quota.templates(={quota.templates})")
    for period in ("daily_limit", "monthly_limit"):
        value, bound = getattr(thresholds, period), getattr(quota, period)
        if value > bound:
            problems.append(f"thresholds.{period}(={value}) must be <= quota.{period}(={bound}), the approved quota")
    return problems
