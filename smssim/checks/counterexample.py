"""The story of one month that breaks a promise: how to make it again, and what happened in it."""

from __future__ import annotations

import math
import pickle
import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from smssim.checks.decide import with_never
from smssim.checks.evidence import Side
from smssim.checks.text import amount
from smssim.experiment.pool import packed
from smssim.experiment.worker import Task
from smssim.formatting import moment
from smssim.scenario import Check

if TYPE_CHECKING:
    from smssim.checks.verdict import Checked, Verdict
    from smssim.record.record import Record

MOST = 12
"""Happenings of a month that its text tells."""
TOLD = {
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
"""The events of docs/model.md that a story tells, in words."""


@dataclass(frozen=True)
class Figure:
    """A promised figure in one month, NaN if it has none; *breaks* its bound by itself, or not."""

    name: str
    figure: str
    unit: str
    value: float
    breaks: bool

    def __str__(self) -> str:
        told = f"{self.name}: {self.figure} {amount(self.value, self.unit)}"
        return f"{told}, beyond its bound" if self.breaks else told


@dataclass(frozen=True)
class Happening:
    """An event of the account in a month, its UTC time, and what it is about, "" if nothing."""

    at: datetime
    event: str
    subject: str

    def __str__(self) -> str:
        subject = f" ({self.subject})" if self.subject else ""
        return f"{moment(self.at)}  {TOLD[self.event]}{subject}"


@dataclass(frozen=True)
class Story:
    """One month that breaks the promise *name*: replication and seed, what was promised, and what
    happened, in order.

    *figures* are all that the scenario promises, that of *name* first. *command* makes it again.
    """

    name: str
    rng: int
    replication: int
    command: str
    figures: tuple[Figure, ...]
    happenings: tuple[Happening, ...]

    @property
    def lines(self) -> list[str]:
        """The story as lines of text; times are UTC."""
        told = [str(own) for own in self.happenings[:MOST]]
        more = len(self.happenings) - len(told)
        told += [f"... and {more:,} more"] * (more > 0)
        told = told or ["no run-out, alarm, limit or freeze"]
        return [self.command, *map(str, self.figures), *(f"  {line}" for line in told)]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def story(checked: Checked, verdict: Verdict) -> Story | None:
    """A month that breaks a promise, simulated again without its rows; None if none does.

    The first of them where it is a probability or a quantile, a typical one where it is a mean:
    that whose figure is the median of them all.
    """
    from smssim.simulation.simulate import simulate

    replication = _chosen(checked, verdict)
    if replication is None:
        return None
    rng = checked.experiment.rng
    # Policies may remember things: this month gets its own, as every month does.
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
        _happenings(run),
    )


def _chosen(checked: Checked, verdict: Verdict) -> int | None:
    if not verdict.broken:
        return None
    if verdict.check.statistic_name != "mean":
        return verdict.broken[0]
    known = checked.experiment.by_replication(verdict.check.figure)
    ordered = sorted(verdict.broken, key=lambda replication: (known[replication], replication))
    return ordered[(len(ordered) - 1) // 2]


def _command(checked: Checked, rng: int, replication: int) -> str:
    if checked.file is None or checked.policies:
        policies = ", policies=..." if checked.policies else ""
        return f"smssim.simulate(scenario, rng={rng}, replication={replication}{policies})"
    file = shlex.quote(checked.file)
    return f"smssim run {file} --rng {rng} --replication {replication}"


def _figures(checked: Checked, verdict: Verdict, replication: int) -> tuple[Figure, ...]:
    others = [own for own in checked.verdicts if own.check.name != verdict.check.name]
    found = checked.experiment.results[Task(0, replication)].figures
    return tuple(
        Figure(
            own.check.name,
            own.check.figure,
            checked.unit(own),
            value := found.get(own.check.figure, math.nan),
            _breaks(own.check, value),
        )
        for own in (verdict, *others)
    )


def _breaks(check: Check, value: float) -> bool:
    month = with_never(check, np.array([value]))
    return bool(Side.of(check).breaks(month)[0])


def _happenings(run: Record) -> tuple[Happening, ...]:
    events = run.events
    if events is None:
        return ()
    told = events[events["event"].isin(list(TOLD))]
    rows = zip(told["at"], told["event"], told["subject"], strict=True)
    return tuple(Happening(at.to_pydatetime(), event, subject) for at, event, subject in rows)
