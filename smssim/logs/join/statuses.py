"""Which of several statuses of a message counts."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from smssim.logs.join.facts import UNKNOWN, Facts, Labels
from smssim.logs.join.groups import Array, Integers, Mask, alone, begins, ends

_PLATFORM = 1
"""The source of a report that the platform makes itself, for example when 72 h are over."""


class Codes(NamedTuple):
    """The codes of the two statuses with a meaning here; -2 where no file has one.

    `rank` orders all codes by their labels, DELIVRD last, so that no order of rows or files
    decides between statuses of one time.
    """

    delivered: int
    accepted: int
    rank: Integers

    @classmethod
    def of(cls, status: Labels) -> Self:
        """The codes that `DELIVRD` and `ACCEPTD` have in *status*."""
        names = status.names
        delivered, accepted = (names.index(n) if n in names else -2 for n in ("DELIVRD", "ACCEPTD"))
        order = sorted(range(len(names)), key=lambda code: (code == delivered, names[code]))
        rank = np.full(len(names) + 1, -1, np.int64)
        rank[order] = np.arange(len(names))
        return cls(delivered, accepted, rank)

    def final(self, status: Array) -> Mask:
        """Which statuses are final: all but ACCEPTD and none (DOMAIN.md section 7)."""
        final: Mask = (status >= 0) & (status != self.accepted)
        return final

    def certainty(self, status: Array, source: Array, final_at: Array) -> Array:
        """How much each status can know: 0 not final, 1 final, 2 final and by somebody who knows.

        A report that the platform makes without a time, because it has heard nothing, cannot know
        better than the phone that received the message.
        """
        constructed = (source == _PLATFORM) & (final_at == UNKNOWN) & (status != self.delivered)
        final = self.final(status)
        certainty: Array = final.astype(np.int8) + (final & ~constructed)
        return certainty


class StatusRows(NamedTuple):
    """Statuses, one per row: its message and segment, and the fact that reports it."""

    message: Integers
    segment: Integers
    status: Array
    source: Array
    stage: Array
    final: Array
    received: Array
    file: Array
    row: Array
    entry: Array

    @classmethod
    def by(cls, facts: Facts, message: Integers, segment: Integers, stage: Array) -> Self:
        """The statuses that *facts* report of segments of messages."""
        names = ("status", "source", "final", "received", "file", "row", "entry")
        columns = {name: facts[name] for name in names}
        return cls(message=message, segment=segment, stage=stage, **columns)

    def take(self, rows: Integers | Mask) -> StatusRows:
        """Some of the rows."""
        return StatusRows(*(column[rows] for column in self))

    def and_(self, other: StatusRows) -> StatusRows:
        """Both, one after the other."""
        return StatusRows(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def deciding(statuses: StatusRows, codes: Codes) -> Integers:
    """The row that decides each message with a status, by message.

    Of several statuses of a segment a final one goes before one that is not, then the later, then
    DELIVRD; of several segments the latest not delivered, then the highest segment.
    """
    order = np.argsort(statuses.message, kind="stable")
    new = begins(statuses.message[order])
    single = alone(new)
    rows = order[~single]
    if not len(rows):
        return order
    some = statuses.take(rows)
    when = np.where(some.final == UNKNOWN, some.received, some.final)
    places = (some.entry, some.row, some.file)
    certainty = codes.certainty(some.status, some.source, some.final)
    strength = (codes.rank[some.status], when, certainty)
    by = np.lexsort((*places, *strength, some.segment, some.message))
    last = by[ends(begins(some.message[by], some.segment[by]))]
    late = some.status[last] != codes.delivered
    by = last[np.lexsort((when[last], late, some.message[last]))]
    chosen = np.concatenate([order[single], rows[by[ends(begins(some.message[by]))]]])
    return chosen[np.argsort(statuses.message[chosen], kind="stable")]
