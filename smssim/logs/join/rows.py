"""Resolved messages and reports of all parts put in order, as frames of `smssim.record.schema`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from smssim.logs.captures.seen_by_customer import Codes
from smssim.logs.frames import Known, KnownReports, messages_frame, reports_frame
from smssim.logs.join.facts import Facts, Names
from smssim.logs.join.groups import Integers, begins, numbered
from smssim.logs.join.messages import MESSAGE
from smssim.logs.join.reports import REPORTED

if TYPE_CHECKING:
    import pandas as pd


def in_sequence(parts: Sequence[tuple[Facts, Facts]]) -> tuple[Facts, Facts]:
    """Messages by submission, then file, row and entry, and their reports by message and part.

    Requests are numbered from 0 by their first message. A request is told by its number and its
    origin; a message that tells none is one of its own, recipient 0.
    """
    parts = [(np.empty(0, MESSAGE), np.empty(0, REPORTED)), *parts]
    sizes = [len(messages) for messages, _ in parts]
    messages = np.concatenate([messages for messages, _ in parts])
    reports = np.concatenate([reports for _, reports in parts])
    told = [len(reports) for _, reports in parts]
    reports["message"] += np.repeat(np.append(0, np.cumsum(sizes)[:-1]), told)
    names = ("entry", "row", "file", "submitted")
    order = np.lexsort([messages[name] for name in names])
    row = np.empty(len(order), np.int64)
    row[order] = np.arange(len(order))
    messages, reports["message"] = messages.take(order), row[reports["message"]]
    messages["recipient"][messages["request"] < 0] = 0
    messages["request"] = _dense(messages)
    return messages, reports.take(np.lexsort((reports["part"], reports["message"])))


def _dense(messages: Facts) -> Integers:
    own = np.where(messages["request"] < 0, np.arange(len(messages)), -1)
    keys = (messages["request"], messages["origin"], own)
    order = np.lexsort(keys)
    new = begins(*(key[order] for key in keys))
    # The order is stable: the first row of each run is the first message of its request.
    first = order[new]
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    dense = np.empty(len(messages), np.int64)
    dense[order] = number[numbered(new)]
    return dense


def frames(messages: Facts, reports: Facts, names: Names) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frames of messages and reports that are in sequence."""

    def integers(name: str) -> Integers:
        return messages[name].astype(np.int64)

    def coded(name: str) -> Codes:
        return Codes(integers(name), getattr(names, name).names)

    known = Known(
        submitted=integers("submitted"),
        request=integers("request"),
        recipient=integers("recipient"),
        segments=integers("segments"),
        place=integers("place"),
        report_source=integers("source"),
        final=integers("final"),
        application=coded("application"),
        template=coded("template"),
        country=coded("country"),
        status=coded("status"),
        type=coded("type"),
        source=coded("origin"),
        sent=integers("sent"),
        generation=integers("generation"),
        covered=integers("covered"),
        cost_micro=integers("cost"),
    )
    told = KnownReports(
        *(reports[name].astype(np.int64) for name in ("message", "part", "copies", "received"))
    )
    return messages_frame(known), reports_frame(told)
