"""Text tables, CSV and their like: blocks of lines into batches of text columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as csv  # type: ignore[import-untyped]

from smssim.arrays import Ints
from smssim.logs.files.bytes import (
    CP1252,
    GB18030,
    UTF8,
    Lines,
    as_utf8,
    blocks,
    decodes,
    is_gb2312,
    whole_lines,
)
from smssim.logs.files.csv_records import Records, fields_of, records
from smssim.logs.files.format import Head, HeadingRules
from smssim.logs.files.table import (
    BLANK,
    HEADING_WITHIN,
    PREAMBLE,
    Batch,
    Heading,
    IsHeading,
    RecordFilter,
    Table,
    heading,
)
from smssim.logs.join.facts import RejectedRow

__all__ = ["BEGINS", "FORMS", "IS_BINARY", "reread", "separator", "tables"]

_SEPARATORS = {b",": "comma", b";": "semicolon", b"\t": "tab", b"|": "bar"}
_DECIDING_LINES = 100
"""Lines that decide."""
_FEW_BYTES = 1 << 18
"""Bytes that nearly always hold those lines: all of a block would be split twice."""

_QUOTED_FIELD = re.compile(rb'"[^"\n]*"')

FORMS: tuple[str, ...] = ("text",)
IS_BINARY = False
BEGINS = re.compile(b"")
"""Text is what no other format recognises."""


# Which character separates the fields of a text table.


def separator(lines: Iterable[bytes]) -> bytes | None:
    """The separator of lines, the blank ones left out, or None where none makes two fields.

    >>> separator([b"time;cost", b"2024-05-01;1,5", b"2024-05-02;2,5"])
    b';'
    """
    plain = [_QUOTED_FIELD.sub(b"", line) for line in lines if line.strip()]
    agreements = {mark: _agreement(plain, mark) for mark in _SEPARATORS}
    best = max(agreements, key=lambda mark: agreements[mark])
    return best if agreements[best][0] else None


def _agreement(lines: list[bytes], mark: bytes) -> tuple[int, int]:
    """How many lines agree, and on how many marks; ties go to more fields."""
    counts = Counter(line.count(mark) for line in lines)
    counts.pop(0, None)
    return max(((agreeing, marks) for marks, agreeing in counts.items()), default=(0, 0))


@dataclass(frozen=True)
class _Layout:
    """How a text table is to be read: its encoding, separator and heading.

    *row* is the line of the heading; *before* counts the rows before it, blank ones and others.
    """

    path: Path
    encoding: str
    separator: bytes
    heading: Heading
    row: int
    before: Counter[str]
    warnings: tuple[str, ...] = ()


def tables(head: Head, rules: HeadingRules) -> Iterator[Table | str]:
    """The table in a text file, or its first lines where it has no heading."""
    layout = _layout_of(head, rules.is_heading)
    if isinstance(layout, str):
        yield layout
        return
    headings = layout.heading.names
    not_records: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        not_records.clear()
        not_records.update(layout.before)
        record_filter = RecordFilter(headings, rules.keys(headings), not_records)
        for block in _text_records(layout.path, layout.encoding, layout.separator):
            yield from _batches(layout, block, record_filter)

    def cells(text: str) -> list[str]:
        return _cells(text, layout.separator)

    detected = {
        **head.detected(FORMS[0]),
        "encoding": layout.encoding,
        "separator": _SEPARATORS[layout.separator],
    }
    yield Table(str(head.path), headings, batches, detected, not_records, layout.warnings, cells)


def _layout_of(head: Head, is_heading: IsHeading) -> _Layout | str:
    """How a text table is to be read, its encoding found where its first bytes do not show it.

    Whatever is not certain is said: a heading in Chinese makes GB18030 certain, nothing cp1252.
    """
    path = head.path
    if head.known_encoding or decodes(blocks(path), UTF8):
        return _layout(path, head.known_encoding or UTF8, is_heading)
    if decodes(blocks(path), GB18030):
        layout = _layout(path, GB18030, is_heading)
        if not isinstance(layout, str) and any(map(_is_chinese, "".join(layout.heading.cells))):
            return layout
        if is_gb2312(blocks(path)):
            return _guessed(path, GB18030, is_heading)
    return _guessed(path, CP1252, is_heading)


def _guessed(path: Path, encoding: str, is_heading: IsHeading) -> _Layout | str:
    layout = _layout(path, encoding, is_heading)
    if isinstance(layout, str):
        return layout
    warning = f"not UTF-8, read as {encoding}; --encoding (encoding=) says otherwise"
    return replace(layout, warnings=(warning,))


def _is_chinese(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


def _layout(path: Path, encoding: str, is_heading: IsHeading) -> _Layout | str:
    first = next(whole_lines(as_utf8(blocks(path, _FEW_BYTES), encoding)))
    if first.data.count(b"\n") < _DECIDING_LINES:
        first = next(whole_lines(as_utf8(blocks(path), encoding)))
    lines = first.data.split(b"\n", _DECIDING_LINES)[:_DECIDING_LINES]
    mark = separator(lines)
    if mark:
        records = list(islice(_first(first, mark, encoding), 2 * HEADING_WITHIN))
        cells = [fields for _, fields in records]
        match = heading(cells, is_heading)
        if match:
            before = Counter(
                PREAMBLE if any(map(str.strip, fields)) else BLANK
                for fields in cells[: match.position]
            )
            return _Layout(path, encoding, mark, match, records[match.position][0], before)
    return "\n".join(line.decode("utf-8", "replace") for line in lines[:5])


def _first(lines: Lines, mark: bytes, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """The first records of a file, with their rows."""
    for block in records([lines], mark, encoding):
        start = 0
        for row in block.rows.tolist():
            fields, start = fields_of(block.data, mark, start) or ([], 0)
            yield row, [value.decode() for value in fields]


def _text_records(path: Path, encoding: str, mark: bytes) -> Iterator[Records]:
    """All records of a file, those before its heading too."""
    return records(whole_lines(as_utf8(blocks(path), encoding)), mark, encoding)


def _batches(layout: _Layout, block: Records, record_filter: RecordFilter) -> Iterator[Batch]:
    columns, fitting, misfits = _parsed(layout, block.data)
    rows = block.rows[fitting]
    rejected = [one for one in block.rejected if one.row > layout.row]
    if len(rejected) < len(block.rejected):
        record_filter.not_records[PREAMBLE] += len(block.rejected) - len(rejected)
    for index, width in misfits:
        row = int(block.rows[index])
        if row > layout.row:
            text = block.text(row)
            cells = _cells(text, layout.separator)
            if not record_filter.is_not_a_record(cells):
                rejected.append(
                    RejectedRow(row, (_misfit(width, len(layout.heading.cells)),), text)
                )
    begin = int(np.searchsorted(rows, layout.row, "right"))
    columns = {name: array[begin:] for name, array in columns.items()}
    if len(rows) > begin or rejected:
        yield from record_filter.batches(
            columns, rows[begin:], rejected, block.text, layout.heading.cells
        )


def _cells(text: str, mark: bytes) -> list[str]:
    parsed = fields_of(text.encode("utf-8", "replace") + b"\n", mark)
    return (
        [cell.decode("utf-8", "replace") for cell in parsed[0]]
        if parsed
        else text.split(mark.decode())
    )


def _misfit(fields: int, width: int) -> str:
    if fields < width:
        return f"line cut: {fields} fields where the heading has {width}"
    return f"too many fields: {fields} where the heading has {width}"


def _parsed(
    layout: _Layout, data: bytes
) -> tuple[dict[str, pa.Array], Ints, list[tuple[int, int]]]:
    """The columns, the places of their records, and the places of misfits with their widths."""
    names = layout.heading.names
    misfits: list[tuple[int, int]] = []

    def misfit(row: Any) -> str:
        misfits.append((row.number - 1, row.actual_columns))
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
            delimiter=layout.separator.decode(),
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
    fitting = np.arange(parsed.num_rows + len(misfits))
    return columns, np.delete(fitting, [index for index, _ in misfits]), misfits


def reread(
    path: Path, rows: Collection[int], detected: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """The verbatim texts of some records."""
    marks = {name: mark for mark, name in _SEPARATORS.items()}
    for block in _text_records(path, detected["encoding"], marks[detected["separator"]]):
        until = block.first + block.source.count(b"\n")
        yield from ((row, block.text(row)) for row in rows if block.first <= row < until)
