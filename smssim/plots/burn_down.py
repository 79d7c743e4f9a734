"""How the packages are used up, and how long nothing is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smssim import report
from smssim.formatting import listed
from smssim.plots._style import (
    FAINT,
    INK,
    day_and_time,
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
from smssim.plots._timeline import Dry, dry_spells, lane, meanings
from smssim.record.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ahead", "burn_down", "meaning", "record_ends", "runs_out"]

# What is projected: a dashed line with its band, beyond the line at which the record ends.

_LOOK: dict[str, Any] = {"linestyle": (0, (2.5, 1.5)), "linewidth": 2}
"""How the line of a projection looks, but for its colour."""
_BAND: dict[str, Any] = {"alpha": 0.22, "linewidth": 0}


def ahead(ax: Axes, rows: pd.DataFrame, columns: tuple[str, str, str], color: Any) -> None:
    """The estimate and its interval against `at`, by their columns: middle, low and high."""
    at = naive(rows["at"])
    middle, low, high = (rows[name].to_numpy(float) for name in columns)
    ax.fill_between(at, low, high, facecolor=color, **_BAND)
    ax.plot(at, middle, color=color, label="_ahead", **_LOOK)


def record_ends(ax: Axes, at: Any) -> None:
    """A line between what was and what is projected."""
    ax.axvline(at, color=FAINT, linewidth=1.2)
    ax.annotate(
        "record ends",
        (at, 1),
        (-6, -4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right",
        va="top",
        color=FAINT,
        bbox={"boxstyle": "round,pad=0.1", "color": "white", "alpha": 0.85},
        fontsize="small",
    )


def meaning(color: Any) -> list[Any]:
    """What line and band mean, for a legend."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    line = Line2D([], [], color=color, label="projected, if days stay alike", **_LOOK)
    return [line, Patch(facecolor=color, label="95% interval", **_BAND)]


def _forecast_shown(
    later: pd.DataFrame, countries: list[Any], begins: pd.Timestamp, ends: pd.Timestamp
) -> pd.DataFrame:
    """What is projected of these countries, for at most as long again as the record lasted."""
    rows = later["country"].isin(countries) & (later["at"] <= ends + (ends - begins))
    return later[rows]


def _next_out(later: pd.DataFrame, zone: str) -> str:
    """The country that runs out next by what is projected, and when; nothing if none does."""
    run_outs = []
    for country, rows in later.groupby("country"):
        at = runs_out(rows, "left")
        if at is not None:
            run_outs.append((at, str(country), rows))
    if not run_outs:
        return ""
    at, country, rows = min(run_outs, key=lambda one: one[:2])
    # What is used quickest is empty first: the lower end of what is left is the earlier date.
    ends = [runs_out(rows, f"left_{end}") for end in ("low", "high")]
    early, late = ("later" if end is None else _day(end, zone) for end in ends)
    return f"{country} about {_day(at, zone)} ({early} to {late})"


def _day(at: Any, zone: str) -> str:
    return day_and_time(at, zone)[:-6]


def runs_out(rows: pd.DataFrame, column: str) -> pd.Timestamp | None:
    """When nothing is left of what is projected; None where the last package expires before."""
    empty = (rows[column] == 0).to_numpy()
    if not empty.any():
        return None
    first = int(empty.argmax())
    # What expires has a row before, at the same instant.
    expired = first and rows["at"].iloc[first] == rows["at"].iloc[first - 1]
    return None if expired else rows["at"].iloc[first]


_MARKS = {
    "package_bought": ("package bought", "^"),
    "package_empty": ("package used up", "o"),
    "package_expired": ("package expired", "s"),
    "run_out": ("nothing left", "X"),
}
"""What is marked on the lines: its name in the legend, and its marker."""
_LANE = 0.075
"""The height of the lane of a country that ran out, as a share of the highest line."""


def burn_down(
    record: Record | pd.DataFrame,
    *,
    ahead: pd.DataFrame | None = None,
    ax: Axes | None = None,
    zone: str = "UTC",
) -> Axes:
    """Draw what is left in the packages of each country, and in lanes below, while nothing is.

    Takes a record or the frame of `report.burn_down`; dates are in *zone*, an IANA name. A lane
    lasts from a run-out to the next package; it is solid where sending is stopped. Beyond the end
    of the record is what is projected to be left, with its band, for at most as long again: that
    of the record, or *ahead*, a frame of `report.package_forecast`.
    """
    if isinstance(record, Record):
        ahead = report.package_forecast(record) if ahead is None else ahead
    frame = report.burn_down(record) if isinstance(record, Record) else record
    lines: dict[Any, pd.DataFrame] = dict(list(frame.groupby("country")))
    begins, ends = frame["at"].min(), frame["at"].max()
    dry = {
        country: spells_of
        for country, rows in lines.items()
        if (spells_of := dry_spells(rows, ends))
    }
    dry = dict(sorted(dry.items(), key=lambda item: item[1][0].begins))
    top = float(frame["left"].max()) if len(frame) else 1.0
    marked: set[str] = set()
    with drawing(ax) as ax:
        if not len(frame):
            show_message(ax, "No package is known: none was bought, or a log does not show them.")
            set_titles(ax, "No packages", "Segments left in the packages of each country")
            return ax
        later = None if ahead is None else _forecast_shown(ahead, list(lines), begins, ends)
        last = ends if later is None or not len(later) else later["at"].max()
        time_axis(ax, begins, last, zone)
        _scale(ax, top, len(dry))
        for number, rows in enumerate(lines.values()):
            marked |= _line(ax, rows, series_style(number))
        _names(ax, lines, top)
        for number, spells in enumerate(dry.values()):
            dates = listed([day_and_time(spell.begins, zone) for spell in spells], 3)
            early = spells[0].begins < begins + 0.4 * (ends - begins)
            y, height = -(number + 0.7) * _LANE * top, 0.76 * _LANE * top
            lane(ax, y, height, spells, f"{list(dry)[number]} ran out {dates}", early)
        ax.set_ylabel("segments left")
        projected = [] if later is None else _project(ax, lines, later, ends)
        legend_below(ax, [*_legend(marked), *meanings(dry), *projected])
        set_titles(ax, _title(dry, zone, later), "Segments left in the packages of each country")
    return ax


