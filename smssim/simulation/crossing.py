"""Where in a block the account changes: the first message at which a counter reaches its goal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.account.account import Account
from smssim.simulation.compiled import World
from smssim.simulation.message_arrivals import Arrivals
from smssim.sms.packages import CountryQuota

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
