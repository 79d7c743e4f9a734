"""The account: what it owns, what it has been told, and the verdict on one message.

Judging is scalar and stands here once; the engine judges whole blocks of messages by the same state
and comes here for each message at which that state turns.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import simpy

from smssim.model.agenda import Agenda, Happening
from smssim.model.packages import CountryQuota, Package
from smssim.model.queue import SendingQueue
from smssim.model.thresholds import ThresholdCounters
from smssim.scenario import Scenario, micro

FROZEN, LIMIT, COUNTRY_LIMIT = "E000112", "E000623", "E000630"
TEMPLATE, FULL, NO_QUOTA = "E200030", "E200015", "E000629"


class Withdrawal(NamedTuple):
    """What a freeze took back out of the queue: segments by package id, and charges."""

    segments: dict[int, int]
    cost_micro: int


class Line(Protocol):
    """What the account needs of whoever drives the messages."""

    def catch_up(self) -> None:
        """Account for every message before now."""

    def pending_micro(self) -> int:
        """The charges of messages before now that are not accounted for yet."""

    def pending_count(self) -> int:
        """What they add to the thresholds' counters."""

    def pending_segments(self, country: str) -> int:
        """What they take from a country's packages."""

    def withdraw(self) -> Withdrawal:
        """Fail every accepted message that still waits in a queue."""


class Verdict(NamedTuple):
    """What became of one number at the platform's door; code None means sent."""

    code: str | None
    sent_us: int | None = None
    parts: tuple[tuple[Package, int], ...] = ()
    cost_micro: int = 0


class Entry(NamedTuple):
    """One line of the ledger."""

    at_us: int
    entry: str
    country: str | None = None
    package: int | None = None
    segments: int | None = None
    amount_micro: int | None = None


class Account:
    """Packages, thresholds, money and switches of one account, in one SimPy environment.

    `version` grows with every change that may alter how messages are judged. Policies see it
    through `policies.AccountView`.
    """

    def __init__(self, env: simpy.Environment, scenario: Scenario, countries: list[str]) -> None:
        rules = scenario.account
        self.scenario = scenario
        self.agenda = Agenda(env)
        self.line: Line
        self.version = 0
        self.mode: str = rules.service_mode
        self.frozen = False
        self.balance_micro = None if rules.balance is None else micro(rules.balance)
        self.accrued_micro = 0
        self.thresholds = ThresholdCounters(scenario.thresholds)
        self.countries = {
            c: CountryQuota(c, rules.package_order, rules.low_quota.get(c))
            for c in sorted(countries)
        }
        self.suspended_all = False
        self.packages: list[Package] = []
        self.enabled = True
        self.created: set[str] = set()
        self.unregistered: set[str] = set()
        self.usable: set[str] = set()
        self.stopped: dict[str, int] = {}
        self.prices_micro = {c: micro(scenario.route(c).price) for c in self.countries}
        self.queues: dict[str, SendingQueue] = {}
        self.happenings: list[Happening] = []
        self.ledger: list[Entry] = []
        self._covers = rules.straddle == "cover"
        self._whole = rules.suspend_scope == "account"
        self._waiting: dict[str, list[simpy.Event]] = {}

    @property
    def now_us(self) -> int:
        """The present instant, microseconds since 1970."""
        return self.agenda.now_us

    def tell(self, event: str, subject: str = "", value: int | None = None) -> None:
        """Write an event down and wake whoever waits for it."""
        happening = Happening(self.now_us, event, subject, value)
        self.happenings.append(happening)
        for waiting in self._waiting.pop(event, []):
            waiting.succeed(happening)

    def wait(self, event: str) -> simpy.Event:
        """A SimPy event for the next happening of that name."""
        waiting = simpy.Event(self.agenda.env)
        self._waiting.setdefault(event, []).append(waiting)
        return waiting

    def quota(self, country: str) -> CountryQuota:
        """The quota of a country."""
        if country not in self.countries:
            raise ValueError(f"country(={country!r}) is not sent to in this scenario")
        return self.countries[country]

    # judging one message

    def suspended(self, country: str) -> bool:
        """Whether sending to a country is suspended for want of quota."""
        return self.suspended_all if self._whole else self.countries[country].suspended

    def refuse_request(self, country: str) -> str | None:
        """The code that refuses a whole request now, or None (place 1)."""
        if self.frozen:
            return FROZEN
        if self.thresholds.tripped:
            return LIMIT
        return COUNTRY_LIMIT if self.thresholds.country_tripped(country) else None

    def judge_number(
        self, country: str, segments: int, template: str, queue: str, platform: bool
    ) -> Verdict:
        """The verdict on one number of a request that was not refused as a whole (places 2 and 3).

        *platform* says that the platform's own review will refuse it. Whatever the verdict sets off
        happens at once.
        """
        if template not in self.usable:
            return Verdict(TEMPLATE)
        line = self.queues[queue]
        if line.full(self.now_us):
            return Verdict(FULL)
        if platform:
            verdict = Verdict("platform")
        else:
            verdict = self._charge(country, segments)
            if verdict.code is None:
                verdict = verdict._replace(sent_us=line.take(self.now_us))
        if verdict.code is None or self.thresholds.counts_refused:
            for fired in self.thresholds.count(country, segments):
                self.tell(*fired)
        return verdict

    def _charge(self, country: str, segments: int) -> Verdict:
        """Deduct a message from packages and charge the rest, or refuse it for want of quota."""
        quota = self.countries[country]
        left = quota.left
        short = segments - left
        if self.mode == "suspend":
            if self.suspended(country):
                return Verdict(NO_QUOTA)
            if short > 0 and not (self._covers and left):
                self._run_out(quota, left)
                self._suspend(quota)
                return Verdict(NO_QUOTA)
        parts = quota.take(segments)
        for package, _ in parts:
            if not package.left:
                self.tell("package_empty", str(package.id), 0)
        if parts and quota.low_reached():
            self.tell("low_quota", country, quota.left)
        if short > 0 and self._covers and left:
            short = 0
        if short > 0:
            self._run_out(quota, left)
        cost = max(0, short) * self.prices_micro[country]
        self.accrued_micro += cost
        return Verdict(None, parts=tuple(parts), cost_micro=cost)

    def _run_out(self, quota: CountryQuota, left: int) -> None:
        if quota.seen:
            quota.seen = False
            self.tell("run_out", quota.country, left)

    def _suspend(self, quota: CountryQuota) -> None:
        quota.suspended = not self._whole
        self.suspended_all = self._whole
        self.tell("suspended", "" if self._whole else quota.country)

    def resume(self, country: str) -> None:
        quota = self.countries[country]
        if self.suspended_all or quota.suspended:
            self.suspended_all, quota.suspended = False, False
            self.tell("resumed", "" if self._whole else country)

    def changed(self) -> None:
        """Account for all messages before now; those to come may be judged otherwise."""
        self.line.catch_up()
        self.version += 1
