"""Where a table's heading stands, and the names of its columns.

What stands before it is a preamble: the title of a report, its period, its author.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from smssim.logs.files.passed import IsHeading

LOOKED_AT = 50
"""Records among which a heading is looked for."""


class Heading(NamedTuple):
    """The place of a heading among the first records, its cells, and the columns they name."""

    place: int
    said: tuple[str, ...]
    names: tuple[str, ...]


def heading(records: Sequence[Sequence[str]], is_heading: IsHeading) -> Heading | None:
    """The first of the first records that is a heading, or None.

    Columns are as many as most records after it have fields, where only blank ones are added or
    left out: some programs end every row, or every row but the heading, with a separator.
    """
    for place, cells in enumerate(records[:LOOKED_AT]):
        if is_heading(cells):
            said = _fitted(cells, records[place + 1 :])
            return Heading(place, said, names(said))
    return None


def _fitted(cells: Sequence[str], after: Sequence[Sequence[str]]) -> tuple[str, ...]:
    widths = Counter(len(record) for record in after if any(cell.strip() for cell in record))
    width = widths.most_common(1)[0][0] if widths else len(cells)
    surplus = [cell for record in after for cell in record[len(cells) : width]]
    surplus += cells[width:]
    if any(cell.strip() for cell in surplus):
        return tuple(cells)
    return (*cells[:width], *[""] * (width - len(cells)))


def names(cells: Sequence[str]) -> tuple[str, ...]:
    """The name of each column, none twice: what stands in brackets is no part of a heading.

    >>> names(["Time", "", " Time "])
    ('Time', '(column 2)', 'Time (column 3)')
    """
    found: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = cell.strip()
        if not name or name in found:
            name = f"{name} (column {place})".lstrip()
        while name in found:
            name += "'"
        found.append(name)
    return tuple(found)
