"""One copy of one message: what it is, its random numbers, and its outcome so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import simpy

from smssim.record.schema import RefusalStage
from smssim.scenario import Recipient, Resend, ServerResend, Template, Traffic
from smssim.simpy_model.inverse_tables import below, share_table
from smssim.simpy_model.packages import Package
from smssim.simpy_model.push import Report
from smssim.stats.keyed_random import REQUESTS_AN_HOUR, KeyedRandom, message_counter

__all__ = ["Message"]

_FIRST_RANK = 2
"""After SimPy's own events of the instant, which have 0 and 1."""


@dataclass(slots=True)
class Message:
    """A copy is a message of its own: the first has generation 0, each resend one more."""

    submitted_at: int
    source: str
    request: int
    recipient: int
    country: str
    template: Template
    source_number: int
    fixed: Recipient | None = None
    resend: Resend | None = None
    server_resend: ServerResend | None = None
    ends: int | None = None
    """When its source ends, so that no copy comes after that."""
    alone: bool = False
    """Whether it is a request of its own: a resend, or a number of a group task."""
    address: str | None = None
    """Where its source sends from, for whitelists."""
    traffic: Traffic | None = None
    size: int = 1
    """Recipients of its request."""
    generation: int = 0
    earlier: tuple[Message, ...] = ()

    row: int = 0
    """Its row in the table of messages."""
    segments: int = 0
    stage: RefusalStage = RefusalStage.SENT
    status: str | None = None
    report_source: int | None = None
    sent_at: int | None = None
    final_at: int | None = None
    taken: Sequence[tuple[Package, int]] = ()
    """The packages it was deducted from, with how many segments of each."""
    due: int = 0
    """Its charge in micro-units, if it is charged only when delivered."""
    cost: int = 0
    reports: tuple[Report, ...] = ()
    heard: simpy.Event | None = None
    """Succeeds when the first of its reports is received, where a server waits for that."""

    @property
    def rank(self) -> int:
        """Its rank at its instant: after all control; by source, request, recipient, generation."""
        request = self.source_number * 10**15 + self.request
        return _FIRST_RANK + message_counter(request, self.recipient, self.generation)

    def word(self, marks: KeyedRandom, purpose: str) -> int:
        """The random word of one of its marks."""
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
        """Whether it repeats a number of its request."""
        if self.traffic is None or self.generation or not self.recipient:
            return False
        return below(self.word(marks, "duplicate"), self.traffic.flaws.duplicates)

    def beginning(self, marks: KeyedRandom) -> str | None:
        """How its number begins, if its source says so; the same for every copy."""
        if self.traffic is None or not self.traffic.beginnings:
            return None
        shares = self.traffic.beginnings
        word = replace(self, generation=0).word(marks, "beginning")
        return list(shares)[share_table(tuple(shares.values())).of(word)]

    def number(self, marks: KeyedRandom) -> tuple[str, int | str] | None:
        """The number it goes to, the same for every copy; None if no frequency is limited."""
        if self.traffic is None or self.traffic.numbers is None:
            return self.source, f"{self.request} {self.recipient}"
        word = replace(self, generation=0).word(marks, "number")
        number = (word >> 32) * self.traffic.numbers >> 32
        return None if self.traffic.whitelisted else (self.source, number)

    def next_copy(self, at: int) -> Message:
        """The copy that its user or a server sends after it, not judged yet."""
        return Message(
            submitted_at=at,
            source=self.source,
            request=self.request,
            recipient=self.recipient,
            country=self.country,
            template=self.template,
            source_number=self.source_number,
            fixed=self.fixed,
            resend=self.resend,
            server_resend=self.server_resend,
            ends=self.ends,
            alone=True,
            address=self.address,
            traffic=self.traffic,
            generation=self.generation + 1,
            earlier=(*self.earlier, self),
        )

    def as_row(self) -> tuple[Any, ...]:
        """Its row in the table of messages, with what is known by now."""
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
            self.stage.label,
            self.status,
            self.report_source,
            self.sent_at,
            self.final_at,
            sum(segments for _, segments in self.taken),
            self.taken[0][0].id if self.taken else None,
            self.cost,
        )
