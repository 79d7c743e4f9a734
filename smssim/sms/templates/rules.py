"""Rules about the words and signs of a template, whatever its type and country.

They are the general template rules of DOMAIN.md section 3; each function is one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smssim.sms.templates.finding import INFERENCE, LENGTH, SPECIFICATION, Finding, finding
from smssim.sms.templates.links import Link
from smssim.sms.templates.variables import Variable

MOST_CHARACTERS = 500
_BRACKETS = re.compile(r"[\[\]［］【】]")
_SYMBOLS = re.compile(r"\^_\^|[¥￥★&√]")
_OLD_SYMBOLS = re.compile("※")
# Of the topics listed, the words that hardly mean anything else.
_TOPICS = re.compile(
    r"\b(?:stocks|immigration|gambling|lottery|rebates?|loans?|investments?|prizes?"
    r"|cosmetic surgery)\b",
    re.IGNORECASE,
)


def length(text: str) -> Iterator[Finding]:
    """At most 500 characters, variables as they are written; and not empty.

    Assumption: the 500 characters are those of the template, not of the filled text.
    """
    span = 0, len(text)
    if len(text) > MOST_CHARACTERS:
        must = f"must have at most {MOST_CHARACTERS} characters, not {len(text)}"
        yield finding("length", text, span, must, LENGTH)
    if not text.strip():
        yield finding("empty", text, span, "must have fixed text", SPECIFICATION)


def square_brackets(text: str, fixed: str) -> Iterator[Finding]:
    """No square brackets, nor 【】, between which a signature stands.

    The lenticular brackets are taken for square ones, for a signature written into the content
    is a reason of rejection (DOMAIN.md section 4), and international messages have none.
    """
    for found in _BRACKETS.finditer(fixed):
        must = "must not be there: no square brackets, no signature in the content"
        yield finding("square_brackets", text, found.span(), must, SPECIFICATION)


def forbidden_symbols(text: str, fixed: str) -> Iterator[Finding]:
    """None of ¥ ★ ^_^ & √; and ※ of older versions, which is a warning.

    The full-width yen sign counts as the yen sign.
    """
    for found in _SYMBOLS.finditer(fixed):
        must = "must not be there: no ¥ ★ ^_^ & √"
        yield finding("forbidden_symbol", text, found.span(), must, SPECIFICATION)
    for found in _OLD_SYMBOLS.finditer(fixed):
        must = "must not be there by older versions of the rules"
        yield finding("forbidden_symbol", text, found.span(), must, SPECIFICATION, "warning")


def link_rules(
    text: str, links: tuple[Link, ...], variables: tuple[Variable, ...]
) -> Iterator[Finding]:
    """Links are fixed text, neither short nor redirecting.

    A link that a variable brings in whole shows in its value (`check_values`).
    """
    for link in links:
        span = link.start, link.end
        if any(link.start <= variable.start < link.end for variable in variables):
            must = "must be fixed text: no links through variables"
            yield finding("link_variable", text, span, must, SPECIFICATION)
        if link.is_short or link.leads_on:
            must = "must be neither a short nor a redirecting link"
            yield finding("short_link", text, span, must, SPECIFICATION)


def forbidden_topics(text: str, fixed: str) -> Iterator[Finding]:
    """A word of a topic that is on the list of forbidden content, as a warning.

    Only words that are on the list themselves; whether the topic is meant, a reviewer decides.
    """
    for found in _TOPICS.finditer(fixed):
        must = "may be read as forbidden content"
        source = f"{SPECIFICATION}; word {INFERENCE}"
        yield finding("forbidden_topic", text, found.span(), must, source, "warning")
