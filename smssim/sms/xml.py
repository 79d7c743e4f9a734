"""XML of unknown origin: no DOCTYPE, no entities, no tag or nesting that costs memory or time.

Expat alone refuses what is not well-formed, but would follow the rest to any size.
"""

from __future__ import annotations

from typing import Protocol
from xml.parsers import expat

from smssim.sms.xlsx_guard import Archive

# Expat keeps every element that is open.
MAX_DEPTH = 64
# A tag that is not complete yet is scanned again with every piece.
MAX_TOKEN_BYTES = 2**20
_MAX_SMALL_PART_BYTES = 2**22


class Handler(Protocol):
    """What is called for a part's elements, by their names without prefix."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""

    def end(self, name: str) -> None:
        """End an element."""

    def text(self, data: str) -> None:
        """Take a piece of text."""


class Parser:
    """Gives the elements of one part to a handler, piece by piece.

    A DOCTYPE is refused, and with it every entity; so is a tag beyond 1 MiB.
    """

    def __init__(self, archive: Archive, part: str, handler: Handler) -> None:
        self._archive, self._part = archive, part
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
            rule = f"{self._part} must be well-formed XML ({error})"
            raise self._archive.refusal(rule) from error
        if self._fed - self._expat.CurrentByteIndex > MAX_TOKEN_BYTES:
            raise self._archive.refusal(f"{self._part}: a tag must be <= {MAX_TOKEN_BYTES} bytes")

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
            rule = f"{self._part}: elements must be nested <= {MAX_DEPTH} deep"
            raise self._archive.refusal(rule)
        self._handler.start(name.rpartition(":")[2] if ":" in name else name, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._handler.end(name.rpartition(":")[2] if ":" in name else name)

    def _refuse_doctype(self, *_: object) -> None:
        rule = "a document type declaration (DOCTYPE) must not stand in an XLSX"
        raise self._archive.refusal(f"{self._part}: {rule}")

    def _begin_cdata(self) -> None:
        self._in_cdata = True

    def _end_cdata(self) -> None:
        self._in_cdata = False


def parse_small(archive: Archive, part: str, handler: Handler) -> None:
    """Give the elements of a part of at most 4 MiB to *handler*."""
    if archive.size(part) > _MAX_SMALL_PART_BYTES:
        raise archive.refusal(f"{part} must unpack to <= {_MAX_SMALL_PART_BYTES} bytes")
    parser = Parser(archive, part, handler)
    for chunk in archive.chunks(part):
        parser.feed(chunk)
    parser.close()
