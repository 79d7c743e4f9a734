"""Counts by anything, and by hour of the week: from a tally whose keys suffice, else rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import DAY, HOUR
from smssim.record.record import Record
from smssim.record.schema import RefusalStage, microseconds_of, refusal_stages
from smssim.record.tallies import CHARGES, OUTCOMES, SLOT_US, charges, outcomes
from smssim.report._record import instants, priced, requires
from smssim.stats.competing_risks import UNKNOWN
from smssim.stats.delay_bins import bin_of
from smssim.stats.intervals import wilson_with_pending

__all__ = ["KEYS", "SUMS", "heat_map", "tally"]

SUMS = ("messages", "segments", "covered_segments", "cost_micro")
_NAMES = (
    "refused_at",
    "source",
    "application",
    "template",
    "type",
    "country",
    "status",
    "charge",
    "outcome",
)
_NUMBERS = ("resend_number", "report_source", "package", "segments_each", "bin")
_LENGTHS_US = {"slot": SLOT_US, "hour": HOUR, "day": DAY}
_TIMES = (*_LENGTHS_US, "month")
KEYS = (*_TIMES, *_NAMES, *_NUMBERS)
"""Columns of messages; UTC slot of 15 minutes, hour, day, month of the submission (naive);
charge and outcome as in `smssim.record.tallies`; segments of one message; bin of the delay to
delivery."""
_TALLIES = {
    "money": ("day", "month", "country", "application", "type", "charge", "status"),
    "templates": ("template", "application", "type", "charge", "status"),
    "sources": ("source", "charge", "status"),
    "clock": (*_TIMES, "country", "outcome"),
}
_FROM_CODES = {"outcome", "refused_at"}
"""What a cell's charge and status tell, too."""
_UNPRICED = ("covered_segments", "cost_micro")
_NEEDS = {
    **dict.fromkeys(_TIMES, ("submitted_at",)),
    "charge": ("refused_at", "covered_segments", "cost_micro"),
    "outcome": ("refused_at", "status"),
    "segments_each": ("segments",),
    "bin": ("refused_at", "status", "submitted_at", "final_at"),
}
_CHUNK = 250_000


def tally(
    record: Record | str | Path, by: str | Sequence[str], measures: Sequence[str] = SUMS
) -> pd.DataFrame:
    """Messages, segments, segments covered by packages, and charges (millionths) by any keys.

    A record is counted from the smallest tally that is kept by the keys, else from its messages; a
    directory that a record was written to is read row group by row group, in little memory. `bin`
    is NA for what was not delivered; covered segments and charges are NA in a log that was not
    rated, and where it could not be. Raise a ValueError for an unknown key or measure, and if
    neither tallies nor messages tell the keys.
    """
    keys = [by] if isinstance(by, str) else list(by)
    _check("by", keys, KEYS)
    _check("measures", list(measures), SUMS)
    counts = _cells(record, keys, list(measures))
    for name in _UNPRICED if isinstance(record, Record) and not priced(record) else ():
        if name in counts:
            counts[name] = counts[name].astype("Int64").mask(counts[name] == counts[name])
    return counts


def _check(what: str, names: list[str], allowed: Sequence[str]) -> None:
    if set(names) - set(allowed) or len(set(names)) < len(names):
        raise ValueError(f"{what}(={names}) must be some of {', '.join(allowed)}, each once")


def _cells(record: Record | str | Path, keys: list[str], measures: list[str]) -> pd.DataFrame:
    if not isinstance(record, Record):
        return _merged(_row_groups(Path(record), keys, measures), keys, measures)
    for name, tally_keys in sorted(
        _TALLIES.items(), key=lambda item: len(record.tallies.frame(item[0]))
    ):
        available = {*tally_keys, *(_FROM_CODES if "status" in tally_keys else ())}
        frame = record.tallies.frame(name)
        if available.issuperset(keys) and set(measures) <= set(frame.columns):
            cells = _of_tally(frame, keys, "unknown" in set(record.tallies.money["charge"]))
            return _merged(iter([cells]), keys, measures)
    messages = record.messages
    if messages is None:
        raise ValueError(
            f"no tally has {', '.join(measures)} by(={keys}), and {record.name!r} has no "
            "messages: simulate with rows, or give the directory that it was written to"
        )
    chunks = (
        _of_rows(messages.iloc[start : start + _CHUNK], keys, measures)
        for start in range(0, len(messages), _CHUNK)
    )
    return _merged(chunks, keys, measures)


