"""Pushing status reports to the customer's server, one a segment, through outages and retries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smssim.engine.marker import NEVER, counters_of, hours_and_numbers
from smssim.engine.rows import Rows
from smssim.engine.world import World
from smssim.marks import PHI, Words, mix64_array, words
from smssim.model.callback_server import outages
from smssim.scenario import microseconds
from smssim.tables import REPORT_STATES

Ints = NDArray[np.int64]
_STRETCH_BITS = 32
"""Outages are looked for by stretches of 2**32 microseconds, 72 minutes."""
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


class Pusher:
    """Pushes the reports of finished messages. A push hangs on marks and outages alone, both known
    beforehand.
    """

    def __init__(self, world: World) -> None:
        rule = world.scenario.callback
        self._world = world
        self._end_us = world.scenario.end_us
        self._delays = [0, *(microseconds(delay) for delay in rule.retries_s)]
        self._no_answer = int(rule.no_answer_share * (1 << 64))
        self._lost_answer = int(rule.lost_answer_share * (1 << 64))
        windows = outages(world.scenario, world.marks, self._end_us)
        self._edges = np.array([edge for window in windows for edge in window], np.int64)
        self._first = world.scenario.start_us >> _STRETCH_BITS
        self._near = np.zeros((self._end_us >> _STRETCH_BITS) - self._first + 2, bool)
        for down_us, up_us in windows:
            first = max(0, (down_us >> _STRETCH_BITS) - self._first)
            self._near[first : (up_us >> _STRETCH_BITS) - self._first + 1] = True

    def push(self, rows: Rows) -> Reports:
        """The reports of all messages in *rows* that have a final status."""
        if not self._world.scenario.callback.address:
            none, small = np.empty(0, np.int64), np.empty(0, np.int8)
            return Reports(none, small, small, small, small, none)
        message = np.flatnonzero(rows.final_us != NEVER)
        segments = rows.segments[message]
        if self._no_answer or self._lost_answer:
            message, part = _explode(message, segments)
            return self._attempt(rows, message, part, rows.final_us[message])
        whole = self._attempt(rows, message, None, rows.final_us[message])
        if (segments == 1).all():
            return whole
        message, part = _explode(message, segments)
        each = np.repeat(np.arange(len(segments)), segments)
        return Reports(
            message,
            part,
            whole.state.take(each),
            whole.attempts.take(each),
            whole.copies.take(each),
            whole.received_us.take(each),
        )

    def _attempt(
        self, rows: Rows, message: Ints, part: NDArray[np.int8] | None, created_us: Ints
    ) -> Reports:
        n = len(message)
        if not len(self._edges) and part is None:
            ones = np.ones(n, np.int8)
            return Reports(message, ones, np.full(n, RECEIVED, np.int8), ones, ones, created_us)
        marks = None if part is None else self._words(rows, message)
        received, attempts = created_us.copy(), np.ones(n, np.int8)
        arrives, answered = self._try(created_us, marks, part, 0)
        received[~arrives] = NEVER
        copies = arrives.astype(np.int8)
        going = np.flatnonzero(~answered)
        pending = np.zeros(n, bool)
        for number, delay in enumerate(self._delays[1:], start=1):
            if not len(going):
                break
            at = created_us[going] + delay
            late = at >= self._end_us
            if late.any():
                pending[going[late]] = True
                going, at = going[~late], at[~late]
            attempts[going] += 1
            own = None if part is None else part[going]
            arrives, answered = self._try(at, None if marks is None else marks[going], own, number)
            copies[going] += arrives
            first = arrives & (received[going] == NEVER)
            received[going[first]] = at[first]
            going = going[~answered]
        state = np.full(n, RECEIVED, np.int8)
        unseen = np.flatnonzero(received == NEVER)
        state[unseen] = np.where(pending[unseen], PENDING, LOST)
        parts = np.ones(n, np.int8) if part is None else part
        return Reports(message, parts, state, attempts, copies, received)

    def _try(
        self, at: Ints, marks: Words | None, part: NDArray[np.int8] | None, number: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether pushes at these moments arrive, and whether the platform learns of it."""
        arrives = ~self._down(at)
        if marks is None or part is None:
            return arrives, arrives
        arrives &= self._passes(marks, part, number, 0, self._no_answer)
        return arrives, arrives & self._passes(marks, part, number, 1, self._lost_answer)

    def _down(self, at: Ints) -> NDArray[np.bool_]:
        down = np.zeros(len(at), bool)
        # Most stretches of an hour or so hold no edge: only the others are looked up.
        near = np.flatnonzero(self._near.take((at >> _STRETCH_BITS) - self._first, mode="clip"))
        down[near] = np.searchsorted(self._edges, at[near], "right") % 2 == 1
        return down

    def _words(self, rows: Rows, message: Ints) -> Words:
        """The push word of each report's message."""
        hours, k = hours_and_numbers(rows.request[message])
        recipient = rows.recipient[message].astype(np.int64)
        counters = counters_of(k, recipient) | rows.generation[message].astype(np.uint64)
        source = self._world.source.take(rows.cls[message])
        word = np.empty(len(message), np.uint64)
        for number in np.unique(source).tolist():
            own = np.flatnonzero(source == number)
            name = self._world.sources[number].name
            word[own] = words(self._world.marks.hour_keys(name, "push", hours[own]), counters[own])
        return word

    def _passes(
        self, word: Words, part: NDArray[np.int8], attempt: int, which: int, share: int
    ) -> NDArray[np.bool_]:
        if share >> 64:
            return np.zeros(len(word), bool)
        step = part.astype(np.uint64) * np.uint64(64) + np.uint64(attempt * 2 + which + 1)
        passes: NDArray[np.bool_] = mix64_array(word + step * np.uint64(PHI)) >= np.uint64(share)
        return passes


def _explode(message: Ints, segments: NDArray[np.uint8]) -> tuple[Ints, NDArray[np.int8]]:
    """One row a segment: its message, and its part from 1."""
    each = np.repeat(message, segments)
    part = np.ones(len(each), np.int8)
    firsts = np.cumsum(segments, dtype=np.int64) - segments
    for number in range(2, int(segments.max(initial=1)) + 1):
        part[firsts[segments >= number] + number - 1] = number
    return each, part
