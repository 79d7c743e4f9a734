"""The files of a path, each recognised by its bytes as a table, a capture, or neither."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from smssim.logs.files import access_log, csv, json_lines, parquet, sqlite, xlsx
from smssim.logs.files.bytes import LONGEST_SHOWN, CutShortError, blocks, is_text
from smssim.logs.files.format import Empty, Format, Head, HeadingRules, Opened, Unreadable
from smssim.logs.files.table import HEADING_WITHIN

__all__ = ["FORMATS", "NO_HEADING", "files_of", "open_file", "reread"]

FORMATS: tuple[Format, ...] = (parquet, xlsx, sqlite, json_lines, access_log, csv)
"""Every format, in the order in which files are held against them."""

NO_HEADING = f"no heading among the first {HEADING_WITHIN} records"
"""The reason of a table whose columns no one has named."""

_ARRAY = re.compile(r"\s*\[\s*(?:\{|$)")


class _FileList(NamedTuple):
    """The files to read, in order of their paths, and the hidden ones that are not read."""

    files: tuple[Path, ...]
    hidden: tuple[Path, ...]


def files_of(path: Path) -> _FileList:
    """The files of a path: itself, or all below it.

    Links to directories are not followed: they could lead round in a circle. Raise an OSError for
    a path that does not exist or cannot be listed.
    """
    if not path.is_dir():
        path.stat()
        return _FileList((path,), ())
    files: list[Path] = []
    hidden: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=_raise):
        hidden += [Path(folder, name) for name in folders if _is_hidden(name)]
        folders[:] = [name for name in folders if not _is_hidden(name)]
        for name in names:
            (hidden if _is_hidden(name) else files).append(Path(folder, name))
    return _FileList(tuple(sorted(files)), tuple(sorted(hidden)))


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _raise(error: OSError) -> None:
    raise error


def open_file(
    path: Path, rules: HeadingRules, encoding: str | None = None, table: str | None = None
) -> list[Opened]:
    """Open one file: a table per sheet of a workbook, else one; no content raises an error."""
    try:
        if not path.is_file():
            return [Unreadable(str(path), "must be a file")]
        return list(_recognised(Head(path, encoding, table), rules))
    except (OSError, ValueError, NotImplementedError, IndexError) as error:
        return [Unreadable(str(path), str(error).removeprefix(f"{path}: "))]


def _recognised(head: Head, rules: HeadingRules) -> Iterator[Opened]:
    form = _binary_form(head.start)
    if form is None:
        if not head.data.removeprefix(codecs.BOM_UTF8).strip():
            yield _blank(head.path)
            return
        if _binary_form(head.data):
            raise ValueError("Parquet, XLSX and SQLite must not be compressed by gzip")
        if not is_text(head.data) and not head.encoding:
            raise ValueError("must be text, XLSX, Parquet, SQLite, or text compressed by gzip")
        form = next(one for one in FORMATS if not one.IS_BINARY and one.BEGINS.match(head.text))
    for opened in form.tables(head, rules):
        yield _without_heading(head.path, opened) if isinstance(opened, str) else opened


def _binary_form(start: bytes) -> Format | None:
    return next((form for form in FORMATS if form.IS_BINARY and form.BEGINS.match(start)), None)


def _blank(path: Path) -> Empty | Unreadable:
    """A file without a letter among its first bytes: nothing, if it can be read to its end."""
    try:
        if all(not block.removeprefix(codecs.BOM_UTF8).strip() for block in blocks(path)):
            return Empty(str(path))
    except CutShortError as error:
        return Unreadable(str(path), str(error))
    return Unreadable(str(path), "must not begin with a million blanks")


def _without_heading(path: Path, text: str) -> Unreadable:
    if _ARRAY.match(text):
        reason = "JSON must have an object a line, not all in an array: jq -c '.[]' writes it so"
        return Unreadable(str(path), reason)
    return Unreadable(str(path), NO_HEADING, text[:LONGEST_SHOWN])


def reread(path: str | Path, rows: Collection[int], detected: Mapping[str, str]) -> dict[int, str]:
    """The texts of some rows of a file, by row, each as `Batch.text` gives it.

    *detected* is that of its table or capture. Rows that are not there any more are omitted.
    """
    wanted = set(rows)
    by_row: dict[int, str] = {}
    if wanted:
        form = next(form for form in FORMATS if detected["form"] in form.FORMS)
        try:
            for row, text in form.reread(Path(path), wanted, detected):
                by_row[row] = text
                if len(by_row) == len(wanted):
                    break
        except (OSError, ValueError, NotImplementedError, IndexError):
            # The file has changed since, or breaks off: its rows were rejected before.
            pass
    return by_row
