"""Column A of an XLSX's first sheet: its filled cells, each as the phone number it holds, or none.

Shared strings and cells are read as XML elements, in pieces; plain forms of rows by a pattern.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from posixpath import dirname, join, normpath, split

from smssim.sms.phone_numbers import digits_of
from smssim.sms.xlsx_guard import Archive, Parser, parse_small

__all__ = ["HEADING", "INVALID", "Cells", "column_a", "parts_of"]

INVALID, HEADING = 0, -1
"""A filled cell that is no number, and one that may be a heading for the letters in it."""

_BLANK = -2
# A sheet has 1,048,576 rows; strings beyond two a row are no column of numbers.
_MAX_STRINGS = 2**21
# A cell holds no more in a spreadsheet; a longer text is cut, and is no number either way.
_MAX_TEXT = 32_767
# 9999-12-31 as a spreadsheet counts days; no complete phone number is that short.
_LAST_DATE = 2_958_465
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_PLACE = re.compile(r"[0-9]{1,7}")
_REFERENCE = re.compile(r"([A-Z]{1,3})[1-9][0-9]{0,6}")
# Characters that XML forbids, and the end of a line pasted into a cell, are written so.
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _code_of_text(text: str) -> int:
    digits = digits_of(text)
    if digits:
        return digits
    if not text or text.isspace():
        return _BLANK
    if "_x" in text:
        digits = digits_of(_ESCAPE.sub(lambda matches: chr(int(matches[1], 16)), text))
    if digits:
        return digits
    return HEADING if any(map(str.isalpha, text)) else INVALID


def _code_of_number(text: str) -> int:
    """Return the code of a numeric cell: a number is whole, and too large for a date."""
    plain = text.strip()
    if not plain:
        return _BLANK
    if not _NUMBER.fullmatch(plain):
        return INVALID
    digits = int(plain) if plain.isdigit() and len(plain) < 16 else digits_of(float(plain))
    return digits if digits > _LAST_DATE else INVALID


class _Text:
    """The text of the current string or cell, without its phonetic guide."""

    def __init__(self, archive: Archive) -> None:
        self.is_between = False
        """Whether the next element may be a string, or a row."""
        self._archive = archive
        self._codes = array("q")
        self._text = ""
        self._collecting = False
        self._phonetic = False

    def text(self, data: str) -> None:
        """Take a piece of text."""
        if self._collecting:
            self._text += data
            self._collecting = len(self._text) <= _MAX_TEXT

    def add(self, codes: Iterable[int]) -> None:
        """Take strings or cells that were read otherwise."""
        self._codes.extend(codes)


class _Strings(_Text):
    """The shared strings, each as its code: eight bytes, however long it is."""

    def add(self, codes: Iterable[int]) -> None:
        """Take strings, read here or otherwise."""
        super().add(codes)
        if len(self._codes) > _MAX_STRINGS:
            rule = f"shared strings(>{_MAX_STRINGS}) must be <= {_MAX_STRINGS}"
            raise self._archive.refusal(rule)

    @property
    def codes(self) -> array[int]:
        """The codes so far, in the order of the strings."""
        return self._codes

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin a string, one of its runs, or its phonetic guide."""
        if name == "t":
            self._collecting = not self._phonetic
        elif name == "si":
            self._text, self._phonetic, self.is_between = "", False, False
        elif name == "rPh":
            self._phonetic = True
        elif name == "sst":
            self.is_between = True

    def end(self, name: str) -> None:
        """End a run, or keep the whole string."""
        if name == "t":
            self._collecting = False
        elif name == "si":
            self.add([_code_of_text(self._text)])
            self.is_between = True
        elif name == "sst":
            self.is_between = False


class Cells(_Text):
    """The cells of a sheet; those of column A are stored until they are taken."""

    def __init__(self, archive: Archive, shared: array[int]) -> None:
        super().__init__(archive)
        self.row = 0
        """The number of the current row, or of the last one."""
        self._shared = shared
        self._column = 0
        self._kind = "n"
        self._formula = False

    def take(self) -> array[int]:
        """Return the cells of column A since the last call."""
        taken, self._codes = self._codes, array("q")
        return taken

    def add_shared(self, places: Iterable[int]) -> None:
        """Take cells of column A that hold these shared strings."""
        codes = map(self._shared_code, places)
        self._codes.extend(code for code in codes if code != _BLANK)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin a row, a cell, or what a cell holds."""
        if name == "c":
            self._column = self._column_of(attributes.get("r"))
            self._kind = attributes.get("t", "n")
            self._text, self._formula, self._phonetic = "", False, False
        elif name == "t" or name == "v":
            self._collecting = not self._phonetic
        elif name == "row":
            self.row = self._row_of(attributes.get("r"))
            self._column, self.is_between = 0, False
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._phonetic = True
        elif name == "sheetData":
            self.is_between = True

    def end(self, name: str) -> None:
        """End a text, a cell, or a row."""
        if name == "t" or name == "v":
            self._collecting = False
        elif name == "c":
            code = self._code()
            if code != _BLANK and self._column > 1:
                column = f"column(={_letters(self._column)})"
                raise self._refusal(f"{column} must be empty, only A is read")
            if code != _BLANK:
                self._codes.append(code)
        elif name == "row":
            self.is_between = True
        elif name == "sheetData":
            self.is_between = False

    def _code(self) -> int:
        """Return the code of the current cell; only text and plain values can be numbers."""
        text, cell_type = self._text, self._kind
        if self._formula:
            return INVALID
        if cell_type == "inlineStr" or cell_type == "str":
            return _code_of_text(text)
        if cell_type == "s" and text:
            return self._shared_code(int(text) if _PLACE.fullmatch(text) else -1)
        if cell_type == "n":
            return _code_of_number(text)
        return INVALID if text.strip() else _BLANK

    def _shared_code(self, index: int) -> int:
        if not 0 <= index < len(self._shared):
            rule = f"shared string(={index}) must be 0 to {len(self._shared) - 1}"
            raise self._refusal(rule)
        return self._shared[index]

    def _row_of(self, text: str | None) -> int:
        if text is None:
            return self.row + 1
        if not _PLACE.fullmatch(text):
            raise self._refusal(f"row(={text[:20]!r}) after it must be a number")
        return int(text)

    def _column_of(self, reference: str | None) -> int:
        if reference is None:
            return self._column + 1
        matches = _REFERENCE.fullmatch(reference)
        if matches is None:
            raise self._refusal(f"cell(={reference[:20]!r}) must be letters and a row, as in A1")
        return 1 if matches[1] == "A" else _number(matches[1])

    def _refusal(self, rule: str) -> ValueError:
        return self._archive.refusal(f"row {self.row}, {rule}")


def _number(letters: str) -> int:
    """Return a column's number: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, last = divmod(number - 1, 26)
        letters = chr(65 + last) + letters
    return letters


