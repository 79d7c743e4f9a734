"""Files of a customer in every form: what is recognised, read, and read again."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smssim.logs.files.bytes import CutShortError, blocks
from smssim.logs.files.detect import files_of, open_file, reread
from smssim.logs.files.format import Capture, Empty, HeadingRules, Unreadable
from smssim.logs.files.table import Batch, Table
from smssim.logs.join.facts import RejectedRow

HEADINGS = ["SMS ID", "Send Time", "Cost", "名称"]
ROWS = [
    ["a1", "2024-05-01 12:30:45", "1,5", "好"],
    ["a2", "2024-05-01 12:30:46", "2", 'say "y", z'],
    ["a3", "2024-05-01 12:30:47", "", "two\nlines"],
]
QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def is_heading(cells: Sequence[str]) -> bool:
    """What the synonyms will say."""
    return {"SMS ID", "Send Time"} <= {cell.strip() for cell in cells}


def first_column(headings: Sequence[str]) -> tuple[int, ...]:
    """The key of the tables here."""
    return (0,)


def opened_table(path: Path) -> Table:
    """A file that is a table."""
    table = open_file(path, HeadingRules(is_heading, first_column))[0]
    assert isinstance(table, Table), table
    return table


def rows_of(batches: Sequence[Batch]) -> list[list[object]]:
    """The rows of batches, as lists."""
    return [
        list(row)
        for batch in batches
        for row in zip(*(column.to_pylist() for column in batch.columns.values()), strict=True)
    ]


def numbers_of(batches: Sequence[Batch]) -> list[int]:
    """The rows of the file that are in batches."""
    return [row for batch in batches for row in batch.rows.tolist()]


def refused_of(batches: Sequence[Batch]) -> list[RejectedRow]:
    """What batches refuse."""
    return [one for batch in batches for one in batch.rejected]


def written(rows: Sequence[Sequence[str]], separator: str = ",", end: str = "\n") -> str:
    """Rows as a program writes them."""
    stream = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL
    csv.writer(stream, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return stream.getvalue()


def saved(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A file of text."""
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16LE"),
        ("utf-16-le", "UTF-16LE"),
        ("utf-16-be", "UTF-16BE"),
        ("gb18030", "GB18030"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("packed", [False, True])
def test_text_is_read_in_any_encoding_and_separator(
    tmp_path: Path, encoding: str, told: str, separator: str, packed: bool
) -> None:
    """No one says them, and nothing is lost by them."""
    data = written([HEADINGS, *ROWS], separator, "\r\n").encode(encoding)
    path = tmp_path / "export"
    path.write_bytes(gzip.compress(data) if packed else data)
    table = opened_table(path)
    batches = list(table.batches())
    assert table.detected["encoding"] == told
    assert table.detected.get("compression") == ("gzip" if packed else None)
    assert list(table.headings) == HEADINGS
    assert rows_of(batches) == ROWS
    assert [batch.rows.tolist() for batch in batches] == [[2, 3, 4]]


def test_western_text_is_cp1252_unless_the_heading_is_chinese(tmp_path: Path) -> None:
    """Its bytes are GB18030 as well; a byte that cp1252 has not refuses its line."""
    text = "SMS ID;Send Time;Gebühr öä\n1;2;müßig\n3;4;x\n"
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("cp1252") + b"5;6;\x81 \n")
    table = opened_table(path)
    (batch,) = table.batches()
    assert table.detected["encoding"] == "cp1252"
    assert rows_of([batch])[0] == ["1", "2", "müßig"]
    assert batch.rejected == ((4, ("bytes do not decode as cp1252",), "5;6;\ufffd "),)


def test_a_file_cut_within_a_character_is_still_utf8(tmp_path: Path) -> None:
    """Its last line is refused, and the others are no mojibake."""
    path = tmp_path / "a.csv"
    path.write_bytes("SMS ID,Send Time\n1,好\n2,好".encode()[:-1])
    table = opened_table(path)
    batches = list(table.batches())
    assert rows_of(batches) == [["1", "好"]]
    assert [(one.row, one.reasons) for one in refused_of(batches)] == [
        (3, ("bytes do not decode as UTF-8",))
    ]


