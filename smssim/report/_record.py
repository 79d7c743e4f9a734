"""The groups a report has one row each for, and what a record cannot know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smssim.record.record import Record
from smssim.record.schema import PACKAGE_EVENTS

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("day", "country", "application", "type")


def keys_of(by: str | Sequence[str], known: Sequence[str] = KEYS) -> list[str]:
    """The columns to group by, from one name or several; none gives one row for everything.

    Raise a ValueError for a name that is not *known*, or that stands twice.
    """
    keys = [by] if isinstance(by, str) else list(by)
    unknown = [key for key in keys if key not in known]
    if unknown or len(set(keys)) < len(keys):
        raise ValueError(f"by(={by!r}) must be some of {', '.join(known)}, each once")
    return keys


def recorded(record: Record) -> bool:
    """Whether the record was read from a log, rated or not: a simulation always has a ledger."""
    return record.ledger is None or record.provenance.get("rating", {}).get("of") == "log"


def priced(record: Record) -> bool:
    """Whether there is money in the record: it was simulated, or rated."""
    return record.ledger is not None


def events_of(record: Record, event: str) -> pd.DataFrame | None:
    """The events of one kind; None where the record cannot know of them, as a log knows none.

    A rated log tells of its packages.
    """
    events = record.events
    return events[events["event"] == event] if events is not None and knows(record, event) else None


def knows(record: Record, event: str) -> bool:
    """Whether the record has events of that kind if there were any."""
    return record.events is not None and (not recorded(record) or event in PACKAGE_EVENTS)


def summed(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The frame's numbers summed by *keys*, which become the index; NA is a group too, the last.

    Without keys there is one row, indexed 0, also for an empty frame.
    """
    import pandas as pd

    if keys:
        return frame.groupby(keys, dropna=False, sort=True).sum()
    return pd.DataFrame([frame.sum()]) if len(frame) else pd.DataFrame(0, [0], frame.columns)
