"""Whether a workbook can be read in bounded memory: what it unpacks to, and how far its cells go.

A few bytes can unpack to gigabytes, and two cells can span a sheet of 17 billion.
"""

from __future__ import annotations

import re
from pathlib import Path

from smssim.recipients.archive import Archive
from smssim.recipients.xml import Parser

MAX_FILE_BYTES = 100_000_000
MAX_CELLS = 12_000_000
"""Cells of the rectangle that the filled ones of a sheet span: a million rows of 11 columns."""

_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")


def check_extent(path: Path) -> None:
    """Raise a ValueError that names the rule which a workbook breaks."""
    archive = Archive(path, MAX_FILE_BYTES)
    for part in archive.parts():
        if part.lower().endswith(".xml") and "worksheets/" in part.lower():
            extent = _Extent(archive, part)
            parser = Parser(archive, part, extent)
            for chunk in archive.unpacked(part):
                parser.feed(chunk)
            parser.close()
        else:
            for _ in archive.unpacked(part):
                pass


class _Extent:
    """The rectangle of a sheet's cells."""

    def __init__(self, archive: Archive, part: str) -> None:
        self._archive, self._part = archive, part
        self._rows = self._columns = 0
        self._row = self._column = 0
        self._top: int | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Count a row, or a cell where it stands."""
        if name == "c":
            self._cell(attributes.get("r"))
        elif name == "row":
            said = attributes.get("r", "")
            self._row = int(said) if said.isdigit() and len(said) < 8 else self._row + 1
            self._column = 0

    def end(self, name: str) -> None:
        """Nothing ends that counts."""

    def text(self, data: str) -> None:
        """Texts are bounded by the bytes of the part."""

    def _cell(self, reference: str | None) -> None:
        found = _REFERENCE.fullmatch(reference) if reference else None
        if found is None:
            self._column += 1
        else:
            self._column = _number(found[1].upper())
            self._row = int(found[2])
        self._rows = max(self._rows, self._row)
        self._columns = max(self._columns, self._column)
        if self._rows * self._columns > MAX_CELLS:
            raise self._archive.refusal(
                f"{self._part}: rows x columns(={self._rows} x {self._columns}) "
                f"must be <= {MAX_CELLS}"
            )


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
