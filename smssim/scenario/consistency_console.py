"""The console's rules between the parts of a scenario: number control, packages, flaws, reports.

Each is a generator of what breaks it; a scenario may be a salvaged one: what is unknown breaks no
rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from smssim.scenario.errors.partial import known
from smssim.scenario.errors.problems import KEY, Found
from smssim.scenario.sources import MOST_WHITELISTED
from smssim.sms.phone_numbers import countries_of, is_told_by
from smssim.sms.reference import MAINLAND

MOST_NUMBER_RULES = 100


def console_rules(scenario: Any) -> Iterator[Found]:
    """All broken rules."""
    yield from _beginnings(scenario)
    yield from _many_rules(scenario)
    yield from _whitelists(scenario)
    yield from package_countries(scenario)
    yield from _passwords(scenario)
    yield from _signatures(scenario)
    yield from _org_codes(scenario)
    yield from _batch_addresses(scenario)


def _beginnings(s: Any) -> Iterator[Found]:
    """Beginnings of numbers are long enough to tell which rules they meet."""
    rules = s.account.number_rules
    if not known(rules, *(rule.pattern for rule in rules)):
        return
    for i, source in enumerate(s.traffic):
        if not known(source.beginnings, *source.beginnings):
            continue
        for beginning in source.beginnings:
            vague = [r.pattern for r in rules if not is_told_by(r.pattern, beginning)]
            if vague:
                told = (
                    f"the beginning {beginning!r} is too short to tell whether {vague[0]!r} is it"
                )
                yield ("traffic", i, "beginnings", beginning), told


def _many_rules(s: Any) -> Iterator[Found]:
    """Number control holds so many rules a country (DOMAIN.md section 5)."""
    rules = s.account.number_rules
    if not known(rules, *(rule.pattern for rule in rules)):
        return
    heads = ["+" + rule.pattern.split("*")[0] for rule in rules]
    for country, n in Counter(countries_of(heads)).items():
        if country and n > MOST_NUMBER_RULES:
            told = f"{n} number rules for {country}: at most {MOST_NUMBER_RULES}"
            yield ("account", "number_rules"), f"{told} (DOMAIN.md section 5)"


def _whitelists(s: Any) -> Iterator[Found]:
    """The whitelist of the frequency limit is the application's, whichever sources fill it."""
    of_template = {t.name: t.application for t in s.templates if known(t.name, t.application)}
    if not known(s.traffic):
        return
    count: Counter[Any] = Counter()
    for i, source in enumerate(s.traffic):
        if known(source.whitelisted, source.numbers, source.template) and source.whitelisted:
            application = of_template.get(source.template)
            before, count[application] = count[application], count[application] + source.numbers
            if before <= MOST_WHITELISTED < count[application]:
                told = f"{count[application]} numbers of {application!r} with the sources before"
                rule = f"a whitelist holds at most {MOST_WHITELISTED} (DOMAIN.md section 5)"
                yield ("traffic", i, "whitelisted"), f"{told}: {rule}"


def package_countries(s: Any) -> Iterator[Found]:
    """Packages are for countries that they are sold for; never for mainland China."""
    sold = s.account.package_countries
    if not known(s.account.service_mode, sold):
        return
    if MAINLAND in s.account.low_quota:
        told = "packages are for international SMS: CN has no quota (DOMAIN.md section 1)"
        yield ("account", "low_quota", MAINLAND, KEY), told
    for i, package in enumerate(s.packages):
        country = package.country
        if not known(country):
            continue
        if country == MAINLAND:
            told = "packages are for international SMS: CN has none (DOMAIN.md section 1)"
            yield ("packages", i, "country"), told
        elif s.account.service_mode == "suspend" and country not in sold:
            told = f"mode 2 reaches {', '.join(sold)} (account.package_countries), not {country}"
            yield ("packages", i, "country"), told


def _signatures(s: Any) -> Iterator[Found]:
    """A text that goes to mainland China has a signature."""
    to_mainland = {
        source.template
        for source in (*s.traffic, *s.calls)
        if known(source.country, source.template) and source.country == MAINLAND
    }
    to_mainland |= {
        t.template for t in s.group_tasks if known(t.countries) and MAINLAND in t.countries
    }
    for i, template in enumerate(s.templates):
        if not known(template.name, template.text, template.signature):
            continue
        if (
            template.text is not None
            and template.signature is None
            and template.name in to_mainland
        ):
            told = f"the text of {template.name!r} goes to CN: it needs a signature"
            yield ("templates", i), f"{told} (DOMAIN.md section 1)"


def _passwords(s: Any) -> Iterator[Found]:
    """Only a password can be a wrong one."""
    types = {t.name: t.type for t in s.templates if known(t.name, t.type)}
    for i, source in enumerate(s.traffic):
        if not known(source.flaws, source.template) or not known(source.flaws.password):
            continue
        if source.flaws.password and types.get(source.template) == "notification":
            told = f"the template {source.template!r} is a notification: it holds no password"
            yield ("traffic", i, "flaws", "password"), told


def _org_codes(s: Any) -> Iterator[Found]:
    """Reports of messages to mainland China bring no orgCode: it is international only."""
    route = s.routes.get(MAINLAND) if known(s.routes) else None
    if route is None or not known(route, route.outcomes):
        return
    for i, outcome in enumerate(route.outcomes):
        if known(outcome, outcome.org_code) and outcome.org_code is not None:
            told = "orgCode is for international SMS: CN has none (DOMAIN.md section 7)"
            yield ("routes", MAINLAND, "outcomes", i, "org_code"), told


def _batch_addresses(s: Any) -> Iterator[Found]:
    """A batch address gets some report: not all requests of its application name their own."""
    sources = [*s.traffic, *s.calls, *s.group_tasks]
    said = [source.status_callback for source in sources]
    if not known(s.traffic, s.calls, s.group_tasks, s.callback, s.callback.address, *said):
        return
    of_template = {t.name: t.application for t in s.templates if known(t.name, t.application)}
    if not known(*(source.template for source in sources)):
        return
    by_application: dict[Any, list[bool]] = {}
    for source in sources:
        named = s.callback.address if source.status_callback is None else source.status_callback
        by_application.setdefault(of_template.get(source.template), []).append(named)
    for i, application in enumerate(s.applications):
        own = by_application.get(application.name, [False])
        if known(application.batch_address) and application.batch_address and all(own):
            told = f"all requests of {application.name!r} name an address of their own, which wins"
            cure = "let callback.address or a source's status_callback be false"
            yield ("applications", i, "batch_address"), f"{told}: {cure}"
