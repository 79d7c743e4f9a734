"""When messages are asked for, or fail: the hours of the week as tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim import report
from smssim.formatting import share
from smssim.plots._style import drawing, legend_below, set_titles, show_message
from smssim.record.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["FEW", "MEASURES", "classes", "heat_map"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FEW = 30
"""A share of fewer messages than these is not shown: chance alone makes it high or low."""
_FAR = 2.0
"""A value this many times above what 95% of the hours have would make all others look alike."""
_BLANK: dict[str, Any] = {"facecolor": "white", "edgecolor": "#b8b8b8", "hatch": "////"}


class _Measure(NamedTuple):
    """What a tile shows: a column, what a share is of, and words for it."""

    column: str
    of: tuple[str, ...]
    words: str
    blank: str


MEASURES = {
    "messages": _Measure(
        "messages_an_hour", (), "Messages requested per hour, on average", "not in the record"
    ),
    "not_delivered": _Measure(
        "not_delivered_share",
        ("delivered", "not_delivered"),
        "Share of sent messages that failed or expired",
        f"fewer than {FEW} messages sent",
    ),
    "refused": _Measure(
        "refused_share",
        ("messages",),
        "Share of requested messages that were refused",
        f"fewer than {FEW} messages",
    ),
}


def heat_map(
    record: Record | pd.DataFrame,
    *,
    measure: str = "messages",
    ax: Axes | None = None,
    zone: str = "UTC",
) -> Axes:
    """Draw a tile an hour of the day and day of the week in *zone*: the darker, the more.

    Takes a record or the frame of `report.heat_map`, which was then made in *zone*. *measure* is
    messages, not_delivered or refused; raise a ValueError for another. The extreme tile has a
    frame: with shares it is the one that is surest to be high, by the lower end of its interval.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure(={measure!r}) must be one of {', '.join(MEASURES)}")
    what = MEASURES[measure]
    frame = report.heat_map(record, zone) if isinstance(record, Record) else record
    values = _tile_values(frame, what)
    with drawing(ax) as ax:
        if np.nanmax([*values, 0.0]) > 0:
            _tiles(ax, values, what)
            _framed(ax, _extreme(frame, what))
        elif np.isnan(values).all():
            show_message(ax, f"A share of fewer than {FEW} messages shows nothing about an hour.")
        else:
            show_message(ax, f"Not one of {_of(frame, what):,} messages.")
        set_titles(ax, _title(frame, what), f"{what.words}, by hour and weekday in {zone}")
    return ax


def _tile_values(frame: pd.DataFrame, what: _Measure) -> NDArray[np.float64]:
    """The value of each tile, NaN where there is none or it rests on too few messages."""
    values = frame[what.column].to_numpy(np.float64, copy=True)
    if what.of:
        values[(frame[list(what.of)].sum(axis=1) < FEW).to_numpy()] = np.nan
    return values


def _tiles(ax: Axes, values: NDArray[np.float64], what: _Measure) -> None:
    from matplotlib.colors import BoundaryNorm

    levels = classes(values)
    colours = _colours(len(levels) - 1)
    week = np.ma.masked_invalid(values.reshape(7, 24))
    for day, hour in np.argwhere(np.isnan(values.reshape(7, 24))):
        ax.add_patch(_tile(day, hour, linewidth=0, **_BLANK))
    norm = BoundaryNorm(levels, len(levels) - 1)
    ax.pcolormesh(week, cmap=colours, norm=norm, edgecolors="white", linewidth=1.5)
    ax.set_xticks(range(0, 25, 3), [f"{hour:02}:00" for hour in range(0, 25, 3)])
    ax.set_yticks(np.arange(7) + 0.5, _DAYS)
    ax.set(xlim=(0, 24), ylim=(7, 0), xlabel="hour of the day")
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    _legend(ax, levels, what, bool(np.isnan(values).any()))


def classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ends of about six classes from 0 on; an hour far above the others is one of its own."""
    from matplotlib.ticker import MaxNLocator

    finite = values[~np.isnan(values)]
    most, usual = float(finite.max()), float(np.quantile(finite, 0.95))
    far = most > _FAR * usual > 0
    locator = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10])
    levels = np.asarray(locator.tick_values(0, usual if far else most))
    return np.append(levels[levels >= 0], [most] if far else [])


def _legend(ax: Axes, levels: NDArray[np.float64], what: _Measure, blank: bool) -> None:
    from matplotlib.patches import Patch

    ends = [_as_text(level, what) for level in levels]
    colours = _colours(len(levels) - 1)
    marks = [
        Patch(facecolor=colours(n), edgecolor="#b8b8b8", label=f"{ends[n]} to {ends[n + 1]}")
        for n in range(len(levels) - 1)
    ]
    legend_below(ax, [*marks, *([Patch(label=what.blank, **_BLANK)] if blank else [])])


def _colours(classes: int) -> Colormap:
    """White to dark blue, each class as much darker as it is later, so that grey shows it, too."""
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    return ListedColormap(mpl.colormaps["Blues"](np.linspace(0.06, 1, classes)))


def _tile(day: int, hour: int, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((hour, day), 1, 1, **style)


def _framed(ax: Axes, extreme: int) -> None:
    day, hour = divmod(extreme, 24)
    ax.add_patch(_tile(day, hour, fill=False, edgecolor="#f89c20", linewidth=4, zorder=4))


def _of(frame: pd.DataFrame, what: _Measure) -> int:
    """Messages that the share is of, in the whole week."""
    return int(frame[list(what.of or ("messages",))].to_numpy().sum())


def _as_text(value: float, what: _Measure) -> str:
    return (
        f"{100 * value:.3g}%"
        if what.of
        else f"{value:,.10g}"
        if value == round(value, 9) and value < 100
        else f"{value:,.0f}"
    )


def _extreme(frame: pd.DataFrame, what: _Measure) -> int:
    """The tile that the title names."""
    values = _tile_values(frame, what)
    if what.of:
        low = frame[what.column.replace("_share", "_low")].to_numpy(np.float64)
        values = np.where(np.isnan(values), np.nan, low)
    return int(np.nanargmax(values))


def _title(frame: pd.DataFrame, what: _Measure) -> str:
    """When it is most; for a share, with its interval and how it is in all."""
    values = _tile_values(frame, what)
    name = what.column.removesuffix("_share").replace("_", " ")
    if not frame["messages"].sum():
        return "No messages"
    if np.isnan(values).all():
        return "Too few messages to compare hours"
    if not values[~np.isnan(values)].max():
        return f"None are {name}"
    tile = _extreme(frame, what)
    row = frame.iloc[tile]
    at = f"{_DAYS[tile // 24]} {tile % 24:02}:00"
    if not what.of:
        most = f"{values[tile]:,.0f}" if values[tile] >= 10 else f"{values[tile]:.2g}"
        return f"Busiest on {at}: {most} message{'s' * (most != '1')} an hour"
    ends = [f"{what.column.removesuffix('_share')}_{end}" for end in ("low", "high")]
    low, high = (share(row[end]) for end in ends)
    count = int(frame[what.column.removesuffix("_share")].sum())
    overall = count / _of(frame, what)
    return f"Worst on {at}: {share(values[tile])} {name} ({low} to {high}); {share(overall)} in all"
