"""When there are enough runs: intervals as narrow as asked for, however often one looks.

Whoever looks after every batch and stops at the first narrow interval stops too early; so look
number k is taken at the risk alpha * 6 / (pi * k)**2, which sums to alpha over all looks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from smssim.stats.intervals import mean_interval

BATCH = 32
"""Replications added between two looks."""
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Absolute:
    """A half width in the figure's own unit."""

    half_width: float


Precision = float | Absolute | Mapping[str, float | Absolute]
"""A half width relative to the mean, or in the figure's unit; for several figures by name."""


@dataclass(frozen=True)
class Wanted:
    """The precision asked for, by figure, and the confidence that all intervals keep together."""

    figures: Mapping[str, float | Absolute]
    confidence: float

    @classmethod
    def of(cls, precision: Precision, figure: str, confidence: float) -> Wanted:
        """A plain number is meant for *figure*. Raise a ValueError for one that is not above 0."""
        asked = dict(precision) if isinstance(precision, Mapping) else {figure: precision}
        for name, value in asked.items():
            number = value.half_width if isinstance(value, Absolute) else value
            if not 0 < number < math.inf:
                raise ValueError(f"precision[{name!r}](={number}) must be > 0 and finite")
        if not 0 < confidence < 1:
            raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
        return cls(asked, confidence)

    def met(
        self, known: Mapping[str, Values], look: int, of: Mapping[str, float] | None = None
    ) -> bool:
        """Whether the means of all figures are known as precisely as asked, at that look.

        *known* are their values over runs, *of* what relative precisions are relative to: the
        means themselves if None.
        """
        risk = (1 - at_look(look, self.confidence)) / len(self.figures)
        scale = of or {}
        return all(
            _is_precise(known[name], asked, 1 - risk, scale.get(name))
            for name, asked in self.figures.items()
        )


def at_look(look: int, confidence: float) -> float:
    """The confidence of look number *look*, from 1, such that all looks keep *confidence*."""
    return 1 - (1 - confidence) * 6 / (math.pi * look) ** 2


def _is_precise(
    values: Values, precision: float | Absolute, confidence: float, of: float | None
) -> bool:
    """Whether a mean is known well enough.

    A figure that was 0 in all runs has no relative width. As a yes or no it is then below 3 / n
    by the rule of three (Hanley and Lippman-Hand, JAMA 249, 1983), which an absolute one is held
    against.
    """
    if len(values) < 2:
        return False
    if not values.any():
        return not isinstance(precision, Absolute) or 3 / len(values) <= precision.half_width
    found = mean_interval(values, confidence)
    half = (found.high - found.low) / 2
    if isinstance(precision, Absolute):
        return half <= precision.half_width
    return half <= precision * abs(found.estimate if of is None else of)
