"""What was checked as text for people: a table of promises, and a month of each that is broken."""

from __future__ import annotations

import math
from collections.abc import Sequence

from smssim.checks.verdict import Checked, Verdict
from smssim.formatting import WIDTH, columns, count, number, page, share, wrapped
from smssim.metrics import UNTIL, YES_OR_NO
from smssim.scenario import Check, Scenario

# Promises and verdicts in words: figures with their units, intervals, outcomes.

OUTCOMES = {"pass": "kept", "fail": "BROKEN", "undecided": "UNDECIDED"}
"""Verdicts in words, which stand out without colour."""


def amount(value: float, unit: str) -> str:
    """A figure of a month with its unit; yes or no as such, and what never came about as never."""
    if unit == YES_OR_NO:
        return {0.0: "no", 1.0: "yes"}.get(value, "-")
    if math.isinf(value) or (math.isnan(value) and unit in UNTIL):
        return "never"
    return f"{number(value)} {unit}" if value == value else "has no value"


def promise(check: Check, unit: str) -> str:
    """What is promised, with its unit: `p90(cost) < 12,000 USD, margin 300 USD`."""
    side, plain = "<" if check.above is None else ">", "" if unit == YES_OR_NO else f" {unit}"
    told = f"{check.statistic_name}({check.figure}) {side} {number(check.bound)}{plain}"
    return f"{told}, margin {number(check.margin)}{plain}" if check.margin else told


def statistic(value: float) -> str:
    """A statistic over months; infinite where it never comes about, a dash if there is none."""
    return "never" if value == math.inf else number(value)


def span(low: float, high: float) -> str:
    """An interval in words, either end of which may be open; infinite itself where a statistic
    never comes about.
    """
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
    """The share of months that break the bound by themselves, with its 95 % interval."""
    if math.isnan(verdict.share):
        return "-"
    return f"{share(verdict.share)} ({share(verdict.share_low)} to {share(verdict.share_high)})"


_HEADER = ("verdict", "estimate", "low to high", "by", "months", "of which beyond the bound")
_ALIGN = "lrlrrl"
_OPEN = (
    "UNDECIDED: {most} months are too few to tell on which side of its bound the statistic lies. A "
    "larger margin lets more pass, a larger most_runs (under checking) tells more."
)


def told(checked: Checked) -> str:
    """All verdicts as text of at most 100 columns, then a story of each promise that is not kept;
    times are UTC.
    """
    lines = [*wrapped(headline(checked), 2), *about(checked), "", *table(checked)]
    if any(verdict.outcome == "undecided" and not verdict.note for verdict in checked.verdicts):
        most = count(checked.scenario.checking.most_runs)
        lines += ["", *wrapped(_OPEN.format(most=most), 2)]
    for verdict in checked.verdicts:
        lines += story_lines(checked, verdict)
    return page(lines)


def headline(checked: Checked) -> str:
    """The verdict of the file: `plan.yaml: 2 of 3 promises kept, 1 broken`."""
    outcomes = [verdict.outcome for verdict in checked.verdicts]
    kept, n = outcomes.count("pass"), len(outcomes)
    told = [f"{checked.name}: {kept:,} of {n:,} {'promise' if n == 1 else 'promises'} kept"]
    broken, still_open = outcomes.count("fail"), outcomes.count("undecided")
    told += [f"{broken:,} broken"] * (broken > 0)
    told += [f"{still_open:,} undecided"] * (still_open > 0)
    return ", ".join(told)


def about(checked: Checked) -> list[str]:
    """The seed, the length of a month and the risks, in a sentence."""
    days, most = checked.scenario.days, checked.scenario.checking.most_runs
    length = "1 day" if days == 1 else f"{days:,} days"
    months = f"months of {length}, {count(most)} at most"
    return wrapped(f"seed {checked.experiment.rng}; {months}; {risks(checked.scenario)}", 2)


def risks(plan: Scenario) -> str:
    """How certain verdicts are, in words: means are not exact (docs/checks.md)."""
    alarm, miss = share(plan.checking.false_alarm), share(plan.checking.miss)
    about = (
        ", of means about" if any(check.statistic_name == "mean" for check in plan.checks) else ""
    )
    return f"risks of all together: false alarm {alarm}, miss {miss}{about}"


def table(checked: Checked) -> list[str]:
    """Two lines a promise, what is promised and its verdict, and its note."""
    rows = [cells(verdict) for verdict in checked.verdicts]
    header, *shown = columns(_HEADER, rows, _ALIGN)
    lines = [f"  {header}"]
    for verdict, row in zip(checked.verdicts, shown, strict=True):
        lines += wrapped(f"{verdict.check.name}: {promise(verdict.check, checked.unit(verdict))}")
        lines += [f"  {row}"]
        lines += [f"  {line}" for line in wrapped(verdict.note, 2)]
    return lines


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


def story_lines(checked: Checked, verdict: Verdict) -> list[str]:
    """A month that breaks a promise, with a title; nothing for a promise that is kept."""
    if verdict.outcome == "pass":
        return []
    story = checked.story(verdict.check.name)
    if story is None:
        return []
    kind = "a typical month" if verdict.check.statistic_name == "mean" else "the first month"
    title = f"{verdict.check.name}: {kind} beyond the bound, times UTC"
    told = _typed(story.command) + [part for line in story.lines[1:] for part in wrapped(line)]
    return ["", title, *(f"  {line}" for line in told)]


def _typed(command: str) -> list[str]:
    """A command in two lines if it is long, as a shell reads them."""
    if len(command) <= WIDTH - 4:
        return [command]
    file, option, rest = command.partition(" --rng")
    return [f"{file} \\", f"   {option}{rest}"]


def verdict_lines(checked: Checked, verdict: Verdict) -> list[str]:
    """One verdict alone, as a failure tells it: what was promised, what is, and a month's story."""
    rows = columns(_HEADER, [cells(verdict)], _ALIGN)
    return [
        f"{verdict.check.name}: {promise(verdict.check, checked.unit(verdict))}",
        *rows,
        *wrapped(verdict.note, 2),
        *story_lines(checked, verdict),
    ]
