"""The packages of one country as their use is told again, a slot of the clock at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Happening(NamedTuple):
    """An event that tells or changes what is left: `package` is -1 where it names none."""

    at: int
    event: str
    package: int
    value: int


class Shelf:
    """The packages in force and what is left in each, in segments, taken in their order of use.

    *order* says where each package stands in that order. What is used within a slot is known as a
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
        self, happening: Happening, slot: tuple[int, int], use: int, used: int | None = None
    ) -> int:
        """Take what was used before an event, let it happen, and return the total after it.

        *slot* is the start and end of the event's slot in microseconds, *use* all used in it;
        *used* is how much of it came before the event, if that is known.
        """
        told = self._told(happening)
        if told is None:
            told = self._evenly(happening.at, slot, use) if used is None else used - self._used
        self._take(told, use)
        self._since = happening.at
        if happening.event == "package_bought":
            self._left[happening.package] = happening.value
            self._left = dict(sorted(self._left.items(), key=lambda own: self._order[own[0]]))
        elif happening.event == "package_expired":
            self._left.pop(happening.package, None)
        elif happening.event == "returned" and happening.package in self._left:
            self._left[happening.package] += happening.value
        return self.total

    def close(self, use: int) -> int:
        """Take what is still to take of a slot's use, and return the total at its end."""
        self._take(use, use)
        self._used, self._since = 0, None
        return self.total

    def _told(self, happening: Happening) -> int | None:
        """How much was used between the last event and this one, if this one tells."""
        event, package = happening.event, happening.package
        if event == "package_empty":
            return self._until(package, 0)
        if event in ("run_out", "low_quota"):
            return self.total - happening.value
        if event == "package_expired" and self._left.get(package, 0) > happening.value:
            return self._until(package, happening.value)
        return None

    def _evenly(self, at: int, slot: tuple[int, int], use: int) -> int:
        """How much that is if the rest of the slot's use is spread over the rest of the slot."""
        since = slot[0] if self._since is None else self._since
        return (use - self._used) * (at - since) // max(1, slot[1] - since)

    def _until(self, package: int, left: int) -> int:
        """How much is taken in all when *left* is left in a package."""
        before = 0
        for number, own in self._left.items():
            if number == package:
                return before + own - left
            before += own
        return 0

    def _take(self, segments: int, use: int) -> None:
        segments = min(segments, use - self._used)
        for number, own in self._left.items():
            taken = min(own, max(0, segments))
            self._left[number] -= taken
            segments -= taken
            self._used += taken
