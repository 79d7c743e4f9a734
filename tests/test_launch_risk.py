"""The risk of a date: it is what simulating every date says, and its picture tells it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from picture_texts import outside, overlaps, texts

import smssim
from smssim import plots
from smssim.checks.find.launch import launch_risk
from smssim.plots.review import latest
from smssim.scenario import Scenario
from smssim.stats.intervals import wilson

FOLDER = Path(__file__).parents[1] / "data/scenarios"
LAUNCH = datetime.fromisoformat("2026-02-23T10:00:00+07:00")
SATURDAY = datetime.fromisoformat("2026-02-14T12:00:00+08:00")
OFFER = "launch offer"


@pytest.fixture(scope="module")
def festival() -> Scenario:
    return Scenario.load(FOLDER / "spring_festival.yaml")


def test_the_risk_is_that_of_simulating_every_date() -> None:
    shipped = Scenario.load(FOLDER / "weekend_review.yaml")
    world = shipped.change(group_tasks=[], **{"traffic.0.messages_a_day": 1})
    launch = datetime.fromisoformat("2026-04-13T12:00:00+08:00")
    times = [launch - timedelta(hours=hours) for hours in (66, 40, 3, 1)]
    got = launch_risk(world, "spring offer", launch, times, n=20)
    tried = smssim.sweep(world, {"templates.1.submitted": times}, 20, workers=1)
    for place, at in enumerate(times):
        hours = tried.values("review.usable_hours[spring offer]", place)
        late = int((~(hours <= (launch - at) / timedelta(hours=1))).sum())
        row = got.iloc[place]
        assert (row["n"], row["late"], row["risk"]) == (20, late, late / 20)
        assert (row["low"], row["high"]) == wilson(late, 20)[1:]
    assert got["late"].nunique() > 2
    assert got["at"].tolist() == [pd.Timestamp(at) for at in times]


def test_the_make_up_saturday_is_worth_a_day(festival: Scenario) -> None:
    """Without it all of Saturday is as late as the holidays."""
    without = festival.change(**{"review.extra_holidays": ["2026-02-14"]})
    risks = [
        launch_risk(own, OFFER, LAUNCH, [SATURDAY, SATURDAY - timedelta(days=1)], n=100)["risk"]
        for own in (festival, without)
    ]
    assert risks[0].max() < 0.1
    assert risks[1].tolist()[0] == 1
    assert risks[1].tolist()[1] < 0.1


def test_beginning_later_is_never_surer(festival: Scenario) -> None:
    """Steps in working time that begin later are done later, or at the same time."""
    days = pd.date_range("2026-01-12T01:00:00Z", "2026-02-06T01:00:00Z", freq="5D")
    found = launch_risk(festival, "login VN", LAUNCH, days, path="onboarding.begins", n=100)
    assert found["risk"].is_monotonic_increasing
    assert (found["risk"].iloc[0], found["risk"].iloc[-1]) == (0, 1)
    home = launch_risk(festival, "login ID", LAUNCH, days, path="onboarding.begins", n=100)
    assert (home["risk"] <= found["risk"]).all()
    assert home["risk"].iloc[-2] < 1


def test_a_country_that_is_not_registered_is_not_ready(festival: Scenario) -> None:
    """Taiwan files the content next to the review, and that takes until after the launch."""
    slow = {"VN": festival.registrations["VN"], "TW": {"duration": 40 * 32_400.0}}
    taiwan = festival.change(**{"traffic.0.country": "TW", "registrations": slow, "routes": {}})
    begins = [datetime.fromisoformat("2026-01-12T09:00:00+08:00")]
    found = launch_risk(taiwan, "login ID", LAUNCH, begins, path="onboarding.begins", n=5)
    assert found["risk"].tolist() == [1]


def test_what_is_ready_at_the_very_launch_is_in_time(festival: Scenario) -> None:
    """An hour of review and five minutes: a microsecond earlier would be too late."""
    sure = {"review.decision": {"fixed_s": 3_600}, "review.rejection": 0}
    own = festival.change(**sure, **{"review.usable_after": {"fixed_s": 300}})
    at = datetime.fromisoformat("2026-02-13T10:00:00+08:00")
    ready, instant = at + timedelta(minutes=65), timedelta(microseconds=1)
    risks = [launch_risk(own, OFFER, t, [at], n=3)["risk"].item() for t in (ready, ready - instant)]
    assert risks == [0, 1]


def test_wrong_questions_are_named(festival: Scenario) -> None:
    with pytest.raises(ValueError, match=r"template\(='offer'\) must be one of login ID"):
        launch_risk(festival, "offer", LAUNCH, [SATURDAY])
    with pytest.raises(ValueError, match="times must hold at least one moment"):
        launch_risk(festival, OFFER, LAUNCH, [])
    with pytest.raises(ValueError, match=r"n\(=0\) must be >= 1"):
        launch_risk(festival, OFFER, LAUNCH, [SATURDAY], n=0)


def test_without_a_seed_it_is_the_scenarios(festival: Scenario) -> None:
    """As in all verbs: the same scenario has the same courses."""
    last = [datetime.fromisoformat("2026-02-14T17:00:00+08:00")]
    own, asked = festival.change(rng=7), {"template": OFFER, "launch": LAUNCH, "times": last}
    found = launch_risk(own, **asked, n=60)
    assert found.equals(launch_risk(festival, **asked, n=60, rng=7))
    assert not found.equals(launch_risk(festival, **asked, n=60))


def test_the_picture_tells_the_last_sure_moment(festival: Scenario) -> None:
    hours = pd.date_range("2026-02-13 09:00", "2026-02-14 20:00", freq="h", tz="Asia/Shanghai")
    frame = launch_risk(festival, OFFER, LAUNCH, hours, n=200)
    for accepted in (0.05, 0.3):
        ax: Any = plots.launch_risk(frame, accepted=accepted, zone="Asia/Shanghai")
        last = frame.loc[frame["high"] < accepted, "at"].max().tz_convert("Asia/Shanghai")
        told = ax.get_title(loc="left").replace("\n", " ")
        assert told.endswith(f"until Sat {last:%d %b %H:%M}")
        seen = texts(ax.figure)
        assert (overlaps(seen), outside(seen, ax.figure)) == ([], [])
        assert ax.lines[0].get_ydata() == pytest.approx(100 * frame["risk"])
        plt.close(ax.figure)
    # On Friday night the risk is higher than on Saturday morning: "until" would not be true.
    ax = plots.launch_risk(frame, accepted=0.022, zone="Asia/Shanghai")
    assert not (frame.loc[frame["at"] <= latest(frame, 0.022), "high"] < 0.022).all()
    told = ax.get_title(loc="left").replace("\n", " ")
    assert told.startswith("Last moment with a risk below 2.2%: Sat 14 Feb")
    assert told.endswith("(not all before it)")
    seen = texts(ax.figure)
    assert (overlaps(seen), outside(seen, ax.figure)) == ([], [])
    plt.close(ax.figure)
    late = frame[frame["risk"] > 0.5]
    ax = plots.launch_risk(late)
    assert "nowhere surely below 5%" in ax.get_title(loc="left").replace("\n", " ")
    plt.close(ax.figure)
