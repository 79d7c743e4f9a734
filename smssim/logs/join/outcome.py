"""All parts of the keys together: the tallies of a log, its frames, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from smssim.logs.join.counting import Counting
from smssim.logs.join.facts import UNKNOWN, Facts, Names
from smssim.logs.join.resolve import CONDEMNED, REASONS, Resolved, resolve
from smssim.logs.join.rows import frames, in_sequence
from smssim.logs.join.spill import Spill

if TYPE_CHECKING:
    import pandas as pd

    from smssim.record.tallies import Tallies

KEPT = 100_000
"""Condemned records that are kept one by one; all are counted by reason."""


@dataclass(frozen=True)
class Outcome:
    """A log as far as its facts go: records in = *used* + condemned + *duplicates*.

    `condemned` holds the first of them by file, row and entry (`resolve.CONDEMNED`), `reasons`
    counts all. The observed period is in microseconds since 1970 UTC, 0 without any record used.
    """

    observed_from: int
    observed_until: int
    tallies: Tallies
    messages: pd.DataFrame | None
    reports: pd.DataFrame | None
    used: int
    duplicates: int
    condemned: Facts
    reasons: Counter[str]


def outcome(facts: Spill, names: Names, *, rows: bool = True, kept: int = KEPT) -> Outcome:
    """Resolve all facts; call it when all are added. *kept* bounds the condemned that are kept.

    The age of what is in flight needs the end of the record, which is known only when all is
    resolved: if the last time of all facts is not of a record that is used, it is counted again.
    """
    found, until = _Found(kept), facts.last if facts.last != UNKNOWN else 0
    counting = Counting(names, min(facts.first, until), until)
    parts = []
    for part in _resolved(facts, names):
        found.add(part)
        counting.add(part.messages, part.reports)
        if rows:
            parts.append((part.messages, part.reports))
    first, last = found.period()
    if last != until:
        counting = Counting(names, first, last)
        again = parts if rows else ((p.messages, p.reports) for p in _resolved(facts, names))
        for messages, reports in again:
            counting.add(messages, reports)
    frame = frames(*in_sequence(parts), names) if rows else None
    return Outcome(
        observed_from=first,
        observed_until=last,
        tallies=counting.tallies(),
        messages=frame and frame[0],
        reports=frame and frame[1],
        used=found.used,
        duplicates=found.duplicates,
        condemned=found.condemned(),
        reasons=found.reasons,
    )


def _resolved(facts: Spill, names: Names) -> Iterator[Resolved]:
    for sends, reports in facts.parts():
        yield resolve(sends, reports, names)


@dataclass
class _Found:
    """What the parts come to beside their messages and reports."""

    kept: int
    used: int = 0
    duplicates: int = 0
    first: int = 2**63 - 1
    last: int = UNKNOWN
    reasons: Counter[str] = field(default_factory=Counter)
    _condemned: list[Facts] = field(default_factory=list)

    def add(self, part: Resolved) -> None:
        self.used += part.used
        self.duplicates += part.duplicates
        self.first, self.last = min(self.first, part.first), max(self.last, part.last)
        counts = np.bincount(part.condemned["reason"], minlength=len(REASONS)).tolist()
        self.reasons.update({r: n for r, n in zip(REASONS, counts, strict=True) if n})
        self._condemned.append(part.condemned)
        if sum(map(len, self._condemned)) > 2 * self.kept:
            self._condemned = [self.condemned()]

    def condemned(self) -> Facts:
        """The first condemned records by file, row and entry."""
        found = np.concatenate(self._condemned or [np.empty(0, CONDEMNED)])
        return found[np.lexsort([found[n] for n in ("entry", "row", "file")])][: self.kept]

    def period(self) -> tuple[int, int]:
        return (self.first, self.last) if self.last != UNKNOWN else (0, 0)
