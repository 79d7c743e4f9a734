"""Runs of rows with equal keys: sorting them together, and where each run begins."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from smssim.arrays import Ints, Mask
from smssim.logs.join.facts import Facts

__all__ = [
    "Array",
    "Repetition",
    "Unit",
    "alone",
    "begins",
    "by_key",
    "ends",
    "in_order",
    "key_order",
    "numbered",
    "position_within",
    "repetitions",
    "told_apart",
    "with_second_halves",
]

Array = npt.NDArray[Any]

_ODD = np.uint64(0x9E3779B97F4A7C15)

Unit = tuple[int, int]
"""A file and one of its units, by their numbers."""

_REPEATED = ("status", "final", "received", "part", "cost")
_MOST_ROW = 2**63 - 1
_LEAST_ROWS, _LEAST_DIFFERENT, _SHARE = 4, 8, 0.9
_SECOND_HALVES = 2**30
"""What is added to the number of a unit for its second half."""

_UNIT_BITS = 32


def begins(*keys: Array) -> Mask:
    """Which rows differ in any of *keys* from the row before; the first one does."""
    new = np.ones(len(keys[0]), np.bool_)
    if len(new):
        new[1:] = keys[0][1:] != keys[0][:-1]
    for key in keys[1:]:
        new[1:] |= key[1:] != key[:-1]
    return new


def numbered(new: Mask) -> Ints:
    """The number of each row's run, from 0."""
    return np.cumsum(new) - 1


def position_within(new: Mask) -> Ints:
    """The position of each row in its run, from 0."""
    positions = np.arange(len(new))
    return positions - np.maximum.accumulate(np.where(new, positions, 0))


def ends(new: Mask) -> Ints:
    """The last row of each run."""
    return np.flatnonzero(np.append(new[1:], True)) if len(new) else np.empty(0, np.int64)


def alone(new: Mask) -> Mask:
    """Which rows are a run of one."""
    single = new.copy()
    single[:-1] &= new[1:]
    return single


def by_key(facts: Facts) -> tuple[Facts, Mask]:
    """Facts with those of a key together as they came, and where each key begins."""
    # Whole records are moved ten times as fast by take as by an index.
    order, new = key_order(facts["key"])
    return facts.take(order), new


def key_order(keys: npt.NDArray[np.uint64]) -> tuple[Ints, Mask]:
    """An order in which equal 128-bit *keys*, two columns, stand together as they came, and where
    each run of them begins.

    The number of a row replaces the lowest bits of its key: plain integers sort several times
    faster than an order of them does. Should the bits that are left not tell two keys apart, they
    are sorted whole.
    """
    first, second = np.ascontiguousarray(keys[:, 0]), np.ascontiguousarray(keys[:, 1])
    bits = np.uint64(max(1, (len(first) - 1).bit_length()))
    low = (np.uint64(1) << bits) - np.uint64(1)
    packed = (first & ~low) | np.arange(len(first), dtype=np.uint64)
    packed.sort()
    order = (packed & low).astype(np.int64)
    new = begins(first[order], second[order])
    if (new & ~begins(packed >> bits)).any():
        order = np.lexsort((second, first))
        new = begins(first[order], second[order])
    return order, new


def in_order(facts: Facts) -> Facts:
    """Facts by file, row and entry, for any order of their chunks."""
    file, row, entry = facts["file"], facts["row"], facts["entry"]
    later = file[1:] > file[:-1]
    later |= (file[1:] == file[:-1]) & (row[1:] > row[:-1])
    later |= (file[1:] == file[:-1]) & (row[1:] == row[:-1]) & (entry[1:] >= entry[:-1])
    return facts if later.all() else facts.take(np.lexsort((entry, row, file)))


def told_apart(facts: Facts, new: Mask, whole: Mask) -> tuple[Facts, Mask]:
    """Facts by key, where equal rows without an identity get a key each.

    The n-th equal row of a unit is the same message as the n-th of another one. Rows that name
    their part, and as many rows as a message has segments, are of one message together; *whole*
    are the files whose rows are of whole messages.
    """
    rows = np.flatnonzero(facts["anonymous"])
    key = numbered(new)[rows]
    if not len(rows) or alone(begins(key)).all():
        return facts, new
    file, unit, part = (facts[name][rows] for name in ("file", "unit", "part"))
    order = np.lexsort((part, unit, file, key))
    runs = begins(*(values[order] for values in (key, file, unit, part)))
    nth, size = np.empty((2, len(rows)), np.int64)
    nth[order] = position_within(runs)
    size[order] = np.bincount(numbered(runs))[numbered(runs)]
    total = np.maximum(facts["segments"][rows], 1)
    nth //= np.where((part == 0) & (size % total == 0) & ~whole[file], total, 1)
    facts = facts.copy()
    facts["key"][rows, 1] += nth.astype(np.uint64) * _ODD
    return by_key(facts)


