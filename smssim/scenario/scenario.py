"""The whole scenario: its rules, YAML in and out, changes, digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from smssim.calendars import DAY, to_us
from smssim.scenario.account import Account, Application, Package, Quota, Ticket
from smssim.scenario.card import card_of
from smssim.scenario.changes import changed
from smssim.scenario.consistency import violations_between
from smssim.scenario.cut import cut_to_period
from smssim.scenario.demand import Occasion, Swing
from smssim.scenario.distributions import Number
from smssim.scenario.errors.problems import (
    Problem,
    ScenarioError,
    ViolationsError,
    problem_at,
)
from smssim.scenario.errors.yaml_locations import in_order, located, mapping_of, text_of
from smssim.scenario.fields import CURRENCY, Country, Instant, Int, Name, ScenarioModel
from smssim.scenario.group_tasks import DatedTask, GroupTask
from smssim.scenario.network import Callback, Queue, Route
from smssim.scenario.onboarding import Onboarding, Registration
from smssim.scenario.opening import Opening
from smssim.scenario.policies import PlannedPolicy
from smssim.scenario.promises import Check, Checking
from smssim.scenario.ranges import Range, put, settled
from smssim.scenario.sources import Calls, Traffic
from smssim.scenario.templates import Review, Template
from smssim.scenario.thresholds import Thresholds
from smssim.scenario.validated import file_digest, file_finder, locate, validated
from smssim.scenario.warnings import price_warnings, warnings_of

__all__ = ["Scenario", "Source"]

Source = Traffic | Calls | DatedTask
_NO_RESULTS = {"rng", "checks", "checking"}
"""Fields that make no difference to a run of a given seed."""


class Scenario(ScenarioModel):
    """One planned period of sending: everything `simulate` needs, and nothing it finds out.

    Raise a ScenarioError that lists everything wrong, for any origin of the scenario.
    """

    name: Name = "scenario"
    """What the run is called in reports."""
    start: Instant
    """The first instant of the run; a date is its midnight in UTC."""
    days: Int = Field(default=30, ge=1, le=366)
    """How many days of 24 hours the run lasts."""
    currency: str = Field(default="USD", pattern=CURRENCY)
    """The currency of all prices, as its three letters."""
    account: Account = Account()
    """The account: service mode, rules of packages, money."""
    quota: Quota = Quota()
    """What the account may have, raised by ticket."""
    tickets: tuple[Ticket, ...] = ()
    """Service tickets that are filed, in the order of their numbers."""
    onboarding: Onboarding | None = None
    """The account's way to its first message; without it, the account is ready at the start."""
    applications: tuple[Application, ...] = Field(min_length=1)
    """The account's applications."""
    templates: tuple[Template, ...] = Field(min_length=1)
    """The templates of all applications."""
    review: Review = Review()
    """How templates are reviewed."""
    registrations: dict[Country, Registration] = {}
    """Registrations by country; a country without an entry is registered since long before the
    start, or, with onboarding, as the table of sending rules asks."""
    thresholds: Thresholds = Thresholds()
    """Alarm and limit values by UTC day and month."""
    opening: Opening | None = None
    """The state in which the run begins; a new account's, if nothing is said."""
    packages: tuple[Package, ...] = ()
    """The packages that are bought, once or every month."""
    swings: tuple[Swing, ...] = ()
    """How days differ by chance; sources of traffic name those that they go with."""
    occasions: tuple[Occasion, ...] = ()
    """Promotions, holidays and other dates that bring more or less traffic."""
    traffic: tuple[Traffic, ...] = ()
    """API traffic at mean rates."""
    calls: tuple[Calls, ...] = ()
    """API requests written out one by one."""
    group_tasks: tuple[GroupTask, ...] = ()
    """Tasks of the Group SMS Assistant."""
    routes: dict[Country, Route] = {}
    """Prices, outcomes and delays by country; a country without an entry has the default route."""
    policies: tuple[PlannedPolicy, ...] = ()
    """What the customer's staff do when they are notified: ready-made policies, in their order."""
    queue: Queue = Queue()
    """The queue that accepted messages leave through."""
    callback: Callback = Callback()
    """The customer's server for delivery reports."""
    rng: Annotated[Int, Field(ge=0)] = 1
    """The seed of runs that are not given another."""
    checks: tuple[Check, ...] = ()
    """Promises that the months of this scenario must keep (docs/checks.md)."""
    checking: Checking = Checking()
    """How certain the verdicts of all checks are together."""

    _folder: Path | None = PrivateAttr(default=None)
    _ranges: tuple[Range, ...] = PrivateAttr(default=())
    _tasks: tuple[DatedTask, ...] | None = PrivateAttr(default=None)
    _warnings: tuple[Problem, ...] | None = PrivateAttr(default=None)

    if not TYPE_CHECKING:

        def __init__(self, **data: Any) -> None:
            initialise = super().__init__

            def make(plain: Any) -> Scenario:
                initialise(**plain)
                return self

            _, self._ranges = validated(type(self), data, make, None)

        # Tells pydantic that this is as good as its own, so that validation need not call it.
        __init__.__pydantic_base_init__ = True

    @property
    def start_us(self) -> int:
        """The first instant, microseconds since 1970 UTC."""
        return to_us(self.start)

    @property
    def begin_us(self) -> int:
        """The first instant that is simulated: that of the opening, or the start."""
        at = None if self.opening is None else self.opening.at
        return self.start_us if at is None else to_us(at)

    def is_past(self, us: int) -> bool:
        """Whether what is dated so is over when the run begins."""
        return us <= self.start_us or us < self.begin_us

    @property
    def end_us(self) -> int:
        """The first instant after the run, microseconds since 1970 UTC."""
        return self.start_us + self.days * DAY

    @property
    def end(self) -> datetime:
        """The first instant after the run."""
        return self.start + timedelta(days=self.days)

    @property
    def tasks(self) -> tuple[DatedTask, ...]:
        """All group tasks of the run: one that recurs is one for each of its dates."""
        if self._tasks is None:
            dated = (task.dated(self.start, self.end) for task in self.group_tasks)
            self._tasks = tuple(one for tasks in dated for one in tasks)
        return self._tasks

    @property
    def purchases(self) -> tuple[Package, ...]:
        """All packages that are bought in the run, in file order: one that is renewed is one for
        each month.
        """
        zone = self.account.expiry_zone
        bought = (package for package in self.packages if package.in_force is None)
        dated = (package.dated(self.start, self.end, zone) for package in bought)
        return tuple(one for packages in dated for one in packages)

    @property
    def sources(self) -> tuple[Source, ...]:
        """All sources in the order of their names, which is the order of ties."""
        return tuple(sorted((*self.traffic, *self.calls, *self.tasks), key=lambda s: s.name))

    def template(self, name: str) -> Template:
        """The template of that name."""
        return next(template for template in self.templates if template.name == name)

    def route(self, country: str) -> Route:
        """The route to a country, the default one if the scenario has none."""
        return self.routes.get(country) or Route()

    def expected_messages(self, source: Traffic | Calls) -> float:
        """Expected messages of a source in the run, without resends."""
        if isinstance(source, Calls):
            return source.expected(self.start_us, self.end_us)
        return source.expected(self.start_us, self.end_us, self.occasions)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What the service would refuse or ignore of this scenario, and settings without effect.

        They have lines and columns where the scenario was read from a text; none is an error.
        """
        if self._warnings is None:
            violations = warnings_of(self, file_finder(self._folder))
            self._warnings = tuple(problem_at(path, text, self) for path, text in violations)
        return self._warnings

    def find(self, file: Path) -> Path:
        """Path of a file the scenario names: next to the scenario file or in a folder above."""
        path = locate(file, self._folder or Path())
        if path is None:
            raise ScenarioError(f"file(={file}) was not found next to the scenario or above it")
        return path

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        folder = (info.context or {}).get("folder")
        violations = list(violations_between(self, file_finder(folder)))
        if violations:
            raise ViolationsError(violations)
        self._folder = folder
        return self

    @classmethod
    def model_validate(cls, obj: Any, **how: Any) -> Self:
        """A scenario of plain data."""
        validate = super().model_validate
        folder = (how.get("context") or {}).get("folder")
        scenario, ranges = validated(cls, obj, lambda plain: validate(plain, **how), folder)
        scenario._ranges = ranges or scenario._ranges
        return scenario

    @classmethod
    def of(cls, value: Self | str | Path | Mapping[str, Any]) -> Self:
        """A scenario as it is, of the path of its file, or of plain data as a file would have it.

        Raise a TypeError for anything else, a ScenarioError for what is wrong with a scenario.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls.model_validate(dict(value))
        if isinstance(value, str | Path):
            return cls.load(value)
        kinds = "a Scenario, the path of a YAML file, or a dict of its keys"
        raise TypeError(f"scenario(={type(value).__name__}) must be {kinds}")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a scenario from a YAML 1.2 file."""
        path = Path(path)
        return cls._read(text_of(path), str(path), path.parent)

    @classmethod
    def parse(cls, text: str, where: str = "scenario") -> Self:
        """Read a scenario from YAML 1.2 text; *where* is named in errors."""
        return cls._read(text, where, None)

    @classmethod
    def _read(cls, text: str, file: str, folder: Path | None) -> Self:
        source = mapping_of(text, file)
        problems = list(source.duplicates)
        try:
            scenario = cls.model_validate(source.data, context={"folder": folder})
        except ScenarioError as error:
            problems += [located(problem, source) for problem in error.problems]
        if problems:
            raise ScenarioError(in_order(problems))
        # Located now, for the text may hold a secret and is not stored.
        warnings = (located(problem, source) for problem in scenario.warnings)
        scenario._warnings = tuple(in_order(warnings))
        return scenario

    def to_yaml(self) -> str:
        """This scenario as YAML, defaults left out; `parse` gives an equal one back."""
        from ruamel.yaml import YAML

        out = StringIO()
        yaml: Any = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.sort_base_mapping_type_on_output = False
        yaml.dump(json.loads(self.to_json()), out)
        return out.getvalue()

    def to_json(self) -> str:
        """This scenario as JSON, which is YAML too, defaults left out; `parse` gives an equal one
        back.
        """
        text = self.model_dump_json(exclude_unset=True)
        return json.dumps(self.with_ranges(json.loads(text))) if self._ranges else text

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The numbers that are not known exactly; fields have the middle of each."""
        return self._ranges

    def with_ranges(self, data: dict[str, Any]) -> dict[str, Any]:
        """Plain data of this scenario with its ranges in place of their middles."""
        for one in self._ranges:
            data = put(data, one.steps, one.data)
        return data

    def draws(self, rng: int | None = None, replication: int = 0) -> dict[str, Number]:
        """The values of all ranges, by path, in a replication; *rng* is the scenario's, if None."""
        seed = self.rng if rng is None else rng
        return {one.path: one.draw(seed, replication) for one in self._ranges}

    def fixed(self, values: Mapping[str, Number]) -> Self:
        """This scenario with one number per range, by path, and the middle of those not named.

        Raise a ScenarioError where the values together break a rule, a KeyError for a path that is
        no range.
        """
        if not self._ranges and not values:
            return self
        steps_of = {one.path: one.steps for one in self._ranges}
        by_steps = {steps_of[path]: value for path, value in values.items()}
        data = settled(self.model_dump(exclude_unset=True), self._ranges, by_steps)
        return type(self).model_validate(data, context={"folder": self._folder})

    def digest(self) -> str:
        """A fingerprint of everything that can change a result: 16 hexadecimal digits.

        A group task's file counts by its content, wherever it lies; its name, if it is not there.
        """
        plain = self.with_ranges(self.model_dump(mode="json", exclude=_NO_RESULTS))
        for task, task_data in zip(self.group_tasks, plain["group_tasks"], strict=True):
            task_data["countries"] = list(
                task_data["countries"].items()
            )  # They are sent in this order.
            path = None if task.file is None else locate(task.file, self._folder or Path())
            if path is not None:
                task_data["file"] = file_digest(path)
        canonical = json.dumps(plain, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def change(self, **changes: Any) -> Self:
        """A new scenario with some fields changed, validated again; this one stays as it is.

        Keys are dotted paths: `change(**{"packages.0.segments": 50_000, "days": 10})`. With another
        `start` or `days`, what lies outside the new run is cut, and each cut is a warning.
        """
        plain = self.with_ranges(self.model_dump(exclude_unset=True))
        data, context = changed(type(self), plain, changes), {"folder": self._folder}
        remarks: list[Problem] = []
        if {"start", "days"} & changes.keys():
            data, remarks = cut_to_period(data, self.days)
        scenario = type(self).model_validate(data, context=context)
        remarks += [
            problem_at(path, text, scenario) for path, text in price_warnings(scenario, changes)
        ]
        if remarks:
            scenario._warnings = (*remarks, *scenario.warnings)
        return scenario

    def continued(self, data: Any) -> Self:
        """A scenario of plain data that finds its files where this one does."""
        return type(self).model_validate(data, context={"folder": self._folder})

    def __eq__(self, other: object) -> bool:
        # The folder that a scenario was read from makes no difference.
        return (
            isinstance(other, Scenario)
            and self.__dict__ == other.__dict__
            and set(self._ranges) == set(other._ranges)
        )

    def __hash__(self) -> int:
        return hash(json.dumps(self.model_dump(mode="json"), sort_keys=True))

    def _repr_html_(self) -> str:
        return card_of(self)
