"""Lanes of time: what was under way from when to when, one lane below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from smssim.plots._bars import fill, shortened
from smssim.plots._style import INK, naive_moment, time_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST = 14
"""Lanes in one picture."""
DONE, OPEN = fill(0), fill(1, "//")
"""How a lane is filled that came to its end, and one that did not."""
TOP = -1.3
"""Where the axis ends above the first lane, which is at 0: room for a line of words."""
_ROOM, _BESIDE = 4, 0.36
"""With fewer lanes they are not made thicker; the part of the axis that words beside one need."""


class Step(NamedTuple):
    """A lane: its name, when it began and was done (None if it was not), and words beside it."""

    name: str
    begins: pd.Timestamp
    ends: pd.Timestamp | None
    words: str


def lanes_in_time(ax: Axes, steps: Sequence[Step], until: pd.Timestamp, zone: str) -> None:
    """A lane a step, the first on top, each with a dot where it was done.

    What is not done lasts *until*; the axis reaches from the first beginning to there.
    """
    begins = min(step.begins for step in steps)
    margin = 0.03 * max(until - begins, (until - until) + _minute())
    low, high = begins - margin, until + margin
    time_axis(ax, low, high, zone)
    for row, step in enumerate(steps):
        _lane(ax, row, step, until)
        _words(ax, row, step, (low, high), until)
    ax.set_yticks(range(len(steps)), [shortened(step.name) for step in steps])
    ax.set_ylim(max(len(steps), _ROOM) - 0.5, TOP)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(axis="x", color="#dddddd", linewidth=0.8)


def number(at: pd.Timestamp) -> float:
    """A moment as matplotlib counts it: days since 1970, UTC."""
    from matplotlib import dates as untyped

    dates: Any = untyped
    return float(dates.date2num(naive_moment(at)))


def _minute() -> Any:
    import pandas as pd

    return pd.Timedelta(minutes=1)


def _lane(ax: Axes, row: int, step: Step, until: pd.Timestamp) -> None:
    start = number(step.begins)
    width = number(until if step.ends is None else step.ends) - start
    ax.barh(row, width, 0.62, start, **(OPEN if step.ends is None else DONE))
    if step.ends is not None:
        ax.plot(
            [start + width], [row], marker="o", markersize=10, color=INK, markeredgecolor="white"
        )


def _words(
    ax: Axes,
    row: int,
    step: Step,
    axis: tuple[pd.Timestamp, pd.Timestamp],
    until: pd.Timestamp,
) -> None:
    """Beside the lane where there is more room, or on it if there is none."""
    low, high = axis
    ends = until if step.ends is None else step.ends
    before, after = (step.begins - low) / (high - low), (high - ends) / (high - low)
    style: dict[str, Any] = {"textcoords": "offset points", "va": "center", "color": INK}
    style["bbox"] = {"boxstyle": "round,pad=0.15", "color": "white", "alpha": 0.85}
    if max(before, after) < _BESIDE:
        middle = (number(step.begins) + number(ends)) / 2
        ax.annotate(step.words, (middle, row), (0, 0), ha="center", **style)
    elif after >= before or after >= _BESIDE:
        ax.annotate(step.words, (number(ends), row), (12, 0), ha="left", **style)
    else:
        ax.annotate(step.words, (number(step.begins), row), (-8, 0), ha="right", **style)
