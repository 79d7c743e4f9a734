"""The packages: quota in its order of use, run-out and suspension.

Written from docs/model.md alone; each rule is a short method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import simpy

from smssim import scenario as parts
from smssim.calendars import end_of_validity
from smssim.scenario import Scenario, micro
from smssim.simpy_model.environment import EXPIRY, Environment, Moment, Process

__all__ = ["Event", "Package", "Quota"]

_NOTIFYING = ("alarm", "limit", "low_quota")


class Event(NamedTuple):
    """A row of the table of events, and what a policy gets that waited for it."""

    at: int
    event: str
    subject: str
    value: int | None


@dataclass
class Package:
    """Prepaid segments to one country, and what became of them; what is left is a Container."""

    id: int
    country: str
    segments: int
    price: int
    in_force_at: int
    ends_at: int
    quota: simpy.Container
    used: int = 0
    expired: int = 0
    in_force: bool = True

    @property
    def left(self) -> int:
        """Segments that are left; 0 when it has expired."""
        return int(self.quota.level)

    def as_row(self) -> tuple[Any, ...]:
        """This package as a row of its table."""
        known = (self.id, self.country, self.segments, self.price, self.in_force_at, self.ends_at)
        return (*known, self.used, self.expired, self.left)


class _Books:
    """Where an account's events and ledger are written down, and who waits for them."""

    def __init__(self, env: Environment, scenario: Scenario) -> None:
        self.env, self.scenario, self.rules = env, scenario, scenario.account
        self.balance_micro = None if self.rules.balance is None else micro(self.rules.balance)
        self.frozen = False
        self.events: list[Event] = []
        self.ledger: list[tuple[Any, ...]] = []
        self._waiting: dict[tuple[str, str | None], list[simpy.Event]] = {}

    def wait(self, kind: str, subject: str | None = None) -> simpy.Event:
        """Give a SimPy event for the next event of that kind, and subject if one is named."""
        event = self.env.event()
        self._waiting.setdefault((kind, subject), []).append(event)
        return event

    def tell(self, event: str, subject: str = "", value: int | None = None) -> None:
        """Write an event down and wake who waits for its kind."""
        happened = Event(self.env.now, event, subject, value)
        self.events.append(happened)
        for named in (None, subject):
            for waiter in self._waiting.pop((event, named), []):
                waiter.succeed(happened)
        if event in _NOTIFYING:
            for contact in self.rules.contacts:
                if contact.traffic_warning:
                    self.tell("notified", contact.name)

    def book(
        self,
        entry: str,
        package: Package | None = None,
        segments: int | None = None,
        amount: int | None = None,
    ) -> None:
        """Write a row of the ledger."""
        whose = (package.country, package.id) if package else (None, None)
        self.ledger.append((self.env.now, entry, *whose, segments, amount))


