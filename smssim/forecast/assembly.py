"""A set of parameters as a scenario that runs as it is, on the terms of the customer's plan.

Terms are everything that no log can show: prices, packages, mode, thresholds, queue, planned tasks,
policies. Their traffic and the outcomes and delays of their routes give way to the parameters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from smssim.arrays import Floats
from smssim.calendars import DAY, to_datetime, to_us
from smssim.forecast.delays import DelayDraw, Points
from smssim.forecast.national_days import weekend_of
from smssim.scenario import Scenario

__all__ = ["Demand", "ParameterSet", "assembled", "plain_names"]

_DRAIN_DAYS = 3
"""Days at the end in which nothing new is sent, so that every message has its end (72 h)."""
_NO_LIMIT = 10**9
_MOST_RECIPIENTS = 500
_NEGLIGIBLE = 1e-9
_MOST_GROWTH = 0.2
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Demand:
    """What one country asks for of one template, at the cut.

    `hours` is a row of 24 shares, or two, of weekdays and weekends; `weekdays` has mean 1 from
    Monday; `recipients` and `segments` are shares of requests.
    """

    country: str
    template: str
    messages_per_day: float
    growth_per_day: float
    weekdays: Floats
    hours: Floats
    recipients: Mapping[int, float]
    segments: Mapping[int, float]


@dataclass(frozen=True)
class ParameterSet:
    """All parameters of one scenario: demand, swings, and delays with shares of failing statuses.

    `template_names` are those of the templates that segments differ by, by (country, template);
    `kinds` the (application, type) of each template, empty where the log does not show it.
    """

    demand: tuple[Demand, ...]
    swing: float
    shared_swing: float
    delays: Mapping[str, DelayDraw]
    failures: Mapping[str, Mapping[str, float]]
    template_names: Mapping[tuple[str, str], str]
    kinds: Mapping[str, tuple[str, str]]
    same_text: bool


def assembled(
    parameters: ParameterSet,
    begin: int,
    until: int,
    terms: Scenario | None = None,
    opening: Mapping[str, Any] | None = None,
) -> Scenario:
    """The scenario of *parameters* from *begin* until *until* (microseconds), and 72 h without new
    messages.

    *opening* is the state at *begin*. Raise a ScenarioError where the terms do not go with it.
    """
    plain = _terms_from(terms, begin, until) if terms else _without_terms()
    plain |= {
        "name": f"{terms.name[:55]} forecast" if terms else "forecast",
        "start": to_datetime(begin),
        "days": -(-(until - begin) // DAY) + _DRAIN_DAYS,
        "swings": [*plain.get("swings", []), *_swings(parameters)],
    }
    if opening:
        plain["opening"] = dict(opening)
    _add_templates(plain, parameters)
    plain["traffic"] = [*plain.get("traffic", []), *_traffic(parameters, until)]
    plain["routes"] = _routes(plain.get("routes", {}), parameters)
    return Scenario.model_validate(plain)


def _without_terms() -> dict[str, Any]:
    """An account without limits, as nothing is known of the customer's."""
    limits = {"daily_limit": _NO_LIMIT - 2, "monthly_limit": _NO_LIMIT}
    alarms = {"daily_alarm": _NO_LIMIT - 4, "monthly_alarm": _NO_LIMIT - 1}
    quota = {"daily_limit": _NO_LIMIT, "monthly_limit": 2 * _NO_LIMIT, "templates": 2_000}
    return {"quota": quota, "thresholds": limits | alarms, "applications": [], "templates": []}


def _terms_from(terms: Scenario, begin: int, until: int) -> dict[str, Any]:
    """The terms as plain data, with the traffic and tasks that the log cannot have seen."""
    plain: dict[str, Any] = terms.model_dump(exclude_unset=True)
    plain["traffic"] = [
        source
        for source, of in zip(plain.get("traffic", []), terms.traffic, strict=True)
        if of.starts is not None and begin <= to_us(of.starts) < until
    ]
    plain["group_tasks"] = [
        task
        for task, of in zip(plain.get("group_tasks", []), terms.group_tasks, strict=True)
        if of.at is None or begin <= to_us(of.at) < until
    ]
    used = {name for source in plain["traffic"] for name in source.get("swings", ())}
    plain["swings"] = [swing for swing in plain.get("swings", []) if swing["name"] in used]
    plain["calls"] = []
    plain["checks"] = []
    return plain


def _swings(parameters: ParameterSet) -> Iterator[dict[str, Any]]:
    if parameters.shared_swing:
        yield {"name": "all", "sd": parameters.shared_swing}
    if parameters.swing:
        for country in sorted({demand.country for demand in parameters.demand}):
            yield {"name": country, "sd": parameters.swing}


