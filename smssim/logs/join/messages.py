"""The sends and details of some keys as messages, before any report is joined to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np

from smssim.logs.join.facts import UNKNOWN, Facts, Labels, application_of
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

# Which entries of captured answers count where several have one key: those of the first answer.

TOGETHER, ALONE, DUPLICATE, EARLIER = range(4)
"""An entry counts together with the rows of its key, alone as a separate message, not at all as a
duplicate, or not at all because an earlier answer has its key.
"""
_ROW, _ACCEPTED, _REFUSED, _WHOLE = range(4)
"""Rows of tables, and entries by their stage: 0 or 3, 2, and 1 (the whole request was refused)."""


def verdicts(sends: Facts, rows: Integers, group: Integers) -> Array:
    """The verdict on each of *rows*, which are by *group* (its key), then in order.

    One accepted entry counts, all refused ones of the first line that has any (a number that was
    given twice may name the message sent in its place), and of requests refused as a whole, whose
    keys are made from their lines, as many as the unit with the most has.
    """
    hashed = sends["entry_hash"][rows]
    if not hashed.any():
        return np.zeros(len(rows), np.int8)
    of_place = np.array([_ACCEPTED, _WHOLE, _REFUSED, _ACCEPTED])
    entry_class = np.where(hashed != 0, of_place[sends["place"][rows]], _ROW)
    order = np.argsort(group * 4 + entry_class, kind="stable")
    by, entry_class, hashed = rows[order], entry_class[order], hashed[order]
    new = begins(group[order], entry_class)
    verdict = np.full(len(rows), TOGETHER, np.int8)
    verdict[order] = _judged(sends, by, entry_class, hashed, new)
    return verdict


def _judged(sends: Facts, by: Integers, entry_class: Array, hashed: Array, new: Mask) -> Array:
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
        [TOGETHER, ALONE, DUPLICATE],
        EARLIER,
    )


def _first_of_rank(among: Integers, file: Array, unit: Array) -> Mask:
    """The first of the n-th rows of all units, for every n."""
    rank = place_within(begins(among, file, unit))
    order = np.lexsort((rank, among))
    first = np.zeros(len(among), np.bool_)
    first[order[begins(among[order], rank[order])]] = True
    return first


# Which of several statuses counts: of a segment the last, of segments the last not delivered.


class Codes(NamedTuple):
    """The codes of the two statuses with a meaning here; -2 where no file has one."""

    delivered: int
    accepted: int

    @classmethod
    def of(cls, status: Labels) -> Self:
        """The codes that `DELIVRD` and `ACCEPTD` have in *status*."""
        names = status.names
        return cls(*(names.index(n) if n in names else -2 for n in ("DELIVRD", "ACCEPTD")))

    def final(self, status: Array) -> Mask:
        """Which statuses are final: all but ACCEPTD and none (DOMAIN.md section 7)."""
        final: Mask = (status >= 0) & (status != self.accepted)
        return final


class StatusRows(NamedTuple):
    """Statuses, one per row: its message and segment, and the fact that reports it."""

    message: Integers
    segment: Integers
    status: Array
    source: Array
    stage: Array
    final: Array
    received: Array
    file: Array
    row: Array
    entry: Array

    @classmethod
    def by(cls, facts: Facts, message: Integers, segment: Integers, stage: Array) -> Self:
        """The statuses that *facts* report of segments of messages."""
        names = ("status", "source", "final", "received", "file", "row", "entry")
        columns = {name: facts[name] for name in names}
        return cls(message=message, segment=segment, stage=stage, **columns)

    def take(self, rows: Integers | Mask) -> StatusRows:
        """Some of the rows."""
        return StatusRows(*(column[rows] for column in self))

    def and_(self, other: StatusRows) -> StatusRows:
        """Both, one after the other."""
        return StatusRows(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def deciding(statuses: StatusRows, codes: Codes) -> Integers:
    """The row that decides each message with a status, by message.

    Of several statuses of a segment a final one goes before one that is not, then the later, then
    the later row; of several segments the latest not delivered, then the highest segment.
    """
    order = np.argsort(statuses.message, kind="stable")
    new = begins(statuses.message[order])
    single = alone(new)
    rows = order[~single]
    if not len(rows):
        return order
    some = statuses.take(rows)
    when = np.where(some.final == UNKNOWN, some.received, some.final)
    places = (some.entry, some.row, some.file)
    by = np.lexsort((*places, when, codes.final(some.status), some.segment, some.message))
    last = by[ends(begins(some.message[by], some.segment[by]))]
    late = some.status[last] != codes.delivered
    by = last[np.lexsort((when[last], late, some.message[last]))]
    chosen = np.concatenate([order[single], rows[by[ends(begins(some.message[by]))]]])
    return chosen[np.argsort(statuses.message[chosen], kind="stable")]


# Rows of one key as segments of one message: where they conflict, repeat, or add up.

LABELS = ("country", "template", "application", "type", "origin")
_AGREEING: dict[str, int] = {"number": 0, "submitted": UNKNOWN, **dict.fromkeys(LABELS, -1)}
"""Fields in which all rows of a message must agree, and the value of each where absent."""


class Counted(NamedTuple):
    """The rows that count, one per segment: their group, and the segment from 1.

    *segments*, *cost* and *covered* are totals per group.
    """

    row: Integers
    group: Integers
    segment: Integers
    segments: Integers
    cost: Integers
    covered: Integers


def conflicting(sends: Facts, rows: Integers, new: Mask) -> Mask:
    """Which groups of *rows* contradict themselves; *new* marks where each begins."""
    starts = np.flatnonzero(new)
    conflicts = np.zeros(len(starts), np.bool_)
    for values, absent in _compared(sends, rows):
        most = np.iinfo(values.dtype).max
        low = np.minimum.reduceat(np.where(values == absent, most, values), starts)
        conflicts |= low < np.maximum.reduceat(values, starts)
    return conflicts


def _compared(sends: Facts, rows: Integers) -> Iterator[tuple[Array, int]]:
    """The values in which rows must agree, each with its value where absent."""
    for name, absent in _AGREEING.items():
        values = sends[name][rows]
        if name == "application":
            # The channel of a capture is another thing than the application of an export.
            yield application_of(np.minimum(values, -1)), absent
            values = np.maximum(values, -1)
        yield values, absent


def counted(sends: Facts, rows: Integers, new: Mask, codes: Codes) -> Counted:
    """The rows that count in groups without a contradiction.

    A row is the segment that it names, else the n-th of its unit; of several rows of a segment the
    one with the latest final status counts.
    """
    group, starts = numbered(new), np.flatnonzero(new)
    segment_counts = np.maximum.reduceat(sends["segments"][rows], starts).astype(np.int64)
    segment = _segments(sends, rows, group)
    fitting = (
        (sends["part"][rows] > 0)
        | (segment_counts[group] == 0)
        | (segment <= segment_counts[group])
    )
    rows, group, segment = rows[fitting], group[fitting], segment[fitting]
    by = _by_segment(sends, rows, group, segment, codes)
    rows, group, segment = rows[by], group[by], segment[by]
    runs = begins(group, segment)
    last, first = ends(runs), np.flatnonzero(runs)
    of = group[last]
    return Counted(
        row=rows[last],
        group=of,
        segment=segment[last],
        segments=np.where(
            segment_counts > 0, segment_counts, _segments_present(sends, rows, group, of)
        ),
        cost=_summed(sends["cost"][rows], last, first, of, UNKNOWN),
        covered=_summed(sends["covered"][rows].astype(np.int64), last, first, of, -1),
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


def _segments_present(sends: Facts, rows: Integers, group: Integers, of: Integers) -> Integers:
    """How many segments the rows of each group have; 0 if all are entries of a capture's answer."""
    counts = np.bincount(of)
    of_tables = np.bincount(group, sends["entry_hash"][rows] == 0, minlength=len(counts))
    return np.where(of_tables > 0, counts, 0)


