"""Runs of an experiment in a store: found before they are computed, kept when they are done."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from smssim.experiment.designs import Design
from smssim.experiment.sources import NoDigestError, digests_of
from smssim.experiment.store import Store, Stored, digest_of
from smssim.experiment.worker import Result, Task, parts_of
from smssim.scenario import Scenario
from smssim.simulation.policies.account_view import Policy


class Kept:
    """Finds and keeps results by what they hang on; nothing without a *store*.

    Policies without a digest cannot be told apart: then nothing is found or kept, and a warning
    says so. Failed runs are not kept, for memory or a cluster may have been the cause. Which parts
    of the month have figures hangs on the scenario's checks, and on their bounds nothing does.
    """

    def __init__(
        self, store: Store | str | Path | None, policies: Sequence[Policy], rng: int
    ) -> None:
        self._store = store if store is None or isinstance(store, Store) else Store(store)
        self._policies: list[str] = []
        self._rng = rng
        self._scenarios: dict[int, tuple[str, list[str]]] = {}
        if self._store is not None:
            try:
                self._policies = digests_of(policies)
            except NoDigestError as error:
                warnings.warn(f"runs are not stored: {error}", UserWarning, stacklevel=4)
                self._store = None

    def find(self, tasks: Sequence[Task], designs: Sequence[Design]) -> dict[Task, Result]:
        """The results of those tasks that are in the store."""
        if self._store is None:
            return {}
        found = {task: self._store.get(self._name(task, designs)) for task in tasks}
        return {
            task: Result(task, run.figures, run.error, run.seconds)
            for task, run in found.items()
            if run is not None
        }

    def keep(self, result: Result, designs: Sequence[Design]) -> None:
        """Keep the result of a run that did not fail."""
        if self._store is not None and not result.error:
            run = Stored(result.figures, result.error, result.seconds)
            self._store.put(self._name(result.task, designs), run)

    def close(self) -> None:
        """Put what was kept in order."""
        if self._store is not None:
            self._store.pack()

    def _name(self, task: Task, designs: Sequence[Design]) -> str:
        scenario, parts = self._told(task.design, designs[task.design].scenario)
        return digest_of(scenario, self._policies, self._rng, task.replication, parts)

    def _told(self, design: int, scenario: Scenario) -> tuple[str, list[str]]:
        """The digest of a design's scenario, and its figures of parts of the month."""
        if design not in self._scenarios:
            self._scenarios[design] = scenario.digest(), sorted(parts_of(scenario))
        return self._scenarios[design]
