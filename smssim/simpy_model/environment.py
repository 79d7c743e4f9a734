"""SimPy's environment where the events of one instant have an order (docs/model.md)."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import simpy
from simpy.events import EventPriority

__all__ = [
    "ARRIVALS",
    "COMMAND",
    "DAY_TURN",
    "EXPIRY",
    "LAST",
    "MONTH_TURN",
    "ONBOARDING",
    "OUTAGE",
    "PURCHASE",
    "SETTLEMENT",
    "TEMPLATE",
    "Environment",
    "Moment",
    "Process",
    "seconds_per_timeout",
]

DAY_TURN, MONTH_TURN, EXPIRY, COMMAND, PURCHASE, ONBOARDING, TEMPLATE, SETTLEMENT = range(-10, -2)
"""Ranks of what happens to the account at one instant. SimPy's own events come after them, with 0
and 1, then messages.
"""
ARRIVALS, OUTAGE, LAST = -12, -11, 10**60
"""Before and after all of these: nothing of the account depends on their order among each other."""
Process = Generator[simpy.Event, Any, None]


class Environment(simpy.Environment):
    """Time in whole microseconds since 1970-01-01 UTC."""

    @property
    def now(self) -> int:
        """The current instant."""
        return int(self._now)


class Moment(simpy.Event):
    """An event at an instant, with a rank among the events of that instant: a Timeout, but for the
    rank, which SimPy leaves at 1.
    """

    def __init__(self, env: Environment, at: int, rank: int) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        env.schedule(self, priority=EventPriority(rank), delay=at - env.now)


def seconds_per_timeout(tried: int = 20_000) -> float:
    """How long SimPy takes here for one bare timeout, in seconds of CPU time."""
    env = Environment()
    for _ in range(tried):
        env.timeout(1)
    begin = time.process_time()
    env.run()
    return (time.process_time() - begin) / tried
