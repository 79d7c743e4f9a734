"""A finding of a template check: the broken rule, its span in the text, and its source.

Source tags are those of DOMAIN.md: [I] international site, [CN] mainland site.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
