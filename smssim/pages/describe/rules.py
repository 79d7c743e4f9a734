"""The rules that a scenario switches on, a sentence or two each, with its own numbers."""

from __future__ import annotations

from collections.abc import Iterator

from smssim.pages.describe.markdown import counted, delay, listed, number, plain, value_text
from smssim.pages.describe.study import Study
from smssim.scenario import Calls, GroupTask, registrations
from smssim.scenario.errors.problems import ScenarioError, as_written
from smssim.sms.reference import MAINLAND

__all__ = ["rules"]


def rules(study: Study) -> list[str]:
    """All of them, in the order in which a message meets them."""
    parts = (_start, _review, _judged, _packages, _money, _thresholds, _queue, _delivery)
    return [sentence for rule_of in (*parts, _callback, _again) for sentence in rule_of(study)]


def _start(study: Study) -> Iterator[str]:
    scenario = study.scenario
    onboarding = scenario.onboarding
    if onboarding is None:
        yield "Getting started: the account is enabled before the start."
    elif onboarding.account_type == "personal":
        yield (
            "Getting started: the account is a personal one, which is refused when its "
            "authentication would begin; it is never enabled, and all messages are refused "
            "(E000109)."
        )
    elif onboarding.account_type == "unincorporated":
        yield (
            "Getting started: the account is that of an unincorporated business, which is refused "
            "when the service would be enabled: all messages are refused (E000109)."
        )
    else:
        yield (
            "Getting started: the account is registered, authenticated, enabled and given its "
            "details, each step as soon as the one before it is done, or when it is tried; one "
            "that "
            "is tried too early is refused, and so is all that needs it. Messages are refused "
            "(E000109) until it is enabled. Since 2025-01-10 Huawei enables no new users."
        )
    try:
        countries = list(registrations(scenario))
    except (ScenarioError, ValueError):
        countries = sorted(scenario.registrations)
    if countries:
        named = listed(countries)
        yield f"Registrations: {named} must be registered before messages are delivered."


def _review(study: Study) -> Iterator[str]:
    scenario = study.scenario
    handed_in = [t.name for t in scenario.templates if t.submitted is not None]
    if not handed_in and scenario.onboarding is None:
        return
    review = scenario.review
    who = (
        "decided after the delays of item 3.4"
        if review.reviewers is None
        else f"handled by {counted(review.reviewers, 'reviewer')}, one template at a time each"
    )
    named = f" ({listed(handed_in)})" if handed_in else ""
    yield (
        f"Review: templates that are handed in{named} are {who}, by a desk that works on Chinese "
        f"workdays from 09:00 to 18:00 GMT+8; a share of {number(review.rejection)} is rejected, "
        "mended and handed in again. They can be used some time after the approval."
    )


def _judged(study: Study) -> Iterator[str]:
    account = study.scenario.account
    yield (
        "Judgement: a request is refused as a whole at stage 1 (account, application, address, "
        "limits, more "
        "than 500 numbers), a number in the answer at stage 2 (template, flaws, frequency, full "
        "queue), a message by the platform at stage 3 (region, number rules, password, packages)."
    )
    if account.regions is not None:
        named = listed(account.regions) if account.regions else "no country"
        yield f"Region settings: messages to {named} alone are let through, others get E000628."
    if account.number_rules:
        rules = ", ".join(f"{rule.action} {plain(rule.pattern)}" for rule in account.number_rules)
        yield f"Number control: {rules}; what is denied and not allowed gets E000632."


def _packages(study: Study) -> Iterator[str]:
    account = study.scenario.account
    order = {
        "first_in_force": "the one in force first is used first",
        "nearest_expiry": "the one that ends first is used first",
    }[account.package_order]
    straddles = {
        ("by_mode", "pay_per_use"): "is split",
        ("by_mode", "suspend"): "is refused",
    }.get((account.straddle, account.service_mode), "is covered whole")
    yield (
        f"Packages: segments are deducted when a message is accepted; of several packages {order}. "
        f"They end at 23:59:59 in {account.expiry_zone}. In the service mode of the start, a "
        f"message of more segments than are left {straddles}."
    )
    if account.service_mode == "pay_per_use":
        yield (
            "Service mode 1 (pay_per_use) at the start: what no package covers is billed at the "
            f"country's price per segment, in {study.scenario.currency}."
        )
    else:
        scope = "that country" if account.suspend_scope == "country" else "any country"
        yield (
            "Service mode 2 (suspend) at the start: a message that its country's packages do not "
            f"suffice for is refused (E000629), and so are all later ones to {scope} until a "
            "package comes or the mode is switched; countries without packages for sale are always "
            "refused; nothing is billed by message."
        )
    for ticket in study.scenario.tickets:
        requests = [
            f"{name} {value_text(value)}"
            for name in ("service_mode", "daily_limit", "monthly_limit")
            if (value := getattr(ticket, name)) is not None
        ]
        yield f"Ticket: filed at {as_written(ticket.at)} for {listed(requests)}."


