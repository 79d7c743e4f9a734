"""What does not change during a run, as arrays: classes of messages, their countries, templates,
queues, prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import to_datetime, to_us
from smssim.scenario import GroupTask, Scenario, Source, micro, microseconds, registrations
from smssim.simulation.account import account
from smssim.simulation.account.account import MessageClass, SendingQueue
from smssim.sms import reference as codes
from smssim.sms.recipients import Recipients, read_recipients
from smssim.sms.reference import MAINLAND
from smssim.stats.keyed_random import KeyedRandom

__all__ = [
    "DELIVERED",
    "EXPIRED",
    "FULL",
    "MOST_RECIPIENTS",
    "NO_QUOTA",
    "SEGMENT_CELLS",
    "TEMPLATE",
    "UNJUDGED",
    "WITHDRAWN",
    "CompiledScenario",
    "OutcomeCodes",
    "Refusal",
]

TEMPLATE, FULL, NO_QUOTA, WITHDRAWN, EXPIRED, DELIVERED = range(6)
UNJUDGED = 255
Refusal = tuple[str, int]
"""A code that refuses messages, and the stage at which it does."""
MOST_RECIPIENTS = 500
"""Numbers that one request may have (DOMAIN.md section 6)."""


class OutcomeCodes:
    """Every final status or refusal of one scenario, numbered to fit in one byte per message.

    Those of the rules come first, then the statuses of its routes. Arrays by code: `status`
    (text), `stage` (0 for none: accepted and sent), `source` (of the report, 0 without one).
    """

    def __init__(
        self,
        scenario: Scenario,
        countries: list[str],
        refusals: Iterable[Refusal],
        flaws: Iterable[Refusal],
    ) -> None:
        rows: list[tuple[str, int, int]] = [
            (account.TEMPLATE, 2, 0),
            (account.FULL, 2, 0),
            (account.NO_QUOTA, 3, 3),
            (scenario.account.frozen_status, 3, 3),
            ("EXPIRED", 0, 1),
            ("DELIVRD", 0, 2),
            *((code, stage, 3 if stage == 3 else 0) for code, stage in refusals),
        ]
        first_flaw = len(rows)
        rows += ((code, stage, 3 if stage == 3 else 0) for code, stage in flaws)
        self._of_flaw = {row[0]: number for number, row in enumerate(rows) if number >= first_flaw}
        self._numbers = {("DELIVRD", 2): DELIVERED, ("none", 2): EXPIRED}
        outcomes = [
            outcome for country in countries for outcome in scenario.route(country).outcomes
        ]
        sampled = [(outcome.status, 3 if outcome.source == "huawei" else 2) for outcome in outcomes]
        fixed = [
            r.status
            for calls in scenario.calls
            for call in calls.calls
            for r in call.to
            if r.status
        ]
        unregistered = [
            (registration.status, 3 if registration.source == "huawei" else 2)
            for registration in registrations(scenario).values()
        ]
        for status, source in [*sampled, *((status, 2) for status in fixed), *unregistered]:
            if (status, source) not in self._numbers:
                self._numbers[status, source] = len(rows)
                rows.append((status, 3 if source == 3 else 0, source))
        if len(rows) >= UNJUDGED:
            raise ValueError(f"statuses(={len(rows)}) must be fewer than {UNJUDGED}")
        self.status = [row[0] for row in rows]
        self.stage = np.array([row[1] for row in rows], np.int8)
        self.source = np.array([row[2] for row in rows], np.int8)
        self._of_code: dict[tuple[str, int], int] = {}
        for number, (status, stage, _) in enumerate(rows):
            self._of_code.setdefault((status, stage), number)
        self.sampled_stage = np.zeros(256, np.int8)
        self.sampled_stage[first_flaw : len(rows)] = self.stage[first_flaw:]
        """The stage at which a message's sampled outcome refuses it; 0 where none does."""
        self.refused_before_acceptance, self.platform_refused = (
            (self.sampled_stage % 3) > 0,
            self.sampled_stage == 3,
        )
        """Whether a sampled outcome refuses its message before acceptance, or after."""
        self.has_flaws = bool(self._of_flaw)
        """Whether messages can have a flaw that refuses them before acceptance."""
        self.any_platform_refused = bool(self.platform_refused.any())

    def __len__(self) -> int:
        return len(self.status)

    def number(self, status: str, source: str = "supplier") -> int:
        """The code of a route's status."""
        return self._numbers[status, 3 if source == "huawei" else 2]

    def of_code(self, code: str, stage: int) -> int:
        """The code of a refusal by the rules."""
        return self._of_code[code, stage]

    def of_flaw(self, code: str) -> int:
        """The code of a refusal for a flaw of the message itself."""
        return self._of_flaw[code]