def _of_tally(frame: pd.DataFrame, keys: list[str], unrated: bool) -> pd.DataFrame:
    """A tally's cells with the keys that its own ones tell; *unrated* is whether any message is."""
    cells = frame.copy()
    for name in _UNPRICED if unrated else ():
        # Where a tally does not show how messages were paid for, any cell may hold such ones.
        if name in cells:
            of_cells = cells["charge"] == "unknown" if "charge" in cells else cells[name] >= 0
            cells[name] = cells[name].astype("Int64").mask(of_cells)
    if "slot" in cells or "day" in cells:
        us = microseconds_of(cells["slot" if "slot" in cells else "day"])
        cells = cells.assign(**{name: _starts(us, name) for name in keys if name in _TIMES})
    if "status" in cells:
        stages = {stage.charge: stage.label for stage in RefusalStage}
        cells["refused_at"] = [stages.get(charge, "") for charge in cells["charge"]]
        cells["outcome"] = _outcomes(cells)
    return cells


def _of_rows(rows: pd.DataFrame, keys: list[str], measures: list[str]) -> pd.DataFrame:
    """Messages with their keys, and their measures as columns."""
    derived: dict[str, Callable[[], Any]] = {
        "charge": lambda: _charges(rows),
        "outcome": lambda: _outcomes(rows),
        "segments_each": lambda: rows["segments"],
        "bin": lambda: _bins(rows),
    }
    us = microseconds_of(rows["submitted_at"]) if set(keys) & set(_TIMES) else np.empty(0, np.int64)
    cells = {
        key: _starts(us, key) if key in _TIMES else derived[key]() if key in derived else rows[key]
        for key in keys
    }
    frame = rows[[]].assign(**cells)
    for name in measures:
        frame[name] = 1 if name == "messages" else rows[name].astype("Int64")
    return frame


def _row_groups(directory: Path, keys: list[str], measures: list[str]) -> Iterator[pd.DataFrame]:
    """The cells of each row group of the messages in a directory."""
    path = directory / "messages.parquet"
    wanted = {name for key in keys for name in _NEEDS.get(key, (key,))}
    wanted |= {name for name in measures if name != "messages"} or {"refused_at"}
    try:
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                rows = file.read_row_group(number, columns=sorted(wanted)).to_pandas()
                yield _of_rows(rows, keys, measures)
    except FileNotFoundError as error:
        raise ValueError(f"{directory} holds no messages.parquet to count by {keys}") from error
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: must be a whole Parquet file ({error})") from error


def _merged(chunks: Iterator[pd.DataFrame], keys: list[str], measures: list[str]) -> pd.DataFrame:
    """Parts summed by keys, which have the same types wherever they come from."""
    types = {
        **{key: "datetime64[us]" for key in keys if key in _TIMES},
        **{key: "str" for key in keys if key in _NAMES},
        **{key: "Int64" for key in keys if key in _NUMBERS},
    }
    empty = pd.DataFrame({key: pd.Series(dtype=types[key]) for key in keys})
    summed = [empty.assign(**dict.fromkeys(measures, pd.Series(dtype="Int64")))]
    for chunk in chunks:
        summed.append(_summed(chunk, keys, measures).astype(types))
        if len(summed) > 16:
            summed = [_summed(pd.concat(summed), keys, measures)]
    whole = _summed(pd.concat(summed), keys, measures)
    complete = {name: "int64" for name in measures if not whole[name].isna().any()}
    return whole.astype(complete)


def _summed(cells: pd.DataFrame, keys: list[str], measures: list[str]) -> pd.DataFrame:
    """Cells summed by their keys, in order, NA last; what is not known makes its sum NA."""
    if not keys:
        total = {name: [cells[name].astype("Int64").sum(skipna=False)] for name in measures}
        return pd.DataFrame(total, dtype="Int64")
    whole = cells.astype(dict.fromkeys(measures, "Int64"))
    grouped = whole.groupby(keys, dropna=False, observed=True, sort=True)
    return grouped[measures].sum(skipna=False).reset_index()


