"""Getting started as a timeline: every step with its hours, and the day of the first message.

Since 2025-01-10 Huawei enables no new users of the service: this tells of accounts that it enabled
before, and of what such a start would take (DOMAIN.md section 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smssim.calendars import DAY, HOUR
from smssim.record.record import Record
from smssim.record.schema import TIME
from smssim.record.tallies import SLOT_US
from smssim.report.needs import needs
from smssim.report.rules import scenario_of
from smssim.report.spans import instants, microseconds
from smssim.scenario import Registration, kind_of

if TYPE_CHECKING:
    import pandas as pd

FIRST_MESSAGE = "first_message"
_TYPES = {
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


@needs("onboarding", "clock")
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
    import pandas as pd

    table = record.onboarding
    rows = [] if table is None else _steps(table)
    _name_kinds(record, rows)
    began = min((row["began_at"] for row in rows if row["began_at"] is not None), default=None)
    first = _first_message_us(record, rows)
    rows.append(_row(FIRST_MESSAGE, "", began, first, ""))
    for row in rows:
        if row["done_at"] is not None:
            row["day"] = row["done_at"] // DAY - record.observed_from // DAY
    columns = {name: [row[name] for row in rows] for name in _TYPES}
    return pd.DataFrame(
        {
            name: pd.Series(instants(columns[name]) if t == TIME else columns[name], dtype=t)
            for name, t in _TYPES.items()
        }
    )


def _steps(table: pd.DataFrame) -> list[dict[str, Any]]:
    times = [
        [None if known else us for us, known in zip(column, missing, strict=True)]
        for column, missing in (
            (microseconds(table[name]).tolist(), table[name].isna()) for name in _TIMES
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
            own = scenario.registrations.get(country, Registration())
            row["kind"] = kind_of(country, own)


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
        sent = messages.loc[messages["place"] == 0, "submitted_at"]
        return int(microseconds(sent).min()) if len(sent) else None
    clock = record.tallies.clock
    sent = clock.loc[~clock["outcome"].astype(str).str.startswith("refused"), "slot"]
    if not len(sent):
        return None
    slot = int(microseconds(sent).min())
    # No message goes out before its template: the slot may have begun earlier.
    usable = [row["done_at"] for row in steps if row["step"] == "template" and row["done_at"]]
    return max(slot, min(usable)) if usable and min(usable) < slot + SLOT_US else slot
