"""Captures are checked as tables are, and both sending calls are read and written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

import smssim
from smssim import read_log
from smssim.logs import write_capture
from smssim.logs.log import Log
from smssim.sms.templates import check_values

ID = "70207ed7-1d02-41b0-8537-bb25fd1c2364"
AT = "2026-03-01T10:00:00Z"


def result(n: int, number: str, **fields: Any) -> dict[str, Any]:
    """The answer's entry for a number."""
    usual = {"smsMsgId": f"{ID}_{n}", "originTo": number, "status": "000000", "createTime": AT}
    return usual | {"countryId": "ID", "total": 1} | fields


def answer(*results: dict[str, Any]) -> dict[str, Any]:
    """An answer that accepts."""
    return {"code": "000000", "description": "Success", "result": list(results)}


def sent(*results: dict[str, Any], **request: Any) -> dict[str, Any]:
    """A line with a request and its answer."""
    numbers = ",".join(one["originTo"] for one in results)
    usual = {"from": "isms0000000001", "to": numbers, "templateId": "t1", "templateParas": "[]"}
    return {"received_at": AT, "request": usual | request, "answer": answer(*results)}


def pushed(n: int, status: str, **fields: str) -> dict[str, Any]:
    """A line with a callback."""
    usual = {"sequence": "1", "total": "1", "updateTime": AT.replace(":", "%3A"), "source": "2"}
    pairs = usual | {"smsMsgId": f"{ID}_{n}", "status": status} | fields
    body = "&".join(f"{name}={value}" for name, value in pairs.items() if value)
    kind = "application/x-www-form-urlencoded"
    return {"received_at": AT, "callback": {"content_type": kind, "body": body}}


def read(folder: Path, *lines: dict[str, Any]) -> Log:
    """A capture of some lines."""
    path = folder / "capture.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    log = read_log(path)
    assert log.messages is not None
    return log


def column(log: Log, name: str) -> list[Any]:
    """A column of the messages, None for NA."""
    assert log.messages is not None
    values = log.messages[name].astype(object)
    return values.where(values.notna(), None).tolist()


@pytest.mark.parametrize("written", [False, True], ids=["array", "text"])
def test_the_call_with_a_template_per_number_is_read(tmp_path: Path, written: bool) -> None:
    content = [
        {"to": ["+6281234567801", "+6281234567803"], "templateId": "t1", "templateParas": ["1"]},
        {"to": ["+6281234567802"], "templateId": "t2", "templateParas": []},
    ]
    request = {"from": "isms1", "smsContent": json.dumps(content) if written else content}
    numbers = ["+6281234567801", "+6281234567803", "+6281234567802"]
    results = [result(n, number) for n, number in enumerate(numbers)]
    line = {"received_at": AT, "request": request, "answer": answer(*results)}
    log = read(tmp_path, line, *(pushed(n, "DELIVRD") for n in range(3)))
    assert column(log, "template") == ["t1", "t1", "t2"]
    assert log.provenance["counts"]["quarantined"] == 0
    line["answer"] = answer(*results[::-1])
    assert column(read(tmp_path, line), "template") == ["t2", "t1", "t1"]
    line["answer"] = {"code": "E000503", "description": "no"}
    assert column(read(tmp_path, line), "template") == ["t1", "t1", "t2"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "smsContent must be a list"),
        ([1], "it must hold objects"),
        ([{"to": [], "templateId": "t"}], "to must hold a number"),
        ([{"to": [1], "templateId": "t"}], "must be a list of texts"),
        ([{"to": ["+6281234567801"]}], "templateId is missing"),
    ],
)
def test_a_broken_content_is_rejected_with_its_rule(
    tmp_path: Path, content: Any, reason: str
) -> None:
    line = sent(result(0, "+6281234567801"))
    line["request"] = {"from": "isms1", "smsContent": content}
    log = read(tmp_path, line)
    assert log.quarantine is not None
    (reasons,) = log.quarantine["reasons"]
    assert reason in reasons


@pytest.mark.parametrize("country", [None, ""])
def test_an_answer_without_a_country_has_that_of_its_number(
    tmp_path: Path, country: str | None
) -> None:
    log = read(tmp_path, sent(result(0, "+6281234567801", countryId=country, total=None)))
    assert column(log, "country") == ["ID"]


