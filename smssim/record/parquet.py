"""Large tables in Parquet: compact columns out by row groups, frames of the same types back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from smssim.record.cells import Array, Columns
from smssim.record.schema import NAT, TIME, Column, codes_of, microseconds_of

__all__ = ["TableWriter", "column_types", "compact", "frame_types", "read_table"]

_KEY, _TEXT = "smssim", "str"
_RISING = ("request", "recipient", "message", "resend_number")
"""Integers that differ little from row to row, as times do; or often, but by little."""


@dataclass
class _ColumnType:
    """The type of a frame's column: its dtype, and its categories if it has any.

    `category_dtype` is the dtype of those: texts are labels, and numbers are stored as they are.
    """

    dtype: str
    categories: list[Any] | None = None
    category_dtype: str = ""

    @property
    def labelled(self) -> bool:
        """Whether the categories are texts."""
        return self.dtype == "category" and self.category_dtype == "str"


def column_types(
    columns: Sequence[Column], lists: Mapping[str, Sequence[Any]]
) -> dict[str, _ColumnType]:
    """The types of a table of `smssim.record.schema`, with the categories in *lists*.

    Without a list the categories are numbers from 0, as those of packages are.
    """
    return {
        column.name: _category(lists.get(column.name, ()))
        if column.dtype == "category"
        else _ColumnType(column.dtype)
        for column in columns
    }


def frame_types(frame: pd.DataFrame) -> dict[str, _ColumnType]:
    """The types of a frame's columns."""
    return {
        str(name): _category(column.cat.categories)
        if str(column.dtype) == "category"
        else _ColumnType(str(column.dtype))
        for name, column in frame.items()
    }


def _category(values: Sequence[Any] | pd.Index[Any]) -> _ColumnType:
    categories = values if isinstance(values, pd.Index) else pd.Index(list(values))
    return _ColumnType("category", categories.tolist(), str(categories.dtype))


def compact(frame: pd.DataFrame) -> dict[str, Array]:
    """A frame as integers: codes of categories (-1 is NA), times, numbers masked where NA."""
    columns: dict[str, Array] = {}
    for name, column in frame.items():
        dtype = str(column.dtype)
        if dtype == "category":
            columns[str(name)] = codes_of(column)[0]
        elif dtype == TIME:
            columns[str(name)] = microseconds_of(column)
        elif dtype == _TEXT:
            columns[str(name)] = column.astype(object).where(column.notna(), None).to_numpy()
        else:
            missing = column.isna().to_numpy()
            values = column.fillna(0).to_numpy(dtype.lower())
            columns[str(name)] = np.ma.MaskedArray(values, missing) if missing.any() else values
    return columns


class TableWriter:
    """Writes a Parquet file, one row group each `add`; it is whole once the context has ended."""

    def __init__(self, path: Path, types: Mapping[str, _ColumnType]) -> None:
        self.types, self.rows = dict(types), 0
        self._schema = pa.schema([(name, _arrow_type(type_)) for name, type_ in types.items()])
        delta = [n for n, type_ in types.items() if type_.dtype == TIME or n in _RISING]
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            # The encodings leave little to compress; zstd would take as long as they do to read.
            compression="lz4",
            use_dictionary=[name for name in types if name not in delta],
            column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
        )

    def add(self, columns: Columns) -> None:
        """Write compact columns as one row group."""
        arrays = [_to_arrow(columns[name], type_) for name, type_ in self.types.items()]
        batch = pa.record_batch(arrays, schema=self._schema)
        if batch.num_rows:
            self._writer.write_batch(batch, row_group_size=batch.num_rows)
        self.rows += batch.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error: type[BaseException] | None, value: object, trace: TracebackType | None
    ) -> None:
        if error is None:
            about = {name: asdict(type_) for name, type_ in self.types.items()}
            self._writer.add_key_value_metadata({_KEY: json.dumps(about)})
        self._writer.close()


def _types_in(path: Path) -> dict[str, _ColumnType]:
    """The types of the table that a TableWriter wrote. Raise a ValueError for any other file."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
        about = json.loads(metadata[_KEY.encode()])
        return {name: _ColumnType(**type_) for name, type_ in about.items()}
    except pa.ArrowException as error:
        raise ValueError(f"{path}: must be a whole Parquet file ({error})") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: must be a table of a smssim record") from error


def read_table(path: Path) -> pd.DataFrame:
    """The frame that a TableWriter wrote, of the same types. Raise a ValueError for any other
    file.
    """
    types = _types_in(path)
    try:
        table = pq.read_table(path, partitioning=None)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: must be a whole Parquet file ({error})") from error
    return pd.DataFrame(
        {name: _to_pandas(table[name], type_) for name, type_ in types.items()}, copy=False
    )


def _arrow_type(type_: _ColumnType) -> pa.DataType:
    if type_.labelled:
        return pa.dictionary(pa.int32(), pa.string())
    if type_.dtype == TIME:
        return pa.timestamp("us", "UTC")
    if type_.dtype == _TEXT:
        return pa.string()
    return pa.int32() if type_.dtype == "category" else getattr(pa, type_.dtype.lower())()


def _to_arrow(values: Array, type_: _ColumnType) -> pa.Array:
    if type_.dtype == TIME:
        return pa.array(values, mask=values == NAT).view(_arrow_type(type_))
    if type_.dtype != "category":
        return pa.array(values, _arrow_type(type_))
    missing = values < 0
    if type_.labelled:
        labels = pa.array(type_.categories, pa.string())
        codes = pa.array(values.astype(np.int32), mask=missing)
        return pa.DictionaryArray.from_arrays(codes, labels)
    if type_.categories:
        values = np.array(type_.categories, np.int32).take(values, mode="clip")
    return pa.array(values.astype(np.int32), mask=missing)


def _to_pandas(column: pa.ChunkedArray, type_: _ColumnType) -> Any:
    if type_.dtype == TIME:
        return column.to_pandas()
    if type_.dtype == "category":
        categories = pd.Index(type_.categories or [], dtype=type_.category_dtype)
        return pd.Categorical.from_codes(_codes(column, type_), categories=categories)
    if type_.dtype == _TEXT:
        return pd.array(column.to_pylist(), dtype=_TEXT)
    if type_.dtype[0].isupper():
        missing = column.is_null().to_numpy()
        return pd.arrays.IntegerArray(column.fill_null(0).to_numpy(), missing)
    return column.to_numpy()


def _codes(column: pa.ChunkedArray, type_: _ColumnType) -> Array:
    """The codes of a column's values among its categories; a file holds only those that it uses."""
    categories = pd.Index(type_.categories or [], dtype=type_.category_dtype)
    if not type_.labelled:
        codes: Array = categories.get_indexer(column.fill_null(NAT >> 32).to_numpy())
        return codes
    parts = [np.empty(0, np.int64)]
    for chunk in column.chunks:
        labels = chunk.dictionary.to_pylist()
        of_label = np.append(categories.get_indexer(labels), -1)
        for label in (label for label, code in zip(labels, of_label, strict=False) if code < 0):
            raise ValueError(f"a column holds {label!r}, which is not a category of its metadata")
        indices = chunk.indices.fill_null(-1) if chunk.null_count else chunk.indices
        parts.append(of_label.take(indices.to_numpy(zero_copy_only=False)))
    return np.concatenate(parts)
