"""Pictures of experiments: a figure over runs, over designs, and its difference in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.formatting import number
from smssim.metrics import YES_OR_NO
from smssim.plots._style import FAINT, INK, WARNING, drawing, legend_below, series_style, set_titles
from smssim.stats.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axes import Axes as MatplotlibAxes

__all__ = ["Axis", "Values", "designs", "differences", "frontier", "runs"]

Values = NDArray[np.float64]


def runs(
    values: Values,
    name: str,
    unit: str,
    interval: Interval,
    *,
    compare_to: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often which value of a figure came about, its mean or share with its interval.

    *compare_to* is the value of a record, drawn among them. Shares are drawn in per cent.
    """
    scale, unit = _scale(unit)
    values, interval = values * scale, _scaled(interval, scale)
    with drawing(ax) as ax:
        _histogram(ax, values, interval)
        title = (
            f"{name}: {_in(unit, _as_text(interval))}"
            if len(values)
            else f"{name}: no run has a value"
        )
        if compare_to is not None and len(values):
            of_record = compare_to * scale
            ax.axvline(of_record, color=WARNING, linewidth=4, linestyle="--", label="the record")
            legend_below(ax, ax.get_legend_handles_labels()[0])
            title = f"{name}: {_in(unit, _number(of_record))}, {_place(values, of_record)}"
        set_titles(
            ax,
            title,
            f"{len(values):,} runs; the line is the estimate, the band its 95% confidence interval",
        )
        ax.set_xlabel(f"{name}, {unit}")
        ax.set_ylabel("runs")
    return ax


def _place(values: Values, value: float) -> str:
    """Where a value lies among those of runs, in words."""
    below, above = int((values < value).sum()), int((values > value).sum())
    number = f"{len(values):,} runs"
    if above == len(values):
        return f"less than all {number}"
    if below == len(values):
        return f"more than all {number}"
    return f"more than {below:,} of {number}"


def differences(
    values: Values, name: str, unit: str, interval: Interval, *, ax: Axes | None = None
) -> Axes:
    """Draw the differences of pairs, what-if less base, and their mean with its interval."""
    # Not "%": that would be read as a share of the base's.
    scale, unit = _scale(unit, "percentage points")
    values, interval = values * scale, _scaled(interval, scale)
    with drawing(ax) as ax:
        _histogram(ax, values, interval)
        ax.axvline(0, color=FAINT, linewidth=1, linestyle="--")
        title = f"{name}: {_as_text(interval)} {unit} against the base"
        if not len(values):
            title = f"{name}: no pair has a value"
        set_titles(
            ax, title, f"{len(values):,} pairs with common random numbers; 95% confidence interval"
        )
        ax.set_xlabel(f"difference of {name}, {unit}")
        ax.set_ylabel("pairs")
    return ax


