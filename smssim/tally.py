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

    def add(self, codes: Columns, weights: Columns | None = None) -> None:
        """Count rows by their codes along the axes; measures beside the first are sums of *weights*."""
        key = codes[self._axes[0].name].astype(np.int64)
        shift = int(self._axes[0].na)
        for axis in self._axes[1:]:
            key *= axis.size
            key += codes[axis.name]
            shift = shift * axis.size + axis.na
        key += shift
        if not len(key):
            return
        low = int(key.min())
        key -= low
        counts = np.bincount(key)
        cells = np.flatnonzero(counts)
        sums = [counts[cells]]
        for name in self._measures[1:]:
            assert weights is not None
            sums.append(np.bincount(key, weights[name])[cells].astype(np.int64))
        self._kept.append((cells + low, sums))

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
            values = pd.Series(axis.values, dtype="str" if isinstance(axis.values[0], str) else None)
            columns[axis.name] = values.reindex(place - axis.na).to_numpy()
        return pd.DataFrame(columns)


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
        self._money.add(codes, codes)
        self._templates.add(codes, codes)
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
        came = (received != NAT) & (created != NAT)
        place = bin_of(np.where(came, received - created, 0))
        self._push.add({**reports, "bin": place}, reports)


def charges(messages: Columns) -> Array:
    """How each message was paid for, as codes of CHARGES."""
    covered, place = messages["covered_segments"], messages["place"]
    code = {name: np.int8(CHARGES.index(name)) for name in CHARGES}
    charge = np.where(covered > 0, code["package"], code["pay_per_use"])
    split = np.flatnonzero((messages["cost_micro"] > 0) & (covered > 0))
    charge[split] = code["split"]
    charge[np.flatnonzero(covered < 0)] = code["unknown"]
    refused = np.flatnonzero(place > 0)
    charge[refused] = place[refused] - 1 + code["refused_1"]
    return charge


def outcomes(messages: Columns, statuses: Sequence[str]) -> Array:
    """What became of each message, as codes of OUTCOMES."""
    known = {"DELIVRD": "delivered", "EXPIRED": "expired"}
    by_status = [OUTCOMES.index(known.get(status, "failed")) for status in statuses]
    by_status.append(OUTCOMES.index("in_flight"))
    outcome = np.array(by_status, np.int8).take(messages["status"], mode="wrap")
    outcome[np.flatnonzero(messages["place"] > 0)] = OUTCOMES.index("refused")
    return outcome


def _starts(first: int, until_us: int, length_us: int) -> Array:
    """The starts of all days or slots from number *first* to the end, as timestamps."""
    return (np.arange(first, until_us // length_us + 1) * length_us).view("datetime64[us]")
