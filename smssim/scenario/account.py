"""The customer's side of the console: account, quotas, tickets, packages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from smssim.scenario.delays import Delay, Seconds
from smssim.scenario.errors.problems import Violation, as_written
from smssim.scenario.fields import (
    STATUS,
    Count,
    Country,
    Flag,
    Instant,
    Int,
    Money,
    Name,
    ScenarioModel,
    Zone,
    micro,
)
from smssim.scenario.network import Status
from smssim.scenario.recurrence import every_month

__all__ = [
    "Account",
    "Application",
    "Contact",
    "Frequency",
    "NumberRule",
    "Package",
    "Quota",
    "Ticket",
    "Times",
]

_ServiceMode = Literal["pay_per_use", "suspend"]
_PATTERN = r"^[0-9*]{4,11}$"
_NO_LIMIT = 10**9
Times = Annotated[Int, Field(ge=1, le=999)]


class Contact(ScenarioModel):
    """A person who is notified by SMS (DOMAIN.md section 5)."""

    name: Name
    """The contact's name."""
    traffic_warning: Flag = True
    """Whether the switch "traffic warning notification" is on."""


class NumberRule(ScenarioModel):
    """A rule of number control: which numbers are let through or blocked (DOMAIN.md section 5)."""

    pattern: Annotated[str, Field(pattern=_PATTERN)]
    """How the numbers begin, country code first: 4 to 11 digits and *, which is any one digit."""
    action: Literal["allow", "deny"] = "deny"
    """Whether numbers are blocked (E000632) or let through whatever else is denied."""
    saved: Instant | None = None
    """When it is saved in the console; without it, it is in force from the start."""


class Ticket(ScenarioModel):
    """A service ticket: the service mode is switched, or quota raised, when it is done."""

    at: Instant
    """When it is filed."""
    service_mode: _ServiceMode | None = None
    """The mode to switch to."""
    daily_limit: Count | None = None
    """The new upper bound of the daily limit, in messages a UTC day."""
    monthly_limit: Count | None = None
    """The new upper bound of the monthly limit, in messages a UTC month."""

    def violations(self) -> Iterator[Violation]:
        """It asks for something."""
        if self.service_mode is None and self.daily_limit is None and self.monthly_limit is None:
            yield (), "a ticket must ask for service_mode, daily_limit or monthly_limit"


class Account(ScenarioModel):
    """The account and the rules of its packages and money (DOMAIN.md sections 1 and 2)."""

    service_mode: _ServiceMode = "pay_per_use"
    """Mode 1, pay_per_use, the console's default: what no package covers is billed. Mode 2,
    suspend: sending stops when packages run out."""
    suspend_scope: Literal["country", "account"] = "country"
    """Assumption: in mode 2 a run-out stops the country whose package ran out, not all."""
    straddle: Literal["by_mode", "cover"] = "by_mode"
    """Assumption: a message that straddles the end of a package is split (mode 1) or refused
    (mode 2); cover lets the package carry it whole."""
    package_order: Literal["first_in_force", "nearest_expiry"] = "first_in_force"
    """The package in force first is used first, as the international site says; nearest expiry
    first is the Chinese site's rule."""
    expiry_zone: Zone = "Asia/Shanghai"
    """Assumption: packages end at 23:59:59 of their last day in this time zone, the platform's."""
    balance: Money | None = None
    """Prepaid money at the start, in the scenario's currency; without it the account never
    freezes."""
    frozen_status: Status = "E000112"
    """Assumption: the status of messages that still wait in the queue when the account freezes."""
    low_quota: dict[Country, Count] = {}
    """By country: a notice when the quota left comes down to this many segments."""
    contacts: tuple[Contact, ...] = Field(default=(), max_length=10)
    """Who is told by SMS of alarms, limits and low quota; at most 10, no one if nothing is said."""
    package_countries: tuple[Country, ...] = ("ID", "TH", "IN", "PH")
    """Countries that packages are sold for, in either mode, and the only ones that mode 2 reaches;
    Huawei's four, which a scenario may add others to."""
    regions: tuple[Country, ...] | None = None
    """Assumption: region settings, the only countries that are sent to (others: E000628); without
    them all are."""
    regions_after_s: Seconds = 0
    """Assumption: seconds from saving region settings until they are in force; at once."""
    frequency_code: Status = "E200048"
    """Assumption: the status in the answer of numbers that are sent to too often; not documented,
    seen in a third party's list."""
    number_rules: tuple[NumberRule, ...] = ()
    """Number control: rules for numbers by their beginnings, allow wins over deny; off without
    rules (DOMAIN.md section 5)."""
    number_rules_after_s: Seconds = 300
    """Seconds from saving a number rule until it is in force; about 5 minutes."""
    ticket_latency: Delay = Delay(fixed_s=86_400)
    """Assumption: from filing a service ticket (mode, quota) until it is done, in s; a day."""


