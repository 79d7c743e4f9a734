"""The verbs of experiments: replicate a scenario, sweep over designs, compare two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pandas as pd

from smssim.experiment.comparison import Comparison
from smssim.experiment.designs import Design, designs_of
from smssim.experiment.experiment import Experiment
from smssim.experiment.run_store import Store
from smssim.experiment.runner import Execution, Precision, PrecisionGoal, Progress, tasks_of
from smssim.scenario import Scenario
from smssim.simulation.policies.account_view import Policy

__all__ = ["compare", "replicate", "sweep"]

_RUNS = 200
"""Replications where neither a number nor a precision is requested."""


def replicate(
    scenario: Scenario | str | Path,
    n: int | None = None,
    *,
    precision: Precision | None = None,
    metric: str = "cost",
    most: int = 10_000,
    confidence: float = 0.95,
    policies: Sequence[Policy] = (),
    rng: int | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> Experiment:
    """Run *n* replications of a scenario, or the file of one; 200 by default.

    With *precision* instead, as many as it takes until the mean of *metric* is that precise
    (relative, or `Absolute`, or several by figure), but no more than *most*.

    The result depends only on the scenario, *policies* and *rng* (the scenario's, if None), not on
    *workers* or *executor*, any of `concurrent.futures`. Runs that are in the *store*, a directory,
    are not run again. A run that fails is a row with its error. Raise a RunsInterrupted, which
    holds what is done, when the user interrupts it.
    """
    designs = [Design(Scenario.of(scenario), {})]
    seed = _seed(designs[0].scenario, rng)
    with Execution(executor, workers, store, progress).start(policies, seed) as runner:
        if n is None and precision is not None:
            goal = PrecisionGoal.of(precision, metric, confidence)

            def enough(runs: Experiment, look: int) -> bool:
                values = {name: runs.values(name, drop_missing=True) for name in goal.figures}
                return goal.met(values, look)

            return runner.run_until(designs, enough, most)
        return runner.run_all(designs, tasks_of(1, _RUNS if n is None else n))


def sweep(
    scenario: Scenario | str | Path,
    designs: Mapping[str, Sequence[Any]] | pd.DataFrame,
    n: int = 100,
    *,
    policies: Sequence[Policy] = (),
    rng: int | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> Experiment:
    """Run *n* replications of every design: each combination of the values by path, or a row of a
    frame whose columns are paths.

    All designs share their random numbers, replication by replication. Else as `replicate`.
    """
    base = Scenario.of(scenario)
    points, seed = designs_of(base, designs), _seed(base, rng)
    with Execution(executor, workers, store, progress).start(policies, seed) as runner:
        return runner.run_all(points, tasks_of(len(points), n))


def compare(
    base: Scenario | str | Path,
    what_if: Scenario | str | Path | Mapping[str, Any],
    n: int | None = None,
    *,
    precision: Precision = 0.02,
    metric: str = "cost",
    most: int = 10_000,
    confidence: float = 0.95,
    policies: Sequence[Policy] = (),
    rng: int | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare a scenario with a what-if, another one or changes by path, in paired replications.

    Both share their random numbers, so that most of the chance is in both and cancels in the
    difference. Exactly *n* pairs are run; without *n*, as many as it takes until the mean
    difference of *metric* has the *precision* (relative to the base's mean, or `Absolute`, or
    several by figure), but no more than *most*. Else as `replicate`.
    """
    first = Scenario.of(base)
    designs = [Design(first, {}), _what_if(first, what_if)]
    goal, seed = PrecisionGoal.of(precision, metric, confidence), _seed(first, rng)
    with Execution(executor, workers, store, progress).start(policies, seed) as runner:
        if n is not None:
            return Comparison(runner.run_all(designs, tasks_of(2, n)))

        def enough(runs: Experiment, look: int) -> bool:
            pairs = {name: Comparison(runs).pairs(name) for name in goal.figures}
            means = {name: float(base.mean()) for name, (base, _) in pairs.items() if len(base)}
            return goal.met({n: other - base for n, (base, other) in pairs.items()}, look, means)

        return Comparison(runner.run_until(designs, enough, most))


def _seed(scenario: Scenario, rng: int | None) -> int:
    return scenario.rng if rng is None else rng


def _what_if(base: Scenario, what_if: Scenario | str | Path | Mapping[str, Any]) -> Design:
    if isinstance(what_if, Mapping):
        return Design(base.change(**what_if), what_if)
    return Design(Scenario.of(what_if), {})
