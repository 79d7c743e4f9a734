"""Which character separates the fields of a text table.

It is the one by which most lines have the same number of fields, as nobody says it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

SEPARATORS = {b",": "comma", b";": "semicolon", b"\t": "tab", b"|": "bar"}
LOOKED_AT = 100
"""Lines that decide."""

_QUOTED = re.compile(rb'"[^"\n]*"')


def separator(lines: Iterable[bytes]) -> bytes | None:
    """The separator of lines, the blank ones left out, or None where none makes two fields.

    >>> separator([b"time;cost", b"2024-05-01;1,5", b"2024-05-02;2,5"])
    b';'
    """
    plain = [_QUOTED.sub(b"", line) for line in lines if line.strip()]
    found = {mark: _agreement(plain, mark) for mark in SEPARATORS}
    best = max(found, key=lambda mark: found[mark])
    return best if found[best][0] else None


def _agreement(lines: list[bytes], mark: bytes) -> tuple[int, int]:
    """How many lines agree, and on how many marks; of equal numbers more fields are better."""
    counts = Counter(line.count(mark) for line in lines)
    counts.pop(0, None)
    return max(((agreeing, marks) for marks, agreeing in counts.items()), default=(0, 0))
