"""A worker: it runs replications of designs and sends back their figures, never their rows.

A failed run is a result as well: it has the reason, and stops nothing.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from smssim.experiment.statistics import metric_of
from smssim.record.record import Record
from smssim.report.kpis import Where, kpi, kpis
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate

__all__ = [
    "Job",
    "Result",
    "Task",
    "figures_in",
    "figures_of",
    "parts_of",
    "promised_in",
    "run_job",
]


class Task(NamedTuple):
    """One run to make: the number of its design and of its replication, from 0."""

    design: int
    replication: int


class Result(NamedTuple):
    """The outcome of one task: its figures by name, or why it failed; *seconds* of CPU time."""

    task: Task
    figures: dict[str, float]
    error: str
    seconds: float


@dataclass(frozen=True)
class Job:
    """Some tasks with all that it takes to run them, pickled: scenarios by design; policies by
    cloudpickle, so that they may have been written in a notebook's cell.
    """

    tasks: Sequence[Task]
    scenarios: Mapping[int, bytes]
    policies: bytes
    rng: int


def run_job(job: Job) -> list[Result]:
    """Run all tasks of a job, in order; no error of a run is raised, but for an interrupt."""
    return [_run(task, job) for task in job.tasks]


def figures_of(scenario: Scenario, rng: int, replication: int, policies: Any) -> dict[str, float]:
    """The figures of one run: `metric`, or `metric[subject]` where a metric has subjects; and of
    the parts of the month that the scenario's own checks are about.
    """
    run = simulate(scenario, rng=rng, replication=replication, policies=policies, rows=False)
    return promised_in(run, scenario)


def promised_in(run: Record, scenario: Scenario) -> dict[str, float]:
    """The figures of a run of a scenario, and those of the parts that its checks are about."""
    figures = figures_in(run)
    for figure, where in parts_of(scenario).items():
        if figure not in figures:
            figures[figure] = kpi(run, metric_of(figure), where)
    return figures


def figures_in(record: Record) -> dict[str, float]:
    """The figures of a record, simulated or read from a log, by the same names."""
    frame = kpis(record)
    columns = (frame[name].to_list() for name in ("name", "of", "value"))
    return {
        f"{name}[{of}]" if of else name: float(value)
        for name, of, value in zip(*columns, strict=True)
    }


def parts_of(scenario: Scenario) -> dict[str, Where]:
    """The figures of parts of the month that a scenario's checks are about, and where those are."""
    measures = (measure for check in scenario.checks for measure in check.measures)
    return {measure.figure: measure.selection for measure in measures if measure.selection}


def _run(task: Task, job: Job) -> Result:
    begun = time.process_time()
    figures: dict[str, float] = {}
    error = ""
    try:
        scenario = _scenario(job.scenarios[task.design])
        # Policies may remember things: each run gets its own, as if it were the only one.
        figures = figures_of(scenario, job.rng, task.replication, _policies(job.policies))
    except KeyboardInterrupt:
        raise
    except BaseException as failure:
        # A policy may call sys.exit: that ends its run alone.
        error = f"{type(failure).__name__}: {failure}"
    return Result(task, figures, error, time.process_time() - begun)


@lru_cache(maxsize=32)
def _scenario(packed: bytes) -> Scenario:
    scenario: Scenario = pickle.loads(packed)
    return scenario


def _policies(packed: bytes) -> Any:
    return pickle.loads(packed) if packed else ()