def _add_templates(plain: dict[str, Any], parameters: ParameterSet) -> None:
    """Add the templates of the parameters, in place of the terms' of that name."""
    stated = {template["name"]: template for template in plain["templates"]}
    applications = {application["name"] for application in plain["applications"]}
    first = next((application["name"] for application in plain["applications"]), "fitted")
    made: dict[str, dict[str, Any]] = {}
    for demand in parameters.demand:
        name = parameters.template_names[demand.country, demand.template]
        terms_of = stated.get(demand.template)
        if terms_of is not None and "text" in terms_of:
            continue
        application, type_ = parameters.kinds.get(demand.template, ("", ""))
        base = terms_of or {
            "application": _plain(application) or first,
            "type": type_ if type_ == "otp" else "notification",
        }
        segments = {number: share for number, share in demand.segments.items() if share}
        made[name] = {**base, "name": name, "segments": _mix(segments)}
    plain["templates"] = [*(t for n, t in stated.items() if n not in made), *made.values()]
    missing = {template["application"] for template in made.values()} - applications
    plain["applications"] = [*plain["applications"], *({"name": name} for name in sorted(missing))]


def _mix(shares: Mapping[int, float]) -> int | dict[int, float]:
    """A plain number where all have it."""
    return next(iter(shares)) if len(shares) == 1 else dict(shares)


def _traffic(parameters: ParameterSet, until: int) -> Iterator[dict[str, Any]]:
    """A source per country and template; two where weekends have hours of their own."""
    names = plain_names(demand.template for demand in parameters.demand)
    for demand in parameters.demand:
        for suffix, hours, weekdays, share in _by_kind_of_day(demand):
            recipients = {
                min(size, _MOST_RECIPIENTS): part
                for size, part in demand.recipients.items()
                if part > _NEGLIGIBLE
            }
            yield {
                "name": f"{names[demand.template]} {demand.country}{suffix}",
                "template": parameters.template_names[demand.country, demand.template],
                "country": demand.country,
                "messages_a_day": demand.messages_per_day * share,
                "weekdays": weekdays,
                "hours": hours,
                "growth_per_day": max(min(demand.growth_per_day, _MOST_GROWTH), -_MOST_GROWTH),
                "recipients": _mix(recipients),
                "same_text": parameters.same_text,
                "swings": list(_swings_of(parameters, demand.country)),
                "ends": to_datetime(until),
            }


def _swings_of(parameters: ParameterSet, country: str) -> Iterator[str]:
    if parameters.shared_swing:
        yield "all"
    if parameters.swing:
        yield country


def _by_kind_of_day(
    demand: Demand,
) -> Iterator[tuple[str, list[float], list[float], float]]:
    """Name's end, hours, weekdays and share of the messages, of each profile of hours."""
    if len(demand.hours) == 1:
        yield "", demand.hours[0].tolist(), demand.weekdays.tolist(), 1.0
        return
    weekend = weekend_of(demand.country)
    for suffix, hours, at_weekends in zip(
        ("", " weekend"), demand.hours, (False, True), strict=True
    ):
        weights = [
            weight if (day in weekend) == at_weekends else 0.0
            for day, weight in enumerate(demand.weekdays.tolist())
        ]
        yield suffix, hours.tolist(), weights, math.fsum(weights) / 7


def _routes(
    stated: Mapping[str, Mapping[str, Any]], parameters: ParameterSet
) -> dict[str, dict[str, Any]]:
    """The terms' routes with the outcomes and delays of the parameters."""
    routes: dict[str, dict[str, Any]] = {country: dict(route) for country, route in stated.items()}
    for country, delays in parameters.delays.items():
        latency, failed = delays.stated or (_curve(delays.delivered), _curve(delays.failed))
        failing = {
            status: delays.shares.failed * share
            for status, share in parameters.failures[country].items()
        }
        never = float(delays.shares.never)
        delivered = 1 - math.fsum((*failing.values(), never))
        outcomes: list[dict[str, Any]] = [{"status": "DELIVRD", "share": delivered}]
        for status, share in failing.items():
            outcomes.append({"status": status, "share": share, "latency": failed})
        outcomes.append({"status": "none", "share": never})
        routes[country] = {**routes.get(country, {}), "outcomes": outcomes, "latency": latency}
    return routes


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """A name that a scenario can have for each of a log's, all different.

    >>> plain_names(["login", "=SUM(A1)", "验证码", ""])
    {'': 'message', '=SUM(A1)': 'SUMA1', 'login': 'login', '验证码': 'message 2'}
    """
    plain: dict[str, str] = {}
    for name in sorted(set(names)):
        stem = _plain(name) or "message"
        numbered = (f"{stem} {k}" if k > 1 else stem for k in count(1))
        plain[name] = next(each for each in numbered if each not in plain.values())
    return plain


def _plain(name: str) -> str:
    """The letters, digits and blanks of a name that a scenario can have."""
    return re.sub(r"[^A-Za-z0-9_.\- ]+", "", name).strip(" .-_")[:_LONGEST_NAME].rstrip()


def _curve(points: Points) -> dict[str, Any]:
    return {"curve": [list(point) for point in points]}
