"""Judging a block of messages at once, as if the account did not change, up to the first that
changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints, Mask
from smssim.simulation.account.account import Account
from smssim.simulation.arrivals.marks import NEVER
from smssim.simulation.compiled import FULL, NO_QUOTA, TEMPLATE, CompiledScenario
from smssim.simulation.rules.rule import CountingRule, Ranks
from smssim.simulation.snapshot import OPEN, RuleSnapshot
from smssim.simulation.window import MessageBatch
from smssim.sms.packages import CountryQuota

__all__ = ["BlockVerdicts", "counted_mask", "judge", "line_up", "preview", "state_change_if_sent"]


def _first_state_change(
    compiled: CompiledScenario,
    account: Account,
    batch: MessageBatch,
    sent: Mask | None,
    platform_refused: Mask | None,
) -> int:
    """The index of the first message at which a counter reaches its goal, or the batch's length.

    *sent* and *platform_refused* are as in `BlockVerdicts`.
    """
    indexes = [
        *_threshold_changes(compiled, account, batch, sent, platform_refused),
        *_package_changes(compiled, account, batch, sent),
    ]
    return min(indexes, default=len(batch))


def _package_changes(
    compiled: CompiledScenario, account: Account, batch: MessageBatch, sent: Mask | None
) -> Iterator[int]:
    for number, country in enumerate(compiled.countries):
        need = _quota_headroom(account, account.countries[country])
        if need is not None and need <= len(batch) * compiled.most_segments:
            of_country = _of_country(compiled, batch, number, sent)
            yield _reach(batch.segments * of_country, need)


def _threshold_changes(
    compiled: CompiledScenario,
    account: Account,
    batch: MessageBatch,
    sent: Mask | None,
    platform_refused: Mask | None,
) -> Iterator[int]:
    thresholds, n = account.thresholds, len(batch)
    most = n * (compiled.most_segments if thresholds.by_segment else 1)
    counted = counted_mask(account, sent, platform_refused)
    mainland = compiled.is_mainland.take(batch.cls) if compiled.bills_delivery else None
    for side in (thresholds.total, thresholds.mainland):
        of_mainland = side is thresholds.mainland
        if of_mainland and mainland is None:
            continue
        goals = [h for counter in side.values() if (h := counter.headroom) is not None]
        need = min(goals, default=most + 1)
        if need > most:
            continue
        counting = counted
        if mainland is not None:
            counting = (
                mainland == of_mainland if counted is None else counted & (mainland == of_mainland)
            )
        if counting is None and not thresholds.by_segment:
            yield need - 1
        else:
            weight = batch.segments if thresholds.by_segment else np.ones(n, np.uint8)
            yield _reach(weight if counting is None else weight * counting, need)
    for country, counters in thresholds.countries.items():
        goals = [h for counter in counters.values() if (h := counter.headroom) is not None]
        need = min(goals, default=most + 1)
        if need <= most:
            counting = _of_country(compiled, batch, compiled.countries.index(country), counted)
            yield _reach(batch.segments * counting if thresholds.by_segment else counting, need)


def counted_mask(account: Account, sent: Mask | None, platform_refused: Mask | None) -> Mask | None:
    """The messages that the thresholds count, None for all."""
    if sent is None or platform_refused is None or not account.thresholds.counts_refused:
        return sent
    return sent | platform_refused


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


def _of_country(
    compiled: CompiledScenario, batch: MessageBatch, country: int, mask: Mask | None
) -> Mask:
    of_country: Mask = (compiled.country == country).take(batch.cls)
    return of_country if mask is None else of_country & mask


def _reach(weight: NDArray[np.generic], need: int) -> int:
    """The index at which the running sum of *weight* reaches *need*."""
    return int(np.searchsorted(np.cumsum(weight, dtype=np.int64), need, "left"))


_STRETCH = 8_192


def line_up(
    t_us: Ints, free_us: int, gap_us: int, longest_wait_us: int | None
) -> tuple[Ints, NDArray[np.bool_] | None]:
    """When each of the messages arriving at *t_us* goes, and which are let in (None: all).

    One server, *gap_us* a message, idle from *free_us*; a message that would wait longer than
    *longest_wait_us* is refused and takes no slot. Equal to `account.SendingQueue` message by
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
    """Starts while none is refused: the running maximum of arrivals less the work before them."""
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
    """The first index where *condition* holds, or its length."""
    index = int(condition.argmax()) if len(condition) else 0
    return index if len(condition) and condition[index] else len(condition)


