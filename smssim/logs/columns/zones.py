"""Zones: what clocks on a wall showed, as instants, for whole columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from smssim.arrays import Ints, Mask
from smssim.logs.columns.time_formats import offset_s
from smssim.logs.log import ColumnMappingError

_SECOND_US = 1_000_000
_DAY_US, _MOST_DAYS = 86_400 * _SECOND_US, 400
_EPOCH, _RULES_END_US = datetime(1970, 1, 1), 2_114_380_800_000_000  # 2037


@dataclass(frozen=True)
class Zone:
    """A zone's clocks; `offset_us` is None for a name of the IANA, whose offset changes."""

    name: str
    offset_us: int | None = None

    def instants(self, clock_us: Ints) -> tuple[Ints, Mask]:
        """The instants at which clocks showed those times, and which were shown just once."""
        if self.offset_us is not None:
            return clock_us - self.offset_us, np.ones(len(clock_us), np.bool_)
        constant = _constant_offset_us(self.name, clock_us)
        if constant is not None:
            return clock_us - constant, np.ones(len(clock_us), np.bool_)
        clocks = pa.array(clock_us).cast(pa.timestamp("us"))
        earliest, latest = (
            pc.assume_timezone(clocks, self.name, ambiguous=which, nonexistent=which)
            .cast(pa.int64())
            .to_numpy()
            for which in ("earliest", "latest")
        )
        instants, once = earliest.copy(), earliest == latest
        for row in np.flatnonzero(clock_us >= _RULES_END_US).tolist():
            instants[row], once[row] = self._instant(int(clock_us[row]))
        return instants, once

    def _instant(self, clock_us: int) -> tuple[int, bool]:
        """One instant by the standard library: Arrow knows no change of clocks after 2037."""
        clock = _EPOCH + timedelta(microseconds=clock_us)
        first, second = (
            clock.replace(tzinfo=ZoneInfo(self.name), fold=fold).utcoffset() or timedelta()
            for fold in (0, 1)
        )
        return clock_us - first // timedelta(microseconds=1), first == second


def _constant_offset_us(name: str, clock_us: Ints) -> int | None:
    """The offset of a zone over all the days of some clocks, None where it changes in them."""
    if not len(clock_us):
        return None
    first, last = int(clock_us.min()) // _DAY_US - 1, int(clock_us.max()) // _DAY_US + 2
    if last - first > _MOST_DAYS:
        return None
    offsets = {_offset_us(name, day) for day in range(first, last + 1)}
    return offsets.pop() if len(offsets) == 1 else None


@lru_cache(maxsize=4096)
def _offset_us(name: str, day: int) -> int:
    """The offset of a zone at the beginning of a day since 1970, by UTC."""
    at = datetime.fromtimestamp(day * 86_400, UTC).astimezone(ZoneInfo(name))
    return (at.utcoffset() or timedelta()) // timedelta(microseconds=1)


@lru_cache(maxsize=64)
def zone(name: str) -> Zone:
    """The zone of an offset ("+08:00", "UTC+8") or a name of the IANA ("Asia/Shanghai").

    Raise a ColumnMappingError for a name that is neither.
    """
    offset = offset_s(name)
    if offset is not None:
        return Zone(name, offset * _SECOND_US)
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        rule = 'must be an offset ("+08:00", "UTC+8") or a name of the IANA ("Asia/Shanghai")'
        raise ColumnMappingError(f"tz(={name!r}) {rule}") from None
    return Zone(name)
