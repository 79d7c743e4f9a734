"""Captures: the round trip gives the customer's view exactly, and no bytes give a traceback."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smssim.logs import Log, read_log, write_capture
from smssim.logs import quarantine as kept
from smssim.logs.captures.customer_view import customer_view
from smssim.logs.captures.wire import channel, country_of_numbers, number_prefix, template_id
from smssim.logs.files.bytes import LONGEST
from smssim.logs.quarantine import Quarantine
from smssim.record.record import Record
from smssim.record.schema import MESSAGES, QUARANTINE, REFUSED_AT, REPORTS, TIME
from smssim.sms.phone_numbers import normalise
from smssim.sms.reference import countries

START = pd.Timestamp("2026-12-01T00:00:00Z").value // 1_000
SCENARIO = """
name: small
start: 2026-12-01
applications: [{name: app one}, {name: other}]
templates:
  - {name: code, application: app one}
  - {name: the longest template name is 032, application: other}
group_tasks:
  - {name: campaign, template: code, at: 2026-12-01, countries: {ID: 1}}
"""
LONG = "the longest template name is 032"
ID = "b9d9b4fe-1a9e-42ac-b309-d10997148905_6"
FORM = "application/x-www-form-urlencoded"
DOCUMENTED = (
    "sequence=1&total=1&orgCode=000&updateTime=2018-04-13T06%3A31%3A46Z&source=2"
    f"&smsMsgId={ID}&status=DELIVRD"
)
WITHOUT_NUMBERS = ("AQ", "BV", "GS", "HM", "PN", "TF", "UM")


def record(messages: list[dict[str, Any]], reports: list[dict[str, Any]]) -> Record:
    """A run with these rows; columns that are not given are those of per delivered message."""
    usual = {
        "submitted_at": START, "source": "web", "request": 1, "recipient": 0, "resend_number": 0,
        "application": "app one", "template": "code", "type": "otp", "country": "ID",
        "segments": 1, "refused_at": "", "status": "DELIVRD", "report_source": 2, "sent_at": START,
        "final_at": START + 5_400_000, "covered_segments": 1, "package": 0, "cost_micro": 0,
    }  # fmt: skip
    arrived = {"part": 1, "state": "received", "attempts": 1, "deliveries": 1, "received_at": START}
    return Record(
        name="small",
        observed_from=START,
        observed_until=START + 10**12,
        currency="USD",
        tallies=None,  # type: ignore[arg-type]
        messages=_frame([usual | row for row in messages], MESSAGES),
        reports=_frame([arrived | row for row in reports], REPORTS),
        provenance={"scenario": SCENARIO},
    )


def _frame(rows: list[dict[str, Any]], table: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[column.name for column in table], dtype=object)
    for column in table:
        values = frame[column.name]
        if column.dtype == TIME:
            values = pd.to_datetime(values.astype("Int64"), unit="us", utc=True)
        frame[column.name] = values.astype(column.dtype)
    return frame


def round_trip(run: Record, folder: Path, *, batch: bool = False, name: str = "c.jsonl") -> Log:
    write_capture(run, folder / name, batch=batch)
    log = read_log(folder / name)
    assert log.messages is not None
    assert log.reports is not None
    assert log.quarantine is not None
    messages, reports = customer_view(run, batch=batch)
    pd.testing.assert_frame_equal(log.messages, messages)
    pd.testing.assert_frame_equal(log.reports, reports)
    assert log.quarantine.empty
    return log


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def law(log: Log) -> dict[str, int]:
    """records in = used + quarantined + duplicates, and the quarantine's frame says so too."""
    counts: dict[str, int] = log.provenance["counts"]
    assert log.quarantine is not None
    left = counts["quarantined"] + counts["duplicates"]
    assert counts["records_in"] == counts["used"] + left
    assert counts["quarantined"] == len(log.quarantine)
    # A record counts once for each of its reasons.
    by_reason = log.provenance["quarantined_by_reason"].values()
    assert max(by_reason, default=0) <= counts["quarantined"] <= sum(by_reason)
    return counts


