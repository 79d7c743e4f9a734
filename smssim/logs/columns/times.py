"""Columns of times as instants: the form of each text, the order of day and month, the zone.

What a column needs and its file does not say is an error with the remedy, never a guess.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from smssim.logs.columns.problems import shown
from smssim.logs.columns.texts import (
    UNSAID,
    Flags,
    Integers,
    Texts,
    Words,
    as_texts,
    cleaned,
    integers,
)
from smssim.logs.join.facts import UNKNOWN
from smssim.logs.log import ColumnMappingError

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


# Zones: what a clock on a wall showed, as instants, for whole columns.

_OFFSET_zones = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
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
    found = _OFFSET_zones.fullmatch(text)
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

    Raise a ColumnMappingError for a name that is neither.
    """
    fixed = offset_s(name)
    if fixed is not None:
        none = np.empty(0, np.int64)
        return Zone(name, np.array([fixed * 1_000_000], np.int64), none, none)
    try:
        tz = ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        told = 'must be an offset ("+08:00", "UTC+8") or a name of the IANA ("Asia/Shanghai")'
        raise ColumnMappingError(f"tz(={name!r}) {told}") from None
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


# Forms of times: which bytes of a text are which digits, read for all texts of a form at once.

_BLOCK = 16_384
_TENS, _BYTE, _NIBBLES = np.uint64(10), np.uint64(8), 0x0F0F0F0F0F0F0F0F
_SECOND_US, _DAY_S = 1_000_000, 86_400


class Digits(NamedTuple):
    """One or two digits of a text: of what, from which byte on, how many."""

    of: str
    byte: int
    size: int


@dataclass(frozen=True)
class Form:
    """How a time is written: its bytes, and which of them are digits of what.

    `offset` is in seconds, None where the text names none. `half` is 0 for the first half of a
    day, 12 for the second, -1 where hours go to 23. `month` is the one that is written as a word.
    """

    size: int
    words: tuple[tuple[int, int, int], ...]
    digits: tuple[Digits, ...]
    offset: int | None = None
    half: int = -1
    month: int = 0

    @property
    def ordered(self) -> bool:
        """Whether the form itself says which number is the day."""
        return all(digits.of != "a" for digits in self.digits)

    def read(
        self, texts: Texts, rows: Integers | None, day_first: bool = True
    ) -> tuple[Flags, Flags, Integers]:
        """Which of *rows* (None for all) are of this form, which of these are times, and which.

        Times are what clocks show, less the offset, in microseconds since 1970.
        """
        n = len(texts) if rows is None else len(rows)
        like, right = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        times = np.zeros(n, np.int64)
        for begin in range(0, n, _BLOCK):
            part = slice(begin, min(begin + _BLOCK, n))
            some = np.arange(part.start, part.stop) if rows is None else rows[part]
            take = _taker(texts, some, rows is None)
            like[part], values = self._values(texts, some, take)
            right[part], times[part] = self._instants(values, day_first)
        return like, right & like, times

    def _values(
        self, texts: Texts, rows: Integers, take: Callable[[int], Words]
    ) -> tuple[Flags, dict[str, Words]]:
        wrong = texts.length[rows] != self.size
        pairs: list[Words] = []
        for k, (literal, wanted, digits) in enumerate(self.words):
            word = take(8 * k)
            wrong |= (word & np.uint64(literal)) != np.uint64(wanted)
            word &= np.uint64(digits)
            high = np.uint64(digits & ~_NIBBLES)
            up = (word + np.uint64(digits & 0x0606060606060606)) & high
            wrong |= up != np.uint64(digits & 0x3030303030303030)
            word &= np.uint64(_NIBBLES)
            pairs.append(word)
        tens = [word * _TENS + (word >> _BYTE) for word in pairs]
        values: dict[str, Words] = {}
        for of, byte, size in self.digits:
            k, place = divmod(byte, 8)
            if size == 1:
                values[of] = (pairs[k] >> np.uint64(8 * place)) & np.uint64(15)
            elif place < 7:
                values[of] = (tens[k] >> np.uint64(8 * place)) & np.uint64(255)
            else:
                values[of] = (pairs[k] >> np.uint64(56)) * _TENS + (pairs[k + 1] & np.uint64(15))
        return ~wrong, values

    def _instants(self, values: dict[str, Words], day_first: bool) -> tuple[Flags, Integers]:
        a, b = ("a", "b") if day_first else ("b", "a")
        day = values["d"] if "d" in values else values[a]
        year = values["y"]
        if self.month:
            month = np.full_like(day, self.month)
        else:
            month = values["m"] if "m" in values else values[b]
        # Texts of other forms may give any bits here.
        days = _days().take(
            ((year << np.uint64(14)) | (month << np.uint64(7)) | day).view(np.int64), mode="clip"
        )
        right = days >= 0
        if "c" in values:
            right &= values["c"] == 20
        hour, minute = values["H"], values["M"]
        if self.half >= 0:
            right &= (hour >= 1) & (hour <= 12)
            hour = hour % np.uint64(12) + np.uint64(self.half)
        right &= (hour < 24) & (minute < 60)
        seconds = hour * np.uint64(3600) + minute * np.uint64(60)
        if "S" in values:
            right &= values["S"] < 60
            seconds += values["S"]
        times = days * _DAY_S + seconds.view(np.int64)
        if self.offset:
            times -= self.offset
        times *= _SECOND_US
        for of, word in values.items():
            if of[0] == "f":
                times += word.view(np.int64) * int(of[1:])
        return right, times


