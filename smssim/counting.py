"""Counting: how rows become tallies, chunk by chunk.

Rows are compact columns of messages and reports (category codes, -1 for NA; times as integer
microseconds, the smallest int64 for NaT), whether those come from the engine, a frame or a file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.bins import bin_of, edges_us
from smssim.calendars import DAY
from smssim.cells import Array, Axis, Columns, Kept, count
from smssim.tables import COPIES, REPORT_STATES
from smssim.tally import CHARGES, OUTCOMES, SLOT_US, Tallies

if TYPE_CHECKING:
    import pandas as pd

NAT = np.iinfo(np.int64).min
_SUMS = ("messages", "segments", "covered_segments", "cost_micro")
_CLOCK_SUMS = ("messages", "segments", "covered_segments")
GROUP = ("country", "application", "template", "type", "copy")


class Tallier:
    """Counts chunk by chunk; `tallies` gives what was counted so far.

    *lists* are the categories of the coded columns; beside them `group`, the (country, application,
    template, type, copy) that go together, by codes (-1 is NA). *first_us* and *until_us* are the
    observed period in microseconds. *batched* says that a first push may come later than its
    report, which takes longer to count.
    """

    def __init__(
        self,
        lists: Mapping[str, Sequence[Any]],
        first_us: int,
        until_us: int,
        *,
        batched: bool = True,
    ) -> None:
        self._until_us, self._batched = until_us, batched
        self._first = {"day": first_us // DAY, "slot": first_us // SLOT_US}
        self._statuses = list(lists["status"])
        lists = {**lists, "copy": COPIES}
        names = (*GROUP, "status")
        for unsorted in [name for name in names if list(lists[name]) != sorted(lists[name])]:
            raise ValueError(f"lists[{unsorted!r}](={lists[unsorted]}) must be sorted")
        codes = np.array(lists["group"], np.int64).reshape(-1, len(GROUP))
        self._group = {name: codes[:, place] for place, name in enumerate(GROUP)}
        axis = {name: Axis(name, list(lists[name]), na=True) for name in names}
        for name, values in (
            ("charge", CHARGES),
            ("outcome", OUTCOMES),
            ("state", REPORT_STATES),
            ("bin", range(len(edges_us()))),
            ("group", range(len(codes))),
            ("day", _starts(self._first["day"], until_us, DAY)),
            ("slot", _starts(self._first["slot"], until_us, SLOT_US)),
        ):
            axis[name] = Axis(name, values)
        axis["attempts"] = Axis("attempts", range(17), na=True)
        axis["push_bin"] = Axis("bin", range(len(edges_us())), na=True)
        self._axis = axis

        def kept(*names: str, measures: tuple[str, ...] = ("messages",)) -> Kept:
            return Kept(*(axis[name] for name in names), measures=measures)

        self._kept = {
            "money": kept(
                "day", "country", "application", "type", "charge", "status", "copy", measures=_SUMS
            ),
            "templates": kept("template", "charge", "status", measures=_SUMS),
            "clock": kept("slot", "country", "outcome", measures=_CLOCK_SUMS),
            "latency": kept("country", "type", "bin"),
            "template_latency": kept("template", "bin"),
            "censored": kept("country", "type", "bin"),
            "push": Kept(
                axis["state"], axis["attempts"], axis["push_bin"], measures=("reports", "copies")
            ),
        }

    def add(self, messages: Columns, reports: Columns) -> None:
        """Count a chunk; `reports["message"]` numbers the messages of this chunk from 0."""
        if not len(messages["submitted_at"]):
            return
        submitted = messages["submitted_at"]
        codes = {
            **messages,
            "charge": charges(messages),
            "outcome": outcomes(messages, self._statuses),
        }
        codes["day"] = submitted // DAY - self._first["day"]
        codes["slot"] = submitted // SLOT_US - self._first["slot"]
        self._count(("day", "group", "charge", "status"), codes, ("money", "templates"), _SUMS)
        self._count(("slot", "group", "outcome"), codes, ("clock",), _CLOCK_SUMS)
        self._add_delays(codes)
        self._add_reports(messages, reports)

    def tallies(self) -> Tallies:
        """The tallies of everything counted."""
        return Tallies(self._until_us, **{name: kept.frame for name, kept in self._kept.items()})

    def _count(
        self,
        axes: Sequence[str],
        codes: Columns,
        into: Sequence[str],
        measures: Sequence[str] = ("messages",),
    ) -> None:
        """Count once by group, and keep the cells in every tally they belong to."""
        if not len(codes[self._axis[axes[0]].name]):
            return
        counted = count([self._axis[name] for name in axes], codes, measures)
        if "group" in counted.codes:
            group = counted.codes["group"]
            counted.codes.update({name: column[group] for name, column in self._group.items()})
        for name in into:
            self._kept[name].add(counted)

    def _add_delays(self, codes: Columns) -> None:
        outcome, submitted = codes["outcome"], codes["submitted_at"]
        own = np.flatnonzero(outcome == OUTCOMES.index("delivered"))
        final = codes["final_at"].take(own)
        if (final == NAT).any():
            own = own[final != NAT]
            final = codes["final_at"].take(own)
        delivered = {"group": codes["group"].take(own), "bin": bin_of(final - submitted.take(own))}
        self._count(("group", "bin"), delivered, ("latency", "template_latency"))
        own = np.flatnonzero(outcome == OUTCOMES.index("in_flight"))
        flying = {
            "group": codes["group"].take(own),
            "bin": bin_of(self._until_us - submitted.take(own)),
        }
        self._count(("group", "bin"), flying, ("censored",))

    def _add_reports(self, messages: Columns, reports: Columns) -> None:
        place = np.zeros(len(reports["message"]), np.int64)
        # Alone, a first push comes when the report is made: only others have a delay.
        later = np.arange(len(place)) if self._batched else np.flatnonzero(reports["attempts"] != 1)
        later = later[reports["received_at"].take(later) != NAT]
        created = messages["final_at"].take(reports["message"].take(later))
        place[later] = bin_of(reports["received_at"].take(later) - created)
        place[later[created == NAT]] = -1
        columns = {**reports, "bin": place}
        self._count(("state", "attempts", "push_bin"), columns, ("push",), ("reports", "copies"))


def charges(messages: Columns) -> Array:
    """How each message was paid for, as codes of CHARGES."""
    covered, place = messages["covered_segments"], messages["place"]
    code = {name: np.int8(CHARGES.index(name)) for name in CHARGES}
    assert code["pay_per_use"] == code["package"] + 1
    packaged = covered > 0
    charge = (~packaged).view(np.int8) + code["package"]
    packaged &= messages["cost_micro"] > 0
    charge[np.flatnonzero(packaged)] = code["split"]
    charge[np.flatnonzero(covered < 0)] = code["unknown"]
    refused = np.flatnonzero(place > 0)
    charge[refused] = place[refused] - 1 + code["refused_1"]
    return charge


def outcomes(messages: Columns, statuses: Sequence[str]) -> Array:
    """What became of each message, as codes of OUTCOMES."""
    known = {"DELIVRD": "delivered", "EXPIRED": "expired", "ACCEPTD": "in_flight"}
    by_status = [OUTCOMES.index(known.get(status, "failed")) for status in statuses]
    by_status.append(OUTCOMES.index("in_flight"))
    outcome: Array = np.array(by_status, np.int8)[messages["status"].astype(np.intp)]
    place = messages["place"]
    refused = np.flatnonzero(place > 0)
    outcome[refused] = OUTCOMES.index("refused") + (place[refused] == 3)
    return outcome


def _starts(first: int, until_us: int, length_us: int) -> Array:
    """The starts of all days or slots from number *first* to the end, as timestamps."""
    return (np.arange(first, until_us // length_us + 1) * length_us).view("datetime64[us]")


def tally_frames(
    messages: pd.DataFrame,
    reports: pd.DataFrame,
    first_us: int,
    until_us: int,
    servers: Collection[str] = (),
) -> Tallies:
    """The tallies of whole frames with the columns of `smssim.tables`, observed from *first_us* up
    to *until_us*; *servers* names the sources whose resends are a server's.

    What a recorded frame cannot know is NA there: such charges count as `unknown`, such copies as
    NA.
    """
    lists, coded = _coded(messages, {"covered_segments": -1, "cost_micro": 0, "segments": 0})
    coded["copy"] = _copies(coded, lists["source"], servers)
    together = np.stack([coded[name] for name in GROUP], axis=1)
    # A row of nothing but NA stands for no messages at all: unique wants one.
    groups, group = np.unique(np.vstack([together, [-1] * len(GROUP)]), axis=0, return_inverse=True)
    lists["group"], coded["group"] = groups.tolist(), group.reshape(-1)[:-1]
    _, coded_reports = _coded(
        reports, {"attempts": -1, "copies": 0}, {"state": list(REPORT_STATES)}
    )
    tallier = Tallier(lists, first_us, until_us)
    tallier.add(coded, coded_reports)
    return tallier.tallies()


def _copies(messages: Columns, sources: Sequence[str], servers: Collection[str]) -> Array:
    """What kind of copy each message is, as codes of COPIES."""
    of_server = np.array([name in servers for name in sources] + [False])[messages["source"]]
    kind = {name: COPIES.index(name) for name in COPIES}
    again = np.where(of_server, kind["server resend"], kind["user resend"])
    generation = messages["generation"]
    copies: Array = np.where(generation > 0, again, kind["first"])
    copies[generation < 0] = -1
    return copies


def _coded(
    frame: pd.DataFrame, unknown: Mapping[str, int], lists: dict[str, list[Any]] | None = None
) -> tuple[dict[str, list[Any]], dict[str, Array]]:
    """A frame as categories and compact columns; *unknown* stands for NA where a number is."""
    lists = dict(lists or {})
    coded: dict[str, Array] = {}
    for name in frame.columns:
        column = frame[name]
        if str(column.dtype) == "category":
            values = lists.setdefault(name, sorted(column.cat.categories))
            coded[name] = column.cat.set_categories(values).cat.codes.to_numpy()
        elif str(column.dtype).startswith("datetime64"):
            us = column.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
            coded[name] = us.view(np.int64)
        else:
            coded[name] = column.fillna(unknown.get(name, -1)).to_numpy(np.int64)
    return lists, coded
