"""Parquet of any origin, a batch of rows at a time; columns keep the types that the file gives.

A row has no text of its own: it is shown as a JSON object.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from smssim.logs.files.bytes import LONGEST_SHOWN
from smssim.logs.files.format import Head, HeadingRules
from smssim.logs.files.table import Batch, RecordFilter, Table, check_columns, names
from smssim.logs.join.facts import RejectedRow

__all__ = ["BEGINS", "FORMS", "IS_BINARY", "reread", "tables"]

FORMS: tuple[str, ...] = ("Parquet",)
IS_BINARY = True
BEGINS = re.compile(b"PAR1")

_REPEATED_BYTES = 4
# What a batch of texts may take; what a file may unpack to, beyond what any may.
_TEXT_BYTES = 2**28
_FREE_ROWS, _ROWS_PER_BYTE = 1_000_000, 8
_FREE_BYTES, _BYTES_PER_BYTE = 2**28, 1_000
# What Arrow raises for bytes that are no whole Parquet, or one that it does not know.
_BROKEN = (OSError, ValueError, NotImplementedError, pa.ArrowIndexError)
_BATCH_ROWS = 65_536


def tables(head: Head, rules: HeadingRules) -> Iterator[Table]:
    """The table in a Parquet file. Raise a ValueError for a file that is not whole."""
    path = head.path
    with _opened(path) as file:
        _check(path, file)
        check_columns(len(file.schema_arrow.names))
        headings = names(file.schema_arrow.names)
    not_records: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        not_records.clear()
        record_filter = RecordFilter(headings, rules.keys(headings), not_records)
        first = 1
        try:
            for read in _record_batches(path):
                yield from _batches(read, headings, first, record_filter)
                first += read.num_rows
        except _BROKEN as error:
            broken = RejectedRow(first, (f"the file cannot be read on: {error}",), "")
            none = {name: _nothing() for name in headings}
            yield from record_filter.batches(none, np.empty(0, np.int64), (broken,), str, ())

    yield Table(str(path), headings, batches, head.detected(FORMS[0]), not_records)


def _batches(
    read: pa.RecordBatch, headings: tuple[str, ...], first: int, record_filter: RecordFilter
) -> Iterator[Batch]:
    columns: dict[str, pa.Array] = {}
    wrong: dict[int, str] = {}
    for name, column in zip(headings, read.columns, strict=True):
        columns[name], indices = _usable(column)
        wrong |= dict.fromkeys(indices, name)
    text = _texts(list(columns.values()), headings, first)
    rejected = [
        RejectedRow(
            first + index, (f"bytes of {name} do not decode as UTF-8",), text(first + index)
        )
        for index, name in wrong.items()
    ]
    decodable = np.delete(np.arange(read.num_rows), list(wrong))
    if rejected:
        columns = {name: column.take(decodable) for name, column in columns.items()}
    yield from record_filter.batches(columns, first + decodable, rejected, text, ())


def _record_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a file, texts that it stores once as dictionaries."""
    with _opened(path) as file:
        repeated, stored = _repeated_texts(file), _dictionaries(file)
    with _opened(path, stored) as file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
            yield _decoded(batch, set(repeated))


def _check(path: Path, file: pq.ParquetFile) -> None:
    """Raise a ValueError for a small file of a very large table, and for a broken row group."""
    size, about = path.stat().st_size, file.metadata
    if about.num_rows > _FREE_ROWS + _ROWS_PER_BYTE * size:
        rule = f"{_ROWS_PER_BYTE} per byte of the file(={size:,}), and {_FREE_ROWS:,}"
        raise ValueError(f"rows(={about.num_rows:,}) must be at most {rule}")
    groups = range(about.num_row_groups)
    unpacked = sum(about.row_group(group).total_byte_size for group in groups)
    if unpacked > _FREE_BYTES + _BYTES_PER_BYTE * size:
        rule = f"{_BYTES_PER_BYTE} times its size(={size:,}), and {_FREE_BYTES:,}"
        raise ValueError(f"unpacked bytes(={unpacked:,}) must be at most {rule}")
    # To ask for a column of a broken group would end the process; to read a row is an error.
    for group in groups:
        next(file.iter_batches(1, row_groups=[group], use_threads=False), None)


