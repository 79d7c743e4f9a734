"""How times are written: a text, or a format that a person gives, tells the form.

Forms are those of docs/logs.md section 2; a format is one of `strptime`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from smssim.logs.columns.forms import Digits, Form
from smssim.logs.columns.zones import offset_s

_HALF = r"(?P<{}>上午|下午|[AaPp]\.?[Mm]\.?)?[ ]*"
_CLOCK = (
    _HALF.format("before")
    + r"(?:(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,6}))?)?"
    + r"|(?P<h>\d{1,2})[时点](?P<n>\d{1,2})分(?:(?P<s>\d{1,2})秒)?)[ ]*"
    + _HALF.format("after")
)
_OFFSET = r"(?P<z>[Zz]|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)?"
_YEAR_FIRST = r"(?P<Y>\d{4})(?:(?P<p>[-/.])(?P<m>\d{1,2})(?P=p)|年[ ]*(?P<k>\d{1,2})月[ ]*)"
_YEAR_FIRST += r"(?P<d>\d{1,2})[日号]?(?:[ \t]+(?:T[ \t]*)?|T[ \t]*|(?<=[日号]))"
_YEAR_LAST = r"(?P<a>\d{1,2})(?P<q>[-/.])(?P<b>\d{1,2})(?P=q)(?P<W>\d{4})(?:[ \t]+|T|,[ ]*)"
_SHOWN = re.compile(rf"(?:{_YEAR_FIRST}|{_YEAR_LAST}){_CLOCK}{_OFFSET}", re.ASCII)
_SAME = {"h": "H", "n": "M", "s": "S", "k": "m", "W": "Y"}
_LONGEST = 64
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "f": r"(?P<f>\d{1,6})",
    "p": r"(?P<after>上午|下午|[AaPp]\.?[Mm]\.?)",
    "z": r"(?P<z>[Zz]|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)",
    "b": "(?P<word>(?i:" + "|".join(_MONTHS) + "))",
    "B": "(?P<word>(?i:" + "|".join(_LONG_MONTHS) + "))",
    "%": "%",
}


Reader = Callable[[str], Form | None]


@lru_cache(maxsize=64)
def reader_of(form: str | None = None) -> Reader:
    """What tells the form of a text, of those of docs/logs.md or of one `strptime` format.

    Raise a ValueError for a format with a directive that is not read, or without a whole time.
    """
    pattern = _SHOWN if form is None else _pattern(form)

    def read(text: str) -> Form | None:
        found = pattern.fullmatch(text) if len(text) <= _LONGEST else None
        return _form(text, found) if found else None

    return read


def _pattern(form: str) -> re.Pattern[str]:
    parts, known = [], ", ".join(f"%{name}" for name in _DIRECTIVES if name != "%")
    for plain, directive in re.findall(r"([^%]+)|%(.?)", form, re.DOTALL):
        if not plain and directive not in _DIRECTIVES:
            raise ValueError(f"format(={form!r}) must be of {known}")
        parts.append(re.escape(plain) if plain else _DIRECTIVES[directive])
    try:
        pattern = re.compile("".join(parts), re.ASCII)
    except re.error:
        raise ValueError(f"format(={form!r}) must hold every directive once") from None
    held = pattern.groupindex
    date_ = ("Y" in held or "y" in held) and ("m" in held or "word" in held) and "d" in held
    if not date_ or "H" not in held or "M" not in held:
        raise ValueError(f"format(={form!r}) must hold year, month, day, hour and minute")
    if ("%I" in form) != ("after" in held):
        raise ValueError(f"format(={form!r}) must have %I with %p, or %H")
    return pattern


def _form(text: str, found: re.Match[str]) -> Form | None:
    groups = {name: value for name, value in found.groupdict().items() if value is not None}
    digits: list[Digits] = []
    for name, value in groups.items():
        if name in ("p", "q", "z", "before", "after", "word"):
            continue
        at = len(text[: found.start(name)].encode())
        digits += _digits(_SAME.get(name, name), at, len(value))
    raw = text.encode()
    offset = None
    if "z" in groups:
        offset = offset_s(groups["z"])
        if offset is None:
            return None
    half = -1
    marks = [groups[name] for name in ("before", "after") if name in groups]
    if len(marks) > 1:
        return None
    if marks:
        half = 12 if marks[0][0] in "下Pp" else 0
    month = _MONTHS.index(groups["word"][:3].lower()) + 1 if "word" in groups else 0
    return Form(len(raw), _words(raw, digits), tuple(digits), offset, half, month)


def _digits(of: str, at: int, size: int) -> list[Digits]:
    if of == "Y":
        return [Digits("c", at, 2), Digits("y", at + 2, 2)]
    if of != "f":
        return [Digits(of, at, size)]
    pairs = range(0, size, 2)
    return [Digits(f"f{10 ** (6 - i - min(2, size - i))}", at + i, min(2, size - i)) for i in pairs]


def _words(raw: bytes, digits: list[Digits]) -> tuple[tuple[int, int, int], ...]:
    """For each word of a text its bytes that are fixed, what they are, and which are digits."""
    free = {digit.byte + i for digit in digits for i in range(digit.size)}
    words = []
    for begin in range(0, len(raw), 8):
        fixed = wanted = digit = 0
        for i, byte in enumerate(raw[begin : begin + 8]):
            if begin + i in free:
                digit |= 0xFF << (8 * i)
                fixed |= 0xF0 << (8 * i)
                wanted |= 0x30 << (8 * i)
            else:
                fixed |= 0xFF << (8 * i)
                wanted |= byte << (8 * i)
        words.append((fixed, wanted, digit))
    return tuple(words)
