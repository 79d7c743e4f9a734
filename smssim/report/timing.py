"""What a record tells of when its messages were delivered, and what may be said of it."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import MINUTE
from smssim.formatting import count
from smssim.record.record import Record
from smssim.record.tallies import REFUSED
from smssim.stats.delay_bins import bin_of

Ints = NDArray[np.int64]
SOON_US = 3 * MINUTE
"""What the console's results tell apart: within 3 minutes, or later (DOMAIN.md section 9)."""

_TIMES = re.compile(r"time|date|utc|gmt|\bat\b|\bon\b|时间|日期", re.IGNORECASE)


def soon_bin() -> int:
    """The first bin of delays of 3 minutes and more; its lower edge is exact."""
    return int(bin_of(np.array([SOON_US]))[0])


def results_told(record: Record) -> tuple[Ints, Ints]:
    """The deliveries without a time whose sending result tells whether they took 3 minutes, in each
    cell of the tally `coarse`, and those of them that took less.
    """
    coarse = record.tallies.coarse
    messages, within = coarse["messages"].to_numpy(np.int64), coarse["within"].to_numpy()
    soon = within == "3_min"
    told = (coarse["outcome"].to_numpy() == "delivered") & (soon | (within == "later"))
    return np.where(told, messages, 0), np.where(told & soon, messages, 0)


def untimed(record: Record) -> str | None:
    """Why quantiles of latency are not known; None if they are, or if nothing was delivered."""
    money = record.tallies.money
    sent = ~money["charge"].isin(REFUSED)
    delivered = int(money.loc[sent & (money["status"] == "DELIVRD"), "messages"].sum())
    timed = int(record.tallies.latency["messages"].sum())
    told = int(results_told(record)[0].sum())
    if timed >= delivered:
        return None
    if timed:
        without = f"{count(delivered - timed)} of {count(delivered)} deliveries have no time"
        return f"p95 is not known: {without}, and that of the others would be of them alone"
    if told >= delivered:
        reason = "the export tells only whether a status came within 3 minutes"
        return f"p95 is not known: {reason}{_remedy(record)}"
    return "p95 is not known: the log does not tell when messages were delivered"


def _remedy(record: Record) -> str:
    """A column of times under a heading that nobody knows is passed over, and easily missed."""
    files = record.provenance.get("files", [])
    passed = dict.fromkeys(name for file in files for name in file.get("columns_passed_over", []))
    names = [repr(name) for name in passed if _TIMES.search(name)]
    if not names:
        return ""
    return f"; if {' or '.join(names)} is the time of the status, name it: `final: heading`"
