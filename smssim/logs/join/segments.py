"""Rows of one key: which status counts, and where segments conflict, repeat, or add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

import numpy as np

from smssim.arrays import Ints, Mask
from smssim.logs.join.facts import UNKNOWN, Facts, Labels, application_of
from smssim.logs.join.groups import Array, alone, begins, ends, key_order, numbered

__all__ = [
    "LABELS",
    "Codes",
    "Counted",
    "StatusRows",
    "conflicting",
    "counted",
    "deciding",
    "files_of_whole_rows",
]

_PLATFORM = 1
"""The source of a report that the platform makes itself, for example when 72 h are over."""

LABELS = ("country", "template", "application", "type", "origin")
_AGREEING: dict[str, int] = {"number": 0, "submitted": UNKNOWN, **dict.fromkeys(LABELS, -1)}
"""Fields in which all rows of a message must agree, and the value of each where absent."""

_MOST_SEGMENTS = 99
"""Segments of a message: `total` and `sequence` have two digits at most."""


# Which of several statuses of a message counts.


class Codes(NamedTuple):
    """The codes of the two statuses with a meaning here; -2 where no file has one.

    `rank` orders all codes by their labels, DELIVRD last, so that no order of rows or files
    decides between statuses of one time.
    """

    delivered: int
    accepted: int
    rank: Ints

    @classmethod
    def of(cls, status: Labels) -> Self:
        """The codes that `DELIVRD` and `ACCEPTD` have in *status*."""
        names = status.names
        delivered, accepted = (names.index(n) if n in names else -2 for n in ("DELIVRD", "ACCEPTD"))
        order = sorted(range(len(names)), key=lambda code: (code == delivered, names[code]))
        rank = np.full(len(names) + 1, -1, np.int64)
        rank[order] = np.arange(len(names))
        return cls(delivered, accepted, rank)

    def final(self, status: Array) -> Mask:
        """Which statuses are final: all but ACCEPTD and none (DOMAIN.md section 7)."""
        final: Mask = (status >= 0) & (status != self.accepted)
        return final

    def certainty(self, status: Array, source: Array, final_at: Array) -> Array:
        """How much each status can know: 0 not final, 1 final, 2 final and by somebody who knows.

        A report that the platform makes without a time, because it has heard nothing, cannot know
        better than the phone that received the message.
        """
        constructed = (source == _PLATFORM) & (final_at == UNKNOWN) & (status != self.delivered)
        final = self.final(status)
        certainty: Array = final.astype(np.int8) + (final & ~constructed)
        return certainty


class StatusRows(NamedTuple):
    """Statuses, one per row: its message and segment, and the fact that reports it."""

    message: Ints
    segment: Ints
    status: Array
    source: Array
    stage: Array
    final: Array
    received: Array
    file: Array
    row: Array
    entry: Array

    @classmethod
    def by(cls, facts: Facts, message: Ints, segment: Ints, stage: Array) -> Self:
        """The statuses that *facts* report of segments of messages."""
        names = ("status", "source", "final", "received", "file", "row", "entry")
        columns = {name: facts[name] for name in names}
        return cls(message=message, segment=segment, stage=stage, **columns)

    def take(self, rows: Ints | Mask) -> StatusRows:
        """Some of the rows."""
        return StatusRows(*(column[rows] for column in self))

    def and_(self, other: StatusRows) -> StatusRows:
        """Both, one after the other."""
        return StatusRows(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def deciding(statuses: StatusRows, codes: Codes) -> Ints:
    """The row that decides each message with a status, by message.

    Of several statuses of a segment a final one goes before one that is not, then the later, then
    DELIVRD; of several segments the latest not delivered, then the highest segment.
    """
    order = np.argsort(statuses.message, kind="stable")
    new = begins(statuses.message[order])
    single = alone(new)
    rows = order[~single]
    if not len(rows):
        return order
    some = statuses.take(rows)
    when = np.where(some.final == UNKNOWN, some.received, some.final)
    records = (some.entry, some.row, some.file)
    certainty = codes.certainty(some.status, some.source, some.final)
    strength = (codes.rank[some.status], when, certainty)
    by = np.lexsort((*records, *strength, some.segment, some.message))
    last = by[ends(begins(some.message[by], some.segment[by]))]
    late = some.status[last] != codes.delivered
    by = last[np.lexsort((when[last], late, some.message[last]))]
    chosen = np.concatenate([order[single], rows[by[ends(begins(some.message[by]))]]])
    return chosen[np.argsort(statuses.message[chosen], kind="stable")]


# Rows of one key as segments of one message.


class Counted(NamedTuple):
    """The rows that count, one per segment: their group, and the segment from 1.

    *segments*, *cost* and *covered* are totals per group.
    """

    row: Ints
    group: Ints
    segment: Ints
    segments: Ints
    cost: Ints
    covered: Ints


def conflicting(sends: Facts, rows: Ints, new: Mask) -> Mask:
    """Which groups of *rows* contradict themselves; *new* marks where each begins."""
    starts = np.flatnonzero(new)
    conflicts = np.zeros(len(starts), np.bool_)
    for values, absent in _compared(sends, rows):
        most = np.iinfo(values.dtype).max
        low = np.minimum.reduceat(np.where(values == absent, most, values), starts)
        conflicts |= low < np.maximum.reduceat(values, starts)
    return conflicts


def _compared(sends: Facts, rows: Ints) -> Iterator[tuple[Array, int]]:
    """The values in which rows must agree, each with its value where absent."""
    for name, absent in _AGREEING.items():
        values = sends[name][rows]
        if name == "application":
            # The channel of a capture is another thing than the application of an export.
            yield application_of(np.minimum(values, -1)), absent
            values = np.maximum(values, -1)
        yield values, absent


def files_of_whole_rows(partitions: Iterable[Facts]) -> Mask:
    """Which files have one row per message, and not one per segment, of their long messages.

    Without a part, a row of a message of several segments may be either: the file shows it by
    whether such ids mostly stand in one row, or in as many as they have segments.
    """
    scores, n = Counter[int](), 0
    for sends in partitions:
        n = max(n, int(sends["file"].max(initial=-1)) + 1)
        rows = np.flatnonzero(
            (sends["segments"] > 1) & (sends["part"] == 0) & (sends["entry_hash"] == 0)
        )
        rows = rows[key_order(sends["key"][rows])[0]]
        keys, file = sends["key"][rows], sends["file"][rows]
        new = begins(keys[:, 0], keys[:, 1], file, sends["unit"][rows])
        size = np.diff(np.flatnonzero(new), append=len(rows))
        per_segment = size % sends["segments"][rows][new] == 0
        score = np.where(size == 1, 1, np.where(per_segment, -1, 0))
        for one in np.unique(file).tolist():
            scores[one] += int(score[file[new] == one].sum())
    whole = np.zeros(n, np.bool_)
    whole[[file for file, score in scores.items() if score >= 0]] = True
    return whole


def counted(sends: Facts, rows: Ints, new: Mask, codes: Codes, whole: Mask) -> Counted:
    """The rows that count in groups without a contradiction.

    A row is the segment that it names, else the n-th of its unit, or a whole message where its
    file is one of *whole*; of several rows of a segment the latest final status counts.
    """
    group, starts = numbered(new), np.flatnonzero(new)
    totals = np.maximum.reduceat(sends["segments"][rows], starts).astype(np.int64)
    segment, superseded = _segments(sends, rows, group, totals, codes, whole)
    by = _by_segment(sends, rows, (group, segment, superseded), codes)
    rows, group, segment = rows[by], group[by], segment[by]
    runs = begins(group, segment)
    last, first = ends(runs), np.flatnonzero(runs)
    of = group[last]
    return Counted(
        row=rows[last],
        group=of,
        segment=segment[last],
        segments=np.where(totals > 0, totals, _segments_present(sends, rows, group, of)),
        cost=_summed(sends["cost"][rows], last, first, of, UNKNOWN),
        covered=_summed(sends["covered"][rows].astype(np.int64), last, first, of, -1),
    )


def _segments(
    sends: Facts, rows: Ints, group: Ints, totals: Ints, codes: Codes, whole: Mask
) -> tuple[Ints, Mask]:
    """The segment of each row, and which rows a later status of the same message supersedes."""
    segment = sends["part"][rows].astype(np.int64)
    superseded = np.zeros(len(rows), np.bool_)
    partless = np.flatnonzero(segment == 0)
    if not len(partless):
        return segment, superseded
    facts, total = sends.take(rows[partless]), totals[group[partless]]
    new = begins(group[partless], facts["file"], facts["unit"])
    run = numbered(new)
    size = np.bincount(run)[run]
    old = _superseded(facts, total, new, codes)
    before: Ints = np.cumsum(~old) - ~old
    # More rows than a message may have segments are repetitions of it.
    most = np.where(total > 0, total, np.where(size > _MOST_SEGMENTS, 1, _MOST_SEGMENTS))
    nth = (before - before[new][run]) % most + 1
    nth[old | whole[facts["file"]]] = 1
    segment[partless], superseded[partless] = nth, old
    return segment, superseded


def _superseded(facts: Facts, total: Ints, new: Mask, codes: Codes) -> Mask:
    """Which rows of a unit, without parts, are earlier statuses of what another row reports.

    Rows of one id that say no number of segments are its segments if they agree on the status,
    else its history. If there are more than segments, the final ones go before the others.
    """
    run, status = numbered(new), facts["status"]
    order = np.lexsort((*_precedence(facts, codes), run))
    latest = status[order[ends(begins(run[order]))]]
    final = codes.final(status)
    size, finals = np.bincount(run)[run], np.bincount(run, final)[run]
    more = (total > 0) & (size > total) & (finals >= total)
    superseded: Mask = ((total == 0) & (status != latest[run])) | (more & ~final)
    return superseded


def _precedence(facts: Facts, codes: Codes) -> tuple[Array, Array, Array]:
    """Keys of statuses in the order in which they count, the strongest last."""
    status, final = facts["status"], facts["final"]
    return codes.rank[status], final, codes.certainty(status, facts["source"], final)


def _by_segment(sends: Facts, rows: Ints, by: tuple[Ints, Ints, Mask], codes: Codes) -> Ints:
    """An order by group and segment, the row that counts last of each."""
    group, segment, superseded = by
    order = np.lexsort((segment, group))
    new = begins(group[order], segment[order])
    several = np.flatnonzero(~alone(new))
    some = order[several]
    precedence = _precedence(sends.take(rows[some]), codes)
    keys = (*precedence, ~superseded[some], segment[some], group[some])
    order[several] = some[np.lexsort(keys)]
    return order


def _segments_present(sends: Facts, rows: Ints, group: Ints, of: Ints) -> Ints:
    """How many segments the rows of each group have; 0 if all are entries of a capture's answer."""
    counts = np.bincount(of)
    of_tables = np.bincount(group, sends["entry_hash"][rows] == 0, minlength=len(counts))
    return np.where(of_tables > 0, counts, 0)


def _summed(values: Array, last: Ints, first: Ints, of: Ints, absent: int) -> Array:
    """The sum over the segments of each group that have a value; *absent* if none has."""
    per_segment = values[last]
    per_segment = np.where(per_segment == absent, np.maximum.reduceat(values, first), per_segment)
    present = per_segment != absent
    starts = np.flatnonzero(begins(of))
    total: Array = np.add.reduceat(np.where(present, per_segment, 0), starts)
    return np.where(np.logical_or.reduceat(present, starts), total, absent)
