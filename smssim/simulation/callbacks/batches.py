"""Delivery reports in batches: those of an application that has a batch address, where the request
names no address.

A batch may wait for reports that come days after their messages, so finished chunks are held back
until all their reports are in closed batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import to_datetime, to_us
from smssim.scenario import BatchesSoFar, Opening, microseconds
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.arrivals.messages import order_by_time
from smssim.simulation.callbacks.push import PENDING, Pusher, Pushes, Reports
from smssim.simulation.callbacks.server import exploded
from smssim.simulation.compiled import CompiledScenario
from smssim.simulation.finished import FinishedMessages
from smssim.stats.keyed_random import Words, random_words

__all__ = ["Batcher", "Closed", "Waiting"]

_ALONE, _NOWHERE = -1, -2


@dataclass
class Closed:
    """Batches that closed: the numbers of their reports in ascending order, the batch of each as a
    position among these, and when each batch closed.
    """

    number: Ints
    batch: Ints
    closed_us: Ints


class Waiting:
    """One application's reports that are in no closed batch, in the order of their numbers."""

    def __init__(self, wait_us: int, size: int) -> None:
        self._wait_us, self._size = wait_us, size
        self._number, self._created_us = np.empty(0, np.int64), np.empty(0, np.int64)

    def add(self, number: Ints, created_us: Ints) -> None:
        """Take reports in, with greater numbers than any before."""
        self._number = np.concatenate([self._number, number])
        self._created_us = np.concatenate([self._created_us, created_us])

    def created(self) -> Iterator[tuple[datetime, int]]:
        """When the reports were created, in order, and how many at each instant."""
        instants, counts = np.unique(self._created_us, return_counts=True)
        for us, n in zip(instants.tolist(), counts.tolist(), strict=True):
            yield to_datetime(us), n

    def close(self, until_us: int, *, last: bool) -> Closed:
        """Close the batches of which all reports are known if all created before *until_us* are;
        all that is left, if it is the *last* time.
        """
        ready = np.flatnonzero((self._created_us < until_us) | last)
        order = ready.take(order_by_time(self._created_us.take(ready)))
        t = self._created_us.take(order)
        begins, full = self._batches(t)
        if len(begins) and not (last or full[-1] or t[begins[-1]] + self._wait_us <= until_us):
            # The last batch may still get reports.
            n = int(begins[-1])
            begins, full, order = begins[:-1], full[:-1], order[:n]
        closed_us = np.where(
            full, t.take(begins + (self._size - 1), mode="clip"), t.take(begins) + self._wait_us
        )
        batch = np.full(len(self._number), -1, np.int64)
        batch[order] = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(order)))
        done = batch >= 0
        closed = Closed(self._number[done], batch[done], closed_us)
        self._number, self._created_us = self._number[~done], self._created_us[~done]
        return closed

    def _batches(self, t: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """The indexes at which batches of reports created at *t*, in order, begin, and whether each
        is full.
        """
        n, size = len(t), self._size
        following = np.arange(size, n + size)
        full = np.zeros(n, bool)
        full[: max(0, n - size + 1)] = t[size - 1 :] < t[: max(0, n - size + 1)] + self._wait_us
        if size == 1:
            full[:] = True
        by_time = np.flatnonzero(~full)
        ends = np.searchsorted(t, t.take(by_time) + self._wait_us, "left")
        following[by_time] = np.maximum(ends, by_time + 1)
        # One batch begins where the one before ends: a walk, and by far the shortest part.
        begins, position, steps = [], 0, following.tolist()
        while position < n:
            begins.append(position)
            position = steps[position]
        positions = np.array(begins, np.int64)
        return positions, full.take(positions)


@dataclass
class _Held:
    """A chunk that waits for the batches of its reports; *first* is the number of its first."""

    finished: FinishedMessages
    reports: Reports
    first: int
    missing: int


class Batcher:
    """Pushes reports alone or in batches, and gives chunks back in their order once all their
    reports are pushed.
    """

    def __init__(self, compiled: CompiledScenario, pusher: Pusher, applications: list[str]) -> None:
        scenario, rule = compiled.scenario, compiled.scenario.callback
        self._compiled, self._pusher, self._names = compiled, pusher, applications
        self._end_us = scenario.end_us
        wait_us = microseconds(rule.batch_wait_s)
        self._waiting = [Waiting(wait_us, rule.batch_size) for _ in applications]
        self._batches = [0 for _ in applications]
        self._held: deque[_Held] = deque()
        self._numbered = 0
        by_source = [
            _ALONE
            if rule.is_named(source.status_callback)
            else applications.index(name)
            if (name := scenario.template(source.template).application) in applications
            else _NOWHERE
            for source in compiled.sources
        ]
        self._whither = np.array(by_source, np.int16).take(compiled.source)
        """By class: the number of the application, or one of the two names above."""

    def stream(
        self, chunks: Iterable[FinishedMessages]
    ) -> Iterator[tuple[FinishedMessages, Reports]]:
        """Chunks of finished messages, each with its reports, as soon as all are in batches."""
        for finished in chunks:
            self._hold(finished)
            # Messages come in order, so no later report was created before the last message.
            self._close(int(finished.submitted_us[-1]), last=False)
            while self._held and not self._held[0].missing:
                yield self._release()
        self._close(self._end_us, last=True)
        while self._held:
            yield self._release()

    def restore(self, opening: Opening) -> None:
        """Take over the batches of before the run: reports that are in none get no row."""
        for application, name in enumerate(self._names):
            state = opening.batches.get(name, BatchesSoFar())
            self._batches[application] = state.closed
            created_us = [to_us(at) for at, n in state.reports for _ in range(n)]
            number = self._numbered + np.arange(len(created_us))
            self._waiting[application].add(number, np.array(created_us, np.int64))
            self._numbered += len(created_us)

    def so_far(self, chunks: Iterable[FinishedMessages], until_us: int) -> dict[str, BatchesSoFar]:
        """The batches of finished chunks, of which all before *until_us* are known."""
        for finished in chunks:
            self._hold(finished)
            self._held.clear()
        self._close(until_us, last=False)
        return {
            name: BatchesSoFar(closed=closed, reports=tuple(waiting.created()))
            for name, closed, waiting in zip(self._names, self._batches, self._waiting, strict=True)
        }

    def _release(self) -> tuple[FinishedMessages, Reports]:
        held = self._held.popleft()
        return held.finished, held.reports

    def _hold(self, finished: FinishedMessages) -> None:
        """Number the reports of a chunk, push those that go alone, let the others wait."""
        whither = self._whither.take(finished.cls)
        message = np.flatnonzero((finished.final_us != NEVER) & (whither != _NOWHERE))
        message, part_number = exploded(message, finished.segments.take(message))
        whither, n = whither.take(message), len(message)
        state, attempts, copies = (np.empty(n, np.int8) for _ in range(3))
        reports = Reports(message, part_number, state, attempts, copies, np.empty(n, np.int64))
        alone = self._pusher.push(finished)
        if len(alone):
            rows = np.flatnonzero(whither == _ALONE)
            pushes = Pushes(alone.state, alone.attempts, alone.copies, alone.received_us)
            _enter(reports, rows, pushes)
        created_us = finished.final_us.take(message)
        for application, waiting in enumerate(self._waiting):
            rows = np.flatnonzero(whither == application)
            waiting.add(rows + self._numbered, created_us.take(rows))
        self._held.append(_Held(finished, reports, self._numbered, n - len(alone)))
        self._numbered += n

    def _close(self, until_us: int, *, last: bool) -> None:
        for application, waiting in enumerate(self._waiting):
            closed = waiting.close(until_us, last=last)
            pushes = self._push(application, closed.closed_us)
            firsts = [held.first for held in self._held] + [self._numbered]
            bounds = np.searchsorted(closed.number, firsts).tolist()
            for held, (begin, end) in zip(self._held, pairwise(bounds), strict=True):
                if begin < end:
                    rows = closed.number[begin:end] - held.first
                    _enter(held.reports, rows, pushes.take(closed.batch[begin:end]))
                    held.missing -= end - begin

    def _push(self, application: int, closed_us: Ints) -> Pushes:
        """Push batches at their closing moments; those that close after the end stay pending."""
        n, first = len(closed_us), self._batches[application]
        self._batches[application] += n
        in_time = np.flatnonzero(closed_us < self._end_us)
        words = self._words(application, first, n)[in_time] if self._pusher.by_chance else None
        pushed = self._pusher.attempt(closed_us[in_time], words)
        state, none = np.full(n, PENDING, np.int8), np.zeros(n, np.int8)
        pushes = Pushes(state, none, none.copy(), np.full(n, NEVER))
        _enter(pushes, in_time, pushed)
        return pushes

    def _words(self, application: int, first: int, n: int) -> Words:
        name = f"callback/{self._names[application]}"
        keys = self._compiled.random.hour_keys(name, "batch", np.zeros(1, np.int64))
        return random_words(keys, np.arange(first, first + n).astype(np.uint64))


def _enter(reports: Reports | Pushes, rows: Ints, pushes: Pushes) -> None:
    reports.state[rows] = pushes.state
    reports.attempts[rows] = pushes.attempts
    reports.copies[rows] = pushes.copies
    reports.received_us[rows] = pushes.received_us
