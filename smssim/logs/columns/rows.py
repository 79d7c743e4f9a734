"""The rows of one batch as facts: what each column says, held against what the others say.

A row that breaks a rule is refused with all its reasons, in the order of docs/logs.md section 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from smssim.calendars import SECOND
from smssim.logs.columns.headings import Matching
from smssim.logs.columns.identity import keys_of_rows, who_of
from smssim.logs.columns.keys import Secret
from smssim.logs.columns.outcome import said_of
from smssim.logs.columns.problems import Problems, Rank, shown
from smssim.logs.columns.readers import Readers
from smssim.logs.columns.texts import Flags, Integers, as_texts
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
    standing_in,
)

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

    from smssim.logs.columns.identity import Who
    from smssim.logs.columns.texts import Flags, Integers, Words


# What the rows of a batch say, packed as facts: those that are not refused.

_REPORTED = ("status", "source", "part", "final", "received")
_SENT = (
    *("submitted", "sent", "template", "type", "segments", "place", "request", "recipient"),
    *("generation", "source_name", "covered_segments"),
)
_CALLED = {"source_name": "origin", "covered_segments": "covered"}
_COUNTS = ("source", "part", "segments", "place", "recipient")
"""Fields whose facts are 0 where nothing is said."""
_LARGEST_RESULT = 4


def packed(rows: Rows, who: Who | None, cost: Integers | None, keys: Words) -> Facts:
    """The facts of all rows without a problem; *who* is None for reports."""
    wrong = rows.problems.rows(rows.n)
    kept: Flags | slice = ~wrong if wrong.any() else slice(None)
    place = rows.batch.rows[kept]
    facts = empty_facts(REPORT if who is None else SEND, len(place))
    facts["row"], facts["key"] = place, keys[kept]
    facts["file"], facts["unit"] = rows.readers.file, rows.batch.unit
    for field in _REPORTED if who is None else _REPORTED + _SENT:
        if field in rows.said:
            values = rows.said[field][kept]
            facts[_CALLED.get(field, field)] = np.maximum(values, 0) if field in _COUNTS else values
    if who is not None:
        facts["number"], facts["country"] = who.number[kept], who.country[kept]
        facts["application"] = rows.application()[kept]
        facts["anonymous"] = rows.anonymous[kept]
        if "result" in rows.said:
            result = rows.said["result"][kept]
            facts["result"] = np.where(result > _LARGEST_RESULT, -1, result)
        if cost is not None:
            facts["cost"] = cost[kept]
    return facts


_CODES = ("status", "result", "type", "charged", "source", "report_source", "segments", "part")
_PLAIN = ("application", "channel", "template", "source_name")
_OWN = ("request", "recipient", "generation", "place", "covered_segments")


def piece_of(batch: Batch, readers: Readers) -> ParsedChunk:
    """The rows of a batch, each in the facts or refused."""
    return Rows(batch, readers).piece()


class Rows:
    """One batch while it is read: what its columns say, its problems, its repairs."""

    def __init__(self, batch: Batch, readers: Readers) -> None:
        self.batch, self.readers = batch, readers
        self.n = len(batch.rows)
        self.problems, self.repaired = Problems(), Counter[str]()
        self.said: dict[str, Integers] = {}
        self._unsaid = np.full(self.n, -1, np.int64)
        self.anonymous = np.zeros(self.n, np.bool_)
        """Rows whose key is made of their content, as nothing names them."""

    def piece(self) -> ParsedChunk:
        """Read all columns, apply all rules, pack what is left."""
        reports = self.readers.matching.kind == "reports"
        self._times()
        who = None if reports else who_of(self)
        for field in _CODES:
            self._code(field, Rank.CODE)
        self._parts()
        for field in () if reports else _PLAIN + _OWN:
            self._code(field, Rank.CODE)
        self._outcome(reports)
        self._order()
        cost = self._cost()
        self._code("currency", Rank.CURRENCY)
        keys = keys_of_rows(self, who)
        facts = packed(self, who, cost, keys)
        none = empty_facts(SEND if reports else REPORT, 0)
        sends, told = (none, facts) if reports else (facts, none)
        return ParsedChunk(sends, told, self._rejected(), self.repaired)

    def column(self, field: str) -> pa.Array:
        """The column of a field."""
        return self.readers.column(self.batch, field)

    def heading(self, field: str) -> str:
        """The heading of a field; the field itself if no column has it."""
        return self.readers.matching.columns.get(field, field)

    def value(self, field: str) -> Integers:
        """What a field says, -1 (times: UNKNOWN) where nothing."""
        return self.said.get(field, self._unsaid)

    def texts(self, field: str, rows: Integers) -> list[str | None]:
        """The values of some rows as they stand."""
        import pyarrow as pa

        values: list[str | None] = as_texts(self.column(field).take(pa.array(rows))).to_pylist()
        return values

    def told(self, field: str, rows: Integers, rule: str) -> Iterable[str]:
        """A reason for each of *rows*: the field's value and the rule."""
        if not len(rows):
            return ()
        heading = self.heading(field)
        return (f"{heading}(={shown(value)}) {rule}" for value in self.texts(field, rows))

    def pairs(self, one: str, rule: str, other: str, rows: Integers) -> Iterable[str]:
        """A reason for each of *rows*: two fields with their values, and the rule between them."""
        if not len(rows):
            return ()
        a, b = self.heading(one), self.heading(other)
        values = zip(self.texts(one, rows), self.texts(other, rows), strict=True)
        return (f"{a}(={shown(x)}) {rule} {b}(={shown(y)})" for x, y in values)

    def _times(self) -> None:
        for field, reader in self.readers.times.items():
            self.said[field], wrong = reader.read(self.column(field), self.repaired)
            if field == "submitted":
                bad = np.array([row for row, _ in wrong], np.int64)
                missing = self.said[field] == UNKNOWN
                missing[bad] = False
                rows = np.flatnonzero(missing)
                self.problems.add(
                    Rank.TIME, rows, [f"{self.heading(field)} is missing"] * len(rows)
                )
            if wrong:
                rows = np.array([row for row, _ in wrong], np.int64)
                self.problems.add(Rank.TIME, rows, [reason for _, reason in wrong])

    def _code(self, field: str, rank: Rank) -> None:
        reader = self.readers.codes.get(field)
        if reader is not None:
            self.said[field], rows, reasons = reader.read(self.column(field), self.repaired)
            self.problems.add(rank, rows, reasons)

    def _parts(self) -> None:
        if "part" in self.said and "segments" in self.said:
            part, segments = self.said["part"], self.said["segments"]
            rows = np.flatnonzero((segments > 0) & (part > segments))
            self.problems.add(
                Rank.CODE, rows, self.pairs("part", "must not exceed", "segments", rows)
            )

    def _outcome(self, reports: bool) -> None:
        status, result = self.value("status"), self.value("result")
        if "report_source" in self.said:
            own = self.said["report_source"]
            self.said["source"] = np.where(own >= 0, own, self.value("source"))
        source, charged = self.value("source"), self.value("charged")
        if "status" not in self.said and "result" not in self.said:
            return
        said = said_of(status, result, source, charged, self.readers.names.status)
        if reports:
            rows = np.flatnonzero(said.status < 0)
            wrong = self.problems.rows(self.n)[rows]
            rows = rows[~wrong]
            reason = f"{self.heading('status')} must be said in a status report"
            self.problems.add(Rank.CODE, rows, [reason] * len(rows))
        self.said["status"] = said.status
        told = self.value("place")
        self.said["place"] = np.where(told >= 0, told, 0 if "place" in self.said else said.place)
        self._contradictions(said.contradicts, said.uncharged)

    def _contradictions(self, contradicts: Flags, uncharged: Flags) -> None:
        rows = np.flatnonzero(contradicts)
        reasons = self.pairs("status", "contradicts", "result", rows)
        self.problems.add(Rank.CONTRADICTION, rows, reasons)
        rows = np.flatnonzero(uncharged)
        rule = "contradicts a delivered message, which is charged"
        self.problems.add(Rank.CONTRADICTION, rows, self.told("charged", rows, rule))

    def _order(self) -> None:
        submitted = self.said.get("submitted")
        for field in ("final", "received"):
            if submitted is None or field not in self.said:
                continue
            later = self.said[field]
            early = (later < submitted - SECOND) & (later != UNKNOWN) & (submitted != UNKNOWN)
            rows = np.flatnonzero(early)
            reasons = self.pairs(field, "must not be before", "submitted", rows)
            self.problems.add(Rank.ORDER, rows, reasons)

    def _cost(self) -> Integers | None:
        if self.readers.cost is None:
            return None
        cost, wrong = self.readers.cost.read(self.column("cost"), self.repaired)
        rows = np.array([row for row, _ in wrong], np.int64)
        self.problems.add(Rank.COST, rows, [reason for _, reason in wrong])
        return cost

    def application(self) -> Integers:
        """The application, or the channel that stands in for it where none is said."""
        application, channel = self.value("application"), self.said.get("channel")
        if channel is None:
            return application
        return np.where(application < 0, standing_in(channel), application)

    def _rejected(self) -> tuple[RejectedRow, ...]:
        rows, text = self.batch.rows, self.batch.text
        own = [
            RejectedRow(int(rows[row]), reasons, text(row))
            for row, reasons in self.problems.told().items()
        ]
        if not self.batch.rejected:
            return tuple(own)
        return tuple(sorted([*self.batch.rejected, *own], key=lambda row: row.row))


