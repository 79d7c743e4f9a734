"""The lines of a capture, one after the other, those that cannot be read with the reason why."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smssim.logs.files.bytes import CutShortError
from smssim.logs.files.lines import LONGEST

Line = tuple[int, bytes, str]
"""A line of a file: its row from 1, its bytes, and why it could not be read to its end, or ""."""


def lines_of(lines: Callable[[], Iterator[tuple[int, bytes, bool]]]) -> Iterator[Line]:
    """Give every line that is not blank of the *lines* of a `Capture`.

    A file that breaks off ends with a line that says so.
    """
    row = 0
    try:
        for row, data, whole in lines():
            if not whole:
                yield row, data, f"line must be {LONGEST} bytes or fewer"
            elif data and not data.isspace():
                yield row, data, ""
    except CutShortError as error:
        yield row + 1, b"", str(error)
