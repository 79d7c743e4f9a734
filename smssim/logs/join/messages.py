"""The sends and details of some keys as messages, before any report is joined to them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from smssim.arrays import Ints, Mask
from smssim.logs.join.facts import UNKNOWN, Facts, application_of
from smssim.logs.join.groups import Array, alone, begins, numbered, position_within
from smssim.logs.join.segments import (
    LABELS,
    Codes,
    Counted,
    StatusRows,
    conflicting,
    counted,
    deciding,
)

__all__ = [
    "DUPLICATE",
    "EARLIER",
    "MESSAGE",
    "NAMELESS",
    "ORPHAN",
    "QUARANTINED",
    "MergedMessages",
    "merge_messages",
    "verdicts",
]

_TOGETHER, _ALONE, DUPLICATE, EARLIER = range(4)
"""An entry counts together with the rows of its key, alone as a separate message, not at all as a
duplicate, or not at all because an earlier answer has its key.
"""
_ROW, _ACCEPTED, _REFUSED, _WHOLE = range(4)
"""Rows of tables, and entries by their stage: 0 or 3, 2, and 1 (the whole request was refused)."""

MESSAGE = np.dtype(
    [
        ("key", "<u8", (2,)),
        ("file", "<i4"),
        ("row", "<i8"),
        ("entry", "<i4"),
        ("submitted", "<i8"),
        ("sent", "<i8"),
        ("final", "<i8"),
        ("request", "<i8"),
        ("cost", "<i8"),
        ("recipient", "<i4"),
        ("segments", "<i4"),
        ("covered", "<i4"),
        ("status", "<i4"),
        ("application", "<i4"),
        ("template", "<i4"),
        ("country", "<i4"),
        ("type", "<i4"),
        ("origin", "<i4"),
        ("resend_number", "i1"),
        ("stage", "i1"),
        ("source", "i1"),
        ("result", "i1"),
    ]
)
"""A message; absent values are as in `facts.SEND`."""

QUARANTINED, NAMELESS, ORPHAN = -1, -2, -3
"""Keys without a message: all rows contradict, all are refused numbers, no rows."""

_BLOCK = 2_048
"""Rows that are taken apart at a time, few enough to stay in the processor's cache."""
_STATUS = ("status", "source", "final", "stage", "result")


# Which entries of captured answers count where several have one key: those of the first answer.


def verdicts(sends: Facts, rows: Ints, group: Ints) -> Array:
    """The verdict on each of *rows*, which are by *group* (its key), then in order.

    One accepted entry counts, all refused ones of the first line that has any (a number that was
    given twice may name the message sent in its place), and of requests refused as a whole, whose
    keys are made from their lines, as many as the unit with the most has.
    """
    hashed = sends["entry_hash"][rows]
    if not hashed.any():
        return np.zeros(len(rows), np.int8)
    of_stage = np.array([_ACCEPTED, _WHOLE, _REFUSED, _ACCEPTED])
    entry_class = np.where(hashed != 0, of_stage[sends["stage"][rows]], _ROW)
    order = np.argsort(group * 4 + entry_class, kind="stable")
    by, entry_class, hashed = rows[order], entry_class[order], hashed[order]
    new = begins(group[order], entry_class)
    verdict = np.full(len(rows), _TOGETHER, np.int8)
    verdict[order] = _judged(sends, by, entry_class, hashed, new)
    return verdict


def _judged(sends: Facts, by: Ints, entry_class: Array, hashed: Array, new: Mask) -> Array:
    among = numbered(new)
    file, row, unit = (sends[name][by] for name in ("file", "row", "unit"))
    first = np.flatnonzero(new)[among]
    same_line = (file == file[first]) & (row == row[first])
    stands = np.select(
        [entry_class == _ROW, entry_class == _ACCEPTED, entry_class == _REFUSED],
        [True, new, same_line],
        _first_of_rank(among, file, unit),
    )
    order = np.lexsort((~stands, hashed, among))
    runs = begins(among[order], hashed[order])
    seen_before = np.empty(len(by), np.bool_)
    seen_before[order] = stands[order][runs][numbered(runs)]
    return np.select(
        [stands & (entry_class < _REFUSED), stands, seen_before | (entry_class == _WHOLE)],
        [_TOGETHER, _ALONE, DUPLICATE],
        EARLIER,
    )


def _first_of_rank(among: Ints, file: Array, unit: Array) -> Mask:
    """The first of the n-th rows of all units, for every n."""
    rank = position_within(begins(among, file, unit))
    order = np.lexsort((rank, among))
    first = np.zeros(len(among), np.bool_)
    first[order[begins(among[order], rank[order])]] = True
    return first


class MergedMessages(NamedTuple):
    """Messages, the rows that count (with message and segment), and those that do not.

    *message* is the message that reports of each of *keys* belong to, negative if none.
    """

    messages: Facts
    keys: Array
    message: Ints
    row: Ints
    of: Ints
    segment: Ints
    duplicates: int
    conflicting: Ints
    earlier: Ints


