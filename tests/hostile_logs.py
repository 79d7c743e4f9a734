"""Hostile logs by families: whatever a file holds, a reading ends in a Log or in a plain error.

Run `python tests/hostile_logs.py [--count N] [--seed N]` for many; `test_log_hostile.py` tries a
sample. Each case is a function of its family and number alone, and is printed if it fails.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from smssim import read_log

HEADINGS = ["SMS ID", "Phone", "Send Time", "Status", "Report Time", "Total", "Cost", "Content"]
SECRET = "s3cr3tword"
STATUSES = [
    "DELIVRD",
    "UNDELIV",
    "EXPIRED",
    "ACCEPTD",
    "",
    "delivrd",
    "nan",
    "pending",
    "超时",
    "0",
]
ODD = ["", '"', "'", "\x00", "\ufeff", "\u200b", "=1+1", "1e999", "9" * 400, "\ud83d\ude00", "合计"]
MOST_SECONDS = 20

Case = tuple[str, bytes]


def _row(rng: random.Random) -> list[str]:
    at = f"2026-03-{rng.randint(1, 31):02d} {rng.randint(0, 25):02d}:{rng.randint(0, 59):02d}:07"
    cells = [
        f"m{rng.randint(0, 9)}",
        f"+62812{rng.randint(0, 99):07d}",
        at,
        rng.choice(STATUSES),
        at.replace(":07", f":{rng.randint(0, 70):02d}"),
        str(rng.choice(["", 0, 1, 2, 3, 100, "x"])),
        rng.choice(["", "0.05", "-1", "1,5", "1e-9", "9" * 30]),
        f"code {SECRET}",
    ]
    if rng.random() < 0.3:
        cells[rng.randrange(len(cells))] = rng.choice(ODD)
    return cells


def _rows(rng: random.Random) -> list[list[str]]:
    rows = [_row(rng) for _ in range(rng.randint(0, 12))]
    return rows + rows[: rng.choice([0, 0, 1, len(rows)])]


def table(rng: random.Random) -> Case:
    """A text table, its cells, quotes and separators at will."""
    mark = rng.choice(",;\t|")
    rows = [HEADINGS, *_rows(rng)]
    if rng.random() < 0.3:
        rows.insert(rng.randrange(len(rows) + 1), rng.choice([HEADINGS, ["合计：5"], [], [""] * 8]))
    quote = rng.choice(["", '"'])
    text = rng.choice(["\n", "\r\n", "\r"]).join(
        mark.join(f"{quote}{cell}{quote}" for cell in row) for row in rows
    )
    encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16", "gb18030", "cp1252"])
    return "log.csv", text.encode(encoding, "ignore")


def json_table(rng: random.Random) -> Case:
    """A JSON object per line, with keys and types at will."""
    lines = []
    for row in _rows(rng):
        values: dict[str, Any] = dict(zip(HEADINGS, row, strict=True))
        if rng.random() < 0.3:
            values[rng.choice([*HEADINGS, "request", "templateParas", "+6281234567890"])] = (
                rng.choice([None, 1, 1e400, True, ["x"], {"a": "x"}, "x" * 9_000])
            )
        lines.append(json.dumps(values, ensure_ascii=rng.random() < 0.5))
    return "log.jsonl", "\n".join(lines).encode("utf-8", "surrogatepass")


def capture(rng: random.Random) -> Case:
    """Requests of both calls, answers and callbacks, with fields missing or of another type."""
    lines: list[Any] = []
    for n in range(rng.randint(1, 6)):
        at, number = "2026-03-01T10:00:00Z", f"+62812{n:07d}"
        result: dict[str, Any] = {"smsMsgId": f"u_{n}", "originTo": number, "status": "000000"}
        result |= {"createTime": at, "countryId": "ID", "total": 1}
        request: dict[str, Any] = {"from": "isms1", "templateParas": f'["{SECRET}"]'}
        content = [{"to": [number], "templateId": "t", "templateParas": [SECRET]}]
        request |= rng.choice([{"to": number, "templateId": "t"}, {"smsContent": content}])
        answer: dict[str, Any] = {"code": "000000", "description": "", "result": [result]}
        body = f"sequence=1&total=1&source=2&smsMsgId=u_{n}&status={rng.choice(STATUSES)}"
        callback = {"content_type": "application/x-www-form-urlencoded", "body": body}
        for part in (result, request, answer, callback):
            if rng.random() < 0.15:
                key = rng.choice(sorted(part))
                part[key] = rng.choice([None, 1, [], {}, "", "x" * 99, [[[]]], 10**400])
        lines.append({"received_at": at, "request": request, "answer": answer})
        lines.append({"received_at": at, "callback": callback})
    rng.shuffle(lines)
    return "log.jsonl", "\n".join(map(json.dumps, lines)).encode()


def parquet(rng: random.Random) -> Case:
    """A Parquet table with columns of any type."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    rows = _rows(rng) or [_row(rng)]
    columns = {}
    for name, values in zip(HEADINGS, zip(*rows, strict=True), strict=True):
        texts = pa.array([text.encode("utf-8", "replace").decode() for text in values])
        numbers = pa.array([rng.choice([None, 1, 2**62, -1]) for _ in rows], pa.int64())
        columns[name] = rng.choice([texts, texts, texts, texts.dictionary_encode(), numbers])
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return "log.parquet", sink.getvalue()


