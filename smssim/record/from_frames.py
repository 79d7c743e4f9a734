"""Tallies of rows that no engine made: frames, or coded columns with other labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from smssim.record.cells import Array, Columns, distinct_combinations
from smssim.record.counting import GROUP, TallyBuilder
from smssim.record.schema import (
    REPORT_STATES,
    codes_of,
    integers_of,
    microseconds_of,
    refusal_stages,
    resend_kinds,
)
from smssim.record.tallies import Tallies

__all__ = ["CodedCounter", "tally_frames"]

_CODED = ("country", "application", "template", "type", "status", "source")
_UNKNOWN = {"covered_segments": -1, "cost_micro": 0, "segments": 0, "deliveries": 0}
"""What stands for NA where a number is; -1 elsewhere."""


def tally_frames(
    messages: pd.DataFrame,
    reports: pd.DataFrame,
    first_us: int,
    until_us: int,
    servers: Collection[str] = (),
    tasks: Collection[str] = (),
    *,
    requests: bool = True,
) -> Tallies:
    """The tallies of whole frames with the columns of `smssim.record.schema`, observed from
    *first_us* up to *until_us*; *servers* names the sources whose resends are a server's,
    *tasks* those that are group tasks.

    What a log cannot know is NA there: such charges count as `unknown`, such resend kinds as NA.
    Frames number the messages of a log that does not show its requests as one request each: then
    *requests* is False, and none are counted.
    """
    (labels, coded), (of_reports, coded_reports) = _coded(messages), _coded(reports)
    if requests:
        coded, coded_reports = _by_request(coded, coded_reports)
    else:
        del coded["recipient"]
    counter = CodedCounter(labels | of_reports, first_us, until_us, servers, tasks)
    counter.add(coded, coded_reports)
    return counter.tallies()


class CodedCounter:
    """Counts batches of coded columns, chunk by chunk.

    *labels* gives the labels of each coded column in any order: source, application, template,
    type, country and status, and state for reports. Codes are positions in them, -1 for NA; times
    are microseconds, NAT for NaT. Unknown covered segments and numbers of resends are -1.
    """

    def __init__(
        self,
        labels: Mapping[str, Sequence[Any]],
        first_us: int,
        until_us: int,
        servers: Collection[str] = (),
        tasks: Collection[str] = (),
    ) -> None:
        lists: dict[str, Sequence[Any]] = {"group": []}
        self._rank: dict[str, Array] = {}
        for name in _CODED:
            order = sorted(range(len(labels[name])), key=labels[name].__getitem__)
            lists[name] = [labels[name][code] for code in order]
            # Code -1 takes the last rank, which stays -1.
            self._rank[name] = np.full(len(order) + 1, -1, np.int32)
            self._rank[name][order] = np.arange(len(order))
        states = {state: code for code, state in enumerate(REPORT_STATES)}
        of_label = [states.get(state, -1) for state in labels.get("state", REPORT_STATES)]
        self._rank["state"] = np.array([*of_label, -1])
        self._of_server = np.array([*(name in servers for name in lists["source"]), False])
        self._builder = TallyBuilder(lists, first_us, until_us, tasks=tasks)

    def add(self, messages: Columns, reports: Columns) -> None:
        """Count a batch; `reports["message"]` numbers its messages from 0."""
        self.add_messages(messages)
        if len(reports["message"]):
            self.add_reports(reports, messages["final_at"])

    def add_messages(self, messages: Columns) -> None:
        """Count a batch of messages."""
        if not len(messages["submitted_at"]):
            return
        coded = {name: self._rank[name].take(messages[name]) for name in _CODED}
        of_server = self._of_server[coded["source"]]
        coded["resend_kind"] = resend_kinds(messages["resend_number"], of_server)
        groups, group = distinct_combinations({name: coded[name] for name in GROUP})
        self._builder.regroup(np.stack(list(groups.values()), axis=1))
        self._builder.add_messages({**messages, "group": group, "status": coded["status"]})

    def add_reports(self, reports: Columns, final_at: Array) -> None:
        """Count a batch of reports by the times of their messages' final statuses."""
        state = self._rank["state"].take(reports["state"])
        self._builder.add_reports({**reports, "state": state}, final_at)

    def tallies(self) -> Tallies:
        """The tallies of everything counted."""
        return self._builder.tallies()


def _by_request(messages: Columns, reports: Columns) -> tuple[dict[str, Array], dict[str, Array]]:
    """The same in the order of requests, in which the first recipient that is there is number 0."""
    again = messages["resend_number"] > 0
    order = np.lexsort([messages["recipient"], again, messages["request"], messages["source"]])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    columns = {name: column.take(order) for name, column in messages.items()}
    same = np.ones(len(order), bool)
    same[:1] = False
    for name in ("source", "request"):
        same[1:] &= np.diff(columns[name]) == 0
    columns["recipient"] = same.astype(np.int32)
    return columns, {**reports, "message": rank.take(reports["message"])}


def _coded(frame: pd.DataFrame) -> tuple[dict[str, list[Any]], dict[str, Array]]:
    """A frame as labels and compact columns."""
    labels: dict[str, list[Any]] = {}
    coded: dict[str, Array] = {}
    for name, column in frame.items():
        name = str(name)
        if name == "refused_at":
            coded[name] = refusal_stages(column)
        elif str(column.dtype) == "category":
            coded[name], labels[name] = codes_of(column)
        elif str(column.dtype).startswith("datetime64"):
            coded[name] = microseconds_of(column)
        else:
            coded[name] = integers_of(column, _UNKNOWN.get(name, -1))
    return labels, coded
