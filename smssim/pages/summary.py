"""A record in plain text: what went wrong, cost, delivery, and the assumptions behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from smssim.calendars import DAY, to_datetime
from smssim.formatting import (
    count,
    duration,
    instant,
    listed,
    missing,
    moment,
    money,
    section,
    text_page,
    times,
    wrapped,
)
from smssim.pages import tables
from smssim.pages.answers import Answer, answers
from smssim.pages.assumptions import assumptions
from smssim.pages.data_quality import left_out, policies_of, recognised
from smssim.record.record import Record, require_record
from smssim.report._record import priced, recorded
from smssim.report.cost import wasted_spend
from smssim.report.outages import outages, untold
from smssim.report.projection import month_of, projection
from smssim.scenario import Scenario

__all__ = ["head", "summary"]

_KINDS = {
    "failed": "failed",
    "expired": "expired",
    "user_resend": "resent by users",
    "server_resend": "resent by servers",
    "fraudulent": "fraudulent",
}


def summary(record: Record) -> str:
    """The answers of a record as text of at most 100 columns, the short ones first; times are UTC.

    For a log it begins with what was left out, and has no cost unless it was rated.
    """
    lines = head(require_record(record))
    if recorded(record):
        lines += section("LEFT OUT", left_out(record))
        lines += section("SUMMARY", _sentences(answers(record)))
        if priced(record):
            lines += section(f"BILL, {record.currency}", tables.bill(record).lines())
        lines += _budget(record)
    else:
        lines += section("SUMMARY", _sentences(answers(record)))
        lines += section(f"BILL, {record.currency}", tables.bill(record).lines())
        lines += _budget(record)
        lines += section("EVENTS, times UTC", tables.happened(record).lines())
    lines += section("DELIVERY, from submission", tables.deliveries(record).lines())
    lines += section("STATUSES", tables.status_counts(record).lines())
    lines += section("TEMPLATE REVIEW, times UTC", tables.reviews(record).lines())
    lines += section("GROUP TASKS, times UTC", tables.group_tasks(record).lines())
    lines += section("GETTING STARTED, times UTC", tables.getting_started(record).lines())
    lines += section("DELIVERY REPORTS", [*tables.reports(record), *_own_server(record)])
    lines += section("RECOGNISED", recognised(record))
    scenario = record.provenance.get("scenario")
    if scenario is not None:
        sentences = assumptions(record, Scenario.parse(scenario))
        assumed = [line for sentence in sentences for line in wrapped(sentence)]
        lines += section("ASSUMPTIONS", assumed)
    return text_page(lines)


def _budget(record: Record) -> list[str]:
    currency = f", {record.currency}" if priced(record) else ""
    month = section(_month_title(record), _month(record))
    return [*month, *section(f"WASTED SPEND{currency}", _wasted(record))]


def _sentences(rows: list[Answer]) -> list[str]:
    return [line for row in rows for line in wrapped(f"{row.name:<11} {row.marked}", 12)]


def head(record: Record) -> list[str]:
    """What a record is called, the period, and where it comes from, one sentence each."""
    about = record.provenance
    days = round((record.observed_until - record.observed_from) / DAY, 1)
    period = f"{instant(record.observed_from)} to {instant(record.observed_until)} UTC"
    named = f"{record.name}: {period}, {days:g} day{'' if days == 1 else 's'}"
    if recorded(record):
        named = named if record.observed_until else f"{record.name}: no message"
        origin = f"read from {_files(about)}; nothing here is simulated"
        rating = about.get("rating")
        return [
            named,
            origin,
            *([f"priced by {rating['tariff']}, {_mode(rating)}"] if rating else []),
        ]
    facts = [f"scenario {about.get('digest', 'unknown')}", f"rng {about.get('rng', 'unknown')}"]
    facts.append(f"policies {listed(policies_of(about))}" if policies_of(about) else "no policies")
    version = about.get("versions", {}).get("smssim", "unknown")
    return [named, f"simulated: {', '.join(facts)}, smssim {version}"]


def _mode(rating: dict[str, Any]) -> str:
    number = len(rating["packages"])
    return f"{rating['service_mode']}, {number} package{'' if number == 1 else 's'}"


def _files(about: Mapping[str, Any]) -> str:
    read = about.get("log", [])
    return str(read[0]) if len(read) == 1 else f"{len(read):,} files"


def _own_server(record: Record) -> list[str]:
    """Outages of the customer's own server that the gaps of a log with rows tell of."""
    # A simulation is told the same with its rows and without, and its outages are its scenario's.
    if not recorded(record) or untold(record) is not None:
        return []
    down = outages(record)
    if down.empty:
        return []
    longest = down.sort_values("length_s", kind="stable").iloc[-1]
    return wrapped(
        f"our server, from the gaps: down {times(len(down))}, at most "
        f"{duration(down['length_s'].sum())} in all, the longest {duration(longest['length_s'])} "
        f"from {moment(longest['begins'])}"
    )


# The month to come, and wasted spend.


def _month_title(record: Record) -> str:
    """The UTC month in which the record ends."""
    return f"MONTH TO DATE AND FORECAST, {to_datetime(month_of(record).since_us):%Y-%m} UTC"


def _month(record: Record) -> list[str]:
    """The month to date and its forecast; nothing where the record is that month."""
    rows = {row["figure"]: row for _, row in projection(record).iterrows()}
    cost, messages = rows["cost"], rows["messages"]
    whole = month_of(record).since_us == record.observed_from
    if (whole and not messages["days_left"]) or not messages["so_far"]:
        return []
    since = "" if _from_the_first(messages) else f", since {moment(messages['since'])}"
    amounts = ", ".join(amount for amount in map(_so_far, (cost, messages)) if amount)
    lines = wrapped(f"to date   {amounts}{since}", 10)
    if messages["reason"]:
        return [*lines, *wrapped(f"forecast  none: {messages['reason']}", 10)]
    if not messages["days_left"]:
        return lines
    amounts = ", ".join(amount for amount in map(_projected, (cost, messages)) if amount)
    left, seen = f"{messages['days_left']:.1f}".removesuffix(".0"), messages["whole_days"]
    like = f"if the {left} days left are like the {seen} seen"
    bought = "" if missing(cost["month"]) else ", without packages still to buy"
    return [*lines, *wrapped(f"forecast  {amounts}, 95% intervals, {like}{bought}", 10)]


def _wasted(record: Record) -> list[str]:
    """What failed, expired, came again or served a fraud, and what it cost; nothing if none did."""
    frame = wasted_spend(record)
    parts = []
    for _, row in frame[frame["messages"].fillna(0) > 0].iterrows():
        amount = row.iloc[-1]
        cost = "" if missing(amount) or not priced(record) else f" ({money(amount)})"
        parts.append(f"{_KINDS[row['kind']]} {count(row['messages'])}{cost}")
    return wrapped(f"messages {', '.join(parts)}; categories overlap") if parts else []


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
