"""Resends by users and by servers, by predict and verify: which copies the judged messages imply,
compared with those that were guessed.

Guesses are made block by block, when it is known whom the account's settings refuse: a copy that
is certain to be refused is certain not to be delivered, and its user asks again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints, Mask
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.arrivals.messages import MessageSource
from smssim.simulation.callbacks.server import CallbackServer, MessageWords
from smssim.simulation.compiled import DELIVERED, UNJUDGED, WITHDRAWN, CompiledScenario
from smssim.simulation.window import MessageBatch, MessageWindow

__all__ = ["Resends", "ServerResends"]


class Resends:
    """The resends of users and of servers; *servers* is None where no server sends again."""

    def __init__(self, compiled: CompiledScenario, sources: list[MessageSource]) -> None:
        self.servers = ServerResends(compiled, sources) if compiled.servers_resend else None
        self.users = _UserResends(self.servers)

    def first_wrong(
        self,
        window: MessageWindow,
        batch: MessageBatch,
        from_us: int,
        until_us: int,
        stopped: dict[int, int],
    ) -> int | None:
        """The first resend before *until_us* that judged *batch* shows to be guessed wrongly."""
        users = self.users.first_wrong(window, from_us, until_us, stopped)
        if self.servers is None:
            return users
        servers = self.servers.first_wrong(window, batch, until_us)
        return min((t for t in (users, servers) if t is not None), default=None)


class _UserResends:
    """Which copies users ask for, guessed as far as messages have been looked at."""

    def __init__(self, servers: ServerResends | None) -> None:
        self._servers = servers
        self._guessed_us = 0
        self._in_vain: Mask | None = None

    def guess(
        self,
        window: MessageWindow,
        from_us: int,
        until_us: int,
        stopped: dict[int, int],
        in_vain: Mask | None,
    ) -> None:
        """Guess the resends of messages born before *until_us*, by what is known before *from_us*.

        *in_vain* are the classes of which nothing is delivered now, None if there are none. Earlier
        guesses are made anew where they differ from before.
        """
        if not _same(in_vain, self._in_vain):
            self._in_vain = in_vain
            self._guessed_us = min(self._guessed_us, from_us - window.copies.longest_chain_us)
        span = _born(window, self._guessed_us, until_us)
        self._guessed_us = max(self._guessed_us, until_us)
        self._mend(window, span, from_us, from_us, stopped)

    def first_wrong(
        self, window: MessageWindow, from_us: int, until_us: int, stopped: dict[int, int]
    ) -> int | None:
        """The time of the first resend within [from_us, until_us) that was guessed wrongly, or
        None.

        A copy exists if the one before exists and no earlier one was delivered by then. What
        happens at a moment depends on earlier moments alone, so everything before the first wrong
        guess is right. The guesses are mended, later ones as well as can be known.
        """
        span = _born(window, from_us - window.copies.longest_chain_us, until_us)
        wrong = self._mend(window, span, from_us, until_us, stopped)
        return None if wrong == NEVER else wrong

    def _mend(
        self,
        window: MessageWindow,
        span: slice,
        from_us: int,
        known_us: int,
        stopped: dict[int, int],
    ) -> int:
        """Mend the copies at *from_us* or later of the messages *span*, by the results before
        *known_us*; return the earliest before it that was wrong, NEVER if none was.
        """
        message, delivered = self._possible(window, span, known_us)
        wrong = NEVER
        for generation in range(1, window.generations):
            if not len(message):
                break
            t = window.t[generation, message]
            exists = (t < NEVER) & (delivered > t)
            _stop(window, exists, message, t, stopped)
            guessed = window.exists[generation, message]
            differs = (exists != guessed) & (t >= from_us)
            bad = differs & (t < known_us)
            if bad.any():
                wrong = min(wrong, int(t[bad].min()))
            window.exists[generation, message[differs]] = exists[differs]
            window.exists[generation + 1 :, message[differs & ~exists]] = False
            exists = np.where(differs, exists, guessed)
            message, delivered = message[exists], delivered[exists]
            window.mark_copies(generation, message)
            at = self._delivered(window, generation, message, known_us)
            delivered = np.minimum(delivered, at)
        return wrong

    def _possible(self, window: MessageWindow, span: slice, known_us: int) -> tuple[Ints, Ints]:
        """Messages of which a resend exists by the guess, or by what is known of the first copy;
        and when that is delivered.
        """
        t, delivered = window.t[1, span], self._delivered(window, 0, span, known_us)
        possible = delivered > t
        possible &= t < NEVER
        possible |= window.exists[1, span]
        if self._servers is not None:
            possible &= ~self._servers.of_class.take(window.base.cls[span])
        index = np.flatnonzero(possible)
        return span.start + index, delivered[index]

    def _delivered(
        self, window: MessageWindow, generation: int, message: slice | Ints, known_us: int
    ) -> Ints:
        """When copies were delivered, or would be if they were sent at once; NEVER if not."""
        t, latency = window.t[generation, message], window.latency[generation, message]
        outcome_code = window.outcome_code[generation, message]
        judged = (t < known_us) & (outcome_code != UNJUDGED)
        actual: Ints = window.sent_us[generation, message] + latency
        actual[outcome_code != DELIVERED] = NEVER
        if judged.all():
            return actual
        expected = t + latency
        expected[window.sampled_outcome[generation, message] != DELIVERED] = NEVER
        if self._in_vain is not None:
            expected[self._in_vain.take(window.base.cls[message])] = NEVER
        delivered: Ints = np.where(judged, actual, expected)
        return delivered


def _same(one: Mask | None, other: Mask | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool((one == other).all())


def _born(window: MessageWindow, from_us: int, until_us: int) -> slice:
    """The positions of the messages born within [from_us, until_us)."""
    begin, end = (int(i) for i in np.searchsorted(window.base.t, [from_us, until_us]))
    return slice(begin, end)


def _stop(
    window: MessageWindow, exists: Mask, message: Ints, t: Ints, stopped: dict[int, int]
) -> None:
    """Let no resend of a stopped source exist."""
    if stopped:
        source = window.compiled.source.take(window.base.cls.take(message))
        for number, stop_us in stopped.items():
            exists &= (source != number) | (t < stop_us)


_Codes8 = NDArray[np.uint8]


class ServerResends:
    """The servers of all sources; a source without one never sends again.

    What sources are stopped is not looked at: their copies are left out with all their messages.
    """

    def __init__(self, compiled: CompiledScenario, sources: list[MessageSource]) -> None:
        self._compiled, self._callback = compiled, CallbackServer(compiled)
        self._pushes, self._waits = (MessageWords(compiled, p) for p in ("push", "server_resend"))
        rules = [getattr(source, "server_resend", None) for source in compiled.sources]
        self._after = [None if rule is None else rule.after.table() for rule in rules]
        named = [compiled.scenario.callback.is_named(s.status_callback) for s in compiled.sources]
        self._named = np.array(named, bool)
        self._at_most = np.array([0 if rule is None else rule.at_most for rule in rules], np.int8)
        self._until_us = np.array([source.until_us for source in sources], np.int64)
        self._fails = np.zeros((len(rules), 256), bool)
        for number, rule in enumerate(rules):
            again = () if rule is None else rule.statuses
            for outcome_code, status in enumerate(compiled.outcomes.status):
                self._fails[number, outcome_code] = status in again
        self.of_class = np.array([rules[i] is not None for i in compiled.source.tolist()], bool)
        """Whether the messages of a class are those of a server."""
        self._class_fails = self._fails[compiled.source]

    def guess(self, window: MessageWindow, first: int) -> None:
        """First guess the copies of messages from position *first* on, as if sent at once."""
        message = first + np.flatnonzero(self.of_class.take(window.base.cls[first:]))
        self._mend(window, 1, message, self._if_sent_at_once(window, 0, message))

    def first_wrong(self, window: MessageWindow, batch: MessageBatch, until_us: int) -> int | None:
        """The earliest moment before *until_us* of a copy that judged *batch* do not imply, or
        imply and was not guessed; None if there is none. The guesses are mended.
        """
        wrong, rows = NEVER, self._concerned(window, batch, until_us)
        messages, t = batch.messages(rows), batch.t[rows]
        generations = np.zeros(len(rows), np.int8)
        if batch.generation is not None:
            generations = batch.generation[rows]
        for generation in np.unique(generations).tolist():
            mine = generations == generation
            message = messages[mine]
            # A copy that was moved just now has not been judged where it is.
            stays = window.exists[generation, message] & (window.t[generation, message] == t[mine])
            wrong = min(wrong, self._follow(window, generation, message[stays]))
        return wrong if wrong < until_us else None

    def _concerned(self, window: MessageWindow, batch: MessageBatch, until_us: int) -> Ints:
        """The indexes in *batch* before *until_us* that failed, or were thought to fail."""
        end, n = int(batch.t.searchsorted(until_us)), len(window)
        rows = np.flatnonzero(self.of_class.take(batch.cls[:end]))
        where = batch.positions(rows)
        # The copy after one is a generation further on; after the last there is none.
        has_next = where < (window.generations - 1) * n
        rows, where = rows[has_next], where[has_next]
        fails = self._class_fails[batch.cls[rows], window.outcome_code.reshape(-1)[where]]
        concerned: Ints = rows[fails | window.exists.reshape(-1)[where + n]]
        return concerned

    def follow_withdrawn(self, window: MessageWindow, positions: Ints) -> None:
        """Guess anew the copies after messages that a freeze failed."""
        generations, message = np.divmod(positions, max(1, len(window)))
        for generation in range(window.generations - 1):
            self.follow(window, generation, message[generations == generation])

    def follow(self, window: MessageWindow, generation: int, message: Ints) -> None:
        """Guess the copies after judged ones of *generation*."""
        self._follow(window, generation, message[self.of_class.take(window.base.cls[message])])

    def first_unfinished(self, window: MessageWindow, t_us: int) -> int:
        """The position of the first message with a copy at *t_us* or later, or their number."""
        coming = ((window.t[1:] >= t_us) & window.exists[1:]).any(axis=0)
        return int(coming.argmax()) if coming.any() else len(window)

    def _follow(self, window: MessageWindow, generation: int, message: Ints) -> int:
        """Mend the copies after judged ones of *generation*; return the earliest moment that was
        wrong.
        """
        outcome_code, left_us = (
            window.outcome_code[generation, message],
            window.sent_us[generation, message],
        )
        t = self._next_us(window, generation, message, outcome_code, left_us)
        guessed = window.t[generation + 1, message]
        guessed[~window.exists[generation + 1, message]] = NEVER
        differs = np.flatnonzero(t != guessed)
        if not len(differs):
            return NEVER
        self._mend(window, generation + 1, message[differs], t[differs])
        return int(np.minimum(t, guessed)[differs].min())

    def _mend(self, window: MessageWindow, generation: int, message: Ints, t: Ints) -> None:
        """Let copies of *generation* be at *t*, NEVER for none, and guess those after them."""
        while len(message):
            window.exists[generation:, message] = False
            window.exists[generation, message] = t < NEVER
            message, t = message[t < NEVER], t[t < NEVER]
            window.t[generation, message] = t
            window.mark_copies(generation, message)
            if generation + 1 == window.generations:
                break
            t = self._if_sent_at_once(window, generation, message)
            generation += 1

    def _if_sent_at_once(self, window: MessageWindow, generation: int, message: Ints) -> Ints:
        t, sampled_outcome = (
            window.t[generation, message],
            window.sampled_outcome[generation, message],
        )
        return self._next_us(window, generation, message, sampled_outcome, t)

    def _next_us(
        self,
        window: MessageWindow,
        generation: int,
        message: Ints,
        outcome_code: _Codes8,
        left_us: Ints,
    ) -> Ints:
        """When the copies after those of *generation* are sent, by the outcome of these; NEVER if
        there is none.
        """
        next_us, base = np.full(len(message), NEVER), window.base
        source = self._compiled.source.take(base.cls.take(message))
        again = np.flatnonzero(
            self._fails[source, outcome_code] & (self._at_most[source] > generation)
        )
        if not len(again):
            return next_us
        message, source = message[again], source[again]
        names = (source, base.request[message], base.recipient[message], generation)
        push = self._pushes.take(*names)
        at = self._learnt_us(window, generation, message, outcome_code[again], left_us[again], push)
        np.copyto(at, NEVER, where=~self._hears(source, outcome_code[again]))
        at += self._delays(source, self._waits.take(*names))
        np.copyto(at, NEVER, where=at >= self._until_us[source])
        next_us[again] = at
        return next_us

    def _hears(self, source: NDArray[np.int16], outcome_code: _Codes8) -> NDArray[np.bool_]:
        """Whether servers hear of these outcomes: in an answer, or at an address of their own."""
        stage = self._compiled.outcomes.stage.take(outcome_code)
        hears: NDArray[np.bool_] = self._named[source] | (stage == 1) | (stage == 2)
        return hears

    def _learnt_us(
        self,
        window: MessageWindow,
        generation: int,
        message: Ints,
        outcome_code: _Codes8,
        left_us: Ints,
        push: NDArray[np.uint64],
    ) -> Ints:
        """When the servers know: by the answer at once, else by the first report that arrives."""
        t, stage = (
            window.t[generation, message],
            self._compiled.outcomes.stage.take(outcome_code),
        )
        created = np.where(stage == 0, left_us + window.latency[generation, message], t)
        np.copyto(created, left_us, where=outcome_code == WITHDRAWN)
        arrived = self._callback.first_arrival_us(
            created, window.segments[generation, message], push
        )
        learnt: Ints = np.where((stage == 1) | (stage == 2), t, arrived)
        return learnt

    def _delays(self, source: NDArray[np.int16], word: NDArray[np.uint64]) -> Ints:
        delay = np.empty(len(word), np.int64)
        for number in np.unique(source).tolist():
            rows, table = np.flatnonzero(source == number), self._after[number]
            assert table is not None
            delay[rows] = table.take(word[rows])
        return np.maximum(delay, 1)
