"""The group tasks: what refuses and cancels them, and their table.

Written by docs/model.md alone, from the messages of the run.
"""

from __future__ import annotations

from typing import Any

from smssim.calendars import to_us
from smssim.record.schema import RefusalStage
from smssim.scenario import DatedTask
from smssim.simpy_model.account import Account
from smssim.simpy_model.environment import COMMAND, Moment, Process
from smssim.simpy_model.message import Message
from smssim.sms.recipients import Recipients, read_recipients

__all__ = ["task_moments", "task_row"]


def task_moments(account: Account, task: DatedTask) -> Process:
    """The refusal or the cancellation of one task, and nothing for most."""
    start = account.scenario.start_us
    _, reason = _import(account, task)
    if reason is not None:
        account.refused[task.name] = reason
        if _made_at(account, task) >= start:
            yield Moment(account.env, _made_at(account, task), COMMAND)
            account.tell("task_refused", task.name)
    elif task.cancelled is not None and to_us(task.cancelled) < start:
        account.cancelled.add(task.name)
    elif task.cancelled is not None:
        yield Moment(account.env, to_us(task.cancelled), COMMAND)
        account.task_is_cancelled(task.name)


def task_row(account: Account, task: DatedTask, messages: list[Message]) -> tuple[Any, ...]:
    """One row of the table of tasks."""
    end, at = account.scenario.end_us, to_us(task.at)
    messages_of_task = [message for message in messages if message.source == task.name]
    sent = [message for message in messages_of_task if message.stage is RefusalStage.SENT]
    final = [message.status for message in sent if message.status is not None]
    read, reason = _import(account, task)
    kept = read.kept if read else sum(task.countries.values())
    dropped = (read.duplicates, read.invalid) if read else (0, 0)
    numbers = (kept + sum(dropped), kept, *dropped) if reason is None else (None, 0, None, None)
    handed_over = at + (int((kept - 1) * 1e6 / task.pace_per_s) if task.pace_per_s else 0)
    stopped = account.stopped.get(task.name)
    if reason is not None:
        state = "refused"
    elif task.name in account.cancelled:
        state = "cancelled"
    elif stopped is not None and stopped <= handed_over:
        state = "stopped"
    else:
        state = "finished" if handed_over < end else "sending"
    finished = handed_over if state == "finished" else None
    delivered = final.count("DELIVRD")
    counts = (len(messages_of_task) - len(sent), len(sent), delivered, len(final) - delivered)
    first = (task.name, task.template, state, reason, _made_at(account, task), at, finished)
    return (*first, *numbers, *counts, len(sent) - len(final))


def _made_at(account: Account, task: DatedTask) -> int:
    return to_us(task.created) if task.created else min(account.scenario.start_us, to_us(task.at))


def _import(account: Account, task: DatedTask) -> tuple[Recipients | None, str | None]:
    """What the console reads of a task's file, or why it refuses it."""
    if task.file is None:
        return None, None
    place = account.scenario.find(task.file)
    try:
        return read_recipients(place), None
    except ValueError as error:
        return None, str(error).removeprefix(f"{place}: ")
