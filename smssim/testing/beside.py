"""The neighbourhood of a difference: rows of two tables side by side, and what was put between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

AROUND = 3
"""Rows that are shown before and after the first that differs."""
FARTHEST = 1_000
"""Rows that may have been put in between and are still recognised as such."""
ALIKE = 3
"""Rows that must be alike after a gap, or all that are left, to call it one."""


def beside(a: pd.DataFrame, b: pd.DataFrame, row: int) -> list[str]:
    """The rows around one, each from both tables: `=` where they are alike, else `a` and `b`."""
    header = ("row", "", tuple(str(column) for column in a.columns))
    shown: list[tuple[str, str, tuple[str, ...]]] = [header]
    for place in range(max(0, row - AROUND), row + AROUND + 1):
        own, other = _row(a, place), _row(b, place)
        if own is None and other is None:
            break
        if own is not None and own == other:
            shown.append((f"{place}", "=", own))
        else:
            shown += [(f"{place}", "a", own or ("(no row)",)), ("", "b", other or ("(no row)",))]
    return _lines(shown)


def inserted(a: pd.DataFrame, b: pd.DataFrame, row: int) -> list[str]:
    """A line that says how many rows stand in one table alone from *row* on, if that is so."""
    rest = {"first": _rest(a, row), "second": _rest(b, row)}
    for gap in range(1, FARTHEST + 1):
        for name, other in (("first", "second"), ("second", "first")):
            if _resumes(rest[name], rest[other], gap):
                rows = "a row stands" if gap == 1 else f"{gap:,} rows stand"
                return [f"{rows} in the {name} alone, from row {row:,} on"]
    return []


def _rest(frame: pd.DataFrame, row: int) -> list[tuple[str, ...]]:
    """The rows from one on, as far as anything is looked for."""
    last = min(len(frame), row + FARTHEST + ALIKE + 1)
    columns = [[_text(v) for v in frame[column].iloc[row:last]] for column in frame.columns]
    return list(zip(*columns, strict=True))


def _resumes(longer: list[tuple[str, ...]], shorter: list[tuple[str, ...]], gap: int) -> bool:
    """Whether *longer* goes on after a gap as *shorter* does without one."""
    if gap > len(longer):
        return False
    if not shorter:
        return gap == len(longer)
    alike = shorter[:ALIKE]
    return longer[gap : gap + len(alike)] == alike


def _row(frame: pd.DataFrame, place: int) -> tuple[str, ...] | None:
    """A row as texts, with which NA is like NA; None beyond the end."""
    if place >= len(frame):
        return None
    return tuple(_text(frame[column].iloc[place]) for column in frame.columns)


def _text(value: Any) -> str:
    import pandas as pd

    if pd.isna(value):
        return "NA"
    return (
        value.isoformat(" ").removesuffix("+00:00") if hasattr(value, "isoformat") else f"{value}"
    )


def _lines(rows: list[tuple[str, str, tuple[str, ...]]]) -> list[str]:
    """Rows in columns that line up."""
    cells = [(place, side, *texts) for place, side, texts in rows]
    most = max(map(len, cells))
    widths = [max((len(row[i]) for row in cells if i < len(row)), default=0) for i in range(most)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=False)).rstrip() for row in cells
    ]
