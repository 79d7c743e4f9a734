"""What a page shows, section by section: one line a table, one line a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from smssim import plots, report
from smssim.record import Record
from smssim.report import sections
from smssim.report.groups import priced, recorded
from smssim.report.happenings import happenings
from smssim.report.layout import Grid
from smssim.report.timing import untimed

if TYPE_CHECKING:
    import pandas as pd

Frame = Callable[[Record], "pd.DataFrame"]


class Table(NamedTuple):
    """A table: the name of its worksheet, its caption, its frame, and how the page shows it.

    In the caption `{currency}` stands for the record's. How it is shown is a selection of the
    frame's columns, or a function that makes a grid of at most so many
    rows of the record.
    """

    name: str
    caption: str
    frame: Frame
    show: Sequence[str] | Callable[[Record, int], Grid]


class Picture(NamedTuple):
    """A picture, which is left out where its frame has no rows, and what it shows in words."""

    name: str
    draw: Callable[..., object]
    frame: Frame
    words: str


class Section(NamedTuple):
    """A section, which stands on the page if any of its tables or pictures has rows.

    *words* say how to read it, *unknown* why a log has none.
    """

    title: str
    words: str
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    unknown: str = ""


def _bill(record: Record, most: int) -> Grid:
    return sections.bill(record, most) if priced(record) else Grid([], [], "")


def _started(record: Record, most: int) -> Grid:
    return sections.getting_started(record)


def _reports(record: Record) -> pd.DataFrame:
    found = report.callbacks(record)
    return found[found["reports"].fillna(0) > 0]


def _curve(record: Record) -> pd.DataFrame:
    if untimed(record) is not None:
        return record.tallies.latency.head(0)
    return report.latency_curve(record, "country")


_COUNTS = ("requested", "sent", "delivered", "failed", "expired", "in_flight", "no_report")
_LATENCY = ("latency_p50_s", "latency_p95_s", "latency_p99_s")

# fmt: off
SECTIONS = (
    Section("Cost", "What was bought, and what no package covered, as the ledger has it.", (
        Table("cost", "Bill by country, {currency}", report.cost, _bill),
    ), unknown="a log has no prices; give those you pay with --tariff FILE"),
    Section("What happened", "What stopped sending or warned of it, the gravest first. Times are "
            "UTC.", (
        Table("happenings", "Stops and warnings", happenings, sections.happened),
    ), unknown="a log does not tell what stopped the account or warned of it"),
    Section("Packages", "What became of the segments that were bought. Times are UTC.", (
        Table("packages", "Packages, prices in {currency}", report.packages,
              ("package", "country", "segments", "price_micro", "in_force_at", "ends_at", "used",
               "expired", "left", "used_share", "empty_at")),
    ), (
        Picture("burn_down", plots.burn_down, report.burn_down,
                "The segments left against time, a line a country."),
    ), unknown="a log tells of no purchases; say what you bought when you rate it"),
    Section("Thresholds", "What alarms and limits counted by UTC day and month, and what a limit "
            "stopped. A near miss is a day or month that used 80 % of a limit that did not act.", (
        Table("thresholds", "Use against the limits", report.thresholds,
              ("period", "start", "used", "alarm", "limit", "share_of_limit", "alarm_at",
               "limit_at", "suspended_h", "stopped", "near_miss")),
    ), (
        Picture("thresholds", plots.thresholds, report.usage,
                "What was counted within each UTC day, against the daily alarm and limit."),
    ), unknown="a log tells neither the values of thresholds nor what they counted"),
    Section("Delivery", "Latency runs from submission to delivery, of messages that arrive; those "
            "in flight count as not yet arrived (Kaplan-Meier). Below a figure stands its 95 % "
            "interval.", (
        Table("delivery", "Delivery by country", report.delivery,
              ("country", *_COUNTS, "delivered_share", *_LATENCY)),
        Table("statuses", "Final statuses and refusals", report.statuses, sections.status_counts),
    ), (
        Picture("latency", plots.latency, _curve,
                "The share of messages that has arrived against the time since submission, a line "
                "a country."),
    )),
    Section("Status reports", "What reached your callback address, one report a segment. Delays "
            "run from the final status to the first arrival.", (
        Table("callbacks", "Status reports received and lost", _reports,
              ("reports", "received", "lost", "pending", "received_share", "duplicates",
               "attempts_mean", "delay_p50_s", "delay_p95_s", "delay_p99_s")),
    )),
    Section("Template review", "From the first submission to the approval, by the clock and within "
            "09:00-18:00 GMT+8 of Chinese workdays.", (
        Table("review", "Templates", report.review,
              ("template", "attempts", "submitted_at", "approved_at", "usable_at", "wall_h",
               "working_h", "rejected", "state")),
    ), unknown="a log knows no reviews"),
    Section("Getting started", "The way to the first message, step by step. Times are UTC.", (
        Table("onboarding", "Steps", report.onboarding, _started),
    ), unknown="a log knows no steps before its first message"),
    Section("Group tasks", "What became of each group task. Times are UTC.", (
        Table("tasks", "Group tasks", report.tasks, sections.group_tasks),
    ), unknown="a log does not tell which messages a group task sent"),
)
# fmt: on
"""The sections in the order of the page."""


def unknown_of(record: Record, section: Section) -> str:
    """Why a record has none of a section; "" where there was nothing to tell."""
    return section.unknown if recorded(record) else ""
