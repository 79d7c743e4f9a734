"""What names the message of a row, and whom the row is for: a number as a hash, a country."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from smssim.arrays import Ints, Mask
from smssim.logs.columns.context import BatchContext, Rank
from smssim.logs.columns.fields import IDENTITY
from smssim.logs.columns.phones import Numbers, numbers_of
from smssim.logs.columns.texts import (
    Texts,
    Words,
    as_texts,
    cleaned,
    composed,
    is_filled,
    keys_of,
    number_hashes,
)
from smssim.sms.country_names import calling_code
from smssim.sms.phone_numbers import country_index_of

__all__ = ["ROUNDED", "Recipients", "keys_of_rows", "recipients_of"]

ROUNDED = "was rounded by a spreadsheet, it must have all its digits"
_DROPPED = "unreadable phone numbers (country column used)"
"""Name of the repair of a row whose number cannot be read while its country can."""

_WITHOUT_86 = "numbers of mainland China without their 86"
"""Name of the repair of a number that the console shows without its country code."""
_OF_TWO_COUNTRIES = (
    "may be of mainland China without its 86, or of +1: write it with its code, or state a country"
)
_CODE_OF_CHINA = 86 * 10**11
_OF_FIELDS, _OF_CONTENT = 1, 2
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2}")
_SHORTEST, _PLUS = 4, 0x2B
_POWERS = 10 ** np.arange(19, dtype=np.int64)


class Recipients(NamedTuple):
    """The keyed hash of each row's number, 0 without one, and its country's code."""

    number: Words
    country: Ints


def keys_of_rows(context: BatchContext, recipients: Recipients | None) -> Words:
    """The key of each row; in reports, where *recipients* is None, each row must have an id."""
    if not context.readers.has("id"):
        return _composed(context, recipients, np.arange(context.n))
    column, texts = cleaned(as_texts(context.column("id")), context.repaired)
    keys = keys_of(texts, context.readers.secret.ids)
    if context.readers.ids is not None:
        named = is_filled(column)
        context.readers.ids.add(keys[named], column.filter(pa.array(named)).to_pylist())
    rounded = _rounded(column, texts)
    context.problems.add(Rank.ID, rounded, context.reasons("id", rounded, ROUNDED))
    without = np.flatnonzero(~is_filled(column))
    if recipients is None:
        reason = f"{context.heading('id')} is missing"
        context.problems.add(Rank.ID, without, [reason] * len(without))
    elif len(without):
        keys[without] = _composed(context, recipients, without)
    return keys


def _rounded(column: pa.Array, texts: Texts) -> Ints:
    """The rows whose id a spreadsheet rounded: those of different messages may be the same."""
    # An exponent of two digits has its sign third from the end.
    signs = texts.bytes[texts.start + texts.length - 3] == _PLUS
    rows = np.flatnonzero(signs & (texts.length > _SHORTEST))
    values = column.take(pa.array(rows)).to_pylist() if len(rows) else []
    return rows[np.array([_SCIENTIFIC.fullmatch(value) is not None for value in values], np.bool_)]


def _composed(context: BatchContext, recipients: Recipients | None, rows: Ints) -> Words:
    """The keys of rows without an id: of the fields that name a message, else of its content."""
    if recipients is None:
        return np.zeros((len(rows), 2), np.uint64)
    fields = [context.value(field)[rows] for field in IDENTITY]
    has_fields = (fields[0] >= 0) & (fields[1] >= 0) & (fields[2] >= 0)
    # Codes of labels are as good as the labels within one reading.
    number, country = recipients.number[rows], recipients.country[rows]
    content = [np.where(number > 0, number, country.astype(np.uint64))]
    for values in (context.value("submitted"), context.value("template"), context.application()):
        content.append(values[rows].astype(np.uint64))
    content.append(context.value("type")[rows].astype(np.uint64))
    content.append(np.full(len(rows), _OF_CONTENT, np.uint64))
    secret = context.readers.secret.composed
    keys = composed(content, secret)
    context.anonymous[rows] = ~has_fields
    if has_fields.any():
        parts = [field.astype(np.uint64) for field in fields]
        parts.append(np.full(len(rows), _OF_FIELDS, np.uint64))
        keys = np.where(has_fields[:, None], composed(parts, secret), keys)
    return keys


def recipients_of(context: BatchContext) -> Recipients:
    """Read the columns of numbers and countries of a batch, and add what is wrong with them."""
    country, unknown = _countries(context)
    without = (country < 0) & ~unknown
    if not context.readers.has("number"):
        _add_missing(context, without)
        return Recipients(np.zeros(context.n, np.uint64), country)
    numbers = numbers_of(context.column("number"), context.repaired)
    numbers = _with_mainland_code(context, numbers, country)
    _add_missing(context, without & ~numbers.is_filled)
    _add_unreadable(context, numbers, without)
    if without.any():
        country = _countries_of_numbers(context, numbers, without, country)
    if not without.all():
        _add_disagreements(context, numbers, country)
        dropped = int((numbers.wrong & (country >= 0)).sum())
        if dropped:
            context.repaired[_DROPPED] += dropped
    return Recipients(number_hashes(numbers.digits, context.readers.secret.numbers), country)


def _countries(context: BatchContext) -> tuple[Ints, Mask]:
    """The country in each row's column of countries, and which rows have one that is none."""
    unknown = np.zeros(context.n, np.bool_)
    reader = context.readers.codes.get("country")
    if reader is None:
        return np.full(context.n, -1, np.int64), unknown
    country, wrong, reasons = reader.read(context.column("country"), context.repaired)
    context.problems.add(Rank.WHO, wrong, reasons)
    unknown[wrong] = True
    return country, unknown


