"""The latest time to hand a template in: what the search says is what trying every hour says."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from matplotlib import pyplot as plt

import smssim
from smssim.scenario import Scenario

SCENARIO = Path(__file__).parents[1] / "data/scenarios/weekend_review.yaml"
LAUNCH = datetime.fromisoformat("2026-04-13T10:00:00+08:00")
FIRST = datetime.fromisoformat("2026-04-10T12:00:00+08:00")
OFFER, SHARE = "spring offer", 0.75


@pytest.fixture(scope="module")
def world() -> Scenario:
    """The shipped weekend with next to no messages: reviews have their own random numbers."""
    shipped = Scenario.load(SCENARIO)
    return shipped.change(days=4, group_tasks=[], **{"traffic.0.messages_a_day": 1})


def test_the_search_finds_what_trying_every_hour_finds(world: Scenario) -> None:
    """A Monday's campaign: reviews that the desk does not begin on Friday come too late."""
    hours = [
        FIRST + timedelta(hours=n) for n in range(int((LAUNCH - FIRST).total_seconds()) // 3600)
    ]
    tried = smssim.sweep(world, {"templates.1.submitted": hours}, 6, workers=1)
    figure = f"review.usable_hours[{OFFER}]"
    in_time = [
        (tried.values(figure, n) <= (LAUNCH - hour) / timedelta(hours=1)).mean() >= SHARE
        for n, hour in enumerate(hours)
    ]
    latest = max(hour for hour, kept in zip(hours, in_time, strict=True) if kept)

    ask = smssim.find.latest_submission
    found = ask(world, OFFER, LAUNCH.isoformat(), first=FIRST, share=SHARE, workers=1)

    assert found.value == latest
    assert found.fails == latest + timedelta(hours=1)
    assert in_time == sorted(in_time, reverse=True)
    assert FIRST < latest < FIRST + timedelta(hours=6)


def test_what_is_never_approved_is_never_usable(world: Scenario) -> None:
    """A template that waits until after the end counts as later than any launch."""
    late = world.change(**{"templates.1.submitted": "2026-04-11T10:00:00+08:00"})
    runs = smssim.replicate(late.change(days=2), 2, workers=1).runs
    assert runs[f"review.usable_hours[{OFFER}]"].isna().all()
    assert runs["review.usable_hours[login]"].notna().all()
    assert (runs["review.usable_hours[login]"] - runs["review.hours[login]"]).tolist() == (
        pytest.approx([300 / 3600] * 2)
    )


def test_wrong_questions_are_named(world: Scenario) -> None:
    with pytest.raises(ValueError, match=r"launch\(=.*must have a zone"):
        smssim.find.latest_submission(world, OFFER, LAUNCH.replace(tzinfo=None), first=FIRST)
    with pytest.raises(ValueError, match=r"template\(='offer'\) must be one of login, spring"):
        smssim.find.latest_submission(world, "offer", LAUNCH, first=FIRST)
    for wrong in ({"step_h": 0}, {"step_h": -1}, {"launch": FIRST - timedelta(hours=1)}):
        asked: dict[str, Any] = {"launch": LAUNCH, "first": FIRST, **wrong}
        with pytest.raises(ValueError, match="must be first <= launch, step_h > 0"):
            smssim.find.latest_submission(world, OFFER, **asked)
    for share in (0, 1, 1.2):
        with pytest.raises(ValueError, match=r"share\(=.*must be > 0 and < 1"):
            smssim.find.latest_submission(world, OFFER, LAUNCH, first=FIRST, share=share)


def test_a_share_may_be_any(world: Scenario) -> None:
    ask = smssim.find.latest_submission
    found = ask(world, OFFER, LAUNCH, first=FIRST, step_h=24, share=2 / 3, most=30)
    assert found.promise.quantile == pytest.approx(2 / 3, rel=1e-9)


def test_handing_in_later_may_help(world: Scenario) -> None:
    """What comes on Monday before the desk opens is decided within two hours of its opening, what
    came on Sunday some time on Monday: Monday's morning does, Sunday does not.
    """
    noon = LAUNCH + timedelta(hours=2)
    sunday = LAUNCH - timedelta(hours=20)
    found = smssim.find.latest_submission(world, OFFER, noon, first=sunday, share=0.75, workers=1)
    assert found.value == LAUNCH
    runs = smssim.replicate(world.change(**{"templates.1.submitted": sunday}), 40, workers=1).runs
    assert (runs[f"review.usable_hours[{OFFER}]"] <= 22).mean() < 0.75


def test_what_a_template_goes_to_is_part_of_its_review(world: Scenario) -> None:
    """A country with a longer review counts, although no message to it is simulated."""
    world = world.change(days=7)
    longer = world.change(**{"review.longer": {"ID": 9 * 3600.0}, "traffic.0.template": OFFER})
    wednesday, first = LAUNCH + timedelta(days=2), FIRST + timedelta(days=2)
    plain, later = (
        smssim.find.latest_submission(own, OFFER, wednesday, first=first, share=SHARE).value
        for own in (world, longer)
    )
    assert timedelta(hours=20) < plain - later < timedelta(hours=28)


def test_each_date_is_held_against_its_own_bound(world: Scenario) -> None:
    """The hours that are left until the launch, in the frame and in the picture."""
    found = smssim.find.latest_submission(world, OFFER, LAUNCH, first=FIRST, share=SHARE)
    left = [(LAUNCH - at) / timedelta(hours=1) for at in found.curve["value"]]
    assert found.curve["bound"].tolist() == pytest.approx(left, abs=1e-6)
    assert f"< {left[0]:g} holds at" in found.note
    ax = found.plot()
    bounds = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert bounds == pytest.approx(left, abs=1e-6)
    assert ax.get_yticklabels()[0].get_text() == f"Fri 10 Apr {found.value:%H:%M}"
    plt.close(ax.figure)
