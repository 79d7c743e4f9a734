"""Running an experiment's tasks, a given number of them or until a question is answered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
import numpy.typing as npt

from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.pool import Pool
from smssim.experiment.store import Kept
from smssim.experiment.worker import Result, Task
from smssim.stats.intervals import mean_interval

# When there are enough runs: intervals as narrow as asked for, however often one looks.

BATCH = 32
"""Replications added between two looks."""
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Absolute:
    """A half width in the figure's own unit."""

    half_width: float


Precision = float | Absolute | Mapping[str, float | Absolute]
"""A half width relative to the mean, or in the figure's unit; for several figures by name."""


@dataclass(frozen=True)
class Wanted:
    """The precision asked for, by figure, and the confidence that all intervals keep together."""

    figures: Mapping[str, float | Absolute]
    confidence: float

    @classmethod
    def of(cls, precision: Precision, figure: str, confidence: float) -> Wanted:
        """A plain number is meant for *figure*. Raise a ValueError for one that is not above 0."""
        asked = dict(precision) if isinstance(precision, Mapping) else {figure: precision}
        for name, value in asked.items():
            number = value.half_width if isinstance(value, Absolute) else value
            if not 0 < number < math.inf:
                raise ValueError(f"precision[{name!r}](={number}) must be > 0 and finite")
        if not 0 < confidence < 1:
            raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
        return cls(asked, confidence)

    def met(
        self, known: Mapping[str, Values], look: int, of: Mapping[str, float] | None = None
    ) -> bool:
        """Whether the means of all figures are known as precisely as asked, at that look.

        *known* are their values over runs, *of* what relative precisions are relative to: the
        means themselves if None.
        """
        risk = (1 - at_look(look, self.confidence)) / len(self.figures)
        scale = of or {}
        return all(
            _is_precise(known[name], asked, 1 - risk, scale.get(name))
            for name, asked in self.figures.items()
        )


def at_look(look: int, confidence: float) -> float:
    """The confidence of look number *look*, from 1, such that all looks keep *confidence*."""
    return 1 - (1 - confidence) * 6 / (math.pi * look) ** 2


def _is_precise(
    values: Values, precision: float | Absolute, confidence: float, of: float | None
) -> bool:
    """Whether a mean is known well enough.

    A figure that was 0 in all runs has no relative width. As a yes or no it is then below 3 / n
    by the rule of three (Hanley and Lippman-Hand, JAMA 249, 1983), which an absolute one is held
    against.
    """
    if len(values) < 2:
        return False
    if not values.any():
        return not isinstance(precision, Absolute) or 3 / len(values) <= precision.half_width
    found = mean_interval(values, confidence)
    half = (found.high - found.low) / 2
    if isinstance(precision, Absolute):
        return half <= precision.half_width
    return half <= precision * abs(found.estimate if of is None else of)


Progress = Callable[[int, int, float], None]
"""Called with (runs done, runs in all, seconds left) whenever a run is done."""
Enough = Callable[[Experiment, int], bool]
"""Whether an experiment answers its question, at the look of that number, from 1."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in an experiment; `experiment` holds the runs that were done."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(f"{len(experiment.results)} runs were done")
        self.experiment = experiment


def tasks_of(designs: int, n: int, first: int = 0) -> list[Task]:
    """*n* replications from number *first* on of each design. Raise a ValueError unless n > 0."""
    if n < 1:
        raise ValueError(f"n(={n}) must be >= 1")
    return [Task(design, k) for design in range(designs) for k in range(first, first + n)]


def run_all(
    designs: Sequence[Design],
    tasks: Iterable[Task],
    pool: Pool,
    kept: Kept,
    progress: Progress | None = None,
    known: Mapping[Task, Result] | None = None,
) -> Experiment:
    """Run the tasks that are neither *known* nor *kept*; put them beside those that are.

    Raise an Interrupted, with what is done, on Ctrl-C.
    """
    results = dict(known or {})
    missing = [task for task in tasks if task not in results]
    results |= kept.find(missing, designs)
    missing = [task for task in missing if task not in results]
    scenarios = {n: design.scenario for n, design in enumerate(designs)}
    begun = monotonic()
    try:
        for done, result in enumerate(pool.results(missing, scenarios), 1):
            results[result.task] = result
            kept.keep(result, designs)
            if progress is not None:
                left_s = (monotonic() - begun) / done * (len(missing) - done)
                progress(done, len(missing), left_s)
    except KeyboardInterrupt:
        raise Interrupted(Experiment(designs, pool.rng, results)) from None
    finally:
        kept.close()
    return Experiment(designs, pool.rng, results)


def run_until(
    designs: Sequence[Design],
    enough: Enough,
    most: int,
    pool: Pool,
    kept: Kept,
    progress: Progress | None = None,
    first: int = BATCH,
    growth: float = 0.0,
) -> Experiment:
    """Run batches of replications until there are *enough*, or *most* of each design.

    A batch is as large as the *first*, or if that is more, that part *growth* of what is done.
    """
    number = len(designs)
    found, done, look = Experiment(designs, pool.rng), 0, 0
    while done < most:
        batch = min(max(first, int(growth * done)), most - done)
        found = run_all(designs, tasks_of(number, batch, done), pool, kept, progress, found.results)
        done, look = done + batch, look + 1
        if enough(found, look):
            break
    return found
