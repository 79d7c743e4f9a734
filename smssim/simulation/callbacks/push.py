"""Pushing status reports to the customer's server, one a segment, through outages and retries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.record.schema import REPORT_STATES
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.callbacks.server import (
    CallbackServer,
    MessageWords,
    exploded,
    of_parts,
    passes,
)
from smssim.simulation.compiled import World
from smssim.simulation.finished import Rows
from smssim.stats.keyed_random import Words

Ints = NDArray[np.int64]
LOST, PENDING, RECEIVED = (REPORT_STATES.index(state) for state in ("lost", "pending", "received"))


@dataclass
class Reports:
    """Status reports by message and part; *message* is the row within its `Rows`, times in
    microseconds.
    """

    message: Ints
    part: NDArray[np.int8]
    state: NDArray[np.int8]
    attempts: NDArray[np.int8]
    copies: NDArray[np.int8]
    received_us: Ints

    def __len__(self) -> int:
        return len(self.message)


class Pushes(NamedTuple):
    """What became of pushes, a row each: state, attempts, arrivals, first arrival."""

    state: NDArray[np.int8]
    attempts: NDArray[np.int8]
    copies: NDArray[np.int8]
    received_us: Ints

    def take(self, rows: Ints) -> Pushes:
        """Some of them, in some order."""
        state, attempts, copies, received_us = self
        return Pushes(
            state.take(rows), attempts.take(rows), copies.take(rows), received_us.take(rows)
        )


class Pusher:
    """Pushes the reports of finished messages whose requests name an address. A push hangs on marks
    and outages alone, both known beforehand.
    """

    def __init__(self, world: World) -> None:
        rule = world.scenario.callback
        self._world = world
        self._server, self._messages = CallbackServer(world), MessageWords(world, "push")
        self._end_us = world.scenario.end_us
        named = np.array([rule.is_named(s.status_callback) for s in world.sources], bool)
        self._none, self._named = not named.any(), None if named.all() else named.take(world.source)
        self.by_chance = bool(self._server.no_answer or self._server.lost_answer)
        """Whether marks have a say in what becomes of a push."""

    def stream(self, chunks: Iterable[Rows]) -> Iterator[tuple[Rows, Reports]]:
        """Chunks of finished messages, each with its reports."""
        for rows in chunks:
            yield rows, self.push(rows)

    def push(self, rows: Rows) -> Reports:
        """The reports of all messages in *rows* that have a final status and an address of their
        own.
        """
        if self._none:
            none, small = np.empty(0, np.int64), np.empty(0, np.int8)
            return Reports(none, small, small, small, small, none)
        final = rows.final_us != NEVER
        if self._named is not None:
            final &= self._named.take(rows.cls)
        whole = np.flatnonzero(final)
        segments = rows.segments.take(whole)
        message, part = exploded(whole, segments)
        marks = None
        if self.by_chance:
            marks = of_parts(np.repeat(self._words(rows, whole), segments), part)
        return Reports(message, part, *self.attempt(rows.final_us.take(message), marks))

    def attempt(self, created_us: Ints, marks: Words | None) -> Pushes:
        """Push what was ready at these moments, all before the end of the run; *marks* are the
        words of the pushes, None where chance has no say.
        """
        n = len(created_us)
        if not self._server.has_outages and marks is None:
            ones = np.ones(n, np.int8)
            return Pushes(np.full(n, RECEIVED, np.int8), ones, ones, created_us)
        received, attempts = created_us.copy(), np.ones(n, np.int8)
        arrives, answered = self._try(created_us, marks, 0)
        np.copyto(received, NEVER, where=~arrives)
        copies = arrives.astype(np.int8)
        going = np.flatnonzero(~answered)
        pending = np.zeros(n, bool)
        for number, delay in enumerate(self._server.delays_us[1:], start=1):
            if not len(going):
                break
            at = created_us[going] + delay
            late = at >= self._end_us
            if late.any():
                pending[going[late]] = True
                going, at = going[~late], at[~late]
            attempts[going] += 1
            arrives, answered = self._try(at, None if marks is None else marks[going], number)
            copies[going] += arrives
            first = arrives & (received[going] == NEVER)
            received[going[first]] = at[first]
            going = going[~answered]
        state = np.full(n, RECEIVED, np.int8)
        unseen = np.flatnonzero(received == NEVER)
        state[unseen] = np.where(pending[unseen], PENDING, LOST)
        return Pushes(state, attempts, copies, received)

    def _try(
        self, at: Ints, marks: Words | None, number: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether pushes at these moments arrive, and whether the platform learns of it."""
        arrives = ~self._server.is_down(at)
        if marks is None:
            return arrives, arrives
        arrives &= passes(marks, number, 0, self._server.no_answer)
        return arrives, arrives & passes(marks, number, 1, self._server.lost_answer)

    def _words(self, rows: Rows, message: Ints) -> Words:
        """The push word of each message."""
        source = self._world.source.take(rows.cls[message])
        own = (rows.request[message], rows.recipient[message], rows.generation[message])
        return self._messages.take(source, *own)
