"""Group tasks as the console keeps them: made, refused for their file, or cancelled in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from smssim.calendars import to_us
from smssim.scenario import CANCEL_BEFORE, DatedTask
from smssim.simulation.account.account import Account
from smssim.simulation.account.events import EventPriority

__all__ = ["Task", "Tasks"]

_CANCEL_BEFORE_US = CANCEL_BEFORE // timedelta(microseconds=1)


@dataclass
class Task:
    """One task: its moments in microseconds since 1970, and whether it was cancelled.

    *reason* is why its file was refused, None if it was not.
    """

    plan: DatedTask
    created_us: int
    at_us: int
    reason: str | None = None
    cancelled_us: int | None = None


class Tasks:
    """All group tasks of an account, by name in file order.

    *reasons* says, by the name of a task, why the assistant refuses its file.
    """

    def __init__(self, account: Account, reasons: Mapping[str, str]) -> None:
        self._account = account
        start = account.scenario.start
        self.by_name = {
            plan.name: Task(
                plan, to_us(plan.made_at(start)), to_us(plan.at), reasons.get(plan.name)
            )
            for plan in account.scenario.tasks
        }

    def plan(self) -> None:
        """Put on the agenda what the scenario says of them: refusals and cancellations."""
        for name, task in self.by_name.items():
            if task.reason is not None:
                self._refusal(name, task.created_us)
            elif task.plan.cancelled is not None:
                self._cancellation(name, task, to_us(task.plan.cancelled))

    def check_cancel(self, name: str) -> None:
        """Raise a ValueError if the console would not cancel a task now (DOMAIN.md section 8)."""
        task, now_us = self.by_name.get(name), self._account.now_us
        if task is None:
            raise ValueError(f"name(={name!r}) is not a group task of this scenario")
        if now_us < task.created_us:
            raise ValueError(f"name(={name!r}) must be a task that is made already")
        if task.reason is not None:
            raise ValueError(f"name(={name!r}) is a task that was refused: {task.reason}")
        if task.cancelled_us is not None:
            raise ValueError(f"name(={name!r}) is cancelled already")
        if task.at_us - now_us < _CANCEL_BEFORE_US:
            left_s = (task.at_us - now_us) / 1e6
            raise ValueError(
                f"name(={name!r}) must start in at least 5 minutes to be cancelled, "
                f"not in {left_s:g} s (DOMAIN.md section 8)"
            )

    def cancel(self, name: str) -> None:
        """Let a task bear no message, unless it is cancelled already."""
        task = self.by_name[name]
        if task.cancelled_us is not None:
            return
        self._account.invalidate()
        task.cancelled_us = self._account.now_us
        self._account.stopped.setdefault(name, task.cancelled_us)
        self._account.emit("task_cancelled", name)

    def _refusal(self, name: str, created_us: int) -> None:
        # Its file gives no numbers, so nothing that is judged changes.
        if created_us >= self._account.scenario.begin_us:
            self._account.agenda.schedule(
                created_us,
                EventPriority.COMMAND,
                self._account.emit,
                "task_refused",
                name,
                affects_rules=False,
            )

    def _cancellation(self, name: str, task: Task, cancelled_us: int) -> None:
        begin_us = self._account.scenario.begin_us
        if cancelled_us < begin_us:
            task.cancelled_us = cancelled_us
            self._account.stopped[name] = begin_us
        else:
            self._account.agenda.schedule(
                cancelled_us, EventPriority.COMMAND, lambda: self.cancel(name)
            )