# Exports that were appended to themselves: all records of a unit, and then all of them again.


class Repetition(NamedTuple):
    """Rows of a unit, those that repeat and how many different ones they are, where first halves
    end and where second ones begin.
    """

    rows: int
    repeated: int
    different: int
    end: int
    begin: int

    @property
    def is_appended(self) -> bool:
        """Whether the second half repeats the first, nine rows of ten at least."""
        return self.repeated >= max(_LEAST_ROWS, _SHARE * self.rows) and self.end < self.begin

    @property
    def is_of_different_rows(self) -> bool:
        """Whether a half has hardly a row twice: equal messages do not explain the repetition."""
        return 2 * self.different >= max(_LEAST_DIFFERENT, _SHARE * self.repeated)

    def and_(self, other: Repetition) -> Repetition:
        """Both together."""
        return Repetition(
            self.rows + other.rows,
            self.repeated + other.repeated,
            self.different + other.different,
            max(self.end, other.end),
            min(self.begin, other.begin),
        )


def repetitions(sends: Facts, new: Mask) -> dict[Unit, Repetition]:
    """What the units of *sends* repeat; these are by key, then file and row, as *new* marks."""
    units = _units(sends)
    rows = np.flatnonzero(~alone(new)[numbered(new)] & (sends["entry_hash"] == 0))
    by_unit = {
        divmod(unit, 1 << _UNIT_BITS): Repetition(count, 0, 0, -1, _MOST_ROW)
        for unit, count in zip(*map(np.ndarray.tolist, units), strict=True)
    }
    if not len(rows):
        return by_unit
    key, file, unit = numbered(new)[rows], sends["file"][rows], sends["unit"][rows]
    runs = begins(key, file, unit)
    start = np.flatnonzero(runs)
    size = np.diff(start, append=len(rows))
    repeated, end, begin = _halves(sends, rows, runs)
    different = _different(sends, rows, start, size // 2)
    codes = (file[start].astype(np.int64) << _UNIT_BITS) + unit[start]
    for one in np.unique(codes[repeated]).tolist():
        of = repeated & (codes == one)
        where = divmod(one, 1 << _UNIT_BITS)
        by_unit[where] = by_unit[where].and_(
            Repetition(
                0,
                int(size[of].sum()),
                int(different[of].sum()),
                int(end[of].max()),
                int(begin[of].min()),
            )
        )
    return by_unit


def _units(sends: Facts) -> tuple[Ints, Ints]:
    """Each file and unit in one number, and how many rows it has."""
    file, unit = sends["file"], sends["unit"]
    if not unit.any():
        rows = np.bincount(file)
        files = np.flatnonzero(rows)
        return files << _UNIT_BITS, rows[files]
    return np.unique((file.astype(np.int64) << _UNIT_BITS) + unit, return_counts=True)


def _halves(sends: Facts, rows: Ints, runs: Mask) -> tuple[Mask, Ints, Ints]:
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
    repeated &= np.logical_and.reduceat(same | (position_within(runs) >= half[run]), start)
    row, some = sends["row"][rows], np.flatnonzero(repeated)
    end[some] = row[start[some] + half[some] - 1]
    begin[some] = row[start[some] + half[some]]
    return repeated, end, begin


def _different(sends: Facts, rows: Ints, start: Ints, half: Ints) -> Ints:
    """How many rows of each half no equal message explains: all that an id names, else one for
    each segment.
    """
    segments = np.maximum(sends["segments"][rows], sends["part"][rows])
    most = np.maximum(np.maximum.reduceat(segments, start), 1)
    return np.where(sends["anonymous"][rows][start], np.minimum(half, most), half)


def with_second_halves(sends: Facts, appended: dict[Unit, Repetition]) -> Facts:
    """The *sends*, where second halves of appended units are units of their own."""
    for (file, unit), one in appended.items():
        second = (sends["file"] == file) & (sends["unit"] == unit) & (sends["row"] >= one.begin)
        sends["unit"][second] += _SECOND_HALVES
    return sends