def test_what_is_no_record_is_passed_over_and_counted(tmp_path: Path) -> None:
    """Preamble, blank lines, totals, and the heading again, which begins another unit."""
    part = [HEADINGS, *ROWS, ["", "", "", ""], ["合计：", "", "3,5", ""], ["total"], [" "]]
    path = saved(tmp_path / "a.csv", written([["Report, May"], [], *part, *part]))
    table = opened_table(path)
    batches = list(table.batches())
    assert [(batch.unit, batch.rows.tolist()) for batch in batches] == [
        (0, [4, 5, 6]),
        (1, [13, 14, 15]),
    ]
    assert not any(batch.rejected for batch in batches)
    assert table.not_records == {"preamble": 1, "blank": 5, "total": 4, "heading": 1}


def test_a_row_with_an_id_is_no_total(tmp_path: Path) -> None:
    """An application may be called Sum."""
    path = saved(tmp_path / "a.csv", "Application,SMS ID,Send Time\nSum,a1,x\nSum,,y\n")
    table = open_file(path, HeadingRules(is_heading, lambda headings: (headings.index("SMS ID"),)))[
        0
    ]
    assert isinstance(table, Table)
    assert rows_of(list(table.batches())) == [["Sum", "a1", "x"]]
    assert table.not_records == {"total": 1}


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    """With their widths, and their texts as they stand."""
    path = saved(tmp_path / "a.csv", 'SMS ID,Send Time\na,b\n"a",b,c\na,b\na')
    batches = list(opened_table(path).batches())
    assert numbers_of(batches) == [2, 4]
    assert refused_of(batches) == [
        (3, ("too many fields: 3 where the heading has 2",), '"a",b,c'),
        (5, ("line cut: 1 fields where the heading has 2",), "a"),
    ]


def test_a_quote_that_is_not_closed_refuses_its_line_alone(tmp_path: Path) -> None:
    """It would swallow the rest of the file; quoted line ends within the limit are kept."""
    lines = ["SMS ID,Send Time", '1,"open', *["a,b"] * 30, '2,"x' + "\n" * 20 + 'y"', "c,d"]
    path = saved(tmp_path / "a.csv", "\n".join(lines))
    batches = list(opened_table(path).batches())
    (refused,) = refused_of(batches)
    assert refused == (2, ("quote is not closed within 20 line ends",), '1,"open')
    rows = rows_of(batches)
    assert rows == [*[["a", "b"]] * 30, ["2", "x" + "\n" * 20 + "y"], ["c", "d"]]
    assert numbers_of(batches)[-2:] == [33, 54]


@pytest.mark.parametrize("heading", ["SMS ID,Send Time", "SMS ID,Send Time,,"])
@pytest.mark.parametrize("row", ["a,b", "a,b,,"])
def test_separators_at_the_end_of_every_row_are_no_fields(
    tmp_path: Path, heading: str, row: str
) -> None:
    """Some programs end the rows with one, but not the heading, or the other way round."""
    path = saved(tmp_path / "a.csv", f"{heading}\n" + f"{row}\n" * 3)
    (batch,) = opened_table(path).batches()
    assert [cells[:2] for cells in rows_of([batch])] == [["a", "b"]] * 3
    assert not batch.rejected


def test_headings_that_are_blank_or_stand_twice_have_names(tmp_path: Path) -> None:
    """A mapping has each name once, and what is in brackets is no heading."""
    path = saved(tmp_path / "a.csv", "SMS ID,Send Time,,Send Time\n1,2,3,4\n")
    table = opened_table(path)
    assert table.headings == ("SMS ID", "Send Time", "(column 3)", "Send Time (column 4)")
    assert rows_of(list(table.batches())) == [["1", "2", "3", "4"]]


