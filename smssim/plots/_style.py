"""What all pictures share: a slide to draw on, colours, a named zone, lying bars."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CYCLE",
    "FAINT",
    "INK",
    "MOST",
    "WARNING",
    "day_and_time",
    "drawing",
    "fill",
    "first_of",
    "label_ends",
    "legend_below",
    "lying",
    "naive",
    "naive_moment",
    "series_style",
    "set_titles",
    "shortened",
    "show_message",
    "thousands",
    "time_axis",
]

_SLIDE_IN, _DPI, _LETTERS_PT = (12.8, 7.2), 100, 15
INK, FAINT, WARNING = "#222222", "#767676", "#e42536"
_DASHES: tuple[Any, ...] = ("-", (0, (7, 1.5)), (0, (7, 1.5, 1.5, 1.5)), (0, (2, 1)))
CYCLE, _COLOURS = "petroff6", (0, 1, 5, 3)
"""The built-in cycle and its colours that name groups: not the grey, nor the red of warnings."""
_TITLE = 1.44
"""The size of a title's letters to that of the others: to be read in a thumbnail, too."""
_HANDLE = "MMM"
"""As wide as the mark before a word of a legend."""
_BELOW_LABEL = 4.2
"""From the axis to a legend below its label, in heights of the legend's letters."""
_UNBROKEN = re.compile(r"[\d.,]+ (?:%|s|min|h|d)(?![^\s,;.)])[,;.)]*|\S+")
"""A number with its unit, or a word: what a line is not broken within."""
_DAYS, _WEEKS = 21, 70
"""From so many days on, the time axis counts weeks, and months."""


@contextmanager
def drawing(ax: Axes | None) -> Iterator[Axes]:
    """The Axes to draw on: the caller's, or those of a new figure of slide size.

    Settings of matplotlib are as before afterwards.
    """
    if ax is not None:
        _plain(ax)
        yield ax
        return
    with _quiet_fonts():
        from matplotlib import pyplot as plt

    with _letters(_LETTERS_PT):
        figure = plt.figure(figsize=_SLIDE_IN, dpi=_DPI)
        figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
        ax = figure.subplots()
        _plain(ax)
        # Ticks are made later, when the size of this figure's letters is forgotten.
        ax.tick_params(labelsize=_LETTERS_PT)
        yield ax


@contextmanager
def _quiet_fonts() -> Iterator[None]:
    """The first import may list all fonts of the machine, which no one who looks at a picture needs
    to be warned of.
    """
    logger = logging.getLogger("matplotlib.font_manager")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _letters(size: float) -> Iterator[None]:
    """Letters of that size, and no other setting changed or restored.

    The first figure of a notebook turns its display on; `rc_context` would turn it off again.
    """
    from matplotlib import rcParams

    before = rcParams["font.size"]
    rcParams["font.size"] = size
    try:
        yield
    finally:
        rcParams["font.size"] = before


def series_style(number: int) -> dict[str, Any]:
    """Colour and dashes of the group of that number; both differ from its neighbours'."""
    import matplotlib as mpl

    index = _COLOURS[number % len(_COLOURS)]
    return {
        "color": mpl.color_sequences[CYCLE][index],
        "linestyle": _DASHES[(number + number // len(_COLOURS)) % len(_DASHES)],
        "linewidth": 2.5,
    }


def set_titles(ax: Axes, title: str, below: str, room: float = 1.0) -> None:
    """A title that says what is seen, and a line below it that says what is drawn.

    Both take as many lines as the width of the picture asks for, of which names to the left of it
    leave *room*.
    """
    size = float(ax.yaxis.label.get_fontsize())
    under = _lines(ax, below, size / room, "normal")
    ax.set_title(
        "\n".join(_lines(ax, title, _TITLE * size / room, "bold")),
        loc="left",
        fontsize=_TITLE * size,
        fontweight="bold",
        pad=(1.0 + 1.3 * len(under)) * size,
        color=INK,
    )
    ax.annotate(
        "\n".join(under),
        (0, 1),
        (0, 0.7 * size),
        "axes fraction",
        "offset points",
        color=FAINT,
        va="bottom",
    )


def show_message(ax: Axes, words: str) -> None:
    """Words in the middle of a picture in which nothing can be drawn."""
    ax.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1))
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)
    size = float(ax.yaxis.label.get_fontsize())
    text = "\n".join(_lines(ax, words, 1.2 * size, "normal"))
    ax.text(0.5, 0.55, text, ha="center", va="center", fontsize=1.2 * size, color=INK)


