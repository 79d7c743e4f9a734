"""The figures of `smssim.metrics` for one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import DAY, HOUR
from smssim.metrics import METRICS, Metric
from smssim.record.record import Record
from smssim.record.schema import microseconds_of
from smssim.report._record import charges_known, knows, priced, recorded, requires, stops, union_us
from smssim.report.cost import fraud, fraudulent
from smssim.report.delivery import MessageGroups, stage_of
from smssim.report.latency import COLUMNS, WITHIN_US
from smssim.report.review import rows_of
from smssim.report.thresholds import shares_of_limit
from smssim.stats.competing_risks import UNKNOWN
from smssim.stats.delay_bins import by_bin, quantile_s
from smssim.stats.intervals import wilson_with_pending

__all__ = [
    "STOPPED_BY",
    "Where",
    "costs",
    "events_of",
    "figures_of",
    "kpi",
    "kpis",
    "messages",
    "packages",
    "passwords",
    "reviews",
]


class _Subset:
    """The messages of a record *where* keys have these values: a template, or any of country,
    application and type; all of them without. Cells with NA in a key are outside.
    """

    def __init__(self, record: Record, where: Mapping[str, Any] | None = None) -> None:
        self.record, self.where = record, where or {}
        self.groups = MessageGroups(record, self.where, 1, self._numbers)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Messages by outcome; in a log `in_flight` includes those whose report was lost."""
        return {name: int(counts[0]) for name, counts in self.groups.counts.items()}

    def column(self, name: str) -> NDArray[Any]:
        """A column of the subset's cells in the tally that counts its messages."""
        tallies = self.record.tallies
        tally = tallies.templates if "template" in self.where else tallies.money
        values: NDArray[Any] = tally[name].to_numpy()[self._numbers(tally) == 0]
        return values

    def _numbers(self, tally: pd.DataFrame) -> Ints:
        outside = np.zeros(len(tally), bool)
        for key, value in self.where.items():
            outside |= tally[key].to_numpy() != value
        return np.where(outside, -1, 0)


# The figures of messages: how many, how late, and what they cost.

_PASSWORD = "otp"
STOPPED_BY = {
    "limit": "E000623",
    "runout": "E000629",
    "country_limit": "E000630",
    "arrears": "E000112",
}
"""The codes of messages that are refused because sending is stopped, by what stopped it."""


class _Value(NamedTuple):
    """A metric's value, its 95% interval if it is an estimate, and its subject if it has one."""

    name: str
    value: Any
    low: Any = None
    high: Any = None
    of: str = ""


def messages(subset: _Subset) -> Iterator[_Value]:
    """The metrics `messages` and `delivered`."""
    counts, in_flight = subset.counts, subset.groups.in_flight
    for name in ("requested", "sent", "delivered"):
        yield _Value(f"messages.{name}", counts[name])
    yield _Value("messages.in_flight", None if in_flight is None else int(in_flight[0]))
    for name in ("refused_request", "refused_number", "refused_platform"):
        yield _Value(f"messages.{name}", counts[name])
    refused = sum(counts[f"refused_{stage}"] for stage in ("request", "number", "platform"))
    yield _Value("messages.refused", refused)
    status, number = subset.column("status"), subset.column("messages")
    stopped = {name: int(number[status == code].sum()) for name, code in STOPPED_BY.items()}
    yield _Value("messages.stopped", sum(stopped.values()))
    for name, count in stopped.items():
        yield _Value(f"messages.stopped_by_{name}", count)
    yield _Value("messages.stopped_by_no_package", _without_package(subset))
    requested = counts["requested"]
    yield _Value("delivered.share", *subset.groups.shares[0])
    yield _Value("delivered.of_requested", counts["delivered"] / requested if requested else None)


