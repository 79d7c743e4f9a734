"""The account: its packages, thresholds, money and switches, and the verdict on one message.

Judging is scalar and written here once; the loop judges whole blocks of messages by the same state
and comes here for each message at which that state changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import simpy

from smssim.calendars import to_datetime
from smssim.scenario import Opening, Scenario, micro
from smssim.simulation.account.events import AccountEvent, Agenda
from smssim.simulation.account.thresholds import ApprovedQuota, ThresholdCounters
from smssim.sms.packages import CountryQuota, Package
from smssim.sms.reference import MAINLAND
from smssim.stats.keyed_random import KeyedRandom

__all__ = [
    "FULL",
    "NOTIFIED_EVENTS",
    "NO_QUOTA",
    "TEMPLATE",
    "Account",
    "Entry",
    "MessageClass",
    "SendingQueue",
    "Verdict",
    "Withdrawal",
]

_LONG_AGO = -(1 << 62)
_LONGEST_US = 1 << 61
"""A wait that no message has: what a run may let wait is less."""


class MessageClass(NamedTuple):
    """What is the same for many messages and decides how the console's settings judge them."""

    country: str
    template: str
    application: str
    queue: str
    address: str | None
    """The address its requests come from; None for one that every whitelist lets in."""
    beginning: str | None
    """How the recipients' numbers begin, as far as it is known."""
    whitelisted: bool
    """Whether the recipients' numbers are in the whitelist of the frequency limit."""


class SendingQueue:
    """A server that lets one message go every *gap_us*; with a *capacity* it refuses when that many
    wait.
    """

    def __init__(self, gap_us: int, capacity: int | None) -> None:
        self.gap_us = gap_us
        self.longest_wait_us = None if capacity is None else min(capacity * gap_us, _LONGEST_US)
        self.free_us = _LONG_AGO
        """When the next message can go."""

    def full(self, now_us: int) -> bool:
        """Whether a message would be refused now."""
        return self.longest_wait_us is not None and self.free_us - now_us > self.longest_wait_us

    def take(self, now_us: int) -> int:
        """Let a message in; return when it goes."""
        sent_us = max(now_us, self.free_us)
        self.free_us = sent_us + self.gap_us
        return sent_us


TEMPLATE, FULL, NO_QUOTA = "E200030", "E200015", "E000629"
NOTIFIED_EVENTS = frozenset(("alarm", "limit", "low_quota"))
"""Events that contacts are notified of."""


class Withdrawal(NamedTuple):
    """What a freeze took back from the queue: segments by package id, and charges."""

    segments: dict[int, int]
    cost_micro: int


class _MessageDriver(Protocol):
    """What the account needs of the loop that drives the messages."""

    def catch_up(self) -> None:
        """Account for every message before now."""

    def pending_micro(self) -> int:
        """The charges of messages before now that are not accounted for yet."""

    def pending_count(self) -> int:
        """What they add to the thresholds' counters."""

    def pending_segments(self, country: str) -> int:
        """What they take from a country's packages."""

    def delivered_micro(self, before_us: int, *, book: bool) -> int:
        """The charges of mainland messages delivered before an instant and not booked yet; *book*
        says that they are booked now.
        """

    def withdraw(self) -> Withdrawal:
        """Fail every accepted message that still waits in a queue."""


class _RefusingRule(Protocol):
    """What the account needs of a rule that refuses classes of messages (`rules.Rule`)."""

    @property
    def active(self) -> bool:
        """Whether it refuses any message now; False is certain."""

    def refuse(self, message_class: MessageClass) -> str | None:
        """The code that refuses messages of a class now, or None."""

    def replace(self, message_class: MessageClass) -> str | None:
        """The status that is reported of messages of a class instead of theirs, or None."""