# A table's batches as pieces: every column read, every rule applied, rows packed as facts.

MOST_HELD = 2_000_000
"""Rows that wait for the first value that says whether the day or the month comes first."""


class Parser:
    """Reads tables of one matching; *names* are the labels of the whole reading, *zone* is `tz=`.

    *secret* keys the hashes and must be the same for all files of a reading; *file* is the file's
    number in the facts. `currency` is that of the log: the first that is said, if none is given.
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
    ) -> None:
        self._readers = Readers(matching, names, zone, Secret.of(secret), file, currency)

    @property
    def currency(self) -> str | None:
        """The currency of the log, None as long as no row has said one."""
        return self._readers.currency

    def pieces(self, table: Table) -> Iterator[ParsedChunk]:
        """The rows of a table, each in the facts or refused.

        Raise a ColumnMappingError for times without a zone, and for an order of day and month or a
        decimal mark that nothing decides.
        """
        held: list[Batch] = []
        for batch in table.batches():
            self._readers.look(batch)
            held.append(batch)
            waits = self._readers.undecided() is not None
            if waits and sum(len(one.rows) for one in held) <= MOST_HELD:
                continue
            yield from self._given(held)
        yield from self._given(held)

    def _given(self, held: list[Batch]) -> Iterator[ParsedChunk]:
        error = self._readers.undecided()
        if error is not None and held:
            raise error
        while held:
            yield piece_of(held.pop(0), self._readers)
