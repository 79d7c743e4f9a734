"""Reads a set of files into one Log: parse, spill, join, quarantine."""

from __future__ import annotations

import secrets
import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from smssim.logs.columns.headings import (
    Columns,
    Matching,
    is_heading,
    key_columns,
    match,
    stated_columns,
)
from smssim.logs.columns.rows import Parser
from smssim.logs.files import data_frame
from smssim.logs.files.bytes import check_encoding
from smssim.logs.files.detect import NO_HEADING, files_of, open_file, reread
from smssim.logs.files.format import Capture, Empty, HeadingRules, Opened, Unreadable
from smssim.logs.files.table import Table
from smssim.logs.join.facts import Names, ParsedChunk, Spill
from smssim.logs.join.message_ids import MessageIds
from smssim.logs.join.resolve import REASONS, JoinOutcome, join_facts
from smssim.logs.log import ColumnMappingError, Log
from smssim.logs.quarantine import ColumnHider, Quarantine, TruncationDetector, path_masked

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LogReader"]

_NAMED = (
    "one has two columns that are known, a time or an id among them, or that --columns map.yaml "
    "(columns=) names, a line for each: `field: heading`, as in `submitted: Sent on` (fields: "
    "docs/logs.md, section 2)"
)
_NONE = (
    "none of its records can be used: is each column what it was taken for? --columns map.yaml "
    "(columns=) says which is which and how times are written"
)
_LEFT_OUT = (
    "its second half repeats the first, row by row: the export was probably appended to itself, "
    "and the {:,} rows of that half are left out as duplicates"
)
_COUNTED_TWICE = (
    "its second half repeats the first, row by row: it was appended to itself, or holds as many "
    "equal messages, which no column tells apart; all rows without an id are counted and cost "
    "what they cost, so remove one half if it was appended"
)
_LINES, _WIDTH = 5, 200


@dataclass
class _FileSummary:
    """One table or capture that was read, and what was recognised of it."""

    path: str
    display_path: str
    detected: dict[str, str]
    sheets: int = 1
    matched: dict[str, str] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()
    resolutions_s: dict[str, float] = field(default_factory=dict)
    records: int = 0
    rejected: int = 0
    hider: ColumnHider | None = None
    texts: Callable[[Collection[int]], dict[int, str]] | None = None

    @property
    def label(self) -> str:
        """The file as people may see it, and its sheet if others of the workbook are read."""
        return (
            self.display_path
            if self.sheets < 2
            else f"{self.display_path} [{self.detected['sheet']}]"
        )


