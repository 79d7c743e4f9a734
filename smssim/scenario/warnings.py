"""What a valid scenario probably does not mean: settings that the service refuses or ignores.

Each function is a generator of warnings: a path and a sentence, as a violation has them. Nothing
here is an error, and nothing is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from smssim.scenario.consistency import FileFinder
from smssim.scenario.errors.problems import KeyPath, Violation, hint
from smssim.scenario.onboarding import registration_rules
from smssim.scenario.sources import GroupTask
from smssim.scenario.warnings_idle import idle_settings
from smssim.sms.recipients import read_recipients
from smssim.sms.reference import MAINLAND, countries, status_codes
from smssim.sms.templates.rules import forbidden_topics
from smssim.sms.templates.variables import fixed_text, read_variables

_Sent = list[tuple[tuple[KeyPath, ...], str, tuple[str, ...]]]
"""Per source: the path of each of its countries, its name, and its countries."""
_REGISTERED = {"sender_id": "a sender ID", "brand": "a brand", "content": "the content"}
_FIRST_HOUR, _LAST_HOUR = 8, 22
"""Local hours that the console recommends for group tasks (DOMAIN.md section 8)."""


def warnings_of(scenario: Any, find: FileFinder) -> Iterator[Violation]:
    """All warnings of a scenario; *find* locates the files of its group tasks."""
    destinations = _destinations(scenario, find)
    yield from _unsold(scenario, destinations)
    yield from _unregistered(scenario, destinations)
    yield from _task_hours(scenario, destinations)
    yield from _topics(scenario)
    yield from _misspelt_statuses(scenario)
    yield from idle_settings(scenario, {country for _, _, sent in destinations for country in sent})


def price_warnings(scenario: Any, changes: Mapping[str, object]) -> Iterator[Violation]:
    """Packages whose size was changed by path while their price was not."""
    for i, package in enumerate(scenario.packages):
        path = f"packages.{i}"
        changed = f"{path}.segments" in changes
        priced = {f"{path}.price", f"{path}.price_per_segment"} & changes.keys()
        if changed and not priced and package.price:
            message = f"the package keeps its price(={package.price:g}) with another size"
            yield ("packages", i, "segments"), f"{message}: give price_per_segment in its place"


def _destinations(scenario: Any, find: FileFinder) -> _Sent:
    """The countries of every source."""
    rows: _Sent = []
    for section in ("traffic", "calls"):
        for i, source in enumerate(getattr(scenario, section)):
            rows.append((((section, i, "country"),), source.name, (source.country,)))
    for i, task in enumerate(scenario.group_tasks):
        path: KeyPath = ("group_tasks", i)
        sent = tuple(task.countries) if task.file is None else _countries_of_file(task, find)
        paths = [(*path, "file") if task.file else (*path, "countries", c) for c in sent]
        rows.append((tuple(paths), task.name, sent))
    return rows


def _countries_of_file(task: GroupTask, find: FileFinder) -> tuple[str, ...]:
    """The countries of a file of numbers, none where it cannot be read."""
    path = None if find is None or task.file is None else find(task.file)
    try:
        return () if path is None else tuple(read_recipients(path).countries)
    except (OSError, ValueError):
        return ()


def _unsold(s: Any, destinations: _Sent) -> Iterator[Violation]:
    """Mode 2 sends to no country without packages (DOMAIN.md section 1)."""
    sold = s.account.package_countries
    suspends = s.account.service_mode == "suspend"
    if not suspends and all(ticket.service_mode != "suspend" for ticket in s.tickets):
        return
    bought = {package.country for package in s.packages}
    for paths, name, sent in destinations:
        for path, country in zip(paths, sent, strict=True):
            if country == MAINLAND:
                yield path, f"mode 2 is for international SMS: {name!r} cannot send to CN"
            elif country not in sold:
                reached = f"only {', '.join(sold)} (account.package_countries)"
                message = f"mode 2 reaches {reached}: what {name!r} sends to {country} is refused"
                yield path, f"{message} (E000629)"
            elif suspends and country not in bought:
                message = f"no package for {country}: in mode 2 what {name!r} sends is refused"
                yield path, f"{message} (E000629) until a policy buys one"


def _unregistered(s: Any, destinations: _Sent) -> Iterator[Violation]:
    """Some countries ask for a registration (DOMAIN.md section 11)."""
    if s.onboarding is not None:  # Its registrations are those that the table asks for.
        return
    seen = set(s.registrations)
    for paths, _, sent in destinations:
        for path, country in zip(paths, sent, strict=True):
            if country in registration_rules() and country not in seen:
                seen.add(country)
                name = _REGISTERED[registration_rules()[country].kind]
                message = f"{country} asks for the registration of {name}: without an entry in"
                yield path, f"{message} registrations it counts as done (DOMAIN.md section 11)"


def _task_hours(s: Any, destinations: _Sent) -> Iterator[Violation]:
    """Group tasks are recommended from 08:00 to 22:00, which is taken as local time."""
    by_name = {name: sent for _, name, sent in destinations}
    for i, task in enumerate(s.group_tasks):
        if task.cancelled is not None:
            continue
        for country in by_name[task.name]:
            zone = ZoneInfo(countries()[country].zone)
            moment = next((at for at in (task.at, task.last_at()) if _at_night(at, zone)), None)
            if moment is None and task.last_at() - task.at > timedelta(hours=14):
                moment = task.last_at()
            if moment is not None:
                local = moment.astimezone(zone)
                what = "starts" if moment == task.at else "hands numbers over until"
                message = f"{task.name!r} {what} {local:%H:%M} in {country} ({zone.key})"
                yield ("group_tasks", i, "at"), f"{message}: 08:00 to 22:00 is recommended"
                break


def _at_night(at: datetime, zone: ZoneInfo) -> bool:
    local = at.astimezone(zone)
    return not (
        _FIRST_HOUR <= local.hour < _LAST_HOUR
        or (local.hour, local.minute, local.second) == (_LAST_HOUR, 0, 0)
    )


def _topics(s: Any) -> Iterator[Violation]:
    """Templates on topics that the review refuses (DOMAIN.md section 3)."""
    for i, template in enumerate(s.templates):
        if template.text is not None:
            fixed = fixed_text(template.text, read_variables(template.text))
            for finding in forbidden_topics(template.text, fixed):
                yield ("templates", i, "text"), finding.message


def _misspelt_statuses(s: Any) -> Iterator[Violation]:
    """A status in no table that is nearly one of a report, such as delivrd."""
    statuses: list[tuple[KeyPath, str]] = [
        (("routes", country, "outcomes", i, "status"), outcome.status)
        for country, route in s.routes.items()
        for i, outcome in enumerate(route.outcomes)
    ]
    statuses += [(("registrations", c, "status"), r.status) for c, r in s.registrations.items()]
    account = s.account
    for field in ("frozen_status", "frequency_code"):
        statuses.append((("account", field), getattr(account, field)))
    for i, application in enumerate(s.applications):
        statuses.append((("applications", i, "suspended_code"), application.suspended_code))
    for path, status in statuses:
        if near := _near_status(status):
            message = f"the status {status!r} is in no table of the service{near}"
            yield path, f"{message}: it counts as a failure of its own"


@lru_cache(maxsize=256)
def _near_status(status: str) -> str:
    """The status that was probably meant, in brackets; nothing for one that stands for itself."""
    words = [code for code in status_codes() if code.isalpha()]
    if status == "none" or status in status_codes():
        return ""
    if status.upper() in status_codes():
        return f" (did you mean {status.upper()!r}?)"
    return hint(status, words) if status.isalpha() else ""
