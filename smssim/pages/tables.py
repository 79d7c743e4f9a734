"""The tables of a summary and of the page; each has no rows where it does not apply."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from smssim import report
from smssim.formatting import (
    NOTHING,
    Grid,
    count,
    duration,
    missing,
    moment,
    money,
    row_limit,
    share,
    wrapped,
)
from smssim.pages.cells import grid
from smssim.pages.data_quality import not_counted
from smssim.record.record import Record
from smssim.record.schema import RESEND_KINDS, RefusalStage
from smssim.report._record import charges_known, priced, recorded
from smssim.report.callbacks import reports_by_hour
from smssim.report.cost import cost
from smssim.report.delivery import delivery, statuses
from smssim.report.events import MEANINGS, stops_and_warnings
from smssim.report.latency import untimed
from smssim.report.outages import untold
from smssim.report.review import onboarding, tasks
from smssim.sms import reference as codes
from smssim.sms.reference import country_label

__all__ = [
    "MOST",
    "Frame",
    "ahead",
    "bill",
    "by_hour",
    "deliveries",
    "each",
    "failures",
    "getting_started",
    "group_tasks",
    "happened",
    "if_priced",
    "if_rated",
    "if_timed",
    "outages",
    "page_bill",
    "page_onboarding",
    "page_thresholds",
    "pushed",
    "reports",
    "reviews",
    "status_counts",
    "steps",
    "total_of",
    "wasted",
]

Frame = Callable[[Record], "pd.DataFrame"]

MOST = 6
"""Rows of a table; what is left out is counted in a last line."""
_STAGES = {
    "": "sent",
    RefusalStage.REQUEST.label: "rejected at API",
    RefusalStage.NUMBER.label: "number rejected",
    RefusalStage.PLATFORM.label: "rejected by platform",
}
_LIMITS = (
    "period",
    "start",
    "used",
    "alarm",
    "limit",
    "share_of_limit",
    "alarm_at",
    "limit_at",
    "suspended_h",
    "stopped",
    "near_miss",
)
_ROOM = 12
"""Characters of a country in the widest table of the summary."""
_DEAR = 10_000_000
"""Units of a currency from which on its hundredths are noise."""


def bill(record: Record, most: int = MOST) -> Grid:
    """What each country cost, the dearest first."""
    charges, delivered = cost(record), delivery(record).set_index("country")["delivered"]
    total = (
        charges.groupby("country")["cost_micro"].sum().sort_values(ascending=False, kind="stable")
    )
    most = row_limit(len(total), most)
    named = {country_label(country): [country] for country in total.index[:most]}
    if len(total) > most:
        named[f"{len(total) - most} more"] = total.index[most:].tolist()
    if len(total) > 1:
        named["all"] = total.index.tolist()
    decimals = _decimals(int(total.sum()))
    rows = [
        _bill_row(
            name,
            charges[charges["country"].isin(countries)],
            int(delivered.reindex(countries).sum()),
            decimals,
        )
        for name, countries in named.items()
    ]
    resent = charges[
        charges["resend_kind"].isin([resend for resend in RESEND_KINDS if resend != "first"])
    ]
    rows += [
        _bill_row(f"{resend}s", countries, 0, decimals)
        for resend, countries in resent.groupby("resend_kind")
    ]
    header = [
        "country",
        "packages",
        "segments",
        "price",
        "billed",
        "charge",
        "total",
        "per delivered",
    ]
    return Grid(header, rows, "lrrrrrrr", [] if rows else ["nothing was bought or billed"])


def _bill_row(name: str, charges: pd.DataFrame, delivered: int, decimals: int) -> list[str]:
    bought, used = (charges[charges["entry"] == entry] for entry in ("package", "pay_per_use"))
    numbers = (
        ("packages", count),
        ("segments", count),
        ("cost_micro", partial(_micro, decimals=decimals)),
    )
    cells = [form(bought[column].sum()) if len(bought) else NOTHING for column, form in numbers]
    cells += [form(used[column].sum()) if len(used) else NOTHING for column, form in numbers[1:]]
    total = int(charges["cost_micro"].sum())
    return [name, *cells, _micro(total, decimals), each(total, delivered)]


def each(cost_micro: int, delivered: int) -> str:
    """The cost per delivered message."""
    if not delivered:
        return NOTHING
    amount = cost_micro / 1e6 / delivered
    return money(amount, 4 if amount < 100 else 2)


def total_of(cost_micro: int) -> str:
    """An amount, without hundredths where they are noise."""
    return _micro(cost_micro, _decimals(cost_micro))


def _decimals(cost_micro: int) -> int:
    return 2 if cost_micro < _DEAR * 1_000_000 else 0


def _micro(amount: float, decimals: int) -> str:
    return money(amount / 1e6, decimals)


def happened(record: Record, most: int = MOST + 4) -> Grid:
    """What stopped sending or warned of it, the gravest first."""
    events = stops_and_warnings(record)
    rows = [
        [
            MEANINGS[row["event"]],
            f"package {row['subject']}" if row["event"] == "package_expired" else row["subject"],
            count(row["times"]),
            moment(row["first_at"]),
            moment(row["last_at"]) if row["times"] > 1 else "",
            "" if missing(row["stopped_s"]) else duration(row["stopped_s"]),
        ]
        for _, row in events.head(row_limit(len(events), most)).iterrows()
    ]
    header = ["what", "of", "times", "first", "last", "stopped for"]
    return Grid(
        header, rows, "llrllr", _more(events, rows) if rows else ["nothing stopped or warned"]
    )


def deliveries(record: Record, most: int = MOST) -> Grid:
    """Counts and latency by country, the largest first."""
    frame = delivery(record).sort_values("requested", ascending=False, kind="stable")
    rows = [
        _delivery_row(_short_country(row["country"]), row)
        for _, row in frame.head(row_limit(len(frame), most)).iterrows()
    ]
    more = _more(frame, rows)
    if len(frame) > 1:
        rows.append(_delivery_row("all", delivery(record, by=()).iloc[0]))
    refused = ["country", "requested", "rejected", "delivered", "failed", "pending", "of sent"]
    excluded = not_counted(record)
    notes = [*more, f"counts and shares: {excluded}"] if excluded and rows else more
    return Grid([*refused, "p50", "p95", "p99"], rows, "lrrrrrrrrr", notes)


def _delivery_row(name: str, row: pd.Series[Any]) -> list[str]:
    refused, failed = row["requested"] - row["sent"], row["failed"] + row["expired"]
    counts = [row["requested"], refused, row["delivered"], failed, row["in_flight"]]
    latencies = [duration(row[f"latency_p{q}_s"]) for q in (50, 95, 99)]
    return [name, *map(count, counts), share(row["delivered_share"]), *latencies]


def status_counts(record: Record, most: int = MOST + 1) -> Grid:
    """Final statuses and refusal codes, the most frequent first."""
    frame = statuses(record, by=()).sort_values("messages", ascending=False, kind="stable")
    rows = [
        [
            _name(row["status"], NOTHING),
            count(row["messages"]),
            share(row["share"]),
            _STAGES[row["refused_at"]],
            _meaning(record, row["status"], row["refused_at"]),
        ]
        for _, row in frame.head(row_limit(len(frame), most)).iterrows()
    ]
    header = ["status", "messages", "share", "stage", "meaning"]
    return Grid(header, rows, "lrrll", _more(frame, rows))


def _meaning(record: Record, status: Any, refused_at: str) -> str:
    if missing(status):
        return "no report, or none yet" if recorded(record) else "pending"
    if refused_at in ("", "platform") and status in codes.status_codes():
        return codes.status_codes()[status].description
    return codes.api_errors()[status].description if status in codes.api_errors() else ""


def reviews(record: Record, most: int = MOST - 1) -> Grid:
    """When templates were handed in, decided and usable."""
    header = ["template", "attempt", "submitted", "decision", "after", "usable"]
    if record.reviews is None or not len(record.reviews):
        return Grid(header, [], "lrllrl")
    rows = [
        [
            row["template"],
            count(row["attempt"]),
            moment(row["submitted_at"]),
            _name(row["decision"], "not decided"),
            duration((row["decided_at"] - row["submitted_at"]).total_seconds()),
            moment(row["usable_at"]),
        ]
        for _, row in record.reviews.head(row_limit(len(record.reviews), most)).iterrows()
    ]
    return Grid(header, rows, "lrllrl", _more(record.reviews, rows))


def getting_started(record: Record) -> Grid:
    """The way to the first message, step by step, where it is more than a template's review."""
    header, steps = ["step", "of", "began", "done", "refused"], record.onboarding
    if steps is None or (steps["step"] == "template").all():
        return Grid(header, [], "lllll")
    rows = [
        [row["step"].replace("_", " "), row["subject"], *_from_to(row), row["refused"]]
        for _, row in onboarding(record).iterrows()
    ]
    return Grid(header, rows, "lllll")


