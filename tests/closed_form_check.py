"""Simulated figures next to closed forms, where a scenario meets the assumptions of the form."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import closed_forms as theory
import numpy as np

from smssim.calendars import DAY, MINUTE, SECOND, to_us
from smssim.record.record import Record
from smssim.record.schema import microseconds_of
from smssim.report._record import TimeInterval, requires, scenario_of, union_us
from smssim.report.cost import cost
from smssim.report.delivery import statuses
from smssim.report.review import calendar_of
from smssim.report.thresholds import thresholds
from smssim.scenario import Scenario, Traffic
from smssim.scenario.delays import moments
from smssim.sms.reference import MAINLAND
from smssim.stats.intervals import mean_interval
from smssim.workdays import review_window

if TYPE_CHECKING:
    import pandas as pd


# What one request weighs.


def requests_a_day(source: Traffic) -> float:
    """Requests that a source makes a day, on average."""
    sizes = source.recipient_shares()
    return source.messages_a_day * sum(sizes.values()) / sum(n * s for n, s in sizes.items())


def sums(numbers: Mapping[int, float], each: Mapping[int, float]) -> dict[int, float]:
    """The shares of sums by their size: so many independent terms by *numbers*, each by *each*."""
    found: dict[int, float] = {}
    power: dict[int, float] = {0: 1.0}
    for number in range(1, max(numbers) + 1):
        power = _added(power, each)
        for size, share in power.items() if numbers.get(number) else ():
            found[size] = found.get(size, 0.0) + numbers[number] * share
    return found


def mixed(parts: list[tuple[float, Mapping[int, float]]]) -> dict[int, float]:
    """Shares by size of several kinds together, each kind with its weight."""

    def add(found: dict[int, float], part: tuple[float, Mapping[int, float]]) -> dict[int, float]:
        weight, shares = part
        total = sum(shares.values())
        for size, share in shares.items():
            found[size] = found.get(size, 0.0) + weight * share / total
        return found

    return reduce(add, parts, {})


def _added(shares: Mapping[int, float], more: Mapping[int, float]) -> dict[int, float]:
    """The shares of sums of two independent numbers."""
    total, found = sum(more.values()), dict[int, float]()
    for size, share in shares.items():
        for step, own in more.items():
            found[size + step] = found.get(size + step, 0.0) + share * own / total
    return found


# What the closed forms ask of a record and its scenario.


def poisson(record: Record, scenario: Scenario) -> bool:
    """Whether nothing but Poisson requests makes messages, whatever their rhythm."""
    plain = all(
        source.resend is None
        and source.server_resend is None
        and not source.resolution_s
        and not any(source.flaws.model_dump().values())
        for source in scenario.traffic
    )
    others = (
        *scenario.calls,
        *scenario.group_tasks,
        *record.provenance.get("policies", ()),
        *scenario.policies,
    )
    return plain and not others and bool(scenario.traffic)


def steady(record: Record, scenario: Scenario) -> bool:
    """Whether they come at one rate all the time, too."""
    return poisson(record, scenario) and all(
        len(set(source.hours)) == len(set(source.weekdays)) == 1
        and source.starts is None
        and source.ends is None
        for source in scenario.traffic
    )


def one_queue(scenario: Scenario) -> bool:
    """Whether all traffic leaves through the same queue."""
    scope, sources = scenario.queue.scope, scenario.traffic
    countries = {source.country for source in sources}
    applications = {scenario.template(source.template).application for source in sources}
    own = {"shared": {""}, "application": applications, "route": countries}[scope]
    return len(own) == 1


def segments(scenario: Scenario, source: Traffic) -> dict[int, float]:
    """The shares of a source's requests by all their segments."""
    each = scenario.template(source.template).segment_shares(source.country)
    numbers = source.recipient_shares()
    total = sum(numbers.values())
    return sums({number: share / total for number, share in numbers.items()}, each)


def refused(record: Record) -> set[tuple[str, str]]:
    """Stages and codes of all refusals."""
    found = statuses(record, by=())
    found = found[found["refused_at"] != ""]
    return set(zip(found["refused_at"].tolist(), found["status"].tolist(), strict=True))


def drawn(scenario: Scenario) -> set[tuple[str, str]]:
    """Refusals that routes draw."""
    routes = [scenario.route(source.country) for source in scenario.traffic]
    outcomes = [outcome for route in routes for outcome in route.outcomes]
    return {("platform", outcome.status) for outcome in outcomes if outcome.source == "huawei"}


# The closed forms that may apply to a record: what each asks, and both figures side by side.

LEAST_LOAD = 0.01
"""Below this load of a queue its waits are shorter than the clock's microseconds tell."""
LEAST_TURNS = 10
"""Ups and downs of a server that a period must hold for its long-run share to be one."""
HIGH = 10
"""How many times its mean long step a level must be, for it to be a high one."""
_Z = NormalDist().inv_cdf(0.975)


class Beside(NamedTuple):
    """A simulated figure with its 95% interval, and what a form says it is."""

    figure: str
    unit: str
    simulated: float
    low: float
    high: float
    theory: float
    form: str
    source: str


