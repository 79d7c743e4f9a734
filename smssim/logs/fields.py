"""The documented fields of one line of a capture, checked (DOMAIN.md sections 6 and 7).

A line that cannot be used raises an Unusable, whose text names field, value and rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote_plus

from smssim.logs.frames import NOT_A_TIME
from smssim.logs.sent import MOST_IN_A_BATCH

ACCEPTED, SEE_STATUS = "000000", "E000510"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"

_LONGEST_ID = 50
_MOST_PARTS = 99
_CODE = re.compile(r"[A-Za-z0-9]{1,7}")
_STATUS = re.compile(r"[!-~]{1,7}")
_WIRE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_COUNT = re.compile(r"[0-9]{1,2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SOURCES = frozenset("123")
_YEARS = range(2000, 2100)


class Unusable(ValueError):
    """A record that cannot be used; its text is the reason."""


class Result(NamedTuple):
    """What the answer says of one number; times in microseconds, 0 segments if not said."""

    name: str
    status: str
    created: int
    country: str | None
    segments: int


class Request(NamedTuple):
    """A request and its answer: results, or without them a code for all of its numbers."""

    received: int
    channel: str
    template: str
    code: str
    numbers: list[str]
    results: list[Result]


class Report(NamedTuple):
    """One status report; source 0 and the smallest int64 as `final` where they are not said."""

    name: str
    part: int
    status: str
    source: int
    final: int
    received: int


def parsed(text: str) -> Any:
    """Return the JSON value of *text*; NaN, Infinity and what is nested too deep are no JSON."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"not JSON: {error}") from None


def received_at(line: Mapping[str, Any]) -> int:
    """Return when the customer's server kept the line, in microseconds since 1970 UTC."""
    text = _text(line, "received_at", 40)
    try:
        return _microseconds(datetime.fromisoformat(text))
    except (ValueError, TypeError, OverflowError):
        raise Unusable(
            f"received_at(={text!r}) must be an ISO 8601 time of the years 2000 to 2099 with its offset"
        ) from None


def request(line: Mapping[str, Any]) -> Request:
    """Return the request and answer of a line."""
    received = received_at(line)
    asked, answer = _object(line, "request"), _object(line, "answer")
    numbers = [number for number in _text(asked, "request.to", None).split(",") if number]
    if not numbers:
        raise Unusable("request.to must hold a number")
    code = _text(answer, "answer.code", None)
    if not _CODE.fullmatch(code):
        raise Unusable(f"answer.code(={code!r}) must be 1 to 7 letters and digits")
    return Request(
        received,
        _text(asked, "request.from", None),
        _text(asked, "request.templateId", None),
        code,
        numbers,
        _results(answer, code),
    )


def _results(answer: Mapping[str, Any], code: str) -> list[Result]:
    results = answer.get("result") or []
    if not isinstance(results, list):
        raise Unusable(f"answer.result(={_short(results)}) must be a list")
    if not results and code == ACCEPTED:
        raise Unusable(f"answer.result is missing though code is {ACCEPTED}")
    if results and code not in (ACCEPTED, SEE_STATUS):
        raise Unusable(f"answer.result must be absent with code(={code!r}), a refusal")
    return [_result(item) for item in results]


def _result(item: object) -> Result:
    if not isinstance(item, dict):
        raise Unusable(f"answer.result holds {_short(item)}, it must hold objects")
    status = _text(item, "answer.result.status", None)
    if not _CODE.fullmatch(status):
        raise Unusable(f"answer.result.status(={status!r}) must be 1 to 7 letters and digits")
    country = item.get("countryId")
    return Result(
        _text(item, "answer.result.smsMsgId", _LONGEST_ID),
        status,
        _wire_time(_text(item, "answer.result.createTime", None), "answer.result.createTime"),
        None if country in (None, "") else _text(item, "answer.result.countryId", 3),
        _count(item, "answer.result.total", 0),
    )


