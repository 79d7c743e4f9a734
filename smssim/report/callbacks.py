"""How many delivery reports reached the customer's server, how late, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import HOUR, SECOND
from smssim.record.record import Record
from smssim.record.schema import REPORT_STATES, TIME, microseconds_of
from smssim.report._record import instants, recorded, requires
from smssim.report.outages import untold
from smssim.stats.competing_risks import UNKNOWN
from smssim.stats.delay_bins import bin_of, by_bin, quantile_s
from smssim.stats.intervals import wilson_with_pending

__all__ = ["DELAYS", "arrivals", "callbacks", "reports_by_hour"]

# When delivery reports were made and when they arrived, row by row, as far as a record kept it.

_UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True)
class _Arrivals:
    """The received reports that tell when their status was made and when they first arrived, in
    microseconds; their attempts, and whether they came before one that was made earlier.
    """

    made_us: Ints
    received_us: Ints
    attempts: pd.Series[Any]
    before_turn: NDArray[np.bool_]

    def take(self, mask: NDArray[np.bool_]) -> _Arrivals:
        """Some of them; their turns are still those among all."""
        return _Arrivals(
            self.made_us[mask],
            self.received_us[mask],
            self.attempts[mask],
            self.before_turn[mask],
        )


def arrivals(record: Record) -> _Arrivals | None:
    """The received reports that tell both, in the order of their rows; None without rows."""
    if record.messages is None or record.reports is None:
        return None
    came = record.reports[record.reports["state"] == "received"]
    made_us = microseconds_of(record.messages["final_at"])[came["message"].to_numpy(np.int64)]
    received_us = microseconds_of(came["received_at"])
    timed = (made_us != _UNKNOWN) & (received_us != _UNKNOWN)
    made_us, received_us = made_us[timed], received_us[timed]
    attempts = came["attempts"][timed].astype("Int64")
    return _Arrivals(made_us, received_us, attempts, _before_turn(made_us, received_us))


def _before_turn(made_us: Ints, received_us: Ints) -> NDArray[np.bool_]:
    """Which arrived before one that was made at an earlier instant."""
    if not len(made_us):
        return np.zeros(0, np.bool_)
    order = np.argsort(made_us, kind="stable")
    in_order, latest = made_us[order], np.maximum.accumulate(received_us[order])
    # How many were made earlier: those of the same instant have no order among them.
    earlier = np.searchsorted(in_order, made_us)
    return (earlier > 0) & (latest[np.maximum(earlier - 1, 0)] > received_us)


# Delivery reports by the hour in which the customer's own server received them.


@requires("messages", "reports")
def reports_by_hour(record: Record) -> pd.DataFrame:
    """One row a UTC hour of the record: `received` reports by their first arrival, and `lost` and
    `made` ones by the instant of the final status.

    A log knows no lost reports, and of those made only what was received: both are NA. Raise a
    ValueError for a record without rows and for a log that shows no arrival.
    """
    reason = untold(record)
    if reason is not None:
        raise ValueError(f"{record.name!r} has no arrivals by hour: {reason}")
    assert record.messages is not None
    assert record.reports is not None
    reports = record.reports
    hours = np.arange(record.observed_from // HOUR, -(-record.observed_until // HOUR))
    made_us = microseconds_of(record.messages["final_at"])[reports["message"].to_numpy(np.int64)]
    state = reports["state"].to_numpy()
    counts: dict[str, Any] = {
        "received": _by_hour(microseconds_of(reports["received_at"]), state == "received", hours),
        "lost": _by_hour(made_us, state == "lost", hours),
        "made": _by_hour(made_us, state != "", hours),
    }
    if recorded(record):
        counts |= dict.fromkeys(("lost", "made"), pd.array([pd.NA] * len(hours), "Int64"))
    frame = pd.DataFrame({"hour": instants(hours * HOUR), **counts})
    return frame.astype({"hour": TIME, **dict.fromkeys(counts, "Int64")})


def _by_hour(us: Ints, mask: NDArray[np.bool_], hours: Ints) -> Ints:
    """How many of some instants fall into each hour; unknown ones into none."""
    places = us[mask] // HOUR - (hours[0] if len(hours) else 0)
    within = places[(places >= 0) & (places < len(hours))]
    return np.bincount(within, minlength=len(hours)).astype(np.int64)


DELAYS = {"delay_p50_s": 0.5, "delay_p95_s": 0.95, "delay_p99_s": 0.99}
_TYPES = {
    "attempts": "Int64",
    "reports": "Int64",
    "received": "Int64",
    "lost": "Int64",
    "pending": "Int64",
    "received_share": "float64",
    "received_share_low": "float64",
    "received_share_high": "float64",
    "deliveries": "Int64",
    "duplicates": "Int64",
    "timed": "Int64",
    "late": "Int64",
    "out_of_order": "Int64",
    "attempts_mean": "float64",
    **dict.fromkeys(DELAYS, "float64"),
}


@requires("push")
def callbacks(record: Record, by: str | Sequence[str] = (), *, late_s: float = 60) -> pd.DataFrame:
    """Delivery reports made, received, lost and pending at the end: one row, or with *by* attempts
    one row per number of attempts.

    `received_share` is of the reports received or lost, with a 95% interval: Wilson's,
    modified for few, where those pending may all arrive or none. It takes
    them for independent: an outage loses many together, so compare replications for its effect.
    `deliveries` are pushes that arrived, `duplicates` those after the first of a report. Delays are
    seconds from the final status to the first arrival, and `timed` says how many received reports
    tell theirs (an EXPIRED in a capture does not show when it was made): of these, `late` are those
    whose delay is more than *late_s*, and `out_of_order` those that arrive before one of an earlier
    status. Both are NA if none is timed; without rows `out_of_order` is NA, and `late` where the
    tally's bin that holds *late_s* is not empty. A log knows only
    what was received, and of one that holds none all are NA. Raise a ValueError for *late_s* < 0.
    """
    keys = [by] if isinstance(by, str) else list(by)
    if keys not in ([], ["attempts"]):
        raise ValueError(f"by(={by!r}) must be attempts or nothing")
    if late_s < 0:
        raise ValueError(f"late_s(={late_s}) must be >= 0")
    push, arrived = record.tallies.push, arrivals(record)
    absent = recorded(record) and not (push["state"] == "received").any()
    groups = list(push.groupby("attempts", dropna=False)) if keys else [(None, push)]
    rows = [
        {
            "attempts": name,
            "late": None,
            "out_of_order": None,
            **_row(record, group),
            **_order(group, _of(arrived, name) if keys else arrived, round(late_s * SECOND)),
            **(dict.fromkeys(_TYPES) if absent else {}),
        }
        for name, group in groups
    ]
    types = {name: t for name, t in _TYPES.items() if keys or name != "attempts"}
    return pd.DataFrame(
        {name: pd.Series([_plain(row[name]) for row in rows], dtype=t) for name, t in types.items()}
    )


def _row(record: Record, push: pd.DataFrame) -> dict[str, Any]:
    counts = {s: int(push.loc[push["state"] == s, "reports"].sum()) for s in REPORT_STATES}
    received, reports, copies = (
        counts["received"],
        sum(counts.values()),
        int(push["deliveries"].sum()),
    )
    arrived = push[push["state"] == "received"]
    timed = arrived.dropna(subset="bin")
    delays = by_bin(timed["bin"].to_numpy(np.int64), timed["reports"].to_numpy(np.int64))
    row = {
        "received": received,
        "deliveries": copies,
        "duplicates": copies - received,
        **{name: quantile_s(delays, share) for name, share in DELAYS.items()},
    }
    if recorded(record):
        # Reports that never came left no trace: neither they nor the attempts are known.
        return dict.fromkeys(_TYPES) | row
    decided, pending = received + counts["lost"], counts["pending"]
    share = wilson_with_pending(received, decided, pending) if decided else UNKNOWN
    return {
        **row,
        "reports": reports,
        "lost": counts["lost"],
        "pending": counts["pending"],
        "received_share": share[0],
        "received_share_low": share[1],
        "received_share_high": share[2],
        "attempts_mean": (push["attempts"] * push["reports"]).sum() / reports if reports else None,
    }


def _of(arrived: _Arrivals | None, attempts: Any) -> _Arrivals | None:
    """The arrivals of reports with a number of attempts, or of those whose number is NA."""
    if arrived is None:
        return None
    mask = arrived.attempts.isna() if pd.isna(attempts) else arrived.attempts == attempts
    return arrived.take(mask.to_numpy(bool, na_value=False))


def _order(push: pd.DataFrame, arrived: _Arrivals | None, late_us: int) -> dict[str, int | None]:
    """How many tell their delay; of these, how many came late and how many before their turn."""
    came = push[push["state"] == "received"]
    timed = int(came.loc[came["bin"].notna(), "reports"].sum())
    if len(came) and not timed:
        return {"timed": timed}
    if arrived is None:
        return {"timed": timed, "late": _late(came, late_us)}
    late = int((arrived.received_us - arrived.made_us > late_us).sum())
    return {"timed": timed, "late": late, "out_of_order": int(arrived.before_turn.sum())}


def _late(came: pd.DataFrame, late_us: int) -> int | None:
    """How many came late by their bins; None where the bin that holds the bound does not show."""
    bound_bin = int(bin_of(np.array([late_us]))[0])
    if (came["bin"] == bound_bin).any():
        return None
    return int(came.loc[came["bin"] > bound_bin, "reports"].sum())


def _plain(value: Any) -> Any:
    """A number, or None where it is NA."""
    return None if value is None or value != value else value
