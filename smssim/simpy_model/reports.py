"""Delivery reports: when each is pushed, and whether the customer's server takes it.

Everything here is a function of the scenario, the marks and the final statuses, by docs/model.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from smssim.calendars import to_us
from smssim.scenario import Scenario, microseconds
from smssim.simpy_model.arrivals import Message
from smssim.simpy_model.inverse_tables import below, delay_table
from smssim.stats.keyed_random import PHI, KeyedRandom, mix64

__all__ = [
    "Report",
    "Server",
    "batches",
    "first_received",
    "names_address",
    "reports",
]


@dataclass
class Report:
    """One delivery report: a part of a message, and what becomes of it."""

    row: int
    part: int
    message: Message
    pushed: tuple[Any, ...] = ()

    @property
    def created(self) -> int:
        """When the final status came."""
        assert self.message.final_at is not None
        return self.message.final_at


def reports(
    scenario: Scenario, marks: KeyedRandom, messages: Sequence[Message]
) -> Iterator[tuple[Any, ...]]:
    """The reports of all messages with a final status, one a segment, that are pushed at all."""
    server = Server(scenario, marks)
    batched: dict[str, list[Report]] = {a.name: [] for a in scenario.applications}
    has_address = {a.name: a.batch_address for a in scenario.applications}
    pushed = []
    for row, message in enumerate(messages):
        if message.final_at is None or message.final_at >= scenario.end_us:
            continue
        application = message.template.application
        for part in range(1, message.segments + 1):
            report = Report(row, part, message)
            if names_address(scenario, message):
                word = message.word(marks, "push") + PHI * 64 * part
                report.pushed = server.push(report.created, word)
            elif has_address[application]:
                batched[application].append(report)
            else:
                continue
            pushed.append(report)
    for application, waiting in batched.items():
        _push_batches(server, application, waiting)
    for report in pushed:
        yield (report.row, report.part, *report.pushed)


def names_address(scenario: Scenario, message: Message) -> bool:
    """Whether the request of a message named an address for its reports."""
    (source,) = (source for source in scenario.sources if source.name == message.source)
    if source.status_callback is not None:
        return source.status_callback
    return scenario.callback.address


def first_received(server: Server, message: Message) -> int | None:
    """When the customer's server first hears what became of a message; None if it never does."""
    if message.final_at is None or not names_address(server.scenario, message):
        return None
    word, parts = message.word(server.marks, "push"), range(1, message.segments + 1)
    pushed = [server.push(message.final_at, word + PHI * 64 * part) for part in parts]
    return min((received for *_, received in pushed if received is not None), default=None)


def _push_batches(server: Server, application: str, waiting: list[Report]) -> None:
    """Push one application's reports batch by batch."""
    for number, (batch, closed) in enumerate(batches(server.scenario, waiting)):
        word = server.marks.word(f"callback/{application}", "batch", 0, number)
        pushed = server.push(closed, word)
        for report in batch:
            report.pushed = pushed


def batches(scenario: Scenario, waiting: list[Report]) -> Iterator[tuple[list[Report], int]]:
    """The batches of one application in their order, each with its closing moment."""
    size, wait = scenario.callback.batch_size, microseconds(scenario.callback.batch_wait_s)
    batch: list[Report] = []
    # Sorting is stable, and the reports come in the order of message and part.
    for report in sorted(waiting, key=lambda report: report.created):
        if batch and report.created >= batch[0].created + wait:
            yield batch, batch[0].created + wait
            batch = []
        batch.append(report)
        if len(batch) == size:
            # One of a size of 1 is full as it opens, even without any time to wait.
            yield batch, report.created
            batch = []
    if batch:
        yield batch, batch[0].created + wait


class Server:
    """The customer's server, and the platform that pushes to it."""

    def __init__(self, scenario: Scenario, marks: KeyedRandom) -> None:
        self.scenario, self.marks = scenario, marks
        self.is_down = _server_is_down(scenario, marks)

    def push(self, first: int, word: int) -> tuple[Any, ...]:
        """The attempts from a moment on: state, attempts, copies, first arrival."""
        callback, arrivals, attempts = self.scenario.callback, [], 0
        times = [first + microseconds(delay) for delay in (0, *callback.retries_s)]
        for attempt, at in enumerate(times):
            if at >= self.scenario.end_us:
                break
            attempts += 1
            no_answer, answer_lost = (
                mix64(word + PHI * (attempt * 2 + which + 1)) for which in (0, 1)
            )
            if self.is_down(at) or below(no_answer, callback.no_answer_share):
                continue
            if below(mix64(word + PHI * (33 + attempt)), callback.error_answer_share):
                continue
            arrivals.append(at)
            if not below(answer_lost, callback.lost_answer_share):
                break
        if arrivals:
            return "received", attempts, len(arrivals), arrivals[0]
        return "lost" if attempts == len(times) else "pending", attempts, 0, None


def _server_is_down(scenario: Scenario, marks: KeyedRandom) -> Callable[[int], bool]:
    """Tell of any instant whether the customer's callback server is down."""
    callback = scenario.callback
    windows = [
        (to_us(outage.at), to_us(outage.at) + microseconds(outage.minutes * 60))
        for outage in callback.outages
    ]
    at, n = scenario.start_us, 0
    while callback.random_outages is not None and at < scenario.end_us:
        ends = []
        for purpose in ("up", "down"):
            table = delay_table(getattr(callback.random_outages, purpose))
            at += table.of(marks.word("callback", purpose, 0, n))
            ends.append(at)
        windows.append((ends[0], ends[1]))
        n += 1
    return lambda instant: any(begin <= instant < end for begin, end in windows)
