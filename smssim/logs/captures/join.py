"""Reports joined to their messages: what became of each message, as far as its customer knows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from smssim.logs.captures.growing import MessageRows, ReportRows, integers
from smssim.logs.captures.sent import Codes, Integers
from smssim.logs.frames import NOT_A_TIME, Known, KnownReports

_DELIVERED = "DELIVRD"


def joined(messages: MessageRows, reports: ReportRows) -> tuple[Known, KnownReports]:
    """Return messages by time, then order of the file, and their reports by message and part.

    Of several reports of a part the latest counts, of several parts the latest that was not
    delivered: a long message has arrived when all of it has.
    """
    submitted = integers(messages.submitted)
    order = np.argsort(submitted, kind="stable")
    row = np.empty(len(order), np.int64)
    row[order] = np.arange(len(order))
    by_line = np.argsort(integers(reports.line), kind="stable")
    message = row[integers(reports.message)[by_line]]
    part, received = integers(reports.part)[by_line], integers(reports.received)[by_line]
    final, source = integers(reports.final)[by_line], integers(reports.source)[by_line]
    status = _taken(reports.status.done(), by_line)
    when = np.where(final == NOT_A_TIME, received, final)
    deciding = _deciding(message, part, when, status.where(_DELIVERED))
    known = _messages(messages, order, deciding, (status, source, final), message)
    return known, _reports(message, part, received)


def _deciding(
    message: Integers, part: Integers, when: Integers, delivered: npt.NDArray[np.bool_]
) -> Integers:
    """Return the report that decides of each message that has one."""
    latest = _last(np.lexsort((when, part, message)), message, part)
    order = np.lexsort((when[latest], ~delivered[latest], message[latest]))
    return _last(latest[order], message)


def _last(order: Integers, *keys: Integers) -> Integers:
    """Return the last of every group of equal *keys* in *order*."""
    ends = np.ones(len(order), np.bool_)
    ends[:-1] = np.any([key[order[1:]] != key[order[:-1]] for key in keys], axis=0)
    return order[ends]


def _messages(
    rows: MessageRows,
    order: Integers,
    deciding: Integers,
    reported: tuple[Codes, Integers, Integers],
    message: Integers,
) -> Known:
    status, source, final = reported
    place, told = integers(rows.place)[order], message[deciding]
    made_by, final_at = np.zeros(len(order), np.int64), np.full(len(order), NOT_A_TIME)
    made_by[told], final_at[told] = source[deciding], final[deciding]
    answered = _taken(rows.status.done(), order)
    codes = answered.codes.copy()
    codes[told] = status.codes[deciding] + len(answered.labels)
    return Known(
        submitted=integers(rows.submitted)[order],
        request=integers(rows.request)[order],
        recipient=integers(rows.recipient)[order],
        segments=integers(rows.segments)[order],
        place=np.where((place == 0) & (made_by == 3), 3, place),
        report_source=made_by,
        final=final_at,
        application=_taken(rows.channel.done(), order),
        template=_taken(rows.template.done(), order),
        country=_taken(rows.country.done(), order),
        status=Codes(codes, [*answered.labels, *status.labels]),
    )


def _reports(message: Integers, part: Integers, received: Integers) -> KnownReports:
    order = np.lexsort((received, part, message))
    last = _last(order, message, part)
    begins = np.searchsorted(message[order] * 128 + part[order], message[last] * 128 + part[last])
    copies = np.diff(begins, append=len(order))
    return KnownReports(message[last], part[last], copies, received[order[begins]])


def _taken(column: Codes, order: Integers) -> Codes:
    return Codes(column.codes[order], column.labels)
