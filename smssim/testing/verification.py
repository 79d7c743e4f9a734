"""Whether the engine on arrays and the SimPy model give the same tables for a scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from smssim.record.schema import TABLES
from smssim.scenario import Scenario
from smssim.simpy_model.environment import seconds_per_timeout
from smssim.simulation.simulate import simulate
from smssim.testing.same import first_difference

__all__ = ["Verification", "estimated_s", "verify"]

_TIMEOUTS_PER_MESSAGE = 200
"""How many bare SimPy timeouts a message takes as long as: 150 to 250 in the shipped scenarios."""
_NOT_SIMULATED = ("quarantine",)


@dataclass(frozen=True)
class Verification:
    """What came of it: how much was compared, and the first difference, if there is any."""

    messages: int
    seeds: int
    difference: str | None = None

    def __str__(self) -> str:
        if self.difference is not None:
            return f"different: {self.difference}"
        runs = f" in {self.seeds:,} runs" if self.seeds > 1 else ""
        tables = len(TABLES) - len(_NOT_SIMULATED)
        return f"identical: {self.messages:,} messages{runs}, {tables} tables"


def verify(
    scenario: Scenario | str | Path,
    *,
    rng: int | None = None,
    n: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Simulate a scenario on arrays and in SimPy with the seeds *rng*, *rng* + 1, ..., *n* in all,
    and compare all tables and tallies, value by value.

    It stops at the first difference, which names the seed, table, row and column with both values.
    *progress* is called once a simulated day, with (messages so far, microseconds simulated). Raise
    a ValueError unless *n* is positive.
    """
    if not isinstance(scenario, Scenario):
        scenario = Scenario.load(scenario)
    if n < 1:
        raise ValueError(f"n(={n}) must be >= 1")
    first, messages = scenario.rng if rng is None else rng, 0
    for seed in range(first, first + n):
        on_arrays = simulate(scenario, rng=seed)
        in_simpy = simulate(scenario, rng=seed, kernel="simpy", progress=progress)
        difference = first_difference(on_arrays, in_simpy)
        if difference is not None:
            text = f"seed {seed}, {difference} (on arrays and in SimPy)"
            return Verification(messages, seed - first + 1, text)
        assert on_arrays.messages is not None
        messages += len(on_arrays.messages)
    return Verification(messages, n)


def estimated_s(messages: float) -> float:
    """About how long the SimPy model takes for so many messages on this machine, in seconds."""
    return messages * _TIMEOUTS_PER_MESSAGE * seconds_per_timeout()
