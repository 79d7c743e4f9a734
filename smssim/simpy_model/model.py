"""The model: docs/model.md once more, plain and slow, as one SimPy process a message.

It is written from the specification alone and shares no rule with the engine, only inputs, marks
and calendars. What the two disagree on is a fault of one of them, or of the specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from smssim.calendars import HOUR, next_day, next_month, to_us
from smssim.scenario import Outcome, Package, Registration, Scenario, micro, microseconds
from smssim.simpy_model.account import Account
from smssim.simpy_model.arrivals import Message, births
from smssim.simpy_model.console import Plan
from smssim.simpy_model.environment import (
    DAY_TURN,
    MONTH_TURN,
    ONBOARDING,
    PURCHASE,
    SETTLEMENT,
    TEMPLATE,
    Environment,
    Moment,
    Process,
)
from smssim.simpy_model.group_tasks import task_moments, task_row
from smssim.simpy_model.inverse_tables import delay_table, share_table
from smssim.simpy_model.onboarding import Beginnings
from smssim.simpy_model.reports import Server, first_received, reports
from smssim.simpy_model.review_desk import Reviews, reviews
from smssim.stats.keyed_random import MASK64, KeyedRandom

__all__ = [
    "Policy",
    "Rows",
    "Tables",
    "simpy_tables",
]

Policy = Callable[[Environment, Any], Process]
Rows = list[tuple[Any, ...]]
_HUAWEI, _SMS_CENTRE, _PLATFORM = 3, 2, 1
_MOST_RECIPIENTS = 500


@dataclass(frozen=True)
class Tables:
    """All tables of one run, rows of plain values in the columns of `smssim.record.schema`."""

    messages: Rows
    reports: Rows
    events: Rows
    ledger: Rows
    reviews: Rows
    packages: Rows
    onboarding: Rows
    tasks: Rows


def simpy_tables(scenario: Scenario, seed: int = 1, policies: Sequence[Policy] = ()) -> Tables:
    """Simulate a scenario message by message."""
    return _Model(scenario, seed).run(policies)


class _Model:
    """One run: the account's control, and a process for each message."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.marks, self.end = scenario, KeyedRandom(seed, 0), scenario.end_us
        self.env = Environment(initial_time=scenario.start_us)
        self.account = Account(self.env, scenario, self.marks)
        self.beginnings = Beginnings(scenario, self.marks)
        self.reviews: Reviews = reviews(scenario, self.marks, self.beginnings)
        self.judged: list[Message] = []
        self.answers: dict[tuple[str, int], str | None] = {}
        self.free: dict[str, int] = {}
        self.server = Server(scenario, self.marks)

    def run(self, policies: Sequence[Policy]) -> Tables:
        """Start control, messages and policies, and step until nothing before the end is left."""
        for process in (*self.control(), *map(self.message, births(self.scenario, self.marks))):
            self.env.process(process)
        for policy in policies:
            self.env.process(policy(self.env, self.account))
        # Not run(until=end): peek, unlike its stop event, keeps everything at the end out.
        while self.env.peek() < self.end:
            self.env.step()
        return self.result()

    # Control.

    def control(self) -> Iterator[Process]:
        """Everything that happens to the account without a message or a policy."""
        yield self.turns(DAY_TURN, next_day, self.account.day)
        yield self.turns(MONTH_TURN, next_month, self.account.month)
        for task in self.scenario.tasks:
            yield task_moments(self.account, task)
        yield from map(self.purchase, self.scenario.purchases)
        yield from map(self.begins, self.beginnings.names)
        yield from (self.usable(template.name) for template in self.scenario.templates)
        yield from map(self.planned, self.account.plans())
        yield self.settlements()

    def turns(self, rank: int, following: Callable[[int], int], period: Any) -> Process:
        """All turns of the UTC day or month."""
        while True:
            yield Moment(self.env, following(self.env.now), rank)
            self.account.turn(period)

    def purchase(self, package: Package) -> Process:
        """A package of the scenario, bought with the first approved template at the earliest."""
        approval = self.reviews.first_approval()
        if approval is None:
            return
        at = to_us(package.at) if package.at else self.scenario.start_us
        yield Moment(self.env, max(at, approval, self.scenario.start_us), PURCHASE)
        self.account.buy(package)

    def begins(self, name: tuple[str, str]) -> Process:
        """A step of getting started that is told of: refused when it is tried, or done."""
        state, label = self.beginnings.state(name), " ".join(name).strip()
        events = {
            "enabling": "enabled",
            "country_registration": "registered",
            "application": "application_created",
            "credentials": "credentials_obtained",
        }
        at, event, subject = state.done, events.get(name[0]), name[1]
        if state.refused:
            at, event, subject = state.began, "step_refused", f"{label}: {state.refused}"
        if at is None or event is None or at <= self.scenario.start_us:
            return
        yield Moment(self.env, at, ONBOARDING)
        self.account.tell(event, subject)

    def usable(self, template: str) -> Process:
        """The moment at which a template can be sent, if it could not from the start."""
        usable_at = self.reviews.usable_at.get(template)
        if usable_at is None or usable_at <= self.scenario.start_us:
            return
        yield Moment(self.env, usable_at, TEMPLATE)
        self.account.tell("template_usable", template)

    def planned(self, plan: Plan) -> Process:
        """What the scenario plans for the console, at its moment."""
        yield Moment(self.env, plan.at, plan.rank)
        plan.effect()

    def settlements(self) -> Process:
        """Every full UTC hour after the start: the account settles, and may freeze."""
        while True:
            yield Moment(self.env, self.env.now // HOUR * HOUR + HOUR, SETTLEMENT)
            if self.account.settle():
                self.freeze()

    def freeze(self) -> None:
        """What still waits in a queue fails, and gives back its quota, charge and slot."""
        now = self.env.now
        failed = [m for m in self.judged if m.sent_at is not None and m.sent_at >= now]
        for message in reversed(failed):
            assert message.sent_at is not None
            self.free[self.queue_of(message)] = message.sent_at
        self.account.freeze(failed)
        for message in failed:
            self.refused_by_platform(message, self.scenario.account.frozen_status)
            message.sent_at, message.taken, message.cost = None, [], 0
            self.env.process(self.failure(message))

    # One message.

    def message(self, message: Message) -> Process:
        """One copy of a message, from its waiting to that of the next copy."""
        yield Moment(self.env, message.submitted_at, message.rank)
        if self.bears_nothing(message.source) or self.delivered(message.earlier):
            return
        if message.generation and message.ends is not None and self.env.now >= message.ends:
            return
        self.judged.append(message)
        message.segments = self.segments(message)
        self.judge(message)
        if message.resend and message.generation < message.resend.at_most:
            patience = delay_table(message.resend.patience).of(message.word(self.marks, "patience"))
            self.env.process(self.message(message.next_copy(self.env.now + max(1, patience))))
        self.env.process(self.failure(message))

    def failure(self, message: Message) -> Process:
        """What a customer's server does about one copy: wait until it knows, then send again."""
        rule, verdict = message.server_resend, (message.place, message.status, message.final_at)
        if rule is None or message.generation >= rule.at_most:
            return
        if message.place in (0, 3):
            received = first_received(self.server, message)
            if received is None:
                return
            yield self.env.timeout(received - self.env.now)
        if (message.place, message.status, message.final_at) != verdict:
            return  # A freeze came between; what the server learns of it is a process of its own.
        if message.status in rule.statuses:
            after = delay_table(rule.after).of(message.word(self.marks, "server_resend"))
            self.env.process(self.message(message.next_copy(self.env.now + max(1, after))))

    def bears_nothing(self, source: str) -> bool:
        """Whether a source is stopped, or its task cancelled."""
        return source in self.account.stopped or source in self.account.cancelled

    def delivered(self, copies: Sequence[Message]) -> bool:
        """Whether the user has one of these copies by now."""
        now = self.env.now
        return any(m.status == "DELIVRD" and (m.final_at or 0) <= now for m in copies)

    def segments(self, message: Message) -> int:
        """The segments of a message, fixed or drawn from its template's mix."""
        if message.fixed and message.fixed.segments:
            return message.fixed.segments
        shares = message.template.segment_shares(message.country)
        word = message.word(self.marks, "segments")
        return sorted(shares)[share_table(tuple(shares[n] for n in sorted(shares))).of(word)]

    def judge(self, message: Message) -> None:
        """The verdict on one message, in the order of the table of requests."""
        outcome = self.outcome(message)
        if code := self.answer(message):
            message.place, message.status = 1, code
        elif code := self.refusal_of_message(message):
            message.place, message.status = 2, code
        elif code := self.refusal_of_platform(message, outcome):
            self.refused_by_platform(message, code)
        else:
            self.charge(message)
            self.send(message, outcome.status)
        if message.place == 0 or (message.place == 3 and self.scenario.thresholds.counts_refused):
            self.account.count(message.country, message.segments)

    def answer(self, message: Message) -> str | None:
        """Place 1: the code of the request, the same for all its recipients."""
        if message.alone:
            return self.refusal_of_request(message)
        request = (message.source, message.request)
        if request not in self.answers:
            self.answers[request] = self.refusal_of_request(message)
        return self.answers[request]

    def refusal_of_request(self, message: Message) -> str | None:
        """Place 1: what refuses a request as a whole, judged by its first message."""
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

    def refusal_of_message(self, message: Message) -> str | None:
        """Place 2: what refuses a message before it is accepted."""
        if not self.is_usable(message):
            return "E200030"
        if message.flaw(self.marks) == "variables":
            return "E200028"
        if message.is_duplicate(self.marks):
            return "E200041"
        if self.account.is_too_frequent(message.number(self.marks), message.template.application):
            return self.scenario.account.frequency_code
        return "E200015" if self.queue_is_full(message) else None

    def refusal_of_platform(self, message: Message, outcome: Outcome) -> str | None:
        """Place 3: what refuses a message after it was accepted."""
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
        if outcome.source == "huawei":
            return outcome.status
        if account.mode == "suspend" and country not in account.rules.package_countries:
            return "E000629"
        return "E000629" if account.refuses_for_quota(country, message.segments) else None

    def is_done(self, step: str, subject: str) -> bool:
        """Whether a step of getting started is done, or there is no such step."""
        at = self.beginnings.done_at((step, subject))
        return at is not None and at <= self.env.now

    def missing_registration(self, country: str) -> Registration | None:
        """The registration of a country that is not done yet."""
        if self.is_done("country_registration", country):
            return None
        return self.scenario.registrations.get(country) or Registration()

    def is_usable(self, message: Message) -> bool:
        """Whether the template of a message can be sent now."""
        usable_at = self.reviews.usable_at.get(message.template.name)
        return usable_at is not None and usable_at <= self.env.now

    def outcome(self, message: Message) -> Outcome:
        """The final status that is fixed for a message, or drawn from its country's route."""
        outcomes = self.scenario.route(message.country).outcomes
        if message.fixed and message.fixed.status:
            known = {outcome.status: outcome for outcome in outcomes}
            status = message.fixed.status
            return known.get(status) or Outcome(status=status, share=1)
        table = share_table(tuple(outcome.share for outcome in outcomes))
        return outcomes[table.of(message.word(self.marks, "report"))]

    def refused_by_platform(self, message: Message, status: str) -> None:
        """Place 3: refused after acceptance, with a report of the Huawei platform."""
        message.place, message.status, message.report_source = 3, status, _HUAWEI
        message.final_at = self.env.now

    def charge(self, message: Message) -> None:
        """Deduct from packages; what they do not cover is paid, or covered by the straddle rule."""
        account, country, segments = self.account, message.country, message.segments
        left, covered = account.left(country), account.covered(country, segments)
        message.taken = account.deduct(country, segments)
        if covered:
            return
        account.runs_out(country, left)
        uncovered = segments - sum(n for _, n in message.taken)
        account.accrue(message, uncovered * micro(self.scenario.route(country).price))

    # Queue and delivery.

    def queue_of(self, message: Message) -> str:
        """The queue a message leaves through."""
        scope = self.scenario.queue.scope
        names = {"application": message.template.application, "route": message.country}
        return names.get(scope, "")

    def leaves_at(self, message: Message) -> int:
        """When a message would leave its queue."""
        return max(self.env.now, self.free.get(self.queue_of(message), 0))

    def queue_is_full(self, message: Message) -> bool:
        """Whether a message finds too many waiting before it."""
        queue = self.scenario.queue
        if queue.capacity is None:
            return False
        return self.leaves_at(message) - self.env.now > queue.capacity * queue.gap_us

    def send(self, message: Message, status: str) -> None:
        """Take a slot of the queue, and settle what the phone will report and when."""
        message.sent_at = self.leaves_at(message)
        self.free[self.queue_of(message)] = message.sent_at + self.scenario.queue.gap_us
        latency = self.latency(message)
        validity = microseconds(self.scenario.queue.validity_h * 3_600)
        if status == "none" or latency > validity:
            status, latency, message.report_source = "EXPIRED", validity, _PLATFORM
        else:
            message.report_source = _SMS_CENTRE
        registration = self.missing_registration(message.country)
        if registration and message.report_source != _PLATFORM:
            status = registration.status
        message.status, message.final_at = status, message.sent_at + latency

    def latency(self, message: Message) -> int:
        """From leaving the queue to the final report."""
        if message.fixed and message.fixed.latency_s is not None:
            return microseconds(message.fixed.latency_s)
        table = delay_table(self.scenario.route(message.country).latency)
        takes = table.of(message.word(self.marks, "report") << 32 & MASK64)
        return takes + self.looked_at_by_hand(message)

    def looked_at_by_hand(self, message: Message) -> int:
        """How long somebody looks at the message's request, if at this one."""
        queue, one = self.scenario.queue, message
        if queue.manual_review_every is None:
            return 0
        if message.traffic is not None or message.fixed is not None:
            one = replace(message, recipient=0)  # All numbers of a request, or a task's number.
        word = one.word(self.marks, "manual_review")
        if word >= 2**64 // queue.manual_review_every:
            return 0
        return delay_table(queue.manual_review).of(word << 32 & MASK64)

    # After the run.

    def result(self) -> Tables:
        """All tables, with nothing in them that is not known before the end."""
        end, account = self.end, self.account
        account.look_at_deliveries(end)
        ledger = list(account.ledger)
        if account.accrued_micro:
            ledger.append((end, "unsettled", None, None, None, account.accrued_micro))
        return Tables(
            messages=[message.row(end) for message in self.judged],
            reports=list(reports(self.scenario, self.marks, self.judged)),
            events=[tuple(event) for event in account.events],
            ledger=ledger,
            reviews=self.reviews.rows,
            packages=[package.row() for package in account.packages],
            onboarding=self.beginnings.rows(self.reviews.usable_at),
            tasks=[task_row(account, task, self.judged) for task in self.scenario.tasks],
        )
