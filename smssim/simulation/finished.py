"""Finished messages as columns: what is charged, when they went, what became of them by the end of
the run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.commit import Exceptions
from smssim.simulation.compiled import DELIVERED, WITHDRAWN, World
from smssim.simulation.window import Arrivals, Live

Ints = NDArray[np.int64]


@dataclass
class Rows:
    """Messages in their order; times in microseconds, NEVER for what did not happen before the end
    of the run.
    """

    submitted_us: Ints
    cls: Ints
    request: Ints
    recipient: NDArray[np.int32]
    generation: NDArray[np.int8]
    segments: NDArray[np.uint8]
    fate: NDArray[np.uint8]
    place: NDArray[np.int8]
    left_us: Ints
    """When each left the queue, were it sent, or was withdrawn."""
    final_us: Ints
    covered: NDArray[np.uint8]
    package: NDArray[np.int16]
    cost_micro: Ints
    in_flight: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.submitted_us)

    def sent_us(self, end_us: int) -> Ints:
        """When each was sent before *end_us*: tallies do not ask."""
        return np.where((self.place == 0) & (self.left_us < end_us), self.left_us, NEVER)


def rows_of(world: World, live: Live, straddling: Exceptions, arrivals: Arrivals) -> Rows:
    """Finish *arrivals*, of which every verdict is final."""
    where, message, base = arrivals.where, arrivals.message, live.base
    fate, package = (array.reshape(-1)[where] for array in (live.fate, live.package))
    left_us, latency = (array.reshape(-1)[where] for array in (live.sent_us, live.latency))
    generation = arrivals.generation
    if generation is None:
        generation = np.zeros(len(arrivals), np.int8)
    end_us = world.scenario.end_us
    place = world.fates.place.take(fate)
    final_us = _final_us(arrivals.t, fate, place, left_us, latency)
    late = final_us >= end_us
    np.copyto(final_us, NEVER, where=late)
    in_flight = late & (place == 0)
    covered, cost = _charges(world, live, straddling, arrivals, place, package)
    if world.bills_delivery:
        delivered = np.flatnonzero((fate == DELIVERED) & ~late)
        price = world.delivery_price_micro.take(arrivals.cls[delivered])
        cost[delivered] += price * arrivals.segments[delivered]
    return Rows(
        submitted_us=arrivals.t,
        cls=arrivals.cls,
        request=base.request[message],
        recipient=base.recipient[message],
        generation=generation,
        segments=arrivals.segments,
        fate=fate,
        place=place,
        left_us=left_us,
        final_us=final_us,
        covered=covered,
        package=package,
        cost_micro=cost,
        in_flight=in_flight,
    )


def _final_us(
    t: Ints, fate: NDArray[np.uint8], place: NDArray[np.int8], left_us: Ints, latency: Ints
) -> Ints:
    """When each has its final status."""
    final_us = left_us + latency
    refused = np.flatnonzero(place)
    third = place[refused] == 3
    withdrawn = fate[refused] == WITHDRAWN
    final_us[refused] = np.where(withdrawn, left_us[refused], np.where(third, t[refused], NEVER))
    return final_us


def _charges(
    world: World,
    live: Live,
    straddling: Exceptions,
    arrivals: Arrivals,
    place: NDArray[np.int8],
    package: NDArray[np.int16],
) -> tuple[NDArray[np.uint8], Ints]:
    """Segments covered by packages, and the pay-per-use charge."""
    sent = place == 0
    covered = arrivals.segments * ((package >= 0) & sent)
    cost = world.price_micro.take(arrivals.cls)
    cost *= arrivals.segments * sent - covered
    if straddling.covered:
        keys = live.keys(arrivals)
        for row in np.flatnonzero(
            np.isin(keys, np.fromiter(straddling.covered, np.int64))
        ).tolist():
            key = int(keys[row])
            covered[row] = straddling.covered.pop(key)
            cost[row] = straddling.cost_micro.pop(key)
            straddling.parts.pop(key, None)
    return covered, cost
