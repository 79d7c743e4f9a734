"""The fields of answers and reports, as a customer's server sees them (DOMAIN.md sections 6, 7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_capture import (
    DOCUMENTED,
    ID,
    SCENARIO,
    START,
    callback_line,
    counted,
    law,
    lines_of,
    read_lines,
    record,
    request_line,
    round_trip,
)

from smssim.logs import write_capture
from smssim.scenario import Scenario, ScenarioError
from smssim.simulation.simulate import Run, simulate
from smssim.sms.reference import status_codes

JSON = "application/json"
EXTEND = "order 17&é=+%"
FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)
EXTENDS = st.text(min_size=1, max_size=128).filter(
    lambda text: text.isprintable() and not set(text) & set("{}")
)
ORG_CODES = st.from_regex(r"\A[!-~]{1,12}\Z")


def world(extend: str | None = EXTEND, org_code: str | None = "000") -> str:
    """The scenario of the small runs, source `web` with an extend, reports of ID with orgCode."""
    web = {"name": "web", "template": "code", "country": "ID", "messages_a_day": 1}
    outcomes: list[dict[str, Any]] = [
        {"status": "DELIVRD", "share": 0.9},
        {"status": "EXPIRED", "share": 0.1},
    ]
    if extend is not None:
        web["extend"] = extend
    if org_code is not None:
        for outcome in outcomes:
            outcome["org_code"] = org_code
    routes = {"ID": {"outcomes": outcomes}}
    sources = json.dumps([web], ensure_ascii=False)
    return f"{SCENARIO}traffic: {sources}\nroutes: {json.dumps(routes)}\n"


def reported(
    folder: Path,
    messages: list[dict[str, Any]],
    parts: list[int],
    *,
    scenario: str,
    batch: bool = False,
) -> list[dict[str, str]]:
    """The fields of the reports of *messages*, the same read from either kind of body."""
    reports = [
        {"message": message, "part": part, "received_at": START + 10**7 * (message + 1)}
        for message, n in enumerate(parts)
        for part in range(1, n + 1)
    ]
    run = record(messages, reports)
    run.provenance["scenario"] = scenario
    round_trip(run, folder, batch=batch)
    callbacks = [line["callback"] for line in lines_of(folder / "c.jsonl") if "callback" in line]
    found: list[dict[str, str]] = []
    for callback in callbacks:
        if callback["content_type"] == JSON:
            found += json.loads(callback["body"])["statusReportList"]
        else:
            found.append(dict(parse_qsl(callback["body"], strict_parsing=True)))
    return found


@pytest.mark.parametrize("batch", [False, True])
def test_a_report_has_every_documented_field(tmp_path: Path, batch: bool) -> None:
    messages = [{}, {"request": 2, "segments": 3}]
    first, *parts = reported(tmp_path, messages, [1, 3], scenario=world(), batch=batch)
    request = lines_of(tmp_path / "c.jsonl")[0]
    assert list(first) == [
        "sequence", "total", "orgCode", "updateTime", "source", "smsMsgId", "status",
        "statusDesc", "extend", "to",
    ]  # fmt: skip
    assert first == {
        "sequence": "1",
        "total": "1",
        "orgCode": "000",
        "updateTime": "2026-12-01T00:00:05Z",
        "source": "2",
        "smsMsgId": request["answer"]["result"][0]["smsMsgId"],
        "status": "DELIVRD",
        "statusDesc": status_codes()["DELIVRD"].description,
        "extend": EXTEND,
        "to": request["request"]["to"],
    }
    assert request["request"]["extend"] == EXTEND
    assert [(part["sequence"], part["total"]) for part in parts] == [
        ("1", "3"), ("2", "3"), ("3", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize("batch", [False, True])
def test_the_platform_builds_a_report_without_time_and_org_code(
    tmp_path: Path, batch: bool
) -> None:
    messages = [{"status": "EXPIRED", "report_source": 1}]
    (report,) = reported(tmp_path, messages, [1], scenario=world(), batch=batch)
    assert (report["source"], report["status"]) == ("1", "EXPIRED")
    assert not {"updateTime", "orgCode"} & set(report)
    messages[0]["report_source"] = 2
    (report,) = reported(tmp_path, messages, [1], scenario=world(), batch=batch)
    assert {"updateTime", "orgCode"} <= set(report)


@pytest.mark.parametrize("batch", [False, True])
def test_what_nobody_gave_is_absent(tmp_path: Path, batch: bool) -> None:
    bare = world(extend=None, org_code=None)
    (report,) = reported(tmp_path, [{}], [1], scenario=bare, batch=batch)
    assert not {"extend", "to", "orgCode"} & set(report)
    assert "extend" not in lines_of(tmp_path / "c.jsonl")[0]["request"]
    (report,) = reported(tmp_path, [{"country": "TH"}], [1], scenario=world(), batch=batch)
    assert "orgCode" not in report
    (report,) = reported(tmp_path, [{"source": "zz"}], [1], scenario=world(), batch=batch)
    assert not {"extend", "to"} & set(report)


@FOLDER
@given(EXTENDS, ORG_CODES, st.booleans())
def test_any_extend_and_org_code_come_back(
    tmp_path: Path, extend: str, org_code: str, batch: bool
) -> None:
    scenario = Scenario.parse(world(extend, org_code)).to_json()
    (report,) = reported(tmp_path, [{}], [1], scenario=scenario, batch=batch)
    assert (report["extend"], report["orgCode"]) == (extend, org_code)


def test_an_extend_is_printable_and_has_no_braces() -> None:
    assert Scenario.parse(world("x" * 128)).traffic[0].extend == "x" * 128
    for wrong in ("", "x" * 129, "a}b", "{", "line\nbreak", "\x7f"):
        with pytest.raises(ScenarioError, match=r"traffic\.0\.extend: .* must be "):
            Scenario.model_validate(Scenario.parse(world()).model_dump() | traffic(extend=wrong))


def traffic(**changes: Any) -> dict[str, Any]:
    """One source of traffic."""
    web = {"name": "web", "template": "code", "country": "ID", "messages_a_day": 1_000}
    return {"traffic": [web | changes]}


OPTIONAL = st.fixed_dictionaries(
    {},
    optional={name: st.text() for name in ("orgCode", "extend", "to", "statusDesc", "later")},
)


@FOLDER
@given(OPTIONAL, st.booleans())
def test_what_a_record_does_not_hold_is_read_over(
    tmp_path: Path, optional: dict[str, str], batch: bool
) -> None:
    """Reports join on smsMsgId alone; other fields change nothing, whatever they hold."""
    plain = dict(parse_qsl(DOCUMENTED)) | optional
    line = callback_line(urlencode(plain))
    if batch:
        line = callback_line(json.dumps({"statusReportList": [plain]}), JSON)
    found = read_lines(tmp_path, request_line(), line)
    wanted = read_lines(tmp_path, request_line(), callback_line(DOCUMENTED))
    assert law(found) == law(wanted) == counted(2)
    assert found.messages is not None
    assert wanted.messages is not None
    pd.testing.assert_frame_equal(found.messages, wanted.messages)


def test_colons_are_read_in_small_and_capital_letters(tmp_path: Path) -> None:
    for body in (DOCUMENTED, DOCUMENTED.replace("%3A", "%3a"), DOCUMENTED.replace("%3A", ":")):
        log = read_lines(tmp_path, request_line(), callback_line(body))
        assert log.messages is not None
        assert log.messages["final_at"].tolist() == [pd.Timestamp("2018-04-13T06:31:46Z")]


def test_a_report_without_its_optional_fields(tmp_path: Path) -> None:
    log = read_lines(tmp_path, request_line(), callback_line(f"smsMsgId={ID}&status=EXPIRED"))
    assert law(log)["used"] == 2
    assert log.messages is not None
    assert log.messages["final_at"].isna().all()
    assert log.messages["report_source"].isna().all()


def test_the_code_says_whether_to_look_at_the_numbers(tmp_path: Path) -> None:
    """E000510 when any or all numbers failed, each in the result with its status."""
    failed = {"refused_at": "number", "status": "E200015", "report_source": None, "final_at": None}
    messages = [
        {"recipient": 0},
        {"request": 2, "recipient": 0} | failed,
        {"request": 2, "recipient": 1} | failed,
        {"request": 3, "recipient": 0},
        {"request": 3, "recipient": 1} | failed,
    ]
    round_trip(record(messages, []), tmp_path)
    answers = [line["answer"] for line in lines_of(tmp_path / "c.jsonl")]
    assert [answer["code"] for answer in answers] == ["000000", "E000510", "E000510"]
    assert [[result["status"] for result in answer["result"]] for answer in answers] == [
        ["000000"], ["E200015", "E200015"], ["000000", "E200015"],
    ]  # fmt: skip


def test_a_duplicate_may_name_the_message_sent_in_its_place(tmp_path: Path) -> None:
    line = request_line()
    (first,) = line["answer"]["result"]
    for place in (0, 1):
        line["answer"]["result"] = [first]
        line["answer"]["result"].insert(place, first | {"status": "E200041"})
        log = read_lines(tmp_path, line, callback_line(DOCUMENTED))
        assert law(log)["quarantined"] == 0
        assert log.messages is not None
        statuses = ["DELIVRD", "E200041"]
        assert log.messages["status"].tolist() == (statuses[::-1] if place == 0 else statuses)
    line["answer"]["result"] = [first, first]
    assert law(read_lines(tmp_path, line))["quarantined"] == 1


def run_of(account: dict[str, Any] | None = None, **source: Any) -> Run:
    """A day of one source of passwords, its application open to one address only."""
    made = {
        "name": "shop",
        "start": "2026-12-01",
        "days": 1,
        "account": account or {},
        "applications": [{"name": "app", "addresses": ["192.0.2.1"]}],
        "templates": [{"name": "code", "application": "app"}],
        "queue": {"throughput_per_s": 500},
        "quota": {"daily_limit": 10**6, "monthly_limit": 10**7},
        "thresholds": {
            "daily_alarm": 10**5,
            "daily_limit": 10**6,
            "monthly_alarm": 10**6,
            "monthly_limit": 10**7,
        },
    } | traffic(**source)
    return simulate(Scenario.model_validate(made))


def seen(run: Run, folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The requests with their answers, and the reports, of a run's capture."""
    round_trip(run, folder)
    lines = lines_of(folder / "c.jsonl")
    bodies = [line["callback"]["body"] for line in lines if "callback" in line]
    return [line for line in lines if "answer" in line], [dict(parse_qsl(b)) for b in bodies]


