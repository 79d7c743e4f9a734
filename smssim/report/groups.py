"""The groups a report has one row each for, and what a record cannot know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smssim.record import Record

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
    """Whether the record was read from a log: a simulation always has a ledger."""
    return record.ledger is None


def summed(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The frame's numbers summed by *keys*, which become the index; NA is a group too, the last.

    Without keys there is one row, indexed 0, also for an empty frame.
    """
    import pandas as pd

    if keys:
        return frame.groupby(keys, dropna=False, sort=True).sum()
    return pd.DataFrame([frame.sum()]) if len(frame) else pd.DataFrame(0, [0], frame.columns)
