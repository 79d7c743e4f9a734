"""The lines of a capture, each with its time: requests with answers, and callbacks.

Fields and their order are those of the API's pages (DOMAIN.md sections 6 and 7).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from operator import itemgetter

import numpy as np

from smssim.logs.captures.fields import ACCEPTED, FORM, JSON, SEE_STATUS
from smssim.logs.captures.reported import BLOCK, bodies_of, stamps_of, texts_of
from smssim.logs.captures.seen_by_customer import Arrivals, Codes, Integers, Sent
from smssim.logs.captures.wire import Wire
from smssim.sms.reference import api_errors

STATUS_CALLBACK = "https://sms.example.com/report"

Line = tuple[int, str]


def request_lines(sent: Sent, wire: Wire) -> Iterator[Line]:
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


def _requests(sent: Sent, wire: Wire, rows: Integers, ends: Integers) -> Iterator[Line]:
    """Give the lines of a block of whole requests, which end before the rows *ends*."""
    heads, numbers = _heads(sent, wire, rows), wire.numbers(rows)
    results, place = _results(sent, wire, rows, numbers), sent.place[rows].tolist()
    statuses = texts_of(sent.status, rows)
    instants, stamps = sent.submitted[rows].tolist(), stamps_of(sent.submitted[rows], "us")
    begin = 0
    for end in ends.tolist():
        if place[begin] == 1:
            answer = _answer(statuses[begin])
        else:
            code = SEE_STATUS if 2 in place[begin:end] else ACCEPTED
            answer = f'{_answer(code)}, "result": [{", ".join(results[begin:end])}]'
        before, after = heads[begin]
        request = f'"request": {{{before}{",".join(numbers[begin:end])}{after}}}'
        line = f'{{"received_at": "{stamps[begin]}", {request}, "answer": {{{answer}}}}}\n'
        yield instants[begin], line
        begin = end


def _heads(sent: Sent, wire: Wire, rows: Integers) -> list[tuple[str, str]]:
    """Return what stands before and after the numbers in the request of each row."""
    channels = _quoted(wire.channels, sent.application, rows)
    templates = _quoted(wire.templates, sent.template, rows)
    otp = sent.type.where("otp")[rows].tolist()
    address = f', "statusCallback": "{STATUS_CALLBACK}"'
    named = sent.callback[rows].tolist()
    extends = [f', "extend": {json.dumps(text)}' if text else "" for text in sent.extends]
    return [
        (
            f'"from": {channel}, "to": "',
            f'", "templateId": {template}, "templateParas": "{_paras(otp, password)}"'
            f"{address if own else ''}{extends[source]}",
        )
        for channel, template, otp, password, source, own in zip(
            channels,
            templates,
            otp,
            wire.passwords(rows),
            sent.source.codes[rows].tolist(),
            named,
            strict=True,
        )
    ]


def _paras(otp: bool, password: str) -> str:
    return f'[\\"{password}\\"]' if otp else "[]"


@cache
def _answer(code: str) -> str:
    known = api_errors().get(code)
    description = known.description if known else "Request refused"
    return f'"code": {json.dumps(code)}, "description": {json.dumps(description)}'


def _results(sent: Sent, wire: Wire, rows: Integers, numbers: list[str]) -> list[str]:
    channels = _quoted(wire.channels, sent.application, rows)
    refused = (sent.place[rows] == 2).tolist()
    return [
        f'{{"smsMsgId": "{name}", "from": {channel}, "originTo": "{number}", '
        f'"status": "{status if place_2 else ACCEPTED}", "createTime": "{created}", '
        f'"countryId": "{country}", "total": {total}}}'
        for name, channel, number, place_2, status, created, country, total in zip(
            wire.ids(rows),
            channels,
            numbers,
            refused,
            texts_of(sent.status, rows),
            stamps_of(sent.submitted[rows], "s"),
            texts_of(sent.country, rows),
            sent.segments[rows].tolist(),
            strict=True,
        )
    ]


def callback_lines(sent: Sent, arrivals: Arrivals, wire: Wire, *, batch: bool) -> Iterator[Line]:
    """Give a line for each callback, its body form-encoded or with *batch* JSON.

    Times are microseconds since 1970 UTC; a report's updateTime is in whole seconds.
    """
    bodies = bodies_of(sent, arrivals, wire, batch=batch)
    if batch:
        for (_, at, stamp), group in groupby(bodies, itemgetter(0, 1, 2)):
            reports = ", ".join(body for *_, body in group)
            body = json.dumps(f'{{"statusReportList": [{reports}]}}')
            yield at, _callback(stamp, JSON, body)
    else:
        for _, at, stamp, body in bodies:
            # Encoded as it is, a form needs no more to stand in JSON.
            yield at, _callback(stamp, FORM, f'"{body}"')


def _callback(stamp: str, content_type: str, body: str) -> str:
    return (
        f'{{"received_at": "{stamp}", "callback": '
        f'{{"content_type": "{content_type}", "body": {body}}}}}\n'
    )


def _quoted(names: list[str], column: Codes, rows: Integers) -> list[str]:
    quoted = [json.dumps(name) for name in names]
    return [quoted[code] for code in column.codes[rows].tolist()]
