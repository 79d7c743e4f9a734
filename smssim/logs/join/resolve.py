"""All facts resolved, partition by partition: tallies, frames, and what the join rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from smssim.arrays import Ints, Mask
from smssim.logs.captures.seen_by_customer import Codes as CodedColumn
from smssim.logs.frames import MessageColumns, ReportColumns, messages_frame, reports_frame
from smssim.logs.join.facts import UNKNOWN, Facts, Names, Spill, period
from smssim.logs.join.groups import (
    Array,
    Repetition,
    Unit,
    begins,
    by_key,
    in_order,
    numbered,
    repetitions,
    told_apart,
    with_second_halves,
)
from smssim.logs.join.messages import MESSAGE, merge_messages
from smssim.logs.join.reports import REPORTED, join_reports
from smssim.logs.join.segments import Codes, files_of_whole_rows
from smssim.record.from_frames import CodedCounter
from smssim.record.schema import REPORT_STATES
from smssim.record.tallies import Tallies

__all__ = ["REASONS", "Counting", "JoinOutcome", "Resolved", "frames", "join_facts", "resolve"]

REASONS = (
    "duplicate id with conflicting content",
    "smsMsgId is in an earlier answer",
    "smsMsgId is in no answer and no row: an orphan report",
    "smsMsgId was refused in the answer",
    "the message of this report has a duplicate id with conflicting content",
    "status was made before its message was submitted",
)
_REJECTED_BY_JOIN = np.dtype([("file", "<i4"), ("row", "<i8"), ("entry", "<i4"), ("reason", "i1")])
"""A record that the join rejects; its reason is one of `REASONS`."""

_LABELS = {name: name for name in ("country", "application", "template", "type", "status")}
_LABELS["source"] = "origin"
"""Keys of tallies, and their names in facts: there a source is who made a delivery report."""

_MOST_REJECTED = 100_000
"""Records rejected by the join that are stored one by one; all are counted by reason."""


class Resolved(NamedTuple):
    """The result of one partition of the keys.

    `messages` are of `messages.MESSAGE`, `reports` of `reports.REPORTED` (their `message` is a row
    of `messages`), `rejected_by_join` of `_REJECTED_BY_JOIN`; *used* and *duplicates* count
    records, and *first* and *last* are the first and last times of those used, crossed where there
    are none.
    """

    messages: Facts
    reports: Facts
    rejected_by_join: Facts
    used: int
    duplicates: int
    first: int
    last: int
    repetitions: dict[Unit, Repetition]


def resolve(sends: Facts, reports: Facts, names: Names, whole: Mask | None = None) -> Resolved:
    """Resolve the facts of some keys, all of each, by the rules of docs/logs.md, section 4.

    *whole* are the files whose rows are of whole messages; these facts show it if it is None.
    """
    codes = Codes.of(names.status)
    whole = files_of_whole_rows([sends]) if whole is None else whole
    sends, new = by_key(in_order(sends))
    appended = repetitions(sends, new)
    sends, new = told_apart(sends, new, whole)
    merged = merge_messages(sends, new, codes, whole)
    reports, new = by_key(in_order(reports))
    joined = join_reports(sends, merged, reports, new, codes)
    rejected = [
        _rejected_by_join(sends, merged.conflicting, 0),
        _rejected_by_join(sends, merged.earlier, 1),
        _rejected_by_join(reports, joined.orphans, 2),
        _rejected_by_join(reports, joined.refused, 3),
        _rejected_by_join(reports, joined.unplaced, 4),
        _rejected_by_join(reports, joined.early, 5),
    ]
    times = [period(sends[name][merged.row]) for name in ("submitted", "final", "received")]
    times += [period(reports[name][joined.used]) for name in ("final", "received")]
    return Resolved(
        messages=merged.messages,
        reports=joined.reported,
        rejected_by_join=np.concatenate(rejected),
        used=len(merged.row) + len(joined.used),
        duplicates=merged.duplicates + joined.duplicates,
        first=min(first for first, _ in times),
        last=max(last for _, last in times),
        repetitions=appended,
    )


def _rejected_by_join(facts: Facts, rows: Ints, reason: int) -> Facts:
    records = np.empty(len(rows), _REJECTED_BY_JOIN)
    for name in ("file", "row", "entry"):
        records[name] = facts[name][rows]
    records["reason"] = reason
    return records


# Resolved messages and reports of all partitions in order, as frames of `smssim.record.schema`.


def _in_sequence(parts: Sequence[tuple[Facts, Facts]]) -> tuple[Facts, Facts]:
    """Messages by submission, then file, row and entry, and their reports by message and part.

    Requests are numbered from 0 by their first message. A request is identified by its number and
    its origin; a message without one is a request by itself, recipient 0.
    """
    parts = [(np.empty(0, MESSAGE), np.empty(0, REPORTED)), *parts]
    sizes = [len(messages) for messages, _ in parts]
    messages = np.concatenate([messages for messages, _ in parts])
    reports = np.concatenate([reports for _, reports in parts])
    report_counts = [len(reports) for _, reports in parts]
    reports["message"] += np.repeat(np.append(0, np.cumsum(sizes)[:-1]), report_counts)
    names = ("entry", "row", "file", "submitted")
    order = np.lexsort([messages[name] for name in names])
    row = np.empty(len(order), np.int64)
    row[order] = np.arange(len(order))
    messages, reports["message"] = messages.take(order), row[reports["message"]]
    messages["recipient"][messages["request"] < 0] = 0
    messages["request"] = _dense(messages)
    return messages, reports.take(np.lexsort((reports["part"], reports["message"])))


def _dense(messages: Facts) -> Ints:
    single = np.where(messages["request"] < 0, np.arange(len(messages)), -1)
    keys = (messages["request"], messages["origin"], single)
    order = np.lexsort(keys)
    new = begins(*(key[order] for key in keys))
    # The order is stable: the first row of each run is the first message of its request.
    first = order[new]
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    dense = np.empty(len(messages), np.int64)
    dense[order] = number[numbered(new)]
    return dense


def frames(messages: Facts, reports: Facts, names: Names) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames of messages and reports that are in sequence."""

    def integers(name: str) -> Ints:
        return messages[name].astype(np.int64)

    def coded(name: str) -> CodedColumn:
        return CodedColumn(integers(name), getattr(names, name).names)

    message_columns = MessageColumns(
        submitted=integers("submitted"),
        request=integers("request"),
        recipient=integers("recipient"),
        segments=integers("segments"),
        stage=integers("stage"),
        report_source=integers("source"),
        final=integers("final"),
        application=coded("application"),
        template=coded("template"),
        country=coded("country"),
        status=coded("status"),
        type=coded("type"),
        source=coded("origin"),
        sent=integers("sent"),
        resend_number=integers("resend_number"),
        covered=integers("covered"),
        cost_micro=integers("cost"),
    )
    report_columns = ReportColumns(
        *(reports[name].astype(np.int64) for name in ("message", "part", "copies", "received"))
    )
    return messages_frame(message_columns), reports_frame(report_columns)


