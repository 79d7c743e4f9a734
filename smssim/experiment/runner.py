"""Running an experiment's tasks, a given number of them or until a question is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic

from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.kept import Kept
from smssim.experiment.pool import Pool
from smssim.experiment.precision import BATCH
from smssim.experiment.worker import Result, Task

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
