"""The metrics of messages: how many, how late, what they cost; of a record or a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.record.record import Record
from smssim.report._record import charges_known, months, priced
from smssim.report.cost import fraud, fraudulent
from smssim.report.delivery import MessageGroups
from smssim.report.latency import COLUMNS, WITHIN_US

__all__ = [
    "STOPPED_BY",
    "Figure",
    "Subset",
    "costs",
    "latencies",
    "messages",
    "of_fraud",
    "passwords",
]


class Figure(NamedTuple):
    """A metric's value, its 95% interval if it is an estimate, and its subject if it has one."""

    name: str
    value: Any
    low: Any = None
    high: Any = None
    of: str = ""


class Subset:
    """The messages of a record *where* keys have these values: a template, or any of country,
    application, type and month (UTC, `2026-07`); all of them without. Cells with NA in a key are
    outside. Delays and delivered shares are not tallied by month.
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
            outside |= (months(tally["day"]) if key == "month" else tally[key].to_numpy()) != value
        return np.where(outside, -1, 0)


_PASSWORD = "otp"
STOPPED_BY = {
    "limit": "E000623",
    "runout": "E000629",
    "country_limit": "E000630",
    "arrears": "E000112",
}
"""The codes of messages that are refused because sending is stopped, by what stopped it."""


def messages(subset: Subset) -> Iterator[Figure]:
    """The metrics `messages` and `delivered`."""
    counts, of_month = subset.counts, "month" in subset.where
    in_flight = None if of_month else subset.groups.in_flight
    for name in ("requested", "sent", "delivered"):
        yield Figure(f"messages.{name}", counts[name])
    yield Figure("messages.in_flight", None if in_flight is None else int(in_flight[0]))
    for name in ("refused_request", "refused_number", "refused_platform"):
        yield Figure(f"messages.{name}", counts[name])
    refused = sum(counts[f"refused_{stage}"] for stage in ("request", "number", "platform"))
    yield Figure("messages.refused", refused)
    status, number = subset.column("status"), subset.column("messages")
    stopped = {name: int(number[status == code].sum()) for name, code in STOPPED_BY.items()}
    yield Figure("messages.stopped", sum(stopped.values()))
    for name, count in stopped.items():
        yield Figure(f"messages.stopped_by_{name}", count)
    yield Figure("messages.stopped_by_no_package", _without_package(subset))
    requested = counts["requested"]
    if not of_month:
        yield Figure("delivered.share", *subset.groups.shares[0])
    yield Figure("delivered.of_requested", counts["delivered"] / requested if requested else None)


def _without_package(subset: Subset) -> int | None:
    """Messages refused for want of packages to countries that never had one; None in a log, and of
    a template, whose tally does not tell countries apart.
    """
    packages = subset.record.packages
    if packages is None or "template" in subset.where:
        return None
    refused = subset.column("status") == STOPPED_BY["runout"]
    refused &= ~np.isin(subset.column("country").astype(str), packages["country"].astype(str))
    return int(subset.column("messages")[refused].sum())


def latencies(subset: Subset) -> Iterator[Figure]:
    """The metrics `latency`."""
    delays = _delays(subset)
    for quantile in ("p50", "p95", "p99"):
        yield _estimate(f"latency.{quantile}", delays, f"latency_{quantile}_s")
    for within in WITHIN_US:
        yield _estimate(f"latency.{within}", delays, within)


def passwords(subset: Subset) -> Iterator[Figure]:
    """What `latency.*` are, of one-time passwords alone: a campaign has far more messages."""
    # A whole month of passwords need not be looked through again.
    types = subset.record.tallies.money["type"].to_numpy()
    everything = (types == _PASSWORD).all()
    delays = _delays(subset if everything else Subset(subset.record, {"type": _PASSWORD}))
    for name, column in (("p50", "latency_p50_s"), ("p95", "latency_p95_s")):
        yield _estimate(f"passwords.{name}", delays, column)
    yield _estimate("passwords.within_30_s", delays, "within_30_s")


def costs(subset: Subset) -> Iterator[Figure]:
    """The metrics `cost`; packages are bought for countries, and serve all that goes there.

    A log that gives the cost of each message shows the charges, and not what packages cost.
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
        if "month" in subset.where:
            purchases &= months(ledger["at"]) == subset.where["month"]
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
        yield Figure(name, value if certain and (priced(record) or not of_packages) else None)


def of_fraud(record: Record) -> Iterator[Figure]:
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
    yield Figure("messages.fraudulent", sent)
    yield Figure("cost.fraudulent", None if cost_micro is None else cost_micro / 1e6)
    yield Figure("messages.genuine_stopped", stopped)


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _stopped_by_limit(cells: Any) -> int:
    stopped = cells["status"].to_numpy() == "E000623"
    return int(cells["messages"].to_numpy(np.int64)[stopped].sum())


def _delays(subset: Subset) -> dict[str, float]:
    return dict(zip(COLUMNS, subset.groups.delays[0].tolist(), strict=True))


def _estimate(name: str, row: dict[str, float], column: str) -> Figure:
    """A column with its interval."""
    return Figure(name, row[column], row[f"{column}_low"], row[f"{column}_high"])
