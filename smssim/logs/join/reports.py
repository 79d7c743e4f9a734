"""Status reports joined to the messages of their part of the keys, and what they decide."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from smssim.calendars import SECOND
from smssim.logs.join.facts import UNKNOWN, Facts
from smssim.logs.join.groups import Array, Integers, Mask, alone, begins, key_order, numbered
from smssim.logs.join.messages import NAMELESS, ORPHAN, QUARANTINED, Codes, Settled, Told, deciding

REPORTED = np.dtype([("message", "<i8"), ("part", "<i4"), ("copies", "<i4"), ("received", "<i8")])
"""What arrived of a part of a message: how often, and when first (UNKNOWN where not said)."""

_NEVER = 2**63 - 1


class Joined(NamedTuple):
    """What reports arrived, by message and part; which rows count; and which have no place."""

    reported: Facts
    used: Integers
    orphans: Integers
    refused: Integers
    unplaced: Integers
    early: Integers
    duplicates: int


def joined(sends: Facts, settled: Settled, reports: Facts, new: Mask, codes: Codes) -> Joined:
    """Join *reports*, which are by key, then file, row and entry, and let them decide of their
    messages; *new* says where each key begins.
    """
    message = _messages(settled, reports["key"][new])[numbered(new)]
    refused = message == NAMELESS
    of_message = message >= 0
    place = settled.messages["place"][message[of_message]]
    refused[of_message] = (place == 1) | (place == 2)
    early = _early(reports, message, settled.messages["submitted"]) & of_message & ~refused
    rows = np.flatnonzero(of_message & ~refused & ~early)
    part = np.maximum(reports["part"], 1).astype(np.int64)
    used = rows[_standing(reports.take(rows), message[rows], part[rows])]
    _decide(
        sends, settled, Told.by(reports.take(used), message[used], part[used], _unsaid(used)), codes
    )
    return Joined(
        reported=_reported(sends, settled, reports.take(used), message[used], part[used]),
        used=used,
        orphans=np.flatnonzero(message == ORPHAN),
        refused=np.flatnonzero(refused),
        unplaced=np.flatnonzero(message == QUARANTINED),
        early=np.flatnonzero(early),
        duplicates=len(rows) - len(used),
    )


def _early(reports: Facts, message: Integers, submitted: Integers) -> Mask:
    """Which reports were made before their message was submitted; *message* may be negative.

    What arrived counts only where nothing else is said, for it is of the customer's own clock.
    """
    made = np.where(reports["final"] == UNKNOWN, reports["received"], reports["final"])
    if not len(submitted):
        return np.zeros(len(reports), np.bool_)
    begun = submitted[np.maximum(message, 0)]
    early: Mask = (made != UNKNOWN) & (begun != UNKNOWN) & (made < begun - SECOND)
    return early


def _unsaid(rows: Integers) -> Array:
    return np.full(len(rows), -1, np.int8)


def _messages(settled: Settled, keys: npt.NDArray[np.uint64]) -> Integers:
    """The message of each key of reports, negative where there is none."""
    n = len(settled.keys)
    both, runs = key_order(np.concatenate([settled.keys, keys]))
    # Of equal keys that of sends comes first; a run that begins with another has no sends.
    first = np.minimum(both[runs], n)[numbered(runs)]
    of_key = np.empty(len(both), np.int64)
    of_key[both] = np.append(settled.message, ORPHAN)[first]
    return of_key[n:]


def _standing(reports: Facts, message: Integers, part: Integers) -> Mask:
    """Which reports are no duplicates: of every arrival those of the unit that has most of it."""
    some = np.flatnonzero(~alone(begins(message)))
    stands = np.ones(len(reports), np.bool_)
    if not len(some):
        return stands
    arrival = np.where(reports["received"] == UNKNOWN, reports["final"], reports["received"])
    by = some[np.lexsort((arrival[some], part[some], message[some]))]
    cell = begins(message[by], part[by], arrival[by])
    push = cell | begins(reports["file"][by], reports["unit"][by])
    times = np.bincount(numbered(push))
    of_cell = numbered(cell)[push]
    most = times == np.maximum.reduceat(times, np.flatnonzero(cell[push]))[of_cell]
    chosen = np.flatnonzero(most)
    first = np.zeros(len(times), np.bool_)
    first[chosen[begins(of_cell[chosen])]] = True
    stands[by] = first[numbered(push)]
    return stands


def _decide(sends: Facts, settled: Settled, told: Told, codes: Codes) -> None:
    """Let reports, and the statuses that came with the rows of their messages, decide."""
    messages = settled.messages
    if not len(told.message):
        return
    touched = np.zeros(len(messages), np.bool_)
    touched[told.message] = True
    own = np.flatnonzero(touched[settled.of] & (sends["status"][settled.row] >= 0))
    if len(own):
        facts = sends.take(settled.row[own])
        told = told.and_(Told.by(facts, settled.of[own], settled.segment[own], facts["place"]))
    told = told.take(deciding(told, codes))
    rows = told.message
    kept = (messages["place"][rows] == 3) & (told.status != codes.delivered)
    place = np.where((told.source == 3) | kept, 3, 0)
    messages["place"][rows] = np.where(told.place >= 0, told.place, place)
    for name in ("status", "source", "final"):
        messages[name][rows] = getattr(told, name)


def _reported(
    sends: Facts, settled: Settled, reports: Facts, message: Integers, part: Integers
) -> Facts:
    """The reports that arrived, and the arrivals that stand in a message's own rows."""
    told = (sends["received"] != UNKNOWN) & (sends["status"] >= 0)
    own = np.flatnonzero(told[settled.row])
    mine = np.repeat([False, True], [len(message), len(own)])
    message = np.concatenate([message, settled.of[own]])
    part = np.concatenate([part, settled.segment[own]])
    received = np.concatenate([reports["received"], sends["received"][settled.row[own]]])
    received[received == UNKNOWN] = _NEVER
    order = np.lexsort((mine, received, part, message))
    message, part, received = message[order], part[order], received[order]
    # An arrival that a report tells of as well is the same one.
    again = ~begins(message, part, received) & mine[order]
    message, part, received = message[~again], part[~again], received[~again]
    starts = np.flatnonzero(begins(message, part))
    found = np.empty(len(starts), REPORTED)
    found["message"], found["part"] = message[starts], part[starts]
    found["copies"] = np.diff(starts, append=len(message))
    received = received[starts]
    found["received"] = np.where(received == _NEVER, UNKNOWN, received)
    return found
