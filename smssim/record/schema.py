"""The columns of every table, their types, units and meaning, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "EVENTS",
    "LEDGER",
    "MESSAGES",
    "NAT",
    "ONBOARDING",
    "PACKAGES",
    "PACKAGE_EVENTS",
    "QUARANTINE",
    "REFUSED_AT",
    "REPORTS",
    "REPORT_SOURCES",
    "REPORT_STATES",
    "RESEND_KINDS",
    "REVIEWS",
    "TABLES",
    "TASKS",
    "TIME",
    "Column",
    "RefusalStage",
    "codes_of",
    "frame",
    "integers_of",
    "microseconds_of",
    "refusal_stages",
    "resend_kinds",
]

TIME = "datetime64[us, UTC]"
NAT = np.iinfo(np.int64).min
"""NaT in a column of microseconds."""


class RefusalStage(IntEnum):
    """Where a message was refused: with the request's code, with the number's status in the answer,
    or by the platform after acceptance; SENT if it was not.
    """

    SENT = 0
    REQUEST = 1
    NUMBER = 2
    PLATFORM = 3

    @property
    def label(self) -> str:
        """The value of `refused_at` in a table of messages; empty for a sent one."""
        return self.name.lower() if self else ""

    @property
    def charge(self) -> str:
        """How tallies call what was refused here (`smssim.record.tallies.CHARGES`)."""
        return f"refused_{self.value}"


REFUSED_AT = tuple(stage.label for stage in RefusalStage)
"""The categories of `refused_at`, so that their codes are stages."""

REPORT_SOURCES = {1: "made by the SMS platform", 2: "SMS centre", 3: "Huawei platform"}
REPORT_STATES = ("lost", "pending", "received")
RESEND_KINDS = ("first", "server resend", "user resend")
"""Whether a message is the first, or one that a server or a user sent again; in sorted order."""
PACKAGE_EVENTS = ("package_bought", "package_empty", "package_expired", "run_out")
"""Events that packages and messages alone determine; a rated log has no others."""
_TASK_STATES = ("refused", "cancelled", "stopped", "sending", "finished")
"""States of group tasks at the end of a run, in the order of their display."""


@dataclass(frozen=True)
class Column:
    """One column: its pandas type and what it holds, unit included."""

    name: str
    dtype: str
    meaning: str


def _columns(*rows: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


MESSAGES = _columns(
    ("submitted_at", TIME, "when the platform took the message in"),
    ("source", "category", "traffic, calls or group task it came from"),
    ("request", "int64", "UTC hour * 1,000,000 + number within the hour; unique within a source"),
    ("recipient", "int32", "place in the request or in the file, from 0"),
    ("resend_number", "int8", "0, or which resend, by a user or a server, it is"),
    ("application", "category", "application"),
    ("template", "category", "template"),
    ("type", "category", "otp or notification"),
    ("country", "category", "ISO 3166 code of the recipient's country"),
    ("segments", "int8", "parts it is split into and charged by"),
    ("refused_at", "category", "request, number or platform (RefusalStage); empty if sent"),
    ("status", "category", "refusal code or final status; NA while pending"),
    ("report_source", "category", "1, 2 or 3 (REPORT_SOURCES); NA without a report"),
    ("sent_at", TIME, "when it left the queue; NaT if not sent, or not yet"),
    ("final_at", TIME, "when its final status was made; NaT if there is none, or not yet"),
    ("covered_segments", "int8", "segments deducted from packages"),
    ("package", "category", "first package that gave segments; NA without one"),
    (
        "cost_micro",
        "int32",
        "pay-per-use charge in millionths of the currency; int64 if some are large",
    ),
)
REPORTS = _columns(
    ("message", "int32", "row number in messages"),
    ("part", "int8", "segment of the message, from 1"),
    ("state", "category", "received, lost, or pending at the end of the run"),
    ("attempts", "int8", "pushes tried before the end of the run"),
    ("deliveries", "int8", "pushes that arrived"),
    ("received_at", TIME, "first arrival at the customer's server"),
)
EVENTS = _columns(
    ("at", TIME, "when it happened"),
    ("event", "str", "what happened"),
    ("subject", "str", "to what: a period, country, package, template, source"),
    ("value", "Int64", "count, segments or micro-units that go with it"),
)
LEDGER = _columns(
    ("at", TIME, "when it was booked"),
    ("entry", "str", "purchase, settlement, unsettled, top_up, expired, returned"),
    ("country", "str", "country of the package"),
    ("package", "Int64", "package"),
    ("segments", "Int64", "segments bought, expired or returned"),
    ("amount_micro", "Int64", "money in millionths of the currency"),
)
REVIEWS = _columns(
    ("template", "str", "template"),
    ("attempt", "int64", "submission, from 1"),
    ("submitted_at", TIME, "when it was handed in"),
    ("decided_at", TIME, "when it was decided; NaT if not yet"),
    ("decision", "str", "approved or rejected; NA if not yet"),
    ("usable_at", TIME, "from when it can be sent; NaT if rejected, or not yet"),
)
ONBOARDING = _columns(
    ("step", "str", "step of getting started"),
    ("subject", "str", "country, application or template; empty for the account's own steps"),
    ("began_at", TIME, "when it began or was tried; NaT if not yet"),
    ("done_at", TIME, "when it was done, a template usable; NaT if refused, or not yet"),
    ("refused", "str", "why it was refused; empty if it was not, or not yet"),
)
PACKAGES = _columns(
    ("package", "int64", "package, numbered by purchase from 0"),
    ("country", "str", "country it covers"),
    ("segments", "int64", "segments bought"),
    ("price_micro", "int64", "price in millionths of the currency"),
    ("in_force_at", TIME, "from when it can be used"),
    ("ends_at", TIME, "first instant at which it cannot"),
    ("used", "int64", "segments deducted, less those returned"),
    ("expired", "int64", "segments that expired unused"),
    ("left", "int64", "segments left at the end of the run"),
)
TASKS = _columns(
    ("task", "str", "group task"),
    ("template", "str", "template"),
    ("state", "str", "refused, cancelled, stopped, sending or finished (TASK_STATES)"),
    ("reason", "str", "why its file was refused; NA if it was not"),
    ("created_at", TIME, "when it was made in the console"),
    ("at", TIME, "when it was to start"),
    ("finished_at", TIME, "when its last number was handed over; NaT if it was not, or not yet"),
    ("numbers", "Int64", "numbers in its file; NA if that was refused"),
    ("imported", "int64", "numbers left after import"),
    ("duplicates", "Int64", "numbers dropped because they stood in the file before"),
    ("invalid", "Int64", "numbers dropped because they were wrong"),
    ("refused", "int64", "messages refused, at any stage"),
    ("sent", "int64", "messages sent"),
    ("delivered", "int64", "sent messages with final status DELIVRD"),
    ("failed", "int64", "sent messages with any other final status"),
    ("in_flight", "int64", "sent messages without a final status yet"),
)
QUARANTINE = _columns(
    ("file", "str", "file"),
    ("row", "int64", "row or line of the file, from 1"),
    ("reasons", "str", "why it could not be used, all reasons with semicolons between"),
    ("text", "str", "the row verbatim, phone numbers masked"),
)
TABLES = {
    "messages": MESSAGES,
    "reports": REPORTS,
    "events": EVENTS,
    "ledger": LEDGER,
    "reviews": REVIEWS,
    "packages": PACKAGES,
    "onboarding": ONBOARDING,
    "tasks": TASKS,
    "quarantine": QUARANTINE,
}


def refusal_stages(refused_at: pd.Series[Any]) -> NDArray[np.int8]:
    """The stage of each message by its `refused_at`, which may lack categories that are not used.

    Raise a ValueError for a value that is none of REFUSED_AT.
    """
    codes, labels = codes_of(refused_at.astype("category"))
    stages = [REFUSED_AT.index(label) for label in labels]
    return np.array([*stages, -1], np.int8).take(codes)


def resend_kinds(resend_number: NDArray[Any], of_server: NDArray[np.bool_]) -> NDArray[np.int8]:
    """The kind of each message as a code of RESEND_KINDS, -1 where its number is not known (-1).

    *of_server* says whether a message's source has a server that sends again, not a user.
    """
    first, by_server, by_user = np.arange(len(RESEND_KINDS), dtype=np.int8)
    kinds = np.where(of_server, by_server, by_user)
    kinds[resend_number == 0] = first
    kinds[resend_number < 0] = -1
    return kinds


def codes_of(column: pd.Series[Any]) -> tuple[NDArray[Any], list[Any]]:
    """The codes of a categorical column, -1 for NA, and the labels that they number."""
    return column.cat.codes.to_numpy(), column.cat.categories.tolist()


def microseconds_of(column: pd.Series[Any]) -> NDArray[np.int64]:
    """Times, with a zone or naive UTC, as microseconds since 1970; NAT for NaT."""
    times: Any = column.array
    us: NDArray[np.int64] = (times if times.unit == "us" else times.as_unit("us")).asi8
    return us


def integers_of(column: pd.Series[Any], missing: int) -> NDArray[np.int64]:
    """Whole numbers, *missing* for NA."""
    return column.fillna(missing).to_numpy(np.int64)


def frame(columns: tuple[Column, ...], rows: Sequence[Any]) -> pd.DataFrame:
    """A frame of plain tuples: microseconds as UTC times, None as NA."""
    return _frame(columns, rows) if rows else _empty(columns).copy()


@lru_cache(maxsize=16)
def _empty(columns: tuple[Column, ...]) -> pd.DataFrame:
    # Most runs have some tables without a row, and making them takes milliseconds.
    return _frame(columns, [])


def _frame(columns: tuple[Column, ...], rows: Sequence[Any]) -> pd.DataFrame:
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    # Arrays, not Series: those would all be aligned, column by column.
    return pd.DataFrame(
        {c.name: _array(c.dtype, list(column)) for c, column in zip(columns, values, strict=True)},
        copy=False,
    )


def _array(dtype: str, values: list[Any]) -> Any:
    """A column of a table as pandas holds it."""
    if dtype == TIME:
        us = np.array([NAT if value is None else value for value in values], np.int64)
        return pd.DatetimeIndex(us.view("datetime64[us]"), tz="UTC").array
    if dtype == "Int64":
        numbers = np.array([0 if value is None else value for value in values], np.int64)
        return pd.arrays.IntegerArray(numbers, np.array([value is None for value in values], bool))
    if dtype == "category":
        return pd.Categorical(values)
    if dtype.startswith("int"):
        integers = np.array(values, np.int64)
        fits = not len(integers) or integers.max() <= np.iinfo(dtype).max
        return integers.astype(dtype) if fits else integers
    return pd.array(values, dtype="str")
