"""The likelihood of delays and final statuses together, and the fit of one family to it.

A message is delivered, fails, or gets no report: competing risks, with those still pending censored
at their age. The mode is found with derivatives; uncertainty is the normal approximation around it
(Laplace), families are weighed by BIC (Schwarz, Ann. Statist. 6, 1978).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from smssim.arrays import Floats
from smssim.forecast.delay_counts import (
    VALIDITY_S,
    DelayCounts,
    IntervalCounts,
)
from smssim.forecast.delay_families import Family

__all__ = ["DelayFit", "Likelihood", "OutcomeShares"]

_SHARE_PRIORS = ((-3.0, 2.0), (-4.5, 2.0))
_FAILED_PRIORS = ((1.0, 2.0), (-0.3, 0.7), (-3.0, 1.5))
_FIRST = 5
"""Parameters before the family's: logits of failed and never, the failures' body and slow share."""
_TIGHT = 0.7
"""The sd of a country's parameters around those of all countries."""
_FLOOR = 1e-12
"""Added to each probability, so that a family is finite where it has next to none."""
_BOUND_SDS = 10.0
_LONGEST_S = 1e6
_Z95 = NormalDist().inv_cdf(0.95)
_STEP = 1e-4
_LEAST_CURVATURE = 1e-3


class OutcomeShares(NamedTuple):
    """Shares of all messages by their end, however late it comes; they sum to 1."""

    delivered: float
    failed: float
    never: float


def _shares(parameters: Floats) -> OutcomeShares:
    odds = np.exp(np.clip(parameters[:2], -20, 20))
    total = 1 + odds.sum()
    return OutcomeShares(1 / total, odds[0] / total, odds[1] / total)


class Likelihood:
    """Minus the log likelihood of one country's counts, and its gradient, by family.

    *resolution_s* is the unit of the log's clock, 0 if times are exact.
    """

    def __init__(self, counts: DelayCounts, resolution_s: float = 0.0) -> None:
        self.counts, self.messages, self.resolution_s = counts, counts.messages, resolution_s
        timed = IntervalCounts.of(counts.delivered, resolution_s)
        self._median_s = timed.median()
        self.delivered = timed.with_untimed(counts.untimed_delivered)
        failed = IntervalCounts.of(counts.failed, resolution_s)
        self.failed = failed.with_untimed(counts.untimed_failed)
        self._ages, self._pending = counts.ages()

    def start(self, family: Family) -> Floats:
        """Where to begin: the counts' own shares and median, else the prior means."""
        delivered, failed = self.delivered.messages.sum(), self.failed.messages.sum()
        parameters = np.array(
            [*(mean for mean, _ in _SHARE_PRIORS + _FAILED_PRIORS), *family.means]
        )
        parameters[0] = np.log((failed + 0.5) / (delivered + 1))
        parameters[1] = np.log((self.counts.expired + 0.5) / (delivered + 1))
        parameters[_FIRST] = np.log(max(self._median_s, 0.3))
        return parameters

    def of(self, parameters: Floats, family: Family) -> tuple[float, Floats]:
        """Minus the log likelihood and its gradient."""
        shares = _shares(parameters)
        gradient = np.zeros(len(parameters))
        total = 0.0
        for end, intervals in enumerate((self.delivered, self.failed)):
            if not len(intervals.messages):
                continue
            low, high = (
                _cdf(edge.ravel(), end, parameters, family)
                for edge in (intervals.low, intervals.high)
            )
            weights = intervals.weights
            mass = weights @ (high[0] - low[0]).reshape(len(weights), -1)
            slopes = (high[1] - low[1]).reshape(-1, len(weights), mass.size)
            slope = np.einsum("n,pnc->pc", weights, slopes)
            n = intervals.messages.sum()
            total -= float(intervals.messages @ np.log(mass + _FLOOR)) + n * np.log(shares[end])
            gradient[2:] -= slope @ (intervals.messages / (mass + _FLOOR))
            gradient[:2] -= n * self._log_share_slope(shares, end)
        waiting, of_waiting = self._still_waiting(shares, parameters, family)
        return total + waiting, gradient + of_waiting

    @staticmethod
    def _log_share_slope(shares: OutcomeShares, end: int) -> Floats:
        """The derivatives of the log of a share by the logits of failed and never."""
        slope = -np.array([shares.failed, shares.never])
        if end:
            slope[end - 1] += 1
        return slope

    def _still_waiting(
        self, shares: OutcomeShares, parameters: Floats, family: Family
    ) -> tuple[float, Floats]:
        """The part of messages that had not ended at their age, as the expired at 72 h."""
        ages = np.append(self._ages, VALIDITY_S)
        messages = np.append(self._pending, self.counts.expired)
        delivered, of_delivered = _cdf(ages, 0, parameters, family)
        failed, of_failed = _cdf(ages, 1, parameters, family)
        waiting = shares.never + shares.delivered * (1 - delivered) + shares.failed * (1 - failed)
        weight = messages / (waiting + _FLOOR)
        gradient = np.zeros(len(parameters))
        gradient[2:] = (shares.delivered * of_delivered + shares.failed * of_failed) @ weight
        gradient[0] = -shares.failed * float(weight @ (1 - failed - waiting))
        gradient[1] = -shares.never * float(weight @ (1 - waiting))
        return -float(messages @ np.log(waiting + _FLOOR)), gradient


