"""How many segments a text is: the unit that is sent, deducted and charged.

Lengths are those of Huawei's page "SMS Length Calculation" (DOMAIN.md section 3), the alphabet
is the default alphabet of 3GPP TS 23.038.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "GSM7_BASIC",
    "GSM7_EXTENSION",
    "GSM7_PART",
    "GSM7_SINGLE",
    "OTHER_PART",
    "OTHER_SINGLE",
    "VARIABLE",
    "Counting",
    "check_counting",
    "filled",
    "is_gsm7",
    "length",
    "mainland_segments",
    "segments",
    "segments_of",
    "signed",
]

Counting = Literal["huawei", "3gpp"]

GSM7_SINGLE, GSM7_PART = 160, 153
OTHER_SINGLE, OTHER_PART = 70, 67

GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")

_GSM7 = GSM7_BASIC | GSM7_EXTENSION
VARIABLE = re.compile(r"\$\{([^{}]*)\}")
"""A variable of a template; its name is the group."""
_LAST_OF_PLANE_0 = 0xFFFF
_BASIC, _EXTENSION, _OTHER, _PAIR = range(4)
"""Classes of characters: a septet, two septets, one UTF-16 unit, two."""
# Blocks that stay in the processor's cache; larger ones took twice the time.
_BLOCK = 8192


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
    check_counting(counting)
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
    single, part_units = (GSM7_SINGLE, GSM7_PART) if gsm7 else (OTHER_SINGLE, OTHER_PART)
    if units <= single:
        return 1
    if units == len(text):
        return -(-units // part_units)
    return _parts_of_pairs(text, part_units, gsm7)


def _parts_of_pairs(text: str, part_units: int, gsm7: bool) -> int:
    """Fill parts one after the other, moving a pair that does not fit to the next part."""
    parts, used = 1, 0
    for character in text:
        wide = character in GSM7_EXTENSION if gsm7 else ord(character) > _LAST_OF_PLANE_0
        units = 2 if wide else 1
        if used + units > part_units:
            parts, used = parts + 1, 0
        used += units
    return parts


def segments_of(texts: Any, counting: Counting = "huawei") -> NDArray[np.int64]:
    """Return the number of segments of each of *texts*, exactly as `segments` counts them.

    Takes a list or tuple, a NumPy array, or a pandas or Arrow column. Raise a ValueError for
    what is not one column of texts, with the index of a missing one.

    >>> segments_of(["a" * 160, "a" * 161, "€" * 81]).tolist()
    [1, 2, 2]
    """
    check_counting(counting)
    column = getattr(texts, "array", texts)
    if isinstance(texts, str | bytes | Mapping) or not hasattr(column, "__getitem__"):
        raise ValueError(f"texts(={texts!r}) must be a column of texts")
    counts = np.ones(len(column), np.int64)
    for start in range(0, len(column), _BLOCK):
        block = np.asarray(column[start : start + _BLOCK], dtype=object).tolist()
        try:
            joined = "".join(block)
        except TypeError:
            index = next(k for k, text in enumerate(block) if not isinstance(text, str))
            message = f"texts[{start + index}](={block[index]!r}) must be a text"
            raise ValueError(message) from None
        counts[start : start + _BLOCK] = _segments_of_block(block, joined, counting)
    return counts


def _segments_of_block(texts: list[str], joined: str, counting: Counting) -> NDArray[np.int64]:
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    bounds = np.concatenate(([0], np.cumsum(sizes)))
    classes = _character_classes()[
        np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    ]

    def number_of(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.diff(np.searchsorted(np.flatnonzero(chosen), bounds))

    gsm7 = number_of(classes >= _OTHER) == 0
    pairs = number_of(classes == _PAIR) if counting == "3gpp" else np.zeros_like(sizes)
    wide = np.where(gsm7, number_of(classes == _EXTENSION), pairs)
    units = sizes + wide
    part_units = np.where(gsm7, GSM7_PART, OTHER_PART)
    counts = -(-units // part_units)
    # A pair that does not fit leaves one unit empty, so a part holds one less at the worst.
    unsure = np.flatnonzero((wide > 0) & (counts < -(-units // (part_units - 1))))
    for index in unsure.tolist():
        counts[index] = segments(texts[index], counting)
    counts[units <= np.where(gsm7, GSM7_SINGLE, OTHER_SINGLE)] = 1
    return counts


@cache
def _character_classes() -> NDArray[np.uint8]:
    """Return the class of every character by its code point."""
    classes = np.full(0x110000, _OTHER, np.uint8)
    classes[_LAST_OF_PLANE_0 + 1 :] = _PAIR
    classes[[ord(character) for character in GSM7_BASIC]] = _BASIC
    classes[[ord(character) for character in GSM7_EXTENSION]] = _EXTENSION
    return classes


def mainland_segments(text: str, signature: str) -> int:
    """Return the segments of *text* sent to mainland China with its *signature*.

    Whatever the alphabet, a part is 70 or 67 characters, and the signature counts with its
    brackets. Raise a ValueError for a signature that is empty or has brackets itself.

    >>> mainland_segments("a" * 66, "AB"), mainland_segments("a" * 67, "AB")
    (1, 2)
    """
    return segments(signed(text, signature))


def signed(text: str, signature: str) -> str:
    """Return *text* as mainland China gets it; the brackets are in no alphabet of 160 or 153.

    Raise a ValueError for a signature that is empty or has brackets itself.
    """
    if not signature or set("【】") & set(signature):
        raise ValueError(f"signature(={signature!r}) must be a name, without 【】")
    return f"【{signature}】{text}"


def filled(text: str, lengths: Mapping[str, int]) -> str:
    """Return the template *text* with every ``${NAME}`` replaced by ``lengths[NAME]`` digits.

    A variable counts with its real length (DOMAIN.md section 3). Raise a ValueError for a
    variable without a length and for a negative length.
    """

    def digits(variable: re.Match[str]) -> str:
        name = variable[1]
        if name not in lengths:
            raise ValueError(f"variable(={variable[0]}) must be one of {sorted(lengths)}")
        if lengths[name] < 0:
            raise ValueError(f"lengths[{name!r}](={lengths[name]}) must be >= 0")
        return "0" * lengths[name]

    return VARIABLE.sub(digits, text)


def check_counting(counting: str) -> None:
    """Refuse a *counting* that is neither Huawei's nor the standard's.

    Raise a ValueError that names both.
    """
    if counting not in ("huawei", "3gpp"):
        raise ValueError(f"counting(={counting!r}) must be 'huawei' or '3gpp'")
