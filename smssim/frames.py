"""Small tables made of plain tuples, with the columns and types of `smssim.tables`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.tables import TIME, Column

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

    made = {}
    for place, column in enumerate(columns):
        values = [row[place] for row in rows]
        if column.dtype == TIME:
            us = np.array([_NAT if value is None else value for value in values], np.int64)
            made[column.name] = pd.Series(us.view("datetime64[us]")).dt.tz_localize("UTC")
        elif column.dtype == "Int64":
            known = np.array([0 if value is None else value for value in values], np.int64)
            unknown = np.array([value is None for value in values], bool)
            made[column.name] = pd.Series(pd.arrays.IntegerArray(known, unknown))
        else:
            made[column.name] = pd.Series(values, dtype=column.dtype)
    return pd.DataFrame(made)
