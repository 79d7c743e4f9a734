"""What all pictures share: a slide to draw on, colours everybody can tell apart, a named zone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SLIDE_IN, DPI = (12.8, 7.2), 100
INK, FAINT, WARNING = "#222222", "#767676", "#e42536"
DASHES: tuple[Any, ...] = ("-", (0, (7, 1.5)), (0, (7, 1.5, 1.5, 1.5)), (0, (2, 1)))
_COLOURS = ("petroff6", (0, 1, 5, 3))
"""The built-in cycle and which of its colours name groups: not the grey, nor the red of warnings."""


@contextmanager
def drawing(ax: Axes | None) -> Iterator[Axes]:
    """The Axes to draw on: the caller's, or those of a new figure of slide size.

    Settings of matplotlib are as before afterwards.
    """
    import matplotlib as mpl

    if ax is not None:
        _plain(ax)
        yield ax
        return
    with mpl.rc_context({"font.size": 15}):
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=SLIDE_IN, dpi=DPI, layout="constrained")
        _plain(ax)
        # Ticks are made later, when the size of this figure's letters is forgotten.
        ax.tick_params(labelsize=15)
        yield ax


def look(number: int) -> dict[str, Any]:
    """Colour and dashes of the group of that number; both differ from its neighbours'."""
    import matplotlib as mpl

    cycle, own = _COLOURS
    return {
        "color": mpl.color_sequences[cycle][own[number % len(own)]],
        "linestyle": DASHES[(number + number // len(own)) % len(DASHES)],
        "linewidth": 2.5,
    }


def titled(ax: Axes, title: str, below: str) -> None:
    """A title that says what is seen, and a line below it that says what is drawn."""
    size = float(ax.yaxis.label.get_size())  # type: ignore[arg-type]
    ax.set_title(title, loc="left", fontsize="large", fontweight="bold", pad=1.9 * size, color=INK)
    ax.annotate(
        below, (0, 1), (0, 0.7 * size), "axes fraction", "offset points", color=FAINT, va="bottom"
    )


def time_axis(ax: Axes, times: pd.Series[Any], zone: str) -> None:
    """Readable dates in *zone*, which is named on the axis together with the year.

    The data stay UTC; raise a ZoneInfoNotFoundError for a zone that nobody knows.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    own = ZoneInfo(zone)
    locator = AutoDateLocator(tz=own, minticks=4, maxticks=9)
    formats = ["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
    zeros = ["", "%b %Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(
        ConciseDateFormatter(locator, own, formats, show_offset=False, zero_formats=zeros)
    )
    if len(times):
        ax.set_xlim(*plain(times.agg(["min", "max"])))
    ax.set_xlabel(_named(zone, times.dt.tz_convert(own)))


def plain(times: pd.Series[Any]) -> Any:
    """Moments as UTC without a zone, which is what matplotlib's dates are."""
    return times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()


def day_and_time(at: Any, zone: str) -> str:
    """A moment in *zone*, short: the day and the minute."""
    return f"{at.tz_convert(ZoneInfo(zone)):%d %b %H:%M}".lstrip("0")


def thousands(ax: Axes) -> None:
    """Separate the thousands of what the y axis counts."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _named(zone: str, times: pd.Series[Any]) -> str:
    years = f"{times.min():%Y}" if len(times) else ""
    years += f"-{times.max():%Y}" if years and f"{times.max():%Y}" != years else ""
    offsets = {times.iloc[place].isoformat()[-6:] for place in (0, -1)} if len(times) else set()
    offset = f" (UTC{offsets.pop()})" if len(offsets) == 1 and zone != "UTC" else ""
    return f"{years}, times in {zone}{offset}".removeprefix(", ")


def _plain(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#dddddd", linewidth=0.8)
    ax.set_axisbelow(True)
