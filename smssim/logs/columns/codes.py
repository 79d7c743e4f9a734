"""Columns of codes: each different value is looked at once, for any number of rows.

Values stand for what DOMAIN.md section 9 says of the console's columns, or for themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.arrays import Ints
from smssim.logs.columns.statuses import (
    NO_CODE,
    Meaning,
    bare,
    whole,
    without_explanation,
)
from smssim.logs.columns.texts import (
    EMPTY,
    SMALL,
    as_texts,
    clean,
    encoded,
    excerpt,
    integers,
    language_parts,
)
from smssim.record.schema import REFUSED_AT
from smssim.sms.country_names import country_of

__all__ = [
    "CodeColumn",
    "CountColumn",
    "charged_meaning",
    "count_meaning",
    "country_meaning",
    "label_meaning",
    "segments_meaning",
    "stage_meaning",
    "type_meaning",
]

_UNREADABLE_SEGMENTS = "counts of segments that cannot be read"
"""Name of the repair of a row whose segments are unknown, and which is used nevertheless."""

_TYPES = {
    "otp": (*("1", "otp", "verificationcode", "verification", "verificationcodes"), "验证码"),
    "promotional": (*("2", "promotional", "promotion", "marketing"), "推广", "营销", "推广短信"),
    "notification": ("3", "notification", "notifications", "notice", "通知", "通知短信"),
}
_CHARGED = {
    0: ("0", "yes", "y", "true", "charged", "billed", "是", "计费", "已计费", "收费"),
    1: ("1", "no", "n", "false", "notcharged", "uncharged", "否", "未计费", "不计费", "不收费"),
}
_MOST_MEANINGS = 100_000


def _reversed(words: Mapping[Any, tuple[str, ...]]) -> dict[str, Any]:
    return {word: code for code, several in words.items() for word in several}


_TYPE_OF, _CHARGED_OF = _reversed(_TYPES), _reversed(_CHARGED)


def _first(meanings: Mapping[str, Any], text: str) -> Any:
    """What a text means, or all the parts of it that mean something, if they mean the same."""
    text = without_explanation(text)
    number = whole(text)
    key = str(number) if number is not None else bare(text)
    if key in meanings:
        return meanings[key]
    values = {meanings[bare(part)] for part in language_parts(text) if bare(part) in meanings}
    return values.pop() if len(values) == 1 else None


def type_meaning(label: Callable[[str], int]) -> Callable[[str], Meaning]:
    """How types are read: 1 to 3 and their names; others are kept as themselves."""

    def read(text: str) -> Meaning:
        return Meaning(label(_first(_TYPE_OF, text) or text))

    return read


def country_meaning(label: Callable[[str], int]) -> Callable[[str], Meaning]:
    """How countries are read."""

    def read(text: str) -> Meaning:
        country = country_of(text)
        if country is None:
            countries = {country_of(part) for part in language_parts(text)} - {None}
            country = countries.pop() if len(countries) == 1 else None
        if country is None:
            return Meaning(NO_CODE, "must be a country: an ISO code, an English or Chinese name")
        small = text.upper() == country != text
        return Meaning(label(country), "", (SMALL,) if small else ())

    return read


def label_meaning(label: Callable[[str], int]) -> Callable[[str], Meaning]:
    """How names are read: as they stand."""
    return lambda text: Meaning(label(text))


def charged_meaning(text: str) -> Meaning:
    """How the column "charged or not" is read: 0 charged, 1 not."""
    code = _first(_CHARGED_OF, text)
    if code is None:
        return Meaning(NO_CODE, "must be 0 (charged) or 1 (not charged), yes or no")
    return Meaning(code)


def count_meaning(least: int, most: int) -> Callable[[str], Meaning]:
    """How counts are read."""

    def read(text: str) -> Meaning:
        number = whole(text)
        if number is None or not least <= number <= most:
            return Meaning(NO_CODE, f"must be a whole number from {least} to {most}")
        return Meaning(number)

    return read


def segments_meaning(most: int) -> Callable[[str], Meaning]:
    """How counts of segments are read: what is no count leaves them unknown, and is a repair."""
    read_count = count_meaning(0, most)

    def read(text: str) -> Meaning:
        meaning = read_count(text)
        return Meaning(NO_CODE, "", (_UNREADABLE_SEGMENTS,)) if meaning.rule else meaning

    return read


def stage_meaning(text: str) -> Meaning:
    """Where a message was refused, in a table of ours; an empty cell is one that was sent.

    Tables that were written before have the number of the stage.
    """
    if text.isascii() and text.isdecimal() and int(text) < len(REFUSED_AT):
        return Meaning(int(text))
    if text not in REFUSED_AT:
        return Meaning(NO_CODE, f"must be {', '.join(REFUSED_AT[1:])} or empty")
    return Meaning(REFUSED_AT.index(text))


@dataclass
class CodeColumn:
    """One column of codes; values that were seen before are not looked at again.

    *stated* is what a person states that its words mean.
    """

    heading: str
    meaning: Callable[[str], Meaning]
    stated: Mapping[str, str] = field(default_factory=dict)
    _meanings: dict[str, Meaning] = field(default_factory=dict)

    def read(self, column: pa.Array, repaired: Counter[str]) -> tuple[Ints, Ints, list[str]]:
        """The code of each row, -1 where there is none; the rows that break a rule, and why."""
        at, values = encoded(column)
        meanings = [self._meaning(value) for value in values]
        meanings.append(Meaning(NO_CODE))
        table = np.array([meaning.code for meaning in meanings], np.int64)
        odd = [i for i, meaning in enumerate(meanings) if meaning.rule or meaning.repairs]
        if not odd:
            return table[at], np.empty(0, np.int64), []
        counts = np.bincount(at, minlength=len(meanings))
        for i in odd:
            for name in meanings[i].repairs:
                repaired[name] += int(counts[i])
        broken = {i: meanings[i].rule for i in odd if meanings[i].rule}
        reasons = {i: f"{self.heading}(={excerpt(values[i])}) {rule}" for i, rule in broken.items()}
        rows = np.flatnonzero(np.isin(at, list(broken)))
        return table[at], rows, [reasons[i] for i in at[rows].tolist()]

    def _meaning(self, value: str | None) -> Meaning:
        if value is None:
            return Meaning(NO_CODE)
        meaning = self._meanings.get(value)
        if meaning is None:
            text, repairs = (value, ()) if _is_clean(value) else clean(value)
            stated = self.stated.get(value, self.stated.get(text))
            if stated is None and text in EMPTY:
                return Meaning(NO_CODE)
            code, rule, more = self.meaning(text if stated is None else stated)
            meaning = Meaning(code, rule, (*repairs, *more))
            if len(self._meanings) < _MOST_MEANINGS:
                self._meanings[value] = meaning
        return meaning


def _is_clean(value: str) -> bool:
    return value.isascii() and value == value.strip() and value[:1] != "'"


class CountColumn:
    """One column of counts up to *most*, mostly different; plain numerals are read at once."""

    def __init__(self, heading: str, most: int) -> None:
        self._most = most
        self._rest = CodeColumn(heading, count_meaning(0, most))

    def read(self, column: pa.Array, repaired: Counter[str]) -> tuple[Ints, Ints, list[str]]:
        """The count of each row, -1 where there is none; the rows that break a rule, and why."""
        column = as_texts(column)
        values, right = integers(column)
        right &= values <= self._most
        rest = np.flatnonzero(~right)
        if not len(rest):
            return values, rest, []
        values[rest], rows, reasons = self._rest.read(column.take(pa.array(rest)), repaired)
        return values, rest[rows], reasons
