"""From finished messages to the tables of a record: compact columns first, frames at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.record.counting import GROUP
from smssim.record.schema import (
    EVENTS,
    LEDGER,
    MESSAGES,
    NAT,
    ONBOARDING,
    PACKAGES,
    REFUSED_AT,
    REPORT_STATES,
    REPORTS,
    RESEND_KINDS,
    REVIEWS,
    TASKS,
    Column,
    frame,
)
from smssim.simulation.account.account import Account
from smssim.simulation.account.tasks import Task, Tasks
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.callbacks.push import Reports
from smssim.simulation.compiled import DELIVERED, CompiledScenario
from smssim.simulation.finished import FinishedMessages
from smssim.simulation.setup.review import Decision, SetupTimeline

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Array",
    "Categories",
    "FrameSink",
    "TaskResults",
    "decoder",
    "message_columns",
    "report_columns",
    "small_frames",
    "tallied_columns",
]

Array = NDArray[Any]


class Categories:
    """Which categories each coded column has, and how classes and outcomes become their
    codes.
    """

    def __init__(self, compiled: CompiledScenario) -> None:
        scenario, outcomes = compiled.scenario, compiled.outcomes
        templates = [scenario.template(source.template) for source in compiled.sources]
        self.lists: dict[str, list[Any]] = {
            "source": [source.name for source in compiled.sources],
            "application": sorted(application.name for application in scenario.applications),
            "template": sorted(compiled.templates),
            "type": ["notification", "otp"],
            "country": compiled.countries,
            "status": sorted(set(outcomes.status)),
            "refused_at": list(REFUSED_AT),
            "report_source": [1, 2, 3],
            "state": list(REPORT_STATES),
        }
        names_by_source: dict[str, list[Any]] = {
            "source": [source.name for source in compiled.sources],
            "application": [template.application for template in templates],
            "template": [template.name for template in templates],
            "type": [template.type for template in templates],
        }
        self.by_class = {
            column: _small([self.lists[column].index(names[i]) for i, _ in compiled.pairs])
            for column, names in names_by_source.items()
        }
        self.by_class["country"] = _small(compiled.country.tolist())
        self.lists["group"] = self._groups([RESEND_KINDS.index("first")] * len(compiled.pairs))
        self.resent = len(compiled.pairs) if compiled.generations > 1 else None
        """How far after its class a resent copy's group is; None where nothing is resent."""
        if self.resent is not None:
            resend_kinds = [
                "server resend" if getattr(source, "server_resend", None) else "user resend"
                for source in compiled.sources
            ]
            again = [RESEND_KINDS.index(resend_kinds[i]) for i, _ in compiled.pairs]
            self.lists["group"] += self._groups(again)
        dearest = max(p.dearest_micro for p in (compiled.prices, compiled.delivery_prices))
        dearest *= compiled.most_segments
        self.money = np.int32 if dearest <= np.iinfo(np.int32).max else np.int64
        self.end_us = scenario.end_us
        self.status = _small([self.lists["status"].index(status) for status in outcomes.status])
        self.report_source = (outcomes.source - 1).astype(np.int8)

    def _groups(self, copies: list[int]) -> list[tuple[int, ...]]:
        """The codes of the keys that go together, as in `GROUP`, for each class."""
        code_lists = {name: codes.tolist() for name, codes in self.by_class.items()} | {
            "resend_kind": copies
        }
        return list(zip(*(code_lists[name] for name in GROUP), strict=True))


def _small(codes: list[int]) -> Array:
    return np.array(codes, np.int8 if max(codes, default=0) < 127 else np.int16)


def _time(us: Array) -> Array:
    times = us.copy()
    np.copyto(times, NAT, where=us == NEVER)
    return times


def tallied_columns(categories: Categories, finished: FinishedMessages) -> dict[str, Array]:
    """The compact columns of messages that tallies are made from; times with NaT as integers."""
    status = categories.status.take(finished.outcome_code)
    np.copyto(status, -1, where=finished.in_flight)
    group = finished.cls
    if categories.resent is not None:
        group = group + (finished.generation > 0) * np.int64(categories.resent)
    return {
        "group": group,
        "submitted_at": finished.submitted_us,
        "segments": finished.segments.view(np.int8),
        "refused_at": finished.stage,
        "status": status,
        "final_at": _time(finished.final_us),
        "covered_segments": finished.covered.view(np.int8),
        "cost_micro": finished.cost_micro,
        "recipient": finished.recipient,
        "resend_number": finished.generation,
    }