def merge_messages(sends: Facts, new: Mask, codes: Codes, whole: Mask) -> MergedMessages:
    """The messages of *sends*, which are by key, then file, row and entry.

    *new* marks where each key begins, *whole* the files whose rows are of whole messages.
    """
    key, single = numbered(new), alone(new)
    lone, rows = np.flatnonzero(single), np.flatnonzero(~single)
    of_key = key[rows]
    verdict = verdicts(sends, rows, of_key)
    refused, earlier = rows[verdict == _ALONE], rows[verdict == EARLIER]
    together = verdict == _TOGETHER
    rows, of_key = rows[together], of_key[together]
    begin = begins(of_key)
    opposed = conflicting(sends, rows, begin)[numbered(begin)]
    same, begin = rows[~opposed], begin[~opposed]
    segments = counted(sends, same, begin, codes, whole)
    messages = _unmerged(sends, np.concatenate([lone, same[begin], refused]))
    merged, n = slice(len(lone), len(messages) - len(refused)), len(lone)
    _merge(sends, messages[merged], (same, begin), segments, codes)
    messages["application"] = application_of(messages["application"])
    message = np.full(int(new.sum()), NAMELESS)
    message[key[single]] = np.arange(n)
    message[of_key] = QUARANTINED
    message[of_key[~opposed]] = n + numbered(begin)
    row = np.concatenate([lone, segments.row, refused])
    segment = np.maximum(sends["part"][row], 1).astype(np.int64)
    segment[n : n + len(segments.row)] = segments.segment
    return MergedMessages(
        messages=messages,
        keys=sends["key"][new],
        message=message,
        row=row,
        of=np.concatenate(
            [np.arange(n), n + segments.group, np.arange(merged.stop, len(messages))]
        ),
        segment=segment,
        duplicates=len(sends) - len(row) - int(opposed.sum()) - len(earlier),
        conflicting=rows[opposed],
        earlier=earlier,
    )


def _unmerged(sends: Facts, rows: Ints) -> Facts:
    """Messages of one row each; a row of a table is one segment if it does not say how many."""
    messages = np.empty(len(rows), MESSAGE)
    for start in range(0, len(rows), _BLOCK):
        block = sends.take(rows[start : start + _BLOCK])
        for name in MESSAGE.names or ():
            messages[name][start : start + _BLOCK] = block[name]
    of_table = sends["entry_hash"][rows] == 0
    messages["segments"] += (messages["segments"] == 0) & of_table
    without_status = messages["status"] < 0
    messages["source"][without_status], messages["final"][without_status] = 0, UNKNOWN
    return messages


def _merge(
    sends: Facts, messages: Facts, rows: tuple[Ints, Mask], segments: Counted, codes: Codes
) -> None:
    """Fill *messages* from their rows; the second of *rows* marks where each begins."""
    if not len(messages):
        return
    members, starts = rows[0], np.flatnonzero(rows[1])
    for name in (*LABELS, "submitted", "resend_number"):
        messages[name] = np.maximum.reduceat(sends[name][members], starts)
    # An absent application is above a channel in its place.
    channel = np.minimum.reduceat(sends["application"][members], starts)
    absent = messages["application"] < 0
    messages["application"][absent] = channel[absent]
    # Seen as unsigned, UNKNOWN is later than every time.
    sent = sends["sent"][members].view(np.uint64)
    messages["sent"] = np.minimum.reduceat(sent, starts).view(np.int64)
    source_rows = members[_first_present(sends["request"][members] >= 0, starts)]
    for name in ("request", "recipient"):
        messages[name] = sends[name][source_rows]
    messages["segments"], messages["cost"] = segments.segments, segments.cost
    messages["covered"] = segments.covered
    _decide(sends, messages, segments, codes)


def _first_present(present: Mask, starts: Ints) -> Ints:
    """The first row of each group with a value, else its first row."""
    silent = np.where(present, 0, len(present)) + np.arange(len(present))
    return np.minimum.reduceat(silent, starts) % len(present)


def _decide(sends: Facts, messages: Facts, segments: Counted, codes: Codes) -> None:
    starts = np.flatnonzero(begins(segments.group))
    messages["status"], messages["source"], messages["final"] = -1, 0, UNKNOWN
    for name in ("stage", "result"):
        messages[name] = np.maximum.reduceat(sends[name][segments.row], starts)
    with_status = np.flatnonzero(sends["status"][segments.row] >= 0)
    facts = sends.take(segments.row[with_status])
    statuses = StatusRows.by(
        facts, segments.group[with_status], segments.segment[with_status], facts["stage"]
    )
    rows = deciding(statuses, codes)
    for name in _STATUS:
        messages[name][segments.group[with_status][rows]] = facts[name][rows]
