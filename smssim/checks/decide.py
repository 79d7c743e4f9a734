"""The verdict on one promise by the months simulated so far (docs/checks.md, section 2).

Months are considered one by one in the order of their replications, so that the number of workers
and the size of batches make no difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne

import numpy as np

from smssim.checks.evidence import DirectedStatistic, Values
from smssim.checks.verdict import Outcome, Verdict
from smssim.experiment.experiment import Experiment
from smssim.metrics import METRICS, UNTIL
from smssim.scenario import Check
from smssim.scenario.promises import Comparison, Condition
from smssim.stats.intervals import wilson

__all__ = ["decide", "months_of", "values_of", "with_never"]

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


def decide(check: Check, values: Values, false_alarm: float, miss: float) -> Verdict:
    """The verdict at the first of *values*, by replication, at which it is certain.

    *values* are the check's figure, NaN where a month has none; *false_alarm* and *miss* are the
    risks of this check alone. Without a certain one, undecided after all of them.
    """
    months = with_never(check, values)
    gaps = np.flatnonzero(np.isnan(months))
    whole = months[: gaps[0]] if len(gaps) else months
    statistic = DirectedStatistic.of(check)
    failed, passed = statistic.is_broken(whole, false_alarm), statistic.is_kept(whole, miss)
    settled = np.flatnonzero(failed | passed)
    if len(settled):
        n = int(settled[0]) + 1
        outcome: Outcome = "fail" if failed[n - 1] else "pass"
        note = _caution(check, whole[:n])
        return _verdict(check, statistic, whole[:n], outcome, note, (false_alarm, miss))
    note = _missing(check, int(gaps[0])) if len(gaps) else ""
    return _verdict(check, statistic, whole, "undecided", note, (false_alarm, miss))


def with_never(check: Check, values: Values) -> Values:
    """The values, with what never happened as infinity in a quantile: later than any."""
    if check.quantile is not None and check.unit in UNTIL:
        return np.where(np.isnan(values), np.inf, values)
    return values


def _caution(check: Check, values: Values) -> str:
    """A caution about a mean whose months are mostly equal."""
    if (
        check.statistic_name != "mean"
        or np.unique(values, return_counts=True)[1].max() <= len(values) / 2
    ):
        return ""
    return (
        "most of these months are equal: a mean is not sure of what comes about in few months; a "
        "probability or a quantile is"
    )


def _missing(check: Check, replication: int) -> str:
    note = f"replication {replication} has no {check.figure}"
    if check.unit in UNTIL:
        note += ", for it never came about; in a quantile that counts as later than any"
    return note


def _verdict(
    check: Check,
    statistic: DirectedStatistic,
    values: Values,
    outcome: Outcome,
    note: str,
    risks: tuple[float, float],
) -> Verdict:
    n = len(values)
    breaks = statistic.breaks(values)
    shares = wilson(int(breaks.sum()), n) if n else (math.nan, math.nan, math.nan)
    low, high = statistic.bounds(values, *risks) if n else (-math.inf, math.inf)
    return Verdict(
        check=check,
        outcome=outcome,
        runs=n,
        estimate=float(statistic.estimate(values)) if n else math.nan,
        low=float(low),
        high=float(high),
        share=shares[0],
        share_low=shares[1],
        share_high=shares[2],
        broken=tuple(np.flatnonzero(breaks).tolist()),
        note=note,
    )
