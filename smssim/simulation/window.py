"""A sliding window over the run: the messages that are not finished, their copies and results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.arrivals.messages import (
    CopyMarks,
    MessageSource,
    NewMessages,
    joined,
    order_by_time,
)
from smssim.simulation.compiled import UNJUDGED, CompiledScenario

__all__ = ["MessageBatch", "MessageWindow"]


@dataclass
class MessageBatch:
    """Copies in their order, with what judging needs.

    *where* is their position in the flattened arrays of `MessageWindow`, *message* that of their
    first copy; both are slices when no copy is a resend, and *generation* is None then.
    """

    where: slice | Ints
    message: slice | Ints
    generation: NDArray[np.int8] | None
    t: Ints
    cls: Ints
    segments: NDArray[np.uint8]
    sampled_outcome: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.t)

    def take(self, rows: slice | Ints) -> MessageBatch:
        """Some of the copies, in their order."""
        return MessageBatch(
            _taken(self.where, rows),
            _taken(self.message, rows),
            None if self.generation is None else self.generation[rows],
            self.t[rows],
            self.cls[rows],
            self.segments[rows],
            self.sampled_outcome[rows],
        )

    def positions(self, rows: Ints) -> Ints:
        """The positions of some copies in the flattened arrays."""
        return self.where.start + rows if isinstance(self.where, slice) else self.where[rows]

    def messages(self, rows: Ints) -> Ints:
        """The positions of the first copies of some copies."""
        return self.message.start + rows if isinstance(self.message, slice) else self.message[rows]

    def position(self, i: int) -> int:
        """The position of one copy in the flattened arrays."""
        return self.where.start + i if isinstance(self.where, slice) else int(self.where[i])

    def first_copy(self, i: int) -> int:
        """The position of the first copy of one copy."""
        return self.message.start + i if isinstance(self.message, slice) else int(self.message[i])


def _taken(positions: slice | Ints, rows: slice | Ints) -> slice | Ints:
    if not isinstance(positions, slice):
        return positions[rows]
    if not isinstance(rows, slice):
        return rows + np.int64(positions.start)
    stop = positions.stop if rows.stop is None else positions.start + rows.stop
    return slice(positions.start + rows.start, stop)


class _ServerGuesses(Protocol):
    """What the window needs of the servers that send again (`resends.ServerResends`)."""

    of_class: NDArray[np.bool_]

    def guess(self, window: MessageWindow, first: int) -> None:
        """First guess the copies of messages from position *first* on."""

    def first_unfinished(self, window: MessageWindow, t_us: int) -> int:
        """The position of the first message with a copy at *t_us* or later, or their number."""


class MessageWindow:
    """First copies as columns, and arrays of shape (generations, messages) for what differs by
    copy.

    Random: `t`, `segments`, `sampled_outcome`, `latency`. Results: `outcome_code`, `sent_us` (when
    it failed, for a withdrawn message), `package` (-1 without one). `exists` is the present guess
    which resends there are; copies are marked when first guessed to exist. `passed` says which
    copies to a number of their own the frequency limits counted.
    """

    def __init__(
        self,
        compiled: CompiledScenario,
        sources: list[MessageSource],
        servers: _ServerGuesses | None,
    ) -> None:
        self.compiled = compiled
        self.copies = CopyMarks(compiled, sources)
        self._servers = servers
        self.generations = compiled.generations
        self.dropped = 0
        self.base = NewMessages.none()
        self._adopt(self._new(self.base))

    def __len__(self) -> int:
        return len(self.base)

    def extend(self, new: NewMessages) -> None:
        """Add the new messages of later hours."""
        arrays = self._new(new)
        first = len(self)
        if not first:
            self.base = new
            self._adopt(arrays)
        else:
            self.base = joined([self.base, new])
            self._adopt(
                [np.concatenate(pair, axis=1) for pair in zip(self._arrays(), arrays, strict=True)]
            )
        if self._servers is not None:
            self._servers.guess(self, first)

    def drop_before(self, t_us: int) -> None:
        """Forget messages of which no copy can be after *t_us*."""
        first = int(np.searchsorted(self.base.t, t_us - self.copies.longest_chain_us, "left"))
        if self._servers is not None:
            first = min(first, self._servers.first_unfinished(self, t_us))
        if first:
            self.dropped += first
            self.base = joined([self.base], np.arange(first, len(self.base)))
            self._adopt([array[:, first:].copy() for array in self._arrays()])

    def batch(self, from_us: int, until_us: int, stopped: dict[int, int]) -> MessageBatch:
        """The copies with from_us <= t < until_us in their order, without those of sources
        *stopped* by then.
        """
        begin, end = (int(i) for i in np.searchsorted(self.base.t, [from_us, until_us]))
        generation, message = self._resent(from_us, until_us, end)
        if len(message):
            batch = self._merged(begin, end, generation, message)
        else:
            batch = self._first_copies(begin, end)
        return self._unstopped(batch, stopped) if stopped else batch

    def speculate(
        self, batch: MessageBatch, outcome_code: NDArray[np.uint8], sent_us: Ints
    ) -> None:
        """Let the resends see what is not committed yet."""
        self.outcome_code.reshape(-1)[batch.where] = outcome_code
        self.sent_us.reshape(-1)[batch.where] = sent_us

    def first_copies(self, from_us: int, until_us: int) -> MessageBatch:
        """The first copies with from_us <= t < until_us in their order."""
        begin, end = (int(i) for i in np.searchsorted(self.base.t, [from_us, until_us]))
        return self._first_copies(begin, end)

    def _first_copies(self, begin: int, end: int) -> MessageBatch:
        span, base = slice(begin, end), self.base
        return MessageBatch(
            span,
            span,
            None,
            base.t[span],
            base.cls[span],
            base.segments[span],
            base.sampled_outcome[span],
        )

    def keys(self, batch: MessageBatch) -> Ints:
        """Identities of copies that stay the same when older messages are dropped."""
        message = batch.message
        if isinstance(message, slice):
            message = np.arange(message.start, message.stop)
        keys: Ints = (message + self.dropped) * self.generations
        if batch.generation is not None:
            keys += batch.generation
        return keys

    def positions(self, keys: Ints) -> Ints:
        """The present positions of copies by their keys."""
        generation, message = keys % self.generations, keys // self.generations - self.dropped
        positions: Ints = generation * len(self) + message
        return positions

    def mark_copies(self, generation: int, message: Ints) -> None:
        """Give copies of that generation their marks and the time of the copy after them, once."""
        message = message[~self.marked[generation, message]]
        if not len(message):
            return
        t = self.t[generation, message]
        marks, next_t = self.copies.mark(self.base, message, generation, t)
        for array, column in zip(
            (self.segments, self.sampled_outcome, self.latency), marks, strict=True
        ):
            array[generation, message] = column
        self.marked[generation, message] = True
        if generation + 1 < self.generations:
            self.t[generation + 1, message] = next_t

    def _arrays(self) -> list[NDArray[Any]]:
        return [
            self.t, self.segments, self.sampled_outcome, self.latency,
            self.outcome_code, self.sent_us, self.package, self.exists, self.marked, self.passed,
        ]  # fmt: skip

    def _adopt(self, arrays: list[NDArray[Any]]) -> None:
        if self._servers is not None:
            self._of_server = self._servers.of_class.take(self.base.cls)
        (
            self.t, self.segments, self.sampled_outcome, self.latency,
            self.outcome_code, self.sent_us, self.package, self.exists, self.marked, self.passed,
        ) = arrays  # fmt: skip

    def _new(self, base: NewMessages) -> list[NDArray[Any]]:
        shape = self.generations, len(base)
        marks: list[NDArray[Any]] = [
            base.t[None],
            base.segments[None],
            base.sampled_outcome[None],
            base.latency[None],
        ]
        if self.generations > 1:
            marks = [np.empty(shape, column.dtype) for column in marks]
            marks[0][1], marks[0][2:] = base.next_t, NEVER
            for array, column in zip(
                marks, (base.t, base.segments, base.sampled_outcome, base.latency), strict=True
            ):
                array[0] = column
        exists = np.zeros(shape, bool)
        exists[0] = True
        outcome_code = np.full(shape, UNJUDGED, np.uint8)
        return [
            *marks,
            outcome_code,
            np.empty(shape, np.int64),
            np.full(shape, -1, np.int16),
            exists,
            exists.copy(),
            np.zeros(shape if self.compiled.limits_frequency else (0, len(base)), bool),
        ]

    def _resent(self, from_us: int, until_us: int, end: int) -> tuple[Ints, Ints]:
        if self.generations == 1:
            return _NONE, _NONE
        first = int(np.searchsorted(self.base.t, from_us - self.copies.longest_chain_us))
        rows = []
        # One row after the other: on a plain array NumPy finds them ten times faster.
        for exists, times in zip(self.exists[1:], self.t[1:], strict=True):
            message = first + np.flatnonzero(exists[first:end])
            if self._servers is not None:
                # Nothing bounds how long a server waits for a report.
                older = np.flatnonzero(exists[:first] & self._of_server[:first])
                message = np.concatenate([older, message])
            t = times.take(message)
            rows.append(message[(t >= from_us) & (t < until_us)])
        generation = np.repeat(np.arange(1, self.generations), [len(row) for row in rows])
        return generation, np.concatenate(rows)

    def _merged(self, begin: int, end: int, generation: Ints, message: Ints) -> MessageBatch:
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
        t, segments, sampled_outcome = (
            a.reshape(-1).take(where) for a in (self.t, self.segments, self.sampled_outcome)
        )
        return MessageBatch(
            where, everyone, generations, t, self.base.cls.take(everyone), segments, sampled_outcome
        )

    def _order(self, message: Ints, generation: NDArray[np.int8]) -> Ints:
        """The order of (time, source, request, recipient, generation)."""
        base = self.base
        source = self.compiled.source.take(base.cls.take(message))
        request, recipient = base.request.take(message), base.recipient.take(message)
        return np.lexsort((generation, recipient, request, source, self.t[generation, message]))

    def _unstopped(self, batch: MessageBatch, stopped: dict[int, int]) -> MessageBatch:
        source = self.compiled.source.take(batch.cls)
        keep = np.ones(len(batch), bool)
        for number, stop_us in stopped.items():
            keep &= (source != number) | (batch.t < stop_us)
        return batch if keep.all() else batch.take(np.flatnonzero(keep))


_NONE = np.empty(0, np.int64)
