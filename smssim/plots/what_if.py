"""Two simulated months side by side, the base left and the what-if right, at the same scales."""

from __future__ import annotations

import math
import re
import textwrap
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pandas as pd

from smssim import report
from smssim.formatting import duration, listed
from smssim.plots._style import FAINT, INK, day_and_time, naive, series_style, thousands, time_axis
from smssim.plots.latency import quantile_s
from smssim.record.record import Record
from smssim.report.latency import latency_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Seen", "picture", "what_if", "words"]

_SIDES = ("Base", "What-if")
_TICKS_S = {1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3_600: "1 h", 86_400: "1 day"}
_DPI = 100
_WEEKDAY = re.compile(r"^[A-Z][a-z]{2} ")
_WIDTH_IN, _ROW_IN, _EDGE_IN = 7.6, 1.9, 0.62
"""The width of the picture, and the height of a row and of the room above and below it."""
_TITLE_PT, _LINE, _TICKS_PT = 10.5, 36, 8.5
"""The size of a title's letters, how many of them stand in a line, and the size of the dates'."""


class Seen(NamedTuple):
    """What of a record is drawn: what is left in its packages, and its latency by type."""

    left: pd.DataFrame
    latency: pd.DataFrame

    @classmethod
    def of(cls, record: Record) -> Seen:
        """The frames of a simulated record."""
        return cls(report.burn_down(record), latency_curve(record, "type"))


class _Picture(NamedTuple):
    """A picture as a PNG, and what it shows in words."""

    png: bytes
    alt: str


def what_if(base: Record | Seen, other: Record | Seen) -> Figure:
    """Draw two months side by side: above, where there are packages, what is left in those of each
    country; below, the share of deliveries made by then, a curve a type.

    Dates are UTC; scales are shared, so that heights and lengths compare.
    """
    from matplotlib.figure import Figure

    sides = [Seen.of(side) if isinstance(side, Record) else side for side in (base, other)]
    has_packages = any(len(side.left) for side in sides)
    rows = 1 + has_packages
    height = rows * (_ROW_IN + 2 * _EDGE_IN)
    figure = Figure(figsize=(_WIDTH_IN, height), dpi=_DPI)
    axes = figure.subplots(rows, 2, squeeze=False, sharey="row")
    edge = _EDGE_IN / height
    # A layout engine would draw everything twice, and somebody is waiting.
    figure.subplots_adjust(0.125, edge * 0.8, 0.965, 1 - edge, 0.16, 2 * _EDGE_IN / _ROW_IN)
    for column, (name, side) in enumerate(zip(_SIDES, sides, strict=True)):
        if has_packages:
            _packages(axes[0, column], name, side.left, sides)
        _latency(axes[-1, column], name, side.latency)
    for left, right in axes:
        _legend(left, "upper right" if left is not axes[-1, 0] else "lower right")
        if right.get_legend_handles_labels()[1] != left.get_legend_handles_labels()[1]:
            _legend(right, "best")
        right.set_ylabel("")
    return figure


def picture(base: Record | Seen, other: Record | Seen) -> _Picture:
    """The picture of `what_if` as a PNG, with its words for those who do not see it."""
    figure, out = what_if(base, other), BytesIO()
    # Hardly packed: packing well takes longer than sending more within one machine.
    figure.savefig(out, format="png", pil_kwargs={"compress_level": 1})
    return _Picture(out.getvalue(), words(figure))


def words(figure: Figure) -> str:
    """What a figure of `what_if` shows, in sentences."""
    titles = [" ".join(ax.get_title(loc="left").split()) for ax in figure.axes]
    return f"Two months side by side. {'. '.join(titles[::2] + titles[1::2])}."


def _packages(ax: Axes, name: str, left: pd.DataFrame, sides: list[Seen]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    frames = [rows.left for rows in sides if len(rows.left)]
    begins, ends = (
        min(rows["at"].min() for rows in frames),
        max(rows["at"].max() for rows in frames),
    )
    top = max(float(rows["left"].max()) for rows in frames)
    _plain(ax)
    time_axis(ax, begins, ends, "UTC")
    ax.xaxis.set_minor_locator(NullLocator())
    written = ax.xaxis.get_major_formatter()
    # Half a picture has no room for the names of weekdays.
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, n: _WEEKDAY.sub("", written(x, n))))
    ax.tick_params(axis="x", labelsize=_TICKS_PT)
    thousands(ax)
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 2.5, 5, 10]))
    ax.set_ylim(0, 1.12 * top)
    ax.set_ylabel("segments left")
    out = []
    for number, (country, rows) in enumerate(left.groupby("country")):
        style, at = series_style(number), naive(rows["at"])
        values = rows["left"].to_numpy(float)
        ax.plot(at, values, drawstyle="steps-post", label=str(country), **style)
        dry = rows[rows["event"] == "run_out"]
        if len(dry):
            x, y = naive(dry["at"]), dry["left"].to_numpy(float)
            color = style["color"]
            mark: dict[str, Any] = {"marker": "X", "markersize": 11, "linestyle": "none"}
            ax.plot(x, y, color=color, markeredgecolor="white", clip_on=False, zorder=4, **mark)
            out.append((dry["at"].iloc[0], str(country)))
    run_outs = [_whole(f"{country} {day_and_time(at, 'UTC')}") for at, country in sorted(out)]
    nothing = "no package runs out" if len(left) else "no package"
    _title(ax, name, f"empty (X): {listed(run_outs, 3)}" if run_outs else nothing)


def _latency(ax: Axes, name: str, curves: pd.DataFrame) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    _plain(ax)
    ax.set_xscale("log")
    ax.set_xlim(1, 3 * 86_400)
    ax.set_xticks(list(_TICKS_S), list(_TICKS_S.values()), fontsize=_TICKS_PT)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylim(0, 104)
    ax.yaxis.set_major_locator(FixedLocator([0, 25, 50, 75, 95]))
    ax.axhline(95, color=FAINT, linewidth=1, linestyle="--")
    ax.set_xlabel("time since submission, of what is delivered", color=INK)
    ax.set_ylabel("delivered by then, %")
    times = []
    for number, (message_type, curve) in enumerate(curves.groupby("type")):
        style, p95_s = series_style(number), quantile_s(curve, 0.95)
        ax.plot(curve["latency_s"], 100 * curve["share"], label=str(message_type), **style)
        if not math.isnan(p95_s):
            ax.plot([p95_s], [95], "o", color=style["color"], markersize=8, markeredgecolor="white")
        late = "not reached" if math.isnan(p95_s) else duration(p95_s)
        times.append(f"{message_type} within {_whole(late)}")
    _title(ax, name, f"95% arrive: {', '.join(times)}" if times else "nothing is delivered")


def _legend(ax: Axes, position: Literal["upper right", "lower right", "best"]) -> None:
    if ax.get_legend_handles_labels()[1]:
        ax.legend(loc=position, fontsize=10, framealpha=1, labelcolor=INK, handlelength=3)


def _whole(words: str) -> str:
    """Words that are not broken into two lines."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def _plain(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#dddddd", linewidth=0.8)
    ax.set_axisbelow(True)


def _title(ax: Axes, side: str, text: str) -> None:
    lines = textwrap.wrap(f"{side}: {text}", _LINE)
    # A place of its own spares matplotlib the search for one above all labels.
    text = "\n".join(lines)
    ax.set_title(text, loc="left", y=1, fontsize=_TITLE_PT, fontweight="bold", color=INK)
