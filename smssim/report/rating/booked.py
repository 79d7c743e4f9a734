"""The small tables of a rated month: events of packages, the ledger, the packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import HOUR
from smssim.record.schema import EVENTS, LEDGER, PACKAGES, frame
from smssim.report.rating.deduct import Told
from smssim.sms.packages import Package as Bought

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]


def booked(
    told: Sequence[Told],
    packages: Sequence[Bought],
    charges: tuple[Ints, Ints],
    until_us: int,
) -> dict[str, pd.DataFrame]:
    """Events, ledger and packages; *charges* are the instants at which amounts accrue, and these.

    As in a simulation, charges are settled with the next full hour, and with the end of the record
    if that comes first.
    """
    told = sorted(told)
    settled = _settled(*charges, until_us)
    entries = [*(_entry(own, packages) for own in told), *settled]
    # Of one instant, what expires and is bought comes before what is settled.
    ledger = sorted((own for own in entries if own is not None), key=lambda own: own[0])
    return {
        "events": frame(EVENTS, [(own.at_us, own.event, own.subject, own.value) for own in told]),
        "ledger": frame(LEDGER, ledger),
        "packages": frame(PACKAGES, [_package(own) for own in packages]),
    }


def _entry(told: Told, packages: Sequence[Bought]) -> tuple[Any, ...] | None:
    """The line of the ledger that goes with an event."""
    if told.event == "package_bought":
        own = packages[int(told.subject)]
        return told.at_us, "purchase", own.country, own.id, own.segments, own.price_micro
    if told.event == "package_expired" and told.value:
        own = packages[int(told.subject)]
        return told.at_us, "expired", own.country, own.id, told.value, None
    return None


def _settled(at_us: Ints, amount_micro: Ints, until_us: int) -> list[tuple[Any, ...]]:
    """What is settled at each full hour, and at the end; instants need no order."""
    charged = amount_micro > 0
    hours, place = np.unique(at_us[charged] // HOUR + 1, return_inverse=True)
    sums = np.zeros(len(hours), np.int64)
    np.add.at(sums, place, amount_micro[charged])
    found = [
        (hour * HOUR, "settlement", None, None, None, amount)
        for hour, amount in zip(hours.tolist(), sums.tolist(), strict=True)
    ]
    late = [own for own in found if own[0] >= until_us]
    rest = sum(own[-1] for own in late)
    last = [(until_us, "unsettled", None, None, None, rest)] if late else []
    return [*found[: len(found) - len(late)], *last]


def _package(own: Bought) -> tuple[Any, ...]:
    return (
        own.id,
        own.country,
        own.segments,
        own.price_micro,
        own.in_force_us,
        own.ends_us,
        own.used,
        own.expired,
        own.left,
    )