def _scale(ax: Axes, top: float, lanes: int) -> None:
    """The y axis counts from 0; the lanes are below."""
    thousands(ax)
    ax.set_ylim(-(lanes + 0.4) * _LANE * top if lanes else 0, 1.1 * top)
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= 1.1 * top])
    ax.axhline(0, color=INK, linewidth=1)


def _line(ax: Axes, rows: pd.DataFrame, style: dict[str, Any]) -> set[str]:
    """The line of one country and what is marked on it; the events that were."""
    at, left = naive(rows["at"]), rows["left"].to_numpy(float)
    # Where nothing is left the lane tells more than a line at 0, which would hide the others.
    nothing = (left == 0) & (np.roll(left, 1) == 0)
    ax.plot(at, np.where(nothing, np.nan, left), drawstyle="steps-post", **style)
    marked = set()
    for event in _MARKS:
        here = (rows["event"] == event).to_numpy()
        if event == "package_expired":
            here = here & (left < np.roll(left, 1))  # Nothing is lost with an empty package.
        if here.any():
            ax.plot(at[here], left[here], clip_on=False, **_marker(event, style["color"]))
            marked.add(event)
    return marked


def _marker(event: str, color: Any) -> dict[str, Any]:
    """Hollow where a package ends, filled where something begins."""
    hollow = event in ("package_empty", "package_expired")
    return {
        "linestyle": "none",
        "marker": _MARKS[event][1],
        "markersize": 12,
        "markerfacecolor": "white" if hollow else color,
        "markeredgecolor": color if hollow else "white",
        "markeredgewidth": 2 if hollow else 1,
        "zorder": 3 + (not hollow),
    }


def _names(ax: Axes, lines: dict[Any, pd.DataFrame], top: float) -> None:
    """Each country's name where its line is highest, above or below it, where no other is."""
    highest = [rows.sort_values("left", kind="stable").iloc[[-1]] for rows in lines.values()]
    taken = [(rows["at"].iloc[0], float(rows["left"].iloc[0])) for rows in highest]
    for number, country in enumerate(lines):
        at, most = taken[number]
        others = [other for index, other in enumerate(taken) if index != number]
        around = [most + side * top for side in (0.045, -0.075, -0.13, 0.1)]
        free = [y for y in around if all(at != x or abs(y - h) > 0.055 * top for x, h in others)]
        y = (free or around)[0]
        taken.append((at, y))
        ax.annotate(
            str(country),
            (naive(highest[number]["at"])[0], y),
            (14, 0),
            textcoords="offset points",
            va="center",
            fontsize="large",
            fontweight="bold",
            color=series_style(number)["color"],
            zorder=5,
        )


def _project(
    ax: Axes, lines: dict[Any, pd.DataFrame], later: pd.DataFrame, ends: pd.Timestamp
) -> list[Any]:
    """What is projected to be left of each line; what that means, for the legend."""
    if not len(later):
        return []
    for number, country in enumerate(lines):
        rows = later[later["country"] == country]
        if len(rows):
            ahead(ax, rows, ("left", "left_low", "left_high"), series_style(number)["color"])
    record_ends(ax, naive_moment(ends))
    return meaning(INK)


def _legend(marked: set[str]) -> list[Any]:
    """What the markers mean that are there."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], label=label, **_marker(event, INK))
        for event, (label, _) in _MARKS.items()
        if event in marked
    ]


def _title(dry: dict[Any, list[Dry]], zone: str, later: pd.DataFrame | None) -> str:
    """The first run-out of each country, in the order in which they come; or the next."""
    if not dry:
        coming = "" if later is None else _next_out(later, zone)
        return f"No package runs out yet; {coming}" if coming else "No package runs out"
    first = [f"{c} {day_and_time(spells[0].begins, zone)[:-6]}" for c, spells in dry.items()]
    stopped = any(spell.stopped for spells in dry.values() for spell in spells)
    return f"{'Sending stops as packages' if stopped else 'Packages'} run out: {listed(first, 3)}"
