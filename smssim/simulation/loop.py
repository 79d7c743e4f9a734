"""Drives the account's SimPy events and the messages between them: speculate, verify, commit, then
step.

SimPy never runs ahead of committed messages: its generators cannot be undone, so nothing in SimPy
ever is. Only a change of the account cuts a block; how long blocks are is tuning and changes no
result.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from simpy.events import NORMAL

from smssim.calendars import HOUR
from smssim.scenario import Scenario
from smssim.simulation.account import money, schedule
from smssim.simulation.account.account import Account, Verdict, Withdrawal
from smssim.simulation.account.events import EventPriority
from smssim.simulation.account.tasks import Tasks
from smssim.simulation.arrivals import message_sources
from smssim.simulation.arrivals.marks import flaw_codes
from smssim.simulation.arrivals.messages import new_messages
from smssim.simulation.commit import Committer, PendingBlock
from smssim.simulation.compiled import CompiledScenario
from smssim.simulation.finished import FinishedMessages, finish
from smssim.simulation.judge import judge
from smssim.simulation.lookahead import Lookahead
from smssim.simulation.policies.account_view import AccountView, Policy
from smssim.simulation.resends import Resends, ServerResends
from smssim.simulation.restore import restore
from smssim.simulation.rules import RULES
from smssim.simulation.rules.rule import CountingRule
from smssim.simulation.setup.review import setup_timeline
from smssim.simulation.snapshot import RuleSnapshot, snapshot
from smssim.simulation.window import MessageBatch, MessageWindow
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["ScalarJudge", "SimulationLoop", "Tuning"]


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
        servers: ServerResends | None,
        counting: Sequence[CountingRule],
    ) -> None:
        self.compiled, self.account, self.window = compiled, account, window
        self.committer, self.servers, self.counting = committer, servers, counting

    def judge(self, batch: MessageBatch, index: int, step_to: Callable[[int], None]) -> int:
        """Judge the message at *index* and the rest of its request, *step_to* the instant of it
        after each; return the index after the last.
        """
        now_us, last = int(batch.t[index]), self._end_of_request(batch, index)
        refused = self.account.refuse_request(self.compiled.message_classes[batch.cls[index]])
        for i in range(index, last):
            self._plan(batch, i, refused)
            step_to(now_us)
        if self.servers is not None:
            judged = batch.take(slice(index, last))
            self.servers.first_wrong(self.window, judged, now_us + 1)
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

    def _plan(self, batch: MessageBatch, i: int, refused: str | None) -> None:
        """Let a message be judged after the other events of its instant."""
        now_us, message = int(batch.t[i]), batch.take(slice(i, i + 1))
        sampled_outcome = int(batch.sampled_outcome[i])

        def counted_out() -> str | None:
            return next((rule.code for rule in self.counting if rule.refuses(message)), None)

        def judge_it() -> None:
            verdict = self._verdict(batch, i, refused, counted_out)
            outcome_code = sampled_outcome
            if verdict.code not in (None, "own"):
                outcome_code = self.compiled.outcomes.of_code(str(verdict.code), verdict.stage)
            self.committer.enter(message, verdict, outcome_code, now_us)

        self.account.agenda.schedule(now_us, EventPriority.MESSAGE, judge_it, affects_rules=False)

    def _verdict(
        self,
        batch: MessageBatch,
        i: int,
        refused: str | None,
        counted_out: Callable[[], str | None],
    ) -> Verdict:
        sampled_stage = int(self.compiled.outcomes.sampled_stage[int(batch.sampled_outcome[i])])
        if refused:
            return Verdict(refused, 1)
        if sampled_stage == 1:
            return Verdict("own", 1)
        message_class = self.compiled.message_classes[int(batch.cls[i])]
        segments = int(batch.segments[i])
        return self.account.judge_number(message_class, segments, sampled_stage, counted_out)


@dataclass(frozen=True)
class Tuning:
    """Sizes that trade memory for speed and never change a result: messages per chunk, a first and
    a longest block.
    """

    chunk: int = 200_000
    block: int = 16_384
    longest_block: int = 65_536


class _Environment(simpy.Environment):
    """SimPy's environment, in which no event can be at an instant that is none.

    An event at NaN would be before and after all others: from then on nothing happens in order.
    """

    def schedule(self, event: simpy.Event, priority: Any = NORMAL, delay: Any = 0) -> None:
        """Schedule an event; raise a ValueError for a delay that is NaN, below 0 or a boolean."""
        if isinstance(delay, bool) or not delay >= 0:
            raise ValueError(f"delay(={delay!r}) must be a number of microseconds >= 0")
        super().schedule(event, priority, delay)


def _alone(policy: Policy, env: simpy.Environment, view: AccountView) -> Generator[Any, Any, Any]:
    """A policy whose `sys.exit` fails its run, and not the program around it."""
    try:
        return (yield from policy(env, view))
    except SystemExit as error:
        name = getattr(policy, "__qualname__", repr(policy))
        raise RuntimeError(f"the policy {name} called sys.exit({error.code!r})") from error


class SimulationLoop:
    """One run: call `chunks` once and consume it; then the account holds its end."""

    def __init__(
        self,
        scenario: Scenario,
        random: KeyedRandom,
        policies: Sequence[Policy] = (),
        tuning: Tuning | None = None,
    ) -> None:
        self.tuning = tuning or Tuning()
        refusals = [(code, rule.stage) for rule in RULES for code in rule.codes(scenario)]
        self.compiled = CompiledScenario(scenario, random, refusals, flaw_codes(scenario))
        self.env = _Environment(initial_time=scenario.begin_us)
        self.account = Account(self.env, scenario, self.compiled.countries, random)
        self.account.driver = self
        self.account.queues = self.compiled.make_queues()
        rules = [rule(self.account) for rule in RULES]
        self.account.request_rules = [rule for rule in rules if rule.stage == 1]
        self.account.number_rules = [rule for rule in rules if rule.stage == 3]
        counting = [rule for rule in rules if isinstance(rule, CountingRule)]
        self.counting = [rule for rule in counting if any(rule.codes(scenario))]
        self.timeline = setup_timeline(scenario, random)
        self.tasks = Tasks(self.account, self.compiled.refused_files)
        self.tasks.plan()
        schedule.plan(self.account, rules, self.timeline)
        view = AccountView(self.account, rules, self.tasks)
        for policy in policies:
            self.env.process(_alone(policy, self.env, view))
        self.sources = message_sources(self.compiled, scenario.begin_us)
        self.resends = Resends(self.compiled, self.sources)
        servers = self.resends.servers
        self.window = MessageWindow(self.compiled, self.sources, servers)
        self.lookahead = Lookahead(self.compiled, self.account, self.window, self.resends)
        for rule in self.counting:
            rule.bind(self.compiled, self.window)
        self.committer = Committer(self.compiled, self.account, self.window, servers, self.counting)
        self.scalar_judge = ScalarJudge(
            self.compiled, self.account, self.window, self.committer, servers, self.counting
        )
        self._t0 = scenario.begin_us
        self._skip = 0
        self._block: PendingBlock | None = None
        self._length = self.tuning.block
        self._emitted_us = scenario.begin_us
        if scenario.opening is not None:
            self._emitted_us = restore(
                self.compiled, self.window, self.resends, self.committer, self.counting
            )

    def chunks(self) -> Iterator[FinishedMessages]:
        """Run the scenario; yield finished messages in their order, many at a time."""
        end_us = self.compiled.scenario.end_us
        yield from self.chunks_before(end_us)
        yield from self._emit(end_us)
        money.close(self.account)

    def chunks_before(self, end_us: int) -> Iterator[FinishedMessages]:
        """Run up to an instant; yield what is finished by then."""
        # New messages are a function of the random number and the hour alone, so they are made
        # for whole hours ahead of everything that the account does to them.
        for first, last in self._hour_ranges(-(-end_us // HOUR)):
            self.window.extend(new_messages(self.sources, first, last))
            until_us = min(last * HOUR, end_us)
            self._advance(until_us)
            yield from self._emit(self.committer.earliest_waiting(until_us))

    def expected_messages(self) -> int:
        """About how many first copies there will be."""
        scenario = self.compiled.scenario
        hours = range(scenario.begin_us // HOUR, -(-scenario.end_us // HOUR))
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

    def _hour_ranges(self, end: int) -> Iterator[tuple[int, int]]:
        """Ranges of whole UTC hours before *end* with about a chunk of messages each."""
        first = self.compiled.scenario.begin_us // HOUR
        expected = 0.0
        for hour in range(first, end):
            expected += sum(source.expected(hour) for source in self.sources)
            if expected >= self.tuning.chunk:
                yield first, hour + 1
                first, expected = hour + 1, 0.0
        if first < end:
            yield first, end

    def _advance(self, until_us: int) -> None:
        """Let everything happen that comes before *until_us*, block by block."""
        while self._t0 < until_us:
            # Control events of the present instant come before its messages, so that the account
            # is what the next message meets.
            self._step_to(self._t0)
            # A block ends at the latest where the account is known to change: at a turn of the
            # day, the end of a package, a scheduled command.
            bound_us = self._bound(until_us)
            # As long as the account does not change, each class of messages is judged alike: its
            # rules are look-up tables. The lookahead adds the resends that are expected under
            # them, and brings the bound nearer if a counter is going to reach its goal.
            stopped, rules = self._stopped(), snapshot(self.compiled, self.account, self.counting)
            batch, bound_us = self.lookahead.look(self._t0, self._skip, bound_us, stopped, rules)
            self._advance_block(batch, rules, bound_us, stopped)

    def _advance_block(
        self, batch: MessageBatch, rules: RuleSnapshot, bound_us: int, stopped: dict[int, int]
    ) -> None:
        # Speculate: the whole block is judged at once, up to the first message that changes the
        # account (a threshold, the end of a package). Nothing is counted or charged yet.
        verdicts = judge(self.compiled, self.account, batch, rules, self.counting)
        stop, state_change = verdicts.stop, verdicts.state_change
        self.window.speculate(batch, verdicts.outcome_code, verdicts.sent_us)
        # Verify: the verdicts imply which messages are resent. Where that differs from the guess,
        # all before the first difference is right, and the block ends there.
        if self.window.generations > 1:
            until_us = int(batch.t[stop]) + 1 if state_change else bound_us
            wrong_us = self.resends.first_wrong(self.window, batch, self._t0, until_us, stopped)
            if wrong_us is not None:
                stop, state_change, bound_us = int(batch.t.searchsorted(wrong_us)), False, wrong_us
                self._length = max(self.tuning.block // 16, self._length // 2, 1)
        # Step: SimPy runs up to the end of the block. Processes that read the account see what the
        # block adds up to then; one that changes the account first has the messages before it
        # committed (`catch_up`), and the rest of the block is judged again.
        self._block = PendingBlock(self.compiled, self.account, batch, verdicts, rules, stop)
        unchanged = self._step_unless_changed(int(batch.t[stop]) + 1 if state_change else bound_us)
        if not unchanged:
            self._block = None
            self._t0, self._skip = self.account.now_us, 0
            self._length = max(1, min(self.tuning.block, self._length))
            return
        # Commit: counters, packages, charges and queues move on by all messages of the block.
        self._commit(stop)
        self._block = None
        if state_change:
            self._judge_singly(batch, stop)
        else:
            self._skip = self._skip if self._t0 == bound_us else 0
            self._t0 = bound_us
            self._length = min(self._length * 2, self.tuning.longest_block)

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
            judged_now = block.batch.take(slice(block.owed, end))
            self.committer.billing.add(judged_now, judged.outcome_code[span], judged.sent_us[span])
            block.owed = end

    def _judge_singly(self, batch: MessageBatch, index: int) -> None:
        """Judge the message at *index* by itself, and the rest of its request with it."""
        # The message that changes the account meets the scalar rules, with everything that they
        # cause at its instant; then the next block begins at that instant, after the messages of
        # it that are judged already.
        now_us = int(batch.t[index])
        last = self.scalar_judge.judge(batch, index, self._step_to)
        before = int(np.searchsorted(batch.t, now_us, "left"))
        skipped = self._skip if now_us == self._t0 else 0
        self._t0, self._skip = now_us, skipped + last - before
        self._length = max(1, min(self.tuning.block, self._length))

    def _emit(self, until_us: int) -> Iterator[FinishedMessages]:
        """Finish the messages before *until_us*."""
        # What no freeze can withdraw any more is final: it leaves the window as columns, and the
        # window forgets messages of which no copy can come any more.
        batch = self.window.batch(self._emitted_us, until_us, self._stopped())
        self._emitted_us = until_us
        if len(batch):
            yield finish(self.compiled, self.window, self.committer.straddling, batch)
        self.window.drop_before(until_us)
