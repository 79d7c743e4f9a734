"""Two months side by side: how far each figure of one is from the other's, and how surely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smssim import report
from smssim.formatting import amount, duration, share
from smssim.plots._style import (
    CYCLE,
    FAINT,
    INK,
    drawing,
    legend_below,
    set_titles,
    shortened,
    show_message,
)
from smssim.record.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MOST", "compare", "drawn"]

MOST = 16
"""Figures in one picture: first those that tell which is better, then those with an interval."""
_WIDEST = 100.0
"""Per cent; what is farther away is an arrow at the edge, and its figures stand next to it."""
_LOOKS: dict[str, tuple[str, int, str]] = {
    "b": ("{b} is better", 0, "o"),
    "a": ("{a} is better", 1, "s"),
    "": ("undecided", 4, "D"),
}
"""By `better`: its words in the legend, its colour of the cycle and its marker."""


def compare(
    a: Record | pd.DataFrame,
    b: Record | None = None,
    *,
    names: tuple[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how far *b* is from *a*, a point and its 95% interval a figure, in per cent of *a*'s.

    Takes two records, or the frame of `report.compare` alone. *names* are what the two are called,
    by default the records' names, or A and B. Figures that are the same without doubt, or that one
    of the two does not know, are left out; raise a ValueError for one record alone.
    """
    if isinstance(a, Record):
        if b is None:
            raise ValueError("b(=None) must be a record, to be compared with the first")
        names = names or _names(a, b)
        frame = report.compare(a, b)
    else:
        frame = a
    one, other = (shortened(name) for name in names or ("A", "B"))
    rows = drawn(frame)
    with drawing(ax) as ax:
        if len(rows):
            _rows(ax, rows)
            _axis(ax, rows, one)
            _legend(ax, rows, one, other)
        else:
            show_message(ax, "Nothing is different, or nothing is known of both.")
        below = f"{other} less {one}, in % of {one}, with 95% intervals; both values next to it"
        set_titles(ax, _title(frame, one, other), below, 0.88)
    return ax


def drawn(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that are drawn, with `at`, `low` and `high` in per cent of *a*'s value.

    Where that is 0 there is no per cent, and any difference is beyond the edge.
    """
    both_known = frame[frame["a"].notna() & frame["b"].notna() & (frame["difference"] != 0)]
    rank = np.where(
        both_known["better"] != "", 0, np.where(both_known["difference_low"].notna(), 1, 2)
    )
    first = both_known.iloc[np.sort(np.argsort(rank, kind="stable")[:MOST])]
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = {
            end: 100 * first[name].to_numpy(float) / np.abs(first["a"].to_numpy(float))
            for end, name in (
                ("at", "difference"),
                ("low", "difference_low"),
                ("high", "difference_high"),
            )
        }
    return first.assign(**percent)


def _names(a: Record, b: Record) -> tuple[str, str]:
    return (a.name, b.name) if a.name != b.name else ("A", "B")


def _rows(ax: Axes, rows: pd.DataFrame) -> None:
    import matplotlib as mpl

    edge = _edge(rows)
    for y, row in enumerate(rows.itertuples()):
        _, colour, marker = _LOOKS[str(row.better)]
        color = mpl.color_sequences[CYCLE][colour]
        values = np.array([row.low, row.high, row.at], float)
        low, high, at = np.clip(values, -edge, edge)
        if not np.isnan(low + high):
            ax.plot([low, high], [y, y], color=color, linewidth=4, solid_capstyle="butt")
        beyond = abs(values[2]) > edge
        if beyond:
            marker = ">" if values[2] > 0 else "<"
        sure = not np.isnan(low + high)
        ax.plot(
            [at],
            [y],
            linestyle="none",
            marker=marker,
            markersize=13 if beyond else 11,
            color=color,
            markerfacecolor=color if sure else "white",
            markeredgecolor="white" if sure else color,
            markeredgewidth=1 if sure else 2,
            clip_on=False,
            zorder=4,
        )
        ax.annotate(
            _both(row.a, row.b, str(row.unit)),
            (1, y),
            (16, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=INK,
            fontsize="small",
        )


def _edge(rows: pd.DataFrame) -> float:
    """How far the axis reaches to either side, in per cent."""
    ends = np.abs(rows[["at", "low", "high"]].to_numpy(float))
    ends = ends[np.isfinite(ends)]
    return float(min(_WIDEST, 1.15 * ends.max())) if ends.size else _WIDEST


def _axis(ax: Axes, rows: pd.DataFrame, one: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    edge = _edge(rows)
    ax.axvline(0, color=INK, linewidth=1.5, zorder=1)
    ax.set_xlim(-edge, edge)
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:+.10g}%" if value else "same")
    )
    ax.grid(axis="x", color="#dddddd", linewidth=0.8)
    subjects = [f"{name} {of}".strip() for name, of in zip(rows["name"], rows["of"], strict=True)]
    ax.set_yticks(range(len(rows)), [shortened(subject) for subject in subjects])
    ax.set_ylim(max(len(rows), 4) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0, pad=12)
    ax.set_xlabel(f"difference, % of {one}")


def _legend(ax: Axes, rows: pd.DataFrame, one: str, other: str) -> None:
    import matplotlib as mpl
    from matplotlib.lines import Line2D

    handles = []
    for better, (words, colour, marker) in _LOOKS.items():
        if (rows["better"] == better).any():
            color = mpl.color_sequences[CYCLE][colour]
            label = words.format(a=one, b=other)
            style: dict[str, Any] = {
                "color": color,
                "marker": marker,
                "markersize": 11,
                "linewidth": 4,
            }
            handles.append(Line2D([], [], label=label, markeredgecolor="white", **style))
    if rows["low"].isna().any():
        hollow: dict[str, Any] = {
            "markerfacecolor": "white",
            "markeredgecolor": FAINT,
            "markersize": 11,
        }
        handles.append(Line2D([], [], linestyle="none", marker="D", label="no interval", **hollow))
    legend_below(ax, handles)


def _both(one: Any, other: Any, unit: str) -> str:
    """Two values, and the unit once unless it stands with each."""
    if unit in ("share", "s"):
        formatted = share if unit == "share" else duration
        return f"{formatted(one)} → {formatted(other)}"
    whole = [f"{int(x):,}" if x == int(x) else amount(x) for x in (one, other)]
    return f"{' → '.join(whole)} {unit}"


def _title(frame: pd.DataFrame, one: str, other: str) -> str:
    """In how many figures each is better for sure."""
    counts = {side: int((frame["better"] == side).sum()) for side in ("a", "b")}
    if not any(counts.values()):
        return f"Neither {one} nor {other} is surely better in anything"
    figures = f"{counts['b']} figure{'s' * (counts['b'] != 1)}" if counts["b"] else "none"
    return f"{other} is better in {figures}, {one} in {counts['a'] or 'none'}"
