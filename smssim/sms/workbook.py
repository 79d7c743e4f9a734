"""Which parts of an XLSX hold its first sheet and its shared strings, by its own relations.

Relations are only ever names of parts of the same archive; nothing outside it is opened.
"""

from __future__ import annotations

from posixpath import dirname, join, normpath, split

from smssim.sms.xlsx_guard import Archive
from smssim.sms.xml import parse_small


class _Attributes:
    """The attributes of each element of one local name."""

    def __init__(self, element: str) -> None:
        self._element = element
        self.found: list[dict[str, str]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == self._element:
            self.found.append({key.rpartition(":")[2]: attributes[key] for key in attributes})

    def end(self, name: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass


def parts_of(archive: Archive) -> tuple[str, str | None]:
    """Return the names of the first sheet's part and of the shared strings', if there are any.

    Raise a ValueError for a zip that is no workbook, and for a first sheet that has no cells.
    """
    book = next((part for _, kind, part in _related(archive, "") if kind == "officeDocument"), "")
    if book not in archive:
        raise archive.refusal("must be an XLSX: the zip holds no workbook")
    sheets = _Attributes("sheet")
    parse_small(archive, book, sheets)
    first = sheets.found[0].get("id") if sheets.found else None
    related = _related(archive, book)
    cells = [part for name, kind, part in related if name == first and kind == "worksheet"]
    if not cells:
        raise archive.refusal("the first sheet must be a worksheet")
    strings = [part for _, kind, part in related if kind == "sharedStrings"]
    return cells[0], strings[0] if strings else None


def _related(archive: Archive, part: str) -> list[tuple[str, str, str]]:
    """Return the ID, kind and part of each relation of *part*; the package itself is ""."""
    folder, name = split(part)
    relations = join(folder, "_rels", f"{name}.rels")
    if relations not in archive:
        raise archive.refusal(f"must be an XLSX: the zip holds no {relations}")
    found = _Attributes("Relationship")
    parse_small(archive, relations, found)
    return [
        (
            relation.get("Id", ""),
            relation.get("Type", "").rpartition("/")[2],
            normpath(join("/", dirname(part), relation.get("Target", ""))).lstrip("/"),
        )
        for relation in found.found
    ]
