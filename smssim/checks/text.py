"""What was checked as text for people: a table of promises, and a month of each that is broken."""

from __future__ import annotations

from collections.abc import Sequence

from smssim.checks.checked import Checked
from smssim.checks.verdict import Verdict
from smssim.checks.words import OUTCOMES, beyond, months, promise, span, statistic
from smssim.formatting import WIDTH, columns, count, page, share, wrapped
from smssim.scenario import Scenario

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
    about = ", of means about" if any(check.kind == "mean" for check in plan.checks) else ""
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
    kind = "a typical month" if verdict.check.kind == "mean" else "the first month"
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
