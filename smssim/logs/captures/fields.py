"""The documented fields of one line of a capture, checked (DOMAIN.md sections 6 and 7).

A line that cannot be used raises an Unusable, whose text names field, value and rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from smssim.calendars import DAY
from smssim.logs.captures.forms import form
from smssim.logs.captures.seen_by_customer import MOST_IN_A_BATCH
from smssim.logs.captures.values import (
    MOST_PARTS,
    Checks,
    Unusable,
    count,
    mapping,
    parsed,
    received_at,
    shown,
    text,
    wire_time,
)
from smssim.logs.frames import NOT_A_TIME

ACCEPTED, SEE_STATUS = "000000", "E000510"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
LONGEST_ID = 50
CODE = re.compile(r"[A-Za-z0-9]{1,7}")
STATUS = re.compile(r"[!-~]{1,7}")

_RESULT = "answer.result."
_SOURCES = frozenset("123")


class Result(NamedTuple):
    """What the answer says of one number; times in microseconds, 0 segments if not said."""

    name: str
    status: str
    created: int
    country: str | None
    segments: int
    number: str | None


class Request(NamedTuple):
    """A request and its answer: results, or without them a code for all of its numbers.

    `stamp` is `received` as it is written.
    """

    received: int
    channel: str
    template: str
    code: str
    numbers: list[str]
    results: list[Result | Unusable]
    stamp: str


_Entry = TypeVar("_Entry")


class Report(NamedTuple):
    """One status report; source 0 and the smallest int64 as `final` where they are not said."""

    name: str
    part: int
    status: str
    source: int
    final: int
    received: int


def record(data: bytes) -> Request | list[Report | Unusable]:
    """Return what a line of a capture holds: a request, or the reports of a callback."""
    try:
        line = parsed(data.decode())
    except UnicodeDecodeError as error:
        raise Unusable(f"not UTF-8: {error.reason} at byte {error.start}") from None
    if not isinstance(line, dict):
        raise Unusable("must be a JSON object")
    if ("request" in line or "answer" in line) == ("callback" in line):
        raise Unusable("must hold either request and answer, or callback")
    return reports(line) if "callback" in line else request(line)


def request(line: Mapping[str, Any]) -> Request:
    """Return the request and answer of a line."""
    checks = Checks()
    received = checks(lambda: received_at(line), 0)
    asked = checks(lambda: mapping(line, "request"), None)
    answer = checks(lambda: mapping(line, "answer"), None)
    numbers: list[str] = []
    channel = template = code = ""
    if asked is not None:
        numbers = checks(lambda: _numbers(asked), numbers)
        channel = checks(lambda: text(asked, "from", "request."), "")
        template = checks(lambda: text(asked, "templateId", "request."), "")
    if answer is not None:
        code = checks(lambda: _code(answer, "answer.", "code"), "")
    items: list[object] = []
    if answer is not None and code:
        items = checks(lambda: _items(answer, code), items)
    checks.end()
    results = [_usable(_result, item, received, "answer.result") for item in items]
    return Request(received, channel, template, code, numbers, results, line["received_at"])


def _numbers(asked: Mapping[str, Any]) -> list[str]:
    numbers = [number for number in text(asked, "to", "request.").split(",") if number]
    if not numbers:
        raise Unusable("request.to must hold a number")
    return numbers


def _code(fields: Mapping[str, Any], inside: str, field: str) -> str:
    code = text(fields, field, inside)
    if not CODE.fullmatch(code):
        raise Unusable(f"{inside}{field}(={code!r}) must be 1 to 7 letters and digits")
    return code


def _items(answer: Mapping[str, Any], code: str) -> list[object]:
    results = answer.get("result") or []
    if not isinstance(results, list):
        raise Unusable(f"answer.result(={shown(results)}) must be a list")
    if not results and code == ACCEPTED:
        raise Unusable(f"answer.result is missing though code is {ACCEPTED}")
    if results and code not in (ACCEPTED, SEE_STATUS):
        raise Unusable(f"answer.result must be absent with code(={code!r}), a refusal")
    return results


def _usable(
    read: Callable[[dict[str, Any], int], _Entry], item: object, received: int, inside: str
) -> _Entry | Unusable:
    """Return what *read* makes of an entry of a list, or the reason why it is of no use."""
    if not isinstance(item, dict):
        return Unusable(f"{inside} holds {shown(item)}, it must hold objects")
    try:
        return read(item, received)
    except Unusable as reason:
        return reason


def _result(item: Mapping[str, Any], received: int) -> Result:
    checks, number = Checks(), item.get("originTo")
    found = Result(
        checks(lambda: text(item, "smsMsgId", _RESULT, longest=LONGEST_ID), ""),
        checks(lambda: _code(item, _RESULT, "status"), ""),
        checks(lambda: _created(item, received), 0),
        checks(lambda: _country(item), None),
        checks(lambda: count(item, "total", 0, _RESULT), 0),
        number if isinstance(number, str) and number.isprintable() else None,
    )
    checks.end()
    return found


def _created(item: Mapping[str, Any], received: int) -> int:
    created = text(item, "createTime", _RESULT)
    created_us = wire_time(created, "answer.result.createTime")
    if abs(created_us - received) > DAY:
        raise Unusable(f"answer.result.createTime(={created}) must be within a day of received_at")
    return created_us


def _country(item: Mapping[str, Any]) -> str | None:
    if item.get("countryId") in (None, ""):
        return None
    return text(item, "countryId", _RESULT, longest=3)


def reports(line: Mapping[str, Any]) -> list[Report | Unusable]:
    """Return the reports of a callback line, each unusable one as the reason why it is."""
    received = received_at(line)
    callback = mapping(line, "callback")
    kind = text(callback, "content_type", "callback.").partition(";")[0].strip().lower()
    body = text(callback, "body", "callback.", printable=False)
    if kind == FORM:
        return [_report(form(body), received)]
    if kind != JSON:
        raise Unusable(f"callback.content_type(={kind!r}) must be {FORM} or {JSON}")
    document = parsed(body)
    items = document.get("statusReportList") if isinstance(document, dict) else None
    if not isinstance(items, list) or not items:
        raise Unusable("callback.body must hold a statusReportList with one report or more")
    if len(items) > MOST_IN_A_BATCH:
        raise Unusable(f"statusReportList(={len(items)}) must hold {MOST_IN_A_BATCH} at most")
    return [_usable(_report, item, received, "statusReportList") for item in items]


def _report(fields: Mapping[str, Any], received: int) -> Report:
    checks = Checks()
    found = Report(
        checks(lambda: text(fields, "smsMsgId", longest=LONGEST_ID), ""),
        checks(lambda: _part(fields), 1),
        checks(lambda: _status(fields), ""),
        checks(lambda: _source(fields), 0),
        checks(lambda: _final(fields), NOT_A_TIME),
        received,
    )
    checks.end()
    return found


def _part(fields: Mapping[str, Any]) -> int:
    part, total = count(fields, "sequence", 1), count(fields, "total", MOST_PARTS)
    if not 1 <= part <= total:
        raise Unusable(f"sequence(={part}) must be from 1 to total(={total})")
    return part


def _status(fields: Mapping[str, Any]) -> str:
    status = text(fields, "status")
    if not STATUS.fullmatch(status):
        raise Unusable(f"status(={status!r}) must be 1 to 7 characters")
    return status


def _source(fields: Mapping[str, Any]) -> int:
    source = fields.get("source")
    if source is not None and not _is_source(source):
        raise Unusable(f"source(={shown(source)}) must be 1, 2 or 3")
    return int(source or 0)


def _final(fields: Mapping[str, Any]) -> int:
    updated = fields.get("updateTime")
    return NOT_A_TIME if updated is None else wire_time(updated, "updateTime")


def _is_source(value: object) -> bool:
    return type(value) in (int, str) and str(value) in _SOURCES
