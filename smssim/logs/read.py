"""Read what a customer has into a Log: exports of the console, captures of his server, tables.

docs/logs.md says to the letter what is recognised, what is left out, and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.logs.log import Log, QuarantinedError
from smssim.logs.recount import Recount, ReportCount
from smssim.logs.stored import Array, Stored
from smssim.record.parquet import kinds_in, read_table
from smssim.record.record import Record
from smssim.record.storage import about, is_record, load
from smssim.record.tallies import Tallies

if TYPE_CHECKING:
    import pandas as pd

    from smssim.logs.columns.mapping import Columns


# A messages.parquet of ours read into a Log, with the reports.parquet beside it.

_MAGIC = b"PAR1"
_MESSAGES, _REPORTS = "messages.parquet", "reports.parquet"
_TIMES = ("submitted_at", "final_at", "received_at")


@dataclass(frozen=True)
class Known:
    """What a provenance.json beside the tables tells of them."""

    first_us: int | None = None
    until_us: int | None = None
    name: str | None = None
    currency: str | None = None
    servers: frozenset[str] = frozenset()


def is_ours(path: Path) -> bool:
    """Whether a path is a file of messages that a TableWriter wrote."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return False
        return {"submitted_at", "place", "status"} <= kinds_in(path).keys()
    except (OSError, ValueError):
        return False


def read_ours(path: Path, name: str, *, rows: bool) -> Log:
    """Count a file of messages, and the reports beside it, again from their rows.

    With *rows* they are kept as frames as well. Raise a ValueError for a file that is not whole,
    and for rows that do not lie in the period that a provenance.json beside them tells.
    """
    import pyarrow as pa  # type: ignore[import-untyped]

    beside = path.with_name(_REPORTS)
    reported = path.name == _MESSAGES and beside.is_file()
    try:
        known = _known(path.parent) if path.name == _MESSAGES else Known()
        with Stored(path) as messages:
            if reported:
                with Stored(beside) as reports:
                    tallies, first_us = _counted(messages, reports, known)
            else:
                tallies, first_us = _counted(messages, None, known)
            number = messages.rows
    except (pa.ArrowInvalid, OSError, IndexError) as error:
        raise ValueError(f"{path}: cannot be read on: {error}") from error
    frames: dict[str, pd.DataFrame] = {}
    if rows:
        frames = {"messages": read_table(path)}
        frames |= {"reports": read_table(beside)} if reported else {}
    files = [path, beside] if reported else [path]
    return Log(
        name=known.name or name,
        observed_from=first_us,
        observed_until=tallies.observed_until,
        currency=known.currency,
        tallies=tallies,
        provenance=_provenance(files, number),
        **frames,
    )


def _counted(messages: Stored, reports: Stored | None, known: Known) -> tuple[Tallies, int]:
    """The tallies, and the beginning of the period that they are of."""
    first_us, until_us = _period(messages, reports, known)
    recount = Recount(messages, until_us, known.servers)
    finals = Finals(recount, messages)
    count = None
    if reports is not None:
        count = ReportCount(reports)
        least = reports.least_from("message")
        for chunk in reports.chunks(count.wanted):
            message = chunk.codes["message"]
            number = np.full(chunk.rows, message) if isinstance(message, int) else message
            count.add(chunk, finals.of(number, least[chunk.group]))
    finals.finish()
    return recount.tallies(first_us, count), first_us


class Finals:
    """The times of final statuses by number of the message, of no more messages than are needed.

    Messages are counted as they are read.
    """

    def __init__(self, recount: Recount, messages: Stored) -> None:
        self._recount, self._rows = recount, messages.rows
        self._chunks = messages.chunks(recount.wanted)
        self._first, self._finals = 0, np.empty(0, np.int64)

    def of(self, number: Array, least: int) -> Array:
        """The times of some messages; none before *least* will be asked for again."""
        last = int(number.max())
        if last >= self._rows or int(number.min()) < 0:
            raise IndexError(f"a report of message {last}, of which there are {self._rows}")
        while self._first + len(self._finals) <= last:
            past = min(max(least - self._first, 0), len(self._finals))
            self._first += past
            kept, more = self._finals[past:], self._recount.add(next(self._chunks))
            self._finals = np.concatenate([kept, more]) if len(kept) else more
        times: Array = self._finals.take(number - self._first)
        return times

    def finish(self) -> None:
        """Count the messages that no report asked for."""
        for chunk in self._chunks:
            self._recount.add(chunk)


