"""The file of the Group SMS Assistant: an XLSX with phone numbers in column A.

Limits and what happens to duplicates and invalid numbers: DOMAIN.md section 8.
"""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from smssim.sms.phone_numbers import country_index_of
from smssim.sms.xlsx_guard import Archive
from smssim.sms.xlsx_numbers import HEADING, INVALID, column_a

__all__ = ["MAX_FILE_BYTES", "MAX_NUMBERS", "Recipients", "estimated_file_bytes", "read_recipients"]

MAX_FILE_BYTES = 12 * 2**20
MAX_NUMBERS = 1_000_000
_FILE_BYTES = 5_200
_HUNDREDTHS_A_NUMBER, _HUNDREDTHS_A_DIGIT = 650, 53
_SHORTEST, _LONGEST = 5, 15


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
    dashes, brackets or characters that no one sees, or be a numeric cell, also in scientific
    notation; digits other than ASCII and an apostrophe within the text make it invalid. The first
    filled cell is a heading, and not counted, if it has letters. Hidden rows are read, a merged
    cell is its first, further sheets are ignored, and so is the name of the file (letters, digits
    and Chinese characters, say older Chinese pages).

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


def estimated_file_bytes(numbers: int, digits: int = 13) -> int:
    """Return the size in bytes of an XLSX with that many numbers as text in column A.

    *digits* is a number's length with its calling code and without its plus. Fitted to 90 files
    that xlsxwriter 3.3 wrote, of 1,000 to 1,000,000 numbers of 10 to 15 digits: the usual mobile
    prefixes of one country or of nine, with random digits after them. It is within 10% of each:
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
