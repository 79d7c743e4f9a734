"""What a valid scenario probably does not mean: settings that the service refuses or ignores.

Each function is a generator of warnings: a path and a sentence, as a violation has them. Nothing
here is an error, and nothing is raised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from smssim.scenario.consistency import FileFinder
from smssim.scenario.demand import demand_warnings
from smssim.scenario.errors.problems import KEY, KeyPath, Violation, as_written, hint
from smssim.scenario.group_tasks import DatedTask, GroupTask
from smssim.scenario.onboarding import registration_rules
from smssim.sms.recipients import read_recipients
from smssim.sms.reference import MAINLAND, countries, status_codes
from smssim.sms.templates.rules import forbidden_topics
from smssim.sms.templates.variables import fixed_text, read_variables

__all__ = ["price_warnings", "warnings_of"]


def _idle_settings(scenario: Any, sent_to: Collection[str]) -> Iterator[Violation]:
    """All settings without effect; *sent_to* are the countries that sources send to."""
    yield from _after_the_end(scenario)
    yield from _outages(scenario)
    yield from _frequencies(scenario)
    yield from _applications(scenario)
    yield from _templates(scenario)
    yield from _review(scenario)
    yield from _callback(scenario)
    yield from _policies(scenario)
    yield from _sources(scenario)
    if all(task.file is None for task in scenario.group_tasks) or sent_to:
        yield from _countries(scenario, sent_to)


def _after_the_end(s: Any) -> Iterator[Violation]:
    """Moments at which nothing of the run is left."""
    end = s.start + timedelta(days=s.days)
    moments: list[tuple[KeyPath, Any]] = [
        *((("packages", i, "at"), p.at) for i, p in enumerate(s.packages)),
        *((("tickets", i, "at"), t.at) for i, t in enumerate(s.tickets)),
        *((("templates", i, "urged"), t.urged) for i, t in enumerate(s.templates)),
        *((("callback", "outages", i, "at"), o.at) for i, o in enumerate(s.callback.outages)),
    ]
    for i, rule in enumerate(s.account.number_rules):
        moments.append((("account", "number_rules", i, "saved"), rule.saved))
    for i, application in enumerate(s.applications):
        path: KeyPath = ("applications", i)
        moments.append(((*path, "suspended"), application.suspended))
        moments.append(((*path, "addresses_saved"), application.addresses_saved))
        if application.frequency is not None:
            moments.append(((*path, "frequency", "saved"), application.frequency.saved))
    for path, at in moments:
        if at is not None and at >= end:
            yield (
                path,
                f"{as_written(at)} is after the run, which ends {as_written(end)}: it is idle",
            )


def _outages(s: Any) -> Iterator[Violation]:
    """Outages that are over before the run begins."""
    for i, outage in enumerate(s.callback.outages):
        over = outage.at + timedelta(minutes=outage.minutes)
        if over <= s.start:
            message = f"the outage is over at {as_written(over)}, before the run: it is idle"
            yield ("callback", "outages", i, "at"), message


def _frequencies(s: Any) -> Iterator[Violation]:
    """Limits per number where no number is sent to twice, numbers where nothing limits them."""
    application_of = {template.name: template.application for template in s.templates}
    repeated = {
        application_of[source.template]
        for source in (*s.traffic, *s.calls)
        if source.resend or source.server_resend or getattr(source, "numbers", None)
    }
    limited = {a.name for a in s.applications if a.frequency is not None}
    for i, application in enumerate(s.applications):
        if application.name in limited - repeated:
            message = f"no source of {application.name!r} sends to a number twice: its frequency is"
            cure = "give the source numbers, or resend"
            yield ("applications", i, "frequency"), f"{message} idle; {cure}"
    for i, source in enumerate(s.traffic):
        name = application_of[source.template]
        for field in ("numbers", "whitelisted"):
            if getattr(source, field) and name not in limited:
                message = f"{name!r} has no frequency: {field} of {source.name!r} is idle"
                yield ("traffic", i, field), message


def _applications(s: Any) -> Iterator[Violation]:
    """Delays of settings that are not made within the run."""
    for i, application in enumerate(s.applications):
        fields = application.model_fields_set
        for field in sorted(fields & {"key", "address"}):
            message = f"requests of a plan are made with the right ones: {field} is idle"
            yield ("applications", i, field), message
        if not application.addresses and fields & {"addresses_saved", "addresses_after_s"}:
            field = "addresses_saved" if "addresses_saved" in fields else "addresses_after_s"
            yield ("applications", i, field), f"there are no addresses: {field} is idle"
        elif "addresses_after_s" in fields and application.addresses_saved is None:
            message = "the whitelist is in force from the start: addresses_after_s is idle"
            yield ("applications", i, "addresses_after_s"), message
        frequency = application.frequency
        if (
            frequency is not None
            and frequency.saved is None
            and "after_s" in frequency.model_fields_set
        ):
            message = "the frequency is in force from the start: after_s is idle"
            yield ("applications", i, "frequency", "after_s"), message
    if s.account.balance is None and "frozen_status" in s.account.model_fields_set:
        yield ("account", "frozen_status"), "without a balance nothing freezes: it is idle"


def _templates(s: Any) -> Iterator[Violation]:
    """A signature without messages to mainland China, a way of counting without a text."""
    to_mainland = {x.template for x in (*s.traffic, *s.calls) if x.country == MAINLAND}
    to_mainland |= {t.template for t in s.group_tasks if t.file or MAINLAND in t.countries}
    for i, template in enumerate(s.templates):
        if template.signature is not None and template.name not in to_mainland:
            message = f"{template.name!r} does not go to CN: its signature is idle"
            yield ("templates", i, "signature"), message
        if template.text is None and "counting" in template.model_fields_set:
            yield (
                ("templates", i, "counting"),
                "without a text there is nothing to count: it is idle",
            )


def _review(s: Any) -> Iterator[Violation]:
    """Reviews of nothing, and what only a finite number of reviewers puts to use."""
    fields = [name for name in type(s.review).model_fields if name in s.review.model_fields_set]
    if fields and s.onboarding is None and all(t.submitted is None for t in s.templates):
        created = {a.name for a in s.applications if a.created is not None}
        if not any(template.application in created for template in s.templates):
            yield ("review", KEY), "no template is handed in: the review is idle"
            return
    if s.review.reviewers is None:
        if "handling" in fields:
            yield ("review", "handling"), "without reviewers handling is idle"
        for i, template in enumerate(s.templates):
            if template.urged is not None:
                yield ("templates", i, "urged"), "without review.reviewers urging is idle"


def _callback(s: Any) -> Iterator[Violation]:
    """Settings of a server without reports, batches without an address, retries of nothing."""
    callback, fields = s.callback, s.callback.model_fields_set
    batched = any(application.batch_address for application in s.applications)
    pushed = any(callback.is_named(source.status_callback) for source in s.sources)
    if not pushed and not batched:
        for field in sorted(fields - {"address"}):
            yield ("callback", field), f"no delivery report is pushed: {field} is idle"
        return
    if not batched:
        for field in sorted(fields & {"batch_wait_s", "batch_size"}):
            message = f"no application has a batch_address: {field} is idle"
            yield ("callback", field), message
    shares = [getattr(callback, name) for name in type(callback).model_fields if "share" in name]
    fails = callback.outages or callback.random_outages is not None or any(shares)
    if callback.retries_s and not fails:
        yield ("callback", "retries_s"), "every push arrives and is answered: retries_s is idle"


def _policies(s: Any) -> Iterator[Violation]:
    """Policies that are never told, and tickets for the mode that it is."""
    for i, policy in enumerate(s.policies):
        buys, switches = policy.top_up_quota, policy.switch_mode
        if buys and buys.on == "low_quota" and buys.country not in s.account.low_quota:
            message = (
                f"{buys.country} is not in account.low_quota, so there is no notice: it is idle"
            )
            yield ("policies", i, "top_up_quota", KEY), message
        tickets = any(ticket.service_mode is not None for ticket in s.tickets)
        if switches and switches.to == s.account.service_mode and not tickets:
            message = f"the service mode is {switches.to} already: it is idle"
            yield ("policies", i, "switch_mode", KEY), message


def _sources(s: Any) -> Iterator[Violation]:
    """Rhythms without a rhythm, doubled numbers in requests of one, digits of a file's numbers."""
    for i, source in enumerate(s.traffic):
        if source.zone is not None and len({*source.hours}) == len({*source.weekdays}) == 1:
            message = f"all hours and weekdays of {source.name!r} are alike: its zone is idle"
            yield ("traffic", i, "zone"), message
        if source.flaws.duplicates and source.recipients == 1:
            message = f"requests of {source.name!r} have one number: duplicates are idle"
            yield ("traffic", i, "flaws", "duplicates"), message
    for i, task in enumerate(s.group_tasks):
        if task.file is not None and "digits" in task.model_fields_set:
            yield ("group_tasks", i, "digits"), "the numbers are in a file: digits is idle"
    if "checking" in s.model_fields_set and not s.checks:
        yield ("checking", KEY), "there are no checks: checking is idle"


