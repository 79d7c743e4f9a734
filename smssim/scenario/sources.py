"""Where messages come from: API traffic, calls written out one by one, group tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from smssim.calendars import HOUR
from smssim.scenario.base import (
    Country,
    Delay,
    Instant,
    Name,
    Part,
    Seconds,
    Share,
    Zone,
    microseconds,
)

Recipients = Annotated[int, Field(ge=1, le=500)]


class Resend(Part):
    """Users who ask for the password again when it is late."""

    patience: Delay = Delay(fixed_s=60)
    """Assumption: how long a user waits before asking again."""
    at_most: int = Field(default=2, ge=1, le=7)
    """Copies after the first, at most."""


class Traffic(Part):
    """API requests through the month: a mean rate with a daily and a weekly rhythm."""

    name: Name
    template: Name
    country: Country
    messages_a_day: float = Field(gt=0, le=1e8)
    """Expected messages a day, over the whole week."""
    hours: tuple[float, ...] = (1.0,) * 24
    """24 weights, local hours 0 to 23."""
    weekdays: tuple[float, ...] = (1.0,) * 7
    """7 weights, Monday first."""
    zone: Zone | None = None
    """The zone of the rhythm; without it, the country's capital's."""
    recipients: Recipients | dict[Recipients, Share] = 1
    """Numbers a request (at most 500), or the share of requests by numbers."""
    starts: Instant | None = None
    ends: Instant | None = None
    resolution_s: Seconds = 0
    """Requests sit on a grid of this many seconds, as those of a scheduled job do; 0 is a microsecond."""
    resend: Resend | None = None
    fraudulent: bool = False
    """An attack: traffic pumped through the customer's own forms."""

    @model_validator(mode="after")
    def _rhythm(self) -> Self:
        for name, weights, n in (("hours", self.hours, 24), ("weekdays", self.weekdays, 7)):
            if len(weights) != n or min(weights) < 0 or sum(weights) <= 0:
                raise ValueError(f"{name} must be {n} weights >= 0, not all 0")
        grid_us = microseconds(self.resolution_s)
        if grid_us and HOUR % grid_us:
            raise ValueError(f"resolution_s(={self.resolution_s}) must divide an hour")
        return self

    def recipient_shares(self) -> dict[int, float]:
        """The share of requests by their number of recipients."""
        if isinstance(self.recipients, int):
            return {self.recipients: 1.0}
        return dict(sorted(self.recipients.items()))


class Recipient(Part):
    """One number of a call; what is fixed here happens, the rest is left to the marks."""

    status: str | None = None
    """A status of the country's route, or `none` for no report."""
    latency_s: Seconds | None = None
    segments: int | None = Field(default=None, ge=1, le=8)


class Call(Part):
    """One API request at one moment."""

    at: Instant
    to: tuple[Recipient, ...] = Field(min_length=1, max_length=500)


class Calls(Part):
    """API requests written out one by one, so that a world can be computed by hand."""

    name: Name
    template: Name
    country: Country
    calls: tuple[Call, ...] = Field(min_length=1)
    resend: Resend | None = None


class GroupTask(Part):
    """A task of the Group SMS Assistant: a file of numbers, or a count by country (DOMAIN.md section 8)."""

    name: Name
    template: Name
    at: Instant
    file: Path | None = None
    """An XLSX with the numbers in column A; a relative path is looked for beside the scenario file, then above it."""
    countries: dict[Country, Annotated[int, Field(ge=1, le=1_000_000)]] = {}
    """Numbers by country, sent in this order; not with a file."""
    pace_per_s: float | None = Field(default=None, gt=0, le=1e6)
    """Assumption: without it all numbers are handed to the queue at the start of the task."""

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if (self.file is None) == (not self.countries):
            raise ValueError("give a file or countries, one of the two")
        if sum(self.countries.values()) > 1_000_000:
            raise ValueError(f"numbers(={sum(self.countries.values())}) must be <= 1000000 a task")
        return self
