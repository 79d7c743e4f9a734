"""A what-if that is studied while one looks: a first month at once, then pair after pair."""

from __future__ import annotations

import json
import math
import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from smssim.checks.check import verdicts_of
from smssim.checks.verdict import Verdict
from smssim.experiment import Comparison, Experiment
from smssim.experiment.comparison import BASE, WHAT_IF
from smssim.experiment.designs import Design
from smssim.experiment.pool import packed
from smssim.experiment.statistics import mean_of
from smssim.experiment.worker import Result, Task, figures_of, promised_in
from smssim.pages.panel.changes import Value
from smssim.pages.panel.controls import controls_of
from smssim.pages.panel.pictures import Seen
from smssim.record.record import Record
from smssim.scenario import Scenario
from smssim.simulation.policies.account_view import Policy
from smssim.simulation.simulate import Run, simulate

__all__ = ["LEAST", "MOST", "Side", "Study"]

LEAST, MOST = 16, 200
"""Pairs of months that are run at least and at most."""
_PRECISION = 0.01
"""How far the difference of the bills may be off, as a share of the base's bill."""
_FIRST_LOOK = 4

Side = Literal["base", "what_if"]
_DESIGNS: dict[Side, int] = {"base": BASE, "what_if": WHAT_IF}


class Study:
    """A base, the what-if that its controls make of it, and the pairs of months run so far.

    Both sides share their random numbers pair by pair, so most of what is chance goes out of the
    difference. Runs of the base are kept when the what-if changes.
    """

    def __init__(self, base: Scenario, policies: Sequence[Policy] = ()) -> None:
        self.base = self.scenario = base
        self.controls = {control.name: control for control in controls_of(base)}
        self.values: dict[str, Value] = {
            name: control.value for name, control in self.controls.items()
        }
        self._policies = packed(policies)
        self._results: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
        self._first: tuple[Run | None, Run | None] = (None, None)
        self._seen: tuple[Seen | None, Seen | None] = (None, None)

    def change(self, values: Mapping[str, Value]) -> None:
        """Make the what-if of values by control name; what is not named stays as it was set.

        Raise a ScenarioError with all that is wrong, a ValueError for a control that there is not
        or a value beyond its range; the what-if is then as before.
        """
        unknown = sorted(set(values) - set(self.controls))
        if unknown:
            raise ValueError(f"values(={unknown}) must be by the names of controls")
        wanted = self.values | dict(values)
        changes = {
            path: value
            for name, control in self.controls.items()
            for path, value in control.changes(wanted[name], wanted).items()
        }
        what_if = self.base.change(**changes) if changes else self.base
        self.values = wanted
        if what_if != self.scenario:
            self.scenario = what_if
            self._results = (self._results[BASE], [])
            self._first, self._seen = (self._first[BASE], None), (self._seen[BASE], None)

    def reset(self) -> None:
        """Make the what-if as the base is."""
        self.change({name: control.value for name, control in self.controls.items()})

    def first(self) -> None:
        """Run replication 0 of both sides and keep its records, without rows."""
        base, what_if = self._first
        if base is None:
            base = self._run(self.base)
            self._results[BASE][:1] = [promised_in(base, self.base)]
        if what_if is None:
            what_if = base if self.scenario == self.base else self._run(self.scenario)
            self._results[WHAT_IF][:1] = [promised_in(what_if, self.scenario)]
        self._first = (base, what_if)

    def refine(self) -> None:
        """Run the next replication of both sides, as far as it is not known."""
        self.first()
        base, what_if = self._results
        number = len(what_if)
        if len(base) == number:
            base.append(self._figures(self.base, number))
        same = self.scenario == self.base
        what_if.append(dict(base[number]) if same else self._figures(self.scenario, number))

    @property
    def records(self) -> tuple[Record, Record]:
        """Replication 0 of the base and of the what-if."""
        self.first()
        base, what_if = self._first
        assert base is not None
        assert what_if is not None
        return base, what_if

    @property
    def seen(self) -> tuple[Seen, Seen]:
        """What of these records is drawn."""
        base, what_if = self.records
        left = self._seen[BASE] or Seen.of(base)
        right = left if what_if is base else self._seen[WHAT_IF] or Seen.of(what_if)
        self._seen = (left, right)
        return left, right

    @property
    def pairs(self) -> int:
        """How many pairs of months are known."""
        return len(self._results[WHAT_IF])

    @property
    def is_look(self) -> bool:
        """Whether so many pairs are worth a new table: 4, 8, 16, ..., and the last of them."""
        n = self.pairs
        return (n >= _FIRST_LOOK and n & (n - 1) == 0) or self.enough

    @property
    def comparison(self) -> Comparison:
        """Base and what-if in the pairs known so far."""
        results = {
            Task(design, number): Result(Task(design, number), figures, "", 0.0)
            for design, months in enumerate(self._results)
            for number, figures in enumerate(months[: self.pairs])
        }
        designs = [Design(self.base, {}), Design(self.scenario, {})]
        return Comparison(Experiment(designs, self.base.rng, results))

    def verdicts(self, side: Side) -> list[Verdict]:
        """What the months known so far tell of the promises of that side, in their order."""
        plan = self.base if side == "base" else self.scenario
        return verdicts_of(plan, self.comparison.experiment, _DESIGNS[side]) if self.pairs else []

    @property
    def enough(self) -> bool:
        """Whether all promises of both sides are decided and the bills' difference is known to 1%
        of the base's bill, or there are 200 pairs.
        """
        if self.pairs < LEAST:
            return False
        return self.pairs >= MOST or (self._cost_is_certain() and self._is_decided())

    def save(self, path: str | Path) -> Path:
        """Write the what-if as YAML that `Scenario.load` reads back, and return where it is.

        Files of group tasks are named so that they are found from there. Raise a ValueError for
        another ending, a FileExistsError rather than overwrite, another OSError if it cannot be
        written.
        """
        file = Path(path)
        if file.suffix.lower() not in (".yaml", ".yml"):
            raise ValueError(f"path(={str(path)!r}) must end in .yaml")
        text = self._seen_from(file.parent).to_yaml()
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
        return file

    def _seen_from(self, folder: Path) -> Scenario:
        """The what-if with its files named, and looked for, from another folder."""
        data = json.loads(self.scenario.to_json())
        for i, task in enumerate(self.scenario.group_tasks):
            if task.file is not None:
                there = os.path.relpath(self.scenario.find(task.file).resolve(), folder.resolve())
                data["group_tasks"][i]["file"] = Path(there).as_posix()
        return Scenario.model_validate(data, context={"folder": folder})

    def _run(self, scenario: Scenario, number: int = 0) -> Run:
        return simulate(scenario, replication=number, policies=self._fresh_policies(), rows=False)

    def _figures(self, scenario: Scenario, number: int) -> dict[str, float]:
        return figures_of(scenario, scenario.rng, number, self._fresh_policies())

    def _fresh_policies(self) -> Sequence[Policy]:
        """Policies may remember things: each run gets its own."""
        policies: Sequence[Policy] = pickle.loads(self._policies) if self._policies else ()
        return policies

    def _cost_is_certain(self) -> bool:
        base, what_if = self.comparison.pairs("cost")
        if len(base) < 2:
            return True  # No money is known, and more months do not show it.
        mean = mean_of(what_if - base)
        return math.isfinite(mean.high) and mean.high - mean.low <= 2 * _PRECISION * abs(
            base.mean()
        )

    def _is_decided(self) -> bool:
        sides: tuple[Side, ...] = ("base", "what_if")
        return all(verdict.settled for side in sides for verdict in self.verdicts(side))
