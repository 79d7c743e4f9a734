"""A capture: JSON lines as a customer's own server would keep them, written from a run.

A line is a request with its answer, or a callback with its body (DOMAIN.md sections 6 and 7).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import TextIOWrapper
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TextIO
from urllib.parse import quote

import numpy as np

from smssim.arrays import Ints
from smssim.logs.captures.fields import ACCEPTED, FORM, JSON, SEE_STATUS
from smssim.logs.captures.seen_by_customer import (
    NOTHING,
    PASSWORD,
    Codes,
    Parameters,
    ReportArrivals,
    Sent,
    sent_and_arrived,
)
from smssim.logs.captures.wire import Wire
from smssim.logs.frames import NOT_A_TIME
from smssim.record.record import Record
from smssim.record.storage import whole_file
from smssim.sms.reference import api_errors, status_codes

__all__ = ["BLOCK", "Line", "texts_of", "write_capture"]

BLOCK = 16_384

_PLATFORM, _CENTRE = "1", "2"

_STATUS_CALLBACK = "https://sms.example.com/report"

Line = tuple[int, str]


# Delivery reports as the body of a callback: form-encoded, or an item of a batch.


def _bodies_of(
    sent: Sent, arrivals: ReportArrivals, wire: Wire, *, batch: bool
) -> Iterator[tuple[int, int, str, str]]:
    """Give (callback, its time in microseconds and as text, one report) of each arrival.

    A report that the platform built itself has no updateTime, only the SMS centre's has an
    orgCode, and `to` comes with extend alone.
    """
    encode = _item if batch else _form
    for begin in range(0, len(arrivals.message), BLOCK):
        block = slice(begin, begin + BLOCK)
        rows, at = arrivals.message[block], arrivals.instant[block]
        built = sent.report_source.where(_PLATFORM)[rows]
        columns = zip(
            arrivals.segment[block].tolist(),
            sent.segments[rows].tolist(),
            _org_codes(sent, rows, batch),
            _stamps_of(np.where(built, NOT_A_TIME, sent.final[rows]), "s"),
            texts_of(sent.report_source, rows),
            wire.ids(rows),
            _statuses(sent, rows, batch),
            _echoed(sent, rows, wire, batch),
            strict=True,
        )
        reports = map(encode, map(_ReportFields._make, columns))
        lines = arrivals.line[block].tolist()
        yield from zip(lines, at.tolist(), _stamps_of(at, "us"), reports, strict=True)


class _ReportFields(NamedTuple):
    """The fields of one report; with their names before them where a field may be absent."""

    sequence: int
    total: int
    org_code: str
    updated: str
    source: str
    name: str
    status: str
    echoed: str


def _form(report: _ReportFields) -> str:
    time = f"&updateTime={report.updated.replace(':', '%3A')}" if report.updated else ""
    return (
        f"sequence={report.sequence}&total={report.total}{report.org_code}{time}&source={report.source}"
        f"&smsMsgId={report.name}{report.status}{report.echoed}"
    )


def _item(report: _ReportFields) -> str:
    time = f', "updateTime": "{report.updated}"' if report.updated else ""
    return (
        f'{{"sequence": "{report.sequence}", "total": "{report.total}"{report.org_code}{time}, '
        f'"source": "{report.source}", "smsMsgId": "{report.name}"{report.status}{report.echoed}}}'
    )


def _field(name: str, value: str, batch: bool) -> str:
    """Return a field as it follows another one."""
    if batch:
        return f', "{name}": {json.dumps(value)}'
    return f"&{name}={quote(value, safe='')}"


def _statuses(sent: Sent, rows: Ints, batch: bool) -> list[str]:
    fields = [_status(label, batch) for label in sent.status.labels]
    return texts_of(Codes(sent.status.codes, fields), rows)


@cache
def _status(status: str, batch: bool) -> str:
    code = status_codes().get(status)
    description = _field("statusDesc", code.description, batch) if code else ""
    return _field("status", status, batch) + description


def _org_codes(sent: Sent, rows: Ints, batch: bool) -> list[str]:
    if not sent.org_codes:
        return [""] * len(rows)
    fields = {pair: _field("orgCode", org_code, batch) for pair, org_code in sent.org_codes.items()}
    return [
        fields.get((country, status), "") if from_centre else ""
        for country, status, from_centre in zip(
            texts_of(sent.country, rows),
            texts_of(sent.status, rows),
            sent.report_source.where(_CENTRE)[rows].tolist(),
            strict=True,
        )
    ]


def _echoed(sent: Sent, rows: Ints, wire: Wire, batch: bool) -> list[str]:
    """Return `extend` and `to` of each row whose request had an extend."""
    if not any(sent.extends):
        return [""] * len(rows)
    fields = [_field("extend", text, batch) if text else "" for text in sent.extends]
    return [
        extend + _field("to", number, batch) if extend else ""
        for extend, number in zip(
            texts_of(Codes(sent.source.codes, fields), rows), wire.numbers(rows), strict=True
        )
    ]


def _stamps_of(us: Ints, unit: str) -> list[str]:
    """Return times as ISO 8601 in UTC, "" where there is none; *unit* is "us" or "s"."""
    times = us.view("datetime64[us]").astype(f"datetime64[{unit}]")
    written: list[str] = np.datetime_as_string(times, timezone="UTC").tolist()
    if np.isnat(times).any():
        return [text if text != "NaT" else "" for text in written]
    return written


def texts_of(column: Codes, rows: Ints) -> list[str]:
    """Return the labels of a column's rows, "" where there is none."""
    labels = [*column.labels, ""]
    return [labels[code] for code in column.codes[rows].tolist()]


