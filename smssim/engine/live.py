"""The messages that are not finished with: their copies, marks and results, a sliding window over the run."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from smssim.engine.births import AnyBirths, Births, CallBirths, counters_of, order_by_time
from smssim.engine.fates import DELIVERED, UNBORN
from smssim.engine.world import World
from smssim.inverse import Quantiles
from smssim.marks import REQUESTS_AN_HOUR, words

Ints = NDArray[np.int64]
NEVER = 1 << 62


@dataclass
class Arrivals:
    """Copies in their order, with what judging needs; *where* is their place in the flattened arrays of `Live`."""

    where: slice | Ints
    t: Ints
    cls: NDArray[np.int16]
    segments: NDArray[np.uint8]
    drawn: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.t)


class Live:
    """First copies as columns, and arrays of shape (generations, messages) for what differs by copy.

    Marks: `t`, `segments`, `drawn`, `latency`. Results: `fate`, `sent_us` (when a withdrawn message failed, for those), `package` (-1
    without one). `exists` is the present guess which resends there are.
    """

    def __init__(self, world: World, sources: list[AnyBirths]) -> None:
        self._world = world
        self._sources = sources
        self._resend = [getattr(source, "resend", None) for source in world.sources]
        self._patience: list[Quantiles | None] = [r.patience.table() if r else None for r in self._resend]
        self.generations = world.generations
        self.dropped = 0
        self.longest_chain_us = 0
        self._adopt(None, [])

    def __len__(self) -> int:
        return self.t.shape[1]

    def extend(self, births: Births) -> None:
        """Add the births of later hours."""
        copies = self._copies(births)
        if not len(self):
            self._adopt(births, copies)
            return
        base = Births(
            *(np.concatenate([getattr(self.base, f.name), getattr(births, f.name)]) for f in fields(Births))
        )
        joined = [np.concatenate([old, new], axis=1) for old, new in zip(self._arrays(), copies, strict=True)]
        self._adopt(base, joined)

    def drop_before(self, t_us: int) -> None:
        """Forget messages of which no copy can be after *t_us*."""
        first = int(np.searchsorted(self.base.t, t_us - self.longest_chain_us, "left"))
        if first:
            self.dropped += first
            base = Births(*(getattr(self.base, f.name)[first:].copy() for f in fields(Births)))
            self._adopt(base, [array[:, first:].copy() for array in self._arrays()])

    def arrivals(self, from_us: int, until_us: int, stopped: dict[int, int]) -> Arrivals:
        """The copies with from_us <= t < until_us in their order, without those of sources *stopped* by then."""
        begin, end = (int(i) for i in np.searchsorted(self.base.t, [from_us, until_us]))
        copies = self._resent(from_us, until_us, end)
        if len(copies):
            where: slice | Ints = self._merged(begin, end, copies)
        else:
            where = slice(begin, end)
        if stopped:
            where = self._unstopped(where, stopped)
        if isinstance(where, slice):
            t, cls, segments, drawn = self.t[0], self.base.cls, self.segments[0], self.drawn[0]
            return Arrivals(where, t[where], cls[where], segments[where], drawn[where])
        flat = (array.ravel().take(where) for array in (self.t, self.segments, self.drawn))
        t, segments, drawn = flat
        return Arrivals(where, t, self.base.cls.take(where % len(self)), segments, drawn)

    def keys(self, where: slice | Ints) -> Ints:
        """Names of copies that stay the same when older messages are dropped."""
        flat = np.arange(where.start, where.stop) if isinstance(where, slice) else where
        return (flat % len(self) + self.dropped) * self.generations + flat // len(self)

    def places(self, keys: Ints) -> Ints:
        """The present places of copies by their keys."""
        return keys % self.generations * len(self) + keys // self.generations - self.dropped

    def delivered_us(self, generation: int, first: int, last: int) -> Ints:
        """When judged copies were delivered, NEVER if they were not."""
        own = slice(first, last)
        at = self.sent_us[generation, own] + self.latency[generation, own]
        at[self.fate[generation, own] != DELIVERED] = NEVER
        return at

    def _arrays(self) -> list[NDArray[np.generic]]:
        return [
            self.t, self.segments, self.drawn, self.latency, self.fate, self.sent_us, self.package, self.exists
        ]  # fmt: skip

    def _adopt(self, base: Births | None, arrays: list[NDArray[np.generic]]) -> None:
        self.base = base if base is not None else Births(*(np.empty(0, np.int64) for _ in range(7)))  # type: ignore[arg-type]
        if not arrays:
            arrays = self._copies(self.base)
        (self.t, self.segments, self.drawn, self.latency, self.fate, self.sent_us, self.package, self.exists) = arrays  # type: ignore[assignment]

    def _copies(self, base: Births) -> list[NDArray[np.generic]]:
        shape = self.generations, len(base)
        t = np.full(shape, NEVER, np.int64) if self.generations > 1 else base.t[None]
        segments, drawn, latency = (
            (np.zeros(shape, column.dtype) if self.generations > 1 else column[None])
            for column in (base.segments, base.drawn, base.latency)
        )
        exists = np.zeros(shape, bool)
        exists[0] = True
        if self.generations > 1:
            t[0], segments[0], drawn[0], latency[0] = base.t, base.segments, base.drawn, base.latency
            for number, source in enumerate(self._sources):
                if self._resend[number] and len(base):
                    own = np.flatnonzero(self._world.source.take(base.cls) == number)
                    self._mark_resends(number, source, own, base, (t, segments, drawn, latency))
            _guess(t, drawn, latency, exists)
        fate = np.full(shape, UNBORN, np.uint8)
        return [t, segments, drawn, latency, fate, np.empty(shape, np.int64), np.full(shape, -1, np.int16), exists]

    def _mark_resends(
        self, number: int, source: AnyBirths, own: Ints, base: Births, arrays: tuple[NDArray[np.generic], ...]
    ) -> None:
        t, segments, drawn, latency = arrays
        rule, patience = self._resend[number], self._patience[number]
        assert rule is not None
        assert patience is not None
        hours, k = np.divmod(base.request[own], REQUESTS_AN_HOUR)
        recipient = base.recipient[own].astype(np.int64)
        one = np.ones(len(own), np.int64)
        keys = self._world.marks.hour_keys(self._world.sources[number].name, "patience", hours)
        for generation in range(1, rule.at_most + 1):
            waits = np.maximum(1, patience.take(words(keys, counters_of(k, recipient, generation - 1))))
            counters = counters_of(k, recipient, generation)
            at = t[generation - 1, own] + waits
            at[t[generation - 1, own] == NEVER] = NEVER
            at[at >= source.until_us] = NEVER
            chain = (at - t[0, own])[at < NEVER]
            self.longest_chain_us = max(self.longest_chain_us, int(chain.max(initial=0)))
            t[generation, own] = at
            if isinstance(source, CallBirths):
                marks = source.mark(hours, k, recipient, generation)
            else:
                marks = source.marker.mark(hours, one, counters)  # type: ignore[union-attr]
            segments[generation, own], drawn[generation, own], latency[generation, own] = marks

    def _resent(self, from_us: int, until_us: int, end: int) -> Ints:
        if self.generations == 1:
            return np.empty(0, np.int64)
        first = int(np.searchsorted(self.base.t, from_us - self.longest_chain_us))
        t, exists = self.t[1:, first:end], self.exists[1:, first:end]
        generation, message = np.nonzero(exists & (t >= from_us) & (t < until_us))
        return (generation + 1) * len(self) + message + first

    def _merged(self, begin: int, end: int, copies: Ints) -> Ints:
        where = np.concatenate([np.arange(begin, end), copies])
        t = self.t.ravel().take(where)
        order = order_by_time(t)
        where, t, resent = where[order], t[order], order >= end - begin
        if ((t[1:] == t[:-1]) & (resent[1:] | resent[:-1])).any():
            generation, message = np.divmod(where, len(self))
            base = self.base
            source = self._world.source.take(base.cls.take(message))
            where = where[
                np.lexsort((generation, base.recipient.take(message), base.request.take(message), source, t))
            ]
        return where

    def _unstopped(self, where: slice | Ints, stopped: dict[int, int]) -> slice | Ints:
        flat = np.arange(where.start, where.stop) if isinstance(where, slice) else where
        source = self._world.source.take(self.base.cls.take(flat % len(self)))
        t = self.t.ravel().take(flat)
        keep = np.ones(len(flat), bool)
        for number, stop_us in stopped.items():
            keep &= (source != number) | (t < stop_us)
        return where if keep.all() else flat[keep]


def _guess(t: Ints, drawn: NDArray[np.uint8], latency: Ints, exists: NDArray[np.bool_]) -> None:
    """First guess which resends there are: everything is sent at once."""
    first_delivery = np.full(t.shape[1], NEVER, np.int64)
    for generation in range(1, t.shape[0]):
        at = t[generation - 1] + latency[generation - 1]
        at[(drawn[generation - 1] != DELIVERED) | ~exists[generation - 1]] = NEVER
        np.minimum(first_delivery, at, out=first_delivery)
        exists[generation] = exists[generation - 1] & (t[generation] < NEVER) & (first_delivery > t[generation])