def _dictionaries(file: pq.ParquetFile) -> list[str]:
    """The columns of texts that are stored by dictionaries in any row group."""
    schema, about = file.schema_arrow, file.metadata
    texts = {
        name
        for name, arrow_type in zip(schema.names, schema.types, strict=True)
        if _is_text(arrow_type)
    }
    columns = (
        about.row_group(i).column(k)
        for i in range(about.num_row_groups)
        for k in range(about.num_columns)
    )
    stored = {
        one.path_in_schema
        for one in columns
        if any("DICTIONARY" in encoding for encoding in one.encodings)
    }
    return sorted(texts & stored)


def _decoded(batch: pa.RecordBatch, repeated: set[str]) -> pa.RecordBatch:
    """A batch with its texts as texts but for *repeated*. Raise a ValueError for huge ones."""
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_dictionary(column.type) and _is_text(column.type):
            lengths = pc.binary_length(column.dictionary).take(column.indices)
            size = pc.sum(lengths).as_py() or 0
            if size > _TEXT_BYTES:
                rule = f"{_TEXT_BYTES:,} bytes in {len(column):,} rows"
                raise ValueError(f"texts of {name} must be at most {rule}, not {size:,}")
            column = column if name in repeated else column.dictionary_decode()
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _opened(path: Path, dictionaries: list[str] | None = None) -> pq.ParquetFile:
    return pq.ParquetFile(path, read_dictionary=dictionaries, pre_buffer=False)


def _repeated_texts(file: pq.ParquetFile) -> list[str]:
    """The columns of texts that take few bytes a value, as only those of a dictionary do."""
    schema, about = file.schema_arrow, file.metadata
    wanted = {
        name
        for name, arrow_type in zip(schema.names, schema.types, strict=True)
        if _is_text(arrow_type)
    }
    sizes: Counter[str] = Counter()
    for group in range(about.num_row_groups):
        for index in range(about.num_columns):
            column = about.row_group(group).column(index)
            sizes[column.path_in_schema] += column.total_uncompressed_size
    return [name for name in wanted if sizes[name] <= _REPEATED_BYTES * about.num_rows]


def _is_text(arrow_type: pa.DataType) -> bool:
    text_types = (pa.string(), pa.large_string(), pa.string_view())
    return (
        arrow_type.value_type if pa.types.is_dictionary(arrow_type) else arrow_type
    ) in text_types


def _usable(column: pa.Array) -> tuple[pa.Array, list[int]]:
    """A column as it is, texts of any size as texts; and where texts do not decode."""
    if not _is_text(column.type):
        return column, []
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        values = plain.cast(pa.binary()).to_pylist()
        texts = [None if value is None else value.decode("utf-8", "replace") for value in values]
        wrong = [
            index
            for index, (value, text) in enumerate(zip(values, texts, strict=True))
            if text is not None and value != text.encode()
        ]
        return pa.array(texts, pa.string()), wrong
    if pa.types.is_dictionary(column.type):
        if column.type.value_type == pa.string():
            return column, []
        column = column.dictionary_decode()
    return column.cast(pa.string()), []


def _nothing() -> pa.Array:
    return pa.array([], pa.string())


def _texts(columns: list[pa.Array], headings: tuple[str, ...], first: int) -> Callable[[int], str]:
    return lambda row: _row_text(columns, headings, row - first)


def _row_text(columns: list[pa.Array], headings: tuple[str, ...], index: int) -> str:
    """A row as a JSON object."""
    row = {
        name: _usable(column[index : index + 1])[0][0].as_py()
        for name, column in zip(headings, columns, strict=True)
    }
    return json.dumps(row, ensure_ascii=False, default=str)[:LONGEST_SHOWN]


def reread(
    path: Path, rows: Collection[int], detected: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """Some rows as JSON objects."""
    first = 1
    for read in _record_batches(path):
        headings = names(read.schema.names)
        for row in rows:
            if first <= row < first + read.num_rows:
                yield row, _row_text(read.columns, headings, row - first)
        first += read.num_rows
