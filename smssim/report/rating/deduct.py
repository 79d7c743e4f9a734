"""One country's recorded messages against its packages, in order.

Messages far from the end of a package are deducted by sums; each that meets an end is deducted by
itself, by the rules of `smssim.sms.packages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.record.schema import codes_of, microseconds_of, refusal_stages
from smssim.sms.packages import CountryQuota, Package

__all__ = [
    "UNKNOWN",
    "PackageDeduction",
    "PackageEvent",
    "QuotaRequests",
    "SentMessages",
    "sent_messages",
]

UNKNOWN = -1
"""Segments covered of a message that was sent though mode 2 could not have sent it."""
_NO_QUOTA, _DELIVERED = "E000629", "DELIVRD"
_NAT = np.iinfo(np.int64).min
_EXPIRY, _PURCHASE, _MESSAGE = -8, -6, 0
"""The order of one instant (docs/model.md, Time and order)."""
_LAST = 1_000
"""A run-out comes after the packages that the message emptied."""


@dataclass(frozen=True)
class SentMessages:
    """Messages in order of submission, then of the record; times in microseconds since 1970 UTC.

    *order* holds their rows in the record, None if that is in order. *countries* are those that
    known messages were sent to; *unknown* marks messages sent without country or segments.
    *accrues_us* is when a charge on delivery falls due, else the submission.
    """

    order: NDArray[np.intp] | None
    at_us: Ints
    accrues_us: Ints
    stage: NDArray[np.int8]
    segments: Ints
    delivered: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    countries: list[str]
    _rows: dict[str, Ints]
    _out_of_quota: NDArray[np.bool_]

    @property
    def last_us(self) -> int:
        """The last submission."""
        return int(self.at_us[-1]) if len(self.at_us) else _NAT

    def rows(self, country: str, *, refused: bool = False) -> Ints:
        """The messages sent to a country; with *refused* those refused for want of quota, too."""
        rows: Ints = self._rows.get(country, np.empty(0, np.int64))
        wanted = self.stage[rows] == 0
        if refused:
            wanted |= self._out_of_quota[rows]
        return rows.compress(wanted & ~self.unknown[rows])

    def back(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of the messages in the order of the record."""
        if self.order is None:
            return values
        back = np.empty_like(values)
        back[self.order] = values
        return back


def sent_messages(messages: pd.DataFrame, charged_on_delivery: str) -> SentMessages:
    """The messages of a record; those to one country accrue when they are delivered."""
    at_us = microseconds_of(messages["submitted_at"])
    # Only a log whose files overlap has anything to sort.
    order = None if bool((at_us[1:] >= at_us[:-1]).all()) else np.argsort(at_us, kind="stable")

    def ordered(values: NDArray[Any]) -> NDArray[Any]:
        return values if order is None else values.take(order)

    country, names = codes_of(messages["country"].astype("category"))
    status, statuses = codes_of(messages["status"].astype("category"))
    stage = refusal_stages(messages["refused_at"])
    segments = messages["segments"].astype("Int64").fillna(0).to_numpy(np.int64)
    country, status, stage = ordered(country), ordered(status), ordered(stage)
    segments, at_us = ordered(segments), ordered(at_us)
    final_us: Ints = ordered(microseconds_of(messages["final_at"]))
    late = country == (names.index(charged_on_delivery) if charged_on_delivery in names else -2)
    rows = _by_code(country, names)
    unknown = (stage == 0) & ((country < 0) | (segments <= 0))
    known_sent = (stage == 0) & ~unknown
    return SentMessages(
        order,
        at_us,
        np.where(late & (final_us != _NAT), final_us, at_us),
        stage,
        segments.astype(np.int64),
        status == (statuses.index(_DELIVERED) if _DELIVERED in statuses else -2),
        unknown,
        sorted(name for name, numbers in rows.items() if known_sent[numbers].any()),
        rows,
        (stage == 3) & (status == (statuses.index(_NO_QUOTA) if _NO_QUOTA in statuses else -2)),
    )


def _by_code(codes: NDArray[Any], names: list[str]) -> dict[str, Ints]:
    """The row numbers of each name, in order."""
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes.take(order), np.arange(len(names) + 1))
    return {name: order[ends[i] : ends[i + 1]] for i, name in enumerate(names)}


class PackageEvent(NamedTuple):
    """An event of a package or its country; sorts by time and by what comes first in it."""

    at_us: int
    rank: int
    row: int
    step: int
    event: str
    subject: str
    value: int


class QuotaRequests(NamedTuple):
    """A country's messages that ask for quota: row, time, segments, and whether they were sent.

    Those that were not are refusals for want of quota, which take nothing and show a run-out.
    """

    row: Ints
    at_us: Ints
    segments: Ints
    sent: NDArray[np.bool_]


