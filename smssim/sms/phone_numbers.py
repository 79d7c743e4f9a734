"""From a phone number to the country it is billed for.

A number is E.164: "+", calling code, 5 to 15 digits; a country is its ISO 3166 code of two letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata, PhoneNumberDesc

__all__ = [
    "INVISIBLE",
    "blocks",
    "countries_of",
    "country_index_of",
    "digits_of",
    "is_told_by",
    "masked",
    "matches",
    "normalise",
]

_E164 = re.compile(r"\+[1-9][0-9]{4,14}")
INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufe00-\ufe0f\ufeff"
)
"""Characters of a text that no one sees, as a class of a pattern: joiners, marks of direction."""
_SEPARATORS = re.compile(rf"[\s()\[\]\-\u2010-\u2015\u2212{INVISIBLE}]+")
_NON_GEOGRAPHIC = "001"
# Eight digits tell the countries of every shared calling code apart, seven do not.
_PREFIX = 8
_LONGEST = 15
_POWERS = 10 ** np.arange(_LONGEST + 1, dtype=np.int64)
_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost"),
    *("personal_number", "voip", "pager", "uan", "voicemail"),
)

_SHOWN = 3
# A digit as itself, or as JSON, a URL or HTML escape it.
_DIGIT = (
    r"(?:\d|\\[ux](?:00)?3\d|\\u[fF]{2}1\d|%3\d|%[eE][fF]%[bB][cC]%9\d"
    r"|&#(?:4[89]|5[0-7]);|&#x3\d;)"
)
_URL = r"%[0-9A-Fa-f]{2}"
_BETWEEN = rf"(?:[ \u00a0\u202f()（）\[\]/.+\-\u2010-\u2015]|{_URL}){{1,3}}"
"""What may be between digits of a number that could be a date."""
_JOINED = (
    rf"(?:[^\S\t\r\n]|[()（）\[\]{{}}<>/.+\-_:*'\u2019\u2010-\u2015\u2212{INVISIBLE}]|{_URL}"
    r"|\\u[0-9A-Fa-f]{4}){1,3}"
)
"""What may be between digits of a number within a field: also blanks and brackets as escaped."""
_APART = rf"(?:[\s,;|:_*'\"()\[\]/+\-\u2212{INVISIBLE}]|\\[tnr]|{_URL}){{1,3}}"
"""What may be between digits of a number that field separators split: no decimal point."""
_CLOCK = (
    r"(?:[T ]|%20|\+){1,2}\d{1,2}(?::|%3[Aa])\d{2}"
    r"(?:(?::|%3[Aa])\d{2}(?:(?:\.\d{1,9}|,\d{1,6})(?!\d))?)?"
)
_OFFSET = r"(?:[ +\-](?:0\d|1[0-4]):?[0-5]\d(?!\d))?"
_ANY_DATE = r"(?:(?:19|20|21)\d\d[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d\d){1,2})"
_MONTH, _DAY = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = (
    rf"(?:20\d\d-{_MONTH}-{_DAY}|20\d\d/{_MONTH}/{_DAY}|20\d\d\.{_MONTH}\.{_DAY}"
    rf"|{_DAY}-{_DAY}-20\d\d|{_DAY}/{_DAY}/20\d\d|{_DAY}\.{_DAY}\.20\d\d)"
)
_HEX = "[0-9A-Fa-f]"
# DOMAIN.md section 6: a UUID and a decimal counter.
_ID = rf"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}(?:_\d{{1,9}})?"
_TIME = rf"{_ANY_DATE}{_CLOCK}{_OFFSET}(?!:?\d)"
_HOUR = r"\d{1,2}:[0-5]\d(?::[0-5]\d(?:(?:\.\d{1,9}|,\d{1,6})(?!\d))?)?(?!:?\d)"
_NUMBERS = re.compile(
    rf"(?P<other>(?<!\w)(?:{_ID}(?!\w)|{_TIME}|{_HOUR}|{_DATE}(?!(?:{_BETWEEN})?\d)))"
    rf"|{_DIGIT}(?:(?:{_JOINED}(?!{_TIME}))?{_DIGIT}){{6,}}"
    rf"|(?<![^\W_]){_DIGIT}(?:(?:{_APART}(?!{_TIME}|{_DATE}(?!\d)))?{_DIGIT}){{6,}}"
)
_TOKEN = re.compile(rf"(?P<digit>{_DIGIT})|{_URL}|\\u[0-9A-Fa-f]{{4}}")


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


def digits_of(text: object) -> int:
    """Return the number's digits as an integer, calling code first, or 0 where it is no number.

    >>> digits_of("00 62 812-3456-7890"), digits_of("0812 3456 7890")
    (6281234567890, 0)
    """
    if isinstance(text, str) and _E164.fullmatch(text):
        return int(text)
    return int(normalise(text) or 0)


def countries_of(numbers: Sequence[str]) -> list[str]:
    """Return the ISO code of each number's country, "" where it has none or is no number.

    The first eight digits alone decide, so a number of a wrong length still has its country; so
    Canada's seven digits +1 310 xxxx, which take no messages, pass for the United States'. Numbers
    are as `normalise` returns them; `country_index_of` does the same for a large array.

    >>> countries_of(["+77011234567", "+79161234567", "+80012345678"])
    ['KZ', 'RU', '']
    """
    countries: dict[str, str] = {}
    names = []
    for number in numbers:
        prefix = number[: _PREFIX + 1]
        country = countries.get(prefix)
        if country is None:
            country = countries[prefix] = _country_of_prefix(prefix)
        names.append(country)
    return names


def country_index_of(
    digits: npt.NDArray[np.int64],
) -> tuple[tuple[str, ...], npt.NDArray[np.uint8]]:
    """Return the countries that `countries_of` finds, each once, and which is each number's.

    Numbers are as `digits_of` returns them, one dimension; countries stand in the order of their
    first numbers. Raise a ValueError for a number below 0 or beyond 15 digits.

    >>> country_index_of(np.array([79161234567, 77011234567, 79161234568]))
    (('RU', 'KZ'), array([0, 1, 0], dtype=uint8))
    """
    if len(digits) and (digits.min() < 0 or digits.max() >= _POWERS[_LONGEST]):
        raise ValueError(f"digits must be >= 0 and have at most {_LONGEST} decimal places")
    size = np.searchsorted(_POWERS, digits, side="right")
    keys = digits // _POWERS[np.maximum(size - 3, 0)]
    # Three digits hold every calling code; only where countries share it are more looked at.
    open_ = np.flatnonzero(_is_shared()[keys])
    keys[open_] = digits[open_] // _POWERS[np.maximum(size[open_] - _PREFIX, 0)]
    different, first, which = np.unique(keys, return_index=True, return_inverse=True)
    country = countries_of([f"+{key}" for key in different.tolist()])
    index = {name: i for i, name in enumerate(dict.fromkeys(country[i] for i in first.argsort()))}
    return tuple(index), np.array([index[name] for name in country], dtype=np.uint8)[which]


@lru_cache(maxsize=1)
def _is_shared() -> npt.NDArray[np.bool_]:
    """Return for every three digits whether several countries share their calling code."""
    shared = [i > 99 and len(_regions_of(f"+{i}")[1]) > 1 for i in range(1000)]
    return np.array(shared)


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


def _country_of_shared_code(prefix: str, calling_code: int) -> str:
    """Return the country whose numbering plan knows *prefix*, filled up with zeros.

    Ranges that no plan knows (reserved for films, or newer than the plans) are those of the code's
    main country, but for +1, which 25 countries share by ranges of their own.
    """
    pattern, lengths = _plan(calling_code)
    national = prefix[1 + len(str(calling_code)) :]
    for size in lengths:
        match = pattern.match(national.ljust(size, "0"))
        if match:
            return str(match.lastgroup)
    return "" if calling_code == 1 else _regions_of(prefix)[1][0]


@lru_cache(maxsize=32)
def _plan(calling_code: int) -> tuple[re.Pattern[str], tuple[int, ...]]:
    """Return a pattern with a group for each country, and the lengths of national numbers.

    Mobile lengths come first. One pattern is ten times as fast as asking phonenumbers for each
    number, and says the same: the first country whose leading digits or plan match.
    """
    import phonenumbers

    groups: list[str] = []
    lengths: list[int] = []
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[calling_code]:
        plan = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
        if plan is None:
            continue
        leading = plan.leading_digits or _whole_numbers(plan)
        groups.append(f"(?P<{region}>{leading})")
        for numbers in filter(None, (plan.mobile, plan.general_desc)):
            lengths.extend(size for size in numbers.possible_length if size > 0)
    return re.compile("|".join(groups)), tuple(dict.fromkeys(lengths))


def _whole_numbers(plan: PhoneMetadata) -> str:
    """Return the pattern of the plan's complete national numbers of any kind."""
    patterns = [_pattern(getattr(plan, name)) for name in _KINDS]
    anywhere = "|".join(pattern for pattern in patterns if pattern)
    return rf"(?=(?:{_pattern(plan.general_desc)})\Z)(?:{anywhere})\Z"


