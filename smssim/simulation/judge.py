"""Judging a block of messages at once, as if the account did not change, up to the first that
changes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.account.account import Account
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.compiled import World
from smssim.simulation.crossing import first_crossing
from smssim.simulation.fates import FULL, NO_QUOTA, TEMPLATE
from smssim.simulation.frequency import Passes, Ranking
from smssim.simulation.message_arrivals import Arrivals
from smssim.simulation.queue import line_up
from smssim.simulation.snapshot import OPEN, Terms

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Fates8 = NDArray[np.uint8]


@dataclass
class Judgement:
    """Verdicts on a block: fates, when sent (NEVER if not), who was sent and who was refused after
    acceptance.

    The masks are None where they hold for all (*sent*) or none (*third*). *ranking* are those that
    count against limits of frequency. Valid before place *stop*; if *crossing*, the message there
    changes the account and is to be judged by itself.
    """

    fate: NDArray[np.uint8]
    sent_us: Ints
    sent: Mask | None
    third: Mask | None
    stop: int
    ranking: Ranking | None = None
    crossing: bool = False


def judge(
    world: World, account: Account, arrivals: Arrivals, terms: Terms, passes: Passes
) -> Judgement:
    """The verdicts on *arrivals* under *terms*, up to the first crossing."""
    judgement = _verdicts(world, account, arrivals, terms, passes)
    crossing = first_crossing(world, account, arrivals, judgement.sent, judgement.third)
    if crossing < len(arrivals):
        judgement.stop, judgement.crossing = crossing, True
    return judgement


def draft(world: World, account: Account, arrivals: Arrivals, terms: Terms) -> Judgement:
    """About what `judge` says, but cheaper: nobody is sent to too often, nothing is crossed."""
    return _verdicts(world, account, arrivals, terms, None)


def crossing_if_sent(world: World, account: Account, arrivals: Arrivals, terms: Terms) -> int:
    """The place of the first crossing if settings alone refused any of *arrivals*, or how many
    there are.
    """
    refusal = _before_acceptance(world, arrivals, terms)
    refused = _after_acceptance(world, arrivals, terms)
    third = np.zeros(len(arrivals), bool) if refused is None else refused != OPEN
    if refusal is not None:
        third &= refusal == OPEN
    sent = ~third if refusal is None else (refusal == OPEN) & ~third
    return first_crossing(world, account, arrivals, sent, third)


def _verdicts(
    world: World, account: Account, arrivals: Arrivals, terms: Terms, passes: Passes | None
) -> Judgement:
    """Every rule in its place: the request's code and template, the platform, quota; then the queue
    for the rest.
    """
    refusal, ranking = _before_acceptance(world, arrivals, terms), None
    if terms.frequency is not None and passes is not None:
        open_ = None if refusal is None else refusal == OPEN
        ranking = passes.rank(arrivals, terms.frequency, open_)
        if ranking is not None and ranking.refused is not None:
            often = world.fates.of_code(account.scenario.account.frequency_code, 2)
            others = np.uint8(OPEN) if refusal is None else refusal
            refusal = np.where(ranking.refused, np.uint8(often), others)
    refused = _after_acceptance(world, arrivals, terms)
    third = None if refused is None else refused != OPEN
    if refusal is None and third is None:
        sent_us, full = _queued(world, account, arrivals, None, None)
        if full is None:
            return Judgement(arrivals.drawn, sent_us, None, None, len(arrivals), ranking)
        fate = np.where(full, np.uint8(FULL), arrivals.drawn)
        return Judgement(fate, sent_us, ~full, None, len(arrivals), ranking)
    open_ = np.ones(len(arrivals), bool) if refusal is None else refusal == OPEN
    asking = open_ & third if third is not None else None
    entering = open_ if asking is None else open_ & ~asking
    sent_us, full = _queued(world, account, arrivals, entering, asking)
    fate = arrivals.drawn.copy()
    if asking is not None and refused is not None:
        np.copyto(fate, refused, where=asking)
    if refusal is not None:
        fate = np.where(open_, fate, refusal)
    if full is not None:
        fate[full] = FULL
        entering = entering & ~full
        asking = None if asking is None else asking & ~full
    return Judgement(fate, sent_us, entering, asking, len(arrivals), ranking)


def _before_acceptance(world: World, arrivals: Arrivals, terms: Terms) -> Fates8 | None:
    """The fates of those refused at places 1 and 2, the queue aside; OPEN for the rest."""
    refusal = None if terms.refusal is None else terms.refusal.take(arrivals.cls)
    if not world.fates.any_own:
        return refusal
    early = world.fates.early.take(arrivals.drawn)
    if not early.any():
        return refusal
    if refusal is None:
        return np.where(early, arrivals.drawn, np.uint8(OPEN))
    own = world.fates.own_place.take(arrivals.drawn)
    wins = early & ((refusal == OPEN) | ((own == 1) & (refusal == TEMPLATE)))
    return np.where(wins, arrivals.drawn, refusal)


def _after_acceptance(world: World, arrivals: Arrivals, terms: Terms) -> Fates8 | None:
    """The fates of those refused at place 3 if they come that far; OPEN for the rest."""
    refused: Fates8 | None = None
    if terms.suspended is not None:
        suspended = terms.suspended.take(arrivals.cls)
        refused = np.where(suspended, np.uint8(NO_QUOTA), np.uint8(OPEN))
    if world.fates.any_platform:
        platform = world.fates.platform.take(arrivals.drawn)
        refused = np.where(platform, arrivals.drawn, np.uint8(OPEN) if refused is None else refused)
    if terms.platform is not None:
        setting = terms.platform.take(arrivals.cls)
        refused = setting if refused is None else np.where(setting != OPEN, setting, refused)
    return refused


def _queued(
    world: World, account: Account, arrivals: Arrivals, entering: Mask | None, asking: Mask | None
) -> tuple[Ints, Mask | None]:
    """When those *entering* go, and who of them or of those *asking* finds the queue full (None:
    nobody).
    """
    if entering is None and len(world.queues) == 1:
        queue = account.queues[world.queues[0]]
        sent, accepted = line_up(arrivals.t, queue.free_us, queue.gap_us, queue.longest_wait_us)
        if accepted is None:
            return sent, None
        sent[~accepted] = NEVER
        return sent, ~accepted
    sent_us = np.full(len(arrivals), NEVER, np.int64)
    full = np.zeros(len(arrivals), bool)
    number = world.queue.take(arrivals.cls)
    for i, name in enumerate(world.queues):
        queue = account.queues[name]
        own = np.flatnonzero(number == i if entering is None else entering & (number == i))
        sent, accepted = line_up(
            arrivals.t[own], queue.free_us, queue.gap_us, queue.longest_wait_us
        )
        if accepted is not None:
            full[own[~accepted]] = True
            own, sent = own[accepted], sent[accepted]
        sent_us[own] = sent
        if asking is not None and queue.longest_wait_us is not None:
            waiting = np.flatnonzero(asking & (number == i))
            free = np.concatenate([[queue.free_us], sent + queue.gap_us])[
                np.searchsorted(own, waiting)
            ]
            full[waiting[free - arrivals.t[waiting] > queue.longest_wait_us]] = True
    return sent_us, full if full.any() else None