# Which parts of an XLSX hold its first sheet and its shared strings, by its own relations.


class _Attributes:
    """The attributes of each element of one local name."""

    def __init__(self, element: str) -> None:
        self._element = element
        self.elements: list[dict[str, str]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._element:
            self.elements.append({key.rpartition(":")[2]: attributes[key] for key in attributes})

    def end(self, name: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass


def parts_of(archive: Archive) -> tuple[str, str | None]:
    """Return the names of the first sheet's part and of the shared strings', if there are any.

    Raise a ValueError for a zip that is no workbook, and for a first sheet that has no cells.
    """
    book = next(
        (part for _, cell_type, part in _related(archive, "") if cell_type == "officeDocument"), ""
    )
    if book not in archive:
        raise archive.refusal("must be an XLSX: the zip holds no workbook")
    sheets = _Attributes("sheet")
    parse_small(archive, book, sheets)
    first = sheets.elements[0].get("id") if sheets.elements else None
    related = _related(archive, book)
    cells = [
        part for name, cell_type, part in related if name == first and cell_type == "worksheet"
    ]
    if not cells:
        raise archive.refusal("the first sheet must be a worksheet")
    strings = [part for _, cell_type, part in related if cell_type == "sharedStrings"]
    return cells[0], strings[0] if strings else None


def _related(archive: Archive, part: str) -> list[tuple[str, str, str]]:
    """Return the ID, type and part of each relation of *part*; the package itself is ""."""
    folder, name = split(part)
    relations = join(folder, "_rels", f"{name}.rels")
    if relations not in archive:
        raise archive.refusal(f"must be an XLSX: the zip holds no {relations}")
    matches = _Attributes("Relationship")
    parse_small(archive, relations, matches)
    return [
        (
            relation.get("Id", ""),
            relation.get("Type", "").rpartition("/")[2],
            normpath(join("/", dirname(part), relation.get("Target", ""))).lstrip("/"),
        )
        for relation in matches.elements
    ]


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

    def find(self, data: bytes, offset: int) -> tuple[int, list[int]]:
        """Return where the run that begins at *offset* ends, and its digits."""
        matches = self.run.match(data, offset)
        end = matches.end() if matches else offset
        return end, [int(digits) for digits in self.digits.findall(data, offset, end)]


class _Reader:
    """Reads a part with a parser, but runs of its plain form by pattern."""

    def __init__(self, archive: Archive, part: str, handler: _Strings | Cells, end: bytes) -> None:
        self._chunks = archive.chunks(part)
        self._handler, self._end = handler, end
        self._parser = Parser(archive, part, handler)

    def read(self) -> Iterator[None]:
        """Read the part, pausing after each piece of it."""
        for chunk in self._chunks:
            offset = 0
            while offset < len(chunk):
                offset = self._step(chunk, offset)
            yield
        self._parser.close()
        yield

    def _step(self, chunk: bytes, offset: int) -> int:
        """Read a plain run and the element after it; where neither is in sight, all of the chunk.

        Small pieces are parsed only from one element to the next: an open comment would be scanned
        again with each.
        """
        begin = offset
        if self._handler.is_between and self._parser.is_between:
            offset = self._plain(chunk, begin)
        if 0 < offset == begin:
            self._parser.feed(chunk[offset:])
            return len(chunk)
        end = chunk.find(self._end, offset)
        end = len(chunk) if end < 0 else end + len(self._end)
        self._parser.feed(chunk[offset:end])
        return end

    def _plain(self, chunk: bytes, offset: int) -> int:
        """Read the run of a plain form that begins at *offset*, and return where it ends."""
        if isinstance(self._handler, _Strings):
            end, digits = _PLAIN_STRING.find(chunk, offset)
            self._handler.add(digits)
            return end
        for form in (_PLAIN_INLINE, _PLAIN_SHARED, _PLAIN_NUMERIC):
            end, digits = form.find(chunk, offset)
            if end > offset:
                add = self._handler.add_shared if form is _PLAIN_SHARED else self._handler.add
                last = _ROW.match(chunk, chunk.rfind(b"<row", offset, end))
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
    shared = _Strings(archive)
    if strings is not None:
        for _ in _Reader(archive, strings, shared, b"</si>").read():
            pass
    cells = Cells(archive, shared.codes)
    for _ in _Reader(archive, sheet, cells, b"</row>").read():
        yield cells.take()
