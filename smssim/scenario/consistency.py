"""The rules between the parts of a scenario, each a generator of its violations.

The scenario may be a partial one: a value that could not be read breaks no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from smssim.calendars import month_later, to_us
from smssim.scenario.consistency_console import (
    console_violations,
    resend_violations,
)
from smssim.scenario.demand import demand_violations, peak_factor
from smssim.scenario.errors.partial import readable
from smssim.scenario.errors.problems import KEY, Violation, as_written, hint
from smssim.scenario.group_tasks import MOST_NUMBERS, GroupTask
from smssim.scenario.opening import opening_violations
from smssim.scenario.promise_rules import promise_violations
from smssim.sms.recipients import read_recipients

__all__ = ["FileFinder", "readable_violations", "violations_between"]

_MOST_US = 2**62
"""Microseconds that a queue may take to empty, which 64 bits hold."""
_MOST_HINTS = 100
"""Wrong names that similar ones are looked for; the search is slow."""
_MOST_OUTAGES = 1_000_000
"""Outages by chance within a run."""
_MOST_MONEY = 9e12
"""Units of the currency that all amounts of a run may come to: as micro-units they are 64 bits."""
_MOST_SEGMENTS = 8
_SOURCES = ("traffic", "calls", "group_tasks")


FileFinder = Callable[[Path], Path | None] | None
"""Locates a file that the scenario names; None without a folder to look in."""


def violations_between(scenario: Any, find: FileFinder) -> Iterator[Violation]:
    """All broken rules."""
    for violations in _rules(scenario, find):
        yield from violations


def readable_violations(scenario: Any, find: FileFinder) -> Iterator[Violation]:
    """The broken rules of a partial scenario, as far as its readable values decide them.

    A rule may stumble over any value that a broken field should have: it is left out then, for
    the broken field is reported anyway.
    """
    for violations in _rules(scenario, find):
        with suppress(Exception):
            yield from violations


def _rules(s: Any, find: FileFinder) -> Iterator[Iterator[Violation]]:
    yield _names(s)
    yield _references(s)
    yield _quotas(s)
    yield _limits(s)
    yield _window(s)
    yield _task_moments(s)
    yield _statuses(s)
    yield _rates(s)
    yield _money(s)
    yield _files(s, find)
    yield _unsent(s, find)
    yield console_violations(s)
    yield resend_violations(s)
    yield promise_violations(s)
    yield demand_violations(s)
    yield opening_violations(s)


def _sources(s: Any) -> Iterator[tuple[tuple[str, int], Any]]:
    for section in _SOURCES:
        for i, source in enumerate(getattr(s, section)):
            yield (section, i), source


def _names(s: Any) -> Iterator[Violation]:
    """Names of applications, of templates and of sources are unique."""
    groups = [
        [(("applications", i), entry.name) for i, entry in enumerate(s.applications)],
        [(("templates", i), entry.name) for i, entry in enumerate(s.templates)],
        [(path, name) for path, entry in _sources(s) for name in _names_of(s, entry)],
    ]
    for group in groups:
        first: dict[str, tuple[str, int]] = {}
        for path, name in group:
            if readable(name) and name in first:
                section, i = first[name]
                message = f"the name {name!r} appears twice, first in {section}.{i}"
                yield (*path, "name"), message
            elif readable(name):
                first[name] = path


def _names_of(s: Any, source: Any) -> Iterator[Any]:
    """The name of a source; of a task that recurs, those of its dates too."""
    yield source.name
    if _recurs(s, source):
        yield from (task.name for task in source.dated(s.start, s.end))


def _recurs(s: Any, source: Any) -> bool:
    """Whether a source is a task that recurs, whole and in a run whose end is known."""
    is_whole = isinstance(source, GroupTask) and readable(
        s.start, s.days, *(getattr(source, name) for name in type(source).model_fields)
    )
    return is_whole and source.every is not None and source.zone is not None


def _references(s: Any) -> Iterator[Violation]:
    """A template's application and a source's template exist."""
    applications = [application.name for application in s.applications]
    templates = [template.name for template in s.templates]
    wanted = [
        (("templates", i, "application"), template.application, applications)
        for i, template in enumerate(s.templates)
    ]
    wanted += [((*path, "template"), source.template, templates) for path, source in _sources(s)]
    hints = _MOST_HINTS
    for path, name, names in wanted:
        if names and readable(name, *names) and name not in names:
            referent, hints = path[-1], hints - 1
            near = hint(name, names) if hints >= 0 else ""
            message = f"there is no {referent} {name!r}{near}"
            yield path, f"{message}; there are {', '.join(map(repr, names[:10]))}"


def _quotas(s: Any) -> Iterator[Violation]:
    """No more applications and templates than approved."""
    most = s.quota.applications
    if readable(most, s.applications) and len(s.applications) > most:
        message = f"{len(s.applications)} applications: at most {most} (quota.applications"
        yield ("applications", most), f"{message}, raised by ticket)"
    most = s.quota.templates
    if not readable(most):
        return
    count: dict[str, int] = {}
    for i, template in enumerate(s.templates):
        name = template.application
        if readable(name):
            count[name] = count.get(name, 0) + 1
            if count[name] == most + 1:
                message = f"{name!r} has more templates: at most {most}"
                yield ("templates", i), f"{message} (quota.templates, raised by ticket)"


def _limits(s: Any) -> Iterator[Violation]:
    """Limits stay within the quota, approved or requested by a ticket before the start."""
    for period in ("daily_limit", "monthly_limit"):
        value, bound = getattr(s.thresholds, period), getattr(s.quota, period)
        if not readable(value, bound, s.start, s.tickets):
            continue
        tickets = [t for t in s.tickets if readable(t.at, getattr(t, period)) and t.at < s.start]
        bound = max([bound, *(getattr(ticket, period) or 0 for ticket in tickets)])
        mainland = s.thresholds.mainland
        if readable(mainland) and period in mainland.model_fields_set:
            limit = getattr(mainland, period)
            if readable(limit) and limit > bound:
                rule = f"more than the approved quota.{period}(={bound}), which a ticket raises"
                yield ("thresholds", "mainland", period), f"{period}(={limit}) is {rule}"
        if value > bound:
            if period in s.thresholds.model_fields_set:
                rule = f"more than the approved quota.{period}(={bound}), which a ticket raises"
                yield ("thresholds", period), f"{period}(={value}) is {rule}"
            else:
                rule = f"less than thresholds.{period}(={value}), the default"
                yield ("quota", period), f"quota.{period}(={bound}) is {rule}"


def _window(s: Any) -> Iterator[Violation]:
    """Moments lie within the run."""
    if not readable(s.start, s.days):
        return
    start, end = s.start, s.start + timedelta(days=s.days)
    run = f"the run, {as_written(start)} to {as_written(end)}"
    for i, package in enumerate(s.packages):
        if readable(package.at) and package.at is not None and package.at < start:
            message = f"{as_written(package.at)} must not be before {run}"
            yield ("packages", i, "at"), message
    for i, source in enumerate(s.traffic):
        yield from _traffic_window(("traffic", i), source, start, end, run)
    for i, source in enumerate(s.calls):
        for j, call in enumerate(source.calls):
            if readable(call.at) and not start <= call.at < end:
                yield ("calls", i, "calls", j, "at"), f"{as_written(call.at)} must be within {run}"
    for i, task in enumerate(s.group_tasks):
        if _recurs(s, task) and not any(task.dated(start, end)):
            message = f"there is no {task.every} of {task.zone} within {run}"
            yield ("group_tasks", i, "every"), f"{message}, and its own starts and ends"
        if not readable(task.at) or task.at is None:
            continue
        whole = isinstance(task, GroupTask) and _is_whole(task)
        last = next(task.dated(start, end)).last_at() if whole and task.every is None else task.at
        if task.at >= end or last < start:
            yield ("group_tasks", i, "at"), f"{as_written(task.at)} must be within {run}"


def _task_moments(s: Any) -> Iterator[Violation]:
    """A group task is created, perhaps cancelled, and starts within a month (DOMAIN.md 8)."""
    for i, task in enumerate(s.group_tasks):
        if not readable(s.start, task, task.at, task.created, task.cancelled) or task.at is None:
            continue
        created = min(s.start, task.at) if task.created is None else task.created
        when, path = f"when it is made, {as_written(created)}", ("group_tasks", i)
        if created > task.at:
            yield (
                (*path, "created"),
                f"{as_written(created)} must not be after at(={as_written(task.at)})",
            )
        elif to_us(task.at) > month_later(to_us(created)):
            message = f"{as_written(task.at)} must be at most a month after {when}"
            yield (*path, "at"), f"{message} (DOMAIN.md section 8)"
        if task.cancelled is not None and task.cancelled < created:
            yield (*path, "cancelled"), f"{as_written(task.cancelled)} must not be before {when}"


def _is_whole(task: Any) -> bool:
    return readable(task.pace_per_s, task.countries, *task.countries.values())


def _traffic_window(
    path: tuple[str, int], source: Any, start: datetime, end: datetime, run: str
) -> Iterator[Violation]:
    starts, ends = source.starts, source.ends
    if starts is not None and readable(starts) and not start <= starts < end:
        yield (*path, "starts"), f"{as_written(starts)} must be within {run}"
    if ends is not None and readable(ends):
        if not start < ends <= end:
            yield (*path, "ends"), f"{as_written(ends)} must be within {run}"
        if starts is not None and readable(starts) and ends <= starts:
            yield (*path, "ends"), f"{as_written(ends)} must be after starts(={as_written(starts)})"


def _statuses(s: Any) -> Iterator[Violation]:
    """A status that is fixed for a number is an outcome of its route."""
    for i, source in enumerate(s.calls):
        if not readable(source.country, s.routes):
            continue
        route = s.route(source.country)
        statuses = [outcome.status for outcome in route.outcomes]
        if not readable(route, *statuses):
            continue
        statuses.append("none")
        for j, call in enumerate(source.calls):
            for k, number in enumerate(call.to):
                status = number.status
                if status is not None and readable(status) and status not in statuses:
                    path = ("calls", i, "calls", j, "to", k, "status")
                    names = ", ".join(dict.fromkeys(statuses))
                    message = f"{status!r} is not an outcome of the route to {source.country}"
                    yield path, f"{message}: {names}{hint(status, statuses)}"


def _rates(s: Any) -> Iterator[Violation]:
    """A queue empties within the times that are counted, outages by chance are few enough."""
    expected = sum(messages for *_, messages in _expected(s))
    expected += sum(MOST_NUMBERS for task in s.group_tasks if task.file is not None)
    if expected * s.queue.gap_us > _MOST_US:
        rate, most = s.queue.throughput_per_s, expected * 1e6 / _MOST_US
        message = f"{rate:g} is too slow for some {expected:,.0f} messages"
        yield ("queue", "throughput_per_s"), f"{message}: at least {most:.2g}"
    yield from _outages(s)


def _outages(s: Any) -> Iterator[Violation]:
    outages = s.callback.random_outages
    if outages is None or not readable(s.days, outages, outages.up, outages.down):
        return
    typical_s = sum(delay.median_s() for delay in (outages.up, outages.down))
    if s.days * 86_400 > _MOST_OUTAGES * typical_s:
        message = f"up and down take {typical_s:g} s in turn: more than {_MOST_OUTAGES:,} outages"
        yield ("callback", "random_outages"), f"{message} in {s.days} days are not simulated"


def _money(s: Any) -> Iterator[Violation]:
    """All amounts of the run together can be counted exactly."""
    amounts: list[tuple[tuple[str | int, ...], float]] = []
    if readable(s.account.balance):
        amounts.append((("account", "balance"), s.account.balance or 0))
    for i, package in enumerate(s.packages):
        if readable(package.price, package.price_per_segment, package.segments):
            field = "price" if package.price_per_segment is None else "price_per_segment"
            times = 1 if package.renew is None else 1 + s.days // 28
            amounts.append((("packages", i, field), package.price_micro / 1e6 * times))
    for path, country, messages in _expected(s):
        price = s.route(country).price if readable(s.routes) else None
        if price is not None and readable(price):
            path = ("routes", country, "price") if country in s.routes else path
            amounts.append((path, messages * _MOST_SEGMENTS * price))
    total = sum(amount for _, amount in amounts)
    if total > _MOST_MONEY:
        path, _ = max(amounts, key=lambda one: one[1])
        message = f"the amounts of the run may come to {total:.3g}: more than {_MOST_MONEY:,.0f}"
        yield path, f"{message} cannot be counted to the micro-unit"


def _expected(s: Any) -> Iterator[tuple[tuple[str | int, ...], str, float]]:
    """Where a source says how many messages it sends, to which country, and that number."""
    for section in ("traffic", "calls"):
        for i, source in enumerate(getattr(s, section)):
            rules = (source.resend, source.server_resend)
            if not readable(source, source.country, *rules, *(r.at_most for r in rules if r)):
                continue
            copies = 1 + max((rule.at_most for rule in rules if rule), default=0)
            if section == "calls":
                yield ("calls", i), source.country, copies * sum(len(c.to) for c in source.calls)
            elif readable(source.messages_a_day, s.days):
                path = ("traffic", i, "messages_a_day")
                most = copies * source.messages_a_day * s.days * peak_factor(source, s)
                yield path, source.country, most
    for i, task in enumerate(s.group_tasks):
        times = sum(1 for _ in task.dated(s.start, s.end)) if _recurs(s, task) else 1
        for country, numbers in task.countries.items() if readable(task.countries) else ():
            if readable(country, numbers):
                yield ("group_tasks", i, "countries", country), country, numbers * times


def _files(s: Any, find: FileFinder) -> Iterator[Violation]:
    """Files of numbers exist."""
    for i, task in enumerate(s.group_tasks):
        named = task.file is not None and readable(task.file)
        if named and find is not None and find(task.file) is None:
            message = f"{str(task.file)!r} was not found next to the scenario or in a folder above"
            yield ("group_tasks", i, "file"), message


def _unsent(s: Any, find: FileFinder) -> Iterator[Violation]:
    """Packages, notices, limits and registrations are for countries that a source sends to."""
    named: list[tuple[tuple[str | int, ...], Any]] = [
        (("packages", i, "country"), p.country) for i, p in enumerate(s.packages)
    ]
    named += [
        (("policies", i, "top_up_quota", "country"), policy.top_up_quota.country)
        for i, policy in enumerate(s.policies)
        if policy.top_up_quota is not None
    ]
    named += [(("account", "low_quota", country), country) for country in s.account.low_quota]
    named += [(("thresholds", "countries", c), c) for c in s.thresholds.countries]
    named += [(("registrations", c), c) for c in s.registrations]
    named += [(("review", "longer", c), c) for c in s.review.longer]
    if not all(readable(getattr(s, section)) for section in _SOURCES):
        return
    sent = _sent_to(s)
    idle = [(path, country) for path, country in named if readable(country) and country not in sent]
    if not idle or not readable(*sent):
        return
    files = _sent_by_file(s, find)
    if files is None:
        return
    sent |= files
    what = {
        "packages": "a package",
        "policies": "a policy",
        "account": "a notice",
        "thresholds": "a limit",
    }
    what |= {"registrations": "a registration", "review": "a longer review"}
    to = f"they send to {', '.join(sorted(sent))}" if sent else "there are none"
    for path, country in idle:
        if country not in sent:
            message = f"no source sends to {country}: {what[str(path[0])]} for it is idle"
            of_value = path[0] in ("packages", "policies")
            yield (path if of_value else (*path, KEY)), f"{message}; {to}"


def _sent_to(s: Any) -> set[Any]:
    sent = {source.country for section in ("traffic", "calls") for source in getattr(s, section)}
    for task in s.group_tasks:
        sent |= set(task.countries) if readable(task, task.countries) else {task.countries}
    return sent


def _sent_by_file(s: Any, find: FileFinder) -> set[str] | None:
    """The countries of the files of group tasks; None where a file cannot be read."""
    countries: set[str] = set()
    for task in s.group_tasks:
        if task.file is None:
            continue
        path = find(task.file) if find is not None and readable(task.file) else None
        if path is None:
            return None
        try:
            countries |= set(read_recipients(path).countries)
        except (OSError, ValueError):
            return None
    return countries
