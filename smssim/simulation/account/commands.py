"""What changes the account: turns of the calendar, packages, templates, and the console's commands.

Each is an action of one instant; `control` and `policies` put them on the agenda.
"""

from __future__ import annotations

from smssim.scenario import Ticket
from smssim.simulation.account.account import Account, Entry
from smssim.simulation.account.events import Rank
from smssim.simulation.setup.onboarding import APPLICATION, COUNTRY
from smssim.sms.packages import Package

TOLD = {"enabling": "enabled", COUNTRY: "registered", APPLICATION: "application_created"}
"""The events of those steps of getting started that change the account."""


def turn(account: Account, period: str) -> None:
    """Begin the next UTC day or month."""
    account.changed()
    for subject in account.thresholds.turn(period, account.now_us):
        account.tell("recovered", subject)


def get_started(account: Account, step: str, subject: str) -> None:
    """Let a step of getting started be done from now on."""
    account.changed()
    enter(account, step, subject)
    account.tell(TOLD[step], subject)


def enter(account: Account, step: str, subject: str) -> None:
    """Write down that a step is done."""
    if step == APPLICATION:
        account.created.add(subject)
    elif step == COUNTRY:
        account.unregistered.discard(subject)
    else:
        account.enabled = True


def make_usable(account: Account, template: str) -> None:
    """Let a template be sent from now on."""
    account.changed()
    account.usable.add(template)
    account.tell("template_usable", template)


def buy(account: Account, country: str, segments: int, price_micro: int, ends_us: int) -> None:
    """Buy a package in force from now to *ends_us*; refused when frozen or without the money."""
    account.changed()
    balance = account.balance_micro
    if account.frozen or (balance is not None and balance < price_micro):
        account.tell("purchase_refused", country, segments)
        return
    now_us, number = account.now_us, len(account.packages)
    package = Package(number, country, segments, price_micro, now_us, ends_us, left=segments)
    account.packages.append(package)
    if balance is not None:
        account.balance_micro = balance - price_micro
    account.ledger.append(Entry(now_us, "purchase", country, number, segments, price_micro))
    account.countries[country].add(package)
    account.tell("package_bought", str(number), segments)
    account.resume(country)
    account.agenda.at(ends_us, Rank.EXPIRY, lambda: expire(account, package))


def expire(account: Account, package: Package) -> None:
    """End a package; what is left of it is gone."""
    account.changed()
    quota = account.countries[package.country]
    quota.packages.remove(package)
    package.expired, package.left = package.left, 0
    if package.expired:
        now_us, lost = account.now_us, package.expired
        account.ledger.append(Entry(now_us, "expired", package.country, package.id, lost))
    account.tell("package_expired", str(package.id), package.expired)
    if quota.low_reached():
        account.tell("low_quota", package.country, quota.left)


def set_thresholds(account: Account, values: dict[str, int]) -> None:
    """Change alarm and limit values, given by their scenario names."""
    account.changed()
    recovered = set()
    for name, value in values.items():
        period = "day" if name.startswith("daily") else "month"
        counter = account.thresholds.total[period]
        if value == (counter.next_alarm if name.endswith("alarm") else counter.limit):
            continue
        if name.endswith("alarm"):
            counter.set_alarm(value)
        elif counter.set_limit(value):
            recovered.add(period)
        account.tell("thresholds_set", name, value)
    for period in sorted(recovered):
        account.tell("recovered", period)


def switch_mode(account: Account, mode: str) -> None:
    """Change the service mode; paying per use ends all suspensions."""
    account.changed()
    account.mode = mode
    account.tell("mode_switched", mode)
    if mode == "pay_per_use":
        for country in account.countries:
            account.resume(country)


def stop_source(account: Account, source: str) -> None:
    """Let a source send nothing more."""
    account.changed()
    account.stopped.setdefault(source, account.now_us)
    account.tell("source_stopped", source)


def suspend_application(account: Account, name: str, code: str) -> None:
    """Refuse whatever an application sends from now on."""
    account.changed()
    account.console.suspended[name] = code
    account.tell("application_suspended", name)


def reinstate_application(account: Account, name: str) -> None:
    """Let a suspended application send again."""
    account.changed()
    account.console.suspended.pop(name, None)
    account.tell("application_reinstated", name)


def enforce_addresses(account: Account, name: str, addresses: frozenset[str]) -> None:
    """Let an application's requests come from these addresses alone."""
    account.changed()
    account.console.whitelists[name] = addresses
    account.tell("addresses_in_force", name)


def limit_frequency(account: Account, name: str, limits: tuple[int, int, int]) -> None:
    """Limit how often an application sends to one number: a minute, an hour, a day."""
    account.changed()
    account.console.frequency[name] = limits
    account.tell("frequency_limit", name)


def set_regions(account: Account, countries: frozenset[str]) -> None:
    """Let these countries be sent to, and no others."""
    account.changed()
    account.console.regions = countries
    account.tell("regions_set", ", ".join(sorted(countries)))


def enforce_number_rule(account: Account, action: str, pattern: str) -> None:
    """Add a rule to number control."""
    account.changed()
    account.console.number_rules.append((action, pattern))
    account.tell("number_rule", f"{action} {pattern}")


def close_ticket(account: Account, ticket: Ticket) -> None:
    """Do what a ticket asked for."""
    if ticket.service_mode is not None:
        switch_mode(account, ticket.service_mode)
    for name, value in account.console.grant(ticket).items():
        account.tell("quota_raised", name, value)
