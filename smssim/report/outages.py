"""Outages of the customer's own server, estimated from the gaps between delivery reports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from smssim.arrays import Floats, Ints
from smssim.calendars import MINUTE, SECOND
from smssim.record.record import Record
from smssim.record.schema import TIME, microseconds_of
from smssim.report._record import TimeInterval, instants, recorded, requires

__all__ = ["outages", "untold"]

_SHORTEST_US = MINUTE
"""A shorter gap is never told, and what is due in the last minute of one is not counted: that long
a burst may take from its submission through a queue until it begins to arrive."""
_LONGEST = 400 * 24 * 60
"""Minutes that are counted one by one; a log with a wrong date may seem to last for decades."""
_UNKNOWN = np.iinfo(np.int64).min
_NEVER = np.iinfo(np.int64).max
_TYPES = {"begins": TIME, "ends": TIME, "length_s": "float64", "expected": "float64"}


class _Found(NamedTuple):
    gap: TimeInterval
    expected: float


@requires("messages", "reports")
def outages(record: Record, confidence: float = 0.99) -> pd.DataFrame:
    """Gaps between arrivals of delivery reports, a minute or longer, in which too many were due for
    them to be chance: one row per gap, from the last arrival before to the first after it, in UTC.

    `expected` is how many pushes were due to arrive within the gap: for each message sent before it
    ended and not heard of when it began, the share of messages of its application and country whose
    report came after such a delay; counted by pushes that come at once, as a batch is one. `p`, at
    most exp(-expected), is the chance that none does while the server is up; a gap is told if p <
    (1 - *confidence*) / gaps, so that with that confidence no row is false (Bonferroni). Short
    outages of a server that hears little are not seen.

    Assumption: delays from submission to arrival within an application and country are alike all
    over the record, and independent but for what comes in one push. Raise a ValueError unless 0 <
    *confidence* < 1, for a record without rows and for a log that shows no arrival.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
    reason = untold(record)
    if reason is not None:
        raise ValueError(f"{record.name!r} shows no outages: {reason}")
    gaps = _gaps(record, confidence)
    columns = {
        "begins": instants([gap.gap.start for gap in gaps]),
        "ends": instants([gap.gap.end for gap in gaps]),
        "length_s": [(gap.gap.end - gap.gap.start) / SECOND for gap in gaps],
        "expected": [gap.expected for gap in gaps],
    }
    frame = pd.DataFrame({name: pd.Series(columns[name], dtype=t) for name, t in _TYPES.items()})
    return frame.assign(p=np.exp(-frame["expected"]))


def untold(record: Record) -> str | None:
    """Why outages cannot be estimated; None if they can, or if a simulation received no report."""
    if record.messages is None or record.reports is None:
        return "its rows were not kept"
    came = record.reports[record.reports["state"] == "received"]
    if recorded(record) and not len(came):
        return "it holds no delivery report that reached your callback address"
    if len(came) and came["received_at"].isna().all():
        return "it does not say when its reports arrived"
    return None


def _gaps(record: Record, confidence: float) -> list[_Found]:
    """The gaps that are told, in their order."""
    assert record.reports is not None
    came = record.reports[record.reports["state"] == "received"]
    at = np.sort(microseconds_of(came["received_at"].dropna()))
    lengths = np.diff(at)
    places = np.flatnonzero(lengths >= _SHORTEST_US)
    if not len(places):
        return []
    least = math.log(np.count_nonzero(lengths) / (1 - confidence))
    crowds = _crowds(record)
    begins, ends = at[places], at[places + 1]
    # A bound is cheap, and leaves few gaps that must be looked into message by message.
    likely = sum((crowd.at_most(begins, ends) for crowd in crowds), np.zeros(len(places))) > least
    gaps = [
        TimeInterval(*ends)
        for ends in zip(begins[likely].tolist(), ends[likely].tolist(), strict=True)
    ]
    examined = [_Found(gap, sum(crowd.expected(gap) for crowd in crowds)) for gap in gaps]
    return [candidate for candidate in examined if candidate.expected > least]


