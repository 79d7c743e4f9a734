"""Links in a text: where they stand, and which are short or lead on to another.

Assumption: a link begins with a scheme or www., or is a bare host that has a path or a common
top-level domain; the hosts of short links are the well-known ones of this file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CHARACTERS = r"[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%{}]*"
_LABEL = r"(?:[A-Za-z0-9-]|\$\{[^{}]*\})+"
_TOP = (
    "(?i:com|net|org|info|biz|edu|gov|app|dev|xyz|top|shop|site|online|link|club|vip)"
    "|io|co|cc|ly|me|tv|ae|cn|hk|id|my|ph|sa|sg|th|tw|uk|us|vn"
)
_LINK = re.compile(
    rf"(?i:https?|ftp)://{_CHARACTERS}"
    r"|(?<![A-Za-z0-9@.}-])"
    rf"(?:(?i:www)\.(?=[A-Za-z0-9$]){_CHARACTERS}"
    rf"|(?:{_LABEL}\.)+(?:[A-Za-z]{{2,}}/{_CHARACTERS}"
    rf"|(?:{_TOP})(?![A-Za-z0-9-])(?:[:?#]{_CHARACTERS})?))"
)
_SENTENCE_ENDS = ".,;:!?)'"
_HOST = re.compile(r"(?:[a-z]+://)?(?:www\.)?([^/:?#]*)", re.IGNORECASE)
_LEADS_ON = re.compile(r"https?(?:://|%3a)", re.IGNORECASE)

SHORT_HOSTS = frozenset(
    {
        *("bit.ly", "t.co", "goo.gl", "tinyurl.com", "is.gd", "ow.ly", "buff.ly", "rb.gy"),
        *("cutt.ly", "t.ly", "rebrand.ly", "tiny.cc", "shorturl.at", "s.id"),
        *("t.cn", "url.cn", "dwz.cn", "suo.im"),
    }
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it stands at ``text[start:end]``.

    Punctuation that ends the sentence around it is no part of it.
    """

    url: str
    start: int
    end: int

    @property
    def is_short(self) -> bool:
        """Whether its host is one that shortens links."""
        found = _HOST.match(self.url)
        return found is not None and found[1].lower() in SHORT_HOSTS

    @property
    def leads_on(self) -> bool:
        """Whether it carries another link, to which it redirects."""
        return _LEADS_ON.search(self.url, 1) is not None


def links(text: str) -> tuple[Link, ...]:
    """Return the links of *text* in their order.

    >>> [link.url for link in links("See example.com/a, or www.example.org.")]
    ['example.com/a', 'www.example.org']
    """
    found = []
    for match in _LINK.finditer(text):
        url = match[0].rstrip(_SENTENCE_ENDS)
        found.append(Link(url, match.start(), match.start() + len(url)))
    return tuple(found)
