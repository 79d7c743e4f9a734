"""Status reports by the hour in which the customer's own server received them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import HOUR
from smssim.record.record import Record
from smssim.record.schema import TIME
from smssim.report._record import recorded
from smssim.report.needs import needs
from smssim.report.outages import untold
from smssim.report.spans import instants, microseconds

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]


@needs("messages", "reports")
def received(record: Record) -> pd.DataFrame:
    """One row a UTC hour of the record: `received` reports by their first arrival, and `lost` and
    `made` ones by the instant of the final status.

    A log knows no lost reports, and of those made only what was received: both are NA. Raise a
    ValueError for a record without rows and for a log that tells no arrival.
    """
    import pandas as pd

    reason = untold(record)
    if reason is not None:
        raise ValueError(f"{record.name!r} tells no arrivals by hour: {reason}")
    assert record.messages is not None
    assert record.reports is not None
    reports = record.reports
    hours = np.arange(record.observed_from // HOUR, -(-record.observed_until // HOUR))
    made_us = microseconds(record.messages["final_at"])[reports["message"].to_numpy(np.int64)]
    state = reports["state"].to_numpy()
    counts: dict[str, Any] = {
        "received": _by_hour(microseconds(reports["received_at"]), state == "received", hours),
        "lost": _by_hour(made_us, state == "lost", hours),
        "made": _by_hour(made_us, state != "", hours),
    }
    if recorded(record):
        counts |= dict.fromkeys(("lost", "made"), pd.array([pd.NA] * len(hours), "Int64"))
    found = pd.DataFrame({"hour": instants(hours * HOUR), **counts})
    return found.astype({"hour": TIME, **dict.fromkeys(counts, "Int64")})


def _by_hour(us: Ints, own: NDArray[np.bool_], hours: Ints) -> Ints:
    """How many of some instants fall into each hour; unknown ones into none."""
    places = us[own] // HOUR - (hours[0] if len(hours) else 0)
    within = places[(places >= 0) & (places < len(hours))]
    return np.bincount(within, minlength=len(hours)).astype(np.int64)
