"""Getting started once more, by docs/model.md alone: who needs whom, followed backwards.

It shares inputs, marks and calendars with the engine, but no rule and no table of countries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smssim.calendars import to_us
from smssim.scenario import GroupTask, Registration, Scenario
from smssim.simpy_model.inverse_tables import delay_table, work_calendar
from smssim.sms.recipients import read_recipients
from smssim.stats.keyed_random import KeyedRandom
from smssim.workdays import add_working

__all__ = [
    "ACCOUNT",
    "ASKED",
    "BEFORE",
    "FIRST",
    "Beginnings",
    "Name",
    "State",
]

ASKED, FIRST = {"CA", "GB", "SG", "US", "VN", "TW"}, {"CA", "US", "VN"}
BEFORE = {
    "registration": ("email", "mobile_number"),
    "payment_method": ("registration",),
    "authentication": ("registration",),
    "enabling": ("authentication",),
    "details": ("enabling",),
    "country_registration": ("details",),
    "application": ("payment_method", "details"),
}
ACCOUNT: tuple[str, ...] = ("email", "mobile_number", "registration", "payment_method")
ACCOUNT += ("authentication", "enabling", "details")
_BY_CHOICE = ("email", "mobile_number", "payment_method", "credentials")
_WORKING = ("authentication", "enabling", "country_registration")
Name = tuple[str, str]


@dataclass
class State:
    """What becomes of one step: when it begins and is done, why it is refused, and when that is
    known.
    """

    began: int | None = None
    done: int | None = None
    refused: str = ""
    known: int | None = None


class Beginnings:
    """The steps of a scenario, in order, each worked out when somebody asks for it."""

    def __init__(self, scenario: Scenario, marks: KeyedRandom) -> None:
        self.scenario, self.marks, self.rules = scenario, marks, scenario.onboarding
        self.states: dict[Name, State] = {}
        self.names = [name for name in self._all_names() if self._exists(name)]

    def state(self, name: Name) -> State:
        """What becomes of a step."""
        if name not in self.states:
            self.states[name] = self._work_out(name)
        return self.states[name]

    def handed_in(self, template: str) -> int | None:
        """When a template is handed in; None if it never is."""
        return self.state(("template", template)).done

    def has(self, template: str) -> bool:
        """Whether a template is to be handed in at all."""
        return ("template", template) in self.names

    def done_at(self, name: Name) -> int | None:
        """When a step is done; the start where the scenario has no such step."""
        return self.state(name).done if name in self.names else self.scenario.start_us

    def rows(self, usable_at: dict[str, int]) -> list[tuple[Any, ...]]:
        """The table, with what is known before the end."""
        end, rows = self.scenario.end_us, []
        for name in self.names:
            state = self.state(name)
            done = usable_at.get(name[1]) if name[0] == "template" else state.done
            known = state.known is not None and state.known < end
            times = (at if at is not None and at < end else None for at in (state.began, done))
            rows.append((*name, *times, state.refused if known else ""))
        return rows

    # Which steps there are.

    def _all_names(self) -> list[Name]:
        scenario = self.scenario
        return [
            *((step, "") for step in ACCOUNT),
            *(("country_registration", c) for c in sorted(ASKED | set(scenario.registrations))),
            *(("application", application.name) for application in scenario.applications),
            *(("credentials", application.name) for application in scenario.applications),
            *(("template", template.name) for template in scenario.templates),
        ]

    def _exists(self, name: Name) -> bool:
        step, subject = name
        if step == "country_registration":
            asked = self.rules is not None and subject in ASKED & self.sent_to()
            return subject in self.scenario.registrations or asked
        if step in _BY_CHOICE:
            chosen = self.rules is not None and getattr(self.rules, step) is not None
            return chosen or (self.rules is not None and step in self.rules.attempts)
        if step == "template" and self.scenario.template(subject).submitted is None:
            return self._exists(("application", self.scenario.template(subject).application))
        return self.rules is not None or self._dated(name) is not None

    def sent_to(self, template: str | None = None) -> set[str]:
        """The countries that a template goes to, or all of them."""
        countries: set[str] = set()
        for source in self.scenario.sources:
            if template not in (None, source.template):
                continue
            if not isinstance(source, GroupTask):
                countries.add(source.country)
            elif source.file is None:
                countries |= set(source.countries)
            else:
                countries |= set(read_recipients(self.scenario.find(source.file)).countries)
        return countries

    # What a step needs, when it is tried, how long it takes.

    def _needs(self, name: Name) -> list[Name]:
        step, subject = name
        if step == "template":
            needs = [("application", self.scenario.template(subject).application)]
            return self._with_countries(needs, self.sent_to(subject))
        if step == "credentials":
            return [("application", subject)]
        needs = [(need, "") for need in BEFORE.get(step, ())]
        if step == "application":
            templates = [t.name for t in self.scenario.templates if t.application == subject]
            needs = self._with_countries(needs, {c for t in templates for c in self.sent_to(t)})
        return [need for need in needs if self._exists(need)]

    def _with_countries(self, needs: list[Name], countries: set[str]) -> list[Name]:
        needs += [("country_registration", country) for country in sorted(countries & FIRST)]
        return [need for need in needs if self._exists(need)]

    def _registration(self, country: str) -> Registration:
        return self.scenario.registrations.get(country, Registration())

    def _dated(self, name: Name) -> int | None:
        step, subject = name
        at: datetime | None
        if step == "country_registration":
            at = self._registration(subject).applied
        elif step == "application":
            at = next(a.created for a in self.scenario.applications if a.name == subject)
        elif step == "template":
            at = self.scenario.template(subject).submitted
        elif self.rules is None:
            at = None
        else:
            first = step in ACCOUNT[:3] and not any(self._exists(n) for n in self._needs(name))
            begins = self.rules.begins if first else None
            at = next((at for dated, at in self.rules.attempts.items() if dated == step), begins)
        return to_us(at) if at else None

    def _ends(self, name: Name, began: int) -> int:
        step, subject = name
        if step == "country_registration":
            delay = self._registration(subject).duration
        elif step == "template" or self.rules is None:
            return began
        else:
            field = "application_setup" if step == "application" else step
            delay = getattr(self.rules, field)
            if delay is None:
                return began
        source = f"onboarding/{step}/{subject}"
        took = delay_table(delay).of(self.marks.word(source, "duration", 0, 0))
        if step not in _WORKING:
            return began + took
        review = self.scenario.review
        return add_working(began, took, work_calendar(review.extra_workdays, review.extra_holidays))

    # The rules.

    def _work_out(self, name: Name) -> State:
        tried, needs = self._dated(name), self._needs(name)
        if tried is None:
            for need in needs:
                if self.state(need).refused:
                    reason = f"needs {' '.join(need).strip()}, which was refused"
                    return State(None, None, reason, self.state(need).known)
            ends = [self.state(need).done for need in needs]
            by_hand = name[0] == "country_registration" and self.rules is None
            if by_hand or None in ends:
                return State()
            began = max((end for end in ends if end is not None), default=self.scenario.start_us)
        else:
            for need in needs:
                done = self.state(need).done
                if done is None or done > tried:
                    reason = f"needs {' '.join(need).strip()}, which is not done"
                    return State(tried, None, reason, tried)
            began = tried
        if name[0] == "authentication" and self.rules and self.rules.account_type == "personal":
            reason = "a personal account cannot be authenticated as an enterprise"
            return State(began, None, reason, began)
        if name[0] == "enabling" and self.rules and self.rules.account_type == "unincorporated":
            reason = "an unincorporated business cannot enable the service"
            return State(began, None, reason, began)
        if name[0] in ("application", "template") and self.scenario.account.balance == 0:
            reason = "the balance is insufficient"
            return State(began, None, reason, began)
        return State(began, self._ends(name, began))
