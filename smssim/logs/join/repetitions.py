"""Exports that were appended to themselves: all records of a unit, and then all of them again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from smssim.logs.join.facts import Facts
from smssim.logs.join.groups import Integers, Mask, alone, begins, numbered, place_within

Unit = tuple[int, int]
"""A file and one of its units, by their numbers."""

_REPEATED = ("status", "final", "received", "part", "cost")
_MOST_ROW = 2**63 - 1
_LEAST_ROWS, _SHARE = 4, 0.9
_UNIT_BITS = 32


class Repetition(NamedTuple):
    """Rows of a unit, those that repeat, where first halves end and where second ones begin."""

    rows: int
    repeated: int
    end: int
    begin: int

    def and_(self, other: Repetition) -> Repetition:
        """Both together."""
        return Repetition(
            self.rows + other.rows,
            self.repeated + other.repeated,
            max(self.end, other.end),
            min(self.begin, other.begin),
        )


def repetitions(sends: Facts, new: Mask) -> dict[Unit, Repetition]:
    """What the units of *sends* repeat; these are by key, then file and row, as *new* marks."""
    units = _units(sends)
    rows = np.flatnonzero(~alone(new)[numbered(new)] & (sends["entry_hash"] == 0))
    by_unit = {
        divmod(unit, 1 << _UNIT_BITS): Repetition(count, 0, -1, _MOST_ROW)
        for unit, count in zip(*map(np.ndarray.tolist, units), strict=True)
    }
    if not len(rows):
        return by_unit
    key, file, unit = numbered(new)[rows], sends["file"][rows], sends["unit"][rows]
    runs = begins(key, file, unit)
    start = np.flatnonzero(runs)
    size = np.diff(start, append=len(rows))
    repeated, end, begin = _halves(sends, rows, runs)
    codes = (file[start].astype(np.int64) << _UNIT_BITS) + unit[start]
    for one in np.unique(codes[repeated]).tolist():
        of = repeated & (codes == one)
        place = divmod(one, 1 << _UNIT_BITS)
        by_unit[place] = by_unit[place].and_(
            Repetition(0, int(size[of].sum()), int(end[of].max()), int(begin[of].min()))
        )
    return by_unit


def _units(sends: Facts) -> tuple[Integers, Integers]:
    """Each file and unit in one number, and how many rows it has."""
    file, unit = sends["file"], sends["unit"]
    if not unit.any():
        rows = np.bincount(file)
        files = np.flatnonzero(rows)
        return files << _UNIT_BITS, rows[files]
    return np.unique((file.astype(np.int64) << _UNIT_BITS) + unit, return_counts=True)


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
    """The units whose second half repeats the first, nine rows of ten at least."""
    return [
        unit
        for unit, one in sorted(repetitions.items())
        if one.repeated >= max(_LEAST_ROWS, _SHARE * one.rows) and one.end < one.begin
    ]
