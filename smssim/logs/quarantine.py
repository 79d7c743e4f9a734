"""Rejected records: file, row, reasons and text, phone numbers masked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from smssim.calendars import to_datetime
from smssim.logs.files.table import Batch, Table
from smssim.logs.hiding import without_secrets
from smssim.logs.join.facts import UNKNOWN, Facts, ParsedChunk
from smssim.logs.join.spill import period
from smssim.sms.phone_numbers import masked

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

_EXPORT_LIMIT = 10_000
"""Records of a unit that is probably cut."""


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
