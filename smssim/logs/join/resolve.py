"""One part of the keys resolved: its messages, their reports, and what cannot be used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from smssim.logs.join.facts import Facts, Names
from smssim.logs.join.groups import Integers, by_key, in_order
from smssim.logs.join.messages import settled
from smssim.logs.join.reports import joined
from smssim.logs.join.spill import period
from smssim.logs.join.status import Codes

REASONS = (
    "duplicate id with conflicting content",
    "smsMsgId stands in an earlier answer",
    "smsMsgId is in no answer and no row: an orphan report",
    "smsMsgId was refused in the answer",
    "the message of this report has a duplicate id with conflicting content",
    "status was made before its message was submitted",
)
CONDEMNED = np.dtype([("file", "<i4"), ("row", "<i8"), ("entry", "<i4"), ("reason", "i1")])
"""A record that only the join showed to be unusable; its reason is one of `REASONS`."""


class Resolved(NamedTuple):
    """What one part of the keys comes to.

    `messages` are of `messages.MESSAGE`, `reports` of `reports.REPORTED` (their `message` is a row
    of `messages`), `condemned` of `CONDEMNED`; *used* and *duplicates* count records, and *first*
    and *last* are the first and last times of those used, crossed where there are none.
    """

    messages: Facts
    reports: Facts
    condemned: Facts
    used: int
    duplicates: int
    first: int
    last: int


def resolve(sends: Facts, reports: Facts, names: Names) -> Resolved:
    """Resolve the facts of some keys, all of each, by the rules of docs/logs.md, section 4."""
    codes = Codes.of(names.status)
    sends, new = by_key(in_order(sends))
    found = settled(sends, new, codes)
    reports, new = by_key(in_order(reports))
    told = joined(sends, found, reports, new, codes)
    condemned = [
        _condemned(sends, found.conflicting, 0),
        _condemned(sends, found.earlier, 1),
        _condemned(reports, told.orphans, 2),
        _condemned(reports, told.refused, 3),
        _condemned(reports, told.unplaced, 4),
        _condemned(reports, told.early, 5),
    ]
    times = [period(sends[name][found.row]) for name in ("submitted", "final", "received")]
    times += [period(reports[name][told.used]) for name in ("final", "received")]
    return Resolved(
        messages=found.messages,
        reports=told.reported,
        condemned=np.concatenate(condemned),
        used=len(found.row) + len(told.used),
        duplicates=found.duplicates + told.duplicates,
        first=min(first for first, _ in times),
        last=max(last for _, last in times),
    )


def _condemned(facts: Facts, rows: Integers, reason: int) -> Facts:
    found = np.empty(len(rows), CONDEMNED)
    for name in ("file", "row", "entry"):
        found[name] = facts[name][rows]
    found["reason"] = reason
    return found
