"""All tallies counted from the rows of our own tables, in the time that reading them takes.

Rows are counted by kind and slot, kind and delay; what hangs on a kind is found once, at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from smssim.calendars import DAY
from smssim.logs.kinds import Kinds, Written
from smssim.logs.stored import NA, NAT, Array, Chunk, Stored, Times
from smssim.logs.sums import Sums
from smssim.record.counting import GROUP, Counted, Tallier, charges, kinds_of, outcomes
from smssim.record.parquet import KIND
from smssim.record.schema import COPIES, REPORT_STATES
from smssim.record.tallies import OUTCOMES, SLOT_US, Tallies
from smssim.stats.delay_bins import bin_of, edges_us

_CODED = ("country", "application", "template", "type", "status", "source")
_KINDS = (*_CODED, "generation", "place", "segments", "covered_segments")
_TIMES, _PAID = ("submitted_at", "final_at"), "paid"
_REPORTED = ("state", "attempts", "copies")
_DEFAULTS = {"generation": NA, "place": 0, "segments": 0, "covered_segments": NA, "cost_micro": 0}
"""What stands for a column that a table has not; NA elsewhere."""
_BINS = len(edges_us()) + 1
"""The last one is that of deliveries whose time is not told."""


class Recount:
    """Counts the messages of a table chunk by chunk, observed up to *until_us*."""

    def __init__(self, table: Stored, until_us: int, servers: Collection[str]) -> None:
        self._until_us, self._servers = until_us, servers
        self._labels = {n: table.labels(n) if n in table.kinds else [] for n in _CODED}
        self._kinds: Kinds | Written
        self.wanted: tuple[str, ...] = (*_TIMES, KIND)
        if table.together is not None:
            self._kinds = Written(KIND, table.together)
        else:
            ranges = {
                n: table.range_of(n) if n in table.kinds else (_default(n),) * 2 for n in _KINDS
            }
            self._kinds = Kinds({**ranges, _PAID: (0, 1)})
            self.wanted = (*_TIMES, "cost_micro", *_KINDS)
        self._clock, self._delays = Sums(), Sums(_BINS)
        self._flying = np.empty(0, bool)

    def add(self, chunk: Chunk) -> Array:
        """Count a chunk; return the times of the final statuses of its messages."""
        codes = {name: chunk.codes.get(name, _default(name)) for name in self.wanted}
        money = None
        if isinstance(self._kinds, Kinds):
            cost = np.maximum(codes["cost_micro"], 0)
            paid = cost > 0
            codes[_PAID] = paid if paid.ndim else int(paid)
            if paid.any():
                money = np.broadcast_to(cost, chunk.rows)
        kind = self._kinds.of(codes, chunk.rows)
        submitted = chunk.times["submitted_at"].us
        counts = self._clock.add(submitted // SLOT_US, kind, len(self._kinds), money)
        final = chunk.times.get("final_at") or Times(submitted, np.arange(chunk.rows))
        self._delays.add(self._bins(submitted, final, kind, counts), kind, len(self._kinds))
        ended = final.us.copy()
        ended[final.none] = NAT
        return ended

    def _bins(self, submitted: Array, final: Times, kind: Array, counts: Array) -> Array:
        """The bin of each delay, of the age where a message is in flight."""
        delay = final.us - submitted
        delay[final.none] = self._until_us - submitted.take(final.none)
        flying = self._in_flight()
        waiting = flying.take(kind.take(final.none))
        none = final.none[~waiting]
        if int(counts @ flying) != np.count_nonzero(waiting):
            # A status that is not final has a time of its own, which is no end of the flight.
            own = np.flatnonzero(flying.take(kind))
            delay[own] = self._until_us - submitted.take(own)
        bins = bin_of(delay)
        bins[none] = _BINS - 1
        return bins

    def _in_flight(self) -> Array:
        """Which kinds are in flight."""
        if len(self._flying) < len(self._kinds):
            outcome = outcomes(self._kinds.columns(), self._labels["status"])
            self._flying = outcome == OUTCOMES.index("in_flight")
        return self._flying

    def tallies(self, first_us: int, reports: ReportCount | None) -> Tallies:
        """The tallies of everything counted, and of the status reports."""
        kinds = self._kinds.columns()
        # Of kinds found here it is told whether they cost anything, and their cost is summed.
        kinds["cost_micro"] = np.maximum(kinds["cost_micro" if _PAID not in kinds else _PAID], 0)
        kinds["charge"] = charges(kinds)
        kinds["outcome"] = outcomes(kinds, self._labels["status"])
        kinds["copy"] = self._copies(kinds)
        lists: dict[str, Any] = {}
        for name in _CODED:
            order = sorted(range(len(self._labels[name])), key=self._labels[name].__getitem__)
            lists[name] = [self._labels[name][place] for place in order]
            rank = np.full(len(order) + 1, NA)
            rank[order] = np.arange(len(order))
            kinds[name] = rank.take(kinds[name])
        lists["group"], kinds["group"] = [], np.empty(0, np.int64)
        if len(self._kinds):
            groups, kinds["group"] = kinds_of({name: kinds[name] for name in GROUP})
            lists["group"] = np.stack(list(groups.values()), axis=1).tolist()
        tallier = Tallier(lists, first_us, self._until_us)
        self._add_messages(tallier, kinds, first_us)
        self._add_delays(tallier, kinds)
        if reports is not None:
            tallier.add_cells(reports.counted(), "push")
        return tallier.tallies()

    def _add_messages(self, tallier: Tallier, kinds: Mapping[str, Array], first_us: int) -> None:
        slot, kind, (messages, cost) = self._clock.cells()
        codes = {name: kinds[name].take(kind) for name in ("group", "charge", "status", "outcome")}
        codes["slot"] = slot - first_us // SLOT_US
        codes["day"] = slot * SLOT_US // DAY - first_us // DAY
        if isinstance(self._kinds, Written):
            cost = messages * kinds["cost_micro"].take(kind)
        sums = {"messages": messages, "cost_micro": cost}
        for name in ("segments", "covered_segments"):
            sums[name] = messages * np.maximum(kinds[name], 0).take(kind)
        tallier.add_cells(Counted(codes, sums), "money", "templates", "sources", "clock")

    def _add_delays(self, tallier: Tallier, kinds: Mapping[str, Array]) -> None:
        place, kind, (messages, _) = self._delays.cells()
        outcome = kinds["outcome"].take(kind)
        for name, into in (
            ("delivered", ("latency", "template_latency")),
            ("in_flight", ("censored", "template_censored")),
        ):
            own = np.flatnonzero((outcome == OUTCOMES.index(name)) & (place < _BINS - 1))
            codes = {"group": kinds["group"].take(kind.take(own)), "bin": place.take(own)}
            tallier.add_cells(Counted(codes, {"messages": messages.take(own)}), *into)

    def _copies(self, kinds: Mapping[str, Array]) -> Array:
        """What kind of copy each kind of message is, as codes of COPIES."""
        again = np.full(len(self._kinds), COPIES.index("user resend"))
        if self._servers:
            of_server = [name in self._servers for name in self._labels["source"]]
            again[np.array([*of_server, False])[kinds["source"]]] = COPIES.index("server resend")
        again[kinds["generation"] == 0] = COPIES.index("first")
        again[kinds["generation"] < 0] = NA
        return again


class ReportCount:
    """Counts the status reports of a table chunk by chunk."""

    def __init__(self, table: Stored) -> None:
        states = table.labels("state")
        self._states = np.array([REPORT_STATES.index(state) for state in states], np.int64)
        self._kinds: Kinds | Written
        self._own: tuple[str, ...] = (KIND,)
        if table.together is not None:
            self._kinds = Written(KIND, table.together)
        else:
            self._own = _REPORTED
            ranges = {n: table.range_of(n) if n in table.kinds else (NA, NA) for n in self._own}
            self._kinds = Kinds(ranges)
        self._delays = Sums(_BINS + 1)
        self.wanted = ("message", "received_at", *self._own)

    def add(self, chunk: Chunk, created: Array) -> None:
        """Count a chunk whose reports were made at *created*."""
        kind = self._kinds.of({n: chunk.codes.get(n, NA) for n in self._own}, chunk.rows)
        received = chunk.times["received_at"]
        # Most reports arrive as they are made, and are quicker left out than put into bin 0.
        own = np.flatnonzero(received.us != created)
        place = np.ones(chunk.rows, np.int64)
        made = created.take(own)
        late = bin_of(received.us.take(own) - made) + 1
        late[made == NAT] = 0
        place[own] = late
        if len(received.none):
            # What arrived nobody knows when has no delay; what never arrived is counted in bin 0.
            arrived = self._kinds.columns()["state"] == self._received()
            place[received.none] = np.where(arrived.take(kind.take(received.none)), 0, 1)
        self._delays.add(place, kind, len(self._kinds))

    def counted(self) -> Counted:
        """The cells of the tally `push`."""
        place, kind, (number, _) = self._delays.cells()
        kinds = self._kinds.columns()
        codes = {name: kinds[name].take(kind) for name in ("state", "attempts")}
        codes["state"] = self._states.take(codes["state"])
        codes["bin"] = place - 1
        copies = number * np.maximum(kinds["copies"], 0).take(kind)
        return Counted(codes, {"reports": number, "copies": copies})

    def _received(self) -> int:
        known = np.flatnonzero(self._states == REPORT_STATES.index("received"))
        return int(known[0]) if len(known) else NA - 1


def _default(name: str) -> int:
    return _DEFAULTS.get(name, NA)
