"""Committing judged messages: counters, packages and charges move on, results become final."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.account.account import Account, Verdict, Withdrawal
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.compiled import DELIVERED, SEGMENT_CELLS, WITHDRAWN, World
from smssim.simulation.frequency import Passes
from smssim.simulation.judge import Judgement, counted_mask
from smssim.simulation.snapshot import Terms
from smssim.simulation.window import Arrivals, Live

# Mainland messages are billed when they are delivered: what is owed, and from when.

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


@dataclass
class Exceptions:
    """Messages that straddle the end of a package, by key: what was covered, what it cost, who
    gave.
    """

    covered: dict[int, int] = field(default_factory=dict)
    cost_micro: dict[int, int] = field(default_factory=dict)
    parts: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


class Books:
    """Moves the account on by blocks of messages of which it is known that nothing fires."""

    def __init__(self, world: World, account: Account, live: Live) -> None:
        self._world, self._account, self._live = world, account, live
        self.straddling = Exceptions()
        self.deliveries = Deliveries(world, live)
        self.passes = Passes(world, live)
        self._waiting: deque[tuple[Ints, Ints, Ints]] = deque()
        """Keys, times of leaving the queue and times of arrival of accepted messages; kept where a
        freeze can come.
        """
        self._can_freeze = account.balance_micro is not None
        self._segments = np.arange(SEGMENT_CELLS)

    def commit(
        self, arrivals: Arrivals, judgement: Judgement, terms: Terms, begin: int, end: int
    ) -> None:
        """Account for the judged messages at places *begin* up to *end*, whose fates stand."""
        if begin == end:
            return
        block, own = slice(begin, end), arrivals.part(begin, end)
        sent = None if judgement.sent is None else judgement.sent[block]
        third = None if judgement.third is None else judgement.third[block]
        cls, segments = own.cls, own.segments
        if terms.package is not None:
            package = terms.package.take(cls)
            if sent is not None:
                package[~sent] = -1
            self._live.package.reshape(-1)[own.where] = package
        counts = self._histogram(cls, segments, sent)
        self._charge(counts)
        counted = counted_mask(self._account, sent, third)
        self._count(counts if counted is sent else self._histogram(cls, segments, counted))
        self._move_queues(cls, judgement.sent_us[block], sent)
        if self._can_freeze:
            self._remember(own, judgement.sent_us[block], sent)
        if judgement.ranking is not None:
            self.passes.commit(arrivals, judgement.ranking, begin, end)

    def enter(
        self, own: Arrivals, verdict: Verdict, fate: int, now_us: int, frequency: Ints | None
    ) -> None:
        """Write down one message that was judged by itself."""
        live, place = self._live, own.place(0)
        live.fate.ravel()[place] = fate
        live.sent_us.ravel()[place] = NEVER if verdict.sent_us is None else verdict.sent_us
        live.package.ravel()[place] = verdict.parts[0][0].id if verdict.parts else -1
        covered = sum(given for _, given in verdict.parts)
        key = int(live.keys(own)[0])
        if verdict.sent_us is not None and covered < int(live.segments.ravel()[place]):
            self.straddling.covered[key] = covered
            self.straddling.cost_micro[key] = verdict.cost_micro
        if len(verdict.parts) > 1:
            self.straddling.parts[key] = [(package.id, given) for package, given in verdict.parts]
        if self._can_freeze and verdict.sent_us is not None:
            row = (np.array([key]), np.array([verdict.sent_us]), np.array([now_us]))
            self._waiting.append(row)
        if self._world.bills_delivery:
            self.deliveries.add(own, *(a.ravel()[[place]] for a in (live.fate, live.sent_us)))
        if frequency is not None:
            self.passes.enter(own, frequency)

    def earliest_waiting(self, now_us: int) -> int:
        """When the first message that still waits in a queue came, or *now_us*."""
        while self._waiting and int(self._waiting[0][1].max()) < now_us:
            self._waiting.popleft()
        waits = [t[sent >= now_us] for _, sent, t in self._waiting]
        return min((int(t.min()) for t in waits if len(t)), default=now_us)

    def withdraw(self, now_us: int) -> Withdrawal:
        """Fail all that waits: fates, packages and charges go back."""
        live, world = self._live, self._world
        returned: dict[int, int] = {}
        cost = 0
        for keys, sent, _ in self._waiting:
            waiting = sent >= now_us
            keys, sent = keys[waiting], sent[waiting]
            places = live.places(keys)
            cls = live.base.cls.take(places % max(1, len(live)))
            for number, name in enumerate(world.queues):
                own = world.queue.take(cls) == number
                if own.any():
                    queue = self._account.queues[name]
                    queue.free_us = min(queue.free_us, int(sent[own].min()))
            cost += self._take_back(keys, places, cls, returned)
            live.fate.ravel()[places] = WITHDRAWN
            live.sent_us.ravel()[places] = now_us
            live.package.ravel()[places] = -1
            if live.servers is not None:
                live.servers.follow_withdrawn(live, places)
        self._waiting.clear()
        self.deliveries.withdraw(now_us)
        return Withdrawal(returned, cost)

    def _take_back(self, keys: Ints, places: Ints, cls: Ints, returned: dict[int, int]) -> int:
        package = self._live.package.ravel()[places]
        segments = self._live.segments.ravel()[places].astype(np.int64)
        price = self._world.price_micro.take(cls)
        straddles = self.straddling
        odd = (
            np.array([k in straddles.covered or k in straddles.parts for k in keys.tolist()], bool)
            if straddles.covered or straddles.parts
            else np.zeros(len(keys), bool)
        )
        plain = ~odd & (package >= 0)
        for number, n in enumerate(np.bincount(package[plain], segments[plain]).tolist()):
            if n:
                returned[number] = returned.get(number, 0) + int(n)
        cost = int((segments * price)[~odd & (package < 0)].sum())
        for i in np.flatnonzero(odd).tolist():
            key = int(keys[i])
            covered = straddles.covered.pop(key, int(segments[i]))
            cost += straddles.cost_micro.pop(key, 0)
            for number, given in straddles.parts.pop(key, [(int(package[i]), covered)]):
                if given:
                    returned[number] = returned.get(number, 0) + given
        return cost

    def _histogram(
        self, cls: Ints, segments: NDArray[np.uint8], mask: NDArray[np.bool_] | None
    ) -> Ints:
        """Messages by class and segments."""
        cell = cls * SEGMENT_CELLS
        cell += segments
        if mask is not None:
            cell = cell[mask]
        cells = len(self._world.pairs) * SEGMENT_CELLS
        return np.bincount(cell, minlength=cells).reshape(-1, SEGMENT_CELLS)

    def _charge(self, counts: Ints) -> None:
        segments = counts @ self._segments
        for number in np.flatnonzero(segments).tolist():
            quota = self._account.countries[self._world.pairs[number][1]]
            if quota.giving is not None:
                quota.giving.left -= int(segments[number])
            else:
                self._account.accrued_micro += int(
                    segments[number] * self._world.price_micro[number]
                )

    def _count(self, counts: Ints) -> None:
        thresholds = self._account.thresholds
        weight = counts @ self._segments if thresholds.by_segment else counts.sum(axis=1)
        by_country: dict[str, int] = {}
        for number in np.flatnonzero(weight).tolist():
            country = self._world.pairs[number][1]
            by_country[country] = by_country.get(country, 0) + int(weight[number])
        thresholds.count_quietly(by_country)

    def _move_queues(self, cls: Ints, sent_us: Ints, sent: NDArray[np.bool_] | None) -> None:
        queues = self._world.queues
        number = self._world.queue.take(cls) if len(queues) > 1 else None
        for i, name in enumerate(queues):
            own = sent_us if sent is None else sent_us[sent]
            if number is not None:
                own = sent_us[number == i] if sent is None else sent_us[sent & (number == i)]
            if len(own):
                queue = self._account.queues[name]
                queue.free_us = int(own[-1]) + queue.gap_us

    def _remember(self, own: Arrivals, sent_us: Ints, sent: NDArray[np.bool_] | None) -> None:
        keys, t = self._live.keys(own), own.t
        if sent is not None:
            keys, t, sent_us = keys[sent], t[sent], sent_us[sent]
        if len(keys):
            self._waiting.append((keys, sent_us, t))
