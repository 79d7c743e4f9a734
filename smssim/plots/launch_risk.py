"""The risk of a date: how likely it is not to be ready, for each moment of handing in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim.plots._style import (
    INK,
    day_and_time,
    drawing,
    legend_below,
    look,
    naive,
    time_axis,
    titled,
)
from smssim.plots.review import CLOSED, closed
from smssim.workdays import WorkCalendar

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_DOTS = 60
"""With more moments than that a line tells more than its dots."""
_NIGHTS = 10
"""Up to so many days nights are shaded: lines go across, and stripes would hide them."""


def launch_risk(
    frame: pd.DataFrame, *, accepted: float = 0.05, ax: Axes | None = None, zone: str = "UTC"
) -> Axes:
    """Draw the risk of a launch against the moment of handing in or beginning, with its interval.

    Takes the frame of `smssim.find.launch_risk`; the title tells the last of its moments at which
    the risk is surely below *accepted*, and whether it is at all moments before. The closed hours
    of the review desk are shaded, by the published calendar; times are in *zone*.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    own = frame.sort_values("at")
    with drawing(ax) as ax:
        margin = 0.02 * (own["at"].max() - own["at"].min())
        time_axis(ax, own["at"].min() - margin, own["at"].max() + margin, zone)
        low, high = ax.get_xlim()
        for begins, ends in closed(low, high, WorkCalendar(), nights_until=_NIGHTS):
            ax.axvspan(begins, ends, zorder=0, **CLOSED)
        at, style = naive(own["at"]), look(0)
        marker = "o" if len(own) <= MOST_DOTS else ""
        ax.plot(at, 100 * own["risk"], marker=marker, markersize=7, **style)
        band = (100 * own["low"], 100 * own["high"])
        ax.fill_between(at, *band, color=style["color"], alpha=0.25, lw=0)
        ax.axhline(100 * accepted, color=INK, linewidth=1.5, linestyle="--")
        ax.set_ylim(-2, 102)
        ax.set_ylabel("not ready at the launch, %")
        legend_below(
            ax,
            [
                Line2D([], [], marker=marker, label="risk and its interval", **style),
                Line2D([], [], color=INK, linestyle="--", label=f"accepted: {_percent(accepted)}"),
                Patch(label="review desk closed", **CLOSED),
            ],
        )
        below = f"Of {own['n'].max():,} replications for each moment of handing in or beginning"
        titled(ax, _title(own, accepted, zone), below)
    return ax


def latest(frame: pd.DataFrame, accepted: float) -> pd.Timestamp | None:
    """The last moment at which the risk is surely below that share; None if there is none."""
    sure = frame.loc[frame["high"] < accepted, "at"]
    return sure.max() if len(sure) else None


def _title(frame: pd.DataFrame, accepted: float, zone: str) -> str:
    last = latest(frame, accepted)
    if last is None:
        return f"The risk is nowhere surely below {_percent(accepted)}"
    day = f"{last.tz_convert(zone):%a}"
    told = f"{day} {day_and_time(last, zone)}"
    if (frame.loc[frame["at"] <= last, "high"] < accepted).all():
        return f"Risk below {_percent(accepted)} until {told}"
    # Handing in later may be safer: what comes at night is decided in the morning.
    return f"Last moment with a risk below {_percent(accepted)}: {told} (not all before it)"


def _percent(accepted: float) -> str:
    """A share that the caller chose, as he would say it."""
    return f"{100 * accepted:g} %"
