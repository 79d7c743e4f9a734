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
from smssim.simulation.account import schedule as control
from smssim.simulation.account.account import Account, Verdict, Withdrawal
from smssim.simulation.account.events import Rank
from smssim.simulation.account.tasks import Tasks
from smssim.simulation.arrivals import source_births
from smssim.simulation.arrivals.messages import born
from smssim.simulation.commit import Books
from smssim.simulation.compiled import World
from smssim.simulation.finished import Rows, rows_of
from smssim.simulation.judge import Judgement, counted_mask, crossing_if_sent, draft, judge
from smssim.simulation.policies.account_view import AccountView, Policy
from smssim.simulation.setup.review import courses
from smssim.simulation.snapshot import Terms, as_reported, frequency_limits, never_delivered, terms
from smssim.simulation.window import Arrivals, Live
from smssim.stats.keyed_random import Marks

# Messages that change the account: judged one by one, by the scalar rules of the model.

Ints = NDArray[np.int64]


class OneByOne:
    """Judges a message by itself and enters it into the books, as an event of its instant."""

    def __init__(self, world: World, account: Account, live: Live, books: Books) -> None:
        self.world, self.account, self.live, self.books = world, account, live, books

    def judge(self, arrivals: Arrivals, place: int, step_to: Callable[[int], None]) -> int:
        """Judge the message at *place* and the rest of its request, *step_to* the instant of it
        after each; return the place after the last.
        """
        now_us, last = int(arrivals.t[place]), self._end_of_request(arrivals, place)
        refused = self.account.refuse_request(self.world.kinds[arrivals.cls[place]])
        frequency = frequency_limits(self.world, self.account)
        for i in range(place, last):
            self._plan(arrivals, i, refused, frequency)
            step_to(now_us)
        if self.live.servers is not None:
            self.live.servers.first_wrong(self.live, arrivals.part(place, last), now_us + 1)
        return last

    def _end_of_request(self, arrivals: Arrivals, place: int) -> int:
        """The place after the last message of the same request."""
        request, last = self._request_of(arrivals, place), place + 1
        while (
            request is not None
            and last < len(arrivals)
            and self._request_of(arrivals, last) == request
        ):
            last += 1
        return last

    def _request_of(self, arrivals: Arrivals, place: int) -> tuple[int, int, int] | None:
        """What makes numbers one request; None for a request of one number."""
        source, message = int(self.world.source[arrivals.cls[place]]), arrivals.place(place)
        if message >= len(self.live) or self.world.group[source]:
            return None
        return source, int(self.live.base.request[message]), int(arrivals.t[place])

    def _plan(
        self, arrivals: Arrivals, i: int, refused: str | None, frequency: Ints | None
    ) -> None:
        """Let a message be judged in its rank among the events of its instant."""
        now_us, own = int(arrivals.t[i]), arrivals.part(i, i + 1)
        drawn = int(arrivals.drawn[i])

        def too_frequent() -> bool:
            return frequency is not None and self.books.passes.refuses(own, frequency)

        def judge_it() -> None:
            verdict = self._verdict(arrivals, i, refused, too_frequent)
            fate = drawn
            if verdict.code not in (None, "own"):
                fate = self.world.fates.of_code(str(verdict.code), verdict.place)
            self.books.enter(own, verdict, fate, now_us, frequency)

        self.account.agenda.at(now_us, Rank.MESSAGE, judge_it, changes=False)

    def _verdict(
        self,
        arrivals: Arrivals,
        i: int,
        refused: str | None,
        too_frequent: Callable[[], bool],
    ) -> Verdict:
        own_place = int(self.world.fates.own_place[int(arrivals.drawn[i])])
        if refused:
            return Verdict(refused, 1)
        if own_place == 1:
            return Verdict("own", 1)
        kind, segments = self.world.kinds[int(arrivals.cls[i])], int(arrivals.segments[i])
        return self.account.judge_number(kind, segments, own_place, too_frequent)


# A judged block while it is being committed: how far it is, and what is pending in it at any


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


# Looking ahead before a block is judged: which copies come, and where the account will change.


class Foresight:
    """Guesses the resends of new messages by the account's present terms, and a nearer bound.

    A place in the run is an instant and how many of its copies are judged already (*skip*).
    """

    def __init__(self, world: World, account: Account, live: Live) -> None:
        self._world, self._account, self._live = world, account, live
        self._drafted_us = world.scenario.start_us

    def look(
        self, from_us: int, skip: int, bound_us: int, stopped: dict[int, int], present: Terms
    ) -> tuple[Arrivals, int]:
        """Guess what arrives before *bound_us*, or before a nearer bound; return both."""
        if self._live.generations > 1:
            open_us = from_us + (skip > 0)  # Those skipped are judged.
            in_vain = never_delivered(present)
            self._live.users.guess(self._live, open_us, bound_us, stopped, in_vain)
        if self._live.servers is not None and bound_us > self._drafted_us:
            arrivals = self._arrivals(from_us, skip, bound_us, stopped, present)
            self._draft(arrivals, present, bound_us)
        first = self._live.first_copies(from_us, bound_us).part(skip, None)
        nearer_us = self._nearer(first, bound_us, present, 0)
        arrivals = self._arrivals(from_us, skip, nearer_us, stopped, present)
        if nearer_us == bound_us:
            return arrivals, bound_us
        # Resends only bring a crossing nearer; those refused for other reasons put it off a little.
        bound_us = self._nearer(arrivals, nearer_us, present, len(arrivals) // 64)
        return arrivals.part(0, int(arrivals.t.searchsorted(bound_us))), bound_us

    def _arrivals(
        self, from_us: int, skip: int, until_us: int, stopped: dict[int, int], present: Terms
    ) -> Arrivals:
        """The copies that arrive, as far as is known, with what is reported of them."""
        arrivals = self._live.arrivals(from_us, until_us, stopped)
        if skip:
            arrivals = arrivals.part(skip, None)
        return as_reported(self._world, arrivals, present)

    def _nearer(self, arrivals: Arrivals, bound_us: int, present: Terms, later: int) -> int:
        """The bound, or when the account would change if *arrivals* were all, and *later* more
        have arrived.
        """
        place = later + crossing_if_sent(self._world, self._account, arrivals, present)
        return bound_us if place >= len(arrivals) else min(bound_us, int(arrivals.t[place]) + 1)

    def _draft(self, arrivals: Arrivals, present: Terms, until_us: int) -> None:
        """Guess when servers send again by how long new messages would wait."""
        assert self._live.servers is not None
        drafted = draft(self._world, self._account, arrivals, present)
        self._live.speculate(arrivals, drafted.fate, drafted.sent_us)
        self._live.servers.first_wrong(self._live, arrivals, until_us)
        self._drafted_us = until_us


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
