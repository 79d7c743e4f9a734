"""Pictures of experiments: runs of a figure, means of designs, differences of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.experiment.statistics import YES_OR_NO, Values, metric_of, statistics_of
from smssim.metrics import METRICS
from smssim.plots.canvas import FAINT, INK, drawing, look, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from smssim.experiment.comparison import Comparison
    from smssim.experiment.experiment import Experiment

CONFIDENCE = 0.95


def experiment_picture(experiment: Experiment, figure: str, ax: Axes | None) -> Axes:
    """Draw a figure's runs, or with several designs the mean of each with its interval."""
    if len(experiment.designs) > 1:
        return _designs(experiment, figure, ax)
    values = experiment.known(figure)
    with drawing(ax) as ax:
        if len(values):
            _histogram(ax, values)
            (mean, *_) = statistics_of(figure, values, CONFIDENCE)
            _mark(ax, mean.estimate, mean.low, mean.high, mean.statistic)
        told = f"{figure}: {_told(figure, values, experiment.unit(figure))}"
        titled(ax, told, f"{len(values):,} runs; the line is the {_mean(figure)}")
        ax.set_xlabel(f"{figure}, {experiment.unit(figure)}")
        ax.set_ylabel("runs")
    return ax


def comparison_picture(comparison: Comparison, figure: str, ax: Axes | None) -> Axes:
    """Draw the difference of a figure, what-if less base, pair by pair."""
    base, what_if = comparison.pairs(figure)
    difference, unit = what_if - base, comparison.experiment.unit(figure)
    with drawing(ax) as ax:
        if len(difference):
            _histogram(ax, difference)
            (mean, *_) = statistics_of("cost", difference, CONFIDENCE)
            _mark(ax, mean.estimate, mean.low, mean.high, "mean")
            ax.axvline(0, color=FAINT, linewidth=1, linestyle="--")
        told = f"{figure}: {_told('cost', difference, unit)} against the base"
        titled(ax, told, f"{len(difference):,} pairs with the same random numbers")
        ax.set_xlabel(f"difference of {figure}, {unit}")
        ax.set_ylabel("pairs")
    return ax


def _designs(experiment: Experiment, figure: str, ax: Axes | None) -> Axes:
    with drawing(ax) as ax:
        labels = []
        for place, design in enumerate(experiment.designs):
            (found, *_) = statistics_of(figure, experiment.known(figure, place), CONFIDENCE)
            spread = [[found.estimate - found.low], [found.high - found.estimate]]
            ax.errorbar(
                [found.estimate], [place], xerr=spread, fmt="o", capsize=5, **_plain_look(place)
            )
            changes = design.changes.items()
            labels.append(", ".join(f"{path.split('.')[-1]} {value}" for path, value in changes))
        ax.set_yticks(range(len(labels)), labels)
        ax.invert_yaxis()
        ax.set_xlabel(f"{figure}, {experiment.unit(figure)}")
        titled(ax, f"{figure} by design", f"the {_mean(figure)} with its 95 % interval")
    return ax


def _plain_look(number: int) -> dict[str, Any]:
    return {"color": look(number)["color"], "linewidth": 2.5, "markersize": 9}


def _histogram(ax: Axes, values: Values) -> None:
    bins = min(40, max(5, round(np.sqrt(len(values)))))
    ax.hist(values, bins=bins, color=look(0)["color"], alpha=0.5, edgecolor="white")


def _mark(ax: Axes, estimate: float, low: float, high: float, name: str) -> None:
    ax.axvspan(low, high, color=INK, alpha=0.15, linewidth=0)
    ax.axvline(estimate, color=INK, linewidth=2, label=name)


def _told(figure: str, values: Values, unit: str) -> str:
    if not len(values):
        return "no run has a value"
    (found, *_) = statistics_of(figure, values, CONFIDENCE)
    if unit == YES_OR_NO:
        return f"{found.estimate:.1%} of runs ({found.low:.1%} to {found.high:.1%})"
    return f"{found.estimate:,.4g} ({found.low:,.4g} to {found.high:,.4g}) {unit}"


def _mean(figure: str) -> str:
    return "share" if METRICS[metric_of(figure)].unit == YES_OR_NO else "mean"
