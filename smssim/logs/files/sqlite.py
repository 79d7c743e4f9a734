"""SQLite: a table or view of a database that is opened for reading alone, its cells as texts."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.logs.files.bytes import LONGEST, LONGEST_SHOWN
from smssim.logs.files.format import Head, HeadingRules
from smssim.logs.files.table import Batch, RecordFilter, Table, check_columns, names
from smssim.logs.join.facts import RejectedRow
from smssim.logs.log import ColumnMappingError

__all__ = ["BEGINS", "FORMS", "IS_BINARY", "reread", "tables"]

FORMS: tuple[str, ...] = ("SQLite",)
IS_BINARY = True
BEGINS = re.compile(b"SQLite format 3\0")

_BATCH_ROWS = 16_384
_NAMES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
)


def tables(head: Head, rules: HeadingRules) -> Iterator[Table]:
    """The table or view that is asked for, else the only table that has a heading.

    Raise a ColumnMappingError that names the tables where none is asked for and not one of them
    alone can be read, a ValueError for a database that is broken or locked.
    """
    with _opened(head.path) as database:
        headings = {name: _headings(database, name) for name in _table_names(database)}
        name = head.table
        if name is None:
            name = _only(headings, rules)
        elif name not in headings:
            headings[name] = _headings(database, name)
    yield _table(head, name, headings[name], rules)


def _only(headings: Mapping[str, tuple[str, ...]], rules: HeadingRules) -> str:
    """The one table that has a heading."""
    readable = [name for name, cells in headings.items() if rules.is_heading(cells)]
    if len(readable) == 1:
        return readable[0]
    which = ", ".join(map(repr, readable or headings)) or "none"
    problem = "several tables that may be" if readable else "no table that is recognised as"
    raise ColumnMappingError(
        f"the database has {problem} a log: name one with --table (table=); there is {which}"
    )


def _table(head: Head, name: str, headings: tuple[str, ...], rules: HeadingRules) -> Table:
    check_columns(len(headings))
    headings = names(headings)
    not_records: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        not_records.clear()
        record_filter = RecordFilter(headings, rules.keys(headings), not_records)
        first = 1
        try:
            for rows in _rows(head.path, name):
                yield from _batch(rows, first, record_filter)
                first += len(rows)
        except ValueError as error:
            yield from _batch([], first, record_filter, str(error))

    detected = {"form": FORMS[0], "table": name}
    return Table(str(head.path), headings, batches, detected, not_records)


def _batch(
    rows: list[tuple[Any, ...]], first: int, record_filter: RecordFilter, broken: str = ""
) -> Iterator[Batch]:
    """The records of some rows; those with bytes that are no text are rejected, and what is
    *broken* after them.
    """
    headings = record_filter.headings
    texts, numbers = [], []
    rejected = [RejectedRow(first, (broken,), "")] if broken else []
    for number, row in enumerate(rows, first):
        try:
            texts.append([_cell(value) for value in row])
            numbers.append(number)
        except UnicodeDecodeError:
            reason = "bytes do not decode as UTF-8"
            rejected.append(RejectedRow(number, (reason,), _row_text(headings, row)))
    columns = {
        name: pa.array([cells[position] for cells in texts], pa.string())
        for position, name in enumerate(headings)
    }
    yield from record_filter.batches(
        columns,
        np.array(numbers, np.int64),
        rejected,
        lambda row: _row_text(headings, rows[row - first]),
        (),
    )


def _cell(value: Any) -> str | None:
    """A cell as text: whole numbers without a point, as long as a float holds all their digits."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and value.is_integer():
        return str(int(value)) if abs(value) < 2**53 else f"{value:.16E}"
    return None if value is None else str(value)


def _row_text(headings: tuple[str, ...], row: tuple[Any, ...]) -> str:
    """A row as a JSON object."""
    values = [v.decode(errors="replace") if isinstance(v, bytes) else v for v in row]
    cells = dict(zip(headings, values, strict=True))
    return json.dumps(cells, ensure_ascii=False)[:LONGEST_SHOWN]


def _rows(path: Path, name: str) -> Iterator[list[tuple[Any, ...]]]:
    """All rows of a table in the order of their rowids, of a view as it gives them."""
    with _opened(path) as database:
        try:
            cursor = database.execute(f"SELECT * FROM {_quoted(name)} ORDER BY rowid")
        except sqlite3.OperationalError:
            cursor = database.execute(f"SELECT * FROM {_quoted(name)}")
        while rows := cursor.fetchmany(_BATCH_ROWS):
            yield rows


def reread(
    path: Path, rows: Collection[int], detected: Mapping[str, str]
) -> Iterator[tuple[int, str]]:
    """Some rows as JSON objects."""
    first = 1
    with _opened(path) as database:
        headings = names(_headings(database, detected["table"]))
    for batch in _rows(path, detected["table"]):
        for row in rows:
            if first <= row < first + len(batch):
                yield row, _row_text(headings, batch[row - first])
        first += len(batch)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A database that nothing is written to, and whose schema may call no function.

    Raise a ValueError for one that cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = bytes
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
            database.execute("PRAGMA trusted_schema = OFF")
            yield database
    except sqlite3.Error as error:
        raise ValueError(f"the database cannot be read: {error}") from error


def _table_names(database: sqlite3.Connection) -> list[str]:
    return [name.decode(errors="replace") for (name,) in database.execute(_NAMES)]


def _headings(database: sqlite3.Connection, name: str) -> tuple[str, ...]:
    """The names of the columns of a table or view."""
    cursor = database.execute(f"SELECT * FROM {_quoted(name)} LIMIT 0")
    return tuple(str(column[0]) for column in cursor.description)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
