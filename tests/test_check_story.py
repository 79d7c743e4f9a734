"""The story of a month: it is that month, it breaks the promise, and it can be made again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from check_plans import PLAN, UNDECIDED, checked_plan, written

from smssim import cli
from smssim.checks import Story, check
from smssim.checks.counterexample import _EVENTS, MAX_EVENTS, StoryEvent
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate


def story_of(name: str) -> Story:
    found = checked_plan().story(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["never dry", "near"])
def test_a_story_is_the_record_of_that_month(name: str) -> None:
    """Every event of the kinds that are told, in order, with its time and subject."""
    story = story_of(name)
    run = simulate(checked_plan().scenario, rng=story.rng, replication=story.replication)
    assert run.events is not None
    events = run.events[run.events["event"].isin(list(_EVENTS))]
    rows = [(own.at, own.event, own.subject) for own in story.events]
    assert rows == list(zip(events["at"], events["event"], events["subject"], strict=True))
    assert {"alarm", "run_out", "suspended"} <= {own.event for own in story.events}


def test_the_month_breaks_its_promise() -> None:
    own = checked_plan()
    dry, near = own.verdict("never dry"), own.verdict("near")
    assert story_of("never dry").replication == dry.broken[0]
    story = story_of("near")
    assert story.replication in near.broken
    known = own.experiment.by_replication("messages.requested")
    values = sorted(known[k] for k in near.broken)
    assert known[story.replication] == values[(len(values) - 1) // 2], "a typical one"
    assert [figure.name for figure in story.figures] == [
        "near", "never dry", "budget", "enough", "late enough",
    ]  # fmt: skip
    assert (story.figures[0].value, story.figures[0].breaks) == (known[story.replication], True)
    assert str(story.figures[0]).endswith(" messages, beyond its bound")


def test_what_is_kept_and_never_broken_has_no_story() -> None:
    assert checked_plan().story("budget") is None
    with pytest.raises(ValueError, match=r"name\(='cheap'\) must be one of never dry, budget"):
        checked_plan().story("cheap")


def test_its_command_makes_the_month_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one types it, for a file with a blank in its name."""
    file = written(tmp_path, name="our plan.yaml")
    story = replace(checked_plan(), file=str(file)).story("never dry")
    assert story is not None
    smssim, *arguments = shlex.split(story.command)
    assert smssim == "smssim"
    assert cli.main(arguments) == 0
    out, _ = capsys.readouterr()
    dry = next(own.at for own in story.events if own.event == "run_out")
    assert f"{dry:%Y-%m-%d %H:%M}" in out
    assert story.lines[0] == story.command


def test_policies_act_in_a_story_as_in_its_month() -> None:
    """One that remembers things is as new in the story as it was in the month."""

    def buys(env: Any, account: Any, seen: list[str] = []) -> Iterator[Any]:  # noqa: B006
        yield account.wait("run_out")
        if not seen:
            account.buy_package("ID", 100, 30, valid_months=1)
        seen.append("bought")

    found = check(Scenario.parse(PLAN), workers=1, policies=[buys])
    story = found.story("never dry")
    assert story is not None
    assert "resumed" in {own.event for own in story.events}
    assert story == found.story("never dry")
    assert story.command.endswith("replication=1, policies=...)")


def test_a_long_story_is_cut_in_the_text_alone() -> None:
    story = story_of("never dry")
    first = story.events[0]
    many = tuple(
        StoryEvent(first.at + timedelta(hours=k), "limit", "day") for k in range(MAX_EVENTS + 1_200)
    )
    lines = replace(story, events=many).lines
    assert len(lines) == 1 + len(story.figures) + MAX_EVENTS + 1
    assert lines[-1] == "  ... and 1,200 more"
    assert lines[-2].endswith("limit tripped, sending stopped (day)")
    assert str(replace(story, events=())).endswith("no run-out, alarm, limit or freeze")


def test_an_undecided_promise_has_a_story() -> None:
    found = check(Scenario.parse(UNDECIDED), workers=1)
    assert found.story("near") is not None
    assert "near: a typical month beyond the bound" in found.to_text()
