"""Committing judged messages: counters, packages and charges move on, results become final."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import to_datetime, to_us
from smssim.scenario import UndeliveredCharge, micro
from smssim.simulation.account.account import Account, Verdict, Withdrawal
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.compiled import DELIVERED, SEGMENT_CELLS, WITHDRAWN, CompiledScenario
from smssim.simulation.judge import BlockVerdicts, counted_mask
from smssim.simulation.resends import ServerResends
from smssim.simulation.rules.rule import CountingRule
from smssim.simulation.snapshot import RuleSnapshot
from smssim.simulation.window import MessageBatch, MessageWindow

__all__ = ["Committer", "PendingBlock", "Straddling"]


class _BillingOnDelivery:
    """Charges of accepted mainland messages that will be delivered and are not booked yet."""

    def __init__(self, compiled: CompiledScenario, window: MessageWindow) -> None:
        self._compiled, self._window = compiled, window
        self._owed: list[tuple[Ints, Ints, Ints]] = []
        """When messages leave the queue, when they are delivered, what they cost then."""

    def add(self, batch: MessageBatch, outcome_code: NDArray[np.uint8], sent_us: Ints) -> None:
        """Take note of judged messages."""
        compiled = self._compiled
        billed = np.flatnonzero((outcome_code == DELIVERED) & compiled.is_mainland.take(batch.cls))
        if not len(billed):
            return
        sent_us = sent_us[billed]
        final_us = sent_us + self._window.latency.reshape(-1)[batch.where][billed]
        price = compiled.delivery_prices.of(batch.cls[billed], batch.t[billed])
        cost = price * batch.segments[billed]
        self._owed.append((sent_us, final_us, cost))

    def micro(self, before_us: int, *, book: bool) -> int:
        """Charges delivered before an instant and not booked; *book* marks them as booked."""
        total, rest = 0, []
        for sent_us, final_us, cost in self._owed:
            due = final_us < before_us
            total += int(cost[due].sum())
            if not due.all():
                rest.append((sent_us[~due], final_us[~due], cost[~due]))
        if book:
            self._owed = rest
        return total

    def restore(self, charges: Sequence[UndeliveredCharge]) -> None:
        """Take over charges of before the run."""
        rows = [(to_us(c.sent_at), to_us(c.delivered_at), micro(c.cost)) for c in charges]
        if rows:
            sent_us, final_us, cost = np.array(rows, np.int64).T
            self._owed.append((sent_us, final_us, cost))

    def charges(self) -> list[UndeliveredCharge]:
        """The charges that are not booked."""
        return [
            UndeliveredCharge(
                sent_at=to_datetime(sent), delivered_at=to_datetime(final), cost=cost / 1e6
            )
            for owed in self._owed
            for sent, final, cost in zip(*(column.tolist() for column in owed), strict=True)
        ]

    def withdraw(self, now_us: int) -> None:
        """Forget messages that still wait in a queue: a freeze fails them."""
        remaining = []
        for sent_us, final_us, cost in self._owed:
            gone = sent_us < now_us
            remaining.append((sent_us[gone], final_us[gone], cost[gone]))
        self._owed = remaining


@dataclass
class Straddling:
    """Messages that straddle the end of a package, by key: segments covered, cost, packages."""

    covered: dict[int, int] = field(default_factory=dict)
    cost_micro: dict[int, int] = field(default_factory=dict)
    parts: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


class Committer:
    """Commits judged blocks: counters, packages, charges and queues move on; nothing fires."""

    def __init__(
        self,
        compiled: CompiledScenario,
        account: Account,
        window: MessageWindow,
        servers: ServerResends | None,
        counting: Sequence[CountingRule],
    ) -> None:
        self._compiled, self._account, self._window = compiled, account, window
        self._servers = servers
        self.straddling = Straddling()
        self.billing = _BillingOnDelivery(compiled, window)
        self._counting = counting
        self._waiting: deque[tuple[Ints, Ints, Ints]] = deque()
        """Keys, times of leaving the queue and of arrival of accepted messages, if any can fail."""
        self._can_freeze = account.balance_micro is not None
        self._segments = np.arange(SEGMENT_CELLS)

    def commit(
        self,
        batch: MessageBatch,
        verdicts: BlockVerdicts,
        rules: RuleSnapshot,
        begin: int,
        end: int,
    ) -> None:
        """Account for the judged messages at indexes *begin* up to *end*, whose verdicts stand."""
        if begin == end:
            return
        block = slice(begin, end)
        committed = batch.take(block)
        sent = None if verdicts.sent is None else verdicts.sent[block]
        platform_refused = (
            None if verdicts.platform_refused is None else verdicts.platform_refused[block]
        )
        cls, segments = committed.cls, committed.segments
        if rules.package is not None:
            package = rules.package.take(cls)
            if sent is not None:
                package[~sent] = -1
            self._window.package.reshape(-1)[committed.where] = package
        counts = self._histogram(cls, segments, sent)
        # No block reaches beyond a change of prices.
        self._charge(counts, self._compiled.prices.at(int(committed.t[-1])))
        counted = counted_mask(self._account, sent, platform_refused)
        self._count(counts if counted is sent else self._histogram(cls, segments, counted))
        self._move_queues(cls, verdicts.sent_us[block], sent)
        if self._can_freeze:
            self._remember(committed, verdicts.sent_us[block], sent)
        for rule, ranks in zip(self._counting, verdicts.ranks, strict=True):
            if ranks is not None:
                rule.commit(batch, ranks, begin, end)

    def enter(
        self,
        message: MessageBatch,
        verdict: Verdict,
        outcome_code: int,
        now_us: int,
    ) -> None:
        """Commit one message that was judged by itself."""
        window, position = self._window, message.position(0)
        window.outcome_code.ravel()[position] = outcome_code
        window.sent_us.ravel()[position] = NEVER if verdict.sent_us is None else verdict.sent_us
        window.package.ravel()[position] = verdict.parts[0][0].id if verdict.parts else -1
        covered = sum(covered_segments for _, covered_segments in verdict.parts)
        key = int(window.keys(message)[0])
        if verdict.sent_us is not None and covered < int(window.segments.ravel()[position]):
            self.straddling.covered[key] = covered
            self.straddling.cost_micro[key] = verdict.cost_micro
        if len(verdict.parts) > 1:
            self.straddling.parts[key] = [
                (package.id, covered_segments) for package, covered_segments in verdict.parts
            ]
        if self._can_freeze and verdict.sent_us is not None:
            row = (np.array([key]), np.array([verdict.sent_us]), np.array([now_us]))
            self._waiting.append(row)
        if self._compiled.bills_delivery:
            self.billing.add(
                message, *(a.ravel()[[position]] for a in (window.outcome_code, window.sent_us))
            )
        for rule in self._counting:
            rule.enter(message)

    def restore_waiting(self, keys: Ints, sent_us: Ints, t: Ints) -> None:
        """Take over accepted messages of before the run that still wait in a queue."""
        if self._can_freeze and len(keys):
            self._waiting.append((keys, sent_us, t))

    def earliest_waiting(self, now_us: int) -> int:
        """When the first message that still waits in a queue came, or *now_us*."""
        while self._waiting and int(self._waiting[0][1].max()) < now_us:
            self._waiting.popleft()
        waits = [t[sent >= now_us] for _, sent, t in self._waiting]
        return min((int(t.min()) for t in waits if len(t)), default=now_us)

    def withdraw(self, now_us: int) -> Withdrawal:
        """Fail all that waits: outcomes, packages and charges are taken back."""
        window, compiled = self._window, self._compiled
        returned: dict[int, int] = {}
        cost = 0
        for keys, sent, _ in self._waiting:
            waiting = sent >= now_us
            keys, sent = keys[waiting], sent[waiting]
            positions = window.positions(keys)
            cls = window.base.cls.take(positions % max(1, len(window)))
            for number, name in enumerate(compiled.queues):
                in_queue = compiled.queue.take(cls) == number
                if in_queue.any():
                    queue = self._account.queues[name]
                    queue.free_us = min(queue.free_us, int(sent[in_queue].min()))
            cost += self._take_back(keys, positions, cls, returned)
            window.outcome_code.ravel()[positions] = WITHDRAWN
            window.sent_us.ravel()[positions] = now_us
            window.package.ravel()[positions] = -1
            if self._servers is not None:
                self._servers.follow_withdrawn(window, positions)
        self._waiting.clear()
        self.billing.withdraw(now_us)
        return Withdrawal(returned, cost)

    def _take_back(self, keys: Ints, positions: Ints, cls: Ints, returned: dict[int, int]) -> int:
        package = self._window.package.ravel()[positions]
        segments = self._window.segments.ravel()[positions].astype(np.int64)
        price = self._compiled.prices.of(cls, self._window.t.ravel()[positions])
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
            for number, deducted in straddles.parts.pop(key, [(int(package[i]), covered)]):
                if deducted:
                    returned[number] = returned.get(number, 0) + deducted
        return cost

    def _histogram(
        self, cls: Ints, segments: NDArray[np.uint8], mask: NDArray[np.bool_] | None
    ) -> Ints:
        """Messages by class and segments."""
        cell = cls * SEGMENT_CELLS
        cell += segments
        if mask is not None:
            cell = cell[mask]
        cells = len(self._compiled.pairs) * SEGMENT_CELLS
        return np.bincount(cell, minlength=cells).reshape(-1, SEGMENT_CELLS)

    def _charge(self, counts: Ints, price_micro: Ints) -> None:
        segments = counts @ self._segments
        for number in np.flatnonzero(segments).tolist():
            quota = self._account.countries[self._compiled.pairs[number][1]]
            if quota.giving is not None:
                quota.giving.left -= int(segments[number])
            else:
                self._account.accrued_micro += int(segments[number]) * int(price_micro[number])

    def _count(self, counts: Ints) -> None:
        thresholds = self._account.thresholds
        weight = counts @ self._segments if thresholds.by_segment else counts.sum(axis=1)
        by_country: dict[str, int] = {}
        for number in np.flatnonzero(weight).tolist():
            country = self._compiled.pairs[number][1]
            by_country[country] = by_country.get(country, 0) + int(weight[number])
        thresholds.count_quietly(by_country)

    def _move_queues(self, cls: Ints, sent_us: Ints, sent: NDArray[np.bool_] | None) -> None:
        queues = self._compiled.queues
        number = self._compiled.queue.take(cls) if len(queues) > 1 else None
        for i, name in enumerate(queues):
            leaves_us = sent_us if sent is None else sent_us[sent]
            if number is not None:
                leaves_us = sent_us[number == i] if sent is None else sent_us[sent & (number == i)]
            if len(leaves_us):
                queue = self._account.queues[name]
                queue.free_us = int(leaves_us[-1]) + queue.gap_us

    def _remember(
        self, committed: MessageBatch, sent_us: Ints, sent: NDArray[np.bool_] | None
    ) -> None:
        keys, t = self._window.keys(committed), committed.t
        if sent is not None:
            keys, t, sent_us = keys[sent], t[sent], sent_us[sent]
        if len(keys):
            self._waiting.append((keys, sent_us, t))


class PendingBlock:
    """Judged messages: those before *stop* may be committed, those before *done* are; the
    deliveries of those before *owed* are noted.

    Readers of the account ask here what the messages up to now would add, so that reading commits
    nothing and cuts no block.
    """

    def __init__(
        self,
        compiled: CompiledScenario,
        account: Account,
        batch: MessageBatch,
        verdicts: BlockVerdicts,
        rules: RuleSnapshot,
        stop: int,
    ) -> None:
        self.batch, self.verdicts, self.rules, self.stop = batch, verdicts, rules, stop
        self.done = self.owed = 0
        self._compiled, self._account = compiled, account
        self._running: dict[str, Ints] = {}

    def before(self, now_us: int) -> int:
        """How many messages come before *now_us* and may be committed."""
        return max(self.done, min(int(self.batch.t.searchsorted(now_us)), self.stop))

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
            running = np.zeros(len(self.batch) + 1, np.int64)
            np.cumsum(column(), out=running[1:])
            self._running[name] = running
        running = self._running[name]
        return int(running[self.before(now_us)] - running[self.done])

    def _costs_micro(self) -> Ints:
        cost = self._compiled.prices.of(self.batch.cls, self.batch.t)
        if self.rules.package is not None:
            cost *= (self.rules.package < 0).take(self.batch.cls)
        cost *= self.batch.segments
        if self.verdicts.sent is not None:
            cost *= self.verdicts.sent
        return cost

    def _weights(self) -> Ints:
        by_segment = self._account.thresholds.by_segment
        weight = np.ones(len(self.batch), np.int64)
        if by_segment:
            weight *= self.batch.segments
        counted = counted_mask(self._account, self.verdicts.sent, self.verdicts.platform_refused)
        if self._compiled.bills_delivery:
            weight[self._compiled.is_mainland.take(self.batch.cls)] = 0
        if counted is not None:
            weight[~counted] = 0
        return weight

    def _deductions(self, country: str) -> Ints:
        number = self._compiled.countries.index(country)
        deducted = self._compiled.country.take(self.batch.cls) == number
        if self.rules.package is None:
            return np.zeros(len(deducted), np.int64)
        deducted &= self.rules.package.take(self.batch.cls) >= 0
        if self.verdicts.sent is not None:
            deducted &= self.verdicts.sent
        return np.where(deducted, self.batch.segments, 0).astype(np.int64)