def _from_to(row: pd.Series[Any]) -> tuple[str, str]:
    return moment(row["began_at"]), moment(row["done_at"])


def group_tasks(record: Record, most: int = MOST) -> Grid:
    """The outcome of each group task."""
    header = ["task", "state", "start", "imported", "rejected", "delivered", "failed", "pending"]
    if record.tasks is None or not len(record.tasks):
        return Grid(header, [], "lllrrrrr")
    frame = tasks(record)
    numbers = ("imported", "refused", "delivered", "failed", "in_flight")
    rows = [
        [row["task"], row["state"], moment(row["at"]), *(count(row[name]) for name in numbers)]
        for _, row in frame.head(row_limit(len(frame), most)).iterrows()
    ]
    return Grid(header, rows, "lllrrrrr", _more(frame, rows))


def reports(record: Record) -> list[str]:
    """How many delivery reports reached the customer's server."""
    push = record.tallies.push
    total, copies = int(push["reports"].sum()), int(push["deliveries"].sum())
    if not total:
        absent = "no delivery reports in this file: whether any were pushed is not known"
        return [absent if recorded(record) else "no delivery report was pushed"]
    by_state = push.groupby("state")["reports"].sum()
    again = copies - int(by_state.get("received", 0))
    twice = f"; {again:,} more were copies" if again else ""
    if recorded(record):
        return [f"{total:,} received, one per segment{twice}"]
    states = [(state, by_state.get(state, 0)) for state in ("received", "lost", "pending")]
    parts = ", ".join(f"{n:,} {state} ({share(n / total)})" for state, n in states)
    return wrapped(f"{total:,} made, one per segment: {parts}{twice}")


