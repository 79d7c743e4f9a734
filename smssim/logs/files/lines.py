"""Whole lines of a text file in blocks, each with the number of its first line.

Every line has a number from 1, however it ends: LF, CR LF, or CR alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from smssim.logs.files.bytes import CutShortError
from smssim.logs.join.piece import Refused

LONGEST = 8_000_000
"""Bytes of a line that are read; a longer one is refused."""

_LF, _CR = b"\n\r"
_HALVES = re.compile("[\ud800-\udfff]")

SHOWN = 8_192
"""Characters of a row's text that are kept."""


@dataclass(frozen=True)
class Lines:
    """Whole lines in UTF-8, each ended by LF; *first* is the number of the first one from 1.

    *refused* are lines between these and the ones before; *last* is set where the file ends.
    """

    first: int
    data: bytes
    refused: tuple[Refused, ...] = ()
    last: bool = False


def shown(data: bytes) -> str:
    """A row's text: undecodable bytes replaced, the end of a very long one cut off."""
    data = data[: 4 * SHOWN]
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")[:SHOWN]
    return _HALVES.sub("\ufffd", text)[:SHOWN]


def whole_lines(blocks: Iterable[bytes], *, cr: bool = True) -> Iterator[Lines]:
    """Give the lines of blocks in UTF-8; without *cr* a CR ends no line, as in JSON lines.

    What makes a file end early is a refused line after its last one.
    """
    gathering = _Gathering(cr)
    refused: tuple[Refused, ...] = ()
    try:
        for block in blocks:
            lines = gathering.add(block)
            if lines.data or lines.refused:
                yield lines
    except CutShortError as error:
        refused = (Refused(0, (str(error),), ""),)
    yield gathering.end(refused)


def _ended_by_lf(block: bytes) -> bytes:
    """The same lines; *block* does not end with the first half of CR LF."""
    text = np.frombuffer(block, np.uint8)
    if block[-1:] != b"\r" and (text[np.flatnonzero(text == _CR) + 1] == _LF).all():
        return block.translate(None, b"\r")
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


class _Gathering:
    """Keeps the line that a block ends within until its end has come."""

    def __init__(self, cr: bool) -> None:
        self._cr = cr
        self._first, self._kept, self._held = 1, b"", b""
        self._too_long = False

    def add(self, block: bytes) -> Lines:
        """The lines that end in this block."""
        block = self._held + block
        self._held = b""
        if self._cr and b"\r" in block:
            if block.endswith(b"\r"):
                block, self._held = block[:-1], b"\r"
            block = _ended_by_lf(block)
        refused: tuple[Refused, ...] = ()
        if self._too_long:
            end = block.find(b"\n")
            if end < 0:
                return Lines(self._first, b"")
            refused, block = (self._refusal(),), block[end + 1 :]
        end = block.rfind(b"\n") + 1
        data, kept = (self._kept + block[:end], block[end:]) if end else (b"", self._kept + block)
        self._kept = kept
        if len(kept) > LONGEST:
            self._kept, self._too_long = kept[: 4 * SHOWN], True
        return self._numbered(data, refused)

    def end(self, refused: tuple[Refused, ...]) -> Lines:
        """The last line where it has no end, and what came instead of an end."""
        long: tuple[Refused, ...] = ()
        data = b""
        if self._too_long:
            long = (self._refusal(),)
        elif self._kept or self._held:
            data = self._kept + b"\n"
        first = self._numbered(data, ()).first
        told = (*long, *(refusal._replace(row=self._first) for refusal in refused))
        return Lines(first, data, told, last=True)

    def _numbered(self, data: bytes, refused: tuple[Refused, ...]) -> Lines:
        lines = Lines(self._first, data, refused)
        self._first += data.count(b"\n")
        return lines

    def _refusal(self) -> Refused:
        refused = Refused(
            self._first, (f"line must be {LONGEST} bytes or fewer",), shown(self._kept)
        )
        self._first, self._kept, self._too_long = self._first + 1, b"", False
        return refused
