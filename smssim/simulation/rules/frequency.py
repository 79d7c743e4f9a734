"""Frequency limits on arrays: a message's rank among those to its number in nested windows.

Windows are nested, and once a longer one is full it stays so: hence the rank among those that
passed the shorter ones decides each limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import MINUTE, to_us
from smssim.scenario import Application, Frequency, Opening, Scenario, microseconds
from smssim.simulation.account.account import Account, MessageClass
from smssim.simulation.arrivals.messages import order_by_time
from smssim.simulation.compiled import FULL, CompiledScenario
from smssim.simulation.rules.rule import CountingRule
from smssim.simulation.window import MessageBatch, MessageWindow

__all__ = ["FrequencyLimits"]

_Ints32 = NDArray[np.int32]
_Mask = NDArray[np.bool_]
_Minutes = TypeVar("_Minutes", int, _Ints32)
_LEVELS = range(3)
"""The numbers of the windows: minute, hour and day."""
_WINDOWS = ((0, 1), (0, 60), (480, 1440))
"""Offset and length of each window, in minutes."""


def _window_number(minute: _Minutes, level: int) -> _Minutes:
    """The windows of a level that minutes since 1970 are in, by number."""
    offset, length = _WINDOWS[level]
    return minute if length == 1 else (minute + offset) // length


def _groups(keys: Ints) -> tuple[Ints, Ints]:
    """Where each run of equal keys begins, and how long it is."""
    begins = np.append(0, np.flatnonzero(keys[1:] != keys[:-1]) + 1)
    return begins, np.diff(begins, append=len(keys))


def _crowded(keys: Ints, minute: _Ints32, begins: Ints, least: Ints) -> _Mask:
    """Which runs of keys have more rows within a window than its limit at *least*."""
    more = np.zeros(len(begins), bool)
    for level, most in enumerate(least[:, 0].tolist()):
        ends = most + np.flatnonzero(keys[most:] == keys[:-most])
        earlier, later = minute.take(ends - most), minute.take(ends)
        ends = ends[_window_number(earlier, level) == _window_number(later, level)]
        more[begins.searchsorted(ends, "right") - 1] = True
    return more


def _firsts(keys: Ints, windows: _Ints32) -> Ints:
    """For each row the first row of its key and window, which are adjacent."""
    begins = np.append(True, (keys[1:] != keys[:-1]) | (windows[1:] != windows[:-1]))
    places: Ints = np.maximum.accumulate(np.where(begins, np.arange(len(keys)), 0))
    return places


@dataclass
class _FrequencyRanks:
    """Messages of a block that count against a limit, by their indexes in the block.

    *rows* are sorted by number and then by time, *keys* are their numbers; *alone* are those to
    a number of their own, *refused* is a mask over the whole block, None where it refuses none.
    """

    rows: Ints
    keys: Ints
    alone: Ints
    refused: _Mask | None


class FrequencyLimits(CountingRule):
    """An application sends to one number only so often a minute, hour and day (section 6).

    Numbers in its whitelist are exempt. `limits` are of shape (3, classes), 0 for no limit.
    """

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._of_application = {
            a.name: a.frequency.limits
            for a in account.scenario.applications
            if a.frequency is not None and account.scenario.is_past(self.in_force_us(a.frequency))
        }

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """The code of the account, where an application has limits."""
        limited = any(application.frequency is not None for application in scenario.applications)
        return (scenario.account.frequency_code,) if limited else ()

    @property
    def code(self) -> str:
        """The code of the account for messages that come too often."""
        return self.account.scenario.account.frequency_code

    @property
    def active(self) -> bool:
        """Whether limits are in force."""
        return bool(self._of_application)

    def in_force_us(self, frequency: Frequency) -> int:
        """When an application's limits are in force."""
        if frequency.saved is None:
            return self.account.scenario.start_us
        return to_us(frequency.saved) + microseconds(frequency.after_s)

    def plan_application(self, application: Application) -> None:
        """Schedule limits that are saved later."""
        frequency = application.frequency
        if frequency is not None:
            in_force_us = self.in_force_us(frequency)
            self.schedule(in_force_us, self.enforce, application.name, frequency.limits)

    def enforce(self, name: str, limits: tuple[int, int, int]) -> None:
        """Limit how often an application sends to one number: a minute, an hour, a day."""
        self.account.invalidate()
        self._of_application[name] = limits
        self.account.emit("frequency_limit", name)

    def bind(self, compiled: CompiledScenario, window: MessageWindow) -> None:
        """Learn the classes, and the numbers that are sent to more than once."""
        self._compiled, self._window = compiled, window
        self._shared = int(compiled.first_number[-1])
        self._latest = np.zeros(self._shared, np.int32)
        """The minute each number was last sent to."""
        self._counts = np.zeros((len(_LEVELS), self._shared), np.int32)
        """How often each was sent to in that minute, the hour and the day of it."""

    def restore(self, opening: Opening) -> None:
        """Take over how often numbers were sent to before the run."""
        first = self._compiled.first_number
        for number, source in enumerate(self._compiled.sources):
            for key, minute, *counts in opening.numbers.get(source.name, ()):
                self._latest[first[number] + key] = minute
                self._counts[:, first[number] + key] = counts

    def passed(self, us: int) -> dict[str, tuple[tuple[int, ...], ...]]:
        """By source, the numbers sent to on the day of an instant: minute and counts."""
        day = _window_number(us // MINUTE, -1)
        first, rows = self._compiled.first_number, {}
        for number, source in enumerate(self._compiled.sources):
            span = slice(int(first[number]), int(first[number + 1]))
            seen = np.flatnonzero(_window_number(self._latest[span], -1) == day)
            if len(seen):
                columns = (seen, self._latest[span][seen], *self._counts[:, span][:, seen])
                rows[source.name] = tuple(zip(*(c.tolist() for c in columns), strict=True))
        return rows

    def limits(self) -> Ints | None:
        """Messages per minute, hour and day that a number may get now, by class."""
        if not self._of_application:
            return None
        limits = [self._of_class(message_class) for message_class in self._compiled.message_classes]
        return np.array(limits, np.int64).T.copy()

    def _of_class(self, message_class: MessageClass) -> tuple[int, int, int]:
        exempt = message_class.whitelisted
        return (
            (0, 0, 0) if exempt else self._of_application.get(message_class.application, (0,) * 3)
        )

    def rank(
        self, batch: MessageBatch, limits: Ints, open_: _Mask | None
    ) -> _FrequencyRanks | None:
        """Who of those *open_* (None: all) is sent to too often; None if no limit holds for any.

        *limits* are messages per minute, hour and day, of shape (3, classes), below 1 for no limit.
        """
        limited = limits[0] > 0
        counted = limited.take(batch.cls)
        rows = np.flatnonzero(counted if open_ is None else counted & open_)
        if not len(rows):
            return None
        least = limits[:, limited].min(axis=1, keepdims=True)
        message = batch.messages(rows)
        assert self._window.base.number is not None
        keys = self._window.base.number.take(message)
        alone = np.flatnonzero(keys < 0)
        if len(alone):
            keys[alone] = message[alone] + self._shared
            # A number of its own gets the copies of one message alone.
            often = np.ones(len(rows), bool)
            often[alone] = self._has_copies(message[alone], int(least.min()))
            alone, rows, keys = rows[alone], rows[often], keys[often]
        order = order_by_time(keys)
        ranks = _FrequencyRanks(rows[order], keys[order], alone, None)
        ranks.refused = self._refused(batch, limits, least, ranks)
        return ranks

    def _has_copies(self, message: Ints, generation: int) -> _Mask:
        exists = self._window.exists
        if generation >= len(exists):
            return np.zeros(len(message), bool)
        has: _Mask = exists[generation].take(message)
        return has

    def _refused(
        self, batch: MessageBatch, limits: Ints, least: Ints, ranks: _FrequencyRanks
    ) -> _Mask | None:
        """A mask of those whom the limits refuse; none is refused by less than *least*."""
        if not len(ranks.rows):
            return None
        minute = _minutes(batch, ranks.rows)
        begins, sizes = _groups(ranks.keys)
        sent_to, before = self._before(ranks.keys[begins], minute[begins])
        near = _crowded(ranks.keys, minute, begins, least)
        near[sent_to] |= ((before > 0) & (before + sizes[sent_to] > least)).any(axis=0)
        if not near.any():
            return None
        # Only numbers that may be full are looked at message by message.
        each = np.repeat(near, sizes)
        rows, keys, minute = ranks.rows[each], ranks.keys[each], minute[each]
        counts = np.zeros((len(_LEVELS), len(begins)), np.int32)
        counts[:, sent_to] = before
        begins, sizes = _groups(keys)
        counts = np.repeat(counts[:, near], sizes, axis=1)
        begins, cls = np.repeat(begins, sizes), batch.cls[rows]
        limiter = np.ones(len(rows), bool)
        for level in _LEVELS:
            first = _firsts(keys, _window_number(minute, level))
            rank = np.cumsum(limiter) - limiter
            rank -= rank[first]
            rank += counts[level] * (first == begins)
            limiter &= rank < limits[level].take(cls)
        if limiter.all():
            return None
        refused = np.zeros(len(batch), bool)
        refused[rows[~limiter]] = True
        return refused

    def commit(self, batch: MessageBatch, ranks: _FrequencyRanks, begin: int, end: int) -> None:
        """Count the messages at indexes *begin* up to *end* that passed."""
        alone = ranks.alone[_inside(ranks.alone, ranks.refused, begin, end)]
        self._window.passed.reshape(-1)[batch.positions(alone)] = True
        shared = int(ranks.keys.searchsorted(self._shared))
        rows, numbers = ranks.rows[:shared], ranks.keys[:shared]
        inside = _inside(rows, ranks.refused, begin, end)
        rows, numbers = rows[inside], numbers[inside]
        if not len(rows):
            return
        minute = _minutes(batch, rows)
        begins, sizes = _groups(numbers)
        last = begins + sizes - 1
        numbers, latest = numbers[begins], minute[last]
        sent_to, before = self._before(numbers, latest)
        each = np.repeat(latest, sizes)
        for level, counts in enumerate(self._counts):
            same = np.cumsum(_window_number(minute, level) == _window_number(each, level))
            count = np.diff(same[last], prepend=0)
            count[sent_to] += before[level]
            counts[numbers] = count
        self._latest[numbers] = latest

    def refuses(self, message: MessageBatch) -> bool:
        """Whether one message by itself is sent to too often."""
        limits = self._of_class(self._compiled.message_classes[message.cls[0]])
        return limits[0] > 0 and any(
            count >= most for count, most in zip(self._counts_of_one(message), limits, strict=True)
        )

    def enter(self, message: MessageBatch) -> None:
        """Count one judged message if it passed."""
        limits = self._of_class(self._compiled.message_classes[message.cls[0]])
        if limits[0] <= 0 or not self._passed(message):
            return
        key = self._key_of_one(message)
        if key < self._shared:
            self._counts[:, key] = [count + 1 for count in self._counts_of_one(message)]
            self._latest[key] = int(message.t[0]) // MINUTE
        else:
            self._window.passed.reshape(-1)[message.position(0)] = True

    def _passed(self, message: MessageBatch) -> bool:
        outcome_code = int(self._window.outcome_code.reshape(-1)[message.position(0)])
        return outcome_code == FULL or int(self._compiled.outcomes.stage[outcome_code]) in (
            0,
            3,
        )

    def _counts_of_one(self, message: MessageBatch) -> list[int]:
        """How often the number of one message was sent to before in each of its windows."""
        key, minute = self._key_of_one(message), int(message.t[0]) // MINUTE
        if key < self._shared:
            latest, counts = int(self._latest[key]), self._counts[:, key].tolist()
        else:
            of_one = self._of_messages(np.array([key - self._shared]))
            latest, counts = int(of_one[0][0]), of_one[1][:, 0].tolist()
        return [
            count if _window_number(latest, level) == _window_number(minute, level) else 0
            for level, count in zip(_LEVELS, counts, strict=True)
        ]

    def _key_of_one(self, message: MessageBatch) -> int:
        row = message.first_copy(0)
        assert self._window.base.number is not None
        number = int(self._window.base.number[row])
        return row + self._shared if number < 0 else number

    def _before(self, keys: Ints, minute: _Ints32) -> tuple[Ints, _Ints32]:
        """Which of *keys*, in ascending order, were sent to before on the day of these minutes, and
        how often in each of the windows of these.
        """
        shared = int(keys.searchsorted(self._shared))
        latest, counts = self._latest.take(keys[:shared]), None
        if shared < len(keys):
            alone, counts = self._of_messages(keys[shared:] - self._shared)
            latest = np.concatenate([latest, alone])
        places = np.flatnonzero(_window_number(latest, -1) == _window_number(minute, -1))
        latest, minute = latest[places], minute[places]
        ours = int(places.searchsorted(shared))
        before = self._counts.take(keys[places[:ours]], axis=1)
        if counts is not None:
            before = np.concatenate([before, counts[:, places[ours:] - shared]], axis=1)
        for level in range(len(_LEVELS) - 1):
            before[level] *= _window_number(latest, level) == _window_number(minute, level)
        return places, before

    def _of_messages(self, message: Ints) -> tuple[_Ints32, _Ints32]:
        """The minutes that numbers of one message each were last sent to, and how often in the
        windows of these.
        """
        passed = self._window.passed[:, message]
        minute = (self._window.t[:, message] // MINUTE * passed).astype(np.int32)
        latest = minute.max(axis=0)
        counts = [
            (passed & (_window_number(minute, level) == _window_number(latest, level))).sum(axis=0)
            for level in _LEVELS
        ]
        return latest, np.array(counts, np.int32)


def _minutes(batch: MessageBatch, rows: Ints) -> _Ints32:
    return (batch.t.take(rows) // MINUTE).astype(np.int32)


def _inside(rows: Ints, refused: _Mask | None, begin: int, end: int) -> _Mask:
    """Which *rows* are indexes from *begin* up to *end*, and not refused."""
    inside = (rows >= begin) & (rows < end)
    return inside if refused is None else inside & ~refused.take(rows)