def designs(
    labels: Sequence[str],
    estimates: Sequence[Interval],
    name: str,
    unit: str,
    *,
    title: str = "",
    below: str = "each design, 95% confidence intervals",
    bounds: Sequence[float] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw an estimate with its interval for each design, one above the other; shares in per
    cent.

    Without a *title* it is the range of the estimates; *below* it stands what is drawn. *bounds*
    are dashed, one a design.
    """
    scale, unit = _scale(unit)
    estimates = [_scaled(interval, scale) for interval in estimates]
    with drawing(ax) as ax:
        for y, interval in enumerate(estimates):
            spread = [[interval.estimate - interval.low], [interval.high - interval.estimate]]
            style = {"color": series_style(y)["color"], "linewidth": 2.5, "markersize": 9}
            ax.errorbar([interval.estimate], [y], xerr=spread, fmt="o", capsize=5, **style)
        for y, bound in enumerate(bounds):
            ends = (y - 0.5, y + 0.5)
            ax.plot([bound * scale] * 2, ends, linestyle="--", color=INK, linewidth=1.5)
        ax.set_yticks(range(len(labels)), labels)
        ax.set_ylim(len(labels) - 0.5, -0.5)
        ax.grid(axis="x", color="#dddddd", linewidth=0.8)
        _plain_numbers(ax)
        ax.set_xlabel(f"{name}, {unit}")
        set_titles(ax, title or _span(estimates, name, unit), below)
    return ax


def _scale(unit: str, per_cent: str = "%") -> tuple[float, str]:
    """What to multiply values by for a reader, and the unit then: shares are told in per cent, and
    so is how many runs say yes.
    """
    if unit == YES_OR_NO:
        return 100.0, f"{per_cent} of runs"
    return (100.0, per_cent) if unit == "share" else (1.0, unit)


def _scaled(interval: Interval, scale: float) -> Interval:
    return Interval(*(end * scale for end in interval))


def _span(estimates: Sequence[Interval], name: str, unit: str) -> str:
    ordered = sorted(interval.estimate for interval in estimates if np.isfinite(interval.estimate))
    if not ordered:
        return f"{name}: no run has a value"
    # Labels of designs leave little room for words above them.
    ends = dict.fromkeys(map(_number, (ordered[0], ordered[-1])))
    return f"{name}: {_in(unit, ' to '.join(ends))}"


def _in(unit: str, text: str) -> str:
    """A figure with its unit; a per cent sign follows at once."""
    return f"{text}{unit}" if unit.startswith("%") else f"{text} {unit}"


def _histogram(ax: Axes, values: Values, interval: Interval) -> None:
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
    ax.hist(
        values, bins=bins, range=span, color=series_style(0)["color"], alpha=0.5, edgecolor="white"
    )
    if np.isfinite(interval.low) and np.isfinite(interval.high):
        ax.axvspan(interval.low, interval.high, color=INK, alpha=0.15, linewidth=0)
    ax.axvline(interval.estimate, color=INK, linewidth=2)
    _plain_numbers(ax)


def _plain_numbers(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter

    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))


def _as_text(interval: Interval) -> str:
    if interval.low == interval.high:
        return f"always {_number(interval.estimate)}"
    return f"{_number(interval.estimate)} ({_number(interval.low)} to {_number(interval.high)})"


def _number(value: float) -> str:
    return number(value) if np.isfinite(value) else "unknown"


# Two figures of several designs against each other, and which of them no other beats.

_NEAR = 0.045
"""Designs whose markers are this near, in widths of the picture, share one label."""


class Axis(NamedTuple):
    """A figure's name, which its columns have, and its unit."""

    name: str
    unit: str


def frontier(
    frame: pd.DataFrame,
    labels: Sequence[str],
    across: Axis,
    up: Axis,
    *,
    ax: MatplotlibAxes | None = None,
) -> MatplotlibAxes:
    """Draw each design of an experiment's `frontier` as a cross of its two intervals.

    Designs are numbered as in the frame, and *labels* tell what they are; those that no other
    beats are filled and joined by a line. What has no value in one of the figures has no place
    either: the legend says so.
    """
    placed = frame[[across.name, up.name]].notna().all(axis=1)
    with_values = frame[placed]
    best = int(with_values["best"].sum())
    with drawing(ax) as ax:
        _joined(ax, with_values, across, up)
        handles = [_design(ax, row, across, up) for _, row in frame.iterrows()]
        ax.margins(0.12)
        ax.autoscale_view()
        _numbered(ax, with_values, across, up)
        rows = zip(frame["scenario"], labels, placed, strict=True)
        texts = [f"{n}  {label}" + ": no value" * (not there) for n, label, there in rows]
        ax.legend(handles, texts, loc="upper left", bbox_to_anchor=(1.01, 1.02), frameon=False)
        ax.grid(axis="both", color="#dddddd", linewidth=0.8)
        _thousands(ax)
        ax.set_xlabel(f"{across.name}, {across.unit}")
        ax.set_ylabel(f"{up.name}, {up.unit}")
        below = (
            "crosses: 95% intervals; hollow: another is surely better in one, no worse in the other"
        )
        set_titles(ax, f"{best} of {len(with_values)} designs are not beaten by another", below)
    return ax


def _design(ax: MatplotlibAxes, row: pd.Series[Any], across: Axis, up: Axis) -> Any:
    """A cross with a marker; filled where no other design is better."""
    spreads = [[[row[a.name] - row[f"{a.name}_low"]], [row[f"{a.name}_high"] - row[a.name]]]
               for a in (across, up)]  # fmt: skip
    style: dict[str, Any] = {"color": series_style(0)["color"], "fmt": "o", "markersize": 11}
    if not row["best"]:
        style |= {"color": FAINT, "fmt": "s", "markersize": 9, "markerfacecolor": "white"}
    point = (row[across.name], row[up.name])
    return ax.errorbar(*point, xerr=spreads[0], yerr=spreads[1], capsize=4, **style)


def _joined(ax: MatplotlibAxes, frame: pd.DataFrame, across: Axis, up: Axis) -> None:
    best = frame[frame["best"]].sort_values([across.name, up.name])
    for one, other in pairwise(best[[across.name, up.name]].to_numpy()):
        ax.plot(
            *zip(one, other, strict=True),
            color=series_style(0)["color"],
            linewidth=1,
            linestyle="--",
        )


def _numbered(ax: MatplotlibAxes, frame: pd.DataFrame, across: Axis, up: Axis) -> None:
    """The number of each design at its marker; designs that lie on each other share a label."""
    points = frame[[across.name, up.name]].to_numpy(np.float64)
    on_axes = ax.transAxes.inverted().transform(ax.transData.transform(points))
    groups: list[list[int]] = []
    for index in range(len(points)):
        near = (
            group_of
            for group_of in groups
            if np.abs(on_axes[group_of[0]] - on_axes[index]).max() < _NEAR
        )
        group = next(near, None)
        if group is None:
            groups.append([index])
        else:
            group.append(index)
    size = float(ax.yaxis.label.get_fontsize())
    numbers = frame["scenario"].tolist()
    for group_of in groups:
        text = ", ".join(str(numbers[index]) for index in group_of)
        ax.annotate(text, points[group_of[0]], (0.6 * size, 0.6 * size), textcoords="offset points",
                    color=INK, fontweight="bold")  # fmt: skip


def _thousands(ax: MatplotlibAxes) -> None:
    from matplotlib.ticker import StrMethodFormatter

    for axis in (ax.xaxis, ax.yaxis):
        low, high = axis.get_view_interval()
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}" if high - low > 10 else "{x:g}"))