# Tallies of a log counted partition by partition, so that one at a time is in memory.


class Counting:
    """Counts the resolved messages and reports of a log that is observed up to *until_us*.

    All labels must be in *names*. The tallies are those of the frames of the same messages, but for
    `within_3_min`: frames do not show the result.
    """

    def __init__(self, names: Names, first_us: int, until_us: int) -> None:
        labels = {name: getattr(names, field).names for name, field in _LABELS.items()}
        self._counter = CodedCounter(labels, first_us, until_us)

    def add(self, messages: Facts, reports: Facts) -> None:
        """Count the packed messages and reports of one partition."""
        self._counter.add(
            {
                **{name: messages[field] for name, field in _LABELS.items()},
                "resend_number": messages["resend_number"],
                "submitted_at": messages["submitted"].copy(),
                "final_at": messages["final"].copy(),
                "segments": _small(messages["segments"]),
                "covered_segments": _small(messages["covered"]),
                "cost_micro": np.where(messages["cost"] == UNKNOWN, 0, messages["cost"]),
                "refused_at": messages["stage"].copy(),
                "result": messages["result"].copy(),
            },
            {
                "message": reports["message"].copy(),
                "state": np.full(len(reports), REPORT_STATES.index("received"), np.int8),
                "attempts": np.full(len(reports), -1, np.int8),
                "deliveries": _small(reports["copies"]),
                "received_at": reports["received"].copy(),
            },
        )

    def tallies(self) -> Tallies:
        """The tallies of everything counted."""
        return self._counter.tallies()


def _small(values: Array) -> Array:
    """Values as int8 if they fit, which are counted faster."""
    return values.astype(np.int8 if int(values.max(initial=0)) <= 127 else np.int64)


# All partitions together: the tallies of a log, its frames, and the records rejected by the join.


@dataclass(frozen=True)
class JoinOutcome:
    """The log that the facts amount to: records in = *used* + rejected by join + *duplicates*.

    `rejected_by_join` holds the first of them by file, row and entry, `reasons` counts all.
    The observed period is in microseconds since 1970 UTC, 0 without any record used.
    """

    observed_from: int
    observed_until: int
    tallies: Tallies
    messages: pd.DataFrame | None
    reports: pd.DataFrame | None
    keys: Array | None
    """The keys of the facts of *messages*."""
    used: int
    duplicates: int
    states_requests: bool
    """Whether every message is stated to be of a request; a log without messages states none."""
    rejected_by_join: Facts
    reasons: Counter[str]
    appended: dict[Unit, Repetition]
    """Units that repeat themselves; the second halves of those of different rows are duplicates."""


