"""What is projected: a dashed line with its band, beyond the line at which the record ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smssim.plots._style import FAINT, day_and_time, naive

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LOOK: dict[str, Any] = {"linestyle": (0, (2.5, 1.5)), "linewidth": 2}
"""How the line of a projection looks, but for its colour."""
BAND: dict[str, Any] = {"alpha": 0.22, "linewidth": 0}


def ahead(ax: Axes, rows: pd.DataFrame, columns: tuple[str, str, str], color: Any) -> None:
    """The estimate and its interval against `at`, by their columns: middle, low and high."""
    at = naive(rows["at"])
    middle, low, high = (rows[name].to_numpy(float) for name in columns)
    ax.fill_between(at, low, high, facecolor=color, **BAND)
    ax.plot(at, middle, color=color, label="_ahead", **LOOK)


def record_ends(ax: Axes, at: Any) -> None:
    """A line between what was and what is projected."""
    ax.axvline(at, color=FAINT, linewidth=1.2)
    ax.annotate(
        "record ends",
        (at, 1),
        (-6, -4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right",
        va="top",
        color=FAINT,
        bbox={"boxstyle": "round,pad=0.1", "color": "white", "alpha": 0.85},
        fontsize="small",
    )


def meaning(color: Any) -> list[Any]:
    """What line and band mean, for a legend."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    line = Line2D([], [], color=color, label="projected, if days stay alike", **LOOK)
    return [line, Patch(facecolor=color, label="95 % interval", **BAND)]


def shown(
    later: pd.DataFrame, countries: list[Any], begins: pd.Timestamp, ends: pd.Timestamp
) -> pd.DataFrame:
    """What is projected of these countries, for at most as long again as the record lasted."""
    own = later["country"].isin(countries) & (later["at"] <= ends + (ends - begins))
    return later[own]


def next_out(later: pd.DataFrame, zone: str) -> str:
    """The country that runs out next by what is projected, and when; nothing if none does."""
    found = []
    for country, own in later.groupby("country"):
        at = runs_out(own, "left")
        if at is not None:
            found.append((at, str(country), own))
    if not found:
        return ""
    at, country, own = min(found, key=lambda one: one[:2])
    # What is used quickest is empty first: the lower end of what is left is the earlier date.
    ends = [runs_out(own, f"left_{end}") for end in ("low", "high")]
    early, late = ("later" if end is None else _day(end, zone) for end in ends)
    return f"{country} about {_day(at, zone)} ({early} to {late})"


def _day(at: Any, zone: str) -> str:
    return day_and_time(at, zone)[:-6]


def runs_out(rows: pd.DataFrame, column: str) -> pd.Timestamp | None:
    """When nothing is left of what is projected; None where the last package expires before."""
    empty = (rows[column] == 0).to_numpy()
    if not empty.any():
        return None
    first = int(empty.argmax())
    # What expires has a row before, at the same instant.
    expired = first and rows["at"].iloc[first] == rows["at"].iloc[first - 1]
    return None if expired else rows["at"].iloc[first]
