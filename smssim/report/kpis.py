"""The figures of `smssim.metrics` for one record, or for a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from smssim.calendars import to_datetime
from smssim.metrics import METRICS, Metric
from smssim.record.record import Record
from smssim.report._record import keys_of, periods, requires
from smssim.report.account_kpis import (
    account,
    callbacks,
    events_of,
    first_day,
    packages,
    reviews,
    run_outs,
    suspended_by_runout,
)
from smssim.report.message_kpis import (
    Figure,
    Subset,
    costs,
    latencies,
    messages,
    of_fraud,
    passwords,
)

__all__ = ["Where", "figures_of", "kpi", "kpis"]


def figures_of(record: Record) -> Iterator[Figure]:
    """Every metric of a record, in no order."""
    subset, events = Subset(record), events_of(record)
    yield from messages(subset)
    yield from of_fraud(record)
    yield from latencies(subset)
    yield from passwords(subset)
    yield from costs(subset)
    yield Figure("first_message.day", first_day(record))
    yield from packages(record, events)
    yield from run_outs(record, events)
    yield suspended_by_runout(record, events)
    yield from account(record, events)
    yield from callbacks(record)
    yield from reviews(record)


_ORDER = {name: position for position, name in enumerate(METRICS)}


@requires(
    *("money", "sources", "latency", "undelivered", "censored", "within_3_min", "push"),
    *("events", "ledger", "packages", "reviews"),
)
def kpis(record: Record, *, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """One row a metric of `smssim.metrics`, and a row a package or template where it is one each.

    Columns: name, of (the subject, or ""), unit, value, low, high. Shares of messages or reports
    are estimates with Wilson's 95% interval, quantiles of latency with that of `delivery`; for the
    rest low and high are NaN. A value that did not come about, or that a log cannot know, is NaN.
    *by* month, a row a UTC month of each metric that `Metric.by` has months for, `month` first.

    Raise a ValueError for another *by*.
    """
    if keys_of(by, ("month",)):
        return _by_month(record)
    return _frame(record, list(figures_of(record)))


def _by_month(record: Record) -> pd.DataFrame:
    """The figures of each UTC month that the record is of."""
    frames = []
    for period in periods(record, "month"):
        month = f"{to_datetime(period.start):%Y-%m}"
        subset = Subset(record, {"month": month})
        figures = (*messages(subset), *costs(subset))
        known = [figure for figure in figures if "month" in METRICS[figure.name].by]
        frame = _frame(record, known)
        frame.insert(0, "month", pd.Series([month] * len(frame), dtype="str"))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _frame(record: Record, figures: list[Figure]) -> pd.DataFrame:
    """A row per figure, in the order of the metrics."""
    values = sorted(figures, key=lambda value: _ORDER[value.name])
    units = {"currency": record.currency or "currency"}
    texts = {
        "name": [value.name for value in values],
        "of": [value.of for value in values],
        "unit": [units.get(u := METRICS[value.name].unit, u) for value in values],
    }
    numbers = np.array([value[1:4] for value in values], np.float64)
    return pd.DataFrame(
        {name: pd.array(column, dtype="str") for name, column in texts.items()}
        | dict(zip(("value", "low", "high"), numbers.T.copy(), strict=True))
    )


# A figure of `smssim.metrics` for a part of the month: a template, a country, a package.

Where = Mapping[str, str | int]
_EVERYTHING: Where = {}
_FIGURES: dict[str, Callable[[Record, Where], Iterator[Figure]]] = {
    "messages": lambda record, where: messages(Subset(record, where)),
    "delivered": lambda record, where: messages(Subset(record, where)),
    "latency": lambda record, where: latencies(Subset(record, where)),
    "cost": lambda record, where: costs(Subset(record, where)),
    "runout": lambda record, where: run_outs(record, events_of(record), str(where["country"])),
    "suspended": lambda record, where: iter(
        [suspended_by_runout(record, events_of(record), str(where["country"]))]
    ),
    "package": lambda record, where: packages(record, events_of(record)),
    "review": lambda record, where: reviews(record),
}
"""What makes the figures of a part, by the first word of their metric."""


@requires(
    *("money", "latency", "undelivered", "censored", "within_3_min"),
    *("events", "ledger", "packages", "reviews"),
    *("templates", "template_latency", "template_censored"),
)
def kpi(record: Record, name: str, where: Where = _EVERYTHING) -> float:
    """The value of one metric, of the whole month or *where* a template, or any of a country, an
    application and a type has a value; of one package (by number) or one template's review.

    `smssim.metrics.Metric.by` says what each can be narrowed by; with an empty *where* it is that
    of `kpis`. Messages that no one knows the template or country of are of none. Packages are
    bought for countries and serve all that goes there. While a whole account is suspended, so is
    each country. NaN is what did not come about, or what a log cannot know: messages pending
    there by application, since those without a report are not tallied so.

    Raise a ValueError for a metric that does not exist, or cannot be narrowed so, or has a subject
    that *where* does not name.
    """
    metric = METRICS.get(name)
    if metric is None:
        raise ValueError(f"metric(={name!r}) must be one of smssim.metrics: {', '.join(METRICS)}")
    if set(where) - set(metric.by) or ("template" in where and len(where) > 1):
        raise ValueError(f"where(={dict(where)}) must narrow {name} by {_by(metric)}")
    if metric.per and not where:
        raise ValueError(f"where(={{}}) must name the {metric.per} whose {name} it is")
    of = str(where[metric.per]) if metric.per else ""
    values = _FIGURES[name.partition(".")[0]](record, where) if where else figures_of(record)
    return next((_number(v.value) for v in values if (v.name, v.of) == (name, of)), float("nan"))


def _by(metric: Metric) -> str:
    """What a metric can be narrowed by, in words."""
    together = ", ".join(key for key in metric.by if key != "template")
    alone = ["template alone"] if "template" in metric.by else []
    return " or any of ".join([*alone, *([together] if together else [])]) or "nothing"


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