def _taker(texts: Texts, rows: Integers, whole: bool) -> Callable[[int], Words]:
    if whole and texts.width:
        first, n = int(texts.start[rows[0]]), len(rows)
        return lambda place: np.ndarray(
            (n,), np.uint64, texts.bytes, first + place, (texts.width,)
        ).copy()
    start = texts.start[rows]
    return lambda place: texts.words(start + place)


@cache
def _days() -> npt.NDArray[np.int64]:
    """The days of the century by year, month and day, 7 bits each; -1 where there is none."""
    days = np.full(100 << 14, -1, np.int64)
    first = date(2000, 1, 1).toordinal()
    epoch = date(1970, 1, 1).toordinal()
    for ordinal in range(first, date(2100, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        days[((day.year - 2000) << 14) | (day.month << 7) | day.day] = ordinal - epoch
    return days


# How times are written: a text, or a format that a person gives, tells the form.

_HALF = r"(?P<{}>上午|下午|[AaPp]\.?[Mm]\.?)?[ ]*"
_CLOCK = (
    _HALF.format("before")
    + r"(?:(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,6}))?)?"
    + r"|(?P<h>\d{1,2})[时点](?P<n>\d{1,2})分(?:(?P<s>\d{1,2})秒)?)[ ]*"
    + _HALF.format("after")
)
_OFFSET = r"(?P<z>[Zz]|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)?"
_YEAR_FIRST = r"(?P<Y>\d{4})(?:(?P<p>[-/.])(?P<m>\d{1,2})(?P=p)|年[ ]*(?P<k>\d{1,2})月[ ]*)"
_YEAR_FIRST += r"(?P<d>\d{1,2})[日号]?(?:[ \t]+(?:T[ \t]*)?|T[ \t]*|(?<=[日号]))"
_YEAR_LAST = r"(?P<a>\d{1,2})(?P<q>[-/.])(?P<b>\d{1,2})(?P=q)(?P<W>\d{4})(?:[ \t]+|T|,[ ]*)"
_SHOWN = re.compile(rf"(?:{_YEAR_FIRST}|{_YEAR_LAST}){_CLOCK}{_OFFSET}", re.ASCII)
_SAME = {"h": "H", "n": "M", "s": "S", "k": "m", "W": "Y"}
_LONGEST = 64
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "f": r"(?P<f>\d{1,6})",
    "p": r"(?P<after>上午|下午|[AaPp]\.?[Mm]\.?)",
    "z": r"(?P<z>[Zz]|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)",
    "b": "(?P<word>(?i:" + "|".join(_MONTHS) + "))",
    "B": "(?P<word>(?i:" + "|".join(_LONG_MONTHS) + "))",
    "%": "%",
}


Reader = Callable[[str], Form | None]


@lru_cache(maxsize=64)
def reader_of(form: str | None = None) -> Reader:
    """What tells the form of a text, of those of docs/logs.md or of one `strptime` format.

    Raise a ValueError for a format with a directive that is not read, or without a whole time.
    """
    pattern = _SHOWN if form is None else _pattern(form)

    def read(text: str) -> Form | None:
        found = pattern.fullmatch(text) if len(text) <= _LONGEST else None
        return _form(text, found) if found else None

    return read


def _pattern(form: str) -> re.Pattern[str]:
    parts, known = [], ", ".join(f"%{name}" for name in _DIRECTIVES if name != "%")
    for plain, directive in re.findall(r"([^%]+)|%(.?)", form, re.DOTALL):
        if not plain and directive not in _DIRECTIVES:
            raise ValueError(f"format(={form!r}) must be of {known}")
        parts.append(re.escape(plain) if plain else _DIRECTIVES[directive])
    try:
        pattern = re.compile("".join(parts), re.ASCII)
    except re.error:
        raise ValueError(f"format(={form!r}) must hold every directive once") from None
    held = pattern.groupindex
    date_ = ("Y" in held or "y" in held) and ("m" in held or "word" in held) and "d" in held
    if not date_ or "H" not in held or "M" not in held:
        raise ValueError(f"format(={form!r}) must hold year, month, day, hour and minute")
    if ("%I" in form) != ("after" in held):
        raise ValueError(f"format(={form!r}) must have %I with %p, or %H")
    return pattern


def _form(text: str, found: re.Match[str]) -> Form | None:
    groups = {name: value for name, value in found.groupdict().items() if value is not None}
    digits: list[Digits] = []
    for name, value in groups.items():
        if name in ("p", "q", "z", "before", "after", "word"):
            continue
        at = len(text[: found.start(name)].encode())
        digits += _digits(_SAME.get(name, name), at, len(value))
    raw = text.encode()
    offset = None
    if "z" in groups:
        offset = offset_s(groups["z"])
        if offset is None:
            return None
    half = -1
    marks = [groups[name] for name in ("before", "after") if name in groups]
    if len(marks) > 1:
        return None
    if marks:
        half = 12 if marks[0][0] in "下Pp" else 0
    month = _MONTHS.index(groups["word"][:3].lower()) + 1 if "word" in groups else 0
    return Form(len(raw), _words(raw, digits), tuple(digits), offset, half, month)


def _digits(of: str, at: int, size: int) -> list[Digits]:
    if of == "Y":
        return [Digits("c", at, 2), Digits("y", at + 2, 2)]
    if of != "f":
        return [Digits(of, at, size)]
    pairs = range(0, size, 2)
    return [Digits(f"f{10 ** (6 - i - min(2, size - i))}", at + i, min(2, size - i)) for i in pairs]


def _words(raw: bytes, digits: list[Digits]) -> tuple[tuple[int, int, int], ...]:
    """For each word of a text its bytes that are fixed, what they are, and which are digits."""
    free = {digit.byte + i for digit in digits for i in range(digit.size)}
    words = []
    for begin in range(0, len(raw), 8):
        fixed = wanted = digit = 0
        for i, byte in enumerate(raw[begin : begin + 8]):
            if begin + i in free:
                digit |= 0xFF << (8 * i)
                fixed |= 0xF0 << (8 * i)
                wanted |= 0x30 << (8 * i)
            else:
                fixed |= 0xFF << (8 * i)
                wanted |= byte << (8 * i)
        words.append((fixed, wanted, digit))
    return tuple(words)


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

        Raise a ColumnMappingError for a naive time without a zone.
        """
        import pyarrow as pa

        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            return self._typed(column)
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            return self._counted(column)
        column, texts = cleaned(as_texts(column), repaired)
        return self._texts(column, texts)

    def undecided(self) -> ColumnMappingError:
        """The error for a column whose order of day and month nothing decides."""
        told = f"the times of {self.heading!r} (like {self.ambiguous!r}) do not say whether the day"
        return ColumnMappingError(
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
                raise ColumnMappingError(
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
