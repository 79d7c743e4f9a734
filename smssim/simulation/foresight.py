"""Looking ahead before a block is judged: which copies come, and where the account will change.

All of it is guessed and verified later; a better guess changes no result, only how many blocks
are cut and judged again.
"""

from __future__ import annotations

from smssim.simulation.account.account import Account
from smssim.simulation.compiled import World
from smssim.simulation.judge import crossing_if_sent, draft
from smssim.simulation.message_arrivals import Arrivals
from smssim.simulation.snapshot import Terms, as_reported, never_delivered
from smssim.simulation.window import Live


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
