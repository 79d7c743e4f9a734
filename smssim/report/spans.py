"""Stretches of time in reports: UTC days and months, and how long something lasted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import DAY, month_start, next_day, next_month
from smssim.record.record import Record
from smssim.record.tallies import SLOT_US
from smssim.report._record import recorded

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]


class Span(NamedTuple):
    """A time from an instant up to another, in microseconds since 1970 UTC."""

    start: int
    end: int

    def overlap(self, other: Span) -> int:
        """The microseconds that both share."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


def periods(record: Record, period: str) -> list[Span]:
    """The UTC days or months ("day" or "month") that a record covers, if only in part."""
    first = record.observed_from
    at, following = (
        (first // DAY * DAY, next_day) if period == "day" else (month_start(first), next_month)
    )
    found = []
    while at < record.observed_until:
        found.append(Span(at, following(at)))
        at = found[-1].end
    return found


def sent_until(record: Record) -> int:
    """Until when a record tells what was submitted, in microseconds since 1970.

    A simulated month tells it to its end. A log goes on to its last status, which may come days
    after its last message: those days are not in the export, rather than quiet, so where a UTC day
    or more follows without a message it is the end of the 15 minutes of the last one.
    """
    until = record.observed_until
    slots = microseconds(record.tallies.clock["slot"]) if recorded(record) else None
    if slots is None or not len(slots):
        return until
    last = int(slots.max())
    return until if (until - 1) // DAY <= last // DAY else last + SLOT_US


def stops(record: Record, begin: str, end: str, subject: str) -> list[Span]:
    """The times from each event *begin* of a subject to its next *end*, or the record's end."""
    events = record.events
    if events is None:
        return []
    own = events["subject"].to_numpy() == subject
    times, names = microseconds(events["at"])[own], events["event"].to_numpy()[own]
    found: list[Span] = []
    since = None
    # In the order of events, as an end and the next begin may share their instant.
    for at, event in zip(times.tolist(), names.tolist(), strict=True):
        if event == begin and since is None:
            since = at
        elif event == end and since is not None:
            found.append(Span(since, at))
            since = None
    return found if since is None else [*found, Span(since, record.observed_until)]


def union_us(spans: Sequence[Span]) -> int:
    """The microseconds that at least one of the spans covers."""
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def microseconds(times: pd.Series[Any]) -> Ints:
    """Times as microseconds since 1970 UTC; NaT is the smallest int64."""
    array: Any = times.array
    us: Ints = (array if array.unit == "us" else array.as_unit("us")).asi8
    return us


def instants(us: Sequence[int | None] | Ints) -> pd.DatetimeIndex:
    """Microseconds since 1970 as UTC times; None is NaT."""
    import pandas as pd

    nat = np.iinfo(np.int64).min
    known = np.array([nat if at is None else at for at in us], np.int64)
    return pd.DatetimeIndex(known.view("datetime64[us]")).tz_localize("UTC")