@QUIET
@given(
    st.lists(st.lists(st.text('a;,|\t" \né好=', max_size=6), min_size=2, max_size=2), min_size=1),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_was_written_is_read(
    tmp_path: Path, rows: list[list[str]], separator: str, end: str
) -> None:
    """Any cells, as the csv module writes them, with line ends in quotes as far as allowed."""
    rows = [["k" + first.replace("\n", " "), second] for first, second in rows]
    plain = [["k", "v"]] * 120
    path = saved(tmp_path / "a.csv", written([HEADINGS[:2], *plain, *rows], separator, end))
    table = opened_table(path)
    batches = list(table.batches())
    assert rows_of(batches) == [*plain, *rows]
    assert not any(batch.rejected for batch in batches)
    for batch in batches:
        shown = {row: batch.text(place) for place, row in enumerate(batch.rows.tolist())}
        assert reread(path, shown, table.detected) == shown


def test_json_lines_are_tables_of_texts(tmp_path: Path) -> None:
    """Digits stay as they are written, nested values refuse, and later keys are counted."""
    objects = [{"SMS ID": f"a{n}", "Send Time": n, "Cost": 1.5} for n in range(1000)]
    lines = [json.dumps(one) for one in objects]
    lines[0] = lines[0].replace("1.5", "12345678901234567890.10")
    lines += ["", '{"SMS ID": {}}', "{cut", "[]", '{"SMS ID": null, "later": true, "Cost": true}']
    path = saved(tmp_path / "a.jsonl", "\n".join(lines))
    table = opened_table(path)
    batches = list(table.batches())
    rows = rows_of(batches)
    assert table.detected["form"] == "JSON lines"
    assert rows[0] == ["a0", "0", "12345678901234567890.10"]
    assert rows[-1] == [None, None, "true"]
    assert numbers_of(batches) == [*range(1, 1001), 1005]
    assert [(one.row, one.reasons) for one in refused_of(batches)] == [
        (1002, ("SMS ID must be a text or a number, not nested",)),
        (1003, ("line cut or no JSON",)),
        (1004, ("must be a JSON object",)),
    ]
    assert table.not_records == {"blank": 1, "value of a later key": 1}
    assert reread(path, [1005, 1002], table.detected)[1002] == '{"SMS ID": {}}'


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES).map(json.dumps)


@QUIET
@given(st.lists(OBJECTS | st.sampled_from(["", "{", "{}", "{}{}", '{"a":1} {"a":2}', "[{}]"])))
def test_every_line_of_json_is_a_record_or_counted(tmp_path: Path, lines: list[str]) -> None:
    """Objects, broken lines and blank ones: each is told of once."""
    path = saved(tmp_path / "a", "\n".join(['{"a": "x", "b": 1, "c": true}', *lines, "{}", ""]))
    table = opened_table(path)
    (batch,) = table.batches()
    told = {one.row for one in batch.rejected} | set(batch.rows.tolist())
    assert len(told) + table.not_records["blank"] == len(lines) + 2


def test_captures_are_handed_on_line_by_line(tmp_path: Path) -> None:
    """Known by their first object; a broken one before it does not matter."""
    path = saved(tmp_path / "a.jsonl", '\n{"bro\n{"received_at": "", "callback": {}}\n\n{x')
    capture = open_file(path, HeadingRules(is_heading))[0]
    assert isinstance(capture, Capture)
    assert list(capture.lines()) == [
        (1, b"", True),
        (2, b'{"bro', True),
        (3, b'{"received_at": "", "callback": {}}', True),
        (4, b"", True),
        (5, b"{x", True),
    ]
    assert reread(path, [2], capture.detected) == {2: '{"bro'}


