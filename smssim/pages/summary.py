"""A record in plain text: cost, stops, delivery, and what these answers hang on."""

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
    share,
    text_page,
    times,
    wrapped,
)
from smssim.pages import tables
from smssim.pages.assumptions import assumptions
from smssim.pages.data_quality import (
    expected_to_arrive,
    left_out,
    not_counted,
    nothing_usable,
    recognised,
    used,
)
from smssim.record.record import Record
from smssim.report._record import priced, recorded
from smssim.report.callbacks import callbacks
from smssim.report.cost import cost, wasted_spend
from smssim.report.delivery import delivery, statuses
from smssim.report.events import CAUSES, cause, stops_and_warnings
from smssim.report.latency import untimed
from smssim.report.outages import outages, untold
from smssim.report.projection import month_of, projection
from smssim.scenario import Scenario

__all__ = ["head", "in_short", "summary"]

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
    lines = head(record)
    if recorded(record):
        lines += section("LEFT OUT", left_out(record))
        lines += section("IN SHORT", _sentences(in_short(record)))
        if priced(record):
            lines += section(f"BILL, {record.currency}", tables.bill(record).lines())
        lines += _budget(record)
    else:
        lines += section("IN SHORT", _sentences(in_short(record)))
        lines += section(f"BILL, {record.currency}", tables.bill(record).lines())
        lines += _budget(record)
        lines += section("WHAT HAPPENED, times UTC", tables.happened(record).lines())
    lines += section("DELIVERY, from submission", tables.deliveries(record).lines())
    lines += section("STATUSES", tables.status_counts(record).lines())
    lines += section("TEMPLATE REVIEW, times UTC", tables.reviews(record).lines())
    lines += section("GROUP TASKS, times UTC", tables.group_tasks(record).lines())
    lines += section("GETTING STARTED, times UTC", tables.getting_started(record).lines())
    lines += section("STATUS REPORTS", [*tables.reports(record), *_own_server(record)])
    lines += section("RECOGNISED", recognised(record))
    scenario = record.provenance.get("scenario")
    if scenario is not None:
        sentences = assumptions(record, Scenario.parse(scenario))
        assumed = [line for sentence in sentences for line in wrapped(sentence)]
        lines += section("ASSUMPTIONS THESE ANSWERS HANG ON", assumed)
    return text_page(lines)


def _budget(record: Record) -> list[str]:
    currency = f", {record.currency}" if priced(record) else ""
    month = section(_month_title(record), _month(record))
    return [*month, *section(f"WASTE{currency}", _wasted(record))]


def _sentences(answers: list[tuple[str, str]]) -> list[str]:
    return [line for name, answer in answers for line in wrapped(f"{name:<11} {answer}", 12)]


def in_short(record: Record) -> list[tuple[str, str]]:
    """The short answers of a record, each a name and a sentence, in the order of the summary.

    A log has no cost unless it was rated; it does not tell what stopped it.
    """
    if recorded(record):
        paid = [*_paid(record), *_packages(record)] if priced(record) else []
        return [*paid, *_delivered(record), *_unpriced(record)]
    return [*_paid(record), *_stopped(record), *_packages(record), *_delivered(record)]


def head(record: Record) -> list[str]:
    """What a record is called, the period it tells of, and where it comes from, a sentence each."""
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
    facts.append(
        f"policies {listed(about['policies'])}" if about.get("policies") else "no policies"
    )
    version = about.get("versions", {}).get("smssim", "unknown")
    return [named, f"simulated: {', '.join(facts)}, smssim {version}"]


def _mode(rating: dict[str, Any]) -> str:
    number = len(rating["packages"])
    return f"{rating['service_mode']}, {number} package{'' if number == 1 else 's'}"


def _files(about: Mapping[str, Any]) -> str:
    read = about.get("log", [])
    return str(read[0]) if len(read) == 1 else f"{len(read):,} files"


