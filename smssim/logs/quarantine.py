"""Rejected records: file, row, reasons and text, with numbers and secrets hidden."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from smssim.calendars import to_datetime
from smssim.logs.files.table import Batch, Table
from smssim.logs.join.facts import UNKNOWN, Facts, ParsedChunk, period
from smssim.sms.phone_numbers import masked

__all__ = [
    "LONGEST_TEXT",
    "MOST_ROWS",
    "OTHER",
    "ColumnHider",
    "Quarantine",
    "TruncationDetector",
    "is_secret",
    "path_masked",
    "without_secrets",
]

_HIDDEN = "***"

_SHOWN_DIGITS, _FEWEST_DIGITS = 3, 7
_SECRET = (
    r"template_?-?param(?:eter)?s?|template_?-?paras?|x-?wsse|authorization|password_?digest|nonce"
    r"|app_?-?secret|app_?-?key|(?:client|secret|access|api|private)_?-?(?:key|secret)|secret"
    r"|pass(?:word|wd|code|phrase)|pwd|(?:access_?-?|bearer_?-?)?token|credentials?"
    r"|otp(?:_?-?code)?|verification_?-?code"
)
_CONTENT = re.compile(
    r"(?:sms|message|msg)?(?:content|body|text)|params|parameters|variables|模板参数|模板变量|变量"
    r"|短信内容|内容|验证码|密码|密钥|口令|应用密钥"
)
_TEXTS = r"(?:(?:sms|message|msg)_?)?content|(?:sms|message|msg)_?(?:text|body)"
_HEADING = re.compile(_SECRET)
# A value in quotes, which may themselves be escaped; a list, or the rest of one that is cut.
_VALUE = (
    r"(?:(?P<quote>\\*[\"'])(?:.*?(?<!\\)(?P=quote)|.*\Z)"
    r"|\[\s*\]|\[.*?\\*[\"']\s*\](?=\s*(?:[,}\]]|\Z))|\[.*?(?:\](?=\s*(?:[,}\]]|\Z))|\Z)"
    r"|\{.*?(?:\}|\Z)|[^\s,}\]&\"']+)"
)
_IN_JSON = re.compile(
    rf"(?P<name>(?P<mark>\\*[\"'])(?:{_SECRET}|{_TEXTS})(?P=mark)\s*[:=]\s*){_VALUE}", re.I | re.S
)
_IN_FORM = re.compile(
    rf"(?P<name>(?<![^\s&?;,\"'{{])(?:{_SECRET})(?:=|%3[dD]))(?:\"[^\"]*(?:\"|\Z)|[^&\s\"',;]*)",
    re.I,
)
_IN_HEADER = re.compile(
    r"(?P<name>(?<![\w-])(?:x-wsse|authorization|proxy-authorization)\s*:\s*)[^\r\n]*", re.I
)

_VALUE_SHOWN = re.compile(r"\(=.*?\)(?= |\Z)", re.S)
_STAMP = re.compile(
    r"((?<!\d)(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:[0-2]\d|3[01]))?"
    r"(?:[T_-]?\d{4}(?:\d\d)?)?(?!\d))"
)

_MARKS = (
    *("para", "wsse", "authoriz", "secret", "key", "pass", "pwd", "token", "nonce"),
    *("credential", "otp", "verification", "content", "text", "body"),
)
"""Parts of names, of which every one that is looked for has one."""

LONGEST_TEXT = 4_096
"""Characters of a text or of reasons that are stored."""
MOST_ROWS = 100_000
"""Records that are stored with their texts; all are counted."""

OTHER = "other reasons"
"""The reason under which all are counted beyond the first thousand reasons."""

_CHARACTERS = 2**26
_SHORT = 80
_MOST_REASONS = 1_000
# What differs from record to record: a value that is shown, and its position in a line.
_QUOTED = r"'(?:[^'\\]|\\.)*(?:'|…)|\"(?:[^\"\\]|\\.)*(?:\"|…)"
_VARYING = re.compile(
    rf"\(=(?:{_QUOTED}|.*?)\)(?= |$)"
    r"|: line \d+ column \d+ \(char \d+\)| (?:at byte|in position) [\d-]+",
    re.S,
)

_EXPORT_LIMIT = 10_000
"""Records of a unit that is probably cut."""


def without_secrets(text: str) -> str:
    """Return *text* with the values of secret fields as "***".

    >>> without_secrets('{"to": "1", "templateParas": "[\\\\"1234\\\\"]"}')
    '{"to": "1", "templateParas": ***}'
    >>> without_secrets("to=1&templateParas=%5B%221234%22%5D&from=isms1")
    'to=1&templateParas=***&from=isms1'
    """
    lower = text.lower()
    if not any(mark in lower for mark in _MARKS):
        return text
    for pattern in (_IN_HEADER, _IN_JSON, _IN_FORM):
        text = pattern.sub(rf"\g<name>{_HIDDEN}", text)
    return text


def path_masked(path: str | Path) -> str:
    """A path whose last part shows no phone number; dates and times in it stay.

    >>> path_masked("exports/20260301-6281234567801.csv")
    'exports/20260301-628**********.csv'
    """
    folder, slash, name = str(path).rpartition("/")
    parts = _STAMP.split(name)
    return folder + slash + "".join(x if i % 2 else masked(x) for i, x in enumerate(parts))


def is_secret(heading: str) -> bool:
    """Whether a column of that heading holds passwords, keys, or texts with values of templates."""
    name = re.sub(r"[\s_\-]+", "", heading).lower()
    return bool(_HEADING.fullmatch(name) or _CONTENT.fullmatch(name))


def _number_hidden(value: str) -> str:
    """A value of a column of phone numbers: three digits, and no other letter or digit."""
    left = _SHOWN_DIGITS

    def replaced(match: re.Match[str]) -> str:
        nonlocal left
        left -= match[0].isdigit()
        return match[0] if match[0].isdigit() and left >= 0 else "*"

    return re.sub(r"\w", replaced, value)


def _nothing(value: str) -> str:
    return _HIDDEN


@dataclass(frozen=True)
class ColumnHider:
    """Hides the columns of a table in the texts of its rows and in the reasons of rejections.

    *columns* has a function for each heading that is hidden; *cells* takes a row's text apart,
    None where the text is JSON, whose keys are looked for.
    """

    headings: Sequence[str]
    columns: Mapping[str, Callable[[str], str]]
    cells: Callable[[str], list[str]] | None

    @classmethod
    def of(
        cls, headings: Sequence[str], number: str | None, cells: Callable[[str], list[str]] | None
    ) -> ColumnHider:
        """Hide the secret ones of *headings*, and the column *number*."""
        columns: dict[str, Callable[[str], str]] = {
            heading: _nothing for heading in headings if is_secret(heading)
        }
        if number is not None:
            columns[number] = _number_hidden
        return cls(headings, columns, cells)

    def record(self, reasons: Sequence[str], text: str) -> tuple[tuple[str, ...], str]:
        """The reasons and the text of a rejected row without what is hidden."""
        if self.cells is None:
            return tuple(map(self._reason, reasons)), self._json(text)
        cells = self.cells(text)
        # The cells of a broken row may be shifted, or parts of its neighbours.
        is_broken = "\n" in text or len(cells) != len(self.headings)
        if is_broken and _nothing in self.columns.values():
            reasons = [_VALUE_SHOWN.sub(f"(={_HIDDEN})", one) for one in reasons]
            first = min(i for i, name in enumerate(self.headings) if name in self.columns)
            text = "; ".join([*map(_number_hidden, cells[:first]), _HIDDEN])
        elif is_broken:
            for cell in map(str.strip, cells):
                if sum(map(str.isdigit, cell)) >= _FEWEST_DIGITS:
                    text = _replaced(text, cell, _number_hidden(cell))
        else:
            for name, cell in zip(self.headings, map(str.strip, cells), strict=True):
                if cell and name in self.columns:
                    text = _replaced(text, cell, self.columns[name](cell))
        return tuple(map(self._reason, reasons)), text

    def _reason(self, reason: str) -> str:
        """A reason without the values of hidden columns."""
        for heading, hide in self.columns.items():
            pattern = rf"(?P<name>{re.escape(heading)}\(=)(?P<value>.*?)(?P<end>\)(?: |\Z))"
            reason = re.sub(pattern, partial(_hidden, hide), reason, flags=re.S)
        return reason

    def _json(self, text: str) -> str:
        for heading, hide in self.columns.items():
            name = rf"(?P<name>\"{re.escape(heading)}\"\s*:\s*)"
            text = re.sub(
                rf"{name}(?P<value>{_VALUE})(?P<end>)", partial(_hidden, hide), text, flags=re.S
            )
        return text


def _hidden(hide: Callable[[str], str], match: re.Match[str]) -> str:
    return f"{match['name']}{hide(match['value'])}{match['end']}"


def _replaced(text: str, value: str, hidden: str) -> str:
    """The value of a cell, and its form within quotes, replaced wherever it stands."""
    for written in (value, value.replace('"', '""')):
        text = text.replace(written, hidden)
    return text


def _masked(text: str) -> str:
    return masked(without_secrets(text))


class Quarantine:
    """Collects the records that are left out; their number is its length.

    `reasons` counts the records of each reason, without the values that reasons show.
    Phone numbers are masked unless *show_numbers*.
    """

    def __init__(self, *, show_numbers: bool = False) -> None:
        self.reasons: Counter[str] = Counter()
        self.shows_numbers = show_numbers
        self.displayed: Callable[[str], str] = without_secrets if show_numbers else _masked
        """Makes a text fit to be seen by people."""
        # The entries of one line have one text, and most records one of few reasons.
        self._cut = lru_cache(64)(self._masked_and_cut)
        self._common = lru_cache(4_096)(self._without_values)
        self._rows: list[tuple[str, int, str, str]] = []
        self._records = self._characters = 0

    def __len__(self) -> int:
        return self._records

    def add(self, file: str, row: int, reasons: Sequence[str], text: str) -> None:
        """Take one record: its *row* counts from 1, *text* is the row verbatim.

        The first 100,000 are stored, their texts and reasons cut at 4,096 characters; texts beyond
        64 million characters in all are cut at 80.
        """
        self._records += 1
        for reason in reasons:
            self._count(reason, 1)
        if len(self._rows) < MOST_ROWS:
            most = LONGEST_TEXT if self._characters < _CHARACTERS else _SHORT
            cut = self._cut("; ".join(reasons), LONGEST_TEXT), self._cut(text, most)
            self._characters += len(cut[0]) + len(cut[1])
            self._rows.append((file, row, *cut))

    def count(self, reason: str, records: int) -> None:
        """Count records that are not stored and have the same one reason."""
        self._records += records
        self._count(reason, records)

    def frame(self) -> pd.DataFrame:
        """Return the stored records by file and row, with the columns of `smssim.record.schema`."""
        from smssim.record.schema import QUARANTINE

        rows = sorted(self._rows, key=lambda row: row[:2])
        columns = zip(*rows, strict=True) if rows else [()] * len(QUARANTINE)
        return pd.DataFrame(
            {
                column.name: pd.Series(list(values), dtype=column.dtype)
                for column, values in zip(QUARANTINE, columns, strict=True)
            }
        )

    def _count(self, reason: str, records: int) -> None:
        common_reason = self._common(reason)
        if common_reason not in self.reasons and len(self.reasons) >= _MOST_REASONS:
            common_reason = OTHER
        if records:
            self.reasons[common_reason] += records

    def _without_values(self, reason: str) -> str:
        return self.displayed(_VARYING.sub("", reason)[:LONGEST_TEXT])

    def _masked_and_cut(self, text: str, most: int) -> str:
        # A cut before masking would leave the rest of a number that it goes through.
        text = self.displayed(text[: 2 * most])
        return text if len(text) <= most else text[: most - 1] + "…"


# Exports that were probably cut: the console gives 10,000 rows at most (DOMAIN.md section 9).


class TruncationDetector:
    """Counts the records of each unit of a table, and their first and last times."""

    def __init__(self, table: Table) -> None:
        self._batches = table.batches
        self._records: Counter[int] = Counter()
        self._times: dict[int, tuple[int, int]] = {}
        table.batches = self._counted

    def seen(self, chunks: Iterable[ParsedChunk]) -> Iterator[ParsedChunk]:
        """Hand on the chunks of the table, and look at their times."""
        for chunk in chunks:
            if len(chunk.sends):
                self._look(chunk.sends)
            yield chunk

    def warnings(self) -> list[str]:
        """A sentence for each unit that is probably cut, once all chunks were handed on."""
        return [
            f"{self._unit_name(unit)}exactly {_EXPORT_LIMIT:,} records"
            f"{self._period(unit)}: "
            "probably cut at the console's limit; export shorter windows"
            for unit, records in sorted(self._records.items())
            if records == _EXPORT_LIMIT
        ]

    def _counted(self) -> Iterator[Batch]:
        for batch in self._batches():
            self._records[batch.unit] += len(batch.rows) + len(batch.rejected)
            yield batch

    def _look(self, sends: Facts) -> None:
        submitted, units = np.ascontiguousarray(sends["submitted"]), sends["unit"]
        for unit in np.unique(units).tolist():
            times = submitted[units == unit]
            first, last = period(times)
            if last != UNKNOWN:
                before = self._times.get(unit, (first, last))
                self._times[unit] = min(before[0], first), max(before[1], last)

    def _unit_name(self, unit: int) -> str:
        return f"part {unit + 1} has " if len(self._records) > 1 else ""

    def _period(self, unit: int) -> str:
        if unit not in self._times:
            return ""
        first, last = (f"{to_datetime(at):%Y-%m-%d %H:%M}" for at in self._times[unit])
        return f" from {first} to {last} UTC"
