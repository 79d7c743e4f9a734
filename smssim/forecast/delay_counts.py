"""Delays of one country as counts in cells of time, with the rounding of the log's clock undone.

A log that cuts both times to its unit u shows a delay l as d with the chance ``1 - |l - d| / u``.
So the chance of d is the mean of ``F(d + s u) - F(d - u + s u)`` over s from 0 to 1: three nodes
of Gauss and Legendre.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from smssim.arrays import Floats
from smssim.calendars import SECOND
from smssim.forecast.cells import Cells
from smssim.record.tallies import WITHIN
from smssim.stats.delay_bins import edges_us

__all__ = ["VALIDITY_S", "DelayCounts", "IntervalCounts"]

VALIDITY_S = 72 * 3_600.0
_THREE_MIN_S = 180.0
_HALF_SPAN = 0.15**0.5
_NODES = np.array([0.5 - _HALF_SPAN, 0.5, 0.5 + _HALF_SPAN])
_NODE_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18


@dataclass(frozen=True)
class IntervalCounts:
    """Messages in intervals of delay in seconds; `low` and `high` have a row per node, by whose
    `weights` the chance of an interval is averaged.
    """

    low: Floats
    high: Floats
    messages: Floats
    weights: Floats

    @classmethod
    def of(cls, counts: Floats, resolution_s: float, *, empty: bool = False) -> IntervalCounts:
        """Intervals of the delay bins, without those that are *empty* unless they are asked for.

        *counts* is by bin. Where times are in whole units, a bin holds the units between its edges.
        """
        edges = np.append(edges_us(), np.iinfo(np.int64).max // 2)
        bins = np.arange(len(counts)) if empty else np.flatnonzero(counts)
        low, high, messages = edges[bins], edges[bins + 1], counts[bins].astype(np.float64)
        if not resolution_s:
            ends = np.stack([low, high]) / SECOND
            return cls(ends[:1], ends[1:], messages, np.ones(1))
        unit = round(resolution_s * SECOND)
        first, last = -(-low // unit), (high - 1) // unit
        used = last >= first
        shift = _NODES[:, None] * resolution_s
        lows = np.maximum((first[used] - 1) * resolution_s + shift, 0)
        return cls(lows, last[used] * resolution_s + shift, messages[used], _NODE_WEIGHTS)

    def with_untimed(self, untimed: Floats) -> IntervalCounts:
        """These and the *untimed* ones: within three minutes, later, at any time."""
        spans = np.array([(0.0, _THREE_MIN_S), (_THREE_MIN_S, VALIDITY_S), (0.0, VALIDITY_S)])
        used = untimed > 0
        low, high = (np.tile(end, (len(self.weights), 1)) for end in spans[used].T)
        messages = np.append(self.messages, untimed[used])
        lows, highs = np.hstack([self.low, low]), np.hstack([self.high, high])
        return IntervalCounts(lows, highs, messages, self.weights)

    @property
    def middle(self) -> Floats:
        """The lower end of each interval by the middle node, in seconds."""
        of: Floats = self.low[len(self.weights) // 2]
        return of

    def median(self) -> float:
        """The middle of the interval that half of the messages reach; 5 seconds without any."""
        if not len(self.messages):
            return 5.0
        k = int(np.searchsorted(np.cumsum(self.messages), self.messages.sum() / 2))
        low, high = float(self.low[-1, k]), float(self.high[0, k])
        return (low + min(high, 2 * low + 1)) / 2


@dataclass(frozen=True)
class DelayCounts:
    """Messages by outcome and delay bin, and those pending by bin of age; arrays over all bins.

    Where the time of a status is not known, *untimed* counts are of those within three minutes,
    later, and neither known.
    """

    delivered: Floats
    failed: Floats
    expired: float
    pending: Floats
    untimed_delivered: Floats
    untimed_failed: Floats

    @classmethod
    def of(cls, cells: Cells, country: str) -> DelayCounts:
        """The counts of one country."""
        delays = cells.delays[cells.delays["country"] == country]
        pending = cells.pending[cells.pending["country"] == country]
        untimed = cells.within_3_min[cells.within_3_min["country"] == country]
        expired = sum(
            of.loc[of["outcome"] == "expired", "messages"].sum() for of in (delays, untimed)
        )
        return cls(
            _by_bin(delays[delays["outcome"] == "delivered"]),
            _by_bin(delays[delays["outcome"] == "failed"]),
            float(expired),
            _by_bin(pending),
            _by_span(untimed[untimed["outcome"] == "delivered"]),
            _by_span(untimed[untimed["outcome"] == "failed"]),
        )

    @staticmethod
    def together(counts: Iterable[DelayCounts]) -> DelayCounts:
        """The counts of several countries added up."""
        return DelayCounts(*(sum(values) for values in zip(*map(_values, counts), strict=True)))

    @property
    def messages(self) -> float:
        """All of them."""
        return float(sum(np.sum(values) for values in _values(self)))

    @property
    def timed(self) -> float:
        """Those whose delay or age is known."""
        return self.messages - float(self.untimed_delivered.sum() + self.untimed_failed.sum())

    def waiting_at(self, seconds: Floats) -> Floats:
        """How many messages were seen to wait at each of *seconds*: neither ended nor younger."""
        left = self.delivered + self.failed + self.pending
        waiting = np.append(np.cumsum(left[::-1])[::-1] + self.expired, self.expired)
        bins = np.searchsorted(edges_us() / SECOND, seconds, "right") - 1
        at: Floats = waiting[bins]
        return at

    def reweighted(self, rng: np.random.Generator, scatter: float = 1.0) -> DelayCounts:
        """The counts with a random weight of mean 1 for each message, *scatter* times as varied."""

        def weighed(counts: Floats) -> Floats:
            weights: Floats = rng.standard_gamma(counts / scatter) * scatter
            return weights

        expired = float(weighed(np.array([self.expired]))[0])
        return replace(
            self,
            delivered=weighed(self.delivered),
            failed=weighed(self.failed),
            expired=expired,
            pending=weighed(self.pending),
        )

    def ages(self) -> tuple[Floats, Floats]:
        """The middle of the age in seconds, within the validity, of each bin of pending messages,
        and their number.
        """
        bins = np.flatnonzero(self.pending)
        edges = np.append(edges_us(), edges_us()[-1]) / SECOND
        middle = (edges[bins] + edges[bins + 1]) / 2
        return np.minimum(middle, VALIDITY_S * 0.9999), self.pending[bins].astype(np.float64)


def _values(counts: DelayCounts) -> tuple[Any, ...]:
    return tuple(getattr(counts, each.name) for each in fields(counts))


def _by_span(rows: pd.DataFrame) -> Floats:
    """Messages within three minutes, later, and neither known."""
    within = [rows["within"] == name for name in WITHIN]
    spans = [*within, rows["within"].isna()]
    return np.array([float(rows.loc[span, "messages"].sum()) for span in spans])


def _by_bin(rows: pd.DataFrame) -> Floats:
    counts = np.zeros(len(edges_us()))
    known = rows[rows["bin"].notna()]
    np.add.at(counts, known["bin"].to_numpy(np.int64), known["messages"].to_numpy(np.float64))
    return counts
