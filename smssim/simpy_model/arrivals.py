"""What is known before anything is judged: births, the callback server.

Everything here is a function of the scenario and the marks alone, word by word, by docs/model.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from smssim.calendars import HOUR, hourly_weights, quarter_bounds, to_us
from smssim.record.schema import REFUSED_AT
from smssim.scenario import (
    Calls,
    DatedTask,
    Recipient,
    Resend,
    Scenario,
    ServerResend,
    Template,
    Traffic,
    microseconds,
)
from smssim.simpy_model.inverse_tables import below, count_table, share_table
from smssim.simpy_model.packages import Package
from smssim.sms.recipients import read_recipients
from smssim.sms.reference import countries
from smssim.stats.inverse_cdf import poisson_count
from smssim.stats.keyed_random import KeyedRandom, message_counter

__all__ = ["REQUESTS_AN_HOUR", "Message", "births"]

REQUESTS_AN_HOUR = 1_000_000
_FIRST_RANK = 2


@dataclass
class Message:
    """One copy of one message: what it is, and what becomes of it."""

    submitted_at: int
    source: str
    request: int
    recipient: int
    country: str
    template: Template
    place_of_source: int
    fixed: Recipient | None = None
    resend: Resend | None = None
    server_resend: ServerResend | None = None
    ends: int | None = None
    alone: bool = False
    address: str | None = None
    traffic: Traffic | None = None
    size: int = 1
    generation: int = 0
    earlier: tuple[Message, ...] = ()
    segments: int = 0
    place: int = 0
    status: str | None = None
    report_source: int | None = None
    sent_at: int | None = None
    final_at: int | None = None
    taken: list[tuple[Package, int]] = field(default_factory=list)
    cost: int = 0

    @property
    def rank(self) -> int:
        """The SimPy priority: after all control, and in the order of messages of one instant."""
        request = self.place_of_source * 10**15 + self.request
        return _FIRST_RANK + message_counter(request, self.recipient, self.generation)

    def word(self, marks: KeyedRandom, purpose: str) -> int:
        """The word of one of this copy's marks."""
        hour, k = divmod(self.request, REQUESTS_AN_HOUR)
        counter = message_counter(k, self.recipient, self.generation)
        return marks.word(self.source, purpose, hour, counter)

    def flaw(self, marks: KeyedRandom) -> str | None:
        """What is wrong with the message itself: its "variables", its "password" or nothing."""
        if self.traffic is None:
            return None
        word, flaws = self.word(marks, "flaw"), self.traffic.flaws
        variables, password = int(flaws.variables * 2**64), int(flaws.password * 2**64)
        if word < variables:
            return "variables"
        return "password" if word < variables + password else None

    def is_duplicate(self, marks: KeyedRandom) -> bool:
        """Whether the message repeats a number of its request."""
        if self.traffic is None or self.generation or not self.recipient:
            return False
        return below(self.word(marks, "duplicate"), self.traffic.flaws.duplicates)

    def beginning(self, marks: KeyedRandom) -> str | None:
        """How the number of the message begins, if its source says so."""
        if self.traffic is None or not self.traffic.beginnings:
            return None
        shares = self.traffic.beginnings
        word = replace(self, generation=0).word(marks, "beginning")
        return list(shares)[share_table(tuple(shares.values())).of(word)]

    def number(self, marks: KeyedRandom) -> tuple[str, int | str] | None:
        """The number the message goes to, one of its source; None if no frequency is limited."""
        if self.traffic is None or self.traffic.numbers is None:
            return self.source, f"{self.request} {self.recipient}"
        word = replace(self, generation=0).word(marks, "number")
        number = (word >> 32) * self.traffic.numbers >> 32
        return None if self.traffic.whitelisted else (self.source, number)

    def next_copy(self, at: int) -> Message:
        """What is sent after this copy, by its user or a server, not judged yet."""
        generation = self.generation + 1
        return Message(
            submitted_at=at,
            source=self.source,
            request=self.request,
            recipient=self.recipient,
            country=self.country,
            template=self.template,
            place_of_source=self.place_of_source,
            fixed=self.fixed,
            resend=self.resend,
            server_resend=self.server_resend,
            ends=self.ends,
            alone=True,
            address=self.address,
            traffic=self.traffic,
            generation=generation,
            earlier=(*self.earlier, self),
        )

    def row(self, end: int) -> tuple[Any, ...]:
        """This message as a row of its table, with what is known before *end*."""
        known = self.final_at is None or self.final_at < end
        sent = self.sent_at is not None and self.sent_at < end
        return (
            self.submitted_at,
            self.source,
            self.request,
            self.recipient,
            self.generation,
            self.template.application,
            self.template.name,
            self.template.type,
            self.country,
            self.segments,
            REFUSED_AT[self.place],
            self.status if known else None,
            self.report_source if known else None,
            self.sent_at if sent else None,
            self.final_at if known else None,
            sum(n for _, n in self.taken),
            self.taken[0][0].id if self.taken else None,
            self.cost,
        )


