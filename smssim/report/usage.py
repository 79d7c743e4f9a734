"""How the counts of thresholds rose within each UTC day and month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smssim.record.record import Record
from smssim.record.schema import TIME
from smssim.record.tallies import SLOT_US
from smssim.report.needs import needs
from smssim.report.rules import counted, of_side, scenario_of
from smssim.report.spans import instants, microseconds, periods
from smssim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
_SENT = ("delivered", "expired", "failed", "in_flight")


@needs("money", "clock")
def usage(record: Record) -> pd.DataFrame:
    """What thresholds have counted since the start of their day or month, every 15 minutes (UTC).

    A row holds the count `used` just before `at`, the end of a slot (or of the record), in the
    `period` that began at `start`, in messages or segments as in `thresholds`; those to mainland
    China count by themselves and are left out. A log has no rows.
    """
    import pandas as pd

    scenario = scenario_of(record)
    first, until = record.observed_from // SLOT_US, record.observed_until
    starts = np.arange(first, -(-until // SLOT_US)) * SLOT_US
    if scenario is None:
        starts = starts[:0]
    ends = np.minimum(starts + SLOT_US, until)
    total = np.append(0, np.cumsum(_counted(record, scenario, starts))) if scenario else np.zeros(1)
    found = []
    for period in ("day", "month"):
        begins = np.array([span.start for span in periods(record, period)])
        of_slot = np.searchsorted(begins, starts, "right") - 1
        before = total[np.searchsorted(starts, begins)]
        columns = {
            "at": instants(ends),
            "period": period,
            "start": instants(begins[of_slot]),
            "used": total[1:] - before[of_slot],
        }
        found.append(pd.DataFrame(columns))
    types = {"at": TIME, "period": "str", "start": TIME, "used": "int64"}
    return pd.concat(found, ignore_index=True).astype(types)


def _counted(record: Record, scenario: Scenario, starts: Ints) -> Ints:
    """What was counted in each slot."""
    clock = of_side(record.tallies.clock, mainland=False)
    slots = np.searchsorted(starts, microseconds(clock["slot"]))
    values = clock["segments" if scenario.thresholds.unit == "segment" else "messages"]

    def summed(outcomes: tuple[str, ...]) -> Ints:
        sums = np.zeros(len(starts), np.int64)
        own = clock["outcome"].isin(outcomes).to_numpy()
        np.add.at(sums, slots[own], values.to_numpy(np.int64)[own])
        return sums

    sent, refused = summed(_SENT), summed(("refused_platform",))
    money = of_side(record.tallies.money, mainland=False)
    money = money[money["charge"] == "refused_3"]
    days, weights = microseconds(money["day"]), counted(scenario, money)
    for span in periods(record, "day"):
        own = (starts >= span.start) & (starts < span.end)
        # The clock does not tell codes apart: a day's refusals that count are spread over all.
        share = int(weights[days == span.start].sum()) / max(1, int(refused[own].sum()))
        refused[own] = np.diff(np.round(np.cumsum(refused[own]) * share), prepend=0)
    return sent + refused
