"""The whole curve of a latency: the share of deliveries made by then, with a confidence band."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import HOUR, MINUTE, SECOND
from smssim.formatting import count
from smssim.record.record import Record
from smssim.record.tallies import REFUSED
from smssim.report._record import keys_of, recorded, requires
from smssim.stats.competing_risks import CompetingRisks
from smssim.stats.delay_bins import bin_of, by_bin, edges_us
from smssim.stats.intervals import wilson

__all__ = [
    "COLUMNS",
    "LATENCIES",
    "WITHIN_US",
    "Uncertain",
    "bounded_figures",
    "delay_figures",
    "latency_curve",
    "resolution_us",
    "risks_of",
    "timed_by_results",
    "untimed",
    "validity_bin",
    "within_3_min_by_results",
]

# What a record tells of when its messages were delivered, and what may be said of it.

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
        if not timed or resolution_us(record) <= SECOND:
            return None
        step = f"{resolution_us(record) // SECOND} s"
        return f"delays are not known to the second: the times of the log are in steps of {step}"
    if timed:
        without = f"{count(delivered - timed)} of {count(delivered)} deliveries have no time"
        return f"{without}: intervals of delays hold for any that they may have had"
    if by_results >= delivered:
        reason = "the export shows only whether a status came within 3 minutes"
        return f"p95 is not known: {reason}{_remedy(record)}"
    return "p95 is not known: the log does not show when messages were delivered"


def resolution_us(record: Record) -> int:
    """The step in microseconds that the times of delays are written in; 1 s for exact ones.

    A spreadsheet saves whole minutes: a delay of 0 may then have been any below a minute.
    """
    steps = record.provenance.get("resolution_s", {})
    seconds = [steps.get(name, 0) for name in ("submitted", "final", "received")]
    return int(max(SECOND, round(max(seconds) * SECOND)))


def _remedy(record: Record) -> str:
    """A column of times under a heading that no one knows is ignored, and easily missed."""
    files = record.provenance.get("files", [])
    passed = dict.fromkeys(name for file in files for name in file.get("columns_passed_over", []))
    names = [repr(name) for name in passed if _TIMES.search(name)]
    if not names:
        return ""
    return f"; if {' or '.join(names)} is the time of the status, name it: `final: heading`"


_TALLIED = ("country", "type")
_NUMBERS = dict.fromkeys(("latency_s", "share", "low", "high"), "float64") | {"at_risk": "int64"}


@requires("money", "latency", "undelivered", "censored", "within_3_min")
def latency_curve(
    record: Record, by: str | Sequence[str] = "country", *, confidence: float = 0.95
) -> pd.DataFrame:
    """The share of deliveries made within each latency, one row per group and edge of a bin.

    *by* is country or type, or a list of them. `share` is of all deliveries, those to come of
    messages pending included, as in `delivery`; it ends with the last delivery. `low` and `high`
    are its pointwise interval; NaN where the share is 0 or 1. `at_risk` is how many messages had
    had no end before this bin. Raise a ValueError for a name that latencies are not tallied by, and
    for a log that does not show when each of its deliveries was made.
    """
    keys = keys_of(by)
    if not set(_TALLIED).issuperset(keys):
        raise ValueError(f"by(={by!r}) must be some of {', '.join(_TALLIED)}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence(={confidence}) must be > 0 and < 1")
    reason = untimed(record)
    if reason is not None:
        raise ValueError(f"{record.name!r} has no curve of latency: {reason}")
    tables = [record.tallies.frame(name) for name in _ENDS]
    labels: list[Any] = [()]
    if keys:
        labels = pd.concat(tables)[keys].drop_duplicates().sort_values(keys).to_numpy().tolist()
    curves = []
    for label in labels:
        chosen = [_rows_of(table, keys, label) for table in tables]
        risks = _risks(record, chosen, confidence)
        if risks.delivered.any():
            curve = pd.DataFrame(_curve(risks))
            curves.append(curve.assign(**dict(zip(keys, label, strict=True))))
    types = dict.fromkeys(keys, "str") | _NUMBERS
    whole = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=list(types))
    return whole[list(types)].astype(types)


_ENDS = ("latency", "undelivered", "censored")


def _rows_of(table: pd.DataFrame, keys: list[str], label: Sequence[Any]) -> pd.DataFrame:
    """The cells with some values of their keys, NA being one."""
    for key, value in zip(keys, label, strict=True):
        table = table[table[key].isna() if value != value else table[key] == value]
    return table


def _risks(record: Record, tables: list[pd.DataFrame], confidence: float) -> CompetingRisks:
    """The ends of messages by delay, from the cells of the tallies _ENDS."""
    counts = [by_bin(t["bin"].to_numpy(np.int64), t["messages"].to_numpy(np.int64)) for t in tables]
    return risks_of(record, *counts, confidence=confidence)


def risks_of(
    record: Record,
    delivered: Ints,
    undelivered: Ints,
    censored: Ints,
    *,
    untimed: int = 0,
    confidence: float = 0.95,
) -> CompetingRisks:
    """The ends of messages by delay, from counts of all bins.

    *untimed* failures have no time: they are taken for ends of the validity, as expiries are. What
    is pending in a log for longer than that has lost its report.
    """
    late, unreported = validity_bin(), np.zeros_like(censored)
    undelivered, censored = undelivered.copy(), censored.copy()
    undelivered[late] += max(untimed, 0)
    if recorded(record):
        unreported[late] = censored[late:].sum()
        censored[late:] = 0
    return CompetingRisks(delivered, undelivered, censored, unreported, confidence)


def validity_bin() -> int:
    """The first bin of ages at which the platform has made a report."""
    return int(bin_of(np.array([72 * HOUR]))[0])


def _curve(risks: CompetingRisks) -> dict[str, NDArray[Any]]:
    """The curve at the upper edges of the bins, from the lower edge of the first that has any."""
    edges = np.append(edges_us(), edges_us()[-1])
    bins = np.flatnonzero(risks.delivered)
    first, last = int(bins[0]), int(bins[-1])
    low, high = risks.band()
    shown, nan = slice(first, last + 1), float("nan")
    return {
        "latency_s": edges[first : last + 2] / SECOND,
        "share": np.append(0, risks.completed[shown]),
        "low": np.append(nan, low[shown]),
        "high": np.append(nan, high[shown]),
        "at_risk": np.append(risks.at_risk[first], risks.at_risk[shown]),
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
_MOST_APART = 0.05
_BINS = bin_of(np.array(list(WITHIN_US.values()))).tolist()


def delay_figures(risks: CompetingRisks) -> list[float]:
    """All columns of one group."""
    intervals = [risks.quantile_s(share) for share in LATENCIES.values()]
    intervals += [risks.share_before(number) for number in _BINS]
    return [value for interval in intervals for value in interval]


class Uncertain(NamedTuple):
    """What is not known of the delays of deliveries: how many have none, and the step of times."""

    untimed: int
    resolution_us: int

    def __bool__(self) -> bool:
        return self.untimed > 0 or self.resolution_us > SECOND


def bounded_figures(
    record: Record,
    delivered: Ints,
    undelivered: Ints,
    censored: Ints,
    uncertain: Uncertain,
    *,
    untimed: int = 0,
) -> list[float]:
    """All columns of one group, with intervals that hold for any delays that are not known.

    The fastest that deliveries can have been puts those without a time at 0 and all others a step
    earlier, the slowest puts them at the validity and a step later. A figure is NaN where the two
    differ by more than a factor of 2, or a share by more than 0.05.
    """
    fast, slow = (_moved(delivered, sign * uncertain.resolution_us) for sign in (-1, 1))
    fast[0] += uncertain.untimed
    slow[validity_bin() - 1] += uncertain.untimed
    as_written, fastest, slowest = (
        delay_figures(risks_of(record, ends, undelivered, censored, untimed=untimed))
        for ends in (delivered, fast, slow)
    )
    figures: list[float] = []
    for i in range(0, len(COLUMNS), 3):
        first, last = (fastest, slowest) if i < 3 * len(LATENCIES) else (slowest, fastest)
        differ = (
            last[i] > 2 * first[i] if i < 3 * len(LATENCIES) else last[i] - first[i] > _MOST_APART
        )
        is_known = not differ and last[i] == last[i] and first[i] == first[i]
        figures += [as_written[i] if is_known else _NAN, first[i + 1], last[i + 2]]
    return figures


def _moved(counts: Ints, by_us: int) -> Ints:
    """Counts of delays that all are shorter or longer by a step, as far as their bins can show."""
    if abs(by_us) <= SECOND:
        return counts.copy()
    edges = edges_us()
    lower, upper = edges, np.append(edges[1:] - 1, edges[-1])
    bins = bin_of(np.maximum(lower + by_us, 0) if by_us < 0 else upper + by_us)
    return np.bincount(bins, counts, len(counts)).astype(np.int64)


def within_3_min_by_results(
    seen: Ints, flying: Ints, delivered: int, timed: int, soon: int
) -> list[float]:
    """The columns of one group with deliveries without a time, of which sending results time
    *timed*, *soon* of them within 3 minutes; all but `within_3_min` are NaN.

    Those pending for 3 minutes may be late deliveries to come, or none.
    """
    values = [_NAN] * len(COLUMNS)
    if delivered and int(seen.sum()) + timed >= delivered:
        soon += int(seen[: _soon_bin()].sum())
        late = int(flying[_soon_bin() :].sum())
        low, high = wilson(soon, delivered + late).low, wilson(soon, delivered).high
        values[_SOON] = [soon / delivered, low, high]
    return values
