"""How long the review of templates took, on the clock and in the desk's working time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from smssim.calendars import DAY, HOUR
from smssim.record.record import Record
from smssim.record.schema import TASKS, TIME, microseconds_of
from smssim.record.tallies import SLOT_US
from smssim.report._record import instants, requires, scenario_of
from smssim.scenario import Registration, registration_type
from smssim.workdays import WorkCalendar, working_us_between

__all__ = ["FIRST_MESSAGE", "calendar_of", "onboarding", "review", "rows_of", "tasks"]

_TYPES = {
    "template": "str",
    "attempts": "int64",
    "submitted_at": TIME,
    "approved_at": TIME,
    "usable_at": TIME,
    "wall_h": "float64",
    "working_h": "float64",
    "rejected": "int64",
    "state": "str",
}
_DECIDED = ("decided_at", "usable_at")
_NAT = np.iinfo(np.int64).min


@requires("reviews")
def review(record: Record) -> pd.DataFrame:
    """One row a template that was handed in, in the order of the scenario.

    `submitted_at` is the first of its `attempts`; `wall_h` and `working_h` are the hours from there
    to the approval, by the clock and within 09:00-18:00 GMT+8 of Chinese workdays, NaN without
    one. `rejected` counts rejections; `state` is approved, rejected, or in review at the end of
    the record (a rejected template is mended and handed in again). A log knows no reviews.
    """
    rows = rows_of(record)
    columns = {name: [row[name] for row in rows] for name in _TYPES}
    return pd.DataFrame(
        {
            name: pd.Series(instants(columns[name]) if t == TIME else columns[name], dtype=t)
            for name, t in _TYPES.items()
        }
    )


def rows_of(record: Record) -> list[dict[str, Any]]:
    """The rows of `review` as plain values, times in microseconds; None is what did not happen."""
    reviews = record.reviews
    if reviews is None or not len(reviews):
        return []
    calendar = calendar_of(record)
    names, decisions = reviews["template"].to_numpy(), reviews["decision"].to_numpy()
    times = {name: microseconds_of(reviews[name]) for name in ("submitted_at", *_DECIDED)}
    rows = []
    for template in dict.fromkeys(names.tolist()):
        mask = names == template
        submitted = int(times["submitted_at"][mask].min())
        approval = mask & (decisions == "approved")
        approved, usable = (
            next((at for at in times[name][approval].tolist() if at != _NAT), None)
            for name in _DECIDED
        )
        last = decisions[mask][-1]
        rows.append(
            {
                "template": template,
                "attempts": int(mask.sum()),
                "submitted_at": submitted,
                "approved_at": approved,
                "usable_at": usable,
                "wall_h": None if approved is None else (approved - submitted) / HOUR,
                "working_h": None
                if approved is None
                else working_us_between(submitted, approved, calendar) / HOUR,
                "rejected": int((decisions[mask] == "rejected").sum()),
                "state": "in review" if last not in ("approved", "rejected") else last,
            }
        )
    return rows


def calendar_of(record: Record) -> WorkCalendar:
    """The desk's calendar with the days that the scenario adds."""
    scenario = scenario_of(record)
    if scenario is None:
        return WorkCalendar()
    rules = scenario.review
    return WorkCalendar(
        [day.date() for day in rules.extra_workdays], [day.date() for day in rules.extra_holidays]
    )


# Getting started as a timeline: every step with its hours, and the day of the first message.

FIRST_MESSAGE = "first_message"
_TYPES_onboarding = {
    "step": "str",
    "subject": "str",
    "kind": "str",
    "began_at": TIME,
    "done_at": TIME,
    "hours": "float64",
    "day": "Int64",
    "refused": "str",
}
_TIMES = ("began_at", "done_at")