def _without_package(subset: _Subset) -> int | None:
    """Messages refused for want of packages to countries that never had one; None in a log, and of
    a template, whose tally does not tell countries apart.
    """
    packages = subset.record.packages
    if packages is None or "template" in subset.where:
        return None
    refused = subset.column("status") == STOPPED_BY["runout"]
    refused &= ~np.isin(subset.column("country").astype(str), packages["country"].astype(str))
    return int(subset.column("messages")[refused].sum())


def _latencies(subset: _Subset) -> Iterator[_Value]:
    """The metrics `latency`."""
    delays = _delays(subset)
    for quantile in ("p50", "p95", "p99"):
        yield _estimate(f"latency.{quantile}", delays, f"latency_{quantile}_s")
    for within in WITHIN_US:
        yield _estimate(f"latency.{within}", delays, within)


def passwords(subset: _Subset) -> Iterator[_Value]:
    """What `latency.*` are, of one-time passwords alone: a campaign has far more messages."""
    # A whole month of passwords need not be looked through again.
    types = subset.record.tallies.money["type"].to_numpy()
    everything = (types == _PASSWORD).all()
    delays = _delays(subset if everything else _Subset(subset.record, {"type": _PASSWORD}))
    for name, column in (("p50", "latency_p50_s"), ("p95", "latency_p95_s")):
        yield _estimate(f"passwords.{name}", delays, column)
    yield _estimate("passwords.within_30_s", delays, "within_30_s")


def costs(subset: _Subset) -> Iterator[_Value]:
    """The metrics `cost`; packages are bought for countries, and serve all that goes there.

    A log that gives the cost of each message tells the charges, and not what packages cost.
    """
    record, ledger, charge = subset.record, subset.record.ledger, subset.column("charge")
    paid = (charge == "pay_per_use") | (charge == "split")
    charged = int(subset.column("cost_micro")[paid].sum())
    # What could not be rated may have cost anything.
    complete = charges_known(record) and not subset.column("messages")[charge == "unknown"].any()
    bought = 0
    if ledger is not None:
        purchases = ledger["entry"].to_numpy() == "purchase"
        if "country" in subset.where:
            purchases &= ledger["country"].to_numpy() == subset.where["country"]
        bought = int(ledger["amount_micro"].to_numpy()[purchases].sum())
    delivered = subset.counts["delivered"]
    values = {
        "cost": (bought + charged) / 1e6,
        "cost.packages": bought / 1e6,
        "cost.pay_per_use": charged / 1e6,
        "cost.per_delivered": (bought + charged) / 1e6 / delivered if delivered else None,
    }
    for name, value in values.items():
        certain = complete or name == "cost.packages"
        of_packages = name != "cost.pay_per_use"
        yield _Value(name, value if certain and (priced(record) or not of_packages) else None)


def _of_fraud(record: Record) -> Iterator[_Value]:
    """What an attack got and cost, and how many others a limit stopped; None in a log."""
    sources = fraudulent(record)
    values: tuple[Any, ...] = (None, None, None)
    if sources:
        row, cells = fraud(record, sources), record.tallies.sources
        cost_micro = _sum(row.get("billed_micro"), row.get("package_micro"))
        others = cells[~cells["source"].isin(list(sources))]
        values = row["messages"], cost_micro, _stopped_by_limit(others)
    elif sources is not None:
        values = 0, 0, _stopped_by_limit(record.tallies.money)
    sent, cost_micro, stopped = values
    yield _Value("messages.fraudulent", sent)
    yield _Value("cost.fraudulent", None if cost_micro is None else cost_micro / 1e6)
    yield _Value("messages.genuine_stopped", stopped)


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _stopped_by_limit(cells: Any) -> int:
    stopped = cells["status"].to_numpy() == "E000623"
    return int(cells["messages"].to_numpy(np.int64)[stopped].sum())


def _delays(subset: _Subset) -> dict[str, float]:
    return dict(zip(COLUMNS, subset.groups.delays[0].tolist(), strict=True))


