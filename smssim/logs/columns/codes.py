"""Columns of codes: each different value is looked at once, for any number of rows.

Values stand for what DOMAIN.md section 9 says of the console's columns, or for themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smssim.logs.columns.problems import excerpt
from smssim.logs.columns.texts import (
    EMPTY,
    SMALL,
    Integers,
    as_texts,
    clean,
    encoded,
    integers,
)
from smssim.record.schema import REFUSED_AT
from smssim.sms.reference import api_errors, reference, status_codes

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


# Countries as tables call them: ISO codes, English names, Chinese names (`countries.csv`).

_WORDS = {"and": "", "the": "", "st": "saint", "republic": "", "of": "", "islands": "island"}
_ALSO = {
    "usa": "US",
    "america": "US",
    "uk": "GB",
    "great britain": "GB",
    "uae": "AE",
    "mainland china": "CN",
    "chinese mainland": "CN",
    "china mainland": "CN",
    "prc": "CN",
    "hong kong china": "HK",
    "hong kong sar": "HK",
    "macau": "MO",
    "macau china": "MO",
    "macao china": "MO",
    "macao sar": "MO",
    "taiwan china": "TW",
    "korea": "KR",
    "russian federation": "RU",
    "turkey": "TR",
    "viet nam": "VN",
    "burma": "MM",
    "ivory coast": "CI",
    "cape verde": "CV",
    "czech": "CZ",
    "swaziland": "SZ",
    "macedonia": "MK",
    "holland": "NL",
    "east timor": "TL",
    "lao pdr": "LA",
    "brunei darussalam": "BN",
    "syrian arab": "SY",
    "dr congo": "CD",
}


def country_of(text: str) -> str | None:
    """The ISO code of a country that a table calls by its code or a name, or None.

    >>> country_of("id"), country_of("Bosnia and Herzegovina"), country_of("泰国")
    ('ID', 'BA', 'TH')
    """
    bare = text.strip()
    code = bare.upper()
    if code in _codes():
        return code
    return _names().get(_plain(bare))


@cache
def calling_code(country: str) -> int:
    """The country's calling code, 0 where it has none."""
    import phonenumbers

    return int(phonenumbers.country_code_for_region(country))


@cache
def _codes() -> frozenset[str]:
    return frozenset(row["iso2"] for row in reference("countries"))


@cache
def _names() -> Mapping[str, str]:
    codes = {_plain(name): code for name, code in _ALSO.items()}
    for row in reference("countries"):
        for name in (row["name"], *row["name_zh"].split("|")):
            codes[_plain(name)] = row["iso2"]
    return MappingProxyType(codes)


def _plain(name: str) -> str:
    """A name in small letters, without accents, marks and words that come and go."""
    text = unicodedata.normalize("NFKD", name).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    words = re.findall(r"\w+", text.replace("'", "").replace("\u2019", ""))
    return "".join(_WORDS.get(word, word) for word in words)


UNKNOWN_FAILURE = "FAILED"
"""Status of a failure whose code is unknown; it is ours."""
DELIVERED, TEMPORARY = "DELIVRD", "ACCEPTD"
ACCEPTED_BY_API = "000000"

NO_CODE = -1
SUCCESS, FAILURE, FLIGHT = range(3)
"""Outcomes that a result tells."""

_STATUS = re.compile(r"[!-~]{1,7}")
_DESCRIBED = re.compile(r"[\s(（\[【].*", re.DOTALL)
_EXPLAINED = re.compile(r"([0-9])\s*[-:：.(（\[【]\s*[^\W\d].*", re.DOTALL)
_GAPS = re.compile(r"[\s_]+|(?<=[^\W\d])-")
_INTEGER = re.compile(r"[0-9]{1,18}(?:\.0+)?")
_TYPES = {
    "otp": (*("1", "otp", "verificationcode", "verification", "verificationcodes"), "验证码"),
    "promotional": (*("2", "promotional", "promotion", "marketing"), "推广", "营销", "推广短信"),
    "notification": ("3", "notification", "notifications", "notice", "通知", "通知短信"),
}
_OUTCOMES = {
    SUCCESS: (
        *("success", "successful", "succeeded", "delivered", "sentsuccessfully"),
        *("成功", "发送成功", "已送达"),
    ),
    FAILURE: ("failed", "failure", "fail", "sendingfailed", "失败", "发送失败"),
    FLIGHT: ("sending", "inprogress", "waiting", "发送中", "等待", "等待回执"),
}
_CHARGED = {
    0: ("0", "yes", "y", "true", "charged", "billed", "是", "计费", "已计费", "收费"),
    1: ("1", "no", "n", "false", "notcharged", "uncharged", "否", "未计费", "不计费", "不收费"),
}
OUTCOME_OF_RESULT = (SUCCESS, FAILURE, FLIGHT, SUCCESS, FAILURE)


class Meaning(NamedTuple):
    """What one value means: its code, a rule that it breaks, the repairs it took."""

    code: int
    rule: str = ""
    repairs: tuple[str, ...] = ()


def _reversed(words: Mapping[Any, tuple[str, ...]]) -> dict[str, Any]:
    return {word: code for code, several in words.items() for word in several}


_TYPE_OF, _OUTCOME_OF = _reversed(_TYPES), _reversed(_OUTCOMES)
_CHARGED_OF = _reversed(_CHARGED)
_KNOWN = frozenset((*status_codes(), *api_errors(), UNKNOWN_FAILURE))
RESULT_WORD = 8
"""A result that a word tells, which does not say whether it took 3 minutes: 8 + outcome."""


