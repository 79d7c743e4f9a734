"""Mainland messages are billed when they are delivered: what is owed, and from when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.compiled import World
from smssim.simulation.fates import DELIVERED
from smssim.simulation.message_arrivals import Arrivals
from smssim.simulation.window import Live

Ints = NDArray[np.int64]


class Deliveries:
    """Charges of accepted mainland messages that will be delivered and are not booked yet."""

    def __init__(self, world: World, live: Live) -> None:
        self._world, self._live = world, live
        self._owed: list[tuple[Ints, Ints, Ints]] = []
        """When messages leave the queue, when they are delivered, what they cost then."""

    def add(self, own: Arrivals, fate: NDArray[np.uint8], sent_us: Ints) -> None:
        """Take note of judged messages."""
        world = self._world
        billed = np.flatnonzero((fate == DELIVERED) & world.is_mainland.take(own.cls))
        if not len(billed):
            return
        sent_us = sent_us[billed]
        final_us = sent_us + self._live.latency.reshape(-1)[own.where][billed]
        cost = world.delivery_price_micro.take(own.cls[billed]) * own.segments[billed]
        self._owed.append((sent_us, final_us, cost))

    def micro(self, before_us: int, *, book: bool) -> int:
        """What was delivered before an instant and is not booked; *book* says that it is now."""
        total, rest = 0, []
        for sent_us, final_us, cost in self._owed:
            due = final_us < before_us
            total += int(cost[due].sum())
            if not due.all():
                rest.append((sent_us[~due], final_us[~due], cost[~due]))
        if book:
            self._owed = rest
        return total

    def withdraw(self, now_us: int) -> None:
        """Forget messages that still wait in a queue: a freeze fails them."""
        kept = []
        for sent_us, final_us, cost in self._owed:
            gone = sent_us < now_us
            kept.append((sent_us[gone], final_us[gone], cost[gone]))
        self._owed = kept
