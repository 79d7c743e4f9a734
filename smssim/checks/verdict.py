"""A verdict: whether a promise is kept, broken or open, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from smssim.scenario import Check

Outcome = Literal["pass", "fail", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """What *runs* months tell of a promise.

    *low* and *high* are the bounds of the statistic that are certain at the risks of the check;
    *share* of the months break the bound by themselves, with Wilson's 95 % interval, those of the
    replications *broken*. *note* says why it cannot be decided, or what to think of the verdict.
    """

    check: Check
    outcome: Outcome
    runs: int
    estimate: float
    low: float
    high: float
    share: float
    share_low: float
    share_high: float
    broken: tuple[int, ...]
    note: str = ""

    @property
    def by(self) -> float:
        """How far the estimate is beyond the bound, in the metric's unit; negative if within."""
        beyond = self.estimate - self.check.bound
        # Never -0.0.
        return (beyond if self.check.above is None else -beyond) + 0.0

    @property
    def settled(self) -> bool:
        """Whether more months change nothing."""
        return self.outcome != "undecided" or bool(self.note)
