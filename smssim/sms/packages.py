"""Prepaid packages: order of use, deduction, quota left, expiry (DOMAIN.md section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from smssim.calendars import end_of_validity

__all__ = ["CountryQuota", "Package", "ends_us"]


@dataclass
class Package:
    """One bought package; *left* falls as messages are accepted, and rises when a freeze returns
    some.
    """

    id: int
    country: str
    segments: int
    price_micro: int
    in_force_us: int
    ends_us: int
    left: int
    expired: int = 0

    @property
    def used(self) -> int:
        """Segments deducted, less those returned."""
        return self.segments - self.left - self.expired


class _Deduction(NamedTuple):
    """Which packages gave how many segments to one message, and how many none of them covers."""

    parts: tuple[tuple[Package, int], ...]
    uncovered: int


def ends_us(bought_us: int, zone: str, *, valid_days: int | None, valid_months: int | None) -> int:
    """The first instant at which a package cannot be used; a month by default."""
    months = 1 if valid_months is None and valid_days is None else valid_months
    return end_of_validity(bought_us, zone, days=valid_days, months=months)


class CountryQuota:
    """The packages in force for one country, in their order of use, and the notices
    that were given.
    """

    def __init__(self, country: str, order: str, low_notice: int | None) -> None:
        self.country = country
        self.packages: list[Package] = []
        self.seen = False
        """Whether quota came since the last run-out."""
        self.suspended = False
        self.low_notice = low_notice
        self.low_armed = False
        self._nearest_expiry = order == "nearest_expiry"

    @property
    def left(self) -> int:
        """Segments left in all packages in force."""
        return sum(package.left for package in self.packages)

    @property
    def giving(self) -> Package | None:
        """The package that gives the next segment."""
        return next((package for package in self.packages if package.left), None)

    def add(self, package: Package) -> None:
        """Put a package in force."""
        self.packages.append(package)
        if self._nearest_expiry:
            self.packages.sort(key=lambda p: (p.ends_us, p.id))
        self.replenished()

    def open(self, *, seen: bool | None, low_armed: bool | None, suspended: bool) -> None:
        """Begin with the packages there are; notices not given are armed by what is left."""
        self.seen = self.left > 0 if seen is None else seen
        enough = self.low_notice is not None and self.left > self.low_notice
        self.low_armed = enough if low_armed is None else low_armed
        self.suspended = suspended

    def replenished(self) -> None:
        """Quota arrived: arm the notice of a run-out, and of low quota if enough is left."""
        self.seen = True
        if self.low_notice is not None and self.left > self.low_notice:
            self.low_armed = True

    def take(self, segments: int) -> list[tuple[Package, int]]:
        """Deduct up to *segments* in the order of use; return how many each gave."""
        parts = []
        for package in self.packages:
            deducted = min(package.left, segments)
            if deducted:
                package.left -= deducted
                segments -= deducted
                parts.append((package, deducted))
        return parts

    def deduct(self, segments: int, *, suspends: bool, covers: bool) -> _Deduction | None:
        """Deduct a message; None if it is refused for lack of quota, and nothing deducted.

        Where packages do not cover it whole, the last of them carries it if the straddling message
        is covered; else mode 2 (*suspends*) refuses it, and mode 1 leaves the rest to be charged.
        """
        left = self.left
        carried = covers and left > 0
        if suspends and segments > left and not carried:
            return None
        parts = tuple(self.take(segments))
        return _Deduction(parts, 0 if carried else max(0, segments - left))

    def low_reached(self) -> bool:
        """Whether the low-quota notice is due; it disarms."""
        due = self.low_armed and self.low_notice is not None and self.left <= self.low_notice
        if due:
            self.low_armed = False
        return due