@pytest.mark.parametrize(
    ("code", "source"),
    [("E000620", {"address": "192.0.2.2"}), ("E000503", {"recipients": {501: 1}})],
)
def test_place_1_is_the_requests_code(tmp_path: Path, code: str, source: dict[str, Any]) -> None:
    requests, reports = seen(run_of(**source), tmp_path)
    assert requests
    assert {line["answer"]["code"] for line in requests} == {code}
    assert not any("result" in line["answer"] for line in requests)
    if code == "E000503":
        assert {len(line["request"]["to"].split(",")) for line in requests} == {501}
    assert reports == []


def test_place_2_is_the_numbers_status(tmp_path: Path) -> None:
    """A duplicate's number is in the request already; its resend goes there too."""
    resend = {"patience": {"fixed_s": 30}, "at_most": 1}
    run = run_of(recipients=4, flaws={"duplicates": 0.5}, resend=resend)
    requests, reports = seen(run, tmp_path)
    resent = {line["request"]["to"] for line in requests if "," not in line["request"]["to"]}
    duplicates = 0
    for line in requests:
        numbers, results = line["request"]["to"].split(","), line["answer"]["result"]
        statuses = [result["status"] for result in results]
        assert [result["originTo"] for result in results] == numbers
        assert statuses == [
            "E200041" if number in numbers[:place] else "000000"
            for place, number in enumerate(numbers)
        ]
        assert line["answer"]["code"] == ("E000510" if "E200041" in statuses else "000000")
        duplicates += statuses.count("E200041")
        if len(numbers) > 1 and line["received_at"] < "2026-12-01T23:59":
            assert {n for n, s in zip(numbers, statuses, strict=True) if s != "000000"} <= resent
    assert duplicates > 100
    assert "E200041" not in {report["status"] for report in reports}


