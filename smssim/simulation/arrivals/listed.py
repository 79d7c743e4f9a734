"""Messages that the scenario writes out: calls one by one, and the numbers of group tasks."""

from __future__ import annotations

import numpy as np

from smssim.arrays import Ints
from smssim.calendars import HOUR, to_us
from smssim.scenario import Calls, DatedTask, microseconds
from smssim.simulation.arrivals.marks import (
    DRAWN,
    NEVER,
    UNKNOWN_TO_ROUTE,
    Marker,
    MessageMarks,
    counters_of,
    hours_and_numbers,
)
from smssim.simulation.arrivals.messages import NewMessages
from smssim.simulation.compiled import CompiledScenario
from smssim.stats.keyed_random import REQUESTS_AN_HOUR

__all__ = ["CallSource", "GroupTaskSource"]


class CallSource:
    """Calls one by one, with fixed statuses, delays and segments where they are given."""

    def __init__(
        self, compiled: CompiledScenario, source: Calls, first_class: int, from_us: int
    ) -> None:
        self._source, self._cls = source, first_class
        self._marker = Marker(compiled, source, source.country)
        calls = [(to_us(call.at), k, call) for k, call in enumerate(source.calls)]
        rows = [(t, k, i, fixed) for t, k, call in calls for i, fixed in enumerate(call.to)]
        self._t, self._k, self._recipient = (
            np.array([row[column] for row in rows], np.int64) for column in range(3)
        )
        self._row = {(k, i): row for row, (_, k, i, _) in enumerate(rows)}
        made_by = {o.status: o.source for o in compiled.scenario.route(source.country).outcomes}
        fixed = [row[3] for row in rows]
        self._status = np.array(
            [
                compiled.outcomes.number(r.status, made_by.get(r.status, "supplier"))
                if r.status
                else -1
                for r in fixed
            ]
        )
        positions = {status: position for position, status in enumerate(made_by)}
        self._outcome = np.array(
            [positions.get(r.status, UNKNOWN_TO_ROUTE) if r.status else DRAWN for r in fixed],
            np.int64,
        )
        delays = [-1 if r.latency_s is None else microseconds(r.latency_s) for r in fixed]
        self._latency = np.array(delays, np.int64)
        self._segments = np.array([r.segments or 0 for r in fixed], np.uint8)
        self._from_us, self.until_us = from_us, compiled.scenario.end_us
        self._numbers_matter = compiled.limits_frequency

    def expected(self, hour: int) -> float:
        """Messages in a UTC hour."""
        return float(np.count_nonzero(self._t // HOUR == hour))

    def new_messages(self, first: int, last: int) -> NewMessages:
        """Messages of the UTC hours from *first* up to *last*."""
        low, high = max(first * HOUR, self._from_us), min(last * HOUR, self.until_us)
        rows = np.flatnonzero((self._t >= low) & (self._t < high))
        t, k, recipient = self._t[rows], self._k[rows], self._recipient[rows]
        request = t // HOUR * REQUESTS_AN_HOUR + k
        marks, next_t = self.copies(request, recipient, t, 0)
        cls = np.full(len(t), self._cls)
        numbers = np.full(len(t), -1) if self._numbers_matter else None
        return NewMessages(t, cls, request, recipient.astype(np.int32), *marks, next_t, numbers)

    def copies(
        self, request: Ints, recipient: Ints, t: Ints, generation: int
    ) -> tuple[MessageMarks, Ints | None]:
        """The marks of copies sent at *t*, with what is fixed, and when the next would be
        sent.
        """
        hours, k = hours_and_numbers(request)
        counters = counters_of(k, recipient, generation)
        pairs = zip(k.tolist(), recipient.tolist(), strict=True)
        rows = np.array([self._row[pair] for pair in pairs], np.int64)
        segments, sampled_outcome, latency = self._marker.draw(
            hours, None, counters, self._outcome[rows]
        )
        np.copyto(latency, self._latency[rows], where=self._latency[rows] >= 0)
        np.copyto(
            sampled_outcome, self._status[rows], where=self._status[rows] >= 0, casting="unsafe"
        )
        np.copyto(segments, self._segments[rows], where=self._segments[rows] > 0)
        marks = MessageMarks(segments, sampled_outcome, latency)
        self._marker.expire(marks)
        return marks, self._marker.next_t(hours, None, counters, t, generation, self.until_us)


class GroupTaskSource:
    """A group task: its numbers in file order, all at once or at a pace."""

    def __init__(
        self, compiled: CompiledScenario, source: DatedTask, first_class: int, from_us: int
    ) -> None:
        self._source, self._at_us = source, to_us(source.at)
        read = compiled.recipients(source)
        countries = list(read.countries) if read else list(source.countries)
        counted = np.repeat(np.arange(len(countries)), list(source.countries.values()) or 0)
        self._cls = first_class + np.asarray(read.country_index if read else counted, np.int64)
        self._first_class = first_class
        self._markers = [Marker(compiled, source, country) for country in countries]
        self._hour = self._at_us // HOUR
        last_us = self._at_us + int(self._offsets(np.array([len(self._cls) - 1]))[0])
        self._last_hour = last_us // HOUR
        self._resends = compiled.generations > 1
        self._from_us, self.until_us = from_us, compiled.scenario.end_us
        self._numbers_matter = compiled.limits_frequency

    def expected(self, hour: int) -> float:
        """Messages in a UTC hour."""
        if not self._hour <= hour <= self._last_hour:
            return 0.0
        return float(self._reach((hour + 1) * HOUR) - self._reach(hour * HOUR))

    def new_messages(self, first: int, last: int) -> NewMessages:
        """Messages of the UTC hours from *first* up to *last*."""
        low, high = max(first * HOUR, self._from_us), min(last * HOUR, self.until_us)
        begin, end = self._reach(low), self._reach(high)
        i, cls = np.arange(begin, end), self._cls[begin:end]
        marks = self._marks(i, cls)
        request = np.full(len(i), self._hour * REQUESTS_AN_HOUR)
        never = np.full(len(i), NEVER) if self._resends else None
        t = self._at_us + self._offsets(i)
        numbers = np.full(len(i), -1) if self._numbers_matter else None
        return NewMessages(t, cls, request, i.astype(np.int32), *marks, never, numbers)

    def copies(
        self, request: Ints, recipient: Ints, t: Ints, generation: int
    ) -> tuple[MessageMarks, Ints | None]:
        """Users do not ask again for a group task's message."""
        raise NotImplementedError("a group task has no resends")

    def _marks(self, i: Ints, cls: Ints) -> MessageMarks:
        hour, marks = np.array([self._hour]), MessageMarks.blank(len(i))
        for index, marker in enumerate(self._markers):
            rows = np.flatnonzero(cls == self._first_class + index)
            counters = counters_of(np.zeros(len(rows), np.int64), i[rows])
            marks.put(rows, marker.mark(hour, np.array([len(rows)]), counters))
        return marks

    def _offsets(self, i: Ints) -> Ints:
        """Microseconds after the start of the task at which numbers are handed over."""
        pace = self._source.pace_per_s
        return (i * 1e6 / pace).astype(np.int64) if pace else np.zeros(len(i), np.int64)

    def _reach(self, until_us: int) -> int:
        """How many numbers are handed over before an instant."""
        low, high = 0, len(self._cls)
        while low < high:
            middle = (low + high) // 2
            if self._at_us + int(self._offsets(np.array([middle]))[0]) < until_us:
                low = middle + 1
            else:
                high = middle
        return low
