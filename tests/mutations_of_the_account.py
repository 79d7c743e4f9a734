"""Mutations of the account: refusals, counting, packages, thresholds, money, people."""

from __future__ import annotations

from typing import Any

import numpy as np
import simpy
from mutant_plugin import Mutation
from mutation_kit import after, nothing, returns, sets, then, value, without

from smssim.calendars import DAY, to_us

_REQUEST = "smssim.simulation.account.account:Account.refuse_request"
_RULES = "smssim.simulation.rules.settings"
_FREQUENCY = "smssim.simulation.rules.frequency"
_QUOTA = "smssim.simulation.account.thresholds:ApprovedQuota"


def _at_once(*steps: str) -> Any:
    """The moment at which something was saved, as that from which it is in force."""

    def make(original: Any) -> Any:
        def in_force_us(self: Any, part: Any) -> Any:
            saved = next(getattr(part, step) for step in steps if hasattr(part, step))
            return self.account.scenario.start_us if saved is None else to_us(saved)

        return in_force_us

    return make


def _in_mode_1(original: Any) -> Any:
    def charge(self: Any, country: str, segments: int) -> Any:
        mode, self.mode = self.mode, "pay_per_use"
        try:
            return original(self, country, segments)
        finally:
            self.mode = mode

    return charge


def _in_file_order(original: Any) -> Any:
    return lambda self, country, order, low: original(self, country, "first_in_force", low)


def _zone_of_the_platform(original: Any) -> Any:
    return lambda us, zone, *, days, months: original(us, days=days, months=months)


def _first_alone(original: Any) -> Any:
    return lambda self, package: None if self.packages else original(self, package)


def _for_indonesia(original: Any) -> Any:
    return lambda account, country, *rest: original(account, "ID", *rest)


def _for_nothing(original: Any) -> Any:
    return lambda account, country, n, price, ends: original(account, country, n, 0, ends)


def _on_credit(original: Any) -> Any:
    def buy(account: Any, *args: Any) -> None:
        balance, account.balance_micro = account.balance_micro, None
        original(account, *args)
        account.balance_micro = balance

    return buy


def _all_counted(original: Any) -> Any:
    return lambda account, sent, platform_refused: None


def _alarm_at_once(original: Any) -> Any:
    def set_alarm(self: Any, new: int) -> None:
        self._next_alarm, self.alarm, self.alarm_armed = new, new, True

    return set_alarm


def _limit_that_stays_tripped(original: Any) -> Any:
    def set_limit(self: Any, new: int) -> bool:
        self.limit = new
        return False

    return set_limit


def _never_thaws(original: Any) -> Any:
    def top_up(account: Any, amount_micro: int) -> None:
        frozen, account.frozen = account.frozen, False
        original(account, amount_micro)
        account.frozen = frozen

    return top_up


def _unchecked(original: Any) -> Any:
    def set_thresholds(self: Any, **values: int) -> None:
        from smssim.simulation.account import commands

        self._ordered |= values
        self._command(commands.set_thresholds, values)

    return set_thresholds


def _denied_at_all(original: Any) -> Any:
    from smssim.sms.phone_numbers import matches

    return lambda rules, number: any(a == "deny" and matches(p, number) for a, p in rules)


def _unstopped(self: Any, name: str) -> None:
    self._account.stopped.pop(name, None)


def _for_everybody(original: Any) -> Any:
    return lambda self, message_class: self._of_application.get(
        message_class.application, (0, 0, 0)
    )


def _as_one_request(original: Any) -> Any:
    """A task whose numbers of one instant are judged together."""

    def request_of(self: Any, batch: Any, index: int) -> Any:
        self.compiled.group, own = np.zeros_like(self.compiled.group), self.compiled.group
        try:
            return original(self, batch, index)
        finally:
            self.compiled.group = own

    return request_of


