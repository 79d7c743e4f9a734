"""When pushes of delivery reports arrive, which depends on marks and outages alone: both are known
beforehand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints, Mask
from smssim.calendars import HOUR, MINUTE, to_us
from smssim.scenario import Scenario, microseconds
from smssim.simulation.arrivals.marks import NEVER, counters_of, hours_and_numbers
from smssim.simulation.compiled import CompiledScenario
from smssim.stats.keyed_random import MASK64, PHI, KeyedRandom, Words, mix64_array, random_words

__all__ = [
    "ANSWER_LOST",
    "ERROR",
    "CallbackServer",
    "MessageWords",
    "exploded",
    "of_parts",
    "outages",
    "passes",
]


def outages(scenario: Scenario, random: KeyedRandom, until_us: int) -> list[tuple[int, int]]:
    """The windows [down, up) that begin before *until_us*, sorted and merged, in microseconds.

    Planned windows are the scenario's; random ones take turns with times up, from the start of the
    run, however far one looks ahead. Nothing the account does can change them.
    """
    windows = [
        (to_us(o.at), to_us(o.at) + round(o.minutes * MINUTE)) for o in scenario.callback.outages
    ]
    if scenario.callback.random_outages is not None:
        windows += _random(scenario, random, until_us)
    return _merged(sorted(window for window in windows if window[0] < until_us))


def _random(scenario: Scenario, random: KeyedRandom, until_us: int) -> list[tuple[int, int]]:
    rule = scenario.callback.random_outages
    assert rule is not None
    up, down = rule.up.table(), rule.down.table()
    now, turn, windows = scenario.start_us, 0, []
    while now < until_us:
        begin = now + max(1, up.of(random.word("callback", "up", 0, turn)))
        now = begin + max(1, down.of(random.word("callback", "down", 0, turn)))
        windows.append((begin, now))
        turn += 1
    return windows


def _merged(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in windows:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


_NO_ANSWER, ANSWER_LOST, ERROR = range(3)
"""What can befall an attempt by chance."""
_STRETCH_BITS = 32
"""Outages are looked for by stretches of 2**32 microseconds, 72 minutes."""


class CallbackServer:
    """The customer's server: when it is down, and which pushes get no answer although it is up.

    *delays_us* are the moments of the attempts after the report was made, *no_answer*,
    *error_answer* and *lost_answer* the shares of all words that bring it. `has_outages` is whether
    it is ever down.
    """

    def __init__(self, compiled: CompiledScenario) -> None:
        rule = compiled.scenario.callback
        self.end_us = compiled.scenario.end_us
        self.delays_us = [0, *(microseconds(delay) for delay in rule.retries_s)]
        self.no_answer = int(rule.no_answer_share * (1 << 64))
        self.error_answer = int(rule.error_answer_share * (1 << 64))
        self.lost_answer = int(rule.lost_answer_share * (1 << 64))
        windows = outages(compiled.scenario, compiled.random, self.end_us)
        self._edges = np.array([edge for window in windows for edge in window], np.int64)
        self.has_outages = bool(len(self._edges))
        self._first = compiled.scenario.start_us >> _STRETCH_BITS
        self._near = np.zeros((self.end_us >> _STRETCH_BITS) - self._first + 2, bool)
        for down_us, up_us in windows:
            first = max(0, (down_us >> _STRETCH_BITS) - self._first)
            self._near[first : (up_us >> _STRETCH_BITS) - self._first + 1] = True

    def is_down(self, at: Ints) -> Mask:
        """Whether the server is down at these moments."""
        down = np.zeros(len(at), bool)
        # Most stretches of an hour or so hold no edge: only the others are looked up.
        near = np.flatnonzero(self._near.take((at >> _STRETCH_BITS) - self._first, mode="clip"))
        down[near] = np.searchsorted(self._edges, at[near], "right") % 2 == 1
        return down

    def takes(self, word: Words, attempt: int) -> Mask:
        """Whether a server that is up takes an attempt of pushes: it answers, and with 200 OK."""
        takes = passes(word, attempt, _NO_ANSWER, self.no_answer)
        if self.error_answer:
            takes &= passes(word, attempt, ERROR, self.error_answer)
        return takes

    def first_arrival_us(self, created_us: Ints, segments: NDArray[np.uint8], word: Words) -> Ints:
        """When the first report of each message arrives, over its parts and attempts, if each is
        pushed by itself.

        *word* are the messages' marks `push`; NEVER where none arrives before the end of the run.
        """
        first, going = np.full(len(created_us), NEVER), np.arange(len(created_us))
        by_chance = self.no_answer or self.error_answer
        if by_chance:
            going, part_number = exploded(going, segments)
            word = of_parts(word.take(going), part_number)
        for number, delay in enumerate(self.delays_us):
            at = created_us.take(going) + delay
            in_time = at < self.end_us
            arrives = in_time & ~self.is_down(at)
            if by_chance:
                arrives &= self.takes(word, number)
            np.minimum.at(first, going[arrives], at[arrives])
            again = in_time & ~arrives
            going, word = going[again], word[again]
            if not len(going):
                break
        return first


def exploded(message: Ints, segments: NDArray[np.uint8]) -> tuple[Ints, NDArray[np.int8]]:
    """One row per segment: its message, of different ones, and its part from 1."""
    each = np.repeat(message, segments)
    part_number = np.ones(len(each), np.int8)
    for further in range(1, int(segments.max(initial=1))):
        part_number[further:] += each[further:] == each[:-further]
    return each, part_number


def of_parts(word: Words, part_number: NDArray[np.int8]) -> Words:
    """The words of the pushes of parts, by the words of their messages."""
    return word + part_number.astype(np.uint64) * np.uint64(PHI << 6 & MASK64)


def passes(word: Words, attempt: int, which: int, share: int) -> Mask:
    """Whether an attempt escapes what befalls a *share*: no answer, its answer lost, or an error.

    *word* are the words of the pushes, of a report its message's and its part's.
    """
    if share >> 64:
        return np.zeros(len(word), bool)
    step = np.uint64(PHI * (33 + attempt if which == ERROR else attempt * 2 + which + 1) & MASK64)
    escapes: Mask = mix64_array(word + step) >= np.uint64(share)
    return escapes


class MessageWords:
    """The words of one purpose of the messages of all sources, by the hours of their requests."""

    def __init__(self, compiled: CompiledScenario, purpose: str) -> None:
        scenario, self._first = compiled.scenario, compiled.scenario.start_us // HOUR
        hours = np.arange(self._first, -(-scenario.end_us // HOUR))
        keys = [compiled.random.hour_keys(s.name, purpose, hours) for s in compiled.sources]
        self._keys, self._hours = np.array(keys, np.uint64).reshape(-1), len(hours)

    def take(
        self,
        source: NDArray[np.int16],
        request: Ints,
        recipient: NDArray[np.int32],
        generation: NDArray[np.int8] | int,
    ) -> Words:
        """The words of messages, each of its own source; their requests are of hours of the run."""
        hours, k = hours_and_numbers(request)
        counters = counters_of(k, recipient.astype(np.int64))
        counters |= np.asarray(generation).astype(np.uint64)
        hours += source * np.int64(self._hours) - self._first
        return random_words(self._keys.take(hours), counters)
