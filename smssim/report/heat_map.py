"""When messages are asked for and when they fail: by hour of the day and day of the week."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import HOUR
from smssim.record.record import Record
from smssim.record.schema import microseconds_of
from smssim.record.tallies import SLOT_US
from smssim.report._record import instants, requires
from smssim.stats.competing_risks import UNKNOWN
from smssim.stats.intervals import wilson_with_pending

_HOURS = 168
"""Hours in a week."""
_SUMS = {
    "messages": ("delivered", "expired", "failed", "in_flight", "refused", "refused_platform"),
    "refused": ("refused", "refused_platform"),
    "delivered": ("delivered",),
    "not_delivered": ("failed", "expired"),
    "in_flight": ("in_flight",),
}
"""What is counted, and the outcomes of the tally that it adds up."""


@requires("clock")
def heat_map(record: Record, zone: str = "UTC") -> pd.DataFrame:
    """Messages by hour of the day and day of the week in *zone*: 168 rows, Monday 0:00 first.

    `weekday` is 0 (Monday) to 6, `observed_h` the hours of the record that fall there, which are
    few and unequal in a short record: compare `messages_an_hour`, NaN where there are none.
    messages = refused + delivered + not_delivered + in_flight, and in a log `in_flight` are all
    without a report. `refused_share` is of the messages, `not_delivered_share` of those sent whose
    outcome is known (failed and expired among them and the delivered), with 95 % intervals:
    Wilson's, where those in flight for less than 72 h may all be delivered or none. Times are of
    the request or the submission, to the quarter of an hour. Raise a ZoneInfoNotFoundError for a
    zone that nobody knows.
    """
    tz = ZoneInfo(zone)
    clock = record.tallies.clock
    hour_of_week = _hour_of_week(microseconds_of(clock["slot"]), tz)
    frame = pd.DataFrame({"weekday": np.arange(_HOURS) // 24, "hour": np.arange(_HOURS) % 24})
    frame["observed_h"] = _observed_h(record, tz)
    messages = clock["messages"].to_numpy(np.int64)
    for name, outcomes in _SUMS.items():
        sums = np.zeros(_HOURS, np.int64)
        counts = clock["outcome"].isin(outcomes).to_numpy()
        np.add.at(sums, hour_of_week[counts], messages[counts])
        frame[name] = sums
    observed = frame["observed_h"].where(frame["observed_h"] > 0)
    frame["messages_an_hour"] = frame["messages"] / observed
    final = frame["delivered"] + frame["not_delivered"]
    # What was sent 72 h before the end has its report or has lost it: that is not pending.
    slots = microseconds_of(clock["slot"])
    young = (slots + SLOT_US + 72 * HOUR > record.observed_until) & (
        clock["outcome"] == "in_flight"
    )
    pending = np.zeros(_HOURS, np.int64)
    np.add.at(pending, hour_of_week[young], messages[young])
    return frame.assign(
        **_share("refused", frame["refused"], frame["messages"], np.zeros(_HOURS, np.int64)),
        **_share("not_delivered", frame["not_delivered"], final, pending),
    )


def _hour_of_week(us: Ints, zone: ZoneInfo) -> Ints:
    local = instants(us).tz_convert(zone)
    return (24 * local.day_of_week + local.hour).to_numpy(np.int64)


def _observed_h(record: Record, zone: ZoneInfo) -> NDArray[np.float64]:
    """The hours of the record at each hour of the week; a slot is where it begins."""
    first, until = record.observed_from, record.observed_until
    starts = np.arange(first // SLOT_US, -(-until // SLOT_US), dtype=np.int64) * SLOT_US
    lengths = np.minimum(starts + SLOT_US, until) - np.maximum(starts, first)
    return np.bincount(_hour_of_week(starts, zone), lengths / HOUR, _HOURS).astype(np.float64)


def _share(
    name: str, counts: pd.Series[int], totals: pd.Series[int], pending: Ints
) -> dict[str, Any]:
    """The share and its interval, a value an hour of the week; NaN of nothing."""
    values = [
        wilson_with_pending(int(k), int(n), int(p)) if n else UNKNOWN
        for k, n, p in zip(counts, totals, pending, strict=True)
    ]
    ends = (f"{name}_share", f"{name}_low", f"{name}_high")
    return dict(zip(ends, np.array(values, np.float64).T, strict=True))