def test_a_capture_that_breaks_off_says_so_after_its_last_line(tmp_path: Path) -> None:
    """What could be unpacked is read."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b'{"request": {}}\n' * 3)[:-8])
    capture = open_file(path, HeadingRules(is_heading))[0]
    assert isinstance(capture, Capture)
    lines = capture.lines()
    assert [next(lines)[0] for _ in range(3)] == [1, 2, 3]
    with pytest.raises(CutShortError, match="cannot be read on"):
        next(lines)


def test_what_stands_before_a_wrong_byte_of_gzip_is_read(tmp_path: Path) -> None:
    """And the row after it says that there was more."""
    path = tmp_path / "a.gz"
    data = bytearray(gzip.compress(written([HEADINGS, *ROWS[:2] * 50_000]).encode()))
    data[-2000] ^= 255
    path.write_bytes(data)
    batches = list(opened_table(path).batches())
    assert len(numbers_of(batches)) > 80_000
    assert refused_of(batches)[-1].reasons[0].startswith("the compressed file cannot be read on")


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    """Times, numbers and nulls as they are; texts that stand once are dictionaries."""
    path = tmp_path / "a"
    time = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
    texts_of = ["DELIVRD", None] * 500
    columns = {"SMS ID": texts_of, "Send Time": [time] * 1_000, "Cost": [1, None] * 500}
    pq.write_table(pa.table(columns), path)
    table = opened_table(path)
    (batch,) = table.batches()
    assert rows_of([batch]) == [["DELIVRD", time, 1], [None, time, None]] * 500
    assert pa.types.is_dictionary(batch.columns["SMS ID"].type)
    shown = '{"SMS ID": null, "Send Time": "2024-05-01 00:00:00+00:00", "Cost": null}'
    assert batch.text(1) == shown
    assert reread(path, [2], table.detected) == {2: shown}


def test_parquet_texts_that_do_not_decode_refuse_their_rows(tmp_path: Path) -> None:
    """Arrow hands them on unseen, and whatever meets them then fails."""
    data = [b"a", b"\xff", None, b"c"]
    column = pa.array(data, pa.binary())
    wrong = pa.StringArray.from_buffers(4, *column.buffers()[1:], column.buffers()[0])
    path = tmp_path / "a"
    pq.write_table(pa.table({"SMS ID": wrong, "n": [1, 2, 3, 4]}), path)
    table = opened_table(path)
    (batch,) = table.batches()
    assert rows_of([batch]) == [["a", 1], [None, 3], ["c", 4]]
    shown = '{"SMS ID": "\ufffd", "n": 2}'
    assert batch.rejected == ((2, ("bytes of SMS ID do not decode as UTF-8",), shown),)
    assert reread(path, [2, 3], table.detected) == {2: shown, 3: batch.text(1)}


def test_a_sheet_is_read_as_texts(tmp_path: Path) -> None:
    """The first that has a heading; whole numbers without a point, times in ISO 8601."""
    path = tmp_path / "a.csv"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("notes").write(0, 0, "nothing here")
        sheet = book.add_worksheet("May")
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(2, 1, HEADINGS)
        sheet.write_row(3, 1, [6281234567890, "", 0.05, True])
        sheet.write_datetime(3, 2, dt.datetime(2024, 5, 1, 12, 30, 45), day)
        sheet.write_row(5, 1, ["a2", "x", -3, "=1+1"])
        sheet.write_row(6, 1, ["Total", "", 7])
    table = opened_table(path)
    (batch,) = table.batches()
    assert table.detected == {"form": "XLSX", "sheet": "May"}
    assert batch.rows.tolist() == [4, 6]
    assert rows_of([batch])[0] == ["6281234567890", "2024-05-01 12:30:45", "0.05", "true"]
    assert rows_of([batch])[1][:3] == ["a2", "x", "-3"]
    assert table.not_records == {"blank": 3, "total": 1}
    assert reread(path, [6], table.detected) == {6: batch.text(1)}


def bomb(path: Path, sheet: bytes) -> Path:
    """A workbook whose sheet is *sheet*."""
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet()
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["xl/worksheets/sheet1.xml"] = sheet
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return path


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{}</sheetData></worksheet>"
)


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the bytes that come out of it, not by those that its header tells of."""
    monkeypatch.setattr("smssim.sms.xlsx_guard.MAX_UNPACKED_BYTES", 50_000)
    path = bomb(tmp_path / "a.xlsx", SHEET.format(" " * 1_000_000).encode())
    refused = open_file(path, HeadingRules(is_heading))[0]
    assert isinstance(refused, Unreadable)
    assert refused.reason == "unpacked size must be <= 50000 bytes"
    size = len(SHEET.format(" " * 1_000_000)).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    assert open_file(path, HeadingRules(is_heading))[0] == refused


FAR = [
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="9"><c r="XFD1048576"><v>1</v></c></row>',
    "<row><c r='A1'><v>1</v></c></row><row><c t='n' r='XFD1048576'><v>1</v></c></row>",
    '<row><c r="&#65;1"><v>1</v></c></row><row><c r="XFD&#49;048576"><v>1</v></c></row>',
    '<row r="1"><c r="A1"/></row><!-- --><x:row r="1048576"><x:c/><c r="XFD1048576"/></x:row>',
    '<row r="1048576">' + "<c/>" * 16_384 + "</row>",
]


@pytest.mark.parametrize("cells", FAR)
def test_cells_far_apart_are_refused(tmp_path: Path, cells: str) -> None:
    """Two of them span 17 billion, all of which a reader might make room for."""
    sheet = SHEET.replace("<worksheet ", '<worksheet xmlns:x="y" ').format(cells)
    for encoding in ("utf-8", "utf-16"):
        path = bomb(tmp_path / "a.xlsx", sheet.encode(encoding))
        refused = open_file(path, HeadingRules(is_heading))[0]
        assert isinstance(refused, Unreadable)
        assert "rows x columns(=1048576 x " in refused.reason
        assert refused.reason.endswith("must be <= 6000000")


