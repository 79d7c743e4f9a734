"""Small tables made of plain tuples, with the columns and types of `smssim.record.schema`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.record.schema import TIME, Column

if TYPE_CHECKING:
    import pandas as pd

_NAT = np.iinfo(np.int64).min


def frame(columns: tuple[Column, ...], rows: Sequence[Any]) -> pd.DataFrame:
    """A frame of plain tuples: microseconds as UTC times, None as NA."""
    return _frame(columns, rows) if rows else _empty(columns).copy()


@lru_cache(maxsize=16)
def _empty(columns: tuple[Column, ...]) -> pd.DataFrame:
    # Most runs have some tables without a row, and making them takes milliseconds.
    return _frame(columns, [])


def _frame(columns: tuple[Column, ...], rows: Sequence[Any]) -> pd.DataFrame:
    import pandas as pd

    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    # Arrays, not Series: those would all be aligned, column by column.
    return pd.DataFrame(
        {c.name: _array(c.dtype, list(own)) for c, own in zip(columns, values, strict=True)},
        copy=False,
    )


def _array(dtype: str, values: list[Any]) -> Any:
    """A column of a table as pandas keeps it."""
    import pandas as pd

    if dtype == TIME:
        us = np.array([_NAT if value is None else value for value in values], np.int64)
        return pd.DatetimeIndex(us.view("datetime64[us]"), tz="UTC").array
    if dtype == "Int64":
        known = np.array([0 if value is None else value for value in values], np.int64)
        return pd.arrays.IntegerArray(known, np.array([value is None for value in values], bool))
    return np.array(values, np.int64) if dtype == "int64" else pd.array(values, dtype="str")
