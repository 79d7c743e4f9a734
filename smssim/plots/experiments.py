"""Pictures of experiments: a figure over runs, over designs, and its difference in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.metrics import YES_OR_NO
from smssim.plots._style import FAINT, INK, WARNING, drawing, legend_below, look, titled
from smssim.stats.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[np.float64]


def runs(
    values: Values,
    name: str,
    unit: str,
    found: Interval,
    *,
    beside: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often which value of a figure came about, its mean or share with its interval.

    *beside* is the value of a record, which is drawn among them. Shares are drawn in per cent.
    """
    scale, unit = _scale(unit)
    values, found = values * scale, _scaled(found, scale)
    with drawing(ax) as ax:
        _histogram(ax, values, found)
        told = f"{name}: {_told(found)} {unit}" if len(values) else f"{name}: no run has a value"
        if beside is not None and len(values):
            own = beside * scale
            ax.axvline(own, color=WARNING, linewidth=4, linestyle="--", label="the record")
            legend_below(ax, ax.get_legend_handles_labels()[0])
            told = f"{name}: {_number(own)} {unit}, {_place(values, own)}"
        titled(ax, told, f"{len(values):,} runs; the line is the estimate, its band 95 % sure")
        ax.set_xlabel(f"{name}, {unit}")
        ax.set_ylabel("runs")
    return ax


def _place(values: Values, own: float) -> str:
    """Where a value lies among those of runs, in words."""
    below, above = int((values < own).sum()), int((values > own).sum())
    number = f"{len(values):,} runs"
    if above == len(values):
        return f"less than all {number}"
    if below == len(values):
        return f"more than all {number}"
    return f"more than {below:,} of {number}"


def differences(
    values: Values, name: str, unit: str, found: Interval, *, ax: Axes | None = None
) -> Axes:
    """Draw the differences of pairs, what-if less base, and their mean with its interval."""
    # Not "%": that would be read as a share of the base's.
    scale, unit = _scale(unit, "percentage points")
    values, found = values * scale, _scaled(found, scale)
    with drawing(ax) as ax:
        _histogram(ax, values, found)
        ax.axvline(0, color=FAINT, linewidth=1, linestyle="--")
        told = f"{name}: {_told(found)} {unit} against the base"
        if not len(values):
            told = f"{name}: no pair has a value"
        titled(ax, told, f"{len(values):,} pairs that share their random numbers; 95 % sure")
        ax.set_xlabel(f"difference of {name}, {unit}")
        ax.set_ylabel("pairs")
    return ax


def designs(
    labels: Sequence[str],
    found: Sequence[Interval],
    name: str,
    unit: str,
    *,
    title: str = "",
    below: str = "each design, 95 % sure",
    bounds: Sequence[float] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw an estimate with its interval for each design, one above the other; shares in per
    cent.

    Without a *title* it is the range of the estimates; *below* it stands what is drawn. *bounds*
    are dashed, one a design.
    """
    scale, unit = _scale(unit)
    found = [_scaled(own, scale) for own in found]
    with drawing(ax) as ax:
        for place, own in enumerate(found):
            spread = [[own.estimate - own.low], [own.high - own.estimate]]
            style = {"color": look(place)["color"], "linewidth": 2.5, "markersize": 9}
            ax.errorbar([own.estimate], [place], xerr=spread, fmt="o", capsize=5, **style)
        for place, bound in enumerate(bounds):
            ends = (place - 0.5, place + 0.5)
            ax.plot([bound * scale] * 2, ends, linestyle="--", color=INK, linewidth=1.5)
        ax.set_yticks(range(len(labels)), labels)
        ax.set_ylim(len(labels) - 0.5, -0.5)
        ax.grid(axis="x", color="#dddddd", linewidth=0.8)
        _plain_numbers(ax)
        ax.set_xlabel(f"{name}, {unit}")
        titled(ax, title or _span(found, name, unit), below)
    return ax


def _scale(unit: str, per_cent: str = "%") -> tuple[float, str]:
    """What to multiply values by for a reader, and the unit then: shares are told in per cent, and
    so is how many runs say yes.
    """
    if unit == YES_OR_NO:
        return 100.0, f"{per_cent} of runs"
    return (100.0, per_cent) if unit == "share" else (1.0, unit)


def _scaled(found: Interval, scale: float) -> Interval:
    return Interval(*(end * scale for end in found))


def _span(found: Sequence[Interval], name: str, unit: str) -> str:
    known = sorted(own.estimate for own in found if np.isfinite(own.estimate))
    if not known:
        return f"{name}: no run has a value"
    # Labels of designs leave little room for words above them.
    ends = dict.fromkeys(map(_number, (known[0], known[-1])))
    return f"{name}: {' to '.join(ends)} {unit}"


def _histogram(ax: Axes, values: Values, found: Interval) -> None:
    from matplotlib.ticker import MaxNLocator

    if not len(values):
        return
    # There is no half a run.
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    # All alike, they would make a bin of no width.
    same = values.min() == values.max()
    bins: Any = 1 if same else min(40, max(5, round(np.sqrt(len(values)))))
    middle = abs(values[0]) or 1
    span = (values[0] - middle / 100, values[0] + middle / 100) if same else None
    ax.hist(values, bins=bins, range=span, color=look(0)["color"], alpha=0.5, edgecolor="white")
    if np.isfinite(found.low) and np.isfinite(found.high):
        ax.axvspan(found.low, found.high, color=INK, alpha=0.15, linewidth=0)
    ax.axvline(found.estimate, color=INK, linewidth=2)
    _plain_numbers(ax)


def _plain_numbers(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter

    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))


def _told(found: Interval) -> str:
    if found.low == found.high:
        return f"always {_number(found.estimate)}"
    return f"{_number(found.estimate)} ({_number(found.low)} to {_number(found.high)})"


def _number(value: float) -> str:
    """A number that a person reads: thousands apart, four digits that count."""
    if not np.isfinite(value):
        return "unknown"
    size = abs(value)
    return f"{value:,.0f}" if size >= 1_000 or value == round(value) else f"{value:.4g}"
