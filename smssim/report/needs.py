"""What a report declares it needs of a record, so that it can say what is missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from smssim.record.record import Record
from smssim.record.schema import TABLES
from smssim.record.tallies import NAMES
from smssim.report._record import recorded

P = ParamSpec("P")
R = TypeVar("R")
KNOWN = (*NAMES, *TABLES)


def needs(
    *names: str,
) -> Callable[[Callable[Concatenate[Record, P], R]], Callable[Concatenate[Record, P], R]]:
    """Declare the tallies and tables that a report is computed from; they become its `needs`.

    A log knows no small tables and gets NA for what they would tell. A simulated record that was
    stripped of one is refused with a ValueError that names it.
    """
    unknown = set(names) - set(KNOWN)
    if unknown:
        raise ValueError(f"needs(={sorted(unknown)}) must be some of {', '.join(KNOWN)}")

    def declare(
        report: Callable[Concatenate[Record, P], R],
    ) -> Callable[Concatenate[Record, P], R]:
        @wraps(report)
        def checked(record: Record, /, *args: P.args, **kwargs: P.kwargs) -> R:
            missing = [name for name in names if name in TABLES and getattr(record, name) is None]
            if missing and not recorded(record):
                raise ValueError(
                    f"report.{report.__name__} needs {', '.join(missing)}, "
                    f"which the record {record.name!r} was stripped of"
                )
            return report(record, *args, **kwargs)

        checked.needs = names  # type: ignore[attr-defined]
        return checked

    return declare


def needs_of(report: Callable[..., Any]) -> tuple[str, ...]:
    """The tallies and tables that a report is computed from; none if it does not say."""
    found: tuple[str, ...] = getattr(report, "needs", ())
    return found
