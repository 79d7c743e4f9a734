"""What names the message of a row: its id, or the fields that together do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smssim.logs.columns.codes import calling_code
from smssim.logs.columns.headings import IDENTITY
from smssim.logs.columns.keys import composed, keys_of, number_hashes
from smssim.logs.columns.phones import Numbers, numbers_of
from smssim.logs.columns.problems import Rank
from smssim.logs.columns.texts import Flags, Integers, Texts, Words, as_texts, cleaned
from smssim.logs.columns.times import said
from smssim.sms.phone_numbers import country_index_of

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

    from smssim.logs.columns.rows import Rows


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
    rows.anonymous[where] = ~told
    if told.any():
        parts = [field.astype(np.uint64) for field in fields]
        parts.append(np.full(len(where), _OF_FIELDS, np.uint64))
        keys = np.where(told[:, None], composed(parts, secret), keys)
    return keys


# Whom a row is for: its number as a keyed hash, and the country it is billed for.

DROPPED = "numbers that are none, beside a country"
"""Name of the repair of a row whose number cannot be read while its country can."""

_POWERS = 10 ** np.arange(19, dtype=np.int64)


class Who(NamedTuple):
    """The keyed hash of each row's number, 0 without one, and its country's code."""

    number: Words
    country: Integers


def who_of(rows: Rows) -> Who:
    """Read the columns of numbers and countries of a batch, and add what is wrong with them."""
    country, unknown = _countries(rows)
    if not rows.readers.has("number"):
        _missing(rows, (country < 0) & ~unknown)
        return Who(np.zeros(rows.n, np.uint64), country)
    numbers = numbers_of(rows.column("number"), rows.repaired)
    without = (country < 0) & ~unknown
    _missing(rows, without & ~numbers.said)
    _unreadable(rows, numbers, without)
    if without.any():
        country = _of_numbers(rows, numbers, without, country)
    if not without.all():
        _disagree(rows, numbers, country)
        dropped = int((numbers.wrong & (country >= 0)).sum())
        if dropped:
            rows.repaired[DROPPED] += dropped
    return Who(number_hashes(numbers.digits, rows.readers.secret.numbers), country)


def _countries(rows: Rows) -> tuple[Integers, Flags]:
    """The country that each row says, and which say one that is none."""
    unknown = np.zeros(rows.n, np.bool_)
    reader = rows.readers.codes.get("country")
    if reader is None:
        return np.full(rows.n, -1, np.int64), unknown
    country, wrong, reasons = reader.read(rows.column("country"), rows.repaired)
    rows.problems.add(Rank.WHO, wrong, reasons)
    unknown[wrong] = True
    return country, unknown


def _missing(rows: Rows, which: Flags) -> None:
    found = np.flatnonzero(which)
    headings = [rows.heading(field) for field in ("number", "country") if rows.readers.has(field)]
    told = f"{' and '.join(headings)} {'are' if len(headings) > 1 else 'is'} missing"
    rows.problems.add(Rank.WHO, found, [told] * len(found))


def _unreadable(rows: Rows, numbers: Numbers, without: Flags) -> None:
    lost = np.flatnonzero(numbers.rounded & without)
    rule = "was rounded by a spreadsheet, it must have all its digits or a country beside it"
    rows.problems.add(Rank.WHO, lost, rows.told("number", lost, rule))
    found = np.flatnonzero(numbers.wrong & without & ~numbers.rounded)
    rule = "must be a phone number: its calling code, 5 to 15 digits"
    rows.problems.add(Rank.WHO, found, rows.told("number", found, rule))


def _of_numbers(rows: Rows, numbers: Numbers, without: Flags, country: Integers) -> Integers:
    """The countries, with those of numbers where rows say none."""
    whole = without & (numbers.digits > 0)
    where = np.flatnonzero(whole)
    names, which = country_index_of(numbers.digits[where])
    codes = rows.readers.names.country.codes(names)
    country = country.copy()
    country[where] = codes[which] if len(where) else -1
    lost = where[country[where] < 0]
    rule = "must be a number of some country"
    rows.problems.add(Rank.WHO, lost, rows.told("number", lost, rule))
    return country


def _disagree(rows: Rows, numbers: Numbers, country: Integers) -> None:
    calling = np.array([*map(calling_code, rows.readers.names.country.names), 0], np.int64)
    # By how much longer a number is than its country's calling code.
    places = np.searchsorted(_POWERS, calling, side="right")
    rest = numbers.size - places[country]
    prefix = numbers.digits // _POWERS[np.maximum(rest, 0)]
    wrong = (prefix != calling[country]) & (calling[country] > 0) & (numbers.digits > 0)
    found = np.flatnonzero(wrong)
    rows.problems.add(
        Rank.WHO, found, rows.pairs("number", "must be a number of", "country", found)
    )
