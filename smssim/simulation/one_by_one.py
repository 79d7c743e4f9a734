"""Messages that change the account: judged one by one, by the scalar rules of the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.account.account import Account, Verdict
from smssim.simulation.account.events import Rank
from smssim.simulation.commit import Books
from smssim.simulation.compiled import World
from smssim.simulation.message_arrivals import Arrivals
from smssim.simulation.snapshot import frequency_limits
from smssim.simulation.window import Live

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
