"""Why rows are rejected, in the documented order, and what a whole column makes doubtful."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum

import numpy as np

from smssim.arrays import Ints, Mask
from smssim.calendars import DAY, HOUR, MINUTE, SECOND
from smssim.logs.join.facts import UNKNOWN

__all__ = ["Problems", "Rank", "TimeSuspicions", "excerpt"]


class Rank(IntEnum):
    """The order of reasons (docs/logs.md section 3)."""

    TIME = 0
    ID = 1
    WHO = 2
    CODE = 3
    CONTRADICTION = 4
    ORDER = 5
    COST = 6
    CURRENCY = 7


class Problems:
    """The reasons of one batch."""

    def __init__(self) -> None:
        self._reasons: list[tuple[Rank, Sequence[int], Sequence[str]]] = []

    def add(self, rank: Rank, rows: Ints, reasons: Iterable[str]) -> None:
        """Add a reason for each of *rows*."""
        if len(rows):
            self._reasons.append((rank, rows.tolist(), list(reasons)))

    def rows(self, n: int) -> Mask:
        """Which of *n* rows have a reason."""
        wrong = np.zeros(n, np.bool_)
        for _, rows, _ in self._reasons:
            wrong[rows] = True
        return wrong

    def by_row(self) -> dict[int, tuple[str, ...]]:
        """The reasons of each row that has one, in order, by row."""
        by_row: dict[int, tuple[str, ...]] = {}
        for _, rows, texts in sorted(self._reasons, key=lambda entry: entry[0]):
            for row, text in zip(rows, texts, strict=True):
                before = by_row.get(row)
                by_row[row] = (*before, text) if before else (text,)
        return dict(sorted(by_row.items()))


def excerpt(value: object) -> str:
    """A value as a reason shows it: short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


_FEW = 5
_HALF_HOUR = HOUR // 2
_VALIDITY = 3 * DAY
"""The longest validity period of a message (DOMAIN.md section 3)."""


class TimeSuspicions:
    """Counts what is odd about the times of a table, batch by batch; *headings* are by field."""

    def __init__(self, headings: Mapping[str, str]) -> None:
        self._headings = headings
        self._latest = int(time.time()) * SECOND + DAY
        self._rows = self._early = self._late = self._future = 0
        self._least: int | None = None

    def add(self, submitted: Ints, final: Ints) -> None:
        """Look at the times of a batch: of all rows, also of those that are rejected."""
        self._future += int((np.maximum(submitted, final) > self._latest).sum())
        both = (submitted != UNKNOWN) & (final != UNKNOWN)
        if not both.any():
            return
        delay = (final - submitted)[both]
        self._rows += len(delay)
        self._early += int((delay < -SECOND).sum())
        self._late += int((delay > _VALIDITY + HOUR).sum())
        least = int(delay.min())
        self._least = least if self._least is None else min(least, self._least)

    def warnings(self) -> Iterator[str]:
        """A sentence for each thing that the times of a table cannot be."""
        submitted, final = (repr(self._headings.get(name, name)) for name in ("submitted", "final"))
        zone = (
            "they may be of two zones: state that of a column with --columns map.yaml (columns=), "
            "as in `final: {heading: ..., zone: UTC+8}`"
        )
        least = self._least or 0
        if self._rows >= _FEW and least >= _HALF_HOUR - MINUTE:
            yield f"{final} is at least {least / HOUR:.1f} h after {submitted} in every row; {zone}"
        if self._rows >= _FEW and 2 * self._early > self._rows:
            yield f"{final} is before {submitted} in {self._early:,} of {self._rows:,} rows; {zone}"
        if self._late:
            yield (
                f"{final} is more than 72 h, the longest validity, after {submitted} in "
                f"{self._late:,} of {self._rows:,} rows"
            )
        if self._future:
            yield f"{self._future:,} rows have a time that is still to come"
