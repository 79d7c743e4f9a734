"""The difference of two plans for people and for programs: as text, as a table, as plain data."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from smssim.checks import card as cards
from smssim.checks.difference import Difference, PromiseDifference
from smssim.checks.export import plain as plain_checked
from smssim.checks.text import about, headline, story_lines
from smssim.checks.verdict import Verdict
from smssim.checks.words import OUTCOMES, promise, span, statistic
from smssim.formatting import columns, count, page, section, wrapped
from smssim.scenario.diff import ABSENT
from smssim.stats.intervals import Interval

_HEADER = ("old", "new", "before", "after", "change", "low to high", "months")
_ALIGN = "llrrrlr"
MOST = 20
"""Changed paths that the text shows."""


def told(found: Difference) -> str:
    """What changed, what that does to each promise, and a story of each promise that the new plan
    does not keep.
    """
    lines = [*wrapped(headline(found.new), 2), *wrapped(f"before: {headline(found.old)}", 2)]
    lines += about(found.new)
    lines += section("What changed", changed(found))
    lines += ["", "The same months of both; change: new less old, low to high is 95 % sure"]
    header, *shown = columns(_HEADER, [_cells(own) for own in found.promises], _ALIGN)
    lines.append(f"  {header}")
    for own, row in zip(found.promises, shown, strict=True):
        lines += [*wrapped(f"{own.name}: {_promised(own)}"), f"  {row}"]
        lines += [f"  {line}" for line in wrapped(own.note, 2)]
    for verdict in found.new.verdicts:
        lines += story_lines(found.new, verdict)
    return page(lines)


def changed(found: Difference) -> list[str]:
    """The paths that differ, a line each, the first few of many."""
    lines = [part for own in found.changes[:MOST] for part in wrapped(str(own))]
    more = len(found.changes) - MOST
    lines += [f"... and {more:,} more"] if more > 0 else []
    if not lines:
        same = found.old.scenario.digest() == found.new.scenario.digest()
        return ["nothing" if same else "a secret, or an order or a file of a group task"]
    return lines


def plain(found: Difference) -> dict[str, Any]:
    """All of it as plain data, for JSON."""
    return {
        "old": plain_checked(found.old),
        "new": plain_checked(found.new),
        "promises": [row_of(own) for own in found.promises],
        "changes": [
            {
                "path": own.path,
                "old": None if own.old is ABSENT else own.old,
                "new": None if own.new is ABSENT else own.new,
            }
            for own in found.changes
        ],
    }


def row_of(own: PromiseDifference) -> dict[str, Any]:
    """One promise as a row."""
    return {
        "name": own.name,
        "unit": own.unit,
        "old": "" if own.old is None else own.old.outcome,
        "new": "" if own.new is None else own.new.outcome,
        "months": own.months,
        "before": own.before,
        "after": own.after,
        "change": own.change.estimate,
        "low": own.change.low,
        "high": own.change.high,
        "note": own.note,
    }


def card(found: Difference) -> str:
    """A row a promise, under what the text begins with."""
    rows = [[own.name, _promised(own), *_cells(own), own.note] for own in found.promises]
    lines = [headline(found.new), f"before: {headline(found.old)}", *changed(found)]
    header = ("promise", "", *_HEADER, "note")
    return cards.table("<br>".join(map(escape, lines)), header, rows)


def _cells(own: PromiseDifference) -> list[str]:
    return [
        _outcome(own.old),
        _outcome(own.new),
        statistic(own.before),
        statistic(own.after),
        *(_change(own.change) if own.months else ("-", "-")),
        count(own.months) if own.months else "-",
    ]


def _change(change: Interval) -> tuple[str, str]:
    """A difference with its interval; there is none to or from what never comes about."""
    if not math.isfinite(change.estimate):
        return "-", "not known"
    return statistic(change.estimate), span(change.low, change.high)


def _outcome(verdict: Verdict | None) -> str:
    return "-" if verdict is None else OUTCOMES[verdict.outcome]


def _promised(own: PromiseDifference) -> str:
    verdict = own.new or own.old
    return "" if verdict is None else promise(verdict.check, own.unit)
