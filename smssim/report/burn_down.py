"""What is left in the packages of each country, as it is used up, bought, and expires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from smssim.arrays import Ints
from smssim.record.record import Record
from smssim.record.schema import TIME, microseconds_of
from smssim.record.tallies import SLOT_US
from smssim.report._record import instants, requires, scenario_of

__all__ = ["burn_down", "order_of_use"]

# The packages of one country as their use is told again, a slot of the clock at a time.


class _QuotaEvent(NamedTuple):
    """An event that tells or changes what is left: `package` is -1 where it names none."""

    at: int
    event: str
    package: int
    value: int


class _PackageReplay:
    """The packages in force and what is left in each, in segments, taken in their order of use.

    *order* says where each package is in that order. What is used within a slot is known as a
    whole; events within it tell how much of it came before them.
    """

    def __init__(self, order: Mapping[int, Any]) -> None:
        self._order = order
        self._left: dict[int, int] = {}
        self._used = 0
        self._since: int | None = None

    @property
    def total(self) -> int:
        """What is left in all packages."""
        return sum(self._left.values())

    def meet(
        self, event: _QuotaEvent, slot: tuple[int, int], use: int, used: int | None = None
    ) -> int:
        """Take what was used before an event, let it happen, and return the total after it.

        *slot* is the start and end of the event's slot in microseconds, *use* all used in it;
        *used* is how much of it came before the event, if that is known.
        """
        taken = self._deducted(event)
        if taken is None:
            taken = self._evenly(event.at, slot, use) if used is None else used - self._used
        self._take(taken, use)
        self._since = event.at
        if event.event in ("package_bought", _IN_FORCE):
            self._left[event.package] = event.value
            self._left = dict(sorted(self._left.items(), key=lambda item: self._order[item[0]]))
        elif event.event == "package_expired":
            self._left.pop(event.package, None)
        elif event.event == "returned" and event.package in self._left:
            self._left[event.package] += event.value
        return self.total

    def close(self, use: int) -> int:
        """Take what is still to take of a slot's use, and return the total at its end."""
        self._take(use, use)
        self._used, self._since = 0, None
        return self.total

    def _deducted(self, event: _QuotaEvent) -> int | None:
        """How much was used between the last event and this one, if this one tells."""
        name, package = event.event, event.package
        if name == "package_empty":
            return self._until(package, 0)
        if name in ("run_out", "low_quota"):
            return self.total - event.value
        if name == "package_expired" and self._left.get(package, 0) > event.value:
            return self._until(package, event.value)
        return None

    def _evenly(self, at: int, slot: tuple[int, int], use: int) -> int:
        """How much that is if the rest of the slot's use is spread over the rest of the slot."""
        since = slot[0] if self._since is None else self._since
        return (use - self._used) * (at - since) // max(1, slot[1] - since)

    def _until(self, package: int, left: int) -> int:
        """How much is taken in all when *left* is left in a package."""
        before = 0
        for number, amount in self._left.items():
            if number == package:
                return before + amount - left
            before += amount
        return 0

    def _take(self, segments: int, use: int) -> None:
        segments = min(segments, use - self._used)
        for number, amount in self._left.items():
            taken = min(amount, max(0, segments))
            self._left[number] -= taken
            segments -= taken
            self._used += taken


_SHOWN = ("package_bought", "package_empty", "package_expired", "run_out", "suspended", "resumed")
_OF_PACKAGES = _SHOWN[:3]
_IN_FORCE = "in_force"
"""A package of before the record, which no event tells of."""
_OF_COUNTRIES = ("run_out", "suspended", "resumed", "low_quota", "frozen")
_TYPES = {"at": TIME, "country": "str", "left": "int64", "event": "str"}


@requires("clock", "packages", "ledger", "events")
def burn_down(record: Record) -> pd.DataFrame:
    """What is `left`, in segments, in all packages in force of each country that has any.

    A country has a row for the end of each 15-minute slot (UTC) from its first purchase to the end
    of the record, with event "", where `left` is that just before `at`; and a row for each event
    (package_bought, package_empty, package_expired, run_out, suspended, resumed), where `left` is
    that just after, without what a straddling message takes from the next package. Within a slot
    events tell what is left; where they are silent, as at a purchase, the messages do if they are
    kept, else the use of the slot is taken as even. What a freeze returned is used until then. A
    log has no rows unless it was rated.
    """
    bought, curves = record.packages, []
    countries = [] if bought is None else sorted(bought["country"].unique())
    for country in countries:
        curve = pd.DataFrame(_curve(record, country), columns=["at", "left", "event"])
        at = instants(curve["at"].to_numpy(np.int64))
        curves.append(curve.assign(at=at, country=country)[list(_TYPES)].astype(_TYPES))
    if not curves:
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in _TYPES.items()})
    return pd.concat(curves, ignore_index=True)


