"""Alarm and limit values, and the console's rules for them (DOMAIN.md section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from smssim.scenario.errors.problems import Violation
from smssim.scenario.fields import Count, Country, Flag, Int, ScenarioModel

__all__ = ["CountryLimit", "MainlandThresholds", "Thresholds", "check_thresholds"]


class CountryLimit(ScenarioModel):
    """A limit of one country; the international console may not have it (DOMAIN.md section 5)."""

    daily: Count | None = None
    """Messages a UTC day after which the country is refused (E000630)."""
    monthly: Count | None = None
    """Messages a UTC month after which the country is refused (E000630)."""


class MainlandThresholds(ScenarioModel):
    """Alarm and limit values for messages to mainland China (DOMAIN.md section 5)."""

    daily_alarm: Count = 400
    """Messages a UTC day after which the contacts are told; 400, as for international ones."""
    daily_limit: Count = 500
    """Messages a UTC day after which sending to mainland China stops until the next; 500."""
    monthly_alarm: Count = 8_000
    """Messages a UTC month after which the contacts are told; 8,000."""
    monthly_limit: Count = 10_000
    """Messages a UTC month after which sending to mainland China stops until the next; 10,000."""

    def violations(self) -> Iterator[Violation]:
        """The console's rules."""
        values = (self.daily_alarm, self.daily_limit, self.monthly_alarm, self.monthly_limit)
        for name, message in _broken_thresholds(*values):
            yield (_field_at_fault(self, name, message),), message


class Thresholds(ScenarioModel):
    """Alarm and limit values by UTC day and month (DOMAIN.md section 5)."""

    daily_alarm: Count = 400
    """Messages a UTC day after which the contacts are told; 400 is the console's default."""
    daily_limit: Count = 500
    """Messages a UTC day after which sending stops until the next day; 500 is the default."""
    monthly_alarm: Count = 8_000
    """Messages a UTC month after which the contacts are told; 8,000 is the console's default."""
    monthly_limit: Count = 10_000
    """Messages a UTC month after which sending stops until the next; 10,000 is the default."""
    trips: Literal["exceeds", "reaches"] = "exceeds"
    """Whether a value acts when the count is above it (seed document) or at it (newer pages)."""
    unit: Literal["message", "segment"] = "message"
    """Assumption: what is counted; the documents say SMSs."""
    counts_refused: Flag = True
    """Assumption: messages that the platform refuses after acceptance count too."""
    counting_error: Annotated[Int, Field(ge=0, le=100_000)] = 0
    """Assumption: by how many messages the platform may act too late, drawn anew each day and month
    from 0 to this; the documents say up to about 100, the default is none."""
    mainland: MainlandThresholds = Field(default_factory=lambda: MainlandThresholds())
    """The values for messages to mainland China, which are counted by themselves."""
    countries: dict[Country, CountryLimit] = {}
    """Assumption: limits by country, if the console offers them; none."""

    def violations(self) -> Iterator[Violation]:
        """The console's rules."""
        values = (self.daily_alarm, self.daily_limit, self.monthly_alarm, self.monthly_limit)
        for name, message in _broken_thresholds(*values):
            yield (_field_at_fault(self, name, message),), message
        total = sum(limit.monthly or 0 for limit in self.countries.values())
        if total > self.monthly_limit:
            message = f"monthly country limits(={total}) must be <= monthly_limit"
            yield ("countries",), f"{message}(={self.monthly_limit})"


def _field_at_fault(model: ScenarioModel, name: str, message: str) -> str:
    """The field to point at: one that the scenario sets, where the other is a default."""
    if name in model.model_fields_set:
        return name
    return next((other for other in model.model_fields_set if f"{other}(=" in message), name)


def check_thresholds(
    daily_alarm: int, daily_limit: int, monthly_alarm: int, monthly_limit: int
) -> None:
    """Raise a ValueError unless the four values obey the console's rules (DOMAIN.md section 5)."""
    violations = list(_broken_thresholds(daily_alarm, daily_limit, monthly_alarm, monthly_limit))
    if violations:
        raise ValueError("; ".join(message for _, message in violations))


def _broken_thresholds(
    daily_alarm: int, daily_limit: int, monthly_alarm: int, monthly_limit: int
) -> Iterator[tuple[str, str]]:
    """The name of a wrong value and the rule that it breaks."""
    if daily_limit <= daily_alarm:
        message = f"daily_limit(={daily_limit}) must be > daily_alarm(={daily_alarm})"
        yield "daily_limit", message
    if monthly_limit <= monthly_alarm:
        message = f"monthly_limit(={monthly_limit}) must be > monthly_alarm(={monthly_alarm})"
        yield "monthly_limit", message
    if monthly_limit <= daily_limit:
        message = f"monthly_limit(={monthly_limit}) must be > daily_limit(={daily_limit})"
        yield "monthly_limit", message
    for name, value in (("daily_alarm", daily_alarm), ("monthly_alarm", monthly_alarm)):
        if value < 1:
            yield name, f"{name}(={value}) must be positive"
