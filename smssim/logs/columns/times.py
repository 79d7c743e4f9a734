"""Columns of times as instants: the form of each text, the order of day and month, the zone.

What a column needs and its file does not say is an error with the remedy, never a guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from smssim.logs.columns.forms import Form
from smssim.logs.columns.numerals import integers
from smssim.logs.columns.problems import shown
from smssim.logs.columns.texts import UNSAID, Flags, Integers, Texts, as_texts, cleaned
from smssim.logs.columns.written import reader_of
from smssim.logs.columns.zones import Zone, zone
from smssim.logs.join.facts import UNKNOWN
from smssim.logs.wrong import WrongColumns

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_FIRST_S, _END_S = 946_684_800, 4_102_444_800  # 2000 to 2099
_FORMS = 64
_LONGEST_UNSAID = max(map(len, UNSAID))
_UNSAID, _WRONG, _INSTANT, _LOCAL = range(4)
_ORDERED = r"^\s*'?(?P<a>[0-9]{1,2})[-/.](?P<b>[0-9]{1,2})[-/.][0-9]{4}[ \tT,]"

Read = tuple[Integers, list[tuple[int, str]]]
"""Instants in microseconds, UNKNOWN where not said or wrong, and the wrong rows with reasons."""


class TimeColumn:
    """One column of times: *heading*, the *form* and *tz* given for it, what was found out.

    `day_first` is None as long as the order of day and month is open.
    """

    def __init__(self, heading: str, form: str | None, tz: str | None) -> None:
        self.heading = heading
        self._reader, self._given = reader_of(form), form
        self._zone: Zone | None = None if tz is None else zone(tz)
        self.day_first: bool | None = True if form is not None else None
        self.ambiguous: str | None = None
        """A value that has two meanings, as long as the order is open."""

    def look(self, column: pa.Array) -> None:
        """Look for the order of day and month, if it is still open."""
        import pyarrow.compute as pc  # type: ignore[import-untyped]

        kind = str(column.type)
        if self.day_first is not None or not ("string" in kind or "dictionary" in kind):
            return
        column = as_texts(column)
        if not _may_be_ordered(Texts(column)):
            return
        some = column.filter(pc.match_substring_regex(column, _ORDERED))
        if not len(some):
            return
        parts = pc.extract_regex(some, _ORDERED)
        a, b = (pc.struct_field(parts, name).cast("int64").to_numpy() for name in "ab")
        day_first, month_first = int((a > 12).sum()), int((b > 12).sum())
        if day_first != month_first:
            self.day_first = day_first > month_first
        open_ = np.flatnonzero(a != b)
        if self.day_first is None and self.ambiguous is None and len(open_):
            self.ambiguous = some[int(open_[0])].as_py()

    def read(self, column: pa.Array, repaired: Counter[str]) -> Read:
        """The instants of a column, and its wrong values.

        Raise a WrongColumns for a naive time without a zone.
        """
        import pyarrow as pa

        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            return self._typed(column)
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            return self._counted(column)
        column, texts = cleaned(as_texts(column), repaired)
        return self._texts(column, texts)

    def undecided(self) -> WrongColumns:
        """The error for a column whose order of day and month nothing decides."""
        told = f"the times of {self.heading!r} (like {self.ambiguous!r}) do not say whether the day"
        return WrongColumns(
            f"{told} or the month comes first: give the format with --columns map.yaml (columns=), "
            f'as in `submitted: {{heading: "{self.heading}", format: "%d/%m/%Y %H:%M:%S"}}`'
        )

    def _texts(self, column: pa.Array, texts: Texts) -> Read:
        times = np.full(len(texts), UNKNOWN, np.int64)
        kind = np.where(said(column, texts), _WRONG, _UNSAID).astype(np.int8)
        rows = None if kind.all() else np.flatnonzero(kind)
        for _ in range(_FORMS):
            if (len(texts) if rows is None else len(rows)) == 0:
                break
            form = self._form(column[0 if rows is None else int(rows[0])].as_py())
            if form is not None:
                rows = self._apply(form, texts, rows, times, kind)
            else:
                rows = np.arange(1, len(texts)) if rows is None else rows[1:]
        else:
            for form, some in self._by_form(column, rows):
                self._apply(form, texts, some, times, kind)
        return self._placed(column, times, kind)

    def _form(self, text: str) -> Form | Literal["count"] | None:
        if self._given is None and text.isascii() and text.isdigit():
            return "count"
        return self._reader(text)

    def _by_form(
        self, column: pa.Array, rows: Integers | None
    ) -> Iterator[tuple[Form | Literal["count"], Integers]]:
        rows = np.arange(len(column)) if rows is None else rows
        found: dict[Form | Literal["count"], list[int]] = {}
        for row, text in zip(rows.tolist(), column.take(_arrow(rows)).to_pylist(), strict=True):
            form = self._form(text)
            if form is not None:
                found.setdefault(form, []).append(row)
        for form, some in found.items():
            yield form, np.array(some, np.int64)

    def _apply(
        self,
        form: Form | Literal["count"],
        texts: Texts,
        rows: Integers | None,
        times: Integers,
        kind: npt.NDArray[np.int8],
    ) -> Integers:
        """Read what is of that form, and return the rows that are not."""
        if form == "count":
            values, like = integers(texts)
            if rows is not None:
                values, like = values[rows], like[rows]
            # A numeral that is too long is like this form too, or it would be asked for again.
            like[:1] = True
            right, values = _since_1970(values)
            right &= like
            naive = False
        else:
            like, right, values = form.read(texts, rows, self.day_first is not False)
            naive = form.offset is None
        where: slice | Integers = slice(None) if rows is None else rows
        if right.all():
            times[where], kind[where] = values, _LOCAL if naive else _INSTANT
            return np.empty(0, np.int64)
        places = np.flatnonzero(right) if rows is None else rows[right]
        times[places], kind[places] = values[right], _LOCAL if naive else _INSTANT
        return np.flatnonzero(~like) if rows is None else rows[~like]

    def _placed(self, column: pa.Array, times: Integers, kind: npt.NDArray[np.int8]) -> Read:
        """The zone applied to what clocks showed; what is wrong with its reason."""
        local = kind == _LOCAL
        never = np.empty(0, np.int64)
        if local.any():
            if self._zone is None:
                example = as_texts(column.take(_arrow(np.flatnonzero(local)[:1])))[0].as_py()
                raise WrongColumns(
                    f"the times of {self.heading!r} (like {example!r}) do not say their zone: "
                    "give it with --tz (tz=), as in --tz Asia/Shanghai or --tz UTC+8"
                )
            if local.all():
                times, once = self._zone.instants(times)
                never = np.flatnonzero(~once)
            else:
                rows = np.flatnonzero(local)
                times[rows], once = self._zone.instants(times[rows])
                never = rows[~once]
            times[never] = UNKNOWN
        wrong = np.flatnonzero(kind == _WRONG)
        times[wrong] = UNKNOWN
        written = "" if self._given is None else f" written as {self._given!r}"
        reasons = [*self._told(column, wrong, f"must be a time{written}, years 2000 to 2099")]
        if len(never) and self._zone is not None:
            rule = f"must be a time that the clocks of {self._zone.name} showed once"
            reasons += self._told(column, never, rule)
        return times, reasons

    def _told(self, column: pa.Array, rows: Integers, rule: str) -> Iterator[tuple[int, str]]:
        values = as_texts(column.take(_arrow(rows))).to_pylist()
        for row, value in zip(rows.tolist(), values, strict=True):
            yield row, f"{self.heading}(={shown(value)}) {rule}"

    def _typed(self, column: pa.Array) -> Read:
        import pyarrow as pa

        zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
        missing = column.is_null().to_numpy(zero_copy_only=False)
        stamps = column.cast(pa.timestamp("us", "UTC" if zoned else None), safe=False)
        times = stamps.cast(pa.int64()).fill_null(0).to_numpy().copy()
        right = (times >= _FIRST_S * 1_000_000) & (times < _END_S * 1_000_000)
        kind = np.where(right, _INSTANT if zoned else _LOCAL, _WRONG).astype(np.int8)
        kind[missing], times[missing] = _UNSAID, UNKNOWN
        return self._placed(column, times, kind)

    def _counted(self, column: pa.Array) -> Read:
        import pyarrow as pa

        missing = column.is_null().to_numpy(zero_copy_only=False)
        values = column.cast(pa.float64(), safe=False).fill_null(0).to_numpy()
        missing = missing | np.isnan(values)
        exact = column.fill_null(0).to_numpy() if pa.types.is_integer(column.type) else values
        right, times = _since_1970(exact)
        kind = np.where(right, _INSTANT, _WRONG).astype(np.int8)
        kind[missing], times[missing] = _UNSAID, UNKNOWN
        return self._placed(column, times, kind)


def said(column: pa.Array, texts: Texts) -> Flags:
    """Which values say something."""
    flags: Flags = texts.length > 0
    short = np.flatnonzero(flags & (texts.length <= _LONGEST_UNSAID))
    if len(short):
        values = column.take(_arrow(short)).to_pylist()
        flags[short] = [value not in UNSAID for value in values]
    return flags


def _may_be_ordered(texts: Texts) -> bool:
    """Whether any value may begin with a day or month: a text does not begin with four digits."""
    begin = texts.words_at(0) & np.uint64(0xF0F0F0F0)
    return bool(((begin != 0x30303030) & (texts.length > 4)).any())


def _since_1970(values: npt.NDArray[Any]) -> tuple[Flags, Integers]:
    """Seconds or milliseconds since 1970 as microseconds; which are of the years 2000 to 2099."""
    seconds = (values >= _FIRST_S) & (values < _END_S)
    milli = (values >= _FIRST_S * 1000) & (values < _END_S * 1000)
    right = seconds | milli
    factor = np.where(seconds, 1_000_000, 1000)
    return right, (np.where(right, values, 0) * factor).astype(np.int64)


def _arrow(rows: Integers) -> pa.Array:
    import pyarrow as pa

    return pa.array(rows)
