"""Other doors for a log: frames in memory, databases, logs of a web server, and ids to join by.

Their law: they give the record of the file or capture that holds the same.
"""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_capture import small_run

from smssim import read_log, write_capture
from smssim.record.record import Record
from smssim.record.storage import save
from smssim.record.tallies import NAMES

EXPORTS = Path(__file__).parents[1] / "data/exports"
HEADINGS = ["SMS ID", "Phone", "Send Time", "Status", "Report Time", "Total", "Cost"]
CELLS = {
    "SMS ID": st.sampled_from(["m1", "m2", "m3", "", "-"]),
    "Phone": st.sampled_from(["+6281234567801", "62 812-3456-7802", "1", "=1+1", ""]),
    "Send Time": st.sampled_from(["2026-03-01 10:00:07", "2026-03-01 10:70:07", "", "nan"]),
    "Status": st.sampled_from(["DELIVRD", "UNDELIV", "delivrd ", "pending", "超时", "", "合计"]),
    "Report Time": st.sampled_from(["2026-03-01 10:00:09", "2026-03-01 09:00:00", ""]),
    "Total": st.sampled_from(["1", "2", "", "x"]),
    "Cost": st.sampled_from(["0.05", "", "-1"]),
}
ROWS = st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=8)


def same(log: Record, other: Record, *, rows_off_by: int = 0) -> None:
    """Both are one record, but for the names of their files; rows may be counted from elsewhere."""
    for name in ("messages", "reports"):
        pd.testing.assert_frame_equal(getattr(log, name), getattr(other, name))
    for name in ("counts", "quarantined_by_reason", "repaired", "passed_over", "resolution_s"):
        assert log.provenance[name] == other.provenance[name]
    assert (log.observed_from, log.observed_until) == (other.observed_from, other.observed_until)
    for name in NAMES:
        pd.testing.assert_frame_equal(getattr(log.tallies, name), getattr(other.tallies, name))
    assert log.quarantine is not None
    assert other.quarantine is not None
    assert log.quarantine["reasons"].tolist() == other.quarantine["reasons"].tolist()
    assert log.quarantine["row"].tolist() == (other.quarantine["row"] + rows_off_by).tolist()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ROWS)
def test_a_frame_and_a_database_of_a_files_texts_give_the_record_of_the_file(
    tmp_path: Path, rows: list[dict[str, str]]
) -> None:
    frame = pd.DataFrame(rows, columns=HEADINGS, dtype=str)
    frame.to_csv(tmp_path / "log.csv", index=False)
    of_file = read_log(tmp_path / "log.csv", tz="UTC")
    same(of_file, read_log(frame, tz="UTC"), rows_off_by=1)
    (tmp_path / "log.db").unlink(missing_ok=True)
    with sqlite3.connect(tmp_path / "log.db") as database:
        frame.replace("", None).to_sql("sends", database, index=False)
    same(of_file, read_log(tmp_path / "log.db", tz="UTC"), rows_off_by=1)


def test_a_dirty_export_gives_the_same_in_memory(tmp_path: Path) -> None:
    path = sorted((EXPORTS / "console").glob("*.gz"))[0]
    with gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = [row for row in csv.reader(file) if not any("\n" in cell for cell in row)]
    width = Counter(map(len, rows)).most_common(1)[0][0]
    heading, *rows = (row for row in rows if len(row) == width)
    frame = pd.DataFrame(rows, columns=heading, dtype=str)
    frame.to_csv(tmp_path / "log.csv", index=False, lineterminator="\n")
    log = read_log(frame, tz="Asia/Shanghai")
    same(read_log(tmp_path / "log.csv", tz="Asia/Shanghai"), log, rows_off_by=1)
    assert log.provenance["counts"]["quarantined"]
    assert log.quarantine is not None
    texts = " ".join(log.quarantine["text"])
    numbers = frame[log.provenance["files"][0]["columns"]["number"]]
    assert not any(one in texts for one in numbers if sum(map(str.isdigit, one)) > 8)


def test_columns_have_the_types_of_pandas() -> None:
    texts = pd.DataFrame(
        {
            "SMS ID": ["a", "b", None],
            "Phone": ["6281234567801", "6281234567802", "6281234567803"],
            "Send Time": ["2026-03-01 10:00:00", "2026-03-01 10:00:01", "2026-03-01 10:00:02"],
            "Status": ["DELIVRD", "UNDELIV", None],
            "Report Time": ["2026-03-01 10:00:03", "2026-03-01 10:00:04", None],
            "Cost": ["0.05", None, "0.07"],
        }
    )
    typed = texts.assign(
        Phone=texts["Phone"].astype("int64"),
        Status=texts["Status"].astype("category"),
        Cost=texts["Cost"].astype("float64"),
        **{name: pd.to_datetime(texts[name]) for name in ("Send Time", "Report Time")},
    )
    mixed = typed.assign(Phone=pd.Series([6281234567801, "+62 812 3456 7802", 6281234567803.0]))
    zoned = typed.assign(**{"Send Time": typed["Send Time"].dt.tz_localize("UTC")})
    expected = read_log(texts, tz="UTC").messages
    for frame in (
        typed,
        mixed,
        zoned,
        typed.set_index("SMS ID", drop=False),
        typed.set_index("SMS ID"),
        typed.set_index(["SMS ID", "Send Time"]),
    ):
        found = read_log(frame, tz="UTC").messages
        pd.testing.assert_frame_equal(found, expected)