def counted(records_in: int, *, quarantined: int = 0, duplicates: int = 0) -> dict[str, int]:
    """The counts of a log."""
    used = records_in - quarantined - duplicates
    return {"records_in": records_in, "used": used} | {
        "quarantined": quarantined, "duplicates": duplicates,
    }  # fmt: skip


def small_run() -> Record:
    """Two numbers in a request, one refused; a refused request; a resend; a task; places 3."""
    later = START + 60_000_001
    refused = {"report_source": None, "sent_at": None, "final_at": None}
    messages: list[dict[str, Any]] = [
        {},
        {"recipient": 1, "refused_at": "number", "status": "E200015", **refused},
        {"request": 2, "submitted_at": START + 999_999, "refused_at": "request",
         "status": "E000623"} | refused,
        {"request": 2, "recipient": 1, "submitted_at": START + 999_999, "refused_at": "request",
         "status": "E000623"} | refused,
        {"source": "campaign", "request": 7, "submitted_at": START + 1_000_000},
        {"submitted_at": later, "resend_number": 1, "status": None, "final_at": None},
        {"submitted_at": later, "resend_number": 1, "recipient": 1, "status": "EXPIRED",
         "report_source": 1, "final_at": START + 10**11},
        {"source": "zz", "submitted_at": later, "template": LONG, "application": "other",
         "type": "notification", "segments": 3, "status": "UNDELIV", "country": "TH",
         "final_at": later + 4},
        {"source": "zz", "request": 3, "submitted_at": later + 5, "refused_at": "platform",
         "status": "E000629",
         "report_source": 3, "final_at": later + 5, "sent_at": None},
        {"source": "zz", "request": 4, "submitted_at": later + 5, "refused_at": "platform",
         "status": "E000629",
         "report_source": 3, "final_at": later + 5, "sent_at": None},
    ]  # fmt: skip
    reports: list[dict[str, Any]] = [
        {"message": 0, "received_at": START + 6_000_003, "deliveries": 2},
        {"message": 4, "received_at": START + 9_000_000},
        {"message": 6, "received_at": START + 10**11 + 1},
        {"message": 7, "part": 1, "received_at": START + 65_000_000},
        {"message": 7, "part": 2, "state": "lost", "received_at": None, "deliveries": 0},
        {"message": 7, "part": 3, "received_at": START + 65_000_000},
        {"message": 8, "state": "pending", "received_at": None, "deliveries": 0},
        {"message": 9, "received_at": later + 5},
    ]
    return record(messages, reports)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz"])
def test_round_trip(tmp_path: Path, batch: bool, name: str) -> None:
    log = round_trip(small_run(), tmp_path, batch=batch, name=name)
    assert log.messages is not None
    assert law(log) == counted(9 + 6)
    assert log.messages["refused_at"].tolist() == [
        *("", "number", "request", "request", "", "", "", "", "platform")
    ]
    assert log.messages["request"].tolist() == [0, 0, 1, 1, 2, 3, 4, 5, 6]
    assert log.messages["recipient"].tolist() == [0, 1, 0, 1, 0, 0, 0, 0, 0]
    assert log.messages["segments"].isna().tolist() == [0, 0, 1, 1, 0, 0, 0, 0, 0]
    for unknown in ("source", "resend_number", "type", "sent_at", "cost_micro", "package"):
        assert log.messages[unknown].isna().all()
    assert log.observed_from == START
    assert log.observed_until == START + 10**11 + 1
    assert log.name == "c"


def test_a_lost_report_looks_like_one_still_to_come(tmp_path: Path) -> None:
    lost = {"state": "lost", "received_at": None, "deliveries": 0, "message": 0}
    in_flight = {"status": None, "report_source": None, "final_at": None}
    one = round_trip(record([{}], [lost]), tmp_path)
    other = round_trip(record([in_flight], []), tmp_path)
    assert one.messages is not None
    assert other.messages is not None
    pd.testing.assert_frame_equal(one.messages, other.messages)


