"""Events of the account, and the agenda of what happens at which instant and in which order."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

import simpy

__all__ = ["AccountEvent", "Agenda", "EventPriority"]


class AccountEvent(NamedTuple):
    """One event of the account: when (microseconds since 1970), what, to what, and a count that
    goes with it.
    """

    at_us: int
    event: str
    subject: str
    value: int | None


class EventPriority(IntEnum):
    """The order of control events of one instant; SimPy's own come at 0 and 1, messages last."""

    DAY_TURN = -10
    MONTH_TURN = -9
    EXPIRY = -8
    COMMAND = -7
    PURCHASE = -6
    ONBOARDING = -5
    TEMPLATE = -4
    SETTING = -4
    SETTLEMENT = -3
    MESSAGE = 2


class Agenda:
    """Schedules actions at instants of a SimPy environment whose clock is microseconds since 1970.

    It knows which of them can change how messages are judged, so that no one looks further ahead
    than needed.
    """

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self._changes_us: list[int] = []

    @property
    def now_us(self) -> int:
        """The present instant; a policy's fraction of a microsecond counts as the next one."""
        return math.ceil(self.env.now)

    def schedule(
        self,
        when_us: int,
        priority: EventPriority,
        action: Callable[..., None],
        *args: Any,
        affects_rules: bool = True,
    ) -> None:
        """Do *action* of *args* at *when_us*; *affects_rules*: judging may differ after it."""
        event = simpy.Event(self.env)
        event._ok = True
        event._value = None
        assert event.callbacks is not None
        event.callbacks.append(lambda _: action(*args))
        self.env.schedule(event, priority=priority, delay=when_us - self.env.now)  # type: ignore[arg-type]
        if affects_rules:
            heapq.heappush(self._changes_us, when_us)

    def next_change_us(self, after_us: int) -> int | None:
        """The first known change after *after_us*."""
        while self._changes_us and self._changes_us[0] <= after_us:
            heapq.heappop(self._changes_us)
        return self._changes_us[0] if self._changes_us else None
