"""Tables for spreadsheets, CSV and XLSX, in which no cell is executed when they are opened.

A text that a spreadsheet would take for a formula gets an apostrophe before it, which `bare` takes
away again; a phone number or a figure, such as +6281234567890 or -0.5, stays as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from smssim.record.storage import whole_file

__all__ = ["LONGEST", "MOST_ROWS", "bare", "neutral", "safe", "write_csv", "write_xlsx"]

MOST_ROWS = 1_048_575
"""Rows of a worksheet below its heading."""
LONGEST = 32_767
"""Characters of a cell of a worksheet."""
_LONGEST_NAME = 31
_FIRST_YEAR, _TIME_WIDTH = 1900, 19
_EXACT = 10**15
"""Integers up to here a spreadsheet keeps to the last digit."""
_FORMULA = re.compile("'*(?:[\t\r\n]|[\\s\u200b\ufeff]*[-=+@\uff0d\uff1d\uff0b\uff20])")
_FIGURE = re.compile("'*[+-]?[0-9]+([.][0-9]+)?")


def neutral(text: str) -> str:
    """The text as a cell that is not executed.

    >>> neutral("=1+1"), neutral("+6281234567890"), neutral("-0.5"), neutral("a=b")
    ("'=1+1", '+6281234567890', '-0.5', 'a=b')
    """
    return f"'{text}" if _is_formula(text) else text


def bare(text: str) -> str:
    """The text that a neutral cell was made of; any other text as it is.

    >>> bare("'=1+1"), bare("'tis")
    ('=1+1', "'tis")
    """
    return text[1:] if text.startswith("'") and _is_formula(text) else text


def _is_formula(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _FIGURE.fullmatch(text)


def safe(frame: pd.DataFrame, *, times_as_text: bool = True) -> pd.DataFrame:
    """A copy whose texts and headings are neutral, and whose times are texts of ISO 8601.

    Times are UTC with a "Z", in microseconds where a column has any; naive ones are taken as UTC,
    and are dates where all of a column are midnights. Without *times_as_text* they stay times, in
    UTC without a zone, as a worksheet has them. What is missing stays missing.
    """
    columns = {}
    for index, name in enumerate(frame.columns):
        column = frame.iloc[:, index]
        heading = neutral(str(name))
        if heading in columns:
            raise ValueError(f"columns(={list(frame.columns)}) must have names of their own")
        columns[heading] = _column(column, times_as_text)
    return pd.DataFrame(columns, index=frame.index)


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a CSV file of `safe` cells, UTF-8 with a byte order mark, so that Excel knows it."""
    cells = safe(frame)
    with whole_file(path) as new:
        cells.to_csv(new, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def write_xlsx(frames: Mapping[str, pd.DataFrame], path: str | Path) -> None:
    """Write an XLSX workbook of `safe` cells, one worksheet per frame; the same frames give the
    same bytes.

    Times are dates of the spreadsheet, in UTC, to filter and to pivot: they have no zone, and are
    read to the millisecond. A column of nothing but midnights has no time of day. Texts are texts:
    neither formulas nor links are made of them, and one of more than 32,767 characters is cut and
    ends in an ellipsis. Integers above 10**15, which a spreadsheet would round, are texts, too.
    Raise a ValueError for the name of a worksheet that is not 1 to 31 characters without []:*?/\\,
    or appears twice, and for a frame of more rows than one holds.
    """
    _check(frames)
    settings = dict.fromkeys(
        ("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False
    )
    with whole_file(path) as new, _workbook(new, {**settings, "constant_memory": True}) as book:
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
        dates = book.add_format({"num_format": "yyyy-mm-dd"})
        times = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for name, frame in frames.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            cells = safe(frame, times_as_text=False)
            formats = {}
            for column, (heading, dtype) in enumerate(cells.dtypes.items()):
                if dtype.kind == "M":
                    formats[column] = dates if _are_midnights(cells[heading]) else times
                    sheet.set_column(column, column, _TIME_WIDTH)
            for row, values in enumerate(_rows(cells)):
                for column, value in enumerate(values):
                    if isinstance(value, datetime) and value.year >= _FIRST_YEAR:
                        sheet.write_datetime(row, column, value, formats[column])
                    else:
                        _write(sheet, row, column, value)


@contextmanager
def _workbook(path: Path, settings: Mapping[str, Any]) -> Iterator[Any]:
    """An open workbook, whose errors of writing are OSErrors."""
    import xlsxwriter  # type: ignore[import-untyped]

    try:
        with xlsxwriter.Workbook(str(path), settings) as book:
            yield book
    except xlsxwriter.exceptions.FileCreateError as error:
        cause = error.args[0] if error.args else error
        raise cause if isinstance(cause, OSError) else OSError(str(cause)) from error


def _check(frames: Mapping[str, pd.DataFrame]) -> None:
    if not frames:
        raise ValueError("frames must hold a worksheet")
    if len({name.lower() for name in frames}) < len(frames):
        raise ValueError(f"frames(={list(frames)}) must have names that differ in their letters")
    for name, frame in frames.items():
        whole = name == name.strip("'") and not re.search(r"[\[\]:*?/\\]", name)
        if not whole or not 1 <= len(name) <= _LONGEST_NAME:
            rule = f"1 to {_LONGEST_NAME} characters without []:*?/\\ and quotes at its ends"
            raise ValueError(f"the name of a worksheet(={name!r}) must be {rule}")
        if len(frame) > MOST_ROWS:
            message = f"len(frame)(={len(frame):,}) must be <= {MOST_ROWS:,}"
            raise ValueError(f"{message}, the rows of a worksheet: {name}")


def _rows(cells: pd.DataFrame) -> Iterable[tuple[Any, ...]]:
    yield tuple(cells.columns)
    values = cells.astype(object).to_numpy(copy=True)
    values[cells.isna().to_numpy()] = None
    yield from map(tuple, values)


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool | np.bool_):
        sheet.write_boolean(row, column, bool(value))
    elif isinstance(value, int | float | np.number) and _is_exact(value):
        sheet.write_number(row, column, value)
    else:
        text = str(value)
        cut = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}\u2026"
        sheet.write_string(row, column, cut)


