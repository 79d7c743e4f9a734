"""Headings: compared without what differs from export to export, and the zone one may name.

A heading's brackets hold units and zones, which are no part of its name.
"""

from __future__ import annotations

import re
import unicodedata

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|【[^【】]*】|〔[^〔〕]*〕")
_IGNORED = re.compile(r"[\s_\-()\[\]{}【】〔〕\ufeff\u200b'\"]+")
_ZONE = re.compile(
    r"(?<![a-z])(?:utc|gmt)(?:\s*[+-]\s*\d{1,2}(?::?\d{2})?(?!\d))?(?![a-z])"
    r"|(?<![\d:])[+-]\d{2}:\d{2}(?!\d)"
    r"|(?<![a-z])(?:africa|america|antarctica|arctic|asia|atlantic|australia|europe|indian|pacific)"
    r"(?:/[a-z_+\-]+)+|北京时间|beijing time|世界时|协调世界时",
    re.IGNORECASE,
)
_CALLED = {"北京时间": "+08:00", "beijing time": "+08:00", "世界时": "UTC", "协调世界时": "UTC"}


def plain(heading: str) -> str:
    """The heading in small letters, without its zone, brackets, blanks, "_" and "-".

    >>> plain("Send Time (UTC+8)"), plain("send_time"), plain("Country/Region")
    ('sendtime', 'sendtime', 'country/region')
    """
    text = _ZONE.sub("", unicodedata.normalize("NFKC", heading))
    bare, before = text, ""
    while bare != before:
        before, bare = bare, _BRACKETS.sub("", bare)
    return _IGNORED.sub("", bare).casefold()


def zone_of(heading: str) -> str | None:
    """The zone that a heading names, as `zones.zone` takes it, or None.

    >>> zone_of("Send Time (UTC+8)"), zone_of("发送时间（北京时间）"), zone_of("time")
    ('UTC+8', '+08:00', None)
    """
    found = _ZONE.search(unicodedata.normalize("NFKC", heading))
    return _CALLED.get(found[0].lower(), found[0].replace(" ", "")) if found else None
