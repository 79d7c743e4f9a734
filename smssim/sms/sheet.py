"""Shared strings and cells as XML elements, each as the phone number it holds, or none.

A string or cell becomes one integer at once, so memory hangs on their number alone.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable

from smssim.sms.phone_numbers import digits_of
from smssim.sms.xlsx_guard import Archive

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