def _pattern(numbers: PhoneNumberDesc | None) -> str:
    return (numbers.national_number_pattern if numbers else None) or ""


# Number control: rules that block numbers by how they begin (DOMAIN.md section 5).


def matches(pattern: str, number: str) -> bool:
    """Return whether *number*, digits with the country code and no plus, begins as *pattern* says.

    >>> matches("6281*5", "628125000000")
    True
    """
    return len(number) >= len(pattern) and _agree(pattern, number)


def is_told_by(pattern: str, beginning: str) -> bool:
    """Return whether the *beginning* of numbers alone says if they match *pattern*.

    It does not if it is shorter than the pattern and agrees with it as far as it goes.
    """
    return len(beginning) >= len(pattern) or not _agree(pattern, beginning)


def blocks(rules: Iterable[tuple[str, str]], number: str) -> bool:
    """Return whether *rules*, pairs of action and pattern, block a number: allow wins over deny."""
    actions = {action for action, pattern in rules if matches(pattern, number)}
    return actions == {"deny"}


def _agree(pattern: str, digits: str) -> bool:
    return all(p in ("*", d) for p, d in zip(pattern, digits, strict=False))


# Phone numbers in texts that people are shown: all but their first digits as "*".


def masked(text: str) -> str:
    """Return *text* with all but the first 3 digits of every phone number as "*".

    What has 7 digits or more, together or apart by up to 3 blanks, marks or brackets, escaped or
    not, is taken for one; dates, times and ids of messages (DOMAIN.md section 6) are none.

    >>> masked("to 62 812-3456-7890 at 2026-05-01 10:00:05")
    'to 62 8**-****-**** at 2026-05-01 10:00:05'
    """
    return _NUMBERS.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    if match["other"]:
        return match[0]
    seen = 0

    def masked_digit(token: re.Match[str]) -> str:
        nonlocal seen
        if not token["digit"]:
            return token[0]
        seen += 1
        return token[0] if seen <= _SHOWN else "*"

    return _TOKEN.sub(masked_digit, match[0])
