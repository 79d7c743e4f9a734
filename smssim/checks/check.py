"""Check a scenario: simulate months until every one of its promises is decided."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from smssim.checks.decide import decide, values_of
from smssim.checks.result import CheckResult
from smssim.checks.verdict import Verdict
from smssim.errors import UserFacing
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.run_store import Store
from smssim.experiment.runner import Execution, Progress
from smssim.experiment.worker import Task
from smssim.scenario import Check, Scenario
from smssim.simulation.policies.account_view import Policy

__all__ = ["FIRST_BATCH", "ReplicationError", "check", "decided", "verdicts_of"]

FIRST_BATCH = 16
"""Replications that are run before the first look."""


class ReplicationError(UserFacing, RuntimeError):
    """A month that could not be simulated, so that no promise can be decided."""


def check(
    scenario: Scenario | str | Path,
    *,
    policies: Sequence[Policy] = (),
    executor: Executor | None = None,
    workers: int | None = None,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> CheckResult:
    """Decide all promises of a scenario, or of the file of one, as docs/checks.md specifies.

    The verdicts depend only on the scenario, which has the seed, risks and most runs, and on
    *policies*. *executor*, *workers*, *store* and *progress* are those of `replicate`. Raise a
    ValueError if the scenario has no checks, a ReplicationError if a month fails.
    """
    plan = Scenario.of(scenario)
    if not plan.checks:
        raise ValueError(f"checks of the scenario {plan.name!r} must be one at least")
    verdicts: list[Verdict] = []

    def enough(experiment: Experiment, look: int) -> bool:
        verdicts[:] = verdicts_of(plan, experiment)
        return all(verdict.settled for verdict in verdicts)

    most = plan.checking.most_runs
    with Execution(executor, workers, store, progress).start(policies, plan.rng) as runner:
        experiment = runner.run_until([Design(plan, {})], enough, most, FIRST_BATCH, growth=0.5)
    file = None if isinstance(scenario, Scenario) else str(scenario)
    return CheckResult(plan, tuple(verdicts), experiment, file, tuple(policies))


def verdicts_of(plan: Scenario, experiment: Experiment, design: int = 0) -> list[Verdict]:
    """The verdicts on the promises of a scenario by the runs of a design, in their order; as
    `decided`, with the scenario's own risks and most runs.
    """
    false_alarm, miss = (
        risk / max(1, len(plan.checks)) for risk in (plan.checking.false_alarm, plan.checking.miss)
    )
    return decided(plan.checks, experiment, design, (false_alarm, miss), plan.checking.most_runs)


def decided(
    checks: Sequence[Check],
    experiment: Experiment,
    design: int,
    risks: tuple[float, float],
    most: int,
) -> list[Verdict]:
    """The verdicts of checks, each with these risks of a false alarm and of a miss.

    Runs beyond the *most*, and beyond what decides all of them, are ignored. Raise a
    ReplicationError if one of the others failed: months that cannot be simulated may be the very
    ones that break a promise.
    """
    failed = _first_failed(experiment, design, most)
    if failed == 0:
        raise _failure(experiment, design, failed)
    upto = most if failed is None else failed
    figures = partial(experiment.values, design=design)
    verdicts = [decide(check, values_of(check, figures)[:upto], *risks) for check in checks]
    if failed is not None and not all(verdict.settled for verdict in verdicts):
        raise _failure(experiment, design, failed)
    return verdicts


def _first_failed(experiment: Experiment, design: int, most: int) -> int | None:
    """The first of the *most* replications of a design that failed; None if none did."""
    results = experiment.results.items()
    failed = (task.replication for task, run in results if task.design == design and run.error)
    return min((replication for replication in failed if replication < most), default=None)


def _failure(experiment: Experiment, design: int, failed: int) -> ReplicationError:
    name = experiment.designs[design].scenario.name
    reason = experiment.results[Task(design, failed)].error
    return ReplicationError(f"replication {failed} of {name!r} failed: {reason}")
