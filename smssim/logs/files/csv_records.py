"""Records of a text table: lines, joined where a quoted field holds line ends.

A block without quotes is taken verbatim; only lines whose quotes are not plain are read one by one,
and rewritten so that every parser agrees on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from smssim.arrays import Ints
from smssim.logs.files.bytes import Lines, line_starts, line_text
from smssim.logs.join.facts import RejectedRow

__all__ = ["Records", "fields_of", "records"]

_LINE_ENDS = 20
"""Line ends that a record may hold in its quoted fields."""

_QUOTE, _LF, _BEYOND_ASCII = 34, 10, 0x80
_NEIGHBOURS = np.isin(np.arange(256), (_QUOTE, _LF))
_QUOTED = re.compile(rb'"((?:[^"]++|"")*+)"')


@dataclass
class Records:
    """Records of one block: *data* to parse, one after the other, and their *rows* in the file.

    A row is the number of a record's first line. *line_counts* gives the number of lines of a
    record that has several.
    """

    first: int
    source: bytes
    data: bytes
    rows: Ints
    rejected: tuple[RejectedRow, ...] = ()
    line_counts: dict[int, int] = field(default_factory=dict)
    _starts: Ints | None = None

    def text(self, row: int) -> str:
        """The verbatim text of the record in *row*."""
        if self._starts is None:
            self._starts = line_starts(self.source)
        line = row - self.first
        end = self._starts[line + self.line_counts.get(row, 1)]
        return line_text(self.source[self._starts[line] : end - 1])


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
            # Rejected lines lie in between; a record cannot reach beyond them.
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
    starts = line_starts(data)
    # Only bytes beyond ASCII may be wrong, and few lines have any.
    high = np.flatnonzero(np.frombuffer(data, np.uint8) >= _BEYOND_ASCII)
    lines = np.unique(np.searchsorted(starts, high, "right") - 1).tolist()
    return {line for line in lines if not _decodes(data[starts[line] : starts[line + 1]])}


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
    # The last byte is a line end and serves as the byte before the first.
    plain = neighbours[text[quotes + 2 * turn - 1]]
    odd = counts & 1
    odd[line[~plain]] = 1
    lines: list[int] = np.flatnonzero(odd).tolist()
    return lines


def _has_plain_quotes(
    text: npt.NDArray[np.uint8], quotes: Ints, ends: Ints, neighbours: npt.NDArray[np.bool_]
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
        self._starts = line_starts(data)
        self._next = 0
        self._pieces: list[bytes] = []
        self._rows: list[Ints] = []
        self._rejected: list[RejectedRow] = []
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
            tuple(self._rejected),
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
        limit = min(line + _LINE_ENDS + 1, len(self._starts) - 1)
        window = self._data[self._starts[line] : self._starts[limit]]
        parsed = fields_of(window, self._separator)
        if parsed is None:
            if limit <= line + _LINE_ENDS and not last:
                return False
            self._reject(line, f"quote is not closed within {_LINE_ENDS} line ends")
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
        self._rejected.append(RejectedRow(self._first + line, (reason,), line_text(text)))
        self._next = line + lines


def _quoted(value: bytes) -> bytes:
    return b'"' + value.replace(b'"', b'""') + b'"'