# The lines of a capture, each with its time: requests with answers, and callbacks.


def _request_lines(sent: Sent, wire: Wire) -> Iterator[Line]:
    """Give a line for each request, received when the platform took it in.

    Times are microseconds since 1970 UTC; the answer's createTime is in whole seconds.
    """
    ends = np.append(sent.starts[1:], len(sent.submitted))
    first = 0
    while first < len(sent.starts):
        full = int(np.searchsorted(ends, sent.starts[first] + BLOCK, "right"))
        last = max(first + 1, full)
        rows = np.arange(sent.starts[first], ends[last - 1])
        yield from _requests(sent, wire, rows, ends[first:last] - rows[0])
        first = last


def _requests(sent: Sent, wire: Wire, rows: Ints, ends: Ints) -> Iterator[Line]:
    """Give the lines of a block of whole requests, which end before the rows *ends*."""
    heads, numbers = _heads(sent, wire, rows), wire.numbers(rows)
    results, stage = _results(sent, wire, rows, numbers), sent.stage[rows].tolist()
    statuses = texts_of(sent.status, rows)
    instants, stamps = sent.submitted[rows].tolist(), _stamps_of(sent.submitted[rows], "us")
    begin = 0
    for end in ends.tolist():
        if stage[begin] == 1:
            answer = _answer(statuses[begin])
        else:
            code = SEE_STATUS if 2 in stage[begin:end] else ACCEPTED
            answer = f'{_answer(code)}, "result": [{", ".join(results[begin:end])}]'
        before, after = heads[begin]
        request = f'"request": {{{before}{",".join(numbers[begin:end])}{after}}}'
        line = f'{{"received_at": "{stamps[begin]}", {request}, "answer": {{{answer}}}}}\n'
        yield instants[begin], line
        begin = end


def _heads(sent: Sent, wire: Wire, rows: Ints) -> list[tuple[str, str]]:
    """Return the request of each row before and after its numbers."""
    channels = _quoted(wire.channels, sent.application, rows)
    templates = _quoted(wire.templates, sent.template, rows)
    parameters = _parameters(sent, rows)
    address = f', "statusCallback": "{_STATUS_CALLBACK}"'
    named = sent.callback[rows].tolist()
    extends = [f', "extend": {json.dumps(text)}' if text else "" for text in sent.extends]
    return [
        (
            f'"from": {channel}, "to": "',
            f'", "templateId": {template}, "templateParas": {json.dumps(values.written(password))}'
            f"{address if has_address else ''}{extends[source]}",
        )
        for channel, template, values, password, source, has_address in zip(
            channels,
            templates,
            parameters,
            wire.passwords(rows),
            sent.source.codes[rows].tolist(),
            named,
            strict=True,
        )
    ]


