"""A batch of rows while it is read: the values of its fields, its headings, its problems."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.arrays import Ints, Mask
from smssim.calendars import DAY, HOUR, MINUTE, SECOND
from smssim.logs.columns.codes import (
    CodeColumn,
    CountColumn,
    charged_meaning,
    count_meaning,
    country_meaning,
    label_meaning,
    segments_meaning,
    stage_meaning,
    type_meaning,
)
from smssim.logs.columns.fields import TIMES, plain
from smssim.logs.columns.headings import Matching
from smssim.logs.columns.money import DecimalColumn
from smssim.logs.columns.phones import MainlandNumbers
from smssim.logs.columns.statuses import (
    Meaning,
    result_meaning,
    send_status_meaning,
    status_meaning,
)
from smssim.logs.columns.texts import SMALL, Secret, as_texts, excerpt
from smssim.logs.columns.times import TimeColumn
from smssim.logs.files.table import Batch
from smssim.logs.join.facts import UNKNOWN, Names, standing_in
from smssim.logs.join.message_ids import MessageIds
from smssim.logs.log import ColumnMappingError

__all__ = ["MOST_PARTS", "BatchContext", "Problems", "Rank", "Readers", "TimeSuspicions"]

_FEW = 5
_HALF_HOUR = HOUR // 2
_VALIDITY = 3 * DAY
"""The longest validity period of a message (DOMAIN.md section 3)."""

MOST_PARTS = 99
_LARGEST = {"request": 10**16 - 1, "recipient": 2**31 - 1}


class BatchContext:
    """What is known of one batch so far: `values` by field, problems, repairs by name."""

    def __init__(self, batch: Batch, readers: Readers) -> None:
        self.batch, self.readers = batch, readers
        self.n = len(batch.rows)
        self.problems, self.repaired = Problems(), Counter[str]()
        self.values: dict[str, Ints] = {}
        self.anonymous = np.zeros(self.n, np.bool_)
        """Rows whose key is made of their content, as nothing names them."""
        self._missing = np.full(self.n, -1, np.int64)

    def column(self, field: str) -> pa.Array:
        """The column of a field."""
        return self.readers.column(self.batch, field)

    def heading(self, field: str) -> str:
        """The heading of a field; the field itself if no column has it."""
        return self.readers.matching.columns.get(field, field)

    def value(self, field: str) -> Ints:
        """The values of a field by row, -1 (times: UNKNOWN) where there is none."""
        return self.values.get(field, self._missing)

    def read_code(self, field: str, rank: Rank) -> None:
        """Read the column of a code, if the table has it, with its problems."""
        reader = self.readers.codes.get(field)
        if reader is not None:
            self.values[field], rows, reasons = reader.read(self.column(field), self.repaired)
            self.problems.add(rank, rows, reasons)

    def application(self) -> Ints:
        """The application, or the channel that stands in for it where a row has none."""
        application, channel = self.value("application"), self.values.get("channel")
        if channel is None:
            return application
        return np.where(application < 0, standing_in(channel), application)

    def reasons(self, field: str, rows: Ints, rule: str) -> Iterable[str]:
        """A reason for each of *rows*: the field's value and the rule that it breaks."""
        if not len(rows):
            return ()
        heading = self.heading(field)
        return (f"{heading}(={excerpt(value)}) {rule}" for value in self._texts(field, rows))

    def reasons_of_pair(self, one: str, rule: str, other: str, rows: Ints) -> Iterable[str]:
        """A reason for each of *rows*: two fields with their values, and the rule between them."""
        if not len(rows):
            return ()
        a, b = self.heading(one), self.heading(other)
        values = zip(self._texts(one, rows), self._texts(other, rows), strict=True)
        return (f"{a}(={excerpt(x)}) {rule} {b}(={excerpt(y)})" for x, y in values)

    def _texts(self, field: str, rows: Ints) -> list[str | None]:
        values: list[str | None] = as_texts(self.column(field).take(pa.array(rows))).to_pylist()
        return values


class Rank(IntEnum):
    """The order of reasons (docs/logs.md section 3)."""

    TIME = 0
    ID = 1
    WHO = 2
    CODE = 3
    CONTRADICTION = 4
    ORDER = 5
    COST = 6
    CURRENCY = 7


