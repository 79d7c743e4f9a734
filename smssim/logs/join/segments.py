"""Rows of one key as segments of one message: where they conflict, repeat, or say it together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from smssim.logs.join.facts import UNKNOWN, Facts, application_of
from smssim.logs.join.groups import (
    Array,
    Integers,
    Mask,
    alone,
    begins,
    ends,
    numbered,
    place_within,
)
from smssim.logs.join.status import Codes

LABELS = ("country", "template", "application", "type", "origin")
_SAME: dict[str, int] = {"number": 0, "submitted": UNKNOWN, **dict.fromkeys(LABELS, -1)}
"""What all rows of a message must agree on, and how each says nothing."""


class Counted(NamedTuple):
    """The rows that count, one a segment: of which group, of which segment from 1.

    *segments*, *cost* and *covered* are what the segments of each group say together.
    """

    row: Integers
    group: Integers
    segment: Integers
    segments: Integers
    cost: Integers
    covered: Integers


def conflicting(sends: Facts, rows: Integers, new: Mask) -> Mask:
    """Which groups of *rows* contradict themselves, each beginning where *new* says."""
    starts = np.flatnonzero(new)
    found = np.zeros(len(starts), np.bool_)
    for values, unsaid in _compared(sends, rows):
        most = np.iinfo(values.dtype).max
        low = np.minimum.reduceat(np.where(values == unsaid, most, values), starts)
        found |= low < np.maximum.reduceat(values, starts)
    return found


def _compared(sends: Facts, rows: Integers) -> Iterator[tuple[Array, int]]:
    """What rows say that they must agree on, each with how it says nothing."""
    for name, unsaid in _SAME.items():
        values = sends[name][rows]
        if name == "application":
            # The channel of a capture is another thing than the application of an export.
            yield application_of(np.minimum(values, -1)), unsaid
            values = np.maximum(values, -1)
        yield values, unsaid


def counted(sends: Facts, rows: Integers, new: Mask, codes: Codes) -> Counted:
    """The rows that count of groups that do not contradict themselves.

    A row is the segment that it names, else the n-th of its unit; of several rows of a segment the
    one with the latest final status counts.
    """
    group, starts = numbered(new), np.flatnonzero(new)
    told = np.maximum.reduceat(sends["segments"][rows], starts).astype(np.int64)
    segment = _segments(sends, rows, group)
    own = (sends["part"][rows] > 0) | (told[group] == 0) | (segment <= told[group])
    rows, group, segment = rows[own], group[own], segment[own]
    by = _by_segment(sends, rows, group, segment, codes)
    rows, group, segment = rows[by], group[by], segment[by]
    runs = begins(group, segment)
    last, first = ends(runs), np.flatnonzero(runs)
    of = group[last]
    return Counted(
        row=rows[last],
        group=of,
        segment=segment[last],
        segments=np.where(told > 0, told, _found(sends, rows, group, of)),
        cost=_together(sends["cost"][rows], last, first, of, UNKNOWN),
        covered=_together(sends["covered"][rows].astype(np.int64), last, first, of, -1),
    )


def _segments(sends: Facts, rows: Integers, group: Integers) -> Integers:
    segment = sends["part"][rows].astype(np.int64)
    nameless = np.flatnonzero(segment == 0)
    file, unit = (sends[name][rows[nameless]] for name in ("file", "unit"))
    segment[nameless] = place_within(begins(group[nameless], file, unit)) + 1
    return segment


def _by_segment(
    sends: Facts, rows: Integers, group: Integers, segment: Integers, codes: Codes
) -> Integers:
    """An order by group and segment, the row that counts last of each."""
    order = np.lexsort((segment, group))
    new = begins(group[order], segment[order])
    several = np.flatnonzero(~alone(new))
    some = order[several]
    final = codes.final(sends["status"][rows[some]])
    keys = (sends["final"][rows[some]], final, segment[some], group[some])
    order[several] = some[np.lexsort(keys)]
    return order


def _found(sends: Facts, rows: Integers, group: Integers, of: Integers) -> Integers:
    """How many segments stand in the rows of each group; 0 if all of it is a capture's answer."""
    found = np.bincount(of)
    of_tables = np.bincount(group, sends["entry_hash"][rows] == 0, minlength=len(found))
    return np.where(of_tables > 0, found, 0)


def _together(values: Array, last: Integers, first: Integers, of: Integers, unsaid: int) -> Array:
    """The sum over the segments of each group, of those that say it; *unsaid* if none does."""
    own = values[last]
    own = np.where(own == unsaid, np.maximum.reduceat(values, first), own)
    said = own != unsaid
    starts = np.flatnonzero(begins(of))
    total: Array = np.add.reduceat(np.where(said, own, 0), starts)
    return np.where(np.logical_or.reduceat(said, starts), total, unsaid)
