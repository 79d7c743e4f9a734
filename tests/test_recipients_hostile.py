"""Files of the Group SMS Assistant that no spreadsheet wrote: a clear answer, and little memory."""

from __future__ import annotations

import re
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from xlsx_files import (
    GOOD,
    SHEET,
    STRINGS,
    claim,
    parts,
    relations,
    sheet,
    strings,
    text,
    write,
)

from smssim.sms import xlsx_guard as archive
from smssim.sms import xlsx_guard as xml
from smssim.sms import xlsx_numbers as sheet_module
from smssim.sms.recipients import MAX_FILE_BYTES, read_recipients


def refused(path: Path, rule: str) -> None:
    """Assert that *path* is refused by its name and *rule*, within 40 MB."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=re.escape(path.name) + ": .*" + rule):
            read_recipients(path)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_a_part_that_declares_gigabytes_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    file = claim(write(tmp_path / "a.xlsx", parts(text(1))), SHEET, size=4_000_000_000)
    refused(file, r"unpacked size\(=4000000000 bytes\) of xl/worksheets/sheet1\.xml must be <= \d+")


def test_a_part_that_declares_less_than_it_holds_is_read_as_far_as_declared(tmp_path: Path) -> None:
    bomb = sheet(text(1) + " " * 100_000_000)
    file = write(tmp_path / "bomb.xlsx", parts(bomb))
    assert file.stat().st_size < 200_000
    refused(claim(file, SHEET, size=1_000), r"sheet1\.xml must be whole \(Bad CRC-32")


def test_sheet_and_strings_share_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.xlsx", parts(text(1), strings(f"<t>{'x' * 3_000}</t>")))
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 4_000)
    refused(file, r"unpacked size\(=\d+ bytes\) of xl/worksheets/sheet1.xml must be <= \d+")


def test_tags_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TAGS", 1_000)
    rows = text(1) + "<row/>" * 1_000
    refused(write(tmp_path / "a.xlsx", parts(rows)), r"sheet1\.xml: tags\(>1000\) must be <= 1000")


def test_many_entries_are_refused(tmp_path: Path) -> None:
    content = parts(text(1)) | {f"xl/media/{i}.png": b"" for i in range(20_000)}
    refused(write(tmp_path / "a.xlsx", content), r"entries\(=20005\) of the zip must be <= 1000")


@pytest.mark.parametrize("part", [SHEET, STRINGS, "xl/workbook.xml", "_rels/.rels"])
def test_a_doctype_is_refused_wherever_it_stands(tmp_path: Path, part: str) -> None:
    doctype = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>'
    content = parts(text(1, "&b;"))
    whole = str(content[part])
    head = whole.find("?>") + 2 if whole.startswith("<?xml") else 0
    content[part] = whole[:head] + doctype + whole[head:]
    refused(
        write(tmp_path / "a.xlsx", content), rf"{part}: a document type declaration \(DOCTYPE\)"
    )


def test_an_entity_without_declaration_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.xlsx", parts(text(1, "&b;"))), "must be well-formed XML")


def test_elements_nested_without_end_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.xlsx", parts("<a>" * 3_000_000))
    refused(file, rf"must be nested <= {xml.MAX_DEPTH} deep")


@pytest.mark.parametrize("begin", ['<row r="', "<!-- ", "<?a "])
def test_a_tag_without_end_is_refused(tmp_path: Path, begin: str) -> None:
    file = write(tmp_path / "a.xlsx", parts(begin + "9" * 20_000_000))
    refused(file, rf"a tag must be <= {xml.MAX_TOKEN_BYTES} bytes")


def test_too_many_strings_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_module, "_MAX_STRINGS", 10)
    for item in ("", f"<t>{GOOD}</t>"):
        file = write(tmp_path / f"a{len(item)}.xlsx", parts(text(1), strings(*[item] * 12)))
        refused(file, r"shared strings\(>10\) must be <= 10")


def test_a_long_text_is_no_number_and_costs_little(tmp_path: Path) -> None:
    runs = "<r><t>" + "9" * 30_000 + "</t></r>"
    rows = text(1) + f'<row r="2"><c r="A2" t="inlineStr"><is>{runs * 500}</is></c></row>'
    found = read_recipients(write(tmp_path / "a.xlsx", parts(rows)))
    assert (found.kept, found.invalid) == (1, 1)


def test_what_the_dimension_claims_does_not_matter(tmp_path: Path) -> None:
    content = parts(sheet(text(1), before='<dimension ref="A1:XFD1048576"/>'))
    assert read_recipients(write(tmp_path / "a.xlsx", content)).kept == 1


def test_a_cell_at_the_far_end_is_refused(tmp_path: Path) -> None:
    rows = text(1) + text(1048576, "x", "XFD")
    file = write(tmp_path / "a.xlsx", parts(rows))
    refused(file, r"row 1048576, column\(=XFD\) must be empty, only A is read")


def test_a_cell_without_reference_is_the_next(tmp_path: Path) -> None:
    cell = f'<c t="inlineStr"><is><t>{GOOD}</t></is></c>'
    file = write(tmp_path / "a.xlsx", parts(f"<row>{cell}</row>"))
    assert read_recipients(file).kept == 1
    for name, cells in [("b.xlsx", f"<c/>{cell}"), ("c.xlsx", f'<c r="A1"/>{cell}')]:
        file = write(tmp_path / name, parts(f"<row/><row>{cells}</row>"))
        refused(file, r"row 2, column\(=B\) must be empty")


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ('<row r="7"><c r="$A$7"/></row>', r"row 7, cell\(='\$A\$7'\) must be letters and a row"),
        ('<row r="7"/><row r="x"/>', r"row 7, row\(='x'\) after it must be a number"),
        (
            '<row r="7"><c r="A7" t="s"><v>3</v></c></row>',
            r"row 7, shared string\(=3\) must be 0 to 1",
        ),
        (
            '<row r="7"><c r="A7" t="s"><v>-1</v></c></row>',
            r"row 7, shared string\(=-1\) must be 0 to 1",
        ),
        ("<row><c></row>", r"xl/worksheets/sheet1\.xml must be well-formed XML \(mismatched tag"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, rows: str, rule: str) -> None:
    for name, first in [("plain", text(1)), ("parsed", text(1).replace("<t>", "<t >"))]:
        content = parts(first + rows, strings("<t>a</t>", "<t>b</t>"))
        refused(write(tmp_path / f"{name}.xlsx", content), rule)


def test_an_ole_file_is_told_from_its_kind(tmp_path: Path) -> None:
    magic = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
    (tmp_path / "old.xlsx").write_bytes(magic + "Workbook".encode("utf-16-le"))
    refused(tmp_path / "old.xlsx", r"without a password; this is an OLE file, an \.xls")
    (tmp_path / "locked.xlsx").write_bytes(magic + "EncryptedPackage".encode("utf-16-le"))
    refused(tmp_path / "locked.xlsx", r"this is an OLE file, one with a password")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").touch()
    refused(tmp_path / "a.xlsx", r"size\(=0 bytes\) must be > 0")


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path / "a.xlsx", {"a.txt": "x"}), r"the zip holds no _rels/\.rels")
    content = parts(text(1))
    del content["xl/workbook.xml"]
    refused(write(tmp_path / "b.xlsx", content), "the zip holds no workbook")
    content = parts(text(1))
    del content[SHEET]
    refused(write(tmp_path / "c.xlsx", content), r"entries\(=0\) of xl/worksheets/sheet1\.xml")


def test_a_first_sheet_without_cells_is_refused(tmp_path: Path) -> None:
    content = parts(text(1))
    content["xl/_rels/workbook.xml.rels"] = relations(("chartsheet", "worksheets/sheet1.xml"))
    refused(write(tmp_path / "a.xlsx", content), "the first sheet must be a worksheet")


def test_a_sheet_elsewhere_is_not_fetched(tmp_path: Path) -> None:
    for i, target in enumerate(("http://example.org/a.xml", "file:///etc/hostname", "../../a")):
        content = parts(text(1))
        content["xl/_rels/workbook.xml.rels"] = relations(("worksheet", target))
        refused(write(tmp_path / f"{i}.xlsx", content), r"entries\(=0\) of .* must be 1")


def test_large_relations_are_refused(tmp_path: Path) -> None:
    content = parts(text(1)) | {"_rels/.rels": "<a>" + " " * 5_000_000}
    refused(write(tmp_path / "a.xlsx", content), r"_rels/\.rels must unpack to <= 4194304 bytes")


def test_a_part_that_stands_twice_is_refused(tmp_path: Path) -> None:
    content = parts(text(1)) | {SHEET.upper(): sheet(text(1))}
    refused(write(tmp_path / "a.xlsx", content), r"entries\(=2\) of .*sheet1\.xml must be 1")


def test_an_encrypted_or_oddly_packed_part_is_refused(tmp_path: Path) -> None:
    file = claim(write(tmp_path / "a.xlsx", parts(text(1))), SHEET, flags=1)
    refused(file, r"sheet1\.xml must not be encrypted")
    file = claim(write(tmp_path / "b.xlsx", parts(text(1))), SHEET, method=zipfile.ZIP_BZIP2)
    refused(file, r"sheet1\.xml: method\(=12\) must be stored or deflated")


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.xlsx").open("wb") as stream:
        stream.truncate(2 * 10**9)
    refused(tmp_path / "a.xlsx", rf"size\(=2000000000 bytes\) must be <= {MAX_FILE_BYTES}")


@pytest.mark.parametrize("begin", ["<!--", "<row><c><v>"])
def test_ends_of_rows_within_a_comment_do_not_make_small_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: str
) -> None:
    pieces: list[int] = []
    feed = xml.Parser.feed

    def counted(self: xml.Parser, piece: bytes, last: bool = False) -> None:
        pieces.append(len(piece))
        feed(self, piece, last)

    monkeypatch.setattr(xml.Parser, "feed", counted)
    file = write(tmp_path / "a.xlsx", parts(text(1) + (begin + "</row>" * 100_000)))
    refused(file, "must be well-formed XML")
    assert len(pieces) < 60
