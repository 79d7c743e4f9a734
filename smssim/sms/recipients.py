"""The file of the Group SMS Assistant: an XLSX with phone numbers in column A.

Limits and what happens to duplicates and invalid numbers: DOMAIN.md section 8.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from posixpath import dirname, join, normpath, split

import numpy as np
import numpy.typing as npt

from smssim.sms.phone_numbers import country_index_of, digits_of
from smssim.sms.xlsx_guard import Archive, Parser, parse_small

# Shared strings and cells as XML elements, each as the phone number it holds, or none.

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
        digits = digits_of(_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))
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


class Strings(_Text):
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
    """The cells of a sheet; those of column A are kept until they are taken."""

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
                place = f"column(={_letters(self._column)})"
                raise self._refusal(f"{place} must be empty, only A is read")
            if code != _BLANK:
                self._codes.append(code)
        elif name == "row":
            self.is_between = True
        elif name == "sheetData":
            self.is_between = False

    def _code(self) -> int:
        """Return the code of the current cell; only text and plain values can be numbers."""
        text, kind = self._text, self._kind
        if self._formula:
            return INVALID
        if kind == "inlineStr" or kind == "str":
            return _code_of_text(text)
        if kind == "s" and text:
            return self._shared_code(int(text) if _PLACE.fullmatch(text) else -1)
        if kind == "n":
            return _code_of_number(text)
        return INVALID if text.strip() else _BLANK

    def _shared_code(self, place: int) -> int:
        if not 0 <= place < len(self._shared):
            rule = f"shared string(={place}) must be 0 to {len(self._shared) - 1}"
            raise self._refusal(rule)
        return self._shared[place]

    def _row_of(self, text: str | None) -> int:
        if text is None:
            return self.row + 1
        if not _PLACE.fullmatch(text):
            raise self._refusal(f"row(={text[:20]!r}) after it must be a number")
        return int(text)

    def _column_of(self, reference: str | None) -> int:
        if reference is None:
            return self._column + 1
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise self._refusal(f"cell(={reference[:20]!r}) must be letters and a row, as in A1")
        return 1 if found[1] == "A" else _number(found[1])

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
        self.found: list[dict[str, str]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._element:
            self.found.append({key.rpartition(":")[2]: attributes[key] for key in attributes})

    def end(self, name: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass


def parts_of(archive: Archive) -> tuple[str, str | None]:
    """Return the names of the first sheet's part and of the shared strings', if there are any.

    Raise a ValueError for a zip that is no workbook, and for a first sheet that has no cells.
    """
    book = next((part for _, kind, part in _related(archive, "") if kind == "officeDocument"), "")
    if book not in archive:
        raise archive.refusal("must be an XLSX: the zip holds no workbook")
    sheets = _Attributes("sheet")
    parse_small(archive, book, sheets)
    first = sheets.found[0].get("id") if sheets.found else None
    related = _related(archive, book)
    cells = [part for name, kind, part in related if name == first and kind == "worksheet"]
    if not cells:
        raise archive.refusal("the first sheet must be a worksheet")
    strings = [part for _, kind, part in related if kind == "sharedStrings"]
    return cells[0], strings[0] if strings else None


def _related(archive: Archive, part: str) -> list[tuple[str, str, str]]:
    """Return the ID, kind and part of each relation of *part*; the package itself is ""."""
    folder, name = split(part)
    relations = join(folder, "_rels", f"{name}.rels")
    if relations not in archive:
        raise archive.refusal(f"must be an XLSX: the zip holds no {relations}")
    found = _Attributes("Relationship")
    parse_small(archive, relations, found)
    return [
        (
            relation.get("Id", ""),
            relation.get("Type", "").rpartition("/")[2],
            normpath(join("/", dirname(part), relation.get("Target", ""))).lstrip("/"),
        )
        for relation in found.found
    ]


# How large the file of a Group SMS Assistant task would be, for a task given by count.

_FILE_BYTES = 5_200
_HUNDREDTHS_A_NUMBER, _HUNDREDTHS_A_DIGIT = 650, 53
_SHORTEST, _LONGEST = 5, 15


def estimated_file_bytes(numbers: int, digits: int = 13) -> int:
    """Return the size in bytes of an XLSX with that many numbers as text in column A.

    *digits* is a number's length with its calling code and without its plus. Fitted to 90 files
    that xlsxwriter 3.3 wrote, of 1,000 to 1,000,000 numbers of 10 to 15 digits: the usual mobile
    prefixes of one country or of nine, with random digits after them. It is within 10 % of each:
    above inline strings and below shared strings, which Excel writes too. Numbers that all begin
    with the same five or six digits pack to less, by up to a quarter; other programs and formatted
    cells were not measured. Raise a ValueError for numbers below 0 and for digits not from 5 to 15.

    >>> estimated_file_bytes(150_000, digits=12)
    1934200
    >>> estimated_file_bytes(1_000_000) > 12 * 2**20
    True
    """
    if numbers < 0:
        raise ValueError(f"numbers(={numbers}) must be >= 0")
    if not _SHORTEST <= digits <= _LONGEST:
        raise ValueError(f"digits(={digits}) must be {_SHORTEST} to {_LONGEST}")
    hundredths = numbers * (_HUNDREDTHS_A_NUMBER + _HUNDREDTHS_A_DIGIT * digits)
    return _FILE_BYTES + hundredths // 100


# The cells of column A of an XLSX's first sheet, each as the phone number it holds, or none.

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


MAX_FILE_BYTES = 12 * 2**20
MAX_NUMBERS = 1_000_000


@dataclass(frozen=True, eq=False)
class Recipients:
    """The recipients a file leaves after import, in file order, and what was dropped.

    `country_index` (uint8) points into `countries`; `digits` (int64) are the numbers themselves,
    calling code first, without plus. Both are read-only and of length `kept`; kept, duplicates and
    invalid add up to the file's filled cells without its heading. Numbers are personal data: they
    are not part of the repr.
    """

    countries: tuple[str, ...]
    country_index: npt.NDArray[np.uint8] = field(repr=False)
    kept: int
    duplicates: int
    invalid: int
    digits: npt.NDArray[np.int64] = field(repr=False)


def read_recipients(path: str | os.PathLike[str]) -> Recipients:
    """Read the first sheet of an XLSX of at most 12 MiB and 1,000,000 numbers.

    Dropped and counted as invalid is a filled cell of column A that is no number of a country, is a
    formula (its cached value may be stale), a boolean, an error, a date or a number as short as
    one (at most 2,958,465). Of equal numbers the first is kept, the others count as duplicates.

    Assumption: where DOMAIN.md section 8 is silent, a number may miss its plus, have spaces,
    dashes or brackets, or be a numeric cell, also in scientific notation; digits other than ASCII
    and an apostrophe within the text make it invalid. The first filled cell is a heading, and not
    counted, if it has letters. Hidden rows are read, a merged cell is its first, further sheets
    are ignored, and so is the name of the file (letters, digits and Chinese characters, say older
    Chinese pages).

    Refused with a ValueError that names the file, the row where there is one, and the rule: a file
    that is larger, has more numbers, a filled cell in another column or no valid number; that is no
    whole XLSX (an .xls, a password), has a DOCTYPE, or unpacks to more than 300 MB. The last few
    files are remembered as long as they do not change, because replications read the same one.
    """
    file = Path(path)
    stat = file.stat()
    return _read(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4)
def _read(file: Path, size: int, changed_ns: int) -> Recipients:
    if file.suffix.lower() != ".xlsx":
        raise ValueError(f"{file}: suffix(={file.suffix!r}) must be .xlsx")
    if size > MAX_FILE_BYTES:
        raise ValueError(f"{file}: size(={size} bytes) must be <= {MAX_FILE_BYTES}")
    cells = _cells(file)
    digits = cells[cells > INVALID]
    names, index = country_index_of(digits)
    valid = np.array([name != "" for name in names], dtype=np.bool_)[index]
    digits = digits[valid]
    if not len(digits):
        raise ValueError(f"{file}: valid numbers(=0 of {len(cells)}) must be > 0")
    first = np.sort(np.unique(digits, return_index=True)[1])
    kept = digits[first]
    countries, country_index = country_index_of(kept)
    kept.flags.writeable = country_index.flags.writeable = False
    return Recipients(
        countries=countries,
        country_index=country_index,
        kept=len(kept),
        duplicates=len(digits) - len(kept),
        invalid=len(cells) - len(digits),
        digits=kept,
    )


def _cells(file: Path) -> npt.NDArray[np.int64]:
    """Return the filled cells of column A, without a heading, as `column_a` codes them."""
    cells = array("q")
    heading = 0
    for batch in column_a(Archive(file, MAX_FILE_BYTES)):
        cells.extend(batch)
        heading = int(len(cells) > 0 and cells[0] == HEADING)
        if len(cells) - heading > MAX_NUMBERS:
            raise ValueError(f"{file}: numbers(>{MAX_NUMBERS}) must be <= {MAX_NUMBERS}")
    return np.frombuffer(cells, dtype=np.int64)[heading:]
