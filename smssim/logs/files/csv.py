"""Records of a text table: lines, joined where a quoted field holds line ends.

A block without a quote is taken as it is; only the lines whose quotes are not plain are read one
by one, and written anew so that every parser reads them alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from smssim.logs.files.bytes import Lines, as_utf8, blocks, line_text, whole_lines
from smssim.logs.files.table import (
    BLANK,
    HEADING_WITHIN,
    PREAMBLE,
    Batch,
    Heading,
    Integers,
    IsHeading,
    Keys,
    RecordFilter,
    Table,
    heading,
)
from smssim.logs.join.facts import RejectedRow

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


LINE_ENDS = 20
"""Line ends that a record may hold in its quoted fields."""

_QUOTE, _LF = 34, 10
_NEIGHBOURS = np.isin(np.arange(256), (_QUOTE, _LF))
_QUOTED = re.compile(rb'"((?:[^"]++|"")*+)"')


@dataclass
class Records:
    """Records of one block: *data* to parse, one after the other, and the *rows* they stand in.

    A row is the number of a record's first line. *extents* says how many lines a record has that
    has several.
    """

    first: int
    source: bytes
    data: bytes
    rows: Integers
    rejected: tuple[RejectedRow, ...] = ()
    line_counts: dict[int, int] = field(default_factory=dict)
    _starts: Integers | None = None

    def text(self, row: int) -> str:
        """The text of the record in *row* as it stands in the file."""
        if self._starts is None:
            self._starts = starts_of(self.source)
        line = row - self.first
        end = self._starts[line + self.line_counts.get(row, 1)]
        return line_text(self.source[self._starts[line] : end - 1])


def starts_of(data: bytes) -> Integers:
    """Where each line begins, and where the last one ends."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _LF)
    return np.concatenate([np.zeros(1, np.int64), ends + 1])


def fields_of(data: bytes, separator: bytes, start: int = 0) -> tuple[list[bytes], int] | None:
    r"""The fields of the record that begins at *start*, and where it ends; None if a quote is open.

    >>> fields_of(b'a,"b, ""c"" d"\n', b",")
    ([b'a', b'b, "c" d'], 15)
    """
    fields, end = [], data.find(b"\n", start)
    while True:
        value = b""
        if data[start] == _QUOTE:
            match = _QUOTED.match(data, start)
            if match is None:
                return None
            value, start = match[1].replace(b'""', b'"'), match.end()
            end = max(end, data.find(b"\n", start))
        stop = data.find(separator, start, end)
        if stop < 0:
            fields.append(value + data[start:end])
            return fields, end + 1
        fields.append(value + data[start:stop])
        start = stop + 1


def records(blocks: Iterable[Lines], separator: bytes, encoding: str) -> Iterator[Records]:
    """Give the records of whole lines; *encoding* is named where a line does not decode."""
    rest = b""
    for lines in blocks:
        data = rest + lines.data
        first = lines.first - rest.count(b"\n")
        if lines.rejected and rest:
            # What is refused stands between; a record cannot reach beyond it.
            before = _split(first, rest, separator, encoding, last=True)[0]
            yield before
            data, first = lines.data, lines.first
        block, rest = _split(first, data, separator, encoding, last=lines.last)
        block.rejected = tuple(sorted((*lines.rejected, *block.rejected)))
        yield block


def _split(
    first: int, data: bytes, separator: bytes, encoding: str, *, last: bool
) -> tuple[Records, bytes]:
    """The records of a block, and the lines at its end whose record may go on in the next."""
    undecodable_lines = set() if data.isascii() else _find_undecodable(data)
    quoted = _odd_lines(data, ord(separator)) if b'"' in data else ()
    if not undecodable_lines and not len(quoted):
        rows = np.arange(first, first + data.count(b"\n"))
        return Records(first, data, data, rows), b""
    splitting = _Splitting(first, data, separator, encoding, undecodable_lines)
    return splitting.records(sorted(undecodable_lines.union(quoted)), last)


