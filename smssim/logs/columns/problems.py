"""Why rows are rejected: collected rule by rule, reported row by row in the documented order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np

from smssim.arrays import Ints, Mask


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