@dataclass(frozen=True)
class _Crowd:
    """The messages of one application and country, in the order of their submission."""

    sent: Ints
    heard: Ints
    """When the first report of each arrived; _NEVER if none did."""
    a_push: float
    """Messages that are heard of at the same instant as one is, itself included: the mean."""
    delays: Ints
    """From submission to arrival, of those that were heard of, in rising order."""
    slow: Ints
    """Places of those heard of later than a gap is long at least, or never."""

    def expected(self, gap: TimeInterval) -> float:
        """Pushes due within a gap, but for its last minute."""
        first, end = np.searchsorted(self.sent, gap)
        oldest = np.searchsorted(
            self.sent, gap.start - (int(self.delays[-1]) if len(self.delays) else 0)
        )
        before = self.slow[slice(*np.searchsorted(self.slow, [oldest, first]))]
        before = before[self.heard[before] > gap.start]
        sent = np.concatenate([self.sent[before], self.sent[first:end]])
        end_us = max(gap.start + 1, gap.end - _SHORTEST_US)
        due = np.searchsorted(self.delays, end_us - sent)
        due -= np.searchsorted(self.delays, gap.start - sent, "right")
        return float(due.sum()) / len(self.sent) / self.a_push

    def at_most(self, begins: Ints, ends: Ints) -> Floats:
        """No less than is due within each gap, by whole minutes and of all messages."""
        delays = np.maximum(self.delays, 0) // MINUTE
        start, length = int(self.sent[0]) // MINUTE, int(self.sent[-1] - self.sent[0]) // MINUTE
        if length + int(delays.max(initial=0)) > _LONGEST:
            return np.full(len(begins), np.inf)
        sent, heard = np.bincount(self.sent // MINUTE - start), np.bincount(delays, minlength=1)
        due = np.zeros(len(sent) + len(heard))
        for delay in np.flatnonzero(heard).tolist():
            due[delay : delay + len(sent)] += heard[delay] * sent
        total: Floats = np.append(0, np.cumsum(due)) / len(self.sent) / self.a_push
        # Two parts of minutes were cut off: what is due may come a minute later than counted.
        first, last = begins // MINUTE - 1 - start, ends // MINUTE + 1 - start
        due_by = [total[np.clip(at, 0, len(due))] for at in (first, last)]
        return due_by[1] - due_by[0]


def _crowds(record: Record) -> list[_Crowd]:
    """The messages that a report may be due of, by application and country."""
    messages = record.messages
    assert messages is not None
    heard = _heard(record)
    sent = microseconds_of(messages["submitted_at"])
    use = (
        messages["refused_at"].isin(["", "platform"]).to_numpy()
        & (sent != _UNKNOWN)
        & (heard != _UNKNOWN)
    )
    keys = [pd.factorize(messages[name])[0] for name in ("application", "country")]
    group = keys[0] * (keys[1].max(initial=0) + 2) + keys[1]
    order = np.flatnonzero(use)[np.argsort(sent[use], kind="stable")]
    return [
        _crowd(sent[rows], heard[rows], together[rows])
        for together in [_together(heard)]
        for name in np.unique(group[order])
        for rows in [order[group[order] == name]]
    ]


def _heard(record: Record) -> Ints:
    """When each message was first heard of: _NEVER, or _UNKNOWN where that is not told."""
    assert record.messages is not None
    assert record.reports is not None
    came = record.reports[record.reports["state"] == "received"]
    heard = np.full(len(record.messages), _NEVER)
    # The smallest number stands for an unknown arrival, and wins.
    np.minimum.at(heard, came["message"].to_numpy(np.int64), microseconds_of(came["received_at"]))
    return heard


def _together(heard: Ints) -> Ints:
    """How many messages are heard of at the instant at which each is."""
    order = np.argsort(heard, kind="stable")
    starts = np.flatnonzero(np.diff(heard[order], prepend=-1))
    number = np.diff(starts, append=len(heard))
    together = np.empty(len(heard), np.int64)
    together[order] = np.repeat(number, number)
    return together


def _crowd(sent: Ints, heard: Ints, together: Ints) -> _Crowd:
    came = heard != _NEVER
    delays = heard[came] - sent[came]
    slow = ~came
    slow[came] = delays > _SHORTEST_US
    a_push = float(together[came].mean()) if came.any() else 1.0
    return _Crowd(sent, heard, a_push, np.sort(delays), np.flatnonzero(slow))
