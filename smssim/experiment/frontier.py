"""Which designs are worth their price: those that no other beats in two figures at once.

Designs share their random numbers, so that what two of them differ by is known far better than
what each of them is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.experiment.statistics import Values, estimate_of, mean_of, metric_of
from smssim.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd

    from smssim.experiment.experiment import Experiment


def frontier_of(experiment: Experiment, across: str, up: str, confidence: float) -> pd.DataFrame:
    """One row a design: `scenario`, its changes, both figures with `_low` and `_high`, and `best`.

    `best` is false where another design is surely better in one of the figures and on average not
    worse in the other; a design without a value in one of them neither beats another nor is beaten.
    Raise a ValueError for a figure that no run has, or that has no better way.
    """
    signs = [_sign(name) for name in (across, up)]
    columns = {
        name: [
            estimate_of(name, experiment.values(name, design), confidence)
            for design in range(len(experiment.designs))
        ]
        for name in (across, up)
    }
    found = experiment.changes
    for name, intervals in columns.items():
        ends = zip(("", "_low", "_high"), zip(*intervals, strict=True), strict=True)
        found = found.assign(**{f"{name}{end}": list(values) for end, values in ends})
    places = range(len(experiment.designs))
    figures = [
        [sign * _by_replication(experiment, name, design) for design in places]
        for name, sign in zip((across, up), signs, strict=True)
    ]
    beaten = [any(_beats(figures, other, own, confidence) for other in places) for own in places]
    return found.assign(best=np.logical_not(beaten))


def _beats(figures: list[list[Any]], other: int, own: int, confidence: float) -> bool:
    """Whether *other* beats *own* in figures of which less is better."""
    if other == own:
        return False
    found = [mean_of(_known(by[other] - by[own]), confidence) for by in figures]
    if not all(difference.estimate <= 0 for difference in found):
        return False
    return any(difference.high < 0 for difference in found)


def _known(differences: pd.Series[float]) -> Values:
    """The differences of the replications in which both have a value."""
    return np.asarray(differences.dropna(), np.float64)


def _by_replication(experiment: Experiment, name: str, design: int) -> pd.Series[float]:
    import pandas as pd

    return pd.Series(experiment.by_replication(name, design), dtype="float64")


def _sign(name: str) -> int:
    """1 where less of a figure is better, -1 where more of it is."""
    better = getattr(METRICS.get(metric_of(name)), "better", None)
    if better is None:
        known = ", ".join(metric.name for metric in METRICS.values() if metric.better)
        raise ValueError(f"figure(={name!r}) must be one of which less or more is better: {known}")
    return 1 if better == "less" else -1
