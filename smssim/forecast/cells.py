"""What a fit is made of: counts of one record, bounded in size, without rows and without numbers.

Five million messages make no more of them than five thousand. Cells of disjoint messages merge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from smssim.arrays import Ints
from smssim.record.record import Record
from smssim.record.tallies import REFUSED, SLOT_US
from smssim.stats.delay_bins import bin_of, edges_us

__all__ = ["Cells"]

_KEYS = {
    "slots": ("slot", "country", "outcome"),
    "mix": ("country", "template", "segments_each"),
    "sizes": ("country", "template", "size"),
    "templates": ("template", "application", "type"),
    "statuses": ("country", "status"),
    "delays": ("country", "type", "outcome", "bin"),
    "pending": ("country", "type", "bin"),
    "within_3_min": ("country", "type", "outcome", "within"),
}


@dataclass(frozen=True)
class Cells:
    """Frames of counts, one row per cell that is not empty; since and until in microseconds.

    *slots* counts messages of any outcome by UTC quarter of an hour (its number since the epoch),
    country and outcome; *mix* messages and requests by segments each; *sizes* requests by their
    number of recipients; *templates* messages by template with its application and type,
    *statuses* failed messages by country and status; *delays* messages that are delivered, failed
    or expired by bin of delay, *pending* the others by bin of age; *within_3_min* those whose time
    of status is not known.
    """

    since: int
    until: int
    slots: pd.DataFrame
    mix: pd.DataFrame
    sizes: pd.DataFrame
    templates: pd.DataFrame
    statuses: pd.DataFrame
    delays: pd.DataFrame
    pending: pd.DataFrame
    within_3_min: pd.DataFrame
    resolution_s: float = 0.0
    """The unit of the record's times; 0 if they are exact."""

    @classmethod
    def of(cls, record: Record) -> Cells:
        """The cells of a record of either kind, from its tallies."""
        tallies = record.tallies
        clock = tallies.clock[["slot", "country", "outcome", "messages"]].copy()
        us = clock["slot"].to_numpy("datetime64[us]").astype(np.int64)
        clock["slot"] = us // SLOT_US
        delivered = tallies.latency.assign(outcome="delivered")
        frames = {
            "slots": clock,
            "mix": tallies.mix,
            "sizes": tallies.sizes,
            "templates": tallies.templates,
            "statuses": _failures(tallies.money),
            "delays": pd.concat([delivered, tallies.undelivered], ignore_index=True),
            "pending": tallies.censored,
            "within_3_min": tallies.within_3_min,
        }
        summed = {name: _summed(frame, _KEYS[name]) for name, frame in frames.items()}
        units = record.provenance.get("resolution_s") or {}
        unit = max((float(seconds) for seconds in units.values() if seconds), default=0.0)
        return cls(record.observed_from, record.observed_until, **summed, resolution_s=unit)

    def merge(self, *others: Cells) -> Cells:
        """The cells of all messages together. Raise a ValueError unless all end together."""
        ends = sorted({cells.until for cells in (self, *others)})
        if len(ends) > 1:
            raise ValueError(f"cells that end at {ends} cannot be merged: they must end together")
        frames = {
            name: _summed(
                pd.concat([getattr(cells, name) for cells in (self, *others)], ignore_index=True),
                keys,
            )
            for name, keys in _KEYS.items()
        }
        since = min(cells.since for cells in (self, *others))
        unit = max(cells.resolution_s for cells in (self, *others))
        return Cells(since, self.until, **frames, resolution_s=unit)

    def aged(self, until: int) -> Cells:
        """The cells as of a later end, at which the pending are older and nothing else is known.

        Raise a ValueError for an end before that of the record.
        """
        if until < self.until:
            raise ValueError(f"until(={until}) must be >= the end of the record, {self.until}")
        bins = self.pending["bin"].to_numpy(np.int64)
        ages = edges_us()[bins] + (until - self.until)
        pending = self.pending.assign(bin=bin_of(ages))
        return replace(self, until=until, pending=_summed(pending, _KEYS["pending"]))

    @cached_property
    def countries(self) -> tuple[str, ...]:
        """The countries that messages went to, sorted."""
        return tuple(sorted(self.slots["country"].dropna().unique()))

    def messages_by_slot(self, country: str) -> tuple[int, Ints]:
        """The first quarter of the record and the messages asked for in each, to its end."""
        first, last = self.since // SLOT_US, -(-self.until // SLOT_US)
        rows = self.slots[self.slots["country"] == country]
        counts = np.zeros(last - first, np.int64)
        np.add.at(counts, rows["slot"].to_numpy() - first, rows["messages"].to_numpy())
        return first, counts

    def to_json(self) -> dict[str, Any]:
        """The cells as plain lists and numbers, columns by name."""
        names = ("since", "until", "resolution_s")
        plain: dict[str, Any] = {name: getattr(self, name) for name in names}
        for name in _KEYS:
            frame = getattr(self, name).astype(object)
            plain[name] = frame.where(frame.notna(), None).to_dict("list")
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Cells:
        """The cells that `to_json` wrote. Raise a KeyError if one is missing."""
        values = {field.name: plain[field.name] for field in fields(cls)}
        frames = {name: pd.DataFrame(values[name]) for name in _KEYS}
        return cls(**values | {name: _summed(frame, _KEYS[name]) for name, frame in frames.items()})


def _failures(money: pd.DataFrame) -> pd.DataFrame:
    """The rows of accepted messages that failed on their way."""
    ended = money["status"].notna() & ~money["status"].isin(["DELIVRD", "EXPIRED", "ACCEPTD"])
    return money[ended & ~money["charge"].isin(REFUSED)]


def _summed(frame: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """One row per combination of *keys*, sorted, with the counts of *frame* added up."""
    measures = [name for name in ("messages", "requests", "same_text") if name in frame]
    names = [name for name in keys if name in frame]
    summed = frame.groupby(names, dropna=False, sort=True, observed=True)[measures].sum()
    return summed.reset_index()