class LogReader:
    """The state of one `read_log` between its first file and its Log."""

    def __init__(
        self,
        columns: Columns,
        tz: str | None,
        encoding: str | None,
        *,
        database_table: str | None = None,
        id_key: str | bytes | None = None,
        show_numbers: bool,
    ) -> None:
        self._columns, self._tz = stated_columns(columns), tz
        self._names, self._secret = Names(), secrets.token_bytes(16)
        self._facts, self._quarantine = Spill(), Quarantine(show_numbers=show_numbers)
        self._encoding = None if encoding is None else check_encoding(encoding)
        self._rules = HeadingRules(
            partial(is_heading, mapping=self._columns), partial(key_columns, mapping=self._columns)
        )
        self._database_table = database_table
        self._ids = None if id_key is None else MessageIds(id_key)
        self._requests = count()
        self._sources: list[_FileSummary] = []
        self._repaired: Counter[str] = Counter()
        self._passed_over: Counter[str] = Counter()
        self._warnings: list[str] = []
        self._currency: str | None = None
        self._records, self._sheets = 0, 1

    def __enter__(self) -> Self:
        self._facts.__enter__()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._facts.__exit__(error_type, error, trace)

    def read(self, path: Path) -> None:
        """Read a file, or all below a directory; raise a ValueError for one file that is no log."""
        files = files_of(path)
        if not files.files:
            raise ValueError(f"{path}: holds no file to read")
        for hidden in files.hidden:
            self._warnings.append(
                f"{self._path(hidden)}: ignored, its name begins like a hidden file's"
            )
        for file in files.files:
            parts = open_file(file, self._rules, self._encoding, self._database_table)
            self._sheets = len(parts)
            for opened in parts:
                self._read_opened(opened, alone=not path.is_dir())

        is_database = any("table" in source.detected for source in self._sources)
        if self._database_table is not None and not is_database:
            raise ValueError(
                f"table(={self._database_table!r}) must be one of an SQLite database: "
                f"{self._path(path)} is none"
            )

    def read_frame(self, frame: pd.DataFrame) -> None:
        """Read a DataFrame as a table."""
        table = data_frame.table(frame, self._rules)
        if table.headings:
            self._read_table(table)
        else:
            self._read_opened(Empty(table.path), alone=True)

    def _read_opened(self, opened: Opened, *, alone: bool) -> None:
        if isinstance(opened, Unreadable):
            self._read_unreadable(opened, alone)
        elif isinstance(opened, Empty):
            self._begin(opened.path, {"form": "empty"})
            self._warnings.append(f"{self._path(opened.path)}: the file is empty")
        elif isinstance(opened, Capture):
            self._read_capture(opened)
        else:
            self._read_table(opened)

    def _read_unreadable(self, file: Unreadable, alone: bool) -> None:
        """A file that is no log: an error if it is all there is, else one quarantined record."""
        if alone:
            raise ValueError(self._remedy(file))
        if file.reason == NO_HEADING:
            self._warnings.append(self._remedy(file, 1))
        self._records += 1
        self._quarantine.add(self._path(file.path), 1, (file.reason,), file.text)

    def log(self, name: str, *, rows: bool) -> Log:
        """Put everything together."""
        joined = join_facts(self._facts, self._names, rows=rows)
        self._reject_by_join(joined)
        self._warn_of_appended(joined)
        quarantined, messages = len(self._quarantine), joined.messages
        if self._ids is not None and messages is not None and joined.keys is not None:
            messages = messages.assign(id=self._ids.column(joined.keys))
        resolutions_s = self._resolutions_s()
        return Log(
            name=self._path(name),
            observed_from=joined.observed_from,
            observed_until=joined.observed_until,
            currency=self._currency,
            tallies=joined.tallies,
            messages=messages,
            reports=joined.reports,
            quarantine=self._quarantine.frame(),
            provenance={
                "log": [source.display_path for source in self._sources],
                "files": [self._file_facts(source) for source in self._sources],
                "counts": {
                    "records_in": self._records,
                    "used": joined.used,
                    "quarantined": quarantined,
                    "duplicates": joined.duplicates,
                },
                "quarantined_by_reason": dict(self._quarantine.reasons.most_common()),
                "repaired": dict(self._repaired),
                "passed_over": dict(self._passed_over),
                "warnings": self._warnings,
                "resolution_s": resolutions_s,
                "requests": self._requests_from(joined, resolutions_s),
                "zone": self._tz,
            },
        )

    def _remedy(self, what: Unreadable, most: int = _LINES) -> str:
        """The reason why a file is no log, the remedy, and its first lines, at most *most*."""
        lines = [f"{self._path(what.path)}: {what.reason}"]
        if what.reason == NO_HEADING:
            by_hand = ", ".join(repr(one.heading) for one in self._columns.values() if one.heading)
            lines[0] += f": {_NAMED}{f', now {by_hand}' if by_hand else ''}; it begins with"
            head = self._quarantine.displayed(what.text).splitlines()[:most]
            lines += [textwrap.shorten(line, _WIDTH, placeholder="…") for line in head]
        return "\n".join(lines)

    def _read_capture(self, capture: Capture) -> None:
        from smssim.logs.captures.read import chunks_of, lines_of

        source = self._begin(capture.path, dict(capture.detected))
        number = len(self._sources) - 1
        lines = lines_of(capture.lines)
        chunks = chunks_of(lines, number, self._names, self._secret, self._requests, self._ids)
        self._take(source, chunks)
        source.resolutions_s = {"submitted": 1, "final": 1, "received": 0}
        self._passed_over.update(capture.not_records)

    def _read_table(self, table: Table) -> None:
        try:
            self._matched(table, match(table.headings, self._columns))
        except ColumnMappingError as error:
            message = self._quarantine.displayed(str(error))
            raise ColumnMappingError(f"{self._path(table.path)}: {message}") from None

    def _matched(self, table: Table, matching: Matching) -> None:
        source = self._begin(table.path, dict(table.detected))
        self._warnings += [f"{source.label}: {warning}" for warning in table.warnings]
        source.detected["kind"], source.matched = matching.record_type, dict(matching.columns)
        source.passed_over, source.texts = matching.passed_over, table.texts
        parser = Parser(
            matching,
            self._names,
            self._tz,
            self._secret,
            file=len(self._sources) - 1,
            currency=self._currency,
            ids=self._ids,
        )
        number = None if self._quarantine.shows_numbers else matching.columns.get("number")
        source.hider = ColumnHider.of(table.headings, number, table.cells)
        truncation = TruncationDetector(table)
        self._take(source, truncation.seen(parser.pieces(table)))
        self._warnings += [f"{source.label}: {one}" for one in truncation.warnings()]
        self._warnings += [f"{source.label}: {one}" for one in parser.warnings()]
        source.resolutions_s = parser.time_resolutions_s
        if source.rejected and source.rejected == source.records:
            self._warnings.append(f"{source.label}: {_NONE}")
        self._currency = parser.currency
        self._passed_over.update(table.not_records)

    def _path(self, path: str | Path) -> str:
        """A path as people may see it: a file may be named after a number."""
        return str(path) if self._quarantine.shows_numbers else path_masked(path)

    def _begin(self, path: str, detected: dict[str, str]) -> _FileSummary:
        self._sources.append(_FileSummary(path, self._path(path), detected, self._sheets))
        return self._sources[-1]

    def _take(self, source: _FileSummary, chunks: Iterable[ParsedChunk]) -> None:
        for chunk in chunks:
            source.rejected += len(chunk.rejected)
            source.records += chunk.records
            self._records += chunk.records
            self._repaired.update(chunk.repaired)
            for row, reasons, text in chunk.rejected:
                self._reject(source, row, reasons, text)
            self._facts.add(chunk.sends, chunk.reports)

    def _reject(self, source: _FileSummary, row: int, reasons: tuple[str, ...], text: str) -> None:
        hider = source.hider
        if hider is not None and hider.columns:
            reasons, text = hider.record(reasons, text)
        self._quarantine.add(source.label, row, reasons, text)

    def _reject_by_join(self, joined: JoinOutcome) -> None:
        """Quarantine what the join rejects, its texts read again."""
        wanted: dict[int, set[int]] = defaultdict(set)
        for file, row in zip(
            joined.rejected_by_join["file"].tolist(),
            joined.rejected_by_join["row"].tolist(),
            strict=True,
        ):
            wanted[file].add(row)
        texts_of = {
            file: source.texts(rows) if source.texts else reread(source.path, rows, source.detected)
            for file, rows in wanted.items()
            for source in [self._sources[file]]
        }
        left = joined.reasons.copy()
        for file, row, _, reason in joined.rejected_by_join.tolist():
            text = texts_of[file].get(row, "")
            self._reject(self._sources[file], row, (REASONS[reason],), text)
            left[REASONS[reason]] -= 1
        for reason, records in left.items():
            self._quarantine.count(reason, records)

    def _warn_of_appended(self, joined: JoinOutcome) -> None:
        for (file, unit), repetition in joined.appended.items():
            name = f"{self._sources[file].label}: {f'part {unit + 1}: ' if unit else ''}"
            text = _LEFT_OUT if repetition.is_of_different_rows else _COUNTED_TWICE
            self._warnings.append(name + text.format(repetition.repeated // 2))

    def _requests_from(self, joined: JoinOutcome, resolutions_s: Mapping[str, float]) -> str:
        """Whether the log states which messages are one request, its seconds show it, or none."""
        if joined.states_requests:
            return "stated"
        return "seconds" if resolutions_s.get("submitted", 60) <= 1 else "none"

    def _resolutions_s(self) -> dict[str, float]:
        """The coarsest step that times of each field are written in, over all files, in seconds."""
        coarsest: dict[str, float] = {}
        for source in self._sources:
            for name, seconds in source.resolutions_s.items():
                coarsest[name] = max(seconds, coarsest.get(name, 0))
        return coarsest

    def _file_facts(self, source: _FileSummary) -> dict[str, Any]:
        displayed = self._quarantine.displayed
        return {
            "path": source.display_path,
            **source.detected,
            "records": source.records,
            "columns": {field: displayed(name) for field, name in source.matched.items()},
            "columns_passed_over": list(map(displayed, source.passed_over)),
        }
