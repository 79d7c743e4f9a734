"""The variables and links of a text, and the finding of a broken rule at its place.

Older: ``${TXT_n}``, ``${NUM_n}``, ``${DATE}``, ``${TIME}``; newer: ``${1}`` and so on,
``${PHONE}``, ``${CHARDIGIT}``, ``${DATETIME}``, ``${MONEY}``, ``${TEXT}`` (DOMAIN.md section 3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CODES",
    "INFERENCE",
    "LENGTH",
    "MAINLAND",
    "REGISTRATION",
    "REVIEW",
    "SHORT_HOSTS",
    "SPECIFICATION",
    "Finding",
    "Link",
    "Severity",
    "Variable",
    "finding",
    "fixed_text",
    "links",
    "read_variables",
    "sorted_by_place",
    "stray_braces",
]

Severity = Literal["error", "warning"]

SPECIFICATION = "[I] sms_faq_0003, sms_faq_0076"
REVIEW = "[I] sms_faq_0076"
LENGTH = "[I] sms_01_0001"
CODES = "[I] sms_05_0051"
REGISTRATION = "[I] phone_numbers.html"
MAINLAND = "[CN]"
INFERENCE = "[INFERENCE]"

_LONGEST_EXCERPT = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule at ``text[start:end]``, which is the whole text if it is about all of it.

    An error breaks what the international site states today; a warning is given where sources
    differ, where only another site says so, or where a person has to look.
    """

    rule: str
    """Short name of the rule, the same in every version."""
    message: str
    """The value, the rule and its source, for people."""
    start: int
    end: int
    severity: Severity
    source: str
    """The source's tag and page, as in DOMAIN.md."""

    def __str__(self) -> str:
        return f"{self.severity} {self.rule}: {self.message}"


def finding(
    rule: str,
    text: str,
    span: tuple[int, int],
    must: str,
    source: str,
    severity: Severity = "error",
) -> Finding:
    """Return a finding whose message shows the span of *text* and what it *must* be.

    A long excerpt is cut in the message, not in the finding.
    """
    start, end = span
    excerpt = text[start:end]
    if len(excerpt) > _LONGEST_EXCERPT:
        excerpt = excerpt[:_LONGEST_EXCERPT] + "..."
    message = f"text[{start}:{end}](={excerpt!r}) {must} ({source})"
    return Finding(rule, message, start, end, severity, source)


