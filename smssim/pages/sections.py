"""What a page shows, section by section: one line per table, one line per picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from smssim import plots, report
from smssim.formatting import Grid
from smssim.pages import tables
from smssim.pages.tables import Frame
from smssim.record.record import Record
from smssim.report.events import stops_and_warnings

__all__ = [
    "COUNTS",
    "FAILURES",
    "MONEY",
    "PACKAGES",
    "REPORTS",
    "REVIEW",
    "SECTIONS",
    "TIMES",
    "Picture",
    "Section",
    "Table",
    "sections_of",
]


class Table(NamedTuple):
    """A table: the name of its worksheet, its caption, its frame, and how the page shows it.

    `{currency}` in the caption is replaced by the record's. *show* selects columns of the frame, or
    is a function that makes a grid of at most so many rows; without columns the table is in the
    workbook alone. A *folded* one is opened by the reader: details that few need.
    """

    name: str
    caption: str
    frame: Frame
    show: Sequence[str] | Callable[[Record, int], Grid] = ()
    folded: bool = False


class Picture(NamedTuple):
    """A picture, omitted where its frame has no rows, and a description of it in words.

    *draw* takes the record and the Axes, as the functions of `smssim.plots` do; few lanes are
    drawn *low*.
    """

    name: str
    draw: Callable[..., object]
    frame: Frame
    words: str
    low: bool = False


class Section(NamedTuple):
    """A section, which is on the page if any of its tables or pictures has rows.

    *words* explain how to read it, *unknown* why a log has none.
    """

    title: str
    words: str
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    unknown: str = ""


_COST_BY = {
    by: tables.if_priced(partial(report.cost, by=by)) for by in ("day", "application", "template")
}

# The columns that the page shows of each report; the workbook has all of them.
# fmt: off
MONEY = (
    "entry", "packages", "messages", "segments", "cost_micro",
)
_WASTE = (
    "kind", "messages", "segments", "covered_segments", "billed_micro", "package_micro",
)
_PROJECTION = (
    "figure", "unit", "since", "ends", "so_far", "rest", "month", "whole_days", "days_left",
    "reason",
)
PACKAGES = (
    "package", "country", "segments", "price_micro", "in_force_at", "ends_at", "used",
    "expired", "expired_cost_micro", "left", "empty_at", "run_out_projected_at",
)
COUNTS = (
    "country", "requested", "sent", "delivered", "failed", "expired", "in_flight",
    "in_flight_expected",
    "no_report", "delivered_share",
)
TIMES = (
    "country", "latency_p50_s", "latency_p95_s", "latency_p99_s", "within_10_s",
    "within_30_s", "within_3_min",
)
FAILURES = (
    "code", "refused_at", "messages", "share", "source", "cause", "advice",
)
REPORTS = (
    "reports", "received", "lost", "pending", "received_share", "late", "duplicates",
    "out_of_order", "attempts_mean", "delay_p50_s", "delay_p95_s", "delay_p99_s",
)
REVIEW = (
    "template", "attempts", "submitted_at", "approved_at", "usable_at", "wall_h", "working_h",
    "rejected", "state",
)

SECTIONS = (
    Section("Cost", "What was bought, and what no package covered. Cost per delivered message is "
            "all that was paid, divided by the messages delivered.", (
        Table("cost", "Bill by country, {currency}", report.cost, tables.page_bill),
        Table("cost by application", "By application, {currency}", _COST_BY["application"],
              ("application", *MONEY), folded=True),
        Table("cost by template", "By template, {currency}", _COST_BY["template"],
              ("template", *MONEY), folded=True),
        Table("cost by day", "By day, {currency}", _COST_BY["day"]),
        Table("waste", "Wasted spend (categories overlap), {currency}", tables.wasted,
              _WASTE),
        Table("projection", "Month to date and forecast", tables.ahead,
              _PROJECTION),
    ), (
        Picture("cost", plots.cost, tables.if_priced(report.cost),
                "The bill, one bar per country, packages and pay-per-use in different shades."),
        Picture("cost-by-day", plots.cost_by_day, tables.if_rated(report.month_by_day),
                "The cost of the month to date at the end of each UTC day, and its forecast."),
    )),
    Section("Events", "What stopped sending or warned of it, the most severe first. Times are "
            "UTC.", (
        Table("stops_and_warnings", "Stops and warnings", stops_and_warnings, tables.happened),
    ), unknown="a log does not show what stopped the account or warned of it"),
    Section("Packages", "The segments that were bought, and how they were used. A package is "
            "used up with its last segment, and runs out with the next message that finds none. "
            "Times are UTC.", (
        Table("packages", "Packages, {currency}", report.packages, PACKAGES),
    ), (
        Picture("burn-down", plots.burn_down, report.burn_down,
                "The segments left against time, one line per country."),
    ), "a log has no purchases; state what you bought when you rate it"),
    Section("Thresholds", "What alarms and limits counted per UTC day and month, and what each "
            "limit stopped. A near miss is a day or month that used 80% of a limit that did not "
            "act.", (
        Table("thresholds", "Months, and days with an alarm, a limit or a near miss",
              report.thresholds, tables.page_thresholds),
    ), (
        Picture("thresholds", plots.thresholds, report.threshold_usage,
                "What was counted within each UTC day, against the daily alarm and limit."),
    ), "a log has neither the values of thresholds nor what they counted"),
    Section("Delivery", "Latency runs from submission to delivery, of messages that arrive; those "
            "pending are expected to arrive as others of their age did (Aalen-Johansen). Below a "
            "figure is its 95% confidence interval.", (
        Table("delivery", "Messages by country", report.delivery, COUNTS),
        Table("latency", "Latency by country", report.delivery, TIMES),
        Table("statuses", "Final statuses and rejections", report.statuses, tables.status_counts),
        Table("failures", "Why messages failed; the advice is smssim's, not Huawei's",
              tables.failures, FAILURES, folded=True),
        Table("statistics", "As the console counts, in segments", report.console_statistics,
              ("figure", "value", "definition", "meaning"), folded=True),
    ), (
        Picture("waterfall", plots.waterfall, report.delivery,
                "From messages requested to messages delivered, one step per way to get lost."),
        Picture("latency", plots.latency,
                tables.if_timed(partial(report.latency_curve, by="country")),
                "The share of messages that has arrived against the time since submission."),
        Picture("failures", plots.failures, report.failures,
                "One bar per code: its share of the requested messages."),
        Picture("heat-map", plots.heat_map, report.heat_map,
                "Messages per hour, by hour of the day and day of the week in UTC."),
    )),
    Section("Delivery reports", "What reached your callback address, one report per segment. "
            "Delays run from the final status to the first arrival.", (
        Table("callbacks", "Delivery reports received and lost", tables.pushed, REPORTS),
        Table("outages", "Outages of your server, estimated from gaps", tables.outages,
              ("begins", "ends", "length_s", "expected", "p")),
    ), (
        Picture("callbacks", plots.callbacks, tables.by_hour,
                "Delivery reports received in each hour, with outages of your server shaded."),
    ), "the log holds no delivery report that reached your callback address"),
    Section("Template review", "From the first submission to approval, in elapsed time and within "
            "09:00-18:00 GMT+8 of Chinese workdays. Times are UTC.", (
        Table("review", "Templates", report.review, REVIEW),
    ), (
        Picture("review", plots.review, report.review,
                "One lane per template, from its first submission to its approval.", low=True),
    ), "a log has no template reviews"),
    Section("Getting started", "The way to the first message, step by step. Times are UTC.", (
        Table("onboarding", "Steps", tables.steps, tables.page_onboarding),
    ), (
        Picture("onboarding", plots.onboarding, tables.steps,
                "One lane per step, and when the first message was sent.", low=True),
    ), "a log has no steps before its first message"),
    Section("Group tasks", "The outcome of each group task. Times are UTC.", (
        Table("tasks", "Outcomes", report.tasks, tables.group_tasks),
    ), unknown="a log does not show which messages a group task sent"),
)
# fmt: on
"""The sections in the order of the page."""


def sections_of(record: Record, other: Record | None) -> Sequence[Section]:
    """The sections of a page, with a comparison before them if there is another period."""
    return SECTIONS if other is None else (_comparison(record, other), *SECTIONS)


def _comparison(record: Record, other: Record) -> Section:
    """The section that compares a record (a) with another one (b)."""
    return Section(
        "Comparison",
        "Every figure of both, and the difference b - a. One is marked better only where the "
        "interval of the difference excludes 0; figures known for one alone have no difference.",
        [
            Table(
                "compare",
                f"a: {record.name}; b: {other.name}",
                lambda first: report.compare(first, other),
                ("name", "of", "unit", "a", "b", "difference", "better"),
            )
        ],
        [
            Picture(
                "compare",
                lambda first, ax: plots.compare(first, other, ax=ax),
                lambda first: report.compare(first, other),
                "How far b is from a, one point and interval per figure.",
            )
        ],
    )