def lost_reports(record: Record, scenario: Scenario) -> Beside | None:
    """The share of reports lost while the server is down, planned and by chance."""
    server, push = scenario.callback, record.tallies.push
    named = all(server.is_named(source.status_callback) for source in scenario.traffic)
    if (
        server.random_outages is None
        or server.retries_s
        or not (named and steady(record, scenario))
    ):
        return None
    counts = push.groupby("state")["reports"].sum()
    lost, over_s = int(counts.get("lost", 0)), (record.observed_until - record.observed_from) / 1e6
    n = lost + int(counts.get("received", 0))
    up, down = (moments(delay) for delay in (server.random_outages.up, server.random_outages.down))
    planned = _planned_share(record, scenario)
    over_s *= 1 - planned
    if not n or over_s < LEAST_TURNS * (up.mean_s + down.mean_s):
        return None
    answered = (1 - planned) * (1 - server.no_answer_share)
    share = 1 - answered * (1 - theory.share_down(up.mean_s, down.mean_s))
    spread = theory.share_down_variance(*up, *down, over_s) * answered**2
    # Reports of one request fall into the same outage.
    weights = mixed([(requests_a_day(s), segments(scenario, s)) for s in scenario.traffic])
    mean, square = (sum(w**k * share for w, share in weights.items()) for k in (1, 2))
    half = _Z * math.sqrt(spread + share * (1 - share) / n * square / mean)
    return Beside(
        "reports lost",
        "share",
        lost / n,
        lost / n - half,
        lost / n + half,
        share,
        "alternating renewal process",
        "Ross, Introduction to Probability Models, section 7.5; Takacs, Acta Math. Hung. 8, 1957",
    )


def _planned_share(record: Record, scenario: Scenario) -> float:
    """The share of the record in which planned outages keep the server down."""
    whole = TimeInterval(record.observed_from, record.observed_until)
    windows = []
    for outage in scenario.callback.outages:
        at = to_us(outage.at)
        window = TimeInterval(
            max(at, whole.start), min(at + round(outage.minutes * MINUTE), whole.end)
        )
        windows += [window] if window.end > window.start else []
    return union_us(windows) / (whole.end - whole.start)


def mean_review(record: Record, scenario: Scenario) -> Beside | None:
    """The mean time from handing in a template to its decision, given when each was handed in."""
    rules, reviews = scenario.review, record.reviews
    if reviews is None or not len(reviews) or reviews["decided_at"].isna().any():
        return None
    if rules.reviewers is not None or rules.two_hours != "wall" or rules.longer:
        return None
    submitted, decided = (microseconds_of(reviews[name]) for name in ("submitted_at", "decided_at"))
    calendar, due, spread = calendar_of(record), [], 0.0
    within, later = moments(rules.decision), moments(rules.next_workday)
    for at in submitted.tolist():
        due.append(theory.mean_review_s(at, at + 1, calendar, within.mean_s, later.mean_s))
        spread += (within if review_window(at, calendar)[0] == "today" else later).sd_s ** 2
    mean, took = float(np.mean(due)), float((decided - submitted).mean()) / SECOND
    half = _Z * math.sqrt(spread) / len(due)
    return Beside(
        "review, mean",
        "h",
        took / 3_600,
        (took - half) / 3_600,
        (took + half) / 3_600,
        mean / 3_600,
        "mean over the working calendar",
        "DOMAIN.md section 4, integrated",
    )


