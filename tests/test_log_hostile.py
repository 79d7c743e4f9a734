"""Hostile logs: a sample of the families of `hostile_logs`, and single ones of known kinds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import xlsxwriter
from hostile_logs import FAMILIES, check

from smssim import read_log


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reading_ends_in_a_log_that_adds_up_or_in_a_plain_error(
    tmp_path: Path, family: str
) -> None:
    for number in range(25):
        check(family, number, tmp_path)


def test_bytes_of_a_parquet_file_that_end_arrow_or_leave_its_dictionary(tmp_path: Path) -> None:
    """In a process of its own: where a row group is broken, Arrow ends the whole process."""
    script = (
        "import sys; from pathlib import Path; from hostile_logs import check\n"
        "for number in (100_669, 100_810, 102_380): "
        "check('bent Parquet', number, Path(sys.argv[1]))"
    )
    tests = Path(__file__).parent
    paths = os.pathsep.join(map(str, (tests.parent, tests)))
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", script, tmp_path], env=environment)
    assert done.returncode == 0


def constant(text: str, rows: int) -> pa.Array:
    """A column of one text, which takes next to nothing on disk."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([text]))


def test_a_small_parquet_of_many_rows_is_refused_before_it_is_read(tmp_path: Path) -> None:
    rows = 3_000_000
    columns = {"Send Time": "2026-03-01T10:00:00Z", "Country": "ID", "Status": "DELIVRD"}
    table = pa.table({name: constant(text, rows) for name, text in columns.items()})
    pq.write_table(table, tmp_path / "rows.parquet", compression="zstd")
    with pytest.raises(ValueError, match=r"rows\(=3,000,000\) must be at most 8 per byte"):
        read_log(tmp_path / "rows.parquet")


def test_a_parquet_of_huge_texts_ends_where_they_begin(tmp_path: Path) -> None:
    """Eight texts of 80 kB, 65,536 times."""
    rows = 65_536
    texts = pa.array([f"{n}" + "x" * 80_000 for n in range(8)])
    codes = pa.array(np.arange(rows) % 8, pa.int8())
    columns = {
        "SMS ID": pa.array([f"m{n}" for n in range(rows)]),
        "Send Time": constant("2026-03-01T10:00:00Z", rows),
        "Country": constant("ID", rows),
        "Status": pa.DictionaryArray.from_arrays(codes, texts),
    }
    pq.write_table(pa.table(columns), tmp_path / "texts.parquet", compression="zstd")
    log = read_log(tmp_path / "texts.parquet")
    assert log.quarantine is not None
    assert "texts of Status must be at most" in log.quarantine["reasons"][0]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_table_of_too_many_columns_is_refused(tmp_path: Path, form: str) -> None:
    names = ["SMS ID", "Status", "Send Time", "Country", *(f"c{n}" for n in range(100_000))]
    path = tmp_path / f"wide.{form}"
    row = json.dumps(dict.fromkeys(names, "x"))
    path.write_text(row if form == "jsonl" else ",".join(names) + "\n")
    with pytest.raises(ValueError, match="must have 1,000 columns or fewer, not 100,0"):
        read_log(path)


def test_paths_that_lead_nowhere_are_errors_that_name_them(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    os.symlink(loop, loop)
    for path in (loop, tmp_path / ("x" * 5_000)):
        with pytest.raises(OSError, match=path.name[:50]):
            read_log(path)
    for text in ("a\0b", "a\ud800b"):
        with pytest.raises(ValueError, match=r"must be a path without NUL"):
            read_log(text)


def test_masked_numbers_do_not_merge(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = "".join(f"ID,62****{n:04d},2026-03-01 10:00:00,DELIVRD\n" for n in range(1, 200))
    path.write_text("Country,Number,Send Time,Status\n" + rows)
    log = read_log(path, tz="UTC")
    assert log.messages is not None
    assert len(log.messages) == 199


def test_an_appended_export_is_named_and_every_encoding_that_is_a_guess(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = "".join(f"+6281234567{n:03d},2026-03-01 10:00:00,DELIVRD\n" for n in range(35))
    path.write_text("Phone,Send Time,Status\n" + rows + rows)
    log = read_log(path, tz="UTC")
    (warning,) = log.provenance["warnings"]
    assert "appended to itself, and the 35 rows of that half are left out" in warning
    assert log.messages is not None
    assert log.provenance["counts"]["duplicates"] == len(log.messages) == 35
    path.write_text("Country,Send Time,Status\n" + "ID,2026-03-01 10:00:00,DELIVRD\n" * 40)
    log = read_log(path, tz="UTC")
    assert log.messages is not None
    assert len(log.messages) == 40
    (warning,) = log.provenance["warnings"]
    assert "appended to itself, or holds as many equal messages" in warning
    head = "SMS ID,Phone,Send Time,Template,Status\nm,+6281234567801,2026-03-01 10:00:00,"
    for text, encoding, name in (
        ("验证码模板", "gb18030", "GB18030"),
        ("Café crème", "cp1252", "cp1252"),
    ):
        path.write_bytes((head + text + ",DELIVRD\n").encode(encoding))
        log = read_log(path, tz="UTC")
        assert f"read as {name}" in log.provenance["warnings"][0]
        assert log.messages is not None
        assert log.messages["template"].tolist() == [text]
    path.write_bytes((head + "Привет,DELIVRD\n").encode("cp1251"))
    log = read_log(path, tz="UTC", encoding="cp1251")
    assert log.messages is not None
    assert (log.messages["template"].tolist(), log.provenance["warnings"]) == (["Привет"], [])
    with pytest.raises(ValueError, match=r"encoding\(='klingon'\) must be one"):
        read_log(path, encoding="klingon")


def test_every_sheet_with_a_heading_is_read_and_totals_that_only_begin_so_are_none(
    tmp_path: Path,
) -> None:
    head = ["SMS ID", "Phone", "Send Time", "Status"]
    names = [f"week {n}" for n in range(3)]
    with xlsxwriter.Workbook(tmp_path / "log.xlsx") as book:
        for name in names:
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, head)
            sheet.write_row(1, 0, [name, "+6281234567801", "2026-03-01 10:00:00", "DELIVRD"])
            sheet.write_row(2, 0, ["合计：1 条", "", "", ""])
        book.add_worksheet("notes").write(0, 0, "nothing here")
    log = read_log(tmp_path / "log.xlsx", tz="UTC")
    assert log.messages is not None
    assert (len(log.messages), log.provenance["passed_over"]) == (3, {"total": 3})
    assert [file["sheet"] for file in log.provenance["files"]] == names
    (warning,) = log.provenance["warnings"]
    assert "sheet 'notes' has no heading and is not read" in warning


def test_many_entries_of_one_line_take_time_in_proportion(tmp_path: Path) -> None:
    """40,000 results that break five rules each; the text of their line is masked once."""
    results = [{"smsMsgId": f"m{n}"} for n in range(40_000)]
    request = {"from": "isms1", "to": "+6281234567801", "templateId": "t"}
    line: dict[str, Any] = {"received_at": "2026-03-01T10:00:00Z", "request": request}
    line["answer"] = {"code": "000000", "result": results}
    path = tmp_path / "c.jsonl"
    path.write_text(json.dumps(line) + "\n")
    begin = time.process_time()
    assert read_log(path).provenance["counts"]["quarantined"] == 40_000
    assert time.process_time() - begin < 20
