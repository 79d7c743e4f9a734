"""The documented lines of a capture: requests with answers, and reports (DOMAIN.md sections 6, 7).

A line that breaks a rule raises an InvalidRecord with all its reasons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from smssim.calendars import DAY
from smssim.logs.captures.seen_by_customer import MOST_IN_A_BATCH
from smssim.logs.captures.values import (
    MOST_PARTS,
    FieldErrors,
    InvalidRecord,
    count,
    form,
    mapping,
    parsed,
    received_at,
    text,
    value_text,
    wire_time,
)
from smssim.logs.columns.statuses import TEMPORARY, status_meaning
from smssim.logs.frames import NOT_A_TIME
from smssim.logs.join.facts import Labels
from smssim.sms.country_names import calling_code
from smssim.sms.phone_numbers import normalise
from smssim.sms.reference import api_errors, status_codes

__all__ = [
    "ACCEPTED",
    "CODE",
    "FORM",
    "JSON",
    "KNOWN_STATUSES",
    "LONGEST_ID",
    "SEE_STATUS",
    "Report",
    "Request",
    "Result",
    "agrees",
    "record",
    "reports",
    "request",
]

ACCEPTED, SEE_STATUS = "000000", "E000510"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
LONGEST_ID = 50
CODE = re.compile(r"[A-Za-z0-9]{1,7}")
KNOWN_STATUSES = frozenset((*status_codes(), *api_errors())) - {ACCEPTED}
"""Statuses that need no second look."""

_RESULT = "answer.result."
_PREFIX, _LOCAL = 5, "00000000"
_SOURCES = frozenset("123")

_Entry = TypeVar("_Entry")


class Result(NamedTuple):
    """The result of one number; times in microseconds, 0 segments if absent."""

    name: str
    status: str
    created: int
    country: str | None
    segments: int
    number: str | None


class Request(NamedTuple):
    """A request and its answer: results, or without them a code for all of its numbers.

    `templates` has one for each of the numbers; `stamp` is `received` as it is written.
    """

    received: int
    channel: str
    templates: Sequence[str]
    code: str
    numbers: list[str]
    results: list[Result | InvalidRecord]
    stamp: str


class Report(NamedTuple):
    """One delivery report; source 0 and the smallest int64 as `final` where they are absent."""

    name: str
    sequence: int
    status: str
    source: int
    final: int
    received: int


def record(data: bytes) -> Request | list[Report | InvalidRecord]:
    """Return what a line of a capture holds: a request, or the reports of a callback."""
    try:
        line = parsed(data.decode())
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"not UTF-8: {error.reason} at byte {error.start}") from None
    if not isinstance(line, dict):
        raise InvalidRecord("must be a JSON object")
    if ("request" in line or "answer" in line) == ("callback" in line):
        raise InvalidRecord("must hold either request and answer, or callback")
    return reports(line) if "callback" in line else request(line)


def request(line: Mapping[str, Any]) -> Request:
    """Return the request and answer of a line."""
    errors = FieldErrors()
    received = errors(lambda: received_at(line), 0)
    body = errors(lambda: mapping(line, "request"), None)
    answer = errors(lambda: mapping(line, "answer"), None)
    recipients = _Recipients([], [])
    channel = code = ""
    if body is not None:
        recipients = errors(lambda: _recipients(body), recipients)
        channel = errors(lambda: text(body, "from", "request."), "")
    if answer is not None:
        code = errors(lambda: _code(answer, "answer.", "code"), "")
    items: list[object] = []
    if answer is not None and code:
        items = errors(lambda: _items(answer, code), items)
    errors.end()
    results = [_checked(_result, item, received, "answer.result") for item in items]
    numbers, templates = recipients
    return Request(received, channel, templates, code, numbers, results, line["received_at"])


class _Recipients(NamedTuple):
    """The numbers of a request, and the template of each."""

    numbers: list[str]
    templates: list[str]


def _recipients(body: Mapping[str, Any]) -> _Recipients:
    """The recipients of either call: one template for all numbers, or one per smsContent."""
    if "smsContent" not in body:
        errors = FieldErrors()
        nothing: list[str] = []
        numbers = errors(lambda: _numbers(body), nothing)
        template = errors(lambda: text(body, "templateId", "request."), "")
        errors.end()
        return _Recipients(numbers, [template] * len(numbers))
    contents = body["smsContent"]
    if isinstance(contents, str):
        contents = parsed(contents)
    if not isinstance(contents, list) or not contents:
        raise InvalidRecord("request.smsContent must be a list with one object or more")
    recipients = _Recipients([], [])
    for content in contents:
        numbers, template = _content(content)
        recipients.numbers.extend(numbers)
        recipients.templates.extend([template] * len(numbers))
    return recipients


def _content(content: object) -> tuple[list[str], str]:
    """The numbers of one entry of smsContent, and its template."""
    if not isinstance(content, dict):
        raise InvalidRecord(f"smsContent holds {value_text(content)}, it must hold objects")
    inside, numbers = "request.smsContent.", content.get("to")
    template = text(content, "templateId", inside)
    if isinstance(numbers, str):
        return _numbers(content, inside), template
    if not isinstance(numbers, list) or not all(isinstance(one, str) and one for one in numbers):
        raise InvalidRecord(f"{inside}to(={value_text(numbers)}) must be a list of texts")
    if not numbers:
        raise InvalidRecord(f"{inside}to must hold a number")
    return numbers, template


def _numbers(body: Mapping[str, Any], inside: str = "request.") -> list[str]:
    numbers = [number for number in text(body, "to", inside).split(",") if number]
    if not numbers:
        raise InvalidRecord(f"{inside}to must hold a number")
    return numbers


def _code(fields: Mapping[str, Any], inside: str, field: str) -> str:
    code = text(fields, field, inside)
    if not CODE.fullmatch(code):
        raise InvalidRecord(f"{inside}{field}(={code!r}) must be 1 to 7 letters and digits")
    return code


def _items(answer: Mapping[str, Any], code: str) -> list[object]:
    results = answer.get("result") or []
    if not isinstance(results, list):
        raise InvalidRecord(f"answer.result(={value_text(results)}) must be a list")
    if not results and code == ACCEPTED:
        raise InvalidRecord(f"answer.result is missing though code is {ACCEPTED}")
    if results and code not in (ACCEPTED, SEE_STATUS):
        raise InvalidRecord(f"answer.result must be absent with code(={code!r}), a refusal")
    return results


def _checked(
    read: Callable[[dict[str, Any], int], _Entry], item: object, received: int, inside: str
) -> _Entry | InvalidRecord:
    """Return what *read* makes of an entry of a list, or the rule that it breaks."""
    if not isinstance(item, dict):
        return InvalidRecord(f"{inside} holds {value_text(item)}, it must hold objects")
    try:
        return read(item, received)
    except InvalidRecord as reason:
        return reason


def _result(item: Mapping[str, Any], received: int) -> Result:
    errors, number = FieldErrors(), item.get("originTo")
    result = Result(
        errors(lambda: text(item, "smsMsgId", _RESULT, longest=LONGEST_ID), ""),
        errors(lambda: _code(item, _RESULT, "status"), ""),
        errors(lambda: _created(item, received), 0),
        errors(lambda: _country(item), None),
        errors(lambda: count(item, "total", 0, _RESULT), 0),
        number if isinstance(number, str) and number.isprintable() else None,
    )
    errors(lambda: _check_country(result), None)
    errors.end()
    return result


def _created(item: Mapping[str, Any], received: int) -> int:
    created = text(item, "createTime", _RESULT)
    created_us = wire_time(created, "answer.result.createTime")
    if abs(created_us - received) > DAY:
        raise InvalidRecord(
            f"answer.result.createTime(={created}) must be within a day of received_at"
        )
    return created_us


def _country(item: Mapping[str, Any]) -> str | None:
    if item.get("countryId") in (None, ""):
        return None
    return text(item, "countryId", _RESULT, longest=3)


def _check_country(result: Result) -> None:
    """Raise an InvalidRecord for a number whose calling code is not that of its country."""
    if result.country and result.number and not agrees(result.country, result.number[:_PREFIX]):
        raise InvalidRecord(
            f"answer.result.originTo(={value_text(result.number)}) must begin with the calling code"
            f" of countryId(={result.country!r})"
        )


@lru_cache(65_536)
def agrees(country: str, prefix: str) -> bool:
    """Whether a number that begins with *prefix* may be of *country*; one without "+" may."""
    if not prefix.startswith(("+", "00")):
        return True
    code = calling_code(country)
    number = normalise(prefix + _LOCAL)
    return not code or number is None or number.startswith(f"+{code}")


def reports(line: Mapping[str, Any]) -> list[Report | InvalidRecord]:
    """Return the reports of a callback line, each invalid one as its reason."""
    received = received_at(line)
    callback = mapping(line, "callback")
    content_type = text(callback, "content_type", "callback.").partition(";")[0].strip().lower()
    body = text(callback, "body", "callback.", printable=False)
    if content_type == FORM:
        return [_report(form(body), received)]
    if content_type != JSON:
        raise InvalidRecord(f"callback.content_type(={content_type!r}) must be {FORM} or {JSON}")
    document = parsed(body)
    items = document.get("statusReportList") if isinstance(document, dict) else None
    if not isinstance(items, list) or not items:
        raise InvalidRecord("callback.body must hold a statusReportList with one report or more")
    if len(items) > MOST_IN_A_BATCH:
        raise InvalidRecord(f"statusReportList(={len(items)}) must hold {MOST_IN_A_BATCH} at most")
    return [_checked(_report, item, received, "statusReportList") for item in items]


def _report(fields: Mapping[str, Any], received: int) -> Report:
    errors = FieldErrors()
    report = Report(
        errors(lambda: text(fields, "smsMsgId", longest=LONGEST_ID), ""),
        errors(lambda: _sequence(fields), 1),
        errors(lambda: _status(fields), ""),
        errors(lambda: _source(fields), 0),
        errors(lambda: _final(fields), NOT_A_TIME),
        received,
    )
    errors.end()
    return report


def _sequence(fields: Mapping[str, Any]) -> int:
    sequence, total = count(fields, "sequence", 1), count(fields, "total", MOST_PARTS)
    if not 1 <= sequence <= total:
        raise InvalidRecord(f"sequence(={sequence}) must be from 1 to total(={total})")
    return sequence


def _status(fields: Mapping[str, Any]) -> str:
    return _status_of(text(fields, "status", printable=False))


def _status_of(written: str) -> str:
    """Return a status as a table would read it: known codes in capitals, ACCEPTD while it waits."""
    label, rule = _meaning(written.strip())
    if rule:
        raise InvalidRecord(f"status(={value_text(written)}) {rule}")
    return label or TEMPORARY


@lru_cache(4_096)
def _meaning(written: str) -> tuple[str, str]:
    labels = Labels()
    meaning = status_meaning(labels.code)(written)
    return "".join(labels.names[-1:]) if meaning.code >= 0 else "", meaning.rule


def _source(fields: Mapping[str, Any]) -> int:
    source = fields.get("source")
    if source is not None and not _is_source(source):
        raise InvalidRecord(f"source(={value_text(source)}) must be 1, 2 or 3")
    return int(source or 0)


def _final(fields: Mapping[str, Any]) -> int:
    updated = fields.get("updateTime")
    return NOT_A_TIME if updated is None else wire_time(updated, "updateTime")


def _is_source(value: object) -> bool:
    return type(value) in (int, str) and str(value) in _SOURCES