def database(rng: random.Random) -> Case:
    """A table of a database, its cells of any type and its columns of any number."""
    values: list[Any] = [None, 0, 1.5, 2**62, 1e400, b"\xff", "x" * 9_000, "\x00"]
    with closing(sqlite3.connect(":memory:")) as connection:
        headings = HEADINGS[: rng.choice([8, 8, 3, 1])]
        connection.execute(f"CREATE TABLE log ({', '.join(map(repr, headings))})")
        for row in _rows(rng):
            texts = [cell.encode("utf-8", "ignore").decode() for cell in row]
            cells = [rng.choice(values) if rng.random() < 0.1 else cell for cell in texts]
            marks = ",".join("?" * len(headings))
            connection.execute(f"INSERT INTO log VALUES ({marks})", cells[: len(headings)])
        connection.commit()
        return "log.db", connection.serialize()


def server_log(rng: random.Random) -> Case:
    """Lines of an access log or of JSON with callbacks, some of which are none."""
    lines = []
    for n in range(rng.randint(1, 9)):
        form = f"sequence={rng.choice([1, 0, 'x'])}&total=1&smsMsgId=u_{n}&status=DELIVRD&source=2"
        body = rng.choice(
            [form, form[:40], "", f'{{"statusReportList": [{{"smsMsgId": "u_{n}"}}]}}']
        )
        at = rng.choice(["01/Mar/2026:10:00:00 +0000", "99/Xyz/2026:10:00:00 +0000", ""])
        values = {"time": rng.choice([at, 1, 1e400, None, 10**400]), "body": body}
        quoted = body.replace('"', "\\x22")
        text = f'1.2.3.4 - - [{at}] "POST /x?{rng.choice(["", quoted])} HTTP/1.1" 200 0 "{quoted}"'
        lines.append(rng.choice([text, json.dumps(values)]) if n else text)
    return "server.log", "\n".join(lines).encode()


def _bent(make: Callable[[random.Random], Case]) -> Callable[[random.Random], Case]:
    """The same with bytes changed, cut, doubled, or compressed and cut."""

    def bent(rng: random.Random) -> Case:
        name, data = make(rng)
        if rng.random() < 0.3:
            data = gzip.compress(data, mtime=0)
        changed = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            if changed:
                changed[rng.randrange(len(changed))] = rng.randrange(256)
        data = bytes(changed)
        return name, rng.choice([data, data[: rng.randrange(len(data) + 1)], data + data])

    return bent


FAMILIES: dict[str, Callable[[random.Random], Case]] = {
    "table": table,
    "JSON table": json_table,
    "capture": capture,
    "Parquet": parquet,
    "database": database,
    "server log": server_log,
    "bent table": _bent(table),
    "bent JSON": _bent(json_table),
    "bent capture": _bent(capture),
    "bent Parquet": _bent(parquet),
    "bent database": _bent(database),
    "bent server log": _bent(server_log),
}


def check(family: str, number: int, folder: Path) -> None:
    """Read one case; raise an AssertionError for anything but a Log that adds up, or an error."""
    rng = random.Random(f"{family} {number}")
    name, data = FAMILIES[family](rng)
    path = folder / name
    path.write_bytes(data)
    begin = time.process_time()
    try:
        log = read_log(path, tz="UTC")
    except UnicodeError:
        raise
    except (ValueError, OSError):
        pass
    else:
        counts, quarantine = log.provenance["counts"], log.quarantine
        left = counts["quarantined"] + counts["duplicates"]
        assert counts["records_in"] == counts["used"] + left
        assert quarantine is not None
        if "bent" not in family:
            assert SECRET not in quarantine.to_csv()
    assert time.process_time() - begin < MOST_SECONDS


def main() -> None:
    """Try many cases, and print those that fail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="cases in all")
    parser.add_argument("--seed", type=int, default=0, help="number of the first one")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.seed, options.seed + options.count // len(FAMILIES)):
            for family in FAMILIES:
                try:
                    check(family, number, Path(folder))
                except Exception as error:
                    failed += 1
                    print(f"{family!r}, {number}: {type(error).__name__}: {error}"[:300])  # noqa: T201
    print(f"{failed} of {options.count} failed")  # noqa: T201
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