def _estimate(name: str, row: dict[str, float], column: str) -> _Value:
    """A column with its interval."""
    return _Value(name, row[column], row[f"{column}_low"], row[f"{column}_high"])


# Where the figures of `smssim.metrics` come from: the arrays of tallies and small tables.


class _Events(NamedTuple):
    """When, what and of what each event of a record is; none where they are not known."""

    at_us: Ints
    event: NDArray[Any]
    subject: NDArray[Any]


def figures_of(record: Record) -> Iterator[_Value]:
    """Every metric of a record, in no order."""
    subset, events = _Subset(record), events_of(record)
    yield from messages(subset)
    yield from _of_fraud(record)
    yield from _latencies(subset)
    yield from passwords(subset)
    yield from costs(subset)
    yield _Value("first_message.day", _first_day(record))
    yield from packages(record, events)
    yield from _run_outs(record, events)
    yield _suspended_by_runout(record, events)
    yield from _account(record, events)
    yield from _callbacks(record)
    yield from reviews(record)


def _first_day(record: Record) -> int | None:
    money = record.tallies.money
    days = microseconds_of(money["day"])[stage_of(money) == 0]
    return int(days.min()) // DAY - record.observed_from // DAY if len(days) else None


def packages(record: Record, events: _Events) -> Iterator[_Value]:
    """The metrics `package` of each package."""
    table, start = record.packages, record.observed_from
    at, event, subject = events
    if table is not None and record.events is not None:
        names = ("package", "segments", "used", "expired", "country")
        columns = (table[name].tolist() for name in names)
        since = microseconds_of(table["in_force_at"]).tolist()
        for package, segments, used, expired, country, in_force in zip(
            *columns, since, strict=True
        ):
            of = str(package)
            emptied = at[(event == "package_empty") & (subject == of)]
            ran = at[(event == "run_out") & (subject == country)]
            yield _Value("package.empty", _days(emptied[:1], start), of=of)
            yield _Value("package.run_out", _days(ran[ran >= in_force], start), of=of)
            yield _Value("package.used_share", used / segments, of=of)
            yield _Value("package.expired", expired, of=of)


def _run_outs(record: Record, events: _Events, country: str | None = None) -> Iterator[_Value]:
    """The metrics `runout`, of one country or of all."""
    mask = events.event == "run_out"
    if country is not None:
        mask &= events.subject == country
    dry = events.at_us[mask] if knows(record, "run_out") else None
    yield _Value("runout.any", None if dry is None else int(bool(len(dry))))
    yield _Value("runout.count", None if dry is None else len(dry))
    yield _Value("runout.first", None if dry is None else _days(dry, record.observed_from))


def _suspended_by_runout(record: Record, events: _Events, country: str | None = None) -> _Value:
    """`suspended.runout`, of one country or of any; a suspended account sends to none."""
    only = None if country is None else {country, ""}
    return _stopped(record, events, "suspended.runout", "suspended", "resumed", only)


def _account(record: Record, events: _Events) -> Iterator[_Value]:
    for name, event in (
        ("thresholds.alarms", "alarm"),
        ("thresholds.limits", "limit"),
        ("thresholds.country_limits", "country_limit"),
    ):
        times = _times(record, events, event)
        yield _Value(name, None if times is None else len(times))
    yield _stopped(record, events, "suspended.limit", "limit", "recovered")
    yield _stopped(record, events, "suspended.arrears", "frozen", "thawed")
    shares = shares_of_limit(record)
    for period in ("day", "month"):
        yield _Value(f"thresholds.{period}_share", shares.get(period))


