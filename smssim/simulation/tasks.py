"""What became of group tasks: their messages, counted as they are finished, and their states."""

from __future__ import annotations

from typing import Any

import numpy as np

from smssim.simulation.account.tasks import Task, Tasks
from smssim.simulation.compiled import World
from smssim.simulation.fates import DELIVERED
from smssim.simulation.finished import Rows

_REFUSED, _DELIVERED, _FAILED, _IN_FLIGHT = range(4)
_KINDS = 4


class TaskResults:
    """Counts the messages of group tasks, chunk by chunk; one array operation a chunk, if that."""

    def __init__(self, world: World, tasks: Tasks) -> None:
        self._world, self._tasks = world, list(tasks.by_name.values())
        self._last_us = [_last_us(task, self._numbers(task)) for task in self._tasks]
        self._first_us = min((task.at_us for task in self._tasks), default=0)
        names = [task.plan.name for task in self._tasks]
        # Beside the tasks one more row, which all other sources are counted in.
        row = {name: place for place, name in enumerate(names)}
        of_source = np.array([row.get(s.name, len(names)) for s in world.sources], np.int64)
        self._cell = of_source[world.source] * _KINDS
        place = world.fates.place
        self._kind = np.where(place > 0, _REFUSED, _FAILED)
        self._kind[DELIVERED] = _DELIVERED
        self._counts = np.zeros((len(names) + 1) * _KINDS, np.int64)

    def add(self, rows: Rows) -> None:
        """Count one chunk of finished messages."""
        if not self._tasks or not len(rows):
            return
        if rows.submitted_us[-1] < self._first_us or rows.submitted_us[0] > max(self._last_us):
            return
        kind = self._kind.take(rows.fate)
        kind[rows.in_flight] = _IN_FLIGHT
        kind += self._cell.take(rows.cls)
        self._counts += np.bincount(kind, minlength=len(self._counts))

    def rows(self, end_us: int, stopped: dict[str, int]) -> list[tuple[Any, ...]]:
        """The rows of the table of tasks at the end of the run."""
        counts = self._counts.reshape(-1, _KINDS).tolist()
        return [
            self._row(task, own, last_us, _state(task, last_us, end_us, stopped))
            for task, own, last_us in zip(self._tasks, counts, self._last_us, strict=False)
        ]

    def _row(self, task: Task, own: list[int], last_us: int, state: str) -> tuple[Any, ...]:
        numbers, plan = self._numbers(task), task.plan
        read = self._world.recipients(plan)
        duplicates, invalid = (read.duplicates, read.invalid) if read else (0, 0)
        dropped = (numbers + duplicates + invalid, numbers, duplicates, invalid)
        return (
            plan.name,
            plan.template,
            state,
            task.reason,
            task.created_us,
            task.at_us,
            last_us if state == "finished" else None,
            *(dropped if task.reason is None else (None, 0, None, None)),
            own[_REFUSED],
            own[_DELIVERED] + own[_FAILED] + own[_IN_FLIGHT],
            own[_DELIVERED],
            own[_FAILED],
            own[_IN_FLIGHT],
        )

    def _numbers(self, task: Task) -> int:
        read = self._world.recipients(task.plan)
        return read.kept if read else sum(task.plan.countries.values())


def _last_us(task: Task, numbers: int) -> int:
    """When the last number of a task is handed over."""
    pace = task.plan.pace_per_s
    return task.at_us + int((numbers - 1) * 1e6 / pace) if pace and numbers else task.at_us


def _state(task: Task, last_us: int, end_us: int, stopped: dict[str, int]) -> str:
    if task.reason is not None:
        return "refused"
    if task.cancelled_us is not None:
        return "cancelled"
    stop_us = stopped.get(task.plan.name)
    if stop_us is not None and stop_us <= last_us:
        return "stopped"
    return "sending" if last_us >= end_us else "finished"
