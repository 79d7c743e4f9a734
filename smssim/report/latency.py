"""The whole curve of a latency: the share of deliveries made by then, with a confidence band."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import HOUR, MINUTE, SECOND
from smssim.formatting import count
from smssim.record.record import Record
from smssim.record.tallies import REFUSED
from smssim.report._record import keys_of, recorded, requires
from smssim.stats.delay_bins import bin_of, edges_us
from smssim.stats.intervals import wilson
from smssim.stats.survival import by_bin, survival

if TYPE_CHECKING:
    import pandas as pd


# What a record tells of when its messages were delivered, and what may be said of it.

Ints = NDArray[np.int64]
_SOON_US = 3 * MINUTE
"""What the console's results tell apart: within 3 minutes, or later (DOMAIN.md section 9)."""

_TIMES = re.compile(r"time|date|utc|gmt|\bat\b|\bon\b|时间|日期", re.IGNORECASE)


def _soon_bin() -> int:
    """The first bin of delays of 3 minutes and more; its lower edge is exact."""
    return int(bin_of(np.array([_SOON_US]))[0])


def timed_by_results(record: Record) -> tuple[Ints, Ints]:
    """The deliveries without a time whose sending result shows whether they took 3 minutes, in each
    cell of the tally `within_3_min`, and those of them that took less.
    """
    within_3_min = record.tallies.within_3_min
    messages, within = (
        within_3_min["messages"].to_numpy(np.int64),
        within_3_min["within"].to_numpy(),
    )
    soon = within == "3_min"
    timed = (within_3_min["outcome"].to_numpy() == "delivered") & (soon | (within == "later"))
    return np.where(timed, messages, 0), np.where(timed & soon, messages, 0)


def untimed(record: Record) -> str | None:
    """Why quantiles of latency are not known; None if they are, or if nothing was delivered."""
    money = record.tallies.money
    sent = ~money["charge"].isin(REFUSED)
    delivered = int(money.loc[sent & (money["status"] == "DELIVRD"), "messages"].sum())
    timed = int(record.tallies.latency["messages"].sum())
    by_results = int(timed_by_results(record)[0].sum())
    if timed >= delivered:
        return None
    if timed:
        without = f"{count(delivered - timed)} of {count(delivered)} deliveries have no time"
        return f"p95 is not known: {without}, and that of the others would be of them alone"
    if by_results >= delivered:
        reason = "the export tells only whether a status came within 3 minutes"
        return f"p95 is not known: {reason}{_remedy(record)}"
    return "p95 is not known: the log does not tell when messages were delivered"


def _remedy(record: Record) -> str:
    """A column of times under a heading that nobody knows is passed over, and easily missed."""
    files = record.provenance.get("files", [])
    passed = dict.fromkeys(name for file in files for name in file.get("columns_passed_over", []))
    names = [repr(name) for name in passed if _TIMES.search(name)]
    if not names:
        return ""
    return f"; if {' or '.join(names)} is the time of the status, name it: `final: heading`"


_TALLIED = ("country", "type")
_NUMBERS = dict.fromkeys(("latency_s", "share", "low", "high"), "float64") | {"at_risk": "int64"}


@requires("money", "latency", "censored", "within_3_min")
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
    for group, group_cells in cells.groupby(keys, dropna=False) if keys else [((), cells)]:
        bins = group_cells["bin"].to_numpy(np.int64)
        seen, waiting = (
            by_bin(bins, group_cells[name].to_numpy(np.int64)) for name in ("seen", "waiting")
        )
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
    occupied = np.flatnonzero(seen + waiting)
    first, last = int(np.flatnonzero(seen)[0]), int(occupied[-1])
    curve = survival(seen, waiting, confidence)
    bins = slice(first, last + 1)
    nan = float("nan")
    return {
        "latency_s": edges[first : last + 2] / SECOND,
        "share": np.append(0, curve.gone[bins]),
        "low": np.append(nan, curve.low[bins]),
        "high": np.append(nan, curve.high[bins]),
        "at_risk": np.append(curve.at_risk[first], curve.at_risk[bins]),
    }


# The figures of a delay that a report has a column for: quantiles, and shares of deliveries made

LATENCIES = {"latency_p50_s": 0.5, "latency_p95_s": 0.95, "latency_p99_s": 0.99}
WITHIN_US = {"within_10_s": 10 * SECOND, "within_30_s": 30 * SECOND, "within_3_min": _SOON_US}
"""Times that are exact edges of bins."""
COLUMNS = tuple(
    f"{name}{end}" for name in (*LATENCIES, *WITHIN_US) for end in ("", "_low", "_high")
)
_SOON = slice(COLUMNS.index("within_3_min"), COLUMNS.index("within_3_min") + 3)
"""Where the columns stand that sending results can tell, too."""
_NAN = float("nan")
_PLACES = bin_of(np.array(list(WITHIN_US.values()))).tolist()


def figures(
    seen: Ints, flying: Ints, delivered: int, timed_by_result: int, soon: int
) -> list[float]:
    """All columns of one group, from the delays seen and messages in flight in each bin.

    Of the deliveries without a time sending results tell *told*, *soon* of them within 3 minutes.
    """
    timed = int(seen.sum())
    if timed >= delivered:
        return _of_bins(seen, flying)
    values = [_NAN] * len(COLUMNS)
    settled = delivered + int(flying[_soon_bin() :].sum())
    if timed + timed_by_result >= delivered and settled:
        values[_SOON] = wilson(soon + int(seen[: _soon_bin()].sum()), settled)
    return values


def _of_bins(seen: Ints, censored: Ints) -> list[float]:
    if not seen.any() and not censored.any():
        return [_NAN] * len(COLUMNS)
    curve = survival(seen, censored)
    intervals = [curve.quantile_s(share) for share in LATENCIES.values()]
    intervals += [curve.share_before(bin_number) for bin_number in _PLACES]
    return [value for interval in intervals for value in interval]
