"""The check of a template before it is submitted: everything the review would refuse, at once.

It goes through the rules of this package in the order of DOMAIN.md section 3, then section 11.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from smssim.sms.reference import countries as known_countries
from smssim.sms.templates import rules
from smssim.sms.templates.variables import (
    LENGTH,
    SPECIFICATION,
    Finding,
    finding,
    fixed_text,
    read_variables,
    sorted_by_place,
)
from smssim.sms.templates.variables import links as links_of

__all__ = ["TYPES", "check_template", "check_type"]

TYPES = ("otp", "notification")
_MOST_CHARACTERS = 500


def check_template(
    text: str,
    type: str = "otp",
    countries: Collection[str] = (),
    brand: str | None = None,
    filed_links: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Return what the template *text* breaks, in the order of the text; empty means it passes.

    An error is refused by the international site's rules of today; a warning is for a person to
    judge (`Finding`). *countries* are ISO codes of the destinations, *brand* the name that
    Malaysia wants in the content, *filed_links* the links that are filed for SA, AE or TH.
    Raise a ValueError for another type, an unknown country and an empty brand (DOMAIN.md
    sections 3, 4 and 11).

    >>> check_template("Your verification code is ${NUM_6}.")
    ()
    >>> for found in check_template("[Shop] Your code: ${NUM_9}"):
    ...     print(found.severity, found.rule, (found.start, found.end))
    error square_brackets (0, 1)
    error otp_keyword (0, 26)
    error square_brackets (5, 6)
    error otp_digits (18, 26)
    """
    check_type(type)
    if isinstance(countries, str):
        raise ValueError(f"countries(={countries!r}) must be a list of country codes")
    for country in countries:
        if country not in known_countries():
            raise ValueError(f"countries(={country!r}) must be ISO 3166 codes, such as 'MY'")
    if brand is not None and not brand.strip():
        raise ValueError(f"brand(={brand!r}) must be a name")
    if isinstance(filed_links, str):
        raise ValueError(f"filed_links(={filed_links!r}) must be a list of links")
    return sorted_by_place(list(_findings(text, type, countries, brand, filed_links)))


def check_type(type: str) -> None:
    """Refuse a *type* that the international site does not have.

    Raise a ValueError: there are one-time passwords and notifications (DOMAIN.md section 3).
    """
    if type not in TYPES:
        raise ValueError(f"type(={type!r}) must be one of {', '.join(TYPES)}")


def _findings(
    text: str, type: str, countries: Collection[str], brand: str | None, filed: Collection[str]
) -> Iterator[Finding]:
    variables = read_variables(text)
    fixed = fixed_text(text, variables)
    links = links_of(text)
    yield from _length(text)
    yield from rules.square_brackets(text, fixed)
    yield from rules.forbidden_symbols(text, fixed)
    yield from rules.link_rules(text, links, variables)
    yield from rules.forbidden_topics(text, fixed)
    yield from rules.malformed_variables(text, variables)
    yield from rules.mixed_syntaxes(text, variables)
    yield from rules.variable_count(text, variables)
    yield from rules.all_variables(text, fixed, variables)
    yield from rules.adjacent_variables(text, variables)
    yield from rules.contact_variables(text, variables)
    if type == "otp":
        yield from rules.otp_keyword(text, fixed)
        yield from rules.otp_numeric_variable(text, variables)
        yield from rules.otp_digits(text, variables)
        yield from rules.otp_links(text, links)
    yield from rules.filed_content(text, countries)
    yield from rules.filed_links(text, links, countries, filed)
    if rules.MALAYSIA in countries:
        yield from rules.malaysia(text, fixed, links, variables, brand)


def _length(text: str) -> Iterator[Finding]:
    """At most 500 characters, variables as they are written; and not empty.

    Assumption: the 500 characters are those of the template, not of the filled text.
    """
    span = 0, len(text)
    if len(text) > _MOST_CHARACTERS:
        must = f"must have at most {_MOST_CHARACTERS} characters, not {len(text)}"
        yield finding("length", text, span, must, LENGTH)
    if not text.strip():
        yield finding("empty", text, span, "must have fixed text", SPECIFICATION)
