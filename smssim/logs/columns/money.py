"""Columns of money: decimals of either mark, as millionths of the currency.

A mark that stands once before exactly three digits has two meanings, which other values decide.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.arrays import Ints
from smssim.logs.columns.statuses import Meaning
from smssim.logs.columns.texts import EMPTY, THOUSANDS, as_texts, clean, encoded, excerpt
from smssim.logs.join.facts import UNKNOWN
from smssim.logs.log import ColumnMappingError

__all__ = ["DecimalColumn"]

_MICRO = 6
_OPEN = re.compile(r"[+-]?[1-9][0-9]{0,2}([.,])[0-9]{3}")
_SIMPLE = re.compile(r"([+-]?)([0-9]+)(?:([.,])([0-9]+))?")
_GROUPED = re.compile(
    r"([+-]?)((?!0)[0-9]{1,3}(?:([.,' ])[0-9]{3})(?:\3[0-9]{3})*)(?:([.,])([0-9]+))?"
)
_CURRENCY_MARKS = "currencies next to amounts"
"""Name of the repair of an amount that is written with its currency."""
_SIGN = r"(?:[A-Za-z]{1,3}\$|\$|[€£¥￥₹₽₩฿₫₱₦₺₴]|RM|Rp\.?|[元円圆]|[A-Z]{3})"
_MARKED = re.compile(
    rf"(?P<before>{_SIGN}\s*)(?P<amount>[+-]?[0-9.,' ]*[0-9])"
    rf"|(?P<value>[+-]?[0-9][0-9.,' ]*?)(?P<after>\s*{_SIGN})"
)
_MARKS = re.compile(rf"^{_SIGN}\s*|\s*{_SIGN}$")
_CURRENCY_CODE = re.compile(r"[A-Z]{3}")
_LARGEST, _LONGEST = 10**12, 19


class DecimalColumn:
    """One column of decimals; *micro* if its whole numbers are millionths already.

    `mark` is the decimal mark, None as long as it is open.
    """

    def __init__(
        self, heading: str, micro: bool = False, currency: Callable[[str], Meaning] | None = None
    ) -> None:
        self.heading = heading
        self._micro, self._currency = micro, currency
        self.mark: str | None = None
        self.ambiguous: str | None = None
        """A value that has two meanings, as long as the mark is open."""
        self._symbol: str | None = None

    def inspect(self, column: pa.Array) -> None:
        """Look for the decimal mark, if it is still open."""
        if self.mark is not None or self._micro or not _marked(column):
            return
        marks: Counter[str] = Counter()
        for value in as_texts(column).unique().to_pylist():
            text = _MARKS.sub("", clean(value)[0] if value else "")
            if _OPEN.fullmatch(text):
                self.ambiguous = self.ambiguous or text
            else:
                marks[_mark_of(text)] += 1
        # Marks that thousands have say what the other one is.
        if marks[","] != marks["."]:
            self.mark = "," if marks[","] > marks["."] else "."

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

    def read(self, column: pa.Array, repaired: Counter[str]) -> tuple[Ints, list[tuple[int, str]]]:
        """The amounts in millionths (UNKNOWN: none), and the wrong rows with reasons."""
        at, values = encoded(column)
        counts = np.bincount(at, minlength=len(values) + 1)
        table = np.full(len(values) + 1, UNKNOWN, np.int64)
        reasons: dict[int, str] = {}
        for i, value in enumerate(values):
            text, repairs = clean(value) if value is not None else ("", ())
            if text in EMPTY:
                continue
            bare, more = self._without_currency(text)
            amount, is_grouped = self._amount(bare)
            rule = "must be an amount of 0 or more" if amount is None else more.rule
            if amount is not None and amount < 0:
                rule = "must be >= 0"
            if rule or amount is None:
                reasons[i] = f"{self.heading}(={excerpt(value)}) {rule}"
                continue
            table[i] = amount
            for name in (*repairs, *more.repairs, *([THOUSANDS] if is_grouped else [])):
                repaired[name] += int(counts[i])
        wrong = np.zeros(len(table), np.bool_)
        wrong[list(reasons)] = True
        rows = np.flatnonzero(wrong[at])
        return table[at], [(row, reasons[int(at[row])]) for row in rows.tolist()]

    def _without_currency(self, text: str) -> tuple[str, Meaning]:
        """An amount without the currency that it is written with, and what is wrong with that.

        A code must be that of the log; of signs, which several currencies share, one is allowed.
        """
        match = _MARKED.fullmatch(text)
        if match is None:
            return text, Meaning(0)
        mark = (match["before"] or match["after"]).strip()
        if _CURRENCY_CODE.fullmatch(mark) and self._currency is not None:
            return match["amount"] or match["value"], Meaning(
                0, self._currency(mark).rule, (_CURRENCY_MARKS,)
            )
        self._symbol = self._symbol or mark
        rule = (
            "" if mark == self._symbol else f"must have the currency sign {self._symbol} of others"
        )
        return match["amount"] or match["value"], Meaning(0, rule, (_CURRENCY_MARKS,))

    def _amount(self, text: str) -> tuple[int | None, bool]:
        """A text in millionths and whether it has thousands marks; None for a text that is none."""
        match = _grouped(text)
        mark = _OPEN.fullmatch(text)
        if match and not (mark and mark[1] == (self.mark or ".")):
            sign, whole, group, _, rest = match.groups()
            return self._micros(sign, whole.replace(group, ""), rest or ""), True
        match = _SIMPLE.fullmatch(text)
        return (self._micros(match[1], match[2], match[4] or "") if match else None), False

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
    column_type = str(column.type)
    return "string" in column_type or "dictionary" in column_type


def _mark_of(text: str) -> str:
    """The decimal mark that a value shows, or "" for a value that shows none."""
    match = _grouped(text)
    if match:
        return match[4] or {",": ".", ".": ","}.get(match[3], "")
    match = _SIMPLE.fullmatch(text)
    return (match[3] or "") if match else ""


def _grouped(text: str) -> re.Match[str] | None:
    """A text with thousands marks, which are not its decimal mark too."""
    match = _GROUPED.fullmatch(text)
    return match if match and match[4] != match[3] else None
