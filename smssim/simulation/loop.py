"""Drives the account's SimPy events and the messages between them: speculate, verify, commit, then
step.

SimPy never runs ahead of committed messages: its generators cannot be undone, so nothing in SimPy
ever is. Only a change of the account cuts a block; how long blocks are is tuning and changes no
result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import simpy
from numpy.typing import NDArray

from smssim.calendars import HOUR
from smssim.scenario import Scenario
from smssim.simulation.account import money
from smssim.simulation.account import schedule as schedule
from smssim.simulation.account.account import Account, Verdict, Withdrawal
from smssim.simulation.account.events import EventPriority
from smssim.simulation.account.tasks import Tasks
from smssim.simulation.arrivals import message_sources
from smssim.simulation.arrivals.messages import new_messages
from smssim.simulation.commit import Committer
from smssim.simulation.compiled import CompiledScenario
from smssim.simulation.finished import FinishedMessages, finish
from smssim.simulation.judge import (
    BlockVerdicts,
    counted_mask,
    judge,
    preview,
    state_change_if_sent,
)
from smssim.simulation.policies.account_view import AccountView, Policy
from smssim.simulation.setup.review import setup_timeline
from smssim.simulation.snapshot import (
    RuleSnapshot,
    as_reported,
    frequency_limits,
    never_delivered,
    snapshot,
)
from smssim.simulation.window import MessageBatch, MessageWindow
from smssim.stats.keyed_random import Marks

Ints = NDArray[np.int64]


class ScalarJudge:
    """Judges the messages that change the account one by one, by the scalar rules.

    Each is an event of its instant, after the control events of the same instant.
    """

    def __init__(
        self,
        compiled: CompiledScenario,
        account: Account,
        window: MessageWindow,
        committer: Committer,
    ) -> None:
        self.compiled, self.account, self.window, self.committer = (
            compiled,
            account,
            window,
            committer,
        )

    def judge(self, batch: MessageBatch, index: int, step_to: Callable[[int], None]) -> int:
        """Judge the message at *index* and the rest of its request, *step_to* the instant of it
        after each; return the index after the last.
        """
        now_us, last = int(batch.t[index]), self._end_of_request(batch, index)
        refused = self.account.refuse_request(self.compiled.message_classes[batch.cls[index]])
        frequency = frequency_limits(self.compiled, self.account)
        for i in range(index, last):
            self._plan(batch, i, refused, frequency)
            step_to(now_us)
        if self.window.servers is not None:
            self.window.servers.first_wrong(self.window, batch.between(index, last), now_us + 1)
        return last

    def _end_of_request(self, batch: MessageBatch, index: int) -> int:
        """The index after the last message of the same request."""
        request, last = self._request_of(batch, index), index + 1
        while (
            request is not None and last < len(batch) and self._request_of(batch, last) == request
        ):
            last += 1
        return last

    def _request_of(self, batch: MessageBatch, index: int) -> tuple[int, int, int] | None:
        """What makes numbers one request; None for a request of one number."""
        source, position = int(self.compiled.source[batch.cls[index]]), batch.position(index)
        if position >= len(self.window) or self.compiled.group[source]:
            return None
        return source, int(self.window.base.request[position]), int(batch.t[index])

    def _plan(
        self, batch: MessageBatch, i: int, refused: str | None, frequency: Ints | None
    ) -> None:
        """Let a message be judged in its rank among the events of its instant."""
        now_us, message = int(batch.t[i]), batch.between(i, i + 1)
        sampled_outcome = int(batch.sampled_outcome[i])

        def too_frequent() -> bool:
            return frequency is not None and self.committer.limiter.refuses(message, frequency)

        def judge_it() -> None:
            verdict = self._verdict(batch, i, refused, too_frequent)
            outcome_code = sampled_outcome
            if verdict.code not in (None, "own"):
                outcome_code = self.compiled.outcomes.of_code(str(verdict.code), verdict.stage)
            self.committer.enter(message, verdict, outcome_code, now_us, frequency)

        self.account.agenda.schedule(now_us, EventPriority.MESSAGE, judge_it, affects_rules=False)

    def _verdict(
        self,
        batch: MessageBatch,
        i: int,
        refused: str | None,
        too_frequent: Callable[[], bool],
    ) -> Verdict:
        sampled_stage = int(self.compiled.outcomes.sampled_stage[int(batch.sampled_outcome[i])])
        if refused:
            return Verdict(refused, 1)
        if sampled_stage == 1:
            return Verdict("own", 1)
        message_class, segments = (
            self.compiled.message_classes[int(batch.cls[i])],
            int(batch.segments[i]),
        )
        return self.account.judge_number(message_class, segments, sampled_stage, too_frequent)


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
        price = self._compiled.price_micro
        if self.rules.package is not None:
            price = price * (self.rules.package < 0)
        cost: Ints = price.take(self.batch.cls)
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


class Lookahead:
    """Predicts resends by the account's present rules, and how far a block can reach.

    A position in the run is an instant and how many of its copies are judged already (*skip*).
    """

    def __init__(self, compiled: CompiledScenario, account: Account, window: MessageWindow) -> None:
        self._compiled, self._account, self._window = compiled, account, window
        self._previewed_us = compiled.scenario.start_us

    def look(
        self, from_us: int, skip: int, bound_us: int, stopped: dict[int, int], rules: RuleSnapshot
    ) -> tuple[MessageBatch, int]:
        """Guess what arrives before *bound_us*, or before a nearer bound; return both."""
        if self._window.generations > 1:
            open_us = from_us + (skip > 0)  # Those skipped are judged.
            in_vain = never_delivered(rules)
            self._window.users.guess(self._window, open_us, bound_us, stopped, in_vain)
        if self._window.servers is not None and bound_us > self._previewed_us:
            batch = self._batch(from_us, skip, bound_us, stopped, rules)
            self._preview(batch, rules, bound_us)
        first = self._window.first_copies(from_us, bound_us).between(skip, None)
        nearer_us = self._nearer(first, bound_us, rules, 0)
        batch = self._batch(from_us, skip, nearer_us, stopped, rules)
        if nearer_us == bound_us:
            return batch, bound_us
        # Resends only bring a change nearer; messages refused for other reasons delay it a little.
        bound_us = self._nearer(batch, nearer_us, rules, len(batch) // 64)
        return batch.between(0, int(batch.t.searchsorted(bound_us))), bound_us

    def _batch(
        self, from_us: int, skip: int, until_us: int, stopped: dict[int, int], rules: RuleSnapshot
    ) -> MessageBatch:
        """The copies that arrive, as far as is known, with what is reported of them."""
        batch = self._window.batch(from_us, until_us, stopped)
        if skip:
            batch = batch.between(skip, None)
        return as_reported(self._compiled, batch, rules)

    def _nearer(self, batch: MessageBatch, bound_us: int, rules: RuleSnapshot, later: int) -> int:
        """The bound, or when the account would change if *batch* were all, and *later* more
        have arrived.
        """
        index = later + state_change_if_sent(self._compiled, self._account, batch, rules)
        return bound_us if index >= len(batch) else min(bound_us, int(batch.t[index]) + 1)

    def _preview(self, batch: MessageBatch, rules: RuleSnapshot, until_us: int) -> None:
        """Guess when servers send again by how long new messages would wait."""
        assert self._window.servers is not None
        previewed = preview(self._compiled, self._account, batch, rules)
        self._window.speculate(batch, previewed.outcome_code, previewed.sent_us)
        self._window.servers.first_wrong(self._window, batch, until_us)
        self._previewed_us = until_us


@dataclass(frozen=True)
class Tuning:
    """Sizes that trade memory for speed and never change a result: messages a chunk, a first and a
    longest block.
    """

    chunk: int = 200_000
    block: int = 16_384
    longest_block: int = 65_536


class SimulationLoop:
    """One run: call `chunks` once and consume it; then the account holds its end."""

    def __init__(
        self,
        scenario: Scenario,
        marks: Marks,
        policies: Sequence[Policy] = (),
        tuning: Tuning | None = None,
    ) -> None:
        self.tuning = tuning or Tuning()
        self.compiled = CompiledScenario(scenario, marks)
        self.env = simpy.Environment(initial_time=scenario.start_us)
        self.account = Account(self.env, scenario, self.compiled.countries, marks)
        self.account.driver = self
        self.account.queues = self.compiled.make_queues()
        self.timeline = setup_timeline(scenario, marks)
        self.tasks = Tasks(self.account, self.compiled.refused_files)
        self.tasks.plan()
        schedule.plan(self.account, self.timeline)
        view = AccountView(self.account, self.tasks)
        for policy in policies:
            self.env.process(policy(self.env, view))
        self.sources = message_sources(self.compiled)
        self.window = MessageWindow(self.compiled, self.sources)
        self.lookahead = Lookahead(self.compiled, self.account, self.window)
        self.committer = Committer(self.compiled, self.account, self.window)
        self.scalar_judge = ScalarJudge(self.compiled, self.account, self.window, self.committer)
        self._t0 = scenario.start_us
        self._skip = 0
        self._block: PendingBlock | None = None
        self._length = self.tuning.block
        self._emitted_us = scenario.start_us

    def chunks(self) -> Iterator[FinishedMessages]:
        """Run the scenario; yield finished messages in their order, many at a time."""
        for first, last in self._hour_ranges():
            self.window.extend(new_messages(self.sources, first, last))
            until_us = min(last * HOUR, self.compiled.scenario.end_us)
            self._advance(until_us)
            yield from self._emit(self.committer.earliest_waiting(until_us))
        yield from self._emit(self.compiled.scenario.end_us)
        money.close(self.account)

    def expected_messages(self) -> int:
        """About how many first copies there will be."""
        scenario = self.compiled.scenario
        hours = range(scenario.start_us // HOUR, -(-scenario.end_us // HOUR))
        return int(sum(source.expected(hour) for source in self.sources for hour in hours))

    # What the account needs of its message driver.

    def catch_up(self) -> None:
        """Commit every judged message before now."""
        if self._block is not None:
            self._commit(self._block.before(self.account.now_us))

    def pending_micro(self) -> int:
        """The charges of judged, not committed messages before now."""
        if self._block is None:
            return 0
        self._owe(self._block.before(self.account.now_us))
        return self._block.charged_micro(self.account.now_us)

    def pending_count(self) -> int:
        """What judged, not committed messages before now add to the thresholds' counters."""
        return self._block.counted(self.account.now_us) if self._block else 0

    def pending_segments(self, country: str) -> int:
        """What judged, not committed messages before now take from a country's packages."""
        return self._block.deducted(country, self.account.now_us) if self._block else 0

    def delivered_micro(self, before_us: int, *, book: bool) -> int:
        """The charges of mainland messages delivered before an instant and not booked yet."""
        return self.committer.billing.micro(before_us, book=book)

    def withdraw(self) -> Withdrawal:
        """Fail every accepted message that still waits in a queue."""
        return self.committer.withdraw(self.account.now_us)

    def _hour_ranges(self) -> Iterator[tuple[int, int]]:
        """Ranges of whole UTC hours with about a chunk of messages each."""
        scenario = self.compiled.scenario
        first, end = scenario.start_us // HOUR, -(-scenario.end_us // HOUR)
        expected = 0.0
        for hour in range(first, end):
            expected += sum(source.expected(hour) for source in self.sources)
            if expected >= self.tuning.chunk:
                yield first, hour + 1
                first, expected = hour + 1, 0.0
        if first < end:
            yield first, end

    def _advance(self, until_us: int) -> None:
        """Let everything happen that comes before *until_us*."""
        while self._t0 < until_us:
            self._step_to(self._t0)
            bound_us = self._bound(until_us)
            stopped = self._stopped()
            rules = snapshot(self.compiled, self.account)
            batch, bound_us = self.lookahead.look(self._t0, self._skip, bound_us, stopped, rules)
            self._advance_block(batch, rules, bound_us, stopped)

    def _advance_block(
        self, batch: MessageBatch, rules: RuleSnapshot, bound_us: int, stopped: dict[int, int]
    ) -> None:
        verdicts = judge(self.compiled, self.account, batch, rules, self.committer.limiter)
        stop, state_change = verdicts.stop, verdicts.state_change
        self.window.speculate(batch, verdicts.outcome_code, verdicts.sent_us)
        if self.window.generations > 1:
            until_us = int(batch.t[stop]) + 1 if state_change else bound_us
            wrong_us = self._first_wrong_guess(batch, until_us, stopped)
            if wrong_us is not None:
                stop, state_change, bound_us = (
                    int(np.searchsorted(batch.t, wrong_us)),
                    False,
                    wrong_us,
                )
                self._length = max(self.tuning.block // 16, self._length // 2, 1)
        self._block = PendingBlock(self.compiled, self.account, batch, verdicts, rules, stop)
        if self._step_unless_changed(int(batch.t[stop]) + 1 if state_change else bound_us):
            self._commit(stop)
            self._block = None
            if state_change:
                self._judge_singly(batch, stop)
            else:
                self._skip = self._skip if self._t0 == bound_us else 0
                self._t0 = bound_us
                if not state_change:
                    self._length = min(self._length * 2, self.tuning.longest_block)
        else:
            self._block = None
            self._t0, self._skip = self.account.now_us, 0
            self._length = max(1, min(self.tuning.block, self._length))

    def _first_wrong_guess(
        self, batch: MessageBatch, until_us: int, stopped: dict[int, int]
    ) -> int | None:
        """The first resend before *until_us*, by a user or a server, that was guessed wrongly."""
        users = self.window.users.first_wrong(self.window, self._t0, until_us, stopped)
        if self.window.servers is None:
            return users
        servers = self.window.servers.first_wrong(self.window, batch, until_us)
        return min((t for t in (users, servers) if t is not None), default=None)

    def _bound(self, until_us: int) -> int:
        """How far to look ahead: a block of messages, or the next known change."""
        t = self.window.base.t
        ahead = int(np.searchsorted(t, self._t0, "left")) + self._skip + self._length
        bound_us = min(until_us, int(t[ahead]) + 1) if ahead < len(t) else until_us
        change_us = self.account.agenda.next_change_us(self._t0)
        return bound_us if change_us is None else min(bound_us, change_us)

    def _stopped(self) -> dict[int, int]:
        names = [source.name for source in self.compiled.sources]
        return {names.index(name): stop_us for name, stop_us in self.account.stopped.items()}

    def _step_unless_changed(self, before_us: int) -> bool:
        """Step SimPy up to *before_us*, or to the first event that changes the account; return
        whether none did.
        """
        version = self.account.version
        while self.env.peek() < before_us:
            self.env.step()
            if self.account.version != version:
                return False
        return True

    def _step_to(self, now_us: int) -> None:
        while self.env.peek() <= now_us:
            self.env.step()

    def _commit(self, end: int) -> None:
        block = self._block
        assert block is not None
        self._owe(end)
        if end > block.done:
            self.committer.commit(block.batch, block.verdicts, block.rules, block.done, end)
            block.done = end

    def _owe(self, end: int) -> None:
        """Note the deliveries of messages before index *end*, which may come before they are
        committed: what is owed for them depends on nothing else.
        """
        block = self._block
        assert block is not None
        if self.compiled.bills_delivery and end > block.owed:
            span, judged = slice(block.owed, end), block.verdicts
            judged_now = block.batch.between(block.owed, end)
            self.committer.billing.add(judged_now, judged.outcome_code[span], judged.sent_us[span])
            block.owed = end

    def _judge_singly(self, batch: MessageBatch, index: int) -> None:
        """Judge the message at *index* by itself, and the rest of its request with it."""
        now_us = int(batch.t[index])
        last = self.scalar_judge.judge(batch, index, self._step_to)
        before = int(np.searchsorted(batch.t, now_us, "left"))
        skipped = self._skip if now_us == self._t0 else 0
        self._t0, self._skip = now_us, skipped + last - before
        self._length = max(1, min(self.tuning.block, self._length))

    def _emit(self, until_us: int) -> Iterator[FinishedMessages]:
        """Finish the messages before *until_us*."""
        batch = self.window.batch(self._emitted_us, until_us, self._stopped())
        self._emitted_us = until_us
        if len(batch):
            yield finish(self.compiled, self.window, self.committer.straddling, batch)
        self.window.drop_before(until_us)
