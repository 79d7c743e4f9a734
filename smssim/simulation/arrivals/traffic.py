"""API traffic: a Poisson number of requests each UTC hour, each where its own word says."""

from __future__ import annotations

import numpy as np

from smssim.arrays import Ints
from smssim.calendars import HOUR, hourly_weights, local_days, quarter_bounds, to_us
from smssim.scenario import Traffic, growth_factors, microseconds, occasion_factors
from smssim.simulation.arrivals.marks import (
    OVERSIZE,
    Marker,
    MessageMarks,
    counters_of,
    hours_and_numbers,
)
from smssim.simulation.arrivals.messages import NewMessages
from smssim.simulation.compiled import MOST_RECIPIENTS, CompiledScenario
from smssim.stats.inverse_cdf import (
    discrete,
    gamma_factor,
    poisson,
    poisson_count,
    poisson_counts,
)
from smssim.stats.keyed_random import REQUESTS_AN_HOUR, Words, random_words

__all__ = ["TrafficSource"]

_MOST_TABLES = 400
"""Different means whose tables are made one by one, once for all runs of a process: a week has 168,
and a change of clocks adds a few."""


class TrafficSource:
    """The messages of one traffic source."""

    def __init__(
        self, compiled: CompiledScenario, source: Traffic, first_class: int, from_us: int
    ) -> None:
        self._compiled, self._source, self._cls = compiled, source, first_class
        self._marker = Marker(compiled, source, source.country)
        shares = source.recipient_shares()
        self._sizes = discrete(tuple(shares.values()))
        self._size_values = np.array(list(shares), np.int64)
        beginnings = tuple(source.beginnings.values())
        self._beginnings = discrete(beginnings) if beginnings else None
        self._mean_size = sum(k * share for k, share in shares.items()) / sum(shares.values())
        scenario = compiled.scenario
        self._first_hour = scenario.start_us // HOUR
        hours = -(-scenario.end_us // HOUR) - self._first_hour
        zone = source.zone or compiled.zone(source.country)
        rhythm = (self._first_hour, hours, zone, source.hours, source.weekdays)
        weights, self._bounds = hourly_weights(*rhythm), quarter_bounds(*rhythm)
        self._means = weights * source.messages_a_day / 24 / self._mean_size
        self._of_days(zone)
        self._expected: list[float] = (self._means * self._mean_size).tolist()
        self._from_us = max(from_us, to_us(source.starts) if source.starts else 0)
        self.until_us = min(scenario.end_us, to_us(source.ends) if source.ends else scenario.end_us)
        self._grid_us = max(1, microseconds(source.resolution_s))
        self._requests = self._sampled_requests()

    def expected(self, hour: int) -> float:
        """Expected messages in a UTC hour."""
        return self._expected[hour - self._first_hour]

    def new_messages(self, first: int, last: int) -> NewMessages:
        """Messages of the UTC hours from *first* up to *last*."""
        hours = np.arange(max(first, self._from_us // HOUR), min(last, -(-self.until_us // HOUR)))
        counts = self._requests[hours - self._first_hour]
        k = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        t = self._times(hours, counts, k)
        if first * HOUR < self._from_us or last * HOUR > self.until_us:
            inside = (t >= self._from_us) & (t < self.until_us)
            ends = np.cumsum(counts)
            running = np.concatenate([[0], np.cumsum(inside)])
            t, k, counts = t[inside], k[inside], running[ends] - running[ends - counts]
        return self._messages(t, k, hours, counts)

    def copies(
        self, request: Ints, recipient: Ints, t: Ints, generation: int
    ) -> tuple[MessageMarks, Ints | None]:
        """The marks of resent copies sent at *t*, and when the copies after them would be sent."""
        hours, k = hours_and_numbers(request)
        counters = counters_of(k, recipient, generation)
        marks = self._marker.mark(hours, None, counters)
        return marks, self._marker.next_t(hours, None, counters, t, generation, self.until_us)

    def _of_days(self, zone: str) -> None:
        """Let days differ: growth, then swings as the source names them, then occasions."""
        source, scenario, n = self._source, self._compiled.scenario, len(self._means)
        if source.growth_per_day:
            since = (source.growth_per_day, scenario.start_us, self._first_hour, n)
            self._means *= growth_factors(*since)
        sds = {swing.name: swing.sd for swing in scenario.swings}
        if source.swings:
            days = local_days(self._first_hour, n, zone)
            first = int(days[0])
            for name in source.swings:
                words = (
                    self._compiled.random.word(f"swing/{name}", "day", day, 0)
                    for day in range(first, int(days[-1]) + 1)
                )
                factors = np.array([gamma_factor(word, sds[name]) for word in words])
                self._means *= factors[days - first]
        for occasion in scenario.occasions:
            if occasion.concerns(source.country):
                self._means *= occasion_factors(occasion, self._first_hour, n, zone)

    def _sampled_requests(self) -> Ints:
        """Requests of each hour of the run."""
        hours = self._first_hour + np.arange(len(self._means))
        keys = self._compiled.random.hour_keys(self._source.name, "count", hours)
        words = random_words(keys, np.zeros(len(hours), np.uint64))
        means = self._means.tolist()
        if len(set(means)) > _MOST_TABLES:
            return poisson_counts(self._means, words)
        tables = {mean: poisson(mean) for mean in set(means)}
        counts = (poisson_count(tables[m], w) for m, w in zip(means, words.tolist(), strict=True))
        return np.fromiter(counts, np.int64, len(hours))

    def _times(self, hours: Ints, counts: Ints, k: Ints) -> Ints:
        keys = self._compiled.random.hour_keys(self._source.name, "time", hours)
        word = random_words(np.repeat(keys, counts), k.view(np.uint64))
        word >>= np.uint64(32)
        word *= np.uint64(HOUR)
        word >>= np.uint64(32)
        t = word.view(np.int64)
        if self._bounds is not None:
            t = _in_quarters(t, self._bounds[np.repeat(hours - self._first_hour, counts)])
        t += np.repeat(hours * HOUR, counts)
        if self._grid_us > 1:
            t -= t % self._grid_us
        return t

    def _messages(self, t: Ints, k: Ints, hours: Ints, counts: Ints) -> NewMessages:
        """The recipients of requests number *k* of their hours, with their marks."""
        request = np.repeat(hours * REQUESTS_AN_HOUR, counts)
        request += k
        sizes = self._request_sizes(k, hours, counts)
        recipient: Ints | int = 0
        if sizes is not None:
            recipient = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            t, k, request = (np.repeat(a, sizes) for a in (t, k, request))
            ends = np.cumsum(counts)
            running = np.concatenate([[0], np.cumsum(sizes)])
            counts = running[ends] - running[ends - counts]
        counters = counters_of(k, recipient)
        marks = self._marker.mark(hours, counts, counters)
        if not isinstance(recipient, int):
            self._marker.repeat(marks, hours, counts, counters, recipient)
            self._refuse_oversize(marks, sizes)
        next_t = self._marker.next_t(hours, counts, counters, t, 0, self.until_us)
        column = (
            np.zeros(len(t), np.int32) if isinstance(recipient, int) else recipient.astype(np.int32)
        )
        classes, numbers = self._classes(hours, counts, counters), None
        if self._compiled.limits_frequency:
            numbers = self._numbers(hours, counts, counters)
        return NewMessages(t, classes, request, column, *marks, next_t, numbers)

    def _numbers(self, hours: Ints, counts: Ints, counters: Words) -> Ints:
        """Which of all numbers each message goes to, -1 for one of its own."""
        pool, first = self._source.numbers, self._compiled.first_number
        if pool is None:
            return np.full(len(counters), -1)
        keys = self._compiled.random.hour_keys(self._source.name, "number", hours)
        word = random_words(np.repeat(keys, counts), counters)
        word >>= np.uint64(32)
        word *= np.uint64(pool)
        word >>= np.uint64(32)
        numbers: Ints = word.view(np.int64) + first[self._compiled.sources.index(self._source)]
        return numbers

    def _classes(self, hours: Ints, counts: Ints, counters: Words) -> Ints:
        """The class of each message: one, or one a beginning of numbers."""
        if self._beginnings is None:
            return np.full(len(counters), self._cls, np.int16)
        keys = self._compiled.random.hour_keys(self._source.name, "beginning", hours)
        places = self._beginnings.take(random_words(np.repeat(keys, counts), counters))
        return places.astype(np.int64) + self._cls

    def _refuse_oversize(self, marks: MessageMarks, sizes: Ints | None) -> None:
        if sizes is None or self._size_values.max() <= MOST_RECIPIENTS:
            return
        oversize = np.repeat(sizes > MOST_RECIPIENTS, sizes)
        marks.sampled_outcome[oversize] = self._compiled.outcomes.of_flaw(OVERSIZE)

    def _request_sizes(self, k: Ints, hours: Ints, counts: Ints) -> Ints | None:
        """The recipients of each request, None if all have one."""
        if self._sizes.certain is not None:
            size = int(self._size_values[self._sizes.certain])
            return None if size == 1 else np.full(len(k), size)
        keys = self._compiled.random.hour_keys(self._source.name, "size", hours)
        word = random_words(np.repeat(keys, counts), k.view(np.uint64))
        return self._size_values.take(self._sizes.take(word))


def _in_quarters(t: Ints, bounds: Ints) -> Ints:
    """Even times within an hour, moved so that each quarter has its share of them."""
    quarter = (t[:, None] >= bounds[:, 1:4]).sum(axis=1)
    row = np.arange(len(t))
    low, high = bounds[row, quarter], bounds[row, quarter + 1]
    moved: Ints = quarter * (HOUR // 4) + (t - low) * (HOUR // 4) // (high - low)
    return moved
