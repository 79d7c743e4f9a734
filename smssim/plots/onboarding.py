"""The way to the first message: the steps of getting started, and how long each took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smssim import report
from smssim.formatting import duration, missing
from smssim.plots._style import INK, day_and_time, drawing, legend_below, said, titled
from smssim.plots._timeline import DONE, MOST, OPEN, TOP, Step, lanes_in_time, number
from smssim.record.record import Record
from smssim.report.review import FIRST_MESSAGE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def onboarding(record: Record | pd.DataFrame, *, ax: Axes | None = None, zone: str = "UTC") -> Axes:
    """Draw a lane a step of getting started, with its duration, and when the first message went.

    Takes a record or the frame of `report.onboarding`; times are in *zone*. Of many steps the
    longest are drawn. Since 2025-01-10 Huawei enables no new users (DOMAIN.md section 1).
    """
    frame = report.onboarding(record) if isinstance(record, Record) else record
    steps = frame[(frame["step"] != FIRST_MESSAGE) & frame["began_at"].notna()]
    first = frame.loc[frame["step"] == FIRST_MESSAGE, "done_at"].iloc[-1]
    until: Any = max([*frame["began_at"].dropna(), *frame["done_at"].dropna()], default=None)
    if isinstance(record, Record) and steps["done_at"].isna().any():
        until = _end(record)
    kept = longest(steps, until)
    with drawing(ax) as ax:
        if len(kept):
            lanes_in_time(ax, [_step(row, until) for row in kept.itertuples()], until, zone)
            _first(ax, first, zone)
            _legend(ax, kept)
        else:
            said(ax, "No steps are known: the account was ready, or a log tells nothing of them.")
        left_out = len(steps) - len(kept)
        more = f"; {left_out} shorter steps are left out" if left_out else ""
        titled(ax, _title(frame, first, zone), f"Steps of getting started, by the clock{more}")
    return ax


def longest(steps: pd.DataFrame, until: pd.Timestamp | None) -> pd.DataFrame:
    """At most `MOST` steps, the longest, in their own order."""
    lasted = steps["done_at"].fillna(until) - steps["began_at"]
    kept = lasted.sort_values(ascending=False, kind="stable").index[:MOST]
    return steps.loc[steps.index.isin(kept)]


def _end(record: Record) -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp(record.observed_until, unit="us", tz="UTC")


def _step(row: tuple[object, ...], until: pd.Timestamp) -> Step:
    step, subject, kind, began, done = (
        getattr(row, name) for name in ("step", "subject", "kind", "began_at", "done_at")
    )
    refused = str(getattr(row, "refused", ""))
    name = f"{str(step).replace('_', ' ')} {subject}".strip()
    if step == "country_registration":
        name = f"register {str(kind).replace('_', ' ')} {subject}"
    lasted = duration(((until if missing(done) else done) - began).total_seconds())
    words = f"not done after {lasted}" if missing(done) else lasted
    if refused:
        words = f"refused: {refused}"
    return Step(name, began, None if missing(done) else done, words)


def _first(ax: Axes, first: pd.Timestamp, zone: str) -> None:
    """The first message, across all lanes."""
    low, high = ax.get_xlim()
    if missing(first) or not low <= number(first) <= high:
        return
    early = number(first) < (low + high) / 2
    ax.axvline(number(first), color=INK, linewidth=2, linestyle=(0, (4, 2)), zorder=1)
    ax.annotate(
        f"first message {day_and_time(first, zone)}",
        (number(first), 0.5 * (TOP - 0.4)),
        (6 if early else -6, 0),
        textcoords="offset points",
        ha="left" if early else "right",
        va="center",
        fontweight="bold",
        color=INK,
    )


def _legend(ax: Axes, kept: pd.DataFrame) -> None:
    from matplotlib.patches import Patch

    found = [Patch(label="done (dot: when)", **DONE)] if kept["done_at"].notna().any() else []
    if kept["done_at"].isna().any():
        found.append(Patch(label="not done", **OPEN))
    legend_below(ax, found)


def _title(frame: pd.DataFrame, first: pd.Timestamp, zone: str) -> str:
    """How long it took to the first message."""
    began = frame["began_at"].min()
    if missing(first):
        return "No message was sent" + ("" if missing(began) else " by the end")
    if missing(began):
        return f"First message on {day_and_time(first, zone)}"
    if first < began:
        return f"The account was sending before these steps, since {day_and_time(first, zone)}"
    lasted = duration((first - began).total_seconds())
    return f"The first message goes out {lasted} after the start"
