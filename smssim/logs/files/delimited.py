"""Text tables, CSV and their like: blocks of lines into batches of text columns.

Arrow parses a block; rows of another width than the heading's come back one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.logs.files.bytes import blocks
from smssim.logs.files.csv import Records, fields_of, records
from smssim.logs.files.encoding import as_utf8
from smssim.logs.files.heading import LOOKED_AT, Heading, heading
from smssim.logs.files.lines import Lines, whole_lines
from smssim.logs.files.passed import BLANK, PREAMBLE, IsHeading, Keys, Sorting
from smssim.logs.files.separator import LOOKED_AT as DECIDING
from smssim.logs.files.separator import SEPARATORS, separator
from smssim.logs.files.table import Batch, Integers, Table
from smssim.logs.join.piece import Refused

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Delimited:
    """How a text table is to be read: its encoding, separator and heading."""

    path: Path
    encoding: str
    separator: bytes
    heading: Heading
    row: int
    """The line of the heading."""

    before: Counter[str]
    """Records before the heading that are passed over: blank ones and others."""


def delimited(path: Path, encoding: str, is_heading: IsHeading) -> Delimited | str:
    """How the table in a text file is to be read, or its first lines where it has no heading."""
    first = next(whole_lines(as_utf8(blocks(path), encoding)))
    lines = first.data.split(b"\n", DECIDING)[:DECIDING]
    mark = separator(lines)
    rows: list[int] = []
    cells: list[list[str]] = []
    if mark:
        for row, fields in islice(_first(first, mark, encoding), LOOKED_AT + DECIDING):
            rows.append(row)
            cells.append(fields)
        found = heading(cells, is_heading)
        if found:
            before = Counter(
                PREAMBLE if any(map(str.strip, fields)) else BLANK
                for fields in cells[: found.place]
            )
            return Delimited(path, encoding, mark, found, rows[found.place], before)
    return "\n".join(line.decode("utf-8", "replace") for line in lines[:5])


def _first(lines: Lines, mark: bytes, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """The first records of a file, with their rows."""
    for found in records([lines], mark, encoding):
        start = 0
        for row in found.rows.tolist():
            fields, start = fields_of(found.data, mark, start) or ([], 0)
            yield row, [value.decode() for value in fields]


def table(form: Delimited, told: dict[str, str], keys: Keys) -> Table:
    """The table in a text file."""
    passed_over: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        passed_over.clear()
        passed_over.update(form.before)
        sorting = Sorting(form.heading.names, keys(form.heading.names), passed_over)
        for found in text_records(form.path, form.encoding, form.separator):
            yield from _batches(form, found, sorting)

    told = {**told, "encoding": form.encoding, "separator": SEPARATORS[form.separator]}
    return Table(str(form.path), form.heading.names, batches, told, passed_over)


def text_records(path: Path, encoding: str, mark: bytes) -> Iterator[Records]:
    """All records of a file, those before its heading too."""
    return records(whole_lines(as_utf8(blocks(path), encoding)), mark, encoding)


def _batches(form: Delimited, found: Records, sorting: Sorting) -> Iterator[Batch]:
    columns, kept, wrong = _parsed(form, found.data)
    rows = found.rows[kept]
    refused = [one for one in found.refused if one.row > form.row]
    if len(refused) < len(found.refused):
        sorting.passed_over[PREAMBLE] += len(found.refused) - len(refused)
    for place, width in wrong:
        row = int(found.rows[place])
        if row > form.row:
            text = found.text(row)
            cells = _cells(text, form.separator)
            if not sorting.is_passed_over(cells):
                refused.append(Refused(row, (_misfit(width, len(form.heading.said)),), text))
    begin = int(np.searchsorted(rows, form.row, "right"))
    columns = {name: array[begin:] for name, array in columns.items()}
    if len(rows) > begin or refused:
        yield from sorting.batches(columns, rows[begin:], refused, found.text, form.heading.said)


def _cells(text: str, mark: bytes) -> list[str]:
    found = fields_of(text.encode("utf-8", "replace") + b"\n", mark)
    return [cell.decode("utf-8", "replace") for cell in found[0]] if found else [text]


def _misfit(fields: int, width: int) -> str:
    if fields < width:
        return f"line cut: {fields} fields where the heading has {width}"
    return f"too many fields: {fields} where the heading has {width}"


def _parsed(
    form: Delimited, data: bytes
) -> tuple[dict[str, pa.Array], Integers, list[tuple[int, int]]]:
    """The columns, the places of their records, and the places of misfits with their widths."""
    import pyarrow as pa
    import pyarrow.csv as csv  # type: ignore[import-untyped]

    names = form.heading.names
    wrong: list[tuple[int, int]] = []

    def misfit(row: Any) -> str:
        wrong.append((row.number - 1, row.actual_columns))
        return "skip"

    if not data:
        return {name: pa.array([], pa.string()) for name in names}, np.empty(0, np.int64), []
    quoted = b'"' in data
    parsed = csv.read_csv(
        pa.BufferReader(data),
        read_options=csv.ReadOptions(
            column_names=list(names), use_threads=False, block_size=len(data) + 1
        ),
        parse_options=csv.ParseOptions(
            delimiter=form.separator.decode(),
            quote_char='"' if quoted else False,
            newlines_in_values=quoted,
            ignore_empty_lines=False,
            invalid_row_handler=misfit,
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            check_utf8=False,
        ),
    )
    columns = {
        name: column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        for name, column in zip(names, parsed.columns, strict=True)
    }
    kept = np.arange(parsed.num_rows + len(wrong))
    return columns, np.delete(kept, [place for place, _ in wrong]), wrong
