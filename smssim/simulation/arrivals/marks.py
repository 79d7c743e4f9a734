"""Samples the marks of messages: segments, final status and delay, how long their users wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import HOUR
from smssim.scenario import Flaws, GroupTask, Resend, Scenario, Source
from smssim.simulation.compiled import EXPIRED, MOST_RECIPIENTS, CompiledScenario, Refusal
from smssim.stats.inverse_cdf import discrete
from smssim.stats.keyed_random import (
    GENERATION_BITS,
    RECIPIENT_BITS,
    REQUESTS_AN_HOUR,
    Words,
    random_words,
)

__all__ = [
    "DRAWN",
    "DUPLICATE",
    "NEVER",
    "OVERSIZE",
    "PASSWORD",
    "UNKNOWN_TO_ROUTE",
    "VARIABLES",
    "Marker",
    "MessageMarks",
    "below",
    "counters_of",
    "flaw_codes",
    "hours_and_numbers",
]

NEVER = 1 << 62
DRAWN, UNKNOWN_TO_ROUTE = -2, -1
"""Where the position of an outcome in its route is asked for: by the mark, or in none of it."""
_ALL = (1 << 64) - 1
_RECIPIENTS = ((1 << RECIPIENT_BITS) - 1) << GENERATION_BITS
_FIRST_RECIPIENT = np.uint64(_ALL ^ _RECIPIENTS)
"""Keeps of a counter the request and the generation."""
OVERSIZE, VARIABLES, DUPLICATE, PASSWORD = "E000503", "E200028", "E200041", "E200051"


def flaw_codes(scenario: Scenario) -> Iterator[Refusal]:
    """The codes and stages by which a flaw of a message itself refuses it in a scenario."""
    if any(max(source.recipient_shares()) > MOST_RECIPIENTS for source in scenario.traffic):
        yield OVERSIZE, 1
    if any(source.flaws != Flaws() for source in scenario.traffic):
        yield from ((VARIABLES, 2), (DUPLICATE, 2), (PASSWORD, 3))


class MessageMarks(NamedTuple):
    """The marks of messages, one row each: segments, sampled outcome, latency in microseconds."""

    segments: NDArray[np.uint8]
    sampled_outcome: NDArray[np.uint8]
    latency: Ints

    @classmethod
    def blank(cls, n: int) -> MessageMarks:
        """Room for the marks of *n* messages."""
        return cls(np.empty(n, np.uint8), np.empty(n, np.uint8), np.empty(n, np.int64))

    def put(self, rows: Ints, marks: MessageMarks) -> None:
        """Write the marks of some of the messages."""
        self.segments[rows], self.sampled_outcome[rows], self.latency[rows] = marks


def hours_and_numbers(request: Ints) -> tuple[Ints, Ints]:
    """The UTC hour of requests, and their numbers within it."""
    hours = request // REQUESTS_AN_HOUR
    return hours, request - hours * REQUESTS_AN_HOUR


def counters_of(k: Ints, recipient: Ints | int, generation: int = 0) -> Words:
    """The mark counters of messages: request *k* of its hour, recipient, generation."""
    counter = k << (RECIPIENT_BITS + GENERATION_BITS)
    if not isinstance(recipient, int) or recipient:
        counter |= recipient << GENERATION_BITS
    if generation:
        counter |= generation
    return counter.view(np.uint64)


def below(word: Words, share: int) -> NDArray[np.bool_]:
    """Which words fall within a share of all words, itself a number up to 2**64."""
    if share >> 64:
        return np.ones(len(word), bool)
    within: NDArray[np.bool_] = word < np.uint64(share)
    return within


class Marker:
    """The marks of the messages of one class.

    Their hours come as distinct hours and how many messages each has, or one by one (counts None).
    """

    def __init__(self, compiled: CompiledScenario, source: Source, country: str) -> None:
        route = compiled.scenario.route(country)
        shares = compiled.scenario.template(source.template).segment_shares(country)
        self._name, self._random = source.name, compiled.random
        self._segments = discrete(tuple(shares.values()))
        self._segment_values = np.array(list(shares), np.uint8)
        self._outcome = discrete(tuple(outcome.share for outcome in route.outcomes))
        self._outcome_codes = np.array(
            [compiled.outcomes.number(o.status, o.source) for o in route.outcomes], np.uint8
        )
        self._refused, self._any_refused = (
            compiled.outcomes.sampled_stage > 0,
            bool(compiled.outcomes.sampled_stage.any()),
        )
        flaws: Flaws = getattr(source, "flaws", None) or Flaws()
        self._flaws = (int(flaws.variables * (1 << 64)), int(flaws.password * (1 << 64)))
        self._duplicates = int(flaws.duplicates * (1 << 64))
        self._code_of = compiled.outcomes.of_flaw
        self._latency = route.latency.table()
        self._outcome_latency = {
            i: outcome.latency.table()
            for i, outcome in enumerate(route.outcomes)
            if outcome.latency is not None
        }
        self._same_text = getattr(source, "same_text", False)
        queue, every = compiled.scenario.queue, compiled.scenario.queue.manual_review_every
        self._reviewed = None if every is None else (1 << 64) // every
        self._manual_review = queue.manual_review.table()
        self._of_request = _ALL if isinstance(source, GroupTask) else _ALL ^ _RECIPIENTS
        self._validity_us = round(compiled.scenario.queue.validity_h * HOUR)
        resend: Resend | None = getattr(source, "resend", None)
        self._patience = resend.patience.table() if resend else None
        self._at_most = resend.at_most if resend else 0
        self._anybody_resends = compiled.generations > 1

    def mark(self, hours: Ints, counts: Ints | None, counters: Words) -> MessageMarks:
        """The marks of messages by their counters."""
        marks = self.draw(hours, counts, counters)
        self.expire(marks)
        return marks

    def draw(
        self, hours: Ints, counts: Ints | None, counters: Words, fixed: Ints | None = None
    ) -> MessageMarks:
        """The bare marks of `mark`, before those without a report in time expire; *fixed* has the
        position of each message's outcome in its route, UNKNOWN_TO_ROUTE or DRAWN.
        """
        n = len(counters)
        if self._segments.certain is None:
            texts = counters & _FIRST_RECIPIENT if self._same_text else counters
            places = self._segments.take(self._words("segments", hours, counts, texts))
            segments = self._segment_values.take(places)
        else:
            segments = np.full(n, self._segment_values[self._segments.certain])
        report = self._words("report", hours, counts, counters)
        outcome: NDArray[np.uint16] | None = None
        if self._outcome.certain is None:
            outcome = self._outcome.take(report)
            sampled_outcome = self._outcome_codes.take(outcome)
        else:
            sampled_outcome = np.full(n, self._outcome_codes[self._outcome.certain])
        report <<= np.uint64(32)
        if any(self._flaws):
            self._spoil(sampled_outcome, self._words("flaw", hours, counts, counters))
        latency = self._latencies(outcome, report, fixed)
        if self._reviewed is not None:
            latency = latency + self._review_us(hours, counts, counters, self._reviewed)
        return MessageMarks(segments, sampled_outcome, latency)

    def _latencies(self, drawn: NDArray[np.uint16] | None, word: Words, fixed: Ints | None) -> Ints:
        """The delays of words, by the tables of their outcomes (None: the certain one)."""
        certain = self._outcome.certain or 0
        if drawn is None and fixed is None:
            return self._outcome_latency.get(certain, self._latency).take(word)
        outcome = np.full(len(word), certain) if drawn is None else drawn
        if fixed is not None:
            outcome = np.where(fixed == DRAWN, outcome, fixed)
        latency = self._latency.take(word)
        for position, table in self._outcome_latency.items():
            rows = np.flatnonzero(outcome == position)
            latency[rows] = table.take(word[rows])
        return latency

    def _review_us(self, hours: Ints, counts: Ints | None, counters: Words, share: int) -> Ints:
        """How long the requests of messages are looked at by hand, 0 for most."""
        word = self._words("manual_review", hours, counts, counters & np.uint64(self._of_request))
        reviewed = below(word, share)
        review_us: Ints = self._manual_review.take(word << np.uint64(32)) * reviewed
        return review_us

    def repeat(
        self,
        marks: MessageMarks,
        hours: Ints,
        counts: Ints | None,
        counters: Words,
        recipient: Ints,
    ) -> None:
        """Let some numbers after the first of a request repeat one of it."""
        if not self._duplicates:
            return
        repeats = below(self._words("duplicate", hours, counts, counters), self._duplicates)
        repeats &= recipient > 0
        if any(self._flaws):
            repeats &= marks.sampled_outcome != self._code_of(VARIABLES)
        marks.sampled_outcome[repeats] = self._code_of(DUPLICATE)

    def _spoil(self, sampled_outcome: NDArray[np.uint8], word: Words) -> None:
        variables, password = self._flaws
        # From the less important to the more important: what is written last prevails.
        sampled_outcome[below(word, variables + password)] = self._code_of(PASSWORD)
        sampled_outcome[below(word, variables)] = self._code_of(VARIABLES)

    def expire(self, marks: MessageMarks) -> None:
        """Let those without a report in time expire: their latency becomes the validity."""
        never = marks.sampled_outcome == EXPIRED
        never |= marks.latency > self._validity_us
        if self._any_refused:
            never &= ~self._refused.take(marks.sampled_outcome)
        late = np.flatnonzero(never)
        marks.sampled_outcome[late] = EXPIRED
        marks.latency[late] = self._validity_us

    def next_t(
        self,
        hours: Ints,
        counts: Ints | None,
        counters: Words,
        t: Ints,
        generation: int,
        until_us: int,
    ) -> Ints | None:
        """When the copies after these, sent at *t*, would be sent: NEVER if there can be none.

        None in a scenario without resends.
        """
        if not self._anybody_resends:
            return None
        if self._patience is None or generation >= self._at_most:
            return np.full(len(t), NEVER)
        at = self._patience.take(self._words("patience", hours, counts, counters))
        np.maximum(at, 1, out=at)
        at += t
        np.copyto(at, NEVER, where=at >= until_us)
        return at

    def _words(self, purpose: str, hours: Ints, counts: Ints | None, counters: Words) -> Words:
        keys = self._random.hour_keys(self._name, purpose, hours)
        return random_words(keys if counts is None else np.repeat(keys, counts), counters)
