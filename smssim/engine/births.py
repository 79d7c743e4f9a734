"""Births: which messages there are, and every mark of each, an hour range and a source at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import HOUR, hourly_weights, to_us
from smssim.engine.fates import EXPIRED
from smssim.engine.world import World
from smssim.inverse import Quantiles, discrete, poisson, poisson_count
from smssim.marks import (
    GENERATION_BITS,
    RECIPIENT_BITS,
    REQUESTS_AN_HOUR,
    Words,
    words,
)
from smssim.scenario import Calls, Delay, GroupTask, Route, Source, Traffic, microseconds

Ints = NDArray[np.int64]


@dataclass
class Births:
    """First copies of messages in their order, a row each; times and delays in microseconds."""

    t: Ints
    cls: Ints
    request: Ints
    recipient: NDArray[np.int32]
    segments: NDArray[np.uint8]
    drawn: NDArray[np.uint8]
    latency: Ints

    def __len__(self) -> int:
        return len(self.t)


class Marker:
    """Gives messages of one class their segments, final status and delay."""

    def __init__(self, world: World, source: Source, country: str) -> None:
        route: Route = world.scenario.route(country)
        template = world.scenario.template(source.template)
        shares = template.segment_shares()
        self._name = source.name
        self._marks = world.marks
        self._segments = discrete(tuple(shares.values()))
        self._segment_values = np.array(list(shares), np.uint8)
        self._outcome = discrete(tuple(outcome.share for outcome in route.outcomes))
        self._fates = np.array(
            [world.fates.number(o.status, o.source) for o in route.outcomes], np.uint8
        )
        self._platform = world.fates.platform
        self._latency: Quantiles = route.latency.table()
        self._validity_us = round(world.scenario.queue.validity_h * HOUR)

    def mark(
        self, hours: Ints, counts: Ints, counters: Words
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Ints]:
        """Segments, fate and latency of messages: *counts* of them in each of *hours*, by their counters."""
        segments, drawn, latency = self.draw(hours, counts, counters)
        return segments, self.expire(drawn, latency), latency

    def draw(
        self, hours: Ints, counts: Ints, counters: Words
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Ints]:
        """The bare marks of `mark`, before those without a report in time expire."""
        n = len(counters)
        if self._segments.certain is None:
            places = self._segments.take(self._words("segments", hours, counts, counters))
            segments = self._segment_values.take(places)
        else:
            segments = np.full(n, self._segment_values[self._segments.certain])
        if self._outcome.certain is None:
            drawn = self._fates.take(self._outcome.take(self._words("outcome", hours, counts, counters)))
        else:
            drawn = np.full(n, self._fates[self._outcome.certain])
        if self._latency.certain is None:
            latency = self._latency.take(self._words("latency", hours, counts, counters))
        else:
            latency = np.full(n, self._latency.certain, np.int64)
        return segments, drawn, latency

    def expire(self, drawn: NDArray[np.uint8], latency: Ints) -> NDArray[np.uint8]:
        """Let those expire that have no report in time; *latency* becomes the validity period in place."""
        never = drawn == EXPIRED
        never |= latency > self._validity_us
        if self._platform.any():
            never &= ~self._platform.take(drawn)
        late = np.flatnonzero(never)
        drawn[late] = EXPIRED
        latency[late] = self._validity_us
        return drawn

    def _words(self, purpose: str, hours: Ints, counts: Ints, counters: Words) -> Words:
        keys = self._marks.hour_keys(self._name, purpose, hours)
        return words(keys if len(hours) == len(counters) else np.repeat(keys, counts), counters)


def counters_of(k: Ints, recipient: Ints | int, generation: int = 0) -> Words:
    """The mark counters of messages: request *k* of its hour, recipient, generation."""
    counter = (((k << RECIPIENT_BITS) | recipient) << GENERATION_BITS) | generation
    return counter.view(np.uint64)


class TrafficBirths:
    """API traffic: a Poisson number of requests each UTC hour, each where its own word says."""

    def __init__(self, world: World, number: int, source: Traffic, first_class: int) -> None:
        self._world, self._source, self._cls = world, source, first_class
        self.marker = Marker(world, source, source.country)
        shares = source.recipient_shares()
        self._sizes = discrete(tuple(shares.values()))
        self._size_values = np.array(list(shares), np.int64)
        mean = sum(k * share for k, share in shares.items()) / sum(shares.values())
        self._mean_size = mean
        scenario = world.scenario
        self._first_hour = scenario.start_us // HOUR
        hours = -(-scenario.end_us // HOUR) - self._first_hour
        weights = hourly_weights(
            self._first_hour, hours, source.zone or world.zone(source.country), source.hours, source.weekdays
        )
        self._means = weights * source.messages_a_day / 24 / mean
        self._tables: dict[float, tuple[int, list[int]]] = {}
        self._from_us = max(scenario.start_us, to_us(source.starts) if source.starts else 0)
        self.until_us = min(scenario.end_us, to_us(source.ends) if source.ends else scenario.end_us)
        self._grid_us = max(1, microseconds(source.resolution_s))

    def expected(self, hour: int) -> float:
        """Expected messages in a UTC hour."""
        return float(self._means[hour - self._first_hour]) * self._mean_size

    def births(self, first: int, last: int) -> Births:
        """Messages of the UTC hours from *first* up to *last*, not sorted by time."""
        hours = np.arange(max(first, self._from_us // HOUR), min(last, -(-self.until_us // HOUR)))
        counts = self._counts(hours)
        requests = int(counts.sum())
        hour_of = np.repeat(hours, counts)
        k = np.arange(requests) - np.repeat(np.cumsum(counts) - counts, counts)
        t = self._times(hours, counts, hour_of, k)
        if first * HOUR < self._from_us or last * HOUR > self.until_us:
            inside = (t >= self._from_us) & (t < self.until_us)
            t, k, hour_of = t[inside], k[inside], hour_of[inside]
            counts = np.bincount(hour_of - first, minlength=last - first)[hours - first]
        return self._messages(t, k, hours, counts)

    def _counts(self, hours: Ints) -> Ints:
        keys = self._world.marks.hour_keys(self._source.name, "count", hours)
        word = words(keys, np.zeros(len(hours), np.uint64)).tolist()
        means = self._means[hours - self._first_hour].tolist()
        for mean in set(means) - self._tables.keys():
            self._tables[mean] = poisson(mean)
        counts = (poisson_count(self._tables[mean], w) for mean, w in zip(means, word, strict=True))
        return np.fromiter(counts, np.int64, len(hours))

    def _times(self, hours: Ints, counts: Ints, hour_of: Ints, k: Ints) -> Ints:
        keys = self._world.marks.hour_keys(self._source.name, "time", hours)
        word = words(np.repeat(keys, counts), k.view(np.uint64))
        word >>= np.uint64(32)
        word *= np.uint64(HOUR)
        word >>= np.uint64(32)
        t = word.view(np.int64)
        t += hour_of * HOUR
        if self._grid_us > 1:
            t -= t % self._grid_us
        return t

    def _messages(self, t: Ints, k: Ints, hours: Ints, counts: Ints) -> Births:
        request = np.repeat(hours * REQUESTS_AN_HOUR, counts) + k
        sizes = self._request_sizes(k, hours, counts)
        recipient: Ints | int = 0
        if sizes is not None:
            recipient = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            t, k, request = (np.repeat(a, sizes) for a in (t, k, request))
            ends = np.cumsum(counts)
            running = np.concatenate([[0], np.cumsum(sizes)])
            counts = running[ends] - running[ends - counts]
        segments, drawn, latency = self.marker.mark(hours, counts, counters_of(k, recipient))
        n = len(t)
        column = np.zeros(n, np.int32) if isinstance(recipient, int) else recipient.astype(np.int32)
        return Births(t, np.full(n, self._cls), request, column, segments, drawn, latency)

    def _request_sizes(self, k: Ints, hours: Ints, counts: Ints) -> Ints | None:
        if self._sizes.certain is not None:
            size = int(self._size_values[self._sizes.certain])
            return None if size == 1 else np.full(len(k), size)
        keys = self._world.marks.hour_keys(self._source.name, "size", hours)
        word = words(np.repeat(keys, counts), k.view(np.uint64))
        return self._size_values.take(self._sizes.take(word))


class CallBirths:
    """Calls written out one by one, with fixed statuses, delays and segments where they are given."""

    def __init__(self, world: World, number: int, source: Calls, first_class: int) -> None:
        self._source, self._cls = source, first_class
        self.marker = Marker(world, source, source.country)
        at = [(to_us(call.at), i, call) for i, call in enumerate(source.calls)]
        rows = [(t, i, j, r) for t, i, call in at for j, r in enumerate(call.to)]
        self._t = np.array([row[0] for row in rows], np.int64)
        self._k = np.array([row[1] for row in rows], np.int64)
        self._recipient = np.array([row[2] for row in rows], np.int64)
        self._row = {(k, r): i for i, (_, k, r, _) in enumerate(rows)}
        fixed = [row[3] for row in rows]
        made_by = {o.status: o.source for o in world.scenario.route(source.country).outcomes}
        self._status = np.array(
            [
                world.fates.number(r.status, made_by.get(r.status, "supplier")) if r.status else -1
                for r in fixed
            ]
        )
        self._latency = np.array(
            [-1 if r.latency_s is None else microseconds(r.latency_s) for r in fixed], np.int64
        )
        self._segments = np.array([r.segments or 0 for r in fixed], np.uint8)
        self._from_us, self.until_us = world.scenario.start_us, world.scenario.end_us

    def expected(self, hour: int) -> float:
        """Messages in a UTC hour."""
        return float(np.count_nonzero(self._t // HOUR == hour))

    def births(self, first: int, last: int) -> Births:
        """Messages of the UTC hours from *first* up to *last*, not sorted by time."""
        t = self._t
        rows = np.flatnonzero(
            (t >= max(first * HOUR, self._from_us)) & (t < min(last * HOUR, self.until_us))
        )
        k, recipient, hour = self._k[rows], self._recipient[rows], t[rows] // HOUR
        segments, drawn, latency = self.mark(hour, k, recipient, 0)
        n, request = len(rows), hour * REQUESTS_AN_HOUR + k
        cls = np.full(n, self._cls)
        return Births(t[rows], cls, request, recipient.astype(np.int32), segments, drawn, latency)

    def mark(
        self, hours: Ints, k: Ints, recipient: Ints, generation: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Ints]:
        """Segments, drawn fate and latency of copies, what is fixed in its place."""
        counters = counters_of(k, recipient, generation)
        segments, drawn, latency = self.marker.draw(hours, np.ones(len(k), np.int64), counters)
        rows = np.array([self._row[pair] for pair in zip(k.tolist(), recipient.tolist(), strict=True)], np.int64)
        fixed = self._latency[rows] >= 0
        latency[fixed] = self._latency[rows][fixed]
        fixed = self._status[rows] >= 0
        drawn[fixed] = self._status[rows][fixed]
        segments = np.where(self._segments[rows] > 0, self._segments[rows], segments)
        return segments, self.marker.expire(drawn, latency), latency


class GroupBirths:
    """A group task: its numbers in file order, all at once or at a pace."""

    def __init__(self, world: World, number: int, source: GroupTask, first_class: int) -> None:
        self._source, self._at_us = source, to_us(source.at)
        read = world.recipients(source)
        countries = list(read.countries) if read else list(source.countries)
        index = (
            read.country_index
            if read
            else np.repeat(np.arange(len(countries)), list(source.countries.values()))
        )
        self._cls = first_class + np.asarray(index, np.int64)
        self._first_class = first_class
        self._markers = [Marker(world, source, country) for country in countries]
        self._hour = self._at_us // HOUR
        self._from_us, self.until_us = world.scenario.start_us, world.scenario.end_us

    def _offset(self, i: int) -> int:
        pace = self._source.pace_per_s
        return int(i * 1e6 / pace) if pace else 0

    def _reach(self, until_us: int) -> int:
        """How many numbers are handed over before an instant."""
        low, high = 0, len(self._cls)
        while low < high:
            middle = (low + high) // 2
            if self._at_us + self._offset(middle) < until_us:
                low = middle + 1
            else:
                high = middle
        return low

    def expected(self, hour: int) -> float:
        """Messages in a UTC hour."""
        if hour < self._hour or (hour > self._hour and not self._source.pace_per_s):
            return 0.0
        return float(self._reach((hour + 1) * HOUR) - self._reach(hour * HOUR))

    def births(self, first: int, last: int) -> Births:
        """Messages of the UTC hours from *first* up to *last*, in file order."""
        i = np.arange(
            self._reach(max(first * HOUR, self._from_us)), self._reach(min(last * HOUR, self.until_us))
        )
        pace = self._source.pace_per_s
        t = self._at_us + ((i * 1e6 / pace).astype(np.int64) if pace else np.zeros(len(i), np.int64))
        cls = self._cls[i]
        segments, drawn = np.empty(len(i), np.uint8), np.empty(len(i), np.uint8)
        latency = np.empty(len(i), np.int64)
        hour = np.array([self._hour])
        for place, marker in enumerate(self._markers):
            own = np.flatnonzero(cls == self._first_class + place)
            counters = counters_of(np.zeros(len(own), np.int64), i[own])
            segments[own], drawn[own], latency[own] = marker.mark(hour, np.array([len(own)]), counters)
        request = np.full(len(i), self._hour * REQUESTS_AN_HOUR)
        return Births(t, cls, request, i.astype(np.int32), segments, drawn, latency)


AnyBirths = TrafficBirths | CallBirths | GroupBirths


def source_births(world: World) -> list[AnyBirths]:
    """The births of every source, in the order of their names."""
    makers = {Traffic: TrafficBirths, Calls: CallBirths, GroupTask: GroupBirths}
    first = [int(np.searchsorted(world.source, i)) for i in range(len(world.sources))]
    return [
        makers[type(source)](world, i, source, first[i])  # type: ignore[arg-type]
        for i, source in enumerate(world.sources)
    ]


def born(sources: list[AnyBirths], first: int, last: int) -> Births:
    """All messages of the UTC hours from *first* up to *last*, in the order of (time, source, request, recipient)."""
    batches = [batch for source in sources if len(batch := source.births(first, last))]
    if not batches:
        return _gather(_EMPTY, np.empty(0, np.int64))
    if len(batches) == 1:
        together = batches[0]
    else:
        together = Births(*(np.concatenate([getattr(b, f.name) for b in batches]) for f in fields(Births)))
    return _gather(together, order_by_time(together.t))


def order_by_time(t: Ints) -> Ints:
    """The permutation that sorts by time and keeps ties in their order.

    Time and place share one word, so that NumPy's fastest sort, which is not stable, does it.
    """
    if not len(t):
        return np.empty(0, np.int64)
    bits = max(1, (len(t) - 1).bit_length())
    first = int(t.min())
    if (int(t.max()) - first).bit_length() + bits > 63:
        return np.argsort(t, kind="stable")
    key = t - first
    key <<= bits
    key |= np.arange(len(t))
    key.sort()
    key &= (1 << bits) - 1
    return key


def _gather(births: Births, order: Ints) -> Births:
    return Births(*(getattr(births, f.name).take(order) for f in fields(Births)))


_EMPTY = Births(
    *(np.empty(0, d) for d in (np.int64, np.int64, np.int64, np.int32, np.uint8, np.uint8, np.int64))  # type: ignore[arg-type]
)
__all__ = ["AnyBirths", "Births", "Delay", "born", "counters_of", "order_by_time", "source_births"]
