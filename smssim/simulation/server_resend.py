"""Resends by servers: which copies the judged messages imply, and when, against those guessed.

Unlike a user's, the time of such a copy hangs on results too: on the verdict before it, the queue
and the push. Copies come after what they repeat, so everything before the first wrong guess is
right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.arrivals.messages import SourceBirths
from smssim.simulation.callbacks.server import CallbackServer, MessageWords
from smssim.simulation.compiled import World
from smssim.simulation.fates import WITHDRAWN

if TYPE_CHECKING:
    from smssim.simulation.message_arrivals import Arrivals
    from smssim.simulation.window import Live

Ints = NDArray[np.int64]
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
