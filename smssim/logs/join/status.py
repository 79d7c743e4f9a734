"""Which of several statuses counts: of a part the last one, of parts the last not delivered."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from smssim.logs.join.facts import UNKNOWN, Facts, Labels
from smssim.logs.join.groups import Array, Integers, Mask, alone, begins, ends


class Codes(NamedTuple):
    """The codes of the two statuses that have a meaning here; -2 where no file has one."""

    delivered: int
    accepted: int

    @classmethod
    def of(cls, status: Labels) -> Self:
        """The codes that `DELIVRD` and `ACCEPTD` have in *status*."""
        names = status.names
        return cls(*(names.index(n) if n in names else -2 for n in ("DELIVRD", "ACCEPTD")))

    def final(self, status: Array) -> Mask:
        """Which statuses are final: all but ACCEPTD and none (DOMAIN.md section 7)."""
        final: Mask = (status >= 0) & (status != self.accepted)
        return final


class Told(NamedTuple):
    """Statuses, one a row: of which message and part, by which fact (its kind and its row)."""

    message: Integers
    part: Integers
    status: Array
    source: Array
    place: Array
    final: Array
    received: Array
    file: Array
    row: Array
    entry: Array

    @classmethod
    def by(cls, facts: Facts, message: Integers, part: Integers, place: Array) -> Self:
        """What *facts* tell of their messages' parts."""
        names = ("status", "source", "final", "received", "file", "row", "entry")
        told = {name: facts[name] for name in names}
        return cls(message=message, part=part, place=place, **told)

    def take(self, rows: Integers | Mask) -> Told:
        """Some of the rows."""
        return Told(*(column[rows] for column in self))

    def and_(self, other: Told) -> Told:
        """Both, one after the other."""
        return Told(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def deciding(told: Told, codes: Codes) -> Integers:
    """The row that decides of each message that has one, by message.

    Of several statuses of a part a final one counts before one that is not, then the later, then
    the later row; of several parts the latest that was not delivered, then the highest part.
    """
    order = np.argsort(told.message, kind="stable")
    new = begins(told.message[order])
    single = alone(new)
    rows = order[~single]
    if not len(rows):
        return order
    some = told.take(rows)
    when = np.where(some.final == UNKNOWN, some.received, some.final)
    places = (some.entry, some.row, some.file)
    by = np.lexsort((*places, when, codes.final(some.status), some.part, some.message))
    last = by[ends(begins(some.message[by], some.part[by]))]
    late = some.status[last] != codes.delivered
    by = last[np.lexsort((when[last], late, some.message[last]))]
    chosen = np.concatenate([order[single], rows[by[ends(begins(some.message[by]))]]])
    return chosen[np.argsort(told.message[chosen], kind="stable")]
