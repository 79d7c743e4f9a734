"""The customer's side of the console: account, quotas, applications, templates, packages, thresholds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from smssim.scenario.base import Country, Delay, Instant, Money, Name, Part, Share, Zone
from smssim.scenario.network import Status
from smssim.text import segments

Count = Annotated[int, Field(ge=1)]
ServiceMode = Literal["pay_per_use", "suspend"]


class Account(Part):
    """The account and the rules of its packages and money (DOMAIN.md sections 1 and 2)."""

    service_mode: ServiceMode = "pay_per_use"
    """Mode 1, pay_per_use: bill what no package covers. Mode 2, suspend: stop when packages run out."""
    suspend_scope: Literal["country", "account"] = "country"
    """Assumption: in mode 2 a run-out stops the country whose package ran out, not all."""
    straddle: Literal["by_mode", "cover"] = "by_mode"
    """Assumption: a message that straddles the end of a package is split (mode 1) or refused (mode 2)."""
    package_order: Literal["first_in_force", "nearest_expiry"] = "first_in_force"
    """The package in force first is used first (international site); nearest expiry first is the Chinese site's rule."""
    expiry_zone: Zone = "Asia/Shanghai"
    """Packages end at 23:59:59 of their last day in this zone."""
    balance: Money | None = None
    """Prepaid money at the start; without it the account never freezes."""
    frozen_status: Status = "E000112"
    """Assumption: the status of messages that still wait in the queue when the account freezes."""
    low_quota: dict[Country, Count] = {}
    """A notice when the quota left for a country comes down to this many segments."""
    contacts: Annotated[int, Field(ge=0, le=10)] = 1
    """Contacts who are told of alarms by SMS, at most 10."""


class Quota(Part):
    """What the account may have; raised by ticket (DOMAIN.md sections 4 and 5)."""

    applications: Count = 2
    """International applications."""
    templates: Count = 2_000
    """Templates an application."""
    daily_limit: Count = 500
    """Upper bound of the daily limit, until a ticket raises it."""
    monthly_limit: Count = 10_000
    """Upper bound of the monthly limit, until a ticket raises it."""


class Application(Part):
    """An application: its channel sends templates."""

    name: Name


class Template(Part):
    """A template of an application; its text or its segments say what a message costs."""

    name: Name
    application: Name
    type: Literal["otp", "notification"] = "otp"
    text: str | None = Field(default=None, max_length=500)
    """The text as the recipient sees it, to count segments."""
    segments: Count | dict[Count, Share] = 1
    """Segments a message, or the share of messages by segments; not with a text."""
    submitted: Instant | None = None
    """When it is handed in for review; without it, it was usable before the start."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.text is not None and "segments" in self.model_fields_set:
            raise ValueError("give text or segments, not both")
        if max(self.segment_shares()) > 8:
            raise ValueError(f"segments(={self.segments}) must be <= 8: a template holds 500 characters")
        return self

    def segment_shares(self) -> dict[int, float]:
        """The share of messages by their number of segments."""
        if self.text is not None:
            return {segments(self.text): 1.0}
        return {self.segments: 1.0} if isinstance(self.segments, int) else dict(sorted(self.segments.items()))


class Review(Part):
    """How templates are reviewed: on Chinese workdays, 09:00-18:00 GMT+8 (DOMAIN.md section 4)."""

    two_hours: Literal["wall", "working"] = "wall"
    """Assumption: the two hours are hours of the clock; working lets them rest from 18:00 to 09:00."""
    decision: Delay = Delay(uniform_s=(0, 7_200))
    """Assumption: when within the two hours the decision falls."""
    next_workday: Delay = Delay(uniform_s=(0, 32_400))
    """Assumption: after 18:00 or on a day off, when after 09:00 of the next workday the decision falls."""
    rejection: Share = 0.0
    """Assumption: the share of submissions that are rejected."""
    mending: Delay = Delay(fixed_s=3_600)
    """Assumption: how long a rejected template is mended before it is handed in again."""
    usable_after: Delay = Delay(fixed_s=300)
    """An approved template is usable about 5 minutes later."""
    extra_workdays: tuple[Instant, ...] = ()
    """Make-up days of a year not published yet."""
    extra_holidays: tuple[Instant, ...] = ()
    """Holidays of a year not published yet."""


class Package(Part):
    """A prepaid package of segments to one country, bought at a moment or with the first approved template."""

    country: Country
    segments: Count
    price: Money = 0
    """Assumption: Huawei's package prices are not public."""
    at: Instant | None = None
    """When it is bought; without it, at the start."""
    valid_months: Count | None = None
    """Ends on the same day this many months later; one month if nothing is said."""
    valid_days: Count | None = None

    @model_validator(mode="after")
    def _one_validity(self) -> Self:
        if self.valid_months is not None and self.valid_days is not None:
            raise ValueError("give valid_months or valid_days, not both")
        return self


class CountryLimit(Part):
    """A limit of one country; the international console may not have it (DOMAIN.md section 5)."""

    daily: Count | None = None
    monthly: Count | None = None


class Thresholds(Part):
    """Alarm and limit values by UTC day and month (DOMAIN.md section 5)."""

    daily_alarm: Count = 400
    daily_limit: Count = 500
    monthly_alarm: Count = 8_000
    monthly_limit: Count = 10_000
    trips: Literal["exceeds", "reaches"] = "exceeds"
    """Whether a value acts when the count is above it (seed document) or at it (newer pages)."""
    unit: Literal["message", "segment"] = "message"
    """Assumption: what is counted; the documents say SMSs."""
    counts_refused: bool = True
    """Assumption: messages that the platform refuses after acceptance count too."""
    countries: dict[Country, CountryLimit] = {}

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        check_thresholds(self.daily_alarm, self.daily_limit, self.monthly_alarm, self.monthly_limit)
        total = sum(limit.monthly or 0 for limit in self.countries.values())
        if total > self.monthly_limit:
            raise ValueError(f"monthly country limits(={total}) must be <= monthly_limit(={self.monthly_limit})")
        return self


def check_thresholds(daily_alarm: int, daily_limit: int, monthly_alarm: int, monthly_limit: int) -> None:
    """Raise a ValueError unless the four values obey the console's rules (DOMAIN.md section 5)."""
    if daily_limit <= daily_alarm:
        raise ValueError(f"daily_limit(={daily_limit}) must be > daily_alarm(={daily_alarm})")
    if monthly_limit <= monthly_alarm:
        raise ValueError(f"monthly_limit(={monthly_limit}) must be > monthly_alarm(={monthly_alarm})")
    if monthly_limit <= daily_limit:
        raise ValueError(f"monthly_limit(={monthly_limit}) must be > daily_limit(={daily_limit})")
    if daily_alarm < 1 or monthly_alarm < 1:
        raise ValueError(f"alarms(={daily_alarm}, {monthly_alarm}) must be positive")
