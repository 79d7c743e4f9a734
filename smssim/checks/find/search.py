"""The search for the outermost value at which a promise still holds.

By bisection over the steps between two values, all of which share their random numbers; the curve
shows a promise that does not become easier from one end to the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smssim.checks.check import decided
from smssim.checks.decide import decide
from smssim.checks.evidence import DirectedStatistic
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.run_store import Store
from smssim.experiment.runner import Enough, Execution, Progress
from smssim.scenario import Check, Scenario
from smssim.scenario.promises import promise_of
from smssim.simulation.policies.account_view import Policy
from smssim.stats.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Answer", "Probe", "Promise", "Steps", "search", "searched"]

Steps = Sequence[Any]
Promise = str | Check
"""What must hold: a text such as `runout.any < 0.05` or `p90(cost) < 12000`, or a check."""
_RunUntil = Callable[[Sequence[Design], Enough, int], Experiment]


@dataclass(frozen=True)
class Probe:
    """One value that was tried: the promise's statistic with its interval and its *bound* there,
    and whether it holds, None if *n* runs do not decide.
    """

    value: Any
    n: int
    estimate: float
    low: float
    high: float
    bound: float
    holds: bool | None


@dataclass(frozen=True)
class Answer:
    """The answer: *value* is the outermost one at which the promise certainly holds, None if there
    is none, and *fails* the nearest one at which it certainly does not.

    Between both the runs do not decide, or there is no step. *note* is the answer in words.
    """

    path: str
    promise: Check
    value: Any
    fails: Any
    note: str
    probes: Sequence[Probe]

    @property
    def undecided(self) -> bool:
        """Whether there is no answer because the runs do not decide, not because it never holds."""
        return self.value is None and any(probe.holds is None for probe in self.probes)

    @property
    def curve(self) -> pd.DataFrame:
        """One row per value that was tried, in order: n, the statistic with its interval, the bound
        that it is compared with, holds.
        """
        columns = ["value", "n", "estimate", "low", "high", "bound", "holds"]
        rows = sorted(self.probes, key=lambda probe: probe.value)
        frame = pd.DataFrame([vars(probe) for probe in rows], columns=columns)
        return frame.astype({"holds": "boolean"})

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the curve on Axes: each value that was tried, with the statistic's interval."""
        from smssim.plots import experiments

        rows = sorted(self.probes, key=lambda probe: probe.value)
        intervals = [Interval(row.estimate, row.low, row.high) for row in rows]
        unit = self.promise.unit
        name = f"{self.promise.statistic_name}({self.promise.figure})"
        below = f"{self.path}: all values tried; the dashed line is the promise"
        return experiments.designs(
            [_label(row.value) for row in rows],
            intervals,
            name,
            unit,
            title=self.note,
            below=below,
            bounds=[row.bound for row in rows],
            ax=ax,
        )