class Verdict(NamedTuple):
    """The outcome of one number at the platform; code None means sent, and "own" that its own
    sampled code refuses it, at *stage* 1, 2 or 3.
    """

    code: str | None
    stage: int = 0
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

    def __init__(
        self, env: simpy.Environment, scenario: Scenario, countries: list[str], random: KeyedRandom
    ) -> None:
        rules = scenario.account
        self.scenario = scenario
        self.agenda = Agenda(env)
        self.driver: _MessageDriver
        self.version = 0
        self.mode: str = rules.service_mode
        self.frozen = False
        self.balance_micro = None if rules.balance is None else micro(rules.balance)
        self.accrued_micro = 0
        self.suspended_all = False
        self.quota = ApprovedQuota(scenario, random)
        self.request_rules: list[_RefusingRule] = []
        self.number_rules: list[_RefusingRule] = []
        self.thresholds = ThresholdCounters(scenario.thresholds, random, scenario.start_us)
        self.countries = {
            c: CountryQuota(c, rules.package_order, rules.low_quota.get(c))
            for c in sorted(countries)
        }
        self.packages: list[Package] = []
        self.enabled = True
        self.created: set[str] = set()
        self.unregistered: set[str] = set()
        self.usable: set[str] = set()
        self.stopped: dict[str, int] = {}
        self.prices_micro: dict[str, int] = {}
        self.set_prices()
        self.queues: dict[str, SendingQueue] = {}
        self.events: list[AccountEvent] = []
        self.ledger: list[Entry] = []
        self._covers = rules.straddle == "cover"
        self._whole = rules.suspend_scope == "account"
        self._waiting: dict[tuple[str, str | None], list[simpy.Event]] = {}
        if scenario.opening is not None:
            self._open(scenario.opening)

    def _open(self, opening: Opening) -> None:
        """Begin with the money and the counters of an opening; packages come by the schedule."""
        if opening.balance is not None:
            self.balance_micro = micro(opening.balance)
        self.accrued_micro = micro(opening.accrued)
        self.frozen, self.suspended_all = opening.frozen, opening.suspended
        self.thresholds.open(opening, self.scenario.start_us, self.scenario.begin_us)

    @property
    def now_us(self) -> int:
        """The present instant, microseconds since 1970."""
        return self.agenda.now_us

    def set_prices(self) -> None:
        """Let the prices of now hold for messages from now on."""
        now = to_datetime(self.now_us)
        for country in self.countries:
            self.prices_micro[country] = micro(self.scenario.route(country).price_at(now))
        # Mainland messages are billed when they are delivered: accepting them costs nothing.
        self.prices_micro[MAINLAND] = 0

    def emit(self, event: str, subject: str = "", value: int | None = None) -> None:
        """Record an event and wake the processes that wait for it."""
        event_row = AccountEvent(self.now_us, event, subject, value)
        self.events.append(event_row)
        for key in ((event, None), (event, subject)):
            for waiting in self._waiting.pop(key, []):
                waiting.succeed(event_row)
        if event in NOTIFIED_EVENTS:
            for contact in self.scenario.account.contacts:
                if contact.traffic_warning:
                    self.emit("notified", contact.name)

    def wait(self, event: str, subject: str | None = None) -> simpy.Event:
        """A SimPy event for the next event of that name, of that subject if one is named."""
        waiting = simpy.Event(self.agenda.env)
        self._waiting.setdefault((event, subject), []).append(waiting)
        return waiting

    def packages_of(self, country: str) -> CountryQuota:
        """The packages of a country; raise a ValueError for one that is not sent to."""
        if country not in self.countries:
            raise ValueError(f"country(={country!r}) is not sent to in this scenario")
        return self.countries[country]

    # Judging one message.

    def suspended(self, country: str) -> bool:
        """Whether sending to a country is suspended for want of quota."""
        return self.suspended_all if self._whole else self.countries[country].suspended

    def reaches(self, country: str) -> bool:
        """Whether the service mode sends to a country at all."""
        return self.mode != "suspend" or country in self.scenario.account.package_countries

    def refuse_request(self, message_class: MessageClass) -> str | None:
        """The code that refuses a whole request now, or None (stage 1)."""
        return _first_code(self.request_rules, message_class)

    def refuse_number(self, message_class: MessageClass) -> str | None:
        """The code that refuses a number after acceptance by settings, or None (stage 3)."""
        return _first_code(self.number_rules, message_class)

    def reported_instead(self, message_class: MessageClass) -> str | None:
        """What a supplier reports of messages of a class instead of their status, or None."""
        codes = (rule.replace(message_class) for rule in self.number_rules)
        return next((code for code in codes if code is not None), None)

    def judge_number(
        self,
        message_class: MessageClass,
        segments: int,
        sampled_stage: int,
        counted_out: Callable[[], str | None],
    ) -> Verdict:
        """The verdict on one number of a request that was not refused as a whole (stages 2 and 3).

        *sampled_stage* is where the number's own sampled code refuses it, 0 if none does;
        *counted_out* gives the code of a counting rule that refuses it, or None. Everything that
        the verdict causes happens at once.
        """
        if message_class.template not in self.usable:
            return Verdict(TEMPLATE, 2)
        if sampled_stage == 2:
            return Verdict("own", 2)
        code = counted_out()
        if code is not None:
            return Verdict(code, 2)
        queue = self.queues[message_class.queue]
        if queue.full(self.now_us):
            return Verdict(FULL, 2)
        code = self.refuse_number(message_class) or ("own" if sampled_stage == 3 else None)
        if code is None and not self.reaches(message_class.country):
            code = NO_QUOTA
        verdict = Verdict(code, 3) if code else self._charge(message_class.country, segments)
        if verdict.code is None:
            verdict = verdict._replace(sent_us=queue.take(self.now_us))
        if verdict.code is None or self.thresholds.counts_refused:
            for fired in self.thresholds.count(message_class.country, segments):
                self.emit(*fired)
        return verdict

    def _charge(self, country: str, segments: int) -> Verdict:
        """Deduct a message from packages and charge the rest, or refuse it for want of quota."""
        quota = self.countries[country]
        left, suspends = quota.left, self.mode == "suspend"
        if suspends and self.suspended(country):
            return Verdict(NO_QUOTA, 3)
        deduction = quota.deduct(segments, suspends=suspends, covers=self._covers)
        if deduction is None:
            self._run_out(quota, left)
            self._suspend(quota)
            return Verdict(NO_QUOTA, 3)
        parts, uncovered = deduction
        for package, _ in parts:
            if not package.left:
                self.emit("package_empty", str(package.id), 0)
        if parts and quota.low_reached():
            self.emit("low_quota", country, quota.left)
        if uncovered:
            self._run_out(quota, left)
        cost = uncovered * self.prices_micro[country]
        self.accrued_micro += cost
        return Verdict(None, parts=parts, cost_micro=cost)

    def _run_out(self, quota: CountryQuota, left: int) -> None:
        if quota.seen:
            quota.seen = False
            self.emit("run_out", quota.country, left)

    def _suspend(self, quota: CountryQuota) -> None:
        quota.suspended = not self._whole
        self.suspended_all = self._whole
        self.emit("suspended", "" if self._whole else quota.country)

    def resume(self, country: str) -> None:
        quota = self.countries[country]
        if self.suspended_all or quota.suspended:
            self.suspended_all, quota.suspended = False, False
            self.emit("resumed", "" if self._whole else country)

    def invalidate(self) -> None:
        """Account for all messages before now; those to come may be judged otherwise."""
        self.driver.catch_up()
        self.version += 1


def _first_code(rules: Iterable[_RefusingRule], message_class: MessageClass) -> str | None:
    codes = (rule.refuse(message_class) for rule in rules)
    return next((code for code in codes if code is not None), None)
