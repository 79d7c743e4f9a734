"""What is told of promises: text, notebook, JSON and JUnit agree, wherever months were run."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from check_plans import OUTCOMES, PLAN, UNDECIDED, checked_plan, written

from smssim.checks import CheckResult, check, junit
from smssim.checks.counterexample import _amount
from smssim.checks.text import OUTCOMES as WORDS
from smssim.checks.text import beyond, promise, span, statistic
from smssim.scenario import Scenario


def test_the_plan_has_every_verdict() -> None:
    assert {v.check.name: v.outcome for v in checked_plan().verdicts} == OUTCOMES


@pytest.mark.parametrize("how", ["processes", "threads", "store"])
def test_all_forms_are_the_same_wherever_months_are_run(how: str, tmp_path: Path) -> None:
    plan, own = Scenario.parse(PLAN), checked_plan()
    if how == "threads":
        with ThreadPoolExecutor(3) as executor:
            found = check(plan, executor=executor)
    elif how == "processes":
        found = check(plan, workers=2)
    else:
        check(plan, workers=1, store=tmp_path)
        found = check(plan, workers=1, store=tmp_path)
        assert found.experiment.results.keys() == own.experiment.results.keys()
    assert found.verdicts == own.verdicts
    assert (found.to_text(), found.json(), found.junit()) == (
        own.to_text(),
        own.json(),
        own.junit(),
    )


def test_the_text_says_what_was_promised_and_what_is() -> None:
    lines = checked_plan().to_text().splitlines()
    assert lines[0] == "small: 3 of 5 promises hold, 1 does not, 1 undecided"
    risks = "overall error rates: false alarm 1.0%, miss 1.0%"
    told = " ".join(line.strip() for line in lines[1:3])
    assert told == f"seed 1; months of 1 day, 60 at most; {risks} (approximate for means)"
    assert max(map(len, lines)) <= 100
    for verdict in checked_plan().verdicts:
        unit = checked_plan().unit(verdict)
        place = lines.index(f"{verdict.check.name}: {promise(verdict.check, unit)}")
        row = lines[place + 1]
        assert row.strip().startswith(f"{WORDS[verdict.outcome]}  ")
        assert f"  {statistic(verdict.estimate)}  " in row
        assert span(verdict.low, verdict.high) in row
        assert f"{beyond(verdict)}  " in row
        assert f" {verdict.runs}  {100 * verdict.share:.1f}% (" in row
    told = " ".join(line.strip() for line in lines)
    assert "60 months are too few to show on which side of its bound" in told
    assert "larger margin" in told
    assert "larger most_runs" in told
    assert "never dry: the first month beyond the bound, times in UTC" in lines
    assert "near: a typical month beyond the bound, times in UTC" in lines
    assert not any(line.startswith("budget: ") and "UTC" in line for line in lines)


def test_a_note_is_told_in_place_of_advice() -> None:
    """An undecided promise that lacks values is helped neither by a margin nor by more months."""
    never = "{name: dry, metric: runout.first, statistic: mean, above: 0.1}"
    text = PLAN[: PLAN.index("checks:")].replace("segments: 43", "segments: 500")
    told = check(Scenario.parse(f"{text}checks: [{never}]"), workers=1).to_text()
    assert told.startswith("small: 0 of 1 promise holds, 1 undecided")
    assert "replication 0 has no runout.first" in told
    assert "larger margin" not in told


def test_json_agrees_with_the_table() -> None:
    own = checked_plan()
    read = json.loads(own.json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert list(read)[:4] == ["file", "scenario", "digest", "rng"]
    assert (read["digest"], read["rng"]) == (own.scenario.digest(), 1)
    assert (read["false_alarm"], read["miss"], read["most_runs"]) == (0.01, 0.01, 60)
    assert (read["kept"], read["broken"], read["undecided"]) == (3, 1, 1)
    assert read["versions"]["smssim"]
    table = own.table.replace([math.inf, -math.inf], math.nan)
    for row, told in zip(table.to_dict("records"), read["promises"], strict=True):
        shared = {str(name): value for name, value in row.items()}
        assert {name: told[name] for name in shared} == {
            name: None if value != value else value for name, value in shared.items()
        }
        assert (told["story"] is None) == (told["outcome"] == "pass")
    late = read["promises"][4]
    assert (late["name"], late["high"], late["above"], late["below"]) == (
        "late enough", None, 0.5, None,
    )  # fmt: skip
    story = read["promises"][0]["story"]
    assert story["replication"] == read["promises"][0]["broken"][0]


@pytest.mark.parametrize("undecided", ["fail", "pass"])
def test_junit_agrees_with_the_table(undecided: Any) -> None:
    own = checked_plan()
    root = ElementTree.fromstring(own.junit(undecided))
    failures, skipped = (2, 0) if undecided == "fail" else (1, 1)
    counts = {"tests": "5", "failures": str(failures), "errors": "0", "skipped": str(skipped)}
    for element in (root, *root.findall("testsuite")):
        assert {name: element.get(name) for name in counts} == counts
    (suite,) = root.findall("testsuite")
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert list(cases) == list(OUTCOMES)
    for name, outcome in OUTCOMES.items():
        found = {part.tag for part in cases[name]}
        skips = outcome == "undecided" and undecided == "pass"
        assert found == (set() if outcome == "pass" else {"skipped" if skips else "failure"})
    failure = cases["never dry"].find("failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.get("message", "").startswith("does not hold: estimate ")
    assert "smssim.simulate(scenario, rng=1, replication=" in failure.text
    assert "time" not in {name for element in root.iter() for name in element.attrib}


def test_junit_survives_any_name() -> None:
    """Names of files are the system's: quotes, control characters, halves of characters."""
    odd = replace(checked_plan(), file='a"<&\x1b\udc80ü/plan.yaml')
    written = junit([odd, checked_plan()])
    assert written.isascii()
    root = ElementTree.fromstring(written)
    assert [suite.get("name") for suite in root] == ['a"<&??ü/plan.yaml', "small"]
    assert root.get("tests") == "10"
    assert json.loads(odd.json())["file"] == odd.file
    assert "\x1b" not in odd.to_text()


