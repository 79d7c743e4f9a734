"""The whole curve of a latency: the share of deliveries made by then, with a confidence band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import HOUR, SECOND
from smssim.record.record import Record
from smssim.report._record import keys_of, recorded
from smssim.report.needs import needs
from smssim.report.timing import untimed
from smssim.stats.delay_bins import bin_of, edges_us
from smssim.stats.survival import by_bin, survival

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
_TALLIED = ("country", "type")
_NUMBERS = dict.fromkeys(("latency_s", "share", "low", "high"), "float64") | {"at_risk": "int64"}


@needs("money", "latency", "censored", "coarse")
def latency_curve(
    record: Record, by: str | Sequence[str] = "country", *, confidence: float = 0.95
) -> pd.DataFrame:
    """The share of deliveries made within each latency, one row a group and edge of a bin.

    *by* is country or type, or a list of them. `share` is Kaplan-Meier's among messages that are
    delivered sooner or later, those in flight censored at their age, as in `delivery`. `low` and
    `high` are its pointwise band by Greenwood's variance on the log-log scale; NaN where the share
    is 0 or 1, and the band unknown. `at_risk` is how many messages had not been delivered before
    this bin. Raise a ValueError for a name that latencies are not tallied by, and for a log that
    does not tell when each of its deliveries was made.
    """
    import pandas as pd

    keys = keys_of(by)
    if not set(_TALLIED).issuperset(keys):
        raise ValueError(f"by(={by!r}) must be some of {', '.join(_TALLIED)}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
    reason = untimed(record)
    if reason is not None:
        raise ValueError(f"{record.name!r} has no curve of latency: {reason}")
    cells = _cells(record)
    parts = []
    group: Any
    for group, own in cells.groupby(keys, dropna=False) if keys else [((), cells)]:
        bins = own["bin"].to_numpy(np.int64)
        seen, waiting = (by_bin(bins, own[name].to_numpy(np.int64)) for name in ("seen", "waiting"))
        if seen.any():
            curve = pd.DataFrame(_curve(seen, waiting, confidence))
            parts.append(curve.assign(**dict(zip(keys, group, strict=True))))
    types = dict.fromkeys(keys, "str") | _NUMBERS
    curves = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(types))
    return curves[list(types)].astype(types)


def _cells(record: Record) -> pd.DataFrame:
    """Messages delivered (seen) and in flight (waiting), by country, type and bin."""
    import pandas as pd

    seen, waiting = record.tallies.latency, record.tallies.censored
    if recorded(record):
        # By 72 h the platform makes a report: what is older has lost it, and is no delay.
        waiting = waiting[waiting["bin"] < int(bin_of(np.array([72 * HOUR]))[0])]
    counts = {"seen": seen, "waiting": waiting}
    return pd.concat(
        [
            tally.rename(columns={"messages": name}).astype({name: "Int64"})
            for name, tally in counts.items()
        ],
        ignore_index=True,
    ).fillna({"seen": 0, "waiting": 0})


def _curve(seen: Ints, waiting: Ints, confidence: float) -> dict[str, NDArray[Any]]:
    """The curve at the upper edges of the bins, from the lower edge of the first that has any."""
    edges = np.append(edges_us(), edges_us()[-1])
    found = np.flatnonzero(seen + waiting)
    first, last = int(np.flatnonzero(seen)[0]), int(found[-1])
    curve = survival(seen, waiting, confidence)
    own = slice(first, last + 1)
    nan = float("nan")
    return {
        "latency_s": edges[first : last + 2] / SECOND,
        "share": np.append(0, curve.gone[own]),
        "low": np.append(nan, curve.low[own]),
        "high": np.append(nan, curve.high[own]),
        "at_risk": np.append(curve.at_risk[first], curve.at_risk[own]),
    }
