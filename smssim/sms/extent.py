"""Whether a workbook can be read in bounded memory: what it unpacks to, and how far its cells go.

A few bytes can unpack to gigabytes, and two cells can span a sheet of 17 billion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from smssim.sms.xlsx_guard import Archive
from smssim.sms.xml import Parser

MAX_FILE_BYTES = 100_000_000
MAX_CELLS = 6_000_000
"""Cells of the rectangle that those of a sheet span: 90 bytes each, half a million rows of 11."""

MAX_TAGS = 40_000_000

_PLAIN = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_OTHER = re.compile(rb'<(?:c(?=[\s/>])(?! r="[A-Z]{1,3}[0-9]{1,7}")|[^\s/<>]*:|!)|\0')
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_SHEETS, _CELLS = "worksheets/", b"sheetData"
_LONGEST_TAG = 2**20


def check_extent(path: Path) -> None:
    """Raise a ValueError that names the rule which a workbook breaks."""
    archive = Archive(path, MAX_FILE_BYTES, MAX_TAGS)
    if "[content_types].xml" not in archive:
        raise archive.refusal("must be an XLSX: the zip holds no [Content_Types].xml")
    for part in archive.parts():
        chunks = archive.unpacked(part)
        if _SHEETS in part and part.endswith(".xml"):
            _check_sheet(archive, part, chunks)
        elif _holds_cells(chunks):
            _parse_sheet(archive, part)


def _holds_cells(chunks: Iterator[bytes]) -> bool:
    """Whether a part that is named like no sheet is one all the same; it is unpacked to its end."""
    found, kept = False, b""
    for chunk in chunks:
        found = found or _CELLS in kept + chunk
        kept = chunk[-len(_CELLS) :]
    return found


def _check_sheet(archive: Archive, part: str, chunks: Iterator[bytes]) -> None:
    """Look for the cells as nearly all programs write them; a sheet with others is parsed.

    Parsing takes four times as long.
    """
    extent = _Extent(archive, part)
    kept = b""
    for chunk in chunks:
        data = kept + chunk
        cut = data.rfind(b"<")
        data, kept = (data[:cut], data[cut:]) if cut >= 0 else (b"", data)
        if len(kept) > _LONGEST_TAG or _OTHER.search(data):
            _parse_sheet(archive, part)
            return
        extent.add(_PLAIN.findall(data))
    if _OTHER.search(kept):
        _parse_sheet(archive, part)


def _parse_sheet(archive: Archive, part: str) -> None:
    extent = _Extent(archive, part)
    parser = Parser(archive, part, extent)
    for chunk in archive.unpacked(part):
        parser.feed(chunk)
    parser.close()


class _Extent:
    """The rectangle of a sheet's cells."""

    def __init__(self, archive: Archive, part: str) -> None:
        self._archive, self._part = archive, part
        self._letters: set[bytes] = set()
        self._rows = self._columns = 0
        self._row = self._column = 0

    def add(self, cells: list[tuple[bytes, bytes]]) -> None:
        """Take cells by the letters and digits of their references."""
        if cells:
            letters, digits = map(set, zip(*cells, strict=True))
            new = letters - self._letters
            self._letters |= new
            self._span(max(map(int, digits)), max(map(_number, new), default=0))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take a row, or a cell where it stands."""
        if name == "c":
            found = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column += 1
            if found:
                self._column, self._row = _number(found[1].encode()), int(found[2])
            elif "r" in attributes:
                rule = f"cell(={attributes['r'][:20]!r}) must be letters and a row, as in A1"
                raise self._archive.refusal(f"{self._part}: {rule}")
            self._span(self._row, self._column)
        elif name == "row":
            said = attributes.get("r", "")
            self._row = int(said) if said.isdecimal() and len(said) < 8 else self._row + 1
            self._column = 0

    def end(self, name: str) -> None:
        """Nothing ends that counts."""

    def text(self, data: str) -> None:
        """Texts are bounded by the bytes of the part."""

    def _span(self, rows: int, columns: int) -> None:
        self._rows, self._columns = max(self._rows, rows), max(self._columns, columns)
        if self._rows * self._columns > MAX_CELLS:
            span = f"rows x columns(={self._rows} x {self._columns})"
            raise self._archive.refusal(f"{self._part}: {span} must be <= {MAX_CELLS}")


def _number(letters: bytes) -> int:
    """A column's number: A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
