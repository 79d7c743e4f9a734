"""Large tables in Parquet: compact columns out by row groups, frames of the same types back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from smssim.record.counting import Array, Columns
from smssim.record.counting import kinds_of as kinds_of_columns
from smssim.record.schema import TIME, Column

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]


# Columns that repeat themselves together: their combinations numbered as they are first met.

_MOST = 1 << 14
_WIDEST = 1 << 12
"""Numbers of a column up to which they are taken as they are."""


class Together:
    """Numbers the combinations of the columns *names* from 0, over any number of chunks.

    Codes and small numbers are expected, -1 for NA (masked, too). With more than 16,384
    combinations it gives up: `whole` is False then, and the numbers mean nothing.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.whole = tuple(names), True
        self._number: dict[tuple[int, ...], int] = {}

    def number(self, columns: Columns) -> Array:
        """The number of the combination of each row."""
        rows = len(columns[self.names[0]])
        if not rows or not self.whole:
            return np.zeros(rows, np.int32)
        small, values = {}, {}
        for name in self.names:
            small[name], values[name] = _small(_plain(columns[name]))
        spans = [int(column.max()) - int(column.min()) + 1 for column in small.values()]
        if math.prod(spans) >= 1 << 62:
            self.whole = False
            return np.zeros(rows, np.int32)
        found, kind = kinds_of_columns(small)
        own = [_valued(found[name], values[name]).tolist() for name in self.names]
        number = self._number
        numbers = [number.setdefault(told, len(number)) for told in zip(*own, strict=True)]
        self.whole = len(number) <= _MOST
        return np.array(numbers, np.int32).take(kind)

    def told(self) -> dict[str, list[int]]:
        """What each number stands for, by column."""
        return {name: [told[i] for told in self._number] for i, name in enumerate(self.names)}


def _plain(column: Array) -> Array:
    return column.filled(-1) if isinstance(column, np.ma.MaskedArray) else column


def _small(column: Array) -> tuple[Array, Array | None]:
    """A column of small numbers; where they are large, places among the values that occur."""
    if int(column.min()) >= -1 and int(column.max()) < _WIDEST:
        return column, None
    import pyarrow as pa

    encoded: Any = pa.array(column).dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.to_numpy()


def _valued(places: Array, values: Array | None) -> Array:
    return places if values is None else values.take(places)


NAT = np.iinfo(np.int64).min
_KEY, _TOGETHER = "smssim", "smssim_together"
KIND = "kind"
"""A column that numbers the combinations of some others: with it those need not be read at all."""
_RISING = ("request", "recipient", "message", "generation")
"""Integers that differ little from row to row, as times do; or often, but by little."""


@dataclass
class Kind:
    """The type of a frame's column: its dtype, and what its categories are if it has any."""

    dtype: str
    categories: list[Any] | None = None
    of: str = ""

    @property
    def labelled(self) -> bool:
        """Whether the categories are texts; numbers are stored as they are."""
        return self.dtype == "category" and self.of == "str"


def kinds(columns: Sequence[Column], lists: Mapping[str, Sequence[Any]]) -> dict[str, Kind]:
    """The types of a table of `smssim.record.schema`, with the categories in *lists*.

    Without a list the categories are numbers from 0, as those of packages are.
    """
    return {
        column.name: _category(lists.get(column.name, ()))
        if column.dtype == "category"
        else Kind(column.dtype)
        for column in columns
    }


def kinds_of(frame: pd.DataFrame) -> dict[str, Kind]:
    """The types of a frame's columns."""
    return {
        str(name): Kind(
            "category", column.cat.categories.tolist(), str(column.cat.categories.dtype)
        )
        if str(column.dtype) == "category"
        else Kind(str(column.dtype))
        for name, column in frame.items()
    }


def _category(values: Sequence[Any]) -> Kind:
    import pandas as pd

    return Kind("category", list(values), str(pd.Index(list(values)).dtype))


def compact(frame: pd.DataFrame) -> dict[str, Array]:
    """A frame as integers: codes of categories (-1 is NA), times, numbers masked where NA."""
    columns: dict[str, Array] = {}
    for name, column in frame.items():
        dtype = str(column.dtype)
        if dtype == "category":
            columns[str(name)] = column.cat.codes.to_numpy()
        elif dtype == TIME:
            columns[str(name)] = column.dt.tz_localize(None).to_numpy().view(np.int64)
        else:
            missing = column.isna().to_numpy()
            values = column.fillna(0).to_numpy(dtype.lower())
            columns[str(name)] = np.ma.MaskedArray(values, missing) if missing.any() else values
    return columns


