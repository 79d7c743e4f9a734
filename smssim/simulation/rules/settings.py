"""Rules that refuse all messages of a class: the account's state and the console's settings
(DOMAIN.md sections 1, 5, 6, 11 and 12).
"""

from __future__ import annotations

from collections.abc import Iterable

from smssim.calendars import to_us
from smssim.scenario import Application, NumberRule, Scenario, microseconds, registrations
from smssim.simulation.account.account import Account, MessageClass
from smssim.simulation.rules.rule import Rule
from smssim.sms.phone_numbers import blocks

__all__ = [
    "Addresses",
    "Arrears",
    "Creation",
    "Enabling",
    "Limits",
    "NumberControl",
    "Regions",
    "Registrations",
    "Suspension",
]

_FROZEN, _LIMIT, _COUNTRY_LIMIT = "E000112", "E000623", "E000630"
_NOT_ENABLED, _NO_APPLICATION = "E000109", "E000102"
_ADDRESS, _REGION, _NUMBER = "E000620", "E000628", "E000632"


class Enabling(Rule):
    """Nothing is sent before the account is enabled."""

    stage = 1

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """E000109, in a scenario with onboarding."""
        return () if scenario.onboarding is None else (_NOT_ENABLED,)

    @property
    def active(self) -> bool:
        """Whether the account is not enabled yet."""
        return not self.account.enabled

    def refuse(self, message_class: MessageClass) -> str | None:
        """E000109 for every class."""
        return None if self.account.enabled else _NOT_ENABLED


class Creation(Rule):
    """An application sends nothing before it is created."""

    stage = 1

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """E000102, where applications are created within the scenario."""
        later = scenario.onboarding is not None or any(a.created for a in scenario.applications)
        return (_NO_APPLICATION,) if later else ()

    @property
    def active(self) -> bool:
        """Whether an application is not created yet."""
        return len(self.account.created) < len(self.account.scenario.applications)

    def refuse(self, message_class: MessageClass) -> str | None:
        """E000102 for the classes of such an application."""
        return None if message_class.application in self.account.created else _NO_APPLICATION


class Suspension(Rule):
    """A suspended application sends nothing until it is reinstated."""

    stage = 1

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        is_past = account.scenario.is_past
        self._codes = {
            a.name: a.suspended_code
            for a in account.scenario.applications
            if a.suspended is not None
            and is_past(to_us(a.suspended))
            and (a.reinstated is None or not is_past(to_us(a.reinstated)))
        }

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """The codes of the applications that are suspended at some time."""
        return sorted({a.suspended_code for a in scenario.applications if a.suspended is not None})

    @property
    def active(self) -> bool:
        """Whether an application is suspended now."""
        return bool(self._codes)

    def refuse(self, message_class: MessageClass) -> str | None:
        """The application's code for its classes."""
        return self._codes.get(message_class.application)

    def plan_application(self, application: Application) -> None:
        """Schedule the suspension and the reinstatement."""
        name = application.name
        if application.suspended is not None:
            code = application.suspended_code
            self.schedule(to_us(application.suspended), self.suspend, name, code)
        if application.reinstated is not None:
            self.schedule(to_us(application.reinstated), self.reinstate, name)

    def suspend(self, name: str, code: str) -> None:
        """Refuse everything that an application sends from now on."""
        self.account.invalidate()
        self._codes[name] = code
        self.account.emit("application_suspended", name)

    def reinstate(self, name: str) -> None:
        """Let a suspended application send again."""
        self.account.invalidate()
        self._codes.pop(name, None)
        self.account.emit("application_reinstated", name)


class Addresses(Rule):
    """An application with a whitelist of addresses sends from these alone."""

    stage = 1

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._whitelists = {
            a.name: frozenset(a.addresses)
            for a in account.scenario.applications
            if a.addresses and account.scenario.is_past(self.in_force_us(a))
        }

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """E000620, where an application has a whitelist."""
        return (_ADDRESS,) if any(a.addresses for a in scenario.applications) else ()

    @property
    def active(self) -> bool:
        """Whether a whitelist is in force."""
        return bool(self._whitelists)

    def refuse(self, message_class: MessageClass) -> str | None:
        """E000620 for classes whose requests come from another address."""
        whitelist = self._whitelists.get(message_class.application)
        address = message_class.address
        stranger = whitelist is not None and address is not None and address not in whitelist
        return _ADDRESS if stranger else None

    def in_force_us(self, application: Application) -> int:
        """When an application's whitelist is in force."""
        if application.addresses_saved is None:
            return self.account.scenario.start_us
        return to_us(application.addresses_saved) + microseconds(application.addresses_after_s)

    def plan_application(self, application: Application) -> None:
        """Schedule its whitelist."""
        if application.addresses:
            addresses = frozenset(application.addresses)
            self.schedule(self.in_force_us(application), self.enforce, application.name, addresses)

    def enforce(self, name: str, addresses: frozenset[str]) -> None:
        """Let an application's requests come from these addresses alone."""
        self.account.invalidate()
        self._whitelists[name] = addresses
        self.account.emit("addresses_in_force", name)


