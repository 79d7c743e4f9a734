"""The parts of invented worlds: account, thresholds, packages, reviews, routes, callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from smssim.calendars import DAY, HOUR, MINUTE, SECOND, to_datetime
from smssim.scenario import check_thresholds

Draw = Any
Made = dict[str, Any]

OFFSETS_US = (0, -1, 1, SECOND, MINUTE, 30 * MINUTE, 1_234_567_891)
DELAYS: tuple[Any, ...] = (
    4,
    0,
    30,
    60,
    3_600,
    260_000,
    {"uniform_s": [0, 20]},
    {"uniform_s": [0, 7_200]},
    {"exponential_s": 45},
    {"curve": [[0, 1], [0.5, 4], [0.9, 4], [1, 7_200]]},
    {"curve": [[0, 0], [0.2, 0], [1, 300_000]]},
    {"lognormal_s": {"median": 4, "p95": 15}, "slow": {"share": 0.1, "median": 600, "p95": 36_000}},
)
OUTCOMES: tuple[tuple[tuple[str, float, str], ...], ...] = (
    (("DELIVRD", 1, "supplier"),),
    (("DELIVRD", 0.7, "supplier"), ("UNDELIV", 0.2, "supplier"), ("none", 0.1, "supplier")),
    (("DELIVRD", 0.6, "supplier"), ("E000632", 0.3, "huawei"), ("none", 0.1, "supplier")),
    (("E000628", 0.4, "huawei"), ("DELIVRD", 0.6, "supplier")),
    (("UNDELIV", 0.5, "supplier"), ("DELIVRD", 0.4, "supplier"), ("none", 0.1, "supplier")),
)
MIXES: tuple[Made, ...] = (
    {},
    {"segments": 2},
    {"segments": 3},
    {"segments": {1: 0.5, 3: 0.5}},
    {"segments": {1: 0.7, 2: 0.2, 8: 0.1}},
    {"text": "a" * 200, "signature": "Shop"},
    {"text": "${NUM_6} is " + "b" * 140, "variables": {"NUM_6": {4: 1, 30: 1}}, "signature": "x"},
)
MONTH = timedelta(days=28)
"""Within a calendar month, whichever it is."""
one_of = st.sampled_from


@dataclass(frozen=True)
class Clock:
    """The time of a world, and where in it rules like to meet."""

    start_us: int
    days: int

    def meeting(self, draw: Draw) -> str:
        """An instant at or near a full hour: midnight, a package's end, the start."""
        midnight = self.start_us // DAY * DAY + draw(st.integers(0, self.days - 1)) * DAY
        hour = draw(one_of((0, 16, 0, 1, 10, 24)) | st.integers(0, 23))
        at = midnight + hour * HOUR + draw(one_of(OFFSETS_US))
        return to_datetime(max(at, self.start_us)).isoformat()

    def maybe(self, draw: Draw) -> str | None:
        """No instant, or one of them."""
        return self.meeting(draw) if draw(st.booleans()) else None


def some_of(draw: Draw, strategy: Any, most: int, least: int = 0) -> list[Any]:
    """A list of up to *most* things, each drawn by *strategy*."""
    return [strategy(draw) for _ in range(draw(st.integers(least, most)))]


def without_none(made: Made) -> Made:
    """What was made, less what was drawn as nothing."""
    return {key: value for key, value in made.items() if value is not None}


def account(draw: Draw, countries: list[str]) -> Made:
    """An account in any mode, poor or without a balance."""
    return without_none(
        {
            "service_mode": draw(one_of(("pay_per_use", "suspend"))),
            "suspend_scope": draw(one_of(("country", "account"))),
            "straddle": draw(one_of(("by_mode", "cover"))),
            "package_order": draw(one_of(("first_in_force", "nearest_expiry"))),
            "expiry_zone": draw(one_of(("Asia/Shanghai", "UTC", "Asia/Kathmandu"))),
            "balance": draw(one_of((None, None, None, 0.1, 1, 5, 0))),
            "frozen_status": draw(one_of(("E000112", "E200015"))),
            "low_quota": {c: draw(st.integers(1, 12)) for c in countries if draw(st.booleans())},
        }
    )


def ladder(draw: Draw) -> dict[str, int]:
    """Four thresholds in order: small ones, which trip, or great ones, which do not."""
    scale = draw(one_of((1, 1, 3, 100)))
    daily_alarm, monthly_alarm, *steps = (scale * draw(st.integers(1, 60)) for _ in range(4))
    daily_limit = daily_alarm + steps[0]
    return {
        "daily_alarm": daily_alarm,
        "daily_limit": daily_limit,
        "monthly_alarm": monthly_alarm,
        "monthly_limit": max(daily_limit, monthly_alarm) + steps[1],
    }


def thresholds(draw: Draw, ladder: dict[str, int], countries: list[str]) -> Made:
    """Thresholds with or without limits of countries."""
    limits = {}
    for country in countries:
        most = ladder["monthly_limit"] // len(countries)
        daily = draw(st.none() | st.integers(1, 40))
        monthly = draw(st.none() | st.integers(1, max(1, most))) if most else None
        limits[country] = without_none({"daily": daily, "monthly": monthly})
    return {
        **ladder,
        "trips": draw(one_of(("exceeds", "reaches"))),
        "unit": draw(one_of(("message", "segment"))),
        "counts_refused": draw(st.booleans()),
        "countries": limits if draw(st.booleans()) else {},
    }


