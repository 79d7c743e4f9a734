"""Zones: what a clock on a wall showed, as instants, for whole columns.

A time that the clocks showed twice, or never, is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from smssim.logs.columns.texts import Flags, Integers
from smssim.logs.wrong import WrongColumns

_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_UTC = ("utc", "z", "gmt")
_FARTHEST_S = 18 * 3600
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1999, 12, 30, tzinfo=UTC), datetime(2100, 1, 2, tzinfo=UTC)


def offset_s(text: str) -> int | None:
    """The seconds that an offset is before UTC's clock, or None for a text that is none.

    >>> offset_s("+08:00"), offset_s("UTC-3"), offset_s("z"), offset_s("Asia/Shanghai")
    (28800, -10800, 0, None)
    """
    text = text.strip()
    if text.lower() in _UTC:
        return 0
    found = _OFFSET.fullmatch(text)
    if not found:
        return None
    seconds = int(found[2]) * 3600 + int(found[3] or 0) * 60
    return (seconds if found[1] == "+" else -seconds) if seconds <= _FARTHEST_S else None


@dataclass(frozen=True)
class Zone:
    """A zone's clocks: their offset before each change, from when to when each change takes.

    Times in microseconds; `begins` and `ends` are what clocks show around a change.
    """

    name: str
    offsets: Integers
    begins: Integers
    ends: Integers

    def instants(self, shown: Integers) -> tuple[Integers, Flags]:
        """The instants at which clocks showed those times, and which were shown just once."""
        if not len(self.begins):
            return shown - self.offsets[0], np.ones(len(shown), np.bool_)
        change = np.searchsorted(self.begins, shown, side="right")
        once = shown >= np.insert(self.ends, 0, np.iinfo(np.int64).min)[change]
        return shown - self.offsets[change], once


@lru_cache(maxsize=64)
def zone(name: str) -> Zone:
    """The zone of an offset ("+08:00", "UTC+8") or a name of the IANA ("Asia/Shanghai").

    Raise a WrongColumns for a name that is neither.
    """
    fixed = offset_s(name)
    if fixed is not None:
        none = np.empty(0, np.int64)
        return Zone(name, np.array([fixed * 1_000_000], np.int64), none, none)
    try:
        tz = ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        told = 'must be an offset ("+08:00", "UTC+8") or a name of the IANA ("Asia/Shanghai")'
        raise WrongColumns(f"tz(={name!r}) {told}") from None
    changes = _changes(tz)
    offsets = np.array([_offset_us(tz, _FIRST), *(after for _, after in changes)], np.int64)
    at = np.array([instant for instant, _ in changes], np.int64)
    around = np.stack([offsets[:-1], offsets[1:]])
    return Zone(name, offsets, at + around.min(axis=0), at + around.max(axis=0))


def _changes(tz: ZoneInfo) -> list[tuple[int, int]]:
    """The instants at which the offset changes, years 2000 to 2099, and the offset after each."""
    found = []
    day, before = _FIRST, _offset_us(tz, _FIRST)
    while day < _LAST:
        next_ = day + timedelta(days=1)
        after = _offset_us(tz, next_)
        if after != before:
            low, high = day, next_
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                if _offset_us(tz, middle) == before:
                    low = middle
                else:
                    high = middle
            found.append(((high - _EPOCH) // timedelta(microseconds=1), after))
        day, before = next_, after
    return found


def _offset_us(tz: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(tz).utcoffset()
    return 0 if offset is None else offset // timedelta(microseconds=1)
