"""The tiles at the top of a page: the figures that decide, each with its severity and interval."""

from __future__ import annotations

from typing import Any, NamedTuple

from smssim.experiment import Experiment
from smssim.experiment.statistics import estimate_of
from smssim.formatting import count, duration, missing, money, share
from smssim.pages import tables
from smssim.pages.answers import Answer, answers
from smssim.record.record import Record
from smssim.report._record import priced, recorded
from smssim.report.callbacks import callbacks
from smssim.report.cost import cost
from smssim.report.delivery import delivery
from smssim.report.events import CAUSES, stops_and_warnings

__all__ = ["tiles"]


class _Tile(NamedTuple):
    """A figure: what it is, its value, a line below it, and how grave it is ("" if it is not)."""

    name: str
    value: str
    note: str = ""
    severity: str = ""


def tiles(record: Record, runs: Experiment | None = None) -> list[_Tile]:
    """The tiles of a record, with the intervals of many *runs* of its scenario if there are any.

    Without them only shares and delays have intervals: one run does not show how far its bill or
    its stops would vary. What a log does not hold has no tile.
    """
    severities = _severities(answers(record))
    total = delivery(record, by=()).iloc[0]
    rows = [*_cost(record, total, runs), *_delivered(total, runs), *_latency(record)]
    if not recorded(record):
        rows += [_stopped(record, severities, runs), *_ran_out(record, severities, runs)]
    return [*rows, *_lost(record, severities)]


def _severities(rows: list[Answer]) -> dict[str, str]:
    """The gravest severity of each name; answers come by severity."""
    gravest: dict[str, str] = {}
    for row in rows:
        gravest.setdefault(row.name, row.severity)
    return gravest


def _cost(record: Record, total: Any, runs: Experiment | None) -> list[_Tile]:
    bill = cost(record, by=())
    if not priced(record) or (bill["entry"] == "unknown").any():
        return []
    amount = int(bill["cost_micro"].sum())
    note = f"{tables.each(amount, int(total['delivered']))} per delivered message"
    if runs is not None:
        mean, low, high = estimate_of("cost", runs.values("cost", drop_missing=True))
        interval = f"({money(low, 0)} to {money(high, 0)})"
        note = f"mean of {len(runs.results):,} runs {money(mean, 0)} {interval}"
    over = next((row.severity for row in answers(record) if row.name == "Over budget"), "")
    return [_Tile("Cost", f"{tables.total_of(amount)} {record.currency}", note, over)]


def _delivered(total: Any, runs: Experiment | None) -> list[_Tile]:
    if not total["requested"]:
        return []
    value = share(total["delivered"] / total["requested"])
    if runs is not None:
        of_requested = runs.values("delivered.of_requested", drop_missing=True)
        _, low, high = estimate_of("delivered.of_requested", of_requested)
        return [_Tile("Delivered", value, f"of requested; mean {share(low)} to {share(high)}")]
    note = f"of {count(total['requested'])} requested"
    if not missing(total["delivered_low"]):
        of_sent = f"{share(total['delivered_low'])} to {share(total['delivered_high'])}"
        note += f"; of sent {of_sent}"
    return [_Tile("Delivered", value, note)]


def _latency(record: Record) -> list[_Tile]:
    """p95 of passwords, else of all messages."""
    frame = delivery(record, by="type")
    passwords = frame[frame["type"] == "otp"]
    row = (passwords if len(passwords) else delivery(record, by=())).iloc[0]
    if missing(row["latency_p95_s"]):
        return []
    name = "Password p95" if len(passwords) else "Latency p95"
    low, high = row["latency_p95_s_low"], row["latency_p95_s_high"]
    note = "" if missing(low) else f"{duration(low)} to {duration(high)}"
    return [_Tile(name, duration(row["latency_p95_s"]), note)]


def _stopped(record: Record, severities: dict[str, str], runs: Experiment | None) -> _Tile:
    events = stops_and_warnings(record)
    stops = events[events["event"].isin(list(CAUSES))]
    severity = severities.get("Stopped", "")
    value = duration(stops["stopped_s"].sum()) if len(stops) else "part" if severity else "never"
    refused = next((row.text for row in answers(record) if row.name == "Stopped"), "")
    note = refused.rpartition("; ")[2] if ";" in refused else ""
    if runs is not None:
        often = (runs.values("messages.stopped", drop_missing=True) > 0).astype(float)
        note = _often(often)
    return _Tile("Sending stopped", value, note, severity)


def _ran_out(record: Record, severities: dict[str, str], runs: Experiment | None) -> list[_Tile]:
    packages = record.packages
    if packages is None or not len(packages):
        return []
    events = stops_and_warnings(record)
    dry = events[events["event"] == "run_out"].sort_values("first_at", kind="stable")
    value = f"{dry['first_at'].iloc[0]:%d %b}".lstrip("0") if len(dry) else "no"
    countries = packages["country"].nunique()
    what = "country" if countries == 1 else "countries"
    note = f"{dry['subject'].nunique()} of {countries} {what}"
    if runs is not None:
        note = _often(runs.values("runout.any", drop_missing=True))
    return [_Tile("Package run-out", value, note, severities.get("Ran out", ""))]


def _often(flags: Any) -> str:
    chance, low, high = estimate_of("runout.any", flags)
    return f"in {share(chance)} of runs ({share(low)} to {share(high)})"


def _lost(record: Record, severities: dict[str, str]) -> list[_Tile]:
    row = callbacks(record, by=()).iloc[0]
    if missing(row["lost"]) or not row["reports"]:
        return []
    note = f"{count(row['lost'])} of {count(row['reports'])}"
    severity = severities.get("DLRs lost", "")
    return [_Tile("DLRs lost", share(row["lost"] / row["reports"]), note, severity)]