def test_a_sheet_is_bounded_wherever_it_stands(tmp_path: Path) -> None:
    """A workbook names its sheets' parts as it likes."""
    path = bomb(tmp_path / "a.xlsx", SHEET.format(FAR[0]).encode())
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in parts.items():
            data = data.replace(b"worksheets/sheet1.xml", b"elsewhere.bin")
            new.writestr(name.replace("worksheets/sheet1.xml", "elsewhere.bin"), data)
    refused = open_file(path, HeadingRules(is_heading))[0]
    assert isinstance(refused, Unreadable)
    assert "elsewhere.bin: rows x columns" in refused.reason


def test_gzip_is_unpacked_in_blocks(tmp_path: Path) -> None:
    """A bomb is a long file and no more; members follow each other, padding is none."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"0" * 10_000_000) + gzip.compress(b"1") + b"\0" * 100)
    sizes, ends = zip(*((len(block), block[-1:]) for block in blocks(path, 100_000)), strict=True)
    assert sum(sizes) == 10_000_001
    assert ends[-1] == b"1"
    assert max(sizes) < 2_000_000


NOTHING = [b"", b" \n\r\n", "\ufeff\n".encode(), gzip.compress(b"", mtime=0)]


@pytest.mark.parametrize("data", NOTHING)
def test_a_file_that_holds_nothing_is_empty(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    assert isinstance(open_file(tmp_path / "a", HeadingRules(is_heading))[0], Empty)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "must be text"),
        (b"PAR1 and no more", ""),
        (b"PK\x03\x04 and no more", "must be a whole zip"),
        (gzip.compress(b"PAR1", mtime=0), "must not be compressed"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an .xls, or older"),
        (b"one line of text", "no heading among the first 50 records"),
        (b"x,y\n1,2\n", "no heading among the first 50 records"),
        (b'{"a": {}}', "no heading"),
    ],
)
def test_what_is_no_log_says_why(tmp_path: Path, data: bytes, reason: str) -> None:
    """It is no error here: in a directory it is one quarantined record."""
    path = tmp_path / "a"
    path.write_bytes(data)
    refused = open_file(path, HeadingRules(is_heading))[0]
    assert isinstance(refused, Unreadable)
    assert reason in refused.reason
    assert str(path) not in refused.reason


def test_a_directory_is_read_by_name_without_hidden_files(tmp_path: Path) -> None:
    """What is ignored is named; a pipe is no file and is not waited for."""
    for name in ("b/2.csv", "a.csv", "b/1.csv", ".x/3.csv", "_y.csv", "b/.z"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        saved(tmp_path / name, written([HEADINGS, *ROWS]))
    os.mkfifo(tmp_path / "c")
    files = files_of(tmp_path)
    result = [open_file(file, HeadingRules(is_heading))[0] for file in files.files]
    names = [Path(one.path).relative_to(tmp_path).as_posix() for one in result]
    assert names == ["a.csv", "b/1.csv", "b/2.csv", "c"]
    assert isinstance(result[-1], Unreadable)
    passed = [path.relative_to(tmp_path).as_posix() for path in files.hidden]
    assert passed == [".x", "_y.csv", "b/.z"]
    with pytest.raises(FileNotFoundError):
        files_of(tmp_path / "none")


@pytest.mark.parametrize(
    ("first", "is_total"),
    [
        ("合计", True), ("合 计", True), ("合计：12 条", True), ("总计(3)", True), ("TOTAL", True),
        ("Total: 3", True), ("Total 3 messages", True), ("Grand total", True), ("Totally", False),
        ("Summer sale", False), ("total-wine", False), ("sum_of", False),
    ],
)  # fmt: skip
def test_a_total_may_only_begin_with_its_word(tmp_path: Path, first: str, is_total: bool) -> None:
    """Where it has neither id nor number, but a count of rows; a row with an id is none."""
    rules = HeadingRules(is_heading, lambda headings: (1,))
    for identity in ("", "12", "a1"):
        rows = [["Name", "SMS ID", "Send Time"], [first, identity, ""]]
        table = open_file(saved(tmp_path / "a.csv", written(rows)), rules)[0]
        assert isinstance(table, Table)
        list(table.batches())
        assert table.not_records["total"] == (is_total and identity != "a1")
