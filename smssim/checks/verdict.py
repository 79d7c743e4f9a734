"""A verdict: whether a promise is kept, broken or open, and how certain that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from smssim.experiment.experiment import Experiment
from smssim.scenario import Check, Scenario
from smssim.simulation.policies.account_view import Policy

__all__ = ["NUMBERS", "CheckedScenario", "Outcome", "UndecidedPolicy", "Verdict"]

Outcome = Literal["pass", "fail", "undecided"]
UndecidedPolicy = Literal["fail", "pass"]
"""What a promise counts as that stayed undecided."""
NUMBERS = ("runs", "estimate", "low", "high", "by", "share", "share_low", "share_high")
"""The figures of a verdict."""


@dataclass(frozen=True)
class Verdict:
    """The verdict on a promise after *runs* months.

    *low* and *high* are the bounds of the statistic that are certain at the risks of the check;
    *share* of the months break the bound by themselves, with Wilson's 95% interval, those of the
    replications *broken*. *note* has the reason why it cannot be decided, or a caution.
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


@dataclass(frozen=True, repr=False)
class CheckedScenario:
    """The verdicts of a scenario's checks in their order, and the experiment that led to them.

    *file* is the scenario's, as its user called it, None if it came from none; *policies* are those
    that the months were run with.
    """

    scenario: Scenario
    verdicts: Sequence[Verdict]
    experiment: Experiment
    file: str | None = None
    policies: Sequence[Policy] = ()

    @property
    def name(self) -> str:
        """What it is called: the file, or the scenario if it came from none."""
        return self.scenario.name if self.file is None else self.file

    def ok(self, undecided: UndecidedPolicy = "fail") -> bool:
        """Whether all promises are kept; *undecided* is what an open one counts as."""
        passing = {"pass", "undecided"} if undecided == "pass" else {"pass"}
        return all(verdict.outcome in passing for verdict in self.verdicts)

    def verdict(self, name: str) -> Verdict:
        """The verdict of the check of that name. Raise a ValueError if there is none."""
        by_name = {verdict.check.name: verdict for verdict in self.verdicts}
        if name not in by_name:
            raise ValueError(f"name(={name!r}) must be one of {', '.join(by_name)}")
        return by_name[name]

    def unit(self, verdict: Verdict) -> str:
        """The unit of a promised metric; money is in the scenario's currency."""
        check = verdict.check
        return check.unit if check.condition else self.experiment.unit(check.figure)