def test_what_is_neither_path_nor_frame_is_told_what_to_do() -> None:
    for wrong in ({"SMS ID": ["a"]}, [1], None, 3):
        with pytest.raises(TypeError, match=r"a path .* or a DataFrame, which pd\.DataFrame\(\)"):
            read_log(wrong)  # type: ignore[arg-type]
    assert read_log(pd.DataFrame()).provenance["warnings"] == ["DataFrame: the file is empty"]


def test_a_database_names_its_tables(tmp_path: Path) -> None:
    path, text = (
        tmp_path / "sends.sqlite",
        "CREATE TABLE {} ('SMS ID', Country, 'Send Time', Status)",
    )
    with sqlite3.connect(path) as database:
        for name in ("a", "b 'c'"):
            database.execute(text.format(f'"{name}"'))
            values = [(name, "ID", 1_772_359_200, "DELIVRD"), (b"\xff", "ID", 0.5, None)]
            database.executemany(f'INSERT INTO "{name}" VALUES (?, ?, ?, ?)', values)
        database.execute("CREATE TABLE other (x)")
    with pytest.raises(
        ValueError, match=r"name one with --table \(table=\); there is 'a', \"b 'c'\""
    ):
        read_log(path)
    with pytest.raises(ValueError, match="no such table: sent"):
        read_log(path, table="sent")
    with pytest.raises(ValueError, match="no field that is known"):
        read_log(path, table="other")
    log = read_log(path, table="b 'c'")
    assert log.messages is not None
    assert log.quarantine is not None
    assert log.messages["submitted_at"].tolist() == [pd.Timestamp("2026-03-01 10:00", tz="UTC")]
    assert log.quarantine[["row", "reasons"]].to_numpy().tolist() == [
        [2, "bytes do not decode as UTF-8"]
    ]
    (tmp_path / "log.csv").write_text("SMS ID,Country,Send Time\n")
    with pytest.raises(ValueError, match=r"table\(='a'\) must be one of an SQLite database"):
        read_log(tmp_path / "log.csv", table="a")