def _parameters(sent: Sent, rows: Ints) -> list[Parameters]:
    """Return the values of each row: those of its template's text, else of its type."""
    usual = [PASSWORD if otp else NOTHING for otp in sent.type.where("otp")[rows].tolist()]
    texts = [*sent.parameters, None]
    codes = sent.template.codes[rows].tolist()
    return [texts[code] or other for code, other in zip(codes, usual, strict=True)]


@cache
def _answer(code: str) -> str:
    error = api_errors().get(code)
    description = error.description if error else "Request refused"
    return f'"code": {json.dumps(code)}, "description": {json.dumps(description)}'


def _results(sent: Sent, wire: Wire, rows: Ints, numbers: list[str]) -> list[str]:
    channels = _quoted(wire.channels, sent.application, rows)
    refused = (sent.stage[rows] == 2).tolist()
    return [
        f'{{"smsMsgId": "{name}", "from": {channel}, "originTo": "{number}", '
        f'"status": "{status if refused_number else ACCEPTED}", "createTime": "{created}", '
        f'"countryId": "{country}", "total": {total}}}'
        for name, channel, number, refused_number, status, created, country, total in zip(
            wire.ids(rows),
            channels,
            numbers,
            refused,
            texts_of(sent.status, rows),
            _stamps_of(sent.submitted[rows], "s"),
            texts_of(sent.country, rows),
            sent.segments[rows].tolist(),
            strict=True,
        )
    ]


def _callback_lines(
    sent: Sent, arrivals: ReportArrivals, wire: Wire, *, batch: bool
) -> Iterator[Line]:
    """Give a line for each callback, its body form-encoded or with *batch* JSON.

    Times are microseconds since 1970 UTC; a report's updateTime is in whole seconds.
    """
    bodies = _bodies_of(sent, arrivals, wire, batch=batch)
    if batch:
        for (_, at, stamp), group in groupby(bodies, itemgetter(0, 1, 2)):
            reports = ", ".join(body for *_, body in group)
            body = json.dumps(f'{{"statusReportList": [{reports}]}}')
            yield at, _callback(stamp, JSON, body)
    else:
        for _, at, stamp, body in bodies:
            # A form that is encoded needs no escapes in JSON.
            yield at, _callback(stamp, FORM, f'"{body}"')


def _callback(stamp: str, content_type: str, body: str) -> str:
    return (
        f'{{"received_at": "{stamp}", "callback": '
        f'{{"content_type": "{content_type}", "body": {body}}}}}\n'
    )


def _quoted(names: list[str], column: Codes, rows: Ints) -> list[str]:
    quoted = [json.dumps(name) for name in names]
    return [quoted[code] for code in column.codes[rows].tolist()]


def write_capture(run: Record, path: str | Path, *, batch: bool = False) -> None:
    """Write the capture of *run* to *path*, in order of time; compressed if it ends with .gz.

    Reports come one a callback, or with *batch* up to 50. All copies of a report come with the
    first, for a run keeps no later arrivals. Raise a ValueError for a run that did not keep its
    messages and reports.
    """
    sent, arrivals = sent_and_arrived(run, batch=batch)
    wire = Wire(sent)
    requests = _request_lines(sent, wire)
    callbacks = _callback_lines(sent, arrivals, wire, batch=batch)
    with whole_file(path) as new, _opened(new) as file:
        file.writelines(_merged(requests, callbacks))


def _merged(requests: Iterator[Line], callbacks: Iterator[Line]) -> Iterator[str]:
    """Give the lines by time; at the same time requests come first."""
    ahead = next(callbacks, None)
    for at, line in requests:
        while ahead is not None and ahead[0] < at:
            yield ahead[1]
            ahead = next(callbacks, None)
        yield line
    if ahead is not None:
        yield ahead[1]
        yield from (line for _, line in callbacks)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path.suffix != ".gz":
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    # Neither name nor time in the header: the same run gives the same bytes.
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
    ):
        yield text