def births(scenario: Scenario, marks: KeyedRandom) -> Iterator[Message]:
    """All first copies that are born in the run, source by source."""
    for place, source in enumerate(scenario.sources):
        begin, end = scenario.start_us, scenario.end_us
        first = Message(0, source.name, 0, 0, "", scenario.template(source.template), place)
        if isinstance(source, Traffic):
            births = _of_traffic(scenario, marks, source, first)
            begin = max(begin, to_us(source.starts)) if source.starts else begin
            end = min(end, to_us(source.ends)) if source.ends else end
        elif isinstance(source, Calls):
            births = _of_calls(source, first)
        else:
            births = _of_group_task(scenario, source, first)
        yield from (message for message in births if begin <= message.submitted_at < end)


def _of_traffic(
    scenario: Scenario, marks: KeyedRandom, source: Traffic, first: Message
) -> Iterator[Message]:
    begin, last = scenario.start_us // HOUR, (scenario.end_us - 1) // HOUR
    zone = source.zone or countries()[source.country].zone
    weights = hourly_weights(begin, last - begin + 1, zone, source.hours, source.weekdays)
    sizes = source.recipient_shares()
    mean_size = sum(k * share for k, share in sizes.items()) / sum(sizes.values())
    ends = to_us(source.ends) if source.ends else None
    like = replace(first, country=source.country, resend=source.resend, ends=ends)
    like = replace(like, address=source.address, traffic=source)
    like = replace(like, server_resend=source.server_resend)
    bounds = quarter_bounds(begin, last - begin + 1, zone, source.hours, source.weekdays)
    for hour, weight in enumerate(weights.tolist(), start=begin):
        quarters = None if bounds is None else bounds[hour - begin].tolist()
        table = count_table(weight * source.messages_a_day / 24 / mean_size)
        for k in range(poisson_count(table, marks.word(source.name, "count", hour, 0))):
            at = _time_of_request(marks, source, hour, k, quarters)
            word = marks.word(source.name, "size", hour, k)
            size = list(sizes)[share_table(tuple(sizes.values())).of(word)]
            request = hour * REQUESTS_AN_HOUR + k
            like = replace(like, submitted_at=at, request=request, size=size)
            yield from (replace(like, recipient=recipient) for recipient in range(size))


def _time_of_request(
    marks: KeyedRandom, source: Traffic, hour: int, k: int, bounds: list[int] | None
) -> int:
    word = marks.word(source.name, "time", hour, k)
    within = (word >> 32) * 3_600_000_000 >> 32
    if bounds is not None:
        quarter = max(q for q in range(4) if within >= bounds[q])
        low, high = bounds[quarter], bounds[quarter + 1]
        within = quarter * 900_000_000 + (within - low) * 900_000_000 // (high - low)
    at = hour * HOUR + within
    resolution = max(1, microseconds(source.resolution_s))
    return at // resolution * resolution


def _of_calls(source: Calls, first: Message) -> Iterator[Message]:
    like = replace(first, country=source.country, resend=source.resend, address=source.address)
    like = replace(like, server_resend=source.server_resend)
    for k, call in enumerate(source.calls):
        at = to_us(call.at)
        request = at // HOUR * REQUESTS_AN_HOUR + k
        for recipient, fixed in enumerate(call.to):
            yield replace(like, submitted_at=at, request=request, recipient=recipient, fixed=fixed)


def _of_group_task(scenario: Scenario, source: DatedTask, first: Message) -> Iterator[Message]:
    at = to_us(source.at)
    like = replace(first, request=at // HOUR * REQUESTS_AN_HOUR, alone=True)
    for i, country in enumerate(_countries_of(scenario, source)):
        later = int(i * 1e6 / source.pace_per_s) if source.pace_per_s else 0
        yield replace(like, submitted_at=at + later, recipient=i, country=country)


def _countries_of(scenario: Scenario, source: DatedTask) -> list[str]:
    if source.file is None:
        return [country for country, n in source.countries.items() for _ in range(n)]
    try:
        recipients = read_recipients(scenario.find(source.file))
    except ValueError:
        return []  # The console refuses such a task.
    return [recipients.countries[place] for place in recipients.country_index.tolist()]
