"""Pictures of experiments: a figure over runs, over designs, and its difference in pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.formatting import number
from smssim.metrics import YES_OR_NO
from smssim.plots._style import FAINT, INK, WARNING, drawing, legend_below, look, titled
from smssim.stats.intervals import Interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axes import Axes as MatplotlibAxes


Values = NDArray[np.float64]


def runs(
    values: Values,
    name: str,
    unit: str,
    found: Interval,
    *,
    compare_to: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often which value of a figure came about, its mean or share with its interval.

    *compare_to* is the value of a record, drawn among them. Shares are drawn in per cent.
    """
    scale, unit = _scale(unit)
    values, found = values * scale, _scaled(found, scale)
    with drawing(ax) as ax:
        _histogram(ax, values, found)
        told = f"{name}: {_told(found)} {unit}" if len(values) else f"{name}: no run has a value"
        if compare_to is not None and len(values):
            own = compare_to * scale
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
    known = frame[placed]
    best = int(known["best"].sum())
    with drawing(ax) as ax:
        _joined(ax, known, across, up)
        handles = [_design(ax, row, across, up) for _, row in frame.iterrows()]
        ax.margins(0.12)
        ax.autoscale_view()
        _numbered(ax, known, across, up)
        rows = zip(frame["scenario"], labels, placed, strict=True)
        told = [f"{n}  {label}" + ": no value" * (not there) for n, label, there in rows]
        ax.legend(handles, told, loc="upper left", bbox_to_anchor=(1.01, 1.02), frameon=False)
        ax.grid(axis="both", color="#dddddd", linewidth=0.8)
        _thousands(ax)
        ax.set_xlabel(f"{across.name}, {across.unit}")
        ax.set_ylabel(f"{up.name}, {up.unit}")
        below = (
            "crosses are 95 % sure; hollow: another is surely better in one, no worse in the other"
        )
        titled(ax, f"{best} of {len(known)} designs are not beaten by another", below)
    return ax


def _design(ax: MatplotlibAxes, row: pd.Series[Any], across: Axis, up: Axis) -> Any:
    """A cross with a marker; filled where no other design is better."""
    spreads = [[[row[a.name] - row[f"{a.name}_low"]], [row[f"{a.name}_high"] - row[a.name]]]
               for a in (across, up)]  # fmt: skip
    style: dict[str, Any] = {"color": look(0)["color"], "fmt": "o", "markersize": 11}
    if not row["best"]:
        style |= {"color": FAINT, "fmt": "s", "markersize": 9, "markerfacecolor": "white"}
    point = (row[across.name], row[up.name])
    return ax.errorbar(*point, xerr=spreads[0], yerr=spreads[1], capsize=4, **style)


def _joined(ax: MatplotlibAxes, frame: pd.DataFrame, across: Axis, up: Axis) -> None:
    best = frame[frame["best"]].sort_values([across.name, up.name])
    for one, other in pairwise(best[[across.name, up.name]].to_numpy()):
        ax.plot(*zip(one, other, strict=True), color=look(0)["color"], linewidth=1, linestyle="--")


def _numbered(ax: MatplotlibAxes, frame: pd.DataFrame, across: Axis, up: Axis) -> None:
    """The number of each design beside its marker; designs that lie on each other share a label."""
    points = frame[[across.name, up.name]].to_numpy(np.float64)
    shown = ax.transAxes.inverted().transform(ax.transData.transform(points))
    groups: list[list[int]] = []
    for place in range(len(points)):
        near = (own for own in groups if np.abs(shown[own[0]] - shown[place]).max() < _NEAR)
        group = next(near, None)
        if group is None:
            groups.append([place])
        else:
            group.append(place)
    size = float(ax.yaxis.label.get_fontsize())
    numbers = frame["scenario"].tolist()
    for own in groups:
        told = ", ".join(str(numbers[place]) for place in own)
        ax.annotate(told, points[own[0]], (0.6 * size, 0.6 * size), textcoords="offset points",
                    color=INK, fontweight="bold")  # fmt: skip


def _thousands(ax: MatplotlibAxes) -> None:
    from matplotlib.ticker import StrMethodFormatter

    for axis in (ax.xaxis, ax.yaxis):
        low, high = axis.get_view_interval()
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}" if high - low > 10 else "{x:g}"))
