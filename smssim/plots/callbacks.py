"""What our own server received of the delivery reports, hour by hour, and when it was away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smssim import report
from smssim.formatting import duration, missing, share, times
from smssim.plots._style import (
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
from smssim.report.callbacks import reports_by_hour
from smssim.report.outages import untold

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["callbacks"]

_OUTAGE: dict[str, Any] = {
    "facecolor": (WARNING, 0.18),
    "edgecolor": (WARNING, 0.7),
    "linewidth": 0.8,
}
_BELOW = "Delivery reports that our server received, by UTC hour"


def callbacks(
    record: Record | pd.DataFrame,
    *,
    outages: pd.DataFrame | None = None,
    ax: Axes | None = None,
    zone: str = "UTC",
) -> Axes:
    """Draw the delivery reports received per hour, those made, and outages of our server shaded.

    Takes a record or the frame of `report.reports_by_hour`, and *outages*, that of
    `report.outages`, which are estimated from the gaps between arrivals. Where rows were not
    kept the picture says so, and how many reports there were. Dates are in *zone*.
    """
    if isinstance(record, Record) and (reason := _untold(record)) is not None:
        with drawing(ax) as ax:
            show_message(ax, f"Not known by hour: {reason}.")
            set_titles(ax, _counted(record), _BELOW)
        return ax
    if isinstance(record, Record):
        frame, outages = (
            reports_by_hour(record),
            report.outages(record) if outages is None else outages,
        )
    else:
        frame = record
    with drawing(ax) as ax:
        if frame["received"].sum() or frame["made"].sum():
            _draw(ax, frame, zone)
            _shade(ax, outages)
            legend_below(ax, ax.get_legend_handles_labels()[0])
        else:
            show_message(ax, "No delivery report was received.")
        set_titles(ax, _title(frame, outages), _BELOW)
    return ax


def _untold(record: Record) -> str | None:
    if record.messages is None or record.reports is None:
        return "the rows of this record were not kept"
    return untold(record)


def _draw(ax: Axes, frame: pd.DataFrame, zone: str) -> None:
    """Steps of an hour each; the last lasts as long as the others."""
    ends = frame["hour"].iloc[-1] + _hour()
    time_axis(ax, frame["hour"].iloc[0], ends, zone)
    at = np.append(naive(frame["hour"]), naive_moment(ends))
    came = frame["received"].to_numpy(float)
    steps = np.append(came, came[-1])
    color = series_style(0)["color"]
    ax.fill_between(at, steps, step="post", facecolor=color, alpha=0.45, linewidth=0)
    ax.plot(at, steps, drawstyle="steps-post", color=color, linewidth=1.5, label="received")
    if frame["made"].notna().all():
        made_by_hour = frame["made"].to_numpy(float)
        line: dict[str, Any] = {
            "color": "black",
            "linewidth": 1,
            "linestyle": (0, (1.5, 1)),
            "label": "made",
        }
        ax.plot(at, np.append(made_by_hour, made_by_hour[-1]), drawstyle="steps-post", **line)
    ax.set_ylim(0, None)
    thousands(ax)
    ax.set_ylabel("delivery reports per hour")


def _hour() -> Any:
    return pd.Timedelta(hours=1)


def _shade(ax: Axes, outages: pd.DataFrame | None) -> None:
    if outages is None:
        return
    spans = zip(naive(outages["begins"]), naive(outages["ends"]), strict=True)
    for number, span in enumerate(spans):
        label = "_" * (number > 0) + "outage of our server, from the gaps"
        ax.axvspan(*span, label=label, zorder=0, **_OUTAGE)


def _counted(record: Record) -> str:
    """What the tallies tell, which is the same without rows."""
    row = report.callbacks(record).iloc[0]
    if missing(row["received"]):
        return "Delivery reports are not in the log"
    if missing(row["lost"]) or not row["reports"]:
        return f"{int(row['received']):,} delivery reports received"
    value = row["received_share"]
    outcome = "no outcome is known" if missing(value) else f"{share(value)} received"
    return f"Of {int(row['reports']):,} delivery reports {outcome}, {int(row['lost']):,} lost"


def _title(frame: pd.DataFrame, outages: pd.DataFrame | None) -> str:
    """How often and how long our server was away, and what that cost."""
    came, lost = int(frame["received"].sum()), frame["lost"].sum(min_count=1)
    sentence = f"{came:,} reports received"
    if not missing(lost):
        decided = came + int(lost)
        sentence = f"{share(lost / decided)} of reports lost" if decided else "no report was made"
        sentence = sentence if lost or not decided else "no report was lost"
    if outages is None:
        return f"{sentence[0].upper()}{sentence[1:]}"
    if not len(outages):
        return f"No outage of our server is seen; {sentence}"
    longest = duration(float(outages["length_s"].max()))
    length = f"for {longest}" if len(outages) == 1 else f"for up to {longest}"
    return f"Our server was away {times(len(outages))}, {length}; {sentence}"