@pytest.mark.parametrize(
    ("code", "account", "source"),
    [
        ("E000628", {"regions": ["TH"]}, {}),
        ("E000632", {"number_rules": [{"pattern": "6281", "action": "deny"}]},
         {"beginnings": {"62812": 1}}),
        ("E200051", {}, {"flaws": {"password": 1}}),
    ],
)  # fmt: skip
def test_place_3_is_accepted_and_reported_by_huawei(
    tmp_path: Path, code: str, account: dict[str, Any], source: dict[str, Any]
) -> None:
    requests, reports = seen(run_of(account, **source), tmp_path)
    assert requests
    assert {line["answer"]["code"] for line in requests} == {"000000"}
    assert {r["status"] for line in requests for r in line["answer"]["result"]} == {"000000"}
    assert len(reports) == len(requests)
    assert {(report["status"], report["source"]) for report in reports} == {(code, "3")}


def test_extend_and_org_code_change_no_result(tmp_path: Path) -> None:
    outcomes = [{"status": "DELIVRD", "share": 0.9}, {"status": "none", "share": 0.1}]
    plain = Scenario.parse(SCENARIO).model_dump(exclude_unset=True) | traffic(messages_a_day=50)
    marked = plain | traffic(messages_a_day=50, extend=EXTEND)
    plain["routes"] = {"ID": {"outcomes": outcomes}}
    marked["routes"] = {"ID": {"outcomes": [outcomes[0] | {"org_code": "000"}, outcomes[1]]}}
    one, other = (simulate(Scenario.model_validate(made)) for made in (plain, marked))
    for table in ("messages", "reports", "events", "ledger"):
        pd.testing.assert_frame_equal(getattr(one, table), getattr(other, table))
    for name, run in (("one", one), ("other", other)):
        write_capture(run, tmp_path / name)
    written = [(tmp_path / name).read_text().count("orgCode=000") for name in ("one", "other")]
    assert written[0] == 0 < written[1]
