"""A record in plain text: cost, stops, delivery, and what these answers hang on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smssim.calendars import DAY
from smssim.formatting import (
    count,
    duration,
    instant,
    listed,
    missing,
    moment,
    page,
    section,
    share,
    times,
    wrapped,
)
from smssim.record.record import Record
from smssim.report import budget, sections
from smssim.report._record import priced, recorded
from smssim.report.assumptions import assumptions
from smssim.report.callbacks import callbacks
from smssim.report.cost import cost
from smssim.report.delivery import delivery, statuses
from smssim.report.events import CAUSES, cause, happenings
from smssim.report.latency import untimed
from smssim.report.left_out import left_out, recognised
from smssim.report.outages import outages, untold
from smssim.scenario import Scenario


def summary(record: Record) -> str:
    """The answers of a record as text of at most 100 columns, the short ones first; times are UTC.

    For a log it begins with what was left out, and has no cost unless it was rated.
    """
    lines = head(record)
    if recorded(record):
        lines += section("LEFT OUT", left_out(record))
        lines += section("IN SHORT", _sentences(in_short(record)))
        if priced(record):
            lines += section(f"BILL, {record.currency}", sections.bill(record).lines())
        lines += _budget(record)
    else:
        lines += section("IN SHORT", _sentences(in_short(record)))
        lines += section(f"BILL, {record.currency}", sections.bill(record).lines())
        lines += _budget(record)
        lines += section("WHAT HAPPENED, times UTC", sections.happened(record).lines())
    lines += section("DELIVERY, from submission", sections.deliveries(record).lines())
    lines += section("STATUSES", sections.status_counts(record).lines())
    lines += section("TEMPLATE REVIEW, times UTC", sections.reviews(record).lines())
    lines += section("GROUP TASKS, times UTC", sections.group_tasks(record).lines())
    lines += section("GETTING STARTED, times UTC", sections.getting_started(record).lines())
    lines += section("STATUS REPORTS", [*sections.reports(record), *_own_server(record)])
    lines += section("RECOGNISED", recognised(record))
    scenario = record.provenance.get("scenario")
    if scenario is not None:
        found = assumptions(record, Scenario.parse(scenario))
        lines += section(
            "ASSUMPTIONS THESE ANSWERS HANG ON", [part for line in found for part in wrapped(line)]
        )
    return page(lines)


def _budget(record: Record) -> list[str]:
    currency = f", {record.currency}" if priced(record) else ""
    month = section(budget.month_title(record), budget.month(record))
    return [*month, *section(f"WASTE{currency}", budget.wasted(record))]


def _sentences(answers: list[tuple[str, str]]) -> list[str]:
    return [part for name, answer in answers for part in wrapped(f"{name:<11} {answer}", 12)]


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
        told = f"read from {_files(about)}; nothing here is simulated"
        rating = about.get("rating")
        return [
            named,
            told,
            *([f"priced by {rating['tariff']}, {_mode(rating)}"] if rating else []),
        ]
    made = [f"scenario {about.get('digest', 'unknown')}", f"rng {about.get('rng', 'unknown')}"]
    made.append(f"policies {listed(about['policies'])}" if about.get("policies") else "no policies")
    version = about.get("versions", {}).get("smssim", "unknown")
    return [named, f"simulated: {', '.join(made)}, smssim {version}"]


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
    split = f", of which packages {sections.total_of(bought)}" if bought else ""
    if "unknown" in bill.index:
        return [("Cost", f"at least {sections.total_of(total)} {record.currency}{split}")]
    each = f"; {sections.each(total, delivered)} a delivered message" if delivered else ""
    return [("Cost", f"{sections.total_of(total)} {record.currency}{split}{each}")]


def _delivered(record: Record) -> list[tuple[str, str]]:
    total = delivery(record, by=()).iloc[0]
    requested, refused = int(total["requested"]), int(total["requested"] - total["sent"])
    if not requested:
        return [("Delivered", "nothing was requested")]
    failed = f"{count(total['failed'] + total['expired'])} failed or expired"
    parts = [f"{count(refused)} refused", failed, f"{count(total['in_flight'])} in flight"]
    parts += [f"{count(total['no_report'])} without a report"] if total["no_report"] else []
    reached = share(total["delivered"] / requested)
    whole = f"{count(total['delivered'])} of {count(requested)} ({reached})"
    return [("Delivered", f"{whole}; {', '.join(parts)}"), *_latencies(record), *_lost(record)]


def _latencies(record: Record) -> list[tuple[str, str]]:
    found = []
    for _, row in delivery(record, by="type").iterrows():
        p50, p95, p99 = (duration(row[f"latency_p{q}_s"]) for q in (50, 95, 99))
        if missing(row["latency_p50_s"]):
            continue
        kind = "" if missing(row["type"]) else f"{row['type']}: "
        found.append(("Latency", f"{kind}{p50} median, {p95} at 95 %, {p99} at 99 %"))
    reason = untimed(record)
    return found if reason is None else [*found, *_soon(record), ("Latency", reason)]


def _soon(record: Record) -> list[tuple[str, str]]:
    """The share delivered within 3 minutes, of a log that tells no latency."""
    total = delivery(record, by=()).iloc[0]
    if missing(total["within_3_min"]):
        return []
    soon, low, high = (share(total[f"within_3_min{end}"]) for end in ("", "_low", "_high"))
    return [("Latency", f"{soon} of deliveries within 3 minutes (95 % interval {low} to {high})")]


def _lost(record: Record) -> list[tuple[str, str]]:
    """The status reports that never came, if any are known; a log knows none."""
    lost, made = callbacks(record, by=())[["lost", "reports"]].iloc[0]
    told = f"{count(lost)} of {count(made)} status reports"
    return [] if missing(lost) or not lost else [("Lost", f"{told} ({share(lost / made)})")]


def _stopped(record: Record) -> list[tuple[str, str]]:
    found = happenings(record)
    stops = found[found["stopped_s"].notna()].sort_values(
        "stopped_s", ascending=False, kind="stable"
    )
    lines = [
        f"{duration(row['stopped_s'])} by {cause(row['event'], row['subject'])}, "
        f"{times(row['times'])}, first {moment(row['first_at'])}; "
        f"{_refused(record, row['event'], row['subject'])}"
        for _, row in stops.head(2).iterrows()
    ]
    lines += [f"and {len(stops) - 2} more stops, see below"] if len(stops) > 2 else []
    return [("Stopped", line) for line in lines or ["never"]]


def _refused(record: Record, event: str, subject: str) -> str:
    """What was refused with the code of a stop, in its country if it stops one."""
    code, country = CAUSES[event], subject.split(" ")[0]
    found = statuses(record)
    own = found["status"] == code
    if event in ("suspended", "country_limit") and country:
        own &= found["country"] == country
    return f"{count(found.loc[own, 'messages'].sum())} refused ({code})"


def _own_server(record: Record) -> list[str]:
    """Outages of the customer's own server that the gaps of a log with rows tell of."""
    # A simulation is told the same with its rows and without, and its outages are its scenario's.
    if not recorded(record) or untold(record) is not None:
        return []
    found = outages(record)
    if found.empty:
        return []
    longest = found.sort_values("length_s", kind="stable").iloc[-1]
    return wrapped(
        f"our server, from the gaps: down {times(len(found))}, at most "
        f"{duration(found['length_s'].sum())} in all, the longest {duration(longest['length_s'])} "
        f"from {moment(longest['begins'])}"
    )


def _packages(record: Record) -> list[tuple[str, str]]:
    packages, found = record.packages, happenings(record)
    if packages is None or not len(packages):
        return []
    dry = found[found["event"] == "run_out"].sort_values("first_at")
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
        cost_ = f"{sections.total_of(int(paid['cost_micro']))} {record.currency or ''}".rstrip()
        told = f"{cost_} told by the log, for {int(paid['messages']):,} messages"
        return [("Cost", f"{told}; no cost told of {sent}" if messages else told)]
    why = "packages do not cover them, or their country is not known"
    return [("Not priced", f"{sent}: {why}")] if messages else []