class _SegmentPrices:
    """What a segment of each class of messages costs, in micro-units; 0 for classes not *billed*.

    `changes_us` are the instants within the run at which prices change.
    """

    def __init__(
        self, scenario: Scenario, countries: Sequence[str], billed: NDArray[np.bool_]
    ) -> None:
        routes = [scenario.route(country) for country in countries]
        dated = {price.since for route in routes for price in route.prices}
        self.changes_us = np.array(
            sorted(to_us(since) for since in dated if scenario.start < since < scenario.end),
            np.int64,
        )
        self._micro = np.array(
            [
                [micro(route.price_at(to_datetime(us))) for route in routes]
                for us in (scenario.start_us, *self.changes_us.tolist())
            ],
            np.int64,
        ).reshape(1 + len(self.changes_us), len(routes))
        self._micro *= billed

    @property
    def dearest_micro(self) -> int:
        """The highest price of any class at any instant."""
        return int(self._micro.max(initial=0))

    def at(self, us: int) -> Ints:
        """The price of each class at an instant."""
        prices: Ints = self._micro[self.changes_us.searchsorted(us, "right")]
        return prices

    def of(self, cls: Ints, submitted_us: Ints) -> Ints:
        """The price of a segment of each message, by its class and when it was submitted."""
        if not len(self.changes_us):
            only: Ints = self._micro[0].take(cls)
            return only
        prices: Ints = self._micro[self.changes_us.searchsorted(submitted_us, "right"), cls]
        return prices


SEGMENT_CELLS = 9
"""Segments a message can have, and 0."""