def _summed(values: Array, last: Integers, first: Integers, of: Integers, absent: int) -> Array:
    """The sum over the segments of each group that have a value; *absent* if none has."""
    per_segment = values[last]
    per_segment = np.where(per_segment == absent, np.maximum.reduceat(values, first), per_segment)
    present = per_segment != absent
    starts = np.flatnonzero(begins(of))
    total: Array = np.add.reduceat(np.where(present, per_segment, 0), starts)
    return np.where(np.logical_or.reduceat(present, starts), total, absent)


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
"""A message; absent values are as in `facts.SEND`."""

QUARANTINED, NAMELESS, ORPHAN = -1, -2, -3
"""Keys without a message: all rows contradict, all are refused numbers, no rows."""

_BLOCK = 2_048
"""Rows that are taken apart at a time, few enough to stay in the processor's cache."""
_STATUS = ("status", "source", "final", "place", "result")


class MergedMessages(NamedTuple):
    """Messages, the rows that count (with message and segment), and those that do not.

    *message* is the message that reports of each of *keys* belong to, negative if none.
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


def merge_messages(sends: Facts, new: Mask, codes: Codes) -> MergedMessages:
    """The messages of *sends*, which are by key, then file, row and entry.

    *new* marks where each key begins.
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
    segments = counted(sends, same, begin, codes)
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


def _unmerged(sends: Facts, rows: Integers) -> Facts:
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
    sends: Facts, messages: Facts, rows: tuple[Integers, Mask], segments: Counted, codes: Codes
) -> None:
    """Fill *messages* from their rows; the second of *rows* marks where each begins."""
    if not len(messages):
        return
    members, starts = rows[0], np.flatnonzero(rows[1])
    for name in (*LABELS, "submitted", "generation"):
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


def _first_present(present: Mask, starts: Integers) -> Integers:
    """The first row of each group with a value, else its first row."""
    silent = np.where(present, 0, len(present)) + np.arange(len(present))
    return np.minimum.reduceat(silent, starts) % len(present)


def _decide(sends: Facts, messages: Facts, segments: Counted, codes: Codes) -> None:
    starts = np.flatnonzero(begins(segments.group))
    messages["status"], messages["source"], messages["final"] = -1, 0, UNKNOWN
    for name in ("place", "result"):
        messages[name] = np.maximum.reduceat(sends[name][segments.row], starts)
    with_status = np.flatnonzero(sends["status"][segments.row] >= 0)
    facts = sends.take(segments.row[with_status])
    statuses = StatusRows.by(
        facts, segments.group[with_status], segments.segment[with_status], facts["place"]
    )
    rows = deciding(statuses, codes)
    for name in _STATUS:
        messages[name][segments.group[with_status][rows]] = facts[name][rows]
