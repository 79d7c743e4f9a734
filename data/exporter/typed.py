"""Exports whose form has types of its own: XLSX, JSON lines, Parquet."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import xlsxwriter  # type: ignore[import-untyped]

from exporter import dirt
from exporter.line import Line
from exporter.text import save, time_as

EPOCH = datetime(1970, 1, 1)
TYPES = {"otp": 1, "notification": 3}
SHEET = (
    ("SMS ID", "id"),
    ("Mobile Number", "number"),
    ("Country", "country"),
    ("App Name", "application"),
    ("Template ID", "template"),
    ("SMS Type", "type"),
    ("Submission Time (UTC)", "submitted"),
    ("Status Time (UTC)", "final"),
    ("Result", "result"),
    ("Status", "status"),
    ("Charged", "charged"),
    ("Segments", "segments"),
)
KEYS = {
    "smsId": "id",
    "number": "number",
    "country": "country",
    "application": "application",
    "template": "template",
    "type": "type",
    "submitted": "submitted",
    "final": "final",
    "result": "result",
    "status": "status",
    "charged": "charged",
    "segments": "segments",
    "part": "part",
}


def workbook(folder: Path, week: list[Line]) -> list[Line]:
    """A workbook: dates are dates, numbers are numbers, even phone numbers; IDs are texts."""
    path = folder / "workbook/week.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
    book.set_properties({"created": datetime(2026, 4, 17)})
    book.add_worksheet("about").write_string(0, 0, "Exports of a week")
    sheet = book.add_worksheet("sending details")
    sheet.write_string(0, 0, "Sending Details")
    for column, (heading, _) in enumerate(SHEET):
        sheet.write_string(2, column, heading)
    records = [line.copy() for line in week]
    for row, line in enumerate(records, start=3):
        for column, (_, field) in enumerate(SHEET):
            _write(sheet, row, column, field, line.value(field))
        line.file, line.row = "workbook/week.xlsx", row + 1
    sheet.write_string(len(records) + 3, 0, "Total")
    sheet.write_number(len(records) + 3, len(SHEET) - 1, len(records))
    book.close()
    return records


def _write(sheet: Any, row: int, column: int, field: str, value: Any) -> None:
    if value is None:
        return
    if field in ("submitted", "final"):
        sheet.write_datetime(row, column, EPOCH + timedelta(seconds=value))
    elif field == "number":
        sheet.write_number(row, column, float(value))
    elif field == "charged":
        sheet.write_number(row, column, 0 if value else 1)
    elif field == "type" and value in TYPES:
        sheet.write_number(row, column, TYPES[value])
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, value)


def with_late_statuses(week: list[Line]) -> list[Line]:
    """The week with some statuses that came after the platform had given up."""
    late = ((dirt.late_status, 5, dirt.is_delivered),)
    return dirt.soiled([line.copy() for line in week], late, "late", is_untouched)


def is_untouched(line: Line) -> bool:
    """Whether nothing was written into it that is not so, and it is the only one of its ID."""
    return bool(not line.written and line.said["id"] and line.said["segments"] == 1)


def json_lines(folder: Path, week: list[Line]) -> list[Line]:
    """A table as JSON lines, keys in names of ours; what is not said is left out."""
    file, texts, records = "json_lines/week.jsonl.gz", list[str](), list[Line]()
    for line in with_late_statuses(week):
        texts.append(json.dumps(_told(line), ensure_ascii=False))
        records.append(line)
        line.row = len(texts)
        if len(texts) in (300, 900):
            texts.append(texts[-1][: len(texts[-1]) // 2])
            records.append(Line({}, reasons=["cut"], row=len(texts)))
        if len(texts) in (500, 1_100):
            texts += ["", "[1, 2, 3]"]
            records.append(Line({}, reasons=["no object"], row=len(texts)))
    for line in records:
        line.file = file
    save(folder / file, "".join(text + "\n" for text in texts).encode())
    return records


def _told(line: Line) -> dict[str, Any]:
    iso = time_as("%Y-%m-%dT%H:%M:%SZ")
    told = {key: line.value(field) for key, field in KEYS.items()}
    for key in ("submitted", "final"):
        told[key] = None if told[key] is None else iso(told[key])
    told["charged"] = "yes" if told["charged"] else "no"
    return {key: value for key, value in told.items() if value is not None}


def parquet(folder: Path, week: list[Line]) -> list[Line]:
    """The same as Parquet, with real times and whole numbers, and NULL where nothing is said."""
    records = with_late_statuses(week)
    columns: dict[str, pa.Array] = {}
    for key, field in KEYS.items():
        values = [line.value(field) for line in records]
        if field in ("submitted", "final"):
            moments = [v if v is None else datetime.fromtimestamp(v, UTC) for v in values]
            columns[key] = pa.array(moments, pa.timestamp("ms", "UTC"))
        elif field == "charged":
            columns[key] = pa.array([0 if value else 1 for value in values], pa.int8())
        else:
            columns[key] = pa.array(values)
    path = folder / "parquet/week.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, compression="zstd", compression_level=19)
    for row, line in enumerate(records, start=1):
        line.file, line.row = "parquet/week.parquet", row
    return records
