"""The account of the oracle: what policies read and command, thresholds and money.

Written by docs/model.md alone, it shares no code with the engine; each rule is a short method.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import simpy
from oracle_quota import COMMAND, Moment, Package, Quota

from smssim import scenario as parts
from smssim.scenario import Scenario, check_thresholds, micro


@dataclass
class Period:
    """What is counted in one UTC day or month, with its alarm and its limits."""

    name: str
    alarm: int
    limit: int
    country_limits: dict[str, int]
    next_alarm: int = 0
    used: int = 0
    used_by_country: Counter[str] = field(default_factory=Counter)
    armed: bool = True
    fired: bool = False
    tripped: bool = False
    tripped_countries: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.next_alarm = self.alarm


class Limits(Quota):
    """An account's thresholds, and what they refuse."""

    def __init__(self, env: simpy.Environment, scenario: Scenario) -> None:
        super().__init__(env, scenario)
        values = self.values = scenario.thresholds
        daily = {c: v.daily for c, v in values.countries.items() if v.daily}
        monthly = {c: v.monthly for c, v in values.countries.items() if v.monthly}
        self.day = Period("day", values.daily_alarm, values.daily_limit, daily)
        self.month = Period("month", values.monthly_alarm, values.monthly_limit, monthly)

    def used(self, period: str) -> int:
        """What is counted so far in this "day" or "month"."""
        return {"day": self.day, "month": self.month}[period].used

    def refusal(self, country: str) -> str | None:
        """Place 1: the code that refuses a whole request, if any."""
        if self.frozen:
            return "E000112"
        if self.day.tripped or self.month.tripped:
            return "E000623"
        if country in self.day.tripped_countries | self.month.tripped_countries:
            return "E000630"
        return None

    def reached(self, used: int, value: int) -> bool:
        """Whether an alarm or limit acts."""
        return used >= value if self.values.trips == "reaches" else used > value

    def count(self, country: str, segments: int) -> None:
        """Count one message, and look at alarms and limits."""
        weight = segments if self.values.unit == "segment" else 1
        for period in (self.day, self.month):
            period.used += weight
            period.used_by_country[country] += weight
        for period in (self.day, self.month):
            self._look_at_period(period)
        for period in (self.day, self.month):
            self._look_at_country(period, country)

    def _look_at_period(self, period: Period) -> None:
        if period.armed and self.reached(period.used, period.alarm):
            period.armed, period.fired = False, True
            self.tell("alarm", period.name, period.used)
        if not period.tripped and self.reached(period.used, period.limit):
            period.tripped = True
            self.tell("limit", period.name, period.used)

    def _look_at_country(self, period: Period, country: str) -> None:
        limit, used = period.country_limits.get(country), period.used_by_country[country]
        if limit is None or country in period.tripped_countries or not self.reached(used, limit):
            return
        period.tripped_countries.add(country)
        self.tell("country_limit", f"{country} {period.name}", used)

    def turn(self, period: Period) -> None:
        """A new UTC day or month: count from 0, arm the alarm, lift the limits."""
        period.used = 0
        period.used_by_country.clear()
        period.alarm, period.armed, period.fired = period.next_alarm, True, False
        if period.tripped:
            period.tripped = False
            self.tell("recovered", period.name)
        for country in sorted(period.tripped_countries):
            period.tripped_countries.discard(country)
            self.tell("recovered", f"{country} {period.name}")

    def thresholds_change(self, values: dict[str, int]) -> None:
        """New values take effect, each by its own rule; a raised limit lets sending recover."""
        for name, value in values.items():
            period = self.day if name.startswith("daily") else self.month
            change = self._alarm_changes if name.endswith("alarm") else self._limit_changes
            if change(period, value):
                self.tell("thresholds_set", name, value)
        for period in (self.day, self.month):
            if period.tripped and not self.reached(period.used, period.limit):
                period.tripped = False
                self.tell("recovered", period.name)

    def _limit_changes(self, period: Period, value: int) -> bool:
        changed, period.limit = value != period.limit, value
        return changed

    def _alarm_changes(self, period: Period, value: int) -> bool:
        changed, period.next_alarm = value != period.next_alarm, value
        if not period.fired:
            period.alarm = value
        elif value > period.alarm:
            period.alarm, period.armed = value, True
        return changed


