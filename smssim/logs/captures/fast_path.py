"""The common shape of a line, read with few operations and no reasons.

A line of another shape, or one that may break a rule, gives no row or one of the errors in `ODD`,
and is read by `fields`. Both read a line of the common shape alike; without this path a million
records take 2.5 times as long (23 s against 9 s).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from smssim.calendars import DAY, SECOND
from smssim.logs.captures.facts import SEND_VALUES, Rows, content_of
from smssim.logs.captures.fields import (
    ACCEPTED,
    CODE,
    FORM,
    JSON,
    KNOWN_STATUSES,
    LONGEST_ID,
    SEE_STATUS,
    agrees,
)
from smssim.logs.captures.seen_by_customer import MOST_IN_A_BATCH
from smssim.logs.captures.values import COUNTS, SCAN, form, wire_time
from smssim.logs.join.facts import UNKNOWN

__all__ = ["ODD", "Minutes", "Quick"]

ODD = (ValueError, TypeError, KeyError, AttributeError, IndexError, StopIteration, RecursionError)

_HAS_RESULTS = (ACCEPTED, SEE_STATUS)
_WIDTH, _NAME = len(SEND_VALUES), SEND_VALUES.index("name")
_MOST_KNOWN = 65_536
_LONGEST_TIME = 40
_LONGEST_COUNTRY = 3
_FIRST, _LAST = (wire_time(f"{day}T00:00:00Z", "") for day in ("2000-01-02", "2099-12-31"))
_SECONDS = {f"{second:02d}Z": second * SECOND for second in range(60)}
_SOURCES = {None: 0, "1": 1, "2": 2, "3": 3}
# In the order of the documented sample (DOMAIN.md section 7); letters that need no decoding.
_BODY = re.compile(
    r"sequence=([0-9]{1,2})&total=([0-9]{1,2})(?:&orgCode=[^&=%+]*)?"
    r"(?:&updateTime=([0-9-]{10}T[0-9]{2}(?:%3[Aa]|:)[0-9]{2}(?:%3[Aa]|:))([0-9]{2}Z))?"
    r"&source=([123])&smsMsgId=([!-$'-*,-<>-~]{1,50})&status=([0-9A-Z]{1,7})"
    r"((?:&statusDesc=[^&=]*)?(?:&extend=[^&=]*)?)(?:&to=(?:%2B)?[0-9]*)?"
)


class Minutes(dict[str, int]):
    """The beginnings of minutes as the wire and its forms write them, in microseconds."""

    def __missing__(self, written: str) -> int:
        if len(self) > _MOST_KNOWN:
            self.clear()
        colons = written.replace("%3A", ":").replace("%3a", ":")
        instant = self[written] = wire_time(f"{colons}00Z", "")
        return instant


class Quick:
    """Reads lines of the common shape; remembers minutes and descriptions it has met."""

    def __init__(self) -> None:
        self._minutes = Minutes()
        self._endings = {""}

    def sends(self, text: str, line: dict[str, Any], row: int) -> Rows:
        """Return the values of each number of an answer, none for a line of another shape."""
        request, answer = line["request"], line["answer"]
        results, channel, template = answer["result"], request["from"], request["templateId"]
        stamp, numbers, minutes = line["received_at"], request["to"], self._minutes
        if not (
            len(line) == 3
            and type(results) is list
            and answer["code"] in _HAS_RESULTS
            and channel.isprintable() is template.isprintable() is numbers.isprintable() is True
            and channel
            and template
            and numbers[0] != ","
        ):
            return []
        received, content = _instant(stamp), content_of(text, stamp)
        rows: Rows = []
        for entry, item in enumerate(results):
            name, status, created = item["smsMsgId"], item["status"], item["createTime"]
            country, number, total = item["countryId"], item["originTo"], item["total"]
            at = minutes[created[:17]] + _SECONDS[created[17:]]
            if not (
                -DAY <= at - received <= DAY
                and 0 < len(name) <= LONGEST_ID
                and 0 < len(country) <= _LONGEST_COUNTRY
                and name.isprintable() is country.isprintable() is True
                and number.isprintable() is True
                and type(total) is int
                and (status == ACCEPTED or CODE.fullmatch(status))
                and agrees(country, number[:5])
            ):
                return []
            stage, refused = (0, None) if status == ACCEPTED else (2, status)
            rows += (
                row, entry, stage, name, refused, at, country, COUNTS[total], number,
                channel, template, content ^ entry,
            )  # fmt: skip
        if len(results) > 1 and len({*rows[_NAME::_WIDTH]}) < len(results):
            return []
        return rows

    def reports(self, line: dict[str, Any], row: int) -> Rows:
        """Return the values of each report of a callback, none for a line of another shape."""
        callback = line["callback"]
        if len(line) != 2:
            return []
        received, content_type = _instant(line["received_at"]), callback["content_type"]
        if content_type == FORM:
            return self._form(callback["body"], row, received)
        return self._batch(callback["body"], row, received) if content_type == JSON else []

    def _form(self, body: str, row: int, received: int) -> Rows:
        match = _BODY.fullmatch(body)
        if match is None:
            return []
        written, total, minute, second, source, name, status, ending = match.groups()
        sequence = COUNTS[written]
        if status not in KNOWN_STATUSES:
            return []
        if not 1 <= sequence <= COUNTS[total] or not (
            ending in self._endings or self._learn(ending)
        ):
            return []
        final = UNKNOWN if minute is None else self._minutes[minute] + _SECONDS[second]
        return [row, 0, name, sequence, status, _SOURCES[source], final, received]

    def _learn(self, ending: str) -> bool:
        form(ending[1:])
        if len(self._endings) < _MOST_KNOWN:
            self._endings.add(ending)
        return True

    def _batch(self, body: str, row: int, received: int) -> Rows:
        document, end = SCAN(body, 0)
        items = document["statusReportList"]
        if end < len(body) or type(items) is not list or len(items) > MOST_IN_A_BATCH:
            return []
        rows: Rows = []
        for entry, item in enumerate(items):
            name, status, updated = item["smsMsgId"], item["status"], item.get("updateTime")
            sequence, total = item["sequence"], item["total"]
            if not (
                type(sequence) is type(total) is str
                and 1 <= COUNTS[sequence] <= COUNTS[total]
                and 0 < len(name) <= LONGEST_ID
                and name.isprintable() is True
                and status in KNOWN_STATUSES
            ):
                return []
            final = UNKNOWN
            if updated is not None:
                final = self._minutes[updated[:17]] + _SECONDS[updated[17:]]
            source = _SOURCES[item.get("source")]
            rows += (row, entry, name, COUNTS[sequence], status, source, final, received)
        return rows


def _instant(value: str) -> int:
    """Return a time with its offset in microseconds since 1970 UTC; raise one of ODD."""
    if len(value) > _LONGEST_TIME or value[10] != "T":
        raise ValueError(value)
    when = datetime.fromisoformat(value)
    if when.tzinfo is None:
        raise ValueError(value)
    # A double holds the microseconds of these years.
    at = round(when.timestamp() * 1e6)
    if not _FIRST <= at < _LAST:
        raise ValueError(value)
    return at
