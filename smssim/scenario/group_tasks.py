"""Tasks of the Group SMS Assistant: once, or again and again (DOMAIN.md section 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from smssim.scenario.errors.problems import Violation, as_written
from smssim.scenario.fields import Country, Flag, Float, Instant, Int, Name, ScenarioModel, Zone
from smssim.scenario.recurrence import Every, moments_of
from smssim.sms.recipients import MAX_FILE_BYTES, estimated_file_bytes

__all__ = ["CANCEL_BEFORE", "MOST_NUMBERS", "DatedTask", "GroupTask"]

MOST_NUMBERS = 1_000_000
CANCEL_BEFORE = timedelta(minutes=5)
"""How long before its start a group task can be cancelled at the latest (DOMAIN.md section 8)."""
_MADE_BEFORE = timedelta(days=7)
"""How long before its start a task that recurs is made."""
_LONGEST_NAME = 53
"""Characters of a name that has room for a date behind it."""
_ONCE, _RECURRING = ("created", "cancelled"), ("zone", "starts", "ends")
"""Fields that belong to a task with `at`, and to one with `every`."""


class GroupTask(ScenarioModel):
    """A task of the Group SMS Assistant: a file of numbers, or a count by country (DOMAIN.md
    section 8)."""

    name: Name
    """Its name; random numbers depend on it."""
    template: Name
    """The template it sends, by name."""
    at: Instant | None = None
    """When it starts; at most a calendar month after it was made."""
    every: Every | None = None
    """In place of `at`: the local dates and the time at which such a task starts again and again,
    `Friday 18:00`, `day 18:00` or `month 18:00` (the first of each month). Each is a task of its
    own, named after its date and made a week before it."""
    zone: Zone | None = None
    """The time zone of `every`, whose daylight saving time it follows."""
    starts: Instant | None = None
    """With `every`, the first instant of such tasks; without it, the start of the run."""
    ends: Instant | None = None
    """With `every`, the first instant after them; without it, the end of the run."""
    created: Instant | None = None
    """When it is made in the console; without it, at the start of the run or `at`, whichever is
    earlier."""
    cancelled: Instant | None = None
    """When it is cancelled, at least 5 minutes before it starts; it is not if nothing is said."""
    file: Path | None = None
    """An XLSX with the numbers in column A; a relative path is looked for next to the scenario
    file, then in the folders above it."""
    countries: dict[Country, Annotated[Int, Field(ge=1, le=MOST_NUMBERS)]] = {}
    """Numbers by country, sent in this order; not with a file."""
    digits: Annotated[Int, Field(ge=5, le=15)] = 11
    """Assumption: how long its numbers are, calling code included, to estimate the size of the file
    where they are given by country; 11, so that a million fits into 12 MB."""
    pace_per_s: Annotated[Float, Field(ge=0.001, le=1e6)] | None = None
    """Assumption: numbers a second that are handed to the queue; without it all are at the start
    of the task."""
    status_callback: Flag | None = None
    """Assumption: whether its delivery reports are pushed to an address of the task's own; as
    callback.address if nothing is said, for reports of tasks are not documented."""

    unknown_keys: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("cron", "interval", "periodic", "repeat"),
        "the assistant has no periodic tasks: `every: Friday 18:00` writes each one out",
    )

    def violations(self) -> Iterator[Violation]:
        """Moments that fit together, a file or counts, no more numbers than a task holds."""
        yield from self._when()
        if (self.file is None) == (not self.countries):
            have = "neither" if self.file is None else "both"
            yield (), f"give a file or countries, one of the two, not {have}"
        total = sum(self.countries.values())
        size = estimated_file_bytes(total, self.digits)
        if total > MOST_NUMBERS:
            message = f"{total} numbers a task: at most {MOST_NUMBERS} (DOMAIN.md section 8)"
            yield ("countries",), message
        elif size > MAX_FILE_BYTES:
            message = f"{total} numbers make a file of some {size:,} bytes"
            most = f"{MAX_FILE_BYTES:,} bytes, which are 12 MB (DOMAIN.md section 8)"
            yield ("countries",), f"{message}: at most {most}"

    def _when(self) -> Iterator[Violation]:
        """One of `at` and `every`, each with its own fields."""
        if (self.at is None) == (self.every is None):
            have = "neither" if self.at is None else "both"
            yield ("at",), f"give at or every, one of the two, not {have}"
            return
        field, others = ("at", _RECURRING) if self.every is None else ("every", _ONCE)
        for other in others:
            if getattr(self, other) is not None:
                yield (other,), f"{other} does not go with {field}"
        if self.every is not None and self.zone is None:
            message = f"every(={self.every}) needs the zone of its clock, such as Asia/Jakarta"
            yield ("every",), message
        if self.every is not None and len(self.name) > _LONGEST_NAME:
            message = f"the name has {len(self.name)} characters: at most {_LONGEST_NAME}"
            yield ("name",), f"{message} before the date of a task that recurs"
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            starts = as_written(self.starts)
            yield ("ends",), f"{as_written(self.ends)} must be after starts(={starts})"
        if self.at is None or self.cancelled is None:
            return
        if self.at - self.cancelled < CANCEL_BEFORE:
            start = f"at(={as_written(self.at)}) (DOMAIN.md section 8)"
            message = f"{as_written(self.cancelled)} must be at least 5 minutes before {start}"
            yield ("cancelled",), message

    def dated(self, start: datetime, end: datetime) -> Iterator[DatedTask]:
        """The tasks that this one stands for in a run: itself, or one for each date."""
        if self.every is None:
            yield self._at({})
            return
        assert self.zone is not None
        first, last = max(start, self.starts or start), min(end, self.ends or end)
        for day, at in moments_of(self.every, self.zone, first, last):
            created = max(start, at - _MADE_BEFORE)
            yield self._at({"name": f"{self.name} {day}", "at": at, "created": created})

    def _at(self, values: dict[str, Any]) -> DatedTask:
        """A copy of this task with other values, each valid."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        fields |= dict.fromkeys(("every", *_RECURRING)) | values
        return DatedTask.model_construct(self.model_fields_set | set(values), **fields)


class DatedTask(GroupTask):
    """A group task that starts at one moment, as the console has it."""

    at: Instant
    """When it starts."""

    def made_at(self, start: datetime) -> datetime:
        """When it is made in the console, in a run from *start*."""
        return min(start, self.at) if self.created is None else self.created

    def last_at(self) -> datetime:
        """When its last number is handed over, at the latest."""
        if self.pace_per_s is None:
            return self.at
        numbers = sum(self.countries.values()) or MOST_NUMBERS
        return self.at + timedelta(seconds=min((numbers - 1) / self.pace_per_s, 1e9))
