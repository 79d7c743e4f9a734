"""What names the message of a row: its id, or the fields that together do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from smssim.logs.columns.keys import composed, keys_of
from smssim.logs.columns.problems import Rank
from smssim.logs.columns.synonyms import IDENTITY
from smssim.logs.columns.texts import Integers, Words, as_texts, cleaned
from smssim.logs.columns.times import said

if TYPE_CHECKING:
    from smssim.logs.columns.rows import Rows
    from smssim.logs.columns.who import Who

_OF_FIELDS, _OF_CONTENT = 1, 2


def keys_of_rows(rows: Rows, who: Who | None) -> Words:
    """The key of each row; in reports a row without an id is refused (*who* is None there)."""
    if not rows.readers.has("id"):
        return _composed(rows, who, np.arange(rows.n))
    column, texts = cleaned(as_texts(rows.column("id")), rows.repaired)
    keys = keys_of(texts, rows.readers.secret.ids)
    without = np.flatnonzero(~said(column, texts))
    if who is None:
        told = f"{rows.heading('id')} is missing"
        rows.problems.add(Rank.ID, without, [told] * len(without))
    elif len(without):
        keys[without] = _composed(rows, who, without)
    return keys


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
