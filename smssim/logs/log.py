"""A Log: the record of a period that was read and not simulated."""

from __future__ import annotations

from dataclasses import dataclass

from smssim.errors import UserFacing
from smssim.record.record import Record

__all__ = ["ColumnMappingError", "Log", "QuarantinedError"]


@dataclass(frozen=True, repr=False)
class Log(Record):
    """A Record that was read and not simulated; records left out are in its quarantine."""


class QuarantinedError(UserFacing, ValueError):
    """A strict reading left records out; `log` is what was read."""

    def __init__(self, log: Record) -> None:
        counts, reasons = log.provenance["counts"], log.provenance["quarantined_by_reason"]
        most = max(reasons, key=reasons.__getitem__)
        super().__init__(
            f"{counts['quarantined']:,} of {counts['records_in']:,} records could not be used, "
            f"most of them because: {most} ({reasons[most]:,})"
        )
        self.log = log


class ColumnMappingError(UserFacing, ValueError):
    """A table whose columns are unknown or ambiguous; its text names the remedy."""
