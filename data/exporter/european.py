"""European files: semicolons, day first, decimal commas, UTF-16 and a Windows code page."""

from __future__ import annotations

from pathlib import Path

from exporter.details import ENGLISH
from exporter.line import Line, Raw
from exporter.month import seconds
from exporter.text import Form, Sheet, time_as

EUROPE = Form(
    (
        ("SMS ID", "id"),
        ("Phone Number", "number"),
        ("Country", "country"),
        ("Application", "application"),
        ("Template", "template"),
        ("Message Type", "type"),
        ("Submitted (UTC)", "submitted"),
        ("Status Time (UTC)", "final"),
        ("Result", "result"),
        ("Status", "status"),
        ("Charged", "charged"),
        ("Segments", "segments"),
        ("Cost", "cost"),
        ("Currency", "currency"),
        ("Remark", "remark"),
    ),
    ENGLISH
    | {
        "submitted": time_as("%d/%m/%Y %H:%M:%S"),
        "final": time_as("%d/%m/%Y %H:%M:%S"),
        "charged": lambda charged: "yes" if charged else "no",
        "cost": lambda micro: f"{micro / 1e6:.4f}".rstrip("0").rstrip(".").replace(".", ","),
    },
    separator=";",
    encoding="utf-16-le",
    mark=b"\xff\xfe",
)


def european(folder: Path, week: list[Line]) -> list[Line]:
    """A week with money in it; what is broken here alone are copies of lines, so that no message
    is lost that other forms have.
    """
    rows = _with_broken_copies([line.copy() for line in week])
    rows[5].written["remark"] = Raw('rang off; then "called" again')
    sheet = Sheet(EUROPE, "european/week.csv.gz")
    for row in rows:
        sheet.add(row)
    sheet.write(folder)
    return sheet.records


def _with_broken_copies(rows: list[Line]) -> list[Line]:
    faults: tuple[tuple[str, dict[str, object]], ...] = (
        ("cost", {"cost": Raw("-0,35")}),
        ("currency", {"currency": "EUR"}),
        ("time", {"submitted": Raw("32/04/2026 10:00:00")}),
        ("status", {"status": Raw("finished")}),
    )
    for turn, (reason, written) in enumerate(faults * 2):
        place = 150 + 200 * turn
        copy = rows[place].copy()
        copy.written |= written
        copy.reasons = [reason]
        rows.insert(place + 1, copy)
    broken = rows[100].copy()
    broken.broken, broken.reasons = "bytes", ["bytes"]
    rows.insert(101, broken)
    return rows


def western(folder: Path, week: list[Line]) -> list[Line]:
    """Two days of the week in the Windows code page of Western Europe."""
    names = {"shop": "Café Noë", "news": "Straße"}
    form = Form(
        EUROPE.columns,
        {**EUROPE.shown, "application": names.__getitem__},
        separator=";",
        encoding="cp1252",
    )
    until = seconds("2026-04-14")
    rows = [line.copy() for line in week]
    sheet = Sheet(form, "western/two_days.csv")
    for row in rows:
        if seconds("2026-04-12") <= (row.said["submitted"] or 0) < until:
            sheet.add(row)
    sheet.write(folder)
    return sheet.records
