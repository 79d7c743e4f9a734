"""What a simulation and a log both hand on: the tables of one period, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from smssim.tally import Tallies


@dataclass(frozen=True)
class Record:
    """Messages and status reports of one period, with what is known around them.

    Frames have the columns of `smssim.tables`; a frame that was not kept, or cannot be known, is
    None. Times are UTC, what is not known by `observed_until` (microseconds since 1970) is NA.
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
    quarantine: pd.DataFrame | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
