"""How many segments a text is: the unit that is sent, deducted and charged.

Lengths are those of Huawei's page "SMS Length Calculation" (DOMAIN.md section 3), the alphabet
is the default alphabet of 3GPP TS 23.038.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Counting = Literal["huawei", "3gpp"]

GSM7_SINGLE, GSM7_PART = 160, 153
OTHER_SINGLE, OTHER_PART = 70, 67

GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")

_GSM7 = GSM7_BASIC | GSM7_EXTENSION
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_LAST_OF_PLANE_0 = 0xFFFF


def is_gsm7(text: str) -> bool:
    """Return whether every character of *text* is in the GSM-7 alphabet or its extension.

    One character outside makes the whole text a 70/67 text (DOMAIN.md section 3).
    """
    return _GSM7.issuperset(text)


def length(text: str, counting: Counting = "huawei") -> int:
    """Return the length of *text* in the units its segments are cut by.

    GSM-7 counts septets, an extension character being two (not found in Huawei's documents, an
    assumption); other texts count characters under "huawei" and UTF-16 units under "3gpp".
    """
    _check_counting(counting)
    if is_gsm7(text):
        return len(text) + sum(map(text.count, GSM7_EXTENSION))
    if counting == "huawei":
        return len(text)
    return len(text) + sum(ord(character) > _LAST_OF_PLANE_0 for character in text)


def segments(text: str, counting: Counting = "huawei") -> int:
    """Return the number of segments of *text*: 160 or 153 a part in GSM-7, otherwise 70 or 67.

    Neither an escape pair nor, under "3gpp", a surrogate pair is split between two parts; an
    empty text is one segment. Raise a ValueError for an unknown *counting*.
    """
    units = length(text, counting)
    gsm7 = is_gsm7(text)
    single, part = (GSM7_SINGLE, GSM7_PART) if gsm7 else (OTHER_SINGLE, OTHER_PART)
    if units <= single:
        return 1
    if units == len(text):
        return -(-units // part)
    return _parts_of_pairs(text, part, gsm7)


def _parts_of_pairs(text: str, part: int, gsm7: bool) -> int:
    """Fill parts one after the other, moving a pair that does not fit to the next part."""
    parts, used = 1, 0
    for character in text:
        wide = character in GSM7_EXTENSION if gsm7 else ord(character) > _LAST_OF_PLANE_0
        units = 2 if wide else 1
        if used + units > part:
            parts, used = parts + 1, 0
        used += units
    return parts


def filled(text: str, lengths: Mapping[str, int]) -> str:
    """Return the template *text* with every ``${NAME}`` replaced by ``lengths[NAME]`` digits.

    A variable counts with its real length (DOMAIN.md section 3). Raise a ValueError for a
    variable without a length and for a negative length.
    """

    def digits(found: re.Match[str]) -> str:
        name = found[1]
        if name not in lengths:
            raise ValueError(f"variable(={found[0]}) must be one of {sorted(lengths)}")
        if lengths[name] < 0:
            raise ValueError(f"lengths[{name!r}](={lengths[name]}) must be >= 0")
        return "0" * lengths[name]

    return _VARIABLE.sub(digits, text)


def _check_counting(counting: str) -> None:
    if counting not in ("huawei", "3gpp"):
        raise ValueError(f"counting(={counting!r}) must be 'huawei' or '3gpp'")
