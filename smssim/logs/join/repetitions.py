"""Exports that were appended to themselves: all records of a unit, and then all of them again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from smssim.logs.join.facts import Facts
from smssim.logs.join.groups import Integers, Mask, begins, numbered, place_within

Unit = tuple[int, int]
"""A file and one of its units, by their numbers."""

_REPEATED = ("status", "final", "received", "part", "cost")
_MOST_ROW = 2**63 - 1
_LEAST_KEYS, _SHARE = 2, 0.9
_UNIT_BITS = 32


class Repetition(NamedTuple):
    """Keys of a unit, those whose rows repeat, and where first halves end and second ones begin."""

    keys: int
    repeated: int
    end: int
    begin: int

    def and_(self, other: Repetition) -> Repetition:
        """Both together."""
        return Repetition(
            self.keys + other.keys,
            self.repeated + other.repeated,
            max(self.end, other.end),
            min(self.begin, other.begin),
        )


def repetitions(sends: Facts, new: Mask) -> dict[Unit, Repetition]:
    """What the units of *sends* repeat; these are by key, then file and row, as *new* marks."""
    rows = np.flatnonzero(sends["entry_hash"] == 0)
    if not len(rows):
        return {}
    key, file, unit = numbered(new)[rows], sends["file"][rows], sends["unit"][rows]
    runs = begins(key, file, unit)
    start = np.flatnonzero(runs)
    repeated, end, begin = _halves(sends, rows, runs)
    units = (file[start].astype(np.int64) << _UNIT_BITS) + unit[start]
    return {
        divmod(one, 1 << _UNIT_BITS): Repetition(
            int(of.sum()), int(repeated[of].sum()), int(end[of].max()), int(begin[of].min())
        )
        for one in np.unique(units).tolist()
        for of in [units == one]
    }


def _halves(sends: Facts, rows: Integers, runs: Mask) -> tuple[Mask, Integers, Integers]:
    """Which runs repeat their first half, and the rows that end it and begin the second."""
    start = np.flatnonzero(runs)
    size = np.diff(start, append=len(rows))
    repeated = size % 2 == 0
    end, begin = np.full(len(start), -1), np.full(len(start), _MOST_ROW)
    if not repeated.any():
        return repeated, end, begin
    half, run = size // 2, numbered(runs)
    partner = np.minimum(np.arange(len(rows)) + half[run], len(rows) - 1)
    same = np.ones(len(rows), np.bool_)
    for name in _REPEATED:
        values = sends[name][rows]
        same &= values == values[partner]
    repeated &= np.logical_and.reduceat(same | (place_within(runs) >= half[run]), start)
    row, some = sends["row"][rows], np.flatnonzero(repeated)
    end[some] = row[start[some] + half[some] - 1]
    begin[some] = row[start[some] + half[some]]
    return repeated, end, begin


def appended_units(repetitions: dict[Unit, Repetition]) -> list[Unit]:
    """The units whose second half repeats the first, nine keys of ten at least."""
    return [
        unit
        for unit, one in sorted(repetitions.items())
        if one.repeated >= max(_LEAST_KEYS, _SHARE * one.keys) and one.end < one.begin
    ]
