"""The console of invented worlds: applications, regions, number control, tickets, flaws.

Each rule is in about a third of all worlds, so that the others still meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from world_parts import Clock, Draw, Made, ladder, one_of, some_of, without_none

from smssim.calendars import to_datetime
from smssim.sms.phone_numbers import matches

MAINLAND = "CN"
SOLD_FOR = ("ID", "TH", "IN", "PH", "VN")
ADDRESSES = ("192.0.2.1", "2001:db8::1")
BEGINNINGS = ("628123", "628134", "668123", "861391", "7012", "912")
# All beginnings tell whether they meet these: policies may save any of them.
PATTERNS = ("6281", "62813", "6*8*", "8613*1", "*6812", "6281*4")
SAVED_S = (0, 0, 1e-6, 300, 3_600)
TICKETS_TAKE: tuple[Any, ...] = (0, 3_600, 1, {"exponential_s": 600}, {"uniform_s": [0, 90_000]})
A_THIRD = (False, True, False)


def account(draw: Draw, clock: Clock, countries: list[str], beginnings: list[str]) -> Made:
    """Contacts, regions, number control and how long tickets take."""
    made: Made = {
        "package_countries": SOLD_FOR,
        "regions_after_s": draw(one_of(SAVED_S)),
        "number_rules_after_s": draw(one_of(SAVED_S)),
        "ticket_latency": draw(one_of(TICKETS_TAKE)),
    }
    if draw(one_of(A_THIRD)):
        few = draw(st.lists(one_of(SOLD_FOR), max_size=3, unique=True))
        made["package_countries"] = few + ([MAINLAND] if draw(one_of(A_THIRD)) else [])
    if draw(one_of(A_THIRD)):
        made["contacts"] = [
            {"name": name, "traffic_warning": draw(one_of((True, True, False)))}
            for name in ("Li", "Ana", "li")[: draw(st.integers(1, 3))]
        ]
    if draw(one_of(A_THIRD)):
        made["regions"] = regions(draw, countries)
    if draw(st.booleans() if beginnings else one_of(A_THIRD)):
        patterns = [p for p in PATTERNS if any(matches(p, b) for b in beginnings)] or PATTERNS
        made["number_rules"] = some_of(draw, lambda d: _number_rule(d, clock, patterns), 4, 1)
    return made


def regions(draw: Draw, countries: list[str]) -> list[str]:
    """Some countries, in any order; seldom none."""
    least = draw(one_of((1, 1, 1, 0)))
    return draw(st.lists(one_of((*countries, "JP")), min_size=least, max_size=4, unique=True))


def _number_rule(draw: Draw, clock: Clock, patterns: Sequence[str]) -> Made:
    action = draw(one_of(("deny", "allow", "deny")))
    saved = draw(one_of((None, early_or_meeting(draw, clock))))
    return without_none({"pattern": draw(one_of(patterns)), "action": action, "saved": saved})


def early_or_meeting(draw: Draw, clock: Clock) -> str | None:
    """No instant, one where rules meet, or one a few hours before the start."""
    if draw(one_of(A_THIRD)):
        back = timedelta(hours=draw(st.integers(0, 60)))
        return (to_datetime(clock.start_us) - back).isoformat()
    return clock.maybe(draw)


def application(draw: Draw, clock: Clock, name: str) -> Made:
    """An application, sometimes one that is suspended for a time or has a whitelist."""
    made: Made = {"name": name}
    if draw(one_of((False, True, False, False))):
        made["suspended"] = early_or_meeting(draw, clock)
        made["reinstated"] = early_or_meeting(draw, clock)
        made["suspended_code"] = draw(one_of((None, "E000510")))
        # All are written alike in UTC, so that their texts are in the order of time.
        if (made["reinstated"] or "") <= (made["suspended"] or "~"):
            made["reinstated"] = None
    if draw(one_of(A_THIRD)):
        made["frequency"] = _frequency(draw, clock)
    if draw(one_of(A_THIRD)):
        made["addresses"] = ADDRESSES[: draw(st.integers(0, 2))]
        made["addresses_saved"] = early_or_meeting(draw, clock)
        made["addresses_after_s"] = draw(one_of((None, *SAVED_S)))
    return without_none(made)


def _frequency(draw: Draw, clock: Clock) -> Made:
    limits = {
        "per_minute": draw(one_of((None, 1, 2))),
        "per_hour": draw(one_of((None, 1, 3, 5))),
        "per_day": draw(one_of((2, None, 1, 7, 999))),
    }
    if not any(limits.values()):
        limits["per_day"] = 3
    after_s = draw(one_of((None, *SAVED_S)))
    return without_none({**limits, "saved": early_or_meeting(draw, clock), "after_s": after_s})


def ticket(draw: Draw, clock: Clock, most: dict[str, int]) -> Made:
    """A ticket for a mode, for quota, or for both."""
    what = draw(st.integers(1, 7))
    return without_none(
        {
            "at": early_or_meeting(draw, clock) or to_datetime(clock.start_us).isoformat(),
            "service_mode": draw(one_of(("suspend", "pay_per_use"))) if what & 1 else None,
            "daily_limit": most["daily_limit"] + draw(st.integers(0, 99)) if what & 2 else None,
            "monthly_limit": most["monthly_limit"] + draw(st.integers(0, 99)) if what & 4 else None,
        }
    )


def counting(draw: Draw, countries: list[str]) -> Made:
    """How exactly the platform counts, and the thresholds of mainland China."""
    made: Made = {"counting_error": draw(one_of((0, 0, 3, 0, 40)))}
    if MAINLAND in countries:
        made["mainland"] = ladder(draw)
    return made


def of_requests(draw: Draw) -> Made:
    """The address of a source."""
    return without_none({"address": draw(one_of((None, None, *ADDRESSES)))})


def of_numbers(draw: Draw, kind: str) -> Made:
    """What is wrong with a source's messages, and how its numbers begin; *kind* of its template."""
    made: Made = {}
    if draw(st.booleans()):
        made["numbers"] = draw(one_of((1, 2, 7, 40, 2_000)))
        made["whitelisted"] = made["numbers"] <= 1_000 and draw(one_of((False, False, True)))
    if draw(st.booleans()):
        shares = one_of((0.1, 0, 0.4))
        made["flaws"] = {
            "variables": draw(shares),
            "password": draw(shares) if kind == "otp" else 0,
            "duplicates": draw(one_of((0, 0.2, 1))),
        }
    if draw(st.booleans()):
        begin = draw(st.lists(one_of(BEGINNINGS), min_size=1, max_size=4, unique=True))
        made["beginnings"] = {b: draw(one_of((1, 0.5, 0.3))) for b in begin}
        made["beginnings"][begin[-1]] = draw(one_of((1, 1, 0))) if begin[1:] else 1
    return made