class CompiledScenario:
    """A scenario's classes: a class is what all messages of one source to one country, whose
    numbers begin alike, have in common.

    Arrays by class: `source`, `country`, `template`, `queue` (numbers of the lists of those names),
    `prices` at acceptance and `delivery_prices` at delivery. `message_classes` is how the account
    sees each class.
    """

    def __init__(
        self,
        scenario: Scenario,
        random: KeyedRandom,
        refusals: Iterable[Refusal],
        flaws: Iterable[Refusal],
    ) -> None:
        self.scenario = scenario
        self.random = random
        self.sources = scenario.sources
        self.files: dict[str, Recipients] = {}
        self.refused_files: dict[str, str] = {}
        """Why the assistant does not take the file of a group task, by the task's name."""
        self._read_files()
        classes = [
            (i, country, beginning)
            for i, source in enumerate(self.sources)
            for country in self._countries_of(source)
            for beginning in getattr(source, "beginnings", None) or [None]
        ]
        self.pairs = [(i, country) for i, country, _ in classes]
        self.countries = sorted({country for _, country in self.pairs} | _named_countries(scenario))
        self.templates = [template.name for template in scenario.templates]
        self.outcomes = OutcomeCodes(scenario, self.countries, refusals, flaws)
        self.source = np.array([i for i, _ in self.pairs], np.int16)
        self.country = np.array([self.countries.index(c) for _, c in self.pairs], np.int16)
        self.template = np.array(
            [self.templates.index(self.sources[i].template) for i, _ in self.pairs], np.int16
        )
        mainland = np.array([c == MAINLAND for _, c in self.pairs], bool)
        of_class = [c for _, c in self.pairs]
        self.prices = _SegmentPrices(scenario, of_class, ~mainland)
        self.delivery_prices = _SegmentPrices(scenario, of_class, mainland)
        self.is_mainland, self.bills_delivery = mainland, bool(mainland.any())
        self.message_classes = [self._message_class(*of_class) for of_class in classes]
        names = [message_class.queue for message_class in self.message_classes]
        self.queues = sorted(set(names))
        self.queue = np.array([self.queues.index(name) for name in names], np.int16)
        fixed = (
            r.segments or 1 for calls in scenario.calls for call in calls.calls for r in call.to
        )
        sampled = (
            max(scenario.template(message_class.template).segment_shares(message_class.country))
            for message_class in self.message_classes
        )
        self.most_segments = max([*fixed, *sampled], default=1)
        """The most segments that a message of this scenario has."""
        self.limits_frequency = any(a.frequency is not None for a in scenario.applications)
        sizes = [getattr(source, "numbers", None) or 0 for source in self.sources]
        self.first_number = np.cumsum([0, *sizes])
        """By source, the first of its numbers among all that are sent to more than once."""
        self.group = np.array([isinstance(s, GroupTask) for s in self.sources])
        again = [s for s in self.sources if not isinstance(s, GroupTask)]
        self.servers_resend = any(s.server_resend for s in again)
        rules = [rule for s in again for rule in (s.resend, s.server_resend) if rule]
        self.generations = 1 + max((rule.at_most for rule in rules), default=0)
        """Copies that a message can have, the first included."""

    def _read_files(self) -> None:
        for task in self.scenario.tasks:
            if task.file is None:
                continue
            path = self.scenario.find(task.file)
            try:
                self.files[task.name] = read_recipients(path)
            except ValueError as error:
                self.files[task.name] = Recipients(
                    (), np.empty(0, np.uint8), 0, 0, 0, np.empty(0, np.int64)
                )
                self.refused_files[task.name] = str(error).removeprefix(f"{path}: ")

    def make_queues(self) -> dict[str, SendingQueue]:
        """Fresh queues, by name."""
        rule, opening = self.scenario.queue, self.scenario.opening
        queues = {name: SendingQueue(rule.gap_us, rule.capacity) for name in self.queues}
        waits = {} if opening is None else opening.waiting_s
        for name, queue in queues.items():
            wait_s = waits.get(name, 0) if isinstance(waits, dict) else waits
            if wait_s:
                queue.free_us = self.scenario.begin_us + microseconds(wait_s)
        return queues

    def zone(self, country: str) -> str:
        """The time zone of a country's capital."""
        return codes.countries()[country].zone if country in codes.countries() else "UTC"

    def recipients(self, task: GroupTask) -> Recipients | None:
        """The recipients of a task's file, or None for a task given by count."""
        return self.files.get(task.name)

    def _countries_of(self, source: Source) -> list[str]:
        if not isinstance(source, GroupTask):
            return [source.country]
        read = self.files.get(source.name)
        return list(read.countries) if read else list(source.countries)

    def _message_class(self, number: int, country: str, beginning: str | None) -> MessageClass:
        source, scope = self.sources[number], self.scenario.queue.scope
        template = self.scenario.template(source.template)
        queue = {"shared": "", "application": template.application, "route": country}[scope]
        address = getattr(source, "address", None)
        whitelisted = getattr(source, "whitelisted", False)
        of_template = (country, template.name, template.application)
        return MessageClass(*of_template, queue, address, beginning, whitelisted)


def _named_countries(scenario: Scenario) -> set[str]:
    named = {package.country for package in scenario.packages} | set(scenario.routes)
    return named | set(scenario.account.low_quota) | set(scenario.thresholds.countries)
