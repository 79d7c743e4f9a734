"""How the bill grows through the month, and what it will come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smssim import report
from smssim.arrays import Floats
from smssim.formatting import amount
from smssim.plots._style import (
    INK,
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
from smssim.plots.burn_down import ahead, meaning, record_ends
from smssim.plots.cost import PAID
from smssim.record.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["cost_by_day", "since"]

_FIGURES = {
    "cost": "Packages bought and pay-per-use charges since the month began",
    "billed": "Pay-per-use charges since the month began",
    "messages": "Messages sent since the month began",
    "segments": "Segments sent since the month began",
}
_AHEAD = ("month", "month_low", "month_high")


def cost_by_day(
    record: Record | pd.DataFrame,
    *,
    figure: str = "cost",
    currency: str = "",
    ax: Axes | None = None,
    zone: str = "UTC",
) -> Axes:
    """Draw the cost of the UTC month in which the record ends, to date, and its forecast.

    Takes a record or the frame of `report.month_by_day`, which does not show the *currency*.
    *figure* is cost, billed, messages or segments; raise a ValueError for another. Values stand at
    the end of each UTC day; the band is the forecast's 95% interval. Purchases are steps at the
    beginning of their day; those still to come are not forecast.
    """
    if figure not in _FIGURES:
        raise ValueError(f"figure(={figure!r}) must be one of {', '.join(_FIGURES)}")
    frame = report.month_by_day(record) if isinstance(record, Record) else record
    if isinstance(record, Record):
        currency = record.currency or currency
    unit = currency if figure in ("cost", "billed") else figure
    rows = frame[frame["figure"] == figure]
    seen, ahead_ = rows[rows["so_far"].notna()], rows[rows["month"].notna()]
    grown = len(seen) and max(rows["so_far"].max(), rows["month"].max()) > 0
    with drawing(ax) as ax:
        if grown:
            _axes(ax, rows, unit, zone)
            below = _bought(frame, seen) if figure == "cost" else None
            _so_far(ax, seen, below)
            if len(ahead_) > 1:
                _ahead(ax, ahead_)
            charged = below is not None and seen["so_far"].iloc[-1] > below[-1]
            _legend(ax, below, bool(charged), len(ahead_) > 1)
        else:
            show_message(ax, _nothing(len(seen), figure))
        set_titles(ax, _title(seen, ahead_, unit), _FIGURES[figure])
    return ax


def _axes(ax: Axes, rows: pd.DataFrame, unit: str, zone: str) -> None:
    time_axis(ax, since(rows), rows["at"].max(), zone)
    thousands(ax)
    top = np.nanmax(rows[["so_far", "month_high", "month"]].to_numpy(float))
    ax.set_ylim(0, 1.15 * top)
    ax.set_ylabel(unit)


def since(rows: pd.DataFrame) -> Any:
    """The beginning of the first day."""
    return (rows["at"].min() - pd.Timedelta(1, unit="us")).floor("D")


def _bought(frame: pd.DataFrame, seen: pd.DataFrame) -> Floats:
    """How much of the cost so far is packages."""
    billed = frame[(frame["figure"] == "billed") & frame["so_far"].notna()]
    bought: Floats = seen["so_far"].to_numpy(np.float64) - billed["so_far"].to_numpy(np.float64)
    return bought


def _so_far(ax: Axes, seen: pd.DataFrame, bought: Floats | None) -> None:
    at = np.append(naive_moment(since(seen)), naive(seen["at"]))
    total = np.append(0, seen["so_far"].to_numpy(float))
    if bought is None:
        ax.fill_between(at, total, alpha=0.25, facecolor=series_style(0)["color"], linewidth=0)
    else:
        at, packages, total = _steps(at, np.append(0, bought), total)
        style = {entry: {**fill_style, "linewidth": 0} for entry, (_, fill_style) in PAID.items()}
        ax.fill_between(at, packages, **style["package"])
        ax.fill_between(at, packages, total, **style["pay_per_use"])
    ax.plot(at, total, color=INK, linewidth=2.5, label="to date")
    ax.plot(at[-1:], total[-1:], marker="o", markersize=10, color=INK, markeredgecolor="white")


def _steps(at: Any, packages: Floats, total: Floats) -> tuple[Any, Floats, Floats]:
    """Purchases as steps at the beginning of their day, and charges as slopes over it."""
    charges = total - packages
    days = np.repeat(packages[1:], 2)
    stepped = np.concatenate([packages[:1], days])
    sloped = np.concatenate([charges[:1], np.repeat(charges, 2)[1:-1]])
    return np.concatenate([at[:1], np.repeat(at, 2)[1:-1]]), stepped, stepped + sloped


def _ahead(ax: Axes, rows: pd.DataFrame) -> None:
    ahead(ax, rows, _AHEAD, series_style(2)["color"])
    record_ends(ax, naive_moment(rows["at"].iloc[0]))
    ax.plot(
        naive(rows["at"])[-1:],
        rows["month"].to_numpy(float)[-1:],
        marker="D",
        markersize=10,
        color=series_style(2)["color"],
        markeredgecolor="white",
        clip_on=False,
        zorder=4,
    )


def _legend(ax: Axes, bought: Floats | None, charged: bool, projected: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Line2D([], [], color=INK, linewidth=2.5, label="to date")]
    if bought is not None:
        there = {"package": bought.any(), "pay_per_use": charged}
        handles += [Patch(label=PAID[entry][0], **PAID[entry][1]) for entry in PAID if there[entry]]
    legend_below(ax, [*handles, *(meaning(series_style(2)["color"]) if projected else [])], 5)


def _nothing(days: int, figure: str) -> str:
    if days:
        return "Nothing was paid" if figure in ("cost", "billed") else "Nothing was sent"
    return "Not all that was sent has a price: rate the record first, or draw figure='messages'."


def _title(seen: pd.DataFrame, ahead_: pd.DataFrame, unit: str) -> str:
    """What it comes to by the end of the month, or came to."""
    if not len(seen):
        return "The cost of the month is not known"
    so_far = f"{amount(seen['so_far'].iloc[-1])} {unit}".strip()
    last = seen["at"].iloc[-1] - pd.Timedelta(1, unit="us")
    if len(ahead_) < 2:
        return f"{so_far} in {last:%B %Y}" + (
            "" if _whole(seen) else f" until {last.day} {last:%b}"
        )
    month, low, high = (amount(ahead_[name].iloc[-1]) for name in _AHEAD)
    return f"{so_far} to date; about {month} by the end of {last:%B} ({low} to {high})"


def _whole(seen: pd.DataFrame) -> bool:
    at = seen["at"].iloc[-1]
    return bool(at.day == 1 and at == at.floor("D"))
