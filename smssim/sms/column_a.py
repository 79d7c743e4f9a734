"""The cells of column A of an XLSX's first sheet, each as the phone number it holds, or none.

Every other column is looked at only to see that it is empty (DOMAIN.md section 8).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

from smssim.sms.sheet import Cells, Strings
from smssim.sms.workbook import parts_of
from smssim.sms.xlsx_guard import Archive
from smssim.sms.xml import Parser

# A million rows mostly have one plain form, and a pattern reads it ten times as fast as a parser.
# Whatever is not exactly of that form goes to the parser, which finds the same in plain rows, too.
_ATTRIBUTES = r'(?: [a-zA-Z0-9:]+="[a-zA-Z0-9_.:# -]*")*+'
_DIGITS = r"\+([1-9][0-9]{4,14})"
_CELL = rf'<row r="[1-9][0-9]{{0,6}}"{_ATTRIBUTES}><c r="A[1-9][0-9]{{0,6}}"(?: s="[0-9]+")?'
_STRING = rf"<si><t{_ATTRIBUTES}>{_DIGITS}</t>(?:<phoneticPr{_ATTRIBUTES}/>)?</si>"
_INLINE = rf'{_CELL} t="inlineStr"><is><t{_ATTRIBUTES}>{_DIGITS}</t></is></c></row>'
_SHARED = rf'{_CELL} t="s"><v>([0-9]{{1,7}})</v></c></row>'
# Eight digits are beyond what could be a date.
_NUMERIC = rf'{_CELL}(?: t="n")?><v>([1-9][0-9]{{7,14}})</v></c></row>'
_ROW = re.compile(rb'<row r="([0-9]+)')


class _Plain:
    """A plain form: how many of it follow each other, and the digits in each."""

    def __init__(self, form: str) -> None:
        self.run = re.compile(f"(?:{form})*+".encode())
        self.digits = re.compile(form.encode())

    def find(self, data: bytes, place: int) -> tuple[int, list[int]]:
        """Return where the run that begins at *place* ends, and its digits."""
        found = self.run.match(data, place)
        end = found.end() if found else place
        return end, [int(digits) for digits in self.digits.findall(data, place, end)]


class _Reader:
    """Reads a part with a parser, but runs of its plain form by pattern."""

    def __init__(self, archive: Archive, part: str, handler: Strings | Cells, end: bytes) -> None:
        self._chunks = archive.chunks(part)
        self._handler, self._end = handler, end
        self._parser = Parser(archive, part, handler)

    def read(self) -> Iterator[None]:
        """Read the part, pausing after each piece of it."""
        for chunk in self._chunks:
            place = 0
            while place < len(chunk):
                place = self._step(chunk, place)
            yield
        self._parser.close()
        yield

    def _step(self, chunk: bytes, place: int) -> int:
        """Read a plain run and the element after it; where neither is in sight, all of the chunk.

        Small pieces are parsed only from one element to the next: an open comment would be scanned
        again with each.
        """
        begin = place
        if self._handler.is_between and self._parser.is_between:
            place = self._plain(chunk, begin)
        if 0 < place == begin:
            self._parser.feed(chunk[place:])
            return len(chunk)
        end = chunk.find(self._end, place)
        end = len(chunk) if end < 0 else end + len(self._end)
        self._parser.feed(chunk[place:end])
        return end

    def _plain(self, chunk: bytes, place: int) -> int:
        """Read the run of a plain form that begins at *place*, and return where it ends."""
        if isinstance(self._handler, Strings):
            end, digits = _PLAIN_STRING.find(chunk, place)
            self._handler.add(digits)
            return end
        for form in (_PLAIN_INLINE, _PLAIN_SHARED, _PLAIN_NUMERIC):
            end, digits = form.find(chunk, place)
            if end > place:
                add = self._handler.add_shared if form is _PLAIN_SHARED else self._handler.add
                last = _ROW.match(chunk, chunk.rfind(b"<row", place, end))
                self._handler.row = int(last[1]) if last else 0
                add(digits)
                break
        return end


_PLAIN_STRING, _PLAIN_INLINE = _Plain(_STRING), _Plain(_INLINE)
_PLAIN_SHARED, _PLAIN_NUMERIC = _Plain(_SHARED), _Plain(_NUMERIC)


def column_a(archive: Archive) -> Iterator[array[int]]:
    """Yield the filled cells of column A in file order, some thousand at a time.

    A cell is its number's digits as an integer, or `INVALID`, or `HEADING`. Raise a ValueError that
    names the row for a filled cell in another column and for a cell that points nowhere.
    """
    sheet, strings = parts_of(archive)
    shared = Strings(archive)
    if strings is not None:
        for _ in _Reader(archive, strings, shared, b"</si>").read():
            pass
    cells = Cells(archive, shared.codes)
    for _ in _Reader(archive, sheet, cells, b"</row>").read():
        yield cells.take()