def _more(frame: pd.DataFrame | pd.Series[Any], rows: list[list[str]]) -> list[str]:
    return [f"and {len(frame) - len(rows)} more"] if len(frame) > len(rows) else []


def _short_country(code: Any) -> str:
    """The name of a country where there is room for it, else its code."""
    name = country_label(_name(code)).partition(" (")[0]
    return name if len(name) <= _ROOM else _name(code)


def _name(value: Any, otherwise: str = "unknown") -> str:
    return otherwise if missing(value) else str(value)


# Frames of a page where a report has rows that no page needs, or raises where it cannot answer.


def page_bill(record: Record, most: int) -> Grid:
    """The bill where there is money."""
    return bill(record, most) if charges_known(record) else Grid([], [], "")


def page_thresholds(record: Record, most: int) -> Grid:
    """Use against alarm and limit: all months, and the days on which something happened."""
    frame = report.thresholds(record)
    acted = frame["alarm_at"].notna() | frame["limit_at"].notna() | (frame["stopped"] > 0)
    shown = frame[(frame["period"] != "day") | acted | frame["near_miss"]]
    made = grid(shown, _LIMITS, most)
    quiet = len(frame) - len(shown)
    notes = [f"{quiet:,} more days without any of them"] if quiet else []
    return made._replace(notes=[*made.notes, *notes])


def page_onboarding(record: Record, most: int) -> Grid:
    """The way to the first message."""
    return getting_started(record)


def if_priced(frame: Frame) -> Frame:
    """The frame where it is known what messages were charged, else without rows."""
    return lambda record: frame(record) if charges_known(record) else frame(record).head(0)


def if_rated(frame: Frame) -> Frame:
    """The frame where it is known what packages cost, too, else without rows."""
    return lambda record: frame(record) if priced(record) else frame(record).head(0)


def if_timed(frame: Frame) -> Frame:
    """The frame where every delivery has its time, else one without rows."""
    return lambda record: record.tallies.latency.head(0) if untimed(record) else frame(record)


def pushed(record: Record) -> pd.DataFrame:
    """The delivery reports, if any were made or received."""
    frame = report.callbacks(record)
    return frame[frame["reports"].fillna(frame["received"]) > 0]


def outages(record: Record) -> pd.DataFrame:
    """The outages of the customer's own server where arrivals tell of them."""
    return report.callbacks(record).head(0) if untold(record) else report.outages(record)


def by_hour(record: Record) -> pd.DataFrame:
    """Delivery reports by hour, where arrivals are known and there are any."""
    return outages(record) if untold(record) or pushed(record).empty else reports_by_hour(record)


def failures(record: Record) -> pd.DataFrame:
    """Why messages failed, with the stage in words: one code may be at two stages."""
    frame = report.failures(record)
    return frame.assign(refused_at=frame["refused_at"].map(_STAGES).astype("str"))


def wasted(record: Record) -> pd.DataFrame:
    """Kinds that are known, and are there."""
    frame = report.wasted_spend(record)
    return frame[frame["messages"].fillna(0) > 0]


def ahead(record: Record) -> pd.DataFrame:
    """Figures of a month that has days left, or of which the reason is known why they have none."""
    frame = report.projection(record)
    return frame[(frame["days_left"] > 0) & frame["so_far"].notna()]


def steps(record: Record) -> pd.DataFrame:
    """The steps where there is more than the review of templates."""
    frame = report.onboarding(record)
    only = frame["step"].isin(["template", "first_message"]).all()
    return frame.head(0) if only else frame
