"""Whether two runs are the same in everything, and if not, their first difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from smssim.record.schema import TABLES
from smssim.record.tallies import NAMES

if TYPE_CHECKING:
    from smssim.record.record import Record

__all__ = ["assert_same", "first_difference"]

_AROUND = 3
"""Rows that are shown before and after the first that differs."""
_FARTHEST = 1_000
"""Rows that may have been put in between and are still recognised as such."""
_ALIKE = 3
"""Rows that must be alike after a gap, or all that are left, to call it one."""
_IGNORED = ("machine",)
"""Keys of the provenance that describe where a run was made, not the run."""
_FIELDS = ("name", "observed_from", "observed_until", "currency")


class _Difference(NamedTuple):
    """One difference of two records: its path, both values, and the rows around it."""

    path: str
    text: str
    around: Callable[[], list[str]] = list
    """Makes the lines that show the rows around it, which takes a while."""


def assert_same(run_a: Record, run_b: Record) -> None:
    """Raise an AssertionError unless two records are the same, value by value and type by type.

    All tables, all tallies, the period, the currency and the provenance are compared, but for the
    machine that the provenance names. Exact: there is no risk of a false alarm.

    The error shows the first difference: its table, row and column, both values, the rows around
    it of both records side by side, and whether rows are in one of them alone; then what else
    differs, by name.
    """
    differences = _differences(run_a, run_b)
    first = next(differences, None)
    if first is None:
        return
    more = ", ".join(dict.fromkeys(one.path for one in differences if one.path != first.path))
    also = f"\nwhat differs too: {more}" if more else ""
    text = "\n".join([first.path + first.text, *first.around()])
    raise AssertionError(f"{run_a!r} and {run_b!r} differ: {text}{also}")


def first_difference(run_a: Record, run_b: Record) -> str | None:
    """The first value in which the tables and tallies of two records differ, None if in none.

    Types and provenance are not compared: two programs may make equal tables in their own ways.
    """
    pairs = [(name, getattr(run_a, name), getattr(run_b, name)) for name in TABLES]
    pairs += [(f"tallies.{n}", run_a.tallies.frame(n), run_b.tallies.frame(n)) for n in NAMES]
    for name, a, b in pairs:
        if a is not None and b is not None:
            for difference in _of_rows(name, a, b):
                return difference.path + difference.text
        elif a is not b:
            return f"{name}: one has no table"
    return None


def _differences(a: Record, b: Record) -> Iterator[_Difference]:
    """All differences: what period it is, tables in their order, tallies, provenance."""
    for name in _FIELDS:
        if getattr(a, name) != getattr(b, name):
            yield _Difference(name, f": {getattr(a, name)!r} and {getattr(b, name)!r}")
    for name in TABLES:
        yield from _of_frames(name, getattr(a, name), getattr(b, name))
    for name in NAMES:
        yield from _of_frames(f"tallies.{name}", a.tallies.frame(name), b.tallies.frame(name))
    if a.tallies.observed_until != b.tallies.observed_until:
        ends = f": {a.tallies.observed_until} and {b.tallies.observed_until}"
        yield _Difference("tallies.observed_until", ends)
    yield from _of_mappings("provenance", a.provenance, b.provenance)


def _of_mappings(path: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[_Difference]:
    for key in dict.fromkeys([*a, *b]):
        if path == "provenance" and key in _IGNORED:
            continue
        first, second, inner = a.get(key), b.get(key), f"{path}.{key}"
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            yield from _of_mappings(inner, first, second)
        elif (key in a) != (key in b) or first != second or type(first) is not type(second):
            yield _Difference(inner, f": {_short(first, key in a)} and {_short(second, key in b)}")


def _short(value: Any, there: bool) -> str:
    text = repr(value) if there else "nothing"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _of_frames(name: str, a: pd.DataFrame | None, b: pd.DataFrame | None) -> Iterator[_Difference]:
    if a is None or b is None:
        if a is not b:
            has = ["no table" if one is None else f"{len(one):,} rows" for one in (a, b)]
            yield _Difference(name, f": {has[0]} and {has[1]}")
        return
    if list(a.columns) != list(b.columns):
        yield _Difference(name, f": columns {list(a.columns)} and {list(b.columns)}")
        return
    yield from _of_rows(name, a, b)
    for column in a.columns:
        if a[column].dtype != b[column].dtype:
            types = f": the types are {_type(a[column])} and {_type(b[column])}"
            yield _Difference(f"{name}.{column}", types)
    if not a.index.equals(b.index) and len(a) == len(b):
        yield _Difference(name, f": the rows are numbered {a.index!r} and {b.index!r}")


def _of_rows(name: str, a: pd.DataFrame, b: pd.DataFrame) -> Iterator[_Difference]:
    """The first row that differs, with its neighbourhood."""
    n = min(len(a), len(b))
    wrong = {column: _unlike(a[column].iloc[:n], b[column].iloc[:n]) for column in a.columns}
    rows = [int(np.argmax(flags)) for flags in wrong.values() if flags.any()]
    row = min(rows, default=n)
    if row == n and len(a) == len(b):
        return
    lengths = "" if len(a) == len(b) else f"\n{len(a):,} and {len(b):,} rows"
    if row == n:
        text = f", row {row:,}: it is in one of them alone{lengths}"
    else:
        column = next(column for column, flags in wrong.items() if flags[row])
        values = f"{_value(a[column].iloc[row])} and {_value(b[column].iloc[row])}"
        others = [str(c) for c, flags in wrong.items() if flags[row] and c != column]
        also = f" (in this row also: {', '.join(others)})" if others else ""
        text = f", row {row:,}, column {column}: {values}{also}{lengths}"
    yield _Difference(name, text, lambda: [*_side_by_side(a, b, row), *_inserted(a, b, row)])


def _unlike(a: pd.Series[Any], b: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where two columns have different values; NA equals NA."""
    if str(a.dtype) == "category" and a.dtype == b.dtype:
        a, b = a.cat.codes, b.cat.codes
    elif a.dtype != b.dtype or str(a.dtype) == "category":
        a, b = a.astype(object), b.astype(object)
    none, nothing = a.isna().to_numpy(), b.isna().to_numpy()
    same = np.asarray(a.to_numpy(object) == b.to_numpy(object)) if a.dtype == object else None
    if same is None:
        same = (a.reset_index(drop=True) == b.reset_index(drop=True)).fillna(False).to_numpy(bool)
    unlike: np.ndarray[Any, np.dtype[np.bool_]] = ~(same | none) | (none != nothing)
    return unlike


