"""Messages of before the run, put back where the run that sent them had them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from smssim.arrays import Ints, Mask
from smssim.calendars import HOUR, to_us
from smssim.scenario import InFlight, micro
from smssim.simulation.arrivals import message_sources
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.arrivals.messages import NewMessages, joined, new_messages
from smssim.simulation.callbacks.push import Reports
from smssim.simulation.commit import Committer
from smssim.simulation.compiled import EXPIRED, FULL, WITHDRAWN, CompiledScenario
from smssim.simulation.finished import FinishedMessages
from smssim.simulation.resends import Resends
from smssim.simulation.rules.rule import CountingRule
from smssim.simulation.window import MessageWindow

__all__ = ["STAGES", "restore", "since"]

STAGES = ("", "request", "number", "platform")
"""What `InFlight.refused_at` calls the stages, in their order."""
_Key = tuple[str, int, int]


def restore(
    compiled: CompiledScenario,
    window: MessageWindow,
    resends: Resends,
    committer: Committer,
    counting: Sequence[CountingRule],
) -> int:
    """Put the copies of an opening into the window, with what is owed and counted; return since
    when messages are not finished.
    """
    scenario = compiled.scenario
    opening, begin_us = scenario.opening, scenario.begin_us
    assert opening is not None
    committer.billing.restore(opening.undelivered)
    for rule in counting:
        rule.restore(opening)
    if not opening.in_flight:
        return begin_us
    copies = sorted(opening.in_flight, key=lambda copy: copy.resend_number)
    window.extend(_first_copies(compiled, copies))
    window.exists[1:] = False
    position = {key: i for i, key in enumerate(_keys(compiled, window.base))}
    messages = np.array([position[_key(copy)] for copy in copies])
    for copy, message in zip(copies, messages.tolist(), strict=True):
        _enter(compiled, window, committer, copy, message)
    for generation in range(window.generations - 1):
        of_servers = [
            m
            for c, m in zip(copies, messages.tolist(), strict=True)
            if c.resend_number == generation
        ]
        if resends.servers is not None:
            resends.servers.follow(window, generation, np.array(of_servers, np.int64))
    return _wait(window, committer, copies, messages, begin_us)


def _key(copy: InFlight) -> _Key:
    return copy.source, copy.request, copy.recipient


def _keys(compiled: CompiledScenario, base: NewMessages) -> list[_Key]:
    """Source, request and recipient of first copies."""
    names = [source.name for source in compiled.sources]
    source = [names[i] for i in compiled.source.take(base.cls).tolist()]
    return list(zip(source, base.request.tolist(), base.recipient.tolist(), strict=True))


def _first_copies(compiled: CompiledScenario, copies: Sequence[InFlight]) -> NewMessages:
    """The first copies of messages, made again: they are functions of their names."""
    wanted = {_key(copy) for copy in copies}
    hours = {to_us(copy.submitted_at) // HOUR for copy in copies if not copy.resend_number}
    sources = message_sources(compiled, compiled.scenario.start_us)
    by_hour = []
    for hour in sorted(hours):
        made = new_messages(sources, hour, hour + 1)
        rows = [i for i, key in enumerate(_keys(compiled, made)) if key in wanted]
        by_hour.append(joined([made], np.array(rows, np.int64)))
    messages = joined(by_hour)
    if len(messages) != len(wanted):
        raise ValueError(
            f"opening.in_flight: {len(wanted)} messages must be of the scenario, sent before "
            f"the run begins, first copies included, not {len(messages)}"
        )
    return messages


def _outcome_code(compiled: CompiledScenario, copy: InFlight) -> int:
    """The code of what is final of a copy."""
    if copy.final_at is not None:
        return WITHDRAWN
    outcomes, stage = compiled.outcomes, STAGES.index(copy.refused_at)
    if stage == 0:
        return EXPIRED if copy.status == "EXPIRED" else outcomes.number(copy.status)
    codes = zip(outcomes.status, outcomes.stage.tolist(), strict=True)
    return next(
        number
        for number, code in enumerate(codes)
        if code == (copy.status, stage) and number != WITHDRAWN
    )


def _enter(
    compiled: CompiledScenario,
    window: MessageWindow,
    committer: Committer,
    copy: InFlight,
    message: int,
) -> None:
    """Put one judged copy back."""
    at, code = (copy.resend_number, message), _outcome_code(compiled, copy)
    if copy.resend_number:
        window.t[at], window.exists[at], window.marked[at] = to_us(copy.submitted_at), True, False
        window.mark_copies(copy.resend_number, np.array([message]))
    gone = copy.final_at or copy.sent_at
    window.outcome_code[at] = code
    window.sent_us[at] = NEVER if gone is None else to_us(gone)
    window.package[at] = -1 if copy.package is None else copy.package
    if len(window.passed):
        stage = int(compiled.outcomes.stage[code])
        window.passed[at] = code == FULL or stage in (0, 3)
    key = (message + window.dropped) * window.generations + copy.resend_number
    if copy.package is not None and copy.covered_segments < int(window.segments[at]):
        committer.straddling.covered[key] = copy.covered_segments
        committer.straddling.cost_micro[key] = micro(copy.cost)
    if copy.parts:
        committer.straddling.parts[key] = list(copy.parts)


def _wait(
    window: MessageWindow,
    committer: Committer,
    copies: Sequence[InFlight],
    messages: Ints,
    begin_us: int,
) -> int:
    """Let accepted copies wait in their queues; return when the first of them was sent."""
    rows = [
        (
            (message + window.dropped) * window.generations + copy.resend_number,
            to_us(copy.sent_at),
            to_us(copy.submitted_at),
        )
        for copy, message in zip(copies, messages.tolist(), strict=True)
        if copy.sent_at is not None and not copy.refused_at and to_us(copy.sent_at) >= begin_us
    ]
    rows.sort(key=lambda row: row[2])
    if rows:
        committer.restore_waiting(*np.array(rows, np.int64).T)
    return committer.earliest_waiting(begin_us)


def since(
    us: int, finished: FinishedMessages, reports: Reports
) -> tuple[FinishedMessages, Reports]:
    """A chunk without what was submitted before an instant."""
    first = int(finished.submitted_us.searchsorted(us))
    if not first:
        return finished, reports
    rest = replace(
        finished, **{f.name: getattr(finished, f.name)[first:] for f in fields(finished)}
    )
    ours: Mask = reports.message >= first
    kept = replace(reports, **{f.name: getattr(reports, f.name)[ours] for f in fields(reports)})
    kept.message = kept.message - first
    return rest, kept
