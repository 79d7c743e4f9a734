"""Tallies: the small aggregates that reports are computed from, bounded in size and mergeable.

They are counted from the compact columns of messages and reports (category codes, -1 for NA; times as integer
microseconds, the smallest int64 for NaT), whether those come from the engine, a frame or a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from smssim.bins import bin_of, edges_us
from smssim.calendars import DAY, MINUTE
from smssim.tables import REPORT_STATES

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[Any]
Columns = Mapping[str, Array]
NAT = np.iinfo(np.int64).min
SLOT_US = 15 * MINUTE
CHARGES = ("package", "pay_per_use", "refused_1", "refused_2", "refused_3", "split", "unknown")
"""How a message was paid for; where it was refused (at which place), if it was."""
OUTCOMES = ("delivered", "expired", "failed", "in_flight", "refused")
MEASURES = ("messages", "segments", "covered_segments", "cost_micro", "reports", "copies")
_SUMS = ("messages", "segments", "covered_segments", "cost_micro")
_DENSEST, _SMALL = 8, 1 << 16
"""Cells a row, and in all, up to which a plain count is quicker than sorting."""


@dataclass(frozen=True)
class Tallies:
    """The six tallies as tidy frames, one row a cell that is not empty; `templates` and `latency` are two frames each.

    Keys are UTC days and 15-minute slots, names, and delay bins (`smssim.bins`, by number). *latency* holds delivered messages, from
    submission to delivery; *censored* those in flight at the end, by their age; *push* reports by delay to their first arrival (bin 0
    when none arrived). Tallies of disjoint messages with the same end merge.
    """

    observed_until: int
    money: pd.DataFrame
    templates: pd.DataFrame
    clock: pd.DataFrame
    latency: pd.DataFrame
    template_latency: pd.DataFrame
    censored: pd.DataFrame
    push: pd.DataFrame

    def merge(self, *others: Self) -> Self:
        """The tallies of all messages together. Raise a ValueError unless all end at the same instant."""
        import pandas as pd

        ends = {self.observed_until, *(other.observed_until for other in others)}
        if len(ends) > 1:
            raise ValueError(f"observed_until(={sorted(ends)}) must be the same for tallies to merge")
        parts = {name: [getattr(t, name) for t in (self, *others)] for name in NAMES}
        return type(self)(
            self.observed_until,
            **{name: _summed(pd.concat(frames, ignore_index=True)) for name, frames in parts.items()},
        )


NAMES = tuple(field.name for field in fields(Tallies) if field.name != "observed_until")


def _summed(frame: pd.DataFrame) -> pd.DataFrame:
    keys = [column for column in frame.columns if column not in MEASURES]
    summed = frame.groupby(keys, dropna=False, sort=False, as_index=False).sum()
    return summed.sort_values(keys, na_position="first", ignore_index=True)


class _Axis(NamedTuple):
    """One key of a tally: its values by code; with *na*, code -1 is NA and stands first."""

    name: str
    values: Sequence[Any]
    na: bool = False

    @property
    def size(self) -> int:
        return len(self.values) + self.na


class _Cells:
    """Sums over the cells that a number of axes span; only cells that are not empty are kept."""

    def __init__(self, *axes: _Axis, measures: tuple[str, ...] = ("messages",)) -> None:
        self._axes, self._measures = axes, measures
        self._kept: list[tuple[Array, list[Array]]] = []

    def add(self, codes: Columns) -> None:
        """Count rows by their codes along the axes; measures beside the first are sums of the columns of that name."""
        key = self._key(codes)
        if not len(key):
            return
        low = int(key.min())
        key -= low
        named = None
        if int(key.max()) > _DENSEST * len(key) + _SMALL:
            named, key = np.unique(key, return_inverse=True)
        counts = np.bincount(key)
        cells = np.flatnonzero(counts)
        sums = [counts[cells]]
        sums += [_summed_by(key, codes[name], len(counts))[cells] for name in self._measures[1:]]
        self._kept.append(((cells if named is None else named[cells]) + low, sums))

    def _key(self, codes: Columns) -> Array:
        """The cell of each row, all axes in one number."""
        key, shift = codes[self._axes[0].name].astype(np.int64), int(self._axes[0].na)
        for axis in self._axes[1:]:
            shift = shift * axis.size + axis.na
            if axis.size > 1:
                key *= axis.size
                key += codes[axis.name]
        key += shift
        return key

    def frame(self) -> pd.DataFrame:
        """The cells by the values of their keys, in order."""
        import pandas as pd

        if not self._kept:
            empty: dict[str, Any] = {axis.name: pd.Series(axis.values).iloc[:0] for axis in self._axes}
            return pd.DataFrame(empty | {name: np.empty(0, np.int64) for name in self._measures})
        cells, inverse = np.unique(np.concatenate([cells for cells, _ in self._kept]), return_inverse=True)
        frame = self._keys(cells)
        for place, name in enumerate(self._measures):
            total = np.zeros(len(cells), np.int64)
            np.add.at(total, inverse, np.concatenate([sums[place] for _, sums in self._kept]))
            frame[name] = total
        return frame

    def _keys(self, cells: Array) -> pd.DataFrame:
        import pandas as pd

        places = np.unravel_index(cells, [axis.size for axis in self._axes])
        columns = {}
        for axis, place in zip(self._axes, places, strict=True):
            columns[axis.name] = _named(axis, place)
        return pd.DataFrame(columns)


def _summed_by(key: Array, column: Array, cells: int) -> Array:
    """The sum of a column by cell; exact, as sums of integers below 2**53 are in floating point."""
    if column.dtype == np.int8 or column.dtype == np.uint8:
        # Small values: counting (cell, value) pairs beats adding up floats.
        most = int(column.max(initial=0)) + 1
        if most > 1 and int(column.min(initial=0)) >= 0:
            pairs = np.bincount(key * most + column, minlength=cells * most)
            sums: Array = pairs.reshape(cells, most) @ np.arange(most)
            return sums
    own = np.flatnonzero(column > 0)
    return np.bincount(key.take(own), column.take(own), minlength=cells).astype(np.int64)


def _named(axis: _Axis, places: Array) -> Any:
    """The values of an axis at *places*, NA where there is none."""
    import pandas as pd

    if isinstance(axis.values, np.ndarray):
        return axis.values.take(places)
    if isinstance(axis.values, range):
        values = np.asarray(places - axis.na)
        return np.where(values < 0, np.nan, values) if axis.na and (values < 0).any() else values
    names = np.array([None, *axis.values] if axis.na else list(axis.values), object)
    return pd.array(names.take(places), dtype="str")


class Tallier:
    """Counts chunk by chunk; `tallies` gives what was counted so far.

    *lists* are the categories of the coded columns, *first_us* and *until_us* the observed period in microseconds.
    """

    def __init__(self, lists: Mapping[str, Sequence[Any]], first_us: int, until_us: int) -> None:
        self._until_us = until_us
        self._first = {"day": first_us // DAY, "slot": first_us // SLOT_US}
        self._statuses = list(lists["status"])
        names = ("country", "application", "type", "template", "status")
        for unsorted in [name for name in names if list(lists[name]) != sorted(lists[name])]:
            raise ValueError(f"lists[{unsorted!r}](={lists[unsorted]}) must be sorted")
        name = {key: _Axis(key, list(lists[key]), na=True) for key in names}
        charge = _Axis("charge", CHARGES)
        bins = _Axis("bin", range(len(edges_us())))
        day = _Axis("day", _starts(self._first["day"], until_us, DAY))
        slot = _Axis("slot", _starts(self._first["slot"], until_us, SLOT_US))
        self._money = _Cells(
            day, name["country"], name["application"], name["type"], charge, name["status"], measures=_SUMS
        )
        self._templates = _Cells(name["template"], charge, name["status"], measures=_SUMS)
        self._clock = _Cells(slot, name["country"], _Axis("outcome", OUTCOMES))
        self._latency = _Cells(name["country"], name["type"], bins)
        self._template_latency = _Cells(name["template"], bins)
        self._censored = _Cells(name["country"], name["type"], bins)
        state, attempts = _Axis("state", REPORT_STATES), _Axis("attempts", range(17), na=True)
        self._push = _Cells(state, attempts, bins, measures=("reports", "copies"))

    def add(self, messages: Columns, reports: Columns) -> None:
        """Count a chunk; `reports["message"]` numbers the messages of this chunk from 0."""
        if not len(messages["submitted_at"]):
            return
        codes = dict(messages)
        codes["charge"] = charges(messages)
        codes["outcome"] = outcomes(messages, self._statuses)
        for name, length in (("day", DAY), ("slot", SLOT_US)):
            codes[name] = messages["submitted_at"] // length - self._first[name]
        self._money.add(codes)
        self._templates.add(codes)
        self._clock.add(codes)
        self._add_delays(codes)
        self._add_reports(messages, reports)

    def tallies(self) -> Tallies:
        """The tallies of everything counted."""
        return Tallies(self._until_us, *(getattr(self, f"_{name}").frame() for name in NAMES))

    def _add_delays(self, codes: Columns) -> None:
        outcome = codes["outcome"]
        own = np.flatnonzero(outcome == OUTCOMES.index("delivered"))
        delivered = {name: codes[name].take(own) for name in ("country", "type", "template")}
        delay = codes["final_at"].take(own)
        known = delay != NAT
        delay -= codes["submitted_at"].take(own)
        delivered["bin"] = bin_of(delay)
        if not known.all():
            delivered = {name: column[known] for name, column in delivered.items()}
        self._latency.add(delivered)
        self._template_latency.add(delivered)
        own = np.flatnonzero(outcome == OUTCOMES.index("in_flight"))
        flying = {name: codes[name].take(own) for name in ("country", "type")}
        flying["bin"] = bin_of(self._until_us - codes["submitted_at"].take(own))
        self._censored.add(flying)

    def _add_reports(self, messages: Columns, reports: Columns) -> None:
        created = messages["final_at"].take(reports["message"])
        received = reports["received_at"]
        later = np.flatnonzero(received > created)
        later = later[created[later] != NAT]
        place = np.zeros(len(received), np.int64)
        place[later] = bin_of(received[later] - created[later])
        self._push.add({**reports, "bin": place})


def charges(messages: Columns) -> Array:
    """How each message was paid for, as codes of CHARGES."""
    covered, place = messages["covered_segments"], messages["place"]
    code = {name: np.int8(CHARGES.index(name)) for name in CHARGES}
    assert code["pay_per_use"] == code["package"] + 1
    packaged = covered > 0
    charge = (~packaged).view(np.int8) + code["package"]
    packaged &= messages["cost_micro"] > 0
    charge[np.flatnonzero(packaged)] = code["split"]
    charge[np.flatnonzero(covered < 0)] = code["unknown"]
    refused = np.flatnonzero(place > 0)
    charge[refused] = place[refused] - 1 + code["refused_1"]
    return charge


def outcomes(messages: Columns, statuses: Sequence[str]) -> Array:
    """What became of each message, as codes of OUTCOMES."""
    known = {"DELIVRD": "delivered", "EXPIRED": "expired"}
    by_status = [OUTCOMES.index(known.get(status, "failed")) for status in statuses]
    by_status.append(OUTCOMES.index("in_flight"))
    outcome: Array = np.array(by_status, np.int8)[messages["status"].astype(np.intp)]
    outcome[np.flatnonzero(messages["place"] > 0)] = OUTCOMES.index("refused")
    return outcome


def _starts(first: int, until_us: int, length_us: int) -> Array:
    """The starts of all days or slots from number *first* to the end, as timestamps."""
    return (np.arange(first, until_us // length_us + 1) * length_us).view("datetime64[us]")


def tally_frames(
    messages: pd.DataFrame, reports: pd.DataFrame, first_us: int, until_us: int
) -> Tallies:
    """The tallies of whole frames with the columns of `smssim.tables`, observed from *first_us* up to *until_us*.

    What a recorded frame cannot know is NA there: such charges count as `unknown`.
    """
    lists, coded = _coded(messages, {"covered_segments": -1, "cost_micro": 0, "segments": 0})
    _, coded_reports = _coded(reports, {"attempts": -1, "copies": 0}, {"state": list(REPORT_STATES)})
    tallier = Tallier(lists, first_us, until_us)
    tallier.add(coded, coded_reports)
    return tallier.tallies()


def _coded(
    frame: pd.DataFrame, unknown: Mapping[str, int], lists: dict[str, list[Any]] | None = None
) -> tuple[dict[str, list[Any]], dict[str, Array]]:
    """A frame as categories and compact columns; *unknown* stands for NA where a number is."""
    lists = dict(lists or {})
    coded: dict[str, Array] = {}
    for name in frame.columns:
        column = frame[name]
        if str(column.dtype) == "category":
            ordered = column.cat.set_categories(lists.setdefault(name, sorted(column.cat.categories)))
            coded[name] = ordered.cat.codes.to_numpy()
        elif str(column.dtype).startswith("datetime64"):
            coded[name] = column.dt.tz_localize(None).to_numpy().astype("datetime64[us]").view(np.int64)
        else:
            coded[name] = column.fillna(unknown.get(name, -1)).to_numpy(np.int64)
    return lists, coded
