"""How long the review of templates took, on the clock and in the desk's working time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.calendars import HOUR
from smssim.record.record import Record
from smssim.record.schema import TIME
from smssim.report.needs import needs
from smssim.report.rules import scenario_of
from smssim.report.spans import instants, microseconds
from smssim.workdays import WorkCalendar, working_us_between

if TYPE_CHECKING:
    import pandas as pd

_TYPES = {
    "template": "str",
    "attempts": "int64",
    "submitted_at": TIME,
    "approved_at": TIME,
    "usable_at": TIME,
    "wall_h": "float64",
    "working_h": "float64",
    "rejected": "int64",
    "state": "str",
}
_DECIDED = ("decided_at", "usable_at")
_NAT = np.iinfo(np.int64).min


@needs("reviews")
def review(record: Record) -> pd.DataFrame:
    """One row a template that was handed in, in the order of the scenario.

    `submitted_at` is the first of its `attempts`; `wall_h` and `working_h` are the hours from there
    to the approval, by the clock and within 09:00-18:00 GMT+8 of Chinese workdays, NaN without
    one. `rejected` counts rejections; `state` is approved, rejected, or in review at the end of
    the record (a rejected template is mended and handed in again). A log knows no reviews.
    """
    import pandas as pd

    rows = rows_of(record)
    columns = {name: [row[name] for row in rows] for name in _TYPES}
    return pd.DataFrame(
        {
            name: pd.Series(instants(columns[name]) if t == TIME else columns[name], dtype=t)
            for name, t in _TYPES.items()
        }
    )


def rows_of(record: Record) -> list[dict[str, Any]]:
    """The rows of `review` as plain values, times in microseconds; None is what did not happen."""
    reviews = record.reviews
    if reviews is None or not len(reviews):
        return []
    calendar = calendar_of(record)
    names, decisions = reviews["template"].to_numpy(), reviews["decision"].to_numpy()
    times = {name: microseconds(reviews[name]) for name in ("submitted_at", *_DECIDED)}
    found = []
    for template in dict.fromkeys(names.tolist()):
        own = names == template
        submitted = int(times["submitted_at"][own].min())
        approval = own & (decisions == "approved")
        approved, usable = (
            next((at for at in times[name][approval].tolist() if at != _NAT), None)
            for name in _DECIDED
        )
        last = decisions[own][-1]
        found.append(
            {
                "template": template,
                "attempts": int(own.sum()),
                "submitted_at": submitted,
                "approved_at": approved,
                "usable_at": usable,
                "wall_h": None if approved is None else (approved - submitted) / HOUR,
                "working_h": None
                if approved is None
                else working_us_between(submitted, approved, calendar) / HOUR,
                "rejected": int((decisions[own] == "rejected").sum()),
                "state": "in review" if last not in ("approved", "rejected") else last,
            }
        )
    return found


def calendar_of(record: Record) -> WorkCalendar:
    """The desk's calendar with the days that the scenario adds."""
    scenario = scenario_of(record)
    if scenario is None:
        return WorkCalendar()
    rules = scenario.review
    return WorkCalendar(
        [day.date() for day in rules.extra_workdays], [day.date() for day in rules.extra_holidays]
    )
