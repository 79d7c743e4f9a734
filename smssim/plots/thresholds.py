"""How close the traffic came to alarm and limit, and what a tripped limit stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smssim import report
from smssim.formatting import duration, missing, share, times
from smssim.plots._style import (
    FAINT,
    WARNING,
    drawing,
    legend_below,
    naive,
    naive_moment,
    series_style,
    set_titles,
    show_message,
    thousands,
    time_axis,
)
from smssim.record.record import Record
from smssim.record.tallies import SLOT_US
from smssim.report._record import scenario_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MARKS", "PERIODS", "thresholds"]

PERIODS = {"day": "daily", "month": "monthly"}
_LINES: dict[str, dict[str, Any]] = {
    "alarm": {"color": "#b35c00", "linestyle": (0, (5, 2)), "linewidth": 2},
    "limit": {"color": WARNING, "linestyle": "-", "linewidth": 2},
}
_STOPS: dict[str, dict[str, Any]] = {
    "day": {"facecolor": WARNING, "alpha": 0.16, "linewidth": 0},
    "month": {"facecolor": "none", "edgecolor": FAINT, "hatch": "//", "linewidth": 0},
}
MARKS = {"alarm": "^", "limit": "X"}
_FAR = 3.0
"""A limit this many times above everything else is named, and left out of the picture."""


def thresholds(
    record: Record | pd.DataFrame,
    *,
    usage: pd.DataFrame | None = None,
    period: str = "day",
    ax: Axes | None = None,
    zone: str = "UTC",
) -> Axes:
    """Draw the messages counted since the period began against alarm and limit.

    Takes a record, or the frames of `report.thresholds` and `report.threshold_usage`. *period* is
    day or month: UTC ones, wherever *zone* puts their turns on the axis. Alarms and trips of
    the limit are marked, and the time that a tripped limit stopped sending is shaded. Raise a
    ValueError for another period, and for one frame alone.
    """
    if period not in PERIODS:
        raise ValueError(f"period(={period!r}) must be one of {', '.join(PERIODS)}")
    if isinstance(record, Record):
        usage = report.threshold_usage(record) if usage is None else usage
    elif usage is None:
        raise ValueError(
            "usage(=None) must be a frame of report.threshold_usage with that of thresholds"
        )
    both = report.thresholds(record) if isinstance(record, Record) else record
    usage, table = (frame[frame["period"] == period] for frame in (usage, both))
    if not len(table) or not len(usage):
        with drawing(ax) as ax:
            show_message(ax, "A log has neither the values of thresholds nor what was counted.")
            set_titles(ax, "Thresholds are not known", f"Messages counted by UTC {period}")
        return ax
    unit = _unit(record)
    begins, ends = _ends(record, usage)
    with drawing(ax) as ax:
        time_axis(ax, begins, ends, zone)
        _used(ax, usage)
        _stops(ax, both)
        _values(ax, table, ends)
        for value in MARKS:
            _marks(ax, table, value)
        thousands(ax)
        ax.set_ylabel(f"{unit} since the {period} began")
        legend_below(ax, ax.get_legend_handles_labels()[0])
        set_titles(ax, _title(table, period), _below(table, period, unit))
    return ax


def _ends(record: Record | pd.DataFrame, usage: pd.DataFrame) -> list[pd.Timestamp]:
    """Where the axis begins and ends: with the record, or the first and last slot."""
    if not isinstance(record, Record):
        return [usage["at"].min() - pd.Timedelta(SLOT_US, unit="us"), usage["at"].max()]
    ends = (record.observed_from, record.observed_until)
    return [pd.Timestamp(us, unit="us", tz="UTC") for us in ends]


def _unit(record: Record | pd.DataFrame) -> str:
    """What was counted; a frame does not show."""
    if not isinstance(record, Record):
        return "messages or segments"
    scenario = scenario_of(record)
    return "messages" if scenario is None else f"{scenario.thresholds.unit}s"


def _used(ax: Axes, usage: pd.DataFrame) -> None:
    """The staircase, which rises from 0 whenever a period begins."""
    fresh = usage[["start"]].drop_duplicates().assign(used=0)
    rows = pd.concat([fresh.assign(at=fresh["start"]), usage]).sort_values(
        ["start", "at"], kind="stable"
    )
    at, used = naive(rows["at"]), rows["used"].to_numpy(float)
    color = series_style(0)["color"]
    ax.plot(at, used, color=color, linewidth=1.5, label="counted")
    ax.fill_between(at, used, color=color, alpha=0.25, linewidth=0)


def _stops(ax: Axes, both: pd.DataFrame) -> None:
    """The shaded stretches in which a tripped limit, of either period, stopped sending."""
    tripped = both[both["limit_at"].notna()]
    for period, stopped in tripped.groupby("period"):
        ends = stopped["limit_at"] + pd.to_timedelta(stopped["suspended_h"], unit="h")
        for number, span in enumerate(zip(naive(stopped["limit_at"]), naive(ends), strict=True)):
            label = "_" * (number > 0) + f"{PERIODS[str(period)]} limit stops sending"
            ax.axvspan(*span, label=label, zorder=0, **_STOPS[str(period)])


def _values(ax: Axes, table: pd.DataFrame, ends: pd.Timestamp) -> None:
    """Alarm and limit as lines, each named with its last value."""
    rows = table.dropna(subset=["alarm", "limit"])
    top = max([1.0, *rows["alarm"].astype(float), *table["used"].astype(float)])
    at = np.append(naive(rows["start"]), naive_moment(ends))
    for value, style in _LINES.items() if len(rows) else ():
        levels = rows[value].to_numpy(float)
        name = f"{value}\n{levels[-1]:,.0f}"
        if levels.min() > _FAR * top:
            _named(ax, f"{name},\nfar above", 1, "axes fraction", style, "top")
            continue
        ax.plot(at, np.append(levels, levels[-1]), drawstyle="steps-post", **style)
        _named(ax, name, levels[-1], "data", style, "top" if value == "alarm" else "bottom")
        top = max(top, float(levels.max()))
    ax.set_ylim(0, 1.12 * top)


def _named(ax: Axes, name: str, height: float, system: str, style: dict[str, Any], va: str) -> None:
    """The name of a line, to the right of the picture."""
    ax.annotate(
        name,
        (1, height),
        (6, 0),
        xycoords=("axes fraction", system),
        textcoords="offset points",
        va=va,
        color=style["color"],
        fontweight="bold",
    )


def _marks(ax: Axes, table: pd.DataFrame, value: str) -> None:
    """Where the alarm rang, or the limit tripped."""
    crossed = table[table[f"{value}_at"].notna()]
    if len(crossed):
        ax.plot(
            naive(crossed[f"{value}_at"]),
            crossed[value].to_numpy(float),
            linestyle="none",
            marker=MARKS[value],
            markersize=12,
            color=_LINES[value]["color"],
            markeredgecolor="white",
            label=f"{value} {'sent' if value == 'alarm' else 'tripped'}",
            zorder=4,
        )


def _title(table: pd.DataFrame, period: str) -> str:
    """How often the limit tripped and for how long it stopped sending, or how near it came."""
    name, trips = PERIODS[period], int(table["limit_at"].notna().sum())
    if trips:
        stopped = duration(3_600 * float(table["suspended_h"].sum()))
        return f"The {name} limit trips {times(trips)} and stops sending for {stopped}"
    most = table["share_of_limit"].max()
    if missing(most):
        return f"Use by UTC {period}; the limit is not known"
    return f"The {name} limit never trips: at most {share(most)} of it is used"


def _below(table: pd.DataFrame, period: str, unit: str) -> str:
    """What is drawn, and how often the alarm rang."""
    rang = int(table["alarm_at"].notna().sum())
    alarms = f"alarm in {rang} of {len(table)} {period}{'s' * (len(table) != 1)}"
    return f"{unit.capitalize()} counted by UTC {period}; {alarms if rang else 'no alarm'}"
