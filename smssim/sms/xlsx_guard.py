"""Opening an XLSX of unknown origin within limits of bytes, tags and cells.

The sizes and counts that the file declares are not trusted, and nothing outside it is read.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Protocol
from xml.parsers import expat

__all__ = [
    "MAX_DEPTH",
    "MAX_FILE_BYTES",
    "MAX_TAGS",
    "MAX_TOKEN_BYTES",
    "MAX_UNPACKED_BYTES",
    "Archive",
    "Parser",
    "check_extent",
    "parse_small",
]


# Unpacked, a sheet and the texts of a million numbers are 80 to 220 MB, by the program that wrote
# them, and have 6 to 12 million tags. Memory follows the bytes, time follows the tags.
MAX_UNPACKED_BYTES = 300_000_000
MAX_TAGS = 20_000_000
_MAX_ENTRIES = 1_000
_CHUNK_BYTES = 2**16
_ANY_SIZE = 2**62
_ENTRY = b"PK\x01\x02"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PLAIN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# All that zipfile raises for bytes that are no whole archive.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(struct.error, OverflowError, ValueError),
)

# Expat keeps every element that is open.
MAX_DEPTH = 64
# A tag that is not complete yet is scanned again with every piece.
MAX_TOKEN_BYTES = 2**20
_MAX_SMALL_PART_BYTES = 2**22

MAX_FILE_BYTES = 100_000_000
_MAX_CELLS = 6_000_000
"""Cells of the rectangle that those of a sheet span: 90 bytes each, half a million rows of 11."""

_MAX_WORKBOOK_TAGS = 40_000_000

_PLAIN = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_OTHER = re.compile(rb'<(?:c(?=[\s/>])(?! r="[A-Z]{1,3}[0-9]{1,7}")|[^\s/<>]*:|!)|\0')
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_SHEETS, _CELLS = "worksheets/", b"sheetData"
_LONGEST_TAG = 2**20


class Archive:
    """An XLSX of at most *max_bytes*, held packed in memory.

    Raise a ValueError that names the file and the rule for what is empty, larger, no zip, an OLE
    file (an .xls, or an XLSX with a password), or a zip of more than 1,000 entries.
    """

    def __init__(self, file: Path, max_bytes: int, max_tags: int | None = None) -> None:
        self.file = file
        self._bytes_left = MAX_UNPACKED_BYTES
        self._max_tags = self._tags_left = max_tags or MAX_TAGS
        with file.open("rb") as stream:
            packed = stream.read(max_bytes + 1)
        if len(packed) > max_bytes:
            size = file.stat().st_size
            raise self.refusal(f"size(={size} bytes) must be <= {max_bytes}")
        self._check_magic(packed)
        entries = packed.count(_ENTRY)
        if entries > _MAX_ENTRIES:
            raise self.refusal(f"entries(={entries}) of the zip must be <= {_MAX_ENTRIES}")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(packed))
        except _BROKEN as error:
            raise self.refusal(f"must be a whole zip, as an XLSX is ({error})") from error
        self._entries: dict[str, list[zipfile.ZipInfo]] = {}
        for entry in self._zip.infolist():
            self._entries.setdefault(entry.filename.lower(), []).append(entry)

    def refusal(self, rule: str) -> ValueError:
        """Return the error that names the file and the rule it breaks."""
        return ValueError(f"{self.file}: {rule}")

    def _check_magic(self, packed: bytes) -> None:
        if not packed:
            raise self.refusal("size(=0 bytes) must be > 0")
        if packed.startswith(_OLE):
            name = "one with a password" if _ENCRYPTED in packed else "an .xls, or older"
            raise self.refusal(f"must be an XLSX without a password; this is an OLE file, {name}")

    def __contains__(self, member: str) -> bool:
        return member.lower() in self._entries

    def _entry(self, member: str) -> zipfile.ZipInfo:
        entries = self._entries.get(member.lower(), [])
        if len(entries) != 1:
            raise self.refusal(f"entries(={len(entries)}) of {member} must be 1 in an XLSX")
        entry = entries[0]
        if entry.flag_bits & 1:
            raise self.refusal(f"{member} must not be encrypted")
        # Other methods unpack a few bytes to any size in one step.
        if entry.compress_type not in _PLAIN_METHODS:
            raise self.refusal(
                f"{member}: method(={entry.compress_type}) must be stored or deflated"
            )
        return entry

    def members(self) -> list[str]:
        """The names of all parts, in lower case."""
        return list(self._entries)

    def unpacked(self, member: str) -> Iterator[bytes]:
        """Unpack *member* to its real end, for any size that its header declares.

        For parts that another reader unpacks again, which may believe less or more.
        """
        entry = copy(self._entry(member))
        entry.file_size = _ANY_SIZE
        for chunk in self._counted(entry):
            self._bytes_left -= len(chunk)
            if self._bytes_left < 0:
                raise self.refusal(f"unpacked size must be <= {MAX_UNPACKED_BYTES} bytes")
            yield chunk

    def size(self, member: str) -> int:
        """Return the bytes that *part* unpacks to at most."""
        return self._entry(member).file_size

    def chunks(self, member: str) -> Iterator[bytes]:
        """Unpack *part* piece by piece; zipfile stops at the size that its header declares."""
        entry = self._entry(member)
        if entry.file_size > self._bytes_left:
            raise self.refusal(
                f"unpacked size(={entry.file_size} bytes) of {member} must be <= {self._bytes_left}"
            )
        self._bytes_left -= entry.file_size
        return self._counted(entry)

    def _counted(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        for chunk in self._unpacked(entry):
            self._tags_left -= chunk.count(b"<")
            if self._tags_left < 0:
                raise self.refusal(
                    f"{entry.filename}: tags(>{self._max_tags}) must be <= {self._max_tags}"
                )
            yield chunk

    def _unpacked(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        try:
            with self._zip.open(entry) as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    yield chunk
        except _BROKEN as error:
            raise self.refusal(f"{entry.filename} must be whole ({error})") from error


# XML of unknown origin: no DOCTYPE, no entities, no tag or nesting that costs memory or time.


class _Handler(Protocol):
    """What is called for a part's elements, by their names without prefix."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""

    def end(self, name: str) -> None:
        """End an element."""

    def text(self, data: str) -> None:
        """Take a piece of text."""


