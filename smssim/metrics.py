"""Every figure that a run is judged by: its name, its unit, and what exactly it is."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

__all__ = ["METRICS", "UNTIL", "YES_OR_NO", "Metric", "metric_named"]

YES_OR_NO = "yes is 1"
"""The unit of a figure that is 1 or 0."""


@dataclass(frozen=True)
class Metric:
    """A figure that `smssim.report.kpis` computes, one value per record or one a subject.

    `per` names what the subjects are, "" if there is one value; `better` says which way is good, or
    None where that depends. Unit "currency" stands for the record's own.
    """

    name: str
    unit: str
    meaning: str
    better: Literal["less", "more"] | None = None
    per: Literal["", "package", "template"] = ""

    @property
    def by(self) -> tuple[str, ...]:
        """The keys that the figure can be had by; `template` always stands alone. A month is one of
        UTC, as thresholds have it.
        """
        if self.per:
            return (self.per,)
        keys = next((keys for names, keys in _BY.items() if self.name.startswith(names)), ())
        by_month = self.name.startswith(_BY_MONTH) and self.name not in _NEVER_BY_MONTH
        return (*keys, "month") if by_month else keys

    @property
    def scale(self) -> tuple[float, float]:
        """The least and the most that a value can be; shares of limits may be above 1."""
        bounded = self.unit in ("share", YES_OR_NO) and not self.name.startswith("thresholds.")
        return 0.0, 1.0 if bounded else float("inf")


UNTIL = ("d", "h")
"""Units of metrics that are times until something happens: no value means that it never did."""
_OF_MESSAGES = ("template", "country", "application", "type")
_BY: dict[str | tuple[str, ...], tuple[str, ...]] = {
    (
        "cost.per_delivered",
        "cost.fraudulent",
        "messages.fraudulent",
        "messages.genuine_stopped",
    ): (),
    "messages.stopped_by_no_package": ("country", "application", "type"),
    ("messages.", "delivered.", "cost.pay_per_use"): _OF_MESSAGES,
    "latency.": ("template", "country", "type"),
    ("cost", "runout.", "suspended.runout"): ("country",),
}
_BY_MONTH = ("messages.", "cost", "delivered.of_requested")
_NEVER_BY_MONTH = (
    *("messages.in_flight", "messages.fraudulent", "messages.genuine_stopped"),
    "cost.fraudulent",
)
_SHOWN_UNITS = ("s", "h", "d")
"""Units that names may carry, as the columns of reports do; the currency is another."""


def _metrics(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


METRICS = _metrics(
    Metric("cost", "currency", "packages bought and what no package covered", "less"),
    Metric("cost.packages", "currency", "price of all packages bought"),
    Metric("cost.pay_per_use", "currency", "charges for segments that no package covered", "less"),
    Metric("cost.per_delivered", "currency", "cost divided by messages delivered", "less"),
    Metric(
        "cost.fraudulent",
        "currency",
        "of fraudulent messages, their share of packages included",
        "less",
    ),
    Metric("messages.requested", "messages", "asked for, resends by users included"),
    Metric("messages.sent", "messages", "accepted and not refused afterwards"),
    Metric("messages.fraudulent", "messages", "those of fraudulent sources that were sent", "less"),
    Metric("messages.delivered", "messages", "with final status DELIVRD", "more"),
    Metric("messages.in_flight", "messages", "sent, without a final status by the end"),
    Metric(
        "messages.refused", "messages", "refused, with the request, in the answer or later", "less"
    ),
    Metric(
        "messages.refused_request", "messages", "refused with the request's code (stage 1)", "less"
    ),
    Metric("messages.refused_number", "messages", "refused in the answer, alone (stage 2)", "less"),
    Metric("messages.refused_platform", "messages", "refused after acceptance (stage 3)", "less"),
    Metric(
        "messages.stopped",
        "messages",
        "refused because a limit, a run-out or arrears stopped sending",
        "less",
    ),
    Metric("messages.stopped_by_limit", "messages", "refused because of a limit (E000623)", "less"),
    Metric(
        "messages.stopped_by_country_limit",
        "messages",
        "refused because of the limit of a country (E000630)",
        "less",
    ),
    Metric("messages.stopped_by_arrears", "messages", "refused in arrears (E000112)", "less"),
    Metric(
        "messages.stopped_by_no_package",
        "messages",
        "refused for want of packages (E000629) where none was ever bought or can be",
        "less",
    ),
    Metric(
        "messages.genuine_stopped",
        "messages",
        "of sources that are not fraudulent, refused because of a limit",
        "less",
    ),
    Metric(
        "messages.stopped_by_runout", "messages", "refused for want of packages (E000629)", "less"
    ),
    Metric(
        "delivered.share", "share", "sent messages that are delivered within their validity", "more"
    ),
    Metric("delivered.of_requested", "share", "delivered among the requested", "more"),
    Metric("latency.p50", "s", "submission to delivery: median, those to come included", "less"),
    Metric("latency.p95", "s", "submission to delivery: 95% quantile, likewise", "less"),
    Metric("latency.p99", "s", "submission to delivery: 99% quantile, likewise", "less"),
    Metric("latency.within_10_s", "share", "deliveries made in less than 10 s, likewise", "more"),
    Metric("latency.within_30_s", "share", "deliveries made in less than 30 s, likewise", "more"),
    Metric("latency.within_3_min", "share", "deliveries made in less than 3 min, likewise", "more"),
    Metric("passwords.p50", "s", "one-time passwords alone: as latency.p50", "less"),
    Metric("passwords.p95", "s", "one-time passwords alone: as latency.p95", "less"),
    Metric(
        "passwords.within_30_s",
        "share",
        "one-time passwords alone: as latency.within_30_s",
        "more",
    ),
    Metric("runout.any", YES_OR_NO, "whether the packages of any country ran out", "less"),
    Metric("runout.count", "events", "how often packages of a country ran out", "less"),
    Metric("runout.first", "d", "from the start to the first run-out; NA if none", "more"),
    Metric(
        "package.empty", "d", "from the start until it was first empty; NA if never", per="package"
    ),
    Metric(
        "package.run_out",
        "d",
        "from the start to the first run-out of its country since it came in force; NA if none",
        "more",
        "package",
    ),
    Metric("package.used_share", "share", "of its segments, those used", "more", "package"),
    Metric("package.expired", "segments", "segments that expired unused", "less", "package"),
    Metric("suspended.runout", "h", "sending suspended for any country: no package left", "less"),
    Metric("suspended.limit", "h", "sending suspended by the daily or monthly limit", "less"),
    Metric("suspended.arrears", "h", "the account frozen", "less"),
    Metric("thresholds.alarms", "events", "alarms sent, daily and monthly", "less"),
    Metric("thresholds.limits", "events", "trips of the daily or monthly limit", "less"),
    Metric("thresholds.country_limits", "events", "trips of limits of countries", "less"),
    Metric("thresholds.day_share", "share", "of the daily limit, the most that a day used"),
    Metric("thresholds.month_share", "share", "of the monthly limit, the most that a month used"),
    Metric("reports.made", "reports", "delivery reports made for the callback, one per segment"),
    Metric("reports.received_share", "share", "received among reports received or lost", "more"),
    Metric("reports.lost_share", "share", "lost among reports received or lost", "less"),
    Metric("reports.duplicates", "pushes", "arrivals after the first of a report", "less"),
    Metric("reports.delay_p95", "s", "final status to first arrival: 95% quantile", "less"),
    Metric(
        "review.hours", "h", "first submission to approval; NA if not approved", "less", "template"
    ),
    Metric(
        "review.working_hours",
        "h",
        "the same within 09:00-18:00 GMT+8 of Chinese workdays",
        "less",
        "template",
    ),
    Metric(
        "review.usable_hours",
        "h",
        "first submission until it can be sent with; NA if not approved",
        "less",
        "template",
    ),
    Metric("review.rejections", "events", "how often it was rejected", "less", "template"),
    Metric(
        "first_message.day",
        "d",
        "UTC days from that of the start to the first sent message",
        "less",
    ),
)
"""All metrics by name, in the order in which they are reported."""


def metric_named(text: str, currency: str) -> Metric:
    """The metric of a name whose first word may carry its unit, as `latency_s.p95` does.

    Raise a ValueError for a metric that does not exist, or a unit that is not its own.

    >>> metric_named("latency_s.p95", "USD").name, metric_named("cost_usd", "USD").name
    ('latency.p95', 'cost')
    >>> metric_named("cost_usd", "EUR")
    Traceback (most recent call last):
    ValueError: metric(='cost_usd') must be in EUR: cost_eur
    """
    if text in METRICS:
        return METRICS[text]
    first, dot, rest = text.partition(".")
    word, _, unit = first.rpartition("_")
    metric = METRICS.get(f"{word}{dot}{rest}")
    if metric is None:
        near = get_close_matches(text, METRICS, 1, 0.5)
        meant = f"; did you mean {near[0]}?" if near else f": {', '.join(METRICS)}"
        raise ValueError(f"metric(={text!r}) must be one of smssim.metrics{meant}")
    metric_unit = currency.lower() if metric.unit == "currency" else metric.unit
    if unit != metric_unit:
        expected = f"in {currency if metric.unit == 'currency' else _as_text(metric_unit)}"
        carries_unit = metric_unit in _SHOWN_UNITS or metric.unit == "currency"
        name = f"{word}_{metric_unit}{dot}{rest}" if carries_unit else metric.name
        raise ValueError(f"metric(={text!r}) must be {expected}: {name}")
    return metric


def _as_text(unit: str) -> str:
    return "yes or no" if unit == YES_OR_NO else unit


def __dir__() -> list[str]:
    """What is for users alone."""
    return __all__