def _starts(us: NDArray[np.int64], key: str) -> NDArray[np.datetime64]:
    """The start of the slot, hour, day or month that holds each instant."""
    if key == "month":
        return us.view("datetime64[us]").astype("datetime64[M]").astype("datetime64[us]")
    length = _LENGTHS_US[key]
    return (us // length * length).view("datetime64[us]")


def _outcomes(cells: pd.DataFrame) -> Any:
    """The outcome of messages, by the tallies' own rule."""
    status = cells["status"].astype("category").cat
    codes = {"status": status.codes.to_numpy(), "refused_at": refusal_stages(cells["refused_at"])}
    return np.array(OUTCOMES, object)[outcomes(codes, status.categories.tolist())]


def _charges(rows: pd.DataFrame) -> Any:
    """How messages were paid for, by the tallies' own rule."""
    columns = {
        "refused_at": refusal_stages(rows["refused_at"]),
        "covered_segments": rows["covered_segments"].fillna(-1).to_numpy(np.int64),
        "cost_micro": rows["cost_micro"].fillna(0).to_numpy(np.int64),
    }
    return np.array(CHARGES, object)[charges(columns)]


def _bins(rows: pd.DataFrame) -> Any:
    """The bin of each delivery's delay."""
    delivered = (_outcomes(rows) == "delivered") & rows["final_at"].notna().to_numpy()
    numbers = np.zeros(len(rows), np.int64)
    ends, begins = (microseconds_of(rows[name])[delivered] for name in ("final_at", "submitted_at"))
    numbers[delivered] = bin_of(ends - begins)
    return pd.arrays.IntegerArray(numbers, ~delivered)


_HOURS = 168
"""Hours in a week."""
_SUMS = {
    "messages": ("delivered", "expired", "failed", "in_flight", "refused", "refused_platform"),
    "refused": ("refused", "refused_platform"),
    "delivered": ("delivered",),
    "not_delivered": ("failed", "expired"),
    "in_flight": ("in_flight",),
}
"""What is counted, and the outcomes of the tally that it adds up."""


@requires("clock")
def heat_map(record: Record, zone: str = "UTC") -> pd.DataFrame:
    """Messages by hour of the day and day of the week in *zone*: 168 rows, Monday 0:00 first.

    `weekday` is 0 (Monday) to 6, `observed_h` the hours of the record that fall there, which are
    few and unequal in a short record: compare `messages_an_hour`, NaN where there are none.
    messages = refused + delivered + not_delivered + in_flight, and in a log `in_flight` are all
    without a report. `refused_share` is of the messages, `not_delivered_share` of those sent whose
    outcome is known (failed and expired among them and the delivered), with 95% intervals:
    Wilson's, modified for few, where those pending for less than 72 h may all be delivered or none.
    Times are of the request or the submission, to the quarter of an hour. Raise a
    ZoneInfoNotFoundError for a zone that no one knows.
    """
    tz = ZoneInfo(zone)
    clock = record.tallies.clock
    hour_of_week = _hour_of_week(microseconds_of(clock["slot"]), tz)
    frame = pd.DataFrame({"weekday": np.arange(_HOURS) // 24, "hour": np.arange(_HOURS) % 24})
    frame["observed_h"] = _observed_h(record, tz)
    messages = clock["messages"].to_numpy(np.int64)
    for name, counted in _SUMS.items():
        sums = np.zeros(_HOURS, np.int64)
        counts = clock["outcome"].isin(counted).to_numpy()
        np.add.at(sums, hour_of_week[counts], messages[counts])
        frame[name] = sums
    observed = frame["observed_h"].where(frame["observed_h"] > 0)
    frame["messages_an_hour"] = frame["messages"] / observed
    final = frame["delivered"] + frame["not_delivered"]
    # What was sent 72 h before the end has its report or has lost it: that is not pending.
    slots = microseconds_of(clock["slot"])
    young = (slots + SLOT_US + 72 * HOUR > record.observed_until) & (
        clock["outcome"] == "in_flight"
    )
    pending = np.zeros(_HOURS, np.int64)
    np.add.at(pending, hour_of_week[young], messages[young])
    return frame.assign(
        **_share("refused", frame["refused"], frame["messages"], np.zeros(_HOURS, np.int64)),
        **_share("not_delivered", frame["not_delivered"], final, pending),
    )


def _hour_of_week(us: Ints, zone: ZoneInfo) -> Ints:
    local = instants(us).tz_convert(zone)
    return (24 * local.day_of_week + local.hour).to_numpy(np.int64)


def _observed_h(record: Record, zone: ZoneInfo) -> NDArray[np.float64]:
    """The hours of the record at each hour of the week; a slot is where it begins."""
    first, until = record.observed_from, record.observed_until
    starts = np.arange(first // SLOT_US, -(-until // SLOT_US), dtype=np.int64) * SLOT_US
    lengths = np.minimum(starts + SLOT_US, until) - np.maximum(starts, first)
    return np.bincount(_hour_of_week(starts, zone), lengths / HOUR, _HOURS).astype(np.float64)


def _share(
    name: str, counts: pd.Series[int], totals: pd.Series[int], pending: Ints
) -> dict[str, Any]:
    """The share and its interval, a value an hour of the week; NaN of nothing."""
    values = [
        wilson_with_pending(int(k), int(n), int(p)) if n else UNKNOWN
        for k, n, p in zip(counts, totals, pending, strict=True)
    ]
    ends = (f"{name}_share", f"{name}_low", f"{name}_high")
    return dict(zip(ends, np.array(values, np.float64).T, strict=True))
