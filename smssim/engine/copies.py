"""The marks of resent copies, made only for copies that are thought to exist."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.engine.births import AnyBirths, Births, CallBirths, GroupBirths, counters_of
from smssim.engine.world import World
from smssim.inverse import Quantiles
from smssim.marks import REQUESTS_AN_HOUR, words

Ints = NDArray[np.int64]
NEVER = 1 << 62


class Marked(NamedTuple):
    """Marks of some copies, and when the copies after them would be sent (NEVER if there are none)."""

    segments: NDArray[np.uint8]
    drawn: NDArray[np.uint8]
    latency: Ints
    next_t: Ints


class CopyMarks:
    """Knows which classes are asked for again, how long users wait, and the marks of every copy."""

    def __init__(self, world: World, sources: list[AnyBirths]) -> None:
        self._world, self._sources = world, sources
        self._rules = [getattr(source, "resend", None) for source in world.sources]
        self._patience: list[Quantiles | None] = [r.patience.table() if r else None for r in self._rules]
        self.resends = np.array([self._rules[i] is not None for i, _ in world.pairs], bool)
        """By class: whether its messages are asked for again."""
        self.longest_chain_us = max(
            (r.at_most * max(1, p.longest) for r, p in zip(self._rules, self._patience, strict=True) if r and p),
            default=0,
        )
        """The longest time from a first copy to its last resend."""

    def next_t(self, base: Births, message: Ints, generation: int, t: Ints) -> Ints:
        """When the copies after those of *generation*, sent at *t*, would be sent."""
        following = np.full(len(message), NEVER, np.int64)
        for number, rows in self._by_source(base, message):
            following[rows] = self._next(number, base, message[rows], generation, t[rows])
        return following

    def mark(self, base: Births, message: Ints, generation: int, t: Ints) -> Marked:
        """The marks of copies of *generation*, sent at *t*."""
        n = len(message)
        marked = Marked(
            np.zeros(n, np.uint8), np.zeros(n, np.uint8), np.zeros(n, np.int64), np.full(n, NEVER, np.int64)
        )
        for number, rows in self._by_source(base, message):
            own = message[rows]
            hours, k = np.divmod(base.request[own], REQUESTS_AN_HOUR)
            recipient, source = base.recipient[own].astype(np.int64), self._sources[number]
            if isinstance(source, CallBirths):
                marks = source.mark(hours, k, recipient, generation)
            else:
                assert not isinstance(source, GroupBirths)
                counters = counters_of(k, recipient, generation)
                marks = source.marker.mark(hours, np.ones(len(own), np.int64), counters)
            marked.segments[rows], marked.drawn[rows], marked.latency[rows] = marks
            marked.next_t[rows] = self._next(number, base, own, generation, t[rows])
        return marked

    def _by_source(self, base: Births, message: Ints) -> list[tuple[int, Ints]]:
        source = self._world.source.take(base.cls.take(message))
        numbers = [number for number, rule in enumerate(self._rules) if rule is not None]
        return [(number, rows) for number in numbers if len(rows := np.flatnonzero(source == number))]

    def _next(self, number: int, base: Births, message: Ints, generation: int, t: Ints) -> Ints:
        rule, patience = self._rules[number], self._patience[number]
        assert rule is not None
        assert patience is not None
        if generation >= rule.at_most:
            return np.full(len(message), NEVER, np.int64)
        hours, k = np.divmod(base.request[message], REQUESTS_AN_HOUR)
        keys = self._world.marks.hour_keys(self._world.sources[number].name, "patience", hours)
        counters = counters_of(k, base.recipient[message].astype(np.int64), generation)
        at = t + np.maximum(1, patience.take(words(keys, counters)))
        at[at >= self._sources[number].until_us] = NEVER
        return at
