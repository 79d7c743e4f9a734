"""Counting: how rows become tallies, chunk by chunk.

Rows are compact columns of messages and reports (category codes, -1 for NA; times as integer
microseconds, the smallest int64 for NaT), whether those come from the engine, a frame or a file.
Frames and batches that no engine made come by way of `smssim.retally`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import DAY
from smssim.record.schema import COPIES, REPORT_STATES
from smssim.record.tallies import CHARGES, OUTCOMES, SLOT_US, WITHIN, Tallies
from smssim.stats.delay_bins import bin_of, edges_us

if TYPE_CHECKING:
    import pandas as pd


# Counting by several keys at once: rows to cells, cells to frames.

Array = NDArray[Any]
Columns = Mapping[str, Array]
_DENSEST, _SMALL_cells = 8, 1 << 16
"""Cells a row, and in all, up to which a plain count is quicker than sorting."""


class Axis(NamedTuple):
    """One key of a tally: its values by code, counted from *first*; with *na*, code -1 is NA and
    stands first.
    """

    name: str
    names: Sequence[Any] | Array
    na: bool = False

    @property
    def size(self) -> int:
        return len(self.names) + self.na


class Counted(NamedTuple):
    """Cells that are not empty: their codes along each axis, and their sums by measure."""

    codes: dict[str, Array]
    sums: dict[str, Array]


def kinds_of(columns: Columns) -> tuple[dict[str, Array], Array]:
    """The combinations of small integers that occur, as columns, and which of them each row is.

    What hangs on such columns alone is then found out once a combination, not once a row.
    """
    lows = {name: int(column.min()) for name, column in columns.items()}
    sizes = [int(column.max()) - lows[name] + 1 for name, column in columns.items()]
    all_ = math.prod(sizes)
    n = len(next(iter(columns.values())))
    key: Array = np.zeros(n, np.int16 if all_ < 1 << 15 else np.int64)
    for (name, column), size in zip(columns.items(), sizes, strict=True):
        key *= size
        key += column
        key -= lows[name]
    found, kind = _distinct(key.astype(np.int64, copy=False), all_)
    places = zip(columns, np.unravel_index(found, sizes), strict=True)
    return {name: place + lows[name] for name, place in places}, kind


def count(axes: Sequence[Axis], codes: Columns, measures: Sequence[str]) -> Counted:
    """Count rows by their codes along *axes*; measures beside the first are sums of the columns of
    that name.
    """
    key, shift = codes[axes[0].name].astype(np.int64), int(axes[0].na)
    for axis in axes[1:]:
        if axis.size > 1:
            shift = shift * axis.size + axis.na
            key *= axis.size
            key += codes[axis.name]
    low = int(key.min())
    key -= low
    low += shift
    named = None
    if int(key.max()) > _DENSEST * len(key) + _SMALL_cells:
        named, key = np.unique(key, return_inverse=True)
    number = np.bincount(key)
    cells = np.flatnonzero(number)
    sums = [number, *(_summed(key, codes[name], len(number)) for name in measures[1:])]
    places = np.unravel_index(
        (cells if named is None else named[cells]) + low, [a.size for a in axes]
    )
    return Counted(
        {a.name: place - a.na for a, place in zip(axes, places, strict=True)},
        {name: column.take(cells) for name, column in zip(measures, sums, strict=True)},
    )


def _summed(key: Array, column: Array, cells: int) -> Array:
    """The sum of a column by cell; exact, as sums of integers below 2**53 are in floating point."""
    own = np.flatnonzero(column > 0)
    return np.bincount(key.take(own), column.take(own), minlength=cells).astype(np.int64)


class Kept:
    """The cells of one tally, chunk after chunk."""

    def __init__(self, *axes: Axis, measures: tuple[str, ...] = ("messages",)) -> None:
        self._axes, self._measures = axes, measures
        self._parts: list[tuple[Array, list[Array]]] = []

    def add(self, counted: Counted) -> None:
        """Keep counted cells, summed over whatever this tally does not tell apart."""
        places = [counted.codes[axis.name] + axis.na for axis in self._axes]
        if not len(places[0]):
            return
        cells = np.ravel_multi_index(places, [axis.size for axis in self._axes])
        self._parts.append(folded([(cells, [counted.sums[name] for name in self._measures])]))
        if len(self._parts) > 32:
            self._parts = [folded(self._parts)]

    def frame(self) -> pd.DataFrame:
        """The cells by the values of their keys, in order."""
        import pandas as pd

        sizes = [axis.size for axis in self._axes]
        empty = np.empty(0, np.int64)
        cells, sums = folded(self._parts) if self._parts else (empty, [empty] * len(self._measures))
        places = np.unravel_index(cells, sizes)
        keys = {a.name: _named(a, place) for a, place in zip(self._axes, places, strict=True)}
        return pd.DataFrame(keys | dict(zip(self._measures, sums, strict=True)))


def folded(parts: list[tuple[Array, list[Array]]]) -> tuple[Array, list[Array]]:
    """The sums by distinct cell, in the order of cells."""
    every = np.concatenate([part[0] for part in parts])
    low = int(every.min())
    found, place = _distinct(every - low, int(every.max()) - low + 1)
    sums = []
    for number in range(len(parts[0][1])):
        total = np.zeros(len(found), np.int64)
        np.add.at(total, place, np.concatenate([part[1][number] for part in parts]))
        sums.append(total)
    return found + low, sums


def _distinct(key: Array, size: int) -> tuple[Array, Array]:
    """The numbers below *size* that occur, in order, and which of them each is."""
    if size > _DENSEST * len(key) + _SMALL_cells:
        return np.unique(key, return_inverse=True)
    seen = np.zeros(size, bool)
    seen[key] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1).take(key)


def _named(axis: Axis, places: Array) -> Any:
    """The values of an axis at *places*, NA where there is none."""
    import pandas as pd

    named = axis.names
    if isinstance(named, np.ndarray):
        return named.take(places)
    if isinstance(named, range):
        numbers = np.asarray(places - axis.na)
        return np.where(numbers < 0, np.nan, numbers) if (numbers < 0).any() else numbers
    names = np.array([None, *named] if axis.na else list(named), object)
    return pd.array(names.take(places), dtype="str")


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
