"""A verdict: whether a promise is kept, broken or open, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from smssim.experiment import Experiment
from smssim.scenario import Check, Scenario
from smssim.simulation.policies.account_view import Policy

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from smssim.checks.counterexample import Story


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


# All verdicts of one scenario, with the months that they were found in.

Undecided = Literal["fail", "pass"]
"""What a promise counts as that stayed undecided."""


@dataclass(frozen=True, repr=False)
class Checked:
    """The verdicts of a scenario's checks in their order, and the experiment that gave them.

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

    def ok(self, undecided: Undecided = "fail") -> bool:
        """Whether all promises are kept; *undecided* says what an open one counts as."""
        fine = {"pass", "undecided"} if undecided == "pass" else {"pass"}
        return all(verdict.outcome in fine for verdict in self.verdicts)

    def verdict(self, name: str) -> Verdict:
        """The verdict of the check of that name. Raise a ValueError if there is none."""
        found = {verdict.check.name: verdict for verdict in self.verdicts}
        if name not in found:
            raise ValueError(f"name(={name!r}) must be one of {', '.join(found)}")
        return found[name]

    def story(self, name: str) -> Story | None:
        """A month that breaks the promise of that name, simulated again; None if none does.

        Raise a ValueError for a promise that is not there.
        """
        from smssim.checks.counterexample import story

        return story(self, self.verdict(name))

    @property
    def table(self) -> pd.DataFrame:
        """One row a promise: name, promise, unit, outcome, runs, estimate, low, high, by, share of
        months that break it with its interval, note; as in `Verdict`.
        """
        import pandas as pd

        rows = [
            {
                "name": verdict.check.name,
                "promise": str(verdict.check),
                "unit": self.unit(verdict),
                "outcome": verdict.outcome,
                **{name: getattr(verdict, name) for name in NUMBERS},
                "note": verdict.note,
            }
            for verdict in self.verdicts
        ]
        return pd.DataFrame(rows, columns=["name", "promise", "unit", "outcome", *NUMBERS, "note"])

    def unit(self, verdict: Verdict) -> str:
        """The unit of a promised metric; money is in the scenario's currency."""
        return self.experiment.unit(verdict.check.figure)

    def told(self) -> str:
        """The table as text of at most 100 columns, with a month's story of each promise that is
        not kept; times are UTC.
        """
        from smssim.checks.text import told

        return told(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw on Axes where each statistic lies against its bound, and how sure that is."""
        from smssim.checks.show import drawn

        return drawn(self, ax)

    def json(self) -> str:
        """The table with its stories as JSON, keys in a fixed order; what is not finite is null."""
        from smssim.checks.export import as_json, plain

        return as_json(plain(self))

    def junit(self, undecided: Undecided = "fail") -> str:
        """The verdicts as JUnit's XML, a test case each; an open one is a failure, or skipped if
        *undecided* counts as pass.
        """
        from smssim.checks.export import junit

        return junit([self], undecided)

    def __repr__(self) -> str:
        told = ", ".join(f"{verdict.check.name}: {verdict.outcome}" for verdict in self.verdicts)
        return f"<Checked {self.scenario.name}: {told}>"

    def _repr_html_(self) -> str:
        from smssim.checks.show import card

        return card(self)


NUMBERS = ("runs", "estimate", "low", "high", "by", "share", "share_low", "share_high")
"""The figures of a verdict."""