def _with_mainland_code(context: BatchContext, numbers: Numbers, country: Ints) -> Numbers:
    """The numbers, those of mainland China that are written without it with their 86.

    The country of a row decides; without one the column does, and if it shows too little, such a
    number has no country that is certain.
    """
    if not numbers.without_code.any():
        return numbers
    names = context.readers.names.country.names
    china = names.index("CN") if "CN" in names else len(names)
    mainland = numbers.without_code & (country == china)
    without = numbers.without_code & (country < 0)
    if context.readers.mainland.are_mainland is None:
        rows = np.flatnonzero(without)
        context.problems.add(Rank.WHO, rows, context.reasons("number", rows, _OF_TWO_COUNTRIES))
        numbers.wrong[rows] = False
    elif context.readers.mainland.are_mainland:
        mainland |= without
    count = int(mainland.sum())
    if count:
        context.repaired[_WITHOUT_86] += count
    digits = np.where(mainland, numbers.digits + _CODE_OF_CHINA, numbers.digits)
    return numbers._replace(digits=digits, size=np.where(mainland, 13, numbers.size))


def _add_missing(context: BatchContext, missing: Mask) -> None:
    rows = np.flatnonzero(missing)
    fields = [field for field in ("number", "country") if context.readers.has(field)]
    headings = " and ".join(map(context.heading, fields))
    reason = f"{headings} {'are' if len(fields) > 1 else 'is'} missing"
    context.problems.add(Rank.WHO, rows, [reason] * len(rows))


def _add_unreadable(context: BatchContext, numbers: Numbers, without: Mask) -> None:
    rows = np.flatnonzero(numbers.rounded & without)
    rule = "was rounded by a spreadsheet, it must have all its digits or a country next to it"
    context.problems.add(Rank.WHO, rows, context.reasons("number", rows, rule))
    rows = np.flatnonzero(numbers.wrong & without & ~numbers.rounded)
    rule = "must be a phone number: its calling code, 5 to 15 digits"
    context.problems.add(Rank.WHO, rows, context.reasons("number", rows, rule))


def _countries_of_numbers(
    context: BatchContext, numbers: Numbers, without: Mask, country: Ints
) -> Ints:
    """The countries, with those of numbers where rows have none."""
    rows = np.flatnonzero(without & (numbers.digits > 0))
    names, index = country_index_of(numbers.digits[rows])
    codes = context.readers.names.country.codes(names)
    country = country.copy()
    country[rows] = codes[index] if len(rows) else -1
    unassigned = rows[country[rows] < 0]
    rule = "must be a number of some country"
    reasons = context.reasons("number", unassigned, rule)
    context.problems.add(Rank.WHO, unassigned, reasons)
    return country


def _add_disagreements(context: BatchContext, numbers: Numbers, country: Ints) -> None:
    calling = np.array([*map(calling_code, context.readers.names.country.names), 0], np.int64)
    # By how much longer a number is than its country's calling code.
    size = np.searchsorted(_POWERS, calling, side="right")
    rest = numbers.size - size[country]
    prefix = numbers.digits // _POWERS[np.maximum(rest, 0)]
    wrong = (prefix != calling[country]) & (calling[country] > 0) & (numbers.digits > 0)
    rows = np.flatnonzero(wrong)
    reasons = context.reasons_of_pair("number", "must be a number of", "country", rows)
    context.problems.add(Rank.WHO, rows, reasons)
