"""Values of a template's variables: what would be refused, and how many segments they make.

The API refuses values number by number as E200028, the platform blocks one-time passwords
afterwards as E200051 (DOMAIN.md sections 3 and 7).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from math import isfinite

from smssim.sms.segments import (
    GSM7_EXTENSION,
    GSM7_PART,
    GSM7_SINGLE,
    OTHER_PART,
    OTHER_SINGLE,
    VARIABLE,
    Counting,
    check_counting,
    is_gsm7,
)
from smssim.sms.templates.check import check_type
from smssim.sms.templates.rules import FEWEST_DIGITS, MOST_DIGITS, MOST_DIGITS_BY_FAQ, reads_as_otp
from smssim.sms.templates.variables import (
    CODES,
    MAINLAND,
    REVIEW,
    SPECIFICATION,
    Finding,
    Severity,
    Variable,
    finding,
    fixed_text,
    links,
    read_variables,
    sorted_by_place,
)

__all__ = ["Lengths", "check_values", "template_segments"]

_DIGITS = re.compile("[0-9]+")
_DATE = re.compile("([0-9]{4})/([0-9]{2})/([0-9]{2})")
_TIME = re.compile("(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?")
_NOT_IN_GENERIC = frozenset(".。'<>{}")
_PHONE_CHARACTERS = 4, 15
_BrokenRule = tuple[str, str, str, Severity]
"""Rule, what the value must be, source, severity."""

Lengths = Mapping[str, int | Mapping[int, float]]
_States = dict[tuple[int, int, bool], float]
"""Shares of messages by units, units taken (with those that pairs left empty), and whether the
text is still a GSM-7 one."""

_EXTENSION = re.compile(f"([{re.escape(''.join(sorted(GSM7_EXTENSION)))}])")
_SURROGATES = re.compile("([\U00010000-\U0010ffff])")


def check_values(text: str, values: Sequence[str], type: str | None = None) -> tuple[Finding, ...]:
    """Return what is wrong with *values*, one for each variable of *text* in its order.

    A finding's place is that of the variable; an empty result means they pass. Rules that begin
    with E200028 or E200051 are named after the code. Without a *type* the text decides: one
    numeric variable and the keyword make it an "otp". Values of CHARDIGIT, DATETIME and MONEY
    are not looked into, their formats are not documented. Raise a ValueError for a value that
    is no text and for another type (DOMAIN.md section 3).

    >>> check_values("Your verification code is ${NUM_6}.", ["369751"])
    ()
    >>> [found.rule for found in check_values("Due ${DATE}, ${NUM_2} days.", ["3 May", "100"])]
    ['E200028_type', 'E200028_length']
    """
    if isinstance(values, str):
        raise ValueError(f"values(={values!r}) must be a list of texts")
    for number, value in enumerate(values):
        if not isinstance(value, str):
            raise ValueError(f"values[{number}](={value!r}) must be a text")
    variables = read_variables(text)
    if type is None:
        fixed = fixed_text(text, variables)
        type = "otp" if reads_as_otp(fixed, variables) else "notification"
    check_type(type)
    findings = []
    if len(values) != len(variables):
        must = f"must get {len(variables)} values, not {len(values)}"
        findings.append(finding("E200028_count", text, (0, len(text)), must, SPECIFICATION))
    for number, (variable, value) in enumerate(zip(variables, values, strict=False)):
        broken_rules = list(_broken_by_type(variable, value))
        if type == "otp":
            broken_rules += _broken_by_otp(value)
        for rule, must, source, severity in broken_rules:
            must = f"values[{number}](={value!r}) {must}"
            span = variable.start, variable.end
            findings.append(finding(rule, text, span, must, source, severity))
    return sorted_by_place(findings)


def _broken_by_type(variable: Variable, value: str) -> Iterator[_BrokenRule]:
    match variable.type:
        case "NUM" if not _DIGITS.fullmatch(value):
            yield "E200028_type", "must be digits alone", SPECIFICATION, "error"
        case "DATE" if not _is_date(value):
            yield "E200028_type", "must be a date yyyy/MM/dd", SPECIFICATION, "error"
        case "TIME" if not _TIME.fullmatch(value):
            yield "E200028_type", "must be a time HH:mm or HH:mm:ss", SPECIFICATION, "error"
        case "TXT" if set("{}") & set(value):
            yield "E200028_characters", "must not hold braces", SPECIFICATION, "error"
        case "numbered" | "TEXT" if _NOT_IN_GENERIC & set(value):
            must = "must hold none of . 。 ' < > { }"
            yield "E200028_characters", must, MAINLAND, "warning"
        case "PHONE":
            fewest, most = _PHONE_CHARACTERS
            if not fewest <= len(value) <= most:
                must = f"must have {fewest} to {most} characters, not {len(value)}"
                yield "E200028_length", must, MAINLAND, "warning"
    if variable.most is not None and len(value) > variable.most:
        must = f"must have at most {variable.most} characters, not {len(value)}"
        yield "E200028_length", must, SPECIFICATION, "error"
    if links(value):
        must = "must not be a link: no links through variables"
        yield "value_link", must, SPECIFICATION, "error"


def _is_date(value: str) -> bool:
    match = _DATE.fullmatch(value)
    if match is None:
        return False
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return False
    return True


def _broken_by_otp(value: str) -> Iterator[_BrokenRule]:
    if not (_DIGITS.fullmatch(value) and FEWEST_DIGITS <= len(value) <= MOST_DIGITS):
        must = f"must be {FEWEST_DIGITS} to {MOST_DIGITS} digits alone"
        yield "E200051", must, CODES, "error"
    elif len(value) > MOST_DIGITS_BY_FAQ:
        must = f"should have at most {MOST_DIGITS_BY_FAQ} digits; the mainland allows 8"
        yield "otp_digits", must, f"{REVIEW}; {MAINLAND}", "warning"


def template_segments(
    text: str,
    lengths: Lengths,
    counting: Counting = "huawei",
    outside_gsm7: Collection[str] = (),
) -> dict[int, float]:
    """Return the share of messages by number of segments that the template *text* gives.

    ``lengths[NAME]`` is the length of ``${NAME}``, or the shares (or counts) of its lengths; every
    place is drawn on its own, and the shares that come out sum to 1. Numeric variables hold
    digits, one septet each. Assumption: so do the others, GSM-7 letters of one septet, but for
    the variables of *outside_gsm7*: a value of theirs, unless it is empty, makes its message a
    70/67 text. Raise a ValueError for a variable without a length, and for lengths and shares
    that are negative or all 0.

    >>> template_segments("Your code is ${NUM_6}", {"NUM_6": 6})
    {1: 1.0}
    >>> template_segments("a" * 150 + "${TXT_20}", {"TXT_20": {8: 1, 10: 1, 12: 2}})
    {1: 0.5, 2: 0.5}
    """
    check_counting(counting)
    pieces = VARIABLE.split(text)
    shares = {name: _shares(name, lengths) for name in pieces[1::2]}
    plain = is_gsm7("".join(pieces[::2]))
    mixed = plain and not shares.keys().isdisjoint(outside_gsm7)
    spread: dict[int, float] = {}
    for gsm7 in (True, False) if mixed else (plain,):
        single, part_units = (GSM7_SINGLE, GSM7_PART) if gsm7 else (OTHER_SINGLE, OTHER_PART)
        states: _States = {(0, 0, plain): 1.0}
        for number, piece in enumerate(pieces):
            if number % 2:
                states = _with_value(states, shares[piece], piece not in outside_gsm7)
            else:
                states = _with_runs(states, _runs(piece, gsm7, counting), part_units)
        for (units, filled, still_gsm7), share in states.items():
            # Of a mixed template either alphabet counts its own messages.
            if still_gsm7 == gsm7:
                count = 1 if units <= single else -(-filled // part_units)
                spread[count] = spread.get(count, 0.0) + share
    return dict(sorted(spread.items()))


def _shares(name: str, lengths: Lengths) -> dict[int, float]:
    """Return the shares of a variable's lengths, sum 1, without those that never occur."""
    if name not in lengths:
        raise ValueError(f"variable(=${{{name}}}) must be one of {sorted(lengths)}")
    of_variable = lengths[name]
    shares = of_variable if isinstance(of_variable, Mapping) else {of_variable: 1.0}
    total = sum(shares.values())
    if any(size < 0 for size in shares) or any(share < 0 for share in shares.values()):
        raise ValueError(f"lengths[{name!r}](={of_variable}) must be >= 0, lengths and shares")
    if not (isfinite(total) and total > 0):
        raise ValueError(f"lengths[{name!r}](={of_variable}) must have a finite share > 0")
    return {size: share / total for size, share in shares.items() if share}


def _runs(piece: str, gsm7: bool, counting: Counting) -> list[str]:
    """Cut fixed text into single characters and pairs by turns, beginning with singles."""
    if gsm7:
        return _EXTENSION.split(piece)
    return _SURROGATES.split(piece) if counting == "3gpp" else [piece]


def _with_value(states: _States, shares: Mapping[int, float], gsm7: bool) -> _States:
    after: _States = {}
    for (units, filled, plain), share in states.items():
        for size, of_size in shares.items():
            state = units + size, filled + size, plain and (gsm7 or size == 0)
            after[state] = after.get(state, 0.0) + share * of_size
    return after


def _with_runs(states: _States, runs: list[str], part_units: int) -> _States:
    after: _States = {}
    for (units, filled, plain), share in states.items():
        for number, run in enumerate(runs):
            if number % 2:
                units += 2
                # A pair that does not fit leaves the last place of its part empty.
                filled += 3 if filled % part_units == part_units - 1 else 2
            else:
                units += len(run)
                filled += len(run)
        state = units, filled, plain
        after[state] = after.get(state, 0.0) + share
    return after