class Problems:
    """The reasons of one batch."""

    def __init__(self) -> None:
        self._reasons: list[tuple[Rank, Sequence[int], Sequence[str]]] = []

    def add(self, rank: Rank, rows: Ints, reasons: Iterable[str]) -> None:
        """Add a reason for each of *rows*."""
        if len(rows):
            self._reasons.append((rank, rows.tolist(), list(reasons)))

    def rows(self, n: int) -> Mask:
        """Which of *n* rows have a reason."""
        wrong = np.zeros(n, np.bool_)
        for _, rows, _ in self._reasons:
            wrong[rows] = True
        return wrong

    def by_row(self) -> dict[int, tuple[str, ...]]:
        """The reasons of each row that has one, in order, by row."""
        by_row: dict[int, tuple[str, ...]] = {}
        for _, rows, texts in sorted(self._reasons, key=lambda entry: entry[0]):
            for row, text in zip(rows, texts, strict=True):
                before = by_row.get(row)
                by_row[row] = (*before, text) if before else (text,)
        return dict(sorted(by_row.items()))


class TimeSuspicions:
    """Counts what is odd about the times of a table, batch by batch; *headings* are by field."""

    def __init__(self, headings: Mapping[str, str]) -> None:
        self._headings = headings
        self._latest = int(time.time()) * SECOND + DAY
        self._rows = self._early = self._late = self._future = 0
        self._least: int | None = None

    def add(self, submitted: Ints, final: Ints) -> None:
        """Look at the times of a batch: of all rows, also of those that are rejected."""
        self._future += int((np.maximum(submitted, final) > self._latest).sum())
        both = (submitted != UNKNOWN) & (final != UNKNOWN)
        if not both.any():
            return
        delay = (final - submitted)[both]
        self._rows += len(delay)
        self._early += int((delay < -SECOND).sum())
        self._late += int((delay > _VALIDITY + HOUR).sum())
        least = int(delay.min())
        self._least = least if self._least is None else min(least, self._least)

    def warnings(self) -> Iterator[str]:
        """A sentence for each thing that the times of a table cannot be."""
        submitted, final = (repr(self._headings.get(name, name)) for name in ("submitted", "final"))
        zone = (
            "they may be of two zones: state that of a column with --columns map.yaml (columns=), "
            "as in `final: {heading: ..., zone: UTC+8}`"
        )
        least = self._least or 0
        if self._rows >= _FEW and least >= _HALF_HOUR - MINUTE:
            yield f"{final} is at least {least / HOUR:.1f} h after {submitted} in every row; {zone}"
        if self._rows >= _FEW and 2 * self._early > self._rows:
            yield f"{final} is before {submitted} in {self._early:,} of {self._rows:,} rows; {zone}"
        if self._late:
            yield (
                f"{final} is more than 72 h, the longest validity, after {submitted} in "
                f"{self._late:,} of {self._rows:,} rows"
            )
        if self._future:
            yield f"{self._future:,} rows have a time that is still to come"


