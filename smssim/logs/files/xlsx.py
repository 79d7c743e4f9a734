"""XLSX: every sheet that has a heading, its cells as texts.

The archive is unpacked once within limits before its cells are, so that no file costs more memory
than its limits allow.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.logs.files.bytes import LONGEST_SHOWN
from smssim.logs.files.format import Head, HeadingRules
from smssim.logs.files.table import (
    BLANK,
    HEADING_WITHIN,
    PREAMBLE,
    Batch,
    Heading,
    RecordFilter,
    Table,
    heading,
)
from smssim.sms.xlsx_guard import check_extent

__all__ = ["BEGINS", "FORMS", "IS_BINARY", "as_texts", "reread", "tables"]

FORMS: tuple[str, ...] = ("XLSX",)
IS_BINARY = True
BEGINS = re.compile(rb"PK\x03\x04|\xd0\xcf\x11\xe0")
"""An archive, as XLSX is, or an older workbook."""

_BATCH_ROWS = 16_384


class _Sheet(NamedTuple):
    """A sheet with a heading: its name, the heading, and the row of the heading."""

    name: str
    heading: Heading
    row: int


def tables(head: Head, rules: HeadingRules) -> Iterator[Table | str]:
    """A table per sheet with a heading, or the first rows where no sheet has one.

    Raise a ValueError for a workbook that is not whole or beyond the limits.
    """
    check_extent(head.path)
    sheets: list[_Sheet] = []
    unread: dict[str, str] = {}
    for name in _workbook(head.path).sheet_names:
        sheet = _sheet(head.path, name, rules)
        if isinstance(sheet, _Sheet):
            sheets.append(sheet)
        elif sheet.strip():
            unread[name] = sheet
    if not sheets:
        yield next(iter(unread.values()), "")
    warnings = tuple(f"sheet {name!r} has no heading and is not read" for name in unread)
    for sheet in sheets:
        yield _table(head, sheet, rules, warnings)
        warnings = ()


def _table(head: Head, sheet: _Sheet, rules: HeadingRules, warnings: tuple[str, ...]) -> Table:
    headings = sheet.heading.names
    not_records: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        not_records.clear()
        record_filter = RecordFilter(headings, rules.keys(headings), not_records)
        yield from _batches(head.path, sheet, record_filter)

    detected = {**head.detected(FORMS[0]), "sheet": sheet.name}

    def cells(text: str) -> list[str]:
        return text.split("\t")

    return Table(str(head.path), headings, batches, detected, not_records, warnings, cells)


def _sheet(path: Path, name: str, rules: HeadingRules) -> _Sheet | str:
    """A sheet with its heading, or its first rows as text."""
    rows = islice(_rows_of(path, name), 2 * HEADING_WITHIN)
    head = [(row, as_texts(cells)) for row, cells in rows]
    match = heading([cells for _, cells in head], rules.is_heading)
    if match is None:
        return "\n".join(_row_text(cells) for _, cells in head[:5])
    return _Sheet(name, match, head[match.position][0])


def _workbook(path: Path) -> Any:
    import python_calamine

    try:
        with path.open("rb") as stream:
            # By its content: from_path would go by the file's name.
            return python_calamine.CalamineWorkbook.from_filelike(stream)
    except (python_calamine.CalamineError, OSError) as error:
        raise ValueError(f"{path}: must be a whole XLSX ({error})") from error


def _rows_of(path: Path, name: str) -> Iterator[tuple[int, list[Any]]]:
    """The rows of a sheet with their numbers. Raise a ValueError for a broken one."""
    import python_calamine

    book = _workbook(path)
    try:
        sheet = book.get_sheet_by_name(name)
        yield from enumerate(sheet.iter_rows(), 1)
    except python_calamine.CalamineError as error:
        raise ValueError(f"{path}: sheet {name!r} must be whole ({error})") from error


def as_texts(cells: Sequence[Any]) -> list[str]:
    """Cells as texts: whole numbers without a point, times in ISO 8601."""
    return [cell if type(cell) is str else _text(cell) for cell in cells]


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not cell.is_integer():
            return repr(cell)
        # Beyond these a cell does not hold the digits of what was written into it.
        return str(int(cell)) if abs(cell) < 2**53 else f"{cell:.16E}"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return str(cell)


def _row_text(cells: Sequence[Any]) -> str:
    """A row of cells, separated by tabs."""
    return "\t".join(as_texts(cells))[:LONGEST_SHOWN]


def _batches(path: Path, sheet: _Sheet, record_filter: RecordFilter) -> Iterator[Batch]:
    rows = _rows_of(path, sheet.name)
    for row, cells in rows:
        if row == sheet.row:
            break
        record_filter.not_records[PREAMBLE if any(map(str.strip, as_texts(cells))) else BLANK] += 1
    while chunk := list(islice(rows, _BATCH_ROWS)):
        yield from _batch(chunk, sheet, record_filter)


def _batch(
    chunk: list[tuple[int, list[Any]]], sheet: _Sheet, record_filter: RecordFilter
) -> Iterator[Batch]:
    width = len(sheet.heading.names)
    blank = [""] * width
    columns = zip(*((cells + blank)[:width] for _, cells in chunk), strict=True)
    arrays = {
        name: pa.array(as_texts(column), pa.string())
        for name, column in zip(sheet.heading.names, columns, strict=True)
    }
    text = _texts(chunk)
    numbers = np.array([row for row, _ in chunk], np.int64)
    yield from record_filter.batches(arrays, numbers, (), text, sheet.heading.cells)


def _texts(chunk: list[tuple[int, list[Any]]]) -> Callable[[int], str]:
    first = chunk[0][0]
    return lambda row: _row_text(chunk[row - first][1])


def reread(
    path: Path, rows: Collection[int], detected: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """Some rows of the sheet, their cells separated by tabs."""
    for row, cells in _rows_of(path, detected["sheet"]):
        if row in rows:
            yield row, _row_text(cells)