def _callbacks(record: Record) -> Iterator[_Value]:
    push = record.tallies.push
    state, reports = push["state"].to_numpy(), push["reports"].to_numpy(np.int64)
    arrived = state == "received"
    received, lost = int(reports[arrived].sum()), int(reports[state == "lost"].sum())
    # Reports that never came left no trace in a log.
    complete = not recorded(record)
    yield _Value("reports.made", int(reports.sum()) if complete else None)
    decided, pending = received + lost if complete else 0, int(reports.sum()) - received - lost
    share, low, high = wilson_with_pending(received, decided, pending) if decided else UNKNOWN
    yield _Value("reports.received_share", share, low, high)
    yield _Value("reports.lost_share", 1 - share, 1 - high, 1 - low)
    duplicates = int(push["deliveries"].to_numpy(np.int64).sum()) - received
    yield _Value("reports.duplicates", duplicates if complete or received else None)
    timed = arrived & push["bin"].notna().to_numpy()
    delays = by_bin(push["bin"].to_numpy()[timed].astype(np.int64), reports[timed])
    yield _Value("reports.delay_p95", quantile_s(delays, 0.95))


def reviews(record: Record) -> Iterator[_Value]:
    """The metrics `review` of each template that was handed in."""
    for row in rows_of(record):
        yield _Value("review.hours", row["wall_h"], of=row["template"])
        yield _Value("review.working_hours", row["working_h"], of=row["template"])
        usable = row["usable_at"]
        usable_h = None if usable is None else (usable - row["submitted_at"]) / HOUR
        yield _Value("review.usable_hours", usable_h, of=row["template"])
        yield _Value("review.rejections", row["rejected"], of=row["template"])


def _stopped(
    record: Record, events: _Events, name: str, begin: str, end: str, only: set[str] | None = None
) -> _Value:
    """The hours between two events of any subject, or of *only* some."""
    if not knows(record, begin):
        return _Value(name, None)
    subjects = set(events.subject[events.event == begin].tolist())
    subjects &= subjects if only is None else only
    spans = [span for subject in subjects for span in stops(record, begin, end, subject)]
    return _Value(name, union_us(spans) / HOUR)


def events_of(record: Record) -> _Events:
    """The events of a record as arrays."""
    table = record.events
    if table is None:
        nothing = np.empty(0, object)
        return _Events(np.empty(0, np.int64), nothing, nothing)
    return _Events(
        microseconds_of(table["at"]), table["event"].to_numpy(), table["subject"].to_numpy()
    )


def _times(record: Record, events: _Events, event: str) -> Ints | None:
    """The instants of an event, None where events are not known."""
    return events.at_us[events.event == event] if knows(record, event) else None


def _days(times: Ints, start: int) -> float | None:
    """Days from the start to the first of some instants."""
    return (int(times.min()) - start) / DAY if len(times) else None


_ORDER = {name: position for position, name in enumerate(METRICS)}


@requires(
    *("money", "sources", "latency", "undelivered", "censored", "within_3_min", "push"),
    *("events", "ledger", "packages", "reviews"),
)
def kpis(record: Record) -> pd.DataFrame:
    """One row a metric of `smssim.metrics`, and a row a package or template where it is one each.

    Columns: name, of (the subject, or ""), unit, value, low, high. Shares of messages or reports
    are estimates with Wilson's 95% interval, quantiles of latency with that of `delivery`; for the
    rest low and high are NaN. A value that did not come about, or that a log cannot know, is NaN.
    """
    values = sorted(figures_of(record), key=lambda value: _ORDER[value.name])
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
_FIGURES: dict[str, Callable[[Record, Where], Iterator[_Value]]] = {
    "messages": lambda record, where: messages(_Subset(record, where)),
    "delivered": lambda record, where: messages(_Subset(record, where)),
    "latency": lambda record, where: _latencies(_Subset(record, where)),
    "cost": lambda record, where: costs(_Subset(record, where)),
    "runout": lambda record, where: _run_outs(record, events_of(record), str(where["country"])),
    "suspended": lambda record, where: iter(
        [_suspended_by_runout(record, events_of(record), str(where["country"]))]
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
    of `kpis`. Messages that nobody knows the template or country of are of none. Packages are
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
