"""Forms of times: which bytes of a text are which digits, read for all texts of a form at once.

What is written alike, digit for digit, has the same form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from smssim.logs.columns.texts import Flags, Integers, Texts, Words

_BLOCK = 16_384
_TENS, _BYTE, _NIBBLES = np.uint64(10), np.uint64(8), 0x0F0F0F0F0F0F0F0F
_SECOND_US, _DAY_S = 1_000_000, 86_400


class Digits(NamedTuple):
    """One or two digits of a text: of what, from which byte on, how many."""

    of: str
    byte: int
    size: int


@dataclass(frozen=True)
class Form:
    """How a time is written: its bytes, and which of them are digits of what.

    `offset` is in seconds, None where the text names none. `half` is 0 for the first half of a
    day, 12 for the second, -1 where hours go to 23. `month` is the one that is written as a word.
    """

    size: int
    words: tuple[tuple[int, int, int], ...]
    digits: tuple[Digits, ...]
    offset: int | None = None
    half: int = -1
    month: int = 0

    @property
    def ordered(self) -> bool:
        """Whether the form itself says which number is the day."""
        return all(digits.of != "a" for digits in self.digits)

    def read(
        self, texts: Texts, rows: Integers | None, day_first: bool = True
    ) -> tuple[Flags, Flags, Integers]:
        """Which of *rows* (None for all) are of this form, which of these are times, and which.

        Times are what clocks show, less the offset, in microseconds since 1970.
        """
        n = len(texts) if rows is None else len(rows)
        like, right = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        times = np.zeros(n, np.int64)
        for begin in range(0, n, _BLOCK):
            part = slice(begin, min(begin + _BLOCK, n))
            some = np.arange(part.start, part.stop) if rows is None else rows[part]
            take = _taker(texts, some, rows is None)
            like[part], values = self._values(texts, some, take)
            right[part], times[part] = self._instants(values, day_first)
        return like, right & like, times

    def _values(
        self, texts: Texts, rows: Integers, take: Callable[[int], Words]
    ) -> tuple[Flags, dict[str, Words]]:
        wrong = texts.length[rows] != self.size
        pairs: list[Words] = []
        for k, (literal, wanted, digits) in enumerate(self.words):
            word = take(8 * k)
            wrong |= (word & np.uint64(literal)) != np.uint64(wanted)
            word &= np.uint64(digits)
            high = np.uint64(digits & ~_NIBBLES)
            up = (word + np.uint64(digits & 0x0606060606060606)) & high
            wrong |= up != np.uint64(digits & 0x3030303030303030)
            word &= np.uint64(_NIBBLES)
            pairs.append(word)
        tens = [word * _TENS + (word >> _BYTE) for word in pairs]
        values: dict[str, Words] = {}
        for of, byte, size in self.digits:
            k, place = divmod(byte, 8)
            if size == 1:
                values[of] = (pairs[k] >> np.uint64(8 * place)) & np.uint64(15)
            elif place < 7:
                values[of] = (tens[k] >> np.uint64(8 * place)) & np.uint64(255)
            else:
                values[of] = (pairs[k] >> np.uint64(56)) * _TENS + (pairs[k + 1] & np.uint64(15))
        return ~wrong, values

    def _instants(self, values: dict[str, Words], day_first: bool) -> tuple[Flags, Integers]:
        a, b = ("a", "b") if day_first else ("b", "a")
        day = values["d"] if "d" in values else values[a]
        year = values["y"]
        if self.month:
            month = np.full_like(day, self.month)
        else:
            month = values["m"] if "m" in values else values[b]
        # Texts of other forms may give any bits here.
        days = _days().take(
            ((year << np.uint64(14)) | (month << np.uint64(7)) | day).view(np.int64), mode="clip"
        )
        right = days >= 0
        if "c" in values:
            right &= values["c"] == 20
        hour, minute = values["H"], values["M"]
        if self.half >= 0:
            right &= (hour >= 1) & (hour <= 12)
            hour = hour % np.uint64(12) + np.uint64(self.half)
        right &= (hour < 24) & (minute < 60)
        seconds = hour * np.uint64(3600) + minute * np.uint64(60)
        if "S" in values:
            right &= values["S"] < 60
            seconds += values["S"]
        times = days * _DAY_S + seconds.view(np.int64)
        if self.offset:
            times -= self.offset
        times *= _SECOND_US
        for of, word in values.items():
            if of[0] == "f":
                times += word.view(np.int64) * int(of[1:])
        return right, times


def _taker(texts: Texts, rows: Integers, whole: bool) -> Callable[[int], Words]:
    if whole and texts.width:
        first, n = int(texts.start[rows[0]]), len(rows)
        return lambda place: np.ndarray(
            (n,), np.uint64, texts.bytes, first + place, (texts.width,)
        ).copy()
    start = texts.start[rows]
    return lambda place: texts.words(start + place)


@cache
def _days() -> npt.NDArray[np.int64]:
    """The days of the century by year, month and day, 7 bits each; -1 where there is none."""
    days = np.full(100 << 14, -1, np.int64)
    first = date(2000, 1, 1).toordinal()
    epoch = date(1970, 1, 1).toordinal()
    for ordinal in range(first, date(2100, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        days[((day.year - 2000) << 14) | (day.month << 7) | day.day] = ordinal - epoch
    return days