class TableWriter:
    """Writes a Parquet file, a row group each `add`; it is whole once the context has ended."""

    def __init__(self, path: Path, kinds: Mapping[str, Kind], together: Sequence[str] = ()) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq  # type: ignore[import-untyped]

        self.kinds, self.rows = dict(kinds), 0
        whole = together and self.kinds.keys() >= set(together)
        self._together = Together(together) if whole else None
        fields = [(name, _type(kind)) for name, kind in self.kinds.items()]
        self._schema = pa.schema([*fields, (KIND, pa.int32())] if self._together else fields)
        delta = [name for name, kind in self.kinds.items() if kind.dtype == TIME or name in _RISING]
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            # The encodings leave little to compress; zstd would take as long as they do to read.
            compression="lz4",
            use_dictionary=[name for name in (*self.kinds, KIND) if name not in delta],
            column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
        )

    def add(self, columns: Columns) -> None:
        """Write compact columns as one row group."""
        import pyarrow as pa

        arrays = [_stored(columns[name], kind) for name, kind in self.kinds.items()]
        if self._together:
            arrays.append(pa.array(self._together.number(columns)))
        batch = pa.record_batch(arrays, schema=self._schema)
        if batch.num_rows:
            self._writer.write_batch(batch, row_group_size=batch.num_rows)
        self.rows += batch.num_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if kind is None:
            about = {name: asdict(kind) for name, kind in self.kinds.items()}
            told = {_KEY: json.dumps(about)}
            if self._together and self._together.whole:
                told[_TOGETHER] = json.dumps(self._together.told())
            self._writer.add_key_value_metadata(told)
        self._writer.close()


def read_table(path: Path) -> pd.DataFrame:
    """The frame that a TableWriter wrote, its types kept. Raise a ValueError for any other file."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            about = (file.metadata.metadata or {}).get(_KEY.encode())
            if about is None:
                raise ValueError(f"{path}: must be a table of a smssim record")
            table = file.read()
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: must be a whole Parquet file ({error})") from error
    found = {name: Kind(**kind) for name, kind in json.loads(about).items()}
    return pd.DataFrame(
        {name: _read(table[name], kind) for name, kind in found.items()}, copy=False
    )


def kinds_in(path: Path) -> dict[str, Kind]:
    """The types of the table that a TableWriter wrote. Raise a ValueError for any other file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_metadata(path).metadata or {}
        return {n: Kind(**kind) for n, kind in json.loads(found[_KEY.encode()]).items()}
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: must be a whole Parquet file ({error})") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: must be a table of a smssim record") from error


def together_in(path: Path) -> dict[str, list[int]] | None:
    """What each number in the column KIND stands for, by column; None where there is none."""
    import pyarrow.parquet as pq

    found = (pq.read_metadata(path).metadata or {}).get(_TOGETHER.encode())
    return None if found is None else json.loads(found)


def _type(kind: Kind) -> pa.DataType:
    import pyarrow as pa

    if kind.labelled:
        return pa.dictionary(pa.int32(), pa.string())
    if kind.dtype == TIME:
        return pa.timestamp("us", "UTC")
    return pa.int32() if kind.dtype == "category" else getattr(pa, kind.dtype.lower())()


def _stored(values: Array, kind: Kind) -> pa.Array:
    """One compact column as it stands in the file."""
    import pyarrow as pa

    if kind.dtype == TIME:
        return pa.array(values, mask=values == NAT).view(_type(kind))
    if kind.dtype != "category":
        return pa.array(values, _type(kind))
    missing = values < 0
    if kind.labelled:
        labels = pa.array(kind.categories, pa.string())
        return pa.DictionaryArray.from_arrays(
            pa.array(values.astype(np.int32), mask=missing), labels
        )
    if kind.categories:
        values = np.array(kind.categories, np.int32).take(values, mode="clip")
    return pa.array(values.astype(np.int32), mask=missing)


def _read(column: pa.ChunkedArray, kind: Kind) -> Any:
    import pandas as pd

    if kind.dtype == TIME:
        return column.to_pandas()
    if kind.dtype == "category":
        categories = pd.Index(kind.categories or [], dtype=kind.of)
        return pd.Categorical.from_codes(_codes(column, kind, categories), categories=categories)
    if kind.dtype[0].isupper():
        missing = column.is_null().to_numpy()
        return pd.arrays.IntegerArray(column.fill_null(0).to_numpy(), missing)
    return column.to_numpy()


def _codes(column: pa.ChunkedArray, kind: Kind, categories: pd.Index[Any]) -> Array:
    """The codes of a column's values among its categories; a file holds only those that it uses."""
    if not kind.labelled:
        codes: Array = categories.get_indexer(column.fill_null(NAT >> 32).to_numpy())
        return codes
    parts = [np.empty(0, np.int64)]
    for chunk in column.chunks:
        of_label = np.append(categories.get_indexer(chunk.dictionary.to_pylist()), -1)
        parts.append(of_label.take(chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)))
    return np.concatenate(parts)
