"""Tables of any format: batches of columns, headings, and the rows that are not records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from smssim.arrays import Ints, Mask
from smssim.logs.join.facts import RejectedRow

__all__ = [
    "BLANK",
    "HEADING",
    "HEADING_WITHIN",
    "PREAMBLE",
    "TOTAL",
    "Batch",
    "Heading",
    "IsHeading",
    "Keys",
    "RecordFilter",
    "Table",
    "check_columns",
    "heading",
    "is_total",
    "names",
]

IsHeading = Callable[[Sequence[str]], bool]
"""Whether the cells of a record are the headings of a table."""

Keys = Callable[[Sequence[str]], Collection[int]]
"""Which of the headings are those of an id or a number: a row with one of them is no total."""

_TOTALS = ("合计", "总计", "共计", "小计", "grand total", "subtotal", "total", "sum")
_TOTAL = rf"(?i)^\s*(?:{'|'.join(_TOTALS)}|[合总共小]\s计)(?:$|[^a-z_\-])"
_FEWEST_DIGITS = 5
_IS_TOTAL = re.compile(_TOTAL)
_BLANKS = b" \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\xc2\xe1\xe2\xe3"
_STARTS = {text.encode()[0] for word in _TOTALS for text in (word, word.upper())}
_FIRST_BYTES = [bytes([byte]) for byte in sorted({*_BLANKS, *_STARTS})]
BLANK, PREAMBLE, HEADING, TOTAL = "blank", "preamble", "heading", "total"

_MOST_COLUMNS = 1_000
"""Columns of a table; one with more is refused before it is read."""

HEADING_WITHIN = 50
"""Records among which a heading is looked for."""


@dataclass(frozen=True)
class Batch:
    """Rows of one unit; *rows* are their numbers in the file, from 1.

    Columns are Arrow arrays by heading, as many values as rows: texts, or what the form itself
    types (times, integers, decimals). A blank cell is "" in text tables and XLSX, and null where
    the form has null, JSON lines and Parquet; there a text may be a dictionary array.
    `text(i)` is the i-th row verbatim.
    """

    unit: int
    rows: Ints
    columns: Mapping[str, pa.Array]
    rejected: tuple[RejectedRow, ...]
    text: Callable[[int], str]


@dataclass
class Table:
    """A file that holds a table: its headings and, once, its batches in order.

    `detected` is what was recognised (form, compression, encoding, separator, sheet). `not_records`
    counts the other rows (blank, preamble, heading, total) and is complete when the batches are.
    `cells` takes the text of a row apart, None where the text is a JSON object; `texts` gives those
    of some rows again where no file holds them.
    A heading that is blank or appears twice gets "(column n)" after it.
    """

    path: str
    headings: tuple[str, ...]
    batches: Callable[[], Iterator[Batch]]
    detected: Mapping[str, str]
    not_records: Counter[str] = field(default_factory=Counter)
    warnings: tuple[str, ...] = ()
    cells: Callable[[str], list[str]] | None = None
    texts: Callable[[Collection[int]], dict[int, str]] | None = None


# Rows of a table that are not records: blank rows, totals, repeated headings.


def is_total(cells: Sequence[str], keys: Collection[int]) -> bool:
    """Whether a row's first filled cell begins as a total, and it has neither id nor number.

    >>> is_total(["", "Total:", "12"], keys={0})
    True
    """
    filled = [column for column, cell in enumerate(cells) if cell.strip()]
    if not filled or not _IS_TOTAL.search(cells[filled[0]]):
        return False
    # Without an id or a number to look for, a name may begin so: the word stands alone then.
    if not keys and cells[filled[0]].strip().rstrip(":：").strip().lower() not in _TOTALS:
        return False
    return not any(column in keys and not _is_count(cells[column]) for column in filled[1:])


def _is_count(cell: str) -> bool:
    """Whether a cell may be a count of rows: fewer digits than a phone number has."""
    return cell.strip().isdecimal() and len(cell.strip()) < _FEWEST_DIGITS


class RecordFilter:
    """Gives the records of a table by unit, and counts in *not_records* all other rows."""

    def __init__(
        self, headings: tuple[str, ...], keys: Collection[int], not_records: Counter[str]
    ) -> None:
        self.headings, self.keys, self.not_records = headings, keys, not_records
        self._unit = 0
        self._heading_cells = [heading.strip() for heading in headings]

    def is_not_a_record(self, cells: Sequence[str]) -> bool:
        """Whether a row is not a record, which is counted; for rows that do not fit the columns."""
        if not any(cell.strip() for cell in cells):
            self.not_records[BLANK] += 1
        elif is_total(cells, self.keys):
            self.not_records[TOTAL] += 1
        else:
            return False
        return True

    def batches(
        self,
        columns: Mapping[str, pa.Array],
        rows: Ints,
        rejected: Sequence[RejectedRow],
        text: Callable[[int], str],
        heading_cells: Sequence[str] | None = None,
    ) -> Iterator[Batch]:
        """Give the records among *rows*; *text* takes a row.

        *heading_cells* are the headings verbatim. A repeated heading ends a batch, and the next one
        is another unit.
        """
        keep = np.ones(len(rows), bool)
        self._take_out(columns, keep)
        begin = 0
        waiting = sorted(rejected)
        for index in [*self._headings(columns, keep, heading_cells), len(rows)]:
            until = rows[index] if index < len(rows) else None
            now = [one for one in waiting if until is None or one.row < until]
            waiting = waiting[len(now) :]
            if index > begin or now:
                yield self._batch(columns, rows, keep, slice(begin, index), tuple(now), text)
            if index < len(rows):
                self._unit += 1
                self.not_records[HEADING] += 1
            begin = index + 1

    def _batch(
        self,
        columns: Mapping[str, pa.Array],
        rows: Ints,
        keep: npt.NDArray[np.bool_],
        span: slice,
        rejected: tuple[RejectedRow, ...],
        text: Callable[[int], str],
    ) -> Batch:
        arrays = {name: array[span] for name, array in columns.items()}
        record_rows = rows[span]
        if not keep[span].all():
            mask = pa.array(keep[span])
            arrays = {name: array.filter(mask) for name, array in arrays.items()}
            record_rows = record_rows[keep[span]]
        return Batch(
            self._unit, record_rows, arrays, rejected, lambda index: text(int(record_rows[index]))
        )

    def _take_out(self, columns: Mapping[str, pa.Array], keep: npt.NDArray[np.bool_]) -> None:
        """Take the blank rows and the totals out of *keep*."""
        rest = np.arange(len(keep))
        arrays = list(columns.values())
        for array in arrays:
            blank, total = _blank_and_total(array if len(rest) == len(array) else array.take(rest))
            for row in rest[total].tolist():
                cells = [_text(column[row].as_py()) for column in arrays]
                if is_total(cells, self.keys):
                    keep[row] = False
                    self.not_records[TOTAL] += 1
            rest = rest[blank]
            if not len(rest):
                return
        keep[rest] = False
        self.not_records[BLANK] += len(rest)

    def _headings(
        self,
        columns: Mapping[str, pa.Array],
        keep: npt.NDArray[np.bool_],
        heading_cells: Sequence[str] | None,
    ) -> list[int]:
        """The rows that repeat the headings."""
        cells = self._heading_cells
        if heading_cells is not None:
            cells = [text.strip() for text in heading_cells]
        first = next((index for index, text in enumerate(cells) if text), None)
        arrays = list(columns.values())
        if first is None or not pa.types.is_string(arrays[first].type):
            return []
        same = pc.equal(pc.utf8_trim_whitespace(arrays[first]), cells[first]).fill_null(False)
        repeated = [
            row
            for row in np.flatnonzero(_flags(same)).tolist()
            if [_text(column[row].as_py()).strip() for column in arrays] == cells
        ]
        keep[repeated] = False
        return repeated


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _blank_and_total(array: pa.Array) -> tuple[Mask, Mask]:
    """Which cells are blank, and which name a total."""
    if not pa.types.is_string(array.type):
        return _flags(array.is_null()), np.zeros(len(array), bool)
    blank = _flags(pc.equal(pc.binary_length(array.fill_null("")), 0))
    total = np.zeros(len(array), np.bool_)
    # Few cells begin as a blank or a total does: they alone are looked at.
    first = pc.binary_slice(array.fill_null("").cast(pa.binary()), 0, 1)
    rows = np.flatnonzero(_flags(pc.is_in(first, pa.array(_FIRST_BYTES, pa.binary()))))
    if len(rows):
        texts = pc.utf8_trim_whitespace(array.take(pa.array(rows)))
        blank[rows] = _flags(pc.equal(pc.binary_length(texts), 0))
        total[rows] = _flags(pc.match_substring_regex(texts, _TOTAL))
    return blank, total


def _flags(mask: pa.Array) -> Mask:
    flags: Mask = mask.to_numpy(zero_copy_only=False)
    return flags


# The heading of a table, and the names of its columns.


class Heading(NamedTuple):
    """The position of a heading among the first records, its cells, and the column names."""

    position: int
    cells: tuple[str, ...]
    names: tuple[str, ...]


def heading(records: Sequence[Sequence[str]], is_heading: IsHeading) -> Heading | None:
    """The first of the first records that is a heading, or None.

    Columns are as many as most records after it have fields, where only blank ones are added or
    left out: some programs end every row, or every row but the heading, with a separator.
    """
    for cells in records[:HEADING_WITHIN]:
        check_columns(sum(1 for cell in cells if cell.strip()))
    for position, cells in enumerate(records[:HEADING_WITHIN]):
        if is_heading(cells):
            fitted = _fitted_cells(cells, records[position + 1 :])
            return Heading(position, fitted, names(fitted))
    return None


def check_columns(columns: int) -> None:
    """Raise a ValueError for more columns than a table may have."""
    if columns > _MOST_COLUMNS:
        raise ValueError(f"a table must have {_MOST_COLUMNS:,} columns or fewer, not {columns:,}")


def _fitted_cells(cells: Sequence[str], after: Sequence[Sequence[str]]) -> tuple[str, ...]:
    widths = Counter(len(record) for record in after if any(cell.strip() for cell in record))
    width = widths.most_common(1)[0][0] if widths else len(cells)
    surplus = [cell for record in after for cell in record[len(cells) : width]]
    surplus += cells[width:]
    if any(cell.strip() for cell in surplus):
        return tuple(cells)
    return (*cells[:width], *[""] * (width - len(cells)))


def names(cells: Sequence[str]) -> tuple[str, ...]:
    """A unique name for each column, made of its heading.

    >>> names(["Time", "", " Time "])
    ('Time', '(column 2)', 'Time (column 3)')
    """
    unique: dict[str, None] = {}
    for column, cell in enumerate(cells, 1):
        name = cell.strip()
        if not name or name in unique:
            name = f"{name} (column {column})".lstrip()
        while name in unique:
            name += "'"
        unique[name] = None
    return tuple(unique)
