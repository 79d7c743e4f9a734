"""Resends by users, by predict and verify: which copies the judged messages imply, against those
that were guessed.

Guesses are made block by block, when it is known whom the account's settings refuse: a copy that
is certain to be refused is certain not to be delivered, and its user asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.fates import DELIVERED, UNBORN

if TYPE_CHECKING:
    from smssim.simulation.window import Live

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class UserResends:
    """Which copies users ask for, guessed as far as messages have been looked at."""

    def __init__(self) -> None:
        self._guessed_us = 0
        self._in_vain: Mask | None = None

    def guess(
        self, live: Live, from_us: int, until_us: int, stopped: dict[int, int], in_vain: Mask | None
    ) -> None:
        """Guess the resends of messages born before *until_us*, by what is known before *from_us*.

        *in_vain* are the classes of which nothing is delivered now, None if there are none. Earlier
        guesses are made anew where they differ from before.
        """
        if not _same(in_vain, self._in_vain):
            self._in_vain = in_vain
            self._guessed_us = min(self._guessed_us, from_us - live.copies.longest_chain_us)
        own = _born(live, self._guessed_us, until_us)
        self._guessed_us = max(self._guessed_us, until_us)
        self._mend(live, own, from_us, from_us, stopped)

    def first_wrong(
        self, live: Live, from_us: int, until_us: int, stopped: dict[int, int]
    ) -> int | None:
        """The time of the first resend within [from_us, until_us) that was guessed wrongly, or
        None.

        A copy exists if the one before exists and no earlier one was delivered by then. What
        happens at a moment hangs on earlier moments alone, so everything before the first wrong
        guess is right. The guesses are mended, later ones as well as can be known.
        """
        own = _born(live, from_us - live.copies.longest_chain_us, until_us)
        wrong = self._mend(live, own, from_us, until_us, stopped)
        return None if wrong == NEVER else wrong

    def _mend(
        self, live: Live, own: slice, from_us: int, known_us: int, stopped: dict[int, int]
    ) -> int:
        """Mend the copies at *from_us* or later of the messages *own*, by the results before
        *known_us*; return the earliest before it that was wrong, NEVER if none was.
        """
        message, delivered = self._possible(live, own, known_us)
        wrong = NEVER
        for generation in range(1, live.generations):
            if not len(message):
                break
            t = live.t[generation, message]
            exists = (t < NEVER) & (delivered > t)
            _stop(live, exists, message, t, stopped)
            guessed = live.exists[generation, message]
            differs = (exists != guessed) & (t >= from_us)
            bad = differs & (t < known_us)
            if bad.any():
                wrong = min(wrong, int(t[bad].min()))
            live.exists[generation, message[differs]] = exists[differs]
            live.exists[generation + 1 :, message[differs & ~exists]] = False
            exists = np.where(differs, exists, guessed)
            message, delivered = message[exists], delivered[exists]
            live.mark_copies(generation, message)
            at = self._delivered(live, generation, message, known_us)
            delivered = np.minimum(delivered, at)
        return wrong

    def _possible(self, live: Live, own: slice, known_us: int) -> tuple[Ints, Ints]:
        """Messages of which a resend exists by the guess, or by what is known of the first copy;
        and when that is delivered.
        """
        t, delivered = live.t[1, own], self._delivered(live, 0, own, known_us)
        possible = delivered > t
        possible &= t < NEVER
        possible |= live.exists[1, own]
        if live.servers is not None:
            possible &= ~live.servers.of_class.take(live.base.cls[own])
        place = np.flatnonzero(possible)
        return own.start + place, delivered[place]

    def _delivered(self, live: Live, generation: int, message: slice | Ints, known_us: int) -> Ints:
        """When copies were delivered, or would be if they were sent at once; NEVER if not."""
        t, latency = live.t[generation, message], live.latency[generation, message]
        fate = live.fate[generation, message]
        judged = (t < known_us) & (fate != UNBORN)
        known: Ints = live.sent_us[generation, message] + latency
        known[fate != DELIVERED] = NEVER
        if judged.all():
            return known
        expected = t + latency
        expected[live.drawn[generation, message] != DELIVERED] = NEVER
        if self._in_vain is not None:
            expected[self._in_vain.take(live.base.cls[message])] = NEVER
        delivered: Ints = np.where(judged, known, expected)
        return delivered


def _same(one: Mask | None, other: Mask | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool((one == other).all())


def _born(live: Live, from_us: int, until_us: int) -> slice:
    """The places of the messages born within [from_us, until_us)."""
    begin, end = (int(i) for i in np.searchsorted(live.base.t, [from_us, until_us]))
    return slice(begin, end)


def _stop(live: Live, exists: Mask, message: Ints, t: Ints, stopped: dict[int, int]) -> None:
    """Let no resend of a stopped source exist."""
    if stopped:
        source = live.world.source.take(live.base.cls.take(message))
        for number, stop_us in stopped.items():
            exists &= (source != number) | (t < stop_us)
