"""The effect of a change on promises: two scenarios checked with the same random numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from smssim.checks.check import FIRST_BATCH, verdicts_of
from smssim.checks.decide import months_of, with_never
from smssim.checks.evidence import DirectedStatistic, Values
from smssim.checks.export import plain, to_json
from smssim.checks.result import CheckResult
from smssim.checks.text import OUTCOMES, about, headline, promise, span, statistic, story_lines
from smssim.checks.verdict import UndecidedPolicy, Verdict
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.run_store import Store
from smssim.experiment.runner import Execution, Progress
from smssim.experiment.worker import Task
from smssim.formatting import columns, count, html_table, section, text_page, wrapped
from smssim.metrics import METRICS
from smssim.scenario import Check, Scenario
from smssim.scenario.diff import ABSENT, Change, differences
from smssim.simulation.policies.account_view import Policy
from smssim.stats.intervals import Interval, mean_interval, newcombe_paired, quantile_difference

__all__ = ["MIN_MONTHS", "Difference", "PromiseDifference", "difference"]

MIN_MONTHS = 100
"""Months that a difference is taken over at least."""
_MAX_CHANGES = 20
"""Changed paths that the text lists."""
_OLD, _NEW = 0, 1
_UNKNOWN = Interval(math.nan, math.nan, math.nan)
_HEADER = ("old", "new", "before", "after", "change", "low to high", "months")
_ALIGN = "llrrrlr"


@dataclass(frozen=True)
class PromiseDifference:
    """One promise in both scenarios, None where a scenario does not have it.

    *before* and *after* are its statistic, as the new scenario has it, over *months* months of
    both, *change* their difference with its paired 95% interval; *note* has what prevents it.
    """

    name: str
    old: Verdict | None
    new: Verdict | None
    unit: str
    months: int
    before: float
    after: float
    change: Interval
    note: str = ""

    @property
    def row(self) -> dict[str, Any]:
        """The promise as a row of a table: its outcomes, statistics, change and note."""
        return {
            "name": self.name,
            "unit": self.unit,
            "old": "" if self.old is None else self.old.outcome,
            "new": "" if self.new is None else self.new.outcome,
            "months": self.months,
            "before": self.before,
            "after": self.after,
            "change": self.change.estimate,
            "low": self.change.low,
            "high": self.change.high,
            "note": self.note,
        }


@dataclass(frozen=True, repr=False)
class Difference:
    """Both scenarios checked, each promise of either, and the paths at which they differ."""

    old: CheckResult
    new: CheckResult
    promises: Sequence[PromiseDifference]
    changes: Sequence[Change]

    def ok(self, undecided: UndecidedPolicy = "fail") -> bool:
        """Whether the new scenario keeps all its promises."""
        return self.new.ok(undecided)

    @property
    def table(self) -> pd.DataFrame:
        """One row per promise: name, unit, old and new outcome ("" if a scenario does not have it),
        months, before, after, change with low and high, note; as in `PromiseDifference`.
        """
        return pd.DataFrame([both.row for both in self.promises])

    def to_text(self) -> str:
        """The changed paths, the effect on each promise, and a story of each promise that the new
        scenario does not keep, as text of at most 100 columns.
        """
        lines = [*wrapped(headline(self.new), 2), *wrapped(f"before: {headline(self.old)}", 2)]
        lines += about(self.new)
        lines += section("What changed", _changed_paths(self))
        lines += [
            "",
            "The same months of both; change: new less old, low to high: 95% confidence interval",
        ]
        header, *rows = columns(_HEADER, [_cells(both) for both in self.promises], _ALIGN)
        lines.append(f"  {header}")
        for both, row in zip(self.promises, rows, strict=True):
            lines += [*wrapped(f"{both.name}: {_statement(both)}"), f"  {row}"]
            lines += [f"  {line}" for line in wrapped(both.note, 2)]
        for verdict in self.new.verdicts:
            lines += story_lines(self.new, verdict)
        return text_page(lines)

    def json(self, undecided: UndecidedPolicy = "fail") -> str:
        """The same as JSON, with both scenarios as in `CheckResult.json`."""
        return to_json(
            {
                "ok": self.ok(undecided),
                "undecided_counts_as": undecided,
                "old": plain(self.old),
                "new": plain(self.new),
                "promises": [both.row for both in self.promises],
                "changes": [
                    {
                        "path": change.path,
                        "old": None if change.old is ABSENT else change.old,
                        "new": None if change.new is ABSENT else change.new,
                    }
                    for change in self.changes
                ],
            }
        )

    def __repr__(self) -> str:
        return f"<Difference of {self.old.name} and {self.new.name}: {len(self.changes)} changes>"

    def _repr_html_(self) -> str:
        rows = [[both.name, _statement(both), *_cells(both), both.note] for both in self.promises]
        lines = [headline(self.new), f"before: {headline(self.old)}", *_changed_paths(self)]
        header = ("promise", "", *_HEADER, "note")
        return html_table("smssim-checked", rows, header, caption="<br>".join(map(escape, lines)))


def difference(
    old: Scenario | str | Path,
    new: Scenario | str | Path,
    *,
    policies: Sequence[Policy] = (),
    executor: Executor | None = None,
    workers: int | None = None,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> Difference:
    """Check two scenarios in months that share their random numbers, those of the new one's seed.

    Promises are matched by name. Verdicts are those of each scenario's own risks; differences are
    over the months that decided the slower of both, 100 at least. Else as `check`; the old scenario
    may have no checks.
    """
    files = [None if isinstance(source, Scenario) else str(source) for source in (old, new)]
    plans = [Scenario.of(source) for source in (old, new)]
    seed = plans[_NEW].rng
    if not plans[_NEW].checks:
        raise ValueError(f"checks of the scenario {plans[_NEW].name!r} must be one at least")

    def enough(experiment: Experiment, look: int) -> bool:
        done = max(task.replication for task in experiment.results) + 1
        return done >= MIN_MONTHS and all(
            verdict.settled or done >= plan.checking.most_runs
            for design, plan in enumerate(plans)
            for verdict in verdicts_of(plan, experiment, design)
        )

    most = max(MIN_MONTHS, *(plan.checking.most_runs for plan in plans if plan.checks))
    designs = [Design(plan, {}) for plan in plans]
    with Execution(executor, workers, store, progress).start(policies, seed) as runner:
        experiment = runner.run_until(designs, enough, most, FIRST_BATCH, growth=0.5)
    before, after = (
        CheckResult(
            plan,
            tuple(verdicts_of(plan, experiment, design)),
            _runs_of(experiment, design),
            files[design],
            tuple(policies),
        )
        for design, plan in enumerate(plans)
    )
    return Difference(before, after, tuple(_promises(before, after)), differences(*plans))


def _runs_of(experiment: Experiment, design: int) -> Experiment:
    """The runs of one design, as an experiment with this design alone."""
    results = {
        Task(0, task.replication): result._replace(task=Task(0, task.replication))
        for task, result in experiment.results.items()
        if task.design == design
    }
    return Experiment([experiment.designs[design]], experiment.rng, results)


def _promises(old: CheckResult, new: CheckResult) -> Iterator[PromiseDifference]:
    """Those of the new scenario in its order, then those that only the old one has."""
    before, after = ({v.check.name: v for v in result.verdicts} for result in (old, new))
    for name in dict.fromkeys((*after, *before)):
        earlier, later = before.get(name), after.get(name)
        unit = new.unit(later) if later else old.unit(before[name])
        note = _obstacle(old, new, earlier, later)
        if note or earlier is None or later is None:
            values = (math.nan, math.nan, _UNKNOWN)
            yield PromiseDifference(name, earlier, later, unit, 0, *values, note)
            continue
        months = max(earlier.runs, later.runs, MIN_MONTHS)
        pairs = _pairs(later.check, old.experiment, new.experiment, months)
        change = _change(later.check, *pairs, new.experiment.rng)
        note = _rewritten(earlier, later)
        yield PromiseDifference(name, earlier, later, unit, len(pairs[0]), *change, note)


def _obstacle(
    old: CheckResult, new: CheckResult, before: Verdict | None, after: Verdict | None
) -> str:
    """Why a promise of both scenarios cannot be compared, "" if it can."""
    if before is None or after is None:
        return f"only the {'new' if before is None else 'old'} plan has it"
    for measure in after.check.measures:
        if measure.figure not in old.experiment.kpi_names:
            return f"no promise of the old plan is about {measure.figure}"
    currencies = [result.scenario.currency for result in (old, new)]
    units = {METRICS[measure.metric].unit for measure in after.check.measures}
    if "currency" in units and len({*currencies}) > 1:
        return f"{currencies[_OLD]} and {currencies[_NEW]} cannot be compared"
    return ""


def _rewritten(before: Verdict, after: Verdict) -> str:
    """A note where the promise itself was changed, "" if it was not."""
    earlier = str(before.check)
    return "" if earlier == str(after.check) else f"the promise was {earlier}"


def _pairs(check: Check, old: Experiment, new: Experiment, months: int) -> tuple[Values, Values]:
    """The figure of the first months, of those in which both scenarios have one."""
    before, after = (months_of(check, runs) for runs in (old, new))
    both = np.array([(before[k], after[k]) for k in before if k < months and k in after])
    both = with_never(check, both.reshape(-1, 2))
    both = both[~np.isnan(both).any(axis=1)]
    return both[:, _OLD], both[:, _NEW]


def _change(check: Check, old: Values, new: Values, rng: int) -> tuple[float, float, Interval]:
    """The statistic of both, as their verdicts have it, and its difference."""
    if len(old) < 2:
        return math.nan, math.nan, _UNKNOWN
    if check.statistic_name == "probability":
        yes, was = new > 0, old > 0
        counts = (yes & was, yes & ~was, ~yes & was, ~yes & ~was)
        change = newcombe_paired(*(int(months.sum()) for months in counts))
    elif check.quantile is None:
        change = mean_interval(new - old)
    elif check.above is None:
        change = quantile_difference(new, old, check.quantile, rng)
    else:
        change = quantile_difference(-old, -new, 1 - check.quantile, rng)
    estimate = DirectedStatistic.of(check).estimate
    return estimate(old), estimate(new), change


def _changed_paths(both: Difference) -> list[str]:
    """The paths that differ, a line each, the first few of many."""
    lines = [line for change in both.changes[:_MAX_CHANGES] for line in wrapped(str(change))]
    more = len(both.changes) - _MAX_CHANGES
    lines += [f"... and {more:,} more"] if more > 0 else []
    if not lines:
        same = both.old.scenario.digest() == both.new.scenario.digest()
        return ["nothing" if same else "a secret, or an order or a file of a group task"]
    return lines


def _cells(both: PromiseDifference) -> list[str]:
    """A promise as the cells of a row."""
    months = count(both.months) if both.months else "-"
    change = _change_cells(both.change) if both.months else ("-", "-")
    outcomes = ["-" if one is None else OUTCOMES[one.outcome] for one in (both.old, both.new)]
    return [*outcomes, statistic(both.before), statistic(both.after), *change, months]


def _change_cells(change: Interval) -> tuple[str, str]:
    """A difference with its interval; there is none to or from what never happens."""
    if not math.isfinite(change.estimate):
        return "-", "not known"
    return statistic(change.estimate), span(change.low, change.high)


def _statement(both: PromiseDifference) -> str:
    verdict = both.new or both.old
    return "" if verdict is None else promise(verdict.check, both.unit)
