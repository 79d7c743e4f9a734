"""Whether a family fits the delays of a country, and the curve that stands in where none does.

Deliveries of each interval are compared with what the fit expects of those still waiting (the risk
set of Aalen and Johansen), so that messages pending at the end do not count as a misfit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from smssim.arrays import Floats
from smssim.calendars import SECOND
from smssim.forecast.delay_counts import VALIDITY_S, DelayCounts, IntervalCounts
from smssim.forecast.delay_fit import DelayFit, Likelihood, OutcomeShares
from smssim.stats.delay_bins import edges_us

__all__ = ["Goodness", "ObservedCurve", "goodness"]

_GROUPS = 20
_LEAST_DELIVERED = 100
_TAIL_S = np.logspace(-2, 6.5, 850)


@dataclass(frozen=True)
class Goodness:
    """The p-value of a fit, its greatest deviation from the observed shares, and where that is."""

    p: float
    deviation: float
    at_s: float


def goodness(likelihood: Likelihood, fit: DelayFit) -> Goodness:
    """Compare deliveries with the fit in twenty groups of intervals of about equal counts.

    The p-value is that of a chi-square whose degrees of freedom are the groups less the family's
    parameters, which holds for many messages; fewer than a hundred deliveries are not tested.
    """
    intervals = IntervalCounts.of(likelihood.counts.delivered, likelihood.resolution_s, empty=True)
    deliveries = intervals.messages
    n = float(deliveries.sum())
    if n < _LEAST_DELIVERED:
        return Goodness(1.0, 0.0, 0.0)
    middle = intervals.middle
    waiting = likelihood.counts.waiting_at(middle)
    mass = intervals.weights @ (fit.cdf(intervals.high) - fit.cdf(intervals.low))
    expected = (
        waiting * fit.outcome_shares.delivered * mass / np.maximum(fit.waiting(middle), 1e-12)
    )
    order = np.cumsum(deliveries) - deliveries / 2
    group = np.unique(
        np.minimum(order / n * _GROUPS, _GROUPS - 1).astype(int), return_inverse=True
    )[1]
    observed = np.bincount(group, deliveries)
    fitted = np.maximum(np.bincount(group, expected), 1e-9)
    statistic = float(((observed - fitted) ** 2 / fitted).sum())
    freedom = max(len(observed) - len(fit.family.means) - 1, 1)
    away = np.abs(np.cumsum(deliveries - expected)) / likelihood.messages
    worst = int(away.argmax())
    at_s = float(min(intervals.high[-1, worst], VALIDITY_S))
    return Goodness(float(chi2.sf(statistic, freedom)), float(away[worst]), at_s)


class ObservedCurve:
    """The incidence of delivery and failure as observed, to the greatest age; then as in *fit*.

    A draw weighs messages by a Bayesian bootstrap (Rubin, Ann. Statist. 9, 1981).
    """

    def __init__(self, counts: DelayCounts, fit: DelayFit) -> None:
        self._counts, self._fit = counts, fit

    def of(
        self, rng: np.random.Generator | None = None, scatter: float = 1.0
    ) -> tuple[OutcomeShares, Floats, Floats]:
        """Shares by end, and the delays of the delivered: seconds and shares at most so long.

        Without *rng* every message weighs alike; *scatter* is by how many times days differ more
        than by chance.
        """
        counts = self._counts if rng is None else self._counts.reweighted(rng, scatter)
        edges = np.append(edges_us()[1:], edges_us()[-1] * 2) / SECOND
        ended = counts.delivered + counts.failed
        left = ended + counts.pending
        waiting = np.cumsum(left[::-1])[::-1] + counts.expired
        last = int(np.flatnonzero((waiting > 0) & (edges <= VALIDITY_S))[-1])
        at_risk = np.maximum(waiting[: last + 1], 1e-12)
        staying = np.cumprod(1 - ended[: last + 1] / at_risk)
        before = np.append(1.0, staying[:-1])
        delivered = np.cumsum(before * counts.delivered[: last + 1] / at_risk)
        failed = float((before * counts.failed[: last + 1] / at_risk).sum())
        return self._with_tail(edges[: last + 1], delivered, failed, float(staying[-1]))

    def _with_tail(
        self, seconds: Floats, delivered: Floats, failed: float, waiting: float
    ) -> tuple[OutcomeShares, Floats, Floats]:
        """What is left waiting at the last of *seconds* ends as the fit has it."""
        fit, end = self._fit, seconds[-1:]
        ends = fit.outcome_shares
        scale = waiting / max(float(fit.waiting(end)[0]), 1e-12)
        later = scale * ends.delivered * float(1 - fit.cdf(end)[0])
        failing = scale * ends.failed * float(1 - fit.failed_cdf(end)[0])
        total = float(delivered[-1]) + later
        shares = OutcomeShares(total, failed + failing, max(1 - total - failed - failing, 0.0))
        beyond = _TAIL_S[end[0] < _TAIL_S]
        tail = delivered[-1] + scale * ends.delivered * (fit.cdf(beyond) - fit.cdf(end))
        at = np.concatenate([seconds, beyond])
        return shares, at, np.concatenate([delivered, tail]) / max(total, 1e-12)
