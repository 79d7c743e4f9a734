"""How long the review of templates took, and when the desk was closed meanwhile."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from smssim import report
from smssim.formatting import duration, missing, times
from smssim.plots._style import (
    INK,
    day_and_time,
    drawing,
    legend_below,
    naive,
    series_style,
    set_titles,
    show_message,
    time_axis,
)
from smssim.plots._timeline import DONE, MOST, OPEN, TOP, Step, lanes_in_time, number
from smssim.record.record import Record
from smssim.report.review import FIRST_MESSAGE, calendar_of
from smssim.workdays import CLOSES_US, GMT8_US, OPENS_US, WorkCalendar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CLOSED", "closed", "latest", "launch_risk", "longest", "onboarding", "review"]

CLOSED: dict[str, Any] = {"facecolor": "#ebebeb", "linewidth": 0}
_NIGHTS, _WEEKENDS = 31, 124
"""Up to so many days nights are shaded, and days without work."""


def review(record: Record | pd.DataFrame, *, ax: Axes | None = None, zone: str = "UTC") -> Axes:
    """Draw a lane a template from first submission to approval, and the desk's closed hours.

    Takes a record or the frame of `report.review`, with the published calendar; times are in
    *zone*. Of many templates those that took longest are drawn. The desk works 09:00-18:00 GMT+8
    on Chinese workdays (DOMAIN.md section 4).
    """
    frame = report.review(record) if isinstance(record, Record) else record
    calendar = calendar_of(record) if isinstance(record, Record) else WorkCalendar()
    until = _end(record, frame)
    drawn = _longest(frame, until)
    with drawing(ax) as ax:
        if len(drawn):
            lanes_in_time(ax, [_step(row, until) for row in drawn.itertuples()], until, zone)
            shaded = _closed(ax, calendar)
            _legend(ax, drawn, shaded)
        else:
            show_message(ax, "No template was handed in, or a log does not show reviews.")
        left_out = len(frame) - len(drawn)
        more = f"; {left_out} quicker ones are left out" if left_out else ""
        set_titles(ax, _title(frame), f"Templates from first submission to approval{more}")
    return ax


def closed(
    begins: float, ends: float, calendar: WorkCalendar, *, nights_until: float = _NIGHTS
) -> list[tuple[float, float]]:
    """The stretches within days since 1970 (UTC) in which the desk does not work.

    Nights are told up to so many days, which leave room for them.
    """
    shift, opens, closes = (us / 86_400e6 for us in (GMT8_US, OPENS_US, CLOSES_US))
    nights = ends - begins <= nights_until
    spans, since = [], begins
    for day in range(int(begins + shift), int(ends + shift) + 1):
        if calendar.is_workday(date(1970, 1, 1) + timedelta(days=day)):
            start, end = (opens, closes) if nights else (0.0, 1.0)
            if day + start - shift > since:
                spans.append((since, min(ends, day + start - shift)))
            since = max(since, day + end - shift)
    return [*spans, (since, ends)] if since < ends else spans


def _end(record: Record | pd.DataFrame, frame: pd.DataFrame) -> Any:
    """The last usable moment, or the end of the record if something was still in review."""
    if isinstance(record, Record) and frame["approved_at"].isna().any():
        return pd.Timestamp(record.observed_until, unit="us", tz="UTC")
    columns = (frame[name].dropna() for name in ("submitted_at", "approved_at", "usable_at"))
    return max((at for column in columns for at in column), default=None)


def _longest(frame: pd.DataFrame, until: Any) -> pd.DataFrame:
    lasted = frame["approved_at"].fillna(until) - frame["submitted_at"]
    longest_rows = lasted.sort_values(ascending=False, kind="stable").index[:MOST]
    return frame.loc[frame.index.isin(longest_rows)]


def _step(row: Any, until: pd.Timestamp) -> Step:
    tries = f", rejected {times(row.rejected)}" if row.rejected else ""
    if missing(row.approved_at):
        lasted = duration((until - row.submitted_at).total_seconds())
        return Step(row.template, row.submitted_at, None, f"{row.state} after {lasted}{tries}")
    wall, working = duration(3_600 * row.wall_h), duration(3_600 * row.working_h)
    words = f"{wall}, {'all' if working == wall else working} of it working{tries}"
    return Step(row.template, row.submitted_at, row.approved_at, words)


def _closed(ax: Axes, calendar: WorkCalendar) -> bool:
    low, high = ax.get_xlim()
    if high - low > _WEEKENDS:
        return False
    spans = closed(low, high, calendar)
    for begins, ends in spans:
        ax.axvspan(begins, ends, zorder=0, **CLOSED)
    return bool(spans)


def _legend(ax: Axes, drawn: pd.DataFrame, shaded: bool) -> None:
    from matplotlib.patches import Patch

    handles = (
        [Patch(label="approved (dot: when)", **DONE)] if drawn["approved_at"].notna().any() else []
    )
    if drawn["approved_at"].isna().any():
        handles.append(Patch(label="not approved by the end", **OPEN))
    if shaded:
        handles.append(Patch(label="review desk closed", **CLOSED))
    legend_below(ax, handles)


def _title(frame: pd.DataFrame) -> str:
    """The longest of the approvals, by the clock and in working time."""
    approved = frame[frame["approved_at"].notna()]
    waiting = len(frame) - len(approved)
    if not len(approved):
        return f"{waiting} templates not approved by the end" if waiting else "No reviews"
    last = approved.iloc[int(approved["wall_h"].argmax())]
    wall, working = duration(3_600 * last["wall_h"]), duration(3_600 * last["working_h"])
    more = f"; {waiting} not approved by the end" if waiting else ""
    longest = "Approval takes" if len(approved) == 1 else "The longest approval takes"
    return f"{longest} {wall}, of which the desk works {working}{more}"


# The way to the first message: the steps of getting started, and how long each took.


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
        until = _end_onboarding(record)
    drawn = longest(steps, until)
    with drawing(ax) as ax:
        if len(drawn):
            lanes_in_time(
                ax, [_step_onboarding(row, until) for row in drawn.itertuples()], until, zone
            )
            _first(ax, first, zone)
            _legend_onboarding(ax, drawn)
        else:
            show_message(
                ax, "No steps are known: the account was ready, or a log does not show them."
            )
        left_out = len(steps) - len(drawn)
        more = f"; {left_out} shorter steps are left out" if left_out else ""
        set_titles(
            ax,
            _title_onboarding(frame, first, zone),
            f"Steps of getting started, by the clock{more}",
        )
    return ax


def longest(steps: pd.DataFrame, until: pd.Timestamp | None) -> pd.DataFrame:
    """At most `MOST` steps, the longest, in their own order."""
    lasted = steps["done_at"].fillna(until) - steps["began_at"]
    longest_rows = lasted.sort_values(ascending=False, kind="stable").index[:MOST]
    return steps.loc[steps.index.isin(longest_rows)]


def _end_onboarding(record: Record) -> pd.Timestamp:
    return pd.Timestamp(record.observed_until, unit="us", tz="UTC")


def _step_onboarding(row: tuple[object, ...], until: pd.Timestamp) -> Step:
    step, subject, registration, began, done = (
        getattr(row, name) for name in ("step", "subject", "kind", "began_at", "done_at")
    )
    refused = str(getattr(row, "refused", ""))
    name = f"{str(step).replace('_', ' ')} {subject}".strip()
    if step == "country_registration":
        name = f"register {str(registration).replace('_', ' ')} {subject}"
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


def _legend_onboarding(ax: Axes, drawn: pd.DataFrame) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(label="done (dot: when)", **DONE)] if drawn["done_at"].notna().any() else []
    if drawn["done_at"].isna().any():
        handles.append(Patch(label="not done", **OPEN))
    legend_below(ax, handles)


def _title_onboarding(frame: pd.DataFrame, first: pd.Timestamp, zone: str) -> str:
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


# The risk of a date: how likely it is not to be ready, for each moment of handing in.

_MOST_DOTS = 60
"""With more moments than that a line tells more than its dots."""
_NIGHTS_launch_risk = 10
"""Up to so many days nights are shaded: lines go across, and stripes would hide them."""


def launch_risk(
    frame: pd.DataFrame, *, accepted: float = 0.05, ax: Axes | None = None, zone: str = "UTC"
) -> Axes:
    """Draw the risk of a launch against the moment of handing in or beginning, with its interval.

    Takes the frame of `smssim.find.launch_risk`; the title shows the last of its moments at which
    the risk is surely below *accepted*, and whether it is at all moments before. The closed hours
    of the review desk are shaded, by the published calendar; times are in *zone*.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows = frame.sort_values("at")
    with drawing(ax) as ax:
        margin = 0.02 * (rows["at"].max() - rows["at"].min())
        time_axis(ax, rows["at"].min() - margin, rows["at"].max() + margin, zone)
        low, high = ax.get_xlim()
        for begins, ends in closed(low, high, WorkCalendar(), nights_until=_NIGHTS_launch_risk):
            ax.axvspan(begins, ends, zorder=0, **CLOSED)
        at, style = naive(rows["at"]), series_style(0)
        marker = "o" if len(rows) <= _MOST_DOTS else ""
        ax.plot(at, 100 * rows["risk"], marker=marker, markersize=7, **style)
        band = (100 * rows["low"], 100 * rows["high"])
        ax.fill_between(at, *band, color=style["color"], alpha=0.25, lw=0)
        ax.axhline(100 * accepted, color=INK, linewidth=1.5, linestyle="--")
        ax.set_ylim(-2, 102)
        ax.set_ylabel("not ready at the launch, %")
        legend_below(
            ax,
            [
                Line2D([], [], marker=marker, label="risk and its interval", **style),
                Line2D([], [], color=INK, linestyle="--", label=f"accepted: {_percent(accepted)}"),
                Patch(label="review desk closed", **CLOSED),
            ],
        )
        below = f"Of {rows['n'].max():,} replications for each moment of handing in or beginning"
        set_titles(ax, _title_launch_risk(rows, accepted, zone), below)
    return ax


def latest(frame: pd.DataFrame, accepted: float) -> pd.Timestamp | None:
    """The last moment at which the risk is surely below that share; None if there is none."""
    sure = frame.loc[frame["high"] < accepted, "at"]
    return sure.max() if len(sure) else None


def _title_launch_risk(frame: pd.DataFrame, accepted: float, zone: str) -> str:
    last = latest(frame, accepted)
    if last is None:
        return f"The risk is nowhere surely below {_percent(accepted)}"
    day = f"{last.tz_convert(zone):%a}"
    moment = f"{day} {day_and_time(last, zone)}"
    if (frame.loc[frame["at"] <= last, "high"] < accepted).all():
        return f"Risk below {_percent(accepted)} until {moment}"
    # Handing in later may be safer: what comes at night is decided in the morning.
    return f"Last moment with a risk below {_percent(accepted)}: {moment} (not all before it)"


def _percent(accepted: float) -> str:
    """A share that the caller chose, as he would say it."""
    return f"{100 * accepted:g}%"
