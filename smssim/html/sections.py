"""What a page shows, section by section: one line a table, one line a picture."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from smssim import plots, report
from smssim.html.parts import Frame, Picture, Section, Table
from smssim.record import Record
from smssim.report import sections
from smssim.report.groups import priced
from smssim.report.happenings import happenings
from smssim.report.layout import Grid
from smssim.report.outages import untold
from smssim.report.timing import untimed

if TYPE_CHECKING:
    import pandas as pd


def _bill(record: Record, most: int) -> Grid:
    return sections.bill(record, most) if priced(record) else Grid([], [], "")


def _started(record: Record, most: int) -> Grid:
    return sections.getting_started(record)


def _priced(frame: Frame) -> Frame:
    """The frame where there is money, else without rows."""
    return lambda record: frame(record) if priced(record) else frame(record).head(0)


def _timed(frame: Frame) -> Frame:
    """The frame where every delivery has its time, else one without rows."""
    return lambda record: record.tallies.latency.head(0) if untimed(record) else frame(record)


def _pushed(record: Record) -> pd.DataFrame:
    found = report.callbacks(record)
    return found[found["reports"].fillna(0) > 0]


def _outages(record: Record) -> pd.DataFrame:
    return report.callbacks(record).head(0) if untold(record) else report.outages(record)


def _beside(record: Record) -> pd.DataFrame:
    ends = {"low": "simulated_low", "high": "simulated_high"}
    return report.theory_beside(record).rename(columns=ends)


def _wasted(record: Record) -> pd.DataFrame:
    """Kinds that are known, and are there."""
    found = report.waste(record)
    return found[found["messages"].fillna(0) > 0]


def _ahead(record: Record) -> pd.DataFrame:
    """Figures of a month that has days left, or of which the reason is known why they have none."""
    found = report.projection(record)
    return found[(found["days_left"] > 0) & found["so_far"].notna()]


def _steps(record: Record) -> pd.DataFrame:
    """The steps where there is more than the review of templates."""
    found = report.onboarding(record)
    only = found["step"].isin(["template", "first_message"]).all()
    return found.head(0) if only else found


_cost_by = {by: _priced(partial(report.cost, by=by)) for by in ("day", "application", "template")}
_MONEY = ("entry", "packages", "messages", "segments", "cost_micro", "per_delivered")
_WASTE = ("kind", "messages", "segments", "covered_segments", "billed_micro", "package_micro")
_PROJECTION = ("figure", "unit", "so_far", "rest", "month", "whole_days", "days_left", "reason")
_PACKAGES: tuple[str, ...] = (
    "package",
    "country",
    "segments",
    "price_micro",
    "in_force_at",
    "ends_at",
    "used",
)
_PACKAGES += ("expired", "expired_cost_micro", "left", "empty_at", "run_out_projected_at")
_LIMITS: tuple[str, ...] = (
    "period",
    "start",
    "used",
    "alarm",
    "limit",
    "share_of_limit",
    "alarm_at",
    "limit_at",
)
_LIMITS += ("suspended_h", "stopped", "near_miss")
_COUNTS: tuple[str, ...] = (
    "country",
    "requested",
    "sent",
    "delivered",
    "failed",
    "expired",
    "in_flight",
)
_COUNTS += ("no_report", "delivered_share")
_TIMES: tuple[str, ...] = (
    "country",
    "latency_p50_s",
    "latency_p95_s",
    "latency_p99_s",
    "within_10_s",
)
_TIMES += ("within_30_s", "within_3_min")
_FAILURES = ("code", "messages", "share", "source", "cause", "advice")
_REPORTS: tuple[str, ...] = (
    "reports",
    "received",
    "lost",
    "pending",
    "received_share",
    "late",
    "duplicates",
)
_REPORTS += ("out_of_order", "attempts_mean", "delay_p50_s", "delay_p95_s", "delay_p99_s")
_REVIEW: tuple[str, ...] = (
    "template",
    "attempts",
    "submitted_at",
    "approved_at",
    "usable_at",
    "wall_h",
)
_REVIEW += ("working_h", "rejected", "state")

# fmt: off
SECTIONS = (
    Section("Cost", "What was bought, and what no package covered. A delivered message costs all "
            "that was paid, divided by what was delivered.", (
        Table("cost", "Bill by country, {currency}", report.cost, _bill),
        Table("cost by application", "By application, {currency}", _cost_by["application"],
              ("application", *_MONEY)),
        Table("cost by template", "By template, {currency}", _cost_by["template"],
              ("template", *_MONEY)),
        Table("cost by day", "By day, {currency}", _cost_by["day"]),
        Table("waste", "What bought nothing (kinds overlap), {currency}", _wasted, _WASTE),
        Table("projection", "The month so far, and its projection", _ahead, _PROJECTION),
    ), (
        Picture("cost", plots.cost, _priced(report.cost),
                "The bill as a bar a country, packages and pay-per-use told apart."),
    ), "a log has no prices; give those you pay with --tariff FILE"),
    Section("What happened", "What stopped sending or warned of it, the gravest first. Times are "
            "UTC.", (
        Table("happenings", "Stops and warnings", happenings, sections.happened),
    ), unknown="a log does not tell what stopped the account or warned of it"),
    Section("Packages", "What became of the segments that were bought. Times are UTC.", (
        Table("packages", "Packages, prices in {currency}", report.packages, _PACKAGES),
    ), (
        Picture("burn-down", plots.burn_down, report.burn_down,
                "The segments left against time, a line a country."),
    ), "a log tells of no purchases; say what you bought when you rate it"),
    Section("Thresholds", "What alarms and limits counted by UTC day and month, and what a limit "
            "stopped. A near miss is a day or month that used 80 % of a limit that did not act.", (
        Table("thresholds", "Use against alarm and limit", report.thresholds, _LIMITS),
    ), (
        Picture("thresholds", plots.thresholds, report.usage,
                "What was counted within each UTC day, against the daily alarm and limit."),
    ), "a log tells neither the values of thresholds nor what they counted"),
    Section("Delivery", "Latency runs from submission to delivery, of messages that arrive; those "
            "in flight count as not yet arrived (Kaplan-Meier). Below a figure stands its 95 % "
            "interval.", (
        Table("delivery", "Messages by country", report.delivery, _COUNTS),
        Table("latency", "How quick deliveries were, by country", report.delivery, _TIMES),
        Table("statuses", "Final statuses and refusals", report.statuses, sections.status_counts),
        Table("failures", "Why messages failed; the advice is ours, not Huawei's",
              report.failures, _FAILURES),
        Table("statistics", "As the console counts, in segments", report.statistics,
              ("figure", "value", "definition", "meaning")),
    ), (
        Picture("waterfall", plots.waterfall, report.delivery,
                "From messages requested to messages delivered, a step for each way to get lost."),
        Picture("latency", plots.latency, _timed(partial(report.latency_curve, by="country")),
                "The share of messages that has arrived against the time since submission."),
        Picture("heat-map", plots.heat_map, report.heat_map,
                "Messages an hour, by hour of the day and day of the week in UTC."),
    )),
    Section("Status reports", "What reached your callback address, one report a segment. Delays "
            "run from the final status to the first arrival.", (
        Table("callbacks", "Status reports received and lost", _pushed, _REPORTS),
        Table("outages", "Outages of your own server, from the gaps", _outages,
              ("begins", "ends", "length_s", "expected", "p")),
    )),
    Section("Template review", "From the first submission to the approval, by the clock and within "
            "09:00-18:00 GMT+8 of Chinese workdays. Times are UTC.", (
        Table("review", "Templates", report.review, _REVIEW),
    ), (
        Picture("review", plots.review, report.review,
                "A lane a template, from its first submission to its approval."),
    ), "a log knows no reviews"),
    Section("Getting started", "The way to the first message, step by step. Times are UTC.", (
        Table("onboarding", "Steps", _steps, _started),
    ), (
        Picture("onboarding", plots.onboarding, _steps,
                "A lane a step, and when the first message was sent."),
    ), "a log knows no steps before its first message"),
    Section("Group tasks", "What became of each group task. Times are UTC.", (
        Table("tasks", "What became of each task", report.tasks, sections.group_tasks),
    ), unknown="a log does not tell which messages a group task sent"),
    Section("As a textbook has it", "What a closed form says beside what was simulated, where the "
            "scenario is what the form assumes.", (
        Table("theory", "Simulated figures and closed forms", _beside,
              ("figure", "unit", "simulated", "theory", "form", "source")),
    )),
)
# fmt: on
"""The sections in the order of the page."""