def _find_undecodable(data: bytes) -> set[int]:
    """The lines that are no UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return {number for number, line in enumerate(data.split(b"\n")) if not _decodes(line)}
    return set()


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _odd_lines(data: bytes, separator: int) -> list[int]:
    """The lines whose quotes do not open and close by turns, at the ends of fields.

    Two quotes in a field are read as a closing and an opening one, which comes to the same.
    """
    text = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(text == _QUOTE)
    ends = np.flatnonzero(text == _LF)
    neighbours = _NEIGHBOURS | (np.arange(256) == separator)
    if _has_plain_quotes(text, quotes, ends, neighbours):
        return []
    line = np.searchsorted(ends, quotes)
    counts = np.bincount(line, minlength=len(ends))
    turn = (np.arange(len(quotes)) - (np.cumsum(counts) - counts)[line]) & 1
    # The last byte is a line end and stands for what is before the first.
    plain = neighbours[text[quotes + 2 * turn - 1]]
    odd = counts & 1
    odd[line[~plain]] = 1
    lines: list[int] = np.flatnonzero(odd).tolist()
    return lines


def _has_plain_quotes(
    text: npt.NDArray[np.uint8], quotes: Integers, ends: Integers, neighbours: npt.NDArray[np.bool_]
) -> bool:
    """Whether no line is odd; where every field is quoted this saves counting them by line."""
    return bool(
        len(quotes) % 2 == 0
        and neighbours[text[quotes[::2] - 1]].all()
        and neighbours[text[quotes[1::2] + 1]].all()
        and not (np.searchsorted(quotes, ends) & 1).any()
    )


class _Splitting:
    """Goes through the lines of a block that cannot be taken as they are."""

    def __init__(
        self, first: int, data: bytes, separator: bytes, encoding: str, undecodable_lines: set[int]
    ) -> None:
        self._first, self._data, self._separator = first, data, separator
        self._encoding, self._undecodable_lines = encoding, undecodable_lines
        self._starts = starts_of(data)
        self._next = 0
        self._pieces: list[bytes] = []
        self._rows: list[Integers] = []
        self._refused: list[RejectedRow] = []
        self._line_counts: dict[int, int] = {}

    def records(self, lines: list[int], last: bool) -> tuple[Records, bytes]:
        """The records, where *lines* are to be looked at one by one."""
        for line in lines:
            if line >= self._next:
                self._take_until(line)
                if line in self._undecodable_lines:
                    self._reject(line, f"bytes do not decode as {self._encoding}")
                elif not self._record(line, last):
                    return self._done(line)
        self._take_until(len(self._starts) - 1)
        return self._done(len(self._starts) - 1)

    def _done(self, end: int) -> tuple[Records, bytes]:
        cut = self._starts[end]
        rows = np.concatenate([np.empty(0, np.int64), *self._rows])
        return Records(
            self._first,
            self._data[:cut],
            b"".join(self._pieces),
            rows,
            tuple(self._refused),
            self._line_counts,
        ), self._data[cut:]

    def _take_until(self, line: int) -> None:
        """Take the lines before *line* as they are."""
        if line > self._next:
            self._pieces.append(self._data[self._starts[self._next] : self._starts[line]])
            self._rows.append(np.arange(self._first + self._next, self._first + line))
        self._next = line

    def _record(self, line: int, last: bool) -> bool:
        """Take the record that begins in *line*; False if its end may be in the next block."""
        limit = min(line + LINE_ENDS + 1, len(self._starts) - 1)
        window = self._data[self._starts[line] : self._starts[limit]]
        parsed = fields_of(window, self._separator)
        if parsed is None:
            if limit <= line + LINE_ENDS and not last:
                return False
            self._reject(line, f"quote is not closed within {LINE_ENDS} line ends")
            return True
        fields, end = parsed
        lines = window.count(b"\n", 0, end)
        if lines > 1:
            self._line_counts[self._first + line] = lines
        if self._undecodable_lines.intersection(range(line, line + lines)):
            self._reject(line, f"bytes do not decode as {self._encoding}", lines)
            return True
        self._pieces.append(self._separator.join(map(_quoted, fields)) + b"\n")
        self._rows.append(np.array([self._first + line]))
        self._next = line + lines
        return True

    def _reject(self, line: int, reason: str, lines: int = 1) -> None:
        text = self._data[self._starts[line] : self._starts[line + lines] - 1]
        self._refused.append(RejectedRow(self._first + line, (reason,), line_text(text)))
        self._next = line + lines


def _quoted(value: bytes) -> bytes:
    return b'"' + value.replace(b'"', b'""') + b'"'


# Which character separates the fields of a text table.

SEPARATORS = {b",": "comma", b";": "semicolon", b"\t": "tab", b"|": "bar"}
_DECIDING_LINES = 100
"""Lines that decide."""

_QUOTED_FIELD = re.compile(rb'"[^"\n]*"')


def separator(lines: Iterable[bytes]) -> bytes | None:
    """The separator of lines, the blank ones left out, or None where none makes two fields.

    >>> separator([b"time;cost", b"2024-05-01;1,5", b"2024-05-02;2,5"])
    b';'
    """
    plain = [_QUOTED_FIELD.sub(b"", line) for line in lines if line.strip()]
    agreements = {mark: _agreement(plain, mark) for mark in SEPARATORS}
    best = max(agreements, key=lambda mark: agreements[mark])
    return best if agreements[best][0] else None


def _agreement(lines: list[bytes], mark: bytes) -> tuple[int, int]:
    """How many lines agree, and on how many marks; of equal numbers more fields are better."""
    counts = Counter(line.count(mark) for line in lines)
    counts.pop(0, None)
    return max(((agreeing, marks) for marks, agreeing in counts.items()), default=(0, 0))


# Text tables, CSV and their like: blocks of lines into batches of text columns.


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
    lines = first.data.split(b"\n", HEADING_WITHIN)[:HEADING_WITHIN]
    mark = separator(lines)
    rows: list[int] = []
    cells: list[list[str]] = []
    if mark:
        for row, fields in islice(_first(first, mark, encoding), HEADING_WITHIN + HEADING_WITHIN):
            rows.append(row)
            cells.append(fields)
        matched = heading(cells, is_heading)
        if matched:
            before = Counter(
                PREAMBLE if any(map(str.strip, fields)) else BLANK
                for fields in cells[: matched.position]
            )
            return Delimited(path, encoding, mark, matched, rows[matched.position], before)
    return "\n".join(line.decode("utf-8", "replace") for line in lines[:5])


def _first(lines: Lines, mark: bytes, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """The first records of a file, with their rows."""
    for block in records([lines], mark, encoding):
        start = 0
        for row in block.rows.tolist():
            fields, start = fields_of(block.data, mark, start) or ([], 0)
            yield row, [value.decode() for value in fields]


def table(form: Delimited, detected: dict[str, str], keys: Keys) -> Table:
    """The table in a text file."""
    not_records: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        not_records.clear()
        not_records.update(form.before)
        record_filter = RecordFilter(form.heading.names, keys(form.heading.names), not_records)
        for block in text_records(form.path, form.encoding, form.separator):
            yield from _batches(form, block, record_filter)

    detected = {**detected, "encoding": form.encoding, "separator": SEPARATORS[form.separator]}
    return Table(str(form.path), form.heading.names, batches, detected, not_records)


def text_records(path: Path, encoding: str, mark: bytes) -> Iterator[Records]:
    """All records of a file, those before its heading too."""
    return records(whole_lines(as_utf8(blocks(path), encoding)), mark, encoding)


def _batches(form: Delimited, block: Records, record_filter: RecordFilter) -> Iterator[Batch]:
    columns, fitting, misfits = _parsed(form, block.data)
    rows = block.rows[fitting]
    rejected = [one for one in block.rejected if one.row > form.row]
    if len(rejected) < len(block.rejected):
        record_filter.not_records[PREAMBLE] += len(block.rejected) - len(rejected)
    for index, width in misfits:
        row = int(block.rows[index])
        if row > form.row:
            text = block.text(row)
            cells = _cells(text, form.separator)
            if not record_filter.is_not_a_record(cells):
                rejected.append(RejectedRow(row, (_misfit(width, len(form.heading.cells)),), text))
    begin = int(np.searchsorted(rows, form.row, "right"))
    columns = {name: array[begin:] for name, array in columns.items()}
    if len(rows) > begin or rejected:
        yield from record_filter.batches(
            columns, rows[begin:], rejected, block.text, form.heading.cells
        )


def _cells(text: str, mark: bytes) -> list[str]:
    parsed = fields_of(text.encode("utf-8", "replace") + b"\n", mark)
    return [cell.decode("utf-8", "replace") for cell in parsed[0]] if parsed else [text]


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
    fitting = np.arange(parsed.num_rows + len(misfits))
    return columns, np.delete(fitting, [index for index, _ in misfits]), misfits