_Codes8 = NDArray[np.uint8]


@dataclass
class BlockVerdicts:
    """Verdicts on a block: outcomes, when sent (NEVER if not), which were sent and which were
    refused after acceptance.

    The masks are None where they hold for all (*sent*) or none (*platform_refused*). *ranks* are
    those of each counting rule. Valid before index *stop*; if *state_change*, the message there
    changes the account and is to be judged by itself.
    """

    outcome_code: NDArray[np.uint8]
    sent_us: Ints
    sent: Mask | None
    platform_refused: Mask | None
    stop: int
    ranks: list[Ranks | None] = field(default_factory=list)
    state_change: bool = False


def judge(
    compiled: CompiledScenario,
    account: Account,
    batch: MessageBatch,
    rules: RuleSnapshot,
    counting: Sequence[CountingRule],
) -> BlockVerdicts:
    """The verdicts on *batch* under *rules*, up to the first change of state."""
    verdicts = _verdicts(compiled, account, batch, rules, counting)
    state_change = _first_state_change(
        compiled, account, batch, verdicts.sent, verdicts.platform_refused
    )
    if state_change < len(batch):
        verdicts.stop, verdicts.state_change = state_change, True
    return verdicts


def preview(
    compiled: CompiledScenario, account: Account, batch: MessageBatch, rules: RuleSnapshot
) -> BlockVerdicts:
    """About what `judge` gives, but cheaper: without limits of frequency and changes of state."""
    return _verdicts(compiled, account, batch, rules, ())


def state_change_if_sent(
    compiled: CompiledScenario, account: Account, batch: MessageBatch, rules: RuleSnapshot
) -> int:
    """The index of the first change of state if settings alone refused any of *batch*, or its
    length.
    """
    refusal = _before_acceptance(compiled, batch, rules)
    refused = _after_acceptance(compiled, batch, rules)
    platform_refused = np.zeros(len(batch), bool) if refused is None else refused != OPEN
    if refusal is not None:
        platform_refused &= refusal == OPEN
    sent = ~platform_refused if refusal is None else (refusal == OPEN) & ~platform_refused
    return _first_state_change(compiled, account, batch, sent, platform_refused)


def _verdicts(
    compiled: CompiledScenario,
    account: Account,
    batch: MessageBatch,
    rules: RuleSnapshot,
    counting: Sequence[CountingRule],
) -> BlockVerdicts:
    """Every rule in its order: the request's code and template, the platform, quota; then the
    queue for the rest.
    """
    refusal = _before_acceptance(compiled, batch, rules)
    refusal, ranks = _counted_out(compiled, batch, rules, counting, refusal)
    refused = _after_acceptance(compiled, batch, rules)
    platform_refused = None if refused is None else refused != OPEN
    if refusal is None and platform_refused is None:
        sent_us, full = _queued(compiled, account, batch, None, None)
        if full is None:
            return BlockVerdicts(batch.sampled_outcome, sent_us, None, None, len(batch), ranks)
        outcome_code = np.where(full, np.uint8(FULL), batch.sampled_outcome)
        return BlockVerdicts(outcome_code, sent_us, ~full, None, len(batch), ranks)
    open_ = np.ones(len(batch), bool) if refusal is None else refusal == OPEN
    asking = open_ & platform_refused if platform_refused is not None else None
    entering = open_ if asking is None else open_ & ~asking
    sent_us, full = _queued(compiled, account, batch, entering, asking)
    outcome_code = batch.sampled_outcome.copy()
    if asking is not None and refused is not None:
        np.copyto(outcome_code, refused, where=asking)
    if refusal is not None:
        outcome_code = np.where(open_, outcome_code, refusal)
    if full is not None:
        outcome_code[full] = FULL
        entering = entering & ~full
        asking = None if asking is None else asking & ~full
    return BlockVerdicts(outcome_code, sent_us, entering, asking, len(batch), ranks)


