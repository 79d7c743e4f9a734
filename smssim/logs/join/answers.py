"""Which entries of captured answers stand where several have one key: the first answer does.

An entry that is equal in another line is a duplicate, another one with the same smsMsgId is wrong.
"""

from __future__ import annotations

import numpy as np

from smssim.logs.join.facts import Facts
from smssim.logs.join.groups import Array, Integers, Mask, begins, numbered, place_within

TOGETHER, ALONE, DUPLICATE, EARLIER = range(4)
"""An entry stands together with the rows of its key, alone as a message of its own, not at all as
a duplicate, or not at all because an earlier answer has its key.
"""
_ROW, _ACCEPTED, _REFUSED, _WHOLE = range(4)
"""Rows of tables, and entries by what became of them: place 0 or 3, place 2, and place 1, where the
request was refused as a whole.
"""


def verdicts(sends: Facts, rows: Integers, group: Integers) -> Array:
    """What becomes of each of *rows*, which are by *group* (its key), then in order.

    One accepted entry stands, all refused ones of the first line that has any (a number that was
    given twice may name the message sent in its place), and of requests refused as a whole, whose
    keys are made from their lines, as many as the unit with most has.
    """
    hashed = sends["entry_hash"][rows]
    if not hashed.any():
        return np.zeros(len(rows), np.int8)
    of_place = np.array([_ACCEPTED, _WHOLE, _REFUSED, _ACCEPTED])
    kind = np.where(hashed != 0, of_place[sends["place"][rows]], _ROW)
    order = np.argsort(group * 4 + kind, kind="stable")
    by, kind, hashed = rows[order], kind[order], hashed[order]
    new = begins(group[order], kind)
    found = np.full(len(rows), TOGETHER, np.int8)
    found[order] = _judged(sends, by, kind, hashed, new)
    return found


def _judged(sends: Facts, by: Integers, kind: Array, hashed: Array, new: Mask) -> Array:
    among = numbered(new)
    file, row, unit = (sends[name][by] for name in ("file", "row", "unit"))
    first = np.flatnonzero(new)[among]
    same_line = (file == file[first]) & (row == row[first])
    stands = np.select(
        [kind == _ROW, kind == _ACCEPTED, kind == _REFUSED],
        [True, new, same_line],
        _first_of_rank(among, file, unit),
    )
    order = np.lexsort((~stands, hashed, among))
    runs = begins(among[order], hashed[order])
    told_before = np.empty(len(by), np.bool_)
    told_before[order] = stands[order][runs][numbered(runs)]
    return np.select(
        [stands & (kind < _REFUSED), stands, told_before | (kind == _WHOLE)],
        [TOGETHER, ALONE, DUPLICATE],
        EARLIER,
    )


def _first_of_rank(among: Integers, file: Array, unit: Array) -> Mask:
    """The first of the n-th rows of all units, for every n."""
    rank = place_within(begins(among, file, unit))
    order = np.lexsort((rank, among))
    found = np.zeros(len(among), np.bool_)
    found[order[begins(among[order], rank[order])]] = True
    return found
