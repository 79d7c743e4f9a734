"""What the rows of a batch say, packed as facts: those that are not refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smssim.logs.join.facts import REPORT, SEND, Facts, empty

if TYPE_CHECKING:
    from smssim.logs.columns.rows import Rows
    from smssim.logs.columns.texts import Flags, Integers, Words
    from smssim.logs.columns.who import Who

_REPORTED = ("status", "source", "part", "final", "received")
_SENT = (
    *("submitted", "sent", "template", "type", "segments", "place", "request", "recipient"),
    *("generation", "source_name", "covered_segments"),
)
_CALLED = {"source_name": "origin", "covered_segments": "covered"}
_COUNTS = ("source", "part", "segments", "place", "recipient")
"""Fields whose facts are 0 where nothing is said."""
_LARGEST_RESULT = 4


def packed(rows: Rows, who: Who | None, cost: Integers | None, keys: Words) -> Facts:
    """The facts of all rows without a problem; *who* is None for reports."""
    wrong = rows.problems.rows(rows.n)
    kept: Flags | slice = ~wrong if wrong.any() else slice(None)
    place = rows.batch.rows[kept]
    facts = empty(REPORT if who is None else SEND, len(place))
    facts["row"], facts["key"] = place, keys[kept]
    facts["file"], facts["unit"] = rows.readers.file, rows.batch.unit
    for field in _REPORTED if who is None else _REPORTED + _SENT:
        if field in rows.said:
            values = rows.said[field][kept]
            facts[_CALLED.get(field, field)] = np.maximum(values, 0) if field in _COUNTS else values
    if who is not None:
        facts["number"], facts["country"] = who.number[kept], who.country[kept]
        facts["application"] = rows.application()[kept]
        if "result" in rows.said:
            result = rows.said["result"][kept]
            facts["result"] = np.where(result > _LARGEST_RESULT, -1, result)
        if cost is not None:
            facts["cost"] = cost[kept]
    return facts
