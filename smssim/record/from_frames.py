"""Tallies of rows that no engine made: frames, or batches of coded columns with their own labels.

A long table is counted batch by batch, and the tallies of its batches merge.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.record.counting import GROUP, Array, Columns, Tallier, kinds_of
from smssim.record.schema import COPIES, REPORT_STATES
from smssim.record.tallies import Tallies

if TYPE_CHECKING:
    import pandas as pd

_UNKNOWN = {"covered_segments": -1, "cost_micro": 0, "segments": 0, "copies": 0}
"""What stands for NA where a number is; -1 elsewhere."""


def tally_frames(
    messages: pd.DataFrame,
    reports: pd.DataFrame,
    first_us: int,
    until_us: int,
    servers: Collection[str] = (),
) -> Tallies:
    """The tallies of whole frames with the columns of `smssim.record.schema`, observed from
    *first_us* up to *until_us*; *servers* names the sources whose resends are a server's.

    What a recorded frame cannot know is NA there: such charges count as `unknown`, such copies as
    NA.
    """
    (lists, coded), (of_reports, coded_reports) = _coded(messages), _coded(reports)
    return tally_columns(lists | of_reports, coded, coded_reports, first_us, until_us, servers)


def tally_columns(
    lists: Mapping[str, Sequence[Any]],
    messages: Columns,
    reports: Columns,
    first_us: int,
    until_us: int,
    servers: Collection[str] = (),
) -> Tallies:
    """The tallies of one batch of messages and all their reports, as compact columns.

    *lists* gives the labels of each coded column, in any order: source, application, template,
    type, country and status, and state for reports. Codes are places in them, -1 for NA; times are
    microseconds, the smallest int64 for NaT; `reports["message"]` numbers the messages of the batch
    from 0. Unknown covered segments and generations are -1. Batches that were observed from
    *first_us* up to *until_us* merge, whatever their labels.
    """
    lists, messages, reports = dict(lists), dict(messages), dict(reports)
    for name in ("source", "country", "application", "template", "type", "status"):
        lists[name], messages[name] = _sorted(lists[name], messages[name])
    known = {state: place for place, state in enumerate(REPORT_STATES)}
    states = np.array([*(known.get(state, -1) for state in lists["state"]), -1])
    reports["state"] = states.take(reports["state"].astype(np.intp))
    messages["copy"] = _copies(messages, lists["source"], servers)
    lists["group"], messages["group"] = [], np.empty(0, np.int64)
    if len(messages["submitted_at"]):
        groups, messages["group"] = kinds_of({name: messages[name] for name in GROUP})
        lists["group"] = np.stack(list(groups.values()), axis=1).tolist()
    tallier = Tallier(lists, first_us, until_us)
    tallier.add(messages, reports)
    return tallier.tallies()


def _sorted(labels: Sequence[Any], codes: Array) -> tuple[list[Any], Array]:
    """Labels in order, and the codes of the same values among them."""
    order = sorted(range(len(labels)), key=labels.__getitem__)
    places = np.full(len(labels) + 1, -1)
    places[order] = np.arange(len(order))
    return [labels[place] for place in order], places.take(codes.astype(np.intp))


def _copies(messages: Columns, sources: Sequence[str], servers: Collection[str]) -> Array:
    """What kind of copy each message is, as codes of COPIES."""
    of_server = np.array([name in servers for name in sources] + [False])[messages["source"]]
    kind = {name: COPIES.index(name) for name in COPIES}
    again = np.where(of_server, kind["server resend"], kind["user resend"])
    generation = messages["generation"]
    copies: Array = np.where(generation > 0, again, kind["first"])
    copies[generation < 0] = -1
    return copies


def _coded(frame: pd.DataFrame) -> tuple[dict[str, list[Any]], dict[str, Array]]:
    """A frame as labels and compact columns."""
    lists: dict[str, list[Any]] = {}
    coded: dict[str, Array] = {}
    for name in frame.columns:
        column = frame[name]
        if str(column.dtype) == "category":
            lists[name], coded[name] = column.cat.categories.tolist(), column.cat.codes.to_numpy()
        elif str(column.dtype).startswith("datetime64"):
            us = column.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
            coded[name] = us.view(np.int64)
        else:
            coded[name] = column.fillna(_UNKNOWN.get(name, -1)).to_numpy(np.int64)
    return lists, coded
