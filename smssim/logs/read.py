"""Read what a customer has into a Log: exports of the console, captures of his server, tables.

docs/logs.md says to the letter what is recognised, what is left out, and why.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import DAY
from smssim.logs.log import Log, QuarantinedError
from smssim.record.counting import GROUP, Counted, Tallier, charges, folded, kinds_of, outcomes
from smssim.record.parquet import KIND, Kind, kinds_in, read_table, together_in
from smssim.record.record import Record
from smssim.record.schema import COPIES, REPORT_STATES, TIME
from smssim.record.storage import about, is_record, load
from smssim.record.tallies import OUTCOMES, SLOT_US, Tallies
from smssim.stats.delay_bins import bin_of, edges_us

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]

    from smssim.logs.columns.headings import Columns


# A Parquet table of ours as compact columns, a chunk of rows at a time and only those wanted.

Array = NDArray[Any]
NAT = np.iinfo(np.int64).min
NA = -1
ROWS = 1 << 17
"""Rows of a chunk at most: a row group of ours, or a part of a larger one."""


class Times(NamedTuple):
    """Microseconds since 1970, and the rows that have none, whose values mean nothing."""

    us: Array
    none: Array


class Chunk(NamedTuple):
    """Some rows: codes or small numbers by column, NA as -1, and times; a column that does not
    change is one number.
    """

    group: int
    """The row group that the rows are of."""
    rows: int
    codes: dict[str, Array | int]
    times: dict[str, Times]


class Stored:
    """One file that a TableWriter wrote, open for reading; a ValueError says why it cannot be."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        self.path, self.kinds = path, kinds_in(path)
        self._file = pq.ParquetFile(path, pre_buffer=False, memory_map=False)
        self._about = self._file.metadata
        self.together = together_in(path)
        """What the numbers of the column KIND stand for; None where the file has no such."""
        if self.together is not None:
            self.kinds[KIND] = Kind("int32")
        self._places = {name: i for i, name in enumerate(self._file.schema_arrow.names)}

    @property
    def rows(self) -> int:
        """Rows of the whole table."""
        return int(self._about.num_rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def labels(self, name: str) -> list[Any]:
        """The labels of a coded column, by code."""
        return self.kinds[name].categories or []

    def range_of(self, name: str) -> tuple[int, int]:
        """The least and the greatest number of a column, -1 among them if any may be NA.

        Times are in microseconds; a column without any value has the range of nothing, (0, -1).
        """
        kind = self.kinds[name]
        if kind.labelled:
            return NA, len(self.labels(name)) - 1
        known = [one for one in self._ranges(name) if one is not None]
        low, high = min((a for a, _ in known), default=0), max((b for _, b in known), default=-1)
        return (low, high) if kind.dtype == TIME else (min(low, NA), high)

    def chunks(self, names: Sequence[str]) -> Iterator[Chunk]:
        """The rows in order, with the columns *names* of those that the table has."""
        wanted = [name for name in names if name in self.kinds]
        for group in range(self._about.num_row_groups):
            fixed = self._fixed(group, wanted)
            rest = [name for name in wanted if name not in fixed]
            if not rest:
                yield Chunk(group, self._about.row_group(group).num_rows, {**fixed}, {})
                continue
            for batch in self._batches(group, rest):
                yield Chunk(group, batch.num_rows, *self._columns(batch, rest, fixed))

    def least_from(self, name: str) -> list[int]:
        """For each row group the least number of a column in it and in all that follow."""
        least = [0 if one is None else one[0] for one in self._ranges(name)]
        return list(accumulate(reversed(least), min))[::-1]

    def _batches(self, group: int, names: list[str]) -> Iterator[pa.RecordBatch]:
        yield from self._file.iter_batches(ROWS, [group], names, use_threads=False)

    def _columns(
        self, batch: pa.RecordBatch, names: list[str], fixed: dict[str, int]
    ) -> tuple[dict[str, Array | int], dict[str, Times]]:
        codes: dict[str, Array | int] = {**fixed}
        times = {}
        for name, column in zip(names, batch.columns, strict=True):
            if self.kinds[name].dtype == TIME:
                times[name] = _times(column)
            elif self.kinds[name].labelled:
                codes[name] = self._codes(column, self.kinds[name])
            else:
                filled = column.fill_null(NA) if column.null_count else column
                codes[name] = filled.to_numpy()
        return codes, times

    def _codes(self, column: pa.DictionaryArray, kind: Kind) -> Array:
        """Codes among the table's labels, which its row groups may have in another order."""
        own = column.dictionary.to_pylist()
        indices = column.indices
        codes: Array = (indices.fill_null(NA) if indices.null_count else indices).to_numpy()
        if own == (kind.categories or [])[: len(own)]:
            return codes
        return np.array([*(self._code(kind, label) for label in own), NA]).take(codes)

    def _code(self, kind: Kind, label: str) -> int:
        places: dict[Any, int] = {name: i for i, name in enumerate(kind.categories or [])}
        if label not in places:
            raise ValueError(f"{self.path}: holds {label!r}, which its metadata does not tell")
        return places[label]

    def _fixed(self, group: int, names: list[str]) -> dict[str, int]:
        """The columns that hold one value alone in a row group, by its statistics."""
        about = self._about.row_group(group)
        found = {}
        for name in names:
            kind = self.kinds[name]
            told = about.column(self._places[name]).statistics
            if kind.dtype == TIME or told is None or not told.has_null_count:
                continue
            if told.null_count == about.num_rows:
                found[name] = NA
            elif told.has_min_max and not told.null_count and told.min == told.max:
                found[name] = self._code(kind, told.min) if kind.labelled else int(told.min)
        return found

    def _ranges(self, name: str) -> list[tuple[int, int] | None]:
        """The least and greatest number of each row group, None where it has none."""
        return self._told.setdefault(
            name, [self._range(i, name) for i in range(self._about.num_row_groups)]
        )

    @cached_property
    def _told(self) -> dict[str, list[tuple[int, int] | None]]:
        return {}

    def _range(self, group: int, name: str) -> tuple[int, int] | None:
        import pyarrow.compute as pc  # type: ignore[import-untyped]

        about = self._about.row_group(group)
        told = about.column(self._places[name]).statistics
        if told is not None and told.has_null_count and told.null_count == about.num_rows:
            return None
        if told is not None and told.has_min_max:
            # Times are raw numbers: their statistics have no microseconds of Python's own.
            low, high = told.min_raw, told.max_raw
            return int(low), int(high)
        ends = [
            pc.min_max(_integers(batch.column(0))).as_py() for batch in self._batches(group, [name])
        ]
        lows = [end["min"] for end in ends if end["min"] is not None]
        highs = [end["max"] for end in ends if end["max"] is not None]
        return (min(lows), max(highs)) if lows else None


def _integers(column: pa.Array) -> pa.Array:
    import pyarrow as pa

    return column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column


def _times(column: pa.Array) -> Times:
    """A column of times as it lies in memory: filling its gaps would be another copy."""
    raw = np.frombuffer(column.buffers()[1], np.int64, len(column) + column.offset)
    none = np.empty(0, np.int64)
    if column.null_count:
        none = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
    return Times(raw[column.offset :], none)


# Tables of our own, counted again from their rows as fast as they can be read.


# Kinds of rows: what most rows have in common is told once a kind, and rows are counted by it.

_TABLE = 1 << 22
"""Possible kinds up to which a table of them is quicker than sorting."""
_MOST = 1 << 62


class Written:
    """Kinds that the table itself numbers, by the *column* of that name."""

    def __init__(self, column: str, told: Mapping[str, Sequence[int]]) -> None:
        self._column = column
        self._told = {name: np.array(values, np.int64) for name, values in told.items()}

    def __len__(self) -> int:
        return len(next(iter(self._told.values())))

    def of(self, columns: Mapping[str, Array | int], rows: int) -> Array:
        """The kind of each row."""
        kind = columns[self._column]
        return np.full(rows, kind) if isinstance(kind, int) else kind

    def columns(self) -> dict[str, Array]:
        """What each kind has, in order of their numbers."""
        return dict(self._told)


class Kinds:
    """The combinations of small numbers that occur, numbered from 0 as they are first met.

    *ranges* says the least and the greatest number of each column.
    """

    def __init__(self, ranges: Mapping[str, tuple[int, int]]) -> None:
        self._lows = {name: low for name, (low, _) in ranges.items()}
        self._sizes = [max(high - low, 0) + 1 for low, high in ranges.values()]
        span = math.prod(self._sizes)
        if span >= _MOST:
            raise ValueError(f"ranges(={dict(ranges)}) must span less than 2**62 combinations")
        furthest = sum(
            math.prod(self._sizes[i + 1 :]) * max(abs(low), abs(high))
            for i, (low, high) in enumerate(ranges.values())
        )
        self._type = np.int32 if furthest < 1 << 30 else np.int64
        self._table = np.full(span, -1, np.int32) if span <= _TABLE else None
        self._number: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._number)

    def of(self, columns: Mapping[str, Array | int], rows: int) -> Array:
        """The kind of each row; a column may be one number for all of them."""
        key = self._keys(columns, rows)
        if self._table is None:
            found, place = np.unique(key, return_inverse=True)
            return self._numbers(found).take(place)
        kind = self._table.take(key)
        if int(kind.min()) < 0:
            found = np.unique(key[kind < 0])
            self._table[found] = self._numbers(found)
            kind = self._table.take(key)
        return kind

    def columns(self) -> dict[str, Array]:
        """What each kind has, in order of their numbers."""
        keys = np.fromiter(self._number, np.int64, len(self._number))
        places = np.unravel_index(keys, self._sizes) if self._sizes else ()
        return {
            name: place + low for (name, low), place in zip(self._lows.items(), places, strict=True)
        }

    def _keys(self, columns: Mapping[str, Array | int], rows: int) -> Array:
        """Mixed radix, the last column fastest."""
        stride, base = 1, 0
        key: Array = np.zeros(rows, self._type)
        for (name, low), size in zip(
            reversed(self._lows.items()), reversed(self._sizes), strict=True
        ):
            column = columns[name]
            base -= low * stride
            if isinstance(column, int):
                base += column * stride
            else:
                wide = column if stride == 1 else np.multiply(column, stride, dtype=self._type)
                np.add(key, wide, out=key, casting="unsafe")
            stride *= size
        key += self._type(base)
        return key

    def _numbers(self, keys: Array) -> Array:
        """The number of each key, given now if it had none."""
        number = self._number
        found = [number.setdefault(key, len(number)) for key in keys.tolist()]
        return np.array(found, np.int64)


