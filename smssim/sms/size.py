"""How large the file of a Group SMS Assistant task would be, for a task given by count.

The limit of 12 MB (DOMAIN.md section 8) is often reached before that of 1,000,000 numbers.
"""

from __future__ import annotations

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
