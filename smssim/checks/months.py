"""The months of a check: the figure of each run, or whether the check's condition holds in it."""

from __future__ import annotations

from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne

import numpy as np

from smssim.checks.evidence import Values
from smssim.experiment.experiment import Experiment
from smssim.metrics import METRICS, UNTIL
from smssim.scenario import Check
from smssim.scenario.conditions import Comparison, Condition

_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}


def months_of(check: Check, experiment: Experiment, design: int = 0) -> dict[int, float]:
    """The values of a check by replication, as `values_of` has them, of the runs of a design."""
    replications = experiment.by_replication(check.measures[0].figure, design)
    values = values_of(check, lambda figure: experiment.values(figure, design))
    return dict(zip(replications, values.tolist(), strict=True))


def values_of(check: Check, figures: Callable[[str], Values]) -> Values:
    """The figure of a check over months; of a condition, 1 where it holds and 0 where it does not.

    *figures* gives the values of a figure by name, NaN where a month has none. A condition that a
    missing value leaves open is NaN.
    """
    if check.condition is None:
        return figures(check.figure)
    return _holds(check.condition, figures)


def _holds(condition: Condition, figures: Callable[[str], Values]) -> Values:
    alternatives = [
        _all_hold(np.array([_compared(one, figures) for one in all_of]))
        for all_of in condition.alternatives
    ]
    # One of them holds unless none does.
    return 1 - _all_hold(1 - np.array(alternatives))


def _all_hold(flags: Values) -> Values:
    """Whether all rows hold: a single one that does not decides, even next to a missing one."""
    return np.where((flags == 0).any(axis=0), 0.0, flags.min(axis=0))


def _compared(comparison: Comparison, figures: Callable[[str], Values]) -> Values:
    """1 where a figure compares as stated, 0 where not, NaN where it is missing."""
    values = figures(comparison.measure.figure)
    if METRICS[comparison.measure.metric].unit in UNTIL:
        # What never happened comes later than any time.
        values = np.where(np.isnan(values), np.inf, values)
    flags = _COMPARE[comparison.sign](values, comparison.bound)
    return np.where(np.isnan(values), np.nan, flags.astype(np.float64))
