"""The account: what policies read and command, and money.

Written from docs/model.md alone; each rule is a short method.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from smssim import scenario as parts
from smssim.calendars import MINUTE, to_us
from smssim.scenario import Scenario, check_thresholds, micro, microseconds
from smssim.simpy_model.console import Console
from smssim.simpy_model.environment import COMMAND, Environment, Moment
from smssim.simpy_model.message import Message
from smssim.simpy_model.packages import Package
from smssim.simpy_model.thresholds import MAINLAND
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["Account"]


class Account(Console):
    """One customer's account: its money, and the interface of policies."""

    def __init__(self, env: Environment, scenario: Scenario, marks: KeyedRandom) -> None:
        super().__init__(env, scenario, marks)
        self._accrued = 0
        self._delivered: list[tuple[int, int]] = []
        """Charges of messages to mainland China, each with the instant of its delivery."""
        self.stopped: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.refused: dict[str, str] = {}
        names = ("daily_alarm", "daily_limit", "monthly_alarm", "monthly_limit")
        self._last_ordered = {name: getattr(self.values, name) for name in names}

    # What policies command: checked when given, in effect a microsecond later.

    def check_sold(self, country: str) -> None:
        """Raise a ValueError for a country that no package can be bought for."""
        if country == MAINLAND or country not in self.rules.package_countries:
            raise ValueError(f"country(={country!r}) must be one with packages")

    def buy_package(
        self,
        country: str,
        segments: int,
        price: float,
        valid_months: int | None = None,
        valid_days: int | None = None,
    ) -> None:
        """Buy a package; the price is in units of the currency."""
        self.check_sold(country)
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
        for name, most in self.quota.items():
            if ordered[name] > most:
                raise ValueError(f"{name}(={ordered[name]}) must be within the approved quota")
        if sum(self.month.country_limits.values()) > ordered["monthly_limit"]:
            raise ValueError("monthly_limit must be at least the sum of the countries' limits")
        self._last_ordered = ordered
        self._command(lambda: self.thresholds_change(values))

    def thresholds(self) -> dict[str, int]:
        """The four values as last commanded."""
        return dict(self._last_ordered)

    def switch_mode(self, mode: str) -> None:
        """Ask by ticket for "pay_per_use" or "suspend"."""
        if mode not in ("pay_per_use", "suspend"):
            raise ValueError(f"mode(={mode!r}) must be pay_per_use or suspend")
        self._ticket(lambda: self.mode_changes(mode))

    def raise_quota(self, daily_limit: int | None = None, monthly_limit: int | None = None) -> None:
        """Ask by ticket for greater limits than are approved."""
        values = {"daily_limit": daily_limit, "monthly_limit": monthly_limit}
        wanted = {name: value for name, value in values.items() if value is not None}
        if not wanted or min(wanted.values()) < 1:
            raise ValueError(f"raise_quota must be given positive values, not {values}")
        self._ticket(lambda: self.quota_rises(wanted))

    def set_regions(self, countries: Iterable[str]) -> None:
        """Send to these countries only."""
        named = set(countries)
        wrong = [country for country in named if not re.fullmatch("[A-Z]{2}", country)]
        if wrong:
            raise ValueError(f"countries(={wrong}) must be two capital letters each")
        after = microseconds(self.rules.regions_after_s)
        self._command(lambda: self.regions_change(named), after)

    def deny_numbers(self, pattern: str) -> None:
        """Block numbers that begin so."""
        self._number_rule("deny", pattern)

    def allow_numbers(self, pattern: str) -> None:
        """Let numbers that begin so through, whatever else is denied."""
        self._number_rule("allow", pattern)

    def stop_source(self, name: str) -> None:
        """Stop a source for good."""
        self._command(lambda: self.source_stops(name))

    def cancel_task(self, name: str) -> None:
        """Cancel a group task that is made and starts in at least 5 minutes."""
        task = next(task for task in self.scenario.tasks if task.name == name)
        made = to_us(task.created) if task.created else min(self.scenario.start_us, to_us(task.at))
        early = to_us(task.at) - self.env.now >= 5 * MINUTE
        if name in self.refused or name in self.cancelled or self.env.now < made or not early:
            raise ValueError(f"{name} cannot be cancelled now")
        self._command(lambda: self.task_is_cancelled(name))

    def top_up(self, amount: float) -> None:
        """Pay in money, in units of the currency."""
        self._command(lambda: self.money_comes(micro(amount)))

    def _number_rule(self, action: str, pattern: str) -> None:
        self.check_pattern(pattern)
        after = microseconds(self.rules.number_rules_after_s)
        self._command(lambda: self.number_rule_comes(action, pattern), after)

    def _ticket(self, effect: Callable[[], None]) -> None:
        self._command(effect, self.next_ticket_takes())

    def _command(self, effect: Callable[[], None], after: int = 0) -> None:
        moment = Moment(self.env, self.env.now + max(1, after), COMMAND)
        moment.callbacks.append(lambda _: effect())

    def source_stops(self, name: str) -> None:
        """A source bears no message from now on."""
        self.stopped.setdefault(name, self.env.now)
        self.tell("source_stopped", name)

    def task_is_cancelled(self, name: str) -> None:
        """A group task bears no message; it has one event."""
        if name not in self.cancelled:
            self.cancelled.add(name)
            self.tell("task_cancelled", name)

    # Rules: money.

    @property
    def accrued_micro(self) -> int:
        """What accrued since the last full hour."""
        return self.accrued_micro_until(self.env.now)

    def accrued_micro_until(self, until: int) -> int:
        """What accrued since the last full hour, with deliveries in mainland China before *until*:
        those of this very instant may be known or not, so they count from the next one on.
        """
        self._accrued += sum(charge for at, charge in self._delivered if at < until)
        self._delivered = [(at, charge) for at, charge in self._delivered if at >= until]
        return self._accrued

    def charge(self, message: Message) -> None:
        """Deduct from packages; what they do not cover is paid, or covered by the straddle rule."""
        country, segments = message.country, message.segments
        left, covered = self.left(country), self.covered(country, segments)
        message.taken = self.deduct(country, segments)
        if covered:
            return
        self.runs_out(country, left)
        uncovered = segments - sum(n for _, n in message.taken)
        price = uncovered * self.price_micro(country)
        if country == MAINLAND:
            message.due = price
        else:
            message.cost = price
            self._accrued += price

    def price_micro(self, country: str) -> int:
        """The price of a segment now: that of the last of a country's dated prices to begin."""
        route, now = self.scenario.route(country), self.env.now
        price = route.price
        for dated in sorted(route.prices, key=lambda dated: dated.since):
            if to_us(dated.since) <= now:
                price = dated.price
        return micro(price)

    def charge_delivered(self, message: Message) -> None:
        """Charge a message to mainland China, which is paid for when it is delivered."""
        if message.due:
            message.cost = message.due
            self._delivered.append((self.env.now, message.due))

    def settle(self) -> bool:
        """The full hour: what accrued is booked and paid; tell whether the account must freeze."""
        due, self._accrued = self.accrued_micro, 0
        if due:
            self.book("settlement", amount=due)
        if self.balance_micro is None:
            return False
        self.balance_micro -= due
        return self.balance_micro < 0 and not self.frozen

    def freeze(self, failed: list[Message]) -> None:
        """The freeze: quota and charges of the messages that failed come back; then the event."""
        self.frozen = True
        self._accrued -= sum(message.cost for message in failed)
        returned = [part for message in failed for part in message.taken]
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
            package.quota.put(segments)
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
