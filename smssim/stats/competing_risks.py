"""Delays that end in one of several ways, of which some have not ended yet: Aalen and Johansen.

A message is delivered, or fails or expires, or is censored: still pending when it was last looked
at. The cumulative incidence of delivery counts the pending by the ends of those of their age, not
all as deliveries to come (Aalen and Johansen, Scand. J. Statist. 5, 1978; Kalbfleisch and Prentice,
The Statistical Analysis of Failure Time Data, chapter 8). Variances are by the delta method, of
multinomial counts given those at risk. Shares have Wilson's interval, modified for few events, at
the number of messages that the censored sample is worth. Quantiles have Woodruff's (JASA 47, 1952),
with ends that are rounded outwards to edges of bins: where in its bin a delay lies is not counted.
"""

from __future__ import annotations

import math
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import SECOND
from smssim.stats.delay_bins import ROUNDING, edges_us, first_reached, middle_us
from smssim.stats.intervals import Interval, score_of_few

__all__ = ["UNKNOWN", "CompetingRisks", "Counts", "Floats"]

Counts = NDArray[Any]
Floats = NDArray[np.floating[Any]]
_NAN = math.nan
UNKNOWN = Interval(_NAN, _NAN, _NAN)


class CompetingRisks:
    """The outcomes of messages by delay bin (`smssim.stats.delay_bins`), as counts of all bins.

    *delivered* ended with a delivery, *undelivered* in another way that is known, *unreported* in
    a way that was lost; *censored* had not ended, a delay longer than its bin. Where the longest
    delays are censored, what follows them is unknown: the estimates are those of no further
    delivery, and the intervals hold for any.
    """

    def __init__(
        self,
        delivered: Counts,
        undelivered: Counts,
        censored: Counts,
        unreported: Counts | None = None,
        confidence: float = 0.95,
    ) -> None:
        self.delivered, self.undelivered, self.censored = delivered, undelivered, censored
        self.unreported = np.zeros_like(delivered) if unreported is None else unreported
        self.confidence = confidence
        ended = delivered + undelivered + self.unreported
        self.at_risk: Counts = np.cumsum((ended + censored)[::-1])[::-1]
        n = np.maximum(self.at_risk, 1)
        self._hazards = tuple(d / n for d in (delivered, undelivered, self.unreported))
        self._staying: Floats = np.asarray(1 - ended / n, np.float64)
        self.pending: Floats = np.cumprod(self._staying)
        """The share that has not ended by the upper edge of each bin."""
        self._before = np.append(1.0, self.pending[:-1])
        self.incidence: Floats = np.cumsum(self._before * self._hazards[0])
        """The share of all that was delivered by the upper edge of each bin."""

    @cached_property
    def completed(self) -> Floats:
        """The share of all deliveries made by the upper edge of each bin; NaN without any."""
        with np.errstate(invalid="ignore"):
            share: Floats = self.incidence / self.incidence[-1]
        return share

    def share(self) -> Interval:
        """The share of deliveries among all ends that are known, and its interval."""
        delivered, undelivered = int(self.delivered.sum()), int(self.undelivered.sum())
        if not delivered + undelivered:
            return UNKNOWN
        tail = self._tail
        if tail is not None:
            worst, best = (self._with_tail(tail, delivered=way) for way in (False, True))
            value = worst.share().estimate
            return Interval(value, worst.share().low, best.share().high)
        others = float(np.sum(self._before * self._hazards[1]))
        value = self.incidence[-1] / (self.incidence[-1] + others)
        if not delivered or not undelivered:
            return score_of_few(float(round(value)), delivered + undelivered, self.confidence)
        scale = self.incidence[-1] + others
        gains = [self._gradient(cause) for cause in (0, 1)]
        gradient = [
            ((1 - value) * of_delivery - value * of_other) / scale
            for of_delivery, of_other in zip(*gains, strict=True)
        ]
        variance = float(np.sum(self._variance(*gradient)))
        return score_of_few(float(value), value * (1 - value) / variance, self.confidence)

    def share_before(self, number: int) -> Interval:
        """The share of deliveries made before bin *number*, and its interval; NaN without any."""
        if not self.delivered.any():
            return UNKNOWN
        value = float(self.completed[number - 1])
        here = self._score(value, number)
        if self._tail is None:
            return here
        best = self._with_tail(self._tail, delivered=True)
        low = best._score(float(best.completed[number - 1]), number).low
        return Interval(here.estimate, min(low, here.low), here.high)

    def quantile_s(self, share: float) -> Interval:
        """The quantile of deliveries in seconds, and its interval between edges of bins.

        An end is NaN where too few were delivered to bound it, all are without any delivery.
        """
        if not self.delivered.any():
            return UNKNOWN
        edges, ends = edges_us(), edges_us()[1:]
        bins = self._quantile_bins(share)
        last = bins[2]
        if self._tail is not None:
            best = self._with_tail(self._tail, delivered=True)
            last = best._quantile_bins(share)[2]
            last = None if last is not None and last >= self._tail else last
        at, first = bins[0], bins[1]
        return Interval(
            _NAN if at is None else middle_us(at) / SECOND,
            _NAN if first is None else float(edges[first]) / SECOND,
            _NAN if last is None or last == len(ends) else float(ends[last]) / SECOND,
        )

    def band(self) -> tuple[Floats, Floats]:
        """The pointwise interval of `completed`; NaN where that is 0 or 1."""
        low, high = np.full((2, len(self.completed)), _NAN)
        inside = (self.completed > 0) & (self.completed < 1 - ROUNDING)
        for number in np.flatnonzero(inside).tolist():
            _, low[number], high[number] = self.share_before(number + 1)
        return low, high

    def expected(self) -> float:
        """How many of the censored are expected to be delivered."""
        with np.errstate(invalid="ignore", divide="ignore"):
            chance = (self.incidence[-1] - self.incidence) / self.pending
        return float(np.sum(self.censored * np.where(self.pending > 0, chance, 0.0)))

    @property
    def _tail(self) -> int | None:
        """The last bin, if some in it are censored: what follows is unknown."""
        if self.pending[-1] <= ROUNDING:
            return None
        return int(np.flatnonzero(self.at_risk)[-1])

    def _with_tail(self, tail: int, *, delivered: bool) -> CompetingRisks:
        """The same with an end for those of the last bin: all are *delivered*, or none."""
        more, rest = np.zeros_like(self.delivered), self.censored.copy()
        more[tail], rest[tail] = self.censored[tail], 0
        ends = (
            (self.delivered + more, self.undelivered)
            if delivered
            else (self.delivered, self.undelivered + more)
        )
        return CompetingRisks(*ends, rest, self.unreported, self.confidence)

    def _score(self, value: float, number: int) -> Interval:
        """The interval of a share *value* of the deliveries that was made before bin *number*."""
        before = int(self.delivered[:number].sum())
        total = int(self.delivered.sum())
        if before in (0, total):
            return score_of_few(float(before > 0), total, self.confidence)
        return score_of_few(value, value * (1 - value) / self._spread[number - 1], self.confidence)

    def _quantile_bins(self, share: float) -> tuple[int | None, int | None, int | None]:
        """The bins of a quantile and of both ends of its interval."""
        at = first_reached(self.completed, share)
        if at is None:
            return None, None, None
        spread = self._spread[at]
        if not spread > 0:
            # All deliveries are in few bins; the sample is worth as many as were delivered.
            spread = share * (1 - share) / int(self.delivered.sum())
        elif 0 < self.completed[at] < 1:
            # The same number of messages at the share itself, not where the bin ends.
            value = self.completed[at]
            spread *= share * (1 - share) / (value * (1 - value))
        width = NormalDist().inv_cdf(0.5 + self.confidence / 2) * math.sqrt(spread)
        high = share + width
        return (
            at,
            first_reached(self.completed, max(share - width, 1e-9)),
            first_reached(self.completed, high) if high < 1 else None,
        )

    @cached_property
    def _spread(self) -> Floats:
        """The variance of `completed` in each bin.

        Its gradient is (1 - completed) times that of the deliveries until then, less completed
        times that of those to come; without censoring it is that of a binomial share.
        """
        total, value = self.incidence[-1], self.completed
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(self._staying > 0, 1 / self._staying, 0.0)
        done, left = self.incidence * factor, (self.incidence - total) * factor
        until = np.cumsum(self._variance(self._before + done, done, done))
        after = self._variance(self._before + left, left, left)
        later = np.append(np.cumsum(after[::-1])[::-1][1:], 0.0)
        with np.errstate(invalid="ignore"):
            spread: Floats = ((1 - value) ** 2 * until + value**2 * later) / total**2
        return spread

    def _gradient(self, cause: int) -> list[Floats]:
        """The derivatives of a cause's whole incidence by the hazards of all causes."""
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(self._staying > 0, 1 / self._staying, 0.0)
        incidence = np.cumsum(self._before * self._hazards[cause])
        later = (incidence - incidence[-1]) * factor
        return [later + self._before * (other == cause) for other in range(3)]

    def _variance(self, *gradient: Floats) -> Floats:
        """The variance that each bin adds to a figure of this gradient: multinomial, at risk."""
        pairs = list(zip(gradient, self._hazards, strict=True))
        mean = sum((g * h for g, h in pairs), np.zeros(len(self.at_risk)))
        square = sum((g * g * h for g, h in pairs), np.zeros(len(self.at_risk)))
        variance: Floats = (square - mean**2) / np.maximum(self.at_risk, 1)
        return np.maximum(variance, 0.0)
