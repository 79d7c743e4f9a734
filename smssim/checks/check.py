"""The verb of promises: simulate months until every promise of a scenario is decided."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from smssim.checks.decide import decide
from smssim.checks.verdict import Checked, Verdict
from smssim.errors import UserFacing
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.pool import Pool
from smssim.experiment.runner import Progress, run_until
from smssim.experiment.store import Kept, Store
from smssim.experiment.worker import Task
from smssim.scenario import Check, Scenario
from smssim.simulation.policies.account_view import Policy

FIRST_BATCH = 16
"""Replications that are run before the first look."""


class ReplicationError(UserFacing, RuntimeError):
    """A month that could not be simulated, so that nothing can be said of promises."""


def check(
    scenario: Scenario | str | Path,
    *,
    policies: Sequence[Policy] = (),
    executor: Executor | None = None,
    workers: int | None = None,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Decide all promises of a scenario, or of the file of one, as docs/checks.md says.

    The verdicts hang on scenario and *policies* alone: seed, risks and the most runs stand in the
    scenario. *executor*, *workers*, *store* and *progress* are those of `replicate`. Raise a
    ValueError if the scenario has no checks, a ReplicationError if a month fails.
    """
    plan = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
    if not plan.checks:
        raise ValueError(f"checks of the scenario {plan.name!r} must be one at least")
    verdicts: list[Verdict] = []

    def enough(found: Experiment, look: int) -> bool:
        verdicts[:] = verdicts_of(plan, found)
        return all(verdict.settled for verdict in verdicts)

    most = plan.checking.most_runs
    with Pool(policies, plan.rng, executor=executor, workers=workers) as pool:
        kept = Kept(store, policies, plan.rng)
        designs = [Design(plan, {})]
        found = run_until(designs, enough, most, pool, kept, progress, FIRST_BATCH, growth=0.5)
    file = None if isinstance(scenario, Scenario) else str(scenario)
    return Checked(plan, tuple(verdicts), found, file, tuple(policies))


def verdicts_of(plan: Scenario, found: Experiment, design: int = 0) -> list[Verdict]:
    """What the runs of a design tell of the promises of a scenario, in their order; as `decided`,
    with the scenario's own risks and most runs.
    """
    false_alarm, miss = (
        risk / max(1, len(plan.checks)) for risk in (plan.checking.false_alarm, plan.checking.miss)
    )
    return decided(plan.checks, found, design, (false_alarm, miss), plan.checking.most_runs)


def decided(
    checks: Sequence[Check],
    found: Experiment,
    design: int,
    risks: tuple[float, float],
    most: int,
) -> list[Verdict]:
    """The verdicts of checks, each with these risks of a false alarm and of a miss.

    Runs beyond the *most*, and beyond what decides all of them, are not looked at. Raise a
    ReplicationError if one that is looked at failed: months that cannot be simulated may be the
    very ones that break a promise.
    """
    failed = _first_failed(found, design, most)
    if failed == 0:
        raise _failure(found, design, failed)
    upto = most if failed is None else failed
    verdicts = [
        decide(own, np.asarray(found.values(own.figure, design))[:upto], *risks) for own in checks
    ]
    if failed is not None and not all(verdict.settled for verdict in verdicts):
        raise _failure(found, design, failed)
    return verdicts


def _first_failed(found: Experiment, design: int, most: int) -> int | None:
    """The first of the *most* replications of a design that failed; None if none did."""
    failed = (t.replication for t, run in found.results.items() if t.design == design and run.error)
    return min((number for number in failed if number < most), default=None)


def _failure(found: Experiment, design: int, failed: int) -> ReplicationError:
    name, why = found.designs[design].scenario.name, found.results[Task(design, failed)].error
    return ReplicationError(f"replication {failed} of {name!r} failed: {why}")
