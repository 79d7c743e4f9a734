"""How long the review of templates took, and when the desk was closed meanwhile."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from smssim import report
from smssim.formatting import duration, missing, times
from smssim.plots._style import drawing, legend_below, said, titled
from smssim.plots._timeline import DONE, MOST, OPEN, Step, lanes_in_time
from smssim.record.record import Record
from smssim.report.review import calendar_of
from smssim.workdays import CLOSES_US, GMT8_US, OPENS_US, WorkCalendar

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

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
    kept = _longest(frame, until)
    with drawing(ax) as ax:
        if len(kept):
            lanes_in_time(ax, [_step(row, until) for row in kept.itertuples()], until, zone)
            shaded = _closed(ax, calendar)
            _legend(ax, kept, shaded)
        else:
            said(ax, "No template was handed in, or a log tells nothing of reviews.")
        left_out = len(frame) - len(kept)
        more = f"; {left_out} quicker ones are left out" if left_out else ""
        titled(ax, _title(frame), f"Templates from first submission to approval{more}")
    return ax


def closed(
    begins: float, ends: float, calendar: WorkCalendar, *, nights_until: float = _NIGHTS
) -> list[tuple[float, float]]:
    """The stretches within days since 1970 (UTC) in which the desk does not work.

    Nights are told up to so many days, which leave room for them.
    """
    shift, opens, closes = (us / 86_400e6 for us in (GMT8_US, OPENS_US, CLOSES_US))
    nights = ends - begins <= nights_until
    found, since = [], begins
    for day in range(int(begins + shift), int(ends + shift) + 1):
        if calendar.is_workday(date(1970, 1, 1) + timedelta(days=day)):
            start, end = (opens, closes) if nights else (0.0, 1.0)
            if day + start - shift > since:
                found.append((since, min(ends, day + start - shift)))
            since = max(since, day + end - shift)
    return [*found, (since, ends)] if since < ends else found


def _end(record: Record | pd.DataFrame, frame: pd.DataFrame) -> Any:
    """The last usable moment, or the end of the record if something was still in review."""
    import pandas as pd

    if isinstance(record, Record) and frame["approved_at"].isna().any():
        return pd.Timestamp(record.observed_until, unit="us", tz="UTC")
    columns = (frame[name].dropna() for name in ("submitted_at", "approved_at", "usable_at"))
    return max((at for column in columns for at in column), default=None)


def _longest(frame: pd.DataFrame, until: Any) -> pd.DataFrame:
    lasted = frame["approved_at"].fillna(until) - frame["submitted_at"]
    kept = lasted.sort_values(ascending=False, kind="stable").index[:MOST]
    return frame.loc[frame.index.isin(kept)]


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


def _legend(ax: Axes, kept: pd.DataFrame, shaded: bool) -> None:
    from matplotlib.patches import Patch

    found = (
        [Patch(label="approved (dot: when)", **DONE)] if kept["approved_at"].notna().any() else []
    )
    if kept["approved_at"].isna().any():
        found.append(Patch(label="not approved by the end", **OPEN))
    if shaded:
        found.append(Patch(label="review desk closed", **CLOSED))
    legend_below(ax, found)


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
