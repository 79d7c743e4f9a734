"""Markdown: numbers without a digit lost, tables, and texts that cannot break either."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from smssim.scenario import Delay
from smssim.scenario.errors.problems import as_written

__all__ = [
    "counted",
    "delay",
    "fenced",
    "listed",
    "number",
    "plain",
    "table",
    "unwrapped",
    "value_text",
]

_MARKUP = str.maketrans({c: f"\\{c}" for c in "\\`*[]<>|#~$"})

_ALIKE = 7
"""Equal values in a row that are shown as one."""


def plain(text: str) -> str:
    """A user's text as Markdown that shows it as it is, on one line."""
    printable = "".join(c if c.isprintable() else "?" for c in text.replace("\n", " "))
    return printable.translate(_MARKUP)


def number(value: float) -> str:
    """A number with thousands separators and all of its digits.

    >>> number(350_000), number(0.35), number(5_400.0), number(1234567.891)
    ('350,000', '0.35', '5,400', '1,234,567.891')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return f"{value:,}"


def value_text(value: Any) -> str:
    """A value of a scenario, whatever it is, with all that is in it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Delay):
        points = (f"{number(share)} within {number(at)} s" for share, at in value.curve or ())
        return ": ".join(filter(None, [delay(value), ", ".join(points)]))
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, datetime | date):
        return as_written(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(str(key))}: {value_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        if len(value) >= _ALIKE and len(set(value)) == 1:
            return f"{number(len(value))} times {value_text(value[0])}"
        return ", ".join(map(value_text, value))
    return plain(str(value))


def delay(value: Delay) -> str:
    """A duration or its distribution, in seconds."""
    if value.fixed_s is not None:
        return f"{number(value.fixed_s)} s"
    if value.uniform_s is not None:
        low, high = map(number, value.uniform_s)
        return f"uniform from {low} s to {high} s"
    if value.exponential_s is not None:
        return f"exponential with mean {number(value.exponential_s)} s"
    if value.curve is not None:
        return (
            f"a curve of {len(value.curve)} points, median {number(round(value.median_s(), 3))} s"
        )
    assert value.lognormal_s is not None
    text = f"log-normal, median {number(value.lognormal_s.median)} s"
    text += f", 95th percentile {number(value.lognormal_s.p95)} s"
    slow = value.slow
    if slow is not None:
        text += f"; a share of {number(slow.share)} log-normal, median {number(slow.median)} s"
        text += f", 95th percentile {number(slow.p95)} s"
    return text


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The lines of a table; its cells are Markdown already."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(header)} |", "|" + " --- |" * len(header), *lines])


def unwrapped(text: str) -> str:
    """The text with each paragraph and each item of a list on one line, as editors wrap by
    themselves, and one blank line between blocks; tables and fenced text stay as they are.
    """
    lines: list[str] = []
    within_fence = False
    for line in text.splitlines():
        fence = line.startswith("```")
        verbatim = within_fence or fence or line.startswith(("|", "#", "- "))
        within_fence ^= fence
        if not line and lines[-1:] == [""]:
            continue
        if line and lines and lines[-1] and not verbatim and _continues(lines[-1]):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _continues(line: str) -> bool:
    return not line.startswith(("|", "#", "```"))


def fenced(text: str, language: str) -> str:
    """A text of any content, verbatim."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def listed(names: Iterable[str]) -> str:
    """Names in one phrase: "a, b and c"."""
    *most, last = [plain(name) for name in names] or ["none"]
    return f"{', '.join(most)} and {last}" if most else last


def counted(n: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "template"), counted(2_000, "template")
    ('1 template', '2,000 templates')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"
