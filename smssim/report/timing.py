"""What a record tells of when its messages were delivered, and what may be said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smssim.bins import bin_of
from smssim.calendars import MINUTE
from smssim.record import Record
from smssim.report.layout import count

if TYPE_CHECKING:
    import pandas as pd

SOON_US = 3 * MINUTE
"""What the console's results tell apart: within 3 minutes, or later (DOMAIN.md section 9)."""


def soon_bin() -> int:
    """The first bin of delays of 3 minutes and more; its lower edge is exact."""
    return int(bin_of(np.array([SOON_US]))[0])


def deliveries_told(record: Record) -> pd.DataFrame:
    """Deliveries by country and type: with their time (`timed`), with what the result tells of it
    (`told`), and those within 3 minutes by either (`soon`).
    """
    import pandas as pd

    timed, coarse = record.tallies.latency, record.tallies.coarse
    told = coarse[(coarse["outcome"] == "delivered") & coarse["within"].notna()]
    keys = ["country", "type"]
    parts = [
        timed[keys].assign(
            timed=timed["messages"],
            told=0,
            soon=timed["messages"].where(timed["bin"] < soon_bin(), 0),
        ),
        told[keys].assign(
            timed=0,
            told=told["messages"],
            soon=told["messages"].where(told["within"] == "3_min", 0),
        ),
    ]
    counts = dict.fromkeys(("timed", "told", "soon"), "int64")
    return pd.concat([part.astype(counts) for part in parts], ignore_index=True)


def untimed(record: Record) -> str | None:
    """Why quantiles of latency are not known; None if they are, or if nothing was delivered."""
    money = record.tallies.money
    sent = ~money["charge"].isin(["refused_1", "refused_2", "refused_3"])
    delivered = int(money.loc[sent & (money["status"] == "DELIVRD"), "messages"].sum())
    found = deliveries_told(record)
    timed, told = int(found["timed"].sum()), int(found["told"].sum())
    if timed >= delivered:
        return None
    if timed:
        without = f"{count(delivered - timed)} of {count(delivered)} deliveries have no time"
        return f"p95 is not known: {without}, and that of the others would be of them alone"
    if told >= delivered:
        return "p95 is not known: the export tells only whether a status came within 3 minutes"
    return "p95 is not known: the log does not tell when messages were delivered"
