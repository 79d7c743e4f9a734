"""A capture: JSON lines as a customer's own server would keep them, written from a run.

A line is a request with its answer, or a callback with its body (DOMAIN.md sections 6 and 7).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from smssim.logs.captures.lines import Line, callback_lines, request_lines
from smssim.logs.captures.seen_by_customer import sent_and_arrived
from smssim.logs.captures.wire import Wire
from smssim.record.record import Record


def write_capture(run: Record, path: str | Path, *, batch: bool = False) -> None:
    """Write the capture of *run* to *path*, in order of time; compressed if it ends with .gz.

    Reports come one a callback, or with *batch* up to 50. All copies of a report come with the
    first, for a run keeps no later arrivals. Raise a ValueError for a run that did not keep its
    messages and reports.
    """
    sent, arrivals = sent_and_arrived(run, batch=batch)
    wire = Wire(sent)
    requests = request_lines(sent, wire)
    callbacks = callback_lines(sent, arrivals, wire, batch=batch)
    with _opened(Path(path)) as file:
        file.writelines(_merged(requests, callbacks))


def _merged(requests: Iterator[Line], callbacks: Iterator[Line]) -> Iterator[str]:
    """Give the lines by time; at the same time requests come first."""
    ahead = next(callbacks, None)
    for at, line in requests:
        while ahead is not None and ahead[0] < at:
            yield ahead[1]
            ahead = next(callbacks, None)
        yield line
    if ahead is not None:
        yield ahead[1]
        yield from (line for _, line in callbacks)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path.suffix != ".gz":
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    # Neither name nor time in the header: the same run gives the same bytes.
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
    ):
        yield text
