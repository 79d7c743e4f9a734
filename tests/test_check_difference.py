"""The difference of two plans: both as `check` decides them, and their statistics pair by pair."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from check_plans import KEPT, OUTCOMES, PLAN, checked_plan

from smssim.checks import Difference, check, difference
from smssim.checks.difference import MIN_MONTHS, PromiseDifference
from smssim.experiment import replicate
from smssim.scenario import Scenario
from smssim.scenario.diff import ABSENT, differences
from smssim.stats.intervals import mean_interval, newcombe_paired, quantile_difference

pytestmark = pytest.mark.xdist_group("check plans")
"""In one worker, which runs the months once."""
OLD, NEW = Scenario.parse(PLAN), Scenario.parse(KEPT)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that were made once, which change no verdict."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def found(store: Path) -> Difference:
    return difference(OLD, NEW, workers=1, store=store)


def of(found: Difference, name: str) -> PromiseDifference:
    return next(own for own in found.promises if own.name == name)


def test_verdicts_are_those_of_check(found: Difference, store: Path) -> None:
    """Also where the other plan, or the difference, asks for more months than a plan may take."""
    assert {v.check.name: v.outcome for v in found.old.verdicts} == OUTCOMES
    assert found.old.verdicts == checked_plan().verdicts
    assert found.new.verdicts == check(NEW, workers=1).verdicts
    assert found.ok()
    assert not difference(NEW, OLD, workers=1, store=store).ok()


def test_differences_are_of_pairs(found: Difference) -> None:
    """From the same months, computed here from runs made apart."""
    dry = of(found, "never dry")
    assert (
        dry.months
        == max(v.runs for p in (found.old, found.new) for v in p.verdicts[:1])
        > MIN_MONTHS
    )
    runs = [replicate(plan, dry.months, workers=1).runs for plan in (OLD, NEW)]
    old, new = runs
    sent = mean_interval(new["messages.requested"] - old["messages.requested"])
    assert of(found, "enough").change == sent == (0, 0, 0), "demand depends on no package"
    yes, was = new["runout.any"] > 0, old["runout.any"] > 0
    counts = (yes & was, yes & ~was, ~yes & was, ~yes & ~was)
    assert dry.change == newcombe_paired(*(int(own.sum()) for own in counts))
    assert (dry.before, dry.after) == (was.mean(), yes.mean())
    assert (dry.before - dry.after) > 0.3 > -dry.change.high > 0
    old, new = (own[:MIN_MONTHS] for own in runs)
    budget = of(found, "budget")
    assert budget.change == quantile_difference(new["cost"], old["cost"], 0.8, 1)
    late = of(found, "late enough")
    assert (late.before, late.after) == (
        -np.quantile(-old["runout.first"].fillna(math.inf), 0.8, method="inverted_cdf"), math.inf,
    )  # fmt: skip
    assert late.change.estimate == math.inf


def test_nothing_hangs_on_who_ran_the_months(found: Difference) -> None:
    with ThreadPoolExecutor(3) as executor:
        again = difference(OLD, NEW, executor=executor)
    assert again.to_text() == found.to_text()
    assert again.json() == found.json()


def test_the_text_says_what_changed_and_what_that_does(found: Difference) -> None:
    lines = found.to_text().splitlines()
    assert lines[0] == "small: 5 of 5 promises hold"
    assert lines[1] == "before: small: 3 of 5 promises hold, 1 does not, 1 undecided"
    assert "  packages.0.segments: 43 -> 200" in lines
    assert "  checks.3.below: 40.0 -> 50.0" in lines
    assert max(map(len, lines)) <= 100
    place = lines.index("never dry: probability(runout.any) < 0.05, margin 0.02")
    assert lines[place + 1].split()[:4] == ["DOES", "NOT", "HOLD", "holds"]
    assert "the promise was mean(messages.requested) < 40" in " ".join(lines)
    assert "DOES NOT HOLD" in found._repr_html_()


def test_to_what_never_comes_about_there_is_no_difference(found: Difference) -> None:
    """The larger package does not run out in a fifth of the months any more."""
    assert of(found, "late enough").change.estimate == math.inf
    lines = found.to_text().splitlines()
    place = lines.index("late enough: p20(runout.first) > 0.5 d, margin 0.2 d")
    before, after = of(found, "late enough").before, of(found, "late enough").after
    assert (math.isfinite(before), after) == (True, math.inf)
    assert lines[place + 1].split()[3:-1] == ["never", "-", "not", "known"]


def test_its_table_and_json_agree(found: Difference) -> None:
    read = json.loads(found.json())
    assert read["changes"][0] == {"path": "packages.0.segments", "old": 43, "new": 200}
    rows = found.table.to_dict("records")
    assert [row["name"] for row in rows] == [row["name"] for row in read["promises"]]
    for row, told in zip(rows, read["promises"], strict=True):
        for name, value in row.items():
            text = isinstance(value, str)
            assert told[name] == (value if text or math.isfinite(value) else None)
    assert json.loads(found.new.json()) == read["new"]


def test_promises_of_one_plan_alone_are_said_so(store: Path) -> None:
    """The old plan may have no checks at all, as before the first promise."""
    bare = Scenario.parse(PLAN[: PLAN.index("checks:")])
    found = difference(bare, NEW, workers=1, store=store)
    assert found.old.verdicts == ()
    assert all(own.old is None and own.months == 0 for own in found.promises)
    assert found.to_text().splitlines()[1] == "before: small: 0 of 0 promises hold"
    assert {own.note for own in found.promises} == {"only the new plan has it"}
    with pytest.raises(ValueError, match="checks of the scenario 'small' must be one at least"):
        difference(NEW, bare, workers=1, store=store)


def test_money_of_two_currencies_is_not_compared(store: Path) -> None:
    euro = PLAN.replace("cost_usd", "cost_eur").replace("days: 1", "days: 1\ncurrency: EUR")
    found = difference(OLD, Scenario.parse(euro), workers=1, store=store)
    assert of(found, "budget").note == "USD and EUR cannot be compared"
    assert of(found, "never dry").note == ""
    assert of(found, "never dry").change.estimate == 0


def test_a_part_that_only_the_new_plan_is_asked_for_has_no_difference(store: Path) -> None:
    where = "messages.requested, where: {country: ID}, above"
    part = PLAN.replace("messages.requested, above", where)
    found = difference(OLD, Scenario.parse(part), workers=1, store=store)
    told = "no promise of the old plan is about messages.requested[country=ID]"
    assert (of(found, "enough").note, of(found, "enough").months) == (told, 0)
    assert of(found, "enough").new is not None
    assert of(found, "near").months >= MIN_MONTHS
    assert told in found.to_text()


def test_the_same_plan_is_no_different(store: Path) -> None:
    found = difference(OLD, OLD, workers=1, store=store)
    assert not found.changes
    assert "What changed\n  nothing\n" in found.to_text()
    assert {own.change.estimate for own in found.promises} == {0}


def test_parts_with_names_are_matched_by_them() -> None:
    """A part that is put in front of others changes none of them."""
    source = "{name: z, template: code, country: ID, messages_a_day: 1}"
    more = Scenario.parse(PLAN.replace("traffic: [", f"traffic: [{source}, "))
    (change,) = differences(OLD, more)
    assert (change.path, change.old) == ("traffic.0", ABSENT)
    assert str(change) == "traffic.0: nothing -> a part named z"
    (change,) = differences(more, OLD)
    assert (change.path, change.new) == ("traffic.0", ABSENT)
    faster = OLD.change(**{"traffic.0.messages_a_day": 50, "routes": {}})
    assert (
        sorted(map(str, differences(OLD, faster)))[-1] == "traffic.0.messages_a_day: 40.0 -> 50.0"
    )
    assert "routes.ID" in [change.path for change in differences(OLD, faster)]


def test_packages_are_matched_by_their_place() -> None:
    first, second = {"country": "ID", "segments": 43}, {"country": "ID", "segments": 1}
    two = OLD.change(packages=[first, second])
    assert [change.path for change in differences(OLD, two)] == ["packages.0.price", "packages.1"]