class Quota(ScenarioModel):
    """What the account may have; raised by ticket (DOMAIN.md sections 4 and 5)."""

    applications: Count = 2
    """International applications; 2 until a ticket raises it."""
    templates: Count = 2_000
    """Templates an application; 2,000 until a ticket raises it."""
    daily_limit: Count = 500
    """Upper bound of the daily limit, in messages a UTC day; 500 until a ticket raises it."""
    monthly_limit: Count = 10_000
    """Upper bound of the monthly limit, in messages a UTC month; 10,000 until a ticket."""


class Package(ScenarioModel):
    """A prepaid package of segments to one country, bought at a moment or with the first approved
    template."""

    country: Country
    """The country it is for; Huawei sells packages for ID, TH, IN and PH."""
    segments: Count
    """Assumption: how many segments it holds; Huawei's package sizes are not public."""
    price: Money = 0
    """Assumption: what it costs, in the scenario's currency; Huawei's prices are not public."""
    price_per_segment: Money | None = None
    """Assumption: what each of its segments costs, instead of a price of the whole, so that another
    size has another price."""
    at: Instant | None = None
    """When it is bought; without it, at the start."""
    valid_months: Annotated[Count, Field(le=120)] | None = None
    """Ends on the same day this many months later; one month if nothing is said."""
    valid_days: Annotated[Count, Field(le=3_660)] | None = None
    """Ends this many days later, instead of months."""
    ends: Instant | None = None
    """The first instant after it, instead of a validity."""
    in_force: Instant | None = None
    """Since when it is in force, for a package of before the run: it is no purchase in it."""
    left: Annotated[Int, Field(ge=0)] | None = None
    """Segments that such a package still holds; all of them if nothing is said."""
    renew: Literal["monthly"] | None = None
    """Whether it is bought again every month, on the same local day and time of
    account.expiry_zone; once, if nothing is said."""
    renew_until: Instant | None = None
    """The first instant after its renewals; without it, the end of the run."""

    def violations(self) -> Iterator[Violation]:
        """One validity, one price, renewals that have an end only if there are some."""
        if self.renew_until is not None and self.renew is None:
            yield ("renew_until",), "renew_until goes with renew"
        if self.ends is not None and (self.valid_months or self.valid_days):
            yield ("ends",), "give ends or a validity, not both"
        begins = self.at if self.in_force is None else self.in_force
        if self.ends is not None and begins is not None and self.ends <= begins:
            yield ("ends",), f"{as_written(self.ends)} must be after {as_written(begins)}"
        if self.in_force is not None and (self.at is not None or self.renew is not None):
            yield ("in_force",), "a package that is in force already has neither at nor renew"
        if self.left is not None and self.in_force is None:
            yield ("left",), "left goes with in_force"
        elif self.left is not None and self.left > self.segments:
            yield ("left",), f"left(={self.left}) must be <= segments(={self.segments})"
        if self.price_per_segment is not None and "price" in self.model_fields_set:
            yield ("price_per_segment",), "give price or price_per_segment, not both"
        if self.valid_months is not None and self.valid_days is not None:
            yield ("valid_days",), "give valid_months or valid_days, not both"

    def dated(self, start: datetime, end: datetime, zone: str) -> Iterator[Package]:
        """The packages that this one stands for in a run: itself, and one for each renewal."""
        yield self
        if self.renew is None:
            return
        until = min(end, self.renew_until or end)
        for at in islice(every_month(self.at or start, zone, until), 1, None):
            yield self.model_copy(update={"at": at})

    @property
    def price_micro(self) -> int:
        """What the whole package costs, in micro-units of the currency."""
        if self.price_per_segment is None:
            return micro(self.price)
        return self.segments * micro(self.price_per_segment)