def test_lines_have_the_documented_fields(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    write_capture(small_run(), path)
    first, refused, *_ = lines_of(path)
    one, two = first["request"]["to"].split(",")
    assert first["received_at"] == "2026-12-01T00:00:00.000000Z"
    assert first["request"]["from"] == channel("app one")
    assert first["request"]["templateId"] == "code"
    assert len(json.loads(first["request"]["templateParas"])[0]) == 6
    assert first["answer"]["code"] == "E000510"
    result = first["answer"]["result"][0]
    name = result.pop("smsMsgId")
    assert result == {
        "from": channel("app one"), "originTo": one, "status": "000000",
        "createTime": "2026-12-01T00:00:00Z", "countryId": "ID", "total": 1,
    }  # fmt: skip
    assert first["answer"]["result"][1]["originTo"] == two
    assert set(refused["answer"]) == {"code", "description"}
    assert refused["answer"]["code"] == "E000623"
    callbacks = [line["callback"] for line in lines_of(path) if "callback" in line]
    assert {callback["content_type"] for callback in callbacks} == {FORM}
    bodies = [callback["body"] for callback in callbacks]
    assert (
        f"sequence=1&total=1&updateTime=2026-12-01T00%3A00%3A05Z&source=2"
        f"&smsMsgId={name}&status=DELIVRD&statusDesc=Handset%20received%20the%20SMS"
    ) in bodies
    assert [body.count("updateTime") for body in bodies if "source=1" in body] == [0]


def test_a_resend_goes_to_the_number_of_its_first_copy(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    write_capture(small_run(), path)
    sent = [line["request"]["to"] for line in lines_of(path) if "request" in line]
    assert sent[0].split(",") == sent[2:4]
    numbers = ",".join([*sent[:2], *sent[4:]]).split(",")
    assert len(set(numbers)) == len(numbers)
    assert all(normalise(number) == number for number in numbers)


def test_captures_are_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_capture(small_run(), tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_batches_hold_fifty_reports_of_one_second(tmp_path: Path) -> None:
    messages = [{"request": k, "submitted_at": START + k} for k in range(120)]
    reports = [{"message": k, "received_at": START + 10_000 * k} for k in range(120)]
    run = record(messages, reports)
    round_trip(run, tmp_path, batch=True)
    callbacks = [line for line in lines_of(tmp_path / "c.jsonl") if "callback" in line]
    sizes = [len(json.loads(c["callback"]["body"])["statusReportList"]) for c in callbacks]
    assert sizes == [50, 50, 20]


def test_without_an_address_no_callback_is_asked_for(tmp_path: Path) -> None:
    run = record([{}], [])
    run.provenance["scenario"] = SCENARIO + "callback: {address: false}\n"
    round_trip(run, tmp_path)
    assert "statusCallback" not in lines_of(tmp_path / "c.jsonl")[0]["request"]


@pytest.mark.parametrize("country", sorted(countries()))
def test_numbers_belong_to_their_country(country: str) -> None:
    if country in WITHOUT_NUMBERS:
        with pytest.raises(ValueError, match="must have a calling code to write its numbers"):
            number_prefix(country)
        return
    assert normalise(number_prefix(country) + "0000000") is not None
    if country not in ("EH", "MF"):
        assert country_of_numbers(country) == country


def test_names_fit_the_wire() -> None:
    assert channel("app one").startswith("isms")
    assert len(channel("app one")) == 14
    assert template_id("code") == "code"
    assert template_id(LONG) == LONG
    assert len(template_id(LONG + "!")) == 32
    assert template_id(LONG + "!") != template_id(LONG + "?")


@pytest.mark.parametrize("lost", ["messages", "reports"])
def test_a_run_that_kept_no_rows_cannot_be_captured(tmp_path: Path, lost: str) -> None:
    whole = record([{}], [])
    run = Record(**{**vars(whole), lost: None})
    with pytest.raises(ValueError, match="must have kept its messages and reports"):
        write_capture(run, tmp_path / "c.jsonl")


OUTCOMES = st.sampled_from(
    [
        (0, "DELIVRD", 2), (0, "UNDELIV", 2), (0, "EXPIRED", 1), (0, None, None),
        (1, "E000112", None), (2, "E200030", None), (2, "E200041", None), (3, "E000629", 3),
    ]
)  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> Record:
    messages, reports = [], []
    at = START
    for request in range(draw(st.integers(0, 12))):
        at += draw(st.sampled_from([0, 1, 400_000, 5_000_000]))
        source = draw(st.sampled_from(["campaign", "sms", "web"]))
        template, refused = draw(st.sampled_from(["code", LONG])), draw(st.booleans())
        for recipient in range(draw(st.integers(1, 4))):
            place, status, made_by = draw(OUTCOMES)
            if refused or place == 1:
                place, status, made_by = (1, "E000112", None) if refused else (0, "DELIVRD", 2)
            generation = 0 if source == "campaign" else draw(st.integers(0, 1))
            segments = draw(st.integers(1, 3))
            messages.append(
                {
                    "submitted_at": at, "source": source, "request": request,
                    "recipient": recipient, "resend_number": generation, "segments": segments,
                    "refused_at": REFUSED_AT[place], "status": status, "report_source": made_by,
                    "final_at": None if made_by is None else at + draw(st.integers(0, 10**7)),
                    "country": draw(st.sampled_from(["ID", "TH", "GB", "US", "EH", "KZ"])),
                    "template": template,
                }
            )  # fmt: skip
            for part in range(segments if made_by else 0):
                state = draw(st.sampled_from(["received", "lost", "pending"]))
                got = state == "received"
                reports.append(
                    {
                        "message": len(messages) - 1, "part": part + 1, "state": state,
                        "deliveries": draw(st.integers(1, 3)) if got else 0,
                        "received_at": at + draw(st.integers(10**7, 2 * 10**7)) if got else None,
                    }
                )  # fmt: skip
    order = sorted(range(len(messages)), key=lambda k: (messages[k]["submitted_at"], k))
    assert order == list(range(len(messages)))
    return record(messages, reports)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(worlds(), st.booleans())
def test_any_round_trip(tmp_path: Path, run: Record, batch: bool) -> None:
    law(round_trip(run, tmp_path, batch=batch))


def request_line(name: str = ID, **answer: Any) -> dict[str, Any]:
    result = {
        "smsMsgId": name, "from": "isms0000000001", "originTo": "+6281234567890",
        "status": "000000", "createTime": "2018-04-13T06:31:40Z", "countryId": "ID", "total": 2,
    }  # fmt: skip
    asked = {"from": "isms0000000001", "to": "+6281234567890", "templateId": "t"}
    return {
        "received_at": "2018-04-13T14:31:40.5+08:00",
        "request": asked,
        "answer": {"code": "000000", "description": "Success", "result": [result | answer]},
    }


def callback_line(body: str, content_type: str = FORM) -> dict[str, Any]:
    return {
        "received_at": "2018-04-13T06:31:47Z",
        "callback": {"content_type": content_type, "body": body},
    }


def read_lines(folder: Path, *lines: Any) -> Log:
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    (folder / "hand.jsonl").write_bytes(b"\n".join(texts) + b"\n")
    return read_log(folder / "hand.jsonl")


def test_documented_bodies(tmp_path: Path) -> None:
    item = {"sequence": "2", "total": "2", "status": "DELIVRD", "smsMsgId": ID, "source": "2",
            "updateTime": "2018-04-13T06:31:48Z", "orgCode": "000"}  # fmt: skip
    batch = json.dumps({"statusReportList": [item]})
    log = read_lines(
        tmp_path, callback_line(DOCUMENTED), request_line(),
        callback_line(batch, "application/json; charset=UTF-8"),
    )  # fmt: skip
    assert law(log) == counted(3)
    assert log.messages is not None
    assert log.reports is not None
    message = log.messages.iloc[0]
    assert message["status"] == "DELIVRD"
    assert message["report_source"] == 2
    assert message["final_at"] == pd.Timestamp("2018-04-13T06:31:48Z")
    assert message["submitted_at"] == pd.Timestamp("2018-04-13T06:31:40Z")
    assert message["application"] == "isms0000000001"
    assert log.reports["part"].tolist() == [1, 2]
    assert log.reports["state"].tolist() == ["received"] * 2
    assert log.reports["attempts"].isna().all()
    assert log.observed_from == pd.Timestamp("2018-04-13T06:31:40Z").value // 1000
    assert log.observed_until == pd.Timestamp("2018-04-13T06:31:48Z").value // 1000


def test_a_long_message_is_not_delivered_before_all_of_it_is(tmp_path: Path) -> None:
    second = DOCUMENTED.replace("sequence=1&total=1", "sequence=2&total=2")
    failed = second.replace("DELIVRD", "UNDELIV").replace("%3A46Z", "%3A40Z")
    log = read_lines(tmp_path, request_line(), callback_line(failed), callback_line(DOCUMENTED))
    assert log.messages is not None
    assert log.messages["status"].tolist() == ["UNDELIV"]
    log = read_lines(
        tmp_path, request_line(), callback_line(second), callback_line(failed),
        callback_line(DOCUMENTED),
    )  # fmt: skip
    assert log.messages is not None
    assert log.messages["status"].tolist() == ["DELIVRD"]
    assert log.reports is not None
    assert log.reports["deliveries"].tolist() == [1, 2]


def without(line: dict[str, Any], *path: Any) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(line))
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return changed


BAD_LINES: list[tuple[Any, str]] = [
    (b"{not json", "not JSON"),
    (b'{"received_at": NaN}', "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b"1" * 5_000, "not JSON"),
    (b'{"received_at": "\xff"}', "not UTF-8"),
    ([], "must be a JSON object"),
    ({"received_at": "2018-04-13T06:31:47Z"}, "must hold either"),
    (request_line() | callback_line(DOCUMENTED), "must hold either"),
    (without(request_line(), "answer"), "answer is missing"),
    (without(request_line(), "request"), "request is missing"),
    (without(request_line(), "request", "to"), "request.to is missing"),
    (without(request_line(), "received_at"), "received_at is missing"),
    (without(request_line(), "answer", "result"), "answer.result is missing"),
    (request_line() | {"received_at": "2018-04-13T06:31:47"}, "with its offset, years"),
    (request_line() | {"received_at": "0001-01-01T00:00:00Z"}, "years 2000 to 2099"),
    (request_line() | {"received_at": 5}, "received_at(=5)"),
    (request_line() | {"answer": {"code": "E 1", "result": [{}]}}, "answer.code(='E 1')"),
    (request_line() | {"answer": {"code": "E000623", "result": [{}]}}, "must be absent"),
    (request_line() | {"answer": {"code": "000000", "result": [[[]]]}}, "holds a list"),
    (request_line(status="DELIVERED"), "answer.result.status(='DELIVERED')"),
    (request_line(createTime="2018-02-30T00:00:00Z"), "createTime(='2018-02-30"),
    (request_line(createTime="2018-W01-1T09:00:00Z"), "yyyy-MM-dd"),
    (request_line(createTime="2019-04-13T06:31:40Z"), "within a day of received_at"),
    (request_line(total=300), "answer.result.total(=300)"),
    (request_line(total=True), "answer.result.total(=True)"),
    (request_line(countryId="\ud800"), "countryId(='\\ud800')"),
    (request_line(name="x" * 51), "must have 50 characters"),
    (callback_line(DOCUMENTED.replace("DELIVRD", "")), "status is missing"),
    (
        callback_line(DOCUMENTED.replace("DELIVRD", "DELIVRDXX")),
        "is neither a status code nor a word that is known",
    ),
    (callback_line(DOCUMENTED.replace("sequence=1", "sequence=2")), "must be from 1 to total(=1)"),
    (callback_line(DOCUMENTED.replace("total=1", "total=x")), "total(='x')"),
    (callback_line(DOCUMENTED.replace("source=2", "source=4")), "source(='4')"),
    (callback_line(DOCUMENTED.replace("06%3A31", "06.31")), "updateTime("),
    (callback_line(DOCUMENTED + "&total=1"), "each field once"),
    (callback_line("\n"), "must be form-encoded"),
    (callback_line(DOCUMENTED + "&x=%ff"), "form-encoded UTF-8"),
    (callback_line(DOCUMENTED, "text/plain"), "callback.content_type(='text/plain')"),
    (callback_line("[]", "application/json"), "statusReportList"),
    (callback_line('{"statusReportList": []}', "application/json"), "statusReportList"),
    (callback_line('{"statusReportList": [5]}', "application/json"), "holds 5"),
    (callback_line("{", "application/json"), "not JSON"),
    (callback_line(DOCUMENTED.replace(ID, "other")), "in no answer"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_LINES)
def test_what_cannot_be_used_says_why(tmp_path: Path, line: Any, reason: str) -> None:
    log = read_lines(tmp_path, request_line("good"), b"", line)
    assert law(log)["quarantined"] == 1
    assert log.quarantine is not None
    assert list(log.quarantine.columns) == [column.name for column in QUARANTINE]
    row = log.quarantine.iloc[0]
    assert reason in row["reasons"]
    assert (row["row"], row["file"]) == (3, str(tmp_path / "hand.jsonl"))


def test_duplicates_and_refused_numbers(tmp_path: Path) -> None:
    changed = request_line(total=1)
    refused = request_line("no", status="E200041")
    log = read_lines(
        tmp_path, request_line(), request_line(), changed, refused,
        callback_line(DOCUMENTED.replace(ID, "no")),
    )  # fmt: skip
    assert law(log) == counted(5, quarantined=2, duplicates=1)
    assert log.quarantine is not None
    assert log.quarantine["row"].tolist() == [3, 5]
    reasons = log.quarantine["reasons"].tolist()
    assert "is in an earlier answer" in reasons[0]
    assert "was refused in the answer" in reasons[1]
    texts = log.quarantine["text"].tolist()
    assert ['"total": 1' in text for text in texts] == [True, False]
    assert "smsMsgId=no" in texts[1]


def test_good_reports_of_a_batch_are_used(tmp_path: Path) -> None:
    items = [{"smsMsgId": ID, "status": "DELIVRD"}, {"smsMsgId": ID}, {"smsMsgId": ID, "status": 3}]
    log = read_lines(
        tmp_path,
        request_line(),
        callback_line(json.dumps({"statusReportList": items}), "application/json"),
    )
    assert law(log) == counted(4, quarantined=2)
    assert log.quarantine is not None
    assert log.quarantine["row"].tolist() == [2, 2]


def test_a_line_over_the_limit_is_passed_over(tmp_path: Path) -> None:
    huge = b'{"received_at": "' + b"+6281234567890," * (LONGEST // 8) + b'"}'
    log = read_lines(tmp_path, huge, request_line())
    assert law(log) == counted(2, quarantined=1)
    assert log.quarantine is not None
    assert len(log.quarantine["text"][0]) < 5_000
    assert "1234" not in log.quarantine["text"][0]


def test_a_cut_off_archive(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl.gz"
    whole = gzip.compress(b"\n".join([json.dumps(request_line()).encode()] * 50))
    for data in (whole[: len(whole) // 2], whole + b"more", b""):
        path.write_bytes(data)
        counts = law(read_log(path))
        assert counts["quarantined"] >= (1 if data else 0)
    path.write_bytes(b"no archive at all")
    with pytest.raises(ValueError, match=r"c\.jsonl\.gz: no heading"):
        read_log(path)


def test_the_quarantine_shows_no_phone_number() -> None:
    for shown in (False, True):
        quarantine = Quarantine(show_numbers=shown)
        quarantine.add("f", 1, ["bad +6281234567890"], "x" * 8_190 + "6281234567890")
        quarantine.add("f", 2, ["bad"], "to=6281234567890")
        first, second = quarantine.frame().to_dict("records")
        assert "34567890" not in first["text"]
        assert ("34567890" in second["text"]) is shown
        assert ("34567890" in first["reasons"]) is shown


def test_the_quarantine_counts_what_it_does_not_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_ROWS", 3)
    monkeypatch.setattr(kept, "_MOST_REASONS", 2)
    monkeypatch.setattr(kept, "_CHARACTERS", 200)
    quarantine = Quarantine()
    for row in range(9, 0, -1):
        quarantine.add("f", row, [f"total(={row!r}) must be less", "no id"], "x" * 100)
    quarantine.add("g", 1, ["something else"], "")
    quarantine.count("no id", 5)
    assert len(quarantine) == 15
    assert len(quarantine.frame()) == 3
    assert quarantine.reasons == {"total must be less": 9, "no id": 14, kept.OTHER: 1}
    frame = quarantine.frame()
    assert frame["row"].tolist() == [7, 8, 9]
    assert frame["reasons"][0] == "total(=7) must be less; no id"
    assert frame["text"].str.len().tolist() == [80, 100, 100]


def seeds() -> list[bytes]:
    batch = json.dumps({"statusReportList": [{"smsMsgId": ID, "status": "DELIVRD"}]})
    lines = [request_line(), callback_line(DOCUMENTED), callback_line(batch, "application/json")]
    return [json.dumps(line).encode() for line in lines]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    line = bytearray(draw(st.sampled_from(seeds())))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(line)))
        line[place : place + draw(st.integers(0, 6))] = draw(st.binary(max_size=6))
    return bytes(line)


@st.composite
def replaced(draw: st.DrawFn) -> bytes:
    """A line in which some value, at any depth, is another JSON value."""
    line: Any = json.loads(draw(st.sampled_from(seeds())))
    inner = line
    while True:
        steps = sorted(inner) if isinstance(inner, dict) else list(range(len(inner)))
        step = draw(st.sampled_from(steps))
        if not isinstance(inner[step], dict | list) or draw(st.booleans()):
            inner[step] = draw(json_values)
            return json.dumps(line).encode()
        inner = inner[step]


def read_or_refuse(path: Path) -> None:
    """Either every record is counted, or the file is named in an error."""
    told = ""
    try:
        law(read_log(path))
    except ValueError as error:
        told = str(error)
    assert not told or str(path) in told


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary() | mutated() | replaced() | st.sampled_from(seeds()), max_size=6))
def test_no_bytes_give_a_traceback(tmp_path: Path, lines: list[bytes]) -> None:
    path = tmp_path / "fuzz.jsonl"
    path.write_bytes(b"\n".join(lines))
    read_or_refuse(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(), st.integers(0, 400), st.binary(max_size=3))
def test_no_archive_gives_a_traceback(
    tmp_path: Path, data: bytes, place: int, change: bytes
) -> None:
    path = tmp_path / "fuzz.jsonl.gz"
    packed = bytearray(gzip.compress(b"\n".join([*seeds(), data])))
    packed[place : place + 3] = change
    path.write_bytes(packed)
    read_or_refuse(path)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_bytes(b"\n\n")
    log = read_log(tmp_path / "c.jsonl")
    assert law(log)["records_in"] == 0
    assert log.messages is not None
    assert list(log.messages.columns) == [column.name for column in MESSAGES]


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_log(tmp_path / "none.jsonl")
