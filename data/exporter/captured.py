"""A capture of the customer's own server, some of its lines broken; the truth by plain reading."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

from exporter.line import Line
from exporter.text import save
from smssim.logs import write_capture
from smssim.record.record import Record

NAME = "capture/week.jsonl.gz"


def capture(folder: Path, week: Record) -> list[Line]:
    """Write a week as its server kept it; the records are numbers of requests, and reports."""
    path = folder / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    write_capture(week, path)
    texts = gzip.decompress(path.read_bytes()).decode().splitlines()
    random = Random("capture")
    callbacks = [i for i, text in enumerate(texts) if '"callback"' in text]
    chosen = random.sample([i for i in callbacks if "total=1&" in texts[i]], 16)
    for i in chosen[:4]:
        texts[i] = texts[i][: len(texts[i]) // 2]
    for i in chosen[4:8]:
        texts[i] = texts[i].replace("smsMsgId=", "smsMsgId=0")
    for i in chosen[8:12]:
        texts[i] = texts[i].replace("status=DELIVRD", "status=SPAMBLK")
    for i in chosen[12:]:
        texts[i] += "\n" + texts[i]
    single = [i for i, text in enumerate(texts) if text.count("smsMsgId") == 1 and i not in chosen]
    requests = [i for i in single if '"request"' in texts[i] and '"status": "000000"' in texts[i]]
    for i in random.sample(requests, 3):
        texts[i] = texts[i][: len(texts[i]) * 2 // 3]
    texts.insert(1_000, "\nserver restarted")
    lines = "\n".join(texts).split("\n")
    save(path, "".join(text + "\n" for text in lines).encode())
    return [record for row, text in enumerate(lines, start=1) for record in _records(row, text)]


def _records(row: int, text: str) -> list[Line]:
    if not text:
        return []
    try:
        entry: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        return [Line({}, reasons=["json"], file=NAME, row=row)]
    found = _numbers(entry) if "request" in entry else [_report(entry)]
    return [Line(said, file=NAME, row=row) for said in found]


def _numbers(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "kind": "send",
            "id": told["smsMsgId"],
            "country": told["countryId"],
            "submitted": _second(told["createTime"]),
            "segments": max(told["total"], 1),
            "place": 0 if told["status"] == "000000" else 2,
            "status": None if told["status"] == "000000" else told["status"],
        }
        for told in entry["answer"]["result"]
    ]


def _report(entry: dict[str, Any]) -> dict[str, Any]:
    body = {key: values[0] for key, values in parse_qs(entry["callback"]["body"]).items()}
    return {
        "kind": "report",
        "id": body["smsMsgId"],
        "part": int(body["sequence"]),
        "status": body["status"],
        "source": int(body["source"]),
        "final": _second(body["updateTime"]) if "updateTime" in body else None,
        "received": _second(entry["received_at"]),
    }


def _second(iso: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(iso).timestamp())
