"""Resends by users, by predict and verify: which copies the judged messages imply, against those
that were guessed.

Guesses are made block by block, when it is known whom the account's settings refuse: a copy that
is certain to be refused is certain not to be delivered, and its user asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.arrivals.marks import NEVER, MessageMarks
from smssim.simulation.arrivals.messages import Births, SourceBirths
from smssim.simulation.callbacks.server import CallbackServer, MessageWords
from smssim.simulation.compiled import DELIVERED, UNBORN, WITHDRAWN, World

if TYPE_CHECKING:
    from smssim.simulation.window import Arrivals, Live


Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class UserResends:
    """Which copies users ask for, guessed as far as messages have been looked at."""

    def __init__(self) -> None:
        self._guessed_us = 0
        self._in_vain: Mask | None = None

    def guess(
        self, live: Live, from_us: int, until_us: int, stopped: dict[int, int], in_vain: Mask | None
    ) -> None:
        """Guess the resends of messages born before *until_us*, by what is known before *from_us*.

        *in_vain* are the classes of which nothing is delivered now, None if there are none. Earlier
        guesses are made anew where they differ from before.
        """
        if not _same(in_vain, self._in_vain):
            self._in_vain = in_vain
            self._guessed_us = min(self._guessed_us, from_us - live.copies.longest_chain_us)
        own = _born(live, self._guessed_us, until_us)
        self._guessed_us = max(self._guessed_us, until_us)
        self._mend(live, own, from_us, from_us, stopped)

    def first_wrong(
        self, live: Live, from_us: int, until_us: int, stopped: dict[int, int]
    ) -> int | None:
        """The time of the first resend within [from_us, until_us) that was guessed wrongly, or
        None.

        A copy exists if the one before exists and no earlier one was delivered by then. What
        happens at a moment hangs on earlier moments alone, so everything before the first wrong
        guess is right. The guesses are mended, later ones as well as can be known.
        """
        own = _born(live, from_us - live.copies.longest_chain_us, until_us)
        wrong = self._mend(live, own, from_us, until_us, stopped)
        return None if wrong == NEVER else wrong

    def _mend(
        self, live: Live, own: slice, from_us: int, known_us: int, stopped: dict[int, int]
    ) -> int:
        """Mend the copies at *from_us* or later of the messages *own*, by the results before
        *known_us*; return the earliest before it that was wrong, NEVER if none was.
        """
        message, delivered = self._possible(live, own, known_us)
        wrong = NEVER
        for generation in range(1, live.generations):
            if not len(message):
                break
            t = live.t[generation, message]
            exists = (t < NEVER) & (delivered > t)
            _stop(live, exists, message, t, stopped)
            guessed = live.exists[generation, message]
            differs = (exists != guessed) & (t >= from_us)
            bad = differs & (t < known_us)
            if bad.any():
                wrong = min(wrong, int(t[bad].min()))
            live.exists[generation, message[differs]] = exists[differs]
            live.exists[generation + 1 :, message[differs & ~exists]] = False
            exists = np.where(differs, exists, guessed)
            message, delivered = message[exists], delivered[exists]
            live.mark_copies(generation, message)
            at = self._delivered(live, generation, message, known_us)
            delivered = np.minimum(delivered, at)
        return wrong

    def _possible(self, live: Live, own: slice, known_us: int) -> tuple[Ints, Ints]:
        """Messages of which a resend exists by the guess, or by what is known of the first copy;
        and when that is delivered.
        """
        t, delivered = live.t[1, own], self._delivered(live, 0, own, known_us)
        possible = delivered > t
        possible &= t < NEVER
        possible |= live.exists[1, own]
        if live.servers is not None:
            possible &= ~live.servers.of_class.take(live.base.cls[own])
        place = np.flatnonzero(possible)
        return own.start + place, delivered[place]

    def _delivered(self, live: Live, generation: int, message: slice | Ints, known_us: int) -> Ints:
        """When copies were delivered, or would be if they were sent at once; NEVER if not."""
        t, latency = live.t[generation, message], live.latency[generation, message]
        fate = live.fate[generation, message]
        judged = (t < known_us) & (fate != UNBORN)
        known: Ints = live.sent_us[generation, message] + latency
        known[fate != DELIVERED] = NEVER
        if judged.all():
            return known
        expected = t + latency
        expected[live.drawn[generation, message] != DELIVERED] = NEVER
        if self._in_vain is not None:
            expected[self._in_vain.take(live.base.cls[message])] = NEVER
        delivered: Ints = np.where(judged, known, expected)
        return delivered


def _same(one: Mask | None, other: Mask | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool((one == other).all())


def _born(live: Live, from_us: int, until_us: int) -> slice:
    """The places of the messages born within [from_us, until_us)."""
    begin, end = (int(i) for i in np.searchsorted(live.base.t, [from_us, until_us]))
    return slice(begin, end)


def _stop(live: Live, exists: Mask, message: Ints, t: Ints, stopped: dict[int, int]) -> None:
    """Let no resend of a stopped source exist."""
    if stopped:
        source = live.world.source.take(live.base.cls.take(message))
        for number, stop_us in stopped.items():
            exists &= (source != number) | (t < stop_us)


# Resends by servers: which copies the judged messages imply, and when, against those guessed.

Fates8 = NDArray[np.uint8]


class ServerResends:
    """The servers of all sources; a source without one never sends again.

    What sources are stopped is not looked at: their copies are left out with all their messages.
    """

    def __init__(self, world: World, sources: list[SourceBirths]) -> None:
        self._world, self._callback = world, CallbackServer(world)
        self._pushes, self._waits = (MessageWords(world, p) for p in ("push", "server_resend"))
        rules = [getattr(source, "server_resend", None) for source in world.sources]
        self._after = [None if rule is None else rule.after.table() for rule in rules]
        named = [world.scenario.callback.is_named(s.status_callback) for s in world.sources]
        self._named = np.array(named, bool)
        self._at_most = np.array([0 if rule is None else rule.at_most for rule in rules], np.int8)
        self._until_us = np.array([source.until_us for source in sources], np.int64)
        self._fails = np.zeros((len(rules), 256), bool)
        for number, rule in enumerate(rules):
            again = () if rule is None else rule.statuses
            for fate, status in enumerate(world.fates.status):
                self._fails[number, fate] = status in again
        self.of_class = np.array([rules[i] is not None for i in world.source.tolist()], bool)
        """Whether the messages of a class are those of a server."""
        self._class_fails = self._fails[world.source]

    def guess(self, live: Live, first: int) -> None:
        """First guess the copies of messages from place *first* on: everything is sent at once."""
        own = first + np.flatnonzero(self.of_class.take(live.base.cls[first:]))
        self._mend(live, 1, own, self._if_sent_at_once(live, 0, own))

    def first_wrong(self, live: Live, arrivals: Arrivals, until_us: int) -> int | None:
        """The earliest moment before *until_us* of a copy that judged *arrivals* do not imply, or
        imply and was not guessed; None if there is none. The guesses are mended.
        """
        wrong, own = NEVER, self._concerned(live, arrivals, until_us)
        messages, t = arrivals.message, arrivals.t[own]
        messages = messages.start + own if isinstance(messages, slice) else messages[own]
        generations = np.zeros(len(own), np.int8)
        if arrivals.generation is not None:
            generations = arrivals.generation[own]
        for generation in np.unique(generations).tolist():
            mine = generations == generation
            message = messages[mine]
            # A copy that was moved just now has not been judged where it is.
            stays = live.exists[generation, message] & (live.t[generation, message] == t[mine])
            wrong = min(wrong, self._follow(live, generation, message[stays]))
        return wrong if wrong < until_us else None

    def _concerned(self, live: Live, arrivals: Arrivals, until_us: int) -> Ints:
        """The places of *arrivals* before *until_us* that failed, or were thought to fail."""
        end, n = int(arrivals.t.searchsorted(until_us)), len(live)
        own = np.flatnonzero(self.of_class.take(arrivals.cls[:end]))
        where = arrivals.where
        where = where.start + own if isinstance(where, slice) else where[own]
        # The copy after one stands a generation further on; after the last there is none.
        has_next = where < (live.generations - 1) * n
        own, where = own[has_next], where[has_next]
        fails = self._class_fails[arrivals.cls[own], live.fate.reshape(-1)[where]]
        concerned: Ints = own[fails | live.exists.reshape(-1)[where + n]]
        return concerned

    def follow_withdrawn(self, live: Live, places: Ints) -> None:
        """Guess anew the copies after messages that a freeze failed."""
        generations, message = np.divmod(places, max(1, len(live)))
        for generation in range(live.generations - 1):
            own = message[generations == generation]
            self._follow(live, generation, own[self.of_class.take(live.base.cls[own])])

    def first_unfinished(self, live: Live, t_us: int) -> int:
        """The place of the first message with a copy at *t_us* or later, or how many there are."""
        coming = ((live.t[1:] >= t_us) & live.exists[1:]).any(axis=0)
        return int(coming.argmax()) if coming.any() else len(live)

    def _follow(self, live: Live, generation: int, message: Ints) -> int:
        """Mend the copies after judged ones of *generation*; return the earliest moment that was
        wrong.
        """
        fate, left_us = live.fate[generation, message], live.sent_us[generation, message]
        t = self._next_us(live, generation, message, fate, left_us)
        guessed = live.t[generation + 1, message]
        guessed[~live.exists[generation + 1, message]] = NEVER
        differs = np.flatnonzero(t != guessed)
        if not len(differs):
            return NEVER
        self._mend(live, generation + 1, message[differs], t[differs])
        return int(np.minimum(t, guessed)[differs].min())

    def _mend(self, live: Live, generation: int, message: Ints, t: Ints) -> None:
        """Let copies of *generation* be at *t*, NEVER for none, and guess those after them."""
        while len(message):
            live.exists[generation:, message] = False
            live.exists[generation, message] = t < NEVER
            message, t = message[t < NEVER], t[t < NEVER]
            live.t[generation, message] = t
            live.mark_copies(generation, message)
            if generation + 1 == live.generations:
                break
            t = self._if_sent_at_once(live, generation, message)
            generation += 1

    def _if_sent_at_once(self, live: Live, generation: int, message: Ints) -> Ints:
        t, drawn = live.t[generation, message], live.drawn[generation, message]
        return self._next_us(live, generation, message, drawn, t)

    def _next_us(
        self, live: Live, generation: int, message: Ints, fate: Fates8, left_us: Ints
    ) -> Ints:
        """When the copies after those of *generation* are sent, by what became of these; NEVER if
        there is none.
        """
        next_us, base = np.full(len(message), NEVER), live.base
        source = self._world.source.take(base.cls.take(message))
        again = np.flatnonzero(self._fails[source, fate] & (self._at_most[source] > generation))
        if not len(again):
            return next_us
        message, source = message[again], source[again]
        names = (source, base.request[message], base.recipient[message], generation)
        push = self._pushes.take(*names)
        at = self._learnt_us(live, generation, message, fate[again], left_us[again], push)
        np.copyto(at, NEVER, where=~self._hears(source, fate[again]))
        at += self._delays(source, self._waits.take(*names))
        np.copyto(at, NEVER, where=at >= self._until_us[source])
        next_us[again] = at
        return next_us

    def _hears(self, source: NDArray[np.int16], fate: Fates8) -> NDArray[np.bool_]:
        """Whether servers hear of these fates: in an answer, or at an address of their own."""
        place = self._world.fates.place.take(fate)
        hears: NDArray[np.bool_] = self._named[source] | (place == 1) | (place == 2)
        return hears

    def _learnt_us(
        self,
        live: Live,
        generation: int,
        message: Ints,
        fate: Fates8,
        left_us: Ints,
        push: NDArray[np.uint64],
    ) -> Ints:
        """When the servers know: by the answer at once, else by the first report that arrives."""
        t, place = live.t[generation, message], self._world.fates.place.take(fate)
        created = np.where(place == 0, left_us + live.latency[generation, message], t)
        np.copyto(created, left_us, where=fate == WITHDRAWN)
        arrived = self._callback.first_arrival_us(created, live.segments[generation, message], push)
        learnt: Ints = np.where((place == 1) | (place == 2), t, arrived)
        return learnt

    def _delays(self, source: NDArray[np.int16], word: NDArray[np.uint64]) -> Ints:
        delay = np.empty(len(word), np.int64)
        for number in np.unique(source).tolist():
            own, table = np.flatnonzero(source == number), self._after[number]
            assert table is not None
            delay[own] = table.take(word[own])
        return np.maximum(delay, 1)


# The marks of resent copies, made only for copies that are thought to exist.


class CopyMarks:
    """Knows for how long users ask again, and the marks of every copy."""

    def __init__(self, world: World, sources: list[SourceBirths]) -> None:
        self._world, self._sources = world, sources
        rules = [getattr(source, "resend", None) for source in world.sources]
        self.longest_chain_us = max(
            (rule.at_most * max(1, rule.patience.table().longest) for rule in rules if rule),
            default=0,
        )
        """The longest time from a first copy to its last resend."""

    def mark(
        self, base: Births, message: Ints, generation: int, t: Ints
    ) -> tuple[MessageMarks, Ints]:
        """The marks of copies of *generation*, sent at *t*, and when the next would be sent."""
        n = len(message)
        marks, next_t = MessageMarks.blank(n), np.empty(n, np.int64)
        source = self._world.source.take(base.cls.take(message))
        for number in np.unique(source).tolist():
            rows = np.flatnonzero(source == number)
            own = message[rows]
            recipient = base.recipient[own].astype(np.int64)
            part, next_t[rows] = self._sources[number].copies(
                base.request[own], recipient, t[rows], generation
            )
            marks.put(rows, part)
        return marks, next_t
