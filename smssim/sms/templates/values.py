"""The check of the values a request gives for a template's variables, before it is sent.

What the API refuses number by number as E200028, and what the platform blocks afterwards in a
one-time password as E200051 (DOMAIN.md sections 3 and 7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from smssim.sms.templates.check import check_type
from smssim.sms.templates.finding import (
    CODES,
    MAINLAND,
    REVIEW,
    SPECIFICATION,
    Finding,
    Severity,
    finding,
    sorted_by_place,
)
from smssim.sms.templates.links import links
from smssim.sms.templates.otp import FEWEST_DIGITS, MOST_DIGITS, MOST_DIGITS_BY_FAQ, reads_as_otp
from smssim.sms.templates.variables import Variable, fixed_text, read_variables

_DIGITS = re.compile("[0-9]+")
_DATE = re.compile("([0-9]{4})/([0-9]{2})/([0-9]{2})")
_TIME = re.compile("(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?")
_NOT_IN_GENERIC = frozenset(".。'<>{}")
_PHONE_CHARACTERS = 4, 15
_Found = tuple[str, str, str, Severity]
"""Rule, what the value must be, source, severity."""


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
        found = list(_of_kind(variable, value))
        if type == "otp":
            found += _of_otp(value)
        for rule, must, source, severity in found:
            must = f"values[{number}](={value!r}) {must}"
            span = variable.start, variable.end
            findings.append(finding(rule, text, span, must, source, severity))
    return sorted_by_place(findings)


def _of_kind(variable: Variable, value: str) -> Iterator[_Found]:
    match variable.kind:
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
    found = _DATE.fullmatch(value)
    if found is None:
        return False
    try:
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True


def _of_otp(value: str) -> Iterator[_Found]:
    if not (_DIGITS.fullmatch(value) and FEWEST_DIGITS <= len(value) <= MOST_DIGITS):
        must = f"must be {FEWEST_DIGITS} to {MOST_DIGITS} digits alone"
        yield "E200051", must, CODES, "error"
    elif len(value) > MOST_DIGITS_BY_FAQ:
        must = f"should have at most {MOST_DIGITS_BY_FAQ} digits; the mainland allows 8"
        yield "otp_digits", must, f"{REVIEW}; {MAINLAND}", "warning"
