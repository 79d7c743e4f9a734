"""The readers of a table's columns, one for each field that it has, made once for all batches."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pyarrow as pa  # type: ignore[import-untyped]

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
from smssim.logs.columns.texts import SMALL, Secret
from smssim.logs.columns.times import TimeColumn
from smssim.logs.files.table import Batch
from smssim.logs.join.facts import Names
from smssim.logs.log import ColumnMappingError

__all__ = ["MOST_PARTS", "Readers"]

MOST_PARTS = 99
_LARGEST = {"request": 10**16 - 1, "recipient": 2**31 - 1}


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
    ) -> None:
        self.matching, self.names, self.secret = matching, names, secret
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
        """Whether the table has a column of what became of deliveries."""
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
                verbatim="generation" in self.matching.columns,
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
            "generation": count_meaning(0, 127),
            "place": stage_meaning,
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
