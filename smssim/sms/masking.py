"""Phone numbers in texts that people are shown: all but their first digits as "*".

What could be a number is taken for one, unless it is written as a time or as the service's own id.
"""

from __future__ import annotations

import re

_SHOWN = 3
_BETWEEN = r"(?:[ \u00a0\u202f()（）\[\]/.+\-\u2010-\u2015]|%[0-9A-Fa-f]{2}){1,3}"
"""What may stand between digits of a number: also blanks and brackets as a URL has them."""
_CLOCK = r"(?:[T ]|%20|\+){1,2}\d{1,2}(?::|%3[Aa])\d{2}(?:(?::|%3[Aa])\d{2}(?:[.,]\d{1,6}(?!\d))?)?"
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
_TIME = rf"{_ANY_DATE}{_CLOCK}{_OFFSET}(?!\d)"
_HOUR = r"\d{1,2}:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,6}(?!\d))?)?(?!\d)"
_FOUND = re.compile(
    rf"(?P<other>(?<!\w)(?:{_ID}(?!\w)|{_TIME}|{_HOUR}|{_DATE}(?!(?:{_BETWEEN})?\d)))"
    rf"|\d(?:(?:{_BETWEEN}(?!{_TIME}))?\d){{6,}}"
)
_DIGIT = re.compile(r"(%[0-9A-Fa-f]{2})|\d")


def masked(text: str) -> str:
    """Return *text* with all but the first 3 digits of every phone number as "*".

    Whatever has 7 digits or more, together or apart by blanks, brackets, points, slashes and
    hyphens, is taken for one; dates, times and ids of messages (DOMAIN.md section 6) are none.

    >>> masked("to 62 812-3456-7890 at 2026-05-01 10:00:05")
    'to 62 8**-****-**** at 2026-05-01 10:00:05'
    """
    return _FOUND.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    if found["other"]:
        return found[0]
    seen = 0

    def shown(digit: re.Match[str]) -> str:
        nonlocal seen
        if digit[1]:
            return digit[0]
        seen += 1
        return digit[0] if seen <= _SHOWN else "*"

    return _DIGIT.sub(shown, found[0])
