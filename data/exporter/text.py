"""Exports as text: separators, quotes, encodings, and the ways in which a line can be broken."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from exporter.line import Line, Raw

# Stands where bytes go that the encoding does not know.
HOLE = "\ue000"
BAD_BYTES = {"utf-8": b"\xff", "utf-16-le": b"\x00\xdc"}
GMT8_S = 8 * 3_600


@dataclass(frozen=True)
class Form:
    """How one kind of export is written; *shown* makes a text of a field's value."""

    columns: tuple[tuple[str, str], ...]
    shown: Mapping[str, Callable[[Any], str]]
    separator: str = ","
    encoding: str = "utf-8"
    mark: bytes = b""
    end: str = "\r\n"

    def heading(self) -> str:
        """The line of headings."""
        return self.joined(heading for heading, _ in self.columns)

    def joined(self, cells: Iterable[str]) -> str:
        """Cells as one line, quoted where they must be."""
        return self.separator.join(self._quoted(cell) for cell in cells)

    def line(self, line: Line) -> str:
        """A record verbatim from the file, broken if it is."""
        cells = [self._cell(line, field) for _, field in self.columns]
        if line.broken == "bytes":
            cells[-1] += HOLE
        text = self.joined(cells)
        if line.broken == "cut":
            return text[: len(text) // 3]
        if line.broken == "wide":
            return f"{text}{self.separator}x{self.separator}y"
        if line.broken == "quote":
            return text.replace(self.separator, f'{self.separator}"', 1)
        return text

    def write(self, path: Path, lines: list[str]) -> None:
        """Write lines; the same lines give the same bytes, compressed or not."""
        data = "".join(line + self.end for line in lines).encode(self.encoding)
        if HOLE in "".join(lines):
            data = data.replace(HOLE.encode(self.encoding), BAD_BYTES[self.encoding])
        save(path, self.mark + data)

    def _cell(self, line: Line, field: str) -> str:
        value = line.value(field)
        if value is None:
            return ""
        return str(value) if isinstance(value, Raw) else self.shown.get(field, str)(value)

    def _quoted(self, cell: str) -> str:
        if any(mark in cell for mark in (self.separator, '"', "\n")):
            return '"' + cell.replace('"', '""') + '"'
        return cell


class Sheet:
    """A file under way: its lines, and where in it each record went."""

    def __init__(self, form: Form, name: str, before: Iterable[str] = ()) -> None:
        self.form, self.name, self.unit = form, name, 0
        self.lines = [*before, form.heading()]
        self.records: list[Line] = []

    def add(self, line: Line) -> None:
        """A record."""
        line.written.setdefault("no", Raw(len(self.records) + 1))
        self.lines.append(self.form.line(line))
        line.file, line.unit, line.row = self.name, self.unit, len(self.lines)
        self.records.append(line)

    def pass_over(self, text: str) -> None:
        """A line that is no record."""
        self.lines.append(text)

    def head_again(self) -> None:
        """The headings once more, and another unit after them."""
        self.lines.append(self.form.heading())
        self.unit += 1

    def write(self, folder: Path) -> None:
        """Write the file below *folder*."""
        self.form.write(folder / self.name, self.lines)


def save(path: Path, data: bytes) -> None:
    """Write bytes, compressed if the name ends with .gz, with neither name nor time in them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 9, mtime=0) if path.suffix == ".gz" else data)


def time_as(pattern: str, shift_s: int = 0) -> Callable[[int], str]:
    """How a form writes times: by a pattern, on a clock so far ahead of UTC."""

    def shown(second: int) -> str:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second + shift_s)).strftime(
            pattern
        )

    return shown