class Frequency(ScenarioModel):
    """How often one number may be sent to by an application (DOMAIN.md section 5)."""

    per_minute: Times | None = None
    """Messages a number and clock minute; at most 999."""
    per_hour: Times | None = None
    """Messages a number and clock hour; at most 999."""
    per_day: Times | None = None
    """Messages a number and calendar day of GMT+8; at most 999."""
    saved: Instant | None = None
    """When it is saved in the console; without it, it is in force from the start."""
    after_s: Seconds = 900
    """Seconds from saving until it is in force; 15 minutes."""

    def violations(self) -> Iterator[Violation]:
        """It limits something."""
        if self.per_minute is None and self.per_hour is None and self.per_day is None:
            yield (), "a frequency must limit per_minute, per_hour or per_day"

    @property
    def limits(self) -> tuple[int, int, int]:
        """Messages per minute, hour and day; a limit that is not set is never reached."""
        values = (self.per_minute, self.per_hour, self.per_day)
        return tuple(_NO_LIMIT if value is None else value for value in values)  # type: ignore[return-value]


class Application(ScenarioModel):
    """An application: its channel sends templates.

    Its secret is never printed: no text, file, fingerprint or error of ours holds it.
    """

    name: Name
    """Its name, by which templates refer to it."""
    created: Instant | None = None
    """When it is tried to create it; without it as soon as possible where the scenario has
    onboarding, else it exists from the start."""
    key: str | None = None
    """Its application key, for those who write their own requests."""
    secret: SecretStr | None = Field(default=None, exclude=True, repr=False)
    """Its application secret; it is read and never printed or written again."""
    address: str | None = None
    """Its access address."""
    channel: str | None = None
    """The channel number that its messages come from."""
    suspended: Instant | None = None
    """When it is suspended, for a violation; it is not if nothing is said."""
    reinstated: Instant | None = None
    """When a suspended application may send again; never if nothing is said."""
    suspended_code: Annotated[str, Field(pattern=STATUS)] = "E000103"
    """Assumption: the code that requests of a suspended application get; app_key unavailable."""
    addresses: tuple[str, ...] = Field(default=(), max_length=100)
    """The whitelist of addresses that requests may come from, at most 100; empty lets all in
    (others: E000620)."""
    addresses_saved: Instant | None = None
    """When the whitelist is saved; without it, it is in force from the start."""
    addresses_after_s: Seconds = 900
    """Seconds from saving the whitelist until it is in force; 10 to 15 minutes."""
    frequency: Frequency | None = None
    """How often one number may be sent to; as often as one likes if nothing is said."""
    batch_address: Flag = False
    """Whether it has an address for delivery reports of requests that name none; they come there in
    batches of at most 50 (DOMAIN.md section 7)."""

    def violations(self) -> Iterator[Violation]:
        """What is reinstated was suspended before."""
        if self.reinstated is not None and (
            self.suspended is None or self.reinstated <= self.suspended
        ):
            message = f"reinstated(={as_written(self.reinstated)}) must be after suspended"
            yield ("reinstated",), f"{message}(={as_written(self.suspended)})"

    def __getstate__(self) -> dict[Any, Any]:
        # A pickle is a file like others, which a secret is never written to.
        state: dict[Any, Any] = super().__getstate__()
        return {**state, "__dict__": {**state["__dict__"], "secret": None}}

    def __eq__(self, other: object) -> bool:
        # What is written and read again is the same application, and has no secret.
        return isinstance(other, Application) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash(self.model_dump_json())