def _paid(record: Record) -> list[tuple[str, str]]:
    bill = cost(record, by=()).set_index("entry")["cost_micro"]
    bought, delivered = (
        int(bill.get("package", 0)),
        int(delivery(record, by=())["delivered"].iloc[0]),
    )
    total = int(bill.sum())
    split = f", of which packages {tables.total_of(bought)}" if bought else ""
    if "unknown" in bill.index:
        return [("Cost", f"at least {tables.total_of(total)} {record.currency}{split}")]
    each = f"; {tables.each(total, delivered)} a delivered message" if delivered else ""
    return [("Cost", f"{tables.total_of(total)} {record.currency}{split}{each}")]


def _delivered(record: Record) -> list[tuple[str, str]]:
    total = delivery(record, by=()).iloc[0]
    requested, refused = int(total["requested"]), int(total["requested"] - total["sent"])
    if not requested:
        unknown = f"not known: {used(record)}" if nothing_usable(record) else ""
        return [("Delivered", unknown or "nothing was requested")]
    failed = f"{count(total['failed'] + total['expired'])} failed or expired"
    parts = [f"{count(refused)} refused", failed, f"{count(total['in_flight'])} in flight"]
    if total["in_flight"] and untimed(record) is None:
        parts[-1] += f" ({expected_to_arrive(total)})"
    parts += [f"{count(total['no_report'])} without a report"] if total["no_report"] else []
    excluded = f"; {excluded}" if (excluded := not_counted(record)) else ""
    reached = share(total["delivered"] / requested)
    whole = f"{count(total['delivered'])} of {count(requested)} ({reached})"
    return [
        ("Delivered", f"{whole}; {', '.join(parts)}{excluded}"),
        *_latencies(record),
        *_lost(record),
    ]


def _latencies(record: Record) -> list[tuple[str, str]]:
    answers = []
    for _, row in delivery(record, by="type").iterrows():
        if missing(row["latency_p50_s"]):
            continue
        p50, p95, p99 = (duration(row[f"latency_p{q}_s"]) for q in (50, 95, 99))
        message_type = "" if missing(row["type"]) else f"{row['type']}: "
        answers.append(("Latency", f"{message_type}{p50} median, {p95} at 95 %, {p99} at 99 %"))
    reason = untimed(record)
    return answers if reason is None else [*answers, *_soon(record), ("Latency", reason)]


def _soon(record: Record) -> list[tuple[str, str]]:
    """The share delivered within 3 minutes, of a log that tells no latency."""
    total = delivery(record, by=()).iloc[0]
    if missing(total["within_3_min"]):
        return []
    soon, low, high = (share(total[f"within_3_min{end}"]) for end in ("", "_low", "_high"))
    return [("Latency", f"{soon} of deliveries within 3 minutes (95 % interval {low} to {high})")]


def _lost(record: Record) -> list[tuple[str, str]]:
    """The status reports that never came, if any are known; a log knows none."""
    lost, total = callbacks(record, by=())[["lost", "reports"]].iloc[0]
    text = f"{count(lost)} of {count(total)} status reports"
    return [] if missing(lost) or not lost else [("Lost", f"{text} ({share(lost / total)})")]


def _stopped(record: Record) -> list[tuple[str, str]]:
    events = stops_and_warnings(record)
    stops = events[events["stopped_s"].notna()].sort_values(
        "stopped_s", ascending=False, kind="stable"
    )
    lines = [
        f"{duration(row['stopped_s'])} by {cause(row['event'], row['subject'])}, "
        f"{times(row['times'])}, first {moment(row['first_at'])}; "
        f"{_refused(record, row['event'], row['subject'])}"
        for _, row in stops.head(2).iterrows()
    ]
    lines += [f"and {len(stops) - 2} more stops, see below"] if len(stops) > 2 else []
    lines += _unsold(record)
    return [("Stopped", line) for line in lines or ["never"]]


def _unsold(record: Record) -> list[str]:
    """Countries to which all is refused in mode 2 as packages are not sold for them: that begins
    with the first message and ends never, so no event marks it.
    """
    scenario = record.provenance.get("scenario")
    if scenario is None:
        return []
    sold = Scenario.parse(scenario).account.package_countries
    code, rows = CAUSES["suspended"], statuses(record)
    rows = rows[(rows["status"] == code) & ~rows["country"].isin(sold)]
    if rows.empty:
        return []
    names = listed(sorted(rows["country"].astype("str").unique()))
    refused = f"{count(rows['messages'].sum())} refused ({code})"
    return [f"to {names}, as no packages are sold for it: {refused}"]


