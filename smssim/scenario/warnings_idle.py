"""Settings of a valid scenario that have no effect in its run, each told with its path.

What only a policy could put to use is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from smssim.scenario.errors.problems import KEY, KeyPath, Violation, as_written
from smssim.sms.reference import MAINLAND


def idle_settings(scenario: Any, sent_to: Collection[str]) -> Iterator[Violation]:
    """All settings without effect; *sent_to* are the countries that sources send to."""
    yield from _after_the_end(scenario)
    yield from _outages(scenario)
    yield from _frequencies(scenario)
    yield from _applications(scenario)
    yield from _templates(scenario)
    yield from _review(scenario)
    yield from _callback(scenario)
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
            yield ("callback", field), f"no status report is pushed: {field} is idle"
        return
    if not batched:
        for field in sorted(fields & {"batch_wait_s", "batch_size"}):
            message = f"no application has a batch_address: {field} is idle"
            yield ("callback", field), message
    shares = [getattr(callback, name) for name in type(callback).model_fields if "share" in name]
    fails = callback.outages or callback.random_outages is not None or any(shares)
    if callback.retries_s and not fails:
        yield ("callback", "retries_s"), "every push arrives and is answered: retries_s is idle"


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
