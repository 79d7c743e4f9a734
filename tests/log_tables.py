"""Tables for tests of columns: made of lists, read to facts, told as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from smssim.logs.columns.headings import match
from smssim.logs.columns.rows import Parser
from smssim.logs.columns.texts import as_texts
from smssim.logs.files.table import Batch, Table
from smssim.logs.join.facts import Names, ParsedChunk, RejectedRow

Columns = Mapping[str, Sequence[Any] | pa.Array]
NUMBER = "6281234567890"


def table_of(*batches: Columns, unit: int = 0) -> Table:
    """A table of those batches; a row's text is its values, separated by bars."""

    def made() -> Any:
        row = 2
        for columns in batches:
            arrays = {
                heading: values if isinstance(values, pa.Array) else pa.array(values, pa.string())
                for heading, values in columns.items()
            }
            n = len(next(iter(arrays.values())))

            def text(i: int, arrays: dict[str, Any] = arrays) -> str:
                return "|".join(str(as_texts(values)[i].as_py()) for values in arrays.values())

            yield Batch(unit, np.arange(row, row + n), arrays, (), text)
            row += n

    return Table("log.csv", tuple(batches[0]), made, {})


def pieces(
    *batches: Columns,
    tz: str | None = None,
    mapping: Any = None,
    names: Names | None = None,
    secret: bytes = b"secret",
    currency: str | None = None,
) -> list[ParsedChunk]:
    """The pieces of a table of those batches."""
    table = table_of(*batches)
    matching = match(table.headings, mapping)
    parser = Parser(matching, names or Names(), tz, secret, currency=currency)
    return list(parser.pieces(table))


def piece(columns: Columns, **how: Any) -> ParsedChunk:
    """The piece of a table of one batch."""
    (found,) = pieces(columns, **how)
    return found


def reasons(refused: Sequence[RejectedRow]) -> dict[int, tuple[str, ...]]:
    """The reasons by row of the batch, from 0."""
    return {one.row - 2: one.reasons for one in refused}


def sends(n: int = 1, **columns: Any) -> dict[str, Any]:
    """A table of sends that is in order, with more columns or other values."""
    plain = {"SMS ID": [f"m_{i}" for i in range(n)], "Phone": [NUMBER] * n}
    return plain | {"Send Time": ["2024-05-01T00:00:00Z"] * n} | columns


def details(n: int = 1, **columns: Any) -> dict[str, Any]:
    """A table of details that is in order, with more columns or other values."""
    return sends(n, **({"Status": ["DELIVRD"] * n} | columns))
