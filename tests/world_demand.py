"""The parts of invented worlds that change demand, prices and delays from day to day."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from world_parts import DELAYS, Clock, Draw, Made, one_of, some_of

from smssim.calendars import to_datetime

SWINGS = ("week", "rumour")


def swings(draw: Draw) -> list[Made]:
    """Two swings, strong, weak or none at all."""
    return [{"name": name, "sd": draw(one_of((0.5, 0.1, 0, 2, 1)))} for name in SWINGS]


def occasions(draw: Draw, clock: Clock, countries: list[str]) -> list[Made]:
    """Local dates that bring more, less or nothing."""
    first = to_datetime(clock.start_us).date() - timedelta(days=1)

    def occasion(draw: Draw) -> Made:
        day = first + timedelta(days=draw(st.integers(0, clock.days + 1)))
        where = [country for country in countries if draw(st.booleans())]
        return {
            "day": f"{day}",
            "factor": draw(one_of((3, 0.6, 0, 1.7))),
            "countries": [c for c in where if c != "CN" or draw(st.booleans())],
        }

    return some_of(draw, occasion, 3)


def of_traffic(draw: Draw) -> Made:
    """Growth, swings and requests of one text; most sources have none."""
    if draw(one_of((True, False, False))):
        return {"same_text": draw(st.booleans())}
    return {
        "growth_per_day": draw(one_of((0, 0.2, 0.03, -0.05, -0.2))),
        "swings": draw(one_of(((), ("week",), ("rumour", "week"), ("week", "rumour")))),
        "same_text": draw(st.booleans()),
    }


def of_route(draw: Draw, clock: Clock, route: Made) -> None:
    """Prices that change where rules meet, and delays by outcome."""
    for outcome in route["outcomes"]:
        if outcome["source"] == "supplier" and outcome["status"] != "none" and draw(st.booleans()):
            outcome["latency"] = draw(one_of(DELAYS))
    moments = sorted({clock.meeting(draw) for _ in range(draw(one_of((0, 0, 1, 3))))})
    route["prices"] = [{"from": at, "price": draw(one_of((0.05, 0, 0.2)))} for at in moments]


def of_package(draw: Draw, package: Made) -> Made:
    """A package that is bought again every month, in one world of three."""
    return package | ({"renew": "monthly"} if draw(one_of((False, True, False))) else {})