def _is_exact(value: Any) -> bool:
    """Whether a spreadsheet holds a number as it is."""
    if isinstance(value, int | np.integer):
        return abs(int(value)) <= _EXACT
    return math.isfinite(value)


def _column(column: pd.Series[Any], times_as_text: bool) -> pd.Series[Any]:
    dtype = str(column.dtype)
    if dtype.startswith("datetime64"):
        return _times(column) if times_as_text else _utc(column)
    if dtype == "category":
        # A category a label, as two labels may become the same text.
        return _column(column.astype(column.cat.categories.dtype), times_as_text)
    if dtype in ("str", "string"):
        texts = {value: neutral(value) for value in column.dropna().unique()}
        return column.map(texts)
    return column.map(_cell, na_action="ignore") if dtype == "object" else column


def _cell(value: Any) -> Any:
    """A value of a column of all kinds: what is no number is a text."""
    number = isinstance(value, int | float | np.number | np.bool_)
    return value if number else neutral(str(value))


def _utc(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column


def _are_midnights(times: pd.Series[Any]) -> bool:
    known = times.dropna()
    return bool((known == known.dt.normalize()).all())


def _times(column: pd.Series[Any]) -> pd.Series[Any]:
    utc = _utc(column)
    instants = utc.dropna().to_numpy().astype("datetime64[us]")
    dates = column.dt.tz is None and _are_midnights(utc)
    whole = bool((instants == instants.astype("datetime64[s]")).all())
    if dates:
        texts_of_instants = np.datetime_as_string(instants, unit="D").tolist()
    else:
        texts_of_instants = np.datetime_as_string(instants, unit="s" if whole else "us").tolist()
    texts = np.full(len(utc), None, object)
    texts[utc.notna().to_numpy()] = [text if dates else f"{text}Z" for text in texts_of_instants]
    return pd.Series(texts, column.index, dtype="str")