class Quota(_Books):
    """An account's packages, and what their running out means in its mode."""

    def __init__(self, env: Environment, scenario: Scenario) -> None:
        super().__init__(env, scenario)
        self.mode: str = self.rules.service_mode
        self.packages: list[Package] = []
        self.suspended: set[str] = set()
        self.quota_seen: set[str] = set()
        self.low_quota_armed: set[str] = set()

    def left(self, country: str) -> int:
        """Segments left in all packages of a country in force."""
        return sum(package.left for package in self.in_force(country))

    # Rules: packages.

    def in_force(self, country: str) -> list[Package]:
        """The packages of a country in force, in their order of use."""
        packages = [p for p in self.packages if p.country == country and p.in_force]
        if self.rules.package_order == "nearest_expiry":
            packages.sort(key=lambda p: (p.ends_at, p.id))
        return packages

    def buy(self, offer: parts.Package) -> None:
        """A purchase: refused to who is frozen or too poor, else in force and paid at once."""
        price = micro(offer.price)
        if offer.price_per_segment is not None:
            price = offer.segments * micro(offer.price_per_segment)
        if self.frozen or (self.balance_micro is not None and self.balance_micro < price):
            self.tell("purchase_refused", offer.country, offer.segments)
            return
        months = offer.valid_months or (None if offer.valid_days else 1)
        ends_at = end_of_validity(
            self.env.now, self.rules.expiry_zone, days=offer.valid_days, months=months
        )
        package = Package(
            len(self.packages),
            offer.country,
            offer.segments,
            price,
            self.env.now,
            ends_at,
            simpy.Container(self.env, capacity=offer.segments, init=offer.segments),
        )
        self.packages.append(package)
        self.env.process(self._expiry(package))
        if self.balance_micro is not None:
            self.balance_micro -= price
        self.book("purchase", package, package.segments, price)
        self.tell("package_bought", str(package.id), package.segments)
        self.quota_comes(package.country)
        self.resume(package.country)

    def _expiry(self, package: Package) -> Process:
        yield Moment(self.env, package.ends_at, EXPIRY)
        self.package_expires(package)

    def package_expires(self, package: Package) -> None:
        """The end of a package: what is left of it is lost."""
        left, package.in_force = package.left, False
        package.expired += left
        if left:
            package.quota.get(left)
            self.book("expired", package, left)
        self.tell("package_expired", str(package.id), left)
        self.look_at_low_quota(package.country)

    def quota_comes(self, country: str) -> None:
        """A country's quota has grown: it can run out again, and be low again."""
        self.quota_seen.add(country)
        if country in self.rules.low_quota and self.left(country) > self.rules.low_quota[country]:
            self.low_quota_armed.add(country)

    def look_at_low_quota(self, country: str) -> None:
        """The notice that a country's quota has come down to its mark."""
        left = self.left(country)
        if country in self.low_quota_armed and left <= self.rules.low_quota[country]:
            self.low_quota_armed.discard(country)
            self.tell("low_quota", country, left)

    def covered(self, country: str, segments: int) -> bool:
        """Whether packages cover a message, if only by the rule of the straddling one."""
        left = self.left(country)
        return left >= segments or (self.rules.straddle == "cover" and left >= 1)

    def deduct(self, country: str, segments: int) -> list[tuple[Package, int]]:
        """Take a message's segments from the packages, as far as they go."""
        taken: list[tuple[Package, int]] = []
        for package in self.in_force(country):
            n = min(package.left, segments - sum(n for _, n in taken))
            if n:
                package.quota.get(n)
                package.used += n
                taken.append((package, n))
        for package, _ in taken:
            if package.left == 0:
                self.tell("package_empty", str(package.id), 0)
        if taken:
            self.look_at_low_quota(country)
        return taken

    # Rules: run out, suspended, resumed.

    def runs_out(self, country: str, left: int) -> bool:
        """Quota does not cover a message: tell whether it is the first since quota last came."""
        first = country in self.quota_seen
        if first:
            self.quota_seen.discard(country)
            self.tell("run_out", country, left)
        return first

    def subject_of_suspension(self, country: str) -> str:
        """What is suspended when a country runs out: the country, or "" for all of the account."""
        return country if self.rules.suspend_scope == "country" else ""

    def refuses_for_quota(self, country: str, segments: int) -> bool:
        """Mode suspend: whether a message is refused; the one that runs out suspends sending."""
        if self.mode != "suspend":
            return False
        subject = self.subject_of_suspension(country)
        if subject in self.suspended:
            return True
        if self.covered(country, segments):
            return False
        self.runs_out(country, self.left(country))
        self.suspended.add(subject)
        self.tell("suspended", subject)
        return True

    def resume(self, country: str) -> None:
        """Quota of a country ends its suspension, or the whole account's."""
        subject = self.subject_of_suspension(country)
        if subject in self.suspended:
            self.suspended.discard(subject)
            self.tell("resumed", subject)

    def mode_changes(self, mode: str) -> None:
        """The switch of the service mode; paying per use ends all suspensions."""
        self.mode = mode
        self.tell("mode_switched", mode)
        if mode == "pay_per_use":
            for subject in sorted(self.suspended):
                self.suspended.discard(subject)
                self.tell("resumed", subject)