def test_a_database_is_only_read_and_a_broken_one_is_an_error_or_quarantined(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE s ('SMS ID', Country, 'Send Time', Status)")
        row = ("m", "ID", "2026-03-01T10:00:00Z", "DELIVRD" + " " * 500)
        database.executemany("INSERT INTO s VALUES (?, ?, ?, ?)", [row] * 300)
    whole = path.read_bytes()
    read_log(path)
    assert path.read_bytes() == whole
    assert [file.name for file in tmp_path.iterdir()] == ["log.db"]
    for size in range(100, len(whole), 20_000):
        path.write_bytes(whole[:size] + b"\xff" * 64)
        with suppress(ValueError):
            counts = read_log(path).provenance["counts"]
            left = counts["quarantined"] + counts["duplicates"]
            assert counts["records_in"] == counts["used"] + left


def access_line(received: str, body: str) -> str:
    at = datetime.fromisoformat(received).strftime("%d/%b/%Y:%H:%M:%S %z")
    body = body.replace('"', r"\x22")
    return f'10.0.0.1 - - [{at}] "POST /sms/dlr HTTP/1.1" 200 2 "-" "Java/1.8" "{body}"\n'


def query_line(received: str, body: str) -> str:
    at = datetime.fromisoformat(received).strftime("%d/%b/%Y:%H:%M:%S %z")
    return f'10.0.0.1 - - [{at}] "POST /sms/dlr?{body} HTTP/1.1" 200 2 "-" "Java/1.8"\n'


def json_line(received: str, body: str) -> str:
    return json.dumps({"level": "info", "time": received, "path": "/dlr", "raw": body}) + "\n"


def fields_line(received: str, body: str) -> str:
    from urllib.parse import parse_qsl

    fields = json.loads(body) if body.startswith("{") else dict(parse_qsl(body))
    ms = round(datetime.fromisoformat(received).timestamp() * 1_000)
    return json.dumps({"@timestamp": ms, "payload": fields}) + "\n"


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("line", [access_line, query_line, json_line, fields_line])
def test_the_log_of_a_web_server_gives_the_record_of_its_capture(
    tmp_path: Path, line: Callable[[str, str], str], batch: bool
) -> None:
    """Requests as they were captured, callbacks as a server logged them among other requests."""
    if batch and line is query_line:
        pytest.skip("a query holds one form")
    write_capture(small_run(), tmp_path / "all.jsonl", batch=batch)
    requests, callbacks, captured = [], [], []
    for text in (tmp_path / "all.jsonl").read_text().splitlines():
        values = json.loads(text)
        if "callback" not in values:
            requests.append(text + "\n")
            continue
        # Access logs have whole seconds, and not the second's fraction.
        at = datetime.fromisoformat(values["received_at"]).replace(microsecond=0)
        values["received_at"] = at.astimezone(UTC).isoformat()
        captured.append(json.dumps(values) + "\n")
        callbacks.append(line(values["received_at"], values["callback"]["body"]))
    for name, lines in (("capture", captured), ("server", callbacks)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requests.jsonl").write_text("".join(requests))
        (tmp_path / name / "server.log").write_text("".join(lines))
    log, expected = read_log(tmp_path / "server"), read_log(tmp_path / "capture")
    assert log.reports is not None
    assert len(log.reports)
    same(expected, log)
    other = line("2026-03-01T00:00:00+00:00", '{"a": 1}' if batch else "a=1")
    (tmp_path / "server/server.log").write_text("".join([other, *callbacks, other]))
    again = read_log(tmp_path / "server")
    assert again.provenance["passed_over"] == {"request that is no callback": 2}
    pd.testing.assert_frame_equal(again.reports, log.reports)


def test_a_callback_without_a_time_is_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    form = "sequence=1&total=1&source=2&smsMsgId=a_1&status=DELIVRD"
    path.write_text(json_line("yesterday", form) + json.dumps({"body": form}) + "\n")
    log = read_log(path)
    assert log.quarantine is not None
    first, second = log.quarantine["reasons"]
    assert "received_at(='yesterday') must be an ISO 8601 time with its offset" in first
    assert second == "received_at is missing"


def hashed(name: str, key: str) -> str:
    """As docs/logs.md says that anybody can."""
    import hashlib

    return hashlib.blake2b(name.encode(), key=key.encode(), digest_size=16).hexdigest()


def test_ids_are_stored_on_request_as_hashes_that_join_a_table_of_ones_own(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "SMS ID": [" a1", "b2", "", "b2", "c3", "短3"],
            "Phone": [f"+628123456780{n}" for n in (1, 2, 3, 2, 5, 6)],
            "Send Time": [f"2026-03-01 10:00:0{n}" for n in (6, 2, 3, 2, 5, 1)],
            "Status": "DELIVRD",
        }
    )
    log = read_log(frame, tz="UTC", id_key="our key")
    assert log.messages is not None
    own = pd.DataFrame({"SMS ID": ["a1", "b2", "短3", "x9"], "user": [1, 2, 3, 4]})
    own["id"] = [hashed(name, "our key") for name in own["SMS ID"]]
    joined = log.messages.merge(own, on="id", how="left")
    assert joined["user"].fillna(0).tolist() == [3, 2, 0, 0, 1]
    assert log.messages["id"].isna().tolist() == [False, False, True, False, False]
    text = log.messages.to_csv() + json.dumps(log.provenance, default=str)
    assert "our key" not in text
    assert "a1" not in log.messages["id"].tolist()
    save(log, tmp_path / "record")
    pd.testing.assert_frame_equal(read_log(tmp_path / "record").messages, log.messages)
    plain = read_log(frame, tz="UTC")
    pd.testing.assert_frame_equal(log.messages.drop(columns="id"), plain.messages)
    for wrong in ("", "x" * 65, 3):
        with pytest.raises(ValueError, match="id_key must be 1 to 64 bytes"):
            read_log(frame, tz="UTC", id_key=wrong)  # type: ignore[arg-type]


def test_ids_of_captures_are_those_of_their_smsmsgids(tmp_path: Path) -> None:
    write_capture(small_run(), tmp_path / "c.jsonl")
    log = read_log(tmp_path / "c.jsonl", id_key=b"k")
    names = [
        one["smsMsgId"]
        for text in (tmp_path / "c.jsonl").read_text().splitlines()
        for one in json.loads(text).get("answer", {}).get("result", [])
    ]
    assert log.messages is not None
    found = set(log.messages["id"].dropna())
    assert found
    assert found <= {hashed(name, "k") for name in names}


def test_a_log_says_how_fine_its_times_are_and_whether_it_tells_requests(tmp_path: Path) -> None:
    base: dict[str, Any] = {"Country": "ID", "Status": "DELIVRD"}
    times = pd.date_range("2026-03-01", periods=12, freq="61s")
    for written, final, step, requests in (
        ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", {"submitted": 1, "final": 1}, "seconds"),
        ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S.%f", {"submitted": 60, "final": 0}, "none"),
    ):
        late = times + pd.Timedelta("5.25s")
        columns = {"Send Time": times.strftime(written), "Report Time": late.strftime(final)}
        log = read_log(pd.DataFrame(base | columns), tz="UTC")
        assert log.provenance["resolution_s"] == step
        assert log.provenance["requests"] == requests
    write_capture(small_run(), tmp_path / "c.jsonl.gz")
    with gzip.open(tmp_path / "c.jsonl.gz"):
        log = read_log(tmp_path / "c.jsonl.gz")
    assert log.provenance["requests"] == "stated"
    assert log.provenance["resolution_s"]["submitted"] == 1
