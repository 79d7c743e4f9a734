"""The review desk's options: finite reviewers, urging, countries that take longer."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from identity import assert_same_rows, plain
from world_beginnings import SHORT, application, onboarding, registrations
from world_parts import Clock, Draw, one_of, without_none

from smssim.calendars import HOUR, to_datetime, to_us
from smssim.scenario import Scenario
from smssim.simpy_model.onboarding import Beginnings
from smssim.simpy_model.review_desk import ReviewDesk
from smssim.simpy_model.review_desk import reviews as model_reviews
from smssim.simulation.setup.review import setup_timeline
from smssim.simulation.simulate import simulate
from smssim.stats.keyed_random import KeyedRandom

START = "2026-03-02T00:00:00Z"
"""A Monday, 08:00 in GMT+8."""


def scenario(*submitted: Any, countries: str = "ID", **review: Any) -> Scenario:
    """A week with templates that are handed in at given times, or as given mappings say."""
    plain: dict[str, Any] = {
        "start": START,
        "days": 7,
        "applications": [{"name": "shop"}],
        "templates": [
            {"name": f"t{n}", "application": "shop"}
            | (at if isinstance(at, dict) else {"submitted": at})
            for n, at in enumerate(submitted)
        ],
        "traffic": [
            {"name": f"s{n}", "template": f"t{n}", "country": country, "messages_a_day": 1}
            for n, country in enumerate([countries] * len(submitted))
        ],
        "review": {"decision": 0, "next_workday": 0, "mending": 3_600} | review,
    }
    return Scenario.model_validate(plain)


def decided(made: Scenario, rng: int = 1) -> list[str]:
    """When each submission was decided, in GMT+8."""
    found = simulate(made, rng=rng, rows=False).reviews
    assert found is not None
    return [f"{at:%a %H:%M}" for at in found["decided_at"].dt.tz_convert("Asia/Shanghai")]


def test_one_reviewer_takes_one_template_at_a_time_first_come_first_served() -> None:
    at = ("2026-03-02T03:00:00Z", "2026-03-02T02:00:00Z", "2026-03-02T02:00:00Z")
    one = scenario(*at, reviewers=1, handling=3_600)
    assert decided(one) == ["Mon 13:00", "Mon 11:00", "Mon 12:00"], "a tie is by the file"
    two = scenario(*at, reviewers=2, handling=3_600)
    assert decided(two) == ["Mon 12:00", "Mon 11:00", "Mon 11:00"]
    assert decided(one.change(**{"review.reviewers": 3})) == ["Mon 12:00", "Mon 11:00", "Mon 11:00"]


def test_handling_rests_outside_working_hours() -> None:
    at = ("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z", "2026-03-06T09:30:00Z")
    made = scenario(*at, reviewers=2, handling=2 * 3_600)
    # From Monday 17:00; at 18:00 no one begins; from Friday 17:30 over the weekend.
    assert decided(made.change(days=14)) == ["Tue 10:00", "Tue 11:00", "Mon 10:30"]


def test_finite_reviewers_replace_the_windows() -> None:
    """Neither the two hours nor the next workday's chance say anything any more."""
    made = scenario("2026-03-02T03:00:00Z", "2026-03-02T12:00:00Z", reviewers=9, handling=60)
    for change in ({"decision": 7_200}, {"next_workday": 9_000}, {"two_hours": "working"}):
        paths = {f"review.{key}": value for key, value in change.items()}
        assert decided(made.change(**paths)) == decided(made) == ["Mon 11:01", "Tue 09:01"]


def test_an_urged_template_comes_first_once_it_is_urged() -> None:
    def one(urged: str | None) -> list[str]:
        last = without_none({"submitted": "2026-03-02T03:02:00Z", "urged": urged})
        at = ("2026-03-02T03:00:00Z", "2026-03-02T03:01:00Z", last)
        return decided(scenario(*at, reviewers=1, handling=3_600))

    assert one(None) == ["Mon 12:00", "Mon 13:00", "Mon 14:00"]
    assert one("2026-03-02T04:00:00Z") == ["Mon 12:00", "Mon 14:00", "Mon 13:00"]
    assert one("2026-03-02T04:00:01Z") == one(None), "a review that began is not broken off"


def test_urging_without_finite_reviewers_changes_nothing() -> None:
    urged = {"submitted": "2026-03-02T03:00:00Z", "urged": "2026-03-02T03:01:00Z"}
    plain = {"submitted": "2026-03-02T03:00:00Z"}
    assert decided(scenario(urged, decision=600)) == decided(scenario(plain, decision=600))


