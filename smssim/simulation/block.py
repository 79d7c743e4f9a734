"""A judged block while it is being committed: how far it is, and what is pending in it at any
moment.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.account.account import Account
from smssim.simulation.compiled import World
from smssim.simulation.crossing import counted_mask
from smssim.simulation.judge import Judgement
from smssim.simulation.message_arrivals import Arrivals
from smssim.simulation.snapshot import Terms

Ints = NDArray[np.int64]


class Block:
    """Judged messages: those before *stop* may be committed, those before *done* are; the
    deliveries of those before *owed* are noted.

    Whoever only reads the account asks here what the messages up to now would add, so that reading
    commits nothing and cuts nothing.
    """

    def __init__(
        self,
        world: World,
        account: Account,
        arrivals: Arrivals,
        judgement: Judgement,
        terms: Terms,
        stop: int,
    ) -> None:
        self.arrivals, self.judgement, self.terms, self.stop = arrivals, judgement, terms, stop
        self.done = self.owed = 0
        self._world, self._account = world, account
        self._running: dict[str, Ints] = {}

    def before(self, now_us: int) -> int:
        """How many messages come before *now_us* and may be committed."""
        return max(self.done, min(int(self.arrivals.t.searchsorted(now_us)), self.stop))

    def charged_micro(self, now_us: int) -> int:
        """Pay-per-use charges not committed yet of messages before *now_us*."""
        return self._pending("charged", self._costs_micro, now_us)

    def counted(self, now_us: int) -> int:
        """What they add to the thresholds' counters."""
        return self._pending("counted", self._weights, now_us)

    def deducted(self, country: str, now_us: int) -> int:
        """What they take from the packages of *country*."""
        return self._pending(country, lambda: self._deductions(country), now_us)

    def _pending(self, name: str, column: Callable[[], Ints], now_us: int) -> int:
        if name not in self._running:
            running = np.zeros(len(self.arrivals) + 1, np.int64)
            np.cumsum(column(), out=running[1:])
            self._running[name] = running
        running = self._running[name]
        return int(running[self.before(now_us)] - running[self.done])

    def _costs_micro(self) -> Ints:
        price = self._world.price_micro
        if self.terms.package is not None:
            price = price * (self.terms.package < 0)
        cost: Ints = price.take(self.arrivals.cls)
        cost *= self.arrivals.segments
        if self.judgement.sent is not None:
            cost *= self.judgement.sent
        return cost

    def _weights(self) -> Ints:
        by_segment = self._account.thresholds.by_segment
        weight = np.ones(len(self.arrivals), np.int64)
        if by_segment:
            weight *= self.arrivals.segments
        counted = counted_mask(self._account, self.judgement.sent, self.judgement.third)
        if self._world.bills_delivery:
            weight[self._world.is_mainland.take(self.arrivals.cls)] = 0
        if counted is not None:
            weight[~counted] = 0
        return weight

    def _deductions(self, country: str) -> Ints:
        number = self._world.countries.index(country)
        own = self._world.country.take(self.arrivals.cls) == number
        if self.terms.package is None:
            return np.zeros(len(own), np.int64)
        own &= self.terms.package.take(self.arrivals.cls) >= 0
        if self.judgement.sent is not None:
            own &= self.judgement.sent
        return np.where(own, self.arrivals.segments, 0).astype(np.int64)
