"""`uncertainty`: runs that show how much of an answer is chance, and how much is not known.

docs/experiments.md, section 6, is the specification.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pandas as pd

from smssim.experiment.designs import Design, designs_of
from smssim.experiment.run_store import Store
from smssim.experiment.runner import Execution, Progress
from smssim.experiment.statistics import metric_of
from smssim.experiment.unknowns import CHANCE, Uncertainty
from smssim.experiment.worker import Task
from smssim.metrics import METRICS
from smssim.scenario import Scenario, ScenarioError
from smssim.simulation.policies.account_view import Policy

__all__ = ["uncertainty"]

_LEAST_SAMPLES = 40


def uncertainty(
    scenario: Scenario | str | Path,
    metrics: str | Sequence[str] = ("cost",),
    n: int = 200,
    *,
    designs: Mapping[str, Sequence[Any]] | pd.DataFrame | None = None,
    loss: Mapping[str, float] | None = None,
    policies: Sequence[Policy] = (),
    rng: int | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> Uncertainty:
    """How much of each metric is chance, and how much is due to each range of a scenario.

    *n* samples are made of *n* runs for the scenario, as many for chance, and as many for each
    range. With *designs*, as `sweep` takes them, they are made of each, in the same months, and
    `worth` has what it is worth to know each unknown before one of them is chosen; *loss* is what
    is lost, in the scenario's currency per unit of each metric: the cost, if None. Else as
    `replicate`. Raise a ValueError for a scenario without ranges, fewer than 40 samples, or an
    unknown metric.
    """
    base = Scenario.of(scenario)
    points = [Design(base, {})] if designs is None else designs_of(base, designs)
    weights = {"cost": 1.0} if loss is None else dict(loss)
    figures = tuple(dict.fromkeys([metrics] if isinstance(metrics, str) else metrics))
    for name in (*figures, *weights):
        if metric_of(name) not in METRICS:
            raise ValueError(f"metrics and loss must name smssim.metrics, not {name!r}")
    if n < _LEAST_SAMPLES:
        raise ValueError(f"n(={n}) must be >= {_LEAST_SAMPLES}")
    for point in points:
        if not point.scenario.ranges:
            raise ValueError(f"the scenario {point.scenario.name!r} must have a range")
    seed = base.rng if rng is None else rng
    made, tasks = list(points), [Task(d, i) for d in range(len(points)) for i in range(n)]
    samples: dict[tuple[int, str], list[Task | None]] = {}
    for d, point in enumerate(points):
        for name, i, fixed, replication in _variants(point.scenario, seed, n):
            task = None if fixed is None else Task(len(made), replication)
            samples.setdefault((d, name), [None] * n)[i] = task
            if fixed is not None and task is not None:
                made.append(Design(fixed, {}))
                tasks.append(task)
    with Execution(executor, workers, store, progress).start(policies, seed) as runner:
        experiment = runner.run_all(made, tasks)
    for name in (*figures, *weights):
        experiment.values(name)  # Raises what is known of a figure that no run has.
    return Uncertainty(tuple(points), figures, weights, experiment, samples, n)


def _variants(
    scenario: Scenario, seed: int, n: int
) -> Iterator[tuple[str, int, Scenario | None, int]]:
    """Each sample with chance, and each range, drawn anew: its scenario and replication.

    The second draws are those of the replications from n on. Without a scenario where the draws
    together break a rule.
    """
    for i in range(n):
        first, second = scenario.draws(seed, i), scenario.draws(seed, n + i)
        yield CHANCE, i, _fixed(scenario, first), n + i
        for path, value in second.items():
            yield path, i, _fixed(scenario, first | {path: value}), i


def _fixed(scenario: Scenario, values: Mapping[str, float]) -> Scenario | None:
    try:
        return scenario.fixed(values)
    except ScenarioError:
        return None
