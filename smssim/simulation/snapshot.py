"""The account's present state by class of message, as look-up tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smssim.simulation.account.account import Account
from smssim.simulation.compiled import EXPIRED, TEMPLATE, UNBORN, World
from smssim.simulation.window import Arrivals

OPEN = UNBORN
"""In `Terms.refusal`: not refused at place 1 or by the template."""


@dataclass(frozen=True)
class Terms:
    """How messages are judged until the account changes; arrays by class, None where nothing is
    refused so.
    """

    refusal: NDArray[np.uint8] | None
    platform: NDArray[np.uint8] | None
    """Refused after acceptance by settings of the console."""
    unregistered: NDArray[np.uint8] | None
    """What is reported instead of the drawn fate, OPEN for nothing."""
    suspended: NDArray[np.bool_] | None
    """Refused for want of quota, or because the service mode does not reach the country."""
    frequency: NDArray[np.int64] | None
    """Messages a minute, hour and day that a number may get, shape (3, classes), 0 for no limit."""
    package: NDArray[np.int16] | None
    """The package that gives, -1 for none; None if there is no package at all."""


def terms(world: World, account: Account) -> Terms:
    """Read the account's state off."""
    refusal = np.full(len(world.kinds), OPEN, np.uint8)
    if account.may_refuse_requests:
        refusal = _fates(world, map(account.refuse_request, world.kinds), 1)
    unusable = np.array([name not in account.usable for name in world.templates])[world.template]
    refusal[unusable & (refusal == OPEN)] = TEMPLATE
    platform = None
    if account.may_refuse_numbers:
        platform = _fates(world, map(account.refuse_number, world.kinds), 3)
    suspends = account.mode == "suspend"
    suspended = np.array(
        [suspends and (account.suspended(c) or not account.reaches(c)) for c in world.countries]
    )[world.country]
    giving = [quota.giving for quota in account.countries.values()]
    package = np.array([g.id if g else -1 for g in giving], np.int16)[world.country]
    return Terms(
        refusal if (refusal != OPEN).any() else None,
        platform if platform is not None and (platform != OPEN).any() else None,
        _unregistered(world, account) if account.unregistered else None,
        suspended if suspended.any() else None,
        frequency_limits(world, account),
        package if any(giving) else None,
    )


def _fates(world: World, codes: Iterable[str | None], place: int) -> NDArray[np.uint8]:
    """The fates of classes by the codes that refuse them, OPEN where none does."""
    numbers = [OPEN if code is None else world.fates.of_code(code, place) for code in codes]
    return np.array(numbers, np.uint8)


def frequency_limits(world: World, account: Account) -> NDArray[np.int64] | None:
    """Messages a minute, hour and day that a number may get now, as in `Terms.frequency`."""
    if not account.console.frequency:
        return None
    limits = (account.console.frequency_limits(kind) or (0, 0, 0) for kind in world.kinds)
    return np.array(list(limits), np.int64).T.copy()


def _unregistered(world: World, account: Account) -> NDArray[np.uint8]:
    statuses = (account.reported_instead(kind.country) for kind in world.kinds)
    return np.array([OPEN if s is None else world.fates.number(s) for s in statuses], np.uint8)


def never_delivered(terms: Terms) -> NDArray[np.bool_] | None:
    """The classes of which nothing is delivered under these terms, None if there are none."""
    fates = (terms.refusal, terms.platform, terms.unregistered)
    vain = [of_class != OPEN for of_class in fates if of_class is not None]
    if terms.suspended is not None:
        vain.append(terms.suspended)
    return np.logical_or.reduce(vain) if vain else None


def as_reported(world: World, arrivals: Arrivals, terms: Terms) -> Arrivals:
    """The copies with what is reported of those to countries that are not registered."""
    if terms.unregistered is None:
        return arrivals
    status = terms.unregistered.take(arrivals.cls)
    keep = (status == OPEN) | (arrivals.drawn == EXPIRED)
    keep |= world.fates.own_place.take(arrivals.drawn) > 0
    return replace(arrivals, drawn=np.where(keep, arrivals.drawn, status))
