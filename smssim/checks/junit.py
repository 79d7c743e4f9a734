"""What was checked in the form of JUnit, which pipelines show: a suite a file, a case a promise."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from smssim.checks.checked import Checked, Undecided
from smssim.checks.text import headline, verdict_lines
from smssim.checks.verdict import Verdict
from smssim.checks.words import OUTCOMES, beyond, months, promise, span, statistic


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
