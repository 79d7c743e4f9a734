"""Section 4 of STRESS-DES: how runs begin, how long they are, how figures are estimated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from smssim.experiment import Experiment
from smssim.experiment.statistics import QUANTILES, statistics_of
from smssim.pages.describe.markdown import counted, listed, number, paragraph, plain, table
from smssim.pages.describe.study import Study
from smssim.scenario import Scenario
from smssim.scenario.errors.problems import said

_MAIN = ("cost", "messages.requested", "delivered.share", "runout.any")


def experimentation(study: Study) -> list[str]:
    """Items 4.1 to 4.3."""
    scenario = study.scenario
    end = scenario.start + timedelta(days=scenario.days)
    return [
        "## 4. Experimentation",
        "",
        "### 4.1 Initialisation",
        "",
        *paragraph(
            "A run begins with empty queues, counters at 0 and no message in flight; there is no",
            "warm-up, for the period is the one that is asked about, and it ends.",
            _ready(scenario),
        ),
        "### 4.2 Run length",
        "",
        *paragraph(
            f"From {said(scenario.start)} up to {said(end)}, {counted(scenario.days, 'day')} of 24",
            "hours, the end excluded. What is not known by then stays open and is counted so.",
        ),
        "### 4.3 Estimation approach",
        "",
        *_promised(scenario),
        *(_no_runs() if study.experiment is None else _estimated(study, study.experiment)),
    ]


def _ready(scenario: Scenario) -> str:
    """Which templates are usable at the start; where the account is to be made, none is."""
    if scenario.onboarding is not None:
        return ""
    made = {a.name for a in scenario.applications if a.created is None}
    own = [t.name for t in scenario.templates if t.submitted is None and t.application in made]
    return f"Usable before the start: {listed(own)}." if own else ""


def _promised(scenario: Scenario) -> list[str]:
    if not scenario.checks:
        return []
    rule = scenario.checking
    return paragraph(
        f"Item 1.2 has {counted(len(scenario.checks), 'promise')}, decided by `smssim check`:",
        "replications are looked at one by one until each verdict is certain, however often one",
        f"looks. What is kept fails with probability {number(rule.false_alarm)} at most; what is",
        f"broken by more than its margin passes with probability {number(rule.miss)} at most, all",
        f"promises together. After {counted(rule.most_runs, 'run')} a verdict stays open. Promises",
        "of a mean keep these risks as far as they were measured (smssim's `docs/checks.md`).",
    )


def _no_runs() -> list[str]:
    return paragraph(
        "No runs are part of this description: `smssim describe SCENARIO --n 200` makes 200 and "
        "adds",
        "their figures.",
    )


def _estimated(study: Study, experiment: Experiment) -> list[str]:
    runs, failed = len(experiment.results), experiment.failed
    several = len(experiment.designs) > 1
    lines = paragraph(
        f"{counted(runs, 'run')} with rng {number(experiment.rng)}, each replication with random",
        "numbers of its own.",
        "Designs share those of a replication, so that differences are paired." if several else "",
        f"{counted(failed, 'run')} failed and are left out." if failed else "No run failed.",
        "Intervals are at 95 % for each figure by itself. *n* counts the runs that have the "
        "figure.",
    )
    promised = [check.figure for check in study.scenario.checks]
    for place, design in enumerate(experiment.designs):
        if several:
            lines += paragraph(f"Design {place:,}, {plain(design.label)}:")
        names = experiment.figures
        if several:
            names = [name for name in names if name in (*_MAIN, *promised)]
        lines += _figures(experiment, names, place)
    return lines


def _figures(experiment: Experiment, names: Sequence[str], design: int) -> list[str]:
    rows = []
    for name in names:
        own = {s.statistic: s for s in statistics_of(name, experiment.values(name, design), 0.95)}
        first = next(iter(own.values()))
        if not first.n:
            continue
        quantiles = [_rounded(own[q].estimate) if q in own else "" for q in QUANTILES]
        values = [_rounded(value) for value in (first.estimate, first.low, first.high)]
        rows.append(
            (
                f"`{name}`",
                experiment.unit(name),
                first.statistic,
                *values,
                *quantiles,
                f"{first.n:,}",
            )
        )
    header = ("figure", "unit", "statistic", "estimate", "low", "high", *QUANTILES, "n")
    return table(header, rows)


def _rounded(value: float) -> str:
    """A figure with four digits that count, or whole if large; a dash if nothing bounds it."""
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
