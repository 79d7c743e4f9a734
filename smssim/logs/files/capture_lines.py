"""Captures: JSON lines of a customer's own server, handed on line by line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

from smssim.logs.files import json_lines
from smssim.logs.files.bytes import LONGEST, UTF8, CutShortError, as_utf8, blocks, whole_lines
from smssim.logs.files.format import Capture, Head, HeadingRules

__all__ = ["FORM", "recognises", "reread", "tables"]

FORM = "capture"

_CAPTURED = frozenset({"request", "answer", "callback"})


def recognises(head: Head) -> bool:
    """Whether the first object holds a request, an answer or a callback; if none does, too.

    Our own messages have a column `request`: a number there is that of a table.
    """
    if not json_lines.is_json(head):
        return False
    first = json_lines.first_object(head)
    if first is None:
        # One line beyond the head: its keys are looked for in what there is of it.
        names = (*_CAPTURED, "received_at")
        return b"\n" in head.data or any(f'"{name}"'.encode() in head.data for name in names)
    present = _CAPTURED & first.keys()
    return bool(present) and (
        "received_at" in first or any(isinstance(first[name], dict) for name in present)
    )


def tables(head: Head, rules: HeadingRules) -> Iterator[Capture]:
    """The capture; it has no heading."""
    encoding = head.known_encoding or UTF8
    detected = {**head.detected(FORM), "encoding": encoding}
    yield Capture(str(head.path), detected, partial(_lines, head.path, encoding))


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, bytes, bool]]:
    """The lines of a capture; see `Capture`."""
    cut = None
    for lines in whole_lines(as_utf8(blocks(path), encoding), cr=False):
        for rejected in lines.rejected:
            if rejected.text:
                yield rejected.row, rejected.text.encode("utf-8", "replace"), False
            else:
                cut = rejected.reasons[0]
        for number, line in enumerate(lines.data.split(b"\n")[:-1], lines.first):
            yield number, line.rstrip(b"\r"), len(line) <= LONGEST
    if cut:
        raise CutShortError(cut)


def reread(
    path: Path, rows: Collection[int], detected: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """The texts of some lines."""
    return json_lines.reread(path, rows, detected)
