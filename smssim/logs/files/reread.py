"""Rows of a file read again, as they stand: only what is shown of a log is kept as text.

What was recognised is not recognised again, and no column is parsed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from smssim.logs.files import json_lines as jsonl
from smssim.logs.files import parquet as columnar
from smssim.logs.files import xlsx as workbook
from smssim.logs.files.bytes import Lines, line_text
from smssim.logs.files.csv import SEPARATORS, text_records
from smssim.logs.files.table import names


def texts(path: str | Path, rows: Collection[int], detected: Mapping[str, str]) -> dict[int, str]:
    """The texts of some rows of a file, by row, each as `Batch.text` gives it.

    *told* is that of its table or capture. Rows that are not there any more are left out.
    """
    wanted = set(rows)
    by_row: dict[int, str] = {}
    if wanted:
        try:
            for row, text in _texts(Path(path), wanted, detected):
                by_row[row] = text
                if len(by_row) == len(wanted):
                    break
        except (OSError, ValueError, NotImplementedError):
            # The file has changed since, or breaks off: its rows were refused before.
            pass
    return by_row


def _texts(path: Path, wanted: set[int], detected: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    if "separator" in detected:
        return _of_text(path, wanted, detected)
    if "sheet" in detected:
        return _of_sheet(path, wanted, detected["sheet"])
    if "encoding" in detected:
        return _of_lines(path, wanted, detected["encoding"])
    return _of_columns(path, wanted)


def _of_text(
    path: Path, wanted: set[int], detected: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    marks = {name: mark for mark, name in SEPARATORS.items()}
    for block in text_records(path, detected["encoding"], marks[detected["separator"]]):
        until = block.first + block.source.count(b"\n")
        for row in wanted:
            if block.first <= row < until:
                yield row, block.text(row)


def _of_lines(path: Path, wanted: set[int], encoding: str) -> Iterator[tuple[int, str]]:
    for lines in jsonl.all_lines(path, encoding):
        yield from _in_lines(lines, wanted)


def _in_lines(lines: Lines, wanted: set[int]) -> Iterator[tuple[int, str]]:
    until = lines.first + lines.data.count(b"\n")
    here = [row for row in wanted if lines.first <= row < until]
    if here:
        split = lines.data.split(b"\n")
        for row in here:
            yield row, line_text(split[row - lines.first])


def _of_sheet(path: Path, wanted: set[int], sheet: str) -> Iterator[tuple[int, str]]:
    for row, cells in workbook.rows_of(path, sheet):
        if row in wanted:
            yield row, workbook.row_text(cells)


def _of_columns(path: Path, wanted: set[int]) -> Iterator[tuple[int, str]]:
    first = 1
    for read in columnar.record_batches(path):
        for row in wanted:
            if first <= row < first + read.num_rows:
                headings = names(read.schema.names)
                yield row, columnar.row_text(read.columns, headings, row - first)
        first += read.num_rows
