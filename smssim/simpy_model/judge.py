"""The verdict on a message: what refuses it, stage by stage, in the order of docs/model.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from smssim.record.schema import RefusalStage
from smssim.scenario import Registration, Scenario
from smssim.simpy_model.account import Account
from smssim.simpy_model.inverse_tables import share_table
from smssim.simpy_model.message import Message
from smssim.simpy_model.networks import Networks
from smssim.simpy_model.onboarding import Beginnings
from smssim.simpy_model.review_desk import Reviews
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["Judge"]

_MOST_RECIPIENTS = 500


class Judge:
    """Looks at a message as it comes; everything it reads is as of this instant."""

    def __init__(
        self,
        scenario: Scenario,
        marks: KeyedRandom,
        account: Account,
        beginnings: Beginnings,
        reviews: Reviews,
        networks: Networks,
        queue_is_full: Callable[[Message], bool],
    ) -> None:
        self.scenario, self.marks, self.account = scenario, marks, account
        self.beginnings, self.reviews, self.networks = beginnings, reviews, networks
        self.queue_is_full = queue_is_full
        self.answers: dict[tuple[str, int], str | None] = {}

    def verdict(self, message: Message) -> tuple[RefusalStage, str | None]:
        """Where a message is refused, with the code; SENT and None if it is not."""
        if code := self.answer(message):
            return RefusalStage.REQUEST, code
        if code := self.refusal_of_number(message):
            return RefusalStage.NUMBER, code
        if code := self.refusal_of_platform(message):
            return RefusalStage.PLATFORM, code
        return RefusalStage.SENT, None

    def segments(self, message: Message) -> int:
        """The segments of a message, fixed or drawn from its template's mix."""
        if message.fixed and message.fixed.segments:
            return message.fixed.segments
        shares = message.template.segment_shares(message.country)
        text = message
        if message.traffic is not None and message.traffic.same_text:
            text = replace(message, recipient=0)  # All numbers of a request get one text.
        word = text.word(self.marks, "segments")
        return sorted(shares)[share_table(tuple(shares[n] for n in sorted(shares))).of(word)]

    # Stage 1.

    def answer(self, message: Message) -> str | None:
        """The code of the request, the same for all its recipients."""
        if message.alone:
            return self.refusal_of_request(message)
        request = (message.source, message.request)
        if request not in self.answers:
            self.answers[request] = self.refusal_of_request(message)
        return self.answers[request]

    def refusal_of_request(self, message: Message) -> str | None:
        """What refuses a request as a whole, judged by its first message."""
        account, application = self.account, message.template.application
        if not self.is_done("enabling", ""):
            return "E000109"
        if not self.is_done("application", application):
            return "E000102"
        if not self.is_done("credentials", application):
            return "E000102"
        if code := account.application_refusal(application, message.address):
            return code
        if account.frozen:
            return "E000112"
        if code := account.limit_refusal(message.country):
            return code
        return "E000503" if message.size > _MOST_RECIPIENTS else None

    # Stage 2.

    def refusal_of_number(self, message: Message) -> str | None:
        """What refuses a message before it is accepted."""
        if not self.is_usable(message):
            return "E200030"
        if message.flaw(self.marks) == "variables":
            return "E200028"
        if message.is_duplicate(self.marks):
            return "E200041"
        if self.account.is_too_frequent(message.number(self.marks), message.template.application):
            return self.scenario.account.frequency_code
        return "E200015" if self.queue_is_full(message) else None

    # Stage 3.

    def refusal_of_platform(self, message: Message) -> str | None:
        """What refuses a message after it was accepted."""
        account, country = self.account, message.country
        if account.regions is not None and country not in account.regions:
            return "E000628"
        if account.blocks(message.beginning(self.marks)):
            return "E000632"
        registration = self.missing_registration(country)
        if registration and registration.source == "huawei":
            return registration.status
        if message.flaw(self.marks) == "password":
            return "E200051"
        outcome = self.networks.outcome(message)
        if outcome.source == "huawei":
            return outcome.status
        if account.mode == "suspend" and country not in account.rules.package_countries:
            return "E000629"
        return "E000629" if account.refuses_for_quota(country, message.segments) else None

    # What the stages ask.

    def is_done(self, step: str, subject: str) -> bool:
        """Whether a step of getting started is done, or there is no such step."""
        at = self.beginnings.done_at((step, subject))
        return at is not None and at <= self.account.env.now

    def is_usable(self, message: Message) -> bool:
        """Whether the template of a message can be sent now."""
        usable_at = self.reviews.usable_at.get(message.template.name)
        return usable_at is not None and usable_at <= self.account.env.now

    def missing_registration(self, country: str) -> Registration | None:
        """The registration of a country that is not done yet."""
        if self.is_done("country_registration", country):
            return None
        return self.scenario.registrations.get(country) or Registration()
