"""A comparison: base and what-if run with the same random numbers, and their paired difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smssim.experiment.experiment import Experiment
from smssim.experiment.statistics import Values, mean_of, metric_of, subject_of
from smssim.stats.intervals import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BASE", "WHAT_IF", "Comparison"]

BASE, WHAT_IF = 0, 1
_TYPES = {
    **dict.fromkeys(("metric", "of", "unit"), "str"),
    "n": "int64",
    **dict.fromkeys(
        (
            "base",
            "what_if",
            "difference",
            "low",
            "high",
            "paired_variance",
            "independent_variance",
            "reduction",
        ),
        "float64",
    ),
}


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two designs, scenario 0 the base and 1 the what-if, pair by pair of replications."""

    experiment: Experiment

    def summary(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """One row a figure that both have: means of base and what-if, and their mean difference
        (what-if less base) with Student's interval over the *n* pairs in which both have a value.

        `reduction` is how many times the variance of the difference is smaller than that of two
        independent runs, which is their variances' sum; infinite where pairs never differ.
        """
        rows = [row for name in self.experiment.kpi_names for row in self._row(name, confidence)]
        return pd.DataFrame(rows, columns=list(_TYPES)).astype(_TYPES)

    def pairs(self, figure: str) -> tuple[Values, Values]:
        """A figure's values of base and what-if in the pairs in which both have one.

        Raise a ValueError for a figure that no run has.
        """
        base, what_if = (self.experiment.by_replication(figure, n) for n in (BASE, WHAT_IF))
        pairs = [(base[k], what_if[k]) for k in base if k in what_if]
        both = np.array(pairs, np.float64).reshape(-1, 2)
        both = both[~np.isnan(both).any(axis=1)]
        return both[:, 0], both[:, 1]

    def plot(self, figure: str = "cost", *, ax: Axes | None = None) -> Axes:
        """Draw the differences of a figure on Axes, pair by pair, with their mean and interval.

        Raise a ValueError for a figure that no run has.
        """
        from smssim.plots import experiments

        base, what_if = self.pairs(figure)
        values, unit = what_if - base, self.experiment.unit(figure)
        return experiments.differences(values, figure, unit, mean_of(values), ax=ax)

    def __repr__(self) -> str:
        base, what_if = (design.scenario.name for design in self.experiment.designs)
        return f"<Comparison {base} with {what_if}: {len(self.experiment.results)} runs>"

    def _row(self, name: str, confidence: float) -> Iterator[dict[str, Any]]:
        base, what_if = self.pairs(name)
        if len(base) < 2:
            return
        difference = mean_interval(what_if - base, confidence)
        paired = float((what_if - base).var(ddof=1))
        independent = float(base.var(ddof=1) + what_if.var(ddof=1))
        yield {
            "metric": metric_of(name),
            "of": subject_of(name),
            "unit": self.experiment.unit(name),
            "n": len(base),
            "base": float(base.mean()),
            "what_if": float(what_if.mean()),
            "difference": difference.estimate,
            "low": difference.low,
            "high": difference.high,
            "paired_variance": paired,
            "independent_variance": independent,
            "reduction": _reduction(paired, independent),
        }


def _reduction(paired: float, independent: float) -> float:
    """How many times smaller the paired variance is; NaN where neither varies."""
    if paired > 0:
        return independent / paired
    return np.inf if independent > 0 else np.nan