def _value(value: Any) -> str:
    return repr(value.item() if hasattr(value, "item") else value)


def _type(column: pd.Series[Any]) -> str:
    if str(column.dtype) == "category":
        return _short(f"category of {list(column.cat.categories)}", True)
    return str(column.dtype)


def _side_by_side(a: pd.DataFrame, b: pd.DataFrame, row: int) -> list[str]:
    """The rows around one, each from both tables: `=` where they are alike, else `a` and `b`."""
    header = ("row", "", tuple(str(column) for column in a.columns))
    rows: list[tuple[str, str, tuple[str, ...]]] = [header]
    for position in range(max(0, row - _AROUND), row + _AROUND + 1):
        first, second = _row(a, position), _row(b, position)
        if first is None and second is None:
            break
        if first is not None and first == second:
            rows.append((f"{position}", "=", first))
        else:
            rows.append((f"{position}", "a", first or ("(no row)",)))
            rows.append(("", "b", second or ("(no row)",)))
    return _lines(rows)


def _inserted(a: pd.DataFrame, b: pd.DataFrame, row: int) -> list[str]:
    """A line with the number of rows that are in one table alone from *row* on, if any."""
    rest = {"first": _rest(a, row), "second": _rest(b, row)}
    for gap in range(1, _FARTHEST + 1):
        for name, other in (("first", "second"), ("second", "first")):
            if _resumes(rest[name], rest[other], gap):
                rows = "a row stands" if gap == 1 else f"{gap:,} rows stand"
                return [f"{rows} in the {name} alone, from row {row:,} on"]
    return []


def _rest(frame: pd.DataFrame, row: int) -> list[tuple[str, ...]]:
    """The rows from *row* on, as far as they are compared."""
    last = min(len(frame), row + _FARTHEST + _ALIKE + 1)
    columns = [[_text(v) for v in frame[column].iloc[row:last]] for column in frame.columns]
    return list(zip(*columns, strict=True))


def _resumes(longer: list[tuple[str, ...]], shorter: list[tuple[str, ...]], gap: int) -> bool:
    """Whether *longer* goes on after a gap as *shorter* does without one."""
    if gap > len(longer):
        return False
    if not shorter:
        return gap == len(longer)
    alike = shorter[:_ALIKE]
    return longer[gap : gap + len(alike)] == alike


def _row(frame: pd.DataFrame, position: int) -> tuple[str, ...] | None:
    """A row as texts, so that NA equals NA; None beyond the end."""
    if position >= len(frame):
        return None
    return tuple(_text(frame[column].iloc[position]) for column in frame.columns)


def _text(value: Any) -> str:
    if pd.isna(value):
        return "NA"
    return (
        value.isoformat(" ").removesuffix("+00:00") if hasattr(value, "isoformat") else f"{value}"
    )


def _lines(rows: list[tuple[str, str, tuple[str, ...]]]) -> list[str]:
    """Rows in columns that line up."""
    cells = [(number, side, *texts) for number, side, texts in rows]
    most = max(map(len, cells))
    widths = [max((len(row[i]) for row in cells if i < len(row)), default=0) for i in range(most)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=False)).rstrip() for row in cells
    ]
