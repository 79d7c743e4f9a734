"""Rules of the console, of resends and of promises between the parts of a scenario.

Each is a generator of its violations. The scenario may be a partial one: a value that could not
be read breaks no rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from smssim.scenario.errors.partial import readable
from smssim.scenario.errors.problems import KEY, Violation, hint
from smssim.scenario.sources import MOST_WHITELISTED
from smssim.sms import reference
from smssim.sms.phone_numbers import countries_of, is_told_by
from smssim.sms.reference import MAINLAND

__all__ = ["console_violations", "package_countries", "resend_violations"]

_MOST_NUMBER_RULES = 100


def console_violations(scenario: Any) -> Iterator[Violation]:
    """Broken rules of the console: number control, packages, signatures, reports."""
    yield from _beginnings(scenario)
    yield from _many_rules(scenario)
    yield from _whitelists(scenario)
    yield from package_countries(scenario)
    yield from _policies(scenario)
    yield from _passwords(scenario)
    yield from _signatures(scenario)
    yield from _org_codes(scenario)
    yield from _batch_addresses(scenario)


def _beginnings(s: Any) -> Iterator[Violation]:
    """Beginnings of numbers are long enough to decide which rules they meet."""
    rules = s.account.number_rules
    if not readable(rules, *(rule.pattern for rule in rules)):
        return
    for i, source in enumerate(s.traffic):
        if not readable(source.beginnings, *source.beginnings):
            continue
        for beginning in source.beginnings:
            vague = [r.pattern for r in rules if not is_told_by(r.pattern, beginning)]
            if vague:
                message = (
                    f"the beginning {beginning!r} is too short to tell whether {vague[0]!r} is it"
                )
                yield ("traffic", i, "beginnings", beginning), message


def _many_rules(s: Any) -> Iterator[Violation]:
    """Number control holds at most 100 rules per country (DOMAIN.md section 5)."""
    rules = s.account.number_rules
    if not readable(rules, *(rule.pattern for rule in rules)):
        return
    heads = ["+" + rule.pattern.split("*")[0] for rule in rules]
    for country, n in Counter(countries_of(heads)).items():
        if country and n > _MOST_NUMBER_RULES:
            message = f"{n} number rules for {country}: at most {_MOST_NUMBER_RULES}"
            yield ("account", "number_rules"), f"{message} (DOMAIN.md section 5)"


def _whitelists(s: Any) -> Iterator[Violation]:
    """The whitelist of the frequency limit is the application's, whichever sources fill it."""
    of_template = {t.name: t.application for t in s.templates if readable(t.name, t.application)}
    if not readable(s.traffic):
        return
    count: Counter[Any] = Counter()
    for i, source in enumerate(s.traffic):
        if readable(source.whitelisted, source.numbers, source.template) and source.whitelisted:
            application = of_template.get(source.template)
            before, count[application] = count[application], count[application] + source.numbers
            if before <= MOST_WHITELISTED < count[application]:
                message = f"{count[application]} numbers of {application!r} with the sources before"
                rule = f"a whitelist holds at most {MOST_WHITELISTED} (DOMAIN.md section 5)"
                yield ("traffic", i, "whitelisted"), f"{message}: {rule}"


def package_countries(s: Any) -> Iterator[Violation]:
    """Packages are for countries that they are sold for; never for mainland China."""
    sold = s.account.package_countries
    if not readable(s.account.service_mode, sold):
        return
    if MAINLAND in s.account.low_quota:
        message = "packages are for international SMS: CN has no quota (DOMAIN.md section 1)"
        yield ("account", "low_quota", MAINLAND, KEY), message
    for i, package in enumerate(s.packages):
        country = package.country
        if not readable(country):
            continue
        if country == MAINLAND:
            message = "packages are for international SMS: CN has none (DOMAIN.md section 1)"
            yield ("packages", i, "country"), message
        elif country not in sold:
            verb = (
                "mode 2 reaches" if s.account.service_mode == "suspend" else "packages are sold for"
            )
            message = f"{verb} {', '.join(sold)} (account.package_countries), not {country}"
            yield ("packages", i, "country"), message


def _policies(s: Any) -> Iterator[Violation]:
    """Policies buy what is sold, pay into a balance that is kept, and stop a source that exists."""
    sold = s.account.package_countries
    for i, policy in enumerate(s.policies):
        buys, pays, stops = policy.top_up_quota, policy.top_up_balance, policy.stop_source
        buys_there = buys is not None and readable(buys, sold, buys.country)
        if buys_there and (buys.country not in sold or buys.country == MAINLAND):
            message = f"packages are sold for {', '.join(sold)} (account.package_countries)"
            yield ("policies", i, "top_up_quota", "country"), f"{message}, not {buys.country}"
        balance = s.account.balance
        if pays is not None and readable(pays, balance) and balance is None:
            message = "account.balance must be given: without it no one pays in"
            yield ("policies", i, "top_up_balance", KEY), message
        if stops is not None and readable(stops.name):
            yield from _stopped(s, ("policies", i, "stop_source", "name"), stops.name)


def _stopped(s: Any, path: tuple[str | int, ...], name: str) -> Iterator[Violation]:
    """A source that is stopped exists; a task that recurs is stopped by the name of a date."""
    recurring = [task for task in s.group_tasks if readable(task.every) and task.every is not None]
    names = [source.name for source in (*s.traffic, *s.calls, *s.group_tasks)]
    if recurring:
        names = [source.name for source in s.sources]
    if readable(*names) and name not in names:
        near = hint(name, names) or f"; there are {', '.join(map(repr, names[:10]))}"
        yield path, f"there is no source {name!r}{near}"


