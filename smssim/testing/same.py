"""Whether two runs are the same in everything, and if not, where they first part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smssim.record.schema import TABLES
from smssim.record.tallies import NAMES
from smssim.testing.beside import beside, inserted

if TYPE_CHECKING:
    import pandas as pd

    from smssim.record.record import Record

IGNORED = ("machine",)
"""Keys of the provenance that say where a run was made, and not what it is."""
_FIELDS = ("name", "observed_from", "observed_until", "currency")


class Difference(NamedTuple):
    """Where two records differ, and what a reader must see to understand it."""

    place: str
    told: str
    around: Callable[[], list[str]] = list
    """Makes the lines that show its neighbourhood, which takes a while."""


def assert_same(run_a: Record, run_b: Record) -> None:
    """Raise an AssertionError unless two records are the same, value by value and type by type.

    All tables, all tallies, the period, the currency and the provenance are compared, but for the
    machine that the provenance names. Exact: there is no risk of a false alarm.

    The error shows the first difference: its table, row and column, both values, the rows around
    it of both records side by side, and whether rows stand in one of them alone; then what else
    differs, by name.
    """
    differences = _differences(run_a, run_b)
    first = next(differences, None)
    if first is None:
        return
    more = ", ".join(dict.fromkeys(one.place for one in differences if one.place != first.place))
    also = f"\nwhat differs too: {more}" if more else ""
    told = "\n".join([first.place + first.told, *first.around()])
    raise AssertionError(f"{run_a!r} and {run_b!r} differ: {told}{also}")


def _differences(a: Record, b: Record) -> Iterator[Difference]:
    """All differences: what period it is, tables in their order, tallies, provenance."""
    for name in _FIELDS:
        if getattr(a, name) != getattr(b, name):
            yield Difference(name, f": {getattr(a, name)!r} and {getattr(b, name)!r}")
    for name in TABLES:
        yield from _of_frames(name, getattr(a, name), getattr(b, name))
    for name in NAMES:
        yield from _of_frames(f"tallies.{name}", a.tallies.frame(name), b.tallies.frame(name))
    if a.tallies.observed_until != b.tallies.observed_until:
        ends = f": {a.tallies.observed_until} and {b.tallies.observed_until}"
        yield Difference("tallies.observed_until", ends)
    yield from _of_mappings("provenance", a.provenance, b.provenance)


def _of_mappings(place: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys([*a, *b]):
        if place == "provenance" and key in IGNORED:
            continue
        own, other, path = a.get(key), b.get(key), f"{place}.{key}"
        if isinstance(own, Mapping) and isinstance(other, Mapping):
            yield from _of_mappings(path, own, other)
        elif (key in a) != (key in b) or own != other or type(own) is not type(other):
            yield Difference(path, f": {_short(own, key in a)} and {_short(other, key in b)}")


def _short(value: Any, there: bool) -> str:
    text = repr(value) if there else "nothing"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _of_frames(name: str, a: pd.DataFrame | None, b: pd.DataFrame | None) -> Iterator[Difference]:
    if a is None or b is None:
        if a is not b:
            has = ["no table" if one is None else f"{len(one):,} rows" for one in (a, b)]
            yield Difference(name, f": {has[0]} and {has[1]}")
        return
    if list(a.columns) != list(b.columns):
        yield Difference(name, f": columns {list(a.columns)} and {list(b.columns)}")
        return
    yield from _of_rows(name, a, b)
    for column in a.columns:
        if a[column].dtype != b[column].dtype:
            kinds = f": the types are {_kind(a[column])} and {_kind(b[column])}"
            yield Difference(f"{name}.{column}", kinds)
    if not a.index.equals(b.index) and len(a) == len(b):
        yield Difference(name, f": the rows are numbered {a.index!r} and {b.index!r}")


def _of_rows(name: str, a: pd.DataFrame, b: pd.DataFrame) -> Iterator[Difference]:
    """The first row that differs, with its neighbourhood."""
    n = min(len(a), len(b))
    wrong = {column: _unlike(a[column].iloc[:n], b[column].iloc[:n]) for column in a.columns}
    rows = [int(np.argmax(own)) for own in wrong.values() if own.any()]
    row = min(rows, default=n)
    if row == n and len(a) == len(b):
        return
    lengths = "" if len(a) == len(b) else f"\n{len(a):,} and {len(b):,} rows"
    if row == n:
        told = f", row {row:,}: it stands in one of them alone{lengths}"
    else:
        column = next(column for column, own in wrong.items() if own[row])
        values = f"{_said(a[column].iloc[row])} and {_said(b[column].iloc[row])}"
        others = [str(c) for c, own in wrong.items() if own[row] and c != column]
        also = f" (in this row also: {', '.join(others)})" if others else ""
        told = f", row {row:,}, column {column}: {values}{also}{lengths}"
    yield Difference(name, told, lambda: [*beside(a, b, row), *inserted(a, b, row)])


def _unlike(a: pd.Series[Any], b: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where two columns have other values; NA is like NA."""
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


def _said(value: Any) -> str:
    return repr(value.item() if hasattr(value, "item") else value)


def _kind(column: pd.Series[Any]) -> str:
    if str(column.dtype) == "category":
        return _short(f"category of {list(column.cat.categories)}", True)
    return str(column.dtype)
