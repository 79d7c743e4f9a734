"""One country's recorded messages against its packages, in order.

Messages far from the end of a package are taken by sums; each that meets one is taken by itself, by
the rules of `model.packages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.sms.packages import CountryQuota, Package

Ints = NDArray[np.int64]
UNKNOWN = -1
"""Segments covered of a message that was sent though mode 2 could not have sent it."""
EXPIRY, PURCHASE, MESSAGE = -8, -6, 0
"""The order of one instant (docs/model.md, Time and order)."""
_LAST = 1_000
"""A run-out is told after the packages that the message emptied."""


class Told(NamedTuple):
    """An event of a package or its country; sorts by time and by what comes first in it."""

    at_us: int
    rank: int
    place: int
    step: int
    event: str
    subject: str
    value: int


class Asked(NamedTuple):
    """A country's messages that ask for quota: row, time, segments, and whether they were sent.

    Those that were not are refusals for want of quota, which take nothing and tell of a run-out.
    """

    row: Ints
    at_us: Ints
    segments: Ints
    sent: NDArray[np.bool_]


class Course:
    """What each message took: segments `covered` and `charged`, and the `package` that first gave.

    `covered` is UNKNOWN where mode 2 could not have sent the message; `package` is -1 without one.
    """

    def __init__(self, quota: CountryQuota, asked: Asked, *, suspends: bool, covers: bool) -> None:
        n = len(asked.row)
        self.covered, self.charged = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.package = np.full(n, -1, np.int64)
        self.told: list[Told] = []
        self._quota, self._asked = quota, asked
        self._rules: dict[str, Any] = {"suspends": suspends, "covers": covers}
        self._need = np.where(asked.sent, asked.segments, 0)
        self._before = np.append(0, np.cumsum(self._need))

    def run(self, packages: Sequence[Package], until_us: int) -> None:
        """Let all messages pass, and packages come in force and end before *until_us*."""
        turns = [(p.in_force_us, PURCHASE, p.id, p) for p in packages]
        turns += [(p.ends_us, EXPIRY, p.id, p) for p in packages if p.ends_us < until_us]
        passed = 0
        for at_us, rank, number, package in sorted(turns, key=lambda turn: turn[:3]):
            here = int(np.searchsorted(self._asked.at_us, at_us, "left"))
            self._pass(passed, here)
            passed = here
            if rank == PURCHASE:
                self._quota.add(package)
                told = "package_bought", str(number), package.segments
            else:
                self._quota.packages.remove(package)
                package.expired, package.left = package.left, 0
                told = "package_expired", str(number), package.expired
            self.told.append(Told(at_us, rank, number, 0, *told))
        self._pass(passed, len(self._need))

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
        self._tell_run_out(begin, end, left)

    def _take(self, begin: int, end: int, giving: Package) -> int:
        """Let one package carry messages whole."""
        own = slice(begin, end)
        self.covered[own] = self._need[own]
        self.package[own] = np.where(self._need[own] > 0, giving.id, -1)
        taken = int(self._before[end] - self._before[begin])
        if taken and not self._quota.take(taken)[0][0].left:
            last = int(np.searchsorted(self._before, self._before[end], "left")) - 1
            self._tell(last, 0, "package_empty", str(giving.id), 0)
        return end

    def _meet(self, at: int, end: int) -> int:
        """Judge the message that the giving package cannot carry; return the next one's place."""
        deduction = self._quota.deduct(int(self._need[at]), **self._rules)
        if deduction is None:
            fits = self._need[at:end] <= self._quota.left
            following = at + int(np.argmax(fits)) if fits.any() else end
            self.covered[at:following] = UNKNOWN
            return following
        self.charged[at] = deduction.uncovered
        self.covered[at] = sum(given for _, given in deduction.parts)
        self.package[at] = deduction.parts[0][0].id
        for step, (package, _) in enumerate(deduction.parts):
            if not package.left:
                self._tell(at, step, "package_empty", str(package.id), 0)
        return at + 1

    def _go_bare(self, begin: int, end: int) -> None:
        """Let messages pass that no package covers."""
        own = slice(begin, end)
        if self._rules["suspends"]:
            self.covered[own] = np.where(self._need[own] > 0, UNKNOWN, 0)
        else:
            self.charged[own] = self._need[own]

    def _tell_run_out(self, begin: int, end: int, left: int) -> None:
        """Tell of the first message since quota came that had less than it needed."""
        if not self._quota.seen:
            return
        given = np.maximum(self.covered[begin:end], 0)
        left_before = left - np.cumsum(given) + given
        short = self._asked.segments[begin:end] > left_before
        if self._rules["covers"]:
            short &= left_before == 0
        if short.any():
            self._quota.seen = False
            first = int(np.argmax(short))
            self._tell(
                begin + first, 1_000, "run_out", self._quota.country, int(left_before[first])
            )

    def _tell(self, at: int, step: int, event: str, subject: str, value: int) -> None:
        asked = self._asked
        told = int(asked.at_us[at]), MESSAGE, int(asked.row[at]), step, event, subject, value
        self.told.append(Told(*told))
