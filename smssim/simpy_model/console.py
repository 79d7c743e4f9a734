"""The console: applications, regions, number control, tickets.

Written from docs/model.md alone; each rule is a short method.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from smssim.calendars import DAY, HOUR, MINUTE, to_us
from smssim.scenario import Frequency, Scenario, Ticket, Traffic, microseconds
from smssim.simpy_model.environment import COMMAND, TEMPLATE, Environment
from smssim.simpy_model.inverse_tables import delay_table
from smssim.simpy_model.thresholds import Limits
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["Console", "Plan"]


@dataclass(frozen=True)
class Plan:
    """A change that the scenario plans for a moment of the run."""

    at: int
    rank: int
    effect: Callable[[], None]


class Console(Limits):
    """What an account's console says of applications, regions and numbers."""

    def __init__(self, env: Environment, scenario: Scenario, marks: KeyedRandom) -> None:
        super().__init__(env, scenario, marks)
        names = ("daily_limit", "monthly_limit")
        self.quota: dict[str, int] = {name: getattr(scenario.quota, name) for name in names}
        self.regions = None if self.rules.regions is None else set(self.rules.regions)
        self.suspended_applications: set[str] = set()
        self.whitelisted: set[str] = set()
        self.number_rules: list[tuple[str, str]] = []
        self.frequencies: dict[str, Frequency] = {}
        self.passes: dict[tuple[str, int | str], list[int]] = {}
        self._tickets = 0
        # What is so at or before the start was told to no one.
        plans = [*self._planned_tickets(), *self._planned_applications(), *self._planned_rules()]
        early = sorted((plan for plan in plans if plan.at <= env.now), key=lambda plan: plan.at)
        for plan in early:
            plan.effect()
        self.events.clear()
        self._plans = [plan for plan in plans if plan.at > env.now]

    def plans(self) -> list[Plan]:
        """What is still to come, in the order of scheduling."""
        return self._plans

    def _planned_tickets(self) -> Iterator[Plan]:
        for ticket in self.scenario.tickets:
            at = to_us(ticket.at) + max(1, self.next_ticket_takes())
            yield Plan(at, COMMAND, partial(self.ticket_is_done, ticket))

    def _planned_applications(self) -> Iterator[Plan]:
        for application in self.scenario.applications:
            name = application.name
            if application.suspended:
                at = to_us(application.suspended)
                yield Plan(at, TEMPLATE, partial(self.application_is_suspended, name))
            if application.reinstated:
                at = to_us(application.reinstated)
                yield Plan(at, TEMPLATE, partial(self.application_is_reinstated, name))
            if application.addresses:
                at = self.env.now
                if application.addresses_saved:
                    after = microseconds(application.addresses_after_s)
                    at = to_us(application.addresses_saved) + after
                yield Plan(at, TEMPLATE, partial(self.addresses_come, name))
            if application.frequency:
                frequency, at = application.frequency, self.env.now
                if frequency.saved:
                    at = to_us(frequency.saved) + microseconds(frequency.after_s)
                yield Plan(at, TEMPLATE, partial(self.frequency_comes, name, frequency))

    def _planned_rules(self) -> Iterator[Plan]:
        for rule in self.rules.number_rules:
            at = self.env.now
            if rule.saved:
                at = to_us(rule.saved) + microseconds(self.rules.number_rules_after_s)
            effect = partial(self.number_rule_comes, rule.action, rule.pattern)
            yield Plan(at, TEMPLATE, effect)

    # Rules: applications.

    def application_is_suspended(self, name: str) -> None:
        """An application may not send any more."""
        self.suspended_applications.add(name)
        self.tell("application_suspended", name)

    def application_is_reinstated(self, name: str) -> None:
        """An application may send again."""
        self.suspended_applications.discard(name)
        self.tell("application_reinstated", name)

    def addresses_come(self, name: str) -> None:
        """From now on an application's whitelist is looked at."""
        self.whitelisted.add(name)
        self.tell("addresses_in_force", name)

    def application_refusal(self, name: str, address: str | None) -> str | None:
        """Place 1: the code by which an application, or its whitelist, refuses a request."""
        application = next(a for a in self.scenario.applications if a.name == name)
        if name in self.suspended_applications:
            return application.suspended_code
        if address is None or name not in self.whitelisted:
            return None
        return None if address in application.addresses else "E000620"

    def frequency_comes(self, name: str, frequency: Frequency) -> None:
        """From now on an application's messages to one number are counted and limited."""
        self.frequencies[name] = frequency
        self.tell("frequency_limit", name)

    def is_too_frequent(self, number: tuple[str, int | str] | None, application: str) -> bool:
        """Whether a number got enough messages already; if not, this one counts."""
        frequency, now = self.frequencies.get(application), self.env.now
        if frequency is None or number is None:
            return False
        passes = self.passes.setdefault(number, [])
        eight = 8 * HOUR
        windows = (
            (frequency.per_minute, now // MINUTE * MINUTE),
            (frequency.per_hour, now // HOUR * HOUR),
            (frequency.per_day, (now + eight) // DAY * DAY - eight),
        )
        for most, begin in windows:
            if most is not None and sum(at >= begin for at in passes) >= most:
                return True
        passes.append(now)
        return False

    # Rules: regions and numbers.

    def regions_change(self, countries: Iterable[str]) -> None:
        """Region settings are in force."""
        self.regions = set(countries)
        self.tell("regions_set", ", ".join(sorted(self.regions)))

    def number_rule_comes(self, action: str, pattern: str) -> None:
        """A rule of number control is in force."""
        self.number_rules.append((action, pattern))
        self.tell("number_rule", f"{action} {pattern}")

    def blocks(self, beginning: str | None) -> bool:
        """Whether number control blocks a number, of which its beginning is known or nothing."""
        if beginning is None:
            return False
        met = {action for action, pattern in self.number_rules if _is_met(pattern, beginning)}
        return "deny" in met and "allow" not in met

    def check_pattern(self, pattern: str) -> None:
        """Raise a ValueError unless numbers' beginnings are enough to tell whether it is met."""
        if not re.fullmatch("[0-9*]{4,11}", pattern):
            raise ValueError(f"pattern(={pattern!r}) must be 4 to 11 digits and *")
        for source in self.scenario.sources:
            for beginning in source.beginnings if isinstance(source, Traffic) else ():
                if _is_met(pattern[: len(beginning)], beginning) and len(beginning) < len(pattern):
                    raise ValueError(f"pattern(={pattern!r}): {beginning!r} is too short to tell")

    # Rules: tickets.

    def next_ticket_takes(self) -> int:
        """How long the ticket takes that is filed now."""
        word = self.marks.word("ticket", "latency", 0, self._tickets)
        self._tickets += 1
        return delay_table(self.rules.ticket_latency).of(word)

    def ticket_is_done(self, ticket: Ticket) -> None:
        """A ticket of the scenario: the mode, then the quota."""
        if ticket.service_mode:
            self.mode_changes(ticket.service_mode)
        names = ("daily_limit", "monthly_limit")
        self.quota_rises({n: getattr(ticket, n) for n in names if getattr(ticket, n)})

    def quota_rises(self, values: dict[str, int]) -> None:
        """The approved upper bounds of limits change."""
        for name, value in values.items():
            self.quota[name] = value
            self.tell("quota_raised", name, value)


def _is_met(pattern: str, number: str) -> bool:
    return re.match(pattern.replace("*", "[0-9]"), number) is not None
