"""Which of several unknowns a figure depends on, and what knowing one is worth.

A *sample* is one draw of all unknowns and of chance: `value` is the figure there, `redrawn[j]` with
unknown j alone drawn anew, `rerun` with chance alone drawn anew. What the samples have in common
cancels in these pairs, so that few are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from smssim.arrays import Floats, Ints

__all__ = ["Redrawn", "chance_share", "effect", "resampled", "total_share", "worth"]


_ROUNDING = 1e-12
_DEGREE = 5
_SAMPLES_PER_TERM = 20
"""Samples for each term of a polynomial at least."""
_RESAMPLES = 400


@dataclass(frozen=True)
class Redrawn:
    """One unknown in all samples: its *first* draws, the *second* ones, and its distribution, as
    equally likely values that rise.
    """

    first: Floats
    second: Floats
    distribution: Floats


def chance_share(value: Floats, rerun: Floats) -> float:
    """The share of a figure's variance that is chance: E(Var(figure | unknowns)) / Var(figure).

    The rest is what the unknowns explain together (law of total variance). NaN if nothing varies.
    """
    return _share(value, rerun)


def total_share(value: Floats, redrawn: Floats) -> float:
    """The total Sobol index of an unknown: the share of variance that is left if all but it were
    known, interactions included (Jansen, Comput. Phys. Commun. 117, 1999).
    """
    return _share(value, redrawn)


def _share(value: Floats, other: Floats) -> float:
    # Both have the same distribution.
    variance = (value.var(ddof=1) + other.var(ddof=1)) / 2
    # Equal values differ from their mean by its rounding.
    if variance <= (_ROUNDING * float(np.abs(value).max())) ** 2:
        return np.nan
    return float(np.mean((value - other) ** 2) / 2 / variance)


def effect(unknown: Redrawn, differences: Floats) -> Floats:
    """The mean of a figure given an unknown, less its overall mean, at each value of the unknown's
    distribution, in the figure's unit.

    *differences* are the figure less itself with the unknown redrawn, whose mean is the effect's
    difference: a polynomial of degree 5 at most is fitted to them by least squares.
    """
    values = unknown.distribution
    low, high = values[0], values[-1]
    terms = min(_DEGREE, len(np.unique(values)) - 1, len(differences) // _SAMPLES_PER_TERM)
    if high <= low or terms < 1:
        return np.zeros(len(values))

    def basis(x: Floats) -> Floats:
        scaled = 2 * (x - low) / (high - low) - 1
        return np.polynomial.legendre.legvander(scaled, terms)[:, 1:]

    change = basis(unknown.first) - basis(unknown.second)
    factors = np.linalg.lstsq(change, differences, rcond=None)[0]
    curve = basis(values) @ factors
    return np.asarray(curve - curve.mean())


def worth(losses: Sequence[float], effects: Sequence[Floats]) -> float:
    """The expected value of perfect information on one unknown, for a choice among designs: how
    much less is lost on average if it is known before the choice.

    *losses* are the mean losses of the designs, *effects* their effects of the unknown (Strong,
    Oakley and Brennan, Med. Decis. Making 34, 2014). At least 0.
    """
    curves = np.array([loss + curve for loss, curve in zip(losses, effects, strict=True)])
    # What rounding leaves is nothing.
    return max(0.0, round(float(min(losses) - curves.min(axis=0).mean()), 6))


def resampled(
    statistic: Callable[[Ints], float], n: int, rng: int, confidence: float = 0.95
) -> tuple[float, float]:
    """The interval of a statistic of *n* samples, given by their indices: percentiles of 400
    bootstrap resamples (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13).
    """
    random = np.random.default_rng(rng)
    values = [statistic(random.integers(0, n, n)) for _ in range(_RESAMPLES)]
    tail = (1 - confidence) / 2
    low, high = (
        np.nanquantile(values, [tail, 1 - tail]) if not np.isnan(values).all() else (np.nan,) * 2
    )
    return float(low), float(high)
