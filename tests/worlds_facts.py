"""Invented worlds of facts: files with units, overlaps, conflicts, captures and tables mixed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from oracle_facts import STATUSES

from smssim.logs.join.facts import REPORT, SEND, UNKNOWN, Facts, Names, empty_facts

START = 1_767_225_600_000_000
SECOND = 1_000_000
KEYS = ((1, 1), (1, 2), (65, 1), (2**63 + 7, 3), (2**63 + 6, 3))
"""Keys that share a part, or all bits but a few, or a half."""
ANONYMOUS = KEYS[1]
"""The key of rows that say nothing that names them."""
_SECONDS = (-5, 0, 1, 2, 9)
TIMES = st.sampled_from([UNKNOWN, *(START + second * SECOND for second in _SECONDS)])
_ODD = ("number", "submitted", "country", "template", "application", "type")


class World(NamedTuple):
    """Facts and the labels of their codes."""

    sends: Facts
    reports: Facts
    names: Names


def names() -> Names:
    """Labels that are not in the order of the alphabet."""
    found = Names()
    found.status.codes(STATUSES)
    for column, labels in (
        ("country", ("ZA", "ID", "TH")),
        ("template", ("t9", "t1")),
        ("application", ("z", "a")),
        ("type", ("otp", "notification")),
        ("origin", ("web", "app")),
    ):
        getattr(found, column).codes(labels)
    return found


_TOLD = {
    "status": st.integers(-1, len(STATUSES) - 1),
    "source": st.integers(0, 3),
    "part": st.sampled_from([0, 0, 0, 1, 2, 3]),
    "final": TIMES,
    "received": TIMES,
}
_SENT: dict[str, st.SearchStrategy[Any]] = {
    **_TOLD,
    "received": st.one_of(st.just(UNKNOWN), TIMES),
    "entry_hash": st.sampled_from([0, 0, 11, 12]),
    "sent": TIMES,
    "request": st.integers(-1, 1),
    "recipient": st.integers(0, 2),
    "resend_number": st.sampled_from([-1, 0, 0, 1]),
    "segments": st.integers(0, 3),
    "stage": st.sampled_from([0, 0, 0, 1, 2, 3]),
    "result": st.integers(-1, 4),
    "covered": st.integers(-1, 2),
    "origin": st.integers(-1, 1),
    "cost": st.sampled_from([UNKNOWN, 0, 7]),
}
_WHERE = st.fixed_dictionaries(
    {
        "key": st.sampled_from(KEYS),
        "file": st.integers(0, 2),
        "line": st.sampled_from(["next", "next", "next", "same", "unit"]),
    }
)
_SEND = st.tuples(
    _WHERE,
    st.fixed_dictionaries(_SENT),
    st.sampled_from([None, None, None, None, None, *_ODD, "channel 0", "channel 1"]),
    st.sets(st.sampled_from([name for name in _ODD if name != "submitted"]), max_size=3),
)
_REPORT = st.tuples(_WHERE, st.fixed_dictionaries(_TOLD))


@st.composite
def worlds(draw: st.DrawFn, most: int = 14) -> World:
    """Sends and reports of a few keys in three files, lines and units in order."""
    return packed(draw(st.lists(st.one_of(_SEND, _SEND, _REPORT), max_size=most)))


def packed(records: list[Any]) -> World:
    """Records as facts; a send is like all of its key, but for what is odd or left out."""
    last = {file: [0, 0, 0] for file in range(3)}
    sends, reports = [], []
    for where, said, *flaws in records:
        line = last[where["file"]]
        if where["line"] == "same" and line[1]:
            line[2] += 1
        else:
            line[:] = [line[0] + (where["line"] == "unit"), line[1] + 1, 0]
        at = {name: where[name] for name in ("key", "file")}
        at |= dict(zip(("unit", "row", "entry"), line, strict=True))
        if flaws:
            said |= {"anonymous": True, "entry_hash": 0} if where["key"] == ANONYMOUS else {}
            sends.append(at | said | _content(where["key"], *flaws))
        else:
            # A report always has a status.
            reports.append(at | said | {"status": max(said["status"], 0)})
    return World(_facts(SEND, sends), _facts(REPORT, reports), names())


def _content(key: tuple[int, int], odd: str | None, silent: set[str]) -> dict[str, int]:
    content = dict.fromkeys(_ODD, sum(key) % 2)
    content["number"] += 5
    content["submitted"] = START + SECOND * content["submitted"]
    if odd is not None and odd.startswith("channel"):
        content["application"] = -2 - int(odd[-1])
    elif odd is not None:
        content[odd] += 1 if odd in ("number", "submitted") else 1 - 2 * content[odd]
    return content | {name: 0 if name == "number" else -1 for name in silent}


def _facts(kind: np.dtype[np.void], rows: list[dict[str, Any]]) -> Facts:
    facts = empty_facts(kind, len(rows))
    for i, row in enumerate(rows):
        for name, value in row.items():
            facts[name][i] = value
    return facts
