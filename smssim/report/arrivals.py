"""When status reports were made and when they arrived, row by row, as far as a record kept it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.record.record import Record
from smssim.report.spans import microseconds

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Arrivals:
    """The received reports that tell when their status was made and when they first arrived, in
    microseconds; their attempts, and whether they came before one that was made earlier.
    """

    made_us: Ints
    received_us: Ints
    attempts: pd.Series[Any]
    before_turn: NDArray[np.bool_]

    def take(self, own: NDArray[np.bool_]) -> Arrivals:
        """Some of them; their turns are still those among all."""
        return Arrivals(
            self.made_us[own],
            self.received_us[own],
            self.attempts[own],
            self.before_turn[own],
        )


def arrivals(record: Record) -> Arrivals | None:
    """The received reports that tell both, in the order of their rows; None without rows."""
    if record.messages is None or record.reports is None:
        return None
    came = record.reports[record.reports["state"] == "received"]
    made = microseconds(record.messages["final_at"])[came["message"].to_numpy(np.int64)]
    received = microseconds(came["received_at"])
    timed = (made != UNKNOWN) & (received != UNKNOWN)
    made, received = made[timed], received[timed]
    attempts = came["attempts"][timed].astype("Int64")
    return Arrivals(made, received, attempts, _before_turn(made, received))


def _before_turn(made: Ints, received: Ints) -> NDArray[np.bool_]:
    """Which arrived before one that was made at an earlier instant."""
    if not len(made):
        return np.zeros(0, np.bool_)
    order = np.argsort(made, kind="stable")
    in_order, latest = made[order], np.maximum.accumulate(received[order])
    # How many were made earlier: those of the same instant have no order among them.
    earlier = np.searchsorted(in_order, made)
    return (earlier > 0) & (latest[np.maximum(earlier - 1, 0)] > received)
