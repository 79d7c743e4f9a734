"""Two figures of several designs against each other, and which of them no other beats."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smssim.plots._style import FAINT, INK, drawing, look, titled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes as MatplotlibAxes

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