class Parser:
    """Gives the elements of one part to a handler, piece by piece.

    A DOCTYPE is an error, and with it every entity; so is a tag beyond 1 MiB.
    """

    def __init__(self, archive: Archive, member: str, handler: _Handler) -> None:
        self._archive, self._member = archive, member
        self._fed = 0
        self._in_cdata = False
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._handler, self._depth = handler, 0
        self._expat.StartElementHandler, self._expat.EndElementHandler = self._start, self._end
        self._expat.CharacterDataHandler = handler.text
        self._expat.StartDoctypeDeclHandler = self._refuse_doctype
        self._expat.StartCdataSectionHandler = self._begin_cdata
        self._expat.EndCdataSectionHandler = self._end_cdata

    def feed(self, piece: bytes, last: bool = False) -> None:
        """Parse the next bytes."""
        self._fed += len(piece)
        try:
            self._expat.Parse(piece, last)
        except expat.ExpatError as error:
            rule = f"{self._member} must be well-formed XML ({error})"
            raise self._archive.refusal(rule) from error
        if self._fed - self._expat.CurrentByteIndex > MAX_TOKEN_BYTES:
            raise self._archive.refusal(f"{self._member}: a tag must be <= {MAX_TOKEN_BYTES} bytes")

    def close(self) -> None:
        """End the part, which must be complete."""
        self.feed(b"", last=True)

    @property
    def is_between(self) -> bool:
        """Whether everything is parsed and the next byte is none of a tag, comment or CDATA."""
        return self._expat.CurrentByteIndex == self._fed and not self._in_cdata

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            rule = f"{self._member}: elements must be nested <= {MAX_DEPTH} deep"
            raise self._archive.refusal(rule)
        self._handler.start(name.rpartition(":")[2] if ":" in name else name, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._handler.end(name.rpartition(":")[2] if ":" in name else name)

    def _refuse_doctype(self, *_: object) -> None:
        rule = "a document type declaration (DOCTYPE) must not be in an XLSX"
        raise self._archive.refusal(f"{self._member}: {rule}")

    def _begin_cdata(self) -> None:
        self._in_cdata = True

    def _end_cdata(self) -> None:
        self._in_cdata = False


def parse_small(archive: Archive, member: str, handler: _Handler) -> None:
    """Give the elements of a part of at most 4 MiB to *handler*."""
    if archive.size(member) > _MAX_SMALL_PART_BYTES:
        raise archive.refusal(f"{member} must unpack to <= {_MAX_SMALL_PART_BYTES} bytes")
    parser = Parser(archive, member, handler)
    for chunk in archive.chunks(member):
        parser.feed(chunk)
    parser.close()


# Whether a workbook can be read in bounded memory: what it unpacks to, and how far its cells go.


def check_extent(path: Path) -> None:
    """Raise a ValueError that names the rule which a workbook breaks."""
    archive = Archive(path, MAX_FILE_BYTES, _MAX_WORKBOOK_TAGS)
    if "[content_types].xml" not in archive:
        raise archive.refusal("must be an XLSX: the zip holds no [Content_Types].xml")
    for member in archive.members():
        chunks = archive.unpacked(member)
        if _SHEETS in member and member.endswith(".xml"):
            _check_sheet(archive, member, chunks)
        elif _holds_cells(chunks):
            _parse_sheet(archive, member)


def _holds_cells(chunks: Iterator[bytes]) -> bool:
    """Whether a part that is named like no sheet is one all the same; it is unpacked to its end."""
    holds, tail = False, b""
    for chunk in chunks:
        holds = holds or _CELLS in tail + chunk
        tail = chunk[-len(_CELLS) :]
    return holds


def _check_sheet(archive: Archive, member: str, chunks: Iterator[bytes]) -> None:
    """Look for the cells as nearly all programs write them; a sheet with others is parsed.

    Parsing takes four times as long.
    """
    extent = _Extent(archive, member)
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        cut = data.rfind(b"<")
        data, rest = (data[:cut], data[cut:]) if cut >= 0 else (b"", data)
        if len(rest) > _LONGEST_TAG or _OTHER.search(data):
            _parse_sheet(archive, member)
            return
        extent.add(_PLAIN.findall(data))
    if _OTHER.search(rest):
        _parse_sheet(archive, member)


def _parse_sheet(archive: Archive, member: str) -> None:
    extent = _Extent(archive, member)
    parser = Parser(archive, member, extent)
    for chunk in archive.unpacked(member):
        parser.feed(chunk)
    parser.close()


class _Extent:
    """The rectangle of a sheet's cells."""

    def __init__(self, archive: Archive, member: str) -> None:
        self._archive, self._member = archive, member
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
        """Take a row, or a cell by its position."""
        if name == "c":
            reference = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column += 1
            if reference:
                self._column, self._row = _number(reference[1].encode()), int(reference[2])
            elif "r" in attributes:
                rule = f"cell(={attributes['r'][:20]!r}) must be letters and a row, as in A1"
                raise self._archive.refusal(f"{self._member}: {rule}")
            self._span(self._row, self._column)
        elif name == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isdecimal() and len(number) < 8 else self._row + 1
            self._column = 0

    def end(self, name: str) -> None:
        """Nothing ends that counts."""

    def text(self, data: str) -> None:
        """Texts are bounded by the bytes of the part."""

    def _span(self, rows: int, columns: int) -> None:
        self._rows, self._columns = max(self._rows, rows), max(self._columns, columns)
        if self._rows * self._columns > _MAX_CELLS:
            span = f"rows x columns(={self._rows} x {self._columns})"
            raise self._archive.refusal(f"{self._member}: {span} must be <= {_MAX_CELLS}")


def _number(letters: bytes) -> int:
    """A column's number: A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
