"""Countries as people call them: ISO codes, English names, Chinese names (`countries.csv`)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType

from smssim.sms.reference import reference

__all__ = ["calling_code", "country_named", "country_of"]

_WORDS = {"and": "", "the": "", "st": "saint", "republic": "", "of": "", "islands": "island"}
_ALSO = {
    "usa": "US",
    "america": "US",
    "uk": "GB",
    "great britain": "GB",
    "uae": "AE",
    "mainland china": "CN",
    "chinese mainland": "CN",
    "china mainland": "CN",
    "prc": "CN",
    "hong kong china": "HK",
    "hong kong sar": "HK",
    "macau": "MO",
    "macau china": "MO",
    "macao china": "MO",
    "macao sar": "MO",
    "taiwan china": "TW",
    "korea": "KR",
    "russian federation": "RU",
    "turkey": "TR",
    "viet nam": "VN",
    "burma": "MM",
    "ivory coast": "CI",
    "cape verde": "CV",
    "czech": "CZ",
    "swaziland": "SZ",
    "macedonia": "MK",
    "holland": "NL",
    "east timor": "TL",
    "lao pdr": "LA",
    "brunei darussalam": "BN",
    "syrian arab": "SY",
    "dr congo": "CD",
}


def country_of(text: str) -> str | None:
    """The ISO code of a country that a table calls by its code or a name, or None.

    >>> country_of("id"), country_of("Bosnia and Herzegovina"), country_of("泰国")
    ('ID', 'BA', 'TH')
    """
    bare = text.strip()
    code = bare.upper()
    if code in _codes():
        return code
    return _names().get(_plain(bare))


@lru_cache(maxsize=512)
def country_named(text: str) -> str | None:
    """The ISO code of the one country that a name means, or None where no country is called so.

    Raise a ValueError that names the candidates where several are, such as Korea. Codes are no
    names: they are what this gives.

    >>> country_named("Indonesia"), country_named("印度"), country_named("Guinea")
    ('ID', 'IN', 'GN')
    >>> country_named("Congo")
    Traceback (most recent call last):
    ValueError: 'Congo' may be Congo (Democratic Republic) (CD) or Congo (Republic) (CG)
    """
    bare = text.strip().casefold()
    rows = reference("countries")
    for row in rows:
        if bare in (row["name"].casefold(), *row["name_zh"].split("|")):
            return row["iso2"]
    words = set(re.findall(r"\w+", bare))
    candidates = [
        row
        for row in rows
        if words
        and (
            words <= set(re.findall(r"\w+", row["name"].casefold()))
            or any(bare in name for name in row["name_zh"].split("|"))
        )
    ]
    if len(candidates) > 1:
        names = " or ".join(f"{row['name']} ({row['iso2']})" for row in candidates[:4])
        raise ValueError(f"{text!r} may be {names}")
    return _names().get(_plain(text))


@cache
def calling_code(country: str) -> int:
    """The country's calling code, 0 where it has none."""
    import phonenumbers

    return int(phonenumbers.country_code_for_region(country))


@cache
def _codes() -> frozenset[str]:
    return frozenset(row["iso2"] for row in reference("countries"))


@cache
def _names() -> Mapping[str, str]:
    codes = {_plain(name): code for name, code in _ALSO.items()}
    for row in reference("countries"):
        for name in (row["name"], *row["name_zh"].split("|")):
            codes[_plain(name)] = row["iso2"]
    return MappingProxyType(codes)


def _plain(name: str) -> str:
    """A name in lower case, without accents, marks and words that come and go."""
    text = unicodedata.normalize("NFKD", name).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    words = re.findall(r"\w+", text.replace("'", "").replace("\u2019", ""))
    return "".join(_WORDS.get(word, word) for word in words)
