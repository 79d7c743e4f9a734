"""New messages: the first copies of the messages of some hours, with their marks, in order."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.simulation.arrivals.marks import MessageMarks
from smssim.simulation.compiled import CompiledScenario

__all__ = ["CopyMarks", "MessageSource", "NewMessages", "joined", "new_messages", "order_by_time"]


@dataclass
class NewMessages:
    """First copies of messages, one row each; times and delays in microseconds.

    *next_t* is when a user would ask again, NEVER if not; None where no user ever does.
    """

    t: Ints
    cls: Ints
    request: Ints
    recipient: NDArray[np.int32]
    segments: NDArray[np.uint8]
    sampled_outcome: NDArray[np.uint8]
    latency: Ints
    next_t: Ints | None
    number: Ints | None = None
    """Which of all numbers that are sent to more than once, -1 for one of its own; None where no
    frequency is limited.
    """

    def __len__(self) -> int:
        return len(self.t)

    @classmethod
    def none(cls) -> NewMessages:
        """No messages at all."""
        dtypes = (np.int64, np.int64, np.int64, np.int32, np.uint8, np.uint8, *(3 * [np.int64]))
        return cls(*(np.empty(0, dtype) for dtype in dtypes))


class MessageSource(Protocol):
    """One source of messages; its last comes before `until_us`."""

    until_us: int

    def expected(self, hour: int) -> float:
        """Expected messages in a UTC hour."""

    def new_messages(self, first: int, last: int) -> NewMessages:
        """Messages of the UTC hours from *first* up to *last*, in the order of (request,
        recipient).
        """

    def copies(
        self, request: Ints, recipient: Ints, t: Ints, generation: int
    ) -> tuple[MessageMarks, Ints | None]:
        """The marks of resent copies sent at *t*, and when the copies after them would be sent."""


class CopyMarks:
    """The marks of resent copies, made only for copies that are thought to exist."""

    def __init__(self, compiled: CompiledScenario, sources: list[MessageSource]) -> None:
        self._compiled, self._sources = compiled, sources
        rules = [getattr(source, "resend", None) for source in compiled.sources]
        self.longest_chain_us = max(
            (rule.at_most * max(1, rule.patience.table().longest) for rule in rules if rule),
            default=0,
        )
        """The longest time from a first copy to its last resend."""

    def mark(
        self, base: NewMessages, message: Ints, generation: int, t: Ints
    ) -> tuple[MessageMarks, Ints]:
        """The marks of copies of *generation*, sent at *t*, and when the next would be sent."""
        n = len(message)
        marks, next_t = MessageMarks.blank(n), np.empty(n, np.int64)
        source = self._compiled.source.take(base.cls.take(message))
        for number in np.unique(source).tolist():
            rows = np.flatnonzero(source == number)
            messages = message[rows]
            recipient = base.recipient[messages].astype(np.int64)
            marked, next_t[rows] = self._sources[number].copies(
                base.request[messages], recipient, t[rows], generation
            )
            marks.put(rows, marked)
        return marks, next_t


def new_messages(sources: list[MessageSource], first: int, last: int) -> NewMessages:
    """All messages of the UTC hours from *first* up to *last*, in the order of (time, source,
    request, recipient).
    """
    batches = [batch for source in sources if len(batch := source.new_messages(first, last))]
    if not batches:
        return NewMessages.none()
    messages = joined(batches, order_by_time(np.concatenate([batch.t for batch in batches])))
    # Classes travel as small numbers, and index look-up tables as large ones.
    messages.cls = messages.cls.astype(np.int64, copy=False)
    return messages


def joined(batches: list[NewMessages], order: Ints | None = None) -> NewMessages:
    """Batches one after another; or some of all their messages, in some order."""
    columns = []
    # A column after the other, so that the memory of one serves the next.
    for field in fields(NewMessages):
        column = getattr(batches[0], field.name)
        if column is not None and len(batches) > 1:
            column = np.concatenate([getattr(batch, field.name) for batch in batches])
        columns.append(column if column is None or order is None else column.take(order))
    return NewMessages(*columns)


def order_by_time(t: Ints) -> Ints:
    """The permutation that sorts by time and keeps ties in their order.

    Time and position share one word, so that NumPy's fastest sort, which is not stable, does it.
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
