"""JSON lines: a table of flat objects, a capture, or a log of what was pushed to a server.

Numbers of tables stay as they are written, so no digit of an id is lost.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.logs.files.bytes import (
    UTF8,
    Lines,
    as_utf8,
    blocks,
    line_starts,
    line_text,
    numbered_lines,
    whole_lines,
)
from smssim.logs.files.format import Capture, Head, HeadingRules
from smssim.logs.files.table import BLANK, Batch, RecordFilter, Table, check_columns
from smssim.logs.files.webhooks import callbacks, is_webhook, of_json
from smssim.logs.join.facts import RejectedRow

__all__ = ["BEGINS", "FORMS", "IS_BINARY", "flat", "reread", "tables"]

FORMS: tuple[str, ...] = ("JSON lines", "capture", "webhook log")
IS_BINARY = False
BEGINS = re.compile(rb"\s*\{")

_CAPTURED = frozenset({"request", "answer", "callback"})

_DECIDING = 1_000
"""Objects whose keys are the headings."""

_LATER_KEY = "value of a later key"
"""What `passed_over` calls a value whose key is none of the first objects'."""

_BLOCK_BYTES = 2 << 20
"""Bytes of a block: an object in Python takes several times those of its text."""


class _NotFlatError(ValueError):
    """A line that is no flat object."""


def flat(line: bytes) -> dict[str, str | None]:
    """The object of a line, its values as texts. Raise a NotFlatError for anything else.

    >>> flat(b'{"id": "a", "cost": 1.50, "charged": true}')
    {'id': 'a', 'cost': '1.50', 'charged': 'true'}
    """
    try:
        values = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise _NotFlatError(_reason(error)) from None
    if not isinstance(values, dict):
        raise _NotFlatError("must be a JSON object")
    for key, value in values.items():
        if isinstance(value, str):
            if not value.isascii() and _has_half(value):
                raise _NotFlatError(f"{key} must be Unicode text, not half a character")
        elif isinstance(value, bool):
            values[key] = "true" if value else "false"
        elif value is not None:
            raise _NotFlatError(f"{key} must be a text or a number, not nested")
    return values


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "bytes do not decode as UTF-8"
    return "line cut or no JSON" if isinstance(error, ValueError) else "nested too deep"


def _has_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _is_webhook_log(head: Head) -> bool:
    """Whether one of the first 100 lines holds a callback under any key but those of a capture."""
    for line in head.text.split(b"\n")[:100]:
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(values, dict) and is_webhook(values):
            return _CAPTURED.isdisjoint(values)
    return False


def _is_capture(head: Head) -> bool:
    """Whether the first object holds a request, an answer or a callback; if none does, too.

    Our own messages have a column `request`: a number there is that of a table.
    """
    first = _first_object(head)
    if first is None:
        # One line beyond the head: its keys are looked for in what there is of it.
        names = (*_CAPTURED, "received_at")
        return b"\n" in head.data or any(f'"{name}"'.encode() in head.data for name in names)
    present = _CAPTURED & first.keys()
    return bool(present) and (
        "received_at" in first or any(isinstance(first[name], dict) for name in present)
    )


def _first_object(head: Head) -> dict[str, Any] | None:
    """The first of the first 100 lines that is a JSON object, None if none is."""
    for line in head.text.split(b"\n")[:100]:
        if not line.strip():
            continue
        if not line.lstrip().startswith(b"{"):
            return None
        try:
            values: dict[str, Any] = json.loads(line)
        except (ValueError, RecursionError):
            continue
        return values
    return None


def tables(head: Head, rules: HeadingRules) -> Iterator[Table | Capture | str]:
    """The table in a file of JSON lines, or the capture, which has no heading."""
    path, encoding = head.path, head.known_encoding or UTF8
    form = "webhook log" if _is_webhook_log(head) else FORMS[_is_capture(head)]
    detected = {**head.detected(form), "encoding": encoding}
    not_records: Counter[str] = Counter()
    if form == "capture":
        yield Capture(str(path), detected, partial(numbered_lines, path, encoding))
        return
    if form == "webhook log":
        lines = partial(callbacks, path, encoding, of_json, not_records)
        yield Capture(str(path), detected, lines, not_records)
        return
    headings = _headings(path, encoding)

    def batches() -> Iterator[Batch]:
        not_records.clear()
        record_filter = RecordFilter(headings, rules.keys(headings), not_records)
        for lines in _all_lines(path, encoding):
            yield from _batches(lines, record_filter)

    if headings:
        yield Table(str(path), headings, batches, detected, not_records)
    else:
        yield head.data.decode("utf-8", "replace")


def _all_lines(path: Path, encoding: str) -> Iterator[Lines]:
    """The lines of a file of JSON lines; a CR ends none."""
    return whole_lines(as_utf8(blocks(path, _BLOCK_BYTES), encoding), cr=False)


def _headings(path: Path, encoding: str) -> tuple[str, ...]:
    """The keys of the first objects, in the order in which they first occur."""
    headings: dict[str, None] = {}
    for values in islice(_objects(_all_lines(path, encoding)), _DECIDING):
        headings.update(dict.fromkeys(values))
        check_columns(len(headings))
    return tuple(headings)


def _objects(blocks: Iterable[Lines]) -> Iterator[dict[str, str | None]]:
    for lines in blocks:
        for line in lines.data.split(b"\n"):
            try:
                yield flat(line)
            except _NotFlatError:
                continue


def _batches(lines: Lines, record_filter: RecordFilter) -> Iterator[Batch]:
    rejected = list(lines.rejected)
    numbers: list[int] = []
    objects: list[dict[str, str | None]] = []
    for row, line in enumerate(lines.data.split(b"\n")[:-1], lines.first):
        if not line.strip():
            record_filter.not_records[BLANK] += 1
            continue
        try:
            values = flat(line)
        except _NotFlatError as error:
            rejected.append(RejectedRow(row, (str(error),), line_text(line)))
            continue
        objects.append(values)
        numbers.append(row)
    _count_later(objects, record_filter)
    columns = {
        heading: pa.array([values.get(heading) for values in objects], pa.string())
        for heading in record_filter.headings
    }
    if objects or rejected:
        rows = np.array(numbers, np.int64)
        yield from record_filter.batches(columns, rows, rejected, _texts(lines), ())


def _texts(lines: Lines) -> Callable[[int], str]:
    starts: list[Any] = []

    def text(row: int) -> str:
        if not starts:
            starts.append(line_starts(lines.data))
        begin, end = starts[0][row - lines.first], starts[0][row - lines.first + 1]
        return line_text(lines.data[begin : end - 1])

    return text


def _count_later(objects: list[dict[str, str | None]], record_filter: RecordFilter) -> None:
    headings = set(record_filter.headings)
    later = sum(
        len(values.keys() - headings) for values in objects if not values.keys() <= headings
    )
    if later:
        record_filter.not_records[_LATER_KEY] += later


def reread(
    path: Path, rows: Collection[int], detected: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """The texts of some lines."""
    for lines in _all_lines(path, detected["encoding"]):
        until = lines.first + lines.data.count(b"\n")
        text = _texts(lines)
        yield from ((row, text(row)) for row in rows if lines.first <= row < until)
