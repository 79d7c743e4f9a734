"""Verdicts for programs and pipelines: JSON with keys in a fixed order, JUnit, Markdown."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from smssim.checks.counterexample import Story, counterexample_of
from smssim.checks.text import (
    OUTCOMES,
    headline,
    in_words,
    months,
    promise,
    span,
    statistic,
    verdict_lines,
)
from smssim.checks.verdict import NUMBERS, CheckedScenario, UndecidedPolicy, Verdict
from smssim.simulation.simulate import provenance

__all__ = ["json_of", "junit", "markdown", "plain", "to_json"]

_MARKUP = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#~$"})


def json_of(results: Sequence[CheckedScenario], undecided: UndecidedPolicy = "fail") -> str:
    """All files as one JSON document, with whether all promises of all of them are kept."""
    ok = all(checked.ok(undecided) for checked in results)
    files = [plain(checked) for checked in results]
    return to_json({"ok": ok, "undecided_counts_as": undecided, "files": files})


def plain(checked: CheckedScenario) -> dict[str, Any]:
    """All of the table, the risks, the provenance and the stories as plain data."""
    origin = provenance(checked.scenario, checked.experiment.rng, checked.policies)
    checking = checked.scenario.checking
    outcomes = [verdict.outcome for verdict in checked.verdicts]
    return {
        "file": checked.file,
        "scenario": checked.scenario.name,
        "digest": origin["digest"],
        "rng": checked.experiment.rng,
        "days": checked.scenario.days,
        "policies": origin["policies"],
        "versions": {**origin["versions"], "python": origin["python"]},
        "false_alarm": checking.false_alarm,
        "miss": checking.miss,
        "most_runs": checking.most_runs,
        "kept": outcomes.count("pass"),
        "broken": outcomes.count("fail"),
        "undecided": outcomes.count("undecided"),
        "promises": [_plain_verdict(checked, verdict) for verdict in checked.verdicts],
    }


def _plain_verdict(checked: CheckedScenario, verdict: Verdict) -> dict[str, Any]:
    """One verdict, with the story of a month if it is not kept and one breaks it."""
    check = verdict.check
    month = None if verdict.outcome == "pass" else counterexample_of(checked, verdict)
    return {
        "name": check.name,
        "promise": str(check),
        "metric": check.metric_name,
        "where": check.where.selection,
        "figure": check.figure,
        "statistic": check.statistic_name,
        "unit": checked.unit(verdict),
        "below": check.below,
        "above": check.above,
        "margin": check.margin,
        "outcome": verdict.outcome,
        **{name: getattr(verdict, name) for name in NUMBERS},
        "broken": list(verdict.broken),
        "note": verdict.note,
        "story": None if month is None else _plain_story(month),
    }


def to_json(data: Any) -> str:
    """Plain data as JSON in ASCII, ending with a new line; what is not finite is null."""
    return json.dumps(_finite(data), indent=2, allow_nan=False) + "\n"


def _plain_story(month: Story) -> dict[str, Any]:
    return {
        "rng": month.rng,
        "replication": month.replication,
        "command": month.command,
        "figures": [dict(vars(figure)) for figure in month.figures],
        "events": [
            {"at": event.at.isoformat(), "event": event.event, "subject": event.subject}
            for event in month.events
        ],
    }


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def junit(results: Sequence[CheckedScenario], undecided: UndecidedPolicy = "fail") -> str:
    """All files as one ASCII document, a suite per file and a case per promise; an undecided
    promise is a failure, or skipped where it counts as pass.

    It has no times, so that the same commit gives the same document.
    """
    root = Element("testsuites", name="smssim check")
    for checked in results:
        _suite(root, checked, undecided)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    written: bytes = tostring(root, encoding="us-ascii")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + _body(written.decode("ascii")) + "\n"


def _suite(root: Element, checked: CheckedScenario, undecided: UndecidedPolicy) -> None:
    suite = SubElement(root, "testsuite", name=_clean(checked.name))
    properties = SubElement(suite, "properties")
    facts = {"digest": checked.scenario.digest(), "rng": str(checked.experiment.rng)}
    for name, value in {"verdict": headline(checked), **facts}.items():
        SubElement(properties, "property", name=name, value=_clean(value))
    for verdict in checked.verdicts:
        case = SubElement(
            suite, "testcase", classname=_clean(checked.name), name=_clean(verdict.check.name)
        )
        if verdict.outcome != "pass":
            skipped = verdict.outcome == "undecided" and undecided == "pass"
            tag = "skipped" if skipped else "failure"
            reason = SubElement(case, tag, message=_clean(in_words(verdict)))
            if not skipped:
                reason.set("type", verdict.outcome)
            reason.text = _clean("\n".join(verdict_lines(checked, verdict)))
    tags = ("failure", "skipped")
    failures, skips = (sum(len(case.findall(tag)) for case in suite) for tag in tags)
    counts = {"tests": len(checked.verdicts), "failures": failures, "errors": 0, "skipped": skips}
    for name, number in counts.items():
        suite.set(name, str(number))


def markdown(results: Sequence[CheckedScenario], undecided: UndecidedPolicy = "fail") -> str:
    """All files as Markdown, such as `$GITHUB_STEP_SUMMARY` takes: a table per file, and below it
    each promise that does not count as kept, in words, with the command of a month.
    """
    return "\n".join(line for checked in results for line in _section(checked, undecided))


def _section(checked: CheckedScenario, undecided: UndecidedPolicy) -> Iterator[str]:
    yield from (f"### {_escaped(headline(checked))}", "")
    yield "| | promise | verdict | estimate | low to high | months | beyond the bound |"
    yield "| --- | --- | --- | ---: | --- | ---: | --- |"
    for verdict in checked.verdicts:
        word = OUTCOMES[verdict.outcome].lower()
        row = (
            _escaped(verdict.check.name),
            _escaped(promise(verdict.check, checked.unit(verdict))),
            word if verdict.outcome == "pass" else f"**{word}**",
            statistic(verdict.estimate),
            span(verdict.low, verdict.high),
            f"{verdict.runs:,}",
            months(verdict),
        )
        yield f"| {' | '.join(row)} |"
    yield ""
    for verdict in checked.verdicts:
        if verdict.outcome == "pass" or (verdict.outcome, undecided) == ("undecided", "pass"):
            continue
        month = counterexample_of(checked, verdict)
        command = "" if month is None else f"; such a month: {_code(month.command)}"
        name = _escaped(verdict.check.name)
        yield from (f"- **{name}** {_escaped(in_words(verdict))}{command}", "")


def _escaped(text: str) -> str:
    """A text on one line as Markdown that shows it as it is."""
    return _clean(text.replace("\n", " ")).translate(_MARKUP)


def _code(text: str) -> str:
    """A command as Markdown, in more backticks than it has."""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks} {_clean(text)} {ticks}" if len(ticks) > 1 else f"`{_clean(text)}`"


def _body(written: str) -> str:
    """Without the declaration that ElementTree may write itself."""
    return written.partition("?>\n")[2] if written.startswith("<?xml") else written


def _clean(text: str) -> str:
    """A text whose characters that XML may not hold, such as control characters, are replaced."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
