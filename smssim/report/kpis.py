"""The figures of `smssim.metrics` for one record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smssim.metrics import METRICS
from smssim.record.record import Record
from smssim.report.figures import figures_of
from smssim.report.needs import needs

if TYPE_CHECKING:
    import pandas as pd

_ORDER = {name: place for place, name in enumerate(METRICS)}


@needs(
    *("money", "sources", "latency", "censored", "coarse", "push"),
    *("events", "ledger", "packages", "reviews"),
)
def kpis(record: Record) -> pd.DataFrame:
    """One row a metric of `smssim.metrics`, and a row a package or template where it is one each.

    Columns: name, of (the subject, or ""), unit, value, low, high. Shares of messages or reports
    are estimates with Wilson's 95 % interval, quantiles of latency with that of `delivery`; for the
    rest low and high are NaN. A value that did not come about, or that a log cannot know, is NaN.
    """
    import pandas as pd

    values = sorted(figures_of(record), key=lambda value: _ORDER[value.name])
    units = {"currency": record.currency or "currency"}
    texts = {
        "name": [value.name for value in values],
        "of": [value.of for value in values],
        "unit": [units.get(u := METRICS[value.name].unit, u) for value in values],
    }
    numbers = np.array([value[1:4] for value in values], np.float64)
    return pd.DataFrame(
        {name: pd.array(column, dtype="str") for name, column in texts.items()}
        | dict(zip(("value", "low", "high"), numbers.T.copy(), strict=True))
    )
