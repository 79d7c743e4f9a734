"""Puts a scenario's settings on the agenda: applications, number control, tickets."""

from __future__ import annotations

from collections.abc import Callable

from smssim.calendars import to_us
from smssim.scenario import Application, Ticket
from smssim.simulation.account import commands as changes
from smssim.simulation.account.account import Account
from smssim.simulation.account.events import Rank


def plan_settings(account: Account) -> None:
    """Schedule what the scenario sets after the start; what is earlier is so from the start."""
    for application in account.scenario.applications:
        _application(account, application)
    for rule in account.scenario.account.number_rules:
        action, pattern = rule.action, rule.pattern
        _at(
            account,
            account.console.rule_in_force_us(rule),
            lambda a=action, p=pattern: changes.enforce_number_rule(account, a, p),  # type: ignore[misc]
        )


def plan_tickets(account: Account) -> None:
    """File the scenario's tickets; those that are done by the start are."""
    tickets = [(to_us(t.at) + account.console.file(), t) for t in account.scenario.tickets]
    for done_us, ticket in sorted(tickets, key=lambda filed: filed[0]):
        if done_us <= account.scenario.start_us:
            account.mode = ticket.service_mode or account.mode
            account.console.grant(ticket)
        else:
            account.agenda.at(done_us, Rank.COMMAND, _close(account, ticket))


def _close(account: Account, ticket: Ticket) -> Callable[[], None]:
    return lambda: changes.close_ticket(account, ticket)


def _application(account: Account, application: Application) -> None:
    name, code = application.name, application.suspended_code
    if application.suspended is not None:
        _at(
            account,
            to_us(application.suspended),
            lambda: changes.suspend_application(account, name, code),
        )
    if application.reinstated is not None:
        _at(
            account,
            to_us(application.reinstated),
            lambda: changes.reinstate_application(account, name),
        )
    if application.addresses:
        addresses = frozenset(application.addresses)
        _at(
            account,
            account.console.whitelist_in_force_us(application),
            lambda: changes.enforce_addresses(account, name, addresses),
        )
    frequency = application.frequency
    if frequency is not None:
        limits = frequency.limits
        _at(
            account,
            account.console.frequency_in_force_us(frequency),
            lambda: changes.limit_frequency(account, name, limits),
        )


def _at(account: Account, when_us: int, action: Callable[[], None]) -> None:
    if when_us > account.scenario.start_us:
        account.agenda.at(when_us, Rank.SETTING, action)
