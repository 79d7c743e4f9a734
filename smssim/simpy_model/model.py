"""The model: docs/model.md once more, plain and slow, as one SimPy process per message.

It is written from the document alone and shares no rule with the engine, only scenarios, marks
and calendars. Where the two disagree, one of them is wrong, or the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import simpy

from smssim.calendars import DAY, HOUR, next_day, next_month, to_us
from smssim.record.schema import RefusalStage
from smssim.scenario import Package, Scenario
from smssim.simpy_model.account import Account
from smssim.simpy_model.arrivals import births
from smssim.simpy_model.callback_server import CallbackServer
from smssim.simpy_model.callbacks import Callbacks
from smssim.simpy_model.console import Plan
from smssim.simpy_model.environment import (
    ARRIVALS,
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
from smssim.simpy_model.inverse_tables import delay_table
from smssim.simpy_model.judge import Judge
from smssim.simpy_model.message import Message
from smssim.simpy_model.networks import HUAWEI, Delivery, Networks
from smssim.simpy_model.onboarding import Beginnings
from smssim.simpy_model.review_desk import ReviewDesk, reviews
from smssim.simpy_model.sending_queue import SendingQueue
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["Policy", "Rows", "SimpyModel", "Tables"]

Policy = Callable[[Environment, Any], Process]
Rows = list[tuple[Any, ...]]


class Tables(NamedTuple):
    """All tables of one run, rows of plain values in the columns of `smssim.record.schema`."""

    messages: Rows
    reports: Rows
    events: Rows
    ledger: Rows
    reviews: Rows
    packages: Rows
    onboarding: Rows
    tasks: Rows


class SimpyModel:
    """One run. A model of one's own is a subclass that names parts of its own, each a subclass of
    the part here, or that has a process of its own.
    """

    sending_queue: ClassVar[type[SendingQueue]] = SendingQueue
    review_desk: ClassVar[type[ReviewDesk]] = ReviewDesk
    callback_server: ClassVar[type[CallbackServer]] = CallbackServer

    def __init__(self, scenario: Scenario, marks: KeyedRandom) -> None:
        self.scenario, self.marks = scenario, marks
        self.env = Environment(initial_time=scenario.start_us)
        self.account = Account(self.env, scenario, marks)
        self.beginnings = Beginnings(scenario, marks)
        desk = self.review_desk(scenario, marks, self.beginnings.sent_to)
        self.reviews = reviews(scenario, self.beginnings, desk)
        self.networks = Networks(scenario, marks)
        self.queues: dict[str, SendingQueue] = {}
        self.judge = Judge(
            scenario,
            marks,
            self.account,
            self.beginnings,
            self.reviews,
            self.networks,
            lambda message: self.queue_of(message).is_full,
        )
        server = self.callback_server(self.env, scenario, marks)
        self.callbacks = Callbacks(self.env, scenario, marks, server)
        self.messages: list[Message] = []
        self.waiting: dict[int, tuple[Message, simpy.Process]] = {}
        """Messages that wait in a queue, by row, each with its process."""

    def run(
        self, policies: Sequence[Policy] = (), progress: Callable[[int, int], None] | None = None
    ) -> Tables:
        """Start control, sources and policies, and step until nothing before the end is left.

        *progress* is called once a day, with (messages so far, microseconds simulated).
        """
        arrivals = (self.arrivals(*source) for source in enumerate(self.scenario.sources))
        for process in (*self.control(), *arrivals):
            self.env.process(process)
        for policy in policies:
            self.env.process(policy(self.env, self.account))
        if progress is not None:
            self.env.process(self.progress(progress))
        # Not run(until=end): peek, unlike its stop event, keeps everything at the end out.
        while self.env.peek() < self.scenario.end_us:
            self.env.step()
        return self.tables()

    def progress(self, show: Callable[[int, int], None]) -> Process:
        """Show how far the run is."""
        while True:
            yield self.env.timeout(DAY)
            show(len(self.messages), self.env.now - self.scenario.start_us)

    # The account.

    def control(self) -> Iterator[Process]:
        """Everything that happens to the account without a message or a policy."""
        yield self.turns(DAY_TURN, next_day, self.account.day)
        yield self.turns(MONTH_TURN, next_month, self.account.month)
        for task in self.scenario.tasks:
            yield task_moments(self.account, task)
        yield from map(self.purchase, self.scenario.purchases)
        yield from map(self.step_of_getting_started, self.beginnings.names)
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

    def step_of_getting_started(self, name: tuple[str, str]) -> Process:
        """A step that has an event: refused when it is tried, or done."""
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
                waiting = list(self.waiting.values())
                self.account.freeze([message for message, _ in waiting])
                for _, process in waiting:
                    process.interrupt("the account is frozen")

    # Messages.

    def arrivals(self, number: int, source: Any) -> Process:
        """A source: every hour it starts the processes of that hour's messages."""
        for at, messages in births(self.scenario, self.marks, number, source):
            if at > self.env.now:
                yield Moment(self.env, at, ARRIVALS)
            for message in messages:
                self.env.process(self.message(message))

    def message(self, message: Message) -> Process:
        """One copy of a message: submitted, judged, charged, sent, delivered and reported."""
        yield Moment(self.env, message.submitted_at, message.rank)
        if self.is_withheld(message):
            return
        message.row = len(self.messages)
        self.messages.append(message)
        message.segments = self.judge.segments(message)
        message.stage, code = self.judge.verdict(message)
        if message.stage is RefusalStage.SENT:
            self.account.charge(message)
            request = self.queue_of(message).request(message)
            missing = self.judge.missing_registration(message.country)
            delivery = self.networks.delivery(message, missing)
        else:
            message.status = code
        if message.stage is RefusalStage.SENT or (
            message.stage is RefusalStage.PLATFORM and self.scenario.thresholds.counts_refused
        ):
            self.account.count(message.country, message.segments)
        self.start_resends(message)
        if message.stage is RefusalStage.SENT:
            yield from self.sending(message, request, delivery)
        if message.stage is RefusalStage.PLATFORM:
            message.report_source, message.final_at = HUAWEI, self.env.now
        if message.final_at is not None:
            self.callbacks.report(message)

    def is_withheld(self, message: Message) -> bool:
        """Whether a message is not sent after all: its source is stopped, its task cancelled, its
        source's time is over, or its user has got one of the copies before.
        """
        if message.source in self.account.stopped or message.source in self.account.cancelled:
            return True
        late = message.ends is not None and self.env.now >= message.ends
        return late or any(copy.status == "DELIVRD" for copy in message.earlier)

    def sending(
        self, message: Message, request: simpy.resources.resource.Request, delivery: Delivery
    ) -> Process:
        """Wait in the queue, leave it, and get the final status; a freeze ends the waiting."""
        assert self.env.active_process is not None
        self.waiting[message.row] = message, self.env.active_process
        try:
            yield request
        except simpy.Interrupt:
            request.cancel()
            message.stage = RefusalStage.PLATFORM
            message.status = self.scenario.account.frozen_status
            message.taken, message.cost = (), 0
            return
        finally:
            del self.waiting[message.row]
        message.sent_at = self.env.now
        self.env.process(self.queue_of(message).hold(request))
        yield self.env.timeout(delivery.latency_us)
        message.status, message.report_source = delivery.status, delivery.report_source
        message.final_at = self.env.now
        if message.status == "DELIVRD":
            self.account.charge_delivered(message)

    def queue_of(self, message: Message) -> SendingQueue:
        """The queue that a message leaves through."""
        name = self.sending_queue.name(self.scenario, message)
        if name not in self.queues:
            self.queues[name] = self.sending_queue(self.env, self.scenario)
        return self.queues[name]

    # Resends.

    def start_resends(self, message: Message) -> None:
        """Start who may send another copy after this one: its user, or the customer's server."""
        user, server = message.resend, message.server_resend
        if user is not None and message.generation < user.at_most:
            self.env.process(self.user(message))
        if server is not None and message.generation < server.at_most:
            message.heard = self.env.event()
            self.env.process(self.server(message))

    def user(self, message: Message) -> Process:
        """A user who asks again after a while, unless a copy was delivered by then."""
        assert message.resend is not None
        patience_us = delay_table(message.resend.patience).of(message.word(self.marks, "patience"))
        return self.message(message.next_copy(self.env.now + max(1, patience_us)))

    def server(self, message: Message) -> Process:
        """The customer's server: it waits until it knows the outcome of a message."""
        rule, heard = message.server_resend, message.heard
        assert rule is not None
        assert heard is not None
        if message.stage in (RefusalStage.SENT, RefusalStage.PLATFORM):
            yield heard
        if message.status in rule.statuses:
            after_us = delay_table(rule.after).of(message.word(self.marks, "server_resend"))
            yield from self.message(message.next_copy(self.env.now + max(1, after_us)))

    # After the run.

    def tables(self) -> Tables:
        """All tables; what is not known by the end did not happen."""
        end, account = self.scenario.end_us, self.account
        ledger = list(account.ledger)
        if unsettled := account.accrued_micro_until(end):
            ledger.append((end, "unsettled", None, None, None, unsettled))
        return Tables(
            messages=[message.as_row() for message in self.messages],
            reports=[report.as_row() for message in self.messages for report in message.reports],
            events=[tuple(event) for event in account.events],
            ledger=ledger,
            reviews=self.reviews.rows,
            packages=[package.as_row() for package in account.packages],
            onboarding=self.beginnings.rows(self.reviews.usable_at),
            tasks=[task_row(account, task, self.messages) for task in self.scenario.tasks],
        )
