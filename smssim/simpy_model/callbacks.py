"""The platform's side of delivery reports: one per segment, pushed by itself or in batches."""

from __future__ import annotations

from smssim.scenario import Scenario, microseconds
from smssim.simpy_model.callback_server import CallbackServer
from smssim.simpy_model.environment import LAST, Environment, Moment, Process
from smssim.simpy_model.message import Message
from smssim.simpy_model.push import Push, Report
from smssim.stats.keyed_random import PHI, KeyedRandom

__all__ = ["Callbacks"]


class Callbacks:
    """Pushes each report to the customer's server until that has answered."""

    def __init__(
        self, env: Environment, scenario: Scenario, marks: KeyedRandom, server: CallbackServer
    ) -> None:
        self.env, self.rules, self.marks, self.server = env, scenario.callback, marks, server
        self.sources = {source.name: source for source in scenario.sources}
        self.batches = {
            application.name: _Batches(self, application.name)
            for application in scenario.applications
            if application.batch_address
        }

    def report(self, message: Message) -> None:
        """A message has its final status: make its reports, if there is any address for them."""
        by_itself, application = self._has_address(message), message.template.application
        if not by_itself and application not in self.batches:
            return
        parts = range(1, message.segments + 1)
        message.reports = tuple(Report(message.row, part) for part in parts)
        for report in message.reports:
            if by_itself:
                word = message.word(self.marks, "push")
                report.push = Push(word + PHI * 64 * report.part)
                self.env.process(self.deliver(report.push, message))
            else:
                self.batches[application].add(report)

    def deliver(self, push: Push, message: Message | None = None) -> Process:
        """The attempts of one push; *message* is who hears of it, if anybody waits for that."""
        created = self.env.now
        for delay_s in (0, *self.rules.retries_s):
            yield self.env.timeout(created + microseconds(delay_s) - self.env.now)
            push.attempts += 1
            if not self.server.accepts(push):
                continue
            push.deliveries += 1
            if push.received_at is None:
                push.state, push.received_at = "received", self.env.now
            if message and message.heard and not message.heard.triggered:
                message.heard.succeed()
            if not self.server.answer_is_lost(push):
                return
        if push.received_at is None:
            push.state = "lost"

    def _has_address(self, message: Message) -> bool:
        """Whether the request of a message named an address of its own for its reports."""
        own_word = self.sources[message.source].status_callback
        return self.rules.address if own_word is None else own_word


class _Batches:
    """The batches of one application: full at so many reports, or closed after so long.

    A Store would hand reports on in the order in which they come; within one instant that is not
    the order of messages. So those of an instant are sorted at its end.
    """

    def __init__(self, callbacks: Callbacks, application: str) -> None:
        self.callbacks, self.application, self.env = callbacks, application, callbacks.env
        self.size = callbacks.rules.batch_size
        self.wait_us = microseconds(callbacks.rules.batch_wait_s)
        self.created: list[Report] = []
        self.batch: list[Report] = []
        self.closed = 0

    def add(self, report: Report) -> None:
        """Let a report wait for the end of its instant."""
        if not self.created:
            end_of_instant = Moment(self.env, self.env.now, LAST)
            end_of_instant.callbacks.append(lambda _: self.collect())
        self.created.append(report)

    def collect(self) -> None:
        """Put all reports of this instant into batches."""
        for report in sorted(self.created, key=lambda report: (report.row, report.part)):
            self.batch.append(report)
            # One of a size of 1 is full as it opens, even without any time to wait.
            if len(self.batch) == self.size or not self.wait_us:
                self.close()
            elif len(self.batch) == 1:
                self.env.process(self.timer(self.batch))
        self.created = []

    def timer(self, batch: list[Report]) -> Process:
        """Close a batch that is not full in time."""
        yield self.env.timeout(self.wait_us)
        if batch is self.batch:
            self.close()

    def close(self) -> None:
        """Push the open batch, and open another with the next report."""
        batch, self.batch = self.batch, []
        source = f"callback/{self.application}"
        push = Push(self.callbacks.marks.word(source, "batch", 0, self.closed))
        self.closed += 1
        for report in batch:
            report.push = push
        self.env.process(self.callbacks.deliver(push))
