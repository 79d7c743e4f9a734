"""CheckResult: what `check` returns, with its table, text, picture, JSON and JUnit."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from smssim.checks.counterexample import Story, counterexample_of
from smssim.checks.export import junit, markdown, plain, to_json
from smssim.checks.text import about, cells, headline, promise, text_of
from smssim.checks.verdict import NUMBERS, CheckedScenario, UndecidedPolicy, Verdict
from smssim.formatting import html_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from smssim.plots.promises import Promised

__all__ = ["CheckResult", "card"]

_HEADER = ("promise", "", "verdict", "estimate", "low to high", "bound", "months", "beyond it")


def _draw_promises(checked: CheckedScenario, ax: Axes | None = None) -> Axes:
    """Draw the promises on Axes, each in parts of its bound, so that one scale fits all."""
    from smssim.plots.promises import promises

    rows = [_promised(verdict, checked.unit(verdict)) for verdict in checked.verdicts]
    return promises(rows, len(checked.experiment.results), ax=ax)


def card(checked: CheckedScenario) -> str:
    """A row per promise as HTML, under the verdict of the file; no month is simulated again."""
    rows = [
        [verdict.check.name, promise(verdict.check, checked.unit(verdict)), *cells(verdict)]
        for verdict in checked.verdicts
    ]
    caption = "<br>".join(escape(line) for line in (headline(checked), " ".join(about(checked))))
    return html_table("smssim-checked", rows, _HEADER, caption=caption)


def _promised(verdict: Verdict, unit: str) -> Promised:
    from smssim.plots.promises import Promised

    check = verdict.check
    # Against a bound of 0 there are no parts: its own unit is as good as any.
    scale = abs(check.bound) or 1.0
    estimate, low, high = (
        1 + (value - check.bound) / scale for value in (verdict.estimate, verdict.low, verdict.high)
    )
    return Promised(
        name=check.name,
        statement=promise(check, unit).partition(", margin")[0],
        outcome=verdict.outcome,
        estimate=estimate,
        low=low,
        high=high,
        margin=check.margin / scale,
        above=check.above is not None,
    )


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
        return _draw_promises(self, ax)

    def json(self) -> str:
        """The table with its stories as JSON, keys in a fixed order; what is not finite is null."""
        return to_json(plain(self))

    def junit(self, undecided: UndecidedPolicy = "fail") -> str:
        """The verdicts as JUnit's XML, a test case each; an open one is a failure, or skipped if
        *undecided* counts as pass.
        """
        return junit([self], undecided)

    def markdown(self, undecided: UndecidedPolicy = "fail") -> str:
        """The verdicts as Markdown, for the summary of a pipeline's run or a comment."""
        return markdown([self], undecided)

    def __repr__(self) -> str:
        outcomes = ", ".join(
            f"{verdict.check.name}: {verdict.outcome}" for verdict in self.verdicts
        )
        return f"<CheckResult {self.scenario.name}: {outcomes}>"

    def _repr_html_(self) -> str:
        return card(self)
