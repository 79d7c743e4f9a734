"""Columns of money: decimals of either mark, as millionths of the currency.

A mark that stands once before exactly three digits has two meanings, which other values decide.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from smssim.logs.columns.problems import shown
from smssim.logs.columns.texts import EMPTY, THOUSANDS, Integers, as_texts, clean, encoded
from smssim.logs.join.facts import UNKNOWN
from smssim.logs.log import ColumnMappingError

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_MICRO = 6
_OPEN = re.compile(r"[+-]?[1-9][0-9]{0,2}([.,])[0-9]{3}")
_SIMPLE = re.compile(r"([+-]?)([0-9]+)(?:([.,])([0-9]+))?")
_GROUPED = re.compile(
    r"([+-]?)((?!0)[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\3[0-9]{3})*)(?:([.,])([0-9]+))?"
)
_LARGEST, _LONGEST = 10**12, 19


class DecimalColumn:
    """One column of decimals; *micro* if its whole numbers are millionths already.

    `mark` is the decimal mark, None as long as it is open.
    """

    def __init__(self, heading: str, micro: bool = False) -> None:
        self.heading = heading
        self._micro = micro
        self.mark: str | None = None
        self.ambiguous: str | None = None
        """A value that has two meanings, as long as the mark is open."""

    def inspect(self, column: pa.Array) -> None:
        """Look for the decimal mark, if it is still open."""
        if self.mark is not None or self._micro or not _marked(column):
            return
        found: Counter[str] = Counter()
        for value in as_texts(column).unique().to_pylist():
            text = clean(value)[0] if value else ""
            if _OPEN.fullmatch(text):
                self.ambiguous = self.ambiguous or text
            else:
                found[_mark_of(text)] += 1
        # KeyedRandom that thousands have say what the other one is.
        if found[","] != found["."]:
            self.mark = "," if found[","] > found["."] else "."

    @property
    def is_open(self) -> bool:
        """Whether a value was met that has two meanings, and none that decides."""
        return self.ambiguous is not None and self.mark is None

    def ambiguity_error(self) -> ColumnMappingError:
        """The error for a column whose decimal mark nothing decides."""
        return ColumnMappingError(
            f"{self.heading}(={self.ambiguous!r}) may have a decimal or a thousands mark, and no "
            "other value of its column decides: write it with a point and more or fewer decimals, "
            "or leave the column out"
        )

    def read(
        self, column: pa.Array, repaired: Counter[str]
    ) -> tuple[Integers, list[tuple[int, str]]]:
        """The amounts in millionths, UNKNOWN where not said, and the wrong rows with reasons."""
        at, values = encoded(column)
        counts = np.bincount(at, minlength=len(values) + 1)
        table = np.full(len(values) + 1, UNKNOWN, np.int64)
        told: dict[int, str] = {}
        for i, value in enumerate(values):
            text, repairs = clean(value) if value is not None else ("", ())
            if text in EMPTY:
                continue
            amount, grouped = self._amount(text)
            if amount is None:
                told[i] = f"{self.heading}(={shown(value)}) must be an amount of 0 or more"
            elif amount < 0:
                told[i] = f"{self.heading}(={shown(value)}) must be >= 0"
            else:
                table[i] = amount
                for name in (*repairs, *([THOUSANDS] if grouped else [])):
                    repaired[name] += int(counts[i])
        wrong = np.zeros(len(table), np.bool_)
        wrong[list(told)] = True
        rows = np.flatnonzero(wrong[at])
        return table[at], [(row, told[int(at[row])]) for row in rows.tolist()]

    def _amount(self, text: str) -> tuple[int | None, bool]:
        """A text in millionths and whether it has thousands marks; None for a text that is none."""
        found = _grouped(text)
        mark = _OPEN.fullmatch(text)
        if found and not (mark and mark[1] == (self.mark or ".")):
            sign, whole, group, _, rest = found.groups()
            return self._micros(sign, whole.replace(group, ""), rest or ""), True
        found = _SIMPLE.fullmatch(text)
        return (self._micros(found[1], found[2], found[4] or "") if found else None), False

    def _micros(self, sign: str, whole: str, rest: str) -> int | None:
        if len(whole := whole.lstrip("0") or "0") > _LONGEST or (self._micro and rest.strip("0")):
            return None
        if self._micro:
            amount = int(whole)
        else:
            digits = rest[: _MICRO + 1].ljust(_MICRO + 1, "0")
            amount = (int(whole + digits) + 5) // 10
        if amount > _LARGEST * 10**_MICRO:
            return None
        return -amount if sign == "-" else amount


def _marked(column: pa.Array) -> bool:
    kind = str(column.type)
    return "string" in kind or "dictionary" in kind


def _mark_of(text: str) -> str:
    """The decimal mark that a value shows, or "" for a value that shows none."""
    found = _grouped(text)
    if found:
        return found[4] or {",": ".", ".": ","}.get(found[3], "")
    found = _SIMPLE.fullmatch(text)
    return (found[3] or "") if found else ""


def _grouped(text: str) -> re.Match[str] | None:
    """A text with thousands marks, which are not its decimal mark too."""
    found = _GROUPED.fullmatch(text)
    return found if found and found[4] != found[3] else None
