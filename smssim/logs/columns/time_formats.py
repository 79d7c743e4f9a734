"""How times are written, and in which zone: a layout by an example or a `strptime` format.

A layout is what Arrow needs to read all values that are written like the example at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from smssim.arrays import Ints, Mask
from smssim.logs.columns.texts import integers
from smssim.logs.log import ColumnMappingError

__all__ = [
    "END_US",
    "FIRST_US",
    "MIDNIGHT",
    "SECONDS",
    "SINCE_1970",
    "Layout",
    "LayoutReader",
    "Zone",
    "is_since_1970",
    "layout_reader",
    "offset_s",
    "since_1970",
    "zone",
]

_SECOND_US, _MINUTE_US = 1_000_000, 60_000_000
_CENTURY_US = 36_525 * 86_400 * _SECOND_US
SECONDS = "%s"
"""The format of seconds or milliseconds since 1970."""

_FARTHEST_S = 18 * 3600
_LONGEST = 64

_ZONE_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_UTC = ("utc", "z", "gmt")

_HALF = r"(?P<{}>上午|下午|[AaPp]\.?[Mm]\.?)?[ ]*"
_CLOCK = (
    _HALF.format("before")
    + r"(?:(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    + r"|(?P<h>\d{1,2})[时点](?P<n>\d{1,2})分(?:(?P<s>\d{1,2})秒)?)[ ]*"
    + _HALF.format("after")
)
_OFFSET = r"(?P<z>[Zz]|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_WORD = "(?i:" + "|".join((*_LONG_MONTHS, *_MONTHS)) + ")"
_GAP = r"(?:[ \t]+(?:T[ \t]*)?|T[ \t]*|,[ ]*)"
_DATES = (
    r"(?P<Y>\d{4})(?:(?P<p>[-/.])(?P<m>\d{1,2})(?P=p)|年[ ]*(?P<k>\d{1,2})月[ ]*)"
    r"(?P<d>\d{1,2})[日号]?(?:[ \t]+(?:T[ \t]*)?|T[ \t]*|(?<=[日号]))",
    rf"(?P<a>\d{{1,2}})(?P<q>[-/.])(?P<b>\d{{1,2}})(?P=q)(?P<W>\d{{4}}){_GAP}",
    rf"(?P<e>\d{{1,2}})(?P<r>[-/. ])(?P<B>{_WORD})(?P=r)(?:(?P<X>\d{{4}})|(?P<y>\d{{2}})){_GAP}",
    rf"(?P<C>{_WORD})[ ]+(?P<g>\d{{1,2}}),?[ ]+(?P<V>\d{{4}}){_GAP}",
)
_EXAMPLE = re.compile(rf"(?:{'|'.join(_DATES)}){_CLOCK}{_OFFSET}?", re.ASCII)
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_SECONDS_SIZE = len("2026-01-01 00:00:00")
# Groups that stand for a directive of another name: a and b are day and month in an open order.
_DIRECTIVE = {"h": "H", "n": "M", "s": "S", "k": "m", "e": "d", "g": "d", "a": "!", "b": "?"}
_LITERAL = ("p", "q", "r", "z", "before", "after")
_NAMED = {"d": "day", "e": "day", "g": "day", "a": "first", "b": "second"}
# Seconds and minutes end at 59: Arrow would read 60 as the next minute.
_SHAPE = {"M": "[0-5][0-9]", "S": "[0-5][0-9]", "n": "[0-5]?[0-9]", "s": "[0-5]?[0-9]"}
_FORMAT = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    **{name: rf"(?P<{group}>\d{{1,2}})" for name, group in zip("mdHIMS", "mdHIns", strict=True)},
    "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<after>上午|下午|[AaPp]\.?[Mm]\.?)",
    "z": _OFFSET,
    "b": "(?P<B>(?i:" + "|".join(_MONTHS) + "))",
    "B": "(?P<B>(?i:" + "|".join(_LONG_MONTHS) + "))",
    "%": "%",
}
_DATE_PARTS = (("Y", "y"), ("m", "B"), ("d",), ("H", "I"), ("n",))

_FIRST_S, _END_S = 946_684_800, 4_102_444_800
FIRST_US, END_US = _FIRST_S * _SECOND_US, _END_S * _SECOND_US
"""The years that times are of: 2000 to 2099."""

_MOST_ROLLED = 3
_DAY_US, _MOST_DAYS = 86_400 * _SECOND_US, 400
_EPOCH, _RULES_END_US = datetime(1970, 1, 1), 2_114_380_800_000_000  # 2037


def offset_s(text: str) -> int | None:
    """The seconds that an offset is before UTC's clock, or None for a text that is none.

    >>> offset_s("+08:00"), offset_s("UTC-3"), offset_s("z"), offset_s("Asia/Shanghai")
    (28800, -10800, 0, None)
    """
    text = text.strip()
    if text.lower() in _UTC:
        return 0
    match = _ZONE_OFFSET.fullmatch(text)
    if not match:
        return None
    seconds = int(match[2]) * 3600 + int(match[3] or 0) * 60
    return (seconds if match[1] == "+" else -seconds) if seconds <= _FARTHEST_S else None


# The grammar of examples. Each group is a directive, or a mark that only one half of a day has.


_DIRECTIVE |= {"W": "Y", "X": "Y", "V": "Y", "B": "b", "C": "b"}


_SHAPE |= {"B": _WORD, "C": _WORD, "f": "(?P<decimals>[0-9]{1,9})(?P<tail>"}


class Layout(NamedTuple):
    """How a time is written: a pattern of its values, and what Arrow reads of them.

    `pattern` has a group `day` (or `first` and `second`, where only the column shows which is the
    day: `ordered` is False), and around decimals of seconds the groups `head`, `decimals`, `tail`.
    `added_us` is what the clock is short of the time: the afternoon's 12 hours, less the offset if
    one is written (`zoned`). `resolution_us` is the step that times are written in.
    """

    pattern: str
    format: str
    half_us: int
    offset_us: int
    zoned: bool
    ordered: bool
    decimals: bool
    resolution_us: int
    is_iso: bool

    def matches(self, text: str) -> bool:
        """Whether a text is written so."""
        return re.search(self.pattern, text) is not None

    def read_iso(self, column: pa.Array) -> Ints | None:
        """The times of a column of ISO 8601, or None if a value is not written like the others.

        Seconds may have decimals in some values, and not in others.
        """
        sizes = pc.min_max(pc.binary_length(column)).as_py()
        if sizes["min"] != sizes["max"] and (self.zoned or sizes["min"] < _SECONDS_SIZE):
            return None
        try:
            stamps = column.cast(pa.timestamp("us", "UTC" if self.zoned else None))
        except pa.ArrowInvalid:
            return None
        times: Ints = stamps.cast(pa.int64()).to_numpy()
        return times

    def read(self, column: pa.Array, day_first: bool) -> tuple[Mask, Mask, Ints]:
        """Which values are written so, which of these are times, and the times in microseconds.

        Times are since 1970 by the clock that was written down, or by UTC where it is `zoned`.
        """
        if self is SINCE_1970:
            values, matches = integers(column)
            right, times = since_1970(values)
            return matches & right, matches & right, times
        text, fraction = column, None
        if self.decimals:
            groups = pc.extract_regex(column, self.pattern)
            head, digits, tail = (
                pc.struct_field(groups, name) for name in ("head", "decimals", "tail")
            )
            matches = groups.is_valid()
            text = pc.binary_join_element_wise(head, tail, "")
            micros = pc.utf8_slice_codeunits(pc.utf8_rpad(digits, 6, "0"), 0, 6)
            fraction = micros.cast(pa.int64()).fill_null(0).to_numpy()
        else:
            matches = pc.match_substring_regex(column, self.pattern).fill_null(False)
        form = self.format.replace("%!", "%d" if day_first else "%m")
        form = form.replace("%?", "%m" if day_first else "%d")
        stamps = pc.strptime(text, format=form, unit="us", error_is_null=True)
        clock = stamps.cast(pa.int64()).fill_null(0).to_numpy() + self.half_us
        if "%y" in form:
            clock = np.where(clock < FIRST_US, clock + _CENTURY_US, clock)
        matches = matches.to_numpy(zero_copy_only=False)
        right = matches & stamps.is_valid().to_numpy(zero_copy_only=False)
        right &= (clock >= FIRST_US) & (clock < END_US)
        right[self._rolled_over(column, stamps, right, day_first)] = False
        times = clock - self.offset_us
        return matches, right, times if fraction is None else times + fraction

    def _rolled_over(
        self, column: pa.Array, stamps: pa.Array, right: Mask, day_first: bool
    ) -> Ints:
        """The rows whose day their month lacks: Arrow reads 31 February as 2 or 3 March."""
        days = pc.day(stamps).fill_null(31).to_numpy()
        rows = np.flatnonzero(right & (days <= _MOST_ROLLED))
        if not len(rows):
            return rows
        groups = pc.extract_regex(column.take(pa.array(rows)), self.pattern)
        name = "day" if self.ordered else "first" if day_first else "second"
        written: Ints = pc.struct_field(groups, name).cast(pa.int64()).to_numpy()
        rolled: Ints = rows[written > _MOST_ROLLED]
        return rolled


SINCE_1970 = Layout("^[0-9]+$", "", 0, 0, True, True, False, _SECOND_US, False)
"""Seconds or milliseconds since 1970."""


MIDNIGHT = Layout(
    "^[0-9]{4}-[0-9]{2}-(?P<day>[0-9]{2})$", "%Y-%m-%d", 0, 0, False, True, False, _SECOND_US, False
)
"""A date alone, as cells of workbooks hold a time of 00:00:00."""


def since_1970(values: npt.NDArray[Any]) -> tuple[Mask, Ints]:
    """Which numbers are seconds or milliseconds since 1970, years 2000 to 2099, and their times."""
    seconds = (values >= _FIRST_S) & (values < _END_S)
    right = seconds | ((values >= _FIRST_S * 1000) & (values < _END_S * 1000))
    factor = np.where(seconds, _SECOND_US, 1000)
    return right, (np.where(right, values, 0) * factor).astype(np.int64)


def is_since_1970(value: int) -> bool:
    """Whether a number is of those years as seconds or milliseconds since 1970."""
    return bool(since_1970(np.array([value]))[0][0])


LayoutReader = Callable[[str], Layout | None]


@lru_cache(maxsize=64)
def layout_reader(form: str | None = None) -> LayoutReader:
    """What gives the layout of a text: one of docs/logs.md, or that of one `strptime` format.

    Raise a ValueError for a format with a directive that is not read, or without a whole time.
    """
    pattern = _EXAMPLE if form is None else _pattern_of_format(form)

    def layout_of(text: str) -> Layout | None:
        match = pattern.fullmatch(text) if len(text) <= _LONGEST else None
        return _layout(text, match) if match else None

    return layout_of


def _pattern_of_format(form: str) -> re.Pattern[str]:
    parts, directives = [], ", ".join(f"%{name}" for name in _FORMAT if name != "%")
    for literal, directive in re.findall(r"([^%]+)|%(.?)", form, re.DOTALL):
        if not literal and directive not in _FORMAT:
            raise ValueError(f"format(={form!r}) must be of {directives}")
        parts.append(re.escape(literal) if literal else _FORMAT[directive])
    try:
        pattern = re.compile("".join(parts), re.ASCII)
    except re.error:
        raise ValueError(f"format(={form!r}) must hold every directive once") from None
    groups = pattern.groupindex
    if not all(any(name in groups for name in names) for names in _DATE_PARTS):
        raise ValueError(f"format(={form!r}) must hold year, month, day, hour and minute")
    if ("I" in groups) != ("after" in groups):
        raise ValueError(f"format(={form!r}) must have %I with %p, or %H")
    return pattern


def _layout(text: str, match: re.Match[str]) -> Layout | None:
    """The layout of a text by the groups that its digits are in; the rest of it is literal."""
    groups = {name: match.span(name) for name, value in match.groupdict().items() if value}
    halves = [match[name] for name in ("before", "after") if name in groups]
    offset = offset_s(match["z"]) if "z" in groups else 0
    if len(halves) > 1 or offset is None:
        return None
    pattern, form, end = ["^(?P<head>" if "f" in groups else "^"], "", 0
    for (begin, until), name in sorted(
        (span, name) for name, span in groups.items() if name not in _LITERAL
    ):
        literal, end = text[end:begin], until
        pattern.append(re.escape(literal) if name != "f" else f"){re.escape(literal)}")
        pattern.append(_shape(name, text, begin, until))
        if name != "f":
            form += literal.replace("%", "%%") + _directive(name, bool(halves))
    pattern.append(re.escape(text[end:]) + (")$" if "f" in groups else "$"))
    return Layout(
        pattern="".join(pattern),
        format=form + text[end:].replace("%", "%%"),
        half_us=12 * 3_600 * _SECOND_US if halves and halves[0][0] in "下Pp" else 0,
        offset_us=offset * _SECOND_US,
        zoned="z" in groups,
        ordered="a" not in groups,
        decimals="f" in groups,
        resolution_us=_resolution_us(groups),
        is_iso=_ISO.fullmatch(text) is not None,
    )


def _resolution_us(groups: Container[str]) -> int:
    if "f" in groups:
        return 1
    return _SECOND_US if "S" in groups or "s" in groups else _MINUTE_US


def _shape(name: str, text: str, begin: int, end: int) -> str:
    """The pattern of a group; digits that touch other digits are as many as in the example."""
    if name in _SHAPE:
        return _SHAPE[name]
    touches = text[begin - 1 : begin].isdigit() or text[end : end + 1].isdigit()
    width = f"{end - begin}" if touches or _directive(name, False) in ("%Y", "%y") else "1,2"
    digits = f"[0-9]{{{width}}}"
    return f"(?P<{_NAMED[name]}>{digits})" if name in _NAMED else digits


def _directive(name: str, halves: bool) -> str:
    directive = _DIRECTIVE.get(name, name)
    return "%I" if halves and directive == "H" else f"%{directive}"


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
