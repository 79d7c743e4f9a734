"""Puts on the agenda what the calendar and the scenario bring, whatever is sent."""

from __future__ import annotations

from collections.abc import Callable

from smssim.calendars import HOUR, end_of_validity, next_day, next_month, to_us
from smssim.model import changes, money
from smssim.model.account import Account
from smssim.model.agenda import Rank
from smssim.model.review import Decision
from smssim.model.settings import plan_settings, plan_tickets
from smssim.scenario import Package, Template, micro


def plan(account: Account, courses: list[list[Decision]]) -> None:
    """Schedule everything that will happen to the account whatever is sent."""
    start_us = account.scenario.start_us
    plan_tickets(account)
    _repeat(account, Rank.DAY_TURN, next_day, lambda: changes.turn(account, "day"), start_us)
    _repeat(account, Rank.MONTH_TURN, next_month, lambda: changes.turn(account, "month"), start_us)
    _repeat(
        account, Rank.SETTLEMENT, _next_hour, lambda: money.settle(account), start_us, cuts=False
    )
    _templates(account, courses)
    plan_settings(account)
    _purchases(account, courses)


def _next_hour(us: int) -> int:
    return (us // HOUR + 1) * HOUR


def _repeat(
    account: Account,
    rank: Rank,
    following: Callable[[int], int],
    action: Callable[[], None],
    after_us: int,
    *,
    cuts: bool = True,
) -> None:
    when_us = following(after_us)

    def act() -> None:
        _repeat(account, rank, following, action, when_us, cuts=cuts)
        action()

    account.agenda.at(when_us, rank, act, changes=cuts)


def _templates(account: Account, courses: list[list[Decision]]) -> None:
    scenario = account.scenario
    for template, course in zip(scenario.templates, courses, strict=True):
        if template.submitted is None:
            account.usable.add(template.name)
        elif course and course[-1].approved:
            _activate(account, template, course[-1].usable_us)


def _activate(account: Account, template: Template, usable_us: int) -> None:
    if usable_us <= account.scenario.start_us:
        account.usable.add(template.name)
    else:
        account.agenda.at(
            usable_us, Rank.TEMPLATE, lambda: changes.make_usable(account, template.name)
        )


def _purchases(account: Account, courses: list[list[Decision]]) -> None:
    """Scenario packages are bought when their time has come and a first template is approved."""
    scenario = account.scenario
    approvals = [course[-1].decided_us for course in courses if course and course[-1].approved]
    if any(template.submitted is None for template in scenario.templates):
        approvals.append(scenario.start_us)
    if not approvals:
        return
    for package in scenario.packages:
        wanted_us = to_us(package.at) if package.at else scenario.start_us
        when_us = max(wanted_us, scenario.start_us, min(approvals))
        account.agenda.at(when_us, Rank.PURCHASE, _purchase(account, package))


def _purchase(account: Account, package: Package) -> Callable[[], None]:
    def act() -> None:
        zone = account.scenario.account.expiry_zone
        plain = package.valid_months is None and package.valid_days is None
        months = 1 if plain else package.valid_months
        ends_us = end_of_validity(account.now_us, zone, days=package.valid_days, months=months)
        price_micro = micro(package.price)
        changes.buy(account, package.country, package.segments, price_micro, ends_us)

    return act
