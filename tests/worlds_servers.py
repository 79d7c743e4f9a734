"""Small worlds of servers that send again: failures, outages, freezes and full queues, little else.

In `worlds.worlds` most messages are refused by one rule or another before a report can come.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import world_demand as demand
import world_parts as parts
import worlds
from hypothesis import strategies as st
from world_parts import Clock, Draw, Made, one_of
from world_policies import Stop, TopUp

from smssim.calendars import SECOND, to_us
from smssim.scenario import Scenario

FAILING = (
    {"status": "UNDELIV", "share": 0.45},
    {"status": "none", "share": 0.05},
    {"status": "E000632", "share": 0.1, "source": "huawei"},
    {"status": "DELIVRD", "share": 0.4},
)
STATUSES = (
    ["UNDELIV", "EXPIRED", "E000112", "E200015", "E000632", "E000629", "E000623"],
    ["UNDELIV", "E200015"],
    ["EXPIRED", "E000112"],
    ["E200015"],
)


def _rule(draw: Draw) -> Made:
    return {
        "statuses": draw(one_of(STATUSES)),
        "after": draw(one_of(worlds.PATIENCES)),
        "at_most": draw(one_of((1, 2, 3, 7))),
    }


def _source(draw: Draw, clock: Clock, name: str) -> tuple[str, Made]:
    like = {"name": name, "country": draw(one_of(("ID", "CN", "ID"))), "template": "code"}
    if draw(one_of((True, True, False))):
        kind, made = "traffic", worlds._traffic(draw, clock, like, "otp")
        made["messages_a_day"] = draw(one_of((40, 120, 200))) / clock.days
    else:
        kind, made = "calls", worlds._calls(draw, clock, like, ["UNDELIV", "DELIVRD"])
    made = {key: value for key, value in made.items() if key not in ("address", "server_resend")}
    if "resend" not in made or draw(st.booleans()):
        made |= {"resend": None, "server_resend": _rule(draw), "status_callback": True}
    return kind, made


def _account(draw: Draw) -> Made:
    return parts.without_none(
        {
            "balance": draw(one_of((None, None, 0.1, 1, 5))),
            "frozen_status": draw(one_of(("E000112", "E000112", "E200015"))),
            "service_mode": draw(one_of(("pay_per_use", "pay_per_use", "suspend"))),
        }
    )


def _policies(draw: Draw, names: list[str]) -> tuple[Any, ...]:
    found: list[Any] = []
    if draw(st.booleans()):
        found.append(TopUp("frozen", draw(one_of((0, SECOND, 3_600 * SECOND))), 1))
    if draw(one_of((False, False, True))):
        kind = draw(one_of(("alarm", "limit", "frozen")))
        found.append(Stop(kind, draw(one_of((0, 90 * SECOND))), draw(one_of(names))))
    return tuple(found)


@st.composite
def server_worlds(draw: Draw) -> tuple[Scenario, int, tuple[Any, ...]]:
    """A world whose servers have much to send again: its scenario, seed and policies."""
    start = draw(one_of(worlds.STARTS))
    clock = Clock(to_us(datetime.fromisoformat(start)), draw(one_of((1, 2, 1, 4))))
    names = draw(st.lists(one_of(("a", "b", "z")), min_size=1, max_size=3, unique=True))
    sources = [_source(draw, clock, name) for name in names]
    ladder = {name: 100 * n for name, n in parts.ladder(draw).items()}
    if draw(one_of((False, False, True))):
        ladder = parts.ladder(draw)
    countries = {source["country"] for _, source in sources}
    packages = [{"country": "ID", "segments": draw(st.integers(1, 60))}]
    made = {
        "start": start,
        "days": clock.days,
        "account": _account(draw),
        "quota": {name: ladder[name] for name in ("daily_limit", "monthly_limit")},
        "thresholds": ladder,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app", **draw(one_of(parts.MIXES))}],
        "packages": packages if "ID" in countries and draw(st.booleans()) else [],
        "routes": {c: parts.route(draw) | {"outcomes": FAILING} for c in sorted(countries)},
        "swings": demand.swings(draw),
        "queue": parts.queue(draw),
        "callback": parts.callback(draw, clock),
        **{kind: [own for k, own in sources if k == kind] for kind in ("traffic", "calls")},
    }
    return Scenario.model_validate(made), draw(st.integers(0, 2**16)), _policies(draw, names)
