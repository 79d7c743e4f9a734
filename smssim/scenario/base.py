"""What every part of a scenario is made of: frozen models, instants, delays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from smssim import inverse
from smssim.calendars import SECOND


class Part(BaseModel):
    """A part of a scenario: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _instant(value: object) -> object:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    raise ValueError(f"{value!r} must be a date or an ISO 8601 time such as 2026-12-01T09:00:00+08:00")


def _zone(value: str) -> str:
    if value not in _zones():
        raise ValueError(f"{value!r} must be an IANA time zone such as Asia/Jakarta")
    ZoneInfo(value)
    return value


@lru_cache(maxsize=1)
def _zones() -> set[str]:
    return available_timezones()


def _micro(amount: float) -> float:
    if abs(amount * 1e6 - round(amount * 1e6)) > 1e-3:
        raise ValueError(f"{amount} must have at most 6 decimals")
    return amount


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""A moment; without an offset it is UTC."""

Zone = Annotated[str, AfterValidator(_zone)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\- ]{0,63}$")]
Money = Annotated[float, Field(ge=0), AfterValidator(_micro)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=inverse.LONGEST_US / SECOND)]


def micro(amount: float) -> int:
    """An amount of money in micro-units of its currency."""
    return round(amount * 1e6)


def microseconds(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * SECOND)


class LogNormal(Part):
    """A log-normal delay by two of its percentiles."""

    median: float = Field(gt=0, le=1e6)
    """Half of all delays are shorter than this, in seconds."""
    p95: float = Field(gt=0, le=1e7)
    """Nineteen in twenty delays are shorter than this, in seconds."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.p95 <= self.median:
            raise ValueError(f"p95(={self.p95}) must be > median(={self.median})")
        return self


class SlowPart(LogNormal):
    """The part of a delay's distribution that is far slower, for phones that are off."""

    share: Share
    """The share of messages that are slow."""


class Delay(Part):
    """A duration: a plain number of seconds, or exactly one of the distributions below."""

    fixed_s: Seconds | None = None
    """Always this many seconds."""
    uniform_s: tuple[Seconds, Seconds] | None = None
    """Anywhere between two numbers of seconds."""
    exponential_s: Seconds | None = None
    """Memoryless, with this mean in seconds."""
    lognormal_s: LogNormal | None = None
    """Log-normal, by its median and 95th percentile in seconds."""
    slow: SlowPart | None = None
    """A slow part mixed into a log-normal."""

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"fixed_s": value} if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        kinds = ("fixed_s", "uniform_s", "exponential_s", "lognormal_s")
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"a delay is exactly one of {', '.join(kinds)}, not {given or 'none'}")
        if self.slow and not self.lognormal_s:
            raise ValueError("slow goes with lognormal_s only")
        if self.uniform_s and self.uniform_s[0] > self.uniform_s[1]:
            raise ValueError(f"uniform_s(={list(self.uniform_s)}) must go from less to more")
        return self

    def table(self) -> inverse.Quantiles:
        """The inverse table of this delay, in microseconds."""
        return _table(self)

    def _make_table(self) -> inverse.Quantiles:
        if self.fixed_s is not None:
            return inverse.fixed(microseconds(self.fixed_s))
        if self.uniform_s is not None:
            return inverse.uniform(*(microseconds(end) for end in self.uniform_s))
        if self.exponential_s is not None:
            return inverse.exponential(self.exponential_s * SECOND)
        assert self.lognormal_s is not None
        slow = self.slow and (self.slow.share, self.slow.median * SECOND, self.slow.p95 * SECOND)
        return inverse.lognormal(self.lognormal_s.median * SECOND, self.lognormal_s.p95 * SECOND, slow)


@lru_cache(maxsize=256)
def _table(delay: Delay) -> inverse.Quantiles:
    return delay._make_table()
