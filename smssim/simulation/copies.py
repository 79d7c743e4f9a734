"""The marks of resent copies, made only for copies that are thought to exist."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.arrivals.marks import MessageMarks
from smssim.simulation.arrivals.messages import Births, SourceBirths
from smssim.simulation.compiled import World

Ints = NDArray[np.int64]


class CopyMarks:
    """Knows for how long users ask again, and the marks of every copy."""

    def __init__(self, world: World, sources: list[SourceBirths]) -> None:
        self._world, self._sources = world, sources
        rules = [getattr(source, "resend", None) for source in world.sources]
        self.longest_chain_us = max(
            (rule.at_most * max(1, rule.patience.table().longest) for rule in rules if rule),
            default=0,
        )
        """The longest time from a first copy to its last resend."""

    def mark(
        self, base: Births, message: Ints, generation: int, t: Ints
    ) -> tuple[MessageMarks, Ints]:
        """The marks of copies of *generation*, sent at *t*, and when the next would be sent."""
        n = len(message)
        marks, next_t = MessageMarks.blank(n), np.empty(n, np.int64)
        source = self._world.source.take(base.cls.take(message))
        for number in np.unique(source).tolist():
            rows = np.flatnonzero(source == number)
            own = message[rows]
            recipient = base.recipient[own].astype(np.int64)
            part, next_t[rows] = self._sources[number].copies(
                base.request[own], recipient, t[rows], generation
            )
            marks.put(rows, part)
        return marks, next_t
