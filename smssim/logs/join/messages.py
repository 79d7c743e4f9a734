"""The sends and details of some keys as messages, before any report is joined to them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from smssim.logs.join.answers import ALONE, EARLIER, TOGETHER, verdicts
from smssim.logs.join.facts import UNKNOWN, Facts, application_of
from smssim.logs.join.groups import Array, Integers, Mask, alone, begins, numbered
from smssim.logs.join.segments import LABELS, Counted, conflicting, counted
from smssim.logs.join.status import Codes, Told, deciding

MESSAGE = np.dtype(
    [
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
        ("generation", "i1"),
        ("place", "i1"),
        ("source", "i1"),
        ("result", "i1"),
    ]
)
"""A message; what it does not say is as in `packed.SEND`."""

QUARANTINED, NAMELESS, ORPHAN = -1, -2, -3
"""Keys without a message: all rows contradict each other, all are refused numbers, no rows."""

_BLOCK = 2_048
"""Rows that are taken apart at a time, few enough to stay in the processor's cache."""
_STATUS = ("status", "source", "final", "place", "result")


class Settled(NamedTuple):
    """Messages, the rows that count (of which message and segment), and what does not.

    *message* tells of each of *keys* which message reports of it belong to, negative if none.
    """

    messages: Facts
    keys: Array
    message: Integers
    row: Integers
    of: Integers
    segment: Integers
    duplicates: int
    conflicting: Integers
    earlier: Integers


def settled(sends: Facts, new: Mask, codes: Codes) -> Settled:
    """The messages of *sends*, which are by key, then file, row and entry; *new* says where each
    key begins.
    """
    key, single = numbered(new), alone(new)
    lone, rows = np.flatnonzero(single), np.flatnonzero(~single)
    of_key = key[rows]
    verdict = verdicts(sends, rows, of_key)
    refused, earlier = rows[verdict == ALONE], rows[verdict == EARLIER]
    together = verdict == TOGETHER
    rows, of_key = rows[together], of_key[together]
    begin = begins(of_key)
    opposed = conflicting(sends, rows, begin)[numbered(begin)]
    same, begin = rows[~opposed], begin[~opposed]
    found = counted(sends, same, begin, codes)
    messages = _unmerged(sends, np.concatenate([lone, same[begin], refused]))
    merged, n = slice(len(lone), len(messages) - len(refused)), len(lone)
    _merge(sends, messages[merged], (same, begin), found, codes)
    messages["application"] = application_of(messages["application"])
    message = np.full(int(new.sum()), NAMELESS)
    message[key[single]] = np.arange(n)
    message[of_key] = QUARANTINED
    message[of_key[~opposed]] = n + numbered(begin)
    row = np.concatenate([lone, found.row, refused])
    part = np.maximum(sends["part"][row], 1).astype(np.int64)
    part[n : n + len(found.row)] = found.segment
    return Settled(
        messages=messages,
        keys=sends["key"][new],
        message=message,
        row=row,
        of=np.concatenate([np.arange(n), n + found.group, np.arange(merged.stop, len(messages))]),
        segment=part,
        duplicates=len(sends) - len(row) - int(opposed.sum()) - len(earlier),
        conflicting=rows[opposed],
        earlier=earlier,
    )


def _unmerged(sends: Facts, rows: Integers) -> Facts:
    """Messages of one row each; a row of a table is a segment if it does not say how many."""
    messages = np.empty(len(rows), MESSAGE)
    for start in range(0, len(rows), _BLOCK):
        block = sends.take(rows[start : start + _BLOCK])
        for name in MESSAGE.names or ():
            messages[name][start : start + _BLOCK] = block[name]
    of_table = sends["entry_hash"][rows] == 0
    messages["segments"] += (messages["segments"] == 0) & of_table
    untold = messages["status"] < 0
    messages["source"][untold], messages["final"][untold] = 0, UNKNOWN
    return messages


def _merge(
    sends: Facts, messages: Facts, rows: tuple[Integers, Mask], found: Counted, codes: Codes
) -> None:
    """Let *messages* say what their rows say together; each begins where the second of *rows*
    says.
    """
    if not len(messages):
        return
    own, starts = rows[0], np.flatnonzero(rows[1])
    for name in (*LABELS, "submitted", "generation"):
        messages[name] = np.maximum.reduceat(sends[name][own], starts)
    # One that is not said is above a channel that stands in for it.
    channel = np.minimum.reduceat(sends["application"][own], starts)
    untold = messages["application"] < 0
    messages["application"][untold] = channel[untold]
    # Seen as unsigned, UNKNOWN is later than every time.
    sent = sends["sent"][own].view(np.uint64)
    messages["sent"] = np.minimum.reduceat(sent, starts).view(np.int64)
    teller = own[_first_said(sends["request"][own] >= 0, starts)]
    for name in ("request", "recipient"):
        messages[name] = sends[name][teller]
    messages["segments"], messages["cost"] = found.segments, found.cost
    messages["covered"] = found.covered
    _decide(sends, messages, found, codes)


def _first_said(said: Mask, starts: Integers) -> Integers:
    """The first row of each group that says something, else its first one."""
    silent = np.where(said, 0, len(said)) + np.arange(len(said))
    return np.minimum.reduceat(silent, starts) % len(said)


def _decide(sends: Facts, messages: Facts, found: Counted, codes: Codes) -> None:
    starts = np.flatnonzero(begins(found.group))
    messages["status"], messages["source"], messages["final"] = -1, 0, UNKNOWN
    for name in ("place", "result"):
        messages[name] = np.maximum.reduceat(sends[name][found.row], starts)
    told = np.flatnonzero(sends["status"][found.row] >= 0)
    facts = sends.take(found.row[told])
    by = Told.by(facts, found.group[told], found.segment[told], facts["place"])
    rows = deciding(by, codes)
    for name in _STATUS:
        messages[name][found.group[told][rows]] = facts[name][rows]