def _cdf(seconds: Floats, end: int, parameters: Floats, family: Family) -> tuple[Floats, Floats]:
    """The share of the delivered (*end* 0) or failed (1) that ended within *seconds*, and its
    derivatives by all parameters but the two of the shares.
    """
    failed, inner = parameters[2:_FIRST], parameters[_FIRST:]
    if end:
        return family.failed_shares(seconds, failed, inner)
    value, derivatives = family.shares(seconds, inner)
    return value, np.concatenate([np.zeros((_FIRST - 2, *np.shape(seconds))), derivatives])


@dataclass(frozen=True)
class DelayFit:
    """One family fitted: the mode, its curvature, and how well it does.

    `minus_log` is minus the log likelihood at the mode, without the prior.
    """

    family: Family
    mode: Floats
    curvature: Floats
    minus_log: float
    messages: float

    @classmethod
    def to(cls, likelihood: Likelihood, family: Family, around: DelayFit | None = None) -> DelayFit:
        """The fit of *family*; *around* is that of all countries, if this is one of them."""
        if around is None:
            pairs = (*_SHARE_PRIORS, *_FAILED_PRIORS, *zip(family.means, family.sds, strict=True))
            means, sds = (np.array(column) for column in zip(*pairs, strict=True))
            start = likelihood.start(family)
        else:
            means, sds = around.mode, np.full(len(around.mode), _TIGHT)
            start = around.mode

        def penalised(parameters: Floats) -> tuple[float, Floats]:
            value, gradient = likelihood.of(parameters, family)
            away = (parameters - means) / sds
            return value + float(away @ away) / 2, gradient + away / sds

        bounds = np.stack([means - _BOUND_SDS * sds, means + _BOUND_SDS * sds], axis=1)
        best = minimize(
            penalised,
            np.clip(start, *bounds.T),
            jac=True,
            method="L-BFGS-B",
            bounds=list(map(tuple, bounds)),
            options={"gtol": 1e-3 * max(likelihood.messages, 1) ** 0.5, "ftol": 1e-12},
        )
        mode = np.asarray(best.x, np.float64)
        curvature = _curvature(lambda parameters: penalised(parameters)[1], mode)
        minus_log = likelihood.of(mode, family)[0]
        return cls(family, mode, curvature, minus_log, likelihood.messages)

    @property
    def bic(self) -> float:
        """Schwarz's criterion; less is better."""
        return 2 * self.minus_log + len(self.mode) * float(np.log(max(self.messages, 2)))

    @property
    def outcome_shares(self) -> OutcomeShares:
        """Shares at the mode."""
        return _shares(self.mode)

    @cached_property
    def _root(self) -> Floats:
        values, vectors = np.linalg.eigh(self.curvature)
        root: Floats = vectors / np.sqrt(np.maximum(values, _LEAST_CURVATURE))
        return root

    def draw(self, rng: np.random.Generator, scatter: float = 1.0) -> Floats:
        """Parameters from the normal approximation.

        *scatter* is by how many times shares vary more from day to day than by chance.
        """
        away = self._root @ rng.standard_normal(len(self.mode))
        away[:2] *= max(scatter, 1.0) ** 0.5
        drawn: Floats = self.mode + away
        return drawn

    def sds(self) -> Floats:
        """The sd of each parameter."""
        spread: Floats = np.sqrt((self._root**2).sum(axis=1))
        return spread

    def cdf(self, seconds: Floats, parameters: Floats | None = None) -> Floats:
        """The share of the delivered that took at most so long, at the mode or *parameters*."""
        return _cdf(seconds, 0, self.mode if parameters is None else parameters, self.family)[0]

    def failed_cdf(self, seconds: Floats, parameters: Floats | None = None) -> Floats:
        """The share of the failed whose failure was reported within so long."""
        return _cdf(seconds, 1, self.mode if parameters is None else parameters, self.family)[0]

    def waiting(self, seconds: Floats, parameters: Floats | None = None) -> Floats:
        """The share of all messages that have not ended after so long."""
        shares = _shares(self.mode if parameters is None else parameters)
        left = shares.delivered * (1 - self.cdf(seconds, parameters))
        waiting: Floats = left + shares.failed * (1 - self.failed_cdf(seconds, parameters))
        return waiting + shares.never

    def as_log_normals(
        self, parameters: Floats
    ) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]] | None:
        """The delays of the delivered and of the failed as the scenario's log-normals; None for a
        family that is none, or out of the scenario's bounds.
        """
        failed, inner = parameters[2:_FIRST], parameters[_FIRST:]
        if self.family.name == "plain":
            parts = [_log_normal(*inner[:2])], [_log_normal(*failed[:2])]
        elif self.family.name == "lognormal":
            slow = _log_normal(*inner[3:5])
            parts = [_log_normal(*inner[:2]), slow], [_log_normal(*failed[:2]), slow]
        else:
            return None
        if any(part["p95"] > _LONGEST_S for side in parts for part in side):
            return None
        stated = [{"lognormal_s": side[0]} for side in parts]
        for delay, side, logit in zip(stated, parts, (inner[2:3], failed[2:3]), strict=True):
            if len(side) > 1:
                delay["slow"] = {"share": round(float(expit(logit[0])), 6), **side[1]}
        return stated[0], stated[1]

    @staticmethod
    def shares_of(parameters: Floats) -> OutcomeShares:
        """The shares of a drawn set of parameters."""
        return _shares(parameters)


def _log_normal(mean: float, log_sd: float) -> dict[str, float]:
    """A log-normal by its median and 95th percentile, in seconds."""
    median, p95 = np.exp(mean), np.exp(mean + _Z95 * np.exp(log_sd))
    return {"median": round(float(median), 6), "p95": round(float(p95), 6)}


def _curvature(gradient_at: Callable[[Floats], Floats], mode: Floats) -> Floats:
    """The second derivatives by central differences of the gradient, made symmetric."""
    steps = _STEP * np.maximum(1, np.abs(mode))
    rows = [
        (gradient_at(mode + step * unit) - gradient_at(mode - step * unit)) / (2 * step)
        for step, unit in zip(steps, np.eye(len(mode)), strict=True)
    ]
    matrix = np.array(rows)
    symmetric: Floats = (matrix + matrix.T) / 2
    return symmetric
