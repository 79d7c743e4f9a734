"""What happens to a message that left the platform: its final status, and after how long."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from smssim.scenario import Outcome, Registration, Scenario, microseconds
from smssim.simpy_model.inverse_tables import delay_table, share_table
from smssim.simpy_model.message import Message
from smssim.stats.keyed_random import MASK64, KeyedRandom

__all__ = ["HUAWEI", "Delivery", "Networks"]

_PLATFORM, _SMS_CENTRE, HUAWEI = 1, 2, 3
"""Who reports a final status (`smssim.record.schema.REPORT_SOURCES`)."""


class Delivery(NamedTuple):
    """The final status of a sent message, who reports it, and how long after it was sent."""

    status: str
    report_source: int
    latency_us: int


class Networks:
    """Carriers and phones of all countries, as their routes describe them."""

    def __init__(self, scenario: Scenario, marks: KeyedRandom) -> None:
        self.scenario, self.marks = scenario, marks

    def outcome(self, message: Message) -> Outcome:
        """The outcome that is fixed for a message, or drawn from its country's route."""
        outcomes = self.scenario.route(message.country).outcomes
        if message.fixed and message.fixed.status:
            known = {outcome.status: outcome for outcome in outcomes}
            status = message.fixed.status
            return known.get(status) or Outcome(status=status, share=1)
        table = share_table(tuple(outcome.share for outcome in outcomes))
        return outcomes[table.of(message.word(self.marks, "report"))]

    def delivery(self, message: Message, registration: Registration | None) -> Delivery:
        """What becomes of a sent message; *registration* is that of its country, if missing."""
        status, latency_us = self.outcome(message).status, self._latency_us(message)
        validity_us = microseconds(self.scenario.queue.validity_h * 3_600)
        if status == "none" or latency_us > validity_us:
            return Delivery("EXPIRED", _PLATFORM, validity_us)
        if registration is not None:
            status = registration.status
        return Delivery(status, _SMS_CENTRE, latency_us)

    def _latency_us(self, message: Message) -> int:
        """From leaving the queue to the final report."""
        if message.fixed and message.fixed.latency_s is not None:
            return microseconds(message.fixed.latency_s)
        delay = self.outcome(message).latency or self.scenario.route(message.country).latency
        table = delay_table(delay)
        takes_us = table.of(message.word(self.marks, "report") << 32 & MASK64)
        return takes_us + self._manual_review_us(message)

    def _manual_review_us(self, message: Message) -> int:
        """How long somebody looks at the message's request, if at this one."""
        rules, request = self.scenario.queue, message
        if rules.manual_review_every is None:
            return 0
        if message.traffic is not None or message.fixed is not None:
            request = replace(message, recipient=0)  # All numbers of a request, or a task's number.
        word = request.word(self.marks, "manual_review")
        if word >= 2**64 // rules.manual_review_every:
            return 0
        return delay_table(rules.manual_review).of(word << 32 & MASK64)
