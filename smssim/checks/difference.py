"""What a change of the plan does to its promises: both plans run with the same random numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.checks import show as cards
from smssim.checks.check import FIRST_BATCH, verdicts_of
from smssim.checks.decide import with_never
from smssim.checks.evidence import Side, Values
from smssim.checks.export import plain as plain_checked
from smssim.checks.text import OUTCOMES, about, headline, promise, span, statistic, story_lines
from smssim.checks.verdict import Checked, Undecided, Verdict
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.pool import Pool
from smssim.experiment.runner import Progress, run_until
from smssim.experiment.store import Kept, Store
from smssim.experiment.worker import Task
from smssim.formatting import columns, count, page, section, wrapped
from smssim.metrics import METRICS
from smssim.scenario import Check, Scenario
from smssim.scenario.diff import ABSENT, Change, differences
from smssim.simulation.policies.account_view import Policy
from smssim.stats.intervals import Interval, mean_interval, newcombe_paired, quantile_difference

if TYPE_CHECKING:
    import pandas as pd


LEAST = 100
"""Months that a difference is taken over at least."""
OLD, NEW = 0, 1
_UNKNOWN = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class PromiseDifference:
    """One promise in both plans, None where a plan does not have it.

    *before* and *after* are its statistic, as the new plan has it, over *months* months of either
    plan, *change* their difference with its paired 95 % interval; *note* says what hinders it.
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


@dataclass(frozen=True, repr=False)
class Difference:
    """Both plans checked, each promise of either, and the paths at which the plans differ."""

    old: Checked
    new: Checked
    promises: Sequence[PromiseDifference]
    changes: Sequence[Change]

    def ok(self, undecided: Undecided = "fail") -> bool:
        """Whether the new plan keeps all its promises."""
        return self.new.ok(undecided)

    @property
    def table(self) -> pd.DataFrame:
        """One row a promise: name, unit, old and new outcome ("" if a plan does not have it),
        months, before, after, change with low and high, note; as in `PromiseDifference`.
        """
        import pandas as pd

        pass  # joined

        return pd.DataFrame([row_of(own) for own in self.promises])

    def told(self) -> str:
        """What changed and what that does, as text of at most 100 columns."""
        pass  # joined

        return told(self)

    def json(self, undecided: Undecided = "fail") -> str:
        """The same as JSON, with both plans as `Checked.json` tells them."""
        pass  # joined
        from smssim.checks.export import as_json

        about = {"ok": self.ok(undecided), "undecided_counts_as": undecided}
        return as_json(about | plain(self))

    def __repr__(self) -> str:
        return f"<Difference of {self.old.name} and {self.new.name}: {len(self.changes)} changes>"

    def _repr_html_(self) -> str:
        pass  # joined

        return card(self)


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
    """Check two plans in months that share their random numbers, those of the new plan's seed.

    Promises are matched by name. Verdicts are those of each plan's own risks; differences are over
    the months that decided the slower of both, 100 at least. Else as `check`; the old plan may be
    without checks.
    """
    plans = [own if isinstance(own, Scenario) else Scenario.load(own) for own in (old, new)]
    seed = plans[NEW].rng
    if not plans[NEW].checks:
        raise ValueError(f"checks of the scenario {plans[NEW].name!r} must be one at least")

    def enough(found: Experiment, look: int) -> bool:
        done = max(task.replication for task in found.results) + 1
        return done >= LEAST and all(
            verdict.settled or done >= plan.checking.most_runs
            for place, plan in enumerate(plans)
            for verdict in verdicts_of(plan, found, place)
        )

    most = max(LEAST, *(plan.checking.most_runs for plan in plans if plan.checks))
    designs = [Design(plan, {}) for plan in plans]
    with Pool(policies, seed, executor=executor, workers=workers) as pool:
        kept = Kept(store, policies, seed)
        found = run_until(designs, enough, most, pool, kept, progress, FIRST_BATCH, growth=0.5)
    files = [None if isinstance(own, Scenario) else str(own) for own in (old, new)]
    both = [
        Checked(plan, tuple(verdicts_of(plan, found, n)), _of(found, n), files[n], tuple(policies))
        for n, plan in enumerate(plans)
    ]
    promises = tuple(_promises(both[OLD], both[NEW]))
    return Difference(both[OLD], both[NEW], promises, differences(*plans))


def _of(found: Experiment, place: int) -> Experiment:
    """The runs of one design, as an experiment of its own."""
    results = {
        Task(0, task.replication): result._replace(task=Task(0, task.replication))
        for task, result in found.results.items()
        if task.design == place
    }
    return Experiment([found.designs[place]], found.rng, results)


def _promises(old: Checked, new: Checked) -> Iterator[PromiseDifference]:
    """Those of the new plan in its order, then those that only the old one has."""
    before, after = ({v.check.name: v for v in plan.verdicts} for plan in (old, new))
    for name in dict.fromkeys((*after, *before)):
        earlier, later = before.get(name), after.get(name)
        own = later or earlier
        assert own is not None
        unit = (new if later else old).unit(own)
        note = _hindered(old, new, earlier, later)
        if note or earlier is None or later is None:
            values = (math.nan, math.nan, _UNKNOWN)
            yield PromiseDifference(name, earlier, later, unit, 0, *values, note)
            continue
        months = max(earlier.runs, later.runs, LEAST)
        pairs = _pairs(later.check, old.experiment, new.experiment, months)
        note = _changed(earlier, later)
        found = _change(later.check, *pairs, new.experiment.rng)
        yield PromiseDifference(name, earlier, later, unit, len(pairs[0]), *found, note)


