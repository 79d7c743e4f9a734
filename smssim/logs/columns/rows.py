"""The rows of a table as facts: every column read, every rule applied, what is left packed.

A row that breaks a rule is rejected with all its reasons, in the order of docs/logs.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from smssim.calendars import SECOND
from smssim.logs.columns.context import BatchContext, Rank, Readers, TimeSuspicions
from smssim.logs.columns.headings import Matching
from smssim.logs.columns.identity import Recipients, keys_of_rows, recipients_of
from smssim.logs.columns.statuses import Outcomes, outcomes_of
from smssim.logs.columns.texts import Secret
from smssim.logs.files.table import Batch, Table
from smssim.logs.join.facts import (
    REPORT,
    SEND,
    UNKNOWN,
    Facts,
    Names,
    ParsedChunk,
    RejectedRow,
    empty_facts,
)
from smssim.logs.join.message_ids import MessageIds

if TYPE_CHECKING:
    from smssim.logs.columns.texts import Words
from smssim.arrays import Ints, Mask

__all__ = ["Parser"]

_CODES = (
    *("status", "send_status", "result", "type", "charged", "source", "report_source", "segments"),
    "part",
)
_LABELS = ("application", "channel", "template", "source_name")
_OF_OUR_TABLES = ("request", "recipient", "resend_number", "refused_at", "covered_segments")
_REPORTED = ("status", "source", "part", "final", "received")
_SENT = (
    *("submitted", "sent", "template", "type", "segments", "refused_at", "request", "recipient"),
    *("resend_number", "source_name", "covered_segments"),
)
_NAMES = {"source_name": "origin", "covered_segments": "covered", "refused_at": "stage"}
_COUNTS = ("source", "part", "segments", "refused_at", "recipient")
"""Fields whose facts are 0 where a row has no value."""
_LARGEST_RESULT = 4

_MOST_WAITING = 2_000_000
"""Rows that wait for the first value that shows whether the day or the month comes first."""


class Parser:
    """Reads tables of one matching; *names* are the labels of the whole reading, *zone* is `tz=`.

    *secret* keys the hashes and must be the same for all files of a reading; *file* is the file's
    number in the facts. `currency` is that of the log: the first in its rows, if none is given.
    *ids* takes the ids of the rows.
    Raise a ColumnMappingError for a zone that does not exist.
    """

    def __init__(
        self,
        matching: Matching,
        names: Names,
        zone: str | None,
        secret: bytes,
        *,
        file: int = 0,
        currency: str | None = None,
        ids: MessageIds | None = None,
    ) -> None:
        self._readers = Readers(matching, names, zone, Secret.of(secret), file, currency, ids)
        self._suspicions = TimeSuspicions(matching.columns)

    @property
    def currency(self) -> str | None:
        """The currency of the log, None as long as no row has one."""
        return self._readers.currency

    @property
    def time_resolutions_s(self) -> dict[str, float]:
        """The step that each column of times is written in, in seconds, by field: 60 for whole
        minutes, 1 for whole seconds, else 0.

        Tables of ours are exact: a simulated source may send by the minute.
        """
        is_ours = self._readers.has("resend_number")
        return {
            field: 0 if is_ours else reader.resolution.step_us / SECOND
            for field, reader in self._readers.times.items()
        }

    def warnings(self) -> list[str]:
        """What the columns of the table leave open, once all its rows were read."""
        headings = self._readers.matching.columns
        whole = [
            repr(headings[field]) for field, step in self.time_resolutions_s.items() if step > 1
        ]
        sentences = list(self._suspicions.warnings())
        if whole and {"final", "received"} & set(self._readers.times):
            sentences.append(
                f"the times of {' and '.join(whole)} are whole minutes, as spreadsheets save them: "
                "delays are not known to the second"
            )
        if self._readers.has("send_status") and not self._readers.has_delivery:
            heading = repr(self._readers.matching.columns["send_status"])
            sentences.append(
                f"{heading} is read as the outcome of sending, not of delivery: a message that was "
                "sent is pending; name the column `result` with --columns map.yaml if it is both"
            )
        return sentences

    def pieces(self, table: Table) -> Iterator[ParsedChunk]:
        """The rows of a table, each in the facts or rejected.

        Raise a ColumnMappingError for times without a zone, and for an order of day and month or a
        decimal mark that nothing decides.
        """
        self._readers.dates_are_midnights = table.detected.get("form") == "XLSX"
        waiting: list[Batch] = []
        for batch in table.batches():
            self._readers.inspect(batch)
            waiting.append(batch)
            rows = sum(len(one.rows) for one in waiting)
            if not self._readers.is_open or rows > _MOST_WAITING:
                yield from self._read(waiting)
        yield from self._read(waiting)

    def _read(self, waiting: list[Batch]) -> Iterator[ParsedChunk]:
        error = self._readers.ambiguity_error() if waiting else None
        if error is not None:
            raise error
        while waiting:
            context = BatchContext(waiting.pop(0), self._readers)
            yield _piece_of(context)
            unknown = np.full(context.n, UNKNOWN, np.int64)
            submitted, final = (
                context.values.get(name, unknown) for name in ("submitted", "final")
            )
            self._suspicions.add(submitted, final)


def _piece_of(context: BatchContext) -> ParsedChunk:
    """Read all columns, apply all rules, pack what is left."""
    reports = context.readers.matching.record_type == "reports"
    _read_times(context)
    recipients = None if reports else recipients_of(context)
    for field in _CODES:
        context.read_code(field, Rank.CODE)
    _check_parts(context)
    for field in () if reports else _LABELS + _OF_OUR_TABLES:
        context.read_code(field, Rank.CODE)
    _read_outcomes(context, reports)
    _check_order(context)
    cost = _read_cost(context)
    context.read_code("currency", Rank.CURRENCY)
    keys = keys_of_rows(context, recipients)
    facts = _packed(context, recipients, cost, keys)
    none = empty_facts(SEND if reports else REPORT, 0)
    sends, reported = (none, facts) if reports else (facts, none)
    return ParsedChunk(sends, reported, _rejected(context), context.repaired)


def _read_times(context: BatchContext) -> None:
    for field, reader in context.readers.times.items():
        times, wrong = reader.read(context.column(field), context.repaired)
        context.values[field] = times
        rows = np.array([row for row, _ in wrong], np.int64)
        if field == "submitted":
            missing = times == UNKNOWN
            missing[rows] = False
            reason = f"{context.heading(field)} is missing"
            absent = np.flatnonzero(missing)
            context.problems.add(Rank.TIME, absent, [reason] * len(absent))
        context.problems.add(Rank.TIME, rows, [reason for _, reason in wrong])


def _check_parts(context: BatchContext) -> None:
    part, segments = context.values.get("part"), context.values.get("segments")
    if part is not None and segments is not None:
        rows = np.flatnonzero((segments > 0) & (part > segments))
        reasons = context.reasons_of_pair("part", "must not exceed", "segments", rows)
        context.problems.add(Rank.CODE, rows, reasons)


def _read_outcomes(context: BatchContext, reports: bool) -> None:
    values = context.values
    if "report_source" in values:
        source = values["report_source"]
        values["source"] = np.where(source >= 0, source, context.value("source"))
    if "send_status" in values:
        values["status"] = np.where(
            context.value("status") < 0, values["send_status"], context.value("status")
        )
    if "status" not in values and "result" not in values:
        return
    status, result, source, charged = map(context.value, ("status", "result", "source", "charged"))
    outcomes = outcomes_of(status, result, source, charged, context.readers.names.status)
    if reports:
        rows = np.flatnonzero((outcomes.status < 0) & ~context.problems.rows(context.n))
        reason = f"{context.heading('status')} must be said in a delivery report"
        context.problems.add(Rank.CODE, rows, [reason] * len(rows))
    values["status"] = outcomes.status
    stage = context.value("refused_at")
    by_outcome = 0 if "refused_at" in values else outcomes.stage
    values["refused_at"] = np.where(stage >= 0, stage, by_outcome)
    _check_contradictions(context, outcomes)


def _check_contradictions(context: BatchContext, outcomes: Outcomes) -> None:
    rows = np.flatnonzero(outcomes.contradicts)
    reasons = context.reasons_of_pair("status", "contradicts", "result", rows)
    context.problems.add(Rank.CONTRADICTION, rows, reasons)
    rows = np.flatnonzero(outcomes.uncharged)
    rule = "contradicts a delivered message, which is charged"
    context.problems.add(Rank.CONTRADICTION, rows, context.reasons("charged", rows, rule))


def _check_order(context: BatchContext) -> None:
    submitted = context.values.get("submitted")
    for field in ("final", "received"):
        if submitted is None or field not in context.values:
            continue
        later = context.values[field]
        early = (later < submitted - SECOND) & (later != UNKNOWN) & (submitted != UNKNOWN)
        rows = np.flatnonzero(early)
        reasons = context.reasons_of_pair(field, "must not be before", "submitted", rows)
        context.problems.add(Rank.ORDER, rows, reasons)


def _read_cost(context: BatchContext) -> Ints | None:
    if context.readers.cost is None:
        return None
    field = context.readers.cost_field
    cost, wrong = context.readers.cost.read(context.column(field), context.repaired)
    rows = np.array([row for row, _ in wrong], np.int64)
    context.problems.add(Rank.COST, rows, [reason for _, reason in wrong])
    if field == "unit_price":
        # A row with a part is one segment; any other is the whole message.
        segments = np.where(context.value("part") > 0, 1, context.value("segments"))
        cost = np.where((segments > 0) & (cost != UNKNOWN), cost * segments, UNKNOWN)
    return cost


def _packed(
    context: BatchContext, recipients: Recipients | None, cost: Ints | None, keys: Words
) -> Facts:
    """The facts of all rows without a problem; *recipients* is None for reports."""
    wrong = context.problems.rows(context.n)
    right: Mask | slice = ~wrong if wrong.any() else slice(None)
    rows = context.batch.rows[right]
    facts = empty_facts(REPORT if recipients is None else SEND, len(rows))
    facts["row"], facts["key"] = rows, keys[right]
    facts["file"], facts["unit"] = context.readers.file, context.batch.unit
    for field in _REPORTED if recipients is None else _REPORTED + _SENT:
        if field in context.values:
            values = context.values[field][right]
            facts[_NAMES.get(field, field)] = np.maximum(values, 0) if field in _COUNTS else values
    if recipients is None:
        return facts
    facts["number"], facts["country"] = recipients.number[right], recipients.country[right]
    facts["application"] = context.application()[right]
    facts["anonymous"] = context.anonymous[right]
    if "result" in context.values:
        result = context.values["result"][right]
        facts["result"] = np.where(result > _LARGEST_RESULT, -1, result)
    if cost is not None:
        facts["cost"] = cost[right]
    return facts


def _rejected(context: BatchContext) -> tuple[RejectedRow, ...]:
    rows, text = context.batch.rows, context.batch.text
    rejected = [
        RejectedRow(int(rows[row]), reasons, text(row))
        for row, reasons in context.problems.by_row().items()
    ]
    return tuple(sorted([*context.batch.rejected, *rejected], key=lambda one: one.row))