def sorted_by_place(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return *findings* in the order of the text: by start, then by end.

    Those of one span are ordered by their rule.
    """
    return tuple(sorted(findings, key=lambda item: (item.start, item.end, item.rule)))


_VariableType = Literal[
    "TXT", "NUM", "DATE", "TIME", "numbered", "PHONE", "CHARDIGIT", "DATETIME", "MONEY", "TEXT", ""
]

_LONGEST_VALUE = 20
_OLDER: dict[str, _VariableType] = {"TXT": "TXT", "NUM": "NUM", "DATE": "DATE", "TIME": "TIME"}
_NEWER: dict[str, _VariableType] = {
    "PHONE": "PHONE",
    "CHARDIGIT": "CHARDIGIT",
    "DATETIME": "DATETIME",
    "MONEY": "MONEY",
    "TEXT": "TEXT",
}
_SIZED = re.compile(r"(TXT|NUM)_([1-9][0-9]?)")
_NUMBERED = re.compile(r"[1-9][0-9]*")
_TOKEN = re.compile(r"\$\{([^{}]*)\}|\$\{|\{[^{}]*\}|[{}]")
# A character that is no letter, digit or space, so that words on both sides stay apart.
_NOTHING = "\0"

_LINK_CHARACTERS = r"[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%{}]*"
_LABEL = r"(?:[A-Za-z0-9-]|\$\{[^{}]*\})+"
_TOP = (
    "(?i:com|net|org|info|biz|edu|gov|app|dev|xyz|top|shop|site|online|link|club|vip)"
    "|io|co|cc|ly|me|tv|ae|cn|hk|id|my|ph|sa|sg|th|tw|uk|us|vn"
)
_LINK = re.compile(
    rf"(?i:https?|ftp)://{_LINK_CHARACTERS}"
    r"|(?<![A-Za-z0-9@.}-])"
    rf"(?:(?i:www)\.(?=[A-Za-z0-9$]){_LINK_CHARACTERS}"
    rf"|(?:{_LABEL}\.)+(?:[A-Za-z]{{2,}}/{_LINK_CHARACTERS}"
    rf"|(?:{_TOP})(?![A-Za-z0-9-])(?:[:?#]{_LINK_CHARACTERS})?))"
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
class Variable:
    """A variable at ``text[start:end]``; its type is "" where the name is not recognised.

    `most` is the greatest number of characters of a ``${TXT_n}`` or ``${NUM_n}``, otherwise None.
    """

    name: str
    start: int
    end: int
    type: _VariableType
    most: int | None = None

    @property
    def syntax(self) -> Literal["older", "newer", ""]:
        """The syntax it is written in, "" where the name is not recognised."""
        if not self.type:
            return ""
        return "older" if self.type in _OLDER else "newer"


def read_variables(text: str) -> tuple[Variable, ...]:
    """Return the closed variables of *text* in their order, those of unknown names included.

    >>> [(v.name, v.type, v.most) for v in read_variables("${NUM_6} of ${DATE}, ${TXT_21}")]
    [('NUM_6', 'NUM', 6), ('DATE', 'DATE', None), ('TXT_21', '', None)]
    """
    return tuple(
        _variable(match[1], match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if match[1] is not None
    )


def stray_braces(text: str) -> tuple[tuple[int, int], ...]:
    """Return the spans of braces that make no variable: unclosed, alone, or without the dollar.

    Spans are (start, end) in *text*.
    """
    return tuple(match.span() for match in _TOKEN.finditer(text) if match[1] is None)


def fixed_text(text: str, variables: tuple[Variable, ...]) -> str:
    """Return *text* with every character of its *variables* blanked out.

    Positions stay the same, and no word reaches across a variable.
    """
    for variable in variables:
        blot = _NOTHING * (variable.end - variable.start)
        text = text[: variable.start] + blot + text[variable.end :]
    return text


def _variable(name: str, start: int, end: int) -> Variable:
    if sized := _SIZED.fullmatch(name):
        most = int(sized[2])
        if most <= _LONGEST_VALUE:
            return Variable(name, start, end, _OLDER[sized[1]], most)
        return Variable(name, start, end, "")
    if name in ("DATE", "TIME"):
        return Variable(name, start, end, _OLDER[name])
    if _NUMBERED.fullmatch(name):
        return Variable(name, start, end, "numbered")
    return Variable(name, start, end, _NEWER.get(name, ""))


@dataclass(frozen=True, slots=True)
class Link:
    """A link at ``text[start:end]``, verbatim.

    Punctuation that ends the sentence around it does not belong to it.
    """

    url: str
    start: int
    end: int

    @property
    def is_short(self) -> bool:
        """Whether its host is one that shortens links."""
        match = _HOST.match(self.url)
        return match is not None and match[1].lower() in SHORT_HOSTS

    @property
    def leads_on(self) -> bool:
        """Whether it carries another link, to which it redirects."""
        return _LEADS_ON.search(self.url, 1) is not None


def links(text: str) -> tuple[Link, ...]:
    """Return the links of *text* in their order.

    >>> [link.url for link in links("See example.com/a, or www.example.org.")]
    ['example.com/a', 'www.example.org']
    """
    found_links = []
    for match in _LINK.finditer(text):
        url = match[0].rstrip(_SENTENCE_ENDS)
        found_links.append(Link(url, match.start(), match.start() + len(url)))
    return tuple(found_links)
