"""The file of the Group SMS Assistant: an XLSX with phone numbers in column A.

Limits and what happens to duplicates and invalid numbers: DOMAIN.md section 8.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from smssim.numbers import countries_of, normalise

MAX_FILE_BYTES = 12 * 2**20
MAX_NUMBERS = 1_000_000
# A file of a few megabytes may unpack to gigabytes; a million numbers need some 100 MB.
MAX_UNPACKED_BYTES = 300_000_000


@dataclass(frozen=True, eq=False)
class Recipients:
    """The recipients a file leaves after import, in file order, and what was dropped.

    `country_index` points into `countries`; kept, duplicates and invalid add up to the file's
    filled cells without its header.
    """

    countries: tuple[str, ...]
    country_index: npt.NDArray[np.uint8]
    kept: int
    duplicates: int
    invalid: int


def read_recipients(path: str | os.PathLike[str]) -> Recipients:
    """Read the first sheet of an XLSX of at most 12 MiB and 1,000,000 numbers.

    A number without a country is invalid, of equal ones the first is kept. Raise a ValueError for a
    file that is larger, has more than column A, or holds no valid number. The last few files are
    remembered as long as they do not change, because replications read the same one.
    """
    file = Path(path)
    _check_bytes(file)
    stat = file.stat()
    return _read(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4)
def _read(file: Path, size: int, changed_ns: int) -> Recipients:
    # One cell more than allowed is enough to know that there are too many.
    cells = islice(_without_header(_column_a(file)), MAX_NUMBERS + 1)
    numbers = [normalise(cell) or "" for cell in cells]
    if len(numbers) > MAX_NUMBERS:
        raise ValueError(f"{file}: numbers(>{MAX_NUMBERS}) must be <= {MAX_NUMBERS}")
    countries = countries_of(numbers)
    valid = [place for place, country in enumerate(countries) if country]
    if not valid:
        raise ValueError(f"{file}: valid numbers(=0) must be > 0")
    digits = np.array([int(numbers[place]) for place in valid], dtype=np.int64)
    first = np.sort(np.unique(digits, return_index=True)[1])
    kept = [countries[valid[place]] for place in first]
    names = {country: index for index, country in enumerate(dict.fromkeys(kept))}
    index = np.array([names[country] for country in kept], dtype=np.uint8)
    index.flags.writeable = False
    return Recipients(
        countries=tuple(names),
        country_index=index,
        kept=len(kept),
        duplicates=len(valid) - len(kept),
        invalid=len(numbers) - len(valid),
    )


def _check_bytes(file: Path) -> None:
    """Refuse a file that is too large, packed or unpacked, before any of it is parsed."""
    size = file.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ValueError(f"{file}: size(={size} bytes) must be <= {MAX_FILE_BYTES}")
    if file.suffix.lower() != ".xlsx":
        raise ValueError(f"{file}: suffix(={file.suffix!r}) must be .xlsx")
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"{file}: must be an XLSX file ({error})") from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise ValueError(
            f"{file}: unpacked size(={unpacked} bytes) must be <= {MAX_UNPACKED_BYTES}"
        )


def _column_a(file: Path) -> Iterator[object]:
    """Yield the filled cells of column A of the first sheet, refusing any other filled cell."""
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_path(file)
        sheet = workbook.get_sheet_by_index(0)
    except python_calamine.CalamineError as error:
        raise ValueError(f"{file}: must be an XLSX file ({error})") from error
    # Calamine starts its rows at the first filled column, which would then pass for column A.
    if sheet.start is not None and sheet.start[1] > 0:
        raise ValueError(f"{file}: column(={sheet.start[1] + 1}) must be empty, only A is read")
    for row_number, row in enumerate(sheet.iter_rows(), start=1):
        for column, cell in enumerate(row[1:], start=2):
            if _is_filled(cell):
                raise ValueError(f"{file}: row {row_number}, column(={column}) must be empty")
        if row and _is_filled(row[0]):
            yield row[0]


def _is_filled(cell: object) -> bool:
    return not isinstance(cell, str) or cell.strip() != ""


def _without_header(cells: Iterator[object]) -> Iterator[object]:
    """Drop the first filled cell if it is a heading: no number, and with letters in it."""
    first = next(cells, None)
    if first is not None and not _is_header(first):
        yield first
    yield from cells


def _is_header(cell: object) -> bool:
    return isinstance(cell, str) and normalise(cell) is None and any(map(str.isalpha, cell))
