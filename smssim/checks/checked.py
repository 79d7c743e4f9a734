"""All verdicts of one scenario, with the months that they were found in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from smssim.checks.verdict import Verdict
from smssim.experiment import Experiment
from smssim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Undecided = Literal["fail", "pass"]
"""What a promise counts as that stayed undecided."""


@dataclass(frozen=True, repr=False)
class Checked:
    """The verdicts of a scenario's checks in their order, and the experiment that gave them."""

    scenario: Scenario
    verdicts: Sequence[Verdict]
    experiment: Experiment

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
                **{name: getattr(verdict, name) for name in _NUMBERS},
                "note": verdict.note,
            }
            for verdict in self.verdicts
        ]
        return pd.DataFrame(rows, columns=["name", "promise", "unit", "outcome", *_NUMBERS, "note"])

    def unit(self, verdict: Verdict) -> str:
        """The unit of a promised metric; money is in the scenario's currency."""
        return self.experiment.unit(verdict.check.figure)

    def __repr__(self) -> str:
        told = ", ".join(f"{verdict.check.name}: {verdict.outcome}" for verdict in self.verdicts)
        return f"<Checked {self.scenario.name}: {told}>"


_NUMBERS = ("runs", "estimate", "low", "high", "by", "share", "share_low", "share_high")
