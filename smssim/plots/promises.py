"""The picture of promises: where each statistic lies against its bound, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smssim.plots._style import FAINT, INK, WARNING, drawing, series_style, set_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Promised", "promises"]

_LEAST, _MOST = 0.0, 2.0
"""The part of the scale that is drawn; the bound is at 1."""
_ROOM_LEFT = 0.3
"""From here on a word has room to the left of its sign, away from the bound."""
_WORDS = {"pass": "holds", "fail": "DOES NOT HOLD", "undecided": "undecided"}
_SIGNS = {"pass": "o", "fail": "X", "undecided": "D"}


class Promised(NamedTuple):
    """One promise: its name and statement, its outcome, and a statistic in parts of its bound;
    *margin* likewise, on the broken side of 1, which is below it for promises *above*.
    """

    name: str
    statement: str
    outcome: str
    estimate: float
    low: float
    high: float
    margin: float
    above: bool


def promises(rows: Sequence[Promised], months: int, *, ax: Axes | None = None) -> Axes:
    """Draw each promise on a line of its own: the side that breaks it in grey, its margin lighter,
    its statistic with the bounds that are certain. What is off the scale stands at its end.
    """
    with drawing(ax) as ax:
        for y, row in enumerate(rows):
            _sides(ax, y, row)
            _statistic(ax, y, row)
        ax.axvline(1, color=INK, linewidth=1.5)
        ax.set_yticks(range(len(rows)), [f"{row.name}\n{row.statement}" for row in rows])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlim(_LEAST, _MOST)
        ax.set_xticks([0, 0.5, 1, 1.5, 2], ["0%", "50%", "the bound", "150%", "200%"])
        kept_count = sum(row.outcome == "pass" for row in rows)
        broken = [row.name for row in rows if row.outcome == "fail"]
        title = (
            f"{kept_count} of {len(rows)} promises hold"
            + f"; broken: {', '.join(broken)}" * bool(broken)
        )
        ax.set_xlabel("the statistic, in parts of its bound")
        below = f"{months:,} months; lines: what is certain; grey breaks the promise"
        set_titles(ax, title, below, 0.75)
    return ax


def _sides(ax: Axes, y: int, row: Promised) -> None:
    beyond = 1 - row.margin if row.above else 1 + row.margin
    end = _LEAST if row.above else _MOST
    for first, last, alpha in ((1.0, beyond, 0.15), (beyond, end, 0.35)):
        spread = sorted(np.clip((first, last), _LEAST, _MOST))
        ax.barh(y, spread[1] - spread[0], 0.8, left=spread[0], color=FAINT, alpha=alpha)


def _statistic(ax: Axes, y: int, row: Promised) -> None:
    colour = WARNING if row.outcome == "fail" else series_style(0)["color"]
    if row.outcome == "undecided":
        colour = INK
    low, at, high = np.clip((row.low, row.estimate, row.high), _LEAST, _MOST)
    style: dict[str, Any] = {"color": colour, "linewidth": 3, "solid_capstyle": "butt"}
    ax.plot([low, high], [y, y], **style)
    ax.plot([at], [y], _SIGNS[row.outcome], color=colour, markersize=11, clip_on=False)
    left = at > _ROOM_LEFT
    ax.annotate(
        _WORDS[row.outcome],
        (at, y),
        (-12 if left else 12, 11),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        color=colour,
    )