# Sums by two numbers of each row, kept for the cells alone that are not empty.

_DENSEST, _SMALL = 4, 1 << 16
"""Cells a row, and in all, up to which a plain count is quicker than sorting."""


class Sums:
    """Rows, and the sum of a column of theirs, by a first number and a second.

    *firsts* says how many first numbers there are, if they are few.
    """

    def __init__(self, firsts: int | None = None) -> None:
        self._parts: list[tuple[Array, list[Array]]] = []
        self._firsts, self._stride = firsts, 1

    def add(self, first: Array, second: Array, seconds: int, column: Array | None = None) -> Array:
        """Count rows by *first* from 0 and *second* below *seconds*; return the rows by second."""
        low, named = 0, None
        if self._firsts is not None and self._firsts * seconds <= _SMALL * _DENSEST:
            key = first * seconds
            key += second
        else:
            low = int(first.min())
            key = first - low
            key *= seconds
            key += second
            if int(key.max()) >= _DENSEST * len(key) + _SMALL:
                named, key = np.unique(key, return_inverse=True)
        number = np.bincount(key)
        cells = np.flatnonzero(number)
        sums = [number.take(cells), np.zeros(len(cells), np.int64)]
        if column is not None:
            # Exact, as sums of integers below 2**53 are in floating point.
            sums[1] = np.bincount(key, column).take(cells).astype(np.int64)
        places, seconds_ = np.divmod(cells if named is None else named[cells], seconds)
        self._widen(seconds)
        self._parts.append(((places + low) * self._stride + seconds_, sums))
        if len(self._parts) > 32:
            self._parts = [folded(self._parts)]
        return np.bincount(seconds_, sums[0], minlength=seconds)

    def cells(self) -> tuple[Array, Array, list[Array]]:
        """First number, second number, and the sums of each cell that is not empty."""
        if not self._parts:
            nothing = np.empty(0, np.int64)
            return nothing, nothing, [nothing, nothing]
        cells, sums = folded(self._parts)
        return (*np.divmod(cells, self._stride), sums)

    def _widen(self, seconds: int) -> None:
        """Have room for second numbers: cells that lie close together are summed faster."""
        if seconds <= self._stride:
            return
        old, self._stride = self._stride, 1 << (seconds - 1).bit_length()
        for place, (cells, sums) in enumerate(self._parts):
            first, second = np.divmod(cells, old)
            self._parts[place] = first * self._stride + second, sums


