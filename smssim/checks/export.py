"""What was checked as plain data, for programs: keys in a fixed order, no NaN, no infinity."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from smssim.checks.counterexample import Story
from smssim.checks.text import (
    OUTCOMES,
    beyond,
    headline,
    months,
    promise,
    span,
    statistic,
    verdict_lines,
)
from smssim.checks.verdict import NUMBERS, Checked, Undecided, Verdict
from smssim.simulation.simulate import provenance


def json_of(all_checked: Sequence[Checked], undecided: Undecided = "fail") -> str:
    """All files as one document of JSON, and whether all promises of all of them are kept."""
    ok = all(checked.ok(undecided) for checked in all_checked)
    files = [plain(checked) for checked in all_checked]
    return as_json({"ok": ok, "undecided_counts_as": undecided, "files": files})


def plain(checked: Checked) -> dict[str, Any]:
    """Everything of the table, the risks, where it comes from, and the stories."""
    made = provenance(checked.scenario, checked.experiment.rng, checked.policies)
    checking = checked.scenario.checking
    outcomes = [verdict.outcome for verdict in checked.verdicts]
    return {
        "file": checked.file,
        "scenario": checked.scenario.name,
        "digest": made["digest"],
        "rng": checked.experiment.rng,
        "days": checked.scenario.days,
        "policies": made["policies"],
        "versions": {**made["versions"], "python": made["python"]},
        "false_alarm": checking.false_alarm,
        "miss": checking.miss,
        "most_runs": checking.most_runs,
        "kept": outcomes.count("pass"),
        "broken": outcomes.count("fail"),
        "undecided": outcomes.count("undecided"),
        "promises": [plain_verdict(checked, verdict) for verdict in checked.verdicts],
    }


def plain_verdict(checked: Checked, verdict: Verdict) -> dict[str, Any]:
    """One verdict, with the story of a month if it is not kept and one breaks it."""
    check = verdict.check
    story = None if verdict.outcome == "pass" else checked.story(check.name)
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
        "story": None if story is None else _story(story),
    }


def as_json(data: Any) -> str:
    """Plain data as JSON in ASCII, ending with a new line; what is not finite is null."""
    return json.dumps(_finite(data), indent=2, allow_nan=False) + "\n"


def _story(story: Story) -> dict[str, Any]:
    return {
        "rng": story.rng,
        "replication": story.replication,
        "command": story.command,
        "figures": [dict(vars(own)) for own in story.figures],
        "happenings": [
            {"at": own.at.isoformat(), "event": own.event, "subject": own.subject}
            for own in story.happenings
        ],
    }


def _finite(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


# What was checked in the form of JUnit, which pipelines show: a suite a file, a case a promise.


def junit(all_checked: Sequence[Checked], undecided: Undecided = "fail") -> str:
    """All files as one document in ASCII; an undecided promise is a failure, or skipped where it
    counts as pass.

    No times are told, for the same commit gives the same document.
    """
    root = Element("testsuites", name="smssim check")
    for checked in all_checked:
        _suite(root, checked, undecided)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    written: bytes = tostring(root, encoding="us-ascii")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + _body(written.decode("ascii")) + "\n"


def _suite(root: Element, checked: Checked, undecided: Undecided) -> None:
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
            told = SubElement(case, tag, message=_clean(_message(checked, verdict)))
            if not skipped:
                told.set("type", verdict.outcome)
            told.text = _clean("\n".join(verdict_lines(checked, verdict)))
    tags = ("failure", "skipped")
    failures, skips = (sum(len(case.findall(tag)) for case in suite) for tag in tags)
    counts = {"tests": len(checked.verdicts), "failures": failures, "errors": 0, "skipped": skips}
    for name, number in counts.items():
        suite.set(name, str(number))


def _message(checked: Checked, verdict: Verdict) -> str:
    told = f"{OUTCOMES[verdict.outcome]}: {promise(verdict.check, checked.unit(verdict))}"
    found = f"{statistic(verdict.estimate)}, {span(verdict.low, verdict.high)}"
    return f"{told}: {found}, {beyond(verdict)}; months beyond the bound {months(verdict)}"


def _body(written: str) -> str:
    """Without the declaration that ElementTree may write itself."""
    return written.partition("?>\n")[2] if written.startswith("<?xml") else written


def _clean(text: str) -> str:
    """What XML may not hold, such as control characters, is replaced."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
