"""Exports that were probably cut: the console gives 10,000 rows at most (DOMAIN.md section 9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from smssim.calendars import to_datetime
from smssim.logs.files.table import Batch, Table
from smssim.logs.join.facts import UNKNOWN, Facts
from smssim.logs.join.piece import Piece

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
