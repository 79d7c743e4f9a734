"""The month to come and the money that bought nothing, as lines of a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smssim.calendars import to_datetime
from smssim.formatting import count, missing, moment, money, wrapped
from smssim.record.record import Record
from smssim.report._record import priced
from smssim.report.cost import waste
from smssim.report.projection import month_of, projection

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {
    "failed": "failed",
    "expired": "expired",
    "user_resend": "resent by users",
    "server_resend": "resent by servers",
    "fraudulent": "fraudulent",
}


def month_title(record: Record) -> str:
    """The UTC month in which the record ends."""
    return f"MONTH {to_datetime(month_of(record).since_us):%Y-%m}, UTC"


def month(record: Record) -> list[str]:
    """The month so far and what it is projected to be; nothing where the record is that month."""
    rows = {row["figure"]: row for _, row in projection(record).iterrows()}
    cost, messages = rows["cost"], rows["messages"]
    whole = month_of(record).since_us == record.observed_from
    if (whole and not messages["days_left"]) or not messages["so_far"]:
        return []
    since = "" if _from_the_first(messages) else f", since {moment(messages['since'])}"
    told = ", ".join(part for part in map(_so_far, (cost, messages)) if part)
    lines = wrapped(f"so far     {told}{since}", 11)
    if messages["reason"]:
        return [*lines, f"projected  nothing: {messages['reason']}"]
    if not messages["days_left"]:
        return lines
    told = ", ".join(part for part in map(_projected, (cost, messages)) if part)
    left, seen = f"{messages['days_left']:.1f}".removesuffix(".0"), messages["whole_days"]
    like = f"if the {left} days left are like the {seen} seen"
    bought = "" if missing(cost["month"]) else ", without packages still to buy"
    return [*lines, *wrapped(f"projected  {told} at 95 %, {like}{bought}", 11)]


def wasted(record: Record) -> list[str]:
    """What failed, expired, came again or served a fraud, and what it cost; nothing if none did."""
    found = waste(record)
    parts = []
    for _, row in found[found["messages"].fillna(0) > 0].iterrows():
        amount = row.iloc[-1]
        cost = "" if missing(amount) or not priced(record) else f", {money(amount)}"
        parts.append(f"{_KINDS[row['kind']]} {count(row['messages'])}{cost}")
    return wrapped(f"messages {'; '.join(parts)}; kinds overlap") if parts else []


def _from_the_first(row: pd.Series[Any]) -> bool:
    since = row["since"]
    return bool(since.day == 1 and since == since.normalize())


def _so_far(row: pd.Series[Any]) -> str:
    return "" if missing(row["so_far"]) else f"{_amount(row, 'so_far')} {row['unit']}"


def _projected(row: pd.Series[Any]) -> str:
    if missing(row["month"]):
        return ""
    low, high = _amount(row, "month_low"), _amount(row, "month_high")
    return f"{_amount(row, 'month')} {row['unit']} ({low} to {high})"


def _amount(row: pd.Series[Any], column: str) -> str:
    return count(round(row[column])) if row["unit"] == "messages" else money(row[column])