def _hindered(old: Checked, new: Checked, before: Verdict | None, after: Verdict | None) -> str:
    if before is None or after is None:
        return f"only the {'new' if before is None else 'old'} plan has it"
    if after.check.figure not in old.experiment.figures:
        return f"no promise of the old plan is about {after.check.figure}"
    currencies = [plan.scenario.currency for plan in (old, new)]
    if METRICS[after.check.metric_name].unit == "currency" and len({*currencies}) > 1:
        return f"{currencies[OLD]} and {currencies[NEW]} cannot be compared"
    return ""


def _changed(before: Verdict, after: Verdict) -> str:
    told = str(before.check)
    return "" if told == str(after.check) else f"the promise was {told}"


def _pairs(check: Check, old: Experiment, new: Experiment, months: int) -> tuple[Values, Values]:
    """The figure of the first months, of those in which both plans have one."""
    before, after = (own.by_replication(check.figure) for own in (old, new))
    both = np.array([(before[k], after[k]) for k in before if k < months and k in after])
    both = both.reshape(-1, 2)
    both = with_never(check, both)
    both = both[~np.isnan(both).any(axis=1)]
    return both[:, OLD], both[:, NEW]


def _change(check: Check, old: Values, new: Values, rng: int) -> tuple[float, float, Interval]:
    """The statistic of both, as their verdicts have it, and its difference."""
    if len(old) < 2:
        return math.nan, math.nan, _UNKNOWN
    if check.statistic_name == "probability":
        yes, was = new > 0, old > 0
        counts = (yes & was, yes & ~was, ~yes & was, ~yes & ~was)
        found = newcombe_paired(*(int(own.sum()) for own in counts))
    elif check.quantile is None:
        found = mean_interval(new - old)
    elif check.above is None:
        found = quantile_difference(new, old, check.quantile, rng)
    else:
        found = quantile_difference(-old, -new, 1 - check.quantile, rng)
    side = Side.of(check)
    return side.estimate(old), side.estimate(new), found


# The difference of two plans for people and for programs: as text, as a table, as plain data.

_HEADER = ("old", "new", "before", "after", "change", "low to high", "months")
_ALIGN = "llrrrlr"
MOST = 20
"""Changed paths that the text shows."""


def told(found: Difference) -> str:
    """What changed, what that does to each promise, and a story of each promise that the new plan
    does not keep.
    """
    lines = [*wrapped(headline(found.new), 2), *wrapped(f"before: {headline(found.old)}", 2)]
    lines += about(found.new)
    lines += section("What changed", changed(found))
    lines += ["", "The same months of both; change: new less old, low to high is 95 % sure"]
    header, *shown = columns(_HEADER, [_cells(own) for own in found.promises], _ALIGN)
    lines.append(f"  {header}")
    for own, row in zip(found.promises, shown, strict=True):
        lines += [*wrapped(f"{own.name}: {_promised(own)}"), f"  {row}"]
        lines += [f"  {line}" for line in wrapped(own.note, 2)]
    for verdict in found.new.verdicts:
        lines += story_lines(found.new, verdict)
    return page(lines)


def changed(found: Difference) -> list[str]:
    """The paths that differ, a line each, the first few of many."""
    lines = [part for own in found.changes[:MOST] for part in wrapped(str(own))]
    more = len(found.changes) - MOST
    lines += [f"... and {more:,} more"] if more > 0 else []
    if not lines:
        same = found.old.scenario.digest() == found.new.scenario.digest()
        return ["nothing" if same else "a secret, or an order or a file of a group task"]
    return lines


def plain(found: Difference) -> dict[str, Any]:
    """All of it as plain data, for JSON."""
    return {
        "old": plain_checked(found.old),
        "new": plain_checked(found.new),
        "promises": [row_of(own) for own in found.promises],
        "changes": [
            {
                "path": own.path,
                "old": None if own.old is ABSENT else own.old,
                "new": None if own.new is ABSENT else own.new,
            }
            for own in found.changes
        ],
    }


def row_of(own: PromiseDifference) -> dict[str, Any]:
    """One promise as a row."""
    return {
        "name": own.name,
        "unit": own.unit,
        "old": "" if own.old is None else own.old.outcome,
        "new": "" if own.new is None else own.new.outcome,
        "months": own.months,
        "before": own.before,
        "after": own.after,
        "change": own.change.estimate,
        "low": own.change.low,
        "high": own.change.high,
        "note": own.note,
    }


def card(found: Difference) -> str:
    """A row a promise, under what the text begins with."""
    rows = [[own.name, _promised(own), *_cells(own), own.note] for own in found.promises]
    lines = [headline(found.new), f"before: {headline(found.old)}", *changed(found)]
    header = ("promise", "", *_HEADER, "note")
    return cards.table("<br>".join(map(escape, lines)), header, rows)


def _cells(own: PromiseDifference) -> list[str]:
    return [
        _outcome(own.old),
        _outcome(own.new),
        statistic(own.before),
        statistic(own.after),
        *(_change_difference_told(own.change) if own.months else ("-", "-")),
        count(own.months) if own.months else "-",
    ]


def _change_difference_told(change: Interval) -> tuple[str, str]:
    """A difference with its interval; there is none to or from what never comes about."""
    if not math.isfinite(change.estimate):
        return "-", "not known"
    return statistic(change.estimate), span(change.low, change.high)


def _outcome(verdict: Verdict | None) -> str:
    return "-" if verdict is None else OUTCOMES[verdict.outcome]


def _promised(own: PromiseDifference) -> str:
    verdict = own.new or own.old
    return "" if verdict is None else promise(verdict.check, own.unit)