def _curve(record: Record, country: str) -> Iterator[tuple[int, int, str]]:
    """One country's rows in order: instant, segments left, event."""
    quota_events = [*_in_force_before(record, country), *_quota_events(record, country)]
    if not quota_events:
        return
    first = quota_events[0].at // SLOT_US
    starts = np.arange(first, -(-record.observed_until // SLOT_US)) * SLOT_US
    use = _use(record, country, starts, quota_events)
    gave_back = any(event.event == "returned" for event in quota_events)
    used_before = (
        None if gave_back else _used_before(record, country, [event.at for event in quota_events])
    )
    replay, met = _PackageReplay(order_of_use(record)), 0
    for start, used in zip(starts.tolist(), use.tolist(), strict=True):
        end = min(start + SLOT_US, record.observed_until)
        while met < len(quota_events) and quota_events[met].at < end:
            event = quota_events[met]
            so_far = None if used_before is None else used_before[met]
            left = replay.meet(event, (start, end), used, so_far)
            if event.event in _SHOWN:
                yield event.at, left, event.event
            met += 1
        yield end, replay.close(used), ""


def _in_force_before(record: Record, country: str) -> Iterator[_QuotaEvent]:
    """The packages of a country that were there when the record begins, with what they held."""
    packages, events = record.packages, record.events
    assert packages is not None
    assert events is not None
    bought = set(events.loc[events["event"] == "package_bought", "subject"])
    of_country = packages[packages["country"] == country]
    since = microseconds_of(of_country["in_force_at"]).tolist()
    for number, segments, at in zip(
        of_country["package"], of_country["segments"], since, strict=True
    ):
        if at < record.observed_from and segments and str(number) not in bought:
            yield _QuotaEvent(record.observed_from, _IN_FORCE, int(number), int(segments))


def _quota_events(record: Record, country: str) -> Iterator[_QuotaEvent]:
    """What happened to the packages of a country, in order, from the first on."""
    packages, events = record.packages, record.events
    assert packages is not None
    assert events is not None
    names = {str(number) for number in packages.loc[packages["country"] == country, "package"]}
    returned = _returned(record, country)
    begun = any(True for _ in _in_force_before(record, country))
    values = events["value"].fillna(0).astype("int64")
    for at, event, subject, value in zip(
        microseconds_of(events["at"]).tolist(),
        events["event"],
        events["subject"],
        values,
        strict=True,
    ):
        of_package = event in _OF_PACKAGES and subject in names
        begun |= of_package
        if event == "frozen":
            # Quota comes back before the freeze is told.
            yield from (back for back in returned if back.at == at)
        if of_package or (begun and event in _OF_COUNTRIES and subject in (country, "")):
            yield _QuotaEvent(at, event, int(subject) if of_package else -1, int(value))


def _returned(record: Record, country: str) -> list[_QuotaEvent]:
    """What freezes gave back to the packages of a country."""
    ledger = record.ledger
    assert ledger is not None
    entries = ledger[(ledger["entry"] == "returned") & (ledger["country"] == country)]
    at_us = microseconds_of(entries["at"]).tolist()
    rows = zip(at_us, entries["package"], entries["segments"], strict=True)
    return [_QuotaEvent(at, "returned", int(number), int(n)) for at, number, n in rows]


def order_of_use(record: Record) -> dict[int, Any]:
    """Where each package, by its number, is in the order of use."""
    packages, scenario = record.packages, scenario_of(record)
    assert packages is not None
    ends = microseconds_of(packages["ends_at"]).tolist()
    order = None if scenario is None else scenario.account.package_order
    rating = record.provenance.get("rating", {})
    nearest = rating.get("package_order", order) == "nearest_expiry"
    return {
        number: (end if nearest else 0, number)
        for number, end in zip(packages["package"], ends, strict=True)
    }


def _use(record: Record, country: str, starts: Ints, quota_events: list[_QuotaEvent]) -> Ints:
    """Segments that packages gave in each slot, with those that a freeze returned later."""
    clock = record.tallies.clock
    clock = clock[clock["country"] == country]
    refused = clock["segments"].where(clock["outcome"] == "refused_platform", 0)
    use = _by_slot(clock, clock["covered_segments"], starts)
    failed = _by_slot(clock, refused, starts)
    # Messages that failed with a freeze stand as refused and uncovered: the last ones before it.
    for refund in reversed([event for event in quota_events if event.event == "returned"]):
        empty = [
            event.at
            for event in quota_events
            if event.event == "package_empty"
            and event.package == refund.package
            and event.at < refund.at
        ]
        last = max(0, (min([refund.at - 1, *empty[-1:]]) - int(starts[0])) // SLOT_US)
        left = refund.value
        for slot in range(last, -1, -1):
            taken = min(left, int(failed[slot]))
            failed[slot] -= taken
            use[slot] += taken
            left -= taken
            if not left:
                break
        use[last] += left
    return use


def _used_before(record: Record, country: str, at: list[int]) -> list[int] | None:
    """Segments that packages gave in each instant's slot before it, None without messages."""
    if record.messages is None:
        return None
    messages = record.messages.loc[
        record.messages["country"] == country, ["submitted_at", "covered_segments"]
    ]
    times = microseconds_of(messages["submitted_at"])
    total = np.append(0, np.cumsum(messages["covered_segments"].to_numpy(np.int64)))
    here = np.array(at, np.int64)
    before = total[times.searchsorted(here)] - total[times.searchsorted(here // SLOT_US * SLOT_US)]
    used: list[int] = before.tolist()
    return used


def _by_slot(clock: pd.DataFrame, values: pd.Series[Any], starts: Ints) -> Ints:
    """The sum of a column of the clock tally in each slot."""
    slots = (microseconds_of(clock["slot"]) - starts[0]) // SLOT_US
    sums = np.zeros(len(starts), np.int64)
    inside = slots >= 0
    np.add.at(sums, slots[inside], values.to_numpy(np.int64)[inside])
    return sums