def search(
    scenario: Scenario | str | Path,
    path: str,
    steps: Steps,
    promise: Promise | Callable[[Any], Promise],
    *,
    monotone: bool = True,
    confidence: float = 0.95,
    most: int = 1_000,
    policies: Sequence[Policy] = (),
    rng: int | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> Answer:
    """The first of *steps* at which a promise holds: by bisection if it holds from there on, as it
    does where it is *monotone*, else one after the other.

    Each value is run until the promise is decided there (docs/checks.md), at most *most* times;
    *confidence* is that of all answers together, whatever the number of looks and values. The
    scenario's own checks are ignored. Raise a ValueError without steps or for a *confidence*
    that is not between 0 and 1, or if *most* runs can never decide the promise, a ScenarioError
    for what is refused, a ReplicationError if a run fails.
    """
    base = Scenario.of(scenario)
    seed = base.rng if rng is None else rng
    with Execution(executor, workers, store, progress).start(policies, seed) as runner:
        run = runner.run_until
        return searched(base, path, steps, promise, run, monotone, confidence, most)


def searched(
    base: Scenario,
    path: str,
    steps: Steps,
    promise: Promise | Callable[[Any], Promise],
    run: _RunUntil,
    monotone: bool = True,
    confidence: float = 0.95,
    most: int = 1_000,
) -> Answer:
    """`search`, with replications of a design that *run* makes: it is called with the designs,
    when there are enough runs, and how many at most.
    """
    if not len(steps):
        raise ValueError("steps must hold at least one value")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
    most_probes = 2 + 2 * math.ceil(math.log2(len(steps) + 1)) if monotone else len(steps)
    risk = (1 - confidence) / most_probes
    probes: dict[int, Probe] = {}

    def plan_at(index: int) -> Scenario:
        return _with_promise(base, promise(steps[index]) if callable(promise) else promise)

    def probe(index: int) -> bool | None:
        if index not in probes:
            value = steps[index]
            design = Design(plan_at(index).change(**{path: value}), {path: value})
            # As likely to be taken for kept when it is not as the other way round.
            probes[index] = _probe(design, value, risk / 2, most, run)
        return probes[index].holds

    for end in (0, len(steps) - 1):
        _check_runs(plan_at(end).checks[0], risk / 2, most)
    if monotone:
        first = _bisect(len(steps), probe)
    else:
        first = next((index for index in range(len(steps)) if probe(index)), None)
    (check,) = plan_at(len(steps) - 1 if first is None else first).checks
    return _answer(path, check, steps, probes, first)


def _check_runs(check: Check, risk: float, most: int) -> None:
    """Raise a ValueError for a number of runs by which a promise can never be certainly kept."""
    fewest = DirectedStatistic.of(check).fewest_months(risk)
    if most < fewest:
        never = f"{most:,} runs of a value can never decide {check}, even if every month keeps it"
        needed = f"it takes {fewest:,.0f} at least" if fewest < math.inf else "nor can any number"
        raise ValueError(f"{never}: {needed}")


def _with_promise(base: Scenario, promise: Promise) -> Scenario:
    """The scenario with this promise as its only one."""
    check = promise_of(promise) if isinstance(promise, str) else promise.model_dump()
    return base.change(checks=[check])


def _label(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%a} {value.day} {value:%b %H:%M}"
    return f"{value:,}" if isinstance(value, int | float) else f"{value}"


def _bisect(n: int, probe: Callable[[int], bool | None]) -> int | None:
    """The first index that certainly holds, None if the last does not.

    Undecided steps are near the turn, so it is sought from both sides: the last index that
    certainly fails is probed, too.
    """
    if probe(n - 1) is not True:
        return None
    holds = _first(n, lambda index: probe(index) is True)
    _first(holds, lambda index: probe(index) is not False)
    return holds


def _first(n: int, is_so: Callable[[int], bool]) -> int:
    """The first index of *n* from which on it is so; n - 1 is assumed to be."""
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        if is_so(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _probe(design: Design, value: Any, risk: float, most: int, run: _RunUntil) -> Probe:
    (check,) = design.scenario.checks
    verdict = decide(check, np.empty(0), risk, risk)

    def enough(experiment: Experiment, look: int) -> bool:
        nonlocal verdict
        (verdict,) = decided([check], experiment, 0, (risk, risk), most)
        return verdict.settled

    run([design], enough, most)
    holds = {"pass": True, "fail": False}.get(verdict.outcome)
    ends = (verdict.estimate, verdict.low, verdict.high)
    return Probe(value, verdict.runs, *ends, check.bound, holds)


def _answer(
    path: str, promise: Check, steps: Steps, probes: Mapping[int, Probe], first: int | None
) -> Answer:
    failed = [at for at, probe in probes.items() if probe.holds is False]
    fails = steps[max(failed)] if failed else None
    tried = list(probes.values())
    if first is None:
        is_open = any(probe.holds is None for probe in tried)
        note = "undecided" if is_open else "does not hold"
        return Answer(path, promise, None, fails, f"{promise} {note} even at {steps[-1]}", tried)
    turned = [steps[at] for at in failed if at > first]
    if turned:
        note = f"{promise} holds at {steps[first]}, but not at {turned[0]}: it is not monotone"
    elif first == 0:
        note = f"{promise} holds at every value up to {steps[0]}, the first that was asked for"
    elif first - 1 in failed:
        note = f"{promise} holds at {steps[first]} and no longer at {steps[first - 1]}"
    else:
        note = f"{promise} holds at {steps[first]}; nearer the runs do not show"
    return Answer(path, promise, steps[first], fails, note, tried)
