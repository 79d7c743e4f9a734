"""The risk of a date: how often a template is not usable at its launch.

Reviews, registrations and the account's steps depend on no message, so their whole timeline follows
without simulating one, and a thousand replications of every hour of a month take seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from smssim.calendars import HOUR, to_us
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.runner import BATCH, Enough
from smssim.experiment.worker import Result, Task
from smssim.scenario import Scenario, destinations
from smssim.simulation.setup.review import setup_timeline
from smssim.stats.intervals import wilson
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["USABLE_HOURS", "launch_risk", "moment", "review_runs", "template_index"]

USABLE_HOURS = "review.usable_hours"
"""The metric that decides when a template is handed in."""


def launch_risk(
    scenario: Scenario | str | Path,
    template: str,
    launch: datetime | str,
    times: Iterable[datetime],
    *,
    path: str | None = None,
    n: int = 1_000,
    rng: int | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How likely a template is not ready at *launch*, for each moment at which it is handed in.

    It is ready when it is usable, and every country it goes to is registered where that is
    needed. *times* are values of *path*, by default the template's `submitted`; with another path,
    `onboarding.begins` for example, the risk is that of beginning then. Moments without a zone are
    UTC. One row per time: `at` (UTC), `n` replications, `late` (how many were not ready), `risk`
    (their share) and its Wilson interval `low`, `high`. All times share their random numbers,
    which are those of `simulate` with the same *rng* (the scenario's, if None) and replication;
    what policies would do is left out. Raise a ValueError for a template that is not there, no
    time, or *n* below 1, a ScenarioError for a time that the scenario refuses.
    """
    base = Scenario.of(scenario)
    default = f"templates.{template_index(base, template)}.submitted"
    path = default if path is None else path
    launch_us = to_us(moment(launch))
    if n < 1:
        raise ValueError(f"n(={n}) must be >= 1")
    seed = base.rng if rng is None else rng
    rows = []
    for at in times:
        plan = base.change(**{path: at})
        goes_to = destinations(plan)[template]
        ready = (_ready_us(plan, template, goes_to, KeyedRandom(seed, k)) for k in range(n))
        late = sum(us is None or us > launch_us for us in ready)
        rows.append((at, n, late, late / n, *wilson(late, n, confidence)[1:]))
    if not rows:
        raise ValueError("times must hold at least one moment")
    frame = pd.DataFrame(rows, columns=["at", "n", "late", "risk", "low", "high"])
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True))


def moment(time: datetime | str) -> datetime:
    """A moment, which may be an ISO 8601 text."""
    return datetime.fromisoformat(time) if isinstance(time, str) else time


def template_index(scenario: Scenario, template: str) -> int:
    """The index of a template in the scenario. Raise a ValueError if it is not there."""
    names = [one.name for one in scenario.templates]
    if template not in names:
        raise ValueError(f"template(={template!r}) must be one of {', '.join(names)}")
    return names.index(template)


def review_runs(
    designs: Sequence[Design], enough: Enough, most: int, *, template: str, rng: int
) -> Experiment:
    """Replications of one design with the USABLE_HOURS of a template, which is handed in at a
    given moment, and no other figure: no message is simulated. Else as
    `smssim.experiment.runner.Runner.run_until`.
    """
    (design,) = designs
    submitted = design.scenario.template(template).submitted
    assert submitted is not None
    figure = f"{USABLE_HOURS}[{template}]"
    results: dict[Task, Result] = {}
    runs, look = Experiment(designs, rng), 0
    while len(results) < most:
        for k in range(len(results), min(most, len(results) + BATCH)):
            timeline = setup_timeline(design.scenario, KeyedRandom(rng, k))
            us = timeline.usable_us(template, design.scenario.start_us)
            hours = math.nan if us is None else (us - to_us(submitted)) / HOUR
            results[Task(0, k)] = Result(Task(0, k), {figure: hours}, "", 0.0)
        runs, look = Experiment(designs, rng, dict(results)), look + 1
        if enough(runs, look):
            break
    return runs


def _ready_us(
    scenario: Scenario, template: str, goes_to: Iterable[str], random: KeyedRandom
) -> int | None:
    """When a template is usable for all its countries; None is never."""
    timeline = setup_timeline(scenario, random)
    needed = [timeline.usable_us(template, scenario.start_us)]
    needed += [timeline.registered_us[c] for c in goes_to if c in timeline.registered_us]
    times = [us for us in needed if us is not None]
    return max(times) if len(times) == len(needed) else None
