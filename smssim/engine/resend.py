"""Resends by predict and verify: which copies the judged messages imply, against those that were guessed."""

from __future__ import annotations

import numpy as np

from smssim.engine.live import NEVER, Live


def first_wrong_guess(live: Live, from_us: int, until_us: int, stopped: dict[int, int]) -> int | None:
    """The time of the first resend within [from_us, until_us) that was guessed wrongly, or None.

    A copy exists if the one before exists and no earlier one was delivered by then. What happens at a moment hangs on earlier
    moments alone, so everything before the first wrong guess is right. The guesses are mended, later ones as well as can
    be known.
    """
    if live.generations == 1:
        return None
    first = int(np.searchsorted(live.base.t, from_us - live.longest_chain_us))
    last = int(np.searchsorted(live.base.t, until_us))
    own = slice(first, last)
    source = live._world.source.take(live.base.cls[own])
    wrong = NEVER
    exists = np.ones(last - first, bool)
    delivered = live.delivered_us(0, first, last)
    for generation in range(1, live.generations):
        t = live.t[generation, own]
        exists = exists & (t < NEVER) & (delivered > t)
        for number, stop_us in stopped.items():
            exists &= (source != number) | (t < stop_us)
        guessed = live.exists[generation, own]
        bad = (exists != guessed) & (t >= from_us) & (t < until_us)
        if bad.any():
            wrong = min(wrong, int(t[bad].min()))
        live.exists[generation, own] = np.where(t >= from_us, exists, guessed)
        known = live.delivered_us(generation, first, last)
        expected = np.where(live.drawn[generation, own] == 8, t + live.latency[generation, own], NEVER)
        at = np.where(t < until_us, known, expected)
        delivered = np.where(exists, np.minimum(delivered, at), delivered)
    return None if wrong == NEVER else wrong
