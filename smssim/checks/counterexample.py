"""A counterexample: one month that breaks a promise, and the command that reproduces it."""

from __future__ import annotations

import math
import pickle
import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from smssim.checks.decide import months_of, values_of, with_never
from smssim.checks.evidence import DirectedStatistic, Values
from smssim.checks.verdict import CheckedScenario, Verdict
from smssim.experiment.pool import packed
from smssim.experiment.worker import Task
from smssim.formatting import moment, number
from smssim.metrics import UNTIL, YES_OR_NO
from smssim.scenario import Check

if TYPE_CHECKING:
    from smssim.record.record import Record

__all__ = ["MAX_EVENTS", "Figure", "Story", "StoryEvent", "counterexample_of"]

MAX_EVENTS = 12
"""Events of a month that its text lists."""
_EVENTS = {
    "run_out": "packages ran out",
    "suspended": "suspended: packages ran out",
    "resumed": "resumed",
    "alarm": "alarm",
    "limit": "limit tripped, sending stopped",
    "country_limit": "country limit tripped",
    "recovered": "limit no longer holds",
    "frozen": "account frozen for arrears",
    "thawed": "account thawed",
}
"""The events of docs/model.md that a story lists, in words."""


@dataclass(frozen=True)
class Figure:
    """A promised figure in one month, NaN if it has none; *breaks* its bound by itself, or not."""

    name: str
    figure: str
    unit: str
    value: float
    breaks: bool

    def __str__(self) -> str:
        text = f"{self.name}: {self.figure} {_amount(self.value, self.unit)}"
        return f"{text}, beyond its bound" if self.breaks else text


@dataclass(frozen=True)
class StoryEvent:
    """An event of the account in a month, its UTC time, and what it is about, "" if nothing."""

    at: datetime
    event: str
    subject: str

    def __str__(self) -> str:
        subject = f" ({self.subject})" if self.subject else ""
        return f"{moment(self.at)}  {_EVENTS[self.event]}{subject}"


@dataclass(frozen=True)
class Story:
    """One month that breaks the promise *name*: replication and seed, the promised figures, and the
    events of the account in order.

    *figures* are all that the scenario promises, that of *name* first; *command* reproduces it.
    """

    name: str
    rng: int
    replication: int
    command: str
    figures: tuple[Figure, ...]
    events: tuple[StoryEvent, ...]

    @property
    def lines(self) -> list[str]:
        """The story as lines of text; times are UTC."""
        events = [str(event) for event in self.events[:MAX_EVENTS]]
        more = len(self.events) - len(events)
        events += [f"... and {more:,} more"] * (more > 0)
        events = events or ["no run-out, alarm, limit or freeze"]
        return [self.command, *map(str, self.figures), *(f"  {line}" for line in events)]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def counterexample_of(checked: CheckedScenario, verdict: Verdict) -> Story | None:
    """A month that breaks a promise, simulated again without its rows; None if none does.

    The first of them where it is a probability or a quantile, a typical one where it is a mean:
    that whose figure is the median of them all.
    """
    from smssim.simulation.simulate import simulate

    replication = _chosen(checked, verdict)
    if replication is None:
        return None
    rng = checked.experiment.rng
    # Policies may have state: this month gets a copy, as every month does.
    policies = pickle.loads(packed(checked.policies)) if checked.policies else ()
    run = simulate(
        checked.scenario, rng=rng, replication=replication, policies=policies, rows=False
    )
    return Story(
        verdict.check.name,
        rng,
        replication,
        _command(checked, rng, replication),
        _figures(checked, verdict, replication),
        _events(run),
    )


def _chosen(checked: CheckedScenario, verdict: Verdict) -> int | None:
    if not verdict.broken:
        return None
    if verdict.check.statistic_name != "mean":
        return verdict.broken[0]
    values = months_of(verdict.check, checked.experiment)
    ordered = sorted(verdict.broken, key=lambda replication: (values[replication], replication))
    return ordered[(len(ordered) - 1) // 2]


def _command(checked: CheckedScenario, rng: int, replication: int) -> str:
    if checked.file is None or checked.policies:
        policies = ", policies=..." if checked.policies else ""
        return f"smssim.simulate(scenario, rng={rng}, replication={replication}{policies})"
    file = shlex.quote(checked.file)
    return f"smssim run {file} --rng {rng} --replication {replication}"


def _figures(checked: CheckedScenario, verdict: Verdict, replication: int) -> tuple[Figure, ...]:
    others = [other for other in checked.verdicts if other.check.name != verdict.check.name]
    figures = checked.experiment.results[Task(0, replication)].figures

    def figure_of(name: str) -> Values:
        return np.array(figures.get(name, math.nan))

    return tuple(
        Figure(
            promised.check.name,
            promised.check.figure,
            checked.unit(promised),
            float(month := values_of(promised.check, figure_of)),
            _breaks(promised.check, month),
        )
        for promised in (verdict, *others)
    )


def _breaks(check: Check, month: Values) -> bool:
    return bool(DirectedStatistic.of(check).breaks(with_never(check, month)))


def _events(run: Record) -> tuple[StoryEvent, ...]:
    events = run.events
    if events is None:
        return ()
    listed = events[events["event"].isin(list(_EVENTS))]
    rows = zip(listed["at"], listed["event"], listed["subject"], strict=True)
    return tuple(StoryEvent(at.to_pydatetime(), event, subject) for at, event, subject in rows)


def _amount(value: float, unit: str) -> str:
    """A figure of a month with its unit; yes or no as such, and what never happened as never."""
    if unit == YES_OR_NO:
        return {0.0: "no", 1.0: "yes"}.get(value, "-")
    if math.isinf(value) or (math.isnan(value) and unit in UNTIL):
        return "never"
    return f"{number(value)} {unit}" if value == value else "has no value"