def _period(messages: Stored, reports: Stored | None, known: Known) -> tuple[int, int]:
    """The period that was observed: as it is told, else from the first time to the last."""
    ranges = [
        table.range_of(name)
        for table in (messages, reports)
        if table is not None
        for name in _TIMES
        if name in table.kinds
    ]
    told = [(low, high) for low, high in ranges if low <= high]
    first_us = min((low for low, _ in told), default=0)
    until_us = max((high for _, high in told), default=0)
    if known.first_us is None or known.until_us is None:
        return first_us, until_us
    if told and not known.first_us <= first_us <= until_us <= known.until_us:
        raise ValueError(
            f"{messages.path}: times from {first_us} to {until_us} us must lie in the period that "
            f"provenance.json tells, {known.first_us} to {known.until_us} us"
        )
    return known.first_us, known.until_us


def _known(directory: Path) -> Known:
    """What is told beside the tables; nothing, where what is told is of no record."""
    if not is_record(directory):
        return Known()
    try:
        told = about(directory)
    except ValueError:
        return Known()
    return Known(
        told["observed_from"],
        told["observed_until"],
        told["name"],
        told["currency"],
        frozenset(_servers(told["provenance"].get("scenario"))),
    )


def _servers(scenario: str | None) -> Iterator[str]:
    """The sources of a scenario whose resends are a server's; its rules are not needed for that."""
    document: dict[str, Any] = json.loads(scenario) if scenario else {}
    for sources in document.values():
        for source in sources if isinstance(sources, list) else ():
            if isinstance(source, dict) and source.get("server_resend"):
                yield source["name"]


def _provenance(files: list[Path], rows: int) -> dict[str, Any]:
    return {
        "log": [str(file) for file in files],
        "files": [{"path": str(file), "form": "Parquet", "kind": "ours"} for file in files],
        "counts": {"records_in": rows, "used": rows, "quarantined": 0, "duplicates": 0},
        "quarantined_by_reason": {},
        "repaired": {},
        "passed_over": {},
        "warnings": [],
        "zone": None,
    }


__all__ = ["Log", "QuarantinedError", "read_log"]


def read_log(
    path: str | PathLike[str],
    *,
    columns: Columns = None,
    tz: str | None = None,
    rows: bool = True,
    show_numbers: bool = False,
    strict: bool = False,
) -> Record:
    """Read a file, or every file below a directory, into one Log.

    Tables and captures are recognised by what stands in them, compressed or not; *columns* is a
    mapping of fields to headings, or a YAML file of one, and *tz* the zone of times that say
    none. With *rows* False only the tallies are kept, in memory that does not grow with the log.
    Phone numbers are masked in the quarantine unless *show_numbers*.

    A directory that a record was written to is that record, a Run's as a plain Record; a single
    file of its messages is counted again from its rows, with the reports beside it.

    A record that cannot be used is in `quarantine` with all its reasons; `provenance["counts"]`
    holds `records_in` = `used` + `quarantined` + `duplicates`. Raise a WrongColumns, a ValueError,
    for a table that nobody could read without more help, and says which; with *strict* a
    QuarantinedError if any record is left out; an OSError for a path that cannot be opened.
    """
    path = Path(path)
    if is_record(path):
        return _complete(load(path, rows=rows), strict=strict)
    if columns is None and is_ours(path):
        return read_ours(path, name_of(path), rows=rows)
    from smssim.logs.reader import Reading

    with Reading(columns, tz, show_numbers=show_numbers) as reading:
        reading.read(path)
        log = reading.log(name_of(path), rows=rows)
    return _complete(log, strict=strict)


def _complete(log: Record, *, strict: bool) -> Record:
    if strict and log.provenance.get("counts", {}).get("quarantined"):
        raise QuarantinedError(log)
    return log


def name_of(path: Path) -> str:
    """What a log is called: its file's name without the endings of its form.

    >>> name_of(Path("exports/2026-03.csv.gz"))
    '2026-03'
    """
    name = path.resolve().name
    for ending in (".gz", ".csv", ".tsv", ".txt", ".xlsx", ".jsonl", ".json", ".parquet"):
        name = name.removesuffix(ending)
    return name
