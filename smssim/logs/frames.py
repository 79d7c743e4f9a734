"""The customer's columns as the frames that every record has; absent values are NA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from smssim.arrays import Ints
from smssim.logs.captures.seen_by_customer import Codes
from smssim.record.schema import (
    MESSAGES,
    REFUSED_AT,
    REPORT_SOURCES,
    REPORT_STATES,
    REPORTS,
    Column,
)

__all__ = [
    "NOT_A_TIME",
    "MessageColumns",
    "ReportColumns",
    "categories",
    "fitting",
    "messages_frame",
    "reports_frame",
    "times",
]

NOT_A_TIME = -(2**63)


@dataclass(frozen=True)
class MessageColumns:
    """A customer's view of messages, one per row: times in microseconds since 1970 UTC.

    Absent is the smallest int64 in a time or cost, 0 in `segments` and `report_source`, and -1 in
    all others; None where no row has a value.
    """

    submitted: Ints
    request: Ints
    recipient: Ints
    segments: Ints
    stage: Ints
    report_source: Ints
    final: Ints
    application: Codes
    template: Codes
    country: Codes
    status: Codes
    type: Codes | None = None
    source: Codes | None = None
    sent: Ints | None = None
    resend_number: Ints | None = None
    covered: Ints | None = None
    cost_micro: Ints | None = None


@dataclass(frozen=True)
class ReportColumns:
    """A customer's view of reports: those received, by message and segment."""

    message: Ints
    segment: Ints
    copies: Ints
    received: Ints


def messages_frame(facts: MessageColumns) -> pd.DataFrame:
    """Return the messages with the columns of `smssim.record.schema.MESSAGES`.

    Integer columns that may be unknown have pandas' nullable types.
    """
    columns: dict[str, Any] = {
        "submitted_at": times(facts.submitted),
        "request": facts.request,
        "recipient": facts.recipient.astype(np.int32),
        "application": categories(facts.application),
        "template": categories(facts.template),
        "country": categories(facts.country),
        "segments": _nullable(facts.segments, "Int8", 0),
        "refused_at": _fixed(facts.stage, list(REFUSED_AT)),
        "status": categories(facts.status),
        "report_source": _fixed(facts.report_source - 1, list(REPORT_SOURCES)),
        "final_at": times(facts.final),
    }
    columns |= _more(facts)
    return _frame(MESSAGES, columns, len(facts.submitted))


def _more(facts: MessageColumns) -> dict[str, Any]:
    """The columns that some logs have."""
    columns: dict[str, Any] = {}
    for name, codes in (("type", facts.type), ("source", facts.source)):
        if codes is not None:
            columns[name] = categories(codes)
    if facts.sent is not None:
        columns["sent_at"] = times(facts.sent)
    for name, values, dtype, unknown in (
        ("resend_number", facts.resend_number, "Int8", -1),
        ("covered_segments", facts.covered, "Int8", -1),
        ("cost_micro", facts.cost_micro, "Int32", NOT_A_TIME),
    ):
        if values is not None:
            columns[name] = _nullable(values, dtype, unknown)
    return columns


def reports_frame(facts: ReportColumns) -> pd.DataFrame:
    """Return the reports with the columns of `smssim.record.schema.REPORTS`, all in state received.

    `deliveries` is an int32: nothing bounds how often a report is pushed.
    """
    received = np.full(len(facts.segment), REPORT_STATES.index("received"))
    columns = {
        "message": facts.message.astype(np.int32),
        "part": facts.segment.astype(fitting("int8", facts.segment)),
        "state": _fixed(received, list(REPORT_STATES)),
        "deliveries": facts.copies.astype(np.int32),
        "received_at": times(facts.received),
    }
    return _frame(REPORTS, columns, len(facts.message))


def times(us: Ints) -> pd.DatetimeIndex:
    """Return microseconds since 1970 as UTC times; the smallest int64 is NaT."""
    return pd.DatetimeIndex(us.astype(np.int64).view("datetime64[us]")).tz_localize("UTC")


def _nullable(values: Ints, dtype: str, unknown: int) -> pd.arrays.IntegerArray:
    """Return integers of a nullable *dtype* or a larger one, NA where they are *unknown*."""
    absent = values == unknown
    values = np.where(absent, 0, values)
    return pd.arrays.IntegerArray(values.astype(fitting(dtype.lower(), values)), absent)


def fitting(dtype: str, values: Ints) -> np.dtype[Any]:
    """Return an integer *dtype*, or the next larger one that holds all of some values."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    wide = np.promote_types(np.min_scalar_type(min(low, -high - 1)), np.dtype(dtype))
    return np.dtype(wide)


def categories(column: Codes) -> pd.Categorical:
    """Return a column with the labels that it uses, sorted; equal labels become one."""
    present = np.unique(column.codes)
    used = present[present >= 0]
    names, position = np.unique(np.array(column.labels, object)[used], return_inverse=True)
    new = np.full(len(column.labels) + 1, -1, np.int64)
    new[used] = position
    return pd.Categorical.from_codes(new[column.codes], categories=pd.Index(names, dtype="str"))


def _fixed(codes: Ints, labels: list[Any]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(labels))


def _frame(table: tuple[Column, ...], columns: dict[str, Any], n: int) -> pd.DataFrame:
    return pd.DataFrame({c.name: columns.get(c.name, _unknown(c.dtype, n)) for c in table})


def _unknown(dtype: str, n: int) -> Any:

    if dtype == "category":
        return categories(Codes(np.full(n, -1, np.int64), []))
    if dtype.startswith("int"):
        return _nullable(np.zeros(n, np.int64), dtype.capitalize(), 0)
    return times(np.full(n, NOT_A_TIME))
