"""Content rules of single countries: Malaysia's, and what must be filed before it is sent.

They are those of `reference/sending_rules.csv` (DOMAIN.md section 11), whose words the messages
repeat.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from smssim.sms.reference import reference
from smssim.sms.templates.finding import REGISTRATION, Finding, finding
from smssim.sms.templates.links import Link
from smssim.sms.templates.variables import Variable

FILED_LINKS = ("AE", "SA", "TH")
FILED_CONTENT = ("GB", "TW")
MALAYSIA = "MY"
_PLUS_NUMBER = re.compile(r"\+[0-9](?:[ ().-]{0,2}[0-9]){6,14}")


def _rule(country: str) -> str:
    rows = (row for row in reference("sending_rules") if row["iso2"] == country)
    row = next(rows)
    # Where the whole message is to be filed, the rule stands with the sender ID's.
    return f"in {country}: {row['content_rule'] or row['sender_id_rule']}"


def filed_content(text: str, countries: Collection[str]) -> Iterator[Finding]:
    """GB and TW: the content is filed before it is sent.

    No text shows whether it was, so it is a warning.
    """
    for country in sorted(set(FILED_CONTENT) & set(countries)):
        span = 0, len(text)
        yield finding("filed_content", text, span, _rule(country), REGISTRATION, "warning")


def filed_links(
    text: str, links: tuple[Link, ...], countries: Collection[str], filed: Collection[str]
) -> Iterator[Finding]:
    """SA, AE and TH: links only after filing.

    A link is filed if it stands in *filed* letter for letter.
    """
    for country in sorted(set(FILED_LINKS) & set(countries)):
        for link in links:
            if link.url not in filed:
                span = link.start, link.end
                yield finding("filed_links", text, span, _rule(country), REGISTRATION)


def malaysia(
    text: str,
    fixed: str,
    links: tuple[Link, ...],
    variables: tuple[Variable, ...],
    brand: str | None,
) -> Iterator[Finding]:
    """MY: no link, no phone number, and the brand or company name in the fixed text.

    Case does not matter in the name; without a *brand* to look for it is a warning.
    """
    rule, _, brand_rule = _rule(MALAYSIA).partition("; ")
    for link in links:
        yield finding("malaysia_link", text, (link.start, link.end), rule, REGISTRATION)
    phones = [(v.start, v.end) for v in variables if v.kind == "PHONE"]
    for span in sorted({*phones, *phone_numbers(fixed)}):
        yield finding("malaysia_phone_number", text, span, rule, REGISTRATION)
    span = 0, len(text)
    if brand is None:
        told = f"in {MALAYSIA}: {brand_rule}; brand(=None) was not given to look for"
        yield finding("malaysia_brand", text, span, told, REGISTRATION, "warning")
    elif brand.casefold() not in fixed.casefold():
        told = f"in {MALAYSIA}: {brand_rule}; brand(={brand!r}) is not in it"
        yield finding("malaysia_brand", text, span, told, REGISTRATION)


def phone_numbers(fixed: str) -> list[tuple[int, int]]:
    """Return the places of valid Malaysian numbers, and of any 7 to 15 digits after a plus.

    Dates, amounts and order numbers are none, as far as the national numbering plan tells.
    """
    from phonenumbers import PhoneNumberMatcher

    found = [match.span() for match in _PLUS_NUMBER.finditer(fixed)]
    for match in PhoneNumberMatcher(fixed, MALAYSIA):
        if not any(start < match.end and match.start < end for start, end in found):
            found.append((match.start, match.end))
    return sorted(found)