def _lines(ax: Axes, words: str, size: float, weight: str) -> list[str]:
    """The words in lines that are not wider than the picture, which has letters of that size."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    prop = FontProperties(size=size, weight=weight)
    width = 72 * ax.figure.get_figwidth() * ax.get_position().width  # type: ignore[union-attr]
    lines: list[str] = []
    for word in _UNBROKEN.findall(words):
        longer = f"{lines[-1]} {word}" if lines else ""
        if lines and text_to_path.get_text_width_height_descent(longer, prop, False)[0] <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def time_axis(ax: Axes, begins: pd.Timestamp, ends: pd.Timestamp, zone: str) -> None:
    """Readable dates in *zone*, which is named on the axis together with the year.

    The data stay UTC; raise a ZoneInfoNotFoundError for a zone that no one knows.
    """
    tz = ZoneInfo(zone)
    _dates(ax, (ends - begins).days, tz)
    ax.set_xlim(naive_moment(begins), naive_moment(ends))
    ax.set_xlabel(_named(zone, begins.tz_convert(tz), ends.tz_convert(tz)))


def naive(times: pd.Series[Any]) -> Any:
    """Moments as UTC without a zone, which is what dates in a picture are."""
    return times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()


def naive_moment(at: pd.Timestamp) -> Any:
    """One moment as UTC without a zone."""
    return at.tz_convert("UTC").tz_localize(None).to_datetime64()


def day_and_time(at: Any, zone: str) -> str:
    """A moment in *zone*, short: the day and the minute."""
    return f"{at.tz_convert(ZoneInfo(zone)):%d %b %H:%M}".lstrip("0")


def thousands(ax: Axes) -> None:
    """Separate the thousands of what the y axis counts."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(7, integer=True, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def legend_below(ax: Axes, handles: list[Any], in_a_row: int = 4) -> None:
    """What the lines, markers and bars mean, below the picture and its dates.

    More than *in_a_row* stand in rows of three, and in rows of two where they are too long for one.
    """
    if handles:
        size = float(ax.yaxis.label.get_fontsize())
        words = "  ".join(f"{_HANDLE}{handle.get_label()}" for handle in handles)
        too_long = len(_lines(ax, words, size, "normal")) > 1
        columns = len(handles) if len(handles) <= in_a_row else 3
        ax.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            borderaxespad=_BELOW_LABEL,
            ncols=min(columns, 2) if too_long else columns,
            frameon=False,
            fontsize="small",
        )


def _dates(ax: Axes, days: int, zone: ZoneInfo) -> None:
    """Where dates stand on an axis of so many days, and how they are written."""
    from matplotlib import dates as untyped
    from matplotlib.ticker import FuncFormatter

    dates: Any = untyped
    if days < 3:
        locator = dates.AutoDateLocator(tz=zone, minticks=4, maxticks=8)
    elif days < _DAYS:
        locator = dates.DayLocator(interval=1 + (days - 1) // 7, tz=zone)
    elif days < _WEEKS:
        locator = dates.WeekdayLocator(dates.MO, interval=1 + days // 49, tz=zone)
        ax.xaxis.set_minor_locator(dates.DayLocator(tz=zone))
    else:
        locator = dates.MonthLocator(interval=1 + days // 250, tz=zone)

    def written(x: float, _: int | None) -> str:
        at = dates.num2date(x, zone)
        weekday = f"{at:%a} " if days < _WEEKS else ""
        return f"{at:%H:%M}" if at.hour or at.minute else f"{weekday}{at.day} {at:%b}"

    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(FuncFormatter(written))


def _named(zone: str, begins: pd.Timestamp, ends: pd.Timestamp) -> str:
    """The years, the zone and how far it is from UTC, if that does not change in between.

    Where no midnight is on the axis, nothing else would tell the day.
    """
    years = f"{begins.year}" if begins.year == ends.year else f"{begins.year} and {ends.year}"
    if begins.date() == ends.date():
        years = f"{begins:%a} {begins.day} {begins:%b} {years}"
    offsets = {at.isoformat()[-6:] for at in (begins, ends)}
    offset = f" (UTC{offsets.pop()})" if len(offsets) == 1 and zone != "UTC" else ""
    return f"{years}, times in {zone}{offset}"


def _plain(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#dddddd", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(axis="x", pad=8)


MOST = 15
"""Bars in one picture."""
_LONGEST = 26
"""Characters of a name next to a bar."""
_ROOM = 4
"""With fewer bars than these they are not made thicker."""


def fill(colour: int, hatch: str = "") -> dict[str, Any]:
    """How a kind of bar is filled: a colour of the cycle, and a hatching that is seen in grey.

    The edge has the colour, too, so that a bar of no height is a line.
    """
    import matplotlib as mpl

    color = mpl.color_sequences[CYCLE][colour]
    return {"facecolor": color, "edgecolor": color, "hatch": hatch, "hatchcolor": "white"}


def first_of(table: pd.DataFrame, by: pd.Series[Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of *table* with the most *by*, longest first, and those for which there is no room.

    A bar for all others would often be the longest, and make the rest short.
    """
    ordered = table.loc[by.sort_values(ascending=False, kind="stable").index]
    return ordered.iloc[:MOST], ordered.iloc[MOST:]


def shortened(name: Any) -> str:
    """A name that fits next to a bar."""
    text = "not known" if name != name else str(name)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def lying(ax: Axes, names: Sequence[Any]) -> None:
    """A row a name, the first on top, and the values along the x axis."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_yticks(range(len(names)), [shortened(name) for name in names])
    above = 0.5 + max(0, _ROOM - len(names)) / 2
    ax.set_ylim(len(names) - 1 + above, -above)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(axis="x", color="#dddddd", linewidth=0.8)
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def label_ends(
    ax: Axes, at: Sequence[float], words: Sequence[str], reach: float, weight: str = "bold"
) -> None:
    """Words to the right of each bar's end; they need *reach*, in parts of the longest bar."""
    longest = max([*at, 0])
    ax.set_xlim(0, (1 + reach) * longest or 1)
    # No line runs through the words, which are beyond the bars.
    ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= longest])
    for row, (end, word) in enumerate(zip(at, words, strict=True)):
        ax.annotate(
            word,
            (end, row),
            (6, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontweight=weight,
        )
