"""The verdicts of a scenario as text: a table of promises, and a month of each that is broken."""

from __future__ import annotations

import math
from collections.abc import Sequence

from smssim.checks.counterexample import counterexample_of
from smssim.checks.verdict import CheckedScenario, UndecidedPolicy, Verdict
from smssim.formatting import WIDTH, columns, count, number, share, text_page, wrapped
from smssim.metrics import YES_OR_NO
from smssim.scenario import Check, Scenario

__all__ = [
    "OUTCOMES",
    "about",
    "beyond",
    "cells",
    "failing",
    "headline",
    "in_words",
    "months",
    "promise",
    "span",
    "statistic",
    "story_lines",
    "text_of",
    "verdict_lines",
]

OUTCOMES = {"pass": "holds", "fail": "DOES NOT HOLD", "undecided": "UNDECIDED"}
"""Verdicts in words, which are conspicuous without colour."""
_HEADER = ("verdict", "estimate", "low to high", "bound", "months", "of which beyond it")
_ALIGN = "lrlrrl"
_OPEN = (
    "UNDECIDED: {most} months are too few to show on which side of its bound the statistic lies. A "
    "larger margin lets more pass, a larger most_runs (under checking) shows more."
)


def text_of(checked: CheckedScenario) -> str:
    """All verdicts as text of at most 100 columns, then a story of each promise that is not kept;
    times are UTC.
    """
    lines = [*wrapped(headline(checked), 2), *about(checked), "", *_table(checked)]
    if any(verdict.outcome == "undecided" and not verdict.note for verdict in checked.verdicts):
        most = count(checked.scenario.checking.most_runs)
        lines += ["", *wrapped(_OPEN.format(most=most), 2)]
    for verdict in checked.verdicts:
        lines += story_lines(checked, verdict)
    return text_page(lines)


def headline(checked: CheckedScenario) -> str:
    """The verdict of the file: `plan.yaml: 2 of 3 promises hold, 1 does not`."""
    outcomes = [verdict.outcome for verdict in checked.verdicts]
    passed, n = outcomes.count("pass"), len(outcomes)
    parts = [
        f"{checked.name}: {passed:,} of {n:,} {'promise holds' if n == 1 else 'promises hold'}"
    ]
    broken, still_open = outcomes.count("fail"), outcomes.count("undecided")
    parts += [f"{broken:,} {'does' if broken == 1 else 'do'} not"] * (broken > 0)
    parts += [f"{still_open:,} undecided"] * (still_open > 0)
    return ", ".join(parts)


def failing(results: Sequence[CheckedScenario], undecided: UndecidedPolicy) -> list[str]:
    """A line about each promise that does not count as kept, for the end of a log."""
    lines = []
    for checked in results:
        file = f"{checked.name}: " if len(results) > 1 else ""
        for verdict in checked.verdicts:
            if verdict.outcome == "fail" or (verdict.outcome, undecided) == ("undecided", "fail"):
                lines += wrapped(f"{file}{verdict.check.name} {in_words(verdict)}", 2)
    return lines


def in_words(verdict: Verdict) -> str:
    """The verdict and what it rests on: `does not hold: estimate 0.95, bound 0.05, ...`."""
    n, broken = count(verdict.runs), count(len(verdict.broken))
    outcome = OUTCOMES[verdict.outcome].lower()
    if not verdict.runs:
        return f"{outcome}: {verdict.note}"
    below = verdict.check.above is None
    which = f"{broken} of {n} months {'over' if below else 'under'} it"
    if verdict.check.statistic_name == "probability":
        which = f"{'true' if below else 'false'} in {broken} of {n} months"
    estimate = f"estimate {statistic(verdict.estimate)}"
    if verdict.outcome == "undecided":
        estimate += f" ({span(verdict.low, verdict.high)})"
    bound = f"bound {number(verdict.check.bound)}"
    return f"{outcome}: {estimate}, {bound}, {which}"


def about(checked: CheckedScenario) -> list[str]:
    """The seed, the length of a month and the risks, in a sentence."""
    days, most = checked.scenario.days, checked.scenario.checking.most_runs
    length = "1 day" if days == 1 else f"{days:,} days"
    months = f"months of {length}, {count(most)} at most"
    return wrapped(f"seed {checked.experiment.rng}; {months}; {_risks(checked.scenario)}", 2)


