"""Small worlds that Hypothesis invents so that rules meet: ties, turns, ends, freezes, refusals.

`worlds()` gives (scenario, seed, policies) for the oracle and the engine alike. Only what the
specification settles is drawn: no package before the start, no status that the route does not know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import world_beginnings as beginnings
import world_console as console
import world_demand as demand
import world_parts as parts
from hypothesis import reject
from hypothesis import strategies as st
from world_parts import Clock, Draw, Made, one_of, some_of, without_none
from world_policies import (
    Buy,
    CancelLate,
    CancelTask,
    Poll,
    RaiseQuota,
    SaveRules,
    SetRegions,
    SetThresholds,
    Stop,
    Switch,
    TopUp,
    Witness,
)

from smssim.calendars import DAY, HOUR, MINUTE, SECOND, to_datetime, to_us
from smssim.scenario import Scenario, ScenarioError

STARTS = (
    "2025-03-03T00:00:00Z",
    "2025-01-30T22:00:00Z",
    "2025-04-29T23:59:30Z",
    "2025-02-27T15:30:00.5Z",
    "2025-09-30T12:00:00Z",
    "2024-12-30T16:00:00Z",
    "2024-02-28T23:59:59.999999Z",
)
COUNTRIES = ("ID", "CN", "TH", "VN", "CN", "IN")
NAMES = ("a", "b", "B", "c 2", "callback", "z")
REACTIONS_US = (0, 1, SECOND, 90 * SECOND, HOUR, 10 * HOUR)
PATIENCES: tuple[Any, ...] = (60, 0, 1, 30, 3_600, {"uniform_s": [0, 120]}, {"exponential_s": 600})
MANY = {2: 0.6, 501: 0.4}
SIZES: tuple[Any, ...] = (1, 3, {1: 0.8, 30: 0.2}, {2: 0.5, 5: 0.25}, 500, 1, 2, MANY)
EVENT_KINDS = (
    "run_out",
    "low_quota",
    "suspended",
    "package_empty",
    "package_expired",
    "alarm",
    "limit",
    "country_limit",
    "recovered",
    "frozen",
    "thawed",
    "template_usable",
    "notified",
    "mode_switched",
    "quota_raised",
    "regions_set",
    "number_rule",
    "application_suspended",
    "application_reinstated",
    "addresses_in_force",
    "enabled",
    "registered",
    "application_created",
    "credentials_obtained",
    "step_refused",
    "task_cancelled",
)
KINDS = ("traffic", "calls", "group_tasks")
RARELY = (False, False, False, False, False, True)


def _resend(draw: Draw) -> Made | None:
    if draw(st.booleans()):
        return None
    return {"patience": draw(one_of(PATIENCES)), "at_most": draw(one_of((1, 2, 3, 1, 7)))}


FAILURES = ("UNDELIV", "EXPIRED", "E000112", "E000632", "E000628", "E000629")
ANSWERS = ("E200015", "E000112", "E000623", "E200030", "E200041", "E200028", "E000630", "E000503")


def _server_resend(draw: Draw) -> Made | None:
    """A server that sends again; with a code of the answer, so that it may where none is pushed."""
    if draw(one_of((True, True, False))):
        return None
    failures = draw(one_of((FAILURES, FAILURES, ("UNDELIV", "E000112"), ("EXPIRED", "E000629"))))
    answers = draw(st.lists(one_of(ANSWERS), min_size=1, max_size=4))
    return {
        "statuses": draw(st.permutations(sorted({*failures, *answers}))),
        "after": draw(one_of(PATIENCES)),
        "at_most": draw(one_of((1, 2, 3, 1, 7))),
    }


def _again(draw: Draw) -> Made:
    """Users who ask again, a server that sends again, or neither."""
    users = _resend(draw)
    return {"resend": users, "server_resend": None if users else _server_resend(draw)}


def _answers_alone(made: Made) -> None:
    """Servers of requests without an address of their own send again what an answer tells."""
    for source in (*made["traffic"], *made["calls"]):
        rule, named = source.get("server_resend"), source.get("status_callback")
        if rule and not (made["callback"]["address"] if named is None else named):
            rule["statuses"] = [status for status in rule["statuses"] if status in ANSWERS]


def _within(draw: Draw, clock: Clock) -> str:
    """An instant of the run at which rules meet."""
    last = to_datetime(clock.start_us + clock.days * DAY - 1).isoformat()
    return min(clock.meeting(draw), last, key=datetime.fromisoformat)


def _window(draw: Draw, clock: Clock) -> Made:
    """When a source starts and ends, in this order; mostly it does neither."""
    starts = _within(draw, clock) if draw(one_of(RARELY)) else None
    ends = _within(draw, clock) if draw(one_of(RARELY)) else None
    first = to_datetime(clock.start_us).isoformat() if starts is None else starts
    if ends is not None and to_us(datetime.fromisoformat(ends)) <= to_us(
        datetime.fromisoformat(first)
    ):
        ends = None
    return {"starts": starts, "ends": ends}


def _traffic(draw: Draw, clock: Clock, made: Made, kind: str) -> Made:
    hours = [1.0] * 24 if draw(st.booleans()) else [5.0, *[0.5] * 21, 0.0, 9.0]
    size = draw(one_of(SIZES))
    many = size in (500, MANY)
    return without_none(
        made
        | console.of_requests(draw)
        | console.of_numbers(draw, kind)
        | demand.of_traffic(draw)
        | {
            "messages_a_day": draw(one_of((40, 5, 120, 200) if not many else (400,))) / clock.days,
            "hours": hours,
            "weekdays": draw(one_of(([1.0] * 7, [1.0] * 5 + [0.0, 0.25]))),
            "zone": draw(one_of((None, "Asia/Kathmandu", "UTC", "America/New_York"))),
            "recipients": size,
            **_window(draw, clock),
            "resolution_s": draw(one_of((0, 1, 60, 3_600))),
            **(_again(draw) if not many or draw(one_of(RARELY)) else {}),
        }
    )


def _recipient(draw: Draw, statuses: list[str]) -> Made:
    return {
        "status": draw(one_of((None, "none", *statuses))),
        "latency_s": draw(one_of((None, 0, 1, 59.999999, 60, 3_600, 300_000))),
        "segments": draw(one_of((None, None, 1, 3, 8))),
    }


def _calls(draw: Draw, clock: Clock, made: Made, statuses: list[str]) -> Made:
    calls, again = [], _again(draw)
    for _ in range(draw(st.integers(1, 6))):
        kinds = some_of(draw, lambda d: _recipient(d, statuses), 3, 1)
        n = draw(st.integers(1, 30))
        if again["resend"] is None and not calls and draw(one_of(RARELY)):
            n = 500
        calls.append({"at": _within(draw, clock), "to": [kinds[i % len(kinds)] for i in range(n)]})
    return without_none(made | console.of_requests(draw) | {"calls": calls} | again)


def _group_task(draw: Draw, clock: Clock, made: Made, countries: list[str]) -> Made:
    made = {key: value for key, value in made.items() if key != "country"}
    order = draw(st.permutations(countries))
    at = _within(draw, clock)
    return made | {
        "at": at,
        **parts.task_moments(draw, clock, datetime.fromisoformat(at)),
        "countries": {country: draw(st.integers(1, 60)) for country in order},
        "pace_per_s": draw(one_of((None, 0.01, 0.3, 1, 7, 100, 0.001))),
    }


def _sources(draw: Draw, clock: Clock, templates: dict[str, str], routes: Made) -> Made:
    """Sources of any kind; *templates* are names and types."""
    made: dict[str, list[Made]] = {kind: [] for kind in KINDS}
    for name in draw(st.lists(one_of(NAMES), min_size=1, max_size=4, unique=True)):
        country, template = draw(one_of(list(routes))), draw(one_of(list(templates)))
        named = draw(one_of((None, None, True, False)))
        like = {"name": name, "country": country, "template": template, "status_callback": named}
        kind = draw(one_of(("traffic", "calls", "traffic", "group_tasks")))
        if kind == "traffic":
            made[kind].append(_traffic(draw, clock, like, templates[template]))
        elif kind == "calls":
            statuses = [outcome["status"] for outcome in routes[country]["outcomes"]]
            made[kind].append(_calls(draw, clock, like, [s for s in statuses if s != "none"]))
        else:
            made[kind].append(_group_task(draw, clock, like, list(routes)))
    return made


def _give_batch_addresses(draw: Draw, made: Made) -> None:
    """Some applications get a batch address, but none all of whose requests name their own."""
    of_template = {template["name"]: template["application"] for template in made["templates"]}
    said = [
        (of_template[source["template"]], source.get("status_callback"))
        for kind in KINDS
        for source in made[kind]
    ]
    for application in made["applications"]:
        own = [named for name, named in said if name == application["name"]]
        default = made["callback"]["address"]
        if not own or not all(default if named is None else named for named in own):
            application["batch_address"] = draw(one_of((True, False, True)))


def _sent_to(sources: Made) -> list[str]:
    """The countries that a world sends to: packages, notices and limits of others are refused."""
    one = {source["country"] for kind in ("traffic", "calls") for source in sources[kind]}
    return sorted(one.union(*(task["countries"] for task in sources["group_tasks"])))


def _policy(draw: Draw, scenario: Scenario) -> Any:
    offered = scenario.account.package_countries
    sold = [c for c in scenario.routes if c in offered and c != console.MAINLAND]
    source = draw(one_of(scenario.sources)).name
    kind, after = draw(one_of(EVENT_KINDS)), draw(one_of(REACTIONS_US))
    if scenario.group_tasks and draw(one_of(RARELY)):
        task = draw(one_of(scenario.group_tasks)).name
        minutes = draw(st.integers(0, 90))
        return draw(one_of((CancelTask(kind, after, task), CancelLate(minutes, task))))
    if not sold or draw(one_of(console.A_THIRD)):
        return _console_policy(draw, scenario, kind, after)
    country = draw(one_of(sold))
    which = draw(st.integers(0, 6))
    if which == 0:
        wanting = draw(one_of(("run_out", "low_quota", "suspended", "package_expired")))
        price, days = draw(one_of((0, 0.05, 5))), draw(one_of((1, None, 2)))
        return Buy(wanting, after, country, draw(st.integers(1, 30)), price, days)
    if which == 1:
        return Witness(kind, after, country)
    if which == 2:
        return Stop(kind, after, source)
    if which >= 3 and scenario.account.balance is not None and draw(st.booleans()):
        return TopUp("frozen", after, draw(one_of((0.05, 1, 20))))
    if which in (3, 4):
        return Switch(draw(one_of(("run_out", "suspended", "alarm", "package_empty"))), after)
    every = draw(one_of((HOUR, MINUTE) if scenario.days <= 3 else (HOUR, DAY)))
    return Poll(every, country, draw(st.integers(0, 5)), source)


def _console_policy(draw: Draw, scenario: Scenario, kind: str, after: int) -> Any:
    which = draw(st.integers(0, 3))
    if which == 0:
        countries = list(scenario.routes)
        choices = [tuple(console.regions(draw, countries)) for _ in range(draw(st.integers(1, 3)))]
        return SetRegions(kind, after, (*choices, tuple(countries)))
    if which == 1:
        rule = st.tuples(one_of(("deny", "allow", "deny")), one_of(console.PATTERNS))
        return SaveRules(kind, after, tuple(draw(st.lists(rule, min_size=1, max_size=3))))
    if which == 2:
        quota = scenario.quota
        return RaiseQuota(kind, after, quota.daily_limit + 1, quota.monthly_limit + 1)
    return Switch(kind, after)


def _policies(draw: Draw, scenario: Scenario, steps: list[dict[str, int]]) -> tuple[Any, ...]:
    found = some_of(draw, lambda d: _policy(d, scenario), 3, draw(one_of((1, 0))))
    if steps:
        kinds = (draw(one_of(("limit", "alarm"))), draw(one_of(("alarm", "recovered", "run_out"))))
        values = tuple(tuple(step.items()) for step in steps)
        found.append(SetThresholds(kinds, draw(one_of(REACTIONS_US)), values))
    return tuple(found)


def _make_poor(draw: Draw, made: Made) -> None:
    """Little money and a slow queue, so that a freeze finds messages that still wait."""
    made["account"] |= {
        "service_mode": "pay_per_use",
        "straddle": draw(one_of(("by_mode", "cover", "by_mode"))),
        "balance": draw(one_of((0.1, 0.5, 2))),
    }
    made["queue"] |= {"throughput_per_s": draw(one_of((0.005, 0.02, 0.001))), "capacity": None}
    for route in made["routes"].values():
        route["price"] = draw(one_of((0.05, 0.123456)))


def _scenario(draw: Draw, clock: Clock, start: str, steps: list[dict[str, int]]) -> Scenario:
    countries = draw(st.lists(one_of(COUNTRIES), min_size=1, max_size=3, unique=True))
    routes = {country: parts.route(draw) for country in countries}
    for route in routes.values():
        demand.of_route(draw, clock, route)
    names = ["otp", "news", "late"][: draw(st.integers(1, 3))]
    templates = [parts.template(draw, clock, name) for name in names]
    types = {template["name"]: template["type"] for template in templates}
    sources = _sources(draw, clock, types, routes)
    sent = _sent_to(sources)
    sold = [country for country in sent if country != console.MAINLAND]
    begins = [b for source in sources["traffic"] for b in source.get("beginnings", ())]
    account = parts.account(draw, sold) | console.account(draw, clock, sent, begins)
    offered = [country for country in sold if country in account["package_countries"]]
    ladders = [parts.ladder(draw)]
    if draw(st.booleans()):
        steps += parts.steps(draw, ladders[0])
    # Mostly as much as the steps want; else they are refused unless a ticket raised it.
    reached = [*ladders, *steps] if draw(one_of((True, False, True))) else ladders
    counted = console.counting(draw, sent)
    reached = [*reached, counted.get("mainland", {})]
    quota = {
        name: max(values.get(name, 1) for values in reached)
        for name in ("daily_limit", "monthly_limit")
    }
    made = {
        "start": start,
        "days": clock.days,
        "account": account,
        "quota": quota,
        "onboarding": beginnings.onboarding(draw, clock),
        "registrations": beginnings.registrations(draw, clock, sent),
        "tickets": some_of(
            draw, lambda d: console.ticket(d, clock, quota), draw(one_of((0, 3, 0, 1)))
        ),
        "applications": [
            console.application(draw, clock, name) | beginnings.application(draw, clock, name)
            for name in ("app", "web")
        ],
        "templates": templates,
        "review": parts.review(draw, clock),
        "thresholds": parts.thresholds(draw, ladders[0], sent) | counted,
        "packages": some_of(
            draw,
            lambda d: demand.of_package(d, parts.package(d, clock, offered)),
            5,
            draw(one_of((1, 1, 0))),
        )
        if offered
        else [],
        "routes": routes,
        "swings": demand.swings(draw),
        "occasions": demand.occasions(draw, clock, countries),
        "queue": parts.queue(draw),
        "callback": parts.callback(draw, clock),
    }
    if draw(one_of((False, True, False))):
        _make_poor(draw, made)
    beginnings.few_reviewers(draw, clock, sent, made)
    made |= sources
    _give_batch_addresses(draw, made)
    _answers_alone(made)
    try:
        return Scenario.model_validate(made)
    except ScenarioError as error:
        # Strong swings and occasions may meet in more requests than an hour has numbers for.
        if "requests in the busiest hour" not in str(error):
            raise
        reject()


@st.composite
def worlds(draw: Draw) -> tuple[Scenario, int, tuple[Any, ...]]:
    """A small world in which rules meet: its scenario, the seed of its marks, its policies."""
    start = draw(one_of(STARTS))
    clock = Clock(to_us(datetime.fromisoformat(start)), draw(one_of((1, 2, 3, 1, 2, 5, 33, 40))))
    steps: list[dict[str, int]] = []
    scenario = _scenario(draw, clock, start, steps)
    return scenario, draw(st.integers(0, 2**16)), _policies(draw, scenario, steps)


def names_address(scenario: Scenario, source: str) -> bool:
    """Whether the requests of a source name an address for their delivery reports."""
    (own,) = (s for s in scenario.sources if s.name == source)
    return scenario.callback.address if own.status_callback is None else own.status_callback


def is_pushed(scenario: Scenario, source: str) -> bool:
    """Whether the reports of a source are pushed to anybody."""
    (own,) = (s for s in scenario.sources if s.name == source)
    name = scenario.template(own.template).application
    (application,) = (a for a in scenario.applications if a.name == name)
    return names_address(scenario, source) or application.batch_address
