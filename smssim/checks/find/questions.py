"""Inverse questions: what a value may be at most, or must be at least, for a promise to hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from smssim.checks.find.launch import USABLE_HOURS, moment, review_runs, template_index
from smssim.checks.find.search import Answer, Promise, search, searched
from smssim.scenario import Check, Scenario, Where

__all__ = [
    "highest_limit",
    "largest",
    "latest_submission",
    "lowest_throughput",
    "smallest",
    "smallest_package",
]

_MAX_STEPS = 1_000_000
"""Values between which a search decides at most."""
_MAX_TIMES = 100_000
"""Times of handing in that are tried one after the other at most."""


def smallest(
    scenario: Scenario | str | Path,
    path: str,
    low: float,
    high: float,
    holds: Promise,
    *,
    step: float = 1,
    **options: Any,
) -> Answer:
    """The smallest value of *path* between *low* and *high*, in steps, at which a promise holds.

    It is assumed to become easier as the value grows. Options are those of `search`.
    """
    return search(scenario, path, _grid(low, high, step), holds, **options)


def largest(
    scenario: Scenario | str | Path,
    path: str,
    low: float,
    high: float,
    holds: Promise,
    *,
    step: float = 1,
    **options: Any,
) -> Answer:
    """The largest value of *path* between *low* and *high*, in steps, at which a promise holds.

    It is assumed to become harder as the value grows. Options are those of `search`.
    """
    return search(scenario, path, _grid(low, high, step)[::-1], holds, **options)


def smallest_package(
    scenario: Scenario | str | Path,
    holds: Promise = "runout.any < 0.05",
    *,
    package: int = 0,
    low: int = 1_000,
    high: int = 1_000_000,
    step: int = 1_000,
    **options: Any,
) -> Answer:
    """The smallest size of a package, in segments, at which a promise holds.

    *package* is its number among the scenario's packages, from 0. Options are those of `search`.
    """
    path = f"packages.{package}.segments"
    return smallest(scenario, path, low, high, holds, step=step, **options)


def highest_limit(
    scenario: Scenario | str | Path,
    holds: Promise,
    *,
    low: int,
    high: int,
    step: int = 100,
    **options: Any,
) -> Answer:
    """The highest daily limit, in messages, at which a promise (of the cost, say) still holds.

    Options are those of `search`.
    """
    path = "thresholds.daily_limit"
    return largest(scenario, path, low, high, holds, step=step, **options)


def lowest_throughput(
    scenario: Scenario | str | Path,
    holds: Promise = "p95(latency.p95) < 60",
    *,
    low: int = 1,
    high: int = 500,
    **options: Any,
) -> Answer:
    """The lowest throughput, in numbers a second, at which a promise of the latency holds.

    Options are those of `search`.
    """
    return smallest(scenario, "queue.throughput_per_s", low, high, holds, **options)


def latest_submission(
    scenario: Scenario | str | Path,
    template: str,
    launch: datetime | str,
    *,
    first: datetime | str,
    step_h: float = 1,
    share: float = 0.95,
    **options: Any,
) -> Answer:
    """The latest time at which a template can be handed in and be usable at *launch* in at least a
    *share* of all reviews.

    Times down to *first* are tried one after the other, in steps of hours: handing in later may
    help, for what comes at night is decided in the morning. Options are those of `search`.
    Reviews depend on no message: without policies nothing is simulated, and neither executor,
    workers, store nor progress is used. Times may be ISO 8601 texts; raise a ValueError for one
    without a zone, a *first* after the launch, no step, a template that is not there, or a
    *share* that is not between 0 and 1: no number of runs decides about all.
    """
    launch, first = moment(launch), moment(first)
    for name, time in (("launch", launch), ("first", first)):
        if time.tzinfo is None:
            raise ValueError(f"{name}(={time}) must have a zone")
    if not step_h > 0 or first > launch:
        values = f"first(={first}), launch(={launch}), step_h(={step_h})"
        raise ValueError(f"{values} must be first <= launch, step_h > 0")
    if not 0 < share < 1:
        raise ValueError(f"share(={share}) must be > 0 and < 1")
    hours = (launch - first) / timedelta(hours=1)
    if not hours / step_h < _MAX_TIMES:
        raise ValueError(f"step_h(={step_h}) must make at most {_MAX_TIMES:,} times")
    base = Scenario.of(scenario)
    path = f"templates.{template_index(base, template)}.submitted"
    n = math.floor(hours / step_h + 1e-9)
    steps = [first + k * timedelta(hours=step_h) for k in range(n + 1)][::-1]

    def promise(submitted: datetime) -> Check:
        return Check(
            name="usable at the launch",
            metric=USABLE_HOURS,
            where=Where(template=template),
            statistic=f"p{100 * share:.12g}",
            below=(launch - submitted) / timedelta(hours=1) + 1e-9,
        )

    if options.get("policies"):
        return search(base, path, steps, promise, monotone=False, **options)
    run = partial(review_runs, template=template, rng=options.get("rng", base.rng))
    limits = {name: options[name] for name in ("confidence", "most") if name in options}
    return searched(base, path, steps, promise, run, monotone=False, **limits)


def _grid(low: float, high: float, step: float) -> Sequence[float]:
    if not (step > 0 and -math.inf < low <= high < math.inf):
        raise ValueError(f"low(={low}), high(={high}), step(={step}) must be low <= high, step > 0")
    if not (high - low) / step < _MAX_STEPS:
        least = f"a step of {(high - low) / _MAX_STEPS:g} or more"
        raise ValueError(f"step(={step}) must make at most {_MAX_STEPS:,} steps: {least}")
    whole = all(float(value).is_integer() for value in (low, high, step))
    if whole:
        grid = range(int(low), int(high) + 1, int(step))
        return grid if grid[-1] == high else [*grid, int(high)]
    n = math.floor((high - low) / step + 1e-9)
    return [low + step * k for k in range(n + 1)]