def test_a_country_that_is_not_that_of_its_number_is_rejected_as_in_tables(tmp_path: Path) -> None:
    log = read(
        tmp_path, sent(result(0, "+6281234567801", countryId="TH"), result(1, "+66812345678"))
    )
    assert log.quarantine is not None
    assert "must begin with the calling code of countryId(='TH')" in log.quarantine["reasons"][0]
    assert log.provenance["counts"]["quarantined"] == 2


@pytest.mark.parametrize("written", ["delivrd", "Delivrd", "DELIVRD", "Delivered", "%20DELIVRD"])
def test_a_status_is_read_as_in_a_table(tmp_path: Path, written: str) -> None:
    log = read(tmp_path, sent(result(0, "+6281234567801")), pushed(0, written))
    assert column(log, "status") == ["DELIVRD"]


def test_a_failure_that_the_platform_makes_up_does_not_undo_a_delivery(tmp_path: Path) -> None:
    """EXPIRED without a time, when nothing was heard for 72 h; in any order of lines."""
    lines = [pushed(0, "DELIVRD"), pushed(0, "EXPIRED", source="1", updateTime="")]
    for order in (lines, lines[::-1]):
        log = read(tmp_path, sent(result(0, "+6281234567801")), *order)
        assert column(log, "status") == ["DELIVRD"]


def test_our_own_messages_as_json_lines_are_a_table(tmp_path: Path) -> None:
    """Their column `request` is a number, and no request."""
    scenario = smssim.Scenario.parse(SCENARIO)
    run = smssim.simulate(scenario)
    assert run.messages is not None
    path = tmp_path / "messages.jsonl"
    run.messages.to_json(path, orient="records", lines=True, date_format="iso", date_unit="us")
    log = read_log(path)
    assert log.messages is not None
    assert log.provenance["files"][0]["form"] == "JSON lines"
    assert (len(log.messages), log.provenance["counts"]["quarantined"]) == (len(run.messages), 0)


SCENARIO = """\
name: two templates
start: 2026-12-01
days: 1
applications: [{name: shop, channel: isms0123456789}, {name: other}]
templates:
  - name: code
    application: shop
    text: "Your verification code is ${NUM_8}."
    variables: {NUM_8: 5}
  - name: parcel
    application: other
    type: notification
    text: "Parcel ${TXT_12} comes on ${DATE} at ${TIME}, ${NUM_2} pieces."
    variables: {TXT_12: 9, DATE: 10, TIME: 5, NUM_2: {1: 0.9, 2: 0.1}}
queue: {throughput_per_s: 1}
routes: {ID: {price: 0.03}, TH: {price: 0.03}}
traffic:
  - {name: a, template: code, country: ID, messages_a_day: 30}
  - {name: b, template: parcel, country: TH, messages_a_day: 30}
"""


def test_written_values_are_those_that_the_api_accepts(tmp_path: Path) -> None:
    """As many as the template has variables, of their types and lengths; the channel is its own."""
    scenario = smssim.Scenario.parse(SCENARIO)
    write_capture(smssim.simulate(scenario), tmp_path / "c.jsonl")
    texts = {one.name: one for one in scenario.templates}
    requests = [
        line["request"]
        for line in map(json.loads, (tmp_path / "c.jsonl").read_text().splitlines())
        if "request" in line
    ]
    assert {one["templateId"] for one in requests} == {"code", "parcel"}
    for one in requests:
        template = texts[one["templateId"]]
        assert template.text is not None
        assert not check_values(template.text, json.loads(one["templateParas"]), template.type)
        assert (one["from"] == "isms0123456789") == (template.application == "shop")
    assert len(json.loads(requests[0]["templateParas"])[0]) in (5, 9)


def test_a_long_list_of_numbers_takes_time_in_proportion(tmp_path: Path) -> None:
    """A refused request of 40,000 numbers: each has a name, made without its whole line."""
    numbers = ",".join(f"+62812{n:07d}" for n in range(40_000))
    line = {
        "received_at": AT,
        "request": {"from": "isms1", "to": numbers, "templateId": "t"},
        "answer": {"code": "E000503", "description": "no"},
    }
    begin = time.process_time()
    log = read(tmp_path, line)
    assert len(column(log, "status")) == 40_000
    assert time.process_time() - begin < 20