def _refused(record: Record, event: str, subject: str) -> str:
    """What was refused with the code of a stop, in its country if it stops one."""
    code, country = CAUSES[event], subject.split(" ")[0]
    rows = statuses(record)
    matches = rows["status"] == code
    if event in ("suspended", "country_limit") and country:
        matches &= rows["country"] == country
    return f"{count(rows.loc[matches, 'messages'].sum())} refused ({code})"


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


def _packages(record: Record) -> list[tuple[str, str]]:
    packages, events = record.packages, stops_and_warnings(record)
    if packages is None or not len(packages):
        return []
    dry = events[events["event"] == "run_out"].sort_values("first_at")
    first = [f"{row['subject']} {moment(row['first_at'])}" for _, row in dry.iterrows()]
    unused = [
        f"{count(packages[name].sum())} segments {name}"
        for name in ("left", "expired")
        if packages[name].any()
    ]
    return [
        ("Ran out", listed(first, 3) or "no package"),
        *([("Unused", ", ".join(unused))] if unused else []),
    ]


def _unpriced(record: Record) -> list[tuple[str, str]]:
    """What was sent and has no price: in a log that was rated, what its terms cannot explain."""
    bill = cost(record, by=())
    unknown = bill[bill["entry"] == "unknown"]
    messages, segments = (int(unknown[name].sum()) for name in ("messages", "segments"))
    sent = f"{messages:,} messages sent in {segments:,} segments"
    if not priced(record):
        paid = bill.loc[bill["entry"] == "pay_per_use", ["messages", "cost_micro"]].sum()
        if not paid["messages"]:
            return [("Cost", f"no prices in a log (--tariff FILE gives them); {sent}")]
        cost_ = f"{tables.total_of(int(paid['cost_micro']))} {record.currency or ''}".rstrip()
        text = f"{cost_} told by the log, for {int(paid['messages']):,} messages"
        return [("Cost", f"{text}; no cost told of {sent}" if messages else text)]
    why = "packages do not cover them, or their country is not known"
    return [("Not priced", f"{sent}: {why}")] if messages else []


# The month to come, and the money that bought nothing.


def _month_title(record: Record) -> str:
    """The UTC month in which the record ends."""
    return f"MONTH {to_datetime(month_of(record).since_us):%Y-%m}, UTC"


def _month(record: Record) -> list[str]:
    """The month so far and what it is projected to be; nothing where the record is that month."""
    rows = {row["figure"]: row for _, row in projection(record).iterrows()}
    cost, messages = rows["cost"], rows["messages"]
    whole = month_of(record).since_us == record.observed_from
    if (whole and not messages["days_left"]) or not messages["so_far"]:
        return []
    since = "" if _from_the_first(messages) else f", since {moment(messages['since'])}"
    amounts = ", ".join(amount for amount in map(_so_far, (cost, messages)) if amount)
    lines = wrapped(f"so far     {amounts}{since}", 11)
    if messages["reason"]:
        return [*lines, *wrapped(f"projected  nothing: {messages['reason']}", 11)]
    if not messages["days_left"]:
        return lines
    amounts = ", ".join(amount for amount in map(_projected, (cost, messages)) if amount)
    left, seen = f"{messages['days_left']:.1f}".removesuffix(".0"), messages["whole_days"]
    like = f"if the {left} days left are like the {seen} seen"
    bought = "" if missing(cost["month"]) else ", without packages still to buy"
    return [*lines, *wrapped(f"projected  {amounts} at 95 %, {like}{bought}", 11)]


def _wasted(record: Record) -> list[str]:
    """What failed, expired, came again or served a fraud, and what it cost; nothing if none did."""
    frame = wasted_spend(record)
    parts = []
    for _, row in frame[frame["messages"].fillna(0) > 0].iterrows():
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
