"""How many status reports reached the customer's server, and how late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.estimate import wilson
from smssim.record import Record
from smssim.report.groups import recorded
from smssim.report.needs import needs
from smssim.report.quantiles import by_bin, quantiles_s
from smssim.tables import REPORT_STATES

if TYPE_CHECKING:
    import pandas as pd

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
    "copies": "Int64",
    "duplicates": "Int64",
    "attempts_mean": "float64",
    **dict.fromkeys(DELAYS, "float64"),
}


@needs("push")
def callbacks(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Status reports made, received, lost and still pending at the end: one row, or one each number
    of attempts with *by* attempts.

    `received_share` is of the reports received or lost, with Wilson's 95 % interval, which takes
    them for independent: an outage loses many together, so compare replications for its effect.
    `copies` are pushes that arrived, `duplicates` those after the first of a report. Delays are
    seconds from the final status to the first arrival. A log knows only what was received.
    """
    import pandas as pd

    keys = [by] if isinstance(by, str) else list(by)
    if keys not in ([], ["attempts"]):
        raise ValueError(f"by(={by!r}) must be attempts or nothing")
    push = record.tallies.push
    groups = list(push.groupby("attempts", dropna=False)) if keys else [(None, push)]
    rows = [{"attempts": name, **_row(record, own)} for name, own in groups]
    types = {name: t for name, t in _TYPES.items() if keys or name != "attempts"}
    return pd.DataFrame(
        {name: pd.Series([_plain(row[name]) for row in rows], dtype=t) for name, t in types.items()}
    )


def _row(record: Record, push: pd.DataFrame) -> dict[str, Any]:
    counts = {s: int(push.loc[push["state"] == s, "reports"].sum()) for s in REPORT_STATES}
    received, reports, copies = counts["received"], sum(counts.values()), int(push["copies"].sum())
    arrived = push[push["state"] == "received"]
    timed = arrived.dropna(subset="bin")
    delays = by_bin(timed["bin"].to_numpy(np.int64), timed["reports"].to_numpy(np.int64))
    known = {
        "received": received,
        "copies": copies,
        "duplicates": copies - received,
        **dict(zip(DELAYS, quantiles_s(delays, 0 * delays, list(DELAYS.values())), strict=True)),
    }
    if recorded(record):
        # Reports that never came left no trace: neither they nor the attempts are known.
        return dict.fromkeys(_TYPES) | known
    share = wilson(received, decided) if (decided := received + counts["lost"]) else (None,) * 3
    return {
        **known,
        "reports": reports,
        "lost": counts["lost"],
        "pending": counts["pending"],
        "received_share": share[0],
        "received_share_low": share[1],
        "received_share_high": share[2],
        "attempts_mean": (push["attempts"] * push["reports"]).sum() / reports if reports else None,
    }


def _plain(value: Any) -> Any:
    """A number, or None where it is NA."""
    return None if value is None or value != value else value
