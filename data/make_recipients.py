"""Write recipients.xlsx: 150,000 fictitious numbers for the Group SMS Assistant.

Numbers follow an integer rule, so the file is the same byte for byte on every machine; 149,500
remain after import, 300 are duplicates and 200 invalid.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import xlsxwriter  # type: ignore[import-untyped]

ROWS = 150_000
DUPLICATES = 300
INVALID = 200

# Share of the kept numbers in per cent, mobile prefix, digits after it.
COUNTRIES = ((60, "+62812", 8), (25, "+6681", 7), (15, "+63917", 7))
# Odd and not divisible by 5: multiplying by it permutes the numbers below a power of ten.
SPREAD = 6_180_339
# Shares no factor with ROWS, so that every row is taken once.
SHUFFLE = 61_813


def valid_numbers(count: int) -> list[str]:
    """Return *count* different numbers, country after country in their shares."""
    numbers: list[str] = []
    for share, prefix, digits in COUNTRIES:
        for i in range(count * share // 100):
            numbers.append(f"{prefix}{i * SPREAD % 10**digits:0{digits}d}")
    return numbers


def rows() -> list[str]:
    """Return the cells of column A in file order."""
    numbers = valid_numbers(ROWS - DUPLICATES - INVALID)
    numbers += numbers[:: len(numbers) // DUPLICATES][:DUPLICATES]
    # Local writing without a calling code, the commonest mistake in such a file.
    numbers += [f"0812{i * 7_919:07d}" for i in range(INVALID)]
    return [numbers[i * SHUFFLE % ROWS] for i in range(ROWS)]


def write(path: Path, cells: list[str]) -> None:
    """Write *cells* as text below a heading; the fixed date keeps the bytes the same."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    book.set_properties({"created": datetime(2024, 1, 22)})
    sheet = book.add_worksheet("recipients")
    sheet.write_string(0, 0, "phone number")
    for row, number in enumerate(cells, start=1):
        sheet.write_string(row, 0, number)
    book.close()


if __name__ == "__main__":
    write(Path(__file__).with_name("recipients.xlsx"), rows())
