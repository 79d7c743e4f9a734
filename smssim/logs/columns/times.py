"""Columns of times as instants: how each text is written, day or month first, the zone.

What a column needs and its file does not state is an error with the remedy, never a guess.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from smssim.arrays import Ints
from smssim.logs.columns.texts import LONGEST, Texts, as_texts, cleaned, excerpt, is_filled
from smssim.logs.columns.time_formats import (
    END_US,
    FIRST_US,
    MIDNIGHT,
    SECONDS,
    SINCE_1970,
    Layout,
    LayoutReader,
    Zone,
    is_since_1970,
    layout_reader,
    since_1970,
    zone,
)
from smssim.logs.join.facts import UNKNOWN
from smssim.logs.log import ColumnMappingError

__all__ = ["Read", "Resolution", "States", "TimeColumn", "TimeFormat"]

_SECOND_US, _DAY_S = 1_000_000, 86_400
_MINUTE_US = 60 * _SECOND_US
_DIFFERENT, _FEW_ZEROS = 10, 2
_EMPTY, _WRONG, _UNORDERED, _INSTANT, _LOCAL = range(5)
_LAYOUTS = 64
_ORDERED = r"^\s*'?(?P<a>[0-9]{1,2})[-/.](?P<b>[0-9]{1,2})[-/.][0-9]{4}[ \tT,]"
# Ten digits are seconds since 1970, or YYMMDDhhmm as receipts of SMPP have it.
_PACKED = r"^[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9]$"
_PACKED_FORMATS = {10: "%y%m%d%H%M", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_DOES_NOT_SHOW = (
    "does not show whether the day or the month comes first: state it with --columns map.yaml "
    "(columns=), as in `submitted: {heading: ..., day_first: true}`"
)
# What programs write for no time: zero, by any system's count and in any zone.
_NO_TIME = (
    r"^(?:0000-00-00|0001-01-01|1899-12-3[01]|1900-01-0[01])(?:[ T]00:00(?::00(?:\.0+)?)?Z?)?$"
    r"|^1970[-/]0?1[-/]0?1[ T](?:0?[0-9]|1[0-4]):[0-5][05]:00(?:\.0+)?(?:Z|[+-][0-9:]+)?$"
    r"|^1969[-/]12[-/]31[ T](?:1[2-9]|2[0-3]):[0-5][05]:00(?:\.0+)?(?:Z|[+-][0-9:]+)?$|^-?0+$"
)

# The days that programs and spreadsheets count from, in microseconds.
_NO_STAMPS = [
    int(np.datetime64(day, "us").astype(np.int64))
    for day in ("0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01")
]

States = npt.NDArray[np.int8]
Read = tuple[Ints, list[tuple[int, str]]]
"""Instants in microseconds, UNKNOWN where empty or wrong, and the wrong rows with reasons."""


class Resolution:
    """In what steps a column of times is written: seconds, or the minutes that spreadsheets save.

    Values that are all whole minutes are taken for minutes if ten of them differ.
    """

    def __init__(self) -> None:
        self._in_minutes = self._in_seconds = 0
        self._whole: set[int] = set()
        self._has_seconds = self._has_fractions = False

    def add(self, times: Ints, written_us: int) -> None:
        """Take times in microseconds, and the step that their texts are written in."""
        if written_us >= _MINUTE_US:
            self._in_minutes += len(times)
            return
        self._in_seconds += len(times)
        self._has_fractions |= bool((times % _SECOND_US).any())
        is_whole = times % _MINUTE_US == 0
        self._has_seconds |= not is_whole.all()
        if len(self._whole) < _DIFFERENT:
            self._whole.update(np.unique(times[is_whole])[:_DIFFERENT].tolist())

    @property
    def step_us(self) -> int:
        """The coarsest step of the column in microseconds, 0 where seconds have fractions.

        Some programs leave seconds out where they are 0: then hardly any value lacks them, and
        none that has them ends in ":00".
        """
        if self._in_minutes:
            leaves_zeros = self._has_seconds and not self._whole
            few = self._in_minutes <= _FEW_ZEROS + self._in_seconds // 40
            return _SECOND_US if leaves_zeros and few else _MINUTE_US
        all_whole = not self._has_seconds and len(self._whole) >= _DIFFERENT
        return _MINUTE_US if all_whole else 0 if self._has_fractions else _SECOND_US


class TimeFormat(NamedTuple):
    """What a person states of a column of times: its formats, its zone, the order of its dates."""

    formats: tuple[str, ...] = ()
    zone: str | None = None
    day_first: bool | None = None


_NOTHING = TimeFormat()


class TimeColumn:
    """One column of times: its heading, what a person states of it, what its values show.

    `day_first` is None as long as the order of day and month is open.
    """

    def __init__(self, heading: str, stated: TimeFormat = _NOTHING) -> None:
        self.heading = heading
        self.resolution = Resolution()
        self.day_first = _order(stated)
        self._zone: Zone | None = None if stated.zone is None else zone(stated.zone)
        self._readers = [layout_reader(form) for form in stated.formats if form != SECONDS]
        self._is_packed = _meaning_of_ten(stated.formats, self._readers)
        self._readers.append(layout_reader())
        self._formats = stated.formats
        # Values of two meanings, as long as nothing decides, and whether others have one.
        self._unordered: str | None = None
        self._numeral: str | None = None
        self._has_ordered = self._has_clock = False
        self.dates_are_midnights = False
        """Whether a date alone is a time at 00:00 if other values have a clock, as in workbooks."""

    @property
    def is_open(self) -> bool:
        """Whether a value was met that has two meanings, and none that decides."""
        order = self.day_first is None and self._unordered is not None
        return order or (self._is_packed is None and self._numeral is not None)

    def inspect(self, column: pa.Array) -> None:
        """Look for what decides the order of day and month, or what numerals mean."""
        if pa.types.is_integer(column.type) or _is_text(column):
            texts = as_texts(column)
            if self._is_packed is None:
                self._inspect_numerals(texts)
            if self.dates_are_midnights and not self._has_clock:
                self._has_clock = bool(pc.any(pc.match_substring(texts, ":")).as_py())
            if self.day_first is None and _is_text(column):
                self._inspect_order(texts)

    def follow(self, day_first: bool) -> None:
        """Take the order that the other times of the table have, if this column shows none."""
        if self._unordered is not None and self.day_first is None:
            self.day_first = day_first

    def ambiguity_error(self) -> ColumnMappingError | None:
        """The error for a column whose values all have two meanings; None if some have one."""
        if self._is_packed is None and self._numeral is not None:
            return ColumnMappingError(
                f"the times of {self.heading!r} (like {self._numeral!r}) may be seconds since 1970 "
                f"or YYMMDDhhmm: give the format with --columns map.yaml (columns=), {SECONDS!r} "
                f"or {_PACKED_FORMATS[10]!r}, as in "
                f'`submitted: {{heading: "{self.heading}", format: "{SECONDS}"}}`'
            )
        if not self.is_open or self._has_ordered:
            return None
        return ColumnMappingError(
            f"the times of {self.heading!r} (like {self._unordered!r}) do not say whether the day "
            "or the month comes first: give the format with --columns map.yaml (columns=), "
            f'as in `submitted: {{heading: "{self.heading}", format: "%d/%m/%Y %H:%M:%S"}}`'
        )

    def read(self, column: pa.Array, repaired: Counter[str]) -> Read:
        """The instants of a column, and its wrong values.

        Raise a ColumnMappingError for a naive time without a zone.
        """
        if pa.types.is_timestamp(column.type):
            return self._read_stamps(column)
        if pa.types.is_floating(column.type):
            return self._read_floats(column)
        return self._read_texts(cleaned(as_texts(column), repaired)[0])

    def _inspect_numerals(self, texts: pa.Array) -> None:
        of_ten = pc.equal(pc.binary_length(texts), 10)
        if not pc.any(of_ten).as_py():
            return
        numerals = texts.filter(pc.and_(of_ten, pc.ascii_is_decimal(texts)))
        if not len(numerals):
            return
        if not pc.all(pc.match_substring_regex(numerals, _PACKED)).as_py():
            self._is_packed = False
        elif pc.max(numerals).as_py() > f"{time.time() + _DAY_S:.0f}":
            self._is_packed = True
        elif self._numeral is None:
            self._numeral = numerals[0].as_py()

    def _inspect_order(self, texts: pa.Array) -> None:
        years = Texts(texts).begin_with_four_digits()
        self._has_ordered |= bool(years.any())
        if years.all():
            return
        others = texts.filter(pa.array(~years))
        some = others.filter(pc.match_substring_regex(others, _ORDERED))
        if not len(some):
            return
        groups = pc.extract_regex(some, _ORDERED)
        a, b = (pc.struct_field(groups, name).cast("int64").to_numpy() for name in "ab")
        day_first, month_first = int((a > 12).sum()), int((b > 12).sum())
        if day_first != month_first:
            self.day_first = day_first > month_first
        unordered = np.flatnonzero(a != b)
        if self.day_first is None and self._unordered is None and len(unordered):
            self._unordered = some[int(unordered[0])].as_py()

    def _read_texts(self, column: pa.Array) -> Read:
        times = np.full(len(column), UNKNOWN, np.int64)
        states = np.where(is_filled(column), _WRONG, _EMPTY).astype(np.int8)
        rows = np.flatnonzero(states)
        if len(rows):
            rows = self._read_iso(column, rows, times, states)
        for _ in range(_LAYOUTS):
            if not len(rows):
                break
            layout = self._layout(column[int(rows[0])].as_py())
            rows = rows[1:] if layout is None else self._apply(layout, column, rows, times, states)
        else:
            for layout, some in self._by_layout(column, rows):
                self._apply(layout, column, some, times, states)
        wrong = np.flatnonzero(states == _WRONG)
        if len(wrong):
            zero = pc.match_substring_regex(column.take(pa.array(wrong)), _NO_TIME)
            states[wrong[zero.to_numpy(zero_copy_only=False)]] = _EMPTY
        return self._in_zone(column, times, states)

    def _read_iso(self, column: pa.Array, rows: Ints, times: Ints, states: States) -> Ints:
        """Read a column of ISO 8601 at once; return *rows* if it is not all written so."""
        layout = self._layout(column[int(rows[0])].as_py())
        if layout is None or not layout.is_iso:
            return rows
        texts = column if len(rows) == len(column) else column.take(pa.array(rows))
        values = layout.read_iso(texts)
        if values is None:
            return rows
        right = (values >= FIRST_US) & (values < END_US)
        times[rows[right]] = values[right]
        states[rows[right]] = _INSTANT if layout.zoned else _LOCAL
        self.resolution.add(values[right], layout.resolution_us)
        return rows[:0]

    def _layout(self, text: str) -> Layout | None:
        """How a text is written: in a format that was given, else in one that is known."""
        for layout_of in self._readers:
            layout = layout_of(text)
            if layout is not None:
                return layout
        if self.dates_are_midnights and self._has_clock and MIDNIGHT.matches(text):
            return MIDNIGHT
        if not (text.isascii() and text.isdigit()) or len(text) > LONGEST:
            return None
        form = _PACKED_FORMATS.get(len(text))
        if form is None or (is_since_1970(int(text)) and not (len(text) == 10 and self._is_packed)):
            return SINCE_1970
        return layout_reader(form)(text)

    def _by_layout(self, column: pa.Array, rows: Ints) -> Iterator[tuple[Layout, Ints]]:
        groups: dict[Layout, list[int]] = {}
        texts = column.take(pa.array(rows)).to_pylist()
        for row, text in zip(rows.tolist(), texts, strict=True):
            layout = self._layout(text)
            if layout is not None:
                groups.setdefault(layout, []).append(row)
        for layout, some in groups.items():
            yield layout, np.array(some, np.int64)

    def _apply(
        self, layout: Layout, column: pa.Array, rows: Ints, times: Ints, states: States
    ) -> Ints:
        """Read what is written so, and return the rows that are not."""
        if len(rows) < len(column):
            column = column.take(pa.array(rows))
        matches, right, values = layout.read(column, self.day_first is not False)
        # The first value gave the layout: if it does not match, it would be asked for again.
        matches[:1] = True
        times[rows[right]] = values[right]
        states[rows[right]] = _INSTANT if layout.zoned else _LOCAL
        if self.day_first is None and not layout.ordered:
            _, _, others = layout.read(column, False)
            states[rows[right & (values != others)]] = _UNORDERED
        self.resolution.add(values[right], layout.resolution_us)
        return rows[~matches]

    def _in_zone(self, column: pa.Array, times: Ints, states: States) -> Read:
        """The zone applied to what clocks showed; what is wrong with its reason."""
        never = np.empty(0, np.int64)
        local = np.flatnonzero(states == _LOCAL)
        if len(local):
            if self._zone is None:
                example = as_texts(column.slice(int(local[0]), 1))[0].as_py()
                raise ColumnMappingError(
                    f"the times of {self.heading!r} (like {example!r}) do not say their zone: "
                    "give it with --tz (tz=), as in --tz Asia/Shanghai or --tz UTC+8"
                )
            times[local], once = self._zone.instants(times[local])
            never = local[~once]
        times[never] = UNKNOWN
        times[states < _INSTANT] = UNKNOWN
        written = f" written as {' or '.join(map(repr, self._formats))}" if self._formats else ""
        reasons: list[tuple[int, str]] = []
        for rows, rule in (
            (np.flatnonzero(states == _WRONG), f"must be a time{written}, years 2000 to 2099"),
            (np.flatnonzero(states == _UNORDERED), _DOES_NOT_SHOW),
            (never, f"must be a time that the clocks of {self._zone_name} showed once"),
        ):
            reasons += self._reasons(column, rows, rule)
        return times, reasons

    @property
    def _zone_name(self) -> str:
        return self._zone.name if self._zone else ""

    def _reasons(self, column: pa.Array, rows: Ints, rule: str) -> Iterator[tuple[int, str]]:
        values = as_texts(column.take(pa.array(rows))).to_pylist() if len(rows) else []
        for row, value in zip(rows.tolist(), values, strict=True):
            yield row, f"{self.heading}(={excerpt(value)}) {rule}"

    def _read_stamps(self, column: pa.Array) -> Read:
        is_zoned = column.type.tz is not None
        stamps = column.cast(pa.timestamp("us", "UTC" if is_zoned else None), safe=False)
        times = stamps.cast(pa.int64()).fill_null(0).to_numpy().copy()
        right = (times >= FIRST_US) & (times < END_US)
        states = np.where(right, _INSTANT if is_zoned else _LOCAL, _WRONG).astype(np.int8)
        states[np.isin(times, _NO_STAMPS)] = _EMPTY
        self.resolution.add(times[right], 1)
        return self._in_zone(column, times, states)

    def _read_floats(self, column: pa.Array) -> Read:
        values = column.cast(pa.float64()).fill_null(0).to_numpy()
        values = np.where(np.isnan(values), 0, values)
        right, times = since_1970(values)
        states = np.where(right, _INSTANT, np.where(values == 0, _EMPTY, _WRONG)).astype(np.int8)
        self.resolution.add(times[right], 1)
        return self._in_zone(column, times, states)


def _order(stated: TimeFormat) -> bool | None:
    """Whether the day comes before the month by what a person states; None if he does not."""
    if stated.day_first is not None:
        return stated.day_first
    orders = {
        form.index("%d") < form.index("%m")
        for form in stated.formats
        if "%d" in form and "%m" in form and form.find("%Y") > min(form.find("%d"), form.find("%m"))
    }
    return orders.pop() if len(orders) == 1 else None


def _meaning_of_ten(formats: Sequence[str], readers: Sequence[LayoutReader]) -> bool | None:
    """Whether ten digits are YYMMDDhhmm by the formats that are given; None if none states it."""
    if SECONDS in formats:
        return False
    return True if any(reader("2601010000") for reader in readers) else None


def _is_text(column: pa.Array) -> bool:
    column_type = str(column.type)
    return "string" in column_type or "dictionary" in column_type