def _counted_out(
    compiled: CompiledScenario,
    batch: MessageBatch,
    rules: RuleSnapshot,
    counting: Sequence[CountingRule],
    refusal: _Codes8 | None,
) -> tuple[_Codes8 | None, list[Ranks | None]]:
    """The outcomes of those refused before acceptance, with those that counting rules refuse."""
    ranked: list[Ranks | None] = []
    for rule, limits in zip(counting, rules.counting, strict=False):
        ranks: Ranks | None = None
        if limits is not None:
            ranks = rule.rank(batch, limits, None if refusal is None else refusal == OPEN)
        if ranks is not None and ranks.refused is not None:
            code = np.uint8(compiled.outcomes.of_code(rule.code, rule.stage))
            refusal = np.where(ranks.refused, code, np.uint8(OPEN) if refusal is None else refusal)
        ranked.append(ranks)
    return refusal, ranked


def _before_acceptance(
    compiled: CompiledScenario, batch: MessageBatch, rules: RuleSnapshot
) -> _Codes8 | None:
    """The outcomes of those refused at stages 1 and 2, the queue aside; OPEN for the rest."""
    refusal = None if rules.refusal is None else rules.refusal.take(batch.cls)
    if not compiled.outcomes.has_flaws:
        return refusal
    early = compiled.outcomes.refused_before_acceptance.take(batch.sampled_outcome)
    if not early.any():
        return refusal
    if refusal is None:
        return np.where(early, batch.sampled_outcome, np.uint8(OPEN))
    stage = compiled.outcomes.sampled_stage.take(batch.sampled_outcome)
    wins = early & ((refusal == OPEN) | ((stage == 1) & (refusal == TEMPLATE)))
    return np.where(wins, batch.sampled_outcome, refusal)


def _after_acceptance(
    compiled: CompiledScenario, batch: MessageBatch, rules: RuleSnapshot
) -> _Codes8 | None:
    """The outcomes of those refused at stage 3 if they come that far; OPEN for the rest."""
    refused: _Codes8 | None = None
    if rules.suspended is not None:
        suspended = rules.suspended.take(batch.cls)
        refused = np.where(suspended, np.uint8(NO_QUOTA), np.uint8(OPEN))
    if compiled.outcomes.any_platform_refused:
        platform = compiled.outcomes.platform_refused.take(batch.sampled_outcome)
        refused = np.where(
            platform, batch.sampled_outcome, np.uint8(OPEN) if refused is None else refused
        )
    if rules.platform is not None:
        setting = rules.platform.take(batch.cls)
        refused = setting if refused is None else np.where(setting != OPEN, setting, refused)
    return refused


def _queued(
    compiled: CompiledScenario,
    account: Account,
    batch: MessageBatch,
    entering: Mask | None,
    asking: Mask | None,
) -> tuple[Ints, Mask | None]:
    """When those *entering* go, and which of them or of those *asking* find the queue full (None
    for none).
    """
    if entering is None and len(compiled.queues) == 1:
        queue = account.queues[compiled.queues[0]]
        sent, accepted = line_up(batch.t, queue.free_us, queue.gap_us, queue.longest_wait_us)
        if accepted is None:
            return sent, None
        sent[~accepted] = NEVER
        return sent, ~accepted
    sent_us = np.full(len(batch), NEVER, np.int64)
    full = np.zeros(len(batch), bool)
    number = compiled.queue.take(batch.cls)
    for i, name in enumerate(compiled.queues):
        queue = account.queues[name]
        entrants = np.flatnonzero(number == i if entering is None else entering & (number == i))
        sent, accepted = line_up(
            batch.t[entrants], queue.free_us, queue.gap_us, queue.longest_wait_us
        )
        if accepted is not None:
            full[entrants[~accepted]] = True
            entrants, sent = entrants[accepted], sent[accepted]
        sent_us[entrants] = sent
        if asking is not None and queue.longest_wait_us is not None:
            waiting = np.flatnonzero(asking & (number == i))
            free = np.concatenate([[queue.free_us], sent + queue.gap_us])[
                np.searchsorted(entrants, waiting)
            ]
            full[waiting[free - batch.t[waiting] > queue.longest_wait_us]] = True
    return sent_us, full if full.any() else None
