"""From a phone number to the country it is billed for.

A number is E.164: "+", calling code, 5 to 15 digits; a country is its ISO 3166 code of two letters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_E164 = re.compile(r"\+[1-9][0-9]{4,14}")
_SEPARATORS = re.compile(r"[\s()\[\]\-\u2010-\u2015]+")
_NON_GEOGRAPHIC = "001"
# Nine characters tell the countries of every shared calling code apart, eight do not.
_PREFIX = 9


def normalise(text: object) -> str | None:
    """Return the number as "+" and 5 to 15 digits, or None when it is no international number.

    Spaces, dashes, brackets and a leading 00 are accepted, and so is a whole float, which is
    what a spreadsheet makes of a number; a trunk "(0)" is not, for it hides the real number.
    """
    if isinstance(text, str):
        return text if _E164.fullmatch(text) else _cleaned(text)
    if isinstance(text, bool) or not isinstance(text, int | float):
        return None
    if text <= 0 or text != text // 1:
        return None
    return _cleaned(str(int(text)))


def _cleaned(text: str) -> str | None:
    if "(0)" in text:
        return None
    bare = _SEPARATORS.sub("", text)
    if bare.startswith("00"):
        bare = bare[2:]
    if not bare.startswith("+"):
        bare = "+" + bare
    return bare if _E164.fullmatch(bare) else None


def countries_of(numbers: Sequence[str]) -> list[str]:
    """Return the ISO code of each number's country, "" where it has none or is no number.

    The prefix alone decides, so a number of a wrong length still has its country; numbers are
    as `normalise` returns them.
    """
    known: dict[str, str] = {}
    found = []
    for number in numbers:
        prefix = number[:_PREFIX]
        country = known.get(prefix)
        if country is None:
            country = known[prefix] = _country_of_prefix(prefix)
        found.append(country)
    return found


def _country_of_prefix(prefix: str) -> str:
    calling_code, regions = _regions_of(prefix)
    if len(regions) > 1:
        return _country_of_shared_code(prefix, calling_code)
    return regions[0] if regions and regions[0] != _NON_GEOGRAPHIC else ""


def _regions_of(prefix: str) -> tuple[int, tuple[str, ...]]:
    """Return the calling code that *prefix* begins with and the regions that share it."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE as regions_of_code

    if prefix[:1] == "+" and prefix[1:].isascii() and prefix[1:].isdigit():
        for size in (1, 2, 3):
            calling_code = int(prefix[1 : 1 + size])
            if calling_code in regions_of_code:
                return calling_code, tuple(regions_of_code[calling_code])
    return 0, ()


@lru_cache(maxsize=65536)
def _country_of_shared_code(prefix: str, calling_code: int) -> str:
    """Return the country whose numbering plan knows *prefix*, filled up with zeros."""
    import phonenumbers

    national = prefix[1 + len(str(calling_code)) :]
    for size in _national_lengths(calling_code):
        digits = national.ljust(size, "0")
        number = phonenumbers.PhoneNumber(
            country_code=calling_code,
            national_number=int(digits),
            italian_leading_zero=digits.startswith("0"),
        )
        region = phonenumbers.region_code_for_number(number)
        if region is not None:
            return str(region)
    return ""


@lru_cache(maxsize=512)
def _national_lengths(calling_code: int) -> tuple[int, ...]:
    """Return the lengths of the national numbers under *calling_code*, mobile ones first."""
    import phonenumbers

    lengths: list[int] = []
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code]:
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
        if metadata is not None:
            for plan in (metadata.mobile, metadata.general_desc):
                if plan is not None:
                    lengths.extend(size for size in plan.possible_length if size > 0)
    return tuple(dict.fromkeys(lengths))
