"""Records of a text table: lines, joined where a quoted field holds line ends.

A block without a quote is taken as it is; only the lines whose quotes are not plain are read one
by one, and written anew so that every parser reads them alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from smssim.logs.files.lines import Lines, shown
from smssim.logs.files.table import Integers
from smssim.logs.join.piece import Refused

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