class PackageDeduction:
    """What each message took: segments `covered` and `charged`, and the `package` that first gave.

    `covered` is UNKNOWN where mode 2 could not have sent the message; `package` is -1 without one.
    """

    def __init__(
        self, quota: CountryQuota, requests: QuotaRequests, *, suspends: bool, covers: bool
    ) -> None:
        n = len(requests.row)
        self.covered, self.charged = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.package = np.full(n, -1, np.int64)
        self.events: list[PackageEvent] = []
        self._quota, self._requests = quota, requests
        self._rules: dict[str, Any] = {"suspends": suspends, "covers": covers}
        self._need = np.where(requests.sent, requests.segments, 0)
        self._before = np.append(0, np.cumsum(self._need))

    def run(self, packages: Sequence[Package], until_us: int) -> None:
        """Let all messages pass, and packages come in force and end before *until_us*."""
        turns = [(p.in_force_us, _PURCHASE, p.id, p) for p in packages]
        turns += [(p.ends_us, _EXPIRY, p.id, p) for p in packages if p.ends_us < until_us]
        done = 0
        for at_us, rank, number, package in sorted(turns, key=lambda turn: turn[:3]):
            here = int(np.searchsorted(self._requests.at_us, at_us, "left"))
            self._pass(done, here)
            done = here
            if rank == _PURCHASE:
                self._quota.add(package)
                event, segments = "package_bought", package.segments
            else:
                self._quota.packages.remove(package)
                package.expired, package.left = package.left, 0
                event, segments = "package_expired", package.expired
            self.events.append(PackageEvent(at_us, rank, number, 0, event, str(number), segments))
        self._pass(done, len(self._need))

    def _pass(self, begin: int, end: int) -> None:
        """Let messages pass between two turns."""
        left, at = self._quota.left, begin
        while at < end:
            giving = self._quota.giving
            if giving is None:
                self._go_bare(at, end)
                break
            whole = self._before[at] + giving.left
            last = min(end, int(np.searchsorted(self._before, whole, "right")) - 1)
            at = self._take(at, last, giving) if last > at else self._meet(at, end)
        self._add_run_out(begin, end, left)

    def _take(self, begin: int, end: int, giving: Package) -> int:
        """Let one package carry messages whole."""
        rows = slice(begin, end)
        self.covered[rows] = self._need[rows]
        self.package[rows] = np.where(self._need[rows] > 0, giving.id, -1)
        taken = int(self._before[end] - self._before[begin])
        if taken and not self._quota.take(taken)[0][0].left:
            last = int(np.searchsorted(self._before, self._before[end], "left")) - 1
            self._add(last, 0, "package_empty", str(giving.id), 0)
        return end

    def _meet(self, at: int, end: int) -> int:
        """Judge the message that the giving package cannot carry; return the index of the next."""
        deduction = self._quota.deduct(int(self._need[at]), **self._rules)
        if deduction is None:
            fits = self._need[at:end] <= self._quota.left
            following = at + int(np.argmax(fits)) if fits.any() else end
            self.covered[at:following] = UNKNOWN
            return following
        self.charged[at] = deduction.uncovered
        self.covered[at] = sum(segments for _, segments in deduction.parts)
        self.package[at] = deduction.parts[0][0].id
        for step, (package, _) in enumerate(deduction.parts):
            if not package.left:
                self._add(at, step, "package_empty", str(package.id), 0)
        return at + 1

    def _go_bare(self, begin: int, end: int) -> None:
        """Let messages pass that no package covers."""
        rows = slice(begin, end)
        if self._rules["suspends"]:
            self.covered[rows] = np.where(self._need[rows] > 0, UNKNOWN, 0)
        else:
            self.charged[rows] = self._need[rows]

    def _add_run_out(self, begin: int, end: int, left: int) -> None:
        """Add the run-out: the first message since quota came that had less than it needed."""
        if not self._quota.seen:
            return
        covered = np.maximum(self.covered[begin:end], 0)
        left_before = left - np.cumsum(covered) + covered
        short = self._requests.segments[begin:end] > left_before
        if self._rules["covers"]:
            short &= left_before == 0
        if short.any():
            self._quota.seen = False
            first = int(np.argmax(short))
            country, remaining = self._quota.country, int(left_before[first])
            self._add(begin + first, _LAST, "run_out", country, remaining)

    def _add(self, at: int, step: int, event: str, subject: str, value: int) -> None:
        requests = self._requests
        at_us, row = int(requests.at_us[at]), int(requests.row[at])
        self.events.append(PackageEvent(at_us, _MESSAGE, row, step, event, subject, value))
