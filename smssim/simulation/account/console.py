"""Settings of the console other than thresholds and packages: regions, number control,
applications, quota, tickets (DOMAIN.md sections 1, 5 and 6).
"""

from __future__ import annotations

from typing import NamedTuple

from smssim.calendars import to_us
from smssim.scenario import Application, Frequency, NumberRule, Scenario, Ticket, microseconds
from smssim.sms.phone_numbers import blocks
from smssim.stats.keyed_random import Marks

ADDRESS, REGION, NUMBER = "E000620", "E000628", "E000632"


class MessageClass(NamedTuple):
    """What is the same for many messages and decides how the console's settings judge them."""

    country: str
    template: str
    application: str
    queue: str
    address: str | None
    """The address its requests come from; None for one that every whitelist lets in."""
    beginning: str | None
    """How the recipients' numbers begin, as far as it is known."""
    whitelisted: bool
    """Whether the recipients' numbers are in the whitelist of the frequency limit."""


class Console:
    """The present settings; commands invalidate the account before they change one."""

    def __init__(self, scenario: Scenario, marks: Marks) -> None:
        rules, start_us = scenario.account, scenario.start_us
        self._scenario, self._marks = scenario, marks
        self.regions = None if rules.regions is None else frozenset(rules.regions)
        self.number_rules: list[tuple[str, str]] = [
            (rule.action, rule.pattern)
            for rule in rules.number_rules
            if self.rule_in_force_us(rule) <= start_us
        ]
        self.suspended = {
            a.name: a.suspended_code for a in scenario.applications if self._is_suspended(a)
        }
        self.whitelists = {
            a.name: frozenset(a.addresses)
            for a in scenario.applications
            if a.addresses and self.whitelist_in_force_us(a) <= start_us
        }
        self.frequency = {
            a.name: a.frequency.limits
            for a in scenario.applications
            if a.frequency is not None and self.frequency_in_force_us(a.frequency) <= start_us
        }
        self.quota = {
            name: getattr(scenario.quota, name) for name in ("daily_limit", "monthly_limit")
        }
        self._filed = 0

    def refuse_request(self, message_class: MessageClass) -> str | None:
        """The code that refuses a whole request by its application, or None (stage 1)."""
        if message_class.application in self.suspended:
            return self.suspended[message_class.application]
        whitelist = self.whitelists.get(message_class.application)
        if (
            whitelist is not None
            and message_class.address is not None
            and message_class.address not in whitelist
        ):
            return ADDRESS
        return None

    def refuse_number(self, message_class: MessageClass) -> str | None:
        """The code that refuses a number after acceptance, or None (stage 3)."""
        if self.regions is not None and message_class.country not in self.regions:
            return REGION
        if message_class.beginning is not None and blocks(
            self.number_rules, message_class.beginning
        ):
            return NUMBER
        return None

    def frequency_limits(self, message_class: MessageClass) -> tuple[int, int, int] | None:
        """Messages a minute, hour and day that a number may get, None without a limit."""
        return None if message_class.whitelisted else self.frequency.get(message_class.application)

    def rule_in_force_us(self, rule: NumberRule) -> int:
        """When a number rule of the scenario is in force."""
        if rule.saved is None:
            return self._scenario.start_us
        return to_us(rule.saved) + microseconds(self._scenario.account.number_rules_after_s)

    def whitelist_in_force_us(self, application: Application) -> int:
        """When an application's whitelist of addresses is in force."""
        if application.addresses_saved is None:
            return self._scenario.start_us
        return to_us(application.addresses_saved) + microseconds(application.addresses_after_s)

    def frequency_in_force_us(self, frequency: Frequency) -> int:
        """When an application's frequency limit is in force."""
        if frequency.saved is None:
            return self._scenario.start_us
        return to_us(frequency.saved) + microseconds(frequency.after_s)

    def file(self) -> int:
        """File a ticket; return how long it takes, in microseconds."""
        word = self._marks.word("ticket", "latency", 0, self._filed)
        self._filed += 1
        return max(1, self._scenario.account.ticket_latency.table().of(word))

    def grant(self, ticket: Ticket) -> dict[str, int]:
        """Raise the quota that a ticket asked for; return the new values by name."""
        requested = {name: getattr(ticket, name) for name in self.quota}
        granted = {name: value for name, value in requested.items() if value is not None}
        self.quota |= granted
        return granted

    def _is_suspended(self, application: Application) -> bool:
        start_us = self._scenario.start_us
        if application.suspended is None or to_us(application.suspended) > start_us:
            return False
        return application.reinstated is None or to_us(application.reinstated) > start_us