def _signatures(s: Any) -> Iterator[Violation]:
    """A text that goes to mainland China has a signature."""
    to_mainland = {
        source.template
        for source in (*s.traffic, *s.calls)
        if readable(source.country, source.template) and source.country == MAINLAND
    }
    to_mainland |= {
        t.template for t in s.group_tasks if readable(t.countries) and MAINLAND in t.countries
    }
    for i, template in enumerate(s.templates):
        if not readable(template.name, template.text, template.signature):
            continue
        if (
            template.text is not None
            and template.signature is None
            and template.name in to_mainland
        ):
            message = f"the text of {template.name!r} goes to CN: it needs a signature"
            yield ("templates", i), f"{message} (DOMAIN.md section 1)"


def _passwords(s: Any) -> Iterator[Violation]:
    """Only a password can be a wrong one."""
    types = {t.name: t.type for t in s.templates if readable(t.name, t.type)}
    for i, source in enumerate(s.traffic):
        if not readable(source.flaws, source.template) or not readable(source.flaws.password):
            continue
        if source.flaws.password and types.get(source.template) == "notification":
            message = f"the template {source.template!r} is a notification: it holds no password"
            yield ("traffic", i, "flaws", "password"), message


def _org_codes(s: Any) -> Iterator[Violation]:
    """Reports of messages to mainland China bring no orgCode: it is international only."""
    route = s.routes.get(MAINLAND) if readable(s.routes) else None
    if route is None or not readable(route, route.outcomes):
        return
    for i, outcome in enumerate(route.outcomes):
        if readable(outcome, outcome.org_code) and outcome.org_code is not None:
            message = "orgCode is for international SMS: CN has none (DOMAIN.md section 7)"
            yield ("routes", MAINLAND, "outcomes", i, "org_code"), message


def _batch_addresses(s: Any) -> Iterator[Violation]:
    """A batch address gets some report: not all requests of its application name an address."""
    sources = [*s.traffic, *s.calls, *s.group_tasks]
    as_written = [source.status_callback for source in sources]
    if not readable(s.traffic, s.calls, s.group_tasks, s.callback, s.callback.address, *as_written):
        return
    of_template = {t.name: t.application for t in s.templates if readable(t.name, t.application)}
    if not readable(*(source.template for source in sources)):
        return
    by_application: dict[Any, list[bool]] = {}
    for source in sources:
        named = s.callback.address if source.status_callback is None else source.status_callback
        by_application.setdefault(of_template.get(source.template), []).append(named)
    for i, application in enumerate(s.applications):
        names_address = by_application.get(application.name, [False])
        if readable(application.batch_address) and application.batch_address and all(names_address):
            message = (
                f"all requests of {application.name!r} name an address of their own, which wins"
            )
            cure = "let callback.address or a source's status_callback be false"
            yield ("applications", i, "batch_address"), f"{message}: {cure}"


def resend_violations(scenario: Any) -> Iterator[Violation]:
    """Broken rules of servers that send again: statuses that can occur and are heard of."""
    for section in ("traffic", "calls"):
        for i, source in enumerate(getattr(scenario, section)):
            rule = source.server_resend
            if rule is not None and readable(rule, rule.statuses, *rule.statuses):
                yield from _resend_statuses(
                    scenario, source, (section, i, "server_resend", "statuses")
                )


def _resend_statuses(s: Any, source: Any, path: tuple[str | int, ...]) -> Iterator[Violation]:
    answers = _answers(s)
    statuses = answers and _statuses(s, source.country, answers)
    if not statuses or not answers:
        return
    named = source.server_resend.statuses
    strange = [i for i, status in enumerate(named) if status not in statuses]
    for i in strange:
        message = f"{named[i]!r} is neither a code of the service nor an outcome of the route"
        yield (*path, i), f"{message}{hint(named[i], sorted(statuses))}"
    if not strange:
        yield from _unheard(s, source, path, answers)


def _unheard(
    s: Any, source: Any, path: tuple[str | int, ...], answers: set[str]
) -> Iterator[Violation]:
    """Statuses of reports only reach requests that name an address."""
    names_address, template = source.status_callback, source.template
    if not readable(names_address, template, s.callback, s.callback.address) or s.callback.is_named(
        names_address
    ):
        return
    by_template = {t.name: t.application for t in s.templates if readable(t.name, t.application)}
    name = by_template.get(template)
    batched = {
        a.name for a in s.applications if readable(a.name, a.batch_address) and a.batch_address
    }
    named = source.server_resend.statuses
    of_reports = [status for status in named if status not in answers]
    if of_reports and name in batched:
        message = f"{of_reports[0]!r} is a status of reports, which come in batches to {name!r}"
        yield path, f"{message}: give status_callback, or codes of the answer alone"
    elif len(of_reports) == len(named):
        message = "nothing is pushed for this source and no status is a code of the answer"
        yield path, f"{message}: this server would never send again"


def _answers(s: Any) -> set[str] | None:
    """The codes of the API's answers, None where some cannot be read."""
    suspended = [application.suspended_code for application in s.applications]
    return {*reference.api_errors(), *suspended} if readable(*suspended) else None


def _statuses(s: Any, country: Any, answers: set[str]) -> set[str] | None:
    """Every status that a message can end with, None where some cannot be read."""
    if not readable(country, s.routes, s.account.frozen_status):
        return None
    outcomes = s.route(country).outcomes
    if not readable(outcomes, *(outcome.status for outcome in outcomes)):
        return None
    if not readable(s.registrations, s.account.frequency_code):
        return None
    registered = [registration.status for registration in s.registrations.values()]
    if not readable(*registered):
        return None
    account = s.account
    ours = {
        account.frozen_status,
        account.frequency_code,
        *(outcome.status for outcome in outcomes),
    }
    return answers.union(ours, registered, reference.status_codes())
