"""What changes the account: turns of the calendar, packages, templates, and the console's commands.

Each is an action of one instant; `schedule` and `policies` put them on the agenda.
"""

from __future__ import annotations

from smssim.scenario import Ticket
from smssim.simulation.account.account import Account, Entry
from smssim.simulation.account.events import EventPriority
from smssim.simulation.setup.onboarding import APPLICATION, COUNTRY, CREDENTIALS
from smssim.sms.packages import Package

__all__ = [
    "STEP_EVENTS",
    "buy",
    "close_ticket",
    "enter",
    "expire",
    "get_started",
    "hold",
    "make_usable",
    "set_prices",
    "set_thresholds",
    "stop_source",
    "switch_mode",
    "turn",
]

STEP_EVENTS = {
    "enabling": "enabled",
    COUNTRY: "registered",
    APPLICATION: "application_created",
    CREDENTIALS: "credentials_obtained",
}
"""The events of those steps of getting started that change the account."""


def turn(account: Account, period: str) -> None:
    """Begin the next UTC day or month."""
    account.invalidate()
    for subject in account.thresholds.turn(period, account.now_us):
        account.emit("recovered", subject)


def get_started(account: Account, step: str, subject: str) -> None:
    """Let a step of getting started be done from now on."""
    account.invalidate()
    enter(account, step, subject)
    account.emit(STEP_EVENTS[step], subject)


def enter(account: Account, step: str, subject: str) -> None:
    """Record that a step is done."""
    if step in (APPLICATION, CREDENTIALS):
        # With credentials as a step, it is they that let an application send.
        onboarding = account.scenario.onboarding
        obtained = onboarding is not None and onboarding.credentials is not None
        if step == CREDENTIALS or not obtained:
            account.created.add(subject)
    elif step == COUNTRY:
        account.unregistered.discard(subject)
    else:
        account.enabled = True


def make_usable(account: Account, template: str) -> None:
    """Let a template be sent from now on."""
    account.invalidate()
    account.usable.add(template)
    account.emit("template_usable", template)


def set_prices(account: Account) -> None:
    """Let the prices of now hold for messages from now on."""
    account.invalidate()
    account.set_prices()


def buy(account: Account, country: str, segments: int, price_micro: int, ends_us: int) -> None:
    """Buy a package in force from now to *ends_us*; refused when frozen or without the money."""
    account.invalidate()
    balance = account.balance_micro
    if account.frozen or (balance is not None and balance < price_micro):
        account.emit("purchase_refused", country, segments)
        return
    now_us, number = account.now_us, len(account.packages)
    package = Package(number, country, segments, price_micro, now_us, ends_us, left=segments)
    account.packages.append(package)
    if balance is not None:
        account.balance_micro = balance - price_micro
    account.ledger.append(Entry(now_us, "purchase", country, number, segments, price_micro))
    account.countries[country].add(package)
    account.emit("package_bought", str(number), segments)
    account.resume(country)
    account.agenda.schedule(ends_us, EventPriority.EXPIRY, expire, account, package)


def hold(account: Account, country: str, left: int, since_us: int, ends_us: int) -> None:
    """Let a package of before the run be there from its beginning: it is no purchase."""
    over = account.scenario.is_past(ends_us)
    held = 0 if over else left
    package = Package(len(account.packages), country, held, 0, since_us, ends_us, left=held)
    account.packages.append(package)
    if over:
        return
    account.countries[country].add(package)
    account.agenda.schedule(ends_us, EventPriority.EXPIRY, expire, account, package)


def expire(account: Account, package: Package) -> None:
    """End a package; what is left of it is gone."""
    account.invalidate()
    quota = account.countries[package.country]
    quota.packages.remove(package)
    package.expired, package.left = package.left, 0
    if package.expired:
        now_us, lost = account.now_us, package.expired
        account.ledger.append(Entry(now_us, "expired", package.country, package.id, lost))
    account.emit("package_expired", str(package.id), package.expired)
    if quota.low_reached():
        account.emit("low_quota", package.country, quota.left)


def set_thresholds(account: Account, values: dict[str, int]) -> None:
    """Change alarm and limit values, given by their scenario names."""
    account.invalidate()
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
        account.emit("thresholds_set", name, value)
    for period in sorted(recovered):
        account.emit("recovered", period)


def switch_mode(account: Account, mode: str) -> None:
    """Change the service mode; paying per use ends all suspensions."""
    account.invalidate()
    account.mode = mode
    account.emit("mode_switched", mode)
    if mode == "pay_per_use":
        for country in account.countries:
            account.resume(country)


def stop_source(account: Account, source: str) -> None:
    """Let a source send nothing more."""
    account.invalidate()
    account.stopped.setdefault(source, account.now_us)
    account.emit("source_stopped", source)


def close_ticket(account: Account, ticket: Ticket) -> None:
    """Do what a ticket asked for."""
    if ticket.service_mode is not None:
        switch_mode(account, ticket.service_mode)
    for name, value in account.quota.grant(ticket).items():
        account.emit("quota_raised", name, value)
