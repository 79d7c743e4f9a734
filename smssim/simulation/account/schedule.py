"""Schedules what the calendar and the scenario bring, independent of what is sent."""

from __future__ import annotations

from collections.abc import Callable

from smssim.calendars import HOUR, next_day, next_month, to_us
from smssim.scenario import Application, Package, Ticket, micro
from smssim.simulation.account import commands as commands
from smssim.simulation.account import money
from smssim.simulation.account.account import Account
from smssim.simulation.account.events import EventPriority
from smssim.simulation.setup.onboarding import APPLICATION, COUNTRY, TEMPLATE, Step
from smssim.simulation.setup.review import SetupTimeline
from smssim.sms.packages import ends_us


def plan_settings(account: Account) -> None:
    """Schedule what the scenario sets after the start; what is earlier is so from the start."""
    for application in account.scenario.applications:
        _application(account, application)
    for rule in account.scenario.account.number_rules:
        action, pattern = rule.action, rule.pattern
        _at(
            account,
            account.console.rule_in_force_us(rule),
            lambda a=action, p=pattern: commands.enforce_number_rule(account, a, p),  # type: ignore[misc]
        )


def plan_tickets(account: Account) -> None:
    """File the scenario's tickets; those that are done by the start are."""
    tickets = [(to_us(t.at) + account.console.file(), t) for t in account.scenario.tickets]
    for done_us, ticket in sorted(tickets, key=lambda filed: filed[0]):
        if done_us <= account.scenario.start_us:
            account.mode = ticket.service_mode or account.mode
            account.console.grant(ticket)
        else:
            account.agenda.schedule(done_us, EventPriority.COMMAND, _close(account, ticket))


def _close(account: Account, ticket: Ticket) -> Callable[[], None]:
    return lambda: commands.close_ticket(account, ticket)


def _application(account: Account, application: Application) -> None:
    name, code = application.name, application.suspended_code
    if application.suspended is not None:
        _at(
            account,
            to_us(application.suspended),
            lambda: commands.suspend_application(account, name, code),
        )
    if application.reinstated is not None:
        _at(
            account,
            to_us(application.reinstated),
            lambda: commands.reinstate_application(account, name),
        )
    if application.addresses:
        addresses = frozenset(application.addresses)
        _at(
            account,
            account.console.whitelist_in_force_us(application),
            lambda: commands.enforce_addresses(account, name, addresses),
        )
    frequency = application.frequency
    if frequency is not None:
        limits = frequency.limits
        _at(
            account,
            account.console.frequency_in_force_us(frequency),
            lambda: commands.limit_frequency(account, name, limits),
        )


def _at(account: Account, when_us: int, action: Callable[[], None]) -> None:
    if when_us > account.scenario.start_us:
        account.agenda.schedule(when_us, EventPriority.SETTING, action)


def plan(account: Account, setup_timeline: SetupTimeline) -> None:
    """Schedule everything that will happen to the account whatever is sent."""
    start_us = account.scenario.start_us
    plan_tickets(account)
    _repeat(
        account, EventPriority.DAY_TURN, next_day, lambda: commands.turn(account, "day"), start_us
    )
    _repeat(
        account,
        EventPriority.MONTH_TURN,
        next_month,
        lambda: commands.turn(account, "month"),
        start_us,
    )
    _repeat(
        account,
        EventPriority.SETTLEMENT,
        _next_hour,
        lambda: money.settle(account),
        start_us,
        cuts=False,
    )
    account.enabled = not any(step.step == "enabling" for step in setup_timeline.steps)
    account.created = set(setup_timeline.application_us) - _subjects(setup_timeline, APPLICATION)
    account.unregistered = _subjects(setup_timeline, COUNTRY)
    _getting_started(account, setup_timeline)
    _templates(account, setup_timeline)
    plan_settings(account)
    _purchases(account, setup_timeline)


def _subjects(setup_timeline: SetupTimeline, name: str) -> set[str]:
    return {step.subject for step in setup_timeline.steps if step.step == name}


def _next_hour(us: int) -> int:
    return (us // HOUR + 1) * HOUR


def _repeat(
    account: Account,
    priority: EventPriority,
    following: Callable[[int], int],
    action: Callable[[], None],
    after_us: int,
    *,
    cuts: bool = True,
) -> None:
    when_us = following(after_us)

    def act() -> None:
        _repeat(account, priority, following, action, when_us, cuts=cuts)
        action()

    account.agenda.schedule(when_us, priority, act, affects_rules=cuts)


def _getting_started(account: Account, setup_timeline: SetupTimeline) -> None:
    for step in setup_timeline.steps:
        if step.refused and step.began_us is not None:
            _refuse(account, step, step.began_us)
        elif step.done_us is not None and step.step in commands.STEP_EVENTS:
            _take(account, step, step.done_us)


def _refuse(account: Account, step: Step, at_us: int) -> None:
    if at_us > account.scenario.start_us:
        subject = f"{step.name}: {step.refused}"
        account.agenda.schedule(
            at_us,
            EventPriority.ONBOARDING,
            lambda: account.emit("step_refused", subject),
            affects_rules=False,
        )


def _take(account: Account, step: Step, done_us: int) -> None:
    """Let a step change the account when it is done; one done by the start has done so."""
    if done_us > account.scenario.start_us:
        account.agenda.schedule(
            done_us,
            EventPriority.ONBOARDING,
            lambda: commands.get_started(account, step.step, step.subject),
        )
    else:
        commands.enter(account, step.step, step.subject)


def _templates(account: Account, setup_timeline: SetupTimeline) -> None:
    scenario = account.scenario
    for template in scenario.templates:
        usable_us = setup_timeline.usable_us(template.name, scenario.start_us)
        if usable_us is not None:
            _activate(account, template.name, usable_us)


def _activate(account: Account, template: str, usable_us: int) -> None:
    if usable_us <= account.scenario.start_us:
        account.usable.add(template)
    else:
        account.agenda.schedule(
            usable_us, EventPriority.TEMPLATE, lambda: commands.make_usable(account, template)
        )


def _purchases(account: Account, setup_timeline: SetupTimeline) -> None:
    """Scenario packages are bought when their time has come and a first template is approved."""
    scenario = account.scenario
    approvals = [
        reviews[-1].decided_us
        for reviews in setup_timeline.reviews
        if reviews and reviews[-1].approved
    ]
    handed_in = _subjects(setup_timeline, TEMPLATE)
    if any(template.name not in handed_in for template in scenario.templates):
        approvals.append(scenario.start_us)
    if not approvals:
        return
    for package in scenario.packages:
        wanted_us = to_us(package.at) if package.at else scenario.start_us
        when_us = max(wanted_us, scenario.start_us, min(approvals))
        account.agenda.schedule(when_us, EventPriority.PURCHASE, _purchase(account, package))


def _purchase(account: Account, package: Package) -> Callable[[], None]:
    def act() -> None:
        zone = account.scenario.account.expiry_zone
        until_us = ends_us(
            account.now_us, zone, valid_days=package.valid_days, valid_months=package.valid_months
        )
        price_micro = micro(package.price)
        commands.buy(account, package.country, package.segments, price_micro, until_us)

    return act
