"""Running an experiment's tasks, a fixed number of them or until a question is answered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.pool import Pool
from smssim.experiment.run_store import Store, StoredRuns
from smssim.experiment.statistics import Values
from smssim.experiment.worker import Result, Task
from smssim.simulation.policies.account_view import Policy
from smssim.stats.intervals import mean_interval

__all__ = [
    "BATCH",
    "Absolute",
    "Enough",
    "Execution",
    "Precision",
    "PrecisionGoal",
    "Progress",
    "Runner",
    "RunsInterrupted",
    "at_look",
    "tasks_of",
]

_MAX_RUNS = 1_000_000
"""Runs of one experiment: more would not fit into memory."""
BATCH = 32
"""Replications added between two looks."""
Progress = Callable[[int, int, float], None]
"""Called with (runs done, runs in all, seconds left) whenever a run is done."""
Enough = Callable[[Experiment, int], bool]
"""Whether an experiment answers its question, at the look of that number, from 1."""


@dataclass(frozen=True)
class Absolute:
    """A half width in the figure's own unit."""

    half_width: float


Precision = float | Absolute | Mapping[str, float | Absolute]
"""A half width relative to the mean, or in the figure's unit; for several figures by name."""


@dataclass(frozen=True)
class PrecisionGoal:
    """The precision requested, by figure, and the confidence that all intervals have together."""

    figures: Mapping[str, float | Absolute]
    confidence: float

    @classmethod
    def of(cls, precision: Precision, figure: str, confidence: float) -> PrecisionGoal:
        """A plain number is meant for *figure*. Raise a ValueError for one that is not above 0."""
        widths = dict(precision) if isinstance(precision, Mapping) else {figure: precision}
        for name, value in widths.items():
            number = value.half_width if isinstance(value, Absolute) else value
            if not 0 < number < math.inf:
                raise ValueError(f"precision[{name!r}](={number}) must be > 0 and finite")
        if not 0 < confidence < 1:
            raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
        return cls(widths, confidence)

    def met(
        self, values: Mapping[str, Values], look: int, of: Mapping[str, float] | None = None
    ) -> bool:
        """Whether the means of all figures are as precise as requested, at that look.

        *values* are those of the figures over runs, *of* what relative precisions are relative to:
        the means themselves if None.
        """
        risk = (1 - at_look(look, self.confidence)) / len(self.figures)
        scale = of or {}
        return all(
            _is_precise(values[name], width, 1 - risk, scale.get(name))
            for name, width in self.figures.items()
        )


def at_look(look: int, confidence: float) -> float:
    """The confidence of look number *look*, from 1, such that all looks keep *confidence*."""
    return 1 - (1 - confidence) * 6 / (math.pi * look) ** 2


def _is_precise(
    values: Values, precision: float | Absolute, confidence: float, of: float | None
) -> bool:
    """Whether a mean is precise enough.

    A figure that was 0 in all runs has no relative width. As a yes or no it is then below 3 / n
    by the rule of three (Hanley and Lippman-Hand, JAMA 249, 1983), which an absolute one is held
    against.
    """
    if len(values) < 2:
        return False
    if not values.any():
        return not isinstance(precision, Absolute) or 3 / len(values) <= precision.half_width
    interval = mean_interval(values, confidence)
    half = (interval.high - interval.low) / 2
    if isinstance(precision, Absolute):
        return half <= precision.half_width
    return half <= precision * abs(interval.estimate if of is None else of)


class RunsInterrupted(KeyboardInterrupt):
    """Ctrl-C in an experiment; `experiment` holds the runs that were done."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(f"{len(experiment.results)} runs were done")
        self.experiment = experiment


@dataclass(frozen=True)
class Execution:
    """How runs are executed: the options that all verbs share. They change no figure."""

    executor: Executor | None = None
    workers: int | None = None
    store: Store | str | Path | None = None
    progress: Progress | None = None

    def start(self, policies: Sequence[Policy], rng: int) -> Runner:
        """A context that runs replications with these policies and that seed."""
        stored = StoredRuns(self.store, policies, rng)
        pool = Pool(policies, rng, executor=self.executor, workers=self.workers)
        return Runner(pool, stored, self.progress)


class Runner:
    """Runs tasks in a pool, but for those that a store has; a context that ends the pool."""

    def __init__(self, pool: Pool, stored: StoredRuns, progress: Progress | None) -> None:
        self._pool, self._stored, self._progress = pool, stored, progress

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.close()

    def run_all(
        self,
        designs: Sequence[Design],
        tasks: Iterable[Task],
        results: Mapping[Task, Result] | None = None,
    ) -> Experiment:
        """Run the tasks that are neither among the *results* nor stored, and add those that are.

        Raise a RunsInterrupted, with what is done, on Ctrl-C.
        """
        done = dict(results or {})
        missing = [task for task in tasks if task not in done]
        done |= self._stored.find(missing, designs)
        missing = [task for task in missing if task not in done]
        scenarios = {n: design.scenario for n, design in enumerate(designs)}
        begun = monotonic()
        try:
            for number, result in enumerate(self._pool.results(missing, scenarios), 1):
                done[result.task] = result
                self._stored.keep(result, designs)
                if self._progress is not None:
                    left_s = (monotonic() - begun) / number * (len(missing) - number)
                    self._progress(number, len(missing), left_s)
        except KeyboardInterrupt:
            raise RunsInterrupted(Experiment(designs, self._pool.rng, done)) from None
        finally:
            self._stored.close()
        return Experiment(designs, self._pool.rng, done)

    def run_until(
        self,
        designs: Sequence[Design],
        enough: Enough,
        most: int,
        first: int = BATCH,
        growth: float = 0.0,
    ) -> Experiment:
        """Run batches of replications until there are *enough*, or *most* of each design.

        A batch is as large as the *first* or, if that is more, the share *growth* of what is done.
        """
        if not 0 < most <= _MAX_RUNS:
            raise ValueError(f"most(={most}) must be >= 1 and <= {_MAX_RUNS:,}")
        experiment, done, look = Experiment(designs, self._pool.rng), 0, 0
        while done < most:
            batch = min(max(first, int(growth * done)), most - done)
            tasks = tasks_of(len(designs), batch, done)
            experiment = self.run_all(designs, tasks, experiment.results)
            done, look = done + batch, look + 1
            if enough(experiment, look):
                break
        return experiment


def tasks_of(designs: int, n: int, first: int = 0) -> list[Task]:
    """*n* replications from number *first* on of each design. Raise a ValueError unless n > 0, or
    if these are more than 1,000,000 in all.
    """
    if n < 1:
        raise ValueError(f"n(={n}) must be >= 1")
    if designs * n > _MAX_RUNS:
        many = f" for each of {designs:,} designs" if designs > 1 else ""
        raise ValueError(f"n(={n}) must make {_MAX_RUNS:,} runs at most{many}")
    return [Task(design, k) for design in range(designs) for k in range(first, first + n)]
