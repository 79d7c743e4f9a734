"""The account's present state by class of message, as look-up tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smssim.engine.fates import TEMPLATE, UNBORN
from smssim.engine.world import World
from smssim.model.account import Account

OPEN = UNBORN
"""In `Terms.refusal`: not refused at place 1 or by the template."""


@dataclass(frozen=True)
class Terms:
    """How messages are judged until the account changes; arrays by class, None where nothing is
    refused so.
    """

    refusal: NDArray[np.uint8] | None
    suspended: NDArray[np.bool_] | None
    package: NDArray[np.int16] | None
    """The package that gives, -1 for none; None if there is no package at all."""


def terms(world: World, account: Account) -> Terms:
    """Read the account's state off."""
    by_country = [account.refuse_request(country) for country in world.countries]
    refusal = np.array(
        [OPEN if code is None else world.fates.of_code(code) for code in by_country], np.uint8
    )[world.country]
    unusable = np.array([name not in account.usable for name in world.templates])[world.template]
    refusal[unusable & (refusal == OPEN)] = TEMPLATE
    suspends = account.mode == "suspend"
    suspended = np.array([suspends and account.suspended(c) for c in world.countries])[
        world.country
    ]
    giving = [quota.giving for quota in account.countries.values()]
    package = np.array([g.id if g else -1 for g in giving], np.int16)[world.country]
    return Terms(
        refusal if (refusal != OPEN).any() else None,
        suspended if suspended.any() else None,
        package if any(giving) else None,
    )