@requires("onboarding", "clock")
def onboarding(record: Record) -> pd.DataFrame:
    """One row a step of getting started, in the order of the table, and the first message last.

    `kind` is what a country registers: sender_id, brand or content. `hours` are from `began_at` to
    `done_at` by the clock, NaN where a step is not done; `day` is the UTC day on which it was, 0
    the first of the record, as in the KPI `first_message.day`. The last row, `first_message`, began
    with the first step and was done when the first message was sent: to the microsecond where
    messages were kept, else to the quarter of an hour, and not before a template could be used in
    it. A log knows no steps. Since 2025-01-10
    Huawei enables no new users (DOMAIN.md section 1).
    """
    table = record.onboarding
    rows = [] if table is None else _steps(table)
    _name_kinds(record, rows)
    began = min((row["began_at"] for row in rows if row["began_at"] is not None), default=None)
    first = _first_message_us(record, rows)
    rows.append(_row(FIRST_MESSAGE, "", began, first, ""))
    for row in rows:
        if row["done_at"] is not None:
            row["day"] = row["done_at"] // DAY - record.observed_from // DAY
    columns = {name: [row[name] for row in rows] for name in _TYPES_onboarding}
    return pd.DataFrame(
        {
            name: pd.Series(instants(columns[name]) if t == TIME else columns[name], dtype=t)
            for name, t in _TYPES_onboarding.items()
        }
    )


def _steps(table: pd.DataFrame) -> list[dict[str, Any]]:
    times = [
        [None if is_missing else us for us, is_missing in zip(column, missing, strict=True)]
        for column, missing in (
            (microseconds_of(table[name]).tolist(), table[name].isna()) for name in _TIMES
        )
    ]
    return [
        _row(*row)
        for row in zip(table["step"], table["subject"], *times, table["refused"], strict=True)
    ]


def _name_kinds(record: Record, rows: list[dict[str, Any]]) -> None:
    scenario = scenario_of(record)
    for row in rows:
        if scenario is not None and row["step"] == "country_registration":
            country = row["subject"]
            registration = scenario.registrations.get(country, Registration())
            row["kind"] = registration_type(country, registration)


def _row(
    step: str, subject: str, began: int | None, done: int | None, refused: str
) -> dict[str, Any]:
    hours = None if began is None or done is None else (done - began) / HOUR
    return {
        "step": step,
        "subject": subject,
        "kind": "",
        "began_at": began,
        "done_at": done,
        "hours": hours,
        "day": None,
        "refused": refused,
    }


def _first_message_us(record: Record, steps: list[dict[str, Any]]) -> int | None:
    """When the first message was sent, as exactly as the record knows."""
    messages = record.messages
    if messages is not None:
        sent = messages.loc[messages["refused_at"] == "", "submitted_at"]
        return int(microseconds_of(sent).min()) if len(sent) else None
    clock = record.tallies.clock
    sent = clock.loc[~clock["outcome"].astype(str).str.startswith("refused"), "slot"]
    if not len(sent):
        return None
    slot = int(microseconds_of(sent).min())
    # No message goes out before its template: the slot may have begun earlier.
    usable = [row["done_at"] for row in steps if row["step"] == "template" and row["done_at"]]
    return max(slot, min(usable)) if usable and min(usable) < slot + SLOT_US else slot


# The outcome of each group task: its import, what was refused and sent, what was delivered.


@requires("tasks")
def tasks(record: Record) -> pd.DataFrame:
    """One row a group task, in the order of the scenario, as the console's task record has it.

    Columns of the table of tasks, then `not_handed_over` (imported numbers that became no message
    within the record: of a cancelled task all), `took_s` (seconds from its start until its last
    number was handed over, NaN if that was not) and `delivered_share` (of the messages with a known
    outcome, NaN without one: too high while many are pending, as those that will expire have no
    outcome for 72 h; `delivery` estimates it). imported = refused + sent + not_handed_over, and
    sent = delivered + failed + in_flight. A log knows no tasks and has no rows. Names of states are
    ours (DOMAIN.md section 8: NOT FOUND).
    """
    table = record.tasks
    if table is None:
        table = pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in TASKS})
    final = table["delivered"] + table["failed"]
    return table.assign(
        not_handed_over=table["imported"] - table["refused"] - table["sent"],
        took_s=(table["finished_at"] - table["at"]).dt.total_seconds(),
        delivered_share=table["delivered"] / final.where(final > 0),
    )
