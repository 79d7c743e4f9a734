"""The lines of a capture's file, one after the other, whatever its bytes are."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import IO

LONGEST_LINE = 8_000_000
"""Bytes of a line that are read; the rest of a longer one is passed over."""

_MARK = b"\xef\xbb\xbf"


Line = tuple[int, bytes, str]
"""A line of a file: its row from 1, its bytes, and why it could not be read to its end, or ""."""


def lines_of(stream: IO[bytes]) -> Iterator[Line]:
    """Give every line that is not blank, never holding more than the longest.

    A compressed file that breaks off ends with a line that says so.
    """
    row = 0
    try:
        while data := stream.readline(LONGEST_LINE + 1):
            row += 1
            if row == 1:
                data = data.removeprefix(_MARK)
            if len(data) > LONGEST_LINE and not data.endswith(b"\n"):
                _pass_over(stream)
                yield row, data, f"line must be {LONGEST_LINE} bytes or fewer"
            elif data and not data.isspace():
                yield row, data.rstrip(b"\r\n"), ""
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield row + 1, b"", f"the compressed file cannot be read on: {error}"


def _pass_over(stream: IO[bytes]) -> None:
    while rest := stream.readline(LONGEST_LINE):
        if rest.endswith(b"\n"):
            return
