"""Read what a customer has into a Log: exports of the console, captures of his server, tables.

docs/logs.md says to the letter what is recognised, what is left out, and why.
"""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from smssim.logs.log import QuarantinedError
from smssim.record.record import Record
from smssim.record.storage import is_record, load

if TYPE_CHECKING:
    from smssim.logs.columns.headings import Columns

__all__ = ["read_log"]


def read_log(
    path: str | PathLike[str] | pd.DataFrame,
    *,
    columns: Columns = None,
    tz: str | None = None,
    encoding: str | None = None,
    table: str | None = None,
    id_key: str | bytes | None = None,
    rows: bool = True,
    show_numbers: bool = False,
    strict: bool = False,
) -> Record:
    """Read a file, every file below a directory, or a DataFrame, into one Log.

    Tables and captures are recognised by their content, compressed or not; *columns* is a mapping
    of fields to headings, or a YAML file of one, and *tz* the zone of times that have none.
    *encoding* is that of texts, where it is not what their bytes show, and *table* the one of an
    SQLite database, where several may be a log. With *rows* False only the tallies are stored, in
    memory that does not grow with the log. Phone numbers are masked in the quarantine unless
    *show_numbers*.

    With *id_key* `messages` has a column `id`: the hash of each message's id, keyed with it
    (docs/logs.md, section 6), by which a table of one's own can be joined. The key is not stored.

    A directory that a record was written to is that record, a Run's as a plain Record.

    A record that cannot be used is in `quarantine` with all its reasons; `provenance["counts"]`
    holds `records_in` = `used` + `quarantined` + `duplicates`. Raise a
    ColumnMappingError, a ValueError, for a table that no one could read without more help, and
    says which; with *strict* a QuarantinedError if any record is left out; an OSError for
    a path that cannot be opened.
    """
    if isinstance(path, pd.DataFrame):
        from smssim.logs.reader import LogReader

        with LogReader(columns, tz, encoding, id_key=id_key, show_numbers=show_numbers) as reading:
            reading.read_frame(path)
            return _complete(reading.log("DataFrame", rows=rows), strict=strict)
    if not isinstance(path, str | PathLike):
        raise TypeError(
            "read_log takes a path of a file or directory, or a DataFrame, which pd.DataFrame() "
            f"makes of rows: not {type(path).__name__}"
        )
    path = _possible(Path(path))
    if path.is_dir() and is_record(path):
        return _complete(load(path, rows=rows), strict=strict)
    from smssim.logs.reader import LogReader

    with LogReader(
        columns, tz, encoding, database_table=table, id_key=id_key, show_numbers=show_numbers
    ) as reading:
        reading.read(path)
        log = reading.log(_name_of(path), rows=rows)
    return _complete(log, strict=strict)


def _possible(path: Path) -> Path:
    """The path, if a file can have it. Raise a ValueError for a NUL or half a character."""
    try:
        if b"\0" not in os.fsencode(path):
            return path
    except UnicodeEncodeError:
        pass
    raise ValueError(f"path(={str(path)!r}) must be a path without NUL, in whole characters")


def _complete(log: Record, *, strict: bool) -> Record:
    if strict and log.provenance.get("counts", {}).get("quarantined"):
        raise QuarantinedError(log)
    return log


def _name_of(path: Path) -> str:
    """What a log is called: its file's name without the endings of its form.

    >>> _name_of(Path("exports/2026-03.csv.gz"))
    '2026-03'
    """
    name = path.resolve().name
    for ending in (
        ".gz",
        ".csv",
        ".tsv",
        ".txt",
        ".xlsx",
        ".jsonl",
        ".json",
        ".parquet",
        ".sqlite",
        ".db",
    ):
        name = name.removesuffix(ending)
    return name
