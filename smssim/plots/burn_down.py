"""How the packages are used up, and how long nothing is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from smssim import report
from smssim.plots.canvas import (
    INK,
    WARNING,
    day_and_time,
    drawing,
    look,
    plain,
    thousands,
    time_axis,
    titled,
)
from smssim.record import Record
from smssim.report.layout import listed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MARKS = {
    "package_bought": ("package bought", "^"),
    "package_empty": ("package used up", "o"),
    "package_expired": ("package expired", "s"),
    "run_out": ("nothing left", "X"),
}
"""What is marked on the lines: its name in the legend, and its marker."""
LANES: dict[bool, dict[str, Any]] = {
    False: {"facecolor": "#e4e4e4", "edgecolor": "#8a8a8a", "hatch": "///", "linewidth": 0},
    True: {"facecolor": WARNING, "edgecolor": WARNING, "linewidth": 0},
}
"""How the bar of a stretch without packages looks, by whether sending was stopped."""
_MEANINGS = {False: "no package: billed message by message", True: "no package: sending stopped"}
_LANE = 0.075
"""The height of the lane of a country that ran out, as a share of the highest line."""


class Dry(NamedTuple):
    """A stretch in which a country had no package left, and whether it stopped sending."""

    begins: Any
    ends: Any
    stopped: bool


def burn_down(
    record: Record | pd.DataFrame, *, ax: Axes | None = None, zone: str = "UTC"
) -> Axes:
    """Draw what is left in the packages of each country, and in lanes below, while nothing is.

    Takes a record or the frame of `report.burn_down`; dates are in *zone*, an IANA name. A lane
    lasts from a run-out to the next package; it is solid where sending is stopped.
    """
    frame = report.burn_down(record) if isinstance(record, Record) else record
    countries = _countries(frame)
    dry = {country: spells for country in countries if (spells := dry_spells(frame, country))}
    top = max([1.0, *frame["left"].dropna().astype(float)])
    with drawing(ax) as ax:
        time_axis(ax, frame["at"], zone)
        thousands(ax)
        ax.set_ylim(-(len(dry) + 0.4) * _LANE * top if dry else 0, 1.1 * top)
        ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= 1.1 * top])
        ax.axhline(0, color=INK, linewidth=1)
        for number, country in enumerate(countries):
            _line(ax, frame[frame["country"] == country], look(number))
        _names(ax, frame, countries, top)
        for lane, (country, spells) in enumerate(dry.items()):
            _lane(ax, -(lane + 0.7) * _LANE * top, _LANE * top, country, spells, zone)
        ax.set_ylabel("segments left")
        _legend(ax, frame, dry)
        titled(ax, _title(dry, zone), "Segments left in the packages of each country")
    return ax


def dry_spells(frame: pd.DataFrame, country: str) -> list[Dry]:
    """From each run-out of a country until something is left again, or the end of the frame."""
    own = frame[frame["country"] == country]
    spells: list[Dry] = []
    begins, stopped, least = None, False, 0
    for at, left, event in zip(own["at"], own["left"], own["event"], strict=True):
        if begins is None and event in ("run_out", "suspended"):
            begins, stopped, least = at, False, left
        stopped |= event == "suspended"
        if begins is not None and (left > least or event == "resumed"):
            spells.append(Dry(begins, at, stopped))
            begins = None
    return spells if begins is None else [*spells, Dry(begins, frame["at"].max(), stopped)]


def _countries(frame: pd.DataFrame) -> list[str]:
    """Countries by the most they ever had, so that neighbours in the picture look different."""
    most = frame.groupby("country")["left"].max().sort_values(ascending=False, kind="stable")
    return [str(country) for country in most.index]


def _line(ax: Axes, own: pd.DataFrame, style: dict[str, Any]) -> None:
    at, left = plain(own["at"]), own["left"].to_numpy(float)
    ax.plot(at, left, drawstyle="steps-post", **style)
    for event, (_, marker) in MARKS.items():
        here = (own["event"] == event).to_numpy()
        ax.plot(at[here], left[here], clip_on=False, **_marker(event, marker, style["color"]))


def _marker(event: str, marker: str, color: Any) -> dict[str, Any]:
    """Hollow where a package ends, filled where something begins."""
    hollow = event in ("package_empty", "package_expired")
    return {
        "linestyle": "none",
        "marker": marker,
        "markersize": 12,
        "markerfacecolor": "white" if hollow else color,
        "markeredgecolor": color if hollow else "white",
        "markeredgewidth": 2 if hollow else 1,
        "zorder": 3 + (not hollow),
    }


def _names(ax: Axes, frame: pd.DataFrame, countries: list[str], top: float) -> None:
    """Each country's name where its line is highest; names that would cover each other move."""
    taken: list[tuple[Any, float]] = []
    for number, country in enumerate(countries):
        row = frame["left"].where(frame["country"] == country).idxmax()
        at, y = plain(frame["at"].loc[[row]])[0], float(frame["left"].loc[row])
        while any(at == other and abs(y - height) < 0.06 * top for other, height in taken):
            y -= 0.01 * top
        taken.append((at, y))
        ax.annotate(
            country,
            (at, y),
            (12, 6),
            textcoords="offset points",
            fontsize="large",
            fontweight="bold",
            color=look(number)["color"],
            zorder=5,
        )


def _lane(
    ax: Axes, y: float, height: float, country: str, spells: list[Dry], zone: str
) -> None:
    """A bar for each stretch without packages, and in words when it began."""
    from matplotlib.dates import date2num

    begins = [float(date2num(spell.begins)) for spell in spells]
    for start, spell in zip(begins, spells, strict=True):
        span = (start, float(date2num(spell.ends)) - start)
        ax.broken_barh([span], (y - 0.38 * height, 0.76 * height), **LANES[spell.stopped])
    low, high = ax.get_xlim()
    early = begins[0] < low + 0.4 * (high - low)
    dates = [day_and_time(spell.begins, zone) for spell in spells]
    ax.annotate(
        f"{country} empty {listed(dates, 3)}",
        (begins[0], y),
        (6 if early else -6, 0),
        textcoords="offset points",
        ha="left" if early else "right",
        va="center",
        bbox={"boxstyle": "round,pad=0.1", "color": "white", "alpha": 0.85} if early else None,
        zorder=5,
    )


def _legend(ax: Axes, frame: pd.DataFrame, dry: dict[str, list[Dry]]) -> None:
    """What the markers and bars that are there mean, below the picture."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    happened = set(frame["event"])
    handles: list[Any] = [
        Line2D([], [], label=label, **_marker(event, marker, INK))
        for event, (label, marker) in MARKS.items()
        if event in happened
    ]
    stops = {spell.stopped for spells in dry.values() for spell in spells}
    handles += [Patch(label=_MEANINGS[stop], **LANES[stop]) for stop in sorted(stops)]
    if handles:
        ax.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.13),
            ncols=3,
            frameon=False,
            fontsize="small",
        )


def _title(dry: dict[str, list[Dry]], zone: str) -> str:
    """The first run-out of each country, in the order in which they come."""
    if not dry:
        return "No package runs out"
    first = sorted((spells[0].begins, country) for country, spells in dry.items())
    told = listed([f"{country} {day_and_time(at, zone)[:-6]}" for at, country in first])
    stopped = any(spell.stopped for spells in dry.values() for spell in spells)
    return f"Packages run out{' and sending stops' if stopped else ''}: {told}"