def story_lines(checked: CheckedScenario, verdict: Verdict) -> list[str]:
    """A month that breaks a promise, with a title; nothing for a promise that is kept."""
    if verdict.outcome == "pass":
        return []
    month = counterexample_of(checked, verdict)
    if month is None:
        return []
    which = "a typical month" if verdict.check.statistic_name == "mean" else "the first month"
    title = f"{verdict.check.name}: {which} beyond the bound, times in UTC"
    lines = _typed(month.command) + [text for line in month.lines[1:] for text in wrapped(line)]
    return ["", title, *(f"  {line}" for line in lines)]


def verdict_lines(checked: CheckedScenario, verdict: Verdict) -> list[str]:
    """One verdict alone, as a failed test shows it: in words, its figures, and a month's story."""
    rows = columns(_HEADER, [cells(verdict)], _ALIGN)
    return [
        *wrapped(in_words(verdict), 2),
        f"{verdict.check.name}: {promise(verdict.check, checked.unit(verdict))}",
        *rows,
        *wrapped(verdict.note, 2),
        *story_lines(checked, verdict),
    ]


def cells(verdict: Verdict) -> Sequence[str]:
    """A verdict as the cells of a row."""
    return (
        OUTCOMES[verdict.outcome],
        statistic(verdict.estimate),
        span(verdict.low, verdict.high),
        beyond(verdict),
        count(verdict.runs),
        months(verdict),
    )


def promise(check: Check, unit: str) -> str:
    """What is promised, with its unit: `p90(cost) < 12,000 USD, margin 300 USD`."""
    side, plain = "<" if check.above is None else ">", "" if unit == YES_OR_NO else f" {unit}"
    text = f"{check.statistic_name}({check.figure}) {side} {number(check.bound)}{plain}"
    return f"{text}, margin {number(check.margin)}{plain}" if check.margin else text


def statistic(value: float) -> str:
    """A statistic over months; never where it is infinite, a dash if there is none."""
    return "never" if value == math.inf else number(value)


def span(low: float, high: float) -> str:
    """An interval in words, either end of which may be open; never where all of it is infinite."""
    if low == math.inf:
        return "never"
    if math.isnan(low) or math.isnan(high) or (math.isinf(low) and math.isinf(high)):
        return "not known"
    # The bisection that finds an end comes near 0 and never there.
    low, high = round(low, 12), round(high, 12)
    if math.isinf(low):
        return f"up to {number(high)}"
    return f"from {number(low)}" if math.isinf(high) else f"{number(low)} to {number(high)}"


def beyond(verdict: Verdict) -> str:
    """How far the estimate exceeds the bound, falls short of it, or is within it."""
    by = verdict.by
    if math.isnan(by):
        return "-"
    side = "exceeded" if verdict.check.above is None else "missed"
    side = side if by >= 0 else "within"
    return side if math.isinf(by) else f"{side} by {number(abs(by))}"


def months(verdict: Verdict) -> str:
    """The share of months that break the bound by themselves, with its 95% interval."""
    if math.isnan(verdict.share):
        return "-"
    return f"{share(verdict.share)} ({share(verdict.share_low)} to {share(verdict.share_high)})"


def _risks(plan: Scenario) -> str:
    """How certain verdicts are: means are not exact (docs/checks.md)."""
    alarm, miss = share(plan.checking.false_alarm), share(plan.checking.miss)
    means = any(check.statistic_name == "mean" for check in plan.checks)
    about = " (approximate for means)" if means else ""
    return f"overall error rates: false alarm {alarm}, miss {miss}{about}"


def _table(checked: CheckedScenario) -> list[str]:
    """Two lines per promise, what is promised and its verdict, and its note."""
    rows = [cells(verdict) for verdict in checked.verdicts]
    header, *body = columns(_HEADER, rows, _ALIGN)
    lines = [f"  {header}"]
    for verdict, row in zip(checked.verdicts, body, strict=True):
        lines += wrapped(f"{verdict.check.name}: {promise(verdict.check, checked.unit(verdict))}")
        lines += [f"  {row}"]
        lines += [f"  {line}" for line in wrapped(verdict.note, 2)]
    return lines


def _typed(command: str) -> list[str]:
    """A command in two lines if it is long, as a shell reads them."""
    if len(command) <= WIDTH - 4:
        return [command]
    file, option, rest = command.partition(" --rng")
    return [f"{file} \\", f"   {option}{rest}"]
