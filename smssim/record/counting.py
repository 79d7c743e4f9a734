"""Counting: how rows become tallies, chunk by chunk.

Rows are compact columns of messages and reports (category codes, -1 for NA; times as integer
microseconds, the smallest int64 for NaT), whether those come from the engine, a frame or a file.
Frames and batches that no engine made come by way of `smssim.record.from_frames`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from smssim.calendars import DAY
from smssim.record.cells import Array, Axis, Columns, Counted, Kept, count, kinds_of
from smssim.record.schema import COPIES, REPORT_STATES
from smssim.record.tallies import CHARGES, OUTCOMES, SLOT_US, WITHIN, Tallies
from smssim.stats.delay_bins import bin_of, edges_us

NAT = np.iinfo(np.int64).min
_SUMS = ("messages", "segments", "covered_segments", "cost_micro")
_CLOCK_SUMS = ("messages", "segments", "covered_segments")
_RECEIVED = REPORT_STATES.index("received")
_SMALL = ("status", "place", "segments", "covered_segments")
GROUP = ("country", "application", "template", "type", "copy", "source")


class Tallier:
    """Counts chunk by chunk; `tallies` gives what was counted so far.

    *lists* are the categories of the coded columns; beside them `group`, the (country, application,
    template, type, copy, source) that go together, by codes (-1 is NA). *first_us* and *until_us*
    are the observed period in microseconds. *batched* says that a first push may come later than
    its report, which takes longer to count.
    """

    def __init__(
        self,
        lists: Mapping[str, Sequence[Any]],
        first_us: int,
        until_us: int,
        *,
        batched: bool = True,
    ) -> None:
        self._until_us, self._batched = until_us, batched
        self._first = {"day": first_us // DAY, "slot": first_us // SLOT_US}
        self._statuses = list(lists["status"])
        lists = {**lists, "copy": COPIES}
        names = (*GROUP, "status")
        for unsorted in [name for name in names if list(lists[name]) != sorted(lists[name])]:
            raise ValueError(f"lists[{unsorted!r}](={lists[unsorted]}) must be sorted")
        axis = {name: Axis(name, list(lists[name]), na=True) for name in names}
        for name, values in (
            ("charge", CHARGES),
            ("outcome", OUTCOMES),
            ("state", REPORT_STATES),
            ("bin", range(len(edges_us()))),
            ("day", _starts(self._first["day"], until_us, DAY)),
            ("slot", _starts(self._first["slot"], until_us, SLOT_US)),
        ):
            axis[name] = Axis(name, values)
        axis["attempts"] = Axis("attempts", range(17), na=True)
        axis["within"] = Axis("within", WITHIN, na=True)
        axis["push_bin"] = Axis("bin", range(len(edges_us())), na=True)
        self._axis = axis
        self.regroup(lists["group"])

        def kept(*names: str, measures: tuple[str, ...] = ("messages",)) -> Kept:
            return Kept(*(axis[name] for name in names), measures=measures)

        self._kept = {
            "money": kept(
                "day", "country", "application", "type", "charge", "status", "copy", measures=_SUMS
            ),
            "templates": kept(
                "template", "application", "type", "charge", "status", measures=_SUMS
            ),
            "sources": kept("source", "charge", "status", measures=_SUMS),
            "clock": kept("slot", "country", "outcome", measures=_CLOCK_SUMS),
            "latency": kept("country", "type", "bin"),
            "template_latency": kept("template", "bin"),
            "censored": kept("country", "type", "bin"),
            "template_censored": kept("template", "bin"),
            "coarse": kept("country", "type", "outcome", "within"),
            "push": Kept(
                axis["state"], axis["attempts"], axis["push_bin"], measures=("reports", "copies")
            ),
        }

    def regroup(self, groups: Sequence[Any] | Array) -> None:
        """Let the groups of the chunks that follow be these ones, by codes as in `GROUP`."""
        codes = np.array(groups, np.int64).reshape(-1, len(GROUP))
        self._group = {name: codes[:, place] for place, name in enumerate(GROUP)}
        self._axis["group"] = Axis("group", range(len(codes)))

    def add(self, messages: Columns, reports: Columns) -> None:
        """Count a chunk; `reports["message"]` numbers the messages of this chunk from 0.

        Messages of logs may have a column `result`, 0 to 4 of DOMAIN.md section 9, -1 for NA.
        """
        if not len(messages["submitted_at"]):
            return
        # How a message was paid for and what became of it hangs on a few small columns: asked once
        # a kind, of which there are some twenty, not once a message.
        small = {name: messages[name] for name in _SMALL}
        kinds, kind = kinds_of(small | {"cost_micro": messages["cost_micro"] > 0})
        kinds |= {"charge": charges(kinds), "outcome": outcomes(kinds, self._statuses)}
        self._add_messages(messages, kinds, kind)
        outcome = kinds["outcome"].take(kind)
        self._add_delays(messages, outcome)
        if "result" in messages:
            self._add_coarse(messages, outcome)
        if len(reports["message"]):
            self._add_reports(messages, reports)

    def add_cells(self, counted: Counted, *into: str) -> None:
        """Keep what was counted elsewhere in the tallies *into*, whose keys the cells have by the
        codes of this one, `group` for those that go together.
        """
        if "group" in counted.codes:
            self._keep(*counted, *into)
            return
        for name in into:
            self._kept[name].add(counted)

    def tallies(self) -> Tallies:
        """The tallies of everything counted."""
        return Tallies(self._until_us, **{name: kept.frame for name, kept in self._kept.items()})

    def _add_messages(self, messages: Columns, kinds: Columns, kind: Array) -> None:
        """Count once by slot, group and kind, and find everything else from the few cells."""
        first = self._first["slot"]
        codes = {
            "slot": messages["submitted_at"] // SLOT_US - first,
            "group": messages["group"],
            "kind": kind,
            "cost_micro": messages["cost_micro"],
        }
        axes = (self._axis["slot"], self._axis["group"], Axis("kind", kinds["status"]))
        cells, sums = count(axes, codes, ("messages", "cost_micro"))
        own = cells["kind"]
        for name in ("segments", "covered_segments"):
            sums[name] = sums["messages"] * np.maximum(kinds[name], 0).take(own)
        for name in ("charge", "status", "outcome"):
            cells[name] = kinds[name].take(own)
        cells["day"] = (cells["slot"] + first) * SLOT_US // DAY - self._first["day"]
        self._keep(cells, sums, "money", "templates", "sources", "clock")

    def _add_delays(self, messages: Columns, outcome: Array) -> None:
        group, submitted, final = (messages[n] for n in ("group", "submitted_at", "final_at"))
        landed = (outcome == OUTCOMES.index("delivered")) & (final != NAT)
        codes = {"landed": landed, "group": group, "bin": bin_of(final - submitted)}
        axes = (Axis("landed", (False, True)), self._axis["group"], self._axis["bin"])
        # Most are delivered: it is quicker to count all than to pick those out first.
        counted = count(axes, codes, ("messages",))
        own = np.flatnonzero(counted.codes["landed"])
        cells, sums = ({n: c.take(own) for n, c in part.items()} for part in counted)
        self._keep(cells, sums, "latency", "template_latency")
        own = np.flatnonzero(outcome == OUTCOMES.index("in_flight"))
        if len(own):
            age = bin_of(self._until_us - submitted.take(own))
            flying = count(axes[1:], {"group": group.take(own), "bin": age}, ("messages",))
            self._keep(*flying, "censored", "template_censored")

    def _add_coarse(self, messages: Columns, outcome: Array) -> None:
        told = (messages["status"] >= 0) & (messages["final_at"] == NAT) & (messages["result"] >= 0)
        own = np.flatnonzero(told)
        if not len(own):
            return
        codes = {"group": messages["group"].take(own), "outcome": outcome.take(own)}
        within = np.array([0, 0, -1, 1, 1], np.int8)
        codes["within"] = within.take(messages["result"].take(own))
        axes = [self._axis[name] for name in ("group", "outcome", "within")]
        self._keep(*count(axes, codes, ("messages",)), "coarse")

    def _add_reports(self, messages: Columns, reports: Columns) -> None:
        own = np.arange(len(reports["message"]))
        if not self._batched:
            # Alone, a first push comes when the report is made, and most are such.
            plain = (reports["attempts"] == 1) & (reports["copies"] == 1)
            plain &= reports["state"] == _RECEIVED
            own = np.flatnonzero(~plain)
            self._add_plain(len(plain) - len(own))
        if not len(own):
            return
        codes = {name: reports[name].take(own) for name in ("state", "attempts", "copies")}
        received = reports["received_at"].take(own)
        created = messages["final_at"].take(reports["message"].take(own))
        codes["bin"] = bin_of(received - created)
        codes["bin"][created == NAT] = -1
        # What arrived nobody knows when has no delay; what never arrived is counted in bin 0.
        codes["bin"][received == NAT] = 0
        codes["bin"][(received == NAT) & (codes["state"] == _RECEIVED)] = -1
        axes = [self._axis[name] for name in ("state", "attempts", "push_bin")]
        self._kept["push"].add(count(axes, codes, ("reports", "copies")))

    def _add_plain(self, number: int) -> None:
        """Count reports that were received once, at once."""
        if number:
            cell = {"state": _RECEIVED, "attempts": 1, "bin": 0}
            codes = {name: np.array([code]) for name, code in cell.items()}
            sums = np.array([number])
            self._kept["push"].add(Counted(codes, {"reports": sums, "copies": sums}))

    def _keep(self, cells: Columns, sums: dict[str, Array], *into: str) -> None:
        """Keep cells by group in every tally they belong to."""
        group = cells["group"]
        names = {name: column.take(group) for name, column in self._group.items()}
        for name in into:
            self._kept[name].add(Counted({**cells, **names}, sums))


def charges(messages: Columns) -> Array:
    """How each message was paid for, as codes of CHARGES."""
    covered, place = messages["covered_segments"], messages["place"]
    code = {name: np.int8(CHARGES.index(name)) for name in CHARGES}
    assert code["pay_per_use"] == code["package"] + 1
    packaged = covered > 0
    charge = (~packaged).view(np.int8) + code["package"]
    packaged &= messages["cost_micro"] > 0
    charge[np.flatnonzero(packaged)] = code["split"]
    # A log can tell what a message cost, and not what packages gave.
    unknown = covered < 0
    unknown &= messages["cost_micro"] == 0
    charge[np.flatnonzero(unknown)] = code["unknown"]
    refused = np.flatnonzero(place > 0)
    charge[refused] = place[refused] - 1 + code["refused_1"]
    return charge


def outcomes(messages: Columns, statuses: Sequence[str]) -> Array:
    """What became of each message, as codes of OUTCOMES."""
    known = {"DELIVRD": "delivered", "EXPIRED": "expired", "ACCEPTD": "in_flight"}
    by_status = [OUTCOMES.index(known.get(status, "failed")) for status in statuses]
    by_status.append(OUTCOMES.index("in_flight"))
    outcome: Array = np.array(by_status, np.int8)[messages["status"].astype(np.intp)]
    place = messages["place"]
    refused = np.flatnonzero(place > 0)
    outcome[refused] = OUTCOMES.index("refused") + (place[refused] == 3)
    return outcome


def _starts(first: int, until_us: int, length_us: int) -> Array:
    """The starts of all days or slots from number *first* to the end, as timestamps."""
    return (np.arange(first, until_us // length_us + 1) * length_us).view("datetime64[us]")
