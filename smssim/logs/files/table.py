"""A batch: some rows of a table as they stand in its file, column by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from smssim.logs.join.piece import Refused

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Rows of one unit; *rows* says where each stands in the file, from 1.

    Columns are Arrow arrays by heading, as many values as rows: texts, or what the form itself
    types (times, integers, decimals). A blank cell is "" in text tables and XLSX, and null where
    the form has null, JSON lines and Parquet; there a text may be a dictionary array.
    `text(i)` is the i-th row as it stands in the file.
    """

    unit: int
    rows: Integers
    columns: Mapping[str, pa.Array]
    refused: tuple[Refused, ...]
    text: Callable[[int], str]


@dataclass
class Table:
    """A file that holds a table: its headings and, once, its batches in order.

    `told` says what was recognised (form, compression, encoding, separator, sheet), `passed_over`
    counts what is no record (blank, preamble, heading, total) and is complete when the batches are.
    A heading that is blank or stands twice gets "(column n)" after it.
    """

    path: str
    headings: tuple[str, ...]
    batches: Callable[[], Iterator[Batch]]
    told: Mapping[str, str]
    passed_over: Counter[str] = field(default_factory=Counter)
