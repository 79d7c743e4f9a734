"""Designs that are worth their price: those that no other beats in two figures at once.

Designs share their random numbers, so that the difference of two is known far more precisely than
either of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from smssim.experiment.statistics import Values, estimate_of, mean_of, metric_of
from smssim.metrics import METRICS

Replications = Mapping[int, float]
"""A figure of one design by replication."""


def frontier_of(
    changes: pd.DataFrame,
    figures: Mapping[str, Sequence[Replications]],
    signs: Mapping[str, int],
    confidence: float,
) -> pd.DataFrame:
    """One row per design: its *changes*, each figure with `_low` and `_high`, and `best`.

    *figures* are two by name, each with the values of every design by replication; *signs* are
    those of `sign_of`. `best` is false where another design is certainly better in one of the
    figures and on average not worse in the other; a design without a value in one of them neither
    beats another nor is beaten.
    """
    frame = changes
    for name, designs in figures.items():
        intervals = [
            estimate_of(name, np.array(list(values.values())), confidence) for values in designs
        ]
        ends = zip(("", "_low", "_high"), zip(*intervals, strict=True), strict=True)
        frame = frame.assign(**{f"{name}{end}": list(column) for end, column in ends})
    series = [
        [signs[name] * pd.Series(dict(values), dtype="float64") for values in designs]
        for name, designs in figures.items()
    ]
    numbers = range(len(frame))
    beaten = [any(_beats(series, rival, n, confidence) for rival in numbers) for n in numbers]
    return frame.assign(best=np.logical_not(beaten))


def sign_of(name: str) -> int:
    """1 where less of a figure is better, -1 where more of it is; else raise a ValueError."""
    better = getattr(METRICS.get(metric_of(name)), "better", None)
    if better is None:
        names = ", ".join(metric.name for metric in METRICS.values() if metric.better)
        raise ValueError(f"figure(={name!r}) must be one of which less or more is better: {names}")
    return 1 if better == "less" else -1


def _beats(figures: list[list[pd.Series[float]]], rival: int, n: int, confidence: float) -> bool:
    """Whether design *rival* beats design *n* in figures of which less is better."""
    if rival == n:
        return False
    differences = [mean_of(_paired(by[rival] - by[n]), confidence) for by in figures]
    if not all(difference.estimate <= 0 for difference in differences):
        return False
    return any(difference.high < 0 for difference in differences)


def _paired(differences: pd.Series[float]) -> Values:
    """The differences of the replications in which both designs have a value."""
    return np.asarray(differences.dropna(), np.float64)
