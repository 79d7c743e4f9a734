"""What a server may be told to send again, held against the rest of the scenario.

A scenario may be a salvaged one: what is unknown breaks no rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smssim.scenario.errors.partial import known
from smssim.scenario.errors.problems import Found, hint
from smssim.sms import reference as codes


def resend_rules(scenario: Any) -> Iterator[Found]:
    """All broken rules."""
    for kind in ("traffic", "calls"):
        for i, source in enumerate(getattr(scenario, kind)):
            rule = source.server_resend
            if rule is not None and known(rule, rule.statuses, *rule.statuses):
                yield from _broken(scenario, source, (kind, i, "server_resend", "statuses"))


def _broken(s: Any, source: Any, path: tuple[str | int, ...]) -> Iterator[Found]:
    answers = _answers(s)
    statuses = answers and _statuses(s, source.country, answers)
    if not statuses or not answers:
        return
    named = source.server_resend.statuses
    strange = [i for i, status in enumerate(named) if status not in statuses]
    for i in strange:
        told = f"{named[i]!r} is no code of the service and no outcome of the route"
        yield (*path, i), f"{told}{hint(named[i], sorted(statuses))}"
    if not strange:
        yield from _unheard(s, source, path, answers)


def _unheard(
    s: Any, source: Any, path: tuple[str | int, ...], answers: set[str]
) -> Iterator[Found]:
    """Statuses of reports are heard of at an address of the requests' own."""
    own, template = source.status_callback, source.template
    if not known(own, template, s.callback, s.callback.address) or s.callback.is_named(own):
        return
    by_template = {t.name: t.application for t in s.templates if known(t.name, t.application)}
    name = by_template.get(template)
    batched = {a.name for a in s.applications if known(a.name, a.batch_address) and a.batch_address}
    named = source.server_resend.statuses
    of_reports = [status for status in named if status not in answers]
    if of_reports and name in batched:
        told = f"{of_reports[0]!r} is a status of reports, which come in batches to {name!r}"
        yield path, f"{told}: give status_callback, or codes of the answer alone"
    elif len(of_reports) == len(named):
        told = "nothing is pushed for this source and no status is a code of the answer"
        yield path, f"{told}: this server would never send again"


def _answers(s: Any) -> set[str] | None:
    """The codes of the API's answers, None where they cannot be told."""
    suspended = [application.suspended_code for application in s.applications]
    return {*codes.api_errors(), *suspended} if known(*suspended) else None


def _statuses(s: Any, country: Any, answers: set[str]) -> set[str] | None:
    """Everything that a message can end with, None where it cannot be told."""
    if not known(country, s.routes, s.account.frozen_status):
        return None
    outcomes = s.route(country).outcomes
    if not known(outcomes, *(outcome.status for outcome in outcomes)):
        return None
    if not known(s.registrations, s.account.frequency_code):
        return None
    registered = [registration.status for registration in s.registrations.values()]
    if not known(*registered):
        return None
    account = s.account
    ours = {
        account.frozen_status,
        account.frequency_code,
        *(outcome.status for outcome in outcomes),
    }
    return answers.union(ours, registered, codes.status_codes())
