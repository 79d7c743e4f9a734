"""Schedules what the calendar and the scenario bring, independent of what is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smssim.calendars import HOUR, next_day, next_month, to_us
from smssim.scenario import Package
from smssim.simulation.account import commands, money
from smssim.simulation.account.account import Account
from smssim.simulation.account.events import EventPriority
from smssim.simulation.rules.rule import Rule
from smssim.simulation.setup.onboarding import APPLICATION, COUNTRY, TEMPLATE, Step
from smssim.simulation.setup.review import SetupTimeline
from smssim.sms.packages import ends_us

__all__ = ["plan"]


def plan(account: Account, rules: Sequence[Rule], timeline: SetupTimeline) -> None:
    """Schedule everything that will happen to the account, whatever is sent."""
    _tickets(account)
    _prices(account)
    _repeat(account, EventPriority.DAY_TURN, next_day, commands.turn, "day")
    _repeat(account, EventPriority.MONTH_TURN, next_month, commands.turn, "month")
    _repeat(account, EventPriority.SETTLEMENT, _next_hour, money.settle, affects_rules=False)
    account.enabled = not any(step.step == "enabling" for step in timeline.steps)
    account.created = set(timeline.application_us) - _subjects(timeline, APPLICATION)
    account.unregistered = _subjects(timeline, COUNTRY)
    for step in timeline.steps:
        _step(account, step)
    _templates(account, timeline)
    for application in account.scenario.applications:
        for rule in rules:
            rule.plan_application(application)
    for rule in rules:
        rule.plan()
    _purchases(account, timeline)


def _tickets(account: Account) -> None:
    """File the scenario's tickets; those that are done by the start have been granted."""
    tickets = [(to_us(t.at) + account.quota.file(), t) for t in account.scenario.tickets]
    for done_us, ticket in sorted(tickets, key=lambda filed: filed[0]):
        if account.scenario.is_past(done_us):
            account.mode = ticket.service_mode or account.mode
            account.quota.grant(ticket)
        else:
            account.agenda.schedule(
                done_us, EventPriority.COMMAND, commands.close_ticket, account, ticket
            )


def _prices(account: Account) -> None:
    """Prices that change; what was submitted before is charged as it was."""
    scenario = account.scenario
    dated = {
        dated.since for country in account.countries for dated in scenario.route(country).prices
    }
    for since in sorted(
        since for since in dated if not scenario.is_past(to_us(since)) and since < scenario.end
    ):
        account.agenda.schedule(to_us(since), EventPriority.COMMAND, commands.set_prices, account)


def _repeat(
    account: Account,
    priority: EventPriority,
    following: Callable[[int], int],
    action: Callable[..., None],
    *args: str,
    affects_rules: bool = True,
) -> None:
    """Do *action* at every instant that *following* gives, from the start of the run on."""

    def act(now_us: int) -> None:
        next_us = following(now_us)
        account.agenda.schedule(next_us, priority, act, next_us, affects_rules=affects_rules)
        if now_us > known_us:
            action(account, *args)

    # What comes at the very instant at which a run is continued comes in it.
    scenario = account.scenario
    known_us = scenario.begin_us - (scenario.begin_us > scenario.start_us)
    act(known_us)


def _next_hour(us: int) -> int:
    return (us // HOUR + 1) * HOUR


def _subjects(timeline: SetupTimeline, name: str) -> set[str]:
    return {step.subject for step in timeline.steps if step.step == name}


def _step(account: Account, step: Step) -> None:
    """Let a step be refused, or change the account when it is done."""
    is_past = account.scenario.is_past
    if step.refused and step.began_us is not None:
        if not is_past(step.began_us):
            subject = f"{step.name}: {step.refused}"
            account.agenda.schedule(
                step.began_us,
                EventPriority.ONBOARDING,
                account.emit,
                "step_refused",
                subject,
                affects_rules=False,
            )
    elif step.done_us is not None and step.step in commands.STEP_EVENTS:
        if is_past(step.done_us):
            commands.enter(account, step.step, step.subject)
            return
        done = (commands.get_started, account, step.step, step.subject)
        account.agenda.schedule(step.done_us, EventPriority.ONBOARDING, *done)


def _templates(account: Account, timeline: SetupTimeline) -> None:
    for template in account.scenario.templates:
        usable_us = timeline.usable_us(template.name, account.scenario.start_us)
        if usable_us is not None:
            _activate(account, template.name, usable_us)


def _activate(account: Account, template: str, usable_us: int) -> None:
    if account.scenario.is_past(usable_us):
        account.usable.add(template)
    else:
        account.agenda.schedule(
            usable_us, EventPriority.TEMPLATE, commands.make_usable, account, template
        )


def _purchases(account: Account, timeline: SetupTimeline) -> None:
    """Scenario packages are bought when their time has come and a first template is approved."""
    scenario = account.scenario
    approvals = [
        reviews[-1].decided_us for reviews in timeline.reviews if reviews and reviews[-1].approved
    ]
    handed_in = _subjects(timeline, TEMPLATE)
    if any(template.name not in handed_in for template in scenario.templates):
        approvals.append(scenario.start_us)
    _packages_in_force(account)
    if not approvals:
        return
    for package in scenario.purchases:
        wanted_us = to_us(package.at) if package.at else scenario.start_us
        when_us = max(wanted_us, scenario.start_us, min(approvals))
        if when_us >= scenario.begin_us:
            account.agenda.schedule(when_us, EventPriority.PURCHASE, _purchase, account, package)


def _purchase(account: Account, package: Package) -> None:
    until_us = _until_us(account, package, account.now_us)
    commands.buy(account, package.country, package.segments, package.price_micro, until_us)


def _packages_in_force(account: Account) -> None:
    """Packages of before the run, and the notices of their quota."""
    held = [(to_us(p.in_force), p) for p in account.scenario.packages if p.in_force is not None]
    for since_us, package in sorted(held, key=lambda one: one[0]):
        until_us = _until_us(account, package, since_us)
        left = package.segments if package.left is None else package.left
        commands.hold(account, package.country, left, since_us, until_us)
    opening = account.scenario.opening
    for country, quota in account.countries.items():
        state = None if opening is None else opening.countries.get(country)
        quota.open(
            seen=None if state is None else state.run_out_armed,
            low_armed=None if state is None else state.low_quota_armed,
            suspended=state is not None and state.suspended,
        )


def _until_us(account: Account, package: Package, since_us: int) -> int:
    """The first instant at which a package cannot be used."""
    if package.ends is not None:
        return to_us(package.ends)
    zone, days, months = (
        account.scenario.account.expiry_zone,
        package.valid_days,
        package.valid_months,
    )
    return ends_us(since_us, zone, valid_days=days, valid_months=months)
