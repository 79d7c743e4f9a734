"""What a cell of column A may be: a number, invalid, or blank; and that rows are read alike."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import python_calamine
import xlsxwriter  # type: ignore[import-untyped]
from xlsx_files import GOOD, MAIN, parts, sheet, strings, text, write

from smssim.sms.phone_numbers import normalise
from smssim.sms.recipients import read_recipients


def cells_of(row: int, cell: str) -> str:
    return f'<row r="{row}"><c r="A{row}" {cell}</c></row>'


INVALID_CELLS = {
    "boolean": 't="b"><v>1</v>',
    "error": 't="e"><v>#DIV/0!</v>',
    "date": 't="d"><v>2024-01-22T00:00:00Z</v>',
    "date as a number": "><v>45313</v>",
    "last date as a number": "><v>2958465</v>",
    "time as a number": "><v>45313.5</v>",
    "negative": "><v>-6281234567890</v>",
    "huge": "><v>1E+300</v>",
    "no number": "><v>6281_234</v>",
    "formula with a cached value": 't="str"><f>B1</f><v>+6281234567890</v>',
    "formula with a cached number": "><f>B1</f><v>6281234567890</v>",
    "formula without a cached value": "><f>B1</f>",
    "apostrophe in the text": 't="inlineStr"><is><t>\'+6281234567890</t></is>',
    "full-width digits": 't="inlineStr"><is><t>\uff0b\uff16\uff12812345678</t></is>',
    "scientific text": 't="inlineStr"><is><t>6.28123456789E+12</t></is>',
    "two numbers": 't="inlineStr"><is><t>+6281234567890,+6281234567891</t></is>',
    "unknown type": 't="x"><v>6281234567890</v>',
}
VALID_CELLS = {
    "text": 't="inlineStr"><is><t>+6281234567890</t></is>',
    "text of a formula's kind": 't="str"><v>+6281234567890</v>',
    "missing plus": 't="inlineStr"><is><t>6281234567890</t></is>',
    "hidden apostrophe": 's="1" t="inlineStr"><is><t>+6281234567890</t></is>',
    "spaces and a line end": 't="inlineStr"><is><t> +62 81234567890\n</t></is>',
    "escaped line end": 't="inlineStr"><is><t>+6281234567890_x000D_</t></is>',
    "number": "><v>6281234567890</v>",
    "number with its type": 't="n"><v>6281234567890</v>',
    "float": "><v>6281234567890.0</v>",
    "scientific notation": "><v>6.28123456789E+12</v>",
    "shared": 't="s"><v>0</v>',
    "runs of formats": 't="inlineStr"><is><r><t>+62812</t></r><r><t>34567890</t></r></is>',
    "phonetic guide": (
        't="inlineStr"><is><t>+6281234567890</t><rPh sb="0" eb="1"><t>1</t></rPh></is>'
    ),
    "entities": 't="inlineStr"><is><t>&#43;62&#56;1234567890</t></is>',
    "CDATA": 't="inlineStr"><is><t><![CDATA[+6281234567890]]></t></is>',
}
BLANK_CELLS = {
    "no value": ">",
    "empty value": "><v></v>",
    "empty text": 't="inlineStr"><is><t/></is>',
    "spaces": 't="inlineStr"><is><t xml:space="preserve">  </t></is>',
    "shared spaces": 't="s"><v>1</v>',
    "shared without place": 't="s">',
}
SHARED = strings("<t>+6281234567890</t>", '<t xml:space="preserve"> </t>')


@pytest.mark.parametrize("name", INVALID_CELLS)
def test_an_invalid_cell_is_dropped_and_counted(tmp_path: Path, name: str) -> None:
    rows = text(1, "+66811234567") + cells_of(2, INVALID_CELLS[name])
    found = read_recipients(write(tmp_path / "a.xlsx", parts(rows, SHARED)))
    assert (found.kept, found.duplicates, found.invalid) == (1, 0, 1)
    wide = rows.replace('r="A2"', 'r="B2"')
    with pytest.raises(ValueError, match=r"b\.xlsx: row 2, column\(=B\) must be empty"):
        read_recipients(write(tmp_path / "b.xlsx", parts(wide, SHARED)))


@pytest.mark.parametrize("name", VALID_CELLS)
def test_a_number_is_found_however_it_is_written(tmp_path: Path, name: str) -> None:
    rows = text(1, "+66811234567") + cells_of(2, VALID_CELLS[name])
    found = read_recipients(write(tmp_path / "a.xlsx", parts(rows, SHARED)))
    assert found.digits.tolist() == [66811234567, 6281234567890]


@pytest.mark.parametrize("name", BLANK_CELLS)
def test_a_blank_cell_does_not_count_in_any_column(tmp_path: Path, name: str) -> None:
    blank = cells_of(2, BLANK_CELLS[name])
    rows = text(1) + blank + blank.replace("A2", "B3").replace('"2"', '"3"')
    found = read_recipients(write(tmp_path / "a.xlsx", parts(rows, SHARED)))
    assert (found.kept, found.invalid) == (1, 0)


def test_hidden_rows_are_read_and_merged_cells_are_their_first(tmp_path: Path) -> None:
    hidden = text(1).replace("<row ", '<row hidden="1" ')
    merged = '<mergeCells count="1"><mergeCell ref="A2:B9"/></mergeCells>'
    rows = sheet(hidden + text(2, "+66811234567"), after=merged)
    assert read_recipients(write(tmp_path / "a.xlsx", parts(rows))).kept == 2


def test_the_first_sheet_is_the_first_of_the_workbook(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "two.xlsx"))
    for name, cells in [("hint", ["+66811234567"]), ("more", ["+6281234567890", "x"])]:
        book.add_worksheet(name).write_column(0, 0, cells)
    book.get_worksheet_by_name("more").write(0, 5, "outside of column A")
    book.close()
    assert read_recipients(tmp_path / "two.xlsx").countries == ("TH",)


def test_rows_within_comments_and_cdata_are_no_rows(tmp_path: Path) -> None:
    other = text(2, "+66811234567") * 3_000
    for i, (begin, end) in enumerate([("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?a ", "?>")]):
        rows = text(1) + begin + other + end + text(3)
        found = read_recipients(write(tmp_path / f"{i}.xlsx", parts(rows)))
        assert (found.kept, found.duplicates) == (1, 1)


def test_plain_rows_are_read_as_the_parser_reads_them(tmp_path: Path) -> None:
    draw = random.Random(5)
    cells = [*VALID_CELLS.values(), *INVALID_CELLS.values(), *BLANK_CELLS.values()]
    plain = [f't="inlineStr"><is><t>+628123{i:07d}</t></is>' for i in range(3_000)]
    plain += [f"><v>66811{i:06d}</v>" for i in range(3_000)]
    plain += ['t="s"><v>0</v>', 't="s"><v>1</v>', 's="3" t="s"><v>2</v>'] * 300
    draw.shuffle(plain)
    mixed = [cell if draw.random() < 0.97 else draw.choice(cells) for cell in plain]
    items = ["<t>+6281234567890</t>", '<t xml:space="preserve"> </t>', "<t>+66819999999</t>"]
    rows = "".join(cells_of(i, cell) for i, cell in enumerate(mixed, start=1))
    quick = read_recipients(write(tmp_path / "quick.xlsx", parts(rows, strings(*items))))
    # A space that XML allows, and the patterns of plain rows do not.
    spaced = [item.replace("<t", "<t ") for item in items]
    rows = rows.replace("<c r=", "<c  r=")
    slow = read_recipients(write(tmp_path / "slow.xlsx", parts(rows, strings(*spaced))))
    assert np.array_equal(quick.digits, slow.digits)
    assert (quick.kept, quick.duplicates, quick.invalid) == (
        *(slow.kept, slow.duplicates, slow.invalid),
    )
    assert quick.kept > 5_000


def test_the_row_of_a_refusal_counts_plain_rows_too(tmp_path: Path) -> None:
    rows = "".join(text(i, f"+62812{i:08d}") for i in range(1, 5_001))
    file = write(tmp_path / "a.xlsx", parts(rows + "<row/>" + text(5_002, "x", "C")))
    with pytest.raises(ValueError, match=r"a\.xlsx: row 5002, column\(=C\)"):
        read_recipients(file)
    file = write(tmp_path / "b.xlsx", parts(rows + '<row><c/><c t="b"><v>1</v></c></row>'))
    with pytest.raises(ValueError, match=r"b\.xlsx: row 5001, column\(=B\)"):
        read_recipients(file)


@pytest.mark.parametrize("inline", [True, False])
def test_calamine_reads_the_same_text(tmp_path: Path, inline: bool) -> None:
    draw = random.Random(7)
    values = [f"+62812{draw.randrange(10**8):08d}" for _ in range(4_000)]
    values += [draw.choice(("", "n/a", "0812", "+65 8123 4567")) for _ in range(400)]
    draw.shuffle(values)
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"), {"constant_memory": inline})
    page = book.add_worksheet()
    for row, value in enumerate(["phone", *values]):
        page.write_string(row, 0, value)
    book.close()
    sheets = python_calamine.CalamineWorkbook.from_path(tmp_path / "a.xlsx")
    shown = [normalise(row[0]) for row in sheets.get_sheet_by_index(0).iter_rows()]
    expected = list(dict.fromkeys(int(number) for number in shown if number))
    assert read_recipients(tmp_path / "a.xlsx").digits.tolist() == expected


def test_a_sheet_of_another_encoding_or_prefix_is_read(tmp_path: Path) -> None:
    wide = sheet(text(1)).replace("UTF-8", "UTF-16").encode("utf-16")
    assert read_recipients(write(tmp_path / "wide.xlsx", parts(wide))).kept == 1
    cell = f'<x:c r="A1" t="inlineStr"><x:is><x:t>{GOOD}</x:t></x:is></x:c>'
    data = f"<x:sheetData><x:row>{cell}</x:row></x:sheetData>"
    prefixed = f'<?xml version="1.0"?><x:worksheet xmlns:x="{MAIN}">{data}</x:worksheet>'
    assert read_recipients(write(tmp_path / "prefix.xlsx", parts(prefixed))).kept == 1
