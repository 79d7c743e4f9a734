"""What names the message of a row: its id, or the fields that together do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from smssim.logs.columns.keys import composed, keys_of
from smssim.logs.columns.problems import Rank
from smssim.logs.columns.synonyms import IDENTITY
from smssim.logs.columns.texts import Integers, Texts, Words, as_texts, cleaned
from smssim.logs.columns.times import said

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

    from smssim.logs.columns.rows import Rows
    from smssim.logs.columns.who import Who

ROUNDED = "was rounded by a spreadsheet, it must have all its digits"
_OF_FIELDS, _OF_CONTENT = 1, 2
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2}")
_SHORTEST, _PLUS = 4, 0x2B


def keys_of_rows(rows: Rows, who: Who | None) -> Words:
    """The key of each row; in reports a row without an id is refused (*who* is None there)."""
    if not rows.readers.has("id"):
        return _composed(rows, who, np.arange(rows.n))
    column, texts = cleaned(as_texts(rows.column("id")), rows.repaired)
    keys = keys_of(texts, rows.readers.secret.ids)
    lost = _rounded(column, texts)
    rows.problems.add(Rank.ID, lost, rows.told("id", lost, ROUNDED))
    without = np.flatnonzero(~said(column, texts))
    if who is None:
        told = f"{rows.heading('id')} is missing"
        rows.problems.add(Rank.ID, without, [told] * len(without))
    elif len(without):
        keys[without] = _composed(rows, who, without)
    return keys


def _rounded(column: pa.Array, texts: Texts) -> Integers:
    """The rows whose id a spreadsheet rounded: those of different messages may be the same."""
    import pyarrow as pa

    # An exponent of two digits has its sign third from the end.
    signs = texts.bytes[texts.start + texts.length - 3] == _PLUS
    found = np.flatnonzero(signs & (texts.length > _SHORTEST))
    values = column.take(pa.array(found)).to_pylist() if len(found) else []
    right = np.array([_SCIENTIFIC.fullmatch(value) is not None for value in values], np.bool_)
    return found[right]


def _composed(rows: Rows, who: Who | None, where: Integers) -> Words:
    if who is None:
        return np.zeros((len(where), 2), np.uint64)
    fields = [rows.value(field)[where] for field in IDENTITY]
    told = (fields[0] >= 0) & (fields[1] >= 0) & (fields[2] >= 0)
    # Codes of labels are as good as the labels within one reading.
    number, country = who.number[where], who.country[where]
    content = [np.where(number > 0, number, country.astype(np.uint64))]
    for values in (rows.value("submitted"), rows.value("template"), rows.application()):
        content.append(values[where].astype(np.uint64))
    content.append(rows.value("type")[where].astype(np.uint64))
    content.append(np.full(len(where), _OF_CONTENT, np.uint64))
    secret = rows.readers.secret.composed
    keys = composed(content, secret)
    if told.any():
        parts = [field.astype(np.uint64) for field in fields]
        parts.append(np.full(len(where), _OF_FIELDS, np.uint64))
        keys = np.where(told[:, None], composed(parts, secret), keys)
    return keys
