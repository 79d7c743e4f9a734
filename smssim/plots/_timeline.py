"""Lanes of time: what was under way from when to when, one lane below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from smssim.plots._style import INK, WARNING, fill, naive_moment, shortened, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "DONE",
    "MOST",
    "OPEN",
    "TOP",
    "Dry",
    "Step",
    "dry_spells",
    "lane",
    "lanes_in_time",
    "meanings",
    "number",
]

MOST = 14
"""Lanes in one picture."""
DONE, OPEN = fill(0), fill(1, "//")
"""How a lane is filled that came to its end, and one that did not."""
TOP = -1.3
"""Where the axis ends above the first lane, which is at 0: room for a line of words."""
_ROOM, _BESIDE = 4, 0.36
"""With fewer lanes they are not made thicker; the part of the axis that words next to one need."""


class Step(NamedTuple):
    """A lane: its name, when it began and was done (None if it was not), and words next to it."""

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
    """Next to the lane where there is more room, or on it if there is none."""
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


# The lanes below a burn-down: while a country had no package, and whether that stopped sending.

_LANES: dict[bool, dict[str, Any]] = {
    False: {"facecolor": "#e4e4e4", "edgecolor": "#8a8a8a", "hatch": "///", "linewidth": 0},
    True: {"facecolor": WARNING, "edgecolor": WARNING, "linewidth": 0},
}
"""How a stretch without packages looks, by whether sending was stopped."""
_MEANINGS = {
    False: "no package left: billed at the pay-per-use price",
    True: "no package left: sending stopped",
}


class Dry(NamedTuple):
    """A stretch in which a country had no package left, and whether it stopped sending."""

    begins: Any
    ends: Any
    stopped: bool


def dry_spells(rows: pd.DataFrame, until: Any) -> list[Dry]:
    """From each run-out in the rows of a country until something is left again, or *until*.

    A stretch ends, and another begins, where sending stops or resumes with nothing left.
    """
    spells: list[Dry] = []
    since, stopped, least = None, False, 0
    for at, left, event in zip(rows["at"], rows["left"], rows["event"], strict=True):
        dry = since is not None
        filled = dry and left > least
        if not filled and event != "suspended" and event != ("resumed" if dry else "run_out"):
            continue
        if dry and at > since:
            spells.append(Dry(since, at, stopped))
        since, stopped, least = (None if filled else at), event == "suspended", left
    return spells if since is None else [*spells, Dry(since, until, stopped)]


def lane(ax: Axes, y: float, height: float, spells: list[Dry], words: str, early: bool) -> None:
    """A bar for each stretch, and *words* before the first, or on it if it begins *early*."""
    for spell in spells:
        span = [naive_moment(spell.begins), naive_moment(spell.ends)]
        ax.fill_between(span, y - height / 2, y + height / 2, **_LANES[spell.stopped])
    ax.annotate(
        words,
        (naive_moment(spells[0].begins), y),
        (6 if early else -6, 0),
        textcoords="offset points",
        ha="left" if early else "right",
        va="center",
        bbox={"boxstyle": "round,pad=0.1", "color": "white", "alpha": 0.85} if early else None,
        zorder=5,
    )


def meanings(dry: Mapping[Any, list[Dry]]) -> list[Any]:
    """What the bars mean that are there, for a legend."""
    from matplotlib.patches import Patch

    present = {spell.stopped for spells in dry.values() for spell in spells}
    return [Patch(label=_MEANINGS[stopped], **_LANES[stopped]) for stopped in sorted(present)]
