"""A DataFrame as a table: its columns as Arrow has them, its rows by position."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.logs.files.bytes import LONGEST_SHOWN
from smssim.logs.files.format import HeadingRules
from smssim.logs.files.table import Batch, RecordFilter, Table, check_columns, names

__all__ = ["FORM", "NAME", "table"]

FORM = NAME = "DataFrame"

_BATCH_ROWS = 65_536


def table(frame: pd.DataFrame, rules: HeadingRules) -> Table:
    """The table of a frame, whose rows are numbered by position, from 1.

    Levels of its index are columns if they have a name that no column has. Raise a ValueError for
    more columns than a table may have.
    """
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    if levels:
        index = frame.index.to_frame(index=False)[levels]
        frame = pd.concat([index, frame.reset_index(drop=True)], axis=1)
    check_columns(len(frame.columns))
    headings = names([str(name) for name in frame.columns])
    not_records: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        not_records.clear()
        record_filter = RecordFilter(headings, rules.keys(headings), not_records)
        for start in range(0, len(frame), _BATCH_ROWS):
            part = frame.iloc[start : start + _BATCH_ROWS]
            columns = {
                name: _array(part.iloc[:, position]) for position, name in enumerate(headings)
            }
            rows = np.arange(start + 1, start + 1 + len(part))
            yield from record_filter.batches(
                columns, rows, (), lambda row: _text(frame, headings, row), ()
            )

    def texts(rows: Collection[int]) -> dict[int, str]:
        return {row: _text(frame, headings, row) for row in rows}

    return Table(NAME, headings, batches, {"form": FORM}, not_records, texts=texts)


def _array(column: pd.Series[Any]) -> pa.Array:
    """A column in its own type; as texts where its values are of several."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    try:
        array = pa.Array.from_pandas(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        values = [None if _is_missing(value) else str(value) for value in column]
        array = pa.array(values, pa.string())
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    text_types = (pa.large_string(), pa.string_view(), pa.null())
    return array.cast(pa.string()) if array.type in text_types else array


def _is_missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _text(frame: pd.DataFrame, headings: tuple[str, ...], row: int) -> str:
    """A row as a JSON object."""
    values = (frame.iloc[row - 1, position] for position in range(len(headings)))
    cells = {
        name: None if _is_missing(value) else value
        for name, value in zip(headings, values, strict=True)
    }
    return json.dumps(cells, ensure_ascii=False, default=str)[:LONGEST_SHOWN]
