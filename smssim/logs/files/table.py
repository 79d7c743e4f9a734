"""A batch: some rows of a table as they stand in its file, column by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from smssim.logs.join.facts import RejectedRow

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
    rejected: tuple[RejectedRow, ...]
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
    detected: Mapping[str, str]
    not_records: Counter[str] = field(default_factory=Counter)


# What is passed over in a table: blank rows, totals, and its heading said again.

IsHeading = Callable[[Sequence[str]], bool]
"""Whether the cells of a record are the headings of a table."""

Keys = Callable[[Sequence[str]], Collection[int]]
"""Which of the headings are those of an id or a number: a row that has one is no total."""

TOTALS = frozenset({"total", "sum", "合计", "总计", "共计"})
BLANK, PREAMBLE, HEADING, TOTAL = "blank", "preamble", "heading", "total"

# The first two bytes of a total in UTF-8, and the first of a blank: no other cell is looked at.
_FIRST, _SECOND, _BLANK = np.zeros((3, 256), bool)
_STARTS = [text.encode()[:2] for text in TOTALS for text in (text, text.upper())]
_FIRST[[start[0] for start in _STARTS]] = True
_SECOND[[start[1] for start in _STARTS]] = True
_BLANK[list(b" \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\xc2\xe1\xe2\xe3")] = True


def is_total(cells: Sequence[str], keys: Collection[int]) -> bool:
    """Whether a row's first filled cell names a total, and it has neither id nor number.

    >>> is_total(["", "Total:", "12"], keys={0})
    True
    """
    filled = [column for column, cell in enumerate(cells) if cell.strip()]
    if not filled or cells[filled[0]].strip().rstrip(":：").strip().lower() not in TOTALS:
        return False
    return not any(column in keys for column in filled[1:])


class RecordFilter:
    """Gives the rows of a table by unit, and counts in *passed_over* what is no record."""

    def __init__(
        self, headings: tuple[str, ...], keys: Collection[int], not_records: Counter[str]
    ) -> None:
        self.headings, self.keys, self.not_records = headings, keys, not_records
        self._unit = 0
        self._shown = [heading.strip() for heading in headings]

    def is_not_a_record(self, cells: Sequence[str]) -> bool:
        """Count a row that is no record; used for rows that do not fit the columns."""
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
        rows: Integers,
        rejected: Sequence[RejectedRow],
        text: Callable[[int], str],
        heading_cells: Sequence[str] | None = None,
    ) -> Iterator[Batch]:
        """Give the records among *rows*; *text* takes a row. *said* are the headings as they stand.

        A repeated heading ends a batch, and the next one is another unit.
        """
        keep = np.ones(len(rows), bool)
        self._pass_over(columns, keep)
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
        rows: Integers,
        keep: npt.NDArray[np.bool_],
        span: slice,
        rejected: tuple[RejectedRow, ...],
        text: Callable[[int], str],
    ) -> Batch:
        import pyarrow as pa

        arrays = {name: array[span] for name, array in columns.items()}
        record_rows = rows[span]
        if not keep[span].all():
            mask = pa.array(keep[span])
            arrays = {name: array.filter(mask) for name, array in arrays.items()}
            record_rows = record_rows[keep[span]]
        return Batch(
            self._unit, record_rows, arrays, rejected, lambda index: text(int(record_rows[index]))
        )

    def _pass_over(self, columns: Mapping[str, pa.Array], keep: npt.NDArray[np.bool_]) -> None:
        """Take the blank rows and the totals out of *keep*."""
        rest = np.arange(len(keep))
        arrays = list(columns.values())
        for array in arrays:
            empty, meant = _looked_at(array, rest)
            blank = np.zeros(len(rest), bool)
            blank[empty] = True
            for index in meant:
                row = int(rest[index])
                text = array[row].as_py()
                blank[index] = not text.strip()
                if not blank[index] and _names_total(text):
                    cells = [_text(column[row].as_py()) for column in arrays]
                    if is_total(cells, self.keys):
                        keep[row] = False
                        self.not_records[TOTAL] += 1
            rest = rest[blank]
            if not len(rest):
                break
        if len(rest):
            keep[rest] = False
            self.not_records[BLANK] += len(rest)

    def _headings(
        self,
        columns: Mapping[str, pa.Array],
        keep: npt.NDArray[np.bool_],
        heading_cells: Sequence[str] | None,
    ) -> list[int]:
        """The rows that say the headings again."""
        import pyarrow as pa
        import pyarrow.compute as pc  # type: ignore[import-untyped]

        heading_cells = (
            self._shown if heading_cells is None else [text.strip() for text in heading_cells]
        )
        first = next((index for index, text in enumerate(heading_cells) if text), None)
        arrays = list(columns.values())
        if first is None or not pa.types.is_string(arrays[first].type):
            return []
        same = pc.equal(pc.utf8_trim_whitespace(arrays[first]), heading_cells[first]).fill_null(
            False
        )
        repeated = [
            row
            for row in np.flatnonzero(same.to_numpy(zero_copy_only=False)).tolist()
            if [_text(column[row].as_py()).strip() for column in arrays] == heading_cells
        ]
        keep[repeated] = False
        return repeated


def _names_total(text: str) -> bool:
    return text.strip().rstrip(":：").strip().lower() in TOTALS


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _looked_at(array: pa.Array, rest: Integers) -> tuple[Integers, list[int]]:
    """Places in *rest* whose cells are empty, and those whose texts may be blank or a total."""
    import pyarrow as pa

    if not pa.types.is_string(array.type):
        valid = array.is_valid().to_numpy(zero_copy_only=False)
        return np.flatnonzero(~valid[rest]), []
    _, offsets_buffer, data_buffer = array.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[array.offset : array.offset + len(array) + 1]
    begins, ends = offsets[:-1][rest], offsets[1:][rest]
    empty = begins == ends
    if array.null_count:
        empty |= array.is_null().to_numpy(zero_copy_only=False)[rest]
    if data_buffer is None or not data_buffer.size:
        return np.flatnonzero(empty), []
    data = np.frombuffer(data_buffer, np.uint8)
    first = data[np.minimum(begins, len(data) - 1)]
    meant = _BLANK[first] & ~empty
    named = np.flatnonzero(_FIRST[first] & (ends - begins > 1) & ~empty)
    meant[named] |= _SECOND[data[begins[named] + 1]]
    return np.flatnonzero(empty), np.flatnonzero(meant).tolist()


# Where a table's heading stands, and the names of its columns.

HEADING_WITHIN = 50
"""Records among which a heading is looked for."""


class Heading(NamedTuple):
    """The place of a heading among the first records, its cells, and the columns they name."""

    position: int
    cells: tuple[str, ...]
    names: tuple[str, ...]


def heading(records: Sequence[Sequence[str]], is_heading: IsHeading) -> Heading | None:
    """The first of the first records that is a heading, or None.

    Columns are as many as most records after it have fields, where only blank ones are added or
    left out: some programs end every row, or every row but the heading, with a separator.
    """
    for position, cells in enumerate(records[:HEADING_WITHIN]):
        if is_heading(cells):
            fitted = _fitted_cells(cells, records[position + 1 :])
            return Heading(position, fitted, names(fitted))
    return None


def _fitted_cells(cells: Sequence[str], after: Sequence[Sequence[str]]) -> tuple[str, ...]:
    widths = Counter(len(record) for record in after if any(cell.strip() for cell in record))
    width = widths.most_common(1)[0][0] if widths else len(cells)
    surplus = [cell for record in after for cell in record[len(cells) : width]]
    surplus += cells[width:]
    if any(cell.strip() for cell in surplus):
        return tuple(cells)
    return (*cells[:width], *[""] * (width - len(cells)))


def names(cells: Sequence[str]) -> tuple[str, ...]:
    """The name of each column, none twice: what stands in brackets is no part of a heading.

    >>> names(["Time", "", " Time "])
    ('Time', '(column 2)', 'Time (column 3)')
    """
    unique: list[str] = []
    for column, cell in enumerate(cells, 1):
        name = cell.strip()
        if not name or name in unique:
            name = f"{name} (column {column})".lstrip()
        while name in unique:
            name += "'"
        unique.append(name)
    return tuple(unique)