def message_columns(categories: Categories, finished: FinishedMessages) -> dict[str, Array]:
    """All compact columns of messages: category codes (-1 is NA), times with NaT as integers."""
    report_source = categories.report_source.take(finished.outcome_code)
    np.copyto(report_source, -1, where=finished.in_flight)
    columns = tallied_columns(categories, finished)
    columns |= {name: codes.take(finished.cls) for name, codes in categories.by_class.items()}
    return columns | {
        "request": finished.request,
        "report_source": report_source,
        "sent_at": _time(finished.sent_us(categories.end_us)),
        "package": finished.package,
        "cost_micro": finished.cost_micro.astype(categories.money, copy=False),
    }


def report_columns(reports: Reports) -> dict[str, Array]:
    """The compact columns of reports; messages are numbered within their chunk."""
    return {
        "message": reports.message,
        "part": reports.part_number,
        "state": reports.state,
        "attempts": reports.attempts,
        "deliveries": reports.copies,
        "received_at": _time(reports.received_us),
    }


class FrameSink:
    """Stores all rows of a run and makes frames of them.

    Rows are written once into columns of about the *expected* number of messages, which grow if
    there are more.
    """

    def __init__(self, lists: dict[str, list[Any]], expected: int) -> None:
        self._lists, self._expected = lists, expected
        self._messages = _Growing(MESSAGES)
        self._reports = _Growing(REPORTS)

    def add(self, messages: dict[str, Array], reports: dict[str, Array]) -> None:
        """Store one chunk."""
        numbered = (reports["message"] + len(self._messages)).astype(np.int32)
        n, m = len(messages["submitted_at"]), len(numbered)
        left = max(self._expected - len(self._messages), n)
        self._messages.add(messages, left)
        self._reports.add({**reports, "message": numbered}, left * m // max(1, n) + m)

    def frames(self, packages: int) -> dict[str, pd.DataFrame]:
        """Messages and reports; *packages* is how many there are to name."""
        lists = self._lists | {"package": list(range(packages))}
        return {"messages": _frame(self._messages, lists), "reports": _frame(self._reports, lists)}


class _Growing:
    """Columns that rows are appended to."""

    def __init__(self, table: tuple[Column, ...]) -> None:
        self._names = [column.name for column in table]
        plain = {column.name: column.dtype for column in table if column.dtype.startswith("int")}
        self._none: dict[str, Array] = {n: np.empty(0, plain.get(n, "int64")) for n in self._names}
        self._columns: dict[str, Array] = {}
        self._n = self._room = 0

    def __len__(self) -> int:
        return self._n

    def add(self, rows: dict[str, Array], to_come: int) -> None:
        """Append rows; *to_come* is how many are expected from now on, these included."""
        n = self._n + len(rows[self._names[0]])
        if n > self._room or not self._columns:
            self._room = max(n, self._n + to_come + to_come // 50)
            for name in self._names:
                grown = np.empty(self._room, rows[name].dtype)
                if self._n:
                    grown[: self._n] = self._columns[name][: self._n]
                self._columns[name] = grown
        for name in self._names:
            self._columns[name][self._n : n] = rows[name]
        self._n = n

    def columns(self) -> dict[str, Array]:
        """The columns, as long as there are rows."""
        return {name: self._columns[name][: self._n] for name in self._columns} or self._none


def _frame(rows: _Growing, lists: dict[str, list[Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {name: decoder(name, lists)(column) for name, column in rows.columns().items()}, copy=False
    )


def decoder(name: str, lists: dict[str, list[Any]]) -> Callable[[Array], Any]:
    """How a compact column becomes one of a frame."""
    import pandas as pd

    if name in lists:
        return lambda codes: pd.Categorical.from_codes(codes, pd.Index(lists[name]))
    if name.endswith("_at"):
        return lambda us: pd.Series(us.view("datetime64[us]"), copy=False).dt.tz_localize("UTC")
    return lambda values: values


def small_frames(
    account: Account, setup_timeline: SetupTimeline, tasks: list[tuple[Any, ...]]
) -> dict[str, pd.DataFrame]:
    """The frames of one account by their names in `Record`; *tasks* are the rows of theirs."""
    end_us = account.scenario.end_us
    reviews = [
        _review(decision, end_us) for course in setup_timeline.reviews for decision in course
    ]
    packages = [
        (
            p.id,
            p.country,
            p.segments,
            p.price_micro,
            p.in_force_us,
            p.ends_us,
            p.used,
            p.expired,
            p.left,
        )
        for p in account.packages
    ]
    return {
        "events": frame(EVENTS, account.events),
        "ledger": frame(LEDGER, account.ledger),
        "reviews": frame(REVIEWS, reviews),
        "packages": frame(PACKAGES, packages),
        "onboarding": frame(ONBOARDING, setup_timeline.rows(end_us)),
        "tasks": frame(TASKS, tasks),
    }


def _review(decision: Decision, end_us: int) -> tuple[Any, ...]:
    decided = decision.decided_us < end_us
    usable = decision.approved and decision.usable_us < end_us
    return (
        decision.template,
        decision.attempt,
        decision.submitted_us,
        decision.decided_us if decided else None,
        ("approved" if decision.approved else "rejected") if decided else None,
        decision.usable_us if usable else None,
    )


_REFUSED, _DELIVERED, _FAILED, _IN_FLIGHT = range(4)
_RESULTS = 4


class TaskResults:
    """Counts the messages of group tasks as they are finished, one array operation per chunk."""

    def __init__(self, compiled: CompiledScenario, tasks: Tasks) -> None:
        self._compiled, self._tasks = compiled, list(tasks.by_name.values())
        self._last_us = [_last_us(task, self._numbers(task)) for task in self._tasks]
        self._first_us = min((task.at_us for task in self._tasks), default=0)
        names = [task.plan.name for task in self._tasks]
        # After the tasks one more row, which all other sources are counted in.
        row = {name: stage for stage, name in enumerate(names)}
        of_source = np.array([row.get(s.name, len(names)) for s in compiled.sources], np.int64)
        self._cell = of_source[compiled.source] * _RESULTS
        stage = compiled.outcomes.stage
        self._result = np.where(stage > 0, _REFUSED, _FAILED)
        self._result[DELIVERED] = _DELIVERED
        self._counts = np.zeros((len(names) + 1) * _RESULTS, np.int64)

    def add(self, finished: FinishedMessages) -> None:
        """Count one chunk of finished messages."""
        if not self._tasks or not len(finished):
            return
        if finished.submitted_us[-1] < self._first_us or finished.submitted_us[0] > max(
            self._last_us
        ):
            return
        result = self._result.take(finished.outcome_code)
        result[finished.in_flight] = _IN_FLIGHT
        result += self._cell.take(finished.cls)
        self._counts += np.bincount(result, minlength=len(self._counts))

    def rows(self, end_us: int, stopped: dict[str, int]) -> list[tuple[Any, ...]]:
        """The rows of the table of tasks at the end of the run."""
        counts = self._counts.reshape(-1, _RESULTS).tolist()
        return [
            self._row(task, task_counts, last_us, _state(task, last_us, end_us, stopped))
            for task, task_counts, last_us in zip(self._tasks, counts, self._last_us, strict=False)
        ]

    def _row(self, task: Task, counts: list[int], last_us: int, state: str) -> tuple[Any, ...]:
        numbers, plan = self._numbers(task), task.plan
        read = self._compiled.recipients(plan)
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
            counts[_REFUSED],
            counts[_DELIVERED] + counts[_FAILED] + counts[_IN_FLIGHT],
            counts[_DELIVERED],
            counts[_FAILED],
            counts[_IN_FLIGHT],
        )

    def _numbers(self, task: Task) -> int:
        read = self._compiled.recipients(task.plan)
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
