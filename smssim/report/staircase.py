"""The staircase of each UTC day: what was counted so far, against the two daily values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.record.record import Record
from smssim.record.schema import TIME
from smssim.record.tallies import SLOT_US
from smssim.report.in_force import values_in_force
from smssim.report.needs import needs
from smssim.report.rules import scenario_of
from smssim.report.spans import instants, microseconds, stops
from smssim.report.usage import usage

if TYPE_CHECKING:
    import pandas as pd

_TYPES = {
    "slot": TIME,
    "at": TIME,
    "day": TIME,
    "used": "int64",
    "alarm": "int64",
    "limit": "int64",
    "suspended": "bool",
}


@needs("money", "clock", "events")
def staircase(record: Record) -> pd.DataFrame:
    """One row a 15-minute slot (UTC) of the record: the steps of its days, as `usage` counts them.

    `slot` is where the slot begins and `at` where it ends, if the record does not end before it;
    `used` is what was counted from the beginning of `day` until `at`, in messages or segments as
    in `thresholds`, those to mainland China left out. `alarm` and `limit` are the daily values in
    force at the end of the slot; `suspended` says whether the daily or the monthly limit stopped
    sending then or before within the slot. A log tells neither rules nor values and has no rows.
    """
    import pandas as pd

    steps, scenario = usage(record), scenario_of(record)
    steps = steps[steps["period"] == "day"]
    ends, days = microseconds(steps["at"]), microseconds(steps["start"])
    slots = (ends - 1) // SLOT_US * SLOT_US
    # The first slot of a record may have begun before it.
    slots = np.maximum(slots, record.observed_from)
    suspended = np.zeros(len(slots), np.bool_)
    columns: dict[str, Any] = {
        "slot": instants(slots),
        "at": instants(ends),
        "day": instants(days),
        "used": steps["used"].to_numpy(),
        "alarm": np.zeros(0),
        "limit": np.zeros(0),
        "suspended": suspended,
    }
    if scenario is not None:
        for kind in ("alarm", "limit"):
            columns[kind] = values_in_force(record, f"daily_{kind}", scenario.thresholds, ends)
        for period in ("day", "month"):
            for stop in stops(record, "limit", "recovered", period):
                suspended |= (slots < stop.end) & (ends > stop.start)
    return pd.DataFrame({name: pd.Series(columns[name], dtype=t) for name, t in _TYPES.items()})
