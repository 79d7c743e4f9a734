"""The lanes below a burn-down: while a country had no package, and whether that stopped sending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from smssim.plots._style import WARNING, naive_moment

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LANES: dict[bool, dict[str, Any]] = {
    False: {"facecolor": "#e4e4e4", "edgecolor": "#8a8a8a", "hatch": "///", "linewidth": 0},
    True: {"facecolor": WARNING, "edgecolor": WARNING, "linewidth": 0},
}
"""How a stretch without packages looks, by whether sending was stopped."""
MEANINGS = {
    False: "no package left: billed at the pay-per-use price",
    True: "no package left: sending stopped",
}


class Dry(NamedTuple):
    """A stretch in which a country had no package left, and whether it stopped sending."""

    begins: Any
    ends: Any
    stopped: bool


def dry_spells(own: pd.DataFrame, until: Any) -> list[Dry]:
    """From each run-out in the rows of a country until something is left again, or *until*.

    A stretch ends, and another begins, where sending stops or resumes with nothing left.
    """
    spells: list[Dry] = []
    since, stopped, least = None, False, 0
    for at, left, event in zip(own["at"], own["left"], own["event"], strict=True):
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
        ax.fill_between(span, y - height / 2, y + height / 2, **LANES[spell.stopped])
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

    found = {spell.stopped for spells in dry.values() for spell in spells}
    return [Patch(label=MEANINGS[stopped], **LANES[stopped]) for stopped in sorted(found)]
