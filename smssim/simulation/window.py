"""The messages that are not finished with: their copies, marks and results, a sliding window over
the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.arrivals.messages import Births, SourceBirths, joined, order_by_time
from smssim.simulation.compiled import UNBORN, World
from smssim.simulation.resends import CopyMarks, ServerResends, UserResends

# Copies of messages in the order in which they arrive; whatever is judged or finished is some of

Ints = NDArray[np.int64]


@dataclass
class Arrivals:
    """Copies in their order, with what judging needs.

    *where* is their place in the flattened arrays of `Live`, *message* that of their first copy;
    both are slices when no copy is a resend, and *generation* is None then.
    """

    where: slice | Ints
    message: slice | Ints
    generation: NDArray[np.int8] | None
    t: Ints
    cls: Ints
    segments: NDArray[np.uint8]
    drawn: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.t)

    def part(self, begin: int, end: int | None) -> Arrivals:
        """The copies at places *begin* up to *end*."""
        own = slice(begin, end)
        return Arrivals(
            _part(self.where, begin, end),
            _part(self.message, begin, end),
            None if self.generation is None else self.generation[own],
            self.t[own],
            self.cls[own],
            self.segments[own],
            self.drawn[own],
        )

    def place(self, i: int) -> int:
        """The place of one copy in the flattened arrays."""
        return self.where.start + i if isinstance(self.where, slice) else int(self.where[i])


def _part(where: slice | Ints, begin: int, end: int | None) -> slice | Ints:
    if isinstance(where, slice):
        return slice(where.start + begin, where.stop if end is None else where.start + end)
    return where[begin:end]


class Live:
    """First copies as columns, and arrays of shape (generations, messages) for what differs by
    copy.

    Marks: `t`, `segments`, `drawn`, `latency`. Results: `fate`, `sent_us` (when a withdrawn message
    failed, for those), `package` (-1 without one). `exists` is the present guess which resends
    there are; copies are marked when first guessed to exist. `passed`: which copies to
    a number of their own `frequency` counted.
    """

    def __init__(self, world: World, sources: list[SourceBirths]) -> None:
        self.world = world
        self.copies = CopyMarks(world, sources)
        self.users = UserResends()
        self.servers = ServerResends(world, sources) if world.servers_resend else None
        self.generations = world.generations
        self.dropped = 0
        self.base = Births.none()
        self._adopt(self._new(self.base))

    def __len__(self) -> int:
        return len(self.base)

    def extend(self, births: Births) -> None:
        """Add the births of later hours."""
        new = self._new(births)
        first = len(self)
        if not first:
            self.base = births
            self._adopt(new)
        else:
            self.base = joined([self.base, births])
            self._adopt(
                [np.concatenate(pair, axis=1) for pair in zip(self._arrays(), new, strict=True)]
            )
        if self.servers is not None:
            self.servers.guess(self, first)

    def drop_before(self, t_us: int) -> None:
        """Forget messages of which no copy can be after *t_us*."""
        first = int(np.searchsorted(self.base.t, t_us - self.copies.longest_chain_us, "left"))
        if self.servers is not None:
            first = min(first, self.servers.first_unfinished(self, t_us))
        if first:
            self.dropped += first
            self.base = joined([self.base], np.arange(first, len(self.base)))
            self._adopt([array[:, first:].copy() for array in self._arrays()])

    def arrivals(self, from_us: int, until_us: int, stopped: dict[int, int]) -> Arrivals:
        """The copies with from_us <= t < until_us in their order, without those of sources
        *stopped* by then.
        """
        begin, end = (int(i) for i in np.searchsorted(self.base.t, [from_us, until_us]))
        generation, message = self._resent(from_us, until_us, end)
        if len(message):
            arrivals = self._merged(begin, end, generation, message)
        else:
            arrivals = self._first_copies(begin, end)
        return self._unstopped(arrivals, stopped) if stopped else arrivals

    def speculate(self, arrivals: Arrivals, fate: NDArray[np.uint8], sent_us: Ints) -> None:
        """Let the resends see what is not committed yet."""
        self.fate.reshape(-1)[arrivals.where] = fate
        self.sent_us.reshape(-1)[arrivals.where] = sent_us

    def first_copies(self, from_us: int, until_us: int) -> Arrivals:
        """The first copies with from_us <= t < until_us in their order."""
        begin, end = (int(i) for i in np.searchsorted(self.base.t, [from_us, until_us]))
        return self._first_copies(begin, end)

    def _first_copies(self, begin: int, end: int) -> Arrivals:
        own, base = slice(begin, end), self.base
        return Arrivals(
            own, own, None, base.t[own], base.cls[own], base.segments[own], base.drawn[own]
        )

    def keys(self, arrivals: Arrivals) -> Ints:
        """Names of copies that stay the same when older messages are dropped."""
        message = arrivals.message
        if isinstance(message, slice):
            message = np.arange(message.start, message.stop)
        keys: Ints = (message + self.dropped) * self.generations
        if arrivals.generation is not None:
            keys += arrivals.generation
        return keys

    def places(self, keys: Ints) -> Ints:
        """The present places of copies by their keys."""
        generation, message = keys % self.generations, keys // self.generations - self.dropped
        places: Ints = generation * len(self) + message
        return places

    def mark_copies(self, generation: int, message: Ints) -> None:
        """Give copies of that generation their marks and the time of the copy after them, once."""
        message = message[~self.marked[generation, message]]
        if not len(message):
            return
        t = self.t[generation, message]
        marks, next_t = self.copies.mark(self.base, message, generation, t)
        for array, column in zip((self.segments, self.drawn, self.latency), marks, strict=True):
            array[generation, message] = column
        self.marked[generation, message] = True
        if generation + 1 < self.generations:
            self.t[generation + 1, message] = next_t

    def _arrays(self) -> list[NDArray[Any]]:
        return [
            self.t, self.segments, self.drawn, self.latency,
            self.fate, self.sent_us, self.package, self.exists, self.marked, self.passed,
        ]  # fmt: skip

    def _adopt(self, arrays: list[NDArray[Any]]) -> None:
        if self.servers is not None:
            self._of_server = self.servers.of_class.take(self.base.cls)
        (
            self.t, self.segments, self.drawn, self.latency,
            self.fate, self.sent_us, self.package, self.exists, self.marked, self.passed,
        ) = arrays  # fmt: skip

    def _new(self, base: Births) -> list[NDArray[Any]]:
        shape = self.generations, len(base)
        marks: list[NDArray[Any]] = [
            base.t[None],
            base.segments[None],
            base.drawn[None],
            base.latency[None],
        ]
        if self.generations > 1:
            marks = [np.empty(shape, column.dtype) for column in marks]
            marks[0][1], marks[0][2:] = base.next_t, NEVER
            for array, column in zip(
                marks, (base.t, base.segments, base.drawn, base.latency), strict=True
            ):
                array[0] = column
        exists = np.zeros(shape, bool)
        exists[0] = True
        fate = np.full(shape, UNBORN, np.uint8)
        return [
            *marks,
            fate,
            np.empty(shape, np.int64),
            np.full(shape, -1, np.int16),
            exists,
            exists.copy(),
            np.zeros(shape if self.world.limits_frequency else (0, len(base)), bool),
        ]

    def _resent(self, from_us: int, until_us: int, end: int) -> tuple[Ints, Ints]:
        if self.generations == 1:
            return _NONE, _NONE
        first = int(np.searchsorted(self.base.t, from_us - self.copies.longest_chain_us))
        rows = []
        # One row after the other: on a plain array NumPy finds them ten times faster.
        for exists, times in zip(self.exists[1:], self.t[1:], strict=True):
            message = first + np.flatnonzero(exists[first:end])
            if self.servers is not None:
                # Nothing bounds how long a server waits for a report.
                older = np.flatnonzero(exists[:first] & self._of_server[:first])
                message = np.concatenate([older, message])
            t = times.take(message)
            rows.append(message[(t >= from_us) & (t < until_us)])
        generation = np.repeat(np.arange(1, self.generations), [len(row) for row in rows])
        return generation, np.concatenate(rows)

    def _merged(self, begin: int, end: int, generation: Ints, message: Ints) -> Arrivals:
        """First copies and resends together, in their order."""
        t = self.t[generation, message]
        order = order_by_time(t)
        t, generation, message = t[order], generation[order], message[order]
        base_t = self.base.t[begin:end]
        before = np.searchsorted(base_t, t)
        ties = (
            (before < len(base_t)) & (base_t.take(before, mode="clip") == t)
            if len(base_t)
            else t < 0
        )
        n, places = end - begin + len(t), before + np.arange(len(t))
        generations, everyone = np.zeros(n, np.int8), np.arange(begin, begin + n)
        generations[places] = generation
        everyone -= np.cumsum(generations > 0)
        everyone[places] = message
        if ties.any() or (t[1:] == t[:-1]).any():
            order = self._order(everyone, generations)
            everyone, generations = everyone[order], generations[order]
        where = everyone.copy()
        resent = np.flatnonzero(generations)
        where[resent] += generations[resent] * np.int64(len(self))
        t, segments, drawn = (
            a.reshape(-1).take(where) for a in (self.t, self.segments, self.drawn)
        )
        return Arrivals(
            where, everyone, generations, t, self.base.cls.take(everyone), segments, drawn
        )

    def _order(self, message: Ints, generation: NDArray[np.int8]) -> Ints:
        """The order of (time, source, request, recipient, generation)."""
        base = self.base
        source = self.world.source.take(base.cls.take(message))
        request, recipient = base.request.take(message), base.recipient.take(message)
        return np.lexsort((generation, recipient, request, source, self.t[generation, message]))

    def _unstopped(self, arrivals: Arrivals, stopped: dict[int, int]) -> Arrivals:
        source = self.world.source.take(arrivals.cls)
        keep = np.ones(len(arrivals), bool)
        for number, stop_us in stopped.items():
            keep &= (source != number) | (arrivals.t < stop_us)
        if keep.all():
            return arrivals
        places = np.flatnonzero(keep)
        where, message = (
            part.start + places if isinstance(part, slice) else part[places]
            for part in (arrivals.where, arrivals.message)
        )
        generation = None if arrivals.generation is None else arrivals.generation[places]
        t, cls = arrivals.t.take(places), arrivals.cls.take(places)
        segments, drawn = arrivals.segments.take(places), arrivals.drawn.take(places)
        return Arrivals(where, message, generation, t, cls, segments, drawn)


_NONE = np.empty(0, np.int64)
