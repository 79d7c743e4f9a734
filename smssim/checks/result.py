"""CheckResult: what `check` returns, with its table, text, picture, JSON and JUnit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from smssim.checks.counterexample import Story, counterexample_of
from smssim.checks.export import junit, plain, to_json
from smssim.checks.show import card, draw_promises
from smssim.checks.text import text_of
from smssim.checks.verdict import NUMBERS, CheckedScenario, UndecidedPolicy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class CheckResult(CheckedScenario):
    """The verdicts of a scenario's checks in their order, and the experiment that led to them.

    *file* is the scenario's, as its user called it, None if it came from none; *policies* are those
    that the months were run with.
    """

    def story(self, name: str) -> Story | None:
        """A month that breaks the promise of that name, simulated again; None if none does.

        Raise a ValueError for a promise that is not there.
        """
        return counterexample_of(self, self.verdict(name))

    @property
    def table(self) -> pd.DataFrame:
        """One row per promise: name, promise, unit, outcome, runs, estimate, low, high, by, share
        of months that break it with its interval, note; as in `Verdict`.
        """
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

    def to_text(self) -> str:
        """The table as text of at most 100 columns, with a month's story of each promise that is
        not kept; times are UTC.
        """
        return text_of(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw on Axes where each statistic lies against its bound, and how certain that is."""
        return draw_promises(self, ax)

    def json(self) -> str:
        """The table with its stories as JSON, keys in a fixed order; what is not finite is null."""
        return to_json(plain(self))

    def junit(self, undecided: UndecidedPolicy = "fail") -> str:
        """The verdicts as JUnit's XML, a test case each; an open one is a failure, or skipped if
        *undecided* counts as pass.
        """
        return junit([self], undecided)

    def __repr__(self) -> str:
        outcomes = ", ".join(
            f"{verdict.check.name}: {verdict.outcome}" for verdict in self.verdicts
        )
        return f"<CheckResult {self.scenario.name}: {outcomes}>"

    def _repr_html_(self) -> str:
        return card(self)
