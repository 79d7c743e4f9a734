"""Getting started in invented worlds: onboarding, registrations of countries, few reviewers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from world_parts import Clock, Draw, Made, one_of, without_none

from smssim.calendars import to_datetime

SHORT: tuple[Any, ...] = (0, 0, 60, 3_600, {"uniform_s": [0, 32_400]})
RARELY = (False,) * 5 + (True,)


def _around(draw: Draw, clock: Clock) -> str:
    """An instant some days before the start, or one of the run at which rules meet."""
    back = timedelta(hours=draw(st.integers(0, 300)))
    before = (to_datetime(clock.start_us) - back).isoformat()
    return draw(one_of((before, before, clock.meeting(draw))))


def _now_and_then(draw: Draw, clock: Clock) -> str | None:
    return _around(draw, clock) if draw(one_of(RARELY)) else None


def onboarding(draw: Draw, clock: Clock) -> Made | None:
    """No onboarding, or a short one, with or without steps out of order."""
    if draw(one_of((True, True, True, True, False))):
        return None
    names = ("registration", "authentication", "enabling", "details", "application_setup")
    made: Made = {name: draw(one_of(SHORT)) for name in names}
    chosen = ("email", "mobile_number", "payment_method", "credentials")
    made |= {name: draw(one_of(SHORT)) for name in chosen if draw(one_of(RARELY))}
    begins = draw(one_of((True, True, False)))
    tried = draw(st.lists(one_of(names[begins:4]), max_size=2)) if draw(one_of(RARELY)) else []
    return made | without_none(
        {
            "account_type": draw(one_of(("enterprise",) * 7 + ("personal", "unincorporated"))),
            "begins": _around(draw, clock) if begins else None,
            "attempts": {step: _around(draw, clock) for step in tried},
        }
    )


def registrations(draw: Draw, clock: Clock, countries: list[str]) -> Made:
    """Registrations of some countries, dated or not, short or long."""
    if draw(one_of((True, True, True, False))):
        return {}
    return {
        country: without_none(
            {
                "applied": _around(draw, clock) if draw(one_of((True, True, False))) else None,
                "duration": draw(one_of((0, 3_600, {"uniform_s": [0, 97_200]}, 324_000))),
                "kind": draw(one_of((None, "content"))),
                "status": draw(one_of((None, "UNDELIV", "E200027"))),
                "source": draw(one_of((None, "huawei", "supplier"))),
            }
        )
        for country in countries
        if draw(st.booleans())
    }


def application(draw: Draw, clock: Clock, name: str) -> Made:
    """An application that exists, or that it is tried to create."""
    return without_none({"name": name, "created": _now_and_then(draw, clock)})


def _handed_in(draw: Draw, clock: Clock, back: int) -> Made:
    """When a template is handed in, some hours before the start, and when it is urged."""
    later = draw(one_of((None, 0.01, 1)))
    submitted = to_datetime(clock.start_us) - timedelta(hours=back, minutes=draw(st.integers(0, 3)))
    urged = None if later is None else (submitted + timedelta(hours=later)).isoformat()
    return without_none({"submitted": submitted.isoformat(), "urged": urged})


def few_reviewers(draw: Draw, clock: Clock, countries: list[str], made: Made) -> None:
    """Reviewers who may be few, countries that take longer, templates that are urged."""
    review, templates = made["review"], made["templates"]
    if draw(one_of((False, False, False, True))):
        review["reviewers"] = draw(one_of((1, 1, 2)))
        review["handling"] = draw(one_of((1_800, 9_000, 0, {"uniform_s": [0, 60_000]})))
        back = draw(st.integers(-4, 60))
        for template in templates:
            template |= _handed_in(draw, clock, back)
    delays = one_of((0, 3_600, {"uniform_s": [0, 50_000]}))
    review["longer"] = {c: draw(delays) for c in countries if draw(one_of(RARELY))}