def status_meaning(label: Callable[[str], int]) -> Callable[[str], Meaning]:
    """How statuses are read; *label* gives each its code."""

    def read(text: str) -> Meaning:
        word = _OUTCOME_OF.get(_bare(text))
        if word is not None:
            code = {SUCCESS: DELIVERED, FAILURE: UNKNOWN_FAILURE}.get(word)
            return Meaning(label(code) if code else NO_CODE)
        code = _DESCRIBED.sub("", text)
        if not _STATUS.fullmatch(code):
            return Meaning(NO_CODE, "must be 1 to 7 printable characters without blanks")
        if code == ACCEPTED_BY_API:
            return Meaning(NO_CODE)
        upper = code.upper()
        if upper != code and upper in _KNOWN:
            return Meaning(label(upper), "", (SMALL,))
        return Meaning(label(code))

    return read


def type_meaning(label: Callable[[str], int]) -> Callable[[str], Meaning]:
    """How types are read: 1 to 3 and their names; others are kept as themselves."""

    def read(text: str) -> Meaning:
        name = _TYPE_OF.get(_bare(_explained(text)))
        return Meaning(label(name or text))

    return read


def country_meaning(label: Callable[[str], int]) -> Callable[[str], Meaning]:
    """How countries are read."""

    def read(text: str) -> Meaning:
        country = country_of(text)
        if country is None:
            return Meaning(NO_CODE, "must be a country: an ISO code, an English or Chinese name")
        small = len(text) == len(country) and text != country
        return Meaning(label(country), "", (SMALL,) if small else ())

    return read


def label_meaning(label: Callable[[str], int]) -> Callable[[str], Meaning]:
    """How names are read: as they stand."""
    return lambda text: Meaning(label(text))


def result_meaning(text: str) -> Meaning:
    """How results are read: 0 to 4, or RESULT_WORD and the outcome that a word tells."""
    number = _whole(_explained(text))
    if number is not None and number < len(OUTCOME_OF_RESULT):
        return Meaning(number)
    word = _OUTCOME_OF.get(_bare(text))
    if word is None:
        return Meaning(NO_CODE, "must be 0 to 4, or success, failed or sending")
    return Meaning(RESULT_WORD + word)


def charged_meaning(text: str) -> Meaning:
    """How the column "charged or not" is read: 0 charged, 1 not."""
    text = _explained(text)
    code = _CHARGED_OF.get(str(number) if (number := _whole(text)) is not None else _bare(text))
    if code is None:
        return Meaning(NO_CODE, "must be 0 (charged) or 1 (not charged), yes or no")
    return Meaning(code)


def count_meaning(least: int, most: int) -> Callable[[str], Meaning]:
    """How counts are read."""

    def read(text: str) -> Meaning:
        number = _whole(text)
        if number is None or not least <= number <= most:
            return Meaning(NO_CODE, f"must be a whole number from {least} to {most}")
        return Meaning(number)

    return read


def stage_meaning(text: str) -> Meaning:
    """Where a message was refused, in a table of ours; an empty cell is one that was sent."""
    if text not in REFUSED_AT:
        return Meaning(NO_CODE, f"must be {', '.join(REFUSED_AT[1:])} or empty")
    return Meaning(REFUSED_AT.index(text))


@dataclass
class CodeColumn:
    """One column of codes; values that were seen before are not looked at again."""

    heading: str
    meaning: Callable[[str], Meaning]
    _meanings: dict[str, Meaning] = field(default_factory=dict)

    def read(
        self, column: pa.Array, repaired: Counter[str]
    ) -> tuple[Integers, Integers, list[str]]:
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
            if text in EMPTY:
                return Meaning(NO_CODE)
            code, rule, more = self.meaning(text)
            meaning = Meaning(code, rule, (*repairs, *more))
            if len(self._meanings) < _MOST_MEANINGS:
                self._meanings[value] = meaning
        return meaning


_MOST_MEANINGS = 100_000


def _is_clean(value: str) -> bool:
    return value.isascii() and value == value.strip() and value[:1] != "'"


def _explained(text: str) -> str:
    """A digit alone where words explain it, as in "0 (success)"."""
    match = _EXPLAINED.fullmatch(text)
    return match[1] if match else text


def _bare(text: str) -> str:
    return _GAPS.sub("", text).casefold()


def _whole(text: str) -> int | None:
    return int(text.partition(".")[0]) if _INTEGER.fullmatch(text) else None


# Columns of whole numbers that are different in every row, such as those of requests.


class CountColumn:
    """One column of counts up to *most*; plain numerals are read at once, the rest as codes."""

    def __init__(self, heading: str, most: int) -> None:
        self._most = most
        self._rest = CodeColumn(heading, count_meaning(0, most))

    def read(
        self, column: pa.Array, repaired: Counter[str]
    ) -> tuple[Integers, Integers, list[str]]:
        """The count of each row, -1 where there is none; the rows that break a rule, and why."""
        import pyarrow as pa

        column = as_texts(column)
        values, right = integers(column)
        right &= values <= self._most
        rest = np.flatnonzero(~right)
        if not len(rest):
            return values, rest, []
        values[rest], rows, reasons = self._rest.read(column.take(pa.array(rest)), repaired)
        return values, rest[rows], reasons