class Readers:
    """What reads the columns of one table, and what their values have shown so far."""

    def __init__(
        self,
        matching: Matching,
        names: Names,
        tz: str | None,
        secret: Secret,
        file: int,
        currency: str | None,
        ids: MessageIds | None,
    ) -> None:
        self.matching, self.names, self.secret, self.ids = matching, names, secret, ids
        self.file, self.currency = file, currency
        columns = matching.columns
        self.times = {
            field: _time_column(columns[field], matching, field, tz)
            for field in TIMES
            if field in columns
        }
        meanings = self._meanings()
        self.codes: dict[str, CodeColumn | CountColumn] = {
            field: CodeColumn(columns[field], meaning, matching.values.get(field, {}))
            for field, meaning in meanings.items()
            if field in columns
        }
        for field, most in _LARGEST.items():
            if field in columns:
                self.codes[field] = CountColumn(columns[field], most)
        self.mainland = MainlandNumbers()
        self.cost: DecimalColumn | None = None
        self.cost_field = "cost" if "cost" in columns else "unit_price"
        if self.cost_field in columns:
            heading = columns[self.cost_field]
            is_micro = plain(heading).endswith("micro")
            self.cost = DecimalColumn(heading, is_micro, self._currency)

    def inspect(self, batch: Batch) -> None:
        """Look for what a column must show before any of its rows can be read."""
        for field, reader in self.times.items():
            reader.inspect(self.column(batch, field))
        if self.has("number") and not self.has("country"):
            self.mainland.inspect(self.column(batch, "number"))
        if self.cost is not None:
            self.cost.inspect(self.column(batch, self.cost_field))
        # A column that does not show its order is written as the others of its table.
        orders = {reader.day_first for reader in self.times.values()} - {None}
        if len(orders) == 1:
            for reader in self.times.values():
                reader.follow(orders == {True})

    @property
    def is_open(self) -> bool:
        """Whether a column has not yet shown what its values of two meanings are."""
        cost = self.cost is not None and self.cost.is_open
        return (
            cost or self.mainland.is_open or any(reader.is_open for reader in self.times.values())
        )

    def ambiguity_error(self) -> ColumnMappingError | None:
        """The error of a column that shows nothing that decides; None if all can be read."""
        for reader in self.times.values():
            error = reader.ambiguity_error()
            if error is not None:
                return error
        return self.cost.ambiguity_error() if self.cost is not None and self.cost.is_open else None

    @property
    def has_delivery(self) -> bool:
        """Whether the table has a column of the outcome of deliveries."""
        return self.has("status") or self.has("result")

    @property
    def dates_are_midnights(self) -> bool:
        """Whether a date alone is a time at 00:00, as a cell of a workbook is."""
        return any(reader.dates_are_midnights for reader in self.times.values())

    @dates_are_midnights.setter
    def dates_are_midnights(self, are: bool) -> None:
        for reader in self.times.values():
            reader.dates_are_midnights = are

    def column(self, batch: Batch, field: str) -> pa.Array:
        """The column of a field."""
        return batch.columns[self.matching.columns[field]]

    def has(self, field: str) -> bool:
        """Whether the table has a field."""
        return field in self.matching.columns

    def _meanings(self) -> dict[str, Callable[[str], Meaning]]:
        names = self.names
        return {
            "status": status_meaning(
                names.status.code,
                self._stated_codes("status"),
                verbatim="resend_number" in self.matching.columns,
            ),
            "send_status": send_status_meaning(
                names.status.code, self._stated_codes("send_status")
            ),
            "result": result_meaning,
            "charged": charged_meaning,
            "source": count_meaning(1, 3),
            "report_source": count_meaning(1, 3),
            "segments": segments_meaning(MOST_PARTS),
            "part": count_meaning(1, MOST_PARTS),
            "type": type_meaning(names.type.code),
            "country": country_meaning(names.country.code),
            "application": label_meaning(names.application.code),
            "channel": label_meaning(names.application.code),
            "template": label_meaning(names.template.code),
            "source_name": label_meaning(names.origin.code),
            "resend_number": count_meaning(0, 127),
            "refused_at": stage_meaning,
            "covered_segments": count_meaning(0, MOST_PARTS),
            "currency": self._currency,
        }

    def _stated_codes(self, field: str) -> Collection[str]:
        return self.matching.values.get(field, {}).values()

    def _currency(self, text: str) -> Meaning:
        code = text.upper()
        if len(code) != 3 or not code.isalpha() or not code.isascii():
            return Meaning(-1, "must be a currency of three letters")
        if self.currency is None:
            self.currency = code
        if code != self.currency:
            return Meaning(-1, f"must be {self.currency}, the currency of the log")
        return Meaning(0, "", (SMALL,) if code != text else ())


def _time_column(heading: str, matching: Matching, field: str, tz: str | None) -> TimeColumn:
    stated = matching.time_formats[field]
    try:
        return TimeColumn(heading, stated._replace(zone=stated.zone or tz))
    except ColumnMappingError as error:
        where = f"the zone of the heading {heading!r}" if stated.zone else "the zone that was given"
        raise ColumnMappingError(f"{where}: {error}") from None