def join_facts(
    facts: Spill, names: Names, *, rows: bool = True, most_rejected: int = _MOST_REJECTED
) -> JoinOutcome:
    """Resolve all facts, when all are added; *most_rejected* bounds the rejected that are stored.

    The age of pending messages needs the end of the record, which is known only when all is
    resolved: if the last time of all facts is not of a record that is used, it is counted again.
    An export that was appended to itself shows it only then, too, and all is resolved once more.
    """
    joining = _Joining(facts, names, {}, rows, _Totals(most_rejected))
    appended = {unit: r for unit, r in joining.totals.repetitions.items() if r.is_appended}
    left_out = {unit: r for unit, r in appended.items() if r.is_of_different_rows}
    if left_out:
        joining = _Joining(facts, names, left_out, rows, _Totals(most_rejected))
    totals = joining.totals
    sequence = _in_sequence(joining.parts) if rows else None
    frame = sequence and frames(*sequence, names)
    first, last = totals.period()
    return JoinOutcome(
        observed_from=first,
        observed_until=last,
        tallies=joining.tallies(),
        messages=frame and frame[0],
        reports=frame and frame[1],
        keys=sequence and sequence[0]["key"],
        used=totals.used,
        duplicates=totals.duplicates,
        states_requests=0 < totals.messages == totals.of_requests,
        rejected_by_join=totals.rejected_by_join(),
        reasons=totals.reasons,
        appended=dict(sorted(appended.items())),
    )


class _Joining:
    """All partitions resolved once; of *appended* units the second half repeats the first."""

    def __init__(
        self,
        facts: Spill,
        names: Names,
        appended: dict[Unit, Repetition],
        rows: bool,
        totals: _Totals,
    ) -> None:
        self._facts, self._names, self._appended = facts, names, appended
        self._rows, self.totals = rows, totals
        self.parts: list[tuple[Facts, Facts]] = []
        self._whole = np.zeros(facts.files, np.bool_)
        if facts.has_long_rows:
            self._whole = files_of_whole_rows(sends for sends, _ in self._partitions())
        self._until = facts.last if facts.last != UNKNOWN else 0
        self._counting = Counting(names, min(facts.first, self._until), self._until)
        for resolved in self._resolved():
            totals.add(resolved)
            self._counting.add(resolved.messages, resolved.reports)
            if rows:
                self.parts.append((resolved.messages, resolved.reports))

    def tallies(self) -> Tallies:
        """The tallies of the record, which ends with its last time."""
        first, last = self.totals.period()
        if last != self._until:
            self._counting = Counting(self._names, first, last)
            parts = self.parts if self._rows else ((p[0], p[1]) for p in self._resolved())
            for messages, reports in parts:
                self._counting.add(messages, reports)
        return self._counting.tallies()

    def _partitions(self) -> Iterator[tuple[Facts, Facts]]:
        for sends, reports in self._facts.partitions():
            yield with_second_halves(sends, self._appended), reports

    def _resolved(self) -> Iterator[Resolved]:
        for sends, reports in self._partitions():
            yield resolve(sends, reports, self._names, self._whole)


@dataclass
class _Totals:
    """Totals over the partitions, next to their messages and reports."""

    most_rejected: int
    used: int = 0
    duplicates: int = 0
    messages: int = 0
    of_requests: int = 0
    first: int = 2**63 - 1
    last: int = UNKNOWN
    reasons: Counter[str] = field(default_factory=Counter)
    repetitions: dict[Unit, Repetition] = field(default_factory=dict)
    _rejected_by_join: list[Facts] = field(default_factory=list)

    def add(self, resolved: Resolved) -> None:
        self.used += resolved.used
        self.duplicates += resolved.duplicates
        self.messages += len(resolved.messages)
        self.of_requests += int((resolved.messages["request"] >= 0).sum())
        for unit, repetition in resolved.repetitions.items():
            before = self.repetitions.get(unit)
            self.repetitions[unit] = before.and_(repetition) if before else repetition
        self.first, self.last = min(self.first, resolved.first), max(self.last, resolved.last)
        counts = np.bincount(resolved.rejected_by_join["reason"], minlength=len(REASONS)).tolist()
        self.reasons.update({r: n for r, n in zip(REASONS, counts, strict=True) if n})
        self._rejected_by_join.append(resolved.rejected_by_join)
        if sum(map(len, self._rejected_by_join)) > 2 * self.most_rejected:
            self._rejected_by_join = [self.rejected_by_join()]

    def rejected_by_join(self) -> Facts:
        """The first records rejected by the join, by file, row and entry."""
        records = np.concatenate(self._rejected_by_join or [np.empty(0, _REJECTED_BY_JOIN)])
        return records[np.lexsort([records[n] for n in ("entry", "row", "file")])][
            : self.most_rejected
        ]

    def period(self) -> tuple[int, int]:
        return (self.first, self.last) if self.last != UNKNOWN else (0, 0)
