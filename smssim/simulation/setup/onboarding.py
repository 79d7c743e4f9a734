"""Getting started: the account's steps, countries' registrations, applications, templates handed
in (DOMAIN.md sections 11 and 12).

A step depends on what it needs and on its marks alone, so the whole course is known beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from smssim.calendars import to_us
from smssim.scenario import (
    Application,
    Delay,
    Onboarding,
    Scenario,
    Template,
    destinations,
    registration_rules,
    registrations,
)
from smssim.scenario.onboarding import Step as AccountStep
from smssim.stats.keyed_random import KeyedRandom
from smssim.workdays import WorkCalendar, add_working

__all__ = [
    "APPLICATION",
    "AT_ONCE",
    "COUNTRY",
    "CREDENTIALS",
    "INSUFFICIENT",
    "NOT_ENTERPRISE",
    "TEMPLATE",
    "UNINCORPORATED",
    "GettingStarted",
    "Step",
]

COUNTRY, APPLICATION, TEMPLATE = "country_registration", "application", "template"
CREDENTIALS = "credentials"
_ACCOUNT_STEPS: tuple[AccountStep, ...] = get_args(AccountStep)
NOT_ENTERPRISE = "a personal account cannot be authenticated as an enterprise"
UNINCORPORATED = "an unincorporated business cannot enable the service"
INSUFFICIENT = "the balance is insufficient"
"""Without money no application and no template can be added (DOMAIN.md section 1)."""
_NEEDS: dict[str, tuple[str, ...]] = {
    "registration": ("email", "mobile_number"),
    "payment_method": ("registration",),
    "authentication": ("registration",),
    "enabling": ("authentication",),
    "details": ("enabling",),
}
"""The steps of the account that each of them needs; those that a scenario has not need nothing."""
AT_ONCE = Delay(fixed_s=0)
_IN_WORKING_TIME = ("authentication", "enabling", COUNTRY)


@dataclass(frozen=True)
class Step:
    """One step; instants in microseconds, whether or not they are within the run.

    `began_us` is None for a step that never begins, `done_us` for one that is never done;
    `refused_us` is the instant from which a refusal is known.
    """

    step: str
    subject: str
    began_us: int | None
    done_us: int | None
    refused: str = ""
    refused_us: int | None = None

    @property
    def name(self) -> str:
        """The step with its subject."""
        return f"{self.step} {self.subject}".rstrip()


class GettingStarted:
    """Takes the steps of one scenario, each after those that it needs; `steps` are in order."""

    def __init__(self, scenario: Scenario, random: KeyedRandom, calendar: WorkCalendar) -> None:
        self.steps: list[Step] = []
        self._random = random
        self._calendar = calendar
        self._start_us = scenario.start_us
        self._steps_by_name: dict[tuple[str, str], Step] = {}
        self._first: dict[str, set[str]] = {template.name: set() for template in scenario.templates}
        self._automatic = scenario.onboarding is not None
        self._poor = INSUFFICIENT if scenario.account.balance == 0 else ""
        if scenario.onboarding is not None:
            self._account(scenario.onboarding)
        self._countries(scenario)
        setup = scenario.onboarding.application_setup if scenario.onboarding else AT_ONCE
        for application in scenario.applications:
            self._application(scenario, application, setup)
        if scenario.onboarding is not None and scenario.onboarding.credentials is not None:
            for application in scenario.applications:
                needs = [(APPLICATION, application.name)]
                delay = scenario.onboarding.credentials
                self._take(CREDENTIALS, application.name, None, needs, delay)
        for template in scenario.templates:
            self._template(template)

    def of(self, step: str, subject: str) -> Step | None:
        """One step, if the scenario has it."""
        return self._steps_by_name.get((step, subject))

    def _account(self, rules: Onboarding) -> None:
        refusals = {
            "personal": ("authentication", NOT_ENTERPRISE),
            "unincorporated": ("enabling", UNINCORPORATED),
        }
        refused, reason = refusals.get(rules.account_type, ("", ""))
        for step in _ACCOUNT_STEPS:
            dated, delay = rules.attempts.get(step), getattr(rules, step)
            if dated is None and delay is None:
                continue
            needs = [(need, "") for need in _NEEDS.get(step, ()) if self.of(need, "")]
            if dated is None and not needs:
                dated = rules.begins
            refusal = reason if step == refused else ""
            self._take(step, "", dated, needs, delay or AT_ONCE, refusal)

    def _countries(self, scenario: Scenario) -> None:
        required = registrations(scenario)
        for country, registration in required.items():
            if self._automatic or registration.applied is not None:
                needs = [("details", "")]
                self._take(COUNTRY, country, registration.applied, needs, registration.duration)
            else:
                self._add(Step(COUNTRY, country, None, None))
        first = {country for country in required if _comes_first(country)}
        if first:
            for template, countries in destinations(scenario).items():
                self._first[template] = first & countries

    def _application(self, scenario: Scenario, application: Application, setup: Delay) -> None:
        if not self._automatic and application.created is None:
            return
        templates = [t.name for t in scenario.templates if t.application == application.name]
        first = set().union(*(self._first[template] for template in templates))
        needs = [("payment_method", ""), ("details", "")]
        needs += [(COUNTRY, country) for country in sorted(first)]
        self._take(APPLICATION, application.name, application.created, needs, setup, self._poor)

    def _template(self, template: Template) -> None:
        application = (APPLICATION, template.application)
        if template.submitted is None and application not in self._steps_by_name:
            return
        needs = [application, *((COUNTRY, c) for c in sorted(self._first[template.name]))]
        self._take(TEMPLATE, template.name, template.submitted, needs, AT_ONCE, self._poor)

    def _take(
        self,
        step: str,
        subject: str,
        dated: datetime | None,
        needs: list[tuple[str, str]],
        delay: Delay,
        refusal: str = "",
    ) -> None:
        """Add one step: done, refused when it is tried, or refused with what it needs."""
        needed = [self._steps_by_name[need] for need in needs if need in self._steps_by_name]
        tried_us = to_us(dated) if dated is not None else None
        blocked = _blocked(step, subject, tried_us, needed)
        if blocked is not None:
            self._add(blocked)
            return
        done = [need.done_us for need in needed if need.done_us is not None]
        began_us = max(done, default=self._start_us) if tried_us is None else tried_us
        if refusal:
            self._add(Step(step, subject, began_us, None, refusal, began_us))
            return
        self._add(Step(step, subject, began_us, self._done(step, subject, began_us, delay)))

    def _done(self, step: str, subject: str, began_us: int, delay: Delay) -> int:
        word = self._random.word(f"onboarding/{step}/{subject}", "duration", 0, 0)
        took_us = delay.table().of(word)
        if step in _IN_WORKING_TIME:
            return add_working(began_us, took_us, self._calendar)
        return began_us + took_us

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        self._steps_by_name[step.step, step.subject] = step


def _blocked(step: str, subject: str, tried_us: int | None, needed: list[Step]) -> Step | None:
    """What becomes of a step that cannot begin; None for one that can."""
    for need in needed:
        if tried_us is None and need.refused:
            reason = f"needs {need.name}, which was refused"
            return Step(step, subject, None, None, reason, need.refused_us)
        if tried_us is not None and (need.done_us is None or need.done_us > tried_us):
            reason = f"needs {need.name}, which is not done"
            return Step(step, subject, tried_us, None, reason, tried_us)
    if tried_us is None and any(need.done_us is None for need in needed):
        return Step(step, subject, None, None)
    return None


def _comes_first(country: str) -> bool:
    rule = registration_rules().get(country)
    return rule is not None and rule.first
