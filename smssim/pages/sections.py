"""What a page shows, section by section: one line a table, one line a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from smssim import plots, report
from smssim.pages import columns, frames
from smssim.pages.parts import Picture, Section, Table
from smssim.record.record import Record
from smssim.report import sections
from smssim.report.events import happenings

_COST_BY = {
    by: frames.if_priced(partial(report.cost, by=by)) for by in ("day", "application", "template")
}

# fmt: off
SECTIONS = (
    Section("Cost", "What was bought, and what no package covered. A delivered message costs all "
            "that was paid, divided by what was delivered.", (
        Table("cost", "Bill by country, {currency}", report.cost, frames.bill),
        Table("cost by application", "By application, {currency}", _COST_BY["application"],
              ("application", *columns.MONEY)),
        Table("cost by template", "By template, {currency}", _COST_BY["template"],
              ("template", *columns.MONEY)),
        Table("cost by day", "By day, {currency}", _COST_BY["day"]),
        Table("waste", "What bought nothing (kinds overlap), {currency}", frames.wasted,
              columns.WASTE),
        Table("projection", "The month so far, and its projection", frames.ahead,
              columns.PROJECTION),
    ), (
        Picture("cost", plots.cost, frames.if_priced(report.cost),
                "The bill as a bar a country, packages and pay-per-use told apart."),
        Picture("cost-by-day", plots.cost_by_day, frames.if_priced(report.month_by_day),
                "What the month has cost by the end of each UTC day, and its projection."),
    )),
    Section("What happened", "What stopped sending or warned of it, the gravest first. Times are "
            "UTC.", (
        Table("happenings", "Stops and warnings", happenings, sections.happened),
    ), unknown="a log does not tell what stopped the account or warned of it"),
    Section("Packages", "What became of the segments that were bought. Packages are used up with "
            "their last segment, and run out with the next message that finds none. Times are "
            "UTC.", (
        Table("packages", "Packages, {currency}", report.packages, columns.PACKAGES),
    ), (
        Picture("burn-down", plots.burn_down, report.burn_down,
                "The segments left against time, a line a country."),
    ), "a log tells of no purchases; say what you bought when you rate it"),
    Section("Thresholds", "What alarms and limits counted by UTC day and month, and what either "
            "limit stopped. A near miss is a day or month that used 80 % of a limit that did not "
            "act.", (
        Table("thresholds", "Use against alarm and limit", report.thresholds, columns.LIMITS),
    ), (
        Picture("thresholds", plots.thresholds, report.usage,
                "What was counted within each UTC day, against the daily alarm and limit."),
    ), "a log tells neither the values of thresholds nor what they counted"),
    Section("Delivery", "Latency runs from submission to delivery, of messages that arrive; those "
            "in flight count as not yet arrived (Kaplan-Meier). Below a figure stands its 95 % "
            "interval.", (
        Table("delivery", "Messages by country", report.delivery, columns.COUNTS),
        Table("latency", "How quick deliveries were, by country", report.delivery, columns.TIMES),
        Table("statuses", "Final statuses and refusals", report.statuses, sections.status_counts),
        Table("failures", "Why messages failed; the advice is ours, not Huawei's",
              frames.failures, columns.FAILURES),
        Table("statistics", "As the console counts, in segments", report.statistics,
              ("figure", "value", "definition", "meaning")),
    ), (
        Picture("waterfall", plots.waterfall, report.delivery,
                "From messages requested to messages delivered, a step for each way to get lost."),
        Picture("latency", plots.latency,
                frames.if_timed(partial(report.latency_curve, by="country")),
                "The share of messages that has arrived against the time since submission."),
        Picture("failures", plots.failures, report.failures,
                "A bar a code: its share of the requested messages."),
        Picture("heat-map", plots.heat_map, report.heat_map,
                "Messages an hour, by hour of the day and day of the week in UTC."),
    )),
    Section("Status reports", "What reached your callback address, one report a segment. Delays "
            "run from the final status to the first arrival.", (
        Table("callbacks", "Status reports received and lost", frames.pushed, columns.REPORTS),
        Table("outages", "Outages of your own server, from the gaps", frames.outages,
              ("begins", "ends", "length_s", "expected", "p")),
    ), (
        Picture("callbacks", plots.callbacks, frames.by_hour,
                "Status reports received in each hour, with outages of your own server shaded."),
    ), "the log holds no status report that reached your callback address"),
    Section("Template review", "From the first submission to the approval, by the clock and within "
            "09:00-18:00 GMT+8 of Chinese workdays. Times are UTC.", (
        Table("review", "Templates", report.review, columns.REVIEW),
    ), (
        Picture("review", plots.review, report.review,
                "A lane a template, from its first submission to its approval."),
    ), "a log knows no reviews"),
    Section("Getting started", "The way to the first message, step by step. Times are UTC.", (
        Table("onboarding", "Steps", frames.steps, frames.started),
    ), (
        Picture("onboarding", plots.onboarding, frames.steps,
                "A lane a step, and when the first message was sent."),
    ), "a log knows no steps before its first message"),
    Section("Group tasks", "What became of each group task. Times are UTC.", (
        Table("tasks", "What became of each task", report.tasks, sections.group_tasks),
    ), unknown="a log does not tell which messages a group task sent"),
    Section("As a textbook has it", "What a closed form says beside what was simulated, where the "
            "scenario is what the form assumes.", (
        Table("theory", "Simulated figures and closed forms", frames.beside,
              ("figure", "unit", "simulated", "theory", "form", "source")),
    )),
)
# fmt: on
"""The sections in the order of the page."""


def sections_of(record: Record, beside: Record | None) -> Sequence[Section]:
    """The sections of a page, with a comparison before them if there is another period."""
    return SECTIONS if beside is None else (compared(record, beside), *SECTIONS)


def compared(record: Record, other: Record) -> Section:
    """The section that puts a record (a) beside another one (b)."""
    return Section(
        "Side by side",
        "Every figure of both, and b less a. Better is what the interval of the difference leaves "
        "no doubt of; figures that only one of the two knows have no difference.",
        [
            Table(
                "compare",
                f"a: {record.name}; b: {other.name}",
                lambda own: report.compare(own, other),
                ("name", "of", "unit", "a", "b", "difference", "better"),
            )
        ],
        [
            Picture(
                "compare",
                lambda own, ax: plots.compare(own, other, ax=ax),
                lambda own: report.compare(own, other),
                "How far b is from a, a point and its interval a figure.",
            )
        ],
    )
