"""Where the records go that cannot be used: file, row, reasons and text, phone numbers masked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smssim.calendars import to_datetime
from smssim.logs.files.table import Batch, Table
from smssim.logs.join.facts import UNKNOWN, Facts, Piece
from smssim.sms.phone_numbers import masked

if TYPE_CHECKING:
    import pandas as pd


KEPT = 4_096
"""Characters of a text or of reasons that are kept."""
RECORDS = 100_000
"""Records that are kept with their texts; all are counted."""

OTHER = "other reasons"
"""The reason under which those are counted that are of no common kind."""

_CHARACTERS = 2**26
_SHORT = 80
_KINDS = 1_000
# What differs from record to record: a value that is shown, and where in a line it stands.
_QUOTED = r"'(?:[^'\\]|\\.)*(?:'|…)|\"(?:[^\"\\]|\\.)*(?:\"|…)"
_OWN = re.compile(
    rf"\(=(?:{_QUOTED}|.*?)\)(?= |$)"
    r"|: line \d+ column \d+ \(char \d+\)| (?:at byte|in position) [\d-]+",
    re.S,
)


class Quarantine:
    """Collects the records that cannot be used; their number is its length.

    `reasons` counts how many records each kind of reason has, the values that reasons show left
    out. Phone numbers are masked unless *show_numbers*.
    """

    def __init__(self, *, show_numbers: bool = False) -> None:
        self.reasons: Counter[str] = Counter()
        self.shown: Callable[[str], str] = str if show_numbers else masked
        """A text as people may see it."""
        self._rows: list[tuple[str, int, str, str]] = []
        self._records = self._characters = 0

    def __len__(self) -> int:
        return self._records

    def add(self, file: str, row: int, reasons: Sequence[str], text: str) -> None:
        """Take one record: its *row* counts from 1, *text* is the row as it stands.

        The first 100,000 are kept, their texts and reasons cut at 4,096 characters; texts beyond
        64 million characters in all are cut at 80.
        """
        self._records += 1
        for reason in reasons:
            self._count(reason, 1)
        if len(self._rows) < RECORDS:
            most = KEPT if self._characters < _CHARACTERS else _SHORT
            kept = self._kept("; ".join(reasons), KEPT), self._kept(text, most)
            self._characters += len(kept[0]) + len(kept[1])
            self._rows.append((file, row, *kept))

    def count(self, reason: str, records: int) -> None:
        """Count records that are not kept and have the same one reason."""
        self._records += records
        self._count(reason, records)

    def frame(self) -> pd.DataFrame:
        """Return the kept records by file and row, with the columns of `smssim.record.schema`."""
        import pandas as pd

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
        kind = self.shown(_OWN.sub("", reason)[:KEPT])
        if kind not in self.reasons and len(self.reasons) >= _KINDS:
            kind = OTHER
        if records:
            self.reasons[kind] += records

    def _kept(self, text: str, most: int) -> str:
        # Cut before masking would leave the rest of a number that the cut goes through.
        text = self.shown(text[: 2 * most])
        return text if len(text) <= most else text[: most - 1] + "…"


# Exports that were probably cut: the console gives 10,000 rows at most (DOMAIN.md section 9).

LIMIT = 10_000
"""Records of a unit that is probably cut."""


class Cuts:
    """Counts the records of each unit of a table, and the first and last times they say."""

    def __init__(self, table: Table) -> None:
        self._path, self._batches = table.path, table.batches
        self._records: Counter[int] = Counter()
        self._times: dict[int, tuple[int, int]] = {}
        table.batches = self._counted

    def seen(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Hand on the pieces of the table, and look at their times."""
        for piece in pieces:
            if len(piece.sends):
                self._look(piece.sends)
            yield piece

    def warnings(self) -> list[str]:
        """A sentence for each unit that is probably cut, once all pieces were handed on."""
        return [
            f"{self._path}: {self._place(unit)}exactly {LIMIT:,} records{self._period(unit)}: "
            "probably cut at the console's limit; export shorter windows"
            for unit, records in sorted(self._records.items())
            if records == LIMIT
        ]

    def _counted(self) -> Iterator[Batch]:
        for batch in self._batches():
            self._records[batch.unit] += len(batch.rows) + len(batch.refused)
            yield batch

    def _look(self, sends: Facts) -> None:
        told = sends[sends["submitted"] != UNKNOWN]
        for unit in np.unique(told["unit"]).tolist():
            own = told["submitted"][told["unit"] == unit]
            first, last = self._times.get(unit, (int(own[0]), int(own[0])))
            self._times[unit] = min(first, int(own.min())), max(last, int(own.max()))

    def _place(self, unit: int) -> str:
        return f"part {unit + 1} has " if len(self._records) > 1 else ""

    def _period(self, unit: int) -> str:
        if unit not in self._times:
            return ""
        first, last = (f"{to_datetime(at):%Y-%m-%d %H:%M}" for at in self._times[unit])
        return f" from {first} to {last} UTC"
