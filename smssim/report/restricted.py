"""A figure of `smssim.metrics` for a part of the month: a template, a country, a package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from smssim.metrics import METRICS, Metric
from smssim.record.record import Record
from smssim.report.figures import (
    events_of,
    figures_of,
    packages,
    reviews,
    run_outs,
    suspended_by_runout,
)
from smssim.report.message_figures import Value, costs, latencies, messages
from smssim.report.needs import needs
from smssim.report.part import Part

Where = Mapping[str, str | int]
_FIGURES: dict[str, Callable[[Record, Where], Iterator[Value]]] = {
    "messages": lambda record, where: messages(Part(record, where)),
    "delivered": lambda record, where: messages(Part(record, where)),
    "latency": lambda record, where: latencies(Part(record, where)),
    "cost": lambda record, where: costs(Part(record, where)),
    "runout": lambda record, where: run_outs(record, events_of(record), str(where["country"])),
    "suspended": lambda record, where: iter(
        [suspended_by_runout(record, events_of(record), str(where["country"]))]
    ),
    "package": lambda record, where: packages(record, events_of(record)),
    "review": lambda record, where: reviews(record),
}
"""What makes the figures of a part, by the first word of their metric."""


@needs(
    *("money", "latency", "censored", "coarse", "events", "ledger", "packages", "reviews"),
    *("templates", "template_latency", "template_censored"),
)
def restricted(record: Record, metric: str, where: Where) -> float:
    """The value of a metric *where* the month is only that of a template, or any of a country, an
    application and a type; or the metric of one package (by number) or of one template's review.

    `smssim.metrics.Metric.by` says what each can be narrowed by; with an empty *where* it is that
    of `kpis`. Messages that nobody knows the template or country of are of none. Packages are
    bought for countries and serve all that goes there. While a whole account is suspended, so is
    each country. NaN is what did not come about, or what a log cannot know: messages in flight
    there by application, since those without a report are not tallied so.

    Raise a ValueError for a metric that does not exist, or cannot be narrowed so, or has a subject
    that *where* does not name.
    """
    known = METRICS.get(metric)
    if known is None:
        raise ValueError(f"metric(={metric!r}) must be one of smssim.metrics: {', '.join(METRICS)}")
    if set(where) - set(known.by) or ("template" in where and len(where) > 1):
        raise ValueError(f"where(={dict(where)}) must narrow {metric} by {_by(known)}")
    if known.per and not where:
        raise ValueError(f"where(={{}}) must name the {known.per} whose {metric} it is")
    of = str(where[known.per]) if known.per else ""
    found = _FIGURES[metric.partition(".")[0]](record, where) if where else figures_of(record)
    return next((_number(v.value) for v in found if (v.name, v.of) == (metric, of)), float("nan"))


def _by(metric: Metric) -> str:
    """What a metric can be narrowed by, in words."""
    beside = ", ".join(key for key in metric.by if key != "template")
    alone = ["template alone"] if "template" in metric.by else []
    return " or any of ".join([*alone, *([beside] if beside else [])]) or "nothing"


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