def queue_wait(record: Record, scenario: Scenario) -> Beside | None:
    """The mean wait in the one queue."""
    messages, queue = record.messages, scenario.queue
    if messages is None or queue.capacity is not None or not steady(record, scenario):
        return None
    if refused(record) or not one_queue(scenario):
        return None
    sizes = mixed([(requests_a_day(s), s.recipient_shares()) for s in scenario.traffic])
    per_s = sum(map(requests_a_day, scenario.traffic)) / 86_400
    service_s = queue.gap_us / SECOND
    load = service_s * sum(source.messages_a_day for source in scenario.traffic) / 86_400
    at, sent = (microseconds_of(messages[name]) for name in ("submitted_at", "sent_at"))
    day = at // DAY
    first, last = -(-record.observed_from // DAY), record.observed_until // DAY
    whole = (day >= first) & (day < last) & (sent >= at)
    if not LEAST_LOAD <= load < 1 or len(np.unique(day[whole])) < 2:
        return None
    number = np.bincount(day[whole] - first)
    waited_s = np.bincount(day[whole] - first, (sent - at)[whole] / SECOND)
    name, source = (
        "M/D/1",
        "Pollaczek-Khinchine formula; Kleinrock, Queueing Systems I, section 5.6",
    )
    if max(sizes) > 1:
        name = "M[X]/D/1"
        source = "Gross et al., Fundamentals of Queueing Theory, section 3.1"
    return Beside(
        "wait in the queue, mean",
        "s",
        *mean_interval(waited_s[number > 0] / number[number > 0]),
        theory.batch_mean_wait_s(per_s, sizes, service_s),
        name,
        source,
    )


def overshoot(record: Record, scenario: Scenario) -> Beside | None:
    """How far the count is above the daily limit when sending stops."""
    rules, sources = scenario.thresholds, scenario.traffic
    if not poisson(record, scenario) or rules.counting_error or rules.countries:
        return None
    if refused(record) - {("request", "E000623")} or any(s.country == MAINLAND for s in sources):
        return None
    by_segment = rules.unit == "segment"
    kinds = [segments(scenario, s) if by_segment else s.recipient_shares() for s in sources]
    limit = rules.daily_limit
    days = thresholds(record)
    tripped = days[(days["period"] == "day") & days["limit_at"].notna()]
    mean, square = (sum(w**k * share for w, share in kinds[0].items()) for k in (1, 2))
    if len(tripped) < 2 or any(kind != kinds[0] for kind in kinds) or limit < HIGH * square / mean:
        return None
    if (tripped["limit"] != limit).any():
        return None
    return Beside(
        "overshoot of the daily limit, mean",
        f"{rules.unit}s",
        *mean_interval((tripped["used"] - limit).to_numpy(float)),
        theory.mean_overshoot(kinds[0], limit, rules.trips == "reaches"),
        "residual life of a renewal process",
        "Feller, An Introduction to Probability Theory II, section XI.4",
    )


def expected_cost(record: Record, scenario: Scenario) -> Beside | None:
    """The pay-per-use charges of a month without packages."""
    packages, sources = record.packages, scenario.traffic
    bought = packages is not None and len(packages) > 0
    if bought or scenario.account.balance is not None or not poisson(record, scenario):
        return None
    if any(stage != "platform" for stage, _ in refused(record)) or refused(record) - drawn(
        scenario
    ):
        return None
    if (
        any(source.country == MAINLAND for source in sources)
        or scenario.account.service_mode != "pay_per_use"
    ):
        return None
    mean = variance = 0.0
    for source in sources:
        expected, square = _charge(record, scenario, source)
        mean, variance = mean + expected, variance + square
    bill = cost(record, by=()).set_index("entry")["cost_micro"]
    billed, half = int(bill.get("pay_per_use", 0)) / 1e6, _Z * math.sqrt(variance)
    return Beside(
        "pay-per-use charges",
        record.currency or "currency",
        billed,
        billed - half,
        billed + half,
        mean,
        "compound Poisson sum",
        "Ross, Introduction to Probability Models, section 5.4.2",
    )


def _charge(record: Record, scenario: Scenario, source: Traffic) -> tuple[float, float]:
    """The mean and the variance of what a source is charged."""
    route, sizes = scenario.route(source.country), source.recipient_shares()
    own = sum(outcome.share for outcome in route.outcomes if outcome.source == "huawei")
    shares = scenario.template(source.template).segment_shares(source.country)
    parts = [
        sum(n**k * share for n, share in shares.items()) / sum(shares.values()) for k in (1, 2)
    ]
    each, square = (1 - own) * parts[0] * route.price, (1 - own) * parts[1] * route.price**2
    numbers = [
        sum(n**k * share for n, share in sizes.items()) / sum(sizes.values()) for k in (1, 2)
    ]
    request = numbers[0] * (square - each**2) + numbers[1] * each**2
    messages = source.expected(record.observed_from, record.observed_until)
    return theory.compound_poisson(messages / numbers[0], numbers[0] * each, request)


FORMS: tuple[Callable[[Record, Scenario], Beside | None], ...] = (
    lost_reports,
    mean_review,
    queue_wait,
    overshoot,
    expected_cost,
)
"""All forms, in the order in which they are told."""


_NUMBERS = ("simulated", "low", "high", "theory")


@requires("money", "push", "events", "ledger", "reviews")
def closed_form_check(record: Record) -> pd.DataFrame:
    """One row a closed form of `closed_forms` that applies to a simulated record; none for a log.

    Columns: `figure`, `unit`; `simulated` with its 95% interval `low` and `high` (NaN where one
    value alone shows no spread; never below 0, as no figure is), the form's value `theory`, and
    `form` and `source`, what it is called and where it is proved. Of twenty rows one may have its
    theory outside by chance.

    Forms, and what they ask of the scenario (all: no policies, and traffic as Poisson requests
    alone, without resends, flaws, calls and group tasks, but for reviews): reports lost in random
    outages (constant rates, no second push, ten turns or more); the mean review (no reviewers, no
    longer countries, all decided); the mean wait in the queue (constant rates, one queue without
    bound, loaded by 1% or more, nothing refused, rows kept, two whole days); the overshoot of the
    daily limit (one kind of request, far smaller than the limit, nothing refused but by it, two
    trips); the cost (no packages, nothing refused but by drawn outcomes, not to mainland China).
    """
    import pandas as pd

    scenario = scenario_of(record)
    rows = [] if scenario is None else [form(record, scenario) for form in FORMS]
    found = pd.DataFrame([row for row in rows if row is not None], columns=list(Beside._fields))
    types = {name: "float64" if name in _NUMBERS else "str" for name in Beside._fields}
    found = found.astype(types)
    return found.assign(low=found["low"].clip(lower=0))
