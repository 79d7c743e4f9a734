"""The oracle's status reports: when each is pushed, and whether the customer's server takes it.

Everything here is a function of the scenario, the marks and the final statuses, by docs/model.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from oracle_births import Message
from oracle_delays import below, delay_table

from smssim.calendars import to_us
from smssim.marks import PHI, Marks, mix64
from smssim.scenario import Scenario, microseconds


def reports(
    scenario: Scenario, marks: Marks, messages: Sequence[Message]
) -> Iterator[tuple[Any, ...]]:
    """The reports of all messages with a final status, one a segment."""
    if not scenario.callback.address:
        return
    is_down = server_is_down(scenario, marks)
    for row, message in enumerate(messages):
        if message.final_at is None or message.final_at >= scenario.end_us:
            continue
        word = message.word(marks, "push")
        for part in range(1, message.segments + 1):
            yield (row, part, *_pushes(scenario, message.final_at, word, part, is_down))


def _pushes(
    scenario: Scenario, created: int, word: int, part: int, is_down: Callable[[int], bool]
) -> tuple[Any, ...]:
    """The attempts to push one report: state, attempts, copies, first arrival."""
    callback, arrivals, attempts = scenario.callback, [], 0
    times = [created + microseconds(delay) for delay in (0, *callback.retries_s)]
    for attempt, at in enumerate(times):
        if at >= scenario.end_us:
            break
        attempts += 1
        no_answer, answer_lost = (
            mix64(word + PHI * (part * 64 + attempt * 2 + which + 1)) for which in (0, 1)
        )
        if is_down(at) or below(no_answer, callback.no_answer_share):
            continue
        arrivals.append(at)
        if not below(answer_lost, callback.lost_answer_share):
            break
    if arrivals:
        return "received", attempts, len(arrivals), arrivals[0]
    return "lost" if attempts == len(times) else "pending", attempts, 0, None


def server_is_down(scenario: Scenario, marks: Marks) -> Callable[[int], bool]:
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
