"""Judging a block of messages at once, as if the account did not change, up to the first that
changes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.account.account import Account
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.compiled import FULL, NO_QUOTA, TEMPLATE, World
from smssim.simulation.frequency import Passes, Ranking
from smssim.simulation.snapshot import OPEN, Terms
from smssim.simulation.window import Arrivals
from smssim.sms.packages import CountryQuota

# Where in a block the account changes: the first message at which a counter reaches its goal.

Mask = NDArray[np.bool_]


def first_crossing(
    world: World, account: Account, arrivals: Arrivals, sent: Mask | None, third: Mask | None
) -> int:
    """The place of the first message at which a counter reaches its goal, or how many there are.

    *sent* and *third* are as in `judge.Judgement`.
    """
    places = [
        *_threshold_crossings(world, account, arrivals, sent, third),
        *_package_crossings(world, account, arrivals, sent),
    ]
    return min(places, default=len(arrivals))


def _package_crossings(
    world: World, account: Account, arrivals: Arrivals, sent: Mask | None
) -> Iterator[int]:
    for number, country in enumerate(world.countries):
        need = _quota_headroom(account, account.countries[country])
        if need is not None and need <= len(arrivals) * world.most_segments:
            own = _of_country(world, arrivals, number, sent)
            yield _reach(arrivals.segments * own, need)


def _threshold_crossings(
    world: World, account: Account, arrivals: Arrivals, sent: Mask | None, third: Mask | None
) -> Iterator[int]:
    thresholds, n = account.thresholds, len(arrivals)
    most = n * (world.most_segments if thresholds.by_segment else 1)
    counted = counted_mask(account, sent, third)
    mainland = world.is_mainland.take(arrivals.cls) if world.bills_delivery else None
    for side in (thresholds.total, thresholds.mainland):
        of_mainland = side is thresholds.mainland
        if of_mainland and mainland is None:
            continue
        goals = [h for counter in side.values() if (h := counter.headroom) is not None]
        need = min(goals, default=most + 1)
        if need > most:
            continue
        own = counted
        if mainland is not None:
            own = (
                mainland == of_mainland if counted is None else counted & (mainland == of_mainland)
            )
        if own is None and not thresholds.by_segment:
            yield need - 1
        else:
            weight = arrivals.segments if thresholds.by_segment else np.ones(n, np.uint8)
            yield _reach(weight if own is None else weight * own, need)
    for country, counters in thresholds.countries.items():
        goals = [h for counter in counters.values() if (h := counter.headroom) is not None]
        need = min(goals, default=most + 1)
        if need <= most:
            own = _of_country(world, arrivals, world.countries.index(country), counted)
            yield _reach(arrivals.segments * own if thresholds.by_segment else own, need)


def counted_mask(account: Account, sent: Mask | None, third: Mask | None) -> Mask | None:
    """Whom the thresholds count, None for all."""
    if sent is None or third is None or not account.thresholds.counts_refused:
        return sent
    return sent | third


def _quota_headroom(account: Account, quota: CountryQuota) -> int | None:
    """Segments after which something happens to a country's quota; None if nothing can."""
    if account.mode == "suspend" and account.suspended(quota.country):
        return None
    if not account.reaches(quota.country):
        return None
    giving = quota.giving
    if giving is None:
        return 1 if account.mode == "suspend" or quota.seen else None
    if quota.low_armed and quota.low_notice is not None:
        return max(1, min(giving.left, quota.left - quota.low_notice))
    return giving.left


def _of_country(world: World, arrivals: Arrivals, country: int, mask: Mask | None) -> Mask:
    own: Mask = (world.country == country).take(arrivals.cls)
    return own if mask is None else own & mask


def _reach(weight: NDArray[np.generic], need: int) -> int:
    """The place at which the running sum of *weight* comes to *need*."""
    return int(np.searchsorted(np.cumsum(weight, dtype=np.int64), need, "left"))


# The sending queue on arrays: a running maximum while it has room, a running minimum while it is

Ints = NDArray[np.int64]
_STRETCH = 8_192


def line_up(
    t_us: Ints, free_us: int, gap_us: int, longest_wait_us: int | None
) -> tuple[Ints, NDArray[np.bool_] | None]:
    """When each of the messages arriving at *t_us* goes, and which are let in (None: all).

    One server, *gap_us* a message, idle from *free_us*; a message that would wait longer than
    *longest_wait_us* is refused and takes no slot. Equal to `model.queue.SendingQueue` message by
    message (Lindley's recursion).
    """
    if longest_wait_us is None:
        return _with_room(t_us, free_us, gap_us), None
    sent, accepted = np.empty(len(t_us), np.int64), np.empty(len(t_us), bool)
    i = 0
    while i < len(t_us):
        stretch = t_us[i : i + _STRETCH]
        starts = _with_room(stretch, free_us, gap_us)
        n = _first(starts - stretch > longest_wait_us)
        sent[i : i + n], accepted[i : i + n] = starts[:n], True
        i += n
        if n:
            free_us = int(starts[n - 1]) + gap_us
        if n < len(stretch):
            stretch = stretch[n:]
            starts, let_in = _full(stretch, free_us, gap_us, longest_wait_us)
            n = _first(starts < stretch)
            sent[i : i + n], accepted[i : i + n] = starts[:n], let_in[:n]
            i += n
            free_us += int(let_in[:n].sum()) * gap_us
    return sent, None if accepted.all() else accepted


def _with_room(t_us: Ints, free_us: int, gap_us: int) -> Ints:
    """Starts while nobody is refused: the running maximum of arrivals less the work before them."""
    if not len(t_us):
        return np.empty(0, np.int64)
    work = np.arange(0, len(t_us) * gap_us, gap_us)
    starts = t_us - work
    starts[0] = max(int(starts[0]), free_us)
    np.maximum.accumulate(starts, out=starts)
    starts += work
    return starts


def _full(
    t_us: Ints, free_us: int, gap_us: int, longest_wait_us: int
) -> tuple[Ints, NDArray[np.bool_]]:
    """Starts while the server never rests: the number let in is a running minimum of the room there
    is.
    """
    r = np.arange(len(t_us))
    room = (longest_wait_us + t_us - free_us) // gap_us
    before = np.zeros(len(t_us), np.int64)
    np.minimum.accumulate((room - r)[:-1], out=before[1:])
    np.minimum(before, 0, out=before)
    before += r
    return free_us + before * gap_us, before <= room


def _first(condition: NDArray[np.bool_]) -> int:
    """The first place where *condition* holds, or its length."""
    place = int(condition.argmax()) if len(condition) else 0
    return place if len(condition) and condition[place] else len(condition)


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
