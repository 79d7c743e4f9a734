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

from smssim.logs.files.bytes import Lines, as_utf8, blocks, shown, whole_lines
from smssim.logs.files.table import (
    BLANK,
    PREAMBLE,
    Batch,
    Heading,
    Integers,
    IsHeading,
    Keys,
    Sorting,
    Table,
    heading,
)
from smssim.logs.files.table import LOOKED_AT as LOOKED_AT_table
from smssim.logs.join.facts import Refused

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


LINE_ENDS = 20
"""Line ends that a record may hold in its quoted fields."""

_QUOTE, _LF = 34, 10
_BESIDE = np.isin(np.arange(256), (_QUOTE, _LF))
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
    refused: tuple[Refused, ...] = ()
    extents: dict[int, int] = field(default_factory=dict)
    _starts: Integers | None = None

    def text(self, row: int) -> str:
        """The text of the record in *row* as it stands in the file."""
        if self._starts is None:
            self._starts = starts_of(self.source)
        line = row - self.first
        end = self._starts[line + self.extents.get(row, 1)]
        return shown(self.source[self._starts[line] : end - 1])


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
            found = _QUOTED.match(data, start)
            if found is None:
                return None
            value, start = found[1].replace(b'""', b'"'), found.end()
            end = max(end, data.find(b"\n", start))
        stop = data.find(separator, start, end)
        if stop < 0:
            fields.append(value + data[start:end])
            return fields, end + 1
        fields.append(value + data[start:stop])
        start = stop + 1


def records(blocks: Iterable[Lines], separator: bytes, encoding: str) -> Iterator[Records]:
    """Give the records of whole lines; *encoding* is named where a line does not decode."""
    kept = b""
    for lines in blocks:
        data = kept + lines.data
        first = lines.first - kept.count(b"\n")
        if lines.refused and kept:
            # What is refused stands between; a record cannot reach beyond it.
            before = _split(first, kept, separator, encoding, last=True)[0]
            yield before
            data, first = lines.data, lines.first
        found, kept = _split(first, data, separator, encoding, last=lines.last)
        found.refused = tuple(sorted((*lines.refused, *found.refused)))
        yield found


def _split(
    first: int, data: bytes, separator: bytes, encoding: str, *, last: bool
) -> tuple[Records, bytes]:
    """The records of a block, and the lines at its end whose record may go on in the next."""
    strange = set() if data.isascii() else _undecodable(data)
    quoted = _odd_lines(data, ord(separator)) if b'"' in data else ()
    if not strange and not len(quoted):
        rows = np.arange(first, first + data.count(b"\n"))
        return Records(first, data, data, rows), b""
    splitting = _Splitting(first, data, separator, encoding, strange)
    return splitting.records(sorted(strange.union(quoted)), last)


def _undecodable(data: bytes) -> set[int]:
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
    beside = _BESIDE | (np.arange(256) == separator)
    if _all_plain(text, quotes, ends, beside):
        return []
    line = np.searchsorted(ends, quotes)
    counts = np.bincount(line, minlength=len(ends))
    turn = (np.arange(len(quotes)) - (np.cumsum(counts) - counts)[line]) & 1
    # The last byte is a line end and stands for what is before the first.
    plain = beside[text[quotes + 2 * turn - 1]]
    odd = counts & 1
    odd[line[~plain]] = 1
    found: list[int] = np.flatnonzero(odd).tolist()
    return found


def _all_plain(
    text: npt.NDArray[np.uint8], quotes: Integers, ends: Integers, beside: npt.NDArray[np.bool_]
) -> bool:
    """Whether no line is odd; where every field is quoted this saves counting them by line."""
    return bool(
        len(quotes) % 2 == 0
        and beside[text[quotes[::2] - 1]].all()
        and beside[text[quotes[1::2] + 1]].all()
        and not (np.searchsorted(quotes, ends) & 1).any()
    )


class _Splitting:
    """Goes through the lines of a block that cannot be taken as they are."""

    def __init__(
        self, first: int, data: bytes, separator: bytes, encoding: str, strange: set[int]
    ) -> None:
        self._first, self._data, self._separator = first, data, separator
        self._encoding, self._strange = encoding, strange
        self._starts = starts_of(data)
        self._next = 0
        self._pieces: list[bytes] = []
        self._rows: list[Integers] = []
        self._refused: list[Refused] = []
        self._extents: dict[int, int] = {}

    def records(self, lines: list[int], last: bool) -> tuple[Records, bytes]:
        """The records, where *lines* are to be looked at one by one."""
        for line in lines:
            if line >= self._next:
                self._take_until(line)
                if line in self._strange:
                    self._refuse(line, f"bytes do not decode as {self._encoding}")
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
            self._extents,
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
        found = fields_of(window, self._separator)
        if found is None:
            if limit <= line + LINE_ENDS and not last:
                return False
            self._refuse(line, f"quote is not closed within {LINE_ENDS} line ends")
            return True
        fields, end = found
        lines = window.count(b"\n", 0, end)
        if lines > 1:
            self._extents[self._first + line] = lines
        if self._strange.intersection(range(line, line + lines)):
            self._refuse(line, f"bytes do not decode as {self._encoding}", lines)
            return True
        self._pieces.append(self._separator.join(map(_quoted, fields)) + b"\n")
        self._rows.append(np.array([self._first + line]))
        self._next = line + lines
        return True

    def _refuse(self, line: int, reason: str, lines: int = 1) -> None:
        text = self._data[self._starts[line] : self._starts[line + lines] - 1]
        self._refused.append(Refused(self._first + line, (reason,), shown(text)))
        self._next = line + lines


def _quoted(value: bytes) -> bytes:
    return b'"' + value.replace(b'"', b'""') + b'"'


# Which character separates the fields of a text table.

SEPARATORS = {b",": "comma", b";": "semicolon", b"\t": "tab", b"|": "bar"}
LOOKED_AT = 100
"""Lines that decide."""

_QUOTED_separator = re.compile(rb'"[^"\n]*"')


def separator(lines: Iterable[bytes]) -> bytes | None:
    """The separator of lines, the blank ones left out, or None where none makes two fields.

    >>> separator([b"time;cost", b"2024-05-01;1,5", b"2024-05-02;2,5"])
    b';'
    """
    plain = [_QUOTED_separator.sub(b"", line) for line in lines if line.strip()]
    found = {mark: _agreement(plain, mark) for mark in SEPARATORS}
    best = max(found, key=lambda mark: found[mark])
    return best if found[best][0] else None


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
    lines = first.data.split(b"\n", LOOKED_AT_table)[:LOOKED_AT_table]
    mark = separator(lines)
    rows: list[int] = []
    cells: list[list[str]] = []
    if mark:
        for row, fields in islice(_first(first, mark, encoding), LOOKED_AT_table + LOOKED_AT_table):
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
