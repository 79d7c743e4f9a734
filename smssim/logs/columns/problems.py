"""Why rows cannot be used: collected rule by rule, told row by row in the documented order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np

from smssim.logs.columns.texts import Flags, Integers


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
        self._found: list[tuple[Rank, Sequence[int], Sequence[str]]] = []

    def add(self, rank: Rank, rows: Integers, reasons: Iterable[str]) -> None:
        """Add a reason for each of *rows*."""
        if len(rows):
            self._found.append((rank, rows.tolist(), list(reasons)))

    def rows(self, n: int) -> Flags:
        """Which of *n* rows have a reason."""
        wrong = np.zeros(n, np.bool_)
        for _, rows, _ in self._found:
            wrong[rows] = True
        return wrong

    def told(self) -> dict[int, tuple[str, ...]]:
        """The reasons of each row that has one, in order, by row."""
        reasons: dict[int, tuple[str, ...]] = {}
        for _, rows, texts in sorted(self._found, key=lambda found: found[0]):
            for row, text in zip(rows, texts, strict=True):
                before = reasons.get(row)
                reasons[row] = (*before, text) if before else (text,)
        return dict(sorted(reasons.items()))


def shown(value: object) -> str:
    """A value as a reason shows it: short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
