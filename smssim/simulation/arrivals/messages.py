"""Births: the first copies of the messages of some hours, with their marks, in order."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.arrivals.marks import MessageMarks

Ints = NDArray[np.int64]


@dataclass
class Births:
    """First copies of messages, a row each; times and delays in microseconds.

    *next_t* is when a user would ask again, NEVER if not; None where nobody ever does.
    """

    t: Ints
    cls: Ints
    request: Ints
    recipient: NDArray[np.int32]
    segments: NDArray[np.uint8]
    drawn: NDArray[np.uint8]
    latency: Ints
    next_t: Ints | None
    number: Ints | None = None
    """Which of all numbers that are sent to more than once, -1 for one of its own; None where no
    frequency is limited.
    """

    def __len__(self) -> int:
        return len(self.t)

    @classmethod
    def none(cls) -> Births:
        """No births at all."""
        kinds = (np.int64, np.int64, np.int64, np.int32, np.uint8, np.uint8, *(3 * [np.int64]))
        return cls(*(np.empty(0, kind) for kind in kinds))


class SourceBirths(Protocol):
    """Where one source's messages come from; `until_us` is when its last is born at the latest."""

    until_us: int

    def expected(self, hour: int) -> float:
        """Expected messages in a UTC hour."""

    def births(self, first: int, last: int) -> Births:
        """Messages of the UTC hours from *first* up to *last*, in the order of (request,
        recipient).
        """

    def copies(
        self, request: Ints, recipient: Ints, t: Ints, generation: int
    ) -> tuple[MessageMarks, Ints | None]:
        """The marks of resent copies sent at *t*, and when the copies after them would be sent."""


def born(sources: list[SourceBirths], first: int, last: int) -> Births:
    """All messages of the UTC hours from *first* up to *last*, in the order of (time, source,
    request, recipient).
    """
    batches = [batch for source in sources if len(batch := source.births(first, last))]
    if not batches:
        return Births.none()
    births = joined(batches, order_by_time(np.concatenate([batch.t for batch in batches])))
    # Classes travel as small numbers, and index look-up tables as large ones.
    births.cls = births.cls.astype(np.int64, copy=False)
    return births


def joined(parts: list[Births], order: Ints | None = None) -> Births:
    """Births one after another; or some of all those, in some order."""
    columns = []
    # A column after the other, so that the memory of one serves the next.
    for field in fields(Births):
        column = getattr(parts[0], field.name)
        if column is not None and len(parts) > 1:
            column = np.concatenate([getattr(part, field.name) for part in parts])
        columns.append(column if column is None or order is None else column.take(order))
    return Births(*columns)


def order_by_time(t: Ints) -> Ints:
    """The permutation that sorts by time and keeps ties in their order.

    Time and place share one word, so that NumPy's fastest sort, which is not stable, does it.
    """
    if not len(t):
        return np.empty(0, np.int64)
    bits = max(1, (len(t) - 1).bit_length())
    first = int(t.min())
    if (int(t.max()) - first).bit_length() + bits > 63:
        return np.argsort(t, kind="stable")
    key = t - first
    key <<= bits
    key |= np.arange(len(t))
    key.sort()
    key &= (1 << bits) - 1
    return key