def steps(draw: Draw, values: dict[str, int]) -> list[dict[str, int]]:
    """Changes of thresholds one after another, one value alone where the rules allow it."""
    steps, values = [], dict(values)
    for _ in range(draw(st.integers(1, 4))):
        step = ladder(draw)
        names = draw(st.permutations(list(step)))
        if _in_order({**values, names[0]: step[names[0]]}):
            names = names[:1]
        steps.append({name: step[name] for name in names})
        values |= steps[-1]
    return steps


def _in_order(values: dict[str, int]) -> bool:
    try:
        check_thresholds(**values)
    except ValueError:
        return False
    return True


def package(draw: Draw, clock: Clock, countries: list[str]) -> Made:
    """A package of few segments, bought at the start or where rules meet."""
    valid = draw(one_of(({"valid_days": 1}, {}, {"valid_days": 3}, {"valid_months": 1})))
    return valid | without_none(
        {
            "country": draw(one_of(countries)),
            "segments": draw(st.integers(1, 60)),
            "price": draw(one_of((0, 0, 0, 0.05, 2.5))),
            "at": clock.maybe(draw),
        }
    )


def task_moments(draw: Draw, clock: Clock, at: datetime) -> Made:
    """When a task is made and perhaps cancelled, such that the console takes it."""
    start = to_datetime(clock.start_us)
    ahead = draw(one_of((None, timedelta(0), timedelta(minutes=5), timedelta(hours=7), MONTH)))
    if ahead is None and at - start > MONTH:
        ahead = MONTH
    created = start if ahead is None else at - ahead
    early = draw(one_of((timedelta(minutes=5), timedelta(minutes=5), timedelta(hours=1))))
    cancels = draw(one_of((False, False, False, True))) and at - early >= created
    cancelled = at - early if cancels else None
    moments = {"created": None if ahead is None else created, "cancelled": cancelled}
    return {name: when.isoformat() for name, when in moments.items() if when is not None}


def template(draw: Draw, clock: Clock, name: str) -> Made:
    """A template, sometimes one that is reviewed around the start."""
    application, kind = draw(one_of(("app", "web"))), draw(one_of(("otp", "notification")))
    submitted = None
    if draw(one_of((False, False, False, True))):
        back = timedelta(hours=draw(st.integers(0, 60)))
        submitted = (to_datetime(clock.start_us) - back).isoformat()
        submitted = draw(one_of((submitted, clock.meeting(draw))))
    made = {"name": name, "application": application, "type": kind, "submitted": submitted}
    return without_none(made) | draw(one_of(MIXES))


def review(draw: Draw, clock: Clock) -> Made:
    """A review desk that may reject and may have a day off."""
    day = to_datetime(clock.start_us).date().isoformat()
    return {
        "two_hours": draw(one_of(("wall", "working"))),
        "decision": draw(one_of(({"uniform_s": [0, 7_200]}, 0, 3_600))),
        "next_workday": draw(one_of(({"uniform_s": [0, 32_400]}, 0))),
        "rejection": draw(one_of((0, 0.5, 0.9))),
        "mending": draw(one_of((3_600, {"uniform_s": [60, 90_000]}))),
        "usable_after": draw(one_of((300, 0, {"exponential_s": 900}))),
        "extra_holidays": [day] if draw(one_of((False, False, True))) else [],
    }


def route(draw: Draw) -> Made:
    """A route with few outcomes and one delay."""
    keys = ("status", "share", "source")
    return {
        "price": draw(one_of((0.05, 0, 0.123456))),
        "outcomes": [dict(zip(keys, row, strict=True)) for row in draw(one_of(OUTCOMES))],
        "latency": draw(one_of(DELAYS)),
    }


def queue(draw: Draw) -> Made:
    """A queue, fast or slow, short or without end."""
    return {
        "scope": draw(one_of(("shared", "application", "route"))),
        "throughput_per_s": draw(one_of((500, 1e6, 1, 0.1, 0.02, 0.005, 0.001))),
        "capacity": draw(one_of((None, None, None, None, 0, 1, 20))),
        "validity_h": draw(one_of((72, 1, 0.5))),
        "manual_review": draw(one_of(DELAYS)),
        "manual_review_every": draw(one_of((None, None, 3, 1))),
    }


def callback(draw: Draw, clock: Clock) -> Made:
    """A callback server that is down at times, and its retries."""
    retries: Any = one_of(([], [1], [60, 3_600, 86_400], [0.5 * n for n in range(1, 16)]))
    minutes = one_of((1, 60, 0.5, 1_440))
    turns = one_of((None, None, {"up": {"exponential_s": 30_000}, "down": {"uniform_s": [1, 9e3]}}))
    return {
        "address": draw(one_of((True, True, True, False))),
        "outages": some_of(draw, lambda d: {"at": clock.meeting(d), "minutes": d(minutes)}, 2),
        "random_outages": draw(turns),
        "no_answer_share": draw(one_of((0, 0.2, 1))),
        "error_answer_share": draw(one_of((0, 0, 0.3))),
        "lost_answer_share": draw(one_of((0, 0.3))),
        "retries_s": draw(retries),
        "batch_wait_s": draw(one_of((60, 0, 1, 3_600))),
        "batch_size": draw(one_of((50, 1, 3))),
    }
