"""A delivery report, and the push that brings it to the customer's server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smssim.stats.keyed_random import PHI, mix64

__all__ = ["Push", "Report"]


@dataclass(slots=True)
class Push:
    """One report or a batch of them, sent at once, and again until the server answers."""

    word: int
    """The random word that its attempts' marks are made of."""
    state: str = "pending"
    attempts: int = 0
    deliveries: int = 0
    received_at: int | None = None

    def mark(self, number: int) -> int:
        """A random word of its own for each thing that can go wrong with an attempt."""
        return mix64(self.word + PHI * number)


@dataclass(slots=True)
class Report:
    """The report of one segment of a message; it has no push until its batch is closed."""

    row: int
    part: int
    push: Push | None = None

    def as_row(self) -> tuple[Any, ...]:
        """Its row in the table of reports."""
        push = self.push or Push(0)
        return (
            self.row,
            self.part,
            push.state,
            push.attempts,
            push.deliveries,
            push.received_at,
        )