def _countries(s: Any, sent_to: Collection[str]) -> Iterator[Violation]:
    """Routes that no one takes, limits of a country that limit nothing."""
    for country in s.routes:
        if country not in sent_to:
            yield ("routes", country, KEY), f"no source sends to {country}: its route is idle"
    for country, limit in s.thresholds.countries.items():
        if limit.daily is None and limit.monthly is None:
            message = f"the limit of {country} has neither daily nor monthly: it is idle"
            yield ("thresholds", "countries", country), message


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
    yield from demand_warnings(scenario)
    yield from _idle_settings(
        scenario, {country for _, _, sent in destinations for country in sent}
    )


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
    bought |= {policy.top_up_quota.country for policy in s.policies if policy.top_up_quota}
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
        of_dates = (_at_odd_hours(one, by_name[task.name]) for one in task.dated(s.start, s.end))
        message = next((message for message in of_dates if message), None)
        if message is not None:
            field = "at" if task.every is None else "every"
            yield ("group_tasks", i, field), f"{message}: 08:00 to 22:00 is recommended"


def _at_odd_hours(task: DatedTask, sent_to: Collection[str]) -> str | None:
    """What a task does outside the recommended hours of a country; None if nothing."""
    for country in sent_to:
        zone = ZoneInfo(countries()[country].zone)
        moment = next((at for at in (task.at, task.last_at()) if _at_night(at, zone)), None)
        if moment is None and task.last_at() - task.at > timedelta(hours=14):
            moment = task.last_at()
        if moment is not None:
            local = moment.astimezone(zone)
            what = "starts" if moment == task.at else "hands numbers over until"
            return f"{task.name!r} {what} {local:%H:%M} in {country} ({zone.key})"
    return None


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
