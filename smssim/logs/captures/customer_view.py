"""The customer's view of a run: floored to the wire's seconds, reduced to what can be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from smssim.calendars import SECOND
from smssim.logs.captures.seen_by_customer import Arrivals, Codes, Integers, Sent, sent_and_arrived
from smssim.logs.captures.wire import channel, country_shown, template_id
from smssim.logs.frames import NOT_A_TIME, Known, KnownReports, messages_frame, reports_frame
from smssim.record.record import Record

if TYPE_CHECKING:
    import pandas as pd


def customer_view(run: Record, *, batch: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the messages and reports of *run* as its customer can know them.

    This is what `read_log` gives for a capture of *run*: no group tasks, requests numbered from
    0, resends as requests of their own, and a final status only where a report arrived.
    """
    sent, arrivals = sent_and_arrived(run, batch=batch)
    return messages_frame(_known(sent, arrivals)), reports_frame(_known_reports(arrivals))


def _known(sent: Sent, arrivals: Arrivals) -> Known:
    n = len(sent.submitted)
    told = np.zeros(n, np.bool_)
    told[arrivals.message] = True
    refused = (sent.place == 1) | (sent.place == 2)
    made_by = _report_source(sent) * told
    request = np.zeros(n, np.int64)
    request[sent.starts] = 1
    request = np.cumsum(request) - 1
    application, template, country = sent.application, sent.template, sent.country
    return Known(
        submitted=sent.submitted // SECOND * SECOND,
        request=request,
        recipient=np.arange(n) - sent.starts[request],
        segments=np.where(sent.place == 1, 0, sent.segments),
        place=np.where((sent.place == 3) & ~told, 0, sent.place),
        report_source=made_by,
        final=np.where(made_by > 1, sent.final // SECOND * SECOND, NOT_A_TIME),
        application=Codes(application.codes, [channel(name) for name in application.labels]),
        template=Codes(template.codes, [template_id(name) for name in template.labels]),
        country=_countries(country, sent.place == 1),
        status=Codes(np.where(told | refused, sent.status.codes, -1), sent.status.labels),
    )


def _report_source(sent: Sent) -> Integers:
    of_code = np.array([*(int(label) for label in sent.report_source.labels), 0], np.int64)
    return of_code[sent.report_source.codes]


def _countries(country: Codes, from_number: npt.NDArray[np.bool_]) -> Codes:
    """Return the countries, seen through the numbers where the answer names none."""
    n = len(country.labels)
    shown = [country_shown(name) for name in country.labels]
    codes = country.codes + n * (from_number & (country.codes >= 0))
    hidden = np.array([False] * n + [not name for name in shown] + [True])
    return Codes(np.where(hidden[codes], -1, codes), [*country.labels, *shown])


def _known_reports(arrivals: Arrivals) -> KnownReports:
    _, first, copies = np.unique(arrivals.report, return_index=True, return_counts=True)
    order = np.lexsort((arrivals.part[first], arrivals.message[first]))
    first, copies = first[order], copies[order]
    return KnownReports(
        message=arrivals.message[first],
        part=arrivals.part[first],
        copies=copies,
        received=arrivals.instant[first],
    )
