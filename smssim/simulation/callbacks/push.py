"""Pushing delivery reports to the customer's server through outages and retries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.record.schema import REPORT_STATES
from smssim.scenario import Scenario
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.callbacks.server import (
    ANSWER_LOST,
    CallbackServer,
    MessageWords,
    exploded,
    of_parts,
    passes,
)
from smssim.simulation.compiled import CompiledScenario
from smssim.simulation.finished import FinishedMessages
from smssim.stats.keyed_random import Words

__all__ = ["LOST", "PENDING", "Pusher", "Pushes", "Reports", "batched_applications"]

LOST, PENDING, _RECEIVED = (REPORT_STATES.index(state) for state in ("lost", "pending", "received"))


@dataclass
class Reports:
    """Delivery reports by message and part; *message* is the row of `FinishedMessages`, times are
    in microseconds.
    """

    message: Ints
    part_number: NDArray[np.int8]
    state: NDArray[np.int8]
    attempts: NDArray[np.int8]
    copies: NDArray[np.int8]
    received_us: Ints

    def __len__(self) -> int:
        return len(self.message)


class Pushes(NamedTuple):
    """The outcome of pushes, one row per push: state, attempts, arrivals, first arrival."""

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


def batched_applications(scenario: Scenario) -> list[str]:
    """The applications whose batch address gets reports: some request of theirs names none."""
    callback = scenario.callback
    silent = {
        scenario.template(source.template).application
        for source in scenario.sources
        if not callback.is_named(source.status_callback)
    }
    return [a.name for a in scenario.applications if a.batch_address and a.name in silent]


class Pusher:
    """Pushes the reports of finished messages whose requests name an address.

    A push depends on marks and outages alone, both known beforehand.
    """

    def __init__(self, compiled: CompiledScenario) -> None:
        rule = compiled.scenario.callback
        self._compiled = compiled
        self._server, self._messages = CallbackServer(compiled), MessageWords(compiled, "push")
        self._end_us = compiled.scenario.end_us
        named = np.array([rule.is_named(s.status_callback) for s in compiled.sources], bool)
        self._none, self._named = (
            not named.any(),
            None if named.all() else named.take(compiled.source),
        )
        self.by_chance = any(
            (self._server.no_answer, self._server.error_answer, self._server.lost_answer)
        )
        """Whether marks have a say in the outcome of a push."""

    def stream(
        self, chunks: Iterable[FinishedMessages]
    ) -> Iterator[tuple[FinishedMessages, Reports]]:
        """Chunks of finished messages, each with its reports."""
        for finished in chunks:
            yield finished, self.push(finished)

    def push(self, finished: FinishedMessages) -> Reports:
        """The reports of *finished* messages with a final status and an address of their own."""
        if self._none:
            none, small = np.empty(0, np.int64), np.empty(0, np.int8)
            return Reports(none, small, small, small, small, none)
        final = finished.final_us != NEVER
        if self._named is not None:
            final &= self._named.take(finished.cls)
        whole = np.flatnonzero(final)
        segments = finished.segments.take(whole)
        message, part_number = exploded(whole, segments)
        words = None
        if self.by_chance:
            words = of_parts(np.repeat(self._words(finished, whole), segments), part_number)
        return Reports(message, part_number, *self.attempt(finished.final_us.take(message), words))

    def attempt(self, created_us: Ints, words: Words | None) -> Pushes:
        """Push what was ready at these moments, all before the end of the run; *words* are the
        words of the pushes, None where chance has no say.
        """
        n = len(created_us)
        if not self._server.has_outages and words is None:
            ones = np.ones(n, np.int8)
            return Pushes(np.full(n, _RECEIVED, np.int8), ones, ones, created_us)
        received, attempts = created_us.copy(), np.ones(n, np.int8)
        arrives, answered = self._try(created_us, words, 0)
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
            arrives, answered = self._try(at, None if words is None else words[going], number)
            copies[going] += arrives
            first = arrives & (received[going] == NEVER)
            received[going[first]] = at[first]
            going = going[~answered]
        state = np.full(n, _RECEIVED, np.int8)
        unseen = np.flatnonzero(received == NEVER)
        state[unseen] = np.where(pending[unseen], PENDING, LOST)
        return Pushes(state, attempts, copies, received)

    def _try(
        self, at: Ints, words: Words | None, number: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether pushes at these moments arrive, and whether the platform learns of it."""
        arrives = ~self._server.is_down(at)
        if words is None:
            return arrives, arrives
        arrives &= self._server.takes(words, number)
        answered = passes(words, number, ANSWER_LOST, self._server.lost_answer)
        return arrives, arrives & answered

    def _words(self, finished: FinishedMessages, message: Ints) -> Words:
        """The push word of each message."""
        source = self._compiled.source.take(finished.cls[message])
        names = (
            finished.request[message],
            finished.recipient[message],
            finished.generation[message],
        )
        return self._messages.take(source, *names)
