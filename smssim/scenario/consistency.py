"""The rules between the parts of a scenario, each a generator of what breaks it.

A scenario may be a salvaged one: what is unknown breaks no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from smssim.calendars import month_later, to_us
from smssim.scenario.consistency_console import check_rules, console_rules, resend_rules
from smssim.scenario.errors.partial import known
from smssim.scenario.errors.problems import KEY, Found, hint, said
from smssim.scenario.sources import GroupTask
from smssim.sms.recipients import read_recipients

SOURCES = ("traffic", "calls", "group_tasks")


Find = Callable[[Path], Path | None] | None
"""Says where a file named in the scenario is; None where no folder to look in is known."""


def broken_rules(scenario: Any, find: Find) -> Iterator[Found]:
    """All broken rules."""
    yield from _names(scenario)
    yield from _references(scenario)
    yield from _quotas(scenario)
    yield from _limits(scenario)
    yield from _window(scenario)
    yield from _task_moments(scenario)
    yield from _statuses(scenario)
    yield from _files(scenario, find)
    yield from _unsent(scenario, find)
    yield from console_rules(scenario)
    yield from resend_rules(scenario)
    yield from check_rules(scenario)


def _sources(s: Any) -> Iterator[tuple[tuple[str, int], Any]]:
    for kind in SOURCES:
        for i, source in enumerate(getattr(s, kind)):
            yield (kind, i), source


def _names(s: Any) -> Iterator[Found]:
    """Applications, templates, and sources of any kind have names of their own."""
    groups = [
        [(("applications", i), part) for i, part in enumerate(s.applications)],
        [(("templates", i), part) for i, part in enumerate(s.templates)],
        list(_sources(s)),
    ]
    for group in groups:
        first: dict[str, tuple[str, int]] = {}
        for path, part in group:
            if known(part.name) and part.name in first:
                kind, i = first[part.name]
                told = f"the name {part.name!r} stands twice, first in {kind}.{i}"
                yield (*path, "name"), told
            elif known(part.name):
                first[part.name] = path


def _references(s: Any) -> Iterator[Found]:
    """A template's application and a source's template exist."""
    applications = [application.name for application in s.applications]
    templates = [template.name for template in s.templates]
    wanted = [
        (("templates", i, "application"), template.application, applications)
        for i, template in enumerate(s.templates)
    ]
    wanted += [((*path, "template"), source.template, templates) for path, source in _sources(s)]
    for path, name, names in wanted:
        if names and known(name, *names) and name not in names:
            kind = path[-1]
            told = f"there is no {kind} {name!r}{hint(name, names)}"
            yield path, f"{told}; there are {', '.join(map(repr, names[:10]))}"


def _quotas(s: Any) -> Iterator[Found]:
    """No more applications and templates than approved."""
    most = s.quota.applications
    if known(most, s.applications) and len(s.applications) > most:
        told = f"{len(s.applications)} applications: at most {most} (quota.applications"
        yield ("applications", most), f"{told}, raised by ticket)"
    most = s.quota.templates
    if not known(most):
        return
    count: dict[str, int] = {}
    for i, template in enumerate(s.templates):
        name = template.application
        if known(name):
            count[name] = count.get(name, 0) + 1
            if count[name] == most + 1:
                told = f"{name!r} has more templates: at most {most}"
                yield ("templates", i), f"{told} (quota.templates, raised by ticket)"


def _limits(s: Any) -> Iterator[Found]:
    """Limits stay within the quota, approved or asked for by a ticket before the start."""
    for period in ("daily_limit", "monthly_limit"):
        value, bound = getattr(s.thresholds, period), getattr(s.quota, period)
        if not known(value, bound, s.start, s.tickets):
            continue
        asked = [t for t in s.tickets if known(t.at, getattr(t, period)) and t.at < s.start]
        bound = max([bound, *(getattr(ticket, period) or 0 for ticket in asked)])
        mainland = s.thresholds.mainland
        if known(mainland) and period in mainland.model_fields_set:
            own = getattr(mainland, period)
            if known(own) and own > bound:
                rule = f"more than the approved quota.{period}(={bound}), which a ticket raises"
                yield ("thresholds", "mainland", period), f"{period}(={own}) is {rule}"
        if value > bound:
            if period in s.thresholds.model_fields_set:
                rule = f"more than the approved quota.{period}(={bound}), which a ticket raises"
                yield ("thresholds", period), f"{period}(={value}) is {rule}"
            else:
                rule = f"less than thresholds.{period}(={value}), the default"
                yield ("quota", period), f"quota.{period}(={bound}) is {rule}"


def _window(s: Any) -> Iterator[Found]:
    """What is planned for a moment happens within the run."""
    if not known(s.start, s.days):
        return
    start, end = s.start, s.start + timedelta(days=s.days)
    run = f"the run, {said(start)} to {said(end)}"
    for i, package in enumerate(s.packages):
        if known(package.at) and package.at is not None and package.at < start:
            told = f"{said(package.at)} must not be before {run}"
            yield ("packages", i, "at"), told
    for i, source in enumerate(s.traffic):
        yield from _own_window(("traffic", i), source, start, end, run)
    for i, source in enumerate(s.calls):
        for j, call in enumerate(source.calls):
            if known(call.at) and not start <= call.at < end:
                yield ("calls", i, "calls", j, "at"), f"{said(call.at)} must be within {run}"
    for i, task in enumerate(s.group_tasks):
        if not known(task.at):
            continue
        last = task.last_at() if isinstance(task, GroupTask) and _is_whole(task) else task.at
        if task.at >= end or last < start:
            yield ("group_tasks", i, "at"), f"{said(task.at)} must be within {run}"


def _task_moments(s: Any) -> Iterator[Found]:
    """A group task is made, perhaps cancelled, and starts within a month (DOMAIN.md section 8)."""
    for i, task in enumerate(s.group_tasks):
        if not known(s.start, task, task.at, task.created, task.cancelled):
            continue
        made = min(s.start, task.at) if task.created is None else task.created
        when, path = f"when it is made, {said(made)}", ("group_tasks", i)
        if made > task.at:
            yield (*path, "created"), f"{said(made)} must not be after at(={said(task.at)})"
        elif to_us(task.at) > month_later(to_us(made)):
            told = f"{said(task.at)} must be at most a month after {when}"
            yield (*path, "at"), f"{told} (DOMAIN.md section 8)"
        if task.cancelled is not None and task.cancelled < made:
            yield (*path, "cancelled"), f"{said(task.cancelled)} must not be before {when}"


def _is_whole(task: Any) -> bool:
    return known(task.pace_per_s, task.countries, *task.countries.values())


def _own_window(
    path: tuple[str, int], source: Any, start: datetime, end: datetime, run: str
) -> Iterator[Found]:
    starts, ends = source.starts, source.ends
    if starts is not None and known(starts) and not start <= starts < end:
        yield (*path, "starts"), f"{said(starts)} must be within {run}"
    if ends is not None and known(ends):
        if not start < ends <= end:
            yield (*path, "ends"), f"{said(ends)} must be within {run}"
        if starts is not None and known(starts) and ends <= starts:
            yield (*path, "ends"), f"{said(ends)} must be after starts(={said(starts)})"


def _statuses(s: Any) -> Iterator[Found]:
    """A status that is fixed for a number is one that its route knows."""
    for i, source in enumerate(s.calls):
        if not known(source.country, s.routes):
            continue
        route = s.route(source.country)
        statuses = [outcome.status for outcome in route.outcomes]
        if not known(route, *statuses):
            continue
        statuses.append("none")
        for j, call in enumerate(source.calls):
            for k, number in enumerate(call.to):
                status = number.status
                if status is not None and known(status) and status not in statuses:
                    path = ("calls", i, "calls", j, "to", k, "status")
                    names = ", ".join(dict.fromkeys(statuses))
                    told = f"{status!r} is no outcome of the route to {source.country}"
                    yield path, f"{told}: {names}{hint(status, statuses)}"


def _files(s: Any, find: Find) -> Iterator[Found]:
    """Files of numbers are where they can be found."""
    for i, task in enumerate(s.group_tasks):
        named = task.file is not None and known(task.file)
        if named and find is not None and find(task.file) is None:
            told = f"{str(task.file)!r} was not found beside the scenario or in a folder above"
            yield ("group_tasks", i, "file"), told


def _unsent(s: Any, find: Find) -> Iterator[Found]:
    """Packages, notices, limits and registrations are for countries that somebody sends to."""
    named: list[tuple[tuple[str | int, ...], Any]] = [
        (("packages", i, "country"), p.country) for i, p in enumerate(s.packages)
    ]
    named += [(("account", "low_quota", country), country) for country in s.account.low_quota]
    named += [(("thresholds", "countries", c), c) for c in s.thresholds.countries]
    named += [(("registrations", c), c) for c in s.registrations]
    named += [(("review", "longer", c), c) for c in s.review.longer]
    if not all(known(getattr(s, kind)) for kind in SOURCES):
        return
    sent = _sent_to(s)
    idle = [(path, country) for path, country in named if known(country) and country not in sent]
    if not idle or not known(*sent):
        return
    files = _sent_by_file(s, find)
    if files is None:
        return
    sent |= files
    what = {"packages": "a package", "account": "a notice", "thresholds": "a limit"}
    what |= {"registrations": "a registration", "review": "a longer review"}
    to = f"they send to {', '.join(sorted(sent))}" if sent else "there are none"
    for path, country in idle:
        if country not in sent:
            told = f"no source sends to {country}: {what[str(path[0])]} for it is idle"
            yield (path if path[0] == "packages" else (*path, KEY)), f"{told}; {to}"


def _sent_to(s: Any) -> set[Any]:
    sent = {source.country for kind in ("traffic", "calls") for source in getattr(s, kind)}
    for task in s.group_tasks:
        sent |= set(task.countries) if known(task, task.countries) else {task.countries}
    return sent


def _sent_by_file(s: Any, find: Find) -> set[str] | None:
    """The countries of the files of group tasks; None where a file cannot be read."""
    countries: set[str] = set()
    for task in s.group_tasks:
        if task.file is None:
            continue
        place = find(task.file) if find is not None and known(task.file) else None
        if place is None:
            return None
        try:
            countries |= set(read_recipients(place).countries)
        except (OSError, ValueError):
            return None
    return countries