ACCOUNT = {
    "opening": Mutation(
        "smssim.scenario.scenario:Scenario.begin_us",
        lambda original: property(lambda self: self.start_us),
    ),
    "counters at the beginning": Mutation(
        "smssim.simulation.account.thresholds:Counter.open", returns(None)
    ),
    "packages in force": Mutation("smssim.simulation.account.commands:hold", returns(None)),
    "queue, money and notices at the beginning": Mutation(
        "smssim.simulation.account.account:Account._open", returns(None)
    ),
    "not enabled": Mutation(_REQUEST, without("E000109")),
    "no application": Mutation(_REQUEST, without("E000102")),
    "suspended application": Mutation(f"{_RULES}:Suspension.refuse", without("E000103")),
    "addresses": Mutation(f"{_RULES}:Addresses.refuse", returns(None)),
    "addresses take effect": Mutation(
        f"{_RULES}:Addresses.in_force_us", _at_once("addresses_saved")
    ),
    "frozen account": Mutation(_REQUEST, without("E000112")),
    "limit": Mutation(
        "smssim.simulation.account.thresholds:ThresholdCounters.tripped", returns(False)
    ),
    "limit within a group task": Mutation(
        "smssim.simulation.loop:ScalarJudge._request_of", _as_one_request
    ),
    "country limit": Mutation(
        "smssim.simulation.account.thresholds:ThresholdCounters.country_tripped", returns(False)
    ),
    "unregistered, by the supplier": Mutation(
        "smssim.simulation.account.account:Account.reported_instead", returns(None)
    ),
    "unregistered, by the platform": Mutation(f"{_RULES}:Registrations.refuse", returns(None)),
    "ticket for the mode": Mutation(f"{_QUOTA}.file", after(lambda latency: 1)),
    "ticket for the quota": Mutation(f"{_QUOTA}.grant", returns({})),
    "template not approved": Mutation(
        "smssim.simulation.account.schedule:_activate",
        lambda original: lambda account, name, usable_us: account.usable.add(name),
    ),
    "frequency whitelist": Mutation(f"{_FREQUENCY}:FrequencyLimits._of_class", _for_everybody),
    "frequency takes effect": Mutation(
        f"{_FREQUENCY}:FrequencyLimits.in_force_us", _at_once("saved")
    ),
    "region settings": Mutation(f"{_RULES}:Regions.refuse", returns(None)),
    "region settings by command": Mutation(f"{_RULES}:Regions.set_countries", returns(None)),
    "number control": Mutation(f"{_RULES}:NumberControl.refuse", returns(None)),
    "allow wins": Mutation("smssim.sms.phone_numbers:blocks", _denied_at_all),
    "number rules take effect": Mutation(f"{_RULES}:NumberControl.in_force_us", _at_once("saved")),
    "mode 2 reaches": Mutation("smssim.simulation.account.account:Account.reaches", returns(True)),
    "mode 2 run-out": Mutation("smssim.simulation.account.account:Account._charge", _in_mode_1),
    "cancelling command": Mutation("smssim.simulation.account.tasks:_CANCEL_BEFORE_US", value(0)),
    "cancelled task": Mutation("smssim.simulation.account.tasks:Tasks.cancel", then(_unstopped)),
    "end of the last day": Mutation(
        "smssim.calendars:end_of_validity", after(lambda ends_us: ends_us - DAY)
    ),
    "zone of the last day": Mutation("smssim.sms.packages:end_of_validity", _zone_of_the_platform),
    "what is left expires": Mutation("smssim.simulation.account.commands:expire", returns(None)),
    "order of packages": Mutation("smssim.sms.packages:CountryQuota.__init__", _in_file_order),
    "Huawei's two packages": Mutation("smssim.sms.packages:CountryQuota.add", _first_alone),
    "a country's own quota": Mutation("smssim.simulation.account.commands:buy", _for_indonesia),
    "suspension ends": Mutation("smssim.simulation.account.account:Account.resume", returns(None)),
    "low quota": Mutation("smssim.sms.packages:CountryQuota.low_reached", returns(False)),
    "UTC days and months": Mutation(
        "smssim.simulation.account.thresholds:Counter.turn", returns(False)
    ),
    "trips": Mutation(
        "smssim.simulation.account.thresholds:Counter.__init__",
        lambda original: lambda self, alarm, limit, exceeds: original(self, alarm, limit, True),
    ),
    "unit": Mutation(
        "smssim.simulation.account.thresholds:ThresholdCounters.__init__", sets(by_segment=False)
    ),
    "refused messages count": Mutation(
        "smssim.simulation.account.thresholds:ThresholdCounters.__init__",
        sets(counts_refused=False),
    ),
    "what does not count": Mutation("smssim.simulation.judge:counted_mask", _all_counted),
    "contacts": Mutation("smssim.simulation.account.account:NOTIFIED_EVENTS", value(frozenset())),
    "smaller alarm": Mutation(
        "smssim.simulation.account.thresholds:Counter.set_alarm", _alarm_at_once
    ),
    "raised limit": Mutation(
        "smssim.simulation.account.thresholds:Counter.set_limit", _limit_that_stays_tripped
    ),
    "mainland thresholds": Mutation(
        "smssim.simulation.account.thresholds:ThresholdCounters.side",
        lambda original: lambda self, country: self.total,
    ),
    "settlement": Mutation("smssim.simulation.account.money:settle", returns(None)),
    "freeze": Mutation("smssim.simulation.account.money:_freeze", returns(None)),
    "top-up": Mutation("smssim.simulation.account.money:top_up", _never_thaws),
    "purchase needs money": Mutation("smssim.simulation.account.commands:buy", _on_credit),
    "price of a package": Mutation("smssim.simulation.account.commands:buy", _for_nothing),
    "top up on low quota": Mutation(
        "smssim.simulation.policies.purchases:TopUpQuota.__call__", nothing
    ),
    "planned policies": Mutation(
        "smssim.simulation.simulate:planned_policies", after(lambda planned: planned[::-1][1:])
    ),
    "pay in": Mutation("smssim.simulation.policies.purchases:TopUpBalance.__call__", nothing),
    "raise the limit": Mutation("smssim.simulation.policies.console:RaiseLimit.__call__", nothing),
    "switch the mode": Mutation("smssim.simulation.policies.console:SwitchMode.__call__", nothing),
    "stop a source": Mutation("smssim.simulation.policies.console:StopSource.__call__", nothing),
    "packages by command": Mutation(
        "smssim.simulation.policies.account_view:AccountView.check_sold", returns(None)
    ),
    "counts and amounts of a policy": Mutation(
        "smssim.simulation.policies.reaction:_is_number", returns(True)
    ),
    "delays of a policy": Mutation(
        "smssim.simulation.loop:_Environment.schedule",
        lambda original: simpy.Environment.schedule,
    ),
    "thresholds by command": Mutation(
        "smssim.simulation.policies.account_view:AccountView.set_thresholds", _unchecked
    ),
}
