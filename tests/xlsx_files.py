"""XLSX files written by hand, so that every byte of them may be wrong."""

from __future__ import annotations

import zipfile
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
GOOD = "+6281234567890"


def relations(*related: tuple[str, str]) -> str:
    """Return the relations rId1, rId2, ... of these kinds and targets."""
    entries = "".join(
        f'<Relationship Id="rId{i}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(related, start=1)
    )
    return f'<Relationships xmlns="{PACKAGE}">{entries}</Relationships>'


def text(row: int, value: str = GOOD, column: str = "A") -> str:
    """Return a row with one cell of text."""
    cell = f'<c r="{column}{row}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<row r="{row}">{cell}</row>'


def sheet(rows: str, before: str = "", after: str = "") -> str:
    """Return a worksheet of these rows."""
    data = f"{before}<sheetData>{rows}</sheetData>{after}"
    return f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}">{data}</worksheet>'


def strings(*items: str) -> str:
    """Return shared strings; each item is what is in its <si>."""
    entries = "".join(f"<si>{item}</si>" for item in items)
    return f'<sst xmlns="{MAIN}">{entries}</sst>'


def parts(rows: str | bytes, shared: str | None = None) -> dict[str, str | bytes]:
    """Return the parts of a workbook; *rows* that begin with "<?xml" are a whole sheet."""
    whole = isinstance(rows, bytes) or rows.startswith("<?xml")
    book = '<sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets>'
    found: dict[str, str | bytes] = {
        "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{book}</workbook>',
        "xl/_rels/workbook.xml.rels": relations(
            ("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "/xl/sharedStrings.xml")
        ),
        SHEET: rows if whole else sheet(str(rows)),
        STRINGS: strings() if shared is None else shared,
    }
    return found


def write(path: Path, content: dict[str, str | bytes]) -> Path:
    """Zip the parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def claim(path: Path, part: str, **fields: int) -> Path:
    """Change what the zip's headers say of *part*: `size` unpacked, `flags`, `method`."""
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        local = archive.getinfo(part).header_offset
    central = data.rfind(b"PK\x01\x02", 0, data.rfind(part.encode()))
    places = {"flags": (6, 8, 2), "method": (8, 10, 2), "size": (22, 24, 4)}
    for name, value in fields.items():
        in_local, in_central, width = places[name]
        for place in (local + in_local, central + in_central):
            data[place : place + width] = value.to_bytes(width, "little")
    path.write_bytes(data)
    return path
