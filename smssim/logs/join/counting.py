"""Tallies of a log counted part by part, so that no more than a part of it is in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from smssim.logs.join.facts import UNKNOWN, Facts, Names
from smssim.logs.join.groups import Array, Integers
from smssim.record.counting import GROUP, Tallier
from smssim.record.schema import COPIES, REPORT_STATES
from smssim.record.tallies import Tallies

_CODED = {name: name for name in ("country", "application", "template", "type", "status")}
_CODED["source"] = "origin"
"""Keys of tallies, and what facts call them: there a source is who made a status report."""
_DENSEST, _SMALL = 8, 1 << 16
"""Possible groups a message, and in all, up to which a table of them is quicker than sorting."""


class Counting:
    """Counts the resolved messages and reports of a log that is observed up to *until_us*.

    All labels must be in *names*, which tallies have in the order of the alphabet. The tallies are
    those of the frames of the same messages, but for `coarse`: frames do not show the result.
    """

    def __init__(self, names: Names, first_us: int, until_us: int) -> None:
        lists: dict[str, Sequence[Any]] = {"group": []}
        self._rank: dict[str, Array] = {}
        for name, told in _CODED.items():
            labels = getattr(names, told).names
            order = sorted(range(len(labels)), key=labels.__getitem__)
            lists[name] = [labels[code] for code in order]
            # Code -1 takes the last place, which stays -1.
            self._rank[name] = np.full(len(labels) + 1, -1, np.int32)
            self._rank[name][order] = np.arange(len(labels))
        self._sizes = [len(COPIES if name == "copy" else lists[name]) for name in GROUP]
        self._tallier = Tallier(lists, first_us, until_us)

    def add(self, messages: Facts, reports: Facts) -> None:
        """Count the packed messages and reports of one part."""
        if not len(messages):
            return
        coded = {name: self._rank[name][messages[told]] for name, told in _CODED.items()}
        coded["copy"] = _copies(messages["generation"])
        first, group = together([coded[name] for name in GROUP], self._sizes)
        self._tallier.regroup(np.stack([coded[name][first] for name in GROUP], axis=1))
        self._tallier.add(
            {
                "group": group,
                "status": coded["status"],
                "submitted_at": messages["submitted"].copy(),
                "final_at": messages["final"].copy(),
                "segments": _small(messages["segments"]),
                "covered_segments": _small(messages["covered"]),
                "cost_micro": np.where(messages["cost"] == UNKNOWN, 0, messages["cost"]),
                "place": messages["place"].copy(),
                "result": messages["result"].copy(),
            },
            {
                "message": reports["message"].copy(),
                "state": np.full(len(reports), REPORT_STATES.index("received"), np.int8),
                "attempts": np.full(len(reports), -1, np.int8),
                "copies": _small(reports["copies"]),
                "received_at": reports["received"].copy(),
            },
        )

    def tallies(self) -> Tallies:
        """The tallies of everything counted."""
        return self._tallier.tallies()


def _copies(generation: Array) -> Array:
    """What kind of copy each message is: a log does not tell whether a server sent it again."""
    kinds = np.array([COPIES.index("first"), COPIES.index("user resend"), -1], np.int8)
    return kinds[np.minimum(generation, 1)]


def _small(values: Array) -> Array:
    """Values as int8 if they fit, which are counted faster."""
    return values.astype(np.int8 if int(values.max(initial=0)) <= 127 else np.int64)


def together(columns: Sequence[Array], sizes: Sequence[int]) -> tuple[Integers, Integers]:
    """The first row of each combination of codes from -1 that occurs, and which one each row has.

    *sizes* are the numbers of codes of each column, -1 left out.
    """
    key, span = np.zeros(len(columns[0]), np.int64), 1
    for column, size in zip(columns, sizes, strict=True):
        if span * (size + 1) >= 2**63:
            _, key = np.unique(key, return_inverse=True)
            span = len(key)
        key, span = key * (size + 1) + column + 1, span * (size + 1)
    if span > _DENSEST * len(key) + _SMALL:
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        return first, group
    seen = np.full(span, -1, np.int64)
    seen[key[::-1]] = np.arange(len(key) - 1, -1, -1)
    occurs = np.flatnonzero(seen >= 0)
    first = seen[occurs]
    seen[occurs] = np.arange(len(occurs))
    return first, seen[key]
