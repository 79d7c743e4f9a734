"""The short answers of a record, what went wrong first: one line each for summary and page."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from smssim.formatting import count, duration, listed, missing, moment, money, share, times
from smssim.pages import tables
from smssim.pages.data_quality import expected_to_arrive, not_counted, nothing_usable, used
from smssim.record.record import Record
from smssim.report._record import priced, recorded
from smssim.report.callbacks import callbacks
from smssim.report.cost import cost
from smssim.report.delivery import delivery, statuses
from smssim.report.events import CAUSES, cause, stops_and_warnings
from smssim.report.kpis import kpi
from smssim.report.latency import untimed
from smssim.scenario import Scenario
from smssim.sms.reference import country_label, status_meaning

__all__ = ["Answer", "answers", "by_severity"]

_CRITICAL, _WARNING = "critical", "warning"
_MANY_REJECTED = 0.01
"""Share of the requested messages from which on other rejections are worth a warning."""
_MOST_STOPS = 2


class Answer(NamedTuple):
    """A short answer: its name, a sentence, and how grave it is ("" if it is nothing to act on)."""

    name: str
    text: str
    severity: str = ""

    @property
    def marked(self) -> str:
        """The sentence with its severity before it."""
        return f"{self.severity.upper()}: {self.text}" if self.severity else self.text


def answers(record: Record) -> list[Answer]:
    """The short answers of a record: critical ones, warnings, then the rest in a fixed order.

    A log has no cost unless it was rated; it does not show what stopped sending.
    """
    return by_severity(_of_log(record) if recorded(record) else _of_run(record))


def by_severity(rows: list[Answer]) -> list[Answer]:
    """Critical answers first, then warnings, then the rest; else in their order."""
    return sorted(rows, key=lambda row: (_CRITICAL, _WARNING, "").index(row.severity))


def _of_log(record: Record) -> list[Answer]:
    paid = [*_paid(record), *_packages(record)] if priced(record) else []
    return [*paid, *_delivered(record), *_unpriced(record)]


def _of_run(record: Record) -> list[Answer]:
    unsold = _unsold(record)
    return [
        *_stopped(record, unsold),
        *_rejected(record, bool(unsold)),
        *_over_budget(record),
        *_paid(record),
        *_packages(record),
        *_delivered(record),
        Answer("Confidence", "one run of many that could come out; --n 40 gives intervals"),
    ]


# What went wrong.


def _stopped(record: Record, unsold: list[str]) -> list[Answer]:
    events = stops_and_warnings(record)
    stops = events[events["stopped_s"].notna()].sort_values(
        "stopped_s", ascending=False, kind="stable"
    )
    lines = [
        f"{duration(row['stopped_s'])} by {cause(row['event'], row['subject'])}, "
        f"{times(row['times'])}, first {moment(row['first_at'])}; "
        f"{_refused(record, row['event'], row['subject'])}"
        for _, row in stops.head(_MOST_STOPS).iterrows()
    ]
    more = len(stops) - _MOST_STOPS
    lines += [f"and {more} more stop{'s' * (more != 1)}, see below"] if more > 0 else []
    return [Answer("Stopped", line, _CRITICAL) for line in lines + unsold] or [
        Answer("Stopped", "never")
    ]


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
    names = listed([country_label(code) for code in sorted(rows["country"].astype("str").unique())])
    rejected = f"{count(rows['messages'].sum())} rejected ({code})"
    return [f"to {names}, as no packages are sold for it: {rejected}"]


def _refused(record: Record, event: str, subject: str) -> str:
    """What was refused with the code of a stop, in its country if it stops one."""
    code, country = CAUSES[event], subject.split(" ")[0]
    rows = statuses(record)
    matches = rows["status"] == code
    if event in ("suspended", "country_limit") and country:
        matches &= rows["country"] == country
    return f"{count(rows.loc[matches, 'messages'].sum())} rejected ({code})"


def _rejected(record: Record, unsold: bool) -> list[Answer]:
    """What was refused for reasons that stop nothing, such as a template without approval."""
    explained = {CAUSES[event] for event in stops_and_warnings(record)["event"] if event in CAUSES}
    explained |= {CAUSES["suspended"]} if unsold else set()
    rows = statuses(record, by=())
    requested = rows["messages"].sum()
    rows = rows[(rows["refused_at"] != "") & ~rows["status"].isin(explained)]
    rejected = rows["messages"].sum()
    if not requested or rejected / requested < _MANY_REJECTED:
        return []
    code = rows.sort_values("messages", ascending=False, kind="stable")["status"].iloc[0]
    text = f"{count(rejected)} of {count(requested)} ({share(rejected / requested)}) without a stop"
    return [Answer("Rejected", f"{text}, most with {code} ({status_meaning(code)})", _WARNING)]


def _over_budget(record: Record) -> list[Answer]:
    """Promised bounds of the cost that this month is above by itself."""
    scenario = record.provenance.get("scenario")
    checks = Scenario.parse(scenario).checks if scenario is not None else ()
    lines = []
    for check in checks:
        if check.metric_name != "cost" or check.below is None:
            continue
        value = kpi(record, "cost", check.where.selection)
        if value > check.below:
            over = f"{money(value)} {record.currency}, {share(value / check.below - 1)} above"
            lines.append(Answer("Over budget", f"{over} {check}", _CRITICAL))
    return lines


# Money and delivery.


def _paid(record: Record) -> list[Answer]:
    bill = cost(record, by=()).set_index("entry")["cost_micro"]
    bought = int(bill.get("package", 0))
    delivered = int(delivery(record, by=())["delivered"].iloc[0])
    total = int(bill.sum())
    split = f", of which packages {tables.total_of(bought)}" if bought else ""
    if "unknown" in bill.index:
        return [Answer("Cost", f"at least {tables.total_of(total)} {record.currency}{split}")]
    each = f"; {tables.each(total, delivered)} per delivered message" if delivered else ""
    return [Answer("Cost", f"{tables.total_of(total)} {record.currency}{split}{each}")]


def _packages(record: Record) -> list[Answer]:
    packages, events = record.packages, stops_and_warnings(record)
    if packages is None or not len(packages):
        return []
    dry = events[events["event"] == "run_out"].sort_values("first_at")
    first = [
        f"{country_label(row['subject'])} {moment(row['first_at'])}" for _, row in dry.iterrows()
    ]
    unused = [
        f"{count(packages[name].sum())} segments {name}"
        for name in ("left", "expired")
        if packages[name].any()
    ]
    ran_out = Answer("Ran out", listed(first, 3) or "no package", _WARNING if first else "")
    return [ran_out, *([Answer("Unused", ", ".join(unused))] if unused else [])]


def _delivered(record: Record) -> list[Answer]:
    total = delivery(record, by=()).iloc[0]
    requested, refused = int(total["requested"]), int(total["requested"] - total["sent"])
    if not requested:
        unknown = f"not known: {used(record)}" if nothing_usable(record) else ""
        return [Answer("Delivered", unknown or "nothing was requested")]
    failed = f"{count(total['failed'] + total['expired'])} failed or expired"
    parts = [f"{count(refused)} rejected", failed, f"{count(total['in_flight'])} pending"]
    if total["in_flight"] and untimed(record) is None:
        parts[-1] += f" ({expected_to_arrive(total)})"
    parts += [f"{count(total['no_report'])} without a report"] if total["no_report"] else []
    excluded = f"; {excluded}" if (excluded := not_counted(record)) else ""
    reached = share(total["delivered"] / requested)
    whole = f"{count(total['delivered'])} of {count(requested)} ({reached})"
    delivered = Answer("Delivered", f"{whole}; {', '.join(parts)}{excluded}")
    return [delivered, *_latencies(record), *_lost(record)]


def _latencies(record: Record) -> list[Answer]:
    rows = []
    for _, row in delivery(record, by="type").iterrows():
        if missing(row["latency_p50_s"]):
            continue
        p50, p95, p99 = (duration(row[f"latency_p{q}_s"]) for q in (50, 95, 99))
        message_type = "" if missing(row["type"]) else f"{row['type']}: "
        rows.append(Answer("Latency", f"{message_type}p50 {p50}, p95 {p95}, p99 {p99}"))
    reason = untimed(record)
    return rows if reason is None else [*rows, *_soon(record), Answer("Latency", reason)]


def _soon(record: Record) -> list[Answer]:
    """The share delivered within 3 minutes, of a log without latency."""
    total = delivery(record, by=()).iloc[0]
    if missing(total["within_3_min"]):
        return []
    soon, low, high = (share(total[f"within_3_min{end}"]) for end in ("", "_low", "_high"))
    interval = f"95% confidence interval {low} to {high}"
    return [Answer("Latency", f"{soon} of deliveries within 3 minutes ({interval})")]


def _lost(record: Record) -> list[Answer]:
    """The delivery reports that never came, if any are known; a log knows none."""
    lost, total = callbacks(record, by=())[["lost", "reports"]].iloc[0]
    if missing(lost) or not lost:
        return []
    text = f"{count(lost)} of {count(total)} delivery reports ({share(lost / total)})"
    return [Answer("DLRs lost", text, _WARNING)]


def _unpriced(record: Record) -> list[Answer]:
    """What was sent and has no price: in a log that was rated, what its terms cannot explain."""
    bill = cost(record, by=())
    unknown = bill[bill["entry"] == "unknown"]
    messages, segments = (int(unknown[name].sum()) for name in ("messages", "segments"))
    sent = f"{messages:,} messages sent in {segments:,} segments"
    if priced(record):
        why = "packages do not cover them, or their country is not known"
        return [Answer("Not priced", f"{sent}: {why}", _WARNING)] if messages else []
    paid: pd.Series[int] = bill.loc[
        bill["entry"] == "pay_per_use", ["messages", "cost_micro"]
    ].sum()
    if not paid["messages"]:
        return [Answer("Cost", f"no prices in a log (--tariff FILE gives them); {sent}")]
    amount = f"{tables.total_of(int(paid['cost_micro']))} {record.currency or ''}".rstrip()
    text = f"{amount} according to the log, for {int(paid['messages']):,} messages"
    return [Answer("Cost", f"{text}; no cost given for {sent}" if messages else text)]
