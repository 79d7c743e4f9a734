"""The Group SMS Assistant's file: what is kept, what is counted out, what is refused."""

from __future__ import annotations

import runpy
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import phonenumbers
import pytest
import python_calamine
import xlsxwriter  # type: ignore[import-untyped]

from smssim.sms import recipients as imported
from smssim.sms import xlsx_guard as archive
from smssim.sms.phone_numbers import normalise
from smssim.sms.recipients import read_recipients

DATA = Path(__file__).parents[1] / "data"


def workbook(path: Path, cells: dict[tuple[int, int], Any]) -> Path:
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for (row, column), value in cells.items():
        sheet.write(row, column, value)
    book.close()
    return path


def column(path: Path, values: list[Any]) -> Path:
    return workbook(path, {(row, 0): value for row, value in enumerate(values)})


def test_duplicates_and_invalid_numbers_are_dropped_and_counted(tmp_path: Path) -> None:
    file = column(
        tmp_path / "a.xlsx",
        [
            "+66811234567",
            "+6281234567890",
            "  ",
            "00 62 812-3456-7890",  # the same once more
            6281234567891,
            "0812345678",
            "+99912345678",  # no country has this calling code
            "+66811234568",
            True,
        ],
    )
    found = read_recipients(file)
    assert found.countries == ("TH", "ID")
    assert found.country_index.tolist() == [0, 1, 1, 0]
    assert found.country_index.dtype == np.uint8
    assert (found.kept, found.duplicates, found.invalid) == (4, 1, 3)
    with pytest.raises(ValueError, match="read-only"):
        found.country_index[0] = 1


@pytest.mark.parametrize(
    ("first", "invalid"), [("phone number", 0), ("手机号", 0), ("12", 1), ("--", 1), (34, 1)]
)
def test_a_first_row_without_a_number_is_a_header_if_it_has_letters(
    tmp_path: Path, first: object, invalid: int
) -> None:
    found = read_recipients(column(tmp_path / "a.xlsx", [first, "+6281234567890", "total"]))
    assert (found.kept, found.invalid) == (1, invalid + 1)


@pytest.mark.parametrize("cells", [{(1, 1): "Ann"}, {(0, 2): 0}, {(5, 1): "+6281234567890"}])
def test_other_columns_must_be_empty(tmp_path: Path, cells: dict[tuple[int, int], Any]) -> None:
    file = workbook(tmp_path / "wide.xlsx", {(0, 0): "+6281234567890", **cells})
    with pytest.raises(ValueError, match=r"wide\.xlsx: row \d+, column\(=[BC]\) must be empty"):
        read_recipients(file)


def test_numbers_in_column_b_alone_are_refused(tmp_path: Path) -> None:
    file = workbook(tmp_path / "b.xlsx", {(0, 1): "+6281234567890"})
    with pytest.raises(ValueError, match=r"b\.xlsx: row 1, column\(=B\) must be empty"):
        read_recipients(file)


@pytest.mark.parametrize("values", [[], ["phone"], ["phone", "12"], ["+99912345678"]])
def test_a_file_without_a_valid_number_is_refused(tmp_path: Path, values: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"none\.xlsx: valid numbers\(=0 of [01]\) must be > 0"):
        read_recipients(column(tmp_path / "none.xlsx", values))


def test_limits_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [f"+62812345678{i:02d}" for i in range(11)]
    file = column(tmp_path / "many.xlsx", ["phone", *numbers])
    monkeypatch.setattr(imported, "MAX_NUMBERS", 11)
    assert read_recipients(file).kept == 11
    monkeypatch.setattr(imported, "MAX_NUMBERS", 10)
    imported._read.cache_clear()
    with pytest.raises(ValueError, match=r"many\.xlsx: numbers\(>10\) must be <= 10"):
        read_recipients(file)
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 1_000)
    with pytest.raises(ValueError, match=r"many\.xlsx: unpacked size\(=\d+ bytes\) of "):
        read_recipients(file)
    monkeypatch.setattr(imported, "MAX_FILE_BYTES", 1_000)
    with pytest.raises(ValueError, match=r"many\.xlsx: size\(=\d+ bytes\) must be <= 1000"):
        read_recipients(file)


def test_what_is_no_xlsx_is_refused(tmp_path: Path) -> None:
    for name, content in [("a.csv", b"+6281"), ("a.xlsx", b"+6281"), ("b.xlsx", b"PK\x05\x06")]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read_recipients(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_recipients(tmp_path / "absent.xlsx")


def test_digits_are_the_numbers_in_file_order_and_stay_out_of_the_repr(tmp_path: Path) -> None:
    file = column(tmp_path / "a.xlsx", ["+66811234567", "+6281234567890", "+66811234567", "x"])
    found = read_recipients(file)
    assert found.digits.tolist() == [66811234567, 6281234567890]
    assert found.digits.dtype == np.int64
    assert "81" not in repr(found)
    assert "kept=2" in repr(found)
    with pytest.raises(ValueError, match="read-only"):
        found.digits[0] = 1


def test_the_shipped_file() -> None:
    found = read_recipients(DATA / "recipients.xlsx")
    assert (found.kept, found.duplicates, found.invalid) == (149_500, 300, 200)
    share = dict(zip(found.countries, np.bincount(found.country_index) / found.kept, strict=True))
    assert share == pytest.approx({"ID": 0.60, "TH": 0.25, "PH": 0.15})
    # Shuffled: every tenth of the file has nearly the same mix.
    tenths = [part.mean() for part in np.array_split(found.country_index == 0, 10)]
    assert max(tenths) - min(tenths) < 0.01


def test_the_shipped_file_is_what_its_script_writes() -> None:
    script = runpy.run_path(str(DATA / "make_recipients.py"))
    rows = script["rows"]()
    invalid = [row for row in rows if normalise(row) is None]
    assert len(invalid) == 200
    sample = [phonenumbers.parse(row, None) for row in rows[::500] if row not in invalid]
    assert all(map(phonenumbers.is_valid_number, sample))
    shipped = python_calamine.CalamineWorkbook.from_path(DATA / "recipients.xlsx")
    assert [row[0] for row in shipped.get_sheet_by_index(0).iter_rows()][1:] == rows


def test_the_script_writes_the_same_bytes_again(tmp_path: Path) -> None:
    script = runpy.run_path(str(DATA / "make_recipients.py"))
    files = [tmp_path / "first.xlsx", tmp_path / "second.xlsx"]
    for file in files:
        script["write"](file, ["+6281234567890"])
    assert files[0].read_bytes() == files[1].read_bytes()
    assert b"2024-01-22" in zipfile.ZipFile(files[0]).read("docProps/core.xml")
