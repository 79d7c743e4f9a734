"""The customer's view of a run: floored to the wire's seconds, reduced to what can be known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from smssim.arrays import Ints
from smssim.calendars import SECOND
from smssim.logs.captures.seen_by_customer import Codes, ReportArrivals, Sent, sent_and_arrived
from smssim.logs.captures.wire import channels_of, country_of_numbers, template_id
from smssim.logs.frames import (
    NOT_A_TIME,
    MessageColumns,
    ReportColumns,
    messages_frame,
    reports_frame,
)
from smssim.record.record import Record

__all__ = ["customer_view"]


def customer_view(run: Record, *, batch: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the messages and reports of *run* as its customer can know them.

    This is what `read_log` gives for a capture of *run*: no group tasks, requests numbered from
    0, resends as requests of their own, and a final status only where a report arrived.
    """
    sent, arrivals = sent_and_arrived(run, batch=batch)
    return messages_frame(_message_columns(sent, arrivals)), reports_frame(
        _report_columns(arrivals)
    )


def _message_columns(sent: Sent, arrivals: ReportArrivals) -> MessageColumns:
    n = len(sent.submitted)
    reported = np.zeros(n, np.bool_)
    reported[arrivals.message] = True
    refused = (sent.stage == 1) | (sent.stage == 2)
    made_by = _report_source(sent) * reported
    request = np.zeros(n, np.int64)
    request[sent.starts] = 1
    request = np.cumsum(request) - 1
    application, template, country = sent.application, sent.template, sent.country
    return MessageColumns(
        submitted=sent.submitted // SECOND * SECOND,
        request=request,
        recipient=np.arange(n) - sent.starts[request],
        segments=np.where(sent.stage == 1, 0, sent.segments),
        stage=np.where((sent.stage == 3) & ~reported, 0, sent.stage),
        report_source=made_by,
        final=np.where(made_by > 1, sent.final // SECOND * SECOND, NOT_A_TIME),
        application=Codes(application.codes, channels_of(sent)),
        template=Codes(template.codes, [template_id(name) for name in template.labels]),
        country=_countries(country, sent.stage == 1),
        status=Codes(np.where(reported | refused, sent.status.codes, -1), sent.status.labels),
    )


def _report_source(sent: Sent) -> Ints:
    of_code = np.array([*(int(label) for label in sent.report_source.labels), 0], np.int64)
    return of_code[sent.report_source.codes]


def _countries(country: Codes, from_number: npt.NDArray[np.bool_]) -> Codes:
    """Return the countries, seen through the numbers where the answer names none."""
    n = len(country.labels)
    visible = [country_of_numbers(name) for name in country.labels]
    codes = country.codes + n * (from_number & (country.codes >= 0))
    hidden = np.array([False] * n + [not name for name in visible] + [True])
    return Codes(np.where(hidden[codes], -1, codes), [*country.labels, *visible])


def _report_columns(arrivals: ReportArrivals) -> ReportColumns:
    _, first, copies = np.unique(arrivals.report, return_index=True, return_counts=True)
    order = np.lexsort((arrivals.segment[first], arrivals.message[first]))
    first, copies = first[order], copies[order]
    return ReportColumns(
        message=arrivals.message[first],
        segment=arrivals.segment[first],
        copies=copies,
        received=arrivals.instant[first],
    )
