"""Values of the lines of a capture, by either way of reading them, packed to facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.arrays import Ints
from smssim.logs.columns.phones import numbers_of
from smssim.logs.columns.texts import Secret, Texts, Words, keys_of, number_hashes
from smssim.logs.join.facts import REPORT, SEND, Facts, Labels, Names, empty_facts, standing_in

__all__ = ["REPORT_VALUES", "SEND_VALUES", "Rows", "content_of", "report_facts", "send_facts"]

Rows = list[Any]
"""Records, one after the other, of a fixed number of values each. A flat list has no object per
record, which the garbage collector would look at again and again.
"""

SEND_VALUES = (
    *("row", "entry", "stage", "name", "status", "created", "country"),
    *("segments", "number", "channel", "template", "content"),
)
"""What rows of answers hold; the status is None where it was accepted, content is a hash."""

REPORT_VALUES = ("row", "entry", "name", "part", "status", "source", "final", "received")
"""What rows of callbacks hold."""

_TIME = len('{"received_at": "')


def send_facts(
    rows: Rows, file: int, names: Names, secret: Secret, requests: Iterator[int]
) -> Facts:
    """Pack the entries of answers, with keys made with *secret*.

    Each line has one request, which takes its number from *requests*.
    """
    column = _columns(rows, SEND_VALUES)
    facts = empty_facts(SEND, len(column["row"]))
    if not rows:
        return facts
    facts["file"] = file
    facts["key"] = _keys(column["name"], secret)
    facts["number"] = _numbers(column["number"], secret)
    for name in ("row", "entry", "stage", "segments"):
        facts[name] = _integers(column[name])
    facts["recipient"], facts["submitted"] = facts["entry"], _integers(column["created"])
    facts["entry_hash"] = _integers(column["content"]).view(np.uint64)
    facts["entry_hash"][facts["entry_hash"] == 0] = 1
    request = np.cumsum(np.diff(facts["row"], prepend=facts["row"][0]) != 0)
    number = _integers(list(islice(requests, int(request[-1]) + 1)))
    facts["request"] = number[request]
    facts["application"] = standing_in(_codes(names.application, column["channel"]))
    for name in ("template", "status", "country"):
        facts[name] = _codes(getattr(names, name), column[name])
    return facts


def report_facts(rows: Rows, file: int, names: Names, secret: Secret) -> Facts:
    """Pack the reports of callbacks, with keys made with *secret*."""
    column = _columns(rows, REPORT_VALUES)
    facts = empty_facts(REPORT, len(column["row"]))
    if not rows:
        return facts
    facts["file"] = file
    facts["key"] = _keys(column["name"], secret)
    for name in ("row", "entry", "part", "source", "final", "received"):
        facts[name] = _integers(column[name])
    facts["status"] = _codes(names.status, column["status"])
    return facts


def content_of(line: str, stamp: str) -> int:
    """Return a hash of a line without its time of arrival.

    The time is looked for in its usual position. An entry's hash is this one and its position.
    """
    return hash(line[_TIME + len(stamp) :] if line.startswith(stamp, _TIME) else line)


def _columns(rows: Rows, values: tuple[str, ...]) -> dict[str, list[Any]]:
    return {value: rows[k :: len(values)] for k, value in enumerate(values)}


def _integers(column: list[int]) -> Ints:
    return np.fromiter(column, np.int64, len(column))


def _keys(names: Sequence[str], secret: Secret) -> Words:
    return keys_of(Texts(pa.array(names, pa.string())), secret.ids)


def _numbers(numbers: Sequence[str | None], secret: Secret) -> Words:
    digits = numbers_of(pa.array(numbers, pa.string()), Counter()).digits
    return number_hashes(digits, secret.numbers)


def _codes(labels: Labels, column: Sequence[str | None]) -> npt.NDArray[np.int32]:
    codes = {label: labels.code(label) for label in dict.fromkeys(column)}
    return np.fromiter(map(codes.__getitem__, column), np.int32, len(column))
