"""A batch of rows while it is read: the values of its fields, its headings, its problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.arrays import Ints
from smssim.logs.columns.problems import Problems, Rank, excerpt
from smssim.logs.columns.readers import Readers
from smssim.logs.columns.texts import as_texts
from smssim.logs.files.table import Batch
from smssim.logs.join.facts import standing_in

__all__ = ["BatchContext"]


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
