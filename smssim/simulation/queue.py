"""The sending queue on arrays: a running maximum while it has room, a running minimum while it is
full.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_STRETCH = 8_192


def line_up(
    t_us: Ints, free_us: int, gap_us: int, longest_wait_us: int | None
) -> tuple[Ints, NDArray[np.bool_] | None]:
    """When each of the messages arriving at *t_us* goes, and which are let in (None: all).

    One server, *gap_us* a message, idle from *free_us*; a message that would wait longer than
    *longest_wait_us* is refused and takes no slot. Equal to `model.queue.SendingQueue` message by
    message (Lindley's recursion).
    """
    if longest_wait_us is None:
        return _with_room(t_us, free_us, gap_us), None
    sent, accepted = np.empty(len(t_us), np.int64), np.empty(len(t_us), bool)
    i = 0
    while i < len(t_us):
        stretch = t_us[i : i + _STRETCH]
        starts = _with_room(stretch, free_us, gap_us)
        n = _first(starts - stretch > longest_wait_us)
        sent[i : i + n], accepted[i : i + n] = starts[:n], True
        i += n
        if n:
            free_us = int(starts[n - 1]) + gap_us
        if n < len(stretch):
            stretch = stretch[n:]
            starts, let_in = _full(stretch, free_us, gap_us, longest_wait_us)
            n = _first(starts < stretch)
            sent[i : i + n], accepted[i : i + n] = starts[:n], let_in[:n]
            i += n
            free_us += int(let_in[:n].sum()) * gap_us
    return sent, None if accepted.all() else accepted


def _with_room(t_us: Ints, free_us: int, gap_us: int) -> Ints:
    """Starts while nobody is refused: the running maximum of arrivals less the work before them."""
    if not len(t_us):
        return np.empty(0, np.int64)
    work = np.arange(0, len(t_us) * gap_us, gap_us)
    starts = t_us - work
    starts[0] = max(int(starts[0]), free_us)
    np.maximum.accumulate(starts, out=starts)
    starts += work
    return starts


def _full(
    t_us: Ints, free_us: int, gap_us: int, longest_wait_us: int
) -> tuple[Ints, NDArray[np.bool_]]:
    """Starts while the server never rests: the number let in is a running minimum of the room there
    is.
    """
    r = np.arange(len(t_us))
    room = (longest_wait_us + t_us - free_us) // gap_us
    before = np.zeros(len(t_us), np.int64)
    np.minimum.accumulate((room - r)[:-1], out=before[1:])
    np.minimum(before, 0, out=before)
    before += r
    return free_us + before * gap_us, before <= room


def _first(condition: NDArray[np.bool_]) -> int:
    """The first place where *condition* holds, or its length."""
    place = int(condition.argmax()) if len(condition) else 0
    return place if len(condition) and condition[place] else len(condition)
