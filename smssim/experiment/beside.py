"""Where a record, such as last month's log, lies among the runs of an experiment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from smssim.experiment.statistics import QUANTILES, Values, metric_of, subject_of

if TYPE_CHECKING:
    import pandas as pd

SHARES = {"least": 0.0, **QUANTILES, "most": 1.0}


def beside(
    told: dict[str, float], known: dict[str, Values], units: dict[str, str], figures: Iterable[str]
) -> pd.DataFrame:
    """One row a figure: what is *told*, and how the *known* values of runs are spread."""
    import pandas as pd

    rows = [
        {
            "metric": metric_of(name),
            "of": subject_of(name),
            "unit": units[name],
            "n": len(known[name]),
            "value": told.get(name, np.nan),
            **_spread(known[name]),
            "below": _below(known[name], told.get(name, np.nan)),
        }
        for name in figures
    ]
    columns = ["metric", "of", "unit", "n", "value", *SHARES, "below"]
    numbers = dict.fromkeys(("value", *SHARES, "below"), "float64")
    texts = dict.fromkeys(("metric", "of", "unit"), "str")
    return pd.DataFrame(rows, columns=columns).astype(texts | {"n": "int64"} | numbers)


def _spread(values: Values) -> dict[str, float]:
    if not len(values):
        return dict.fromkeys(SHARES, np.nan)
    return dict(zip(SHARES, np.quantile(values, list(SHARES.values())).tolist(), strict=True))


def _below(values: Values, value: float) -> float:
    """The share of runs with less; those with the same count half."""
    if not len(values) or np.isnan(value):
        return np.nan
    return float((values < value).mean() + (values == value).mean() / 2)