class Account(Limits):
    """One customer's account: its money, and the interface of policies."""

    def __init__(self, env: simpy.Environment, scenario: Scenario) -> None:
        super().__init__(env, scenario)
        self.accrued_micro = 0
        self.stopped: set[str] = set()
        names = ("daily_alarm", "daily_limit", "monthly_alarm", "monthly_limit")
        self._last_ordered = {name: getattr(self.values, name) for name in names}

    def thresholds(self) -> dict[str, int]:
        """What a policy reads: the four values as last ordered."""
        return dict(self._last_ordered)

    # What policies command: checked when given, in effect a microsecond later.

    def buy_package(
        self,
        country: str,
        segments: int,
        price: float,
        valid_months: int | None = None,
        valid_days: int | None = None,
    ) -> None:
        """Buy a package; the price is in units of the currency."""
        offer = parts.Package(
            country=country,
            segments=segments,
            price=price,
            valid_months=valid_months,
            valid_days=valid_days,
        )
        self._command(lambda: self.buy(offer))

    def set_thresholds(self, **values: int) -> None:
        """Change alarms and limits, within the console's rules and the approved quota."""
        ordered = {**self._last_ordered, **values}
        check_thresholds(**ordered)
        for name in ("daily_limit", "monthly_limit"):
            if ordered[name] > getattr(self.scenario.quota, name):
                raise ValueError(f"{name}(={ordered[name]}) must be within the approved quota")
        self._last_ordered = ordered
        self._command(lambda: self.thresholds_change(values))

    def switch_mode(self, mode: str) -> None:
        """Switch to "pay_per_use" or "suspend"."""
        if mode not in ("pay_per_use", "suspend"):
            raise ValueError(f"mode(={mode!r}) must be pay_per_use or suspend")
        self._command(lambda: self.mode_changes(mode))

    def stop_source(self, name: str) -> None:
        """Stop a source for good."""
        self._command(lambda: self.source_stops(name))

    def top_up(self, amount: float) -> None:
        """Pay in money, in units of the currency."""
        self._command(lambda: self.money_comes(micro(amount)))

    def _command(self, effect: Callable[[], None]) -> None:
        moment = Moment(self.env, self.env.now + 1, COMMAND)
        moment.callbacks.append(lambda _: effect())

    def source_stops(self, name: str) -> None:
        """A source bears no message from now on."""
        self.stopped.add(name)
        self.tell("source_stopped", name)

    # Rules: money.

    def settle(self) -> bool:
        """The full hour: what accrued is booked and paid; tell whether the account must freeze."""
        if self.accrued_micro:
            self.book("settlement", amount=self.accrued_micro)
        if self.balance_micro is None:
            self.accrued_micro = 0
            return False
        self.balance_micro -= self.accrued_micro
        self.accrued_micro = 0
        return self.balance_micro < 0 and not self.frozen

    def freeze(self, returned: list[tuple[Package, int]], charges: int) -> None:
        """The freeze: quota and charges of the messages that failed come back, then it is told."""
        self.frozen = True
        self.accrued_micro -= charges
        countries = {package.country for package, _ in returned if package.in_force}
        for package in self.packages:
            n = sum(n for whose, n in returned if whose is package)
            if n:
                self._give_back(package, n)
        for country in countries:
            self.quota_comes(country)
        self.tell("frozen", "", self.balance_micro)
        for country in sorted(countries):
            self.resume(country)

    def _give_back(self, package: Package, segments: int) -> None:
        package.used -= segments
        if package.in_force:
            package.left += segments
        else:
            package.expired += segments
        self.book("returned", package, segments)
        if not package.in_force:
            self.book("expired", package, segments)

    def money_comes(self, amount: int) -> None:
        """A top-up; it thaws an account that it brings back to 0."""
        self.book("top_up", amount=amount)
        self.tell("topped_up", "", amount)
        if self.balance_micro is None:
            return
        self.balance_micro += amount
        if self.frozen and self.balance_micro >= 0:
            self.frozen = False
            self.tell("thawed", "", self.balance_micro)
