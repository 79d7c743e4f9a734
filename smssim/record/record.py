"""What a simulation and a log both hand on: the tables of one period, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from smssim.calendars import to_datetime
from smssim.formatting import html_table

if TYPE_CHECKING:
    from smssim.record.tallies import Tallies

__all__ = ["Record", "require_record"]


@dataclass(frozen=True, repr=False)
class Record:
    """Messages and delivery reports of one period, with what is known around them.

    Frames have the columns of `smssim.record.schema`; one that was not stored, or cannot be
    known, is None. Times are UTC; what is not known by `observed_until` (microseconds since 1970)
    is NA.
    """

    name: str
    observed_from: int
    observed_until: int
    currency: str | None
    tallies: Tallies
    messages: pd.DataFrame | None = None
    reports: pd.DataFrame | None = None
    events: pd.DataFrame | None = None
    ledger: pd.DataFrame | None = None
    reviews: pd.DataFrame | None = None
    packages: pd.DataFrame | None = None
    onboarding: pd.DataFrame | None = None
    tasks: pd.DataFrame | None = None
    quarantine: pd.DataFrame | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        first, last = self._period()
        what = f"{type(self).__name__} {self.name}"
        return f"<{what}: {self._messages():,} messages, {first} to {last} UTC>"

    def _repr_html_(self) -> str:
        """A small table for notebooks, without JavaScript."""
        first, last = self._period()
        events = "not known" if self.events is None else f"{len(self.events):,}"
        # The quarantine keeps the first of many.
        counts = self.provenance.get("counts", {})
        left_out = f"{counts['quarantined']:,} records" if "quarantined" in counts else "none"
        rows = {
            type(self).__name__: self.name,
            "period, UTC": f"{first} to {last}",
            "messages": f"{self._messages():,}",
            "delivered": f"{self._messages('DELIVRD'):,}",
            "events": events,
            "left out": left_out,
        }
        return html_table("smssim-record", rows.items(), row_headers=True)

    def _period(self) -> tuple[str, str]:
        ends = (self.observed_from, self.observed_until)
        first, last = (f"{to_datetime(end):%Y-%m-%d %H:%M}" for end in ends)
        return first, last

    def _messages(self, status: str | None = None) -> int:
        money = self.tallies.money
        rows = money if status is None else money[money["status"] == status]
        return int(rows["messages"].sum())


def require_record(value: Any) -> Record:
    """The value, if it is a record; else raise a TypeError that says where one comes from."""
    if isinstance(value, Record):
        return value
    source = "smssim.simulate(scenario) or smssim.read_log(path) returns one"
    raise TypeError(f"record(={type(value).__name__}) must be a Record: {source}")
