"""Resends by predict and verify: which copies the judged messages imply, against those that were
guessed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smssim.engine.fates import DELIVERED
from smssim.engine.live import Live
from smssim.engine.marker import NEVER


def first_wrong_guess(
    live: Live, from_us: int, until_us: int, stopped: dict[int, int]
) -> int | None:
    """The time of the first resend within [from_us, until_us) that was guessed wrongly, or None.

    A copy exists if the one before exists and no earlier one was delivered by then. What happens at
    a moment hangs on earlier moments alone, so everything before the first wrong guess is right.
    The guesses are mended, later ones as well as can be known.
    """
    first = int(np.searchsorted(live.base.t, from_us - live.copies.longest_chain_us))
    own = slice(first, int(np.searchsorted(live.base.t, until_us)))
    message = first + np.flatnonzero(_possible(live, own))
    delivered = live.delivered_us(0, own)[message - first]
    wrong = NEVER
    for generation in range(1, live.generations):
        t = live.t[generation, message]
        exists = (t < NEVER) & (delivered > t)
        _stop(live, exists, message, t, stopped)
        guessed = live.exists[generation, message]
        differs = (exists != guessed) & (t >= from_us)
        bad = differs & (t < until_us)
        if bad.any():
            wrong = min(wrong, int(t[bad].min()))
        live.exists[generation, message[differs]] = exists[differs]
        live.exists[generation + 1 :, message[differs & ~exists]] = False
        exists = np.where(differs, exists, guessed)
        message, t, delivered = message[exists], t[exists], delivered[exists]
        unmarked = message[~live.marked[generation, message]]
        if len(unmarked):
            live.mark_copies(generation, unmarked)
        delivered = np.minimum(delivered, _delivered(live, generation, message, t, until_us))
    return None if wrong == NEVER else wrong


def _possible(live: Live, own: slice) -> NDArray[np.bool_]:
    """Messages of which a resend exists by the guess, or by what is known of the first copy."""
    t = live.t[1, own]
    possible = live.delivered_us(0, own) > t
    possible &= t < NEVER
    possible |= live.exists[1, own]
    if live.servers is not None:
        possible &= ~live.servers.of_class.take(live.base.cls[own])
    return possible


def _delivered(
    live: Live, generation: int, message: NDArray[np.int64], t: NDArray[np.int64], until_us: int
) -> NDArray[np.int64]:
    """When copies were delivered, or would be if they were sent at once."""
    latency = live.latency[generation, message]
    known = live.sent_us[generation, message] + latency
    known[live.fate[generation, message] != DELIVERED] = NEVER
    expected = t + latency
    expected[live.drawn[generation, message] != DELIVERED] = NEVER
    delivered: NDArray[np.int64] = np.where(t < until_us, known, expected)
    return delivered


def _stop(
    live: Live,
    exists: NDArray[np.bool_],
    message: NDArray[np.int64],
    t: NDArray[np.int64],
    stopped: dict[int, int],
) -> None:
    """Let no resend of a stopped source exist."""
    if stopped:
        source = live.world.source.take(live.base.cls.take(message))
        for number, stop_us in stopped.items():
            exists &= (source != number) | (t < stop_us)