class Arrears(Rule):
    """A frozen account sends nothing (`money` freezes and thaws it)."""

    stage = 1

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """E000112, where a balance is kept."""
        return () if scenario.account.balance is None else (_FROZEN,)

    @property
    def active(self) -> bool:
        """Whether the account is frozen."""
        return self.account.frozen

    def refuse(self, message_class: MessageClass) -> str | None:
        """E000112 for every class."""
        return _FROZEN if self.account.frozen else None


class Limits(Rule):
    """A tripped limit of the account or of a country refuses requests until it recovers
    (`thresholds` counts).
    """

    stage = 1

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """E000623 for limits of the account, E000630 for those of a country."""
        return _LIMIT, _COUNTRY_LIMIT

    @property
    def active(self) -> bool:
        """Whether a limit is tripped."""
        return self.account.thresholds.any_tripped

    def refuse(self, message_class: MessageClass) -> str | None:
        """E000623 or E000630 for the classes whose limit is tripped."""
        thresholds, country = self.account.thresholds, message_class.country
        if thresholds.tripped(country):
            return _LIMIT
        return _COUNTRY_LIMIT if thresholds.country_tripped(country) else None


class Regions(Rule):
    """Only the countries that the region settings list are sent to."""

    stage = 3

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        regions = account.scenario.account.regions
        self._countries = None if regions is None else frozenset(regions)

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """E000628: a policy can set regions in any scenario."""
        return (_REGION,)

    @property
    def active(self) -> bool:
        """Whether regions are set."""
        return self._countries is not None

    def refuse(self, message_class: MessageClass) -> str | None:
        """E000628 for the classes of other countries."""
        listed = self._countries is None or message_class.country in self._countries
        return None if listed else _REGION

    def set_countries(self, countries: frozenset[str]) -> None:
        """Let these countries be sent to, and no others."""
        self.account.invalidate()
        self._countries = countries
        self.account.emit("regions_set", ", ".join(sorted(countries)))


class NumberControl(Rule):
    """Rules about how recipients' numbers begin deny them; one that allows prevails."""

    stage = 3

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._rules: list[tuple[str, str]] = [
            (rule.action, rule.pattern)
            for rule in account.scenario.account.number_rules
            if account.scenario.is_past(self.in_force_us(rule))
        ]

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """E000632: a policy can add rules in any scenario."""
        return (_NUMBER,)

    @property
    def active(self) -> bool:
        """Whether there is a rule."""
        return bool(self._rules)

    def refuse(self, message_class: MessageClass) -> str | None:
        """E000632 for the classes whose numbers begin as a rule denies."""
        beginning = message_class.beginning
        return _NUMBER if beginning is not None and blocks(self._rules, beginning) else None

    def in_force_us(self, rule: NumberRule) -> int:
        """When a number rule of the scenario is in force."""
        scenario = self.account.scenario
        if rule.saved is None:
            return scenario.start_us
        return to_us(rule.saved) + microseconds(scenario.account.number_rules_after_s)

    def plan(self) -> None:
        """Schedule the rules that the scenario saves later."""
        for rule in self.account.scenario.account.number_rules:
            self.schedule(self.in_force_us(rule), self.enforce, rule.action, rule.pattern)

    def enforce(self, action: str, pattern: str) -> None:
        """Add a rule."""
        self.account.invalidate()
        self._rules.append((action, pattern))
        self.account.emit("number_rule", f"{action} {pattern}")


class Registrations(Rule):
    """Messages to a country that wants a registration and has none get its status: Huawei's
    refuses them after acceptance, a supplier's is reported instead of the sampled one.
    """

    stage = 3

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._registrations = registrations(account.scenario)

    @classmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """None here: statuses are outcomes of deliveries, which `compiled` numbers by source."""
        return ()

    @property
    def active(self) -> bool:
        """Whether a country is not registered."""
        return bool(self.account.unregistered)

    def refuse(self, message_class: MessageClass) -> str | None:
        """Huawei's status for the classes of such a country."""
        return self._status(message_class.country, "huawei")

    def replace(self, message_class: MessageClass) -> str | None:
        """A supplier's status for the classes of such a country."""
        return self._status(message_class.country, "supplier")

    def _status(self, country: str, source: str) -> str | None:
        if country not in self.account.unregistered:
            return None
        registration = self._registrations[country]
        return registration.status if registration.source == source else None
