"""Status reports as they stand in the body of a callback: form-encoded, or an item of a batch.

Fields and their order are those of the pages' sample (DOMAIN.md section 7).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple
from urllib.parse import quote

import numpy as np

from smssim.logs.captures.seen_by_customer import Arrivals, Codes, Integers, Sent
from smssim.logs.captures.wire import Wire
from smssim.logs.frames import NOT_A_TIME
from smssim.sms.reference import status_codes

BLOCK = 16_384

_PLATFORM, _CENTRE = "1", "2"


def bodies_of(
    sent: Sent, arrivals: Arrivals, wire: Wire, *, batch: bool
) -> Iterator[tuple[int, int, str, str]]:
    """Give (callback, its time in microseconds and as text, one report) of each arrival.

    A report that the platform built itself has no updateTime, only the SMS centre's has an
    orgCode, and `to` comes with extend alone.
    """
    encode = _item if batch else _form
    for begin in range(0, len(arrivals.message), BLOCK):
        part = slice(begin, begin + BLOCK)
        rows, at = arrivals.message[part], arrivals.instant[part]
        built = sent.report_source.where(_PLATFORM)[rows]
        told = zip(
            arrivals.part[part].tolist(),
            sent.segments[rows].tolist(),
            _org_codes(sent, rows, batch),
            stamps_of(np.where(built, NOT_A_TIME, sent.final[rows]), "s"),
            texts_of(sent.report_source, rows),
            wire.ids(rows),
            _statuses(sent, rows, batch),
            _given_back(sent, rows, wire, batch),
            strict=True,
        )
        reports = map(encode, map(_Told._make, told))
        lines = arrivals.line[part].tolist()
        yield from zip(lines, at.tolist(), stamps_of(at, "us"), reports, strict=True)


class _Told(NamedTuple):
    """What one report tells; with their names before them where a field may be absent."""

    part: int
    total: int
    org_code: str
    updated: str
    source: str
    name: str
    status: str
    given_back: str


def _form(told: _Told) -> str:
    time = f"&updateTime={told.updated.replace(':', '%3A')}" if told.updated else ""
    return (
        f"sequence={told.part}&total={told.total}{told.org_code}{time}&source={told.source}"
        f"&smsMsgId={told.name}{told.status}{told.given_back}"
    )


def _item(told: _Told) -> str:
    time = f', "updateTime": "{told.updated}"' if told.updated else ""
    return (
        f'{{"sequence": "{told.part}", "total": "{told.total}"{told.org_code}{time}, '
        f'"source": "{told.source}", "smsMsgId": "{told.name}"{told.status}{told.given_back}}}'
    )


def _field(name: str, value: str, batch: bool) -> str:
    """Return a field as it follows another one."""
    if batch:
        return f', "{name}": {json.dumps(value)}'
    return f"&{name}={quote(value, safe='')}"


def _statuses(sent: Sent, rows: Integers, batch: bool) -> list[str]:
    fields = [_status(label, batch) for label in sent.status.labels]
    return texts_of(Codes(sent.status.codes, fields), rows)


@cache
def _status(status: str, batch: bool) -> str:
    known = status_codes().get(status)
    told = _field("statusDesc", known.description, batch) if known else ""
    return _field("status", status, batch) + told


def _org_codes(sent: Sent, rows: Integers, batch: bool) -> list[str]:
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


def _given_back(sent: Sent, rows: Integers, wire: Wire, batch: bool) -> list[str]:
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


def stamps_of(us: Integers, unit: str) -> list[str]:
    """Return times as ISO 8601 in UTC, "" where there is none; *unit* is "us" or "s"."""
    times = us.view("datetime64[us]").astype(f"datetime64[{unit}]")
    written: list[str] = np.datetime_as_string(times, timezone="UTC").tolist()
    if np.isnat(times).any():
        return [text if text != "NaT" else "" for text in written]
    return written


def texts_of(column: Codes, rows: Integers) -> list[str]:
    """Return the labels of a column's rows, "" where there is none."""
    labels = [*column.labels, ""]
    return [labels[code] for code in column.codes[rows].tolist()]