def test_a_rejected_template_waits_again() -> None:
    at = ("2026-03-02T02:00:00Z", "2026-03-02T02:00:00Z", "2026-03-02T02:00:00Z")
    made = scenario(*at, reviewers=1, handling=1_800, mending=60, rejection=0.6)
    found = next(r for rng in range(9) if len(r := _reviews(made, rng)) > 4)
    assert found["decided_at"].is_unique
    again = found[found["attempt"] > 1]
    rejected = found.loc[again.index - 1, "decided_at"].tolist()
    assert again["submitted_at"].tolist() == [at + pd.Timedelta(minutes=1) for at in rejected]
    assert (again["decided_at"] - again["submitted_at"]).max() > pd.Timedelta(minutes=30)


def _reviews(made: Scenario, rng: int) -> pd.DataFrame:
    found = simulate(made, rng=rng, rows=False).reviews
    assert found is not None
    return found


def test_some_countries_take_longer() -> None:
    at = "2026-03-02T08:00:00Z"
    longer = {"VN": 3_600, "SG": 3 * 3_600}
    assert decided(scenario(at, decision=1_800)) == ["Mon 16:30"]
    both = scenario(at, countries="VN", decision=1_800).change(
        traffic=[
            {"name": name, "template": "t0", "country": name, "messages_a_day": 1}
            for name in ("VN", "SG")
        ]
    )
    assert decided(both.change(**{"review.longer": {"VN": 3_600}})) == ["Mon 17:30"]
    assert decided(both.change(**{"review.longer": longer})) == ["Tue 10:30"], "the longest"
    few = {"reviewers": 1, "handling": 1_800, "longer": {"VN": 36_000}}
    first, second = decided(scenario(at, at, countries="VN", **few))
    assert (first, second) == ("Tue 17:30", "Tue 18:00"), "no reviewer waits for it"


@st.composite
def desks(draw: Draw) -> Scenario:
    """Many templates at the desk within hours, and the account's own steps before some."""
    clock = Clock(to_us(pd.Timestamp(draw(one_of((START, "2025-09-29T22:00:00Z"))))), 20)
    templates = []
    for n in range(draw(one_of((8, 5, 3, 2, 1)))):
        submitted = clock.start_us + draw(st.integers(0, 40)) * HOUR // 4
        urged = draw(one_of((1, None, 0, 5)))
        own: dict[str, Any] = {
            "submitted": to_datetime(submitted).isoformat(),
            "urged": None if urged is None else to_datetime(submitted + urged * HOUR).isoformat(),
        }
        own = own if draw(one_of((True, True, False))) else {}
        named = {"name": f"t{n}", "application": draw(one_of(("app", "web")))}
        templates.append(named | without_none(own))
    countries = draw(st.lists(one_of(("ID", "VN", "US", "SG")), min_size=1, unique=True))
    sources = [
        {"name": c, "template": draw(one_of(templates))["name"], "country": c, "messages_a_day": 1}
        for c in countries
    ]
    made = {
        "start": to_datetime(clock.start_us),
        "days": draw(one_of((20, 3))),
        "onboarding": onboarding(draw, clock),
        "registrations": registrations(draw, clock, countries),
        "applications": [application(draw, clock, name) for name in ("app", "web")],
        "templates": templates,
        "traffic": sources,
        "review": {
            "reviewers": draw(one_of((1, 1, 2, None))),
            "handling": draw(one_of((9_000, 3_600, 0, {"uniform_s": [0, 30_000]}))),
            "rejection": draw(one_of((0, 0.5))),
            "mending": draw(one_of((60, 3_600))),
            "longer": {c: draw(one_of(SHORT)) for c in countries if draw(st.booleans())},
        },
    }
    return Scenario.model_validate(made)


def test_engine_and_oracle_agree_on_invented_desks() -> None:
    """Many templates, few reviewers, next to no messages."""
    seen = {"urged": 0, "waited": 0}

    @seed(4)
    @settings(
        settings.get_profile("worlds"),
        max_examples=300,
        suppress_health_check=list(HealthCheck),
    )
    @given(desks(), st.integers(0, 99))
    def agree(made: Scenario, rng: int) -> None:
        marks = KeyedRandom(rng)
        known = setup_timeline(made, marks)
        beginnings = Beginnings(made, marks)
        slow = model_reviews(made, beginnings, ReviewDesk(made, marks, beginnings.sent_to))
        fast = simulate(made, rng=rng, rows=False)
        assert fast.reviews is not None
        assert fast.onboarding is not None
        assert_same_rows("reviews", plain(fast.reviews), slow.rows)
        assert_same_rows("onboarding", plain(fast.onboarding), beginnings.rows(slow.usable_at))
        if made.review.reviewers:
            own = [{**t.model_dump(exclude_unset=True), "urged": None} for t in made.templates]
            calm = setup_timeline(made.change(templates=own), marks)
            many = setup_timeline(made.change(**{"review.reviewers": 99}), marks)
            seen["urged"] += calm.reviews != known.reviews
            seen["waited"] += many.reviews != known.reviews

    agree()
    assert min(seen.values()) > 3, seen
