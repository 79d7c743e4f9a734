"""How late messages are: the share delivered within each latency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from smssim.formatting import duration
from smssim.plots._style import FAINT, INK, drawing, series_style, set_titles, show_message
from smssim.record.record import Record
from smssim.report.latency import latency_curve, untimed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MOST", "SHARES", "latency", "quantile_s"]

_TICKS_S = {1: "1 s", 10: "10 s", 30: "30 s", 180: "3 min", 3_600: "1 h", 86_400: "1 day"}
SHARES = {0.5: "median", 0.95: "95% within"}
"""What the legend tells of each curve; the last is marked in the picture."""
MOST = 6
"""Groups that are told apart; the rest, with fewer messages, are grey."""

_SLOW_S = 60
"""A curve that reaches its half later comes where the legend would be."""


def latency(
    record: Record | pd.DataFrame, *, by: str | Sequence[str] = "country", ax: Axes | None = None
) -> Axes:
    """Draw the share of deliveries made by then against the time since submission, a curve a group.

    Takes a record or the frame of `report.latency_curve`, whose groups are then drawn. The band is
    the curve's confidence interval; with many messages it is as thin as the line. A log that does
    not tell when messages were delivered has no curve, and the picture says why.
    """
    below = "Of the messages that arrive: the share that has arrived by then"
    reason = untimed(record) if isinstance(record, Record) else None
    if reason is not None:
        with drawing(ax) as ax:
            show_message(ax, f"Not known: {reason.removeprefix('p95 is not known: ')}.")
            set_titles(ax, "When messages arrive is not known", below)
        return ax
    frame = latency_curve(record, by) if isinstance(record, Record) else record
    keys = list(frame.columns[: frame.columns.get_loc("latency_s")])
    curves = _curves(frame, keys)
    with drawing(ax) as ax:
        if not curves:
            show_message(ax, "No message was delivered or is on its way.")
            set_titles(ax, _title(curves), below)
            return ax
        _axes(ax)
        for name in list(curves)[MOST:]:
            curve = curves[name]
            ax.plot(curve["latency_s"], 100 * curve["share"], color="#cccccc", label="_" + name)
        for number, name in enumerate(sorted(list(curves)[:MOST])):
            _curve(ax, name, curves[name], series_style(number))
        _legend(ax, list(curves.values()), len(curves) - MOST)
        set_titles(ax, _title(curves), below)
    return ax


def quantile_s(curve: pd.DataFrame, share: float) -> float:
    """The latency within which that share of deliveries is made, as `report.delivery` has it.

    NaN where the curve does not come so far.
    """
    reached = curve["share"].to_numpy() >= share - 1e-11
    if not reached.any():
        return math.nan
    row, edges = int(reached.argmax()), curve["latency_s"].to_numpy()
    return math.sqrt(edges[row - 1] * edges[row])


def _curves(frame: pd.DataFrame, keys: list[str]) -> dict[str, pd.DataFrame]:
    """Each group's curve by its name, the group with the most messages first."""
    if not keys:
        return {"all": frame} if len(frame) else {}
    curves = {
        ", ".join(map(str, group)): curve for group, curve in frame.groupby(keys, dropna=False)
    }
    most = sorted(curves, key=lambda name: -int(curves[name]["at_risk"].iloc[0]))
    return {name: curves[name] for name in most}


def _axes(ax: Axes) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    ax.set_xscale("log")
    ax.set_xlim(1, 3 * 86_400)
    ax.set_xticks(list(_TICKS_S), list(_TICKS_S.values()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(axis="x", color="#dddddd", linewidth=0.8)
    ax.set_ylim(0, 102)
    ax.yaxis.set_major_locator(FixedLocator([0, 25, 50, 75, 95, 100]))
    ax.axhline(95, color=FAINT, linewidth=1, linestyle="--")
    ax.set_xlabel("time since submission")
    ax.set_ylabel("share arrived, %")


def _curve(ax: Axes, name: str, curve: pd.DataFrame, style: dict[str, Any]) -> None:
    quantiles = {label: quantile_s(curve, share) for share, label in SHARES.items()}
    times = ", ".join(f"{label} {_as_text(value)}" for label, value in quantiles.items())
    latency_s = curve["latency_s"]
    ax.plot(latency_s, 100 * curve["share"], label=f"{name}:  {times}", **style)
    ax.fill_between(
        latency_s, 100 * curve["low"], 100 * curve["high"], color=style["color"], alpha=0.25, lw=0
    )
    ax.plot(
        [quantiles["95% within"]],
        [95],
        marker="o",
        markersize=11,
        color=style["color"],
        markeredgecolor="white",
        zorder=4,
        label="_p95 " + name,
    )


def _as_text(value: float) -> str:
    return "not reached" if math.isnan(value) else duration(value)


def _legend(ax: Axes, curves: list[pd.DataFrame], more: int) -> None:
    """In the corner below the curves, which are high there unless one is slow; then below all."""
    slow = any(not quantile_s(curve, 0.5) < _SLOW_S for curve in curves)
    title = f"{more} more in grey, with fewer messages" if more > 0 else None
    position: dict[str, Any] = {"loc": "lower right", "framealpha": 1}
    if slow:
        below = {"bbox_to_anchor": (0.5, -0.13), "ncols": 2, "frameon": False, "fontsize": "small"}
        position = {"loc": "upper center", **below}
    ax.legend(title=title, labelcolor=INK, handlelength=3.5, **position)


def _title(curves: dict[str, pd.DataFrame]) -> str:
    """The slowest and the quickest of the groups, by the time that 95% take."""
    times = {name: quantile_s(curve, 0.95) for name, curve in list(curves.items())}
    reached = sorted((value, name) for name, value in times.items() if not math.isnan(value))
    if not reached:
        return "Too few deliveries for a p95"
    (least, quick), (most, slow) = reached[0], reached[-1]
    span = f"{duration(least)} ({quick}) to " * (len(reached) > 1)
    return f"95% arrive within {span}{duration(most)}{f' ({slow})' * bool(span)}"
