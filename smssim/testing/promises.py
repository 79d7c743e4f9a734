"""`assert_promise`: a promise of a scenario as an assertion of one's own test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from smssim.checks import Verdict, check
from smssim.checks.text import verdict_lines
from smssim.checks.verdict import Undecided
from smssim.scenario import Check, Scenario
from smssim.scenario.promises import promise_of
from smssim.simulation.policies.account_view import Policy
from smssim.testing.settings import Settings


@dataclass(frozen=True)
class AssertPromise:
    """Decides promises as the checks of a file are decided, each with the whole risk."""

    settings: Settings = field(repr=False)

    def __call__(
        self,
        scenario: Scenario | str | Path,
        promise: Check | str,
        *,
        margin: float = 0,
        where: Mapping[str, str | int] | None = None,
        false_alarm: float = 0.01,
        miss: float = 0.01,
        most_runs: int = 2_000,
        policies: Sequence[Policy] = (),
        undecided: Undecided = "fail",
    ) -> Verdict:
        """Raise an AssertionError unless the scenario keeps the promise; return the verdict.

        *promise* is a text such as `runout.any < 0.05` or `p90(cost_usd) < 12000`, with *margin* in
        the metric's unit and the part of the month that *where* names, or a Check, which has both.
        A relative path starts at the directory of the ini file; the seed is the scenario's `rng`,
        its own checks are left out. Raise a ScenarioError for what is no promise of the scenario.
        """
        __tracebackhide__ = True
        if undecided not in ("fail", "pass"):
            raise ValueError(f"undecided(={undecided!r}) must be fail or pass")
        file = None if isinstance(scenario, Scenario) else str(scenario)
        if not isinstance(scenario, Scenario):
            scenario = Scenario.load(self.settings.placed(scenario))
        plan = scenario.change(
            checks=[_check(promise, margin, where)],
            checking={"false_alarm": false_alarm, "miss": miss, "most_runs": most_runs},
        )
        found = check(plan, policies=policies, workers=self.settings.workers)
        (verdict,) = found.verdicts
        if not found.ok(undecided):
            raise AssertionError("\n".join(verdict_lines(replace(found, file=file), verdict)))
        return verdict


def _check(
    promise: Check | str, margin: float, where: Mapping[str, str | int] | None
) -> dict[str, Any]:
    """The promise as it would stand in a file. Raise a ValueError for a text that is none."""
    if isinstance(promise, Check):
        if margin or where:
            told = "has a margin and a where of its own: give neither beside it"
            raise ValueError(f"promise(={promise.name!r}) {told}")
        return promise.model_dump(exclude_unset=True)
    given = promise_of(promise) | {"margin": margin}
    if where is None:
        return given
    if "where" in given:
        raise ValueError(f"promise(={promise!r}) has a part in brackets: give no where beside it")
    return given | {"where": dict(where)}
