"""Drives the account's SimPy events and the messages between them: speculate, verify, commit, then
step.

SimPy never runs ahead of committed messages: its generators cannot be undone, so nothing in SimPy
ever is. Only a change of the account cuts a block; how long blocks are is tuning and changes no
result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import simpy
from numpy.typing import NDArray

from smssim.calendars import HOUR
from smssim.scenario import Scenario
from smssim.simulation.account import money
from smssim.simulation.account import schedule as control
from smssim.simulation.account.account import Account, Withdrawal
from smssim.simulation.account.tasks import Tasks
from smssim.simulation.arrivals.messages import born
from smssim.simulation.arrivals.sources import source_births
from smssim.simulation.block import Block
from smssim.simulation.commit import Books
from smssim.simulation.compiled import World
from smssim.simulation.finished import Rows, rows_of
from smssim.simulation.foresight import Foresight
from smssim.simulation.judge import judge
from smssim.simulation.message_arrivals import Arrivals
from smssim.simulation.one_by_one import OneByOne
from smssim.simulation.policies.account_view import AccountView, Policy
from smssim.simulation.setup.courses import courses
from smssim.simulation.snapshot import Terms, terms
from smssim.simulation.window import Live
from smssim.stats.keyed_random import Marks

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Tuning:
    """Sizes that trade memory for speed and never change a result: messages a chunk, a first and a
    longest block.
    """

    chunk: int = 200_000
    block: int = 16_384
    longest_block: int = 65_536


class Clock:
    """One run: call `chunks` once and consume it; then the account holds its end."""

    def __init__(
        self,
        scenario: Scenario,
        marks: Marks,
        policies: Sequence[Policy] = (),
        tuning: Tuning | None = None,
    ) -> None:
        self.tuning = tuning or Tuning()
        self.world = World(scenario, marks)
        self.env = simpy.Environment(initial_time=scenario.start_us)
        self.account = Account(self.env, scenario, self.world.countries, marks)
        self.account.line = self
        self.account.queues = self.world.make_queues()
        self.courses = courses(scenario, marks)
        self.tasks = Tasks(self.account, self.world.refused_files)
        self.tasks.plan()
        control.plan(self.account, self.courses)
        view = AccountView(self.account, self.tasks)
        for policy in policies:
            self.env.process(policy(self.env, view))
        self.sources = source_births(self.world)
        self.live = Live(self.world, self.sources)
        self.foresight = Foresight(self.world, self.account, self.live)
        self.books = Books(self.world, self.account, self.live)
        self.one_by_one = OneByOne(self.world, self.account, self.live, self.books)
        self._t0 = scenario.start_us
        self._skip = 0
        self._block: Block | None = None
        self._length = self.tuning.block
        self._emitted_us = scenario.start_us

    def chunks(self) -> Iterator[Rows]:
        """Run the scenario; yield finished messages in their order, many at a time."""
        for first, last in self._hour_ranges():
            self.live.extend(born(self.sources, first, last))
            until_us = min(last * HOUR, self.world.scenario.end_us)
            self._advance(until_us)
            yield from self._emit(self.books.earliest_waiting(until_us))
        yield from self._emit(self.world.scenario.end_us)
        money.close(self.account)

    def expected_messages(self) -> int:
        """About how many first copies there will be."""
        scenario = self.world.scenario
        hours = range(scenario.start_us // HOUR, -(-scenario.end_us // HOUR))
        return int(sum(source.expected(hour) for source in self.sources for hour in hours))

    # what the account needs of its line

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
        return self.books.deliveries.micro(before_us, book=book)

    def withdraw(self) -> Withdrawal:
        """Fail every accepted message that still waits in a queue."""
        return self.books.withdraw(self.account.now_us)

    def _hour_ranges(self) -> Iterator[tuple[int, int]]:
        """Ranges of whole UTC hours with about a chunk of messages each."""
        scenario = self.world.scenario
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
            present = terms(self.world, self.account)
            arrivals, bound_us = self.foresight.look(
                self._t0, self._skip, bound_us, stopped, present
            )
            self._advance_block(arrivals, present, bound_us, stopped)

    def _advance_block(
        self, arrivals: Arrivals, present: Terms, bound_us: int, stopped: dict[int, int]
    ) -> None:
        judgement = judge(self.world, self.account, arrivals, present, self.books.passes)
        stop, crossing = judgement.stop, judgement.crossing
        self.live.speculate(arrivals, judgement.fate, judgement.sent_us)
        if self.live.generations > 1:
            until_us = int(arrivals.t[stop]) + 1 if crossing else bound_us
            wrong_us = self._first_wrong_guess(arrivals, until_us, stopped)
            if wrong_us is not None:
                stop, crossing, bound_us = (
                    int(np.searchsorted(arrivals.t, wrong_us)),
                    False,
                    wrong_us,
                )
                self._length = max(self.tuning.block // 16, self._length // 2, 1)
        self._block = Block(self.world, self.account, arrivals, judgement, present, stop)
        if self._step_unless_changed(int(arrivals.t[stop]) + 1 if crossing else bound_us):
            self._commit(stop)
            self._block = None
            if crossing:
                self._cross(arrivals, stop)
            else:
                self._skip = self._skip if self._t0 == bound_us else 0
                self._t0 = bound_us
                if not crossing:
                    self._length = min(self._length * 2, self.tuning.longest_block)
        else:
            self._block = None
            self._t0, self._skip = self.account.now_us, 0
            self._length = max(1, min(self.tuning.block, self._length))

    def _first_wrong_guess(
        self, arrivals: Arrivals, until_us: int, stopped: dict[int, int]
    ) -> int | None:
        """The first resend before *until_us*, by a user or a server, that was guessed wrongly."""
        users = self.live.users.first_wrong(self.live, self._t0, until_us, stopped)
        if self.live.servers is None:
            return users
        servers = self.live.servers.first_wrong(self.live, arrivals, until_us)
        return min((t for t in (users, servers) if t is not None), default=None)

    def _bound(self, until_us: int) -> int:
        """How far to look ahead: a block of messages, or the next known change."""
        t = self.live.base.t
        ahead = int(np.searchsorted(t, self._t0, "left")) + self._skip + self._length
        bound_us = min(until_us, int(t[ahead]) + 1) if ahead < len(t) else until_us
        change_us = self.account.agenda.next_change_us(self._t0)
        return bound_us if change_us is None else min(bound_us, change_us)

    def _stopped(self) -> dict[int, int]:
        names = [source.name for source in self.world.sources]
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
            self.books.commit(block.arrivals, block.judgement, block.terms, block.done, end)
            block.done = end

    def _owe(self, end: int) -> None:
        """Note the deliveries of messages up to place *end*, which may come before they are
        committed: what is owed for them hangs on nothing else.
        """
        block = self._block
        assert block is not None
        if self.world.bills_delivery and end > block.owed:
            own, judged = slice(block.owed, end), block.judgement
            part = block.arrivals.part(block.owed, end)
            self.books.deliveries.add(part, judged.fate[own], judged.sent_us[own])
            block.owed = end

    def _cross(self, arrivals: Arrivals, place: int) -> None:
        """Judge the message at *place* by itself, and the rest of its request with it."""
        now_us = int(arrivals.t[place])
        last = self.one_by_one.judge(arrivals, place, self._step_to)
        before = int(np.searchsorted(arrivals.t, now_us, "left"))
        skipped = self._skip if now_us == self._t0 else 0
        self._t0, self._skip = now_us, skipped + last - before
        self._length = max(1, min(self.tuning.block, self._length))

    def _emit(self, until_us: int) -> Iterator[Rows]:
        """Finish the messages before *until_us*."""
        arrivals = self.live.arrivals(self._emitted_us, until_us, self._stopped())
        self._emitted_us = until_us
        if len(arrivals):
            yield rows_of(self.world, self.live, self.books.straddling, arrivals)
        self.live.drop_before(until_us)
