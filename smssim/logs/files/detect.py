"""A path opened: each file of it as a table, a capture, or neither.

What a file is stands in its bytes; its name is never asked.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from smssim.logs.files import csv as delimited
from smssim.logs.files import json_lines as jsonl
from smssim.logs.files import parquet as columnar
from smssim.logs.files import xlsx as workbook
from smssim.logs.files.bytes import (
    CP1252,
    GB18030,
    LONGEST,
    SHOWN,
    UTF8,
    CutShortError,
    as_utf8,
    blocks,
    certain,
    decodes,
    is_gzip,
    is_text,
    start_of,
    whole_lines,
)
from smssim.logs.files.table import HEADING_WITHIN, IsHeading, Keys, Table

# Which files a path holds: itself, or everything below it by name.


class FileList(NamedTuple):
    """The files to read, in order of their paths, and those passed over."""

    files: tuple[Path, ...]
    hidden: tuple[Path, ...]


def files_of(path: Path) -> FileList:
    """The files of a path. Raise an OSError for one that does not exist or cannot be listed.

    Links to directories are not followed: they could lead round in a circle.
    """
    if not path.is_dir():
        path.stat()
        return FileList((path,), ())
    files: list[Path] = []
    hidden: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=_raise):
        hidden += [Path(folder, name) for name in folders if _is_hidden(name)]
        folders[:] = [name for name in folders if not _is_hidden(name)]
        for name in names:
            (hidden if _is_hidden(name) else files).append(Path(folder, name))
    return FileList(tuple(sorted(files)), tuple(sorted(hidden)))


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _raise(error: OSError) -> None:
    raise error


CAPTURE, TABLE = "capture", "table"
NO_HEADING = f"no heading among the first {HEADING_WITHIN} records"
"""The reason of a table whose columns nobody has named."""

_CAPTURED = frozenset({"request", "answer", "callback"})
_HEAD = 1 << 20
_ARRAY = re.compile(r"\s*\[\s*(?:\{|$)")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Capture:
    """Lines of a server. `lines()` gives number, bytes in UTF-8, and whether the line is whole.

    Of a line beyond 8,000,000 bytes only the beginning is given. A CutShortError after the last
    line says that the file cannot be read on.
    """

    path: str
    detected: dict[str, str]
    lines: Callable[[], Iterator[tuple[int, bytes, bool]]]


@dataclass(frozen=True)
class Unreadable:
    """A file that is no log: why not, and its first lines where they can be shown."""

    path: str
    reason: str
    text: str = ""


@dataclass(frozen=True)
class Empty:
    """A file that holds nothing: a log of no record."""

    path: str


Opened = Table | Capture | Unreadable | Empty


def no_keys(headings: Sequence[str]) -> tuple[int, ...]:
    """No heading is known to be an id's or a number's."""
    return ()


def tables(path: str | Path, is_heading: IsHeading, keys: Keys = no_keys) -> Iterator[Opened]:
    """Open a file, or everything below a directory, in order of name.

    *is_heading* says whether the cells of a record are a heading, *keys* which of the headings
    are those of ids and numbers. Raise an OSError for a path that does not exist.
    """
    return (open_file(file, is_heading, keys) for file in files_of(Path(path)).files)


def open_file(path: Path, is_heading: IsHeading, keys: Keys = no_keys) -> Opened:
    """Open one file; nothing that stands in it raises an error."""
    try:
        if not path.is_file():
            return Unreadable(str(path), "must be a file")
        return _recognised(path, is_heading, keys)
    except (OSError, ValueError, NotImplementedError) as error:
        return Unreadable(str(path), str(error).removeprefix(f"{path}: "))


def _recognised(path: Path, is_heading: IsHeading, keys: Keys) -> Opened:
    start, packed = start_of(path, 8), is_gzip(path)
    if start.startswith(columnar.MAGIC):
        return columnar.table(path, {"form": "Parquet"}, keys)
    if start.startswith((_ZIP, _OLE)):
        result = workbook.table(path, is_heading, {"form": "XLSX"}, keys)
        return _headless(path, result) if isinstance(result, str) else result
    head = _head(path)
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        return _blank(path)
    if head.startswith((columnar.MAGIC, _ZIP, _OLE)):
        return Unreadable(str(path), "Parquet and XLSX must not be compressed by gzip")
    if not is_text(head):
        return Unreadable(str(path), "must be text, XLSX, Parquet, or text compressed by gzip")
    detected = {"compression": "gzip"} if packed else {}
    encoding = certain(head)
    json_form = json_kind(head, encoding or UTF8)
    if json_form == CAPTURE:
        detected = {"form": CAPTURE, **detected, "encoding": encoding or UTF8}
        return Capture(str(path), detected, partial(capture_lines, path, encoding or UTF8))
    if json_form == TABLE:
        table = jsonl.table(path, encoding or UTF8, {"form": "JSON lines", **detected}, keys)
        return table if table.headings else _headless(path, head.decode("utf-8", "replace"))
    form = text_form(path, encoding, is_heading)
    if isinstance(form, str):
        return _headless(path, form)
    return delimited.table(form, {"form": "text", **detected}, keys)


def _blank(path: Path) -> Empty | Unreadable:
    """A file without a letter among its first bytes: nothing, if it can be read to its end."""
    try:
        if all(not block.removeprefix(codecs.BOM_UTF8).strip() for block in blocks(path)):
            return Empty(str(path))
    except CutShortError as error:
        return Unreadable(str(path), str(error))
    return Unreadable(str(path), "must not begin with a million blanks")


def _headless(path: Path, text: str) -> Unreadable:
    if _ARRAY.match(text):
        reason = "JSON must have an object a line, not all in an array: jq -c '.[]' writes it so"
        return Unreadable(str(path), reason)
    return Unreadable(str(path), NO_HEADING, text[:SHOWN])


def _head(path: Path) -> bytes:
    """The first bytes, unpacked. Raise a CutShortError where there are none before an error."""
    return next(blocks(path, _HEAD), b"")


def json_kind(head: bytes, encoding: str) -> str | None:
    """Whether the first object of JSON lines is that of a capture or of a table; None without.

    A broken line that begins as an object leaves it to the next ones.
    """
    text = b"".join(as_utf8([head], encoding))
    begun = None
    for line in text.split(b"\n")[:100]:
        if not line.strip():
            continue
        if not line.lstrip().startswith(b"{"):
            return begun
        begun = CAPTURE
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            continue
        return CAPTURE if _CAPTURED & data.keys() else TABLE
    return begun


def text_form(path: Path, encoding: str | None, is_heading: IsHeading) -> delimited.Delimited | str:
    """How a text table is to be read, its encoding found where its first bytes do not tell it."""
    if encoding or decodes(blocks(path), UTF8):
        return delimited.delimited(path, encoding or UTF8, is_heading)
    if decodes(blocks(path), GB18030):
        form = delimited.delimited(path, GB18030, is_heading)
        if not isinstance(form, str) and any(map(_is_chinese, "".join(form.heading.cells))):
            return form
    return delimited.delimited(path, CP1252, is_heading)


def _is_chinese(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


def capture_lines(path: Path, encoding: str) -> Iterator[tuple[int, bytes, bool]]:
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
