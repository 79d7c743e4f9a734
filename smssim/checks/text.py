"""The verdicts of a scenario as text: a table of promises, and a month of each that is broken."""

from __future__ import annotations

import math
from collections.abc import Sequence

from smssim.checks.counterexample import counterexample_of
from smssim.checks.verdict import CheckedScenario, Verdict
from smssim.formatting import WIDTH, columns, count, number, share, text_page, wrapped
from smssim.metrics import YES_OR_NO
from smssim.scenario import Check, Scenario

__all__ = [
    "OUTCOMES",
    "about",
    "beyond",
    "cells",
    "headline",
    "months",
    "promise",
    "span",
    "statistic",
    "story_lines",
    "text_of",
    "verdict_lines",
]

OUTCOMES = {"pass": "kept", "fail": "BROKEN", "undecided": "UNDECIDED"}
"""Verdicts in words, which are conspicuous without colour."""
_HEADER = ("verdict", "estimate", "low to high", "by", "months", "of which beyond the bound")
_ALIGN = "lrlrrl"
_OPEN = (
    "UNDECIDED: {most} months are too few to tell on which side of its bound the statistic lies. A "
    "larger margin lets more pass, a larger most_runs (under checking) tells more."
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
    """The verdict of the file: `plan.yaml: 2 of 3 promises kept, 1 broken`."""
    outcomes = [verdict.outcome for verdict in checked.verdicts]
    passed, n = outcomes.count("pass"), len(outcomes)
    parts = [f"{checked.name}: {passed:,} of {n:,} {'promise' if n == 1 else 'promises'} kept"]
    broken, still_open = outcomes.count("fail"), outcomes.count("undecided")
    parts += [f"{broken:,} broken"] * (broken > 0)
    parts += [f"{still_open:,} undecided"] * (still_open > 0)
    return ", ".join(parts)


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
    title = f"{verdict.check.name}: {which} beyond the bound, times UTC"
    lines = _typed(month.command) + [text for line in month.lines[1:] for text in wrapped(line)]
    return ["", title, *(f"  {line}" for line in lines)]


def verdict_lines(checked: CheckedScenario, verdict: Verdict) -> list[str]:
    """One verdict alone, as a failed test shows it: promise, verdict, and a month's story."""
    rows = columns(_HEADER, [cells(verdict)], _ALIGN)
    return [
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
    """How far the estimate is beyond the bound, or within it."""
    by = verdict.by
    if math.isnan(by):
        return "-"
    if math.isinf(by):
        return "beyond" if by > 0 else "within"
    return f"{number(abs(by))} {'beyond' if by >= 0 else 'within'}"


def months(verdict: Verdict) -> str:
    """The share of months that break the bound by themselves, with its 95% interval."""
    if math.isnan(verdict.share):
        return "-"
    return f"{share(verdict.share)} ({share(verdict.share_low)} to {share(verdict.share_high)})"


def _risks(plan: Scenario) -> str:
    """How certain verdicts are, in words: means are not exact (docs/checks.md)."""
    alarm, miss = share(plan.checking.false_alarm), share(plan.checking.miss)
    about = (
        ", of means about" if any(check.statistic_name == "mean" for check in plan.checks) else ""
    )
    return f"risks of all together: false alarm {alarm}, miss {miss}{about}"


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