def reports(line: Mapping[str, Any]) -> list[Report | Unusable]:
    """Return the reports of a callback line, each unusable one as the reason why it is."""
    received = received_at(line)
    callback = _object(line, "callback")
    kind = _text(callback, "callback.content_type", None).partition(";")[0].strip().lower()
    body = _text(callback, "callback.body", None, printable=False)
    if kind == FORM:
        return [_report(_form(body), received)]
    if kind != JSON:
        raise Unusable(f"callback.content_type(={kind!r}) must be {FORM} or {JSON}")
    document = parsed(body)
    items = document.get("statusReportList") if isinstance(document, dict) else None
    if not isinstance(items, list) or not items:
        raise Unusable("callback.body must hold a statusReportList with one report or more")
    if len(items) > MOST_IN_A_BATCH:
        raise Unusable(f"statusReportList(={len(items)}) must hold {MOST_IN_A_BATCH} at most")
    return [_report_or_reason(item, received) for item in items]


def _report_or_reason(item: object, received: int) -> Report | Unusable:
    if not isinstance(item, dict):
        return Unusable(f"statusReportList holds {_short(item)}, it must hold objects")
    try:
        return _report(item, received)
    except Unusable as reason:
        return reason


def _report(fields: Mapping[str, Any], received: int) -> Report:
    name, status = _text(fields, "smsMsgId", _LONGEST_ID), _text(fields, "status", None)
    if not _STATUS.fullmatch(status):
        raise Unusable(f"status(={status!r}) must be 1 to 7 characters")
    part, total = _count(fields, "sequence", 1), _count(fields, "total", _MOST_PARTS)
    if not 1 <= part <= total:
        raise Unusable(f"sequence(={part}) must be from 1 to total(={total})")
    source, updated = fields.get("source"), fields.get("updateTime")
    if source is not None and not _is_source(source):
        raise Unusable(f"source(={_short(source)}) must be 1, 2 or 3")
    final = NOT_A_TIME if updated is None else _wire_time(updated, "updateTime")
    return Report(name, part, status, int(source or 0), final, received)


def _is_source(value: object) -> bool:
    return type(value) in (int, str) and str(value) in _SOURCES


def _form(body: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in body.split("&")]
    try:
        fields = {name: unquote_plus(value, errors="strict") for name, _, value in pairs}
    except UnicodeDecodeError:
        raise Unusable("callback.body must be form-encoded UTF-8") from None
    if len(fields) < len(pairs) or not all(equals for _, equals, _ in pairs):
        raise Unusable("callback.body must be form-encoded, each field once")
    return fields


def _wire_time(text: object, field: str) -> int:
    try:
        if isinstance(text, str) and _WIRE_TIME.fullmatch(text):
            return _microseconds(datetime.fromisoformat(text))
    except ValueError:
        pass
    raise Unusable(f"{field}(={_short(text)}) must be yyyy-MM-dd'T'HH:mm:ss'Z', years 2000 to 2099")


def _microseconds(when: datetime) -> int:
    since = when - _EPOCH
    if when.year not in _YEARS:
        raise ValueError(when.year)
    return since // _MICROSECOND


def _object(line: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = line.get(field)
    if value is None:
        raise Unusable(f"{field} is missing")
    if not isinstance(value, dict):
        raise Unusable(f"{field}(={_short(value)}) must be an object")
    return value


def _text(
    fields: Mapping[str, Any], field: str, longest: int | None, *, printable: bool = True
) -> str:
    value = fields.get(field.rpartition(".")[2])
    if value is None or value == "":
        raise Unusable(f"{field} is missing")
    if not isinstance(value, str) or (printable and not value.isprintable()):
        raise Unusable(f"{field}(={_short(value)}) must be a text of printable characters")
    if longest is not None and len(value) > longest:
        raise Unusable(f"{field}(={_short(value)}) must have {longest} characters or fewer")
    return value


def _count(fields: Mapping[str, Any], field: str, absent: int) -> int:
    """Return a count of at most two digits, which may stand as a number or as a text."""
    value = fields.get(field.rpartition(".")[2])
    if value is None:
        return absent
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Unusable(f"{field}(={_short(value)}) must be a number from 0 to {_MOST_PARTS}")
    if not _COUNT.fullmatch(str(value)):
        raise Unusable(f"{field}(={_short(value)}) must be a number from 0 to {_MOST_PARTS}")
    return int(value)


def _short(value: object) -> str:
    # The text of a container may be as deep as the reader of JSON just allows.
    return {dict: "an object", list: "a list"}.get(type(value)) or repr(value)[:100]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
