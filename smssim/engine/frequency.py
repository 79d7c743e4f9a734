"""Frequency limits on arrays: a message's rank among those to its number in nested windows.

A minute lies within one hour, an hour within one day of GMT+8: once a longer window is full it
stays so, hence the rank among those that passed the shorter ones decides each limit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import DAY, HOUR, MINUTE
from smssim.engine.births import order_by_time
from smssim.engine.fates import FULL
from smssim.engine.live import STATES, Arrivals, Live
from smssim.engine.world import World

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
_WINDOWS = ((0, MINUTE), (0, HOUR), (8 * HOUR, DAY))
"""Offset and length of each window, in microseconds."""


class Passes:
    """How often each number was sent to in its present minute, hour and day."""

    def __init__(self, world: World, live: Live) -> None:
        self._world, self._live = world, live
        self._shared = np.full((int(world.first_number[-1]), STATES), -1)

    def refused(self, arrivals: Arrivals, limits: Ints, open_: Mask | None) -> Mask | None:
        """Who of those *open_* (None: all) is sent to too often; None if nobody is.

        *limits* are messages a minute, hour and day, of shape (3, classes), below 1 for no limit.
        """
        rows = self._limited(arrivals, limits, open_)
        if not len(rows):
            return None
        keys = self._keys(arrivals, rows)
        order = order_by_time(keys)
        rows, keys = rows[order], keys[order]
        t, cls = arrivals.t[rows], arrivals.cls[rows]
        states, passes = self._read(keys), np.ones(len(rows), bool)
        for level, (offset, length) in enumerate(_WINDOWS):
            window = (t + offset) // length
            first = _firsts(keys, window)
            before = np.cumsum(passes) - passes
            rank = before - before[first] + _counted(states, level, window)
            passes &= rank < limits[level].take(cls)
        if passes.all():
            return None
        refused = np.zeros(len(arrivals), bool)
        refused[rows[~passes]] = True
        return refused

    def refuses(self, own: Arrivals, limits: Ints) -> bool:
        """Whether one message by itself is sent to too often."""
        limit = limits[:, own.cls[0]].tolist()
        return limit[0] > 0 and any(
            count >= most for (_, count), most in zip(self._counts_of_one(own), limit, strict=True)
        )

    def enter(self, own: Arrivals, limits: Ints) -> None:
        """Count one judged message if it passed."""
        if limits[0, own.cls[0]] > 0 and self._passed(own)[0]:
            counts = [(window, count + 1) for window, count in self._counts_of_one(own)]
            self._states_of_one(own)[:] = np.ravel(counts)

    def _counts_of_one(self, own: Arrivals) -> list[tuple[int, int]]:
        """The windows that one message falls into, and what was counted in each before."""
        t, state = int(own.t[0]), self._states_of_one(own).tolist()
        windows = [(t + offset) // length for offset, length in _WINDOWS]
        return [
            (window, state[2 * level + 1] if state[2 * level] == window else 0)
            for level, window in enumerate(windows)
        ]

    def _states_of_one(self, own: Arrivals) -> Ints:
        """The states of the number of one message, to be read or written."""
        message = own.message.start if isinstance(own.message, slice) else own.message[0]
        assert self._live.base.number is not None
        number = self._live.base.number[message]
        states: Ints = self._live.passes[0, message] if number < 0 else self._shared[number]
        return states

    def _passed(self, own: Arrivals) -> Mask:
        fate = self._live.fate.reshape(-1)[own.where]
        place = self._world.fates.place.take(fate)
        passed: Mask = (place == 0) | (place == 3) | (fate == FULL)
        return passed

    def commit(self, own: Arrivals, limits: Ints) -> None:
        """Count judged messages that passed."""
        passed = self._passed(own)
        rows = self._limited(own, limits, passed)
        if not len(rows):
            return
        keys = self._keys(own, rows)
        order = order_by_time(keys)
        keys, t = keys[order], own.t[rows[order]]
        last = np.flatnonzero(np.append(keys[1:] != keys[:-1], True))
        states = self._read(keys[last])
        for level, (offset, length) in enumerate(_WINDOWS):
            window = (t + offset) // length
            first = _firsts(keys, window)[last]
            count = last - first + 1 + _counted(states, level, window[last])
            states[:, 2 * level], states[:, 2 * level + 1] = window[last], count
        self._write(keys[last], states)

    def _limited(self, arrivals: Arrivals, limits: Ints, mask: Mask | None) -> Ints:
        limited: Mask = (limits[0] > 0).take(arrivals.cls)
        return np.flatnonzero(limited if mask is None else limited & mask)

    def _keys(self, arrivals: Arrivals, rows: Ints) -> Ints:
        """A key a number: its place in the shared states, or beyond them that of its message."""
        message = arrivals.message
        if isinstance(message, slice):
            message = np.arange(message.start, message.stop)
        message = message[rows]
        assert self._live.base.number is not None
        number = self._live.base.number[message]
        return np.where(number < 0, message + len(self._shared), number)

    def _read(self, keys: Ints) -> Ints:
        """The states of numbers, a row each."""
        shared = len(self._shared)
        states = np.empty((len(keys), STATES), np.int64)
        own = keys >= shared
        states[~own] = self._shared.take(keys[~own], axis=0)
        states[own] = self._live.passes[0].take(keys[own] - shared, axis=0)
        return states

    def _write(self, keys: Ints, states: Ints) -> None:
        shared = len(self._shared)
        own = keys >= shared
        self._shared[keys[~own]] = states[~own]
        self._live.passes[0][keys[own] - shared] = states[own]


def _counted(states: Ints, level: int, window: Ints) -> Ints:
    """What was counted before for numbers in these windows."""
    return np.where(states[:, 2 * level] == window, states[:, 2 * level + 1], 0)


def _firsts(keys: Ints, window: Ints) -> Ints:
    """For each row the first row of its key and window, which stand together."""
    begins = np.append(True, (keys[1:] != keys[:-1]) | (window[1:] != window[:-1]))
    firsts: Ints = np.maximum.accumulate(np.where(begins, np.arange(len(keys)), 0))
    return firsts
