"""The figures of messages: how many, how late, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from smssim.record.record import Record
from smssim.report._record import priced
from smssim.report.latencies import WITHIN_US
from smssim.report.part import Part
from smssim.report.waste import fraud, fraudulent

PASSWORD = "otp"


class Value(NamedTuple):
    """A metric's value, its 95 % interval if it is an estimate, and its subject if it has one."""

    name: str
    value: Any
    low: Any = None
    high: Any = None
    of: str = ""


def messages(part: Part) -> Iterator[Value]:
    """The metrics `messages` and `delivered`."""
    counts, cells = part.counts, part.cells
    for name in ("requested", "sent", "delivered"):
        yield Value(f"messages.{name}", counts[name])
    yield Value("messages.in_flight", part.in_flight)
    for name in ("refused_request", "refused_number", "refused_platform"):
        yield Value(f"messages.{name}", counts[name])
    for name, code in (("limit", "E000623"), ("runout", "E000629")):
        stopped = cells["messages"][cells["status"] == code]
        yield Value(f"messages.stopped_by_{name}", int(stopped.sum()))
    (share, low, high), requested = part.shares.values(), counts["requested"]
    yield Value("delivered.share", share, low, high)
    yield Value("delivered.of_requested", counts["delivered"] / requested if requested else None)


def latencies(part: Part) -> Iterator[Value]:
    """The metrics `latency`."""
    delays = part.delays
    for quantile in ("p50", "p95", "p99"):
        yield _estimate(f"latency.{quantile}", delays, f"latency_{quantile}_s")
    for within in WITHIN_US:
        yield _estimate(f"latency.{within}", delays, within)


def passwords(part: Part) -> Iterator[Value]:
    """What `latency.*` are, of one-time passwords alone: a campaign has far more messages."""
    # A whole month of passwords need not be looked through again.
    types = part.record.tallies.money["type"].to_numpy()
    own = part if (types == PASSWORD).all() else Part(part.record, {"type": PASSWORD})
    delays = own.delays
    for name, column in (("p50", "latency_p50_s"), ("p95", "latency_p95_s")):
        yield _estimate(f"passwords.{name}", delays, column)
    yield _estimate("passwords.within_30_s", delays, "within_30_s")


def costs(part: Part) -> Iterator[Value]:
    """The metrics `cost`; packages are bought for countries, and serve all that goes there."""
    record, cells = part.record, part.cells
    ledger, charge = record.ledger, cells["charge"]
    paid = (charge == "pay_per_use") | (charge == "split")
    # What could not be rated may have cost anything.
    known = priced(record) and not cells["messages"][charge == "unknown"].any()
    charged = int(cells["cost_micro"][paid].sum())
    bought = 0
    if ledger is not None:
        own = ledger["entry"].to_numpy() == "purchase"
        if "country" in part.where:
            own &= ledger["country"].to_numpy() == part.where["country"]
        bought = int(ledger["amount_micro"].to_numpy()[own].sum())
    delivered = part.counts["delivered"]
    values = {
        "cost": (bought + charged) / 1e6,
        "cost.packages": bought / 1e6,
        "cost.pay_per_use": charged / 1e6,
        "cost.per_delivered": (bought + charged) / 1e6 / delivered if delivered else None,
    }
    for name, value in values.items():
        told = known or (priced(record) and name == "cost.packages")
        yield Value(name, value if told else None)


def of_fraud(record: Record) -> Iterator[Value]:
    """What an attack got and cost, and how many others a limit stopped; None in a log."""
    sources = fraudulent(record)
    values: tuple[Any, ...] = (None, None, None)
    if sources:
        row, own = fraud(record, sources), record.tallies.sources
        cost_micro = _sum(row.get("billed_micro"), row.get("package_micro"))
        others = own[~own["source"].isin(list(sources))]
        values = row["messages"], cost_micro, _stopped_by_limit(others)
    elif sources is not None:
        values = 0, 0, _stopped_by_limit(record.tallies.money)
    sent, cost_micro, stopped = values
    yield Value("messages.fraudulent", sent)
    yield Value("cost.fraudulent", None if cost_micro is None else cost_micro / 1e6)
    yield Value("messages.genuine_stopped", stopped)


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _stopped_by_limit(cells: Any) -> int:
    stopped = cells["status"].to_numpy() == "E000623"
    return int(cells["messages"].to_numpy(np.int64)[stopped].sum())


def _estimate(name: str, row: dict[str, Any], column: str) -> Value:
    """A column with its interval."""
    return Value(name, *(row[f"{column}{end}"] for end in ("", "_low", "_high")))