# All tallies counted from the rows of our own tables, in the time that reading them takes.

_CODED = ("country", "application", "template", "type", "status", "source")
_KINDS = (*_CODED, "generation", "place", "segments", "covered_segments")
_TIMES_recount, _PAID = ("submitted_at", "final_at"), "paid"
_REPORTED = ("state", "attempts", "copies")
_DEFAULTS = {"generation": NA, "place": 0, "segments": 0, "covered_segments": NA, "cost_micro": 0}
"""What stands for a column that a table has not; NA elsewhere."""
_BINS = len(edges_us()) + 1
"""The last one is that of deliveries whose time is not told."""


class Recount:
    """Counts the messages of a table chunk by chunk, observed up to *until_us*."""

    def __init__(self, table: Stored, until_us: int, servers: Collection[str]) -> None:
        self._until_us, self._servers = until_us, servers
        self._labels = {n: table.labels(n) if n in table.kinds else [] for n in _CODED}
        self._kinds: Kinds | Written
        self.wanted: tuple[str, ...] = (*_TIMES_recount, KIND)
        if table.together is not None:
            self._kinds = Written(KIND, table.together)
        else:
            ranges = {
                n: table.range_of(n) if n in table.kinds else (_default(n),) * 2 for n in _KINDS
            }
            self._kinds = Kinds({**ranges, _PAID: (0, 1)})
            self.wanted = (*_TIMES_recount, "cost_micro", *_KINDS)
        self._clock, self._delays = Sums(), Sums(_BINS)
        self._flying = np.empty(0, bool)

    def add(self, chunk: Chunk) -> Array:
        """Count a chunk; return the times of the final statuses of its messages."""
        codes = {name: chunk.codes.get(name, _default(name)) for name in self.wanted}
        money = None
        if isinstance(self._kinds, Kinds):
            cost = np.maximum(codes["cost_micro"], 0)
            paid = cost > 0
            codes[_PAID] = paid if paid.ndim else int(paid)
            if paid.any():
                money = np.broadcast_to(cost, chunk.rows)
        kind = self._kinds.of(codes, chunk.rows)
        submitted = chunk.times["submitted_at"].us
        counts = self._clock.add(submitted // SLOT_US, kind, len(self._kinds), money)
        final = chunk.times.get("final_at") or Times(submitted, np.arange(chunk.rows))
        self._delays.add(self._bins(submitted, final, kind, counts), kind, len(self._kinds))
        ended = final.us.copy()
        ended[final.none] = NAT
        return ended

    def _bins(self, submitted: Array, final: Times, kind: Array, counts: Array) -> Array:
        """The bin of each delay, of the age where a message is in flight."""
        delay = final.us - submitted
        delay[final.none] = self._until_us - submitted.take(final.none)
        flying = self._in_flight()
        waiting = flying.take(kind.take(final.none))
        none = final.none[~waiting]
        if int(counts @ flying) != np.count_nonzero(waiting):
            # A status that is not final has a time of its own, which is no end of the flight.
            own = np.flatnonzero(flying.take(kind))
            delay[own] = self._until_us - submitted.take(own)
        bins = bin_of(delay)
        bins[none] = _BINS - 1
        return bins

    def _in_flight(self) -> Array:
        """Which kinds are in flight."""
        if len(self._flying) < len(self._kinds):
            outcome = outcomes(self._kinds.columns(), self._labels["status"])
            self._flying = outcome == OUTCOMES.index("in_flight")
        return self._flying

    def tallies(self, first_us: int, reports: ReportCount | None) -> Tallies:
        """The tallies of everything counted, and of the status reports."""
        kinds = self._kinds.columns()
        # Of kinds found here it is told whether they cost anything, and their cost is summed.
        kinds["cost_micro"] = np.maximum(kinds["cost_micro" if _PAID not in kinds else _PAID], 0)
        kinds["charge"] = charges(kinds)
        kinds["outcome"] = outcomes(kinds, self._labels["status"])
        kinds["copy"] = self._copies(kinds)
        lists: dict[str, Any] = {}
        for name in _CODED:
            order = sorted(range(len(self._labels[name])), key=self._labels[name].__getitem__)
            lists[name] = [self._labels[name][place] for place in order]
            rank = np.full(len(order) + 1, NA)
            rank[order] = np.arange(len(order))
            kinds[name] = rank.take(kinds[name])
        lists["group"], kinds["group"] = [], np.empty(0, np.int64)
        if len(self._kinds):
            groups, kinds["group"] = kinds_of({name: kinds[name] for name in GROUP})
            lists["group"] = np.stack(list(groups.values()), axis=1).tolist()
        tallier = Tallier(lists, first_us, self._until_us)
        self._add_messages(tallier, kinds, first_us)
        self._add_delays(tallier, kinds)
        if reports is not None:
            tallier.add_cells(reports.counted(), "push")
        return tallier.tallies()

    def _add_messages(self, tallier: Tallier, kinds: Mapping[str, Array], first_us: int) -> None:
        slot, kind, (messages, cost) = self._clock.cells()
        codes = {name: kinds[name].take(kind) for name in ("group", "charge", "status", "outcome")}
        codes["slot"] = slot - first_us // SLOT_US
        codes["day"] = slot * SLOT_US // DAY - first_us // DAY
        if isinstance(self._kinds, Written):
            cost = messages * kinds["cost_micro"].take(kind)
        sums = {"messages": messages, "cost_micro": cost}
        for name in ("segments", "covered_segments"):
            sums[name] = messages * np.maximum(kinds[name], 0).take(kind)
        tallier.add_cells(Counted(codes, sums), "money", "templates", "sources", "clock")

    def _add_delays(self, tallier: Tallier, kinds: Mapping[str, Array]) -> None:
        place, kind, (messages, _) = self._delays.cells()
        outcome = kinds["outcome"].take(kind)
        for name, into in (
            ("delivered", ("latency", "template_latency")),
            ("in_flight", ("censored", "template_censored")),
        ):
            own = np.flatnonzero((outcome == OUTCOMES.index(name)) & (place < _BINS - 1))
            codes = {"group": kinds["group"].take(kind.take(own)), "bin": place.take(own)}
            tallier.add_cells(Counted(codes, {"messages": messages.take(own)}), *into)

    def _copies(self, kinds: Mapping[str, Array]) -> Array:
        """What kind of copy each kind of message is, as codes of COPIES."""
        again = np.full(len(self._kinds), COPIES.index("user resend"))
        if self._servers:
            of_server = [name in self._servers for name in self._labels["source"]]
            again[np.array([*of_server, False])[kinds["source"]]] = COPIES.index("server resend")
        again[kinds["generation"] == 0] = COPIES.index("first")
        again[kinds["generation"] < 0] = NA
        return again


class ReportCount:
    """Counts the status reports of a table chunk by chunk."""

    def __init__(self, table: Stored) -> None:
        states = table.labels("state")
        self._states = np.array([REPORT_STATES.index(state) for state in states], np.int64)
        self._kinds: Kinds | Written
        self._own: tuple[str, ...] = (KIND,)
        if table.together is not None:
            self._kinds = Written(KIND, table.together)
        else:
            self._own = _REPORTED
            ranges = {n: table.range_of(n) if n in table.kinds else (NA, NA) for n in self._own}
            self._kinds = Kinds(ranges)
        self._delays = Sums(_BINS + 1)
        self.wanted = ("message", "received_at", *self._own)

    def add(self, chunk: Chunk, created: Array) -> None:
        """Count a chunk whose reports were made at *created*."""
        kind = self._kinds.of({n: chunk.codes.get(n, NA) for n in self._own}, chunk.rows)
        received = chunk.times["received_at"]
        # Most reports arrive as they are made, and are quicker left out than put into bin 0.
        own = np.flatnonzero(received.us != created)
        place = np.ones(chunk.rows, np.int64)
        made = created.take(own)
        late = bin_of(received.us.take(own) - made) + 1
        late[made == NAT] = 0
        place[own] = late
        if len(received.none):
            # What arrived nobody knows when has no delay; what never arrived is counted in bin 0.
            arrived = self._kinds.columns()["state"] == self._received()
            place[received.none] = np.where(arrived.take(kind.take(received.none)), 0, 1)
        self._delays.add(place, kind, len(self._kinds))

    def counted(self) -> Counted:
        """The cells of the tally `push`."""
        place, kind, (number, _) = self._delays.cells()
        kinds = self._kinds.columns()
        codes = {name: kinds[name].take(kind) for name in ("state", "attempts")}
        codes["state"] = self._states.take(codes["state"])
        codes["bin"] = place - 1
        copies = number * np.maximum(kinds["copies"], 0).take(kind)
        return Counted(codes, {"reports": number, "copies": copies})

    def _received(self) -> int:
        known = np.flatnonzero(self._states == REPORT_STATES.index("received"))
        return int(known[0]) if len(known) else NA - 1


def _default(name: str) -> int:
    return _DEFAULTS.get(name, NA)


# A messages.parquet of ours read into a Log, with the reports.parquet beside it.

_MAGIC = b"PAR1"
_MESSAGES, _REPORTS = "messages.parquet", "reports.parquet"
_TIMES = ("submitted_at", "final_at", "received_at")


@dataclass(frozen=True)
class Known:
    """What a provenance.json beside the tables tells of them."""

    first_us: int | None = None
    until_us: int | None = None
    name: str | None = None
    currency: str | None = None
    servers: frozenset[str] = frozenset()


def is_ours(path: Path) -> bool:
    """Whether a path is a file of messages that a TableWriter wrote."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return False
        return {"submitted_at", "place", "status"} <= kinds_in(path).keys()
    except (OSError, ValueError):
        return False


def read_ours(path: Path, name: str, *, rows: bool) -> Log:
    """Count a file of messages, and the reports beside it, again from their rows.

    With *rows* they are kept as frames as well. Raise a ValueError for a file that is not whole,
    and for rows that do not lie in the period that a provenance.json beside them tells.
    """
    import pyarrow as pa

    beside = path.with_name(_REPORTS)
    reported = path.name == _MESSAGES and beside.is_file()
    try:
        known = _known(path.parent) if path.name == _MESSAGES else Known()
        with Stored(path) as messages:
            if reported:
                with Stored(beside) as reports:
                    tallies, first_us = _counted(messages, reports, known)
            else:
                tallies, first_us = _counted(messages, None, known)
            number = messages.rows
    except (pa.ArrowInvalid, OSError, IndexError) as error:
        raise ValueError(f"{path}: cannot be read on: {error}") from error
    frames: dict[str, pd.DataFrame] = {}
    if rows:
        frames = {"messages": read_table(path)}
        frames |= {"reports": read_table(beside)} if reported else {}
    files = [path, beside] if reported else [path]
    return Log(
        name=known.name or name,
        observed_from=first_us,
        observed_until=tallies.observed_until,
        currency=known.currency,
        tallies=tallies,
        provenance=_provenance(files, number),
        **frames,
    )


def _counted(messages: Stored, reports: Stored | None, known: Known) -> tuple[Tallies, int]:
    """The tallies, and the beginning of the period that they are of."""
    first_us, until_us = _period(messages, reports, known)
    recount = Recount(messages, until_us, known.servers)
    finals = Finals(recount, messages)
    count = None
    if reports is not None:
        count = ReportCount(reports)
        least = reports.least_from("message")
        for chunk in reports.chunks(count.wanted):
            message = chunk.codes["message"]
            number = np.full(chunk.rows, message) if isinstance(message, int) else message
            count.add(chunk, finals.of(number, least[chunk.group]))
    finals.finish()
    return recount.tallies(first_us, count), first_us


class Finals:
    """The times of final statuses by number of the message, of no more messages than are needed.

    Messages are counted as they are read.
    """

    def __init__(self, recount: Recount, messages: Stored) -> None:
        self._recount, self._rows = recount, messages.rows
        self._chunks = messages.chunks(recount.wanted)
        self._first, self._finals = 0, np.empty(0, np.int64)

    def of(self, number: Array, least: int) -> Array:
        """The times of some messages; none before *least* will be asked for again."""
        last = int(number.max())
        if last >= self._rows or int(number.min()) < 0:
            raise IndexError(f"a report of message {last}, of which there are {self._rows}")
        while self._first + len(self._finals) <= last:
            past = min(max(least - self._first, 0), len(self._finals))
            self._first += past
            kept, more = self._finals[past:], self._recount.add(next(self._chunks))
            self._finals = np.concatenate([kept, more]) if len(kept) else more
        times: Array = self._finals.take(number - self._first)
        return times

    def finish(self) -> None:
        """Count the messages that no report asked for."""
        for chunk in self._chunks:
            self._recount.add(chunk)


def _period(messages: Stored, reports: Stored | None, known: Known) -> tuple[int, int]:
    """The period that was observed: as it is told, else from the first time to the last."""
    ranges = [
        table.range_of(name)
        for table in (messages, reports)
        if table is not None
        for name in _TIMES
        if name in table.kinds
    ]
    told = [(low, high) for low, high in ranges if low <= high]
    first_us = min((low for low, _ in told), default=0)
    until_us = max((high for _, high in told), default=0)
    if known.first_us is None or known.until_us is None:
        return first_us, until_us
    if told and not known.first_us <= first_us <= until_us <= known.until_us:
        raise ValueError(
            f"{messages.path}: times from {first_us} to {until_us} us must lie in the period that "
            f"provenance.json tells, {known.first_us} to {known.until_us} us"
        )
    return known.first_us, known.until_us


def _known(directory: Path) -> Known:
    """What is told beside the tables; nothing, where what is told is of no record."""
    if not is_record(directory):
        return Known()
    try:
        told = about(directory)
    except ValueError:
        return Known()
    return Known(
        told["observed_from"],
        told["observed_until"],
        told["name"],
        told["currency"],
        frozenset(_servers(told["provenance"].get("scenario"))),
    )


def _servers(scenario: str | None) -> Iterator[str]:
    """The sources of a scenario whose resends are a server's; its rules are not needed for that."""
    document: dict[str, Any] = json.loads(scenario) if scenario else {}
    for sources in document.values():
        for source in sources if isinstance(sources, list) else ():
            if isinstance(source, dict) and source.get("server_resend"):
                yield source["name"]


def _provenance(files: list[Path], rows: int) -> dict[str, Any]:
    return {
        "log": [str(file) for file in files],
        "files": [{"path": str(file), "form": "Parquet", "kind": "ours"} for file in files],
        "counts": {"records_in": rows, "used": rows, "quarantined": 0, "duplicates": 0},
        "quarantined_by_reason": {},
        "repaired": {},
        "passed_over": {},
        "warnings": [],
        "zone": None,
    }


__all__ = ["Log", "QuarantinedError", "read_log"]


def read_log(
    path: str | PathLike[str],
    *,
    columns: Columns = None,
    tz: str | None = None,
    rows: bool = True,
    show_numbers: bool = False,
    strict: bool = False,
) -> Record:
    """Read a file, or every file below a directory, into one Log.

    Tables and captures are recognised by what stands in them, compressed or not; *columns* is a
    mapping of fields to headings, or a YAML file of one, and *tz* the zone of times that say
    none. With *rows* False only the tallies are kept, in memory that does not grow with the log.
    Phone numbers are masked in the quarantine unless *show_numbers*.

    A directory that a record was written to is that record, a Run's as a plain Record; a single
    file of its messages is counted again from its rows, with the reports beside it.

    A record that cannot be used is in `quarantine` with all its reasons; `provenance["counts"]`
    holds `records_in` = `used` + `quarantined` + `duplicates`. Raise a
    ColumnMappingError, a ValueError, for a table that nobody could read without more help, and
    says which; with *strict* a QuarantinedError if any record is left out; an OSError for
    a path that cannot be opened.
    """
    path = Path(path)
    if path.is_dir() and is_record(path):
        return _complete(load(path, rows=rows), strict=strict)
    if columns is None and is_ours(path):
        return read_ours(path, name_of(path), rows=rows)
    from smssim.logs.reader import LogReader

    with LogReader(columns, tz, show_numbers=show_numbers) as reading:
        reading.read(path)
        log = reading.log(name_of(path), rows=rows)
    return _complete(log, strict=strict)


def _complete(log: Record, *, strict: bool) -> Record:
    if strict and log.provenance.get("counts", {}).get("quarantined"):
        raise QuarantinedError(log)
    return log


def name_of(path: Path) -> str:
    """What a log is called: its file's name without the endings of its form.

    >>> name_of(Path("exports/2026-03.csv.gz"))
    '2026-03'
    """
    name = path.resolve().name
    for ending in (".gz", ".csv", ".tsv", ".txt", ".xlsx", ".jsonl", ".json", ".parquet"):
        name = name.removesuffix(ending)
    return name
