"""Frames as tables for people: which columns, under which headings, in which unit.

A column's name says its unit (`_s`, `_h`, `_micro`, `_share`, `_at`), so most columns need no word
more; where a frame has an interval, it stands below its figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from smssim.formatting import Grid, count, duration, missing, moment, money, share
from smssim.sms.reference import country_label

__all__ = ["HEADINGS", "grid", "heading"]

HEADINGS = {
    "in_flight": "pending",
    "run_out_projected_at": "forecast to run out",
    "billed_micro": "billed",
    "package_micro": "of packages",
    "cost_micro": "cost",
    "per_delivered": "per delivered",
    "share": "of requested",
    "within_10_s": "within 10 s",
    "within_30_s": "within 30 s",
    "delivered_share": "delivered of sent",
    "in_flight_expected": "of these to arrive",
    "share_of_limit": "of the limit",
    "latency_p50_s": "p50",
    "latency_p95_s": "p95",
    "latency_p99_s": "p99",
    "delay_p50_s": "delay p50",
    "delay_p95_s": "delay p95",
    "delay_p99_s": "delay p99",
    "received_share": "received of known",
    "refused_platform": "rejected by platform",
    "refused_at": "stage",
    "in_force_at": "in force",
    "ends_at": "ends",
    "wall_h": "by the clock",
    "working_h": "in working hours",
    "start": "from",
    "alarm_at": "alarm sent",
    "limit_at": "limit tripped",
    "empty_at": "used up",
    "near_miss": "near miss",
}
"""Headings that are not the column's name without its unit."""
_OF_UNIT = ("value", "a", "b", "difference", "so_far", "rest", "month")
_IN_CELLS = ("share", "s", "h")
_MONEY = "_in_currency"
_WORDS = ("figure", "kind", "entry")
"""Columns of our own names, whose underscores are blanks for people."""
_WHOLE = 100
"""From here on decimals are noise."""
_UNITS = ("_share", "_micro", "_at", "_s", "_h")


def grid(frame: pd.DataFrame, show: Sequence[str], most: int) -> Grid:
    """The first *most* rows of a frame, and of its columns those to *show* that it has.

    Columns in which nothing is known or said are left out. A figure's interval, columns that end in
    `_low` and `_high`, is in its cell, on a line of its own.
    """
    names = [name for name in show if name in frame and _has_values(frame[name])]
    if not names:
        return Grid([], [], "")
    columns = [str(name) for name in frame]
    days = [name for name in names if _is_days(frame[name])]
    rows = [
        [str(row[name])[:10] if name in days else _cell(name, row, columns) for name in names]
        for row in frame.head(most).to_dict("records")
    ]
    more = len(frame) - len(rows)
    notes = [f"and {more:,} more rows, which the workbook has"] if more > 0 else []
    align = "".join("r" if _is_figure(name, frame[name]) else "l" for name in names)
    return Grid([heading(name) for name in names], rows, align, notes)


def heading(name: str) -> str:
    """What stands above a column of that name."""
    if name in HEADINGS:
        return HEADINGS[name]
    unit = next((unit for unit in _UNITS if name.endswith(unit)), "")
    return name.removesuffix(unit).replace("_", " ")


def _cell(name: str, row: dict[Any, Any], columns: Sequence[str]) -> str:
    value, unit = row[name], row.get("unit")
    if name == "country" and isinstance(value, str):
        return country_label(value)
    if name == "unit" and unit in _IN_CELLS:
        return ""  # The cells say it, in minutes or per cent where that suits them.
    named = _named(name, unit) if name in _OF_UNIT else name
    text = _cell_text(named, value)
    text = text.replace("_", " ") if name in _WORDS else text
    ends = _ends(name, columns)
    if missing(value) or ends is None or any(missing(row[end]) for end in ends):
        return text
    low, high = (_cell_text(named, row[end]) for end in ends)
    if low == high and low.endswith("%"):
        # A share that is known better than a tenth of a per cent.
        text, low, high = (f"{100 * v:.2f}%" for v in (value, row[ends[0]], row[ends[1]]))
    return f"{text}\n{low} to {high}"


def _named(name: str, unit: Any) -> str:
    """A column's name with the unit of a row, where rows differ in it and a column says it."""
    if unit in _IN_CELLS:
        return f"{name}_{unit}"
    is_currency = isinstance(unit, str) and len(unit) == 3 and unit.isupper()
    return f"{name}{_MONEY}" if is_currency else name


def _ends(name: str, columns: Sequence[str]) -> tuple[str, str] | None:
    """The columns of a figure's interval, which has the figure's name with its unit or without."""
    unit = next((unit for unit in _UNITS if name.endswith(unit)), "")
    if f"{name}_share" in columns:
        return None  # An interval of that name is the share's, not the count's.
    for stem in (name, name.removesuffix(unit), name.removesuffix(unit).removesuffix("_at")):
        if f"{stem}_low" in columns and f"{stem}_high" in columns:
            return f"{stem}_low", f"{stem}_high"
    return None


def _cell_text(name: str, value: Any) -> str:
    """A value of a column of that name in the unit that suits people; NA is a dash."""
    if isinstance(value, str):
        return value
    if missing(value) or hasattr(value, "strftime"):
        return moment(value)
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else ""
    if "share" in name or name.startswith("within_"):
        return share(value)
    if name.endswith("_expected"):
        return count(value)
    if name == "per_delivered":
        return money(value, 4 if value < 100 else 2)
    if name.endswith("_micro"):
        return money(value / 1e6)
    if name.endswith(_MONEY) and abs(value) >= 1:
        return money(value)
    if name.endswith(("_s", "_h")):
        return duration(value * (3_600 if name.endswith("_h") else 1))
    if float(value).is_integer():
        return count(value)
    return f"{float(value):,.0f}" if abs(value) >= _WHOLE else f"{float(value):.4g}"


def _has_values(column: pd.Series[Any]) -> bool:
    return bool((column.notna() & (column != "").fillna(False)).any())


def _is_days(column: pd.Series[Any]) -> bool:
    """Whether a column holds midnights alone, which are days."""
    return column.dtype.kind == "M" and bool((column.dt.normalize() == column).all())


def _is_figure(name: str, column: pd.Series[Any]) -> bool:
    return column.dtype.kind in "iuf" and name != "package"