def _money(study: Study) -> Iterator[str]:
    account, currency = study.scenario.account, study.scenario.currency
    if account.balance is None:
        yield "Money: charges are settled at full hours; no balance is kept, and nothing freezes."
        return
    yield (
        f"Money: a prepaid balance of {number(account.balance)} {currency}; charges are settled at "
        "full hours, a balance below 0 freezes the account, and what still waits in a queue then "
        f"fails with {account.frozen_status}."
    )


def _thresholds(study: Study) -> Iterator[str]:
    rule = study.scenario.thresholds
    acts = "above" if rule.trips == "exceeds" else "at"
    refused = "with" if rule.counts_refused else "without"
    yield (
        f"Thresholds at the start: alarms at {number(rule.daily_alarm)} a day and "
        f"{number(rule.monthly_alarm)} a month, limits at {number(rule.daily_limit)} and "
        f"{number(rule.monthly_limit)}; UTC days and months; a value acts {acts} its count of "
        f"{rule.unit}s, {refused} those refused at stage 3. A limit stops sending (E000623) until "
        "the next day or month, or until it is raised."
    )
    if MAINLAND in study.countries:
        mainland = rule.mainland
        yield (
            f"Messages to mainland China are counted by themselves: alarms "
            f"{number(mainland.daily_alarm)} "
            f"and {number(mainland.monthly_alarm)}, limits {number(mainland.daily_limit)} and "
            f"{number(mainland.monthly_limit)}; what is billed of them is so when it is delivered."
        )
    if rule.countries:
        yield f"Limits of countries: {listed(rule.countries)} have their own (item 3.4)."


def _queue(study: Study) -> Iterator[str]:
    queue = study.scenario.queue
    scope = {
        "shared": "one queue for all messages",
        "application": "one queue per application",
        "route": "one queue per country",
    }[queue.scope]
    full = (
        "it never refuses"
        if queue.capacity is None
        else f"it refuses (E200015) what would find more than {number(queue.capacity)} waiting"
    )
    yield (
        f"Queue: {scope}, first in first out, {number(queue.throughput_per_s)} messages/s; {full}."
    )
    if study.has(GroupTask):
        yield (
            "Group tasks hand their numbers over one by one, all at the start of the task or at "
            "its "
            "pace."
        )


def _delivery(study: Study) -> Iterator[str]:
    yield (
        "Delivery: a sent message gets its final status by the shares of its country's route, "
        "after "
        "the route's delay; without a report in "
        f"{number(study.scenario.queue.validity_h)} h it is EXPIRED. A status "
        "that the route has from the platform (huawei) is a refusal at stage 3."
    )
    if study.has(Calls):
        yield "Calls that are written out may fix status, delay and segments of a number instead."


def _callback(study: Study) -> Iterator[str]:
    callback = study.scenario.callback
    tries = (
        f"tried again after {', '.join(map(number, callback.retries_s))} s"
        if callback.retries_s
        else "not tried again"
    )
    yield (
        "Delivery reports: one per segment of each message with a final status whose request or "
        f"application names an address; a push that fails is {tries}."
    )
    if callback.random_outages is not None:
        up, down = (delay(d) for d in (callback.random_outages.up, callback.random_outages.down))
        yield f"The customer's server is down by chance: up {up}, down {down}, by turns."
    if callback.outages:
        yield f"It is down in {counted(len(callback.outages), 'window')} that are known beforehand."


def _again(study: Study) -> Iterator[str]:
    if users := study.again("resend"):
        yield f"Users of {listed(users)} ask again when a message is late."
    if servers := study.again("server_resend"):
        yield f"The servers of {listed(servers)} send again what failed, by its status."
