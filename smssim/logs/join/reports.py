"""Delivery reports joined to the messages of their partition, and what they decide."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from smssim.arrays import Ints, Mask
from smssim.calendars import SECOND
from smssim.logs.join.facts import UNKNOWN, Facts
from smssim.logs.join.groups import Array, alone, begins, key_order, numbered
from smssim.logs.join.messages import NAMELESS, ORPHAN, QUARANTINED, MergedMessages
from smssim.logs.join.segments import Codes, StatusRows, deciding

__all__ = ["REPORTED", "join_reports"]

REPORTED = np.dtype([("message", "<i8"), ("part", "<i4"), ("copies", "<i4"), ("received", "<i8")])
"""The arrivals of a segment: how often, and when first (UNKNOWN where absent)."""

_NEVER = 2**63 - 1


class _JoinedReports(NamedTuple):
    """The reports that arrived, by message and segment; rows that count, and rejected rows."""

    reported: Facts
    used: Ints
    orphans: Ints
    refused: Ints
    unplaced: Ints
    early: Ints
    duplicates: int


def join_reports(
    sends: Facts, merged: MergedMessages, reports: Facts, new: Mask, codes: Codes
) -> _JoinedReports:
    """Join *reports*, which are by key, then file, row and entry, and let them decide of their
    messages; *new* marks where each key begins.
    """
    message = _messages(merged, reports["key"][new])[numbered(new)]
    refused = message == NAMELESS
    of_message = message >= 0
    stage = merged.messages["stage"][message[of_message]]
    refused[of_message] = (stage == 1) | (stage == 2)
    early = _early(reports, message, merged.messages["submitted"]) & of_message & ~refused
    rows = np.flatnonzero(of_message & ~refused & ~early)
    segment = np.maximum(reports["part"], 1).astype(np.int64)
    used = rows[_standing(reports.take(rows), message[rows], segment[rows])]
    _decide(
        sends,
        merged,
        StatusRows.by(reports.take(used), message[used], segment[used], _unsaid(used)),
        codes,
    )
    return _JoinedReports(
        reported=_reported(sends, merged, reports.take(used), message[used], segment[used]),
        used=used,
        orphans=np.flatnonzero(message == ORPHAN),
        refused=np.flatnonzero(refused),
        unplaced=np.flatnonzero(message == QUARANTINED),
        early=np.flatnonzero(early),
        duplicates=len(rows) - len(used),
    )


def _early(reports: Facts, message: Ints, submitted: Ints) -> Mask:
    """Which reports were made before their message was submitted; *message* may be negative.

    The arrival counts only where there is no other time, for it is by the customer's clock.
    """
    reported_at = np.where(reports["final"] == UNKNOWN, reports["received"], reports["final"])
    if not len(submitted):
        return np.zeros(len(reports), np.bool_)
    begun = submitted[np.maximum(message, 0)]
    early: Mask = (reported_at != UNKNOWN) & (begun != UNKNOWN) & (reported_at < begun - SECOND)
    return early


def _unsaid(rows: Ints) -> Array:
    return np.full(len(rows), -1, np.int8)


def _messages(merged: MergedMessages, keys: npt.NDArray[np.uint64]) -> Ints:
    """The message of each key of reports, negative where there is none."""
    n = len(merged.keys)
    both, runs = key_order(np.concatenate([merged.keys, keys]))
    # Of equal keys that of sends comes first; a run that begins with another has no sends.
    first = np.minimum(both[runs], n)[numbered(runs)]
    of_key = np.empty(len(both), np.int64)
    of_key[both] = np.append(merged.message, ORPHAN)[first]
    return of_key[n:]


def _standing(reports: Facts, message: Ints, segment: Ints) -> Mask:
    """Which reports are no duplicates: of every arrival those of the unit with the most of it."""
    some = np.flatnonzero(~alone(begins(message)))
    stands = np.ones(len(reports), np.bool_)
    if not len(some):
        return stands
    arrival = np.where(reports["received"] == UNKNOWN, reports["final"], reports["received"])
    by = some[np.lexsort((arrival[some], segment[some], message[some]))]
    cell = begins(message[by], segment[by], arrival[by])
    push = cell | begins(reports["file"][by], reports["unit"][by])
    times = np.bincount(numbered(push))
    of_cell = numbered(cell)[push]
    most = times == np.maximum.reduceat(times, np.flatnonzero(cell[push]))[of_cell]
    chosen = np.flatnonzero(most)
    first = np.zeros(len(times), np.bool_)
    first[chosen[begins(of_cell[chosen])]] = True
    stands[by] = first[numbered(push)]
    return stands


def _decide(sends: Facts, merged: MergedMessages, statuses: StatusRows, codes: Codes) -> None:
    """Let reports, and the statuses that came with the rows of their messages, decide."""
    messages = merged.messages
    if not len(statuses.message):
        return
    touched = np.zeros(len(messages), np.bool_)
    touched[statuses.message] = True
    row_statuses = np.flatnonzero(touched[merged.of] & (sends["status"][merged.row] >= 0))
    if len(row_statuses):
        facts = sends.take(merged.row[row_statuses])
        statuses = statuses.and_(
            StatusRows.by(
                facts, merged.of[row_statuses], merged.segment[row_statuses], facts["stage"]
            )
        )
    statuses = statuses.take(deciding(statuses, codes))
    rows = statuses.message
    stays_rejected = (messages["stage"][rows] == 3) & (statuses.status != codes.delivered)
    stage = np.where((statuses.source == 3) | stays_rejected, 3, 0)
    messages["stage"][rows] = np.where(statuses.stage >= 0, statuses.stage, stage)
    for name in ("status", "source", "final"):
        messages[name][rows] = getattr(statuses, name)


def _reported(
    sends: Facts, merged: MergedMessages, reports: Facts, message: Ints, segment: Ints
) -> Facts:
    """The reports that arrived, and the arrivals that rows of messages hold."""
    has_arrival = (sends["received"] != UNKNOWN) & (sends["status"] >= 0)
    rows = np.flatnonzero(has_arrival[merged.row])
    from_rows = np.repeat([False, True], [len(message), len(rows)])
    message = np.concatenate([message, merged.of[rows]])
    segment = np.concatenate([segment, merged.segment[rows]])
    received = np.concatenate([reports["received"], sends["received"][merged.row[rows]]])
    received[received == UNKNOWN] = _NEVER
    order = np.lexsort((from_rows, received, segment, message))
    message, segment, received = message[order], segment[order], received[order]
    # An arrival that a report holds as well is the same one.
    again = ~begins(message, segment, received) & from_rows[order]
    message, segment, received = message[~again], segment[~again], received[~again]
    starts = np.flatnonzero(begins(message, segment))
    reported = np.empty(len(starts), REPORTED)
    reported["message"], reported["part"] = message[starts], segment[starts]
    reported["copies"] = np.diff(starts, append=len(message))
    received = received[starts]
    reported["received"] = np.where(received == _NEVER, UNKNOWN, received)
    return reported
