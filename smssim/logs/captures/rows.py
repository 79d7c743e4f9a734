"""Rows of a piece in the making: what both ways of reading a line hand on, packed to facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from smssim.logs.columns.keys import Secret, keys_of, number_hashes
from smssim.logs.columns.phone import numbers_of
from smssim.logs.columns.texts import Texts, Words
from smssim.logs.facts.packed import REPORT, SEND, Facts, Labels, Names, empty

SendRow = tuple[
    *tuple[int, int, int, int, str, str | None],
    *tuple[int, str | None, int, str | None, str, str, int],
]
"""row, entry, request, place, name, status (None if accepted), created, country, segments,
number, channel, template, hash of the content."""

ReportRow = tuple[int, int, str, int, str, int, int, int]
"""row, entry, name, part, status, source, final, received."""

_WORD = 2**64 - 1
_TIME = '{"received_at": "'


def send_facts(rows: Sequence[SendRow], file: int, names: Names, secret: Secret) -> Facts:
    """Pack what answers tell of numbers, a row each, with keys made with *secret*."""
    facts = empty(SEND, len(rows))
    if not rows:
        return facts
    row, entry, request, place, name, status, *rest = zip(*rows, strict=True)
    created, country, segments, number, channel, template, content = rest
    n = len(rows)
    facts["key"] = _keys(name, secret)
    facts["file"] = file
    for field, values in (
        ("row", row),
        ("entry", entry),
        ("request", request),
        ("recipient", entry),
        ("place", place),
        ("submitted", created),
        ("segments", segments),
    ):
        facts[field] = np.fromiter(values, np.int64, n)
    facts["entry_hash"] = np.fromiter(content, np.uint64, n)
    facts["number"] = _numbers(number, secret)
    facts["status"] = _codes(names.status, status)
    facts["country"] = _codes(names.country, country)
    facts["application"] = _codes(names.application, channel)
    facts["template"] = _codes(names.template, template)
    return facts


def report_facts(rows: Sequence[ReportRow], file: int, names: Names, secret: Secret) -> Facts:
    """Pack what callbacks report, a row each, with keys made with *secret*."""
    facts = empty(REPORT, len(rows))
    if not rows:
        return facts
    row, entry, name, part, status, source, final, received = zip(*rows, strict=True)
    facts["key"] = _keys(name, secret)
    facts["file"] = file
    for field, values in (
        ("row", row),
        ("entry", entry),
        ("part", part),
        ("source", source),
        ("final", final),
        ("received", received),
    ):
        facts[field] = np.fromiter(values, np.int64, len(rows))
    facts["status"] = _codes(names.status, status)
    return facts


def content_of(line: str, received: str) -> str:
    """Return what a line says beside its time, which the server that kept it has made."""
    return line[len(_TIME) + len(received) :] if line.startswith(_TIME + received) else line


def content_hash(content: str, entry: int) -> int:
    """Return a hash, never 0, of an entry of an answer, of which a line has several."""
    return hash((content, entry)) & _WORD or 1


def _keys(names: Sequence[str], secret: Secret) -> Words:
    import pyarrow as pa  # type: ignore[import-untyped]

    return keys_of(Texts(pa.array(names, pa.string())), secret.ids)


def _numbers(numbers: Sequence[str | None], secret: Secret) -> Words:
    import pyarrow as pa

    digits = numbers_of(pa.array(numbers, pa.string()), Counter()).digits
    return number_hashes(digits, secret.numbers)


def _codes(labels: Labels, column: Sequence[str | None]) -> npt.NDArray[np.int32]:
    known = {label: labels.code(label) for label in dict.fromkeys(column)}
    return np.fromiter(map(known.__getitem__, column), np.int32, len(column))
