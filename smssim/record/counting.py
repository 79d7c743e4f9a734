"""Counting: rows become tallies, chunk by chunk, in memory that does not grow with the rows.

Rows are compact columns of messages and reports: category codes with -1 for NA, times in
microseconds with NAT for NaT. The engine hands such columns over as it runs; frames and tables with
labels of their own come by way of `smssim.record.from_frames`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from smssim.calendars import DAY
from smssim.record.cells import (
    Array,
    Axis,
    Cells,
    CellTally,
    Columns,
    count_cells,
    distinct_combinations,
)
from smssim.record.requests import MOST, RequestReader, Requests
from smssim.record.schema import NAT, REPORT_STATES, RESEND_KINDS
from smssim.record.tallies import CHARGES, OUTCOMES, SLOT_US, WITHIN, Tallies, charges, outcomes
from smssim.stats.delay_bins import bin_of, edges_us

__all__ = ["GROUP", "TallyBuilder"]

GROUP = ("country", "application", "template", "type", "resend_kind", "source")
"""Keys that go together; each combination that occurs is a group."""
_SUMS = ("messages", "segments", "covered_segments", "cost_micro")
_CLOCK_SUMS = ("messages", "segments", "covered_segments")
_FEW_VALUES = ("status", "refused_at", "segments", "covered_segments")
_RECEIVED = REPORT_STATES.index("received")
_OUTCOMES_OF_SENT = ("delivered", "expired", "failed", "in_flight")
_WITHIN_OF_RESULT = np.array([0, 0, -1, 1, 1], np.int8)
"""WITHIN by the sending result (DOMAIN.md section 9), -1 where it does not show it."""


class TallyBuilder:
    """Counts chunk by chunk; `tallies` gives what was counted so far.

    *lists* are the categories of the coded columns, sorted, and `group`, the codes (-1 is NA) of
    the combinations of GROUP that occur. *first_us* and *until_us* are the observed period in
    microseconds. *batched* says that a first push may come later than its report, which takes
    longer to count; *tasks* names the sources that are group tasks. Raise a ValueError for a list
    that is not sorted.
    """

    def __init__(
        self,
        lists: Mapping[str, Sequence[Any]],
        first_us: int,
        until_us: int,
        *,
        batched: bool = True,
        tasks: Collection[str] = (),
    ) -> None:
        self._until_us, self._batched = until_us, batched
        self._first_day, self._first_slot = first_us // DAY, first_us // SLOT_US
        self._statuses = list(lists["status"])
        self._axes = _axes(lists, self._first_day, self._first_slot, until_us)
        self._tallies = _empty_tallies(self._axes)
        self._requests = RequestReader()
        self._is_task = np.array([*(name in tasks for name in lists["source"]), False])
        self.regroup(lists["group"])

    def regroup(self, groups: Sequence[Any] | Array) -> None:
        """Use other groups for the chunks that follow, by codes as in GROUP."""
        codes = np.array(groups, np.int64).reshape(-1, len(GROUP))
        self._group = {name: codes[:, i] for i, name in enumerate(GROUP)}
        self._group["task"] = self._is_task.take(self._group["source"])
        self._axes["group"] = Axis("group", range(len(codes)))

    def add(self, messages: Columns, reports: Columns) -> None:
        """Count a chunk; `reports["message"]` numbers the messages of this chunk from 0.

        Messages of logs may have a column `result`, 0 to 4 of DOMAIN.md section 9, -1 for NA. Where
        requests are known, messages are in their order and have `recipient` and `resend_number`.
        """
        self.add_messages(messages)
        if len(reports["message"]):
            self.add_reports(reports, messages["final_at"])

    def add_messages(self, messages: Columns) -> None:
        """Count a chunk of messages."""
        if not len(messages["submitted_at"]):
            return
        # Charge and outcome depend on a few small columns: they are derived once per combination,
        # of which there are some twenty, not once per message.
        few = {name: messages[name] for name in _FEW_VALUES}
        classes, class_of = distinct_combinations(few | {"cost_micro": messages["cost_micro"] > 0})
        classes["charge"] = charges(classes)
        classes["outcome"] = outcomes(classes, self._statuses)
        self._add_money(messages, classes, class_of)
        outcome = classes["outcome"].take(class_of)
        self._add_delays(messages, outcome)
        if "result" in messages:
            self._add_results(messages, outcome)
        if "recipient" in messages:
            self._add_requests(self._requests.add(messages, self._group))

    def add_reports(self, reports: Columns, final_at: Array) -> None:
        """Count a chunk of reports; *final_at* are the times of their messages' final statuses, and
        `reports["message"]` numbers these from 0.
        """
        rows = np.arange(len(reports["message"]))
        if not self._batched:
            # Alone, a first push comes when the report is made, and most are such.
            plain = (reports["attempts"] == 1) & (reports["deliveries"] == 1)
            plain &= reports["state"] == _RECEIVED
            rows = np.flatnonzero(~plain)
            self._add_plain_reports(len(plain) - len(rows))
        if not len(rows):
            return
        codes = {name: reports[name].take(rows) for name in ("state", "attempts", "deliveries")}
        received = reports["received_at"].take(rows)
        created = final_at.take(reports["message"].take(rows))
        delay = bin_of(received - created)
        delay[created == NAT] = -1
        # What never arrived is counted in bin 0; what arrived at an unknown time has no delay.
        delay[received == NAT] = 0
        delay[(received == NAT) & (codes["state"] == _RECEIVED)] = -1
        codes["bin"] = delay
        axes = [self._axes[name] for name in ("state", "attempts", "push_bin")]
        self._tallies["push"].add(count_cells(axes, codes, ("reports", "deliveries")))

    def tallies(self) -> Tallies:
        """The tallies of everything counted."""
        self._add_requests(self._requests.close())
        frames = {name: tally.frame for name, tally in self._tallies.items()}
        return Tallies(self._until_us, **frames)

    def _add_money(self, messages: Columns, classes: Columns, class_of: Array) -> None:
        """Count once by slot, group and class, and derive all other keys from the few cells."""
        codes = {
            "slot": messages["submitted_at"] // SLOT_US - self._first_slot,
            "group": messages["group"],
            "class": class_of,
            "cost_micro": messages["cost_micro"],
        }
        axes = (self._axes["slot"], self._axes["group"], Axis("class", classes["status"]))
        cells, sums = count_cells(axes, codes, ("messages", "cost_micro"))
        of_cell = cells["class"]
        for name in ("segments", "covered_segments"):
            sums[name] = sums["messages"] * np.maximum(classes[name], 0).take(of_cell)
        cells["segments_each"] = np.maximum(classes["segments"], 0).take(of_cell)
        sums["requests"] = np.zeros_like(sums["messages"])
        for name in ("charge", "status", "outcome"):
            cells[name] = classes[name].take(of_cell)
        cells["day"] = (cells["slot"] + self._first_slot) * SLOT_US // DAY - self._first_day
        self._add_groups(Cells(cells, sums), "money", "templates", "sources", "clock", "mix")

    def _add_requests(self, requests: Requests) -> None:
        """Count whole requests by what their first recipient gets, and by size."""
        codes = requests._asdict()
        codes["messages"] = np.zeros_like(requests.size)
        for name in ("mix", "sizes"):
            self._tallies[name].add(Cells(codes, codes))

    def _add_delays(self, messages: Columns, outcome: Array) -> None:
        group, submitted, final = (messages[n] for n in ("group", "submitted_at", "final_at"))
        delivered, expired, failed, in_flight = map(OUTCOMES.index, _OUTCOMES_OF_SENT)
        ended = np.where(final == NAT, in_flight, outcome)
        codes = {"outcome": ended, "group": group, "bin": bin_of(final - submitted)}
        axes = (self._axes["outcome"], self._axes["group"], self._axes["bin"])
        # Most are delivered: it is quicker to count all than to pick those out first.
        cells = count_cells(axes, codes, ("messages",))
        ended = cells.codes["outcome"]
        self._add_groups(cells.where(ended == delivered), "latency", "template_latency")
        undelivered = cells.where((ended == expired) | (ended == failed))
        self._add_groups(undelivered, "undelivered", "template_undelivered")
        pending = np.flatnonzero(outcome == in_flight)
        if len(pending):
            age = bin_of(self._until_us - submitted.take(pending))
            cells = count_cells(axes[1:], {"group": group.take(pending), "bin": age}, ("messages",))
            self._add_groups(cells, "censored", "template_censored")

    def _add_results(self, messages: Columns, outcome: Array) -> None:
        """Count the messages of which a sending result alone shows how long they took."""
        untimed = (messages["status"] >= 0) & (messages["final_at"] == NAT)
        rows = np.flatnonzero(untimed & (messages["result"] >= 0))
        if not len(rows):
            return
        codes = {"group": messages["group"].take(rows), "outcome": outcome.take(rows)}
        codes["within"] = _WITHIN_OF_RESULT.take(messages["result"].take(rows))
        axes = [self._axes[name] for name in ("group", "outcome", "within")]
        self._add_groups(count_cells(axes, codes, ("messages",)), "within_3_min")

    def _add_plain_reports(self, number: int) -> None:
        """Count reports that were received once, at once."""
        if number:
            cell = {"state": _RECEIVED, "attempts": 1, "bin": 0}
            codes = {name: np.array([code]) for name, code in cell.items()}
            sums = np.array([number])
            self._tallies["push"].add(Cells(codes, {"reports": sums, "deliveries": sums}))

    def _add_groups(self, cells: Cells, *names: str) -> None:
        """Add cells by group to the tallies *names*."""
        group = cells.codes["group"]
        of_group = {name: codes.take(group) for name, codes in self._group.items()}
        for name in names:
            self._tallies[name].add(Cells({**cells.codes, **of_group}, cells.sums))


def _axes(
    lists: Mapping[str, Sequence[Any]], first_day: int, first_slot: int, until_us: int
) -> dict[str, Axis]:
    """The keys of all tallies with their values."""
    lists = {**lists, "resend_kind": RESEND_KINDS}
    names = (*GROUP, "status")
    for unsorted in [name for name in names if list(lists[name]) != sorted(lists[name])]:
        raise ValueError(f"lists[{unsorted!r}](={lists[unsorted]}) must be sorted")
    bins = range(len(edges_us()))
    axes = [
        *(Axis(name, list(lists[name]), na=True) for name in names),
        Axis("charge", CHARGES),
        Axis("outcome", OUTCOMES),
        Axis("state", REPORT_STATES),
        Axis("bin", bins),
        Axis("day", _starts(first_day, until_us, DAY)),
        Axis("slot", _starts(first_slot, until_us, SLOT_US)),
        Axis("attempts", range(17), na=True),
        Axis("within", WITHIN, na=True),
        Axis("segments_each", range(128)),
        Axis("size", range(MOST + 1)),
    ]
    return {axis.name: axis for axis in axes} | {"push_bin": Axis("bin", bins, na=True)}


def _empty_tallies(axes: Mapping[str, Axis]) -> dict[str, CellTally]:
    def tally(keys: str, *measures: str) -> CellTally:
        return CellTally(*(axes[key] for key in keys.split()), measures=measures or ("messages",))

    return {
        "money": tally("day country application type charge status resend_kind", *_SUMS),
        "templates": tally("template application type charge status", *_SUMS),
        "sources": tally("source charge status", *_SUMS),
        "clock": tally("slot country outcome", *_CLOCK_SUMS),
        "latency": tally("country type bin"),
        "template_latency": tally("template bin"),
        "undelivered": tally("country type outcome bin"),
        "template_undelivered": tally("template outcome bin"),
        "censored": tally("country type bin"),
        "template_censored": tally("template bin"),
        "within_3_min": tally("country type outcome within"),
        "mix": tally("country template segments_each", "messages", "requests"),
        "sizes": tally("country template size", "requests", "same_text"),
        "push": tally("state attempts push_bin", "reports", "deliveries"),
    }


def _starts(first: int, until_us: int, length_us: int) -> Array:
    """The starts of all days or slots from number *first* to the end, as timestamps."""
    return (np.arange(first, until_us // length_us + 1) * length_us).view("datetime64[us]")
