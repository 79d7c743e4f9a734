"""Number control: rules that block numbers by how they begin (DOMAIN.md section 5).

A pattern is digits and `*`, any one digit, country code first; it matches numbers that begin so.
"""

from __future__ import annotations

from collections.abc import Iterable


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