def test_markdown_agrees_with_the_table() -> None:
    """Read as a reader of Markdown does: a row per promise, and what does not hold below."""
    odd = replace(checked_plan(), file="a|*b*<i>.yaml")
    lines = odd.markdown().splitlines()
    assert lines[0].startswith(r"### a\|\*b\*\<i\>.yaml: 3 of 5 promises hold")
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("| ")][2:]
    assert {len(row) for row in rows} == {7}
    assert [row[0].strip() for row in rows] == list(OUTCOMES)
    for row, verdict in zip(rows, odd.verdicts, strict=True):
        assert row[2].strip(" *") == WORDS[verdict.outcome].lower()
        assert row[3].strip() == statistic(verdict.estimate)
    below = [line for line in lines if line.startswith("- ")]
    assert [line.split("**")[1] for line in below] == ["never dry", "near"]
    assert "does not hold: estimate" in below[0]
    assert "`smssim run 'a|*b*<i>.yaml' --rng 1 --replication " in below[0]
    assert len([line for line in odd.markdown("pass").splitlines() if line[:2] == "- "]) == 1


def test_a_notebook_shows_a_table() -> None:
    seen: list[str] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attrs: seen.append(tag)  # type: ignore[method-assign]
    shown = replace(checked_plan(), file="<b>.yaml")._repr_html_()
    reader.feed(shown)
    assert seen.count("tr") == 1 + len(OUTCOMES)
    assert "script" not in seen
    assert "b" not in seen
    for word in ("DOES NOT HOLD", "UNDECIDED", "holds", "never dry", "&lt;b&gt;.yaml"):
        assert word in shown


def test_what_is_undecided_counts_as_asked() -> None:
    found = check(Scenario.parse(UNDECIDED), workers=1)
    assert not found.ok()
    assert found.ok("pass")
    assert not checked_plan().ok("pass")


def test_figures_are_said_in_words() -> None:
    assert span(-math.inf, 3) == "up to 3"
    assert span(2, math.inf) == "from 2"
    assert span(1, 2) == "1 to 2"
    assert span(-math.inf, math.inf) == span(math.nan, 2) == "not known"
    assert span(math.inf, math.inf) == "never"
    assert span(0, 6e-61) == "0 to 0"
    assert (statistic(math.inf), statistic(math.nan)) == ("never", "-")
    assert (_amount(1, "yes is 1"), _amount(0, "yes is 1")) == ("yes", "no")
    assert (_amount(math.nan, "d"), _amount(math.nan, "s")) == ("never", "has no value")
    assert _amount(12_345.6, "USD") == "12,346 USD"


def test_a_file_is_called_as_its_user_calls_it(tmp_path: Path) -> None:
    file = written(tmp_path, UNDECIDED)
    found: CheckResult = check(file, workers=1)
    assert (found.file, found.name) == (str(file), str(file))
    assert json.loads(found.json())["file"] == str(file)


@pytest.mark.parametrize(
    "first", ["smssim.checks.check", "smssim.checks.difference", "smssim.checks.find.search"]
)
def test_functions_are_not_hidden_by_modules_of_their_name(first: str) -> None:
    code = f"""
import {first}, smssim, smssim.checks, smssim.checks.find
names = (smssim.check, smssim.checks.check, smssim.checks.difference, smssim.find.search)
assert all(type(one).__name__ == "function" for one in names), names
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
